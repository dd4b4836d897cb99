//! Which rows are marked: some, or all but some.

use std::collections::HashSet;
use std::hash::Hash;

/// Marked rows, by key, whether they are loaded or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks<K: Hash + Eq> {
    /// The marked keys, or with `all` those that are not marked.
    keys: HashSet<K>,
    all: bool,
}

impl<K: Hash + Eq + Clone> Marks<K> {
    /// Nothing marked.
    #[must_use]
    pub fn none() -> Self {
        Self { keys: HashSet::new(), all: false }
    }

    /// Whether this row is marked.
    #[must_use]
    pub fn has(&self, key: &K) -> bool {
        self.keys.contains(key) != self.all
    }

    /// Marks the row, or takes its mark away.
    pub fn toggle(&mut self, key: K) {
        if !self.keys.remove(&key) {
            self.keys.insert(key);
        }
    }

    /// Marks these rows.
    pub fn mark(&mut self, keys: impl IntoIterator<Item = K>) {
        for key in keys {
            if !self.has(&key) {
                self.toggle(key);
            }
        }
    }

    /// Marks all rows that match, loaded or not; or none, if all were marked.
    pub fn toggle_all(&mut self) {
        self.all = !self.all || !self.keys.is_empty();
        self.keys.clear();
    }

    /// Takes every mark away; says whether there was one.
    pub fn clear(&mut self) -> bool {
        let had = !self.is_empty();
        *self = Self::none();
        had
    }

    /// Whether nothing is marked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && !self.all
    }

    /// Whether the marks mean all rows that match but for [`Self::keys`].
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.all
    }

    /// The marked keys; with [`Self::is_all`] those that are left out.
    #[must_use]
    pub fn keys(&self) -> &HashSet<K> {
        &self.keys
    }

    /// How many are marked, where all rows that match are so many.
    #[must_use]
    pub fn count(&self, total: Option<u64>) -> Option<u64> {
        let keys = self.keys.len() as u64;
        if self.all { Some(total?.saturating_sub(keys)) } else { Some(keys) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_some() {
        let mut marks = Marks::none();
        marks.mark([1, 2]);
        assert_eq!(marks.count(None), Some(2));
        marks.toggle_all();
        assert!(marks.is_all() && marks.has(&1) && marks.has(&99));
        marks.toggle(7);
        assert!(!marks.has(&7));
        assert_eq!(marks.count(Some(10)), Some(9));
        assert_eq!(marks.count(None), None);
        marks.toggle_all();
        assert!(marks.has(&7), "all again, the exception gone");
        marks.toggle_all();
        assert!(marks.is_empty() && !marks.clear());
    }
}
