//! Users from a CSV file: which file and how, what is wrong with it by line, and then the review of what it would write.

mod asked;

use std::path::{Path, PathBuf};

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::change::Outcome;
use crate::directory::Portal;
use crate::directory::import::{self, Checked, Rejects, Source};
use crate::directory::password_file::PasswordFile;
use crate::error::{Error, Result};
use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code};
use crate::tui::jobs::{Reply, Slot, Task};
use crate::tui::keymap::Binding;
use crate::tui::plan_review::{self, MOST_ROWS_BY_Y};
use crate::tui::screen::Screen;
use crate::tui::screens::review::{Confirmation, Review, ReviewText};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::{form, put, wrap};

use asked::{Asked, FILE, Wanted};

/// Its keys, beside those of a form.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::PageDown)], Action::PageDown, "more problems").quiet(),
    Binding::new(&[code(Key::PageUp)], Action::PageUp, "problems before").quiet(),
];

const LOOK: Slot<Found> = Slot::latest("users.import.look");
/// Where imports are written: one at a time in the whole program.
pub const IMPORT: Slot<Imported> = Slot::exclusive("users.import").stoppable().reporting(Imported::words);

/// A file that was looked through.
struct Found {
    source: Source,
    wanted: Wanted,
    checked: Checked,
    rejects: Option<Rejects>,
    /// What its review shows; nothing where nothing is to be written.
    review: Option<ReviewText>,
}

/// What an import did.
#[derive(Debug, Clone)]
pub struct Imported {
    title: String,
    counts: String,
    outcome: Outcome,
    rejects: Option<(u64, PathBuf)>,
}

impl Imported {
    /// What was done and how to take it back: `Imported staff.csv: 12 new · u undoes`.
    #[must_use]
    pub fn words(&self) -> String {
        let is_written = !self.outcome.operations.is_empty();
        let done = if is_written {
            format!("{}: {}", self.title.replacen("Import", "Imported", 1), self.counts)
        } else {
            format!("{}: nothing was written", self.title)
        };
        let stopped = (is_written && self.outcome.stopped).then(|| "stopped before its end".to_owned());
        let refused = self
            .outcome
            .refused
            .first()
            .map(|(title, error)| format!("{} refused. {title}: {error}", self.outcome.refused.len()));
        let rejects = self.rejects.as_ref().map(|(count, path)| {
            let rows = if *count == 1 { "row" } else { "rows" };
            format!("{} {rows} left out, in {}", text::grouped(*count), shown(path))
        });
        let parts: Vec<String> = std::iter::once(done).chain(stopped).chain(refused).chain(rejects).collect();
        let words = parts.join("; ");
        if is_written { words + " · u undoes" } else { words }
    }
}

fn shown(path: &Path) -> String {
    text::safe(&path.display().to_string()).into_owned()
}

/// The screen.
#[derive(Default)]
pub struct Import {
    asked: Asked,
    /// What was found in the file, line by line, and how that sounds.
    lines: Vec<(Tone, String)>,
    first: usize,
    height: usize,
    busy: bool,
}

impl Import {
    fn look(&mut self, cx: &mut Cx) {
        self.asked.form.clear_errors();
        let wanted = match self.asked.wanted() {
            Ok(wanted) => wanted,
            Err((field, why)) => {
                self.asked.form.set_error(field, why);
                return self.asked.form.go_to(field);
            }
        };
        self.lines.clear();
        self.first = 0;
        self.busy = true;
        cx.start_task(&LOOK, "looking through the file", move |portal, task| async move {
            look(&portal, &task, wanted).await
        });
    }

    fn found(&mut self, found: Found, cx: &mut Cx) {
        self.lines = lines(&found);
        self.asked.tell(&found.checked);
        let Found { source, wanted, checked, rejects, review } = found;
        let Some(text) = review else { return };
        cx.push(Review::new(text, move |cx| {
            let label = import::title(&source).replacen("Import", "importing", 1);
            cx.start_task(&IMPORT, label, move |portal, task| async move {
                write(&portal, &task, source, wanted, checked, rejects).await
            });
        }));
    }
}

/// What was found, for the lower half of the screen.
fn lines(found: &Found) -> Vec<(Tone, String)> {
    let checked = &found.checked;
    let mut lines = vec![(Tone::Strong, format!("{}: {}", found.source.name(), checked.counts()))];
    let refused = checked.whole(&found.wanted.options).is_err();
    if refused {
        let words = "Nothing was written: correct these rows, or skip them.";
        lines.push((Tone::Bad, words.to_owned()));
    } else if checked.to_write() == 0 {
        lines.push((Tone::Quiet, "There is nothing to write.".to_owned()));
    }
    lines.extend(checked.problems.iter().map(|problem| (Tone::Plain, problem.to_string())));
    let more = checked.problem_count - checked.problems.len() as u64;
    if more > 0 {
        lines.push((Tone::Quiet, format!("and {} problems more", text::grouped(more))));
    }
    lines
}

/// Looks through a file, and plans its review.
async fn look(portal: &Portal, task: &Task, wanted: Wanted) -> Result<Found> {
    let source = Source::open(&wanted.file)?;
    let mut rejects = wanted.rejects.as_deref().map(Rejects::create).transpose()?;
    let watch = plan_review::watch(task);
    let checked = import::check(portal, &source, &wanted.options, rejects.as_mut(), &watch).await?;
    let review = match checked.whole(&wanted.options) {
        Ok(()) if checked.to_write() > 0 => Some(review(portal, &source, &wanted, &checked).await?),
        _ => None,
    };
    Ok(Found { source, wanted, checked, rejects, review })
}

async fn review(portal: &Portal, source: &Source, wanted: &Wanted, checked: &Checked) -> Result<ReviewText> {
    let title = import::title(source);
    let mut text = plan_review::prepare_all(portal, title.clone(), checked.first.clone()).await?.text;
    text.title = format!("{title}: {}", checked.counts());
    let more = checked.to_write() - checked.first.len() as u64;
    if more > 0 {
        text.notes.push(format!(
            "And {} accounts more, each planned from its rows as they are then.",
            text::grouped(more)
        ));
    }
    for (names, what) in [(&checked.groups, "groups"), (&checked.departments, "departments")] {
        if !names.is_empty() {
            text.notes.push(format!("New {what}: {}", text::safe(&names.join(", "))));
        }
    }
    if let Some(rejects) = wanted.rejects.as_deref().filter(|_| checked.refused > 0) {
        let rows = match checked.refused {
            1 => "1 row is left out, and stands".to_owned(),
            rows => format!("{} rows are left out, and stand", text::grouped(rows)),
        };
        text.notes.push(format!("{rows} in {}.", shown(rejects)));
    }
    match &wanted.passwords_to {
        Some(path) => text.notes.push(format!("New accounts get passwords, written into {}.", shown(path))),
        None if checked.new > 0 => {
            text.notes.push(
                "New accounts without a password in the file can't sign in until one is set.".to_owned(),
            );
        }
        None => {}
    }
    if usize::try_from(checked.to_write()).is_ok_and(|count| count > MOST_ROWS_BY_Y) || more > 0 {
        text.confirm = Confirmation::Typed(checked.to_write().to_string());
    }
    Ok(text)
}

/// Writes what was found good.
async fn write(
    portal: &Portal,
    task: &Task,
    source: Source,
    wanted: Wanted,
    checked: Checked,
    mut rejects: Option<Rejects>,
) -> Result<Imported> {
    let passwords = match &wanted.passwords_to {
        Some(path) if checked.new > 0 => Some(PasswordFile::create(path)?),
        _ => None,
    };
    if let Some(rejects) = &mut rejects {
        rejects.keep()?;
    }
    let title = import::title(&source);
    let watch = plan_review::watch(task);
    let outcome =
        import::apply(portal, source, &wanted.options, &checked, passwords, rejects.as_mut(), &watch).await?;
    let rejects = rejects.filter(|rejects| rejects.count() > 0);
    let rejects = rejects.map(|rejects| (rejects.count(), rejects.path().to_owned()));
    Ok(Imported { title, counts: checked.counts(), outcome, rejects })
}

impl Screen for Import {
    fn title(&self) -> String {
        "Import users".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS, form::KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match action {
            Action::Review if self.busy => {
                Err("The file is being looked through; Esc stops that.".to_owned())
            }
            Action::Review if self.asked.form.text(FILE).trim().is_empty() => {
                Err("Name a file first.".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Review => self.look(cx),
            Action::PageDown => self.first += self.height,
            Action::PageUp => self.first = self.first.saturating_sub(self.height),
            _ => {
                if let Err(why) = self.asked.form.act(action) {
                    cx.refuse(why);
                }
            }
        }
    }

    fn takes_text(&self) -> bool {
        self.asked.form.takes_text()
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        self.asked.input(input)
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = LOOK.take(reply) {
            self.busy = false;
            match result {
                Ok(found) => self.found(found, cx),
                Err(error) => self.refused(&error),
            }
        } else if let Some(result) = IMPORT.take(reply) {
            match result {
                Ok(imported) if imported.outcome.refused.is_empty() => {
                    cx.done(imported.words());
                    cx.close();
                }
                Ok(imported) => {
                    let (_, error) = &imported.outcome.refused[0];
                    cx.fail(&Error::new(error.kind, imported.words()));
                    cx.close();
                }
                Err(error) => cx.fail(&error),
            }
        }
    }

    fn escape(&mut self, cx: &mut Cx) -> bool {
        if !std::mem::take(&mut self.busy) {
            return false;
        }
        cx.stop(&LOOK);
        cx.refuse("Stopped looking through the file; nothing was written.");
        true
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let above = Rect { height: Asked::ROWS.min(inner.height), ..inner };
        self.asked.form.draw(frame, above, theme);
        let below = Rect { y: inner.y + above.height, height: inner.height - above.height, ..inner };
        let room = usize::from(below.width);
        let lines: Vec<(Tone, String)> = self
            .lines
            .iter()
            .flat_map(|(tone, words)| wrap(words, room).into_iter().map(|line| (*tone, line)))
            .collect();
        self.height = usize::from(below.height).max(1);
        self.first = self.first.min(lines.len().saturating_sub(self.height));
        for (y, (tone, words)) in (below.y..below.bottom()).zip(lines.iter().skip(self.first)) {
            put(frame.buffer_mut(), below.x, y, below.width, words, theme.style(*tone));
        }
    }

    fn status(&self) -> String {
        let below = self.lines.len().saturating_sub(self.first + self.height);
        if below > 0 { format!("{below} lines below, PgDn") } else { String::new() }
    }
}

impl Import {
    /// The file can't be taken at all.
    fn refused(&mut self, error: &Error) {
        self.lines = vec![(Tone::Bad, text::safe(&error.message).into_owned())];
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::layout::Size;

    use super::*;
    use crate::directory::import::{Delimiter, Options};

    fn cx() -> Cx {
        Cx::new(Size::new(80, 24))
    }

    fn typed(name: &str) -> Import {
        let mut import = Import::default();
        import.asked.form.set_text(FILE, name);
        import
    }

    #[test]
    fn answers_are_taken_as_they_are_said() {
        let (mut import, mut cx) = (typed("/srv/staff.tsv"), cx());
        let wanted = |import: &Import| import.asked.wanted().map_err(|(field, _)| field).expect("a file");
        let usual = wanted(&import);
        assert_eq!((usual.options, usual.rejects, usual.passwords_to), (Options::default(), None, None));
        // Down to the delimiter, past what the file has; then by id, and the three boxes.
        for action in "↓>>↓>↓ ↓ ↓ ".chars().map(|key| match key {
            '↓' => Action::NextField,
            '>' => Action::NextChoice,
            _ => Action::Toggle,
        }) {
            import.act(action, &mut cx);
        }
        let changed = wanted(&import);
        let delimiter = Some(Delimiter::Semicolon);
        let (update, rename, create_missing, skip_invalid) = (true, true, true, true);
        let options = Options { update, rename, create_missing, skip_invalid, generate: false, delimiter };
        assert_eq!(changed.options, options);
        assert_eq!(changed.rejects, Some(PathBuf::from("/srv/staff.rejected.csv")));
    }

    #[test]
    fn only_a_name_of_a_text_file_is_looked_into() {
        let mut cx = cx();
        assert!(Import::default().enabled(Action::Review).is_err(), "a file has to be named");
        let mut secret = typed("/etc/shadow");
        secret.act(Action::Review, &mut cx);
        assert_eq!(cx.take().len(), 0);
        assert!(secret.asked.form.error_map()[FILE].contains(".csv"));
        let mut staff = typed("staff.csv");
        staff.act(Action::Review, &mut cx);
        assert_eq!(format!("{:?}", cx.take()), "[Start(users.import.look: looking through the file)]");
        assert!(staff.enabled(Action::Review).is_err(), "once at a time");
        assert!(staff.escape(&mut cx) && !staff.escape(&mut cx), "first the work, then the screen");
    }

    #[test]
    fn what_is_no_file_of_users_is_said_where_it_was_asked_for() {
        let mut import = typed("staff.csv");
        let error = Error::invalid(
            "Line 1, the names of the columns: there is no column 'mail'. Nothing was written.",
        );
        import.reply(&mut Reply::of(&LOOK, Err(error)), &mut cx());
        let mut terminal = Terminal::new(TestBackend::new(80, 22)).expect("a terminal");
        let theme = Theme { colours: false, ascii: false };
        terminal.draw(|frame| import.draw(frame, frame.area(), &theme)).expect("a picture");
        insta::assert_snapshot!("refused", terminal.backend());
    }
}
