//! The Departments tab: what its list, its records and the lists of members are made of.

pub mod actions;
pub mod form;
mod line;
pub mod merge;
mod record;
pub mod where_to;

use std::collections::BTreeMap;

use self::actions::{MEMBER_KEYS, Which};
use self::line::{COLUMNS, Line, ORDERS};
use self::where_to::WhereTo;
use super::menu::Entry;
use super::short_list::{Order, RecordScreen, ShortList, Thing, may_to_chosen};
use super::user_actions::Sitting;
use super::users::Users;
use crate::db::own::ListedChange;
use crate::directory::Portal;
use crate::directory::departments::{self, Members, Record};
use crate::error::Result;
use crate::integrity::{self, Remarks};
use crate::portal::access;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::key;
use crate::tui::keymap::Binding;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::labelled::Lines;

/// The tab.
pub type Departments = ShortList<Which>;
/// One department's record as a screen.
pub type DepartmentScreen = RecordScreen<Which>;

impl Thing for Which {
    const NOUN: &'static str = "department";
    const NOUNS: &'static str = "departments";
    const TITLE: &'static str = "Departments";
    const NUMBER: usize = 3;
    const FILTER: &'static str = "dept";
    const NONE_YET: &'static str = "There are no departments yet; n makes one.";
    const COLUMNS: &'static [Column] = &COLUMNS;
    const USUAL_COLUMNS: usize = 5;
    const ORDERS: &'static [Order<Line>] = &ORDERS;
    /// By name.
    const USUAL_ORDER: usize = 0;
    const KEYS: &'static [Binding] = actions::KEYS;
    const MEMBER_KEYS: &'static [Binding] = MEMBER_KEYS;
    const NEW: Binding = Binding::new(&[key('n')], Action::DepartmentsNew, "new");
    const MEMBERS: Action = Action::DepartmentsMembers;

    type Line = Line;
    /// Nothing where this portal doesn't say who is in which.
    type Counts = Option<BTreeMap<i64, Members>>;
    type Record = Record;

    fn id(&self) -> i64 {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn of_line(line: &Line) -> Self {
        Self::of(&line.department)
    }

    fn of_record(record: &Record) -> Self {
        Self::of(&record.department)
    }

    fn lack(portal: &Portal) -> Option<String> {
        departments::lack(portal).map(|lack| format!("This portal has no departments: {lack}."))
    }

    async fn list(portal: &Portal) -> Result<Vec<Line>> {
        Ok(departments::list(portal, &[]).await?.into_iter().map(Line::new).collect())
    }

    async fn counts(portal: &Portal) -> Result<Self::Counts> {
        departments::members::all(portal).await
    }

    async fn remarks(portal: &Portal) -> Result<Remarks> {
        integrity::of_departments(portal).await
    }

    async fn record(portal: &Portal, id: i64) -> Result<Record> {
        departments::read(portal, id).await
    }

    fn words(line: &Line) -> String {
        format!("{} {}", line.department.name, line.department.description)
    }

    fn complete(line: &mut Line, counts: Option<&Self::Counts>, remarks: Option<&Remarks>) {
        let id = line.department.id;
        line.members = counts.and_then(Option::as_ref).map(|all| all.get(&id).copied().unwrap_or_default());
        line.remarks = remarks.map(|all| all.get(&id).cloned().unwrap_or_default());
    }

    fn describe(record: &Record, lines: &mut Lines, clock: &Clock) {
        record::describe(record, lines, clock);
    }

    fn history(record: &Record) -> Option<&[ListedChange]> {
        record.history.as_deref()
    }

    fn may(_action: Action, _which: Option<&Self>, sitting: &Sitting) -> std::result::Result<(), String> {
        sitting.allows(&access::Action::EditDepartments)
    }

    fn act(action: Action, which: Option<&Self>, cx: &mut Cx) {
        actions::act(action, which, cx);
    }

    fn entries(&self) -> Vec<Entry> {
        actions::entries(self)
    }

    fn may_to_members(&self, _action: Action, users: &Users) -> std::result::Result<(), String> {
        may_to_chosen(users, |target| access::Action::EditProfile { target, only_own_fields: false })
    }

    fn act_on_members(&self, _action: Action, users: &Users, cx: &mut Cx) {
        if let Some((who, words)) = users.chosen() {
            cx.push(WhereTo::members(self.clone(), who, words));
        }
    }
}
