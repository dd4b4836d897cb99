//! Copying to the terminal's clipboard: names (`y`), and the command line that tells the same (`Y`).
//!
//! What is copied is pasted into a shell. A name that would do something there is given by its id, and what looks otherwise
//! than it is, is copied as it looks.

use crate::directory::Portal;
use crate::error::{Error, Result};
use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::key;
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::widgets::grouped;

/// Its keys, for every screen with something on it that has a name.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('y')], Action::Copy, "copy the name").quiet(),
    Binding::new(&[key('Y')], Action::CopyCommand, "copy as command").quiet(),
];

/// What is to be copied, once it is known.
pub(super) const COPIED: Slot<Copied> = Slot::latest("list.copied");

/// More bytes than these do not go to a clipboard: terminals take some tens of kilobytes, and say nothing of the rest.
const MOST_BYTES: usize = 50_000;

/// What goes to the clipboard.
#[derive(Debug)]
pub(super) struct Copied {
    words: String,
    said: String,
}

impl Copied {
    /// These words, which are said too.
    pub(super) fn whole(words: String) -> Result<Self> {
        if words.len() > MOST_BYTES {
            return Err(too_much(&format!("{} bytes", grouped(words.len() as u64))));
        }
        let said = format!("Copied {words}");
        Ok(Self { words, said })
    }

    /// The same of so many lines.
    pub(super) fn several(words: String, count: usize, what: &str) -> Result<Self> {
        let copied = Self::whole(words)?;
        Ok(match count {
            0 => return Err(Error::invalid("There is nobody to copy.")),
            1 => copied,
            _ => Self { said: format!("Copied {} {what}", grouped(count as u64)), ..copied },
        })
    }
}

pub(super) fn too_much(what: &str) -> Error {
    Error::invalid(format!(
        "{what} are too much for a terminal's clipboard; `portaldesk user export` writes a file."
    ))
}

/// Copies the name of a row, or the command of this family that shows it.
pub(super) fn copy_row(action: Action, family: &'static str, id: i64, name: &str, cx: &mut Cx) {
    let name = name.to_owned();
    cx.start(&COPIED, "copying", move |portal| async move {
        if action == Action::Copy {
            return Copied::whole(text::safe(&name).into_owned());
        }
        Copied::whole(format!("{} {family} show {}", program(&portal)?, argument(id, &name)))
    });
}

/// Takes what is to be copied; says whether the reply was that.
pub fn reply(reply: &mut Reply, cx: &mut Cx) -> bool {
    match COPIED.take(reply) {
        Some(Ok(Copied { words, said })) => {
            cx.ask(Effect::Copy(words));
            cx.done(said);
        }
        Some(Err(error)) => cx.refuse(error.message),
        None => return false,
    }
    true
}

/// The program, on this portal.
pub(super) fn program(portal: &Portal) -> Result<String> {
    let Some(name) = &portal.settings.called else { return Ok("portaldesk".to_owned()) };
    Ok(format!("portaldesk {}", shell(&format!("@{name}"))?))
}

/// A row as a word of a command.
pub(super) fn argument(id: i64, name: &str) -> String {
    match text::shell(name) {
        Some(word) if !name.starts_with(['-', '#']) => word.into_owned(),
        _ => format!("'#{id}'"),
    }
}

pub(super) fn shell(word: &str) -> Result<String> {
    let refused = || Error::invalid("There are characters in it that no command line should have.");
    text::shell(word).map(std::borrow::Cow::into_owned).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_do_something_is_given_by_its_id() {
        for (name, word) in [
            ("bela", "bela"),
            ("a b", "'a b'"),
            ("$(reboot)", "'$(reboot)'"),
            ("-rf", "'#7'"),
            ("#8", "'#7'"),
            ("x\u{1b}[201~", "'#7'"),
            ("two\nlines", "'#7'"),
            ("", "''"),
        ] {
            assert_eq!(argument(7, name), word, "{name:?}");
        }
    }
}
