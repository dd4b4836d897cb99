//! What the journal says of an applied plan: digests, and the chain of hashes over a sitting.
//!
//! A row's digest covers its table, key, kind and both images; a change's hash covers the previous hash, the change's
//! header and the digests. So images can be pruned later and the chain still verifies, while no row can be altered,
//! taken out or moved without it showing.

use sha2::{Digest as _, Sha256};

use crate::db::hex;
use crate::db::own::{Change, ChangeRow};
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
        let row_key = row.key.to_json().map_err(broken)?.to_string();
        let (before, after) = (image(&row.before)?, image(&row.after)?);
        let digest = sha256([
            row.table.as_str(),
            &row_key,
            kind,
            before.as_deref().unwrap_or(""),
            after.as_deref().unwrap_or(""),
        ]);
        rows.push(ChangeRow {
            seq: i64::try_from(index + 1).unwrap_or(i64::MAX),
            kind: kind.to_owned(),
            table_name: row.table.clone(),
            row_key,
            user_id: row.user(),
            before_image: before,
            after_image: after,
            digest,
        });
    }
    Ok(rows)
}

/// The hash of a change over its predecessor's, its header and its rows' digests.
#[must_use]
pub fn hash(change: &Change, rows: &[ChangeRow]) -> String {
    let made = change.made.to_rfc3339();
    let header = [
        change.previous_hash.as_str(),
        &change.operation,
        &change.run,
        &made,
        change.actor.as_deref().unwrap_or(""),
        &change.unix_user,
        change.ssh_from.as_deref().unwrap_or(""),
        &change.sitting,
        &change.title,
        change.ticket.as_deref().unwrap_or(""),
        change.undo_of.as_deref().unwrap_or(""),
    ];
    sha256(header.into_iter().chain(rows.iter().map(|row| row.digest.as_str())))
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
