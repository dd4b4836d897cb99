//! The Groups tab: what its list, its records and the lists of members are made of.

pub mod actions;
pub mod add_member;
mod line;
mod name;
pub mod permissions;
mod record;

use std::collections::BTreeMap;

use self::actions::{MEMBER_KEYS, Which};
use self::add_member::AddMember;
use self::line::{COLUMNS, Line, ORDERS};
use super::menu::Entry;
use super::short_list::{Order, ShortList, Thing};
use super::user_actions::Sitting;
use super::users::Users;
use crate::db::own::ListedChange;
use crate::directory::Portal;
use crate::directory::groups::{self, Counts, Record};
use crate::error::Result;
use crate::integrity::{self, Remarks};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::key;
use crate::tui::keymap::Binding;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::labelled::Lines;

/// The tab.
pub type Groups = ShortList<Which>;

impl Thing for Which {
    const NOUN: &'static str = "group";
    const NOUNS: &'static str = "groups";
    const TITLE: &'static str = "Groups";
    const NUMBER: usize = 2;
    const FILTER: &'static str = "group";
    const NONE_YET: &'static str =
        "There are no groups yet; portaldesk setup-groups makes those of the roles.";
    const COLUMNS: &'static [Column] = &COLUMNS;
    const USUAL_COLUMNS: usize = 5;
    const ORDERS: &'static [Order<Line>] = &ORDERS;
    /// By role.
    const USUAL_ORDER: usize = 1;
    const KEYS: &'static [Binding] = actions::KEYS;
    const MEMBER_KEYS: &'static [Binding] = MEMBER_KEYS;
    const NEW: Binding = Binding::new(&[key('n')], Action::GroupsNew, "new");
    const MEMBERS: Action = Action::GroupsMembers;

    type Line = Line;
    type Counts = BTreeMap<i64, Counts>;
    type Record = Record;

    fn id(&self) -> i64 {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn of_line(line: &Line) -> Self {
        let group = &line.group;
        Self { id: group.id, name: group.name.clone(), level: group.level }
    }

    fn of_record(record: &Record) -> Self {
        let group = &record.group;
        Self { id: group.id, name: group.name.clone(), level: group.level }
    }

    async fn list(portal: &Portal) -> Result<Vec<Line>> {
        Ok(groups::named(portal).await?.into_iter().map(Line::new).collect())
    }

    async fn counts(portal: &Portal) -> Result<Self::Counts> {
        groups::counts(portal, None).await
    }

    async fn remarks(portal: &Portal) -> Result<Remarks> {
        integrity::of_groups(portal).await
    }

    async fn record(portal: &Portal, id: i64) -> Result<Record> {
        groups::record(portal, id).await
    }

    fn words(line: &Line) -> String {
        line.words()
    }

    fn complete(line: &mut Line, counts: Option<&Self::Counts>, remarks: Option<&Remarks>) {
        let id = line.group.id;
        line.counts = counts.map(|all| all.get(&id).copied().unwrap_or_default());
        line.remarks = remarks.map(|all| all.get(&id).cloned().unwrap_or_default());
    }

    fn describe(record: &Record, lines: &mut Lines, _clock: &Clock) {
        record::describe(record, lines);
    }

    fn history(record: &Record) -> Option<&[ListedChange]> {
        record.history.as_deref()
    }

    fn may(action: Action, which: Option<&Self>, sitting: &Sitting) -> std::result::Result<(), String> {
        actions::may(action, which, sitting)
    }

    fn act(action: Action, which: Option<&Self>, cx: &mut Cx) {
        actions::act(action, which, cx);
    }

    fn entries(&self) -> Vec<Entry> {
        actions::ENTRIES.to_vec()
    }

    fn may_to_members(&self, action: Action, users: &Users) -> std::result::Result<(), String> {
        actions::may_to_members(self, action, users)
    }

    fn act_on_members(&self, action: Action, users: &Users, cx: &mut Cx) {
        match action {
            Action::GroupsAddMember => cx.push(AddMember::new(self)),
            _ => actions::remove(self, users, cx),
        }
    }
}
