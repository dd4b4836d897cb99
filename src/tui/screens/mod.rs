//! The register of screens: one file each.

mod account;
mod backup;
pub mod baseline;
pub mod beside;
pub mod bulk;
pub mod chooser;
pub mod columns;
pub mod confirm;
pub mod conflict;
pub mod connect;
pub mod copying;
pub mod decision;
pub mod delete_user;
pub mod departments;
pub mod drafts;
pub mod export;
pub mod finding;
pub mod first_run;
pub mod groups;
pub mod help;
pub mod history;
pub mod import;
pub mod integrity;
pub mod list_memory;
pub mod memberships;
pub mod menu;
pub mod message;
pub mod overview;
pub mod palette;
pub mod password;
pub mod permissions;
pub mod pick;
pub mod record;
pub mod review;
pub mod saved_filters;
pub mod short_list;
pub mod shown;
pub mod sign_in;
pub mod stopped_run;
pub mod symptoms;
pub mod test_password;
pub mod undo;
pub mod user_actions;
pub mod user_findings;
pub mod user_form;
pub mod user_list;
pub mod users;
mod wish;
pub mod write_access;

use self::departments::actions::Which as Department;
use self::groups::actions::Which as Group;
use self::short_list::Thing;
use super::actions::Action;
use super::app::Command;
use super::keymap::Context;
use super::screen::Screen;
use super::widgets::form;

/// The tabs, in the order of their numbers.
#[must_use]
pub fn tabs() -> Vec<Box<dyn Screen>> {
    let board = integrity::board::SharedBoard::default();
    vec![
        Box::new(users::Users::default()),
        Box::<groups::Groups>::default(),
        Box::<departments::Departments>::default(),
        Box::new(integrity::Integrity::on(board.clone())),
        Box::<history::History>::default(),
        Box::new(overview::Overview::new(board)),
    ]
}

/// What the keys of everywhere do that need more than the frame.
#[must_use]
pub fn commands() -> Vec<(Action, Command)> {
    let mut commands = undo::commands();
    commands.push((Action::WriteAccess, Box::new(|cx| cx.push(write_access::WriteAccess::default()))));
    commands.push((Action::Symptoms, Box::new(|cx| cx.push(symptoms::list()))));
    commands
}

/// The tables of keys of every screen, for the configuration to be checked against and for the documentation.
pub const CONTEXTS: &[Context] = &[
    Context { name: "Accept", tables: &[baseline::KEYS] },
    Context { name: "Add a member", tables: &[groups::add_member::KEYS] },
    Context { name: "A portal's database", tables: &[connect::KEYS] },
    Context { name: "Choice for the marked", tables: &[bulk::CHOOSE_KEYS] },
    Context { name: "Columns", tables: &[columns::KEYS] },
    Context { name: "Confirm", tables: &[confirm::KEYS] },
    Context { name: "Conflict", tables: &[conflict::KEYS] },
    Context { name: "Connected", tables: &[connect::keep::KEYS] },
    Context { name: "Decision", tables: &[decision::KEYS] },
    Context { name: "Delete user", tables: &[delete_user::KEYS] },
    Context { name: "Department", tables: Department::RECORD_TABLES },
    Context { name: "Department form", tables: &[departments::form::KEYS, form::KEYS] },
    Context { name: "Department members", tables: Department::MEMBER_TABLES },
    Context { name: "Departments", tables: Department::LIST_TABLES },
    Context { name: "Export", tables: &[export::KEYS] },
    Context { name: "Finding", tables: finding::TABLES },
    Context { name: "First superuser", tables: &[first_run::KEYS] },
    Context { name: "Group", tables: Group::RECORD_TABLES },
    Context { name: "Group name", tables: &[form::KEYS] },
    Context { name: "Group permissions", tables: &[groups::permissions::KEYS] },
    Context { name: "Groups", tables: Group::LIST_TABLES },
    Context { name: "Help", tables: &[help::KEYS] },
    Context { name: "History", tables: history::TABLES },
    Context { name: "Import users", tables: &[import::KEYS, form::KEYS] },
    Context { name: "Integrity", tables: integrity::TABLES },
    Context { name: "New passwords of the marked", tables: &[bulk::FILE_KEYS] },
    Context { name: "One is done", tables: &[bulk::REST_KEYS] },
    Context { name: "One change", tables: &[history::entry::KEYS, record::KEYS] },
    Context { name: "Members", tables: Group::MEMBER_TABLES },
    Context { name: "Memberships", tables: &[memberships::KEYS] },
    Context { name: "Menu", tables: &[menu::KEYS] },
    Context { name: "Message", tables: &[message::KEYS] },
    Context { name: "New password", tables: &[account::shown::KEYS] },
    Context { name: "Overview", tables: overview::TABLES },
    Context { name: "Palette", tables: &[palette::KEYS] },
    Context { name: "Not trusted", tables: &[connect::ways::KEYS] },
    Context { name: "Password", tables: &[password::KEYS, form::KEYS] },
    Context { name: "Permissions", tables: &[permissions::KEYS] },
    Context { name: "Preview of a repair", tables: &[integrity::preview::KEYS] },
    Context { name: "Record", tables: record::TABLES },
    Context { name: "Review", tables: &[review::KEYS] },
    Context { name: "Save a filter", tables: &[saved_filters::NAME_KEYS] },
    Context { name: "Saved filters", tables: &[saved_filters::KEYS] },
    Context { name: "Sign in", tables: &[sign_in::KEYS] },
    Context { name: "Sort by", tables: &[pick::SORT_KEYS] },
    Context { name: "Switch writing on", tables: &[write_access::KEYS] },
    Context { name: "Symptoms", tables: &[symptoms::KEYS] },
    Context { name: "Test a password", tables: &[test_password::KEYS] },
    Context { name: "Undo", tables: &[undo::KEYS] },
    Context { name: "User form", tables: &[user_form::KEYS, form::KEYS] },
    Context { name: "Unsaved", tables: &[drafts::KEYS] },
    Context { name: "Stopped run", tables: &[stopped_run::KEYS] },
    Context { name: "Users", tables: users::TABLES },
    Context { name: "Where members go", tables: &[departments::where_to::KEYS] },
    Context { name: "Which portal", tables: &[chooser::KEYS] },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::tui::input::{ctrl, key};
    use crate::tui::keymap::{Binding, EVERYWHERE};
    use crate::tui::widgets::{form, table};

    fn tables() -> impl Iterator<Item = &'static Binding> {
        let shared = [EVERYWHERE, form::KEYS, table::KEYS, table::MARK_KEYS];
        CONTEXTS.iter().flat_map(|context| context.tables.iter().copied()).chain(shared).flatten()
    }

    #[test]
    fn no_key_is_one_that_terminals_multiplexers_or_keyboards_take() {
        let aliases = ['h', 'i', 'j', 'm', 'a', 'b'].map(ctrl);
        let composed = ['[', ']'].map(key);
        for binding in tables() {
            for chord in binding.keys {
                assert!(!aliases.contains(chord) && !composed.contains(chord) && !chord.alt, "{binding:?}");
            }
        }
    }

    #[test]
    fn no_key_means_two_things_on_one_screen() {
        for context in CONTEXTS {
            let mut seen = BTreeSet::new();
            for binding in context.tables.iter().copied().flatten() {
                for chord in binding.keys {
                    assert!(seen.insert(*chord), "{}: {chord}", context.name);
                }
            }
        }
    }
}
