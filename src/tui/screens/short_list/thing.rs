//! What a short list can be of.

use std::cmp::Ordering;

use crate::db::own::ListedChange;
use crate::directory::Portal;
use crate::error::Result;
use crate::integrity::{Remark, Remarks};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::keymap::Binding;
use crate::tui::screens::copying;
use crate::tui::screens::menu::Entry;
use crate::tui::screens::record;
use crate::tui::screens::user_actions::Sitting;
use crate::tui::screens::users::{self, Users};
use crate::tui::theme::Tone;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::labelled::Lines;
use crate::tui::widgets::table::{self, Cell, Row};

/// Something that a list can be sorted by.
pub struct Order<L> {
    /// What people call it.
    pub label: &'static str,
    /// Its place among the columns.
    pub column: usize,
    /// What comes first; equal ones stay by name, as the database gives them.
    pub compare: fn(&L, &L) -> Ordering,
}

/// What was found about a line, by the ids of the checks; nothing before it was looked for.
#[must_use]
pub fn remarked(remarks: Option<&[Remark]>) -> Cell<'static> {
    match remarks {
        None => Cell::new("", Tone::Quiet),
        Some([]) => Cell::new("—", Tone::Quiet),
        Some(found) => {
            let ids: Vec<&str> = found.iter().map(|remark| remark.id).collect();
            Cell::new(ids.join(", "), Tone::Warn)
        }
    }
}

impl<L> Order<L> {
    /// By name, as the database compares them: names are its to compare.
    #[must_use]
    pub const fn by_name() -> Self {
        Self { label: "name", column: 0, compare: |_, _| Ordering::Equal }
    }
}

/// A group or a department: what is known of the one under the cursor, and what its list, record and members are made of.
pub trait Thing: Clone + 'static {
    /// What it is called within a sentence.
    const NOUN: &'static str;
    /// What several are called, and what the list is kept under.
    const NOUNS: &'static str;
    /// The title of its tab.
    const TITLE: &'static str;
    /// The number of its tab.
    const NUMBER: usize;
    /// What stands before its name in filters: `dept` in `dept:IT`.
    const FILTER: &'static str;
    /// What is said where there is none at all.
    const NONE_YET: &'static str;
    /// The columns of the list.
    const COLUMNS: &'static [Column];
    /// How many of them are shown until somebody chooses.
    const USUAL_COLUMNS: usize;
    /// What the list can be sorted by.
    const ORDERS: &'static [Order<Self::Line>];
    /// The place of the usual one among them.
    const USUAL_ORDER: usize;
    /// The keys about one of them.
    const KEYS: &'static [Binding];
    /// The keys of the list of its members, beside those of the list of users.
    const MEMBER_KEYS: &'static [Binding];
    /// The key that makes a new one.
    const NEW: Binding;
    /// The key of [`Self::KEYS`] that shows the members.
    const MEMBERS: Action;

    /// All tables of the tab.
    const LIST_TABLES: &'static [&'static [Binding]] =
        &[super::KEYS, &[Self::NEW], Self::KEYS, copying::KEYS, table::KEYS];
    /// All tables of the record as a screen.
    const RECORD_TABLES: &'static [&'static [Binding]] =
        &[Self::KEYS, super::pane::KEYS, copying::KEYS, record::KEYS, &[Self::NEW]];
    /// All tables of the list of members.
    const MEMBER_TABLES: &'static [&'static [Binding]] = &users::tables_behind(Self::MEMBER_KEYS);

    /// A line of the list.
    type Line: Row<Key = i64> + Clone + Send + 'static;
    /// What is counted for the lines, which takes longer than to read them.
    type Counts: Send + 'static;
    /// Everything about one of them.
    type Record: Send + 'static;

    /// Its id.
    fn id(&self) -> i64;
    /// Its name.
    fn name(&self) -> &str;
    /// The one of a line.
    fn of_line(line: &Self::Line) -> Self;
    /// The one of a record.
    fn of_record(record: &Self::Record) -> Self;

    /// Why this portal has none to work with, as a sentence, if so.
    #[must_use]
    fn lack(_portal: &Portal) -> Option<String> {
        None
    }
    /// Reads all of them, by name.
    fn list(portal: &Portal) -> impl Future<Output = Result<Vec<Self::Line>>> + Send;
    /// Counts.
    fn counts(portal: &Portal) -> impl Future<Output = Result<Self::Counts>> + Send;
    /// Looks what is wrong with them.
    fn remarks(portal: &Portal) -> impl Future<Output = Result<Remarks>> + Send;
    /// Reads a record.
    fn record(portal: &Portal, id: i64) -> impl Future<Output = Result<Self::Record>> + Send;

    /// The words of a line in which a filter looks.
    fn words(line: &Self::Line) -> String;
    /// Puts into a line what is known of it by now.
    fn complete(line: &mut Self::Line, counts: Option<&Self::Counts>, remarks: Option<&Remarks>);
    /// Says what a record knows, but for remarks and history.
    fn describe(record: &Self::Record, lines: &mut Lines, clock: &Clock);
    /// The newest changes; nothing for whom they are not to see.
    fn history(record: &Self::Record) -> Option<&[ListedChange]>;

    /// Whether [`Self::NEW`], or a write of [`Self::KEYS`] to this one, is allowed.
    ///
    /// # Errors
    /// Why not, as a sentence.
    fn may(action: Action, which: Option<&Self>, sitting: &Sitting) -> std::result::Result<(), String>;
    /// Starts such a write, or opens what asks for it.
    fn act(action: Action, which: Option<&Self>, cx: &mut Cx);
    /// The lines of its menu, allowed or not.
    fn entries(&self) -> Vec<Entry>;

    /// Whether an action of [`Self::MEMBER_KEYS`] can be done now.
    ///
    /// # Errors
    /// Why not, as a sentence.
    fn may_to_members(&self, action: Action, users: &Users) -> std::result::Result<(), String>;
    /// Does an action of [`Self::MEMBER_KEYS`].
    fn act_on_members(&self, action: Action, users: &Users, cx: &mut Cx);
}
