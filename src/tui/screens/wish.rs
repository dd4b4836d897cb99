//! What is to be given and taken, kept apart from what is there, so that what others change meanwhile is neither lost nor
//! turned round.

use std::collections::BTreeSet;

use crate::directory::accounts::Groups;
use crate::error::{Error, Kind, Result};
use crate::tui::cx::Cx;
use crate::tui::plan_review::Prepared;

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

/// What becomes of a wish that is to be reviewed.
pub(super) enum Planned<L> {
    /// It can be.
    Ready(Box<Prepared>),
    /// Others changed what the wish was made from: it is shown again first.
    Overtaken(Box<L>),
}

impl<L> Planned<L> {
    /// Opens the review, or says why there is none; gives what is to be shown again.
    pub(super) fn open(planned: Result<Self>, cx: &mut Cx) -> Option<L> {
        match planned {
            Ok(Self::Ready(prepared)) => prepared.open(cx),
            Ok(Self::Overtaken(now)) => return Some(*now),
            Err(error) => cx.fail(&error),
        }
        None
    }
}

/// Says why what a wish is made from can't be read. What is ticked must not be lost because the line was: a list `is_kept`
/// that was shown once.
pub(super) fn not_read(error: &Error, is_kept: bool, cx: &mut Cx) {
    if error.kind != Kind::Interrupted {
        cx.fail(error);
    }
    if !is_kept {
        cx.close();
    }
}

/// `gains AMC Admin, core.add_x; loses nothing`, of these with their names.
pub(super) fn gains_and_loses<'a>(all: impl Iterator<Item = (&'a Wish, i64, String)>) -> String {
    let (mut gains, mut loses) = (Vec::new(), Vec::new());
    for (wish, id, name) in all {
        if wish.give.contains(&id) {
            gains.push(name);
        } else if wish.take.contains(&id) {
            loses.push(name);
        }
    }
    let words = |names: Vec<String>| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    format!("gains {}; loses {}", words(gains), words(loses))
}

/// How many changes a wish is, in words; nothing where it is none.
pub(super) fn changes_in_words(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "1 change".to_owned(),
        count => format!("{count} changes"),
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
