//! Deleting a user: offers off-boarding first, and says what Django's own delete would take along.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::directory::delete::{self, Ahead};
use crate::directory::offboard;
use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code, key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_review::{self, Prepared};
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::{dialog, put, wrap};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('o')], Action::UsersOffboard, "off-board instead"),
    Binding::new(&[key('D')], Action::UsersDelete, "delete").dangerous(),
    Binding::new(&[code(Key::Esc), key('n'), key('q')], Action::No, "leave"),
    Binding::new(&[code(Key::Down), key('j')], Action::Down, "down").quiet(),
    Binding::new(&[code(Key::Up), key('k')], Action::Up, "up").quiet(),
];

/// What refers to the account.
const AHEAD: Slot<Ahead> = Slot::latest("delete-user.ahead");
const PLAN: Slot<Prepared> = Slot::latest("delete-user.plan");

/// The dialog. The review of what was chosen takes its place.
pub struct DeleteUser {
    id: i64,
    username: String,
    ahead: Option<Ahead>,
    first: usize,
    /// Why off-boarding is not theirs to do, if so.
    no_offboarding: Option<String>,
}

impl DeleteUser {
    /// A dialog about this account; `no_offboarding` says why that can't be offered, if so.
    #[must_use]
    pub fn new(id: i64, username: impl Into<String>, no_offboarding: Option<String>) -> Self {
        Self { id, username: username.into(), ahead: None, first: 0, no_offboarding }
    }

    /// What is said.
    fn words(&self) -> String {
        let name = &self.username;
        let Some(ahead) = &self.ahead else { return format!("Looking what refers to {name}.") };
        let offer = format!(
            "Off-boarding lets nobody in any more, takes every right, and keeps what {name} did in the portal's history."
        );
        let along = match (ahead.obstacle(), ahead.along_in_words()) {
            (Some(obstacle), _) => format!("{name} can't be deleted: {obstacle}."),
            (None, along) if along.is_empty() => "Deleting takes nothing else along.".to_owned(),
            (None, along) => format!("Deleting takes along what Django's own delete does: {along}."),
        };
        let erased = match ahead.along("django_admin_log") {
            0 => "",
            _ => " The entries are all that says what they did in the portal's admin.",
        };
        let erased = if ahead.obstacle().is_some() { "" } else { erased };
        format!("{offer}\n\n{along}{erased}\n\n{}", self.answers())
    }

    fn answers(&self) -> String {
        let mut answers = Vec::new();
        if self.enabled(Action::UsersOffboard).is_ok() {
            answers.push("o off-board instead");
        }
        if self.enabled(Action::UsersDelete).is_ok() {
            answers.push("D delete");
        }
        answers.push("n leave");
        answers.join("   ")
    }
}

impl Screen for DeleteUser {
    fn title(&self) -> String {
        format!("Delete {}", self.username)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        match (action, &self.ahead) {
            (Action::UsersOffboard | Action::UsersDelete, None) => Err("Still looking.".to_owned()),
            (Action::UsersOffboard, _) => self.no_offboarding.clone().map_or(Ok(()), Err),
            (Action::UsersDelete, Some(ahead)) => {
                ahead.obstacle().map_or(Ok(()), |why| Err(format!("It can't be deleted: {why}.")))
            }
            _ => Ok(()),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        let id = self.id;
        cx.start(
            &AHEAD,
            "looking what refers to it",
            move |portal| async move { Ahead::read(&portal, id).await },
        );
    }

    fn changed(&mut self, cx: &mut Cx) {
        self.opened(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        let id = self.id;
        match action {
            Action::UsersOffboard => cx.start(&PLAN, "planning", move |portal| async move {
                plan_review::prepare_together(&portal, offboard::plan(&portal, id).await?).await
            }),
            Action::UsersDelete => cx.start(&PLAN, "planning", move |portal| async move {
                plan_review::prepare_together(&portal, delete::plan(&portal, id).await?).await
            }),
            Action::Down => self.first += 1,
            Action::Up => self.first = self.first.saturating_sub(1),
            _ => cx.close(),
        }
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(ahead) = AHEAD.take(reply) {
            match ahead {
                Ok(ahead) => self.ahead = Some(ahead),
                Err(error) => {
                    cx.fail(&error);
                    cx.close();
                }
            }
        } else if let Some(prepared) = PLAN.take(reply) {
            match prepared {
                Ok(prepared) if prepared.is_empty() => cx.refuse(nothing_to_take(&self.username)),
                Ok(prepared) => cx.replace(prepared.review()),
                Err(error) => cx.fail(&error),
            }
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let lines = wrap(&text::safe_lines(&self.words()), usize::from(area.width));
        let answers = lines.len().saturating_sub(1);
        self.first = self.first.min(lines.len().saturating_sub(usize::from(area.height)));
        for (y, (at, line)) in (area.y..area.bottom()).zip(lines.iter().enumerate().skip(self.first)) {
            let tone = if at == answers { Tone::Strong } else { Tone::Plain };
            put(frame.buffer_mut(), area.x, y, area.width, line, theme.style(tone));
        }
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: dialog::WIDTH, height: dialog::rows(&self.words(), dialog::WIDTH) }
    }

    fn guarded(&self) -> bool {
        true
    }
}

/// What is said where nothing is left to off-board.
#[must_use]
pub fn nothing_to_take(username: &str) -> String {
    format!("{username} is off-boarded already: nothing would change.")
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::directory::referring::Referring;
    use crate::error::{Error, Kind};

    fn cx() -> Cx {
        Cx::new(Size::new(80, 24))
    }

    fn looked(rows: &[(&str, i64, bool)]) -> DeleteUser {
        let mut dialog = DeleteUser::new(2, "bela", None);
        let row = |(table, rows, goes_along): &(&str, i64, bool)| Referring {
            table: (*table).to_owned(),
            column: "user_id".to_owned(),
            rows: *rows,
            goes_along: *goes_along,
        };
        let ahead = Ahead { username: "bela".to_owned(), rows: rows.iter().map(row).collect() };
        dialog.reply(&mut Reply::of(&AHEAD, Ok(ahead)), &mut cx());
        dialog
    }

    #[test]
    fn it_looks_before_it_offers_anything() {
        let mut dialog = DeleteUser::new(2, "bela", None);
        let mut cx = cx();
        dialog.opened(&mut cx);
        assert_eq!(format!("{:?}", cx.take()), "[Start(delete-user.ahead: looking what refers to it)]");
        assert!(
            dialog.enabled(Action::UsersOffboard).is_err() && dialog.enabled(Action::UsersDelete).is_err()
        );
        dialog.reply(
            &mut Reply::of(&AHEAD, Err::<Ahead, _>(Error::new(Kind::Conflict, "It is gone."))),
            &mut cx,
        );
        assert_eq!(format!("{:?}", cx.take()), "[Toast(\"It is gone.\"), Close]");
    }

    #[test]
    fn off_boarding_is_offered_first_and_what_goes_along_is_said() {
        let dialog = looked(&[("django_admin_log", 214, true), ("core_userprofile", 1, true)]);
        let words = dialog.words();
        assert!(
            words.starts_with("Off-boarding") && words.contains("214 entries of the admin log, 1 profile")
        );
        assert!(words.contains("all that says what they did"), "{words}");
        assert_eq!(dialog.answers(), "o off-board instead   D delete   n leave");
    }

    #[test]
    fn rows_of_other_tables_leave_only_off_boarding() {
        let dialog = looked(&[("core_complaint", 12, false)]);
        assert!(dialog.words().contains("core_complaint holds 12 rows (user_id) that refer to bela."));
        assert!(dialog.enabled(Action::UsersDelete).unwrap_err().contains("core_complaint"));
        assert_eq!(dialog.answers(), "o off-board instead   n leave");
    }

    #[test]
    fn each_answer_is_planned_and_nothing_is_written_here() {
        for action in [Action::UsersOffboard, Action::UsersDelete] {
            let mut cx = cx();
            looked(&[]).act(action, &mut cx);
            assert_eq!(format!("{:?}", cx.effects()), "[Start(delete-user.plan: planning)]");
        }
    }
}
