//! New passwords of a run: made up, written down, hashed, and forgotten in clear before the plan is given.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use zeroize::Zeroizing;

use super::parts::Encoded;
use crate::directory::accounts::Rows;
use crate::directory::password_file::PasswordFile;
use crate::directory::{Portal, passwords};
use crate::error::{Error, Result};
use crate::portal::password::{self, About, Recipe};

/// How often another password is made up for an account that would be refused the first.
const TRIES: usize = 5;

/// The passwords of the accounts that are being planned.
pub(super) struct Secrets {
    file: PasswordFile,
    /// How they are hashed, once that was looked up.
    recipe: Option<Recipe>,
    /// Of the accounts of which it is not known yet whether they get theirs.
    encoded: Encoded,
    /// The names of those whose password stands in the file and was not set, or not yet.
    waiting: BTreeMap<i64, String>,
}

impl Secrets {
    pub(super) fn new(file: PasswordFile) -> Self {
        Self { file, recipe: None, encoded: Encoded::new(), waiting: BTreeMap::new() }
    }

    /// Those that are to be set.
    pub(super) fn encoded(&self) -> &Encoded {
        &self.encoded
    }

    /// Makes up passwords for those of these accounts that have none yet.
    pub(super) async fn make(&mut self, portal: &Portal, accounts: &BTreeMap<i64, Rows>) -> Result<()> {
        let mut made: Vec<(i64, String, Recipe, Zeroizing<String>)> = Vec::new();
        let recipe = match self.recipe {
            Some(recipe) => recipe,
            None => passwords::recipe(portal).await?,
        };
        self.recipe = Some(recipe);
        for (id, rows) in accounts.iter().filter(|(id, _)| !self.encoded.contains_key(id)) {
            let old = rows.user.text("password").unwrap_or_default();
            made.push((*id, rows.username(), recipe.not_cheaper_than(old), made_up(portal, rows)?));
        }
        if made.is_empty() {
            return Ok(());
        }
        for (_, name, _, password) in &made {
            self.file.add(name, password)?;
        }
        self.file.sync()?;
        self.waiting.extend(made.iter().map(|(id, name, ..)| (*id, name.clone())));
        let hashed = made.iter().map(|(id, _, recipe, password)| async move {
            Ok::<_, Error>((*id, passwords::hash_by(*recipe, password).await?))
        });
        self.encoded.extend(try_join_all(hashed).await?);
        Ok(())
    }

    /// These accounts got theirs.
    pub(super) fn set(&mut self, accounts: impl Iterator<Item = i64>) {
        for id in accounts {
            self.encoded.remove(&id);
            self.waiting.remove(&id);
        }
    }

    /// Takes out of the file what was not set.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.encoded.clear();
        self.file.finish(&std::mem::take(&mut self.waiting).into_values().collect())
    }
}

/// A password that this account may have.
fn made_up(portal: &Portal, rows: &Rows) -> Result<Zeroizing<String>> {
    let text = |column: &str| rows.user.text(column).unwrap_or("");
    let about = About {
        username: text("username"),
        first_name: text("first_name"),
        last_name: text("last_name"),
        email: text("email"),
    };
    let mut refused = None;
    for _ in 0..TRIES {
        let made = Zeroizing::new(password::generate()?);
        match passwords::check(portal, &made, &about) {
            Ok(()) => return Ok(made),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| Error::bug("no password was made up")))
}
