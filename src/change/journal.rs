//! What the journal says of an applied plan: digests, and the chain of hashes over a sitting.
//!
//! A row's digest covers its number, table, key, kind, user and both images; a change's hash covers the previous hash, the change's
//! header and the digests. So images can be pruned later and the chain still verifies, while no row can be altered,
//! taken out or moved without it showing.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::db::own::{self, Change, ChangeRow, ListedChange, Wanted};
use crate::db::{Db, DbError, Tx, hex};
use crate::error::{Error, Result};

use super::actor::Actor;
use super::admin_log::{Written, Wrote};
use super::run::Writer;

/// How many changes are read at once.
const STRETCH: i64 = 500;

fn sha256<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        // Lengths go in too, so that no two lists of parts give the same input.
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize())
}

/// The journal's rows for what was written.
///
/// # Errors
/// A bug: an image that can't be written as JSON.
pub fn rows(written: &[Written]) -> Result<Vec<ChangeRow>> {
    let broken = |error: serde_json::Error| Error::bug(format!("an image can't be written as JSON: {error}"));
    let mut rows = Vec::with_capacity(written.len());
    for (index, row) in written.iter().enumerate() {
        let image = |image: &Option<super::plan::Image>| {
            image
                .as_ref()
                .map(|image| image.to_json().map(|json| json.to_string()))
                .transpose()
                .map_err(broken)
        };
        let kind = match (row.what, &row.before, &row.after) {
            (Wrote::Counter, ..) => "counter",
            (Wrote::Ddl, ..) => "ddl",
            (Wrote::Row, None, _) => "insert",
            (Wrote::Row, Some(_), Some(_)) => "update",
            (Wrote::Row, Some(_), None) => "delete",
        };
        let mut written = ChangeRow {
            seq: i64::try_from(index + 1).unwrap_or(i64::MAX),
            kind: kind.to_owned(),
            table_name: row.table.clone(),
            row_key: row.key.to_json().map_err(broken)?.to_string(),
            user_id: row.user(),
            before_image: image(&row.before)?,
            after_image: image(&row.after)?,
            digest: String::new(),
        };
        written.digest = digest(&written);
        rows.push(written);
    }
    Ok(rows)
}

fn number(number: Option<i64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// The digest of a journal row over everything else in it.
#[must_use]
pub fn digest(row: &ChangeRow) -> String {
    sha256([
        row.seq.to_string().as_str(),
        &row.table_name,
        &row.row_key,
        &row.kind,
        &number(row.user_id),
        row.before_image.as_deref().unwrap_or(""),
        row.after_image.as_deref().unwrap_or(""),
    ])
}

/// The hash of a change over its predecessor's, its header and its rows' digests.
#[must_use]
pub fn hash(change: &Change, rows: &[ChangeRow]) -> String {
    let (made, actor_id) = (change.made.to_rfc3339(), number(change.actor_id));
    let (seq, count) = (change.run_seq.to_string(), change.row_count.to_string());
    let header = [
        change.previous_hash.as_str(),
        &change.operation,
        &change.run,
        &seq,
        &made,
        &actor_id,
        change.actor.as_deref().unwrap_or(""),
        &change.unix_user,
        change.ssh_from.as_deref().unwrap_or(""),
        &change.sitting,
        &change.title,
        change.ticket.as_deref().unwrap_or(""),
        change.undo_of.as_deref().unwrap_or(""),
        &count,
    ];
    sha256(header.into_iter().chain(rows.iter().map(|row| row.digest.as_str())))
}

/// Something in the journal that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The operation.
    pub operation: String,
    /// What is wrong with it, in words.
    pub why: String,
}

/// What was found when the whole journal was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// How many changes it holds.
    pub changes: u64,
    /// How many rows they wrote.
    pub rows: u64,
    /// Of how many rows the images were pruned.
    pub pruned: u64,
    /// What is not as it was written.
    pub broken: Vec<Broken>,
}

/// Reads the whole journal and says what in it was changed, taken out or moved since it was written; nothing when it is
/// whole.
///
/// # Errors
/// As [`examine`].
pub async fn verify(db: &Db) -> Result<Vec<Broken>> {
    Ok(examine(db).await?.broken)
}

/// Reads the whole journal, a stretch at a time. Rows whose images were pruned are judged by their digests; that they were
/// pruned must stand in the journal too. Who rewrites the journal with all its hashes is not found.
///
/// # Errors
/// What the engine says.
pub async fn examine(db: &Db) -> Result<Verified> {
    let mut found = Verified::default();
    let mut ends: BTreeMap<String, String> = BTreeMap::new();
    let pruned_before = pruned_before(db).await?;
    let mut wanted = Wanted { limit: Some(STRETCH), oldest_first: true, ..Wanted::default() };
    loop {
        let changes = own::changes(db, &wanted).await?;
        let Some(last) = changes.last().map(|last| last.id) else { break };
        let mut rows =
            own::rows_of_changes(db, &changes.iter().map(|listed| listed.id).collect::<Vec<_>>()).await?;
        for listed in changes {
            let (change, rows) = (listed.change, rows.remove(&listed.id).unwrap_or_default());
            let pruned = rows.iter().filter(|row| is_pruned(row)).count();
            let end = ends.entry(change.sitting.clone()).or_default();
            let why = if change.previous_hash != *end {
                Some("it does not follow the change before it: one was taken out, moved or altered")
            } else if hash(&change, &rows) != change.hash || !as_many(&rows, change.row_count) {
                Some("it was altered, or rows were taken out, added or moved")
            } else if rows.iter().any(|row| !is_pruned(row) && digest(row) != row.digest) {
                Some("one of its rows was altered")
            } else if pruned > 0 && pruned_before.is_none_or(|before| change.made >= before) {
                Some("the images of its rows were taken out, and not by pruning")
            } else {
                None
            };
            end.clone_from(&change.hash);
            found.changes += 1;
            found.rows += rows.len() as u64;
            found.pruned += pruned as u64;
            found.broken.extend(why.map(|why| Broken { operation: change.operation, why: why.to_owned() }));
        }
        wanted.above = Some(last);
    }
    for operation in own::applied_without_change(db).await? {
        found
            .broken
            .push(Broken { operation, why: "it was applied and is gone from the journal".to_owned() });
    }
    Ok(found)
}

fn as_many(rows: &[ChangeRow], count: i64) -> bool {
    i64::try_from(rows.len()).is_ok_and(|found| found == count)
}

/// Every row that was written has an image; one without had it pruned.
fn is_pruned(row: &ChangeRow) -> bool {
    row.before_image.is_none() && row.after_image.is_none()
}

/// What the title of a pruning begins with; the moment follows, in RFC 3339.
const PRUNED: &str = "Prune the history before ";

/// Up to when images were pruned, as the journal itself says; nothing when they never were.
async fn pruned_before(db: &Db) -> Result<Option<DateTime<Utc>>> {
    let wanted = Wanted { words: vec![PRUNED.trim_end().to_owned()], ..Wanted::default() };
    let moment = |listed: ListedChange| {
        let title = Some(listed.change.title).filter(|_| listed.change.row_count == 0)?;
        DateTime::parse_from_rfc3339(title.strip_prefix(PRUNED)?).ok()
    };
    Ok(own::changes(db, &wanted).await?.into_iter().filter_map(moment).max().map(|time| time.to_utc()))
}

/// Forgets the images of all changes made before a moment and notes that in the journal, first: what is missing without
/// a note counts as taken out. Gives the operation and the number of rows whose images were forgotten.
///
/// # Errors
/// What the engine says. What was forgotten by then stays so; pruning again does the rest.
pub async fn prune(writer: &Writer, before: DateTime<Utc>) -> Result<(String, u64)> {
    let operation = Uuid::now_v7().to_string();
    let (actor, name) = (Arc::clone(&writer.actor), operation.clone());
    let noted = writer.db.transaction(move |tx| {
        let (actor, name) = (Arc::clone(&actor), name.clone());
        Box::pin(async move { Ok(note_pruning(tx, &actor, &name, before).await?) })
    });
    noted.await.map_err(Error::from)?;
    let mut wanted =
        Wanted { until: Some(before), limit: Some(STRETCH), oldest_first: true, ..Wanted::default() };
    let mut forgotten = 0;
    loop {
        let ids: Vec<i64> = own::changes(&writer.db, &wanted).await?.iter().map(|listed| listed.id).collect();
        let Some(last) = ids.last().copied() else { break };
        let part = writer.db.transaction(move |tx| {
            let ids = ids.clone();
            Box::pin(async move { Ok(own::forget_images(tx, &ids).await?) })
        });
        forgotten += part.await.map_err(Error::from)?;
        wanted.above = Some(last);
    }
    Ok((operation, forgotten))
}

async fn note_pruning(
    tx: &mut Tx,
    actor: &Actor,
    operation: &str,
    before: DateTime<Utc>,
) -> std::result::Result<(), DbError> {
    let now = own::now(tx).await?;
    own::claim(tx, operation, now).await?;
    let title = format!("{PRUNED}{}", before.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    let mut change = header(actor, operation, &Uuid::now_v7().to_string(), &title, now);
    change.previous_hash = own::last_hash(tx, &actor.sitting).await?;
    change.hash = hash(&change, &[]);
    own::record(tx, &change, &[]).await
}

/// The head of a change, alone in its run, that wrote nothing yet.
pub(super) fn header(actor: &Actor, operation: &str, run: &str, title: &str, now: DateTime<Utc>) -> Change {
    Change {
        operation: operation.to_owned(),
        run: run.to_owned(),
        run_seq: 1,
        made: now,
        actor_id: actor.account.as_ref().map(|account| account.id),
        actor: actor.account.as_ref().map(|account| account.username.clone()),
        unix_user: cut(&actor.unix_user, 100),
        ssh_from: actor.ssh_from.as_deref().map(|from| cut(from, 100)),
        sitting: actor.sitting.clone(),
        title: cut(title, 300),
        ticket: actor.ticket.as_deref().map(|ticket| cut(ticket, 100)),
        undo_of: None,
        row_count: 0,
        previous_hash: String::new(),
        hash: String::new(),
    }
}

/// The first characters of a text that has to fit a column.
pub(super) fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::plan::Image;
    use crate::db::Cell;

    #[test]
    fn the_digest_covers_key_and_images() {
        let written = |id, cell| Written {
            what: Wrote::Row,
            table: "auth_group".into(),
            key: Image::id(id),
            before: None,
            after: Some(Image::of("name", cell)),
        };
        let base = rows(&[written(1, Cell::Text("a".into()))]).unwrap();
        assert_eq!(base[0].kind, "insert");
        for other in
            [written(2, Cell::Text("a".into())), written(1, Cell::Text("b".into())), written(1, Cell::Null)]
        {
            assert_ne!(rows(&[other]).unwrap()[0].digest, base[0].digest);
        }
    }
}
