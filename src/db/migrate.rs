//! Creates tables: the portal's own in an empty database, and ours (`portaldesk_*`) in any. An adopted portal's tables are
//! never created or altered here, and nothing is written into another program's bookkeeping: ours is
//! `portaldesk_migration`.

use super::schema::{OWN_TABLES, PORTAL_TABLES, Schema};
use super::{Db, Dialect, Sql};
use crate::error::{Error, Kind, Result};

/// One version of our own tables, by engine.
struct Version {
    number: i64,
    sqlite: &'static str,
    mysql: &'static str,
    postgres: &'static str,
}

impl Version {
    const fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::MySql => self.mysql,
            Dialect::Postgres => self.postgres,
        }
    }
}

/// Every version, oldest first. The file of a version ends by recording itself in `portaldesk_migration`.
const VERSIONS: [Version; 1] = [Version {
    number: 1,
    sqlite: include_str!("../../migrations/journal/sqlite/0001_journal.sql"),
    mysql: include_str!("../../migrations/journal/mysql/0001_journal.sql"),
    postgres: include_str!("../../migrations/journal/postgres/0001_journal.sql"),
}];

/// The version of our own tables that this program makes.
pub const NEWEST: i64 = VERSIONS[VERSIONS.len() - 1].number;

/// The rows that a migrated portal starts with; the same for all engines.
const PORTAL_ROWS: &str = include_str!("../../migrations/portal/0002_rows.sql");

const fn portal_tables(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => include_str!("../../migrations/portal/sqlite/0001_portal.sql"),
        Dialect::MySql => include_str!("../../migrations/portal/mysql/0001_portal.sql"),
        Dialect::Postgres => include_str!("../../migrations/portal/postgres/0001_portal.sql"),
    }
}

/// Makes the tables and first rows of a new portal, exactly as Django would, so that a real portal can take the database
/// over with a plain `migrate`.
///
/// # Errors
/// When the database is not empty (our own tables aside), when a MySQL database's character set is not utf8mb4, or what the
/// engine says. Nothing is left behind then.
pub async fn create_portal(db: &Db) -> Result<()> {
    let schema = Schema::read(db).await?;
    if !schema.is_empty() {
        let names = schema.tables.keys().filter(|name| !OWN_TABLES.contains(&name.as_str()));
        let names: Vec<&str> = names.map(String::as_str).take(5).collect();
        return Err(Error::conflict(format!(
            "The database is not empty (it holds {}…), so no portal was created in it; nothing was changed.",
            names.join(", ")
        )));
    }
    if db.dialect() == Dialect::MySql {
        check_character_set(db).await?;
    }
    let mut statements = split(portal_tables(db.dialect()));
    statements.extend(split(PORTAL_ROWS));
    let made = run(db, &statements).await;
    match made {
        // There was none of these before, so all of them are ours.
        Err(error) => Err(after_cleaning_up(db, error, PORTAL_TABLES.iter().map(|(name, _)| *name)).await),
        Ok(()) => Ok(()),
    }
}

/// Takes away what a failed creation left: MySQL commits every CREATE TABLE by itself. Gives the error that made it fail,
/// and says so where an account that may create tables may not drop them.
async fn after_cleaning_up(db: &Db, error: Error, names: impl IntoIterator<Item = &'static str>) -> Error {
    if db.dialect() != Dialect::MySql {
        return error;
    }
    match drop_tables(db, names).await {
        Ok(()) => error,
        Err(why) => {
            tracing::warn!(%why, "tables that were made before the failure could not be dropped");
            let message = format!(
                "{error} Tables that were made before that could not be dropped again; 'portaldesk init --remove' \
                 takes portaldesk's own away, by an account that may."
            );
            Error { message, ..error }
        }
    }
}

/// Django's tables take the database's own character set; only utf8mb4 holds every character of a name.
async fn check_character_set(db: &Db) -> Result<()> {
    let charset = db.one(Sql::new("SELECT @@character_set_database")).await?.text(0)?;
    if charset == "utf8mb4" {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "The database's character set is {charset}, which can't hold every name; nothing was created. \
         Run ALTER DATABASE … CHARACTER SET utf8mb4 first."
    )))
}

/// The statements that make our own tables from nothing, as [`create_own_tables`] runs them, to be shown before.
#[must_use]
pub fn own_statements(dialect: Dialect) -> Vec<&'static str> {
    VERSIONS.iter().flat_map(|version| split(version.text(dialect))).collect()
}

/// Makes our own tables, or brings older ones up to date. Does nothing when they are.
///
/// # Errors
/// When they were made by a newer program, when only some of them are there, or what the engine says.
pub async fn create_own_tables(db: &Db) -> Result<()> {
    let schema = Schema::read(db).await?;
    let there: Vec<&str> = OWN_TABLES.into_iter().filter(|name| schema.table(name).is_some()).collect();
    let version = own_version(db, &schema).await?;
    if version == 0 && !there.is_empty() {
        return Err(Error::conflict(format!(
            "Some of portaldesk's own tables are there already, left by an earlier attempt: {}. Nothing was changed; \
             'portaldesk init --remove' takes them away.",
            there.join(", ")
        )));
    }
    if version > 0 && there.len() < OWN_TABLES.len() {
        let missing: Vec<&str> = OWN_TABLES.into_iter().filter(|name| !there.contains(name)).collect();
        return Err(Error::conflict(format!(
            "Some of portaldesk's own tables were taken away: {} missing. Nothing was changed; \
             'portaldesk init --remove' takes away the others, then 'portaldesk init' makes all of them anew.",
            missing.join(", ")
        )));
    }
    let newer = VERSIONS.iter().filter(|known| known.number > version);
    let statements: Vec<_> = newer.flat_map(|known| split(known.text(db.dialect()))).collect();
    if statements.is_empty() {
        return Ok(());
    }
    let made = run(db, &statements).await;
    match made {
        Err(error) if version == 0 => Err(after_cleaning_up(db, error, OWN_TABLES).await),
        made => made,
    }
}

/// The version of our own tables; 0 where there are none, or where making them never came to an end.
///
/// # Errors
/// When it is newer than this program knows, or what the engine says.
pub async fn own_version(db: &Db, schema: &Schema) -> Result<i64> {
    if schema.table("portaldesk_migration").is_none() {
        return Ok(0);
    }
    let newest = db.one(Sql::new("SELECT MAX(version) FROM portaldesk_migration")).await?.int_opt(0)?;
    let newest = newest.unwrap_or(0);
    let known = NEWEST;
    if newest > known {
        return Err(Error::new(
            Kind::Usage,
            format!(
                "portaldesk's own tables in this database have version {newest}, and this program knows up to \
                 {known}: use the newer portaldesk that made them. Nothing was changed."
            ),
        ));
    }
    Ok(newest)
}

/// Drops our own tables, as many of them as there are, and nothing else.
///
/// # Errors
/// What the engine says.
pub async fn drop_own_tables(db: &Db) -> Result<()> {
    drop_tables(db, OWN_TABLES).await
}

/// The names are constants of this program.
async fn drop_tables(db: &Db, names: impl IntoIterator<Item = &'static str>) -> Result<()> {
    let statements = names.into_iter().map(|name| format!("DROP TABLE IF EXISTS {name}"));
    let mut statements: Vec<String> = statements.collect();
    if db.dialect() == Dialect::MySql {
        // Which table refers to which does not matter when all of them go.
        statements.insert(0, "SET SESSION foreign_key_checks = 0".to_owned());
        statements.push("SET SESSION foreign_key_checks = 1".to_owned());
        return Ok(db.script(statements).await?);
    }
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    run(db, &statements).await
}

/// Runs statements in one transaction. On MySQL every DDL statement ends it, so there they stand one by one.
async fn run(db: &Db, statements: &[&str]) -> Result<()> {
    let (begin, end) = match db.dialect() {
        Dialect::Sqlite => (Some("BEGIN IMMEDIATE"), Some("COMMIT")),
        Dialect::Postgres => (Some("BEGIN"), Some("COMMIT")),
        Dialect::MySql => (None, None),
    };
    let all = begin.into_iter().chain(statements.iter().copied()).chain(end);
    Ok(db.script(all.map(str::to_owned).collect()).await?)
}

/// Cuts a migration file into its statements, without the comments before each and the semicolon behind. Knows quotes and
/// `--` comments; our files use nothing else that may hold a semicolon.
fn split(text: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let (mut start, mut quote, mut comment, mut previous) = (0, None, false, '\0');
    for (at, c) in text.char_indices() {
        match (comment, quote, c) {
            (true, _, '\n') => comment = false,
            (false, Some(open), _) if c == open => quote = None,
            (false, None, '\'' | '"' | '`') => quote = Some(c),
            (false, None, '-') if previous == '-' => comment = true,
            (false, None, ';') => {
                statements.push(without_leading_comments(&text[start..at]));
                start = at + 1;
            }
            _ => {}
        }
        previous = c;
    }
    statements.push(without_leading_comments(&text[start..]));
    statements.retain(|statement| !statement.is_empty());
    statements
}

fn without_leading_comments(mut text: &str) -> &str {
    loop {
        text = text.trim();
        if !text.starts_with("--") {
            return text;
        }
        text = text.split_once('\n').map_or("", |(_, rest)| rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIALECTS: [Dialect; 3] = [Dialect::Sqlite, Dialect::MySql, Dialect::Postgres];

    #[test]
    fn files_are_cut_at_the_semicolons_that_end_statements() {
        let text = "-- one; two\nINSERT INTO a VALUES (';', '--');\n\n-- more\nCREATE TABLE \"x;y\" (\n  b int -- c; d\n);\n";
        assert_eq!(
            split(text),
            ["INSERT INTO a VALUES (';', '--')", "CREATE TABLE \"x;y\" (\n  b int -- c; d\n)"]
        );
        assert!(split("-- nothing\n").is_empty());
    }

    #[test]
    fn our_statements_touch_our_tables_only() {
        for dialect in DIALECTS {
            let statements = own_statements(dialect);
            for statement in &statements {
                let words: Vec<&str> = statement.split_whitespace().collect();
                let (["CREATE", "TABLE" | "INDEX", table, ..] | ["INSERT", "INTO", table, ..]) =
                    words.as_slice()
                else {
                    panic!("unexpected: {statement}")
                };
                assert!(table.starts_with("portaldesk_"), "{statement}");
            }
            let created = |name: &&str| {
                statements.iter().any(|text| text.starts_with(&format!("CREATE TABLE {name} (")))
            };
            assert!(OWN_TABLES.iter().all(created), "{dialect:?}");
            assert!(statements.iter().any(|text| text.starts_with("INSERT INTO portaldesk_migration")));
        }
    }

    #[test]
    fn a_portal_has_all_its_tables_on_every_engine() {
        for dialect in DIALECTS {
            let statements = split(portal_tables(dialect));
            for (name, _) in PORTAL_TABLES {
                let made =
                    |text: &&str| text.replace(['"', '`'], "").starts_with(&format!("CREATE TABLE {name} ("));
                assert_eq!(statements.iter().filter(|text| made(text)).count(), 1, "{name} {dialect:?}");
            }
        }
        assert!(split(PORTAL_ROWS).iter().all(|text| text.starts_with("INSERT INTO ")));
    }
}
