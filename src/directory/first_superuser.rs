//! The first superuser of a portal that has none, made with everything a portal expects of one: the role groups, a
//! profile, and a place in the Admin group.

use crate::change::Account;
use crate::db::Sql;
use crate::error::{Error, Result};
use crate::portal::access::Level;
use crate::portal::password::About;

use super::accounts::{self, Draft, Groups};
use super::{Portal, groups, passwords, setup};

/// Makes the role groups that are missing and then the superuser, each as a plan in the journal.
///
/// # Errors
/// Invalid, by field, before anything is written; conflict where there is a superuser already; what the engine says.
pub async fn create(portal: &Portal, username: &str, password: &str) -> Result<Account> {
    let writer = portal.writer()?;
    if setup::has_superuser(&portal.db).await? {
        return Err(Error::conflict("This portal has a superuser already; nothing was written. Sign in."));
    }
    let mut draft =
        Draft::default().with("username", username).with("is_staff", "true").with("is_superuser", "true");
    // A wrong name or password is refused before the groups are made.
    accounts::create(portal, &draft).await?;
    passwords::check(portal, password, &About { username, ..About::default() })?;
    writer.apply(groups::setup(portal).await?).await?;
    let admin = groups::choices(portal).await?.into_iter().find(|group| group.level == Some(Level::Admin));
    draft.groups = Groups::Set(admin.into_iter().map(|group| group.id).collect());
    draft.encoded_password = Some(passwords::hash(portal, password, None).await?);
    writer.apply(accounts::create(portal, &draft).await?).await?;
    let sql = Sql::new("SELECT id, username FROM auth_user WHERE is_superuser = ?").bind(true);
    let row = portal.db.one(sql).await?;
    Ok(Account { id: row.int(0)?, username: row.text(1)? })
}
