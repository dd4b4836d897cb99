//! An account for the time of a question: the portal itself is to say whether it takes what we write. Made and removed as
//! any other account is, with guards and journal.

use secrecy::{ExposeSecret, SecretString};

use crate::change::Watch;
use crate::db::Sql;
use crate::directory::accounts::{self, Draft};
use crate::directory::{Portal, delete, passwords};
use crate::error::Result;
use crate::portal::password;

/// What the name of every such account begins with.
const PREFIX: &str = "portaldesk-check-";

/// An account without groups, flags and address, and with a password that nobody else gets to know.
pub struct Scratch {
    /// Its name, such as `portaldesk-check-5f0c2a9e`.
    pub username: String,
    /// Its password.
    pub password: SecretString,
}

impl Scratch {
    /// A name and a password; nothing is written.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new() -> Result<Self> {
        let random = uuid::Uuid::now_v7().simple().to_string();
        // The last digits are the random ones.
        let digits = random.get(random.len().saturating_sub(8)..).unwrap_or(&random);
        Ok(Self { username: format!("{PREFIX}{digits}"), password: password::generate()?.into() })
    }

    /// Makes the account.
    ///
    /// # Errors
    /// As of every new account: denied, where this portal is only read.
    pub async fn make(&self, portal: &Portal) -> Result<()> {
        let writer = portal.writer()?;
        let encoded = passwords::hash(portal, self.password.expose_secret(), None).await?;
        let draft = Draft { encoded_password: Some(encoded), ..Draft::default() }
            .with("username", self.username.as_str())
            .with("email_notifications", "false");
        writer.apply(accounts::create(portal, &draft).await?).await.map(|_| ())
    }

    /// Removes the account with all that belongs to it; nothing where it is not there.
    ///
    /// # Errors
    /// As of every account that is deleted.
    pub async fn remove(&self, portal: &Portal) -> Result<()> {
        let sql = Sql::new("SELECT id FROM auth_user WHERE username = ?").bind(self.username.as_str());
        let Some(row) = portal.db.optional(sql).await? else { return Ok(()) };
        let plans = delete::plan(portal, row.int(0)?).await?;
        let title = format!("Delete {}", self.username);
        portal.writer()?.all_or_nothing(&title, plans, &Watch::default()).await.map(|_| ())
    }
}

/// The names of such accounts that are there: a program that was killed could not remove its own.
///
/// # Errors
/// What the engine says.
pub async fn left_behind(portal: &Portal) -> Result<Vec<String>> {
    let sql = Sql::new("SELECT username FROM auth_user WHERE username LIKE ? ORDER BY username LIMIT 20");
    let rows = portal.db.all(sql.bind(format!("{PREFIX}%"))).await?;
    rows.iter().map(|row| Ok(row.text(0)?)).collect()
}
