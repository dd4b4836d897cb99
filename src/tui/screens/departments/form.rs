//! The form of a department: its name, what it does in a box of several lines, and whether the portal offers it.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::change::Image;
use crate::db::Cell;
use crate::directory::Portal;
use crate::directory::departments::{self, Draft};
use crate::error::{Error, Kind, Result};
use crate::portal::form::{Field, FieldKind};
use crate::portal::forms;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, ctrl};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_review::{self, APPLY, Applied, Prepared};
use crate::tui::screen::Screen;
use crate::tui::screens::short_list::SAVED;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::form::{self, Form, Used};
use crate::tui::widgets::put;

/// Its keys, beside those of every form.
pub const KEYS: &[Binding] = &[Binding::new(&[ctrl('n')], Action::ReviewAndNew, "save, then new")];

/// What the form starts from.
struct Facts {
    /// The department as it is; none for a new one.
    row: Option<Image>,
    /// Fields that this database has no column for, and why.
    locked: Vec<(&'static str, String)>,
}

/// What became of a wish.
enum Planned {
    /// It can be reviewed.
    Ready(Box<Prepared>),
    /// Somebody else changed the department since the form was filled.
    Changed(Image),
    /// Somebody else deleted it.
    Gone,
}

const LOAD: Slot<Facts> = Slot::latest("department-form.load");
const PLAN: Slot<Planned> = Slot::latest("department-form.plan");
/// Whose a name is that is being typed.
const OWNER: Slot<Option<(i64, String)>> = Slot::latest("department-form.name");

/// The form.
pub struct DepartmentForm {
    id: Option<i64>,
    name: String,
    /// What the fields were filled from.
    row: Option<Image>,
    form: Form,
    is_ready: bool,
    and_new: bool,
}

impl Default for DepartmentForm {
    fn default() -> Self {
        Self::new()
    }
}

impl DepartmentForm {
    /// A form for a new department.
    #[must_use]
    pub fn new() -> Self {
        Self::over(None, String::new())
    }

    /// A form over a department that is there.
    #[must_use]
    pub fn edit(id: i64, name: String) -> Self {
        Self::over(Some(id), name)
    }

    fn over(id: Option<i64>, name: String) -> Self {
        let form = Form::new(&[]);
        Self { id, name, row: None, form, is_ready: false, and_new: false }
    }

    fn take_facts(&mut self, facts: Result<Facts>, cx: &mut Cx) {
        match facts {
            Ok(facts) => {
                self.form = filled(facts.row.as_ref());
                for (name, why) in &facts.locked {
                    let form = std::mem::replace(&mut self.form, Form::new(&[]));
                    self.form = form.with_locked(name, why);
                }
                self.row = facts.row;
                self.is_ready = true;
            }
            Err(error) => {
                if error.kind != Kind::Interrupted {
                    cx.fail(&error);
                }
                cx.close();
            }
        }
    }

    /// What was typed: all of it for a new department, what changed for another.
    fn draft(&self) -> Draft {
        let changed = self.form.changed();
        let wanted = |field: &&Field| self.id.is_none() || changed.contains(&field.name);
        forms::DEPARTMENT.iter().filter(wanted).fold(Draft::default(), |draft, field| match field.kind {
            FieldKind::Bool => draft.with(field.name, self.form.flag(field.name).to_string()),
            _ => draft.with(field.name, self.form.text(field.name)),
        })
    }

    fn review(&mut self, cx: &mut Cx) {
        self.form.clear_errors();
        if !self.form.check() {
            return cx.refuse(match self.form.errors() {
                1 => "1 error: nothing to review yet.".to_owned(),
                more => format!("{more} errors: nothing to review yet."),
            });
        }
        let (base, draft) = (self.row.clone(), self.draft());
        cx.start(&PLAN, "planning", move |portal| async move { plan(&portal, base, &draft).await });
    }

    fn take_plan(&mut self, planned: Result<Planned>, cx: &mut Cx) {
        match planned {
            Ok(Planned::Ready(prepared)) => prepared.open(cx),
            Ok(Planned::Changed(now)) => {
                let words = self.rebase(now);
                cx.refuse(format!("Nothing was written. {words} Review it again."));
            }
            Ok(Planned::Gone) => self.gone(cx),
            Err(error) => self.refused(&error, cx),
        }
    }

    fn gone(&self, cx: &mut Cx) {
        cx.fail(&Error::conflict(format!(
            "{} was deleted meanwhile by somebody else; nothing was written.",
            self.name
        )));
        cx.close();
    }

    /// Goes on from the department as it is now. What somebody else changed and this form did not is taken over; where both
    /// did, mine stays, and what it was and what theirs is stand at the field.
    fn rebase(&mut self, now: Image) -> String {
        let (Some(base), changed) = (self.row.clone(), self.form.changed()) else { return String::new() };
        let mine = std::mem::replace(&mut self.form, filled(Some(&now)));
        let mut said = Vec::new();
        for field in &forms::DEPARTMENT {
            let name = field.name;
            let wanted = changed.contains(&name);
            if wanted && field.kind == FieldKind::Bool {
                self.form.set_flag(name, mine.flag(name));
            } else if wanted {
                self.form.set_text(name, mine.text(name));
            }
            let (was, is) = (base.get(name), now.get(name));
            if was == is {
                continue;
            }
            let show = |cell: Option<&Cell>| cell.map(Cell::show).unwrap_or_default();
            let words = if wanted {
                format!("was {}, theirs {}", show(was), show(is))
            } else {
                format!("changed by somebody else, was {}", show(was))
            };
            self.form.set_hint(name, Some((if wanted { Tone::Warn } else { Tone::Quiet }, words)));
            said.push(field.label);
        }
        if let Some(focused) = mine.focused() {
            self.form.go_to(focused);
        }
        self.row = Some(now);
        format!("Somebody else changed meanwhile: {}.", said.join(", "))
    }

    fn take_outcome(&mut self, applied: Result<Applied>, cx: &mut Cx) {
        match applied {
            Ok(applied) => self.written(&applied, cx),
            // What others did is looked at, and shown where it can be.
            Err(error) if error.kind == Kind::Conflict && self.id.is_some() => {
                self.refused(&error, cx);
                self.review(cx);
            }
            Err(error) => self.refused(&error, cx),
        }
    }

    /// Goes back to the list, where the cursor goes to the department.
    fn written(&self, applied: &Applied, cx: &mut Cx) {
        cx.done(applied.words());
        let (id, and_new) = (applied.id_in("core_department"), self.and_new);
        cx.close_then(move |cx| {
            if let Some(id) = id {
                cx.tell(&SAVED, id);
            }
            if and_new {
                cx.push(Self::new());
            }
        });
    }

    fn refused(&mut self, error: &Error, cx: &mut Cx) {
        if error.kind != Kind::Interrupted {
            self.form.set_errors(error);
            cx.fail(error);
        }
    }

    /// Passes on what a key did; says whether it did anything.
    fn follow(&mut self, used: Used, cx: &mut Cx) -> bool {
        if let Used::Edited(field) = used {
            // A plan of what was there before must not come up for review.
            cx.stop(&PLAN);
            if field == "name" {
                self.look_up(cx);
            }
        }
        used.is_used()
    }

    /// Looks whose a name is, while it is typed.
    fn look_up(&mut self, cx: &mut Cx) {
        cx.stop(&OWNER);
        self.form.set_hint("name", None);
        if self.form.error_map().contains_key("name") || !self.form.changed().contains(&"name") {
            return;
        }
        let (name, id) = (self.form.text("name").trim().to_owned(), self.id);
        cx.start(&OWNER, "looking whose it is", move |portal| async move {
            departments::name_owner(&portal, &name, id).await
        });
    }

    fn take_owner(&mut self, owner: Result<Option<(i64, String)>>) {
        match owner {
            Ok(None) => self.form.set_hint("name", Some((Tone::Good, "free".to_owned()))),
            Ok(Some((_, name))) => self.form.set_error("name", format!("there is a department '{name}'")),
            // The plan looks again, and says it aloud.
            Err(_) => {}
        }
    }
}

/// The form over a department; empty for a new one, which is active.
fn filled(row: Option<&Image>) -> Form {
    forms::DEPARTMENT.iter().fold(Form::new(&forms::DEPARTMENT), |form, field| match (field.kind, row) {
        (FieldKind::Bool, row) => {
            form.with_flag(field.name, row.is_none_or(|row| row.bool(field.name).unwrap_or(true)))
        }
        (_, None) => form,
        (_, Some(row)) => {
            let text = row.text(field.name).unwrap_or_default().replace("\r\n", "\n");
            form.with_text(field.name, &text)
        }
    })
}

async fn facts(portal: &Portal, id: Option<i64>) -> Result<Facts> {
    departments::needs_departments(portal)?;
    let row = match id {
        Some(id) => Some(departments::row(portal, id).await?),
        None => None,
    };
    let locked = forms::DEPARTMENT.iter().filter_map(|field| {
        let lack = portal.schema.lacks_column("core_department", field.name)?;
        Some((field.name, lack.to_string()))
    });
    Ok(Facts { row, locked: locked.collect() })
}

/// Plans a wish from the row that the form showed, unless it is another by now.
async fn plan(portal: &Portal, base: Option<Image>, draft: &Draft) -> Result<Planned> {
    let plan = match base {
        None => departments::create(portal, draft).await?,
        Some(base) => {
            let id = base.int("id").unwrap_or_default();
            if departments::by_id(portal, id).await?.is_none() {
                return Ok(Planned::Gone);
            }
            let now = departments::row(portal, id).await?;
            if forms::DEPARTMENT.iter().any(|field| base.get(field.name) != now.get(field.name)) {
                return Ok(Planned::Changed(now));
            }
            departments::edit_row(portal, &base, draft).await?
        }
    };
    let inside = departments::left_inside(portal, &plan).await?;
    let mut prepared = plan_review::prepare(portal, plan).await?;
    prepared.text.notes.extend(inside.and_then(|inside| inside.in_words()));
    Ok(Planned::Ready(Box::new(prepared)))
}

impl Screen for DepartmentForm {
    fn title(&self) -> String {
        if self.id.is_some() { format!("Edit {}", self.name) } else { "New department".to_owned() }
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[form::KEYS, KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match action {
            _ if !self.is_ready => Err("The department is still being read.".to_owned()),
            Action::Review | Action::ReviewAndNew if self.id.is_some() && self.form.changes().is_none() => {
                Err("Nothing was changed yet.".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        let id = self.id;
        cx.start(&LOAD, "reading the department", move |portal| async move { facts(&portal, id).await });
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Review | Action::ReviewAndNew => {
                self.and_new = action == Action::ReviewAndNew;
                self.review(cx);
            }
            other => match self.form.act(other) {
                Ok(used) => {
                    self.follow(used, cx);
                }
                Err(why) => cx.refuse(why),
            },
        }
    }

    fn takes_text(&self) -> bool {
        // Before there are fields too, so that nothing typed is taken for a command.
        !self.is_ready || self.form.takes_text()
    }

    fn input(&mut self, input: &Input, cx: &mut Cx) -> bool {
        if !self.is_ready {
            return matches!(input, Input::Paste(_))
                || matches!(input, Input::Key(key) if key.text().is_some());
        }
        let used = self.form.input(input);
        self.follow(used, cx)
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(facts) = LOAD.take(reply) {
            self.take_facts(facts, cx);
        } else if let Some(owner) = OWNER.take(reply) {
            self.take_owner(owner);
        } else if let Some(planned) = PLAN.take(reply) {
            self.take_plan(planned, cx);
        } else if let Some(applied) = APPLY.take(reply) {
            self.take_outcome(applied, cx);
        }
    }

    fn is_dirty(&self) -> Option<String> {
        let changes = self.form.changes()?;
        Some(match self.id {
            None => "the new department".to_owned(),
            Some(_) => format!("{changes} to {}", self.name),
        })
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let width = area.width.saturating_sub(2);
        put(frame.buffer_mut(), area.x + 1, area.y, width, &self.title(), theme.style(Tone::Strong));
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        self.form.draw(frame, below, theme);
    }
}
