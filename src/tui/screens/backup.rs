//! A backup before something that is hard to take back, offered in its review: one key, and where the file will be.

use std::path::PathBuf;

use chrono::Utc;

use crate::config::paths;
use crate::db::Dialect;
use crate::directory::backup::{self, Summary};
use crate::error::Kind;
use crate::tui::cx::Cx;
use crate::tui::jobs::{Reply, Slot};

const WRITE: Slot<Summary> = Slot::latest("backup.write");

/// The offer, and what became of it.
pub(super) struct Backup {
    /// Where it goes, or why nowhere.
    folder: Result<PathBuf, String>,
    state: State,
}

enum State {
    Offered,
    Running,
    Done(String),
}

impl Default for Backup {
    /// Into the folder of the log, which is this user's alone.
    fn default() -> Self {
        Self { folder: paths::state_dir().map_err(|error| error.message), state: State::Offered }
    }
}

impl Backup {
    /// Into this folder.
    #[cfg(test)]
    pub(super) fn into(folder: &str) -> Self {
        Self { folder: Ok(PathBuf::from(folder)), state: State::Offered }
    }

    /// What the review says of it.
    #[must_use]
    pub(super) fn words(&self) -> String {
        match (&self.state, &self.folder) {
            (State::Offered, Ok(folder)) => {
                format!("F5 makes a backup first, a new file in {}.", folder.display())
            }
            (State::Offered, Err(why)) => format!("No backup can be made from here: {why}."),
            (State::Running, _) => "The backup is being made.".to_owned(),
            (State::Done(words), _) => words.clone(),
        }
    }

    /// Whether it can be made now.
    ///
    /// # Errors
    /// Why not, as a sentence.
    pub(super) fn may_start(&self) -> Result<(), String> {
        match (&self.state, &self.folder) {
            (State::Offered, folder) => folder.as_ref().map(|_| ()).map_err(|why| format!("{why}.")),
            (State::Running, _) => Err("The backup is being made.".to_owned()),
            (State::Done(_), _) => Err("The backup is made.".to_owned()),
        }
    }

    /// Why the review may not be confirmed yet: leaving it would end what is being written.
    #[must_use]
    pub(super) fn waits(&self) -> Option<String> {
        matches!(self.state, State::Running)
            .then(|| "The backup is being made; Esc gives both up.".to_owned())
    }

    /// Makes it.
    pub(super) fn start(&mut self, cx: &mut Cx) {
        let Ok(folder) = self.folder.clone() else { return };
        self.state = State::Running;
        cx.start_task(&WRITE, "making a backup", move |portal, task| async move {
            let end = if portal.dialect() == Dialect::Sqlite { "sqlite3" } else { "sql" };
            let name = format!("backup-{}.{end}", Utc::now().format("%Y%m%dT%H%M%S%3fZ"));
            backup::write(&portal, &folder.join(name), task.cancel()).await
        });
    }

    /// Takes the reply; says whether it was its.
    pub(super) fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) -> bool {
        let Some(result) = WRITE.take(reply) else { return false };
        match result {
            Ok(summary) => self.state = State::Done(summary.to_string()),
            Err(error) => {
                self.state = State::Offered;
                if error.kind != Kind::Interrupted {
                    cx.fail(&error);
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::error::Error;

    #[test]
    fn it_is_made_once_and_tried_again_when_it_failed() {
        let mut backup = Backup::into("/srv");
        let mut cx = Cx::new(Size::new(80, 24));
        assert_eq!(backup.words(), "F5 makes a backup first, a new file in /srv.");
        backup.start(&mut cx);
        assert_eq!(format!("{:?}", cx.take()), "[Start(backup.write: making a backup)]");
        assert!(backup.may_start().is_err() && backup.waits().is_some());
        backup.reply(&mut Reply::of(&WRITE, Err(Error::invalid("The disk is full."))), &mut cx);
        assert!(backup.may_start().is_ok() && format!("{:?}", cx.take()).contains("full"));
        let path = PathBuf::from("/srv/backup.sql");
        let summary = Summary { path, bytes: 9, tables: vec![("auth_user".to_owned(), 3)] };
        backup.reply(&mut Reply::of(&WRITE, Ok(summary)), &mut cx);
        assert!(backup.words().contains("/srv/backup.sql") && backup.may_start().is_err());
        assert_eq!(backup.waits(), None);
    }
}
