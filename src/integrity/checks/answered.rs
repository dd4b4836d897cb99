//! What answers to a decision name: accounts that something is to be given to.

use crate::change::{Image, Require};
use crate::db::Sql;
use crate::directory::Portal;
use crate::error::{Error, Kind, Result};
use crate::integrity::decision::Answers;
use crate::portal::rules;

/// The rule for a username that has to be there: whether it is, the database says later.
pub(super) fn typed_username(text: &str) -> Vec<String> {
    if rules::is_blank(text) { vec![rules::REQUIRED.to_owned()] } else { Vec::new() }
}

/// The answer to a question.
///
/// # Errors
/// Invalid, naming the question, when there is none.
pub(super) fn answer<'a>(answers: &'a Answers, question: &str) -> Result<&'a str> {
    answers.get(question).map(String::as_str).ok_or_else(|| refused(question, "This has to be decided."))
}

/// The refusal of an answer.
pub(super) fn refused(question: &str, why: impl Into<String>) -> Error {
    Error::field(Kind::Invalid, question, format!("{} Nothing was written.", why.into()))
}

/// An account that is there.
#[derive(Debug, Clone)]
pub(super) struct Named {
    /// Its id.
    pub(super) id: i64,
    /// Its username: unsafe to print.
    pub(super) username: String,
}

impl Named {
    /// That it stays there.
    pub(super) fn is_there(&self) -> Require {
        Require::Row { table: "auth_user".to_owned(), key: Image::id(self.id) }
    }
}

/// The account of this name, by the engine's own equality; nothing when there is none.
pub(super) async fn find(portal: &Portal, username: &str) -> Result<Option<Named>> {
    let sql = Sql::new("SELECT id, username FROM auth_user WHERE username = ? ORDER BY id LIMIT 1");
    let row = portal.db.optional(sql.bind(username)).await?;
    row.map(|row| Ok(Named { id: row.int(0)?, username: row.text(1)? })).transpose()
}

/// The account that an answer names.
///
/// # Errors
/// Invalid, naming the question, when there is none.
pub(super) async fn named(portal: &Portal, question: &str, answer: &str) -> Result<Named> {
    let missing = || refused(question, format!("There is no user {}.", super::quoted(answer)));
    find(portal, rules::strip(answer)).await?.ok_or_else(missing)
}
