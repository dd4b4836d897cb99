//! Copying to the terminal's clipboard: usernames (`y`), and the command line that tells the same (`Y`).
//!
//! What is copied is pasted into a shell. A name that would do something there is given by its id, and what looks otherwise
//! than it is, is copied as it looks.

use super::UserList;
use crate::directory::Portal;
use crate::directory::selection::{self, Selection};
use crate::directory::users::{Column, Query};
use crate::error::{Error, Result};
use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::key;
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::widgets::grouped;

/// Its keys, for every screen with a user on it.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('y')], Action::Copy, "copy the username").quiet(),
    Binding::new(&[key('Y')], Action::CopyCommand, "copy as command").quiet(),
];

const COPIED: Slot<Copied> = Slot::latest("users.copied");

/// More users than these do not go to a clipboard: terminals take some tens of kilobytes, and say nothing of the rest.
const MOST: u64 = 2_000;
/// The same in bytes.
const MOST_BYTES: usize = 50_000;

/// What goes to the clipboard.
#[derive(Debug)]
struct Copied {
    words: String,
    said: String,
}

/// What is to be copied.
enum What {
    Names(Selection),
    Users(Selection),
    List(Query),
}

/// Copies this user's name, or the command that shows them.
pub fn copy_one(action: Action, id: i64, cx: &mut Cx) {
    let whom = Selection::Ids(vec![id]);
    copy(if action == Action::Copy { What::Names(whom) } else { What::Users(whom) }, cx);
}

fn copy(what: What, cx: &mut Cx) {
    cx.start(&COPIED, "copying", move |portal| async move {
        match what {
            What::Names(whom) => names(&portal, &whom).await,
            What::Users(whom) => commands(&portal, &whom).await,
            What::List(query) => whole(format!("{} {}", program(&portal)?, list_command(&query)?)),
        }
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

impl UserList {
    /// Copies the marked usernames or the one under the cursor; or the command that tells who is marked, without marks
    /// the one that prints the list.
    pub fn copy(&self, action: Action, cx: &mut Cx) {
        let what = match (action, self.selection()) {
            (Action::Copy, Some(marked)) => What::Names(marked),
            (Action::Copy, None) => match self.current() {
                Some(user) => What::Names(Selection::Ids(vec![user.id])),
                None => return cx.refuse("There is no user under the cursor."),
            },
            // Who was left out can't be told in a filter.
            (_, Some(Selection::Matching { query, except })) if except.is_empty() => {
                let order = (self.query.sort, self.query.descending);
                What::List(Query { sort: order.0, descending: order.1, ..query })
            }
            (_, Some(marked)) => What::Users(marked),
            (_, None) => What::List(self.query.clone()),
        };
        copy(what, cx);
    }
}

async fn named(portal: &Portal, whom: &Selection) -> Result<Vec<(i64, String)>> {
    let count = whom.count(portal, &Query::default()).await?.chosen;
    if count > MOST {
        return Err(too_much(&format!("{} users", grouped(count))));
    }
    let ids = whom.ids(portal).await?;
    selection::usernames(portal, &ids).await
}

fn too_much(what: &str) -> Error {
    Error::invalid(format!(
        "{what} are too much for a terminal's clipboard; `portaldesk user export` writes a file."
    ))
}

fn whole(words: String) -> Result<Copied> {
    if words.len() > MOST_BYTES {
        return Err(too_much(&format!("{} bytes", grouped(words.len() as u64))));
    }
    let said = format!("Copied {words}");
    Ok(Copied { words, said })
}

async fn names(portal: &Portal, whom: &Selection) -> Result<Copied> {
    let named = named(portal, whom).await?;
    let lines: Vec<_> = named.iter().map(|(_, name)| text::safe(name)).collect();
    several(lines.join("\n"), lines.len(), "usernames")
}

async fn commands(portal: &Portal, whom: &Selection) -> Result<Copied> {
    let program = program(portal)?;
    let named = named(portal, whom).await?;
    let lines: Vec<String> =
        named.iter().map(|(id, name)| format!("{program} user show {}", argument(*id, name))).collect();
    several(lines.join("\n"), lines.len(), "commands")
}

fn several(words: String, count: usize, what: &str) -> Result<Copied> {
    let copied = whole(words)?;
    Ok(match count {
        0 => return Err(Error::invalid("There is nobody to copy.")),
        1 => copied,
        _ => Copied { said: format!("Copied {} {what}", grouped(count as u64)), ..copied },
    })
}

/// A user as a word of a command.
fn argument(id: i64, name: &str) -> String {
    match text::shell(name) {
        Some(word) if !name.starts_with(['-', '#']) => word.into_owned(),
        _ => format!("'#{id}'"),
    }
}

/// The program, on this portal.
fn program(portal: &Portal) -> Result<String> {
    let Some(name) = &portal.settings.called else { return Ok("portaldesk".to_owned()) };
    Ok(format!("portaldesk {}", shell(&format!("@{name}"))?))
}

/// `user list` with this filter and order.
fn list_command(query: &Query) -> Result<String> {
    let mut words = vec!["user list".to_owned()];
    if !query.is_open() {
        // The sign of equality lets a filter begin with a minus.
        words.push(format!("--filter={}", shell(&query.filter.line)?));
    }
    if query.sort != Column::default() {
        words.push(format!("--sort {}", order(query.sort)));
    }
    if query.descending {
        words.push("--descending".to_owned());
    }
    Ok(words.join(" "))
}

fn shell(word: &str) -> Result<String> {
    let refused = || Error::invalid("There are characters in it that no command line should have.");
    text::shell(word).map(std::borrow::Cow::into_owned).ok_or_else(refused)
}

/// The order as the command line calls it.
fn order(column: Column) -> &'static str {
    match column {
        Column::Username => "username",
        Column::Name => "name",
        Column::Email => "email",
        Column::Department => "department",
        Column::Access => "access",
        Column::LastLogin => "last-login",
        Column::Joined => "joined",
        Column::State => "state",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::filter::Filter;

    #[test]
    fn a_list_is_a_command() {
        assert_eq!(list_command(&Query::default()).unwrap(), "user list");
        let query = Query { filter: Filter::of("o'neil x"), sort: Column::LastLogin, descending: true };
        let command = list_command(&query).unwrap();
        assert_eq!(command, r"user list --filter='o'\''neil x' --sort last-login --descending");
    }

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
