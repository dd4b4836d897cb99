//! Taking back: plans the undo, asks about an old password, and shows the review.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::message::Message;
use crate::change::undo::OldPassword;
use crate::directory::{Portal, history};
use crate::error::Result;
use crate::tui::actions::Action;
use crate::tui::app::Command;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code, key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_review::{self, Prepared};
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::dialog;
use crate::tui::widgets::diff::{DiffLine, Sign};

/// Its keys: they answer the question about the old password.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('n'), code(Key::Enter)], Action::No, "it stays changed"),
    Binding::new(&[key('y')], Action::Yes, "the old one works again"),
    Binding::new(&[code(Key::Esc), key('q')], Action::Back, "leave"),
];

const PLAN: Slot<Option<Planned>> = Slot::latest("undo.plan");

const QUESTION: &str = "The password was changed. Should the old one work again? Portal sessions that it opened would come \
                        back to life too.";

/// Which change is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// This person's newest of this sitting.
    Newest,
    /// This person's newest undo of this sitting.
    NewestUndo,
    /// This operation or run.
    Operation(String),
}

/// What taking it back would do.
#[derive(Clone)]
struct Planned {
    operation: String,
    title: String,
    prepared: Prepared,
    left: Vec<String>,
    old_password: bool,
}

/// The dialog. It gives way to the review as soon as everything is known.
pub struct Undo {
    what: What,
    title: String,
    asking: Option<Planned>,
    answered: bool,
}

impl Undo {
    /// Takes back this person's newest operation of this sitting.
    #[must_use]
    pub fn newest() -> Self {
        Self::of_what(What::Newest, "Undo")
    }

    /// Brings back what this person took back last in this sitting.
    #[must_use]
    pub fn redo() -> Self {
        Self::of_what(What::NewestUndo, "Redo")
    }

    /// Takes back an operation or a run of any time.
    #[must_use]
    pub fn of(operation: impl Into<String>) -> Self {
        Self::of_what(What::Operation(operation.into()), "Undo")
    }

    fn of_what(what: What, title: &str) -> Self {
        Self { what, title: title.to_owned(), asking: None, answered: false }
    }

    /// Puts the review in this dialog's place, or says why there is none.
    fn show(planned: Planned, cx: &mut Cx) {
        let Planned { mut prepared, left, title, .. } = planned;
        if prepared.is_empty() {
            let words =
                if left.is_empty() { "There is nothing to take back.".to_owned() } else { left.join("\n") };
            cx.replace(Message::new(title, format!("Nothing can be taken back.\n\n{words}")));
            return;
        }
        prepared.text.lines.extend(left.into_iter().map(|why| DiffLine::new(Sign::Warning, why)));
        cx.replace(prepared.review());
    }
}

/// The commands behind `u` and `U` on every screen.
#[must_use]
pub fn commands() -> Vec<(Action, Command)> {
    let command = |action| -> (Action, Command) { (action, Box::new(move |cx| act(action, cx))) };
    vec![command(Action::Undo), command(Action::Redo)]
}

/// Does [`Action::Undo`] or [`Action::Redo`].
pub fn act(action: Action, cx: &mut Cx) {
    cx.push(if action == Action::Redo { Undo::redo() } else { Undo::newest() });
}

fn start(what: What, password: OldPassword, cx: &mut Cx) {
    cx.start(&PLAN, "planning the undo", move |portal| async move { plan(&portal, &what, password).await });
}

async fn plan(portal: &Portal, what: &What, password: OldPassword) -> Result<Option<Planned>> {
    let newest = match what {
        What::Newest => history::newest_of_sitting(portal).await?.change,
        What::NewestUndo => history::newest_of_sitting(portal).await?.undo,
        What::Operation(_) => None,
    };
    let operation = match (what, newest) {
        (What::Operation(operation), _) => operation.clone(),
        // A long run is many operations to the journal and one to whoever started it.
        (_, Some(newest)) => newest.change.run,
        (_, None) => return Ok(None),
    };
    let undo = history::plan_undo(portal, &operation, password).await?;
    let title = match undo.plans.as_slice() {
        [] => format!("Undo {operation}"),
        [only] => only.title.clone(),
        several => format!("Undo: {} changes", several.len()),
    };
    let prepared = plan_review::prepare_all(portal, title.clone(), undo.plans).await?;
    Ok(Some(Planned { operation, title, prepared, left: undo.left, old_password: undo.old_password }))
}

impl Screen for Undo {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match action {
            Action::Yes | Action::No if self.asking.is_none() => Err("The undo is being planned.".to_owned()),
            _ => Ok(()),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        start(self.what.clone(), OldPassword::StaysChanged, cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match (action, self.asking.take()) {
            (Action::Yes, Some(planned)) => {
                self.answered = true;
                start(What::Operation(planned.operation), OldPassword::WorksAgain, cx);
            }
            (Action::No, Some(planned)) => Self::show(planned, cx),
            _ => cx.close(),
        }
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        let Some(result) = PLAN.take(reply) else { return };
        match result {
            Ok(Some(planned)) if planned.old_password && !self.answered => self.asking = Some(planned),
            Ok(Some(planned)) => Self::show(planned, cx),
            Ok(None) => {
                cx.refuse(nothing(self.what == What::NewestUndo));
                cx.close();
            }
            Err(error) => {
                cx.fail(&error);
                cx.close();
            }
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let words = if self.asking.is_some() { QUESTION } else { "Looking what can be taken back." };
        dialog::draw_text(frame, area, words, Tone::Plain, theme);
    }

    fn layer(&self) -> Layer {
        let height = if self.asking.is_some() { dialog::rows(QUESTION, dialog::WIDTH) } else { 1 };
        Layer::Popup { width: dialog::WIDTH, height }
    }

    fn guarded(&self) -> bool {
        true
    }
}

/// Why there is nothing to undo or redo, as a sentence.
#[must_use]
pub fn nothing(redo: bool) -> String {
    if redo {
        "Nothing was taken back in this sitting.".to_owned()
    } else {
        "You changed nothing in this sitting that could be taken back; History has the rest.".to_owned()
    }
}
