//! Switching writing on for a portal that was opened read-only because our own tables are not in its database: the
//! statements that make them, the grants they need, and a confirmation to type.

use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::change::rights;
use crate::db::{Address, Target};
use crate::directory::{Portal, setup};
use crate::error::{Error, Result};
use crate::portal::access::{self, Level};
use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::{Input, Key, code, ctrl};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::theme::Theme;
use crate::tui::widgets::dialog::TypedConfirmation;
use crate::tui::widgets::diff::{DiffLine, Sign, draw_diff};
use crate::tui::widgets::wrap;

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "run the statements").dangerous(),
    Binding::new(&[code(Key::Esc)], Action::No, "leave"),
    Binding::new(&[code(Key::Down)], Action::Down, "down").quiet(),
    Binding::new(&[code(Key::Up)], Action::Up, "up").quiet(),
    Binding::new(&[code(Key::PageDown), ctrl('d')], Action::PageDown, "page down"),
    Binding::new(&[code(Key::PageUp)], Action::PageUp, "page up").quiet(),
];

const LOAD: Slot<Intention> = Slot::latest("write-access.load");
const SWITCH: Slot<Portal> =
    Slot::exclusive("write-access.switch").reporting(|_| "Writing is switched on".to_owned());

/// What would be done.
struct Intention {
    place: String,
    statements: Vec<&'static str>,
    grants: Vec<String>,
    /// What has to be typed.
    name: String,
}

/// The statements, how far they are scrolled, and what was typed.
#[derive(Default)]
pub struct WriteAccess {
    intention: Option<Intention>,
    typed: Option<TypedConfirmation>,
    busy: bool,
    first: usize,
    height: usize,
    rows: usize,
}

impl WriteAccess {
    /// Everything that scrolls.
    fn lines(&self, width: u16) -> Vec<DiffLine> {
        let Some(intention) = &self.intention else { return Vec::new() };
        let room = usize::from(width.saturating_sub(3)).max(1);
        let mut lines = Vec::new();
        let mut say = |sign: Sign, words: &str| {
            lines.extend(wrap(words, room).into_iter().map(|line| DiffLine::new(sign, line)));
        };
        say(
            Sign::Note,
            &format!(
                "To write, portaldesk keeps a journal, so that all it does can be seen and taken back. It needs tables \
                 of its own in {}. The portal's tables stay as they are. `portaldesk init --remove` drops them again.",
                intention.place
            ),
        );
        if !intention.grants.is_empty() {
            say(Sign::Heading, "");
            say(Sign::Heading, "The account of the database needs");
            intention.grants.iter().for_each(|grant| say(Sign::Note, grant));
        }
        say(Sign::Heading, "");
        say(Sign::Heading, &format!("These {} statements will run", intention.statements.len()));
        for statement in &intention.statements {
            for line in statement.lines() {
                say(Sign::Added, line);
            }
        }
        lines
    }

    fn scroll(&mut self, to: usize) {
        self.first = to.min(self.rows.saturating_sub(self.height));
    }

    fn switched(&mut self, result: Result<Portal>, cx: &mut Cx) {
        self.busy = false;
        match result {
            Ok(portal) => {
                cx.ask(Effect::Use(Box::new(portal), Level::Superuser));
                cx.done("Writing is switched on; what is done from now on stands in the history");
                cx.close();
            }
            Err(error) => cx.fail(&error),
        }
    }
}

impl Screen for WriteAccess {
    fn title(&self) -> String {
        "Switch writing on".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match (action, &self.typed) {
            (Action::Choose, _) if self.busy => Err("The statements are running.".to_owned()),
            (Action::Choose, Some(typed)) if !typed.is_met() => {
                Err(format!("Type {} first, then Enter.", typed.wanted()))
            }
            (Action::Choose, None) => Err("The statements are not here yet.".to_owned()),
            (Action::PageDown | Action::PageUp, _) if self.rows <= self.height => Err(String::new()),
            _ => Ok(()),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        cx.start(&LOAD, "reading", |portal| async move { load(&portal).await });
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Choose => {
                self.busy = true;
                cx.start(
                    &SWITCH,
                    "making the journal's tables",
                    |portal| async move { switch(&portal).await },
                );
            }
            Action::Down => self.scroll(self.first + 1),
            Action::Up => self.scroll(self.first.saturating_sub(1)),
            Action::PageDown => self.scroll(self.first + self.height),
            Action::PageUp => self.scroll(self.first.saturating_sub(self.height)),
            _ => cx.close(),
        }
    }

    fn takes_text(&self) -> bool {
        self.typed.is_some()
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        let Some(typed) = self.typed.as_mut().filter(|_| !self.busy) else { return false };
        typed.field().input(input)
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = SWITCH.take(reply) {
            self.switched(result, cx);
        } else if let Some(result) = LOAD.take(reply) {
            match result {
                Ok(intention) => {
                    self.typed = Some(TypedConfirmation::new(intention.name.clone()));
                    self.intention = Some(intention);
                }
                Err(error) => {
                    cx.fail(&error);
                    cx.close();
                }
            }
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let asks = self.typed.as_ref().map_or(0, |_| 3.min(area.height));
        let body = Rect { height: area.height - asks, ..area };
        let lines = self.lines(body.width);
        (self.rows, self.height) = (lines.len(), usize::from(body.height));
        self.scroll(self.first);
        draw_diff(frame.buffer_mut(), body, &lines, self.first, theme);
        if let Some(typed) = &self.typed {
            let skip = asks.saturating_sub(2);
            let below = Rect { y: body.bottom() + skip, height: asks - skip, ..area };
            typed.draw(frame, below, theme);
        }
    }

    fn status(&self) -> String {
        let shown = (self.first + self.height).min(self.rows);
        if self.rows > self.height { format!("line {shown} of {}", self.rows) } else { String::new() }
    }

    fn guarded(&self) -> bool {
        true
    }
}

async fn may(portal: &Arc<Portal>) -> Result<()> {
    let facts = match &portal.actor.account {
        Some(account) => rights::actor(&mut portal.db.clone(), &portal.roles, account.id).await?,
        None => None,
    };
    let allowed = facts.map_or_else(
        || Err("Only a superuser may do this.".to_owned()),
        |facts| access::allowed(&facts, &access::Action::SwitchWritingOn),
    );
    allowed.map_err(|why| Error::denied(format!("{why} Nothing was written.")))
}

async fn load(portal: &Arc<Portal>) -> Result<Intention> {
    may(portal).await?;
    let target = portal.db.target();
    Ok(Intention {
        place: target.to_string(),
        statements: setup::own_statements(portal.dialect()),
        grants: setup::grants(&portal.db).await?,
        name: short_name(target),
    })
}

/// What is typed to confirm: the database's name, of a file without its folders.
fn short_name(target: &Target) -> String {
    match &target.address {
        Address::File(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()),
        _ => None,
    }
    .unwrap_or_else(|| target.database.clone())
}

/// Makes our tables and opens the portal once more, now with a journal.
async fn switch(portal: &Arc<Portal>) -> Result<Portal> {
    may(portal).await?;
    setup::create_own_tables(&portal.db).await?;
    tracing::info!(by = portal.actor.name(), "writing was switched on");
    Portal::over(portal.db.clone(), (*portal.settings).clone(), (*portal.actor).clone()).await
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;
    use ratatui::{Terminal, backend::TestBackend};

    use super::*;
    use crate::db::Dialect;

    fn loaded() -> WriteAccess {
        let mut screen = WriteAccess::default();
        let intention = Intention {
            place: "mysql portal@db1".to_owned(),
            statements: setup::own_statements(Dialect::MySql),
            grants: vec!["GRANT SELECT ON portal.*".to_owned()],
            name: "portal".to_owned(),
        };
        let mut cx = Cx::new(Size::new(80, 24));
        screen.reply(&mut Reply::of(&LOAD, Ok(intention)), &mut cx);
        assert!(cx.effects().is_empty());
        screen
    }

    #[test]
    fn nothing_runs_before_the_name_was_typed() {
        let mut screen = loaded();
        let mut cx = Cx::new(Size::new(80, 24));
        assert!(screen.enabled(Action::Choose).is_err());
        screen.input(&Input::Paste("portal".to_owned()), &mut cx);
        assert!(screen.enabled(Action::Choose).is_ok());
        screen.act(Action::Choose, &mut cx);
        assert_eq!(
            format!("{:?}", cx.effects()),
            "[Start(write-access.switch: making the journal's tables)]"
        );
        assert!(screen.enabled(Action::Choose).is_err());
    }

    #[test]
    fn every_statement_can_be_read_to_its_end() {
        let mut screen = loaded();
        let mut terminal = Terminal::new(TestBackend::new(78, 18)).expect("a test terminal");
        let mut read = String::new();
        for _ in 0..100 {
            terminal.draw(|frame| screen.draw(frame, frame.area(), &Theme::default())).expect("it draws");
            read.push_str(&terminal.backend().to_string());
            screen.act(Action::Down, &mut Cx::new(Size::new(80, 24)));
        }
        for statement in setup::own_statements(Dialect::MySql) {
            for word in statement.split_whitespace() {
                assert!(read.contains(word), "{word}");
            }
        }
    }
}
