//! Rows whose texts are alike in a way that no engine can be asked for: folded in Rust, counted by digests.
//!
//! A table is read twice. The first time two bits are kept for each of a fixed number of slots, whether a digest fell
//! into it and whether another one did; the second time only the rows of slots that were hit again are kept, by digest
//! and id. So memory hardly grows with the table, and no text is kept beyond its row.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use unicode_normalization::UnicodeNormalization;

use crate::db::Sql;
use crate::directory::Portal;
use crate::error::Result;
use crate::portal::rules;

use super::scan::Scan;
use super::windows;

/// As a power of two, how many slots there are: at a million rows one in sixteen is in a slot with another.
const SLOT_BITS: u32 = 24;

/// A column of texts, and how they are compared.
#[derive(Clone, Copy)]
pub(super) struct Twins {
    /// The table, whose key is `id`.
    pub(super) table: &'static str,
    /// The column.
    pub(super) column: &'static str,
    /// What is compared of a text; a text of which nothing is compared is nobody's twin.
    pub(super) fold: fn(&str) -> Option<String>,
}

/// Which slots digests fell into, one bit each.
struct Slots(Vec<u64>);

impl Slots {
    fn new() -> Self {
        Self(vec![0; 1 << (SLOT_BITS - 6)])
    }

    /// Marks the slot; whether it was marked before.
    fn mark(&mut self, digest: u64) -> bool {
        let slot = digest >> (u64::BITS - SLOT_BITS);
        let bit = 1 << (slot & 63);
        let Some(word) = usize::try_from(slot >> 6).ok().and_then(|at| self.0.get_mut(at)) else {
            return false;
        };
        let was = *word & bit != 0;
        *word |= bit;
        was
    }

    fn is_marked(&self, digest: u64) -> bool {
        let slot = digest >> (u64::BITS - SLOT_BITS);
        let word = usize::try_from(slot >> 6).ok().and_then(|at| self.0.get(at));
        word.is_some_and(|word| word & (1 << (slot & 63)) != 0)
    }
}

impl Twins {
    /// The ids of rows with the same digest, in groups, each and all of them in order of ids. Two texts that differ have
    /// the same digest once in about thirty million scans of a million rows: who acts on it compares again.
    ///
    /// # Errors
    /// What the engine says; that it was cancelled.
    pub(super) async fn find(self, scan: &Scan<'_>, condition: &Sql) -> Result<Vec<Vec<i64>>> {
        let hasher = RandomState::new();
        let digest = |text: &str| (self.fold)(text).map(|folded| hasher.hash_one(folded));
        let (mut seen, mut again, mut any) = (Slots::new(), Slots::new(), false);
        windows::rows_where(scan, self.table, &[self.column], condition, &mut |row| {
            if let Some(digest) = digest(&row.text(1)?)
                && seen.mark(digest)
            {
                again.mark(digest);
                any = true;
            }
            Ok(())
        })
        .await?;
        if !any {
            return Ok(Vec::new());
        }
        drop(seen);
        let mut suspects: Vec<(u64, i64)> = Vec::new();
        windows::rows_where(scan, self.table, &[self.column], condition, &mut |row| {
            if let Some(digest) = digest(&row.text(1)?).filter(|digest| again.is_marked(*digest)) {
                suspects.push((digest, row.int(0)?));
            }
            Ok(())
        })
        .await?;
        suspects.sort_unstable();
        let of_one = suspects.chunk_by(|a, b| a.0 == b.0).filter(|rows| rows.len() > 1);
        let mut groups: Vec<Vec<i64>> = of_one.map(|rows| rows.iter().map(|(_, id)| *id).collect()).collect();
        groups.sort_unstable();
        Ok(groups)
    }

    /// The rows that are alike with one of these, by the lowest id of each group: their ids, in order. What is compared
    /// are the folded texts themselves; the table is read once.
    ///
    /// # Errors
    /// What the engine says; that it was cancelled.
    pub(super) async fn of(self, portal: &Portal, ids: &[i64]) -> Result<BTreeMap<i64, Vec<i64>>> {
        let mut wanted: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for part in ids.chunks(super::checks::AT_ONCE) {
            let some = self.select(portal)?.push(" WHERE t.id").among(part.iter().copied());
            for row in portal.db.all(some).await? {
                if let Some(folded) = (self.fold)(&row.text(1)?) {
                    wanted.insert(folded, Vec::new());
                }
            }
        }
        if wanted.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut rows = portal.db.stream(self.select(portal)?);
        while let Some(row) = rows.recv().await {
            let row = row?;
            if let Some(group) = (self.fold)(&row.text(1)?).and_then(|folded| wanted.get_mut(&folded)) {
                group.push(row.int(0)?);
            }
        }
        let groups = wanted.into_values().filter(|group| group.len() > 1);
        Ok(groups
            .map(|mut group| {
                group.sort_unstable();
                (group.first().copied().unwrap_or_default(), group)
            })
            .collect())
    }

    fn select(self, portal: &Portal) -> Result<Sql> {
        let table = windows::table(&portal.schema, self.table)?;
        let (id, column) = (windows::name(table, "id")?, windows::name(table, self.column)?);
        let sql = Sql::new("SELECT t.").ident(id).push(", t.").ident(column);
        Ok(sql.push(" FROM ").ident(&table.name).push(" t"))
    }
}

/// A name as people tell names apart: without the white space around, in Unicode's compatibility form (NFKC), as the
/// portal's login form takes it, and without case. Blank names are nobody's twins.
pub(super) fn folded(name: &str) -> Option<String> {
    let name = rules::strip(name);
    if name.is_empty() {
        return None;
    }
    if name.is_ascii() {
        return Some(name.to_ascii_lowercase());
    }
    // Case folding in full, but for the letters that it keeps apart from what their capitals stand for (the dotless i).
    // By way of the capitals, ß and ss become one, and so do the sigmas.
    let fold = |c: char| -> String {
        if c == 'ı' {
            return c.to_string();
        }
        let capitals = c.to_lowercase().flat_map(char::to_uppercase);
        capitals.flat_map(char::to_lowercase).collect()
    };
    // Case and compatibility act on each other, hence twice: the capital of ﬁ is FI, and some signs fold into letters.
    let once: String = name.nfkc().map(fold).collect();
    Some(rules::strip(&once.nfkc().collect::<String>()).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_as_people_tell_them_apart() {
        for (one, other) in [
            ("Anna", "anna"),
            (" anna\u{a0}", "anna"),
            ("ﬁnance", "FINANCE"),
            ("Ａlice", "alice"),
            ("e\u{301}mil", "Émil"),
            ("straße", "STRASSE"),
            ("ẞ", "ss"),
            ("ΟΔΟΣ", "οδος"),
            ("ΟΔΟΣ", "οδοσ"),
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        assert_ne!(folded("engineer"), folded("éngineer"));
        assert_ne!(folded("ılgaz"), folded("ilgaz"));
        assert_eq!(folded(" \t"), None);
    }

    #[test]
    fn a_slot_remembers_that_it_was_hit() {
        let mut slots = Slots::new();
        for digest in [0, 1, u64::MAX, u64::MAX / 3] {
            assert!(!slots.is_marked(digest) || digest == 1, "{digest} falls into the slot of 0");
            let _was = slots.mark(digest);
            assert!(slots.is_marked(digest));
            assert!(slots.mark(digest));
        }
        assert!(!slots.is_marked(1 << 63));
    }
}
