//! Who is in a group: the list of users with a filter that stays, and the ways in and out.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::actions::{Which, prepare};
use super::add_member::AddMember;
use crate::directory::groups;
use crate::directory::selection::Selection;
use crate::portal::access;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code, key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_review::Prepared;
use crate::tui::screen::Screen;
use crate::tui::screens::users::{self, Users};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::put;

/// Its keys, beside those of the list of users.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('+'), code(Key::Insert)], Action::GroupsAddMember, "add a member"),
    Binding::new(&[key('-'), code(Key::Delete)], Action::GroupsRemoveMember, "remove from the group"),
];

/// All its tables.
pub const TABLES: &[&[Binding]] = &users::tables_behind(KEYS);

const PLAN: Slot<Prepared> = Slot::latest("groups.members.plan");

/// The list.
pub(super) struct Members {
    which: Which,
    users: Users,
}

impl Members {
    /// The members of this group.
    pub(super) fn new(which: &Which, clock: Clock) -> Self {
        // By its id, so that the list stays when the name changes.
        let users = Users::with_filter(clock, &format!("group:#{}", which.id));
        Self { which: which.clone(), users }
    }

    /// Whether the person signed in may take the user under the cursor out of the group. Of those who are marked the
    /// review says so.
    fn may_remove(&self) -> Result<(), String> {
        if self.users.marked().is_some() {
            return Ok(());
        }
        let whom = self.users.whom().ok_or_else(|| "There is no user under the cursor.".to_owned())?;
        let Some(target) = &whom.target else { return Ok(()) };
        self.users.sitting().allows(&access::Action::TakeGroup { target, level: self.which.level })
    }

    /// Whether they may put anybody into it: asked for somebody without power.
    fn may_add(&self) -> Result<(), String> {
        let target = access::TargetFacts { id: 0, superuser: false, privileged: false, level: None };
        self.users.sitting().allows(&access::Action::GiveGroup { target: &target, level: self.which.level })
    }

    /// Takes out those who are marked, else the user under the cursor.
    fn remove(&self, cx: &mut Cx) {
        let one = || self.users.current().map(|user| (Selection::Ids(vec![user.id]), String::new()));
        let Some((selection, words)) = self.users.marked().or_else(one) else { return };
        let group = self.which.id;
        cx.start(&PLAN, "planning", move |portal| async move {
            let ids = selection.ids(&portal).await?;
            let mut prepared = prepare(&portal, groups::remove(&portal, group, &ids).await?).await?;
            prepared.text.notes.extend((!words.is_empty()).then(|| format!("{words}.")));
            Ok(prepared)
        });
    }
}

impl Screen for Members {
    fn title(&self) -> String {
        format!("Members of {}", self.which.name)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        TABLES
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        let is_write = matches!(action, Action::GroupsAddMember | Action::GroupsRemoveMember);
        if let (true, Some(why)) = (is_write, &self.users.sitting().read_only) {
            return Err(why.clone());
        }
        match action {
            Action::GroupsAddMember => self.may_add(),
            Action::GroupsRemoveMember => self.may_remove(),
            _ => self.users.enabled(action),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.users.opened(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        self.users.changed(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::GroupsAddMember => cx.push(AddMember::new(&self.which)),
            Action::GroupsRemoveMember => self.remove(cx),
            _ => self.users.act(action, cx),
        }
    }

    fn takes_text(&self) -> bool {
        self.users.takes_text()
    }

    fn input(&mut self, input: &Input, cx: &mut Cx) -> bool {
        self.users.input(input, cx)
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        match PLAN.take(reply) {
            Some(Ok(prepared)) => prepared.open(cx),
            Some(Err(error)) => cx.fail(&error),
            None => self.users.reply(reply, cx),
        }
    }

    fn escape(&mut self, cx: &mut Cx) -> bool {
        self.users.escape(cx)
    }

    fn status(&self) -> String {
        self.users.status()
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        // The filter names the group by its id alone.
        let head = Rect { height: u16::from(area.height > 3), ..area };
        if head.height > 0 {
            let room = head.width.saturating_sub(2);
            put(frame.buffer_mut(), head.x + 1, head.y, room, &self.title(), theme.style(Tone::Strong));
        }
        let list = Rect { y: head.bottom(), height: area.height - head.height, ..area };
        self.users.draw(frame, list, theme);
    }
}
