//! Who is in a department: the list of users with a filter that stays, and the way into another department.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::actions::Which;
use super::where_to::WhereTo;
use crate::directory::selection::Selection;
use crate::portal::access;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, key};
use crate::tui::jobs::Reply;
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::screens::users::{self, Users};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::put;

/// Its keys, beside those of the list of users.
pub const KEYS: &[Binding] =
    &[Binding::new(&[key('>')], Action::DepartmentsMove, "move to another department")];

/// All its tables.
pub const TABLES: &[&[Binding]] = &users::tables_behind(KEYS);

/// The list.
pub(super) struct Members {
    which: Which,
    users: Users,
}

impl Members {
    /// The members of this department.
    pub(super) fn new(which: &Which, clock: Clock) -> Self {
        // By its id, so that the list stays when the name changes.
        let users = Users::with_filter(clock, &format!("dept:#{}", which.id));
        Self { which: which.clone(), users }
    }

    /// Those who are marked, else the user under the cursor.
    fn chosen(&self) -> Option<(Selection, String)> {
        let one = || self.users.current().map(|user| (Selection::Ids(vec![user.id]), String::new()));
        self.users.marked().or_else(one)
    }

    /// Whether the person signed in may move the user under the cursor. Of those who are marked the review says so.
    fn may_move(&self) -> Result<(), String> {
        if let Some(why) = &self.users.sitting().read_only {
            return Err(why.clone());
        }
        if self.users.marked().is_some() {
            return Ok(());
        }
        let whom = self.users.whom().ok_or_else(|| "There is no user under the cursor.".to_owned())?;
        let Some(target) = &whom.target else { return Ok(()) };
        self.users.sitting().allows(&access::Action::EditProfile { target, only_own_fields: false })
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
        match action {
            Action::DepartmentsMove => self.may_move(),
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
        match (action, self.chosen()) {
            (Action::DepartmentsMove, Some((who, words))) => {
                cx.push(WhereTo::members(self.which.clone(), who, words));
            }
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
        self.users.reply(reply, cx);
    }

    fn escape(&mut self, cx: &mut Cx) -> bool {
        self.users.escape(cx)
    }

    fn status(&self) -> String {
        self.users.status()
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        // The filter names the department by its id alone.
        let head = Rect { height: u16::from(area.height > 3), ..area };
        if head.height > 0 {
            let room = head.width.saturating_sub(2);
            put(frame.buffer_mut(), head.x + 1, head.y, room, &self.title(), theme.style(Tone::Strong));
        }
        let list = Rect { y: head.bottom(), height: area.height - head.height, ..area };
        self.users.draw(frame, list, theme);
    }
}
