//! Who is in one of them: the list of users with a filter that stays, and the keys that change who is in it.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::Thing;
use crate::portal::access::{self, TargetFacts};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::Input;
use crate::tui::jobs::Reply;
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::screens::users::Users;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::put;

/// The list.
pub(super) struct Members<T: Thing> {
    which: T,
    users: Users,
}

impl<T: Thing> Members<T> {
    /// The members of this one.
    pub(super) fn new(which: T, clock: Clock) -> Self {
        // By its id, so that the list stays when the name changes.
        let users = Users::with_filter(clock, &format!("{}:#{}", T::FILTER, which.id()));
        Self { which, users }
    }
}

fn is_own<T: Thing>(action: Action) -> bool {
    T::MEMBER_KEYS.iter().any(|binding| binding.action == action)
}

/// Whether the person signed in may do this to the user under the cursor. Of those who are marked the review says so.
pub(in crate::tui::screens) fn may_to_chosen(
    users: &Users,
    of: impl for<'a> Fn(&'a TargetFacts) -> access::Action<'a>,
) -> Result<(), String> {
    if users.marked().is_some() {
        return Ok(());
    }
    let whom = users.whom().ok_or_else(|| "There is no user under the cursor.".to_owned())?;
    let Some(target) = &whom.target else { return Ok(()) };
    users.sitting().allows(&of(target))
}

impl<T: Thing> Screen for Members<T> {
    fn title(&self) -> String {
        format!("Members of {}", self.which.name())
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        T::MEMBER_TABLES
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        match &self.users.sitting().read_only {
            _ if !is_own::<T>(action) => self.users.enabled(action),
            Some(why) => Err(why.clone()),
            None => self.which.may_to_members(action, &self.users),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.users.opened(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        self.users.changed(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        if is_own::<T>(action) {
            self.which.act_on_members(action, &self.users, cx);
        } else {
            self.users.act(action, cx);
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
        let head = Rect { height: u16::from(area.height > 3), ..area };
        if head.height > 0 {
            let room = head.width.saturating_sub(2);
            put(frame.buffer_mut(), head.x + 1, head.y, room, &self.title(), theme.style(Tone::Strong));
        }
        let list = Rect { y: head.bottom(), height: area.height - head.height, ..area };
        self.users.draw(frame, list, theme);
    }
}
