//! Deleting a department: asks where its members go, which Django would not.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::actions::Which;
use super::leave::Reviewed;
use crate::directory::departments::{self, Choice, Leaving, To};
use crate::error::{Error, Kind};
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::picker::{self, Picker};
use crate::tui::widgets::{cells, dialog};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "there"),
    Binding::new(&[code(Key::Esc)], Action::No, "leave"),
];

/// What there is to know before somebody is asked.
struct Ahead {
    leaving: Leaving,
    others: Vec<Choice>,
}

const AHEAD: Slot<Ahead> = Slot::latest("delete-department.ahead");
const PLAN: Slot<Reviewed> = Slot::latest("delete-department.plan");

/// The most rows of the list.
const MOST: usize = 12;

/// The dialog. The review takes its place; at once where nobody is in the department.
pub struct DeleteDepartment {
    which: Which,
    question: String,
    others: Vec<Choice>,
    picker: Option<Picker>,
}

impl DeleteDepartment {
    /// A dialog about this department.
    #[must_use]
    pub fn new(which: Which) -> Self {
        let question = format!("Looking who is in {}.", which.name);
        Self { which, question, others: Vec::new(), picker: None }
    }

    fn ask(&mut self, ahead: Ahead, cx: &mut Cx) {
        let people = ahead.leaving.people();
        if people == 0 {
            return self.plan(To::Nowhere, cx);
        }
        let members = if people == 1 { "member" } else { "members" };
        self.question = format!("{} has {people} {members}. Where do they go?", self.which.name);
        let mut choices = vec![picker::Choice::new("into no department", "as Django leaves them")];
        choices.extend(ahead.others.iter().map(|other| {
            picker::Choice::new(other.name.clone(), if other.is_active { "" } else { "inactive" })
        }));
        self.others = ahead.others;
        self.picker = Some(Picker::new(choices, 0));
    }

    fn plan(&self, to: To, cx: &mut Cx) {
        let id = self.which.id;
        cx.start(&PLAN, "planning", move |portal| async move {
            Reviewed::prepare(&portal, Leaving::delete(&portal, id, Some(to)).await?).await
        });
    }

    fn give_up(error: &Error, cx: &mut Cx) {
        if error.kind != Kind::Interrupted {
            cx.fail(error);
        }
        cx.close();
    }
}

impl Screen for DeleteDepartment {
    fn title(&self) -> String {
        format!("Delete {}", self.which.name)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        match (action, &self.picker) {
            (Action::Choose, None) => Err("Still looking.".to_owned()),
            (Action::Choose, Some(picker)) if picker.chosen().is_none() => {
                Err("No department matches what is typed.".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        let id = self.which.id;
        cx.start(&AHEAD, "looking who is in it", move |portal| async move {
            let leaving = Leaving::delete(&portal, id, Some(To::Nowhere)).await?;
            let mut others = departments::choices(&portal).await?;
            others.retain(|other| other.id != id);
            Ok(Ahead { leaving, others })
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
