//! The form of a user: account, profile and groups in one plan. A new account also has its password here.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::account::editor::{Editor, Edits};
use super::account::facts::{Facts, LOAD, Names};
use super::account::groups;
use super::account::merge::Merge;
use super::account::new_password::{self, NewPassword};
use super::account::saving::Password;
use super::account::values;
use super::confirm::Confirm;
use crate::directory::accounts::{self, Draft, Groups};
use crate::directory::drafts::Unsaved;
use crate::directory::portal_ids;
use crate::error::{Kind, Result};
use crate::portal::form::{Field, FieldKind};
use crate::portal::forms;
use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, ctrl};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::form::{self, Form};
use crate::tui::widgets::picker::Choice;
use crate::tui::widgets::{cells, put};

/// Tells the screen that opened a form which user was written, once the form has closed: it takes this in its `reply`
/// and moves to the user.
pub const SAVED: Slot<i64> = Slot::latest("account.saved");

/// Reads what a new account starts from, once somebody wants the deleted one anew.
const ANEW: Slot<Facts> = Slot::latest("user-form.anew");

/// Whose a username or a portal id is: id and username, or nobody's.
type Owner = Option<(i64, String)>;
const NAME_OWNER: Slot<Owner> = Slot::latest("user-form.username");
const PORTAL_ID_OWNER: Slot<Owner> = Slot::latest("user-form.portal-id");

const PORTAL_ID: &str = "main_portal_id";

/// Its keys, beside those of every form.
pub const KEYS: &[Binding] = &[
    Binding::new(&[ctrl('n')], Action::ReviewAndNew, "save, then new"),
    Binding::new(&[ctrl('g')], Action::Generate, "generate a password"),
    Binding::new(&[ctrl('t')], Action::TakeOver, "take the portal id over"),
];

/// The form.
pub struct UserForm {
    editor: Editor,
    password: NewPassword,
    and_new: bool,
    /// The account that a new one is made like.
    like: Option<i64>,
    portal_id: PortalId,
}

/// What is known and wanted of the portal id that is typed.
#[derive(Default)]
struct PortalId {
    /// The user who has it.
    owner: Option<String>,
    /// The one that is to be taken over, whatever is in the field later.
    taken: Option<String>,
}

impl UserForm {
    /// A form for a new account.
    #[must_use]
    pub fn new() -> Self {
        Self::over(None)
    }

    /// A form for a new account that takes over department, groups and notifications from one that is there.
    #[must_use]
    pub fn like(id: i64) -> Self {
        Self { like: Some(id), ..Self::over(None) }
    }

    /// A form over an account that is there.
    #[must_use]
    pub fn edit(id: i64) -> Self {
        Self::over(Some(id))
    }

    /// The form as it was left.
    #[must_use]
    pub fn resume(left: Unsaved) -> Self {
        Self { editor: Editor::resume(left), ..Self::new() }
    }

    fn over(id: Option<i64>) -> Self {
        Self {
            editor: Editor::new(id),
            password: NewPassword::default(),
            and_new: false,
            like: None,
            portal_id: PortalId::default(),
        }
    }

    /// The names as they are typed now, which a password must not resemble.
    fn names(&self) -> Names {
        let text = |name| self.editor.form.text(name).to_owned();
        Names {
            username: text("username"),
            first_name: text("first_name"),
            last_name: text("last_name"),
            email: text("email"),
        }
    }

    fn minimum(&self) -> usize {
        self.editor.facts.as_ref().map_or(0, |facts| facts.minimum_password_length)
    }

    fn is_changed(&self) -> bool {
        self.password.is_generated() || self.editor.form.changes().is_some()
    }

    /// Checks everything and plans it.
    fn review(&mut self, cx: &mut Cx) {
        let (names, minimum) = (self.names(), self.minimum());
        let form = &mut self.editor.form;
        form.clear_errors();
        let are_right = form.check();
        let is_fit = self.password.check(form, &names, minimum);
        if !are_right || !is_fit {
            cx.refuse(match form.errors() {
                1 => "1 error: nothing to review yet.".to_owned(),
                more => format!("{more} errors: nothing to review yet."),
            });
            return;
        }
        let Some(facts) = &self.editor.facts else { return };
        let mut draft = draft(form, facts);
        draft.takes_portal_id = self.portal_id.taken.as_deref() == Some(form.text(PORTAL_ID));
        let password = match self.password.wanted(form) {
            Some((password, generated)) => Password::Set { password, generated },
            None => Password::Keep,
        };
        self.editor.plan(draft, password, cx);
    }

    /// From now on the form is one for a new account, with everything that the deleted one had and was to get.
    fn make_anew(&mut self, facts: Result<Facts>, cx: &mut Cx) {
        let (facts, old) = match (facts, self.editor.facts.clone()) {
            (Ok(facts), Some(old)) => (facts, old),
            (Err(error), _) => return cx.fail(&error),
            _ => return,
        };
        let mut wanted = values::of(&old);
        wanted.extend(values::changed(&self.editor.form, &old));
        self.editor.id = None;
        self.rebase(Merge { facts, differences: Vec::new(), mine: wanted }, cx);
    }

    /// Looks whose a username or a portal id is, while it is typed.
    fn look_up(&mut self, field: &'static str, cx: &mut Cx) {
        let slot = owner_slot(field);
        cx.stop(slot);
        if field == PORTAL_ID {
            self.portal_id = PortalId::default();
        }
        let form = &mut self.editor.form;
        form.set_hint(field, None);
        let is_wrong = form.error_map().contains_key(field);
        if is_wrong || !form.changed().contains(&field) {
            return;
        }
        let check = forms::find(&forms::USER, field).map(|known| known.check);
        let Some(Ok(Some(value))) = check.map(|check| check(form.text(field))) else { return };
        let id = self.editor.id;
        cx.start(slot, "looking whose it is", move |portal| async move {
            match field {
                "username" => accounts::username_owner(&portal, &value, id).await,
                _ => portal_ids::owner(&portal, &value, id).await,
            }
        });
    }

    /// Says whose it is.
    fn take_owner(&mut self, field: &'static str, owner: Result<Owner>) {
        let form = &mut self.editor.form;
        match owner {
            Ok(None) => form.set_hint(field, Some((Tone::Good, "free".to_owned()))),
            Ok(Some((_, name))) if name.is_empty() => {
                form.set_error(field, "belongs to a profile without a user (PRF-003)");
            }
            Ok(Some((_, name))) if field == PORTAL_ID => {
                form.set_error(field, format!("belongs to '{name}', Ctrl-T takes it over"));
                self.portal_id.owner = Some(name);
            }
            Ok(Some((_, name))) => form.set_error(field, format!("belongs to '{name}'")),
            Err(error) if error.kind == Kind::Interrupted => {}
            // The plan looks again, and says it aloud.
            Err(_) => form.set_hint(field, Some((Tone::Quiet, "could not be looked up".to_owned()))),
        }
    }

    /// From now on the review takes the portal id away from the user who has it.
    fn take_over(&mut self) {
        let Some(owner) = &self.portal_id.owner else { return };
        let form = &mut self.editor.form;
        form.clear_error(PORTAL_ID);
        form.set_hint(PORTAL_ID, Some((Tone::Warn, format!("taken over from '{owner}'"))));
        self.portal_id.taken = Some(form.text(PORTAL_ID).to_owned());
    }
}

impl Default for UserForm {
    fn default() -> Self {
        Self::new()
    }
}

fn owner_slot(field: &str) -> &'static Slot<Owner> {
    if field == "username" { &NAME_OWNER } else { &PORTAL_ID_OWNER }
}

/// The fields in the order of `Tab`: for a new account with the password behind the e-mail address.
fn fields(facts: &Facts) -> Vec<Field> {
    let mut fields = Vec::new();
    for field in forms::USER.iter().filter(|field| facts.has(field.name)) {
        fields.push(*field);
        if facts.is_new() && field.name == "email" {
            fields.extend(new_password::fields());
        }
    }
    fields
}

/// The form over these facts, locked where the person signed in may change nothing.
fn filled(facts: &Facts) -> Form {
    let fields = fields(facts);
    let mut form = Form::new(&fields);
    for field in &fields {
        let name = field.name;
        form = match field.kind {
            FieldKind::Text { .. } | FieldKind::Lines => form.with_text(name, &facts.text(name)),
            FieldKind::Bool => form.with_flag(name, facts.flag(name)),
            FieldKind::Choice(_) => form.with_choice(name, departments(facts), facts.department()),
            FieldKind::Choices(_) => form.with_choices(name, groups::choices(facts), facts.first_groups()),
            FieldKind::Password => form,
        };
        if let Some(why) = facts.locked(name) {
            form = form.with_locked(name, &why);
        }
    }
    groups::show(&mut form, facts);
    form
}

fn departments(facts: &Facts) -> Vec<Choice> {
    let choice = |department: &crate::directory::departments::Choice| {
        Choice::new(department.name.clone(), if department.is_active { "" } else { "inactive" })
    };
    facts.departments.iter().map(choice).collect()
}

/// What was typed: all of it for a new account, what changed for another.
fn draft(form: &Form, facts: &Facts) -> Draft {
    let changed = form.changed();
    let mut draft = Draft::default();
    for field in forms::USER.iter().filter(|field| facts.is_new() || changed.contains(&field.name)) {
        let name = field.name;
        match field.kind {
            FieldKind::Bool => draft = draft.with(name, form.flag(name).to_string()),
            FieldKind::Choice(_) => {
                let chosen = form.choice(name).and_then(|at| facts.departments.get(at));
                draft.department = Some(chosen.map(|department| department.id));
            }
            FieldKind::Choices(_) => draft.groups = group_changes(form, facts),
            _ => draft = draft.with(name, form.text(name)),
        }
    }
    draft
}

/// What was ticked and unticked. What others change meanwhile in other groups stays.
pub(super) fn group_changes(form: &Form, facts: &Facts) -> Groups {
    let (now, chosen) = (facts.memberships(), form.choices(groups::FIELD));
    let ids = |places: std::collections::btree_set::Difference<'_, usize>| {
        places.filter_map(|at| facts.groups.get(*at)).map(|group| group.id).collect()
    };
    Groups::Change { add: ids(chosen.difference(&now)), remove: ids(now.difference(&chosen)) }
}

impl Edits for UserForm {
    fn editor(&mut self) -> &mut Editor {
        &mut self.editor
    }

    fn filled(&self, facts: &Facts) -> Form {
        filled(facts)
    }

    fn edited(&mut self, field: &'static str, cx: &mut Cx) {
        if NewPassword::is_field(field) {
            let (names, minimum) = (self.names(), self.minimum());
            self.password.edited(&mut self.editor.form, names, minimum, cx);
        } else if ["username", PORTAL_ID].contains(&field) {
            self.look_up(field, cx);
        }
    }

    /// What was typed is kept, and the account can be made anew from it.
    fn gone(&mut self, cx: &mut Cx) {
        let username = self.editor.username();
        let question = format!(
            "{username} was deleted meanwhile by somebody else. Make the account anew from this form?"
        );
        cx.push(Confirm::new("Deleted meanwhile", question, "make it anew", |cx| {
            cx.start(&ANEW, "reading what there is to choose", |portal| async move {
                Facts::read(&portal, None).await
            });
        }));
    }

    fn saved(&mut self, user: i64, cx: &mut Cx) {
        let username = self.editor.form.text("username").to_owned();
        let another = || self.like.map_or_else(Self::new, Self::like);
        let next = self.and_new.then(|| Box::new(another()) as Box<dyn Screen>);
        self.editor.close(user, username, next, cx);
    }
}

impl Screen for UserForm {
    fn title(&self) -> String {
        let template = self.editor.facts.as_ref().and_then(|facts| facts.template.as_ref());
        match (self.editor.id, self.editor.username()) {
            (None, _) => template.map_or_else(
                || "New user".to_owned(),
                |template| format!("New user like {}", template.username),
            ),
            (Some(id), name) if name.is_empty() => format!("Edit #{id}"),
            (Some(_), name) => format!("Edit {name}"),
        }
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[form::KEYS, KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        let facts = self.editor.ready()?;
        match action {
            Action::Review | Action::ReviewAndNew => match facts.cannot_save() {
                Some(why) => Err(why),
                None if !facts.is_new() && !self.is_changed() => Err("Nothing was changed yet.".to_owned()),
                None => Ok(()),
            },
            Action::TakeOver if self.portal_id.owner.is_none() => {
                Err("No other user is known to have this portal id.".to_owned())
            }
            Action::Generate if !facts.is_new() => {
                Err("The password of an account is set from the list of users.".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Review | Action::ReviewAndNew => {
                self.and_new = action == Action::ReviewAndNew;
                self.review(cx);
            }
            Action::Generate => {
                if let Err(error) = self.password.generate(&mut self.editor.form, cx) {
                    cx.fail(&error);
                }
            }
            Action::TakeOver => self.take_over(),
            other => self.do_in_form(other, cx),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        match self.like {
            Some(id) => {
                cx.start(&LOAD, "reading the account", move |portal| async move {
                    Facts::like(&portal, id).await
                });
            }
            None => self.load(cx),
        }
    }

    fn takes_text(&self) -> bool {
        self.editor.takes_text()
    }

    fn input(&mut self, input: &Input, cx: &mut Cx) -> bool {
        self.type_in(input, cx)
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(owner) = NAME_OWNER.take(reply) {
            self.take_owner("username", owner);
        } else if let Some(owner) = PORTAL_ID_OWNER.take(reply) {
            self.take_owner(PORTAL_ID, owner);
        } else if let Some(facts) = ANEW.take(reply) {
            self.make_anew(facts, cx);
        } else if !self.take(reply, cx) {
            self.take_strength(reply);
        }
    }

    fn is_dirty(&self) -> Option<String> {
        let whose = match self.editor.id {
            None => "the new user".to_owned(),
            Some(_) => format!("{} to {}", self.editor.form.changes()?, self.editor.username()),
        };
        self.is_changed().then_some(whose)
    }

    fn unsaved(&self) -> Option<Unsaved> {
        self.editor.unsaved()
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let buffer = frame.buffer_mut();
        let changes =
            self.editor.form.changes().filter(|_| self.editor.form.errors() > 0).unwrap_or_default();
        let width = cells(text::width(&changes)).min(area.width);
        let room = area.width.saturating_sub(width + 3);
        put(buffer, area.x + 1, area.y, room, &self.title(), theme.style(Tone::Strong));
        let right = area.right().saturating_sub(width + 1).max(area.x);
        put(buffer, right, area.y, width, &changes, theme.style(Tone::Plain));
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        self.editor.form.draw(frame, below, theme);
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::super::account::facts::tests::facts;
    use super::super::account::saving::{PLAN, Planned};
    use super::*;
    use crate::error::Error;
    use crate::portal::access::Level;
    use crate::tui::input::{Key, code, key};

    fn cx() -> Cx {
        Cx::new(Size::new(100, 30))
    }

    fn filled_form(level: Option<Level>, id: Option<i64>) -> UserForm {
        let mut form = UserForm::over(id);
        form.reply(&mut Reply::of(&LOAD, Ok(facts(level, id.is_some()))), &mut cx());
        form
    }

    fn press(form: &mut UserForm, keys: &str) -> Vec<String> {
        let mut cx = cx();
        for c in keys.chars() {
            form.input(&Input::Key(key(c)), &mut cx);
        }
        cx.effects().iter().map(|effect| format!("{effect:?}")).collect()
    }

    #[test]
    fn it_reads_the_account_and_keeps_what_is_typed_meanwhile() {
        let mut form = UserForm::edit(2);
        let mut cx = cx();
        form.opened(&mut cx);
        assert_eq!(format!("{:?}", cx.effects()), "[Start(account.load: reading the account)]");
        assert!(form.takes_text() && form.enabled(Action::Review).is_err());
        press(&mut form, "2");
        assert!(!form.input(&Input::Key(code(Key::Esc)), &mut cx), "Esc still closes it");
        form.reply(&mut Reply::of(&LOAD, Ok(facts(None, true))), &mut cx);
        assert_eq!(form.editor.form.text("username"), "bela2");
        assert_eq!(form.is_dirty().as_deref(), Some("1 change to bela"));
    }

    #[test]
    fn an_account_that_cannot_be_read_closes_the_form() {
        let mut form = UserForm::edit(2);
        let mut cx = cx();
        form.reply(&mut Reply::of(&LOAD, Err(Error::conflict("It is gone."))), &mut cx);
        assert_eq!(format!("{:?}", cx.effects()), "[Toast(\"It is gone.\"), Close]");
    }

    #[test]
    fn a_key_makes_the_plan_of_before_void_and_looks_up_the_name() {
        let mut form = filled_form(None, Some(2));
        let asked = press(&mut form, "2");
        assert_eq!(
            asked,
            [
                "Stop(account.plan)",
                "Stop(user-form.username)",
                "Start(user-form.username: looking whose it is)"
            ]
        );
        let asked = press(&mut form, "!");
        assert_eq!(
            asked,
            ["Stop(account.plan)", "Stop(user-form.username)"],
            "what is wrong is not looked up"
        );
    }

    #[test]
    fn a_taken_name_is_an_error_and_a_free_one_is_not() {
        let mut form = filled_form(None, None);
        press(&mut form, "cho");
        let dana = Some((3, "dana".to_owned()));
        form.reply(&mut Reply::of(&NAME_OWNER, Ok(dana)), &mut cx());
        assert_eq!(form.editor.form.error_map()["username"], "belongs to 'dana'");
        press(&mut form, "i");
        form.reply(&mut Reply::of(&NAME_OWNER, Ok(None)), &mut cx());
        assert_eq!(form.editor.form.errors(), 0);
    }

    #[test]
    fn a_refusal_keeps_the_form_and_stands_at_its_field() {
        let mut form = filled_form(None, Some(2));
        press(&mut form, "2");
        let taken = Error::field(Kind::Duplicate, "main_portal_id", "B31 belongs to cho.");
        let mut cx = cx();
        form.reply(&mut Reply::of(&PLAN, Err::<Planned, _>(taken)), &mut cx);
        assert_eq!(form.editor.form.focused(), Some("main_portal_id"));
        assert_eq!(form.editor.form.text("username"), "bela2");
        assert_eq!(format!("{:?}", cx.effects()), "[Toast(\"B31 belongs to cho.\")]");
    }

    #[test]
    fn nothing_is_planned_while_something_is_wrong() {
        let mut form = filled_form(None, None);
        let mut cx = cx();
        form.act(Action::Review, &mut cx);
        assert_eq!(format!("{:?}", cx.effects()), "[Toast(\"1 error: nothing to review yet.\")]");
        assert_eq!(form.editor.form.focused(), Some("username"));
    }

    #[test]
    fn only_what_changed_is_asked_for() {
        let mut form = filled_form(Some(Level::Admin), Some(2));
        press(&mut form, "2");
        let draft = draft(&form.editor.form, form.editor.facts.as_ref().unwrap());
        assert_eq!(draft, Draft::default().with("username", "bela2"));
        assert!(form.enabled(Action::Generate).is_err());
    }
}
