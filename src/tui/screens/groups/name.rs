//! The name of a group, new or other than it was.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::actions::{Which, prepare};
use crate::directory::groups::{self, Draft};
use crate::error::{Error, Kind};
use crate::portal::forms;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::Input;
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_review::{APPLY, Applied, Prepared};
use crate::tui::screen::{Layer, Screen};
use crate::tui::screens::short_list::SAVED;
use crate::tui::theme::Theme;
use crate::tui::widgets::form::{self, Form};

/// Its field.
const NAME: &str = "name";

const PLAN: Slot<Prepared> = Slot::latest("groups.name.plan");

/// The form.
pub(super) struct NameForm {
    of: Option<Which>,
    form: Form,
}

impl NameForm {
    /// For a new group.
    pub(super) fn new() -> Self {
        Self { of: None, form: Form::new(&forms::GROUP) }
    }

    /// For another name of this group.
    pub(super) fn rename(which: &Which) -> Self {
        Self { of: Some(which.clone()), form: Form::new(&forms::GROUP).with_text(NAME, &which.name) }
    }

    fn review(&mut self, cx: &mut Cx) {
        self.form.clear_errors();
        if !self.form.check() {
            return cx.refuse("This name is not fit; nothing to review yet.");
        }
        let name = self.form.text(NAME).to_owned();
        let id = self.of.as_ref().map(|which| which.id);
        cx.start(&PLAN, "planning", move |portal| async move {
            let intent = match id {
                None => groups::create(&portal, &name, &[]).await?,
                Some(id) => {
                    groups::edit(&portal, id, &Draft { name: Some(name), ..Draft::default() }).await?
                }
            };
            prepare(&portal, intent).await
        });
    }

    fn refused(&mut self, error: &Error, cx: &mut Cx) {
        self.form.set_errors(error);
        if error.kind != Kind::Interrupted {
            cx.fail(error);
        }
    }
}

/// Goes back to the list, where the cursor goes to the group.
fn written(applied: &Applied, cx: &mut Cx) {
    cx.done(applied.words());
    match applied.id_in("auth_group") {
        Some(id) => cx.close_telling(&SAVED, id),
        None => cx.close(),
    }
}

impl Screen for NameForm {
    fn title(&self) -> String {
        match &self.of {
            Some(which) => format!("Rename {}", which.name),
            None => "New group".to_owned(),
        }
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[form::KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        match action {
            Action::Review if self.is_dirty().is_none() => Err("Nothing was changed yet.".to_owned()),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Review => self.review(cx),
            _ => {
                if let Err(why) = self.form.act(action) {
                    cx.refuse(why);
                }
            }
        }
    }

    fn takes_text(&self) -> bool {
        self.form.takes_text()
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        self.form.input(input).is_used()
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        match PLAN.take(reply) {
            Some(Ok(prepared)) => return prepared.open(cx),
            Some(Err(error)) => return self.refused(&error, cx),
            None => {}
        }
        match APPLY.take(reply) {
            Some(Ok(applied)) => written(&applied, cx),
            Some(Err(error)) => self.refused(&error, cx),
            None => {}
        }
    }

    fn is_dirty(&self) -> Option<String> {
        let old = self.of.as_ref().map_or("", |which| which.name.as_str());
        (self.form.text(NAME) != old).then(|| match &self.of {
            Some(which) => format!("the new name of {}", which.name),
            None => "the new group".to_owned(),
        })
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: 70, height: 4 }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        self.form.draw(frame, area, theme);
    }
}
