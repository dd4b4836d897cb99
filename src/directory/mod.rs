//! What people ask of accounts: queries that read, and intentions that become plans for `change`.

use std::path::PathBuf;
use std::sync::Arc;

use crate::change::{Account, Actor, Unsettled, Writer};
use crate::db::schema::Schema;
use crate::db::{Cancel, Db, Dialect, Sql, Target};
use crate::error::{Error, Result};
use crate::portal::access::Roles;
use crate::portal::password;

/// What the configuration says about accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The groups that are roles.
    pub roles: Roles,
    /// The least number of characters of a new password.
    pub minimum_password_length: usize,
    /// How new passwords are hashed.
    pub hasher: Hasher,
    /// Where tries to sign in are counted while the database takes no writes; without it they are not.
    pub tries_file: Option<PathBuf>,
    /// Where what stands in unsaved forms is kept; without it, it is not.
    pub drafts_folder: Option<PathBuf>,
    /// Where it is kept how lists were left; without it, it is not.
    pub lists_folder: Option<PathBuf>,
    /// Where saved filters are kept; without it, none can be saved.
    pub filters_folder: Option<PathBuf>,
    /// What the configuration calls this portal, for commands that are copied: `portaldesk @NAME`.
    pub called: Option<String>,
}

/// How new passwords are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hasher {
    /// As the portal's newest usable hashes are; on a database of our own Django's argon2.
    #[default]
    Auto,
    /// Django's `pbkdf2_sha256`.
    Pbkdf2Sha256,
    /// Django's argon2; the portal needs argon2-cffi to read it.
    Argon2,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            roles: Roles::default(),
            minimum_password_length: password::MINIMUM_LENGTH,
            hasher: Hasher::Auto,
            tries_file: None,
            drafts_folder: None,
            lists_folder: None,
            filters_folder: None,
            called: None,
        }
    }
}

/// Why nothing can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadOnly {
    /// `--read-only` or the configuration says so.
    Asked,
    /// Our own tables, which hold the journal, are not there yet.
    NoJournal,
}

impl std::fmt::Display for ReadOnly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Asked => "This portal is opened read-only; nothing was written.",
            Self::NoJournal => {
                "This portal is read-only: the tables that keep portaldesk's journal are not in its database. \
                 `portaldesk init` makes them. Nothing was written."
            }
        })
    }
}

/// An open portal: its database, its catalogue, and who works on it. Cheap to clone.
#[derive(Clone)]
pub struct Portal {
    /// The database.
    pub db: Db,
    /// Its catalogue when it was opened.
    pub schema: Arc<Schema>,
    /// What the configuration says.
    pub settings: Arc<Settings>,
    /// The same role groups, for those who need nothing else.
    pub roles: Arc<Roles>,
    /// Who works.
    pub actor: Arc<Actor>,
    /// Why nothing can be written, if so.
    pub read_only: Option<ReadOnly>,
    /// Finds words among many users.
    pub search: Arc<search::Search>,
    /// Operations of this program of which nobody knows yet whether they happened.
    pub unsettled: Arc<Unsettled>,
    /// We created this database, so the portal that may come to it later is not there to be matched.
    pub owned: bool,
}

impl Portal {
    /// Opens a portal's database.
    ///
    /// # Errors
    /// When it cannot be reached or is no portal.
    pub async fn open(target: &Target, settings: Settings, actor: Actor) -> Result<Self> {
        Self::over(Db::open(target).await?, settings, actor).await
    }

    /// The portal in a database that is open already.
    ///
    /// # Errors
    /// When it is no portal.
    pub async fn over(db: Db, settings: Settings, actor: Actor) -> Result<Self> {
        let schema = Schema::read(&db).await?;
        schema.is_portal()?;
        let journal = schema.has_own_tables();
        let read_only = match (db.target().read_only, journal) {
            (true, _) => Some(ReadOnly::Asked),
            (false, false) => Some(ReadOnly::NoJournal),
            (false, true) => None,
        };
        let owned = journal && setup::is_owned(&db).await?;
        Ok(Self {
            db,
            schema: Arc::new(schema),
            roles: Arc::new(settings.roles.clone()),
            settings: Arc::new(settings),
            actor: Arc::new(actor),
            search: Arc::default(),
            unsettled: Arc::default(),
            read_only,
            owned,
        })
    }

    /// The same portal, whose queries stop when `cancel` says so.
    #[must_use]
    pub fn cancellable(&self, cancel: &Cancel) -> Self {
        Self { db: self.db.cancellable(cancel), ..self.clone() }
    }

    /// The same portal for work that goes on when what asked for it is cancelled.
    #[must_use]
    pub fn uncancelled(&self) -> Self {
        Self { db: self.db.uncancelled(), ..self.clone() }
    }

    /// The same portal, used by someone signed in.
    #[must_use]
    pub fn signed_in(&self, account: Account) -> Self {
        Self { actor: Arc::new(self.actor.signed_in(account)), ..self.clone() }
    }

    /// The engine's SQL.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.db.dialect()
    }

    /// The way to write.
    ///
    /// # Errors
    /// Denied, when the portal is read-only.
    pub fn writer(&self) -> Result<Writer> {
        if let Some(why) = &self.read_only {
            return Err(Error::denied(why.to_string()));
        }
        Ok(Writer {
            db: self.db.clone(),
            schema: Arc::clone(&self.schema),
            roles: Arc::clone(&self.roles),
            actor: Arc::clone(&self.actor),
            unsettled: Arc::clone(&self.unsettled),
        })
    }

    /// Whether the database has this table, for queries that leave out what is missing.
    #[must_use]
    pub fn has_table(&self, name: &str) -> bool {
        self.schema.table(name).is_some()
    }

    /// How many rows a query counts; the query gives one integer.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn count(&self, sql: Sql) -> Result<i64> {
        Ok(self.db.one(sql).await?.int(0)?)
    }
}

pub mod accounts;
pub mod backup;
mod blocking;
pub mod bulk;
pub mod delete;
pub mod demo;
pub mod departments;
pub mod doctor;
pub mod drafts;
pub mod export;
pub mod extra;
pub mod filter;
pub mod first_superuser;
mod given;
pub mod groups;
pub mod history;
pub mod import;
pub mod leaving;
pub mod levels;
pub mod list_state;
pub mod listed;
pub mod lockouts;
pub mod moment;
pub mod names;
mod narrow;
pub mod nearest;
pub mod offboard;
mod order;
pub mod password_file;
pub mod password_test;
pub mod passwords;
pub mod permissions;
pub mod portal_ids;
pub mod private_file;
mod ranges;
pub mod record;
pub mod referring;
pub mod saved_filters;
pub mod search;
pub mod selection;
pub mod setup;
pub mod sign_in;
mod state_file;
pub mod stats;
pub mod template;
mod tries;
pub mod users;
pub mod why;
