//! What stands in the way of working with this portal, and what to do about it. Nothing is changed by asking.

mod account;
mod hashers;
mod schema;
pub mod scratch;
mod server;

use chrono::Utc;

use super::{Portal, Settings};
use crate::change::Actor;
use crate::db::schema::Schema;
use crate::db::{Db, own};
use crate::error::Result;

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// As it should be.
    Ok,
    /// Worth knowing, and nothing to be done.
    Note,
    /// Something to be done when there is time.
    Warning,
    /// Something that does not work.
    Problem,
}

impl Status {
    /// The stable name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is about: `connection`, `grants`.
    pub area: &'static str,
    /// Which question of it: `version`.
    pub name: String,
    /// How it is.
    pub status: Status,
    /// The answer in words, without secrets.
    pub message: String,
    /// What to do, or the statements to run, a line each.
    pub remedy: Option<String>,
}

impl Item {
    /// An answer with nothing to be done.
    #[must_use]
    pub fn new(
        area: &'static str,
        name: impl Into<String>,
        status: Status,
        message: impl Into<String>,
    ) -> Self {
        Self { area, name: name.into(), status, message: message.into(), remedy: None }
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn mend(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    /// A question that found no answer: what the engine said instead.
    fn failed(area: &'static str, name: &str, error: &crate::error::Error) -> Self {
        Self::new(area, name, Status::Warning, format!("could not be looked at: {error}"))
    }
}

/// Everything that an open database can be asked. A question that fails is an answer too; the others go on.
pub async fn examine(db: &Db, settings: Settings) -> Vec<Item> {
    let mut items = server::connection(db).await;
    let schema = match Schema::read(db).await {
        Ok(schema) => schema,
        Err(error) => {
            items.push(Item::failed("schema", "catalogue", &error));
            return items;
        }
    };
    items.extend(schema::tables(db, &schema).await);
    items.extend(account::rights(db, &schema).await);
    if schema.is_portal().is_ok() {
        match Portal::over(db.clone(), settings, Actor::unix("doctor", None)).await {
            Ok(portal) => items.extend(hashers::answers(&portal).await),
            Err(error) => items.push(Item::failed("hashers", "portal", &error)),
        }
    }
    items.extend(clock(db).await.unwrap_or_else(|error| vec![Item::failed("clock", "skew", &error)]));
    items.extend(server::settings(db).await);
    items
}

/// How far the database's clock and ours are apart.
async fn clock(db: &Db) -> Result<Vec<Item>> {
    /// More than this is no longer the time that an answer takes.
    const APART: i64 = 60;
    let before = Utc::now();
    let theirs = own::now(&mut db.clone()).await?;
    let ours = before + (Utc::now() - before) / 2;
    let skew = (theirs - ours).num_seconds();
    Ok(vec![if skew.abs() <= APART {
        Item::new("clock", "skew", Status::Ok, "the database's clock and this machine's agree")
    } else {
        let which = if skew > 0 { "ahead of" } else { "behind" };
        let message = format!("the database's clock is {} s {which} this machine's", skew.abs());
        Item::new("clock", "skew", Status::Warning, message)
            .mend("Set both by NTP. Every time that is stored comes from the database's clock.")
    }])
}
