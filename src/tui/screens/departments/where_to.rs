//! Where people go who leave a department: all of them before it is deleted, which Django would not ask, or those who are
//! marked.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::actions::Which;
use crate::directory::Portal;
use crate::directory::departments::{self, Choice, To};
use crate::directory::leaving::Leaving;
use crate::directory::selection::Selection;
use crate::error::{Error, Kind, Result};
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::leaving_review;
use crate::tui::plan_review::Prepared;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::picker::{self, Picker};
use crate::tui::widgets::{cells, dialog};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "there"),
    Binding::new(&[code(Key::Esc)], Action::No, "leave"),
];

/// Who leaves.
#[derive(Clone)]
enum Who {
    /// Everybody: the department is deleted.
    All,
    /// Only these; and who they are in words, where that has to be said.
    Some(Selection, String),
}

impl Who {
    async fn leaving(&self, portal: &Portal, from: i64, to: To) -> Result<Leaving> {
        match self {
            Self::All => departments::delete(portal, from, Some(to)).await,
            Self::Some(selection, _) => {
                let ids = selection.ids(portal).await?;
                departments::move_members(portal, from, Some(&ids), to).await
            }
        }
    }
}

/// What there is to know before somebody is asked.
struct Ahead {
    people: usize,
    others: Vec<Choice>,
}

const AHEAD: Slot<Ahead> = Slot::latest("where-to.ahead");
const PLAN: Slot<Prepared> = Slot::latest("where-to.plan");

/// The most rows of the list.
const MOST: usize = 12;

/// The dialog. The review takes its place; at once where a department that goes has nobody in it.
pub struct WhereTo {
    which: Which,
    who: Who,
    question: String,
    others: Vec<Choice>,
    picker: Option<Picker>,
}

impl WhereTo {
    /// Asks before this department is deleted.
    #[must_use]
    pub fn delete(which: Which) -> Self {
        Self::of(which, Who::All)
    }

    /// Asks for some members of this department.
    #[must_use]
    pub fn members(which: Which, who: Selection, words: String) -> Self {
        Self::of(which, Who::Some(who, words))
    }

    fn of(which: Which, who: Who) -> Self {
        let question = format!("Looking who is in {}.", which.name);
        Self { which, who, question, others: Vec::new(), picker: None }
    }

    fn ask(&mut self, ahead: Ahead, cx: &mut Cx) {
        let (name, members) = (&self.which.name, if ahead.people == 1 { "member" } else { "members" });
        match &self.who {
            Who::All if ahead.people == 0 => return self.plan(To::Nowhere, cx),
            Who::Some(..) if ahead.people == 0 => {
                return Self::give_up(&Error::conflict(format!("None of them is in {name} any more.")), cx);
            }
            Who::All => self.question = format!("{name} has {} {members}. Where do they go?", ahead.people),
            Who::Some(_, words) => {
                let marked = if words.is_empty() { String::new() } else { format!(" ({words})") };
                self.question = format!("{} {members} of {name}{marked}. Where to?", ahead.people);
            }
        }
        let mut choices = vec![picker::Choice::new("into no department", "as Django leaves them")];
        choices.extend(ahead.others.iter().map(|other| {
            picker::Choice::new(other.name.clone(), if other.is_active { "" } else { "inactive" })
        }));
        self.others = ahead.others;
        self.picker = Some(Picker::new(choices, 0));
    }

    fn plan(&self, to: To, cx: &mut Cx) {
        let (id, who) = (self.which.id, self.who.clone());
        cx.start(&PLAN, "planning", move |portal| async move {
            leaving_review::prepare(&portal, who.leaving(&portal, id, to).await?).await
        });
    }

    fn give_up(error: &Error, cx: &mut Cx) {
        if error.kind != Kind::Interrupted {
            cx.fail(error);
        }
        cx.close();
    }
}

impl Screen for WhereTo {
    fn title(&self) -> String {
        match self.who {
            Who::All => format!("Delete {}", self.which.name),
            Who::Some(..) => format!("Move members of {}", self.which.name),
        }
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match (action, &self.picker) {
            (Action::Choose, None) => Err("Still looking.".to_owned()),
            (Action::Choose, Some(picker)) if picker.chosen().is_none() => {
                Err("No department matches what is typed.".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        let (id, who) = (self.which.id, self.who.clone());
        cx.start(&AHEAD, "looking who is in it", move |portal| async move {
            let people = who.leaving(&portal, id, To::Nowhere).await?.people();
            let mut others = departments::choices(&portal).await?;
            others.retain(|other| other.id != id);
            Ok(Ahead { people, others })
        });
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match self.picker.as_ref().and_then(Picker::chosen) {
            Some(0) if action == Action::Choose => self.plan(To::Nowhere, cx),
            Some(at) if action == Action::Choose => {
                if let Some(other) = self.others.get(at - 1) {
                    self.plan(To::Department(other.id), cx);
                }
            }
            _ => cx.close(),
        }
    }

    fn takes_text(&self) -> bool {
        self.picker.is_some()
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        self.picker.as_mut().is_some_and(|picker| picker.input(input))
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(ahead) = AHEAD.take(reply) {
            match ahead {
                Ok(ahead) => self.ask(ahead, cx),
                Err(error) => Self::give_up(&error, cx),
            }
        } else if let Some(reviewed) = PLAN.take(reply) {
            match reviewed {
                Ok(reviewed) => cx.replace(reviewed.review()),
                Err(error) => Self::give_up(&error, cx),
            }
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let used = dialog::draw_text(frame, area, &self.question, Tone::Plain, theme);
        let below = Rect { y: area.y + used, height: area.height - used, ..area };
        if let (Some(picker), false) = (&mut self.picker, below.is_empty()) {
            picker.draw(frame, below, theme);
        }
    }

    fn layer(&self) -> Layer {
        let list = self.picker.as_ref().map_or(0, |picker| cells(picker.len().min(MOST) + 1));
        Layer::Popup { width: dialog::WIDTH, height: dialog::rows(&self.question, dialog::WIDTH) + list }
    }

    fn guarded(&self) -> bool {
        true
    }
}
