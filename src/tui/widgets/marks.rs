//! Which rows are marked: some one by one, and all but some of those that match a question.

use std::collections::HashSet;
use std::hash::Hash;

/// Marked rows, by key, whether they are loaded or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks<K: Hash + Eq> {
    /// Those that were marked one by one.
    keys: HashSet<K>,
    wholes: Vec<Whole<K>>,
}

/// Rows that were marked together, as all that match a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole<K: Hash + Eq> {
    except: HashSet<K>,
    /// Of the loaded rows those that match it; without this, every row of the list does.
    matching: Option<HashSet<K>>,
}

impl<K: Hash + Eq + Clone> Whole<K> {
    /// All rows of the list.
    fn of_list() -> Self {
        Self { except: HashSet::new(), matching: None }
    }

    /// Those that match and were left out.
    #[must_use]
    pub fn except(&self) -> &HashSet<K> {
        &self.except
    }

    /// Says that every row of the list matches.
    pub fn is_list(&mut self) {
        self.matching = None;
    }

    /// Says which of the loaded rows match: these, and with `more` those that were known to.
    pub fn matches(&mut self, keys: impl IntoIterator<Item = K>, more: bool) {
        let known = self.matching.take().filter(|_| more).unwrap_or_default();
        self.matching = Some(known.into_iter().chain(keys).collect());
    }

    /// Forgets who was left out; says whether somebody was.
    pub fn complete(&mut self) -> bool {
        let had = !self.except.is_empty();
        self.except.clear();
        had
    }

    fn is_match(&self, key: &K) -> bool {
        self.matching.as_ref().is_none_or(|matching| matching.contains(key))
    }

    fn has(&self, key: &K) -> bool {
        self.is_match(key) && !self.except.contains(key)
    }
}

impl<K: Hash + Eq + Clone> Marks<K> {
    /// Nothing marked.
    #[must_use]
    pub fn none() -> Self {
        Self { keys: HashSet::new(), wholes: Vec::new() }
    }

    /// Whether this row, which is loaded, is marked.
    #[must_use]
    pub fn has(&self, key: &K) -> bool {
        self.keys.contains(key) || self.wholes.iter().any(|whole| whole.has(key))
    }

    /// Marks the row, or takes its mark away.
    pub fn toggle(&mut self, key: K) {
        if self.has(&key) {
            self.keys.remove(&key);
            for whole in self.wholes.iter_mut().filter(|whole| whole.is_match(&key)) {
                whole.except.insert(key.clone());
            }
        } else if let Some(whole) = self.wholes.iter_mut().find(|whole| whole.is_match(&key)) {
            whole.except.remove(&key);
        } else {
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

    /// Marks all rows of the list, loaded or not; or none, if all were marked. For lists that show the same rows always.
    pub fn toggle_all(&mut self) {
        let were_all = *self == Self { keys: HashSet::new(), wholes: vec![Whole::of_list()] };
        *self = Self::none();
        if !were_all {
            self.add_whole();
        }
    }

    /// Marks all rows of the list as it is now, beside what is marked already.
    pub fn add_whole(&mut self) {
        self.wholes.push(Whole::of_list());
    }

    /// Takes back what [`Self::add_whole`] did, counted from 0.
    pub fn remove_whole(&mut self, at: usize) {
        self.wholes.remove(at);
    }

    /// What was marked as a whole.
    #[must_use]
    pub fn wholes(&self) -> &[Whole<K>] {
        &self.wholes
    }

    /// The same, to change it.
    pub fn wholes_mut(&mut self) -> &mut [Whole<K>] {
        &mut self.wholes
    }

    /// Takes every mark away; says whether there was one.
    pub fn clear(&mut self) -> bool {
        let had = !self.is_empty();
        *self = Self::none();
        had
    }

    /// Takes the marks of rows away that are no more.
    pub fn forget<'a>(&mut self, gone: impl IntoIterator<Item = &'a K>)
    where
        K: 'a,
    {
        for key in gone {
            self.keys.remove(key);
        }
    }

    /// Whether nothing is marked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.wholes.is_empty()
    }

    /// The keys that were marked one by one.
    #[must_use]
    pub fn keys(&self) -> &HashSet<K> {
        &self.keys
    }

    /// How many are marked in a list that shows the same rows always, where all are so many.
    #[must_use]
    pub fn count(&self, total: Option<u64>) -> Option<u64> {
        match self.wholes.first() {
            Some(whole) => Some(total?.saturating_sub(whole.except.len() as u64)),
            None => Some(self.keys.len() as u64),
        }
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
        assert!(marks.has(&1) && marks.has(&99));
        marks.toggle(7);
        assert!(!marks.has(&7));
        assert_eq!(marks.count(Some(10)), Some(9));
        assert_eq!(marks.count(None), None);
        marks.toggle_all();
        assert!(marks.has(&7), "all again, the exception gone");
        marks.toggle_all();
        assert!(marks.is_empty() && !marks.clear());
    }

    #[test]
    fn what_was_marked_as_a_whole_outlives_the_list() {
        let mut marks = Marks::none();
        marks.add_whole();
        marks.toggle(2);
        // Another list: of its rows only 3 and 4 match the question of then, and 2 which was left out.
        marks.wholes_mut()[0].matches([2, 3, 4], false);
        assert_eq!([1, 2, 3, 9].map(|key| marks.has(&key)), [false, false, true, false]);
        marks.mark([1, 3]);
        marks.toggle(4);
        assert_eq!([1, 2, 3, 4].map(|key| marks.has(&key)), [true, false, true, false]);
        assert_eq!(marks.keys(), &HashSet::from([1]), "only what no question covers stands alone");
        // All of that list too: who was left out before is marked now.
        marks.add_whole();
        assert!(marks.has(&2) && marks.has(&9));
        marks.toggle(3);
        assert!(!marks.has(&3), "whoever is left out is left out everywhere");
        marks.remove_whole(1);
        assert_eq!([1, 2, 3, 9].map(|key| marks.has(&key)), [true, false, false, false]);
        marks.wholes_mut()[0].matches([5], true);
        assert!(marks.has(&5) && marks.wholes_mut()[0].complete() && marks.has(&2));
    }
}
