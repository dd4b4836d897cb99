//! The register of screens: one file each.

pub mod confirm;
pub mod help;
pub mod memberships;
pub mod message;
pub mod palette;
pub mod password;
pub mod review;
pub mod user_form;

use super::keymap::Context;
use super::widgets::form;

/// The tables of keys of every screen, for the configuration to be checked against and for the documentation.
pub const CONTEXTS: &[Context] = &[
    Context { name: "Confirm", tables: &[confirm::KEYS] },
    Context { name: "Help", tables: &[help::KEYS] },
    Context { name: "Memberships", tables: &[memberships::KEYS] },
    Context { name: "Message", tables: &[message::KEYS] },
    Context { name: "Palette", tables: &[palette::KEYS] },
    Context { name: "Password", tables: &[password::KEYS, form::KEYS] },
    Context { name: "Review", tables: &[review::KEYS] },
    Context { name: "User form", tables: &[user_form::KEYS, form::KEYS] },
];
