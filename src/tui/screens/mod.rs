//! The register of screens: one file each.

pub mod confirm;
pub mod help;
pub mod message;
pub mod palette;
pub mod review;

use super::keymap::Context;

/// The tables of keys of every screen, for the configuration to be checked against and for the documentation.
pub const CONTEXTS: &[Context] = &[
    Context { name: "Confirm", tables: &[confirm::KEYS] },
    Context { name: "Help", tables: &[help::KEYS] },
    Context { name: "Message", tables: &[message::KEYS] },
    Context { name: "Palette", tables: &[palette::KEYS] },
    Context { name: "Review", tables: &[review::KEYS] },
];
