//! Asks for the name of a file and writes what is shown into it.

use std::path::{Path, PathBuf};

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::directory::Portal;
use crate::directory::export as users;
use crate::directory::selection::Selection;
use crate::error::{Error, Kind, Result};
use crate::integrity::Report;
use crate::integrity::export::{self, Lines};
use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::dialog;
use crate::tui::widgets::path::PathField;
use crate::tui::widgets::text_field::draw_prompt;

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "write it"),
    Binding::new(&[code(Key::Esc)], Action::No, "close"),
];

/// All that a list holds, in words.
pub const WHAT_IS_SHOWN: &str = "what is shown";

const WRITE: Slot<PathBuf> = Slot::latest("export.write");

/// What is exported.
#[derive(Clone)]
enum What {
    /// Findings.
    Findings(Box<Report>, Lines),
    /// Users, and the columns of their file, where some were chosen.
    Users(Selection, Option<Vec<&'static str>>),
}

impl What {
    async fn write(&self, portal: &Portal, path: &Path) -> Result<PathBuf> {
        match self {
            Self::Findings(report, lines) => export::write(portal, report, *lines, path).await,
            Self::Users(whom, columns) => {
                let Some(mut shape) = users::Shape::of(path) else {
                    return Err(Error::invalid(
                        "The name has to end in .csv or .json, which says what is written.",
                    ));
                };
                if let (users::Shape::Csv(all), Some(chosen)) = (&mut shape, columns) {
                    *all = users::columns::named(chosen.iter().copied())?;
                }
                Ok(users::write_file(portal, whom, &shape, path, false).await?.path)
            }
        }
    }
}

/// The dialog.
pub struct Export {
    what: What,
    /// What that is, in words.
    words: String,
    file: PathField,
    refused: Option<Error>,
    busy: bool,
}

impl Export {
    /// Offers to write these findings under this name, which says the kind of the file by its end.
    #[must_use]
    pub fn new(report: Report, lines: Lines, name: &str) -> Self {
        Self::of(What::Findings(Box::new(report), lines), WHAT_IS_SHOWN, name)
    }

    /// Offers to write these users, in words `14 marked`, with these columns in a CSV file or, without any, with all that
    /// an import takes.
    #[must_use]
    pub fn users(whom: Selection, words: &str, columns: Option<Vec<&'static str>>) -> Self {
        Self::of(What::Users(whom, columns), words, "users.csv")
    }

    fn of(what: What, words: &str, name: &str) -> Self {
        let words = words.to_owned();
        Self { what, words, file: PathField::new(name, &["csv", "json"]), refused: None, busy: false }
    }

    fn write(&mut self, cx: &mut Cx) {
        let path = self.file.path();
        let what = self.what.clone();
        self.busy = true;
        self.refused = None;
        cx.start(&WRITE, "exporting", move |portal| async move { what.write(&portal, &path).await });
    }

    fn talk(&self) -> (Tone, String) {
        let (csv, json) = match self.what {
            What::Findings(_, Lines::Findings) => ("a line for each finding", "the report with every row"),
            What::Findings(_, Lines::Rows) => ("a line for each row", "the report with every row"),
            What::Users(_, None) => {
                ("a line for each user, which I imports again", "everything, for a script")
            }
            What::Users(_, Some(_)) => {
                ("a line for each user, with the columns shown", "everything, for a script")
            }
        };
        match &self.refused {
            Some(error) => (Tone::Bad, error.message.clone()),
            None if self.busy => (Tone::Quiet, "Writing. Esc stops and leaves no file.".to_owned()),
            None => {
                let words = self.file.words().unwrap_or_else(|| {
                    format!(
                        ".csv: {csv}; .json: {json}. A new file that only you can read; one that is there already is \
                         not written over. Tab completes the name."
                    )
                });
                (Tone::Quiet, words)
            }
        }
    }
}

impl Screen for Export {
    fn title(&self) -> String {
        format!("Export {}", self.words)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match action {
            Action::Choose if self.busy => Err("It is being written.".to_owned()),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Choose => self.write(cx),
            _ if self.busy => {
                // The work itself takes away what it has written.
                cx.stop(&WRITE);
                self.busy = false;
                cx.refuse("Stopped exporting.");
            }
            _ => cx.close(),
        }
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        let used = !self.busy && self.file.input(input);
        if used {
            self.refused = None;
        }
        used
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        let Some(result) = WRITE.take(reply) else { return };
        self.busy = false;
        match result {
            Ok(path) => {
                cx.done(format!("Exported to {}", text::safe(&path.display().to_string())));
                cx.close();
            }
            Err(error) if error.kind == Kind::Invalid => self.refused = Some(error),
            Err(error) => cx.fail(&error),
        }
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: dialog::WIDTH, height: 6 }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let row = Rect { height: 1, ..area };
        let at = draw_prompt(frame.buffer_mut(), row, "File: ", self.file.line(), theme.style(Tone::Strong));
        frame.set_cursor_position(at);
        let skip = (1 + u16::from(area.height > 4)).min(area.height);
        let below = Rect { y: area.y + skip, height: area.height - skip, ..area };
        let (tone, words) = self.talk();
        dialog::draw_text(frame, below, &words, tone, theme);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;
    use ratatui::layout::Size;

    use super::*;

    fn export() -> (Export, Cx) {
        let report = Report {
            findings: Vec::new(),
            accepted: Vec::new(),
            skipped: Vec::new(),
            checked: Vec::new(),
            users: 0,
            elapsed: Duration::ZERO,
            at: DateTime::UNIX_EPOCH,
        };
        (Export::new(report, Lines::Rows, "PRF-001.csv"), Cx::new(Size::new(80, 24)))
    }

    #[test]
    fn what_is_refused_stays_there_to_be_put_right() {
        let (mut export, mut cx) = export();
        export.act(Action::Choose, &mut cx);
        assert_eq!(format!("{:?}", cx.take()), "[Start(export.write: exporting)]");
        assert!(export.enabled(Action::Choose).is_err(), "once at a time");
        export.reply(&mut Reply::of(&WRITE, Err(Error::invalid("It is there already."))), &mut cx);
        assert_eq!((export.talk().1.as_str(), cx.take().len()), ("It is there already.", 0));
        export.reply(&mut Reply::of(&WRITE, Ok(PathBuf::from("/tmp/PRF-001.csv"))), &mut cx);
        assert_eq!(format!("{:?}", cx.take()), "[Toast(\"Exported to /tmp/PRF-001.csv\"), Close]");
    }

    #[test]
    fn escape_stops_the_work_before_it_closes() {
        let (mut export, mut cx) = export();
        export.act(Action::Choose, &mut cx);
        cx.take();
        export.act(Action::No, &mut cx);
        assert!(format!("{:?}", cx.take()).starts_with("[Stop"), "{:?}", cx.effects());
        export.act(Action::No, &mut cx);
        assert_eq!(format!("{:?}", cx.take()), "[Close]");
    }
}
