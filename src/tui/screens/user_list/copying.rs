//! Copying users: the marked or the one under the cursor, or the list itself as a command.

use super::UserList;
use crate::directory::Portal;
use crate::directory::selection::{self, Selection};
use crate::directory::users::{Column, Query};
use crate::error::Result;
use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::screens::copying::{COPIED, Copied, argument, program, shell, too_much};
use crate::tui::widgets::grouped;

/// More users than these do not go to a clipboard.
const MOST: u64 = 2_000;

/// What is to be copied.
enum What {
    Names(Selection),
    Users(Selection),
    List(Query),
}

fn copy(what: What, cx: &mut Cx) {
    cx.start(&COPIED, "copying", move |portal| async move {
        match what {
            What::Names(whom) => names(&portal, &whom).await,
            What::Users(whom) => commands(&portal, &whom).await,
            What::List(query) => Copied::whole(format!("{} {}", program(&portal)?, list_command(&query)?)),
        }
    });
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

async fn names(portal: &Portal, whom: &Selection) -> Result<Copied> {
    let named = named(portal, whom).await?;
    let lines: Vec<_> = named.iter().map(|(_, name)| text::safe(name)).collect();
    Copied::several(lines.join("\n"), lines.len(), "usernames")
}

async fn commands(portal: &Portal, whom: &Selection) -> Result<Copied> {
    let program = program(portal)?;
    let named = named(portal, whom).await?;
    let lines: Vec<String> =
        named.iter().map(|(id, name)| format!("{program} user show {}", argument(*id, name))).collect();
    Copied::several(lines.join("\n"), lines.len(), "commands")
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
}
