//! What can be done with one entry, from the list and from its own screen.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::pane::{EntryPane, Read};
use crate::directory::history::{Entry, quoted};
use crate::error::Kind;
use crate::portal::access;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::key;
use crate::tui::jobs::Reply;
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::screens::record;
use crate::tui::screens::undo::Undo;
use crate::tui::screens::user_actions::{SITTING, Sitting};
use crate::tui::screens::users::Users;
use crate::tui::theme::Theme;

/// The keys about one entry.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('u')], Action::HistoryUndo, "undo"),
    Binding::new(&[key('A')], Action::HistoryUndoRun, "undo the whole run"),
    Binding::new(&[key('o')], Action::HistoryOpenRows, "its users"),
    Binding::new(&[key('y')], Action::Copy, "copy the operation's id").quiet(),
    Binding::new(&[key('U')], Action::Redo, "redo").quiet(),
];

/// Whether the person signed in may see the history at all.
///
/// # Errors
/// Why not, as a sentence.
pub fn may_see(sitting: &Sitting) -> Result<(), String> {
    sitting.allows(&access::Action::SeeHistory)
}

/// Whether an action of [`KEYS`] can be done to this entry; `read` is what is known of it beyond its line.
///
/// # Errors
/// Why not, as a sentence.
pub fn may(
    action: Action,
    entry: Option<&Entry>,
    read: Option<&Read>,
    sitting: &Sitting,
) -> Result<(), String> {
    if !matches!(
        action,
        Action::HistoryUndo | Action::HistoryUndoRun | Action::HistoryOpenRows | Action::Copy
    ) {
        return sitting.may(action, None);
    }
    let entry = entry.ok_or_else(|| "There is no entry under the cursor.".to_owned())?;
    let Some(listed) = entry.change() else {
        return Err("That was done in the portal's admin, which keeps no rows: it can't be taken back or opened here."
            .to_owned());
    };
    match (action, &sitting.read_only, &listed.undone_by) {
        (Action::HistoryOpenRows, ..) if listed.change.row_count == 0 => Err("It wrote no rows.".to_owned()),
        (Action::HistoryOpenRows | Action::Copy, ..) => Ok(()),
        (_, Some(why), _) => Err(why.clone()),
        (Action::HistoryUndoRun, ..) if read.is_some_and(|read| read.detail.operations < 2) => {
            Err("It is the only operation of its run; u takes it back.".to_owned())
        }
        (Action::HistoryUndo, _, Some(by)) => Err(format!("It was taken back already, by {by}.")),
        _ => Ok(()),
    }
}

/// Does an action of [`KEYS`] that `may` be done.
pub fn act(action: Action, entry: Option<&Entry>, clock: Clock, cx: &mut Cx) {
    let change = entry.and_then(Entry::change).map(|listed| &listed.change);
    match (action, change) {
        (Action::Redo, _) => cx.push(Undo::redo()),
        (Action::HistoryUndo, Some(change)) => cx.push(Undo::of(&change.operation)),
        (Action::HistoryUndoRun, Some(change)) => cx.push(Undo::of(&change.run)),
        (Action::HistoryOpenRows, Some(change)) => {
            cx.push(Users::with_filter(clock, &format!("op:{}", quoted(&change.operation))));
        }
        (Action::Copy, Some(change)) => {
            cx.ask(Effect::Copy(change.operation.clone()));
            cx.done("Copied the operation's id");
        }
        _ => {}
    }
}

/// One entry as a screen.
pub struct EntryScreen {
    entry: Entry,
    pane: EntryPane,
    sitting: Sitting,
    clock: Clock,
}

impl EntryScreen {
    /// This entry, for someone with these rights.
    #[must_use]
    pub fn new(entry: Entry, sitting: Sitting, clock: Clock) -> Self {
        Self { entry, pane: EntryPane::new(clock), sitting, clock }
    }

    fn read(&self) -> Option<&Read> {
        self.pane.of(self.entry.key())
    }
}

impl Screen for EntryScreen {
    fn title(&self) -> String {
        self.entry.title()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS, record::KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        may(action, Some(&self.entry), self.read(), &self.sitting)
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.changed(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        self.pane.want(&self.entry, Duration::ZERO, cx);
        self.sitting.ask(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        self.pane.act(action);
        act(action, Some(&self.entry), self.clock, cx);
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = SITTING.take(reply) {
            self.sitting = result.unwrap_or_default();
        } else if let Some(result) = self.pane.reply(reply) {
            match result {
                Ok(()) => {
                    if let Some(read) = self.read() {
                        self.entry = read.entry.clone();
                    }
                }
                Err(error) if error.kind == Kind::Interrupted => {}
                Err(error) => cx.fail(&error),
            }
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        self.pane.draw(frame, inner, theme);
    }
}
