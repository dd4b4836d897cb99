//! What the marked users get: a group, a department, or yes or no.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{Marked, Sitting, look_ahead};
use crate::directory::bulk::Change;
use crate::directory::{Portal, departments, groups};
use crate::error::Result;
use crate::portal::access::{self, Level};
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::picker::{Choice, Picker};
use crate::tui::widgets::{cells, dialog};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "review it"),
    Binding::new(&[code(Key::Esc)], Action::No, "leave"),
];

const CHOICES: Slot<Vec<(Choice, Change)>> = Slot::latest("bulk.choices");

/// What is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    AddGroup,
    RemoveGroup,
    Department,
    Notifications,
    Staff,
}

/// The dialog.
pub(super) struct Choose {
    offer: Offer,
    marked: Marked,
    sitting: Sitting,
    choices: Vec<Change>,
    /// Nothing until they are read.
    picker: Option<Picker>,
}

impl Offer {
    const fn title(self) -> &'static str {
        match self {
            Self::AddGroup => "Add to which group",
            Self::RemoveGroup => "Remove from which group",
            Self::Department => "Into which department",
            Self::Notifications => "E-mail notifications",
            Self::Staff => "Staff",
        }
    }

    async fn choices(self, portal: &Portal) -> Result<Vec<(Choice, Change, Option<Level>)>> {
        let plain = |label: &str, note: &str, change| (Choice::new(label, note), change, None);
        Ok(match self {
            Self::AddGroup | Self::RemoveGroup => {
                let of = |group: groups::Choice| {
                    let change = match self {
                        Self::AddGroup => Change::AddGroup(group.id),
                        _ => Change::RemoveGroup(group.id),
                    };
                    (Choice::new(group.name, group.description), change, group.level)
                };
                groups::choices(portal).await?.into_iter().map(of).collect()
            }
            Self::Department => {
                let of = |department: departments::Choice| {
                    let note = if department.is_active { "" } else { "inactive" };
                    plain(&department.name, note, Change::SetDepartment(Some(department.id)))
                };
                let all = departments::choices(portal).await?.into_iter().map(of);
                all.chain([plain("no department", "", Change::SetDepartment(None))]).collect()
            }
            Self::Notifications => vec![
                plain("on", "the portal sends them e-mail", Change::Notifications(true)),
                plain("off", "", Change::Notifications(false)),
            ],
            Self::Staff => vec![
                plain("give", "may open the portal's admin", Change::Staff(true)),
                plain("take", "", Change::Staff(false)),
            ],
        })
    }
}

impl Choose {
    pub(super) fn new(offer: Offer, marked: Marked, sitting: Sitting) -> Self {
        Self { offer, marked, sitting, choices: Vec::new(), picker: None }
    }

    /// Whether the person signed in may give or take such a group at all.
    fn may(sitting: &Sitting, offer: Offer, level: Option<Level>) -> bool {
        let target = &super::ANYBODY;
        let action = match offer {
            Offer::AddGroup => access::Action::GiveGroup { target, level },
            Offer::RemoveGroup => access::Action::TakeGroup { target, level },
            _ => return true,
        };
        sitting.allows(&action).is_ok()
    }
}

impl Screen for Choose {
    fn title(&self) -> String {
        self.offer.title().to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn opened(&mut self, cx: &mut Cx) {
        let (offer, sitting) = (self.offer, self.sitting.clone());
        cx.start(&CHOICES, "reading the choices", move |portal| async move {
            let all = offer.choices(&portal).await?.into_iter();
            let may = all.filter(|(_, _, level)| Self::may(&sitting, offer, *level));
            Ok(may.map(|(choice, change, _)| (choice, change)).collect())
        });
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        let chosen = self.picker.as_ref().and_then(Picker::chosen).and_then(|at| self.choices.get(at));
        match (action, chosen.cloned()) {
            (Action::Choose, Some(change)) => {
                let marked = self.marked.clone();
                cx.close_then(move |cx| look_ahead(change, marked, cx));
            }
            (Action::Choose, None) => {}
            _ => cx.close(),
        }
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        self.picker.as_mut().is_some_and(|picker| picker.input(input))
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        match CHOICES.take(reply) {
            Some(Ok(choices)) => {
                let (labels, changes) = choices.into_iter().unzip();
                self.choices = changes;
                self.picker = Some(Picker::new(labels, 0));
            }
            Some(Err(error)) => {
                cx.fail(&error);
                cx.close();
            }
            None => {}
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        match &mut self.picker {
            Some(picker) => picker.draw(frame, area, theme),
            None => {
                dialog::draw_text(frame, area, "Reading the choices.", Tone::Quiet, theme);
            }
        }
    }

    fn layer(&self) -> Layer {
        let rows = self.picker.as_ref().map_or(1, |picker| cells(picker.len() + 1));
        Layer::Popup { width: dialog::WIDTH, height: rows }
    }
}
