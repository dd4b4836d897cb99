//! What a person does at the terminal: crossterm's events in our own, smaller words.
//!
//! Key names are the ones that the configuration, the footer and the help use: `n`, `Ctrl-S`, `Shift-Tab`, `F2`,
//! `Space`, `PgUp`. A letter with Shift is the capital letter; `Shift-` stands only before keys that print nothing.

use std::fmt;
use std::str::FromStr;
use std::time::Instant;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEventKind};

/// The longest paste that is looked at, in bytes; what is beyond is dropped. Every field takes less.
pub const PASTE_LIMIT: usize = 1 << 20;

/// One thing that happened at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed, or repeats while it is held.
    Key(KeyChord),
    /// A text was pasted, as it came, cut at [`PASTE_LIMIT`]. Control characters are still in it.
    Paste(String),
    /// The terminal has this many columns and rows now.
    Resize(u16, u16),
    /// The wheel was turned by so many notches, up being negative. Only while the mouse is on.
    Wheel(i16),
    /// The terminal's window came to the front.
    FocusGained,
    /// The terminal's window went behind another.
    FocusLost,
}

/// An input and when it was read from the terminal, so that a dialog can refuse what was typed before it was seen.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// What happened.
    pub input: Input,
    /// When it was read.
    pub at: Instant,
}

impl Arrival {
    /// An input that was read just now.
    #[must_use]
    pub fn now(input: Input) -> Self {
        Self { input, at: Instant::now() }
    }
}

/// A key without its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those on the keys")]
pub enum Key {
    Char(char),
    Enter,
    Esc,
    Tab,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    F(u8),
}

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyChord {
    /// The key; a letter under Ctrl is lower case, a letter under Shift is upper case.
    pub key: Key,
    /// Whether Ctrl was held.
    pub ctrl: bool,
    /// Whether Alt was held; no binding of ours uses it, a configured one may.
    pub alt: bool,
    /// Whether Shift was held; always false for characters.
    pub shift: bool,
}

/// A character without modifiers.
#[must_use]
pub const fn key(c: char) -> KeyChord {
    code(Key::Char(c))
}

/// A key without modifiers.
#[must_use]
pub const fn code(key: Key) -> KeyChord {
    KeyChord { key, ctrl: false, alt: false, shift: false }
}

/// A character under Ctrl, given in lower case.
#[must_use]
pub const fn ctrl(c: char) -> KeyChord {
    ctrl_code(Key::Char(c))
}

/// A key under Ctrl.
#[must_use]
pub const fn ctrl_code(key: Key) -> KeyChord {
    KeyChord { ctrl: true, ..code(key) }
}

/// A key under Shift.
#[must_use]
pub const fn shift(key: Key) -> KeyChord {
    KeyChord { shift: true, ..code(key) }
}

impl KeyChord {
    /// The character that this chord writes into a text field, if it writes one.
    #[must_use]
    pub fn text(self) -> Option<char> {
        match self {
            Self { key: Key::Char(c), ctrl: false, alt: false, .. } => Some(c),
            _ => None,
        }
    }
}

/// The names of keys that are no single character, as the configuration and the footer spell them.
const NAMES: &[(Key, &str)] = &[
    (Key::Char(' '), "Space"),
    (Key::Enter, "Enter"),
    (Key::Esc, "Esc"),
    (Key::Tab, "Tab"),
    (Key::Backspace, "Backspace"),
    (Key::Delete, "Del"),
    (Key::Insert, "Ins"),
    (Key::Up, "↑"),
    (Key::Down, "↓"),
    (Key::Left, "←"),
    (Key::Right, "→"),
    (Key::Up, "Up"),
    (Key::Down, "Down"),
    (Key::Left, "Left"),
    (Key::Right, "Right"),
    (Key::Home, "Home"),
    (Key::End, "End"),
    (Key::PageUp, "PgUp"),
    (Key::PageDown, "PgDn"),
];

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((_, name)) = NAMES.iter().find(|(key, _)| key == self) {
            return f.write_str(name);
        }
        match self {
            Self::Char(c) => write!(f, "{c}"),
            Self::F(n) => write!(f, "F{n}"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl fmt::Display for KeyChord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        if self.alt {
            f.write_str("Alt-")?;
        }
        if self.shift {
            f.write_str("Shift-")?;
        }
        match self.key {
            Key::Char(c) if self.ctrl => write!(f, "{}", Key::Char(c.to_ascii_uppercase())),
            key => write!(f, "{key}"),
        }
    }
}

/// The words that name no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKey(pub String);

impl fmt::Display for UnknownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` names no key; keys are written like n, Ctrl-S, Shift-Tab, F2, Space, PgUp", self.0)
    }
}

impl std::error::Error for UnknownKey {}

impl FromStr for KeyChord {
    type Err = UnknownKey;

    fn from_str(words: &str) -> Result<Self, UnknownKey> {
        let unknown = || UnknownKey(words.to_owned());
        let mut chord = code(Key::Esc);
        let mut rest = words;
        while let Some((modifier, after)) =
            rest.split_once('-').filter(|(before, after)| !before.is_empty() && !after.is_empty())
        {
            match modifier.to_ascii_lowercase().as_str() {
                "ctrl" => chord.ctrl = true,
                "alt" => chord.alt = true,
                "shift" => chord.shift = true,
                _ => return Err(unknown()),
            }
            rest = after;
        }
        chord.key = plain_key(rest).ok_or_else(unknown)?;
        if let Key::Char(c) = chord.key {
            let c = if chord.ctrl { c.to_ascii_lowercase() } else { c };
            chord.key = Key::Char(if chord.shift { c.to_ascii_uppercase() } else { c });
            chord.shift = false;
        }
        Ok(chord)
    }
}

fn plain_key(word: &str) -> Option<Key> {
    let mut chars = word.chars();
    if let (Some(c), None) = (chars.next(), chars.next())
        && !NAMES.iter().any(|(_, name)| *name == word)
    {
        return (!c.is_control()).then_some(Key::Char(c));
    }
    if let Some((key, _)) = NAMES.iter().find(|(_, name)| name.eq_ignore_ascii_case(word)) {
        return Some(*key);
    }
    let number: u8 = word.strip_prefix(['F', 'f'])?.parse().ok()?;
    (1..=24).contains(&number).then_some(Key::F(number))
}

/// One event of crossterm's in our words; nothing for those that no screen cares about (key releases, mouse moves).
#[must_use]
pub fn translate(event: Event) -> Option<Input> {
    match event {
        Event::Key(event) => chord(event).map(Input::Key),
        Event::Paste(text) => Some(Input::Paste(cut(text))),
        Event::Resize(width, height) => Some(Input::Resize(width, height)),
        Event::FocusGained => Some(Input::FocusGained),
        Event::FocusLost => Some(Input::FocusLost),
        Event::Mouse(event) => match event.kind {
            MouseEventKind::ScrollDown => Some(Input::Wheel(1)),
            MouseEventKind::ScrollUp => Some(Input::Wheel(-1)),
            _ => None,
        },
    }
}

fn chord(event: KeyEvent) -> Option<KeyChord> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let alt = event.modifiers.contains(KeyModifiers::ALT);
    let mut shift = event.modifiers.contains(KeyModifiers::SHIFT);
    let key = match event.code {
        KeyCode::Char(c) => {
            shift = false;
            Key::Char(if ctrl { c.to_ascii_lowercase() } else { c })
        }
        KeyCode::BackTab => {
            shift = true;
            Key::Tab
        }
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Insert => Key::Insert,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::F(n) => Key::F(n),
        _ => return None,
    };
    Some(KeyChord { key, ctrl, alt, shift })
}

/// The paste within its limit, cut between two characters.
fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(PASTE_LIMIT));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_it_is_written() {
        let chords = [
            key('n'),
            key('N'),
            key('?'),
            key('-'),
            key(' '),
            ctrl('s'),
            ctrl_code(Key::Left),
            shift(Key::Tab),
            code(Key::F(9)),
            code(Key::PageDown),
            KeyChord { alt: true, ..key('x') },
        ];
        for chord in chords {
            assert_eq!(chord.to_string().parse(), Ok(chord), "{chord}");
        }
    }

    #[test]
    fn key_names_are_forgiving_about_case_and_strict_about_the_rest() {
        assert_eq!("ctrl-S".parse(), Ok(ctrl('s')));
        assert_eq!("up".parse(), Ok(code(Key::Up)));
        assert_eq!("Shift-a".parse(), Ok(key('A')));
        assert_eq!("Ctrl--".parse(), Ok(ctrl('-')));
        for wrong in ["", "Ctrl-", "Meta-x", "F0", "F99", "Enterr", "\u{7}"] {
            assert!(wrong.parse::<KeyChord>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn crossterm_keys_come_out_in_one_spelling() {
        let press = |code, modifiers| translate(Event::Key(KeyEvent::new(code, modifiers)));
        assert_eq!(press(KeyCode::BackTab, KeyModifiers::SHIFT), Some(Input::Key(shift(Key::Tab))));
        assert_eq!(press(KeyCode::Char('G'), KeyModifiers::SHIFT), Some(Input::Key(key('G'))));
        assert_eq!(press(KeyCode::Char('C'), KeyModifiers::CONTROL), Some(Input::Key(ctrl('c'))));
        let mut release = KeyEvent::new(KeyCode::Char('a'), KeyModifiers::NONE);
        release.kind = KeyEventKind::Release;
        assert_eq!(translate(Event::Key(release)), None);
    }

    #[test]
    fn a_paste_is_cut_between_characters() {
        let text = "é".repeat(PASTE_LIMIT);
        let Some(Input::Paste(kept)) = translate(Event::Paste(text)) else { panic!("a paste stays a paste") };
        assert_eq!(kept.len(), PASTE_LIMIT);
    }
}
