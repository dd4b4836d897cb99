//! Two departments become one: which one stays, and whose name, description and state; what the other leaves behind is
//! said while somebody chooses.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::actions::Which;
use crate::directory::departments::{self, Keep, Members, Side, left_in_words, value_in_words};
use crate::error::{Error, Kind, Result};
use crate::portal::department::Department;
use crate::portal::form::{Field, FieldKind, Options};
use crate::portal::forms;
use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::Input;
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::leaving_review;
use crate::tui::plan_review::{APPLY, Prepared};
use crate::tui::screen::Screen;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::form::{self, Form, Used};
use crate::tui::widgets::picker::Choice;
use crate::tui::widgets::{dialog, grouped, put};

/// The field of the department that stays.
const INTO: &str = "into";

/// What there is to choose from.
struct Facts {
    goes: Department,
    others: Vec<Department>,
    members: Option<Members>,
}

const LOAD: Slot<Facts> = Slot::latest("merge-department.load");
const PLAN: Slot<Prepared> = Slot::latest("merge-department.plan");

/// The form.
pub struct MergeDepartment {
    which: Which,
    facts: Option<Facts>,
    form: Form,
}

impl MergeDepartment {
    /// A form about this department, which goes.
    #[must_use]
    pub fn new(which: Which) -> Self {
        Self { which, facts: None, form: Form::new(&[]) }
    }

    fn take_facts(&mut self, facts: Result<Facts>, cx: &mut Cx) {
        let facts = match facts {
            Ok(facts) if facts.others.is_empty() => {
                cx.refuse("There is no other department to merge it into.");
                return cx.close();
            }
            Ok(facts) => facts,
            Err(error) => {
                Self::say(&error, cx);
                return cx.close();
            }
        };
        let note = |it: &Department| if it.is_active { "" } else { "inactive" };
        let choices = facts.others.iter().map(|it| Choice::new(it.name.clone(), note(it))).collect();
        self.form = Form::new(&fields()).proposing().with_choice(INTO, choices, None);
        self.facts = Some(facts);
    }

    fn stays(&self) -> Option<&Department> {
        self.facts.as_ref()?.others.get(self.form.choice(INTO)?)
    }

    /// Offers both values of every field, the one that stays unless somebody chooses first.
    fn offer(&mut self) {
        let (Some(facts), Some(stays)) = (&self.facts, self.stays().cloned()) else { return };
        let goes = facts.goes.clone();
        for field in &forms::DEPARTMENT {
            let choice = |of: &Department| {
                let value = value_in_words(of, field.name);
                Choice::new(value.lines().next().unwrap_or_default(), format!("of {}", of.name))
            };
            let choices = vec![choice(&stays), choice(&goes)];
            let side = Keep::default().side(field.name, &goes, &stays);
            let form = std::mem::replace(&mut self.form, Form::new(&[]));
            self.form = form.with_choice(field.name, choices, Some(usize::from(side == Side::Goes)));
        }
    }

    fn side(&self, field: &str) -> Side {
        if self.form.choice(field) == Some(1) { Side::Goes } else { Side::Stays }
    }

    fn keep(&self) -> Keep {
        Keep {
            name: self.side("name"),
            description: Some(self.side("description")),
            is_active: self.side("is_active"),
        }
    }

    fn review(&mut self, cx: &mut Cx) {
        let Some(stays) = self.stays() else {
            self.form.set_error(INTO, "which one?");
            self.form.go_to(INTO);
            return cx.refuse(format!("Choose the department that {} is merged into.", self.which.name));
        };
        let (id, into, keep) = (self.which.id, stays.id, self.keep());
        cx.start(&PLAN, "planning", move |portal| async move {
            leaving_review::prepare(&portal, departments::merge(&portal, id, into, &keep).await?).await
        });
    }

    fn say(error: &Error, cx: &mut Cx) {
        if error.kind != Kind::Interrupted {
            cx.fail(error);
        }
    }

    /// What comes of it, in sentences.
    fn words(&self) -> Vec<String> {
        let Some(facts) = &self.facts else { return vec!["Reading the departments.".to_owned()] };
        let Some(stays) = self.stays() else {
            return vec![format!("{} goes, and whoever is in it with it: into which one?", facts.goes.name)];
        };
        let count = facts.members.map_or(0, |members| members.all);
        let count = u64::try_from(count).unwrap_or(0);
        let members = if count == 1 { "member moves" } else { "members move" };
        let mut words = vec![format!(
            "{} {members} from {} to {}; the rows of other tables that refer to it follow.",
            grouped(count),
            facts.goes.name,
            stays.name
        )];
        for field in &forms::DEPARTMENT {
            let lost = if self.side(field.name) == Side::Goes { stays } else { &facts.goes };
            if value_in_words(&facts.goes, field.name) != value_in_words(stays, field.name) {
                words.extend(left_in_words(lost, field.name).map(|left| format!("Left behind: {left}.")));
            }
        }
        words
    }

    fn follow(&mut self, used: Used, cx: &mut Cx) -> bool {
        if let Used::Edited(field) = used {
            // A plan of what was there before must not come up for review.
            cx.stop(&PLAN);
            if field == INTO {
                self.offer();
            }
        }
        used.is_used()
    }
}

/// The department that stays, and of each of a department's own fields which value does.
fn fields() -> Vec<Field> {
    let choice = |name, label, short, help| Field {
        name,
        label,
        short,
        kind: FieldKind::Choice(Options::Fixed),
        section: "",
        help,
        check: |text| Ok(Some(text.to_owned())),
    };
    let into = choice(INTO, "Into", "Into", "The department that stays. Space opens the list.");
    let own = forms::DEPARTMENT
        .iter()
        .map(|field| choice(field.name, field.label, field.short, "Whose value stays: ← and → choose."));
    std::iter::once(into).chain(own).collect()
}

impl Screen for MergeDepartment {
    fn title(&self) -> String {
        format!("Merge {}", self.which.name)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[form::KEYS]
    }

    fn enabled(&self, _action: Action) -> std::result::Result<(), String> {
        match self.facts {
            Some(_) => Ok(()),
            None => Err("The departments are still being read.".to_owned()),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        let id = self.which.id;
        cx.start(&LOAD, "reading the departments", move |portal| async move {
            let mut others = departments::list(&portal, &[]).await?;
            let at = others.iter().position(|it| it.id == id);
            let goes = at.map(|at| others.remove(at));
            let goes = goes.ok_or_else(|| Error::invalid("This department is not there any more."))?;
            Ok(Facts { goes, others, members: departments::members::of(&portal, id).await? })
        });
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Review => self.review(cx),
            other => match self.form.act(other) {
                Ok(used) => {
                    self.follow(used, cx);
                }
                Err(why) => cx.refuse(why),
            },
        }
    }

    fn takes_text(&self) -> bool {
        self.form.takes_text()
    }

    fn input(&mut self, input: &Input, cx: &mut Cx) -> bool {
        let used = self.form.input(input);
        self.follow(used, cx)
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(facts) = LOAD.take(reply) {
            self.take_facts(facts, cx);
        } else if let Some(reviewed) = PLAN.take(reply) {
            match reviewed {
                Ok(reviewed) => cx.push(reviewed.review()),
                Err(error) => {
                    self.form.set_errors(&error);
                    Self::say(&error, cx);
                }
            }
        } else if let Some(applied) = APPLY.take(reply) {
            match applied {
                Ok(applied) => {
                    cx.done(applied.words());
                    cx.close();
                }
                Err(error) => Self::say(&error, cx),
            }
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let room = area.width.saturating_sub(2);
        let title = match self.stays() {
            Some(stays) => format!("Merge {} into {}", self.which.name, stays.name),
            None => self.title(),
        };
        put(frame.buffer_mut(), area.x + 1, area.y, room, &title, theme.style(Tone::Strong));
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        let words = self.words().iter().map(|words| text::safe_lines(words).into_owned()).collect::<Vec<_>>();
        let words = words.join("\n");
        let said = dialog::rows(&words, room).min(below.height / 2);
        let form = Rect { height: below.height - said, ..below };
        let text = Rect { x: area.x + 1, y: form.bottom(), width: room, height: said };
        dialog::draw_text(frame, text, &words, Tone::Plain, theme);
        self.form.draw(frame, form, theme);
    }
}
