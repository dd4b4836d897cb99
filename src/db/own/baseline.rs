//! Findings that someone accepted, in `portaldesk_baseline`.

use chrono::{DateTime, Utc};

use crate::db::{Db, DbError, Row, Sql, Tx};

/// Rows in one statement: six values each.
const ROWS_AT_ONCE: usize = 200;

/// A finding that someone accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineRow {
    /// Its id in the table.
    pub id: i64,
    /// The check.
    pub check_id: String,
    /// What was found, as the check names it.
    pub finding: String,
    /// Why it was accepted.
    pub reason: String,
    /// Who accepted it.
    pub actor: String,
    /// When, by the database's clock.
    pub made: DateTime<Utc>,
    /// Until when it holds; for good where there is none.
    pub until: Option<DateTime<Utc>>,
}

/// What is accepted together.
#[derive(Debug, Clone)]
pub struct NewBaseline<'a> {
    /// The check.
    pub check_id: &'a str,
    /// What was found, as the check names it.
    pub findings: &'a [String],
    /// Why.
    pub reason: &'a str,
    /// Who accepts it.
    pub actor: &'a str,
    /// When, by the database's clock.
    pub made: DateTime<Utc>,
    /// Until when.
    pub until: Option<DateTime<Utc>>,
}

/// Everything that was accepted, the oldest first, expired or not.
///
/// # Errors
/// What the engine says.
pub async fn baseline(db: &Db) -> Result<Vec<BaselineRow>, DbError> {
    let sql = Sql::new("SELECT id, check_id, finding, reason, actor, ").time("made").push(", ").time("until");
    db.all(sql.push(" FROM portaldesk_baseline ORDER BY id")).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<BaselineRow, DbError> {
    Ok(BaselineRow {
        id: row.int(0)?,
        check_id: row.text(1)?,
        finding: row.text(2)?,
        reason: row.text(3)?,
        actor: row.text(4)?,
        made: row.time(5)?.ok_or_else(|| DbError::value("a finding was accepted at no time"))?,
        until: row.time(6)?,
    })
}

/// Accepts findings; what was said of them before no longer holds.
///
/// # Errors
/// What the engine says.
pub async fn accept(tx: &mut Tx, new: &NewBaseline<'_>) -> Result<(), DbError> {
    for findings in new.findings.chunks(ROWS_AT_ONCE) {
        let before = Sql::new("DELETE FROM portaldesk_baseline WHERE check_id = ?").bind(new.check_id);
        let before = before.push(" AND finding IN (").list(findings.iter().map(String::as_str)).push(")");
        tx.execute(before).await?;
        let mut insert = Sql::new(
            "INSERT INTO portaldesk_baseline (check_id, finding, reason, actor, made, until) VALUES ",
        );
        for (index, finding) in findings.iter().enumerate() {
            insert = insert
                .push(if index == 0 { "(?, ?, ?, ?, ?, ?)" } else { ", (?, ?, ?, ?, ?, ?)" })
                .bind(new.check_id)
                .bind(finding.as_str())
                .bind(new.reason)
                .bind(new.actor)
                .bind(new.made)
                .bind(new.until);
        }
        tx.execute(insert).await?;
    }
    Ok(())
}

/// Takes back what was accepted under these ids; how many there were.
///
/// # Errors
/// What the engine says.
pub async fn take_back(tx: &mut Tx, ids: &[i64]) -> Result<u64, DbError> {
    let mut gone = 0;
    for ids in ids.chunks(ROWS_AT_ONCE) {
        let sql = Sql::new("DELETE FROM portaldesk_baseline WHERE id IN (").list(ids.iter().copied());
        gone += tx.execute(sql.push(")")).await?;
    }
    Ok(gone)
}
