//! The journal: what is written into it, how it is read in pages, and what of it is forgotten.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::db::{Db, DbError, DbErrorKind, Row, Sql, Tx, like_text};

/// How many rows one INSERT of journal rows carries: nine values each, and SQLite takes 32,766.
const ROWS_AT_ONCE: usize = 200;

/// One applied plan, as `portaldesk_change` keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The operation id (UUID version 7), unique.
    pub operation: String,
    /// The run it belongs to.
    pub run: String,
    /// Its number within the run, from 1.
    pub run_seq: i64,
    /// When, by the database's clock.
    pub made: DateTime<Utc>,
    /// The portal account that did it, where there is one.
    pub actor_id: Option<i64>,
    /// That account's username then.
    pub actor: Option<String>,
    /// The Unix user at the keyboard.
    pub unix_user: String,
    /// The address that user came from over SSH.
    pub ssh_from: Option<String>,
    /// Which start of the program it was.
    pub sitting: String,
    /// What was done, in words.
    pub title: String,
    /// The ticket it was done for.
    pub ticket: Option<String>,
    /// The operation that it takes back.
    pub undo_of: Option<String>,
    /// How many rows of portal tables it wrote.
    pub row_count: i64,
    /// The hash of the sitting's previous change, or empty.
    pub previous_hash: String,
    /// The hash over the previous one, this header and the digests of the rows.
    pub hash: String,
}

impl Change {
    /// Who made it, for people: a portal account, or `unix:root` where nobody was signed in.
    #[must_use]
    pub fn by(&self) -> String {
        self.actor.clone().unwrap_or_else(|| format!("unix:{}", self.unix_user))
    }
}

/// One row of a change, as `portaldesk_change_row` keeps it. Images are JSON objects of column to [`Cell`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its number within the change, from 1.
    pub seq: i64,
    /// `insert`, `update`, `delete`, `counter` or `ddl`.
    pub kind: String,
    /// The table.
    pub table_name: String,
    /// The key as JSON.
    pub row_key: String,
    /// The portal user whom the row concerns.
    pub user_id: Option<i64>,
    /// The row before, unless it was inserted.
    pub before_image: Option<String>,
    /// The row after, unless it was deleted.
    pub after_image: Option<String>,
    /// SHA-256 over all of these, in hexadecimal.
    pub digest: String,
}

/// A change as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedChange {
    /// The change.
    pub change: Change,
    /// Its id: later changes have higher ones.
    pub id: i64,
    /// The newest operation that took it back and was not taken back itself.
    pub undone_by: Option<String>,
}

/// A row of the portal's, and the columns by which rows that say something about it refer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutRow {
    /// Its table, whose key is `id`.
    pub table: &'static str,
    /// Its id.
    pub id: i64,
    /// Tables, and the columns of them that hold the id.
    pub links: &'static [(&'static str, &'static str)],
}

/// Which changes to list, and from where on.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only those that wrote rows of this portal user.
    pub about_user: Option<i64>,
    /// Only those that wrote this row, or that changed what refers to it.
    pub about_row: Option<AboutRow>,
    /// Only those by this portal account or Unix user; `unix:NAME` is a Unix user who acted without an account.
    pub by: Option<String>,
    /// Only those made at or after this moment.
    pub since: Option<DateTime<Utc>>,
    /// Only those made before this moment.
    pub until: Option<DateTime<Utc>>,
    /// Only this operation, or the operations of this run.
    pub id: Option<String>,
    /// Only this sitting.
    pub sitting: Option<String>,
    /// Only those with every one of these in the title, whatever the case.
    pub words: Vec<String>,
    /// Only those that changed every one of these: of each, a table and its column, or any row of the table.
    pub fields: Vec<&'static [(&'static str, Option<&'static str>)]>,
    /// Only those with an id up to this one.
    pub newest: Option<i64>,
    /// Only those with an id above this one.
    pub above: Option<i64>,
    /// In the order in which they were made; otherwise the newest first.
    pub oldest_first: bool,
    /// At most so many.
    pub limit: Option<i64>,
}

/// The hash at the end of a sitting's chain, or the empty string.
///
/// # Errors
/// What the engine says.
pub async fn last_hash(tx: &mut Tx, sitting: &str) -> Result<String, DbError> {
    let sql = Sql::new("SELECT hash FROM portaldesk_change WHERE sitting = ? ORDER BY id DESC LIMIT 1")
        .bind(sitting);
    tx.optional(sql).await?.map_or(Ok(String::new()), |row| row.text(0))
}

/// Writes a change and its rows.
///
/// # Errors
/// What the engine says.
pub async fn record(tx: &mut Tx, change: &Change, rows: &[ChangeRow]) -> Result<(), DbError> {
    let sql = Sql::new(
        "INSERT INTO portaldesk_change (operation, run, run_seq, made, actor_id, actor, unix_user, ssh_from, sitting, \
         title, ticket, undo_of, row_count, previous_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(change.operation.as_str())
    .bind(change.run.as_str())
    .bind(change.run_seq)
    .bind(change.made)
    .bind(change.actor_id)
    .bind(change.actor.clone())
    .bind(change.unix_user.as_str())
    .bind(change.ssh_from.clone())
    .bind(change.sitting.as_str())
    .bind(change.title.as_str())
    .bind(change.ticket.clone())
    .bind(change.undo_of.clone())
    .bind(change.row_count)
    .bind(change.previous_hash.as_str())
    .bind(change.hash.as_str());
    let id = match tx.insert(sql).await {
        // Another task of this sitting wrote meanwhile: the chain goes on from there.
        Err(error) if error.kind == DbErrorKind::Unique && on_chain(&error) => {
            return Err(DbError { kind: DbErrorKind::Retry, ..error });
        }
        result => result?,
    };
    for part in rows.chunks(ROWS_AT_ONCE) {
        tx.execute(insert_rows(id, part)).await?;
    }
    Ok(())
}

/// The constraint by its name, or on SQLite by its columns.
fn on_chain(error: &DbError) -> bool {
    let name = error.constraint.as_deref().unwrap_or_default();
    name.contains("portaldesk_change_chain") || name.contains("previous_hash")
}

fn insert_rows(change: i64, rows: &[ChangeRow]) -> Sql {
    let mut sql = Sql::new(
        "INSERT INTO portaldesk_change_row (change_id, seq, kind, table_name, row_key, user_id, before_image, \
         after_image, digest) VALUES ",
    );
    for (index, row) in rows.iter().enumerate() {
        sql = sql
            .push(if index == 0 { "(?, ?, ?, ?, ?, ?, ?, ?, ?)" } else { ", (?, ?, ?, ?, ?, ?, ?, ?, ?)" })
            .bind(change)
            .bind(row.seq)
            .bind(row.kind.as_str())
            .bind(row.table_name.as_str())
            .bind(row.row_key.as_str())
            .bind(row.user_id)
            .bind(row.before_image.clone())
            .bind(row.after_image.clone())
            .bind(row.digest.as_str());
    }
    sql
}

/// The changes wanted.
///
/// # Errors
/// What the engine says.
pub async fn changes(db: &Db, wanted: &Wanted) -> Result<Vec<ListedChange>, DbError> {
    let sql = Sql::new(
        "SELECT c.id, c.operation, c.run, c.run_seq, c.actor_id, c.actor, c.unix_user, c.ssh_from, c.sitting, \
         c.title, c.ticket, c.undo_of, c.row_count, c.previous_hash, c.hash, \
         (SELECT MAX(u.operation) FROM portaldesk_change u WHERE u.undo_of = c.operation \
         AND NOT EXISTS (SELECT 1 FROM portaldesk_change v WHERE v.undo_of = u.operation)), ",
    )
    .time("c.made")
    .push(" FROM portaldesk_change c WHERE 1 = 1");
    let mut sql = matching(sql, wanted);
    sql = sql.push(if wanted.oldest_first { " ORDER BY c.id" } else { " ORDER BY c.id DESC" });
    if let Some(limit) = wanted.limit {
        sql = sql.push_bind(" LIMIT ?", limit);
    }
    db.all(sql).await?.iter().map(listed).collect()
}

/// How many changes are wanted, whatever the limit.
///
/// # Errors
/// What the engine says.
pub async fn count_changes(db: &Db, wanted: &Wanted) -> Result<i64, DbError> {
    let sql = Sql::new("SELECT COUNT(*) FROM portaldesk_change c WHERE 1 = 1");
    db.one(matching(sql, wanted)).await?.int(0)
}

fn matching(mut sql: Sql, wanted: &Wanted) -> Sql {
    if let Some(user) = wanted.about_user {
        sql = sql.push_bind(
            " AND c.id IN (SELECT r.change_id FROM portaldesk_change_row r WHERE r.user_id = ?)",
            user,
        );
    }
    if let Some(row) = &wanted.about_row {
        sql = about(sql, row);
    }
    if let Some(unix) = wanted.by.as_deref().and_then(|by| by.strip_prefix("unix:")) {
        sql = sql.push_bind(" AND c.actor IS NULL AND c.unix_user = ?", unix);
    } else if let Some(by) = &wanted.by {
        sql = sql.push_bind(" AND (c.actor = ?", by.as_str()).push_bind(" OR c.unix_user = ?)", by.as_str());
    }
    if let Some(since) = wanted.since {
        sql = sql.push_bind(" AND c.made >= ?", since);
    }
    if let Some(until) = wanted.until {
        sql = sql.push_bind(" AND c.made < ?", until);
    }
    if let Some(id) = &wanted.id {
        sql = sql.push_bind(" AND (c.operation = ?", id.as_str()).push_bind(" OR c.run = ?)", id.as_str());
    }
    if let Some(sitting) = &wanted.sitting {
        sql = sql.push_bind(" AND c.sitting = ?", sitting.as_str());
    }
    for word in &wanted.words {
        // Both sides folded by the engine: our tables tell capitals apart on MySQL.
        let pattern = format!("%{}%", like_text(word));
        sql = sql.push_bind(" AND LOWER(c.title) LIKE LOWER(?) ESCAPE '!'", pattern);
    }
    for columns in &wanted.fields {
        sql = changing(sql, columns);
    }
    if let Some(newest) = wanted.newest {
        sql = sql.push_bind(" AND c.id <= ?", newest);
    }
    if let Some(above) = wanted.above {
        sql = sql.push_bind(" AND c.id > ?", above);
    }
    sql
}

/// Changes that wrote a row, or after which a row refers to it that did not before, or no longer does.
fn about(sql: Sql, row: &AboutRow) -> Sql {
    let mut sql = sql
        .push(" AND EXISTS (SELECT 1 FROM portaldesk_change_row r WHERE r.change_id = c.id AND (")
        .push_bind("(r.table_name = ?", row.table)
        .push_bind(" AND r.row_key = ?)", format!("{{\"id\":{}}}", row.id));
    for (table, column) in row.links {
        sql = sql.push_bind(" OR (r.table_name = ?", *table);
        for (image, then) in [(" AND CASE WHEN r.before_image", " <> "), ("CASE WHEN r.after_image", ")")] {
            // An image is written without blanks, its columns in the table's order.
            let end = |end: char| format!("%{}%", like_text(&format!("\"{column}\":{}{end}", row.id)));
            sql = sql.push(image).push_bind(" LIKE ? ESCAPE '!'", end(',')).push(" OR ");
            sql = sql.push(if then == ")" { "r.after_image" } else { "r.before_image" });
            sql = sql.push_bind(" LIKE ? ESCAPE '!'", end('}')).push(" THEN 1 ELSE 0 END").push(then);
        }
    }
    sql.push("))")
}

/// Changes with a row whose images differ in one of these columns. What was pruned is not known to have changed anything.
fn changing(sql: Sql, columns: &[(&'static str, Option<&'static str>)]) -> Sql {
    let mut sql =
        sql.push(" AND EXISTS (SELECT 1 FROM portaldesk_change_row f WHERE f.change_id = c.id AND (1 = 0");
    for (table, column) in columns {
        sql = sql.push_bind(" OR (f.table_name = ?", *table);
        if let Some(column) = column {
            sql = sql.push(" AND ").json("f.before_image", column).push(" <> ").json("f.after_image", column);
        }
        sql = sql.push(")");
    }
    sql.push("))")
}

/// Appends a condition on `u.id`: the users whose rows an operation, or a run, has written.
#[must_use]
pub fn touched_by(sql: Sql, operation: &str) -> Sql {
    sql.push(
        "u.id IN (SELECT t.user_id FROM portaldesk_change_row t JOIN portaldesk_change c ON c.id = t.change_id \
         WHERE t.user_id IS NOT NULL",
    )
    .push_bind(" AND (c.operation = ?", operation)
    .push_bind(" OR c.run = ?))", operation)
}

/// The portal users whose rows a run has written, by id.
///
/// # Errors
/// What the engine says.
pub async fn users_of_run(db: &Db, run: &str) -> Result<Vec<i64>, DbError> {
    let sql = Sql::new(
        "SELECT DISTINCT t.user_id FROM portaldesk_change_row t JOIN portaldesk_change c ON c.id = t.change_id \
         WHERE t.user_id IS NOT NULL AND c.run = ?",
    );
    db.all(sql.bind(run).push(" ORDER BY t.user_id")).await?.iter().map(|row| row.int(0)).collect()
}

/// How many operations a run has.
///
/// # Errors
/// What the engine says.
pub async fn operations_of_run(db: &Db, run: &str) -> Result<i64, DbError> {
    db.one(Sql::new("SELECT COUNT(*) FROM portaldesk_change WHERE run = ?").bind(run)).await?.int(0)
}

/// Appends a condition on `l`, an entry of Django's own log: that it is not one of those that we wrote with a change of
/// the journal. Such an entry ends in the change's operation; one about a deletion has no text and is known by the
/// account, the moment and the row that went.
#[must_use]
pub fn and_not_logged_by_us(sql: Sql) -> Sql {
    sql.push(
        " AND NOT EXISTS (SELECT 1 FROM portaldesk_change c \
         WHERE c.operation = SUBSTR(l.change_message, LENGTH(l.change_message) - 38, 36)) \
         AND NOT (l.action_flag = 3 AND l.change_message = '' AND EXISTS (SELECT 1 FROM portaldesk_change c \
         JOIN portaldesk_change_row r ON r.change_id = c.id WHERE c.made = l.action_time \
         AND c.actor_id = l.user_id AND r.kind = 'delete' AND r.row_key = '{\"id\":' || l.object_id || '}'))",
    )
}

fn listed(row: &Row) -> Result<ListedChange, DbError> {
    Ok(ListedChange {
        id: row.int(0)?,
        undone_by: row.text_opt(15)?,
        change: Change {
            operation: row.text(1)?,
            run: row.text(2)?,
            run_seq: row.int(3)?,
            actor_id: row.int_opt(4)?,
            actor: row.text_opt(5)?,
            unix_user: row.text(6)?,
            ssh_from: row.text_opt(7)?,
            sitting: row.text(8)?,
            title: row.text(9)?,
            ticket: row.text_opt(10)?,
            undo_of: row.text_opt(11)?,
            row_count: row.int(12)?,
            previous_hash: row.text(13)?,
            hash: row.text(14)?,
            made: row.time(16)?.unwrap_or_default(),
        },
    })
}

/// The user whom the journal last knew by this name.
///
/// # Errors
/// What the engine says.
pub async fn user_once_called(db: &Db, username: &str) -> Result<Option<i64>, DbError> {
    // As the name stands in an image.
    let pattern = format!("%{}%", like_text(&format!("\"username\":{}", json!(username))));
    let like = db.dialect().like();
    let sql = Sql::new(
        "SELECT user_id FROM portaldesk_change_row WHERE table_name = 'auth_user' AND (before_image",
    )
    .push_bind(like, pattern.as_str())
    .push(" OR after_image")
    .push_bind(like, pattern)
    .push(") ORDER BY id DESC LIMIT 1");
    match db.optional(sql).await? {
        Some(row) => row.int_opt(0),
        None => Ok(None),
    }
}

/// The rows of a change, in the order in which they were written.
///
/// # Errors
/// What the engine says.
pub async fn change_rows(db: &Db, change: i64) -> Result<Vec<ChangeRow>, DbError> {
    Ok(rows_of_changes(db, &[change]).await?.remove(&change).unwrap_or_default())
}

/// The rows of several changes, by change.
///
/// # Errors
/// What the engine says.
pub async fn rows_of_changes(db: &Db, changes: &[i64]) -> Result<BTreeMap<i64, Vec<ChangeRow>>, DbError> {
    let sql = Sql::new(
        "SELECT seq, kind, table_name, row_key, user_id, before_image, after_image, digest, change_id \
         FROM portaldesk_change_row WHERE change_id IN (",
    )
    .list(changes.iter().copied())
    .push(") ORDER BY change_id, seq");
    let mut rows: BTreeMap<i64, Vec<ChangeRow>> = BTreeMap::new();
    for row in db.all(sql).await? {
        rows.entry(row.int(8)?).or_default().push(ChangeRow {
            seq: row.int(0)?,
            kind: row.text(1)?,
            table_name: row.text(2)?,
            row_key: row.text(3)?,
            user_id: row.int_opt(4)?,
            before_image: row.text_opt(5)?,
            after_image: row.text_opt(6)?,
            digest: row.text(7)?,
        });
    }
    Ok(rows)
}

/// Forgets the images of these changes' rows; gives how many rows had any.
///
/// # Errors
/// What the engine says.
pub async fn forget_images(tx: &mut Tx, changes: &[i64]) -> Result<u64, DbError> {
    let sql = Sql::new(
        "UPDATE portaldesk_change_row SET before_image = NULL, after_image = NULL \
         WHERE (before_image IS NOT NULL OR after_image IS NOT NULL) AND change_id IN (",
    );
    tx.execute(sql.list(changes.iter().copied()).push(")")).await
}

/// How many rows of changes made before a moment still have images.
///
/// # Errors
/// What the engine says.
pub async fn images_before(db: &Db, before: DateTime<Utc>) -> Result<i64, DbError> {
    let sql = Sql::new(
        "SELECT COUNT(*) FROM portaldesk_change_row r JOIN portaldesk_change c ON c.id = r.change_id \
         WHERE (r.before_image IS NOT NULL OR r.after_image IS NOT NULL) AND c.made < ?",
    );
    db.one(sql.bind(before)).await?.int(0)
}

/// The operations that were applied, as their marks say, and are not in the journal: someone took them out.
///
/// # Errors
/// What the engine says.
pub async fn applied_without_change(db: &Db) -> Result<Vec<String>, DbError> {
    let sql = Sql::new(
        "SELECT f.operation FROM portaldesk_fence f WHERE f.outcome = 'applied' AND NOT EXISTS \
         (SELECT 1 FROM portaldesk_change c WHERE c.operation = f.operation) ORDER BY f.made",
    );
    db.all(sql).await?.iter().map(|row| row.text(0)).collect()
}

/// The id of the newest change; 0 when there is none.
///
/// # Errors
/// What the engine says.
pub async fn newest_change(db: &Db) -> Result<i64, DbError> {
    db.one(Sql::new("SELECT COALESCE(MAX(id), 0) FROM portaldesk_change")).await?.int(0)
}

/// The portal users whose rows were written after the change with this id.
///
/// # Errors
/// What the engine says.
pub async fn users_changed_since(db: &Db, change: i64) -> Result<Vec<i64>, DbError> {
    let sql = Sql::new(
        "SELECT DISTINCT user_id FROM portaldesk_change_row WHERE user_id IS NOT NULL AND change_id > ?",
    );
    db.all(sql.bind(change)).await?.iter().map(|row| row.int(0)).collect()
}

/// An image without its password hash: hashes are kept to undo, never exported.
fn masked(image: Option<&str>) -> serde_json::Value {
    let mut json: serde_json::Value =
        image.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    if let Some(password) = json.get_mut("password") {
        *password = json!("********");
    }
    json
}

/// A change with its rows as one line of JSON, without password hashes.
#[must_use]
pub fn export_line(change: &Change, rows: &[ChangeRow]) -> String {
    let rows: Vec<serde_json::Value> = rows
        .iter()
        .map(|row| {
            json!({
                "seq": row.seq, "kind": row.kind, "table": row.table_name, "key": row.row_key, "user_id": row.user_id,
                "before": masked(row.before_image.as_deref()), "after": masked(row.after_image.as_deref()),
                "digest": row.digest,
            })
        })
        .collect();
    json!({
        "operation": change.operation, "run": change.run, "run_seq": change.run_seq,
        "made": change.made.to_rfc3339(), "actor_id": change.actor_id, "actor": change.actor,
        "unix_user": change.unix_user, "ssh_from": change.ssh_from, "sitting": change.sitting,
        "title": change.title, "ticket": change.ticket, "undo_of": change.undo_of,
        "previous_hash": change.previous_hash, "hash": change.hash, "rows": rows,
    })
    .to_string()
}
