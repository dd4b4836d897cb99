//! Which key does what. One table per screen feeds dispatch, footer, help, palette and the generated documentation.
//!
//! A table holds the default keys; [`Keymap`] lays the configuration's own over them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::actions::Action;
use super::input::{Key, KeyChord, code, ctrl, ctrl_code, key};

/// One line of a screen's table of keys.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// The keys that do it unless the configuration says otherwise; the first is the one shown in the footer.
    pub keys: &'static [KeyChord],
    /// What they do.
    pub action: Action,
    /// What it is called beside its key: a word or two, lower case.
    pub label: &'static str,
    /// Where it is shown.
    pub when: When,
    /// Whether it leads to a write that takes something away; shown in another colour, with a sign.
    pub dangerous: bool,
}

/// Where a binding is shown. Whether it works at the moment is the screen's to say: [`super::Screen::enabled`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// In the footer and the help.
    Footer,
    /// In the help only: moves and the like, that everyone knows or that have no room.
    Help,
}

impl Binding {
    /// A binding that stands in the footer.
    #[must_use]
    pub const fn new(keys: &'static [KeyChord], action: Action, label: &'static str) -> Self {
        Self { keys, action, label, when: When::Footer, dangerous: false }
    }

    /// The same, shown in the help only.
    #[must_use]
    pub const fn quiet(self) -> Self {
        Self { when: When::Help, ..self }
    }

    /// The same, marked as taking something away.
    #[must_use]
    pub const fn dangerous(self) -> Self {
        Self { dangerous: true, ..self }
    }
}

/// The keys that work on every screen, unless the screen's own table uses the same key.
pub const EVERYWHERE: &[Binding] = &[
    Binding::new(&[key('?'), code(Key::F(1))], Action::Help, "help"),
    Binding::new(&[key('W')], Action::WriteAccess, "switch writing on"),
    Binding::new(&[key(':'), ctrl('p'), code(Key::F(9))], Action::Palette, "palette").quiet(),
    Binding::new(&[code(Key::Esc)], Action::Close, "close, clear").quiet(),
    Binding::new(&[key('q')], Action::Back, "back, quit").quiet(),
    Binding::new(&[key('u')], Action::Undo, "undo").quiet(),
    Binding::new(&[key('U')], Action::Redo, "redo").quiet(),
    Binding::new(&[key('r')], Action::Reload, "reload").quiet(),
    Binding::new(
        &[key('x')],
        Action::Symptoms,
        "explain an error: 1062 duplicate entry, user has no profile, cannot log in",
    )
    .quiet(),
    Binding::new(&[ctrl_code(Key::Right)], Action::NextTab, "next tab").quiet(),
    Binding::new(&[ctrl_code(Key::Left)], Action::PreviousTab, "previous tab").quiet(),
    Binding::new(&[key('1')], Action::Tab1, "first tab").quiet(),
    Binding::new(&[key('2')], Action::Tab2, "second tab").quiet(),
    Binding::new(&[key('3')], Action::Tab3, "third tab").quiet(),
    Binding::new(&[key('4')], Action::Tab4, "fourth tab").quiet(),
    Binding::new(&[key('5')], Action::Tab5, "fifth tab").quiet(),
    Binding::new(&[key('6')], Action::Tab6, "sixth tab").quiet(),
    Binding::new(&[key('Z')], Action::Lock, "lock the screens").quiet(),
    Binding::new(&[ctrl('l')], Action::Repaint, "repaint").quiet(),
    Binding::new(&[key('m')], Action::Mouse, "mouse on or off").quiet(),
    Binding::new(&[ctrl('z')], Action::Suspend, "suspend").quiet(),
    Binding::new(&[ctrl('c')], Action::Cancel, "cancel work, then quit").quiet(),
];

/// The tables that are live together on one screen, named for messages.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// What people call the screen.
    pub name: &'static str,
    /// Its tables, without [`EVERYWHERE`].
    pub tables: &'static [&'static [Binding]],
}

/// The keys in force: the tables' own, and what the configuration puts in their place.
#[derive(Debug, Clone, Default)]
pub struct Keymap {
    changed: HashMap<Action, Vec<KeyChord>>,
}

impl Keymap {
    /// Lays the configuration (action name → key names) over the tables of all screens.
    ///
    /// # Errors
    ///
    /// Every unknown action, every word that names no key, and every key that would do two things on one screen, each
    /// as a sentence that names them.
    pub fn new(
        configured: &BTreeMap<String, Vec<String>>,
        contexts: &[Context],
    ) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let mut changed = HashMap::new();
        for (name, words) in configured {
            let Some(action) = Action::named(name) else {
                problems.push(unknown_action(name));
                continue;
            };
            let mut chords = Vec::new();
            for word in words {
                match word.parse() {
                    Ok(chord) => chords.push(chord),
                    Err(unknown) => problems.push(format!("{name}: {unknown}.")),
                }
            }
            changed.insert(action, chords);
        }
        let keymap = Self { changed };
        let clashes: BTreeSet<String> = contexts.iter().flat_map(|context| keymap.clashes(context)).collect();
        problems.extend(clashes);
        if problems.is_empty() { Ok(keymap) } else { Err(problems) }
    }

    /// The keys of a binding, the configured ones where there are any.
    #[must_use]
    pub fn keys<'a>(&'a self, binding: &'a Binding) -> &'a [KeyChord] {
        self.changed.get(&binding.action).map_or(binding.keys, Vec::as_slice)
    }

    /// The binding that a key means on a screen with these tables: the screen's own first, then [`EVERYWHERE`].
    #[must_use]
    pub fn find(&self, chord: KeyChord, tables: &[&'static [Binding]]) -> Option<&'static Binding> {
        tables
            .iter()
            .copied()
            .chain([EVERYWHERE])
            .flatten()
            .find(|binding| self.keys(binding).contains(&chord))
    }

    /// The first key of a binding as the footer shows it; nothing when the configuration took all its keys away.
    #[must_use]
    pub fn shown(&self, binding: &Binding) -> Option<String> {
        self.keys(binding).first().map(ToString::to_string)
    }

    /// The keys that do two things on this screen, at least one of them by configuration.
    fn clashes(&self, context: &Context) -> Vec<String> {
        let mut found = Vec::new();
        let live: Vec<&Binding> = context.tables.iter().copied().chain([EVERYWHERE]).flatten().collect();
        for (at, first) in live.iter().enumerate() {
            for second in &live[at + 1..] {
                let configured =
                    self.changed.contains_key(&first.action) || self.changed.contains_key(&second.action);
                if first.action == second.action || !configured {
                    continue;
                }
                for chord in self.keys(first).iter().filter(|chord| self.keys(second).contains(chord)) {
                    found.push(format!(
                        "{} and {} would both be {chord} on the screen {}.",
                        first.action.name(),
                        second.action.name(),
                        context.name
                    ));
                }
            }
        }
        found
    }
}

fn unknown_action(name: &str) -> String {
    let near = Action::ALL
        .iter()
        .map(|action| action.name())
        .min_by_key(|known| strsim::damerau_levenshtein(known, name))
        .unwrap_or_default();
    format!("{name} is no action; did you mean {near}?")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Binding] = &[
        Binding::new(&[key('n')], Action::UsersNew, "new"),
        Binding::new(&[key('e'), code(Key::F(4))], Action::UsersEdit, "edit"),
    ];
    const SCREEN: Context = Context { name: "Users", tables: &[TABLE] };

    fn configured(lines: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        lines
            .iter()
            .map(|(name, keys)| ((*name).to_owned(), keys.iter().map(|key| (*key).to_owned()).collect()))
            .collect()
    }

    #[test]
    fn the_screen_comes_before_everywhere() {
        let keymap = Keymap::default();
        assert_eq!(keymap.find(key('n'), SCREEN.tables).map(|b| b.action), Some(Action::UsersNew));
        assert_eq!(keymap.find(code(Key::F(4)), SCREEN.tables).map(|b| b.action), Some(Action::UsersEdit));
        assert_eq!(keymap.find(code(Key::F(1)), SCREEN.tables).map(|b| b.action), Some(Action::Help));
        assert_eq!(keymap.find(key('n'), &[]).map(|b| b.action), None);
    }

    #[test]
    fn a_configured_key_takes_the_place_of_the_default() {
        let keymap = Keymap::new(&configured(&[("users.new", &["Ins", "+"])]), &[SCREEN]).expect("no clash");
        assert!(keymap.find(key('n'), SCREEN.tables).is_none());
        assert_eq!(keymap.find(key('+'), SCREEN.tables).map(|b| b.action), Some(Action::UsersNew));
        assert_eq!(keymap.shown(&TABLE[0]).as_deref(), Some("Ins"));
    }

    #[test]
    fn mistakes_are_named() {
        let wrong =
            configured(&[("users.nwe", &["n"]), ("users.edit", &["n", "Hyper-x"]), ("users.new", &["?"])]);
        let problems = Keymap::new(&wrong, &[SCREEN]).expect_err("four mistakes");
        assert!(problems[1].contains("users.nwe") && problems[1].contains("users.new?"), "{problems:?}");
        assert!(problems[0].contains("users.edit") && problems[0].contains("Hyper-x"), "{problems:?}");
        assert!(problems[2].contains("users.new") && problems[2].contains("app.help"), "{problems:?}");
        assert_eq!(problems.len(), 3);
    }

    #[test]
    fn keys_may_be_exchanged() {
        let swapped = configured(&[("users.new", &["e"]), ("users.edit", &["n"])]);
        assert!(Keymap::new(&swapped, &[SCREEN]).is_ok());
    }
}
