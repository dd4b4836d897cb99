//! What is to be given and taken, kept apart from what is there, so that what others change meanwhile is neither lost nor
//! turned round.

use std::collections::BTreeSet;

use crate::directory::accounts::Groups;

/// Ids to give and ids to take.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wish {
    give: BTreeSet<i64>,
    take: BTreeSet<i64>,
}

impl Wish {
    /// Turns one round.
    pub(super) fn toggle(&mut self, id: i64, now: &BTreeSet<i64>) {
        let wished = if now.contains(&id) { &mut self.take } else { &mut self.give };
        if !wished.remove(&id) {
            wished.insert(id);
        }
    }

    /// What will be there.
    pub(super) fn apply(&self, now: &BTreeSet<i64>) -> BTreeSet<i64> {
        now.union(&self.give).filter(|id| !self.take.contains(id)).copied().collect()
    }

    /// Forgets what has come true by itself.
    pub(super) fn read_again(&mut self, now: &BTreeSet<i64>) {
        self.give.retain(|id| !now.contains(id));
        self.take.retain(|id| now.contains(id));
    }

    /// The same from what was kept of it, and as it is kept: ids to give and ids to take.
    pub(super) fn of(give: BTreeSet<i64>, take: BTreeSet<i64>) -> Self {
        Self { give, take }
    }

    /// As [`Self::of`] takes them.
    pub(super) fn parts(&self) -> (&BTreeSet<i64>, &BTreeSet<i64>) {
        (&self.give, &self.take)
    }

    /// What is given.
    pub(super) fn given(&self, id: i64) -> bool {
        self.give.contains(&id)
    }

    /// What is taken.
    pub(super) fn taken(&self, id: i64) -> bool {
        self.take.contains(&id)
    }

    /// How many changes it is.
    pub(super) fn changes(&self) -> usize {
        self.give.len() + self.take.len()
    }

    /// The same for a plan.
    pub(super) fn groups(&self) -> Groups {
        if self.changes() == 0 {
            return Groups::Keep;
        }
        let list = |ids: &BTreeSet<i64>| ids.iter().copied().collect();
        Groups::Change { add: list(&self.give), remove: list(&self.take) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_survives_what_others_do() {
        let mut wish = Wish::default();
        let now = [1, 2].into();
        wish.toggle(1, &now);
        wish.toggle(3, &now);
        wish.toggle(4, &now);
        wish.toggle(4, &now);
        assert_eq!(wish.apply(&now), [2, 3].into());
        assert_eq!(wish.groups(), Groups::Change { add: vec![3], remove: vec![1] });
        // Somebody else gives 3 and takes 2.
        let now = [1, 3].into();
        wish.read_again(&now);
        assert_eq!((wish.apply(&now), wish.changes()), ([3].into(), 1));
    }
}
