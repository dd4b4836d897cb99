//! What the journal says of an applied plan: digests, and the chain of hashes over a sitting.
//!
//! A row's digest covers its number, table, key, kind, user and both images; a change's hash covers the previous hash, the change's
//! header and the digests. So images can be pruned later and the chain still verifies, while no row can be altered,
//! taken out or moved without it showing.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::db::own::{self, Change, ChangeRow, Wanted};
use crate::db::{Db, hex};
use crate::error::{Error, Result};

use super::admin_log::Written;

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
        let kind = match (&row.before, &row.after) {
            (None, _) => "insert",
            (Some(_), Some(_)) => "update",
            (Some(_), None) => "delete",
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

/// Reads the whole journal and says what in it was changed, taken out or moved since it was written; nothing when it is
/// whole. Rows whose images were pruned are judged by their digests. Who rewrites the journal with all its hashes is
/// not found.
///
/// # Errors
/// What the engine says.
pub async fn verify(db: &Db) -> Result<Vec<Broken>> {
    let mut broken = Vec::new();
    let mut ends: BTreeMap<String, String> = BTreeMap::new();
    for listed in own::changes(db, &Wanted::default()).await?.into_iter().rev() {
        let change = listed.change;
        let rows = own::change_rows(db, listed.id).await?;
        let end = ends.entry(change.sitting.clone()).or_default();
        let why = if change.previous_hash != *end {
            Some("it does not follow the change before it: one was taken out, moved or altered")
        } else if hash(&change, &rows) != change.hash || !as_many(&rows, change.row_count) {
            Some("it was altered, or rows were taken out, added or moved")
        } else if rows.iter().any(is_altered) {
            Some("one of its rows was altered")
        } else {
            None
        };
        end.clone_from(&change.hash);
        broken.extend(why.map(|why| Broken { operation: change.operation, why: why.to_owned() }));
    }
    for operation in own::applied_without_change(db).await? {
        broken.push(Broken { operation, why: "it was applied and is gone from the journal".to_owned() });
    }
    Ok(broken)
}

fn as_many(rows: &[ChangeRow], count: i64) -> bool {
    i64::try_from(rows.len()).is_ok_and(|found| found == count)
}

fn is_altered(row: &ChangeRow) -> bool {
    let pruned = row.before_image.is_none() && row.after_image.is_none();
    !pruned && digest(row) != row.digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::plan::Image;
    use crate::db::Cell;

    #[test]
    fn the_digest_covers_key_and_images() {
        let written = |id, cell| Written {
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
