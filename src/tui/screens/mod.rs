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
