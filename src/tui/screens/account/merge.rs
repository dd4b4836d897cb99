//! Three moments of an account, field by field: when the form was filled, now, and as somebody wants it. What only one
//! side changed needs no question; what both changed differently does.

use std::collections::BTreeSet;

use super::facts::Facts;
use super::values::{self, Values, read_ids, write_ids};
use crate::portal::form::FieldKind;
use crate::portal::forms;

/// The name under which a password stands among the fields. What it is, is never said.
pub(in crate::tui::screens) const PASSWORD: &str = "password";

/// Who changed a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui::screens) enum Change {
    /// Somebody else, and not this form: theirs is taken over.
    Theirs,
    /// Both, and to the same.
    Same,
    /// Both, differently.
    Both,
}

/// A field that somebody else changed since the form was filled, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui::screens) struct Difference {
    /// Its name.
    pub(in crate::tui::screens) field: String,
    /// Who changed it.
    pub(in crate::tui::screens) change: Change,
    /// What it was.
    pub(in crate::tui::screens) base: String,
    /// What it is now.
    pub(in crate::tui::screens) theirs: String,
    /// What this form has.
    pub(in crate::tui::screens) mine: String,
}

impl Difference {
    /// `Last name Novak → Nowak`.
    pub(in crate::tui::screens) fn words(&self) -> String {
        let label = values::label(&self.field);
        if self.field == PASSWORD {
            return format!("{label} changed");
        }
        format!("{label} {} → {}", self.base, self.theirs)
    }
}

/// What others changed, and what the form should hold now.
#[derive(Debug, Clone)]
pub(in crate::tui::screens) struct Merge {
    /// The account as it is now.
    pub(in crate::tui::screens) facts: Facts,
    /// What others changed, in the order of the form.
    pub(in crate::tui::screens) differences: Vec<Difference>,
    /// What is to be changed in the form over these facts: mine, wherever it differs from theirs.
    pub(in crate::tui::screens) mine: Values,
}

impl Merge {
    /// Merges.
    pub(in crate::tui::screens) fn of(base: &Values, facts: Facts, mine: &Values) -> Self {
        let now = values::of(&facts);
        let mut merge = Self { facts, differences: Vec::new(), mine: Values::new() };
        for field in &forms::USER {
            let name = field.name;
            let (Some(theirs), Some(base)) = (now.get(name), base.get(name)) else { continue };
            let wanted = mine.get(name).unwrap_or(base);
            let result = if matches!(field.kind, FieldKind::Choices(_)) {
                merge_sets(base, theirs, wanted)
            } else if wanted == base {
                theirs.clone()
            } else {
                wanted.clone()
            };
            if result != *theirs {
                merge.mine.insert(name.to_owned(), result.clone());
            }
            if theirs == base {
                continue;
            }
            let change = match field.kind {
                // Who is in a group can only be changed to one thing: two who change it agree.
                FieldKind::Choices(_) => Change::Theirs,
                _ if wanted == base => Change::Theirs,
                _ if wanted == theirs => Change::Same,
                _ => Change::Both,
            };
            let words = |text: &str| values::words(name, text, &merge.facts);
            let difference = Difference {
                field: name.to_owned(),
                change,
                base: words(base),
                theirs: words(theirs),
                mine: words(&result),
            };
            merge.differences.push(difference);
        }
        merge
    }

    /// The same, where a new password is wanted: somebody else may have set one meanwhile. The words say no more.
    pub(in crate::tui::screens) fn with_password(mut self, was_changed: bool) -> Self {
        if was_changed {
            self.differences.push(Difference {
                field: PASSWORD.to_owned(),
                change: Change::Both,
                base: "as it was".to_owned(),
                theirs: "changed".to_owned(),
                mine: "the new one".to_owned(),
            });
        }
        self
    }

    /// Whether something has to be decided.
    pub(in crate::tui::screens) fn asks(&self) -> bool {
        self.differences.iter().any(|difference| difference.change == Change::Both)
    }

    /// What others changed and nobody has to decide, in a sentence; nothing where there is nothing.
    pub(in crate::tui::screens) fn taken_over(&self) -> Option<String> {
        let parts: Vec<String> = self
            .differences
            .iter()
            .filter(|difference| difference.change != Change::Both)
            .map(Difference::words)
            .collect();
        (!parts.is_empty())
            .then(|| format!("Somebody else changed meanwhile, and it stays so: {}.", parts.join("; ")))
    }
}

/// What was added and taken here, done to theirs.
fn merge_sets(base: &str, theirs: &str, mine: &str) -> String {
    let [base, theirs, mine] = [base, theirs, mine].map(read_ids);
    let merged: BTreeSet<i64> = theirs
        .iter()
        .filter(|id| mine.contains(id) || !base.contains(id))
        .chain(mine.difference(&base))
        .copied()
        .collect();
    write_ids(&merged)
}

#[cfg(test)]
mod tests {
    use super::super::facts::tests::facts;
    use super::*;
    use crate::db::Cell;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn changes(merge: &Merge) -> Vec<(&str, Change)> {
        merge.differences.iter().map(|it| (it.field.as_str(), it.change)).collect()
    }

    #[test]
    fn only_what_both_changed_differently_is_asked() {
        let base = values::of(&facts(None, true));
        let mut now = facts(None, true);
        let rows = now.rows.as_mut().unwrap();
        rows.user.set("first_name", Cell::Text("Adalbert".to_owned()));
        rows.user.set("username", Cell::Text("bela2".to_owned()));
        rows.profiles[0].set("department_id", Cell::Int(5));
        rows.profiles[0].set("phone_number", Cell::Text("1".to_owned()));
        let mine = values(&[
            ("first_name", "Béla"),
            ("username", "bela2"),
            ("is_active", "false"),
            ("phone_number", "2"),
        ]);
        let merge = Merge::of(&base, now, &mine);
        assert_eq!(
            changes(&merge),
            [
                ("username", Change::Same),
                ("first_name", Change::Both),
                ("department", Change::Theirs),
                ("phone_number", Change::Both),
            ]
        );
        assert_eq!(merge.differences[2].words(), "Department Sales → IT");
        assert_eq!((merge.differences[3].base.as_str(), merge.differences[3].mine.as_str()), ("empty", "2"));
        assert_eq!(
            merge.mine,
            values(&[("first_name", "Béla"), ("is_active", "false"), ("phone_number", "2")])
        );
    }

    #[test]
    fn groups_are_merged_one_by_one() {
        assert_eq!(merge_sets("1,2", "2,4", "1,3"), "3,4");
        assert_eq!(merge_sets("1", "1", ""), "");
        assert_eq!(merge_sets("", "2", "2"), "2");
        let base = values::of(&facts(None, true));
        let mut now = facts(None, true);
        now.rows.as_mut().unwrap().groups.clear();
        let merge = Merge::of(&base, now, &values(&[("groups", "1,2")]));
        assert!(!merge.asks());
        assert_eq!(merge.mine, values(&[("groups", "2")]));
        assert_eq!(merge.differences[0].words(), "Groups Engineer → none");
    }

    #[test]
    fn nothing_changed_is_nothing_to_say() {
        let merge =
            Merge::of(&values::of(&facts(None, true)), facts(None, true), &values(&[("email", "a@b.org")]));
        assert_eq!((merge.differences.len(), merge.taken_over()), (0, None));
        assert!(merge.with_password(true).asks());
    }
}
