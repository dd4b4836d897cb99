//! The register of screens: one file each.

mod account;
pub mod confirm;
pub mod help;
pub mod memberships;
pub mod menu;
pub mod message;
pub mod palette;
pub mod password;
pub mod record;
pub mod review;
pub mod undo;
pub mod user_actions;
pub mod user_form;
pub mod user_list;
pub mod users;

use super::actions::Action;
use super::app::Command;
use super::keymap::Context;
use super::screen::Screen;
use super::widgets::form;

/// The tabs, in the order of their numbers.
#[must_use]
pub fn tabs() -> Vec<Box<dyn Screen>> {
    vec![Box::new(users::Users::default())]
}

/// What the keys of everywhere do that need more than the frame.
#[must_use]
pub fn commands() -> Vec<(Action, Command)> {
    undo::commands()
}

/// The tables of keys of every screen, for the configuration to be checked against and for the documentation.
pub const CONTEXTS: &[Context] = &[
    Context { name: "Confirm", tables: &[confirm::KEYS] },
    Context { name: "Help", tables: &[help::KEYS] },
    Context { name: "Memberships", tables: &[memberships::KEYS] },
    Context { name: "Menu", tables: &[menu::KEYS] },
    Context { name: "Message", tables: &[message::KEYS] },
    Context { name: "New password", tables: &[account::shown::KEYS] },
    Context { name: "Palette", tables: &[palette::KEYS] },
    Context { name: "Password", tables: &[password::KEYS, form::KEYS] },
    Context { name: "Record", tables: &[user_actions::KEYS, record::KEYS] },
    Context { name: "Review", tables: &[review::KEYS] },
    Context { name: "Sort by", tables: &[user_list::sort::KEYS] },
    Context { name: "Undo", tables: &[undo::KEYS] },
    Context { name: "User form", tables: &[user_form::KEYS, form::KEYS] },
    Context { name: "Users", tables: users::TABLES },
];
