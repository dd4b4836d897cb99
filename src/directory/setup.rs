//! Making a portal's database, making our own tables in one, and taking ours away again.

use crate::db::schema::{OWN_TABLES, Schema};
use crate::db::{Db, Dialect, Sql, Target, grants, migrate, own};
use crate::error::{Error, Result};

/// The setting that marks a database as made by us.
const OWNED: &str = "owned";

/// Makes a whole portal in an empty database: its tables as Django makes them, our own, and the mark that it is ours.
/// An SQLite file is created.
///
/// # Errors
/// When the database holds tables already; what the engine says.
pub async fn create(target: &Target) -> Result<Db> {
    let db = Db::create(target).await?;
    migrate::create_portal(&db).await?;
    migrate::create_own_tables(&db).await?;
    own::set_setting(&db, "", OWNED, Some("yes")).await?;
    Ok(db)
}

/// Whether we made this database, which must have our own tables.
///
/// # Errors
/// What the engine says.
pub async fn is_owned(db: &Db) -> Result<bool> {
    Ok(own::setting(db, "", OWNED).await?.as_deref() == Some("yes"))
}

/// What `init` would do to a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// It is empty: everything.
    Everything,
    /// It is a portal: our own tables.
    OwnTables,
    /// Nothing, all is there.
    Nothing,
}

/// Looks what is there.
///
/// # Errors
/// When it holds tables but is no portal; what the engine says.
pub async fn needed(db: &Db) -> Result<Needed> {
    let schema = Schema::read(db).await?;
    if schema.is_empty() {
        return Ok(if schema.has_own_tables() { Needed::Nothing } else { Needed::Everything });
    }
    schema.is_portal()?;
    Ok(if schema.has_own_tables() { Needed::Nothing } else { Needed::OwnTables })
}

/// The statements that make our own tables, as they will be run.
#[must_use]
pub fn own_statements(dialect: Dialect) -> Vec<&'static str> {
    migrate::own_statements(dialect)
}

/// The grants that the database account needs to work, and the one that it needs only for making our tables.
///
/// # Errors
/// What the engine says.
pub async fn grants(db: &Db) -> Result<Vec<String>> {
    Ok(grants::for_writing(db).await?)
}

/// Makes our own tables in a portal's database.
///
/// # Errors
/// What the engine says; on SQLite and PostgreSQL nothing was then made.
pub async fn create_own_tables(db: &Db) -> Result<()> {
    migrate::create_own_tables(db).await
}

/// The whole journal as JSON lines, to be kept before our tables go. Images are in it: the file must be kept as safe
/// as the database.
///
/// # Errors
/// What the engine says.
pub async fn export_journal(db: &Db) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    // An attempt to make our tables may have ended before there was a journal.
    if !Schema::read(db).await?.has_own_tables() {
        return Ok(lines);
    }
    for listed in own::changes(db, &own::Wanted::default()).await?.into_iter().rev() {
        let rows = own::change_rows(db, listed.id).await?;
        lines.push(own::export_line(&listed.change, &rows));
    }
    Ok(lines)
}

/// Takes every one of our tables away. The portal's own are not touched.
///
/// # Errors
/// When there are none; what the engine says.
pub async fn remove_own_tables(db: &Db) -> Result<()> {
    has_something_to_remove(db).await?;
    migrate::drop_own_tables(db).await
}

/// Refuses to take away what is not there.
///
/// # Errors
/// When there are no tables of ours; what the engine says.
pub async fn has_something_to_remove(db: &Db) -> Result<()> {
    let schema = Schema::read(db).await?;
    // Some are enough: an attempt to make them may have ended halfway.
    if !OWN_TABLES.iter().any(|name| schema.table(name).is_some()) {
        return Err(Error::invalid("There are no portaldesk tables in this database; nothing was removed."));
    }
    Ok(())
}

/// Whether a superuser exists, active or not: then no first one is offered.
///
/// # Errors
/// What the engine says.
pub async fn has_superuser(db: &Db) -> Result<bool> {
    let sql = Sql::new("SELECT 1 FROM auth_user WHERE is_superuser = ? LIMIT 1").bind(true);
    Ok(db.optional(sql).await?.is_some())
}
