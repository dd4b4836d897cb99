//! The review: what a plan will do, before anything is written. `y` does it; the dangerous asks for a text first.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::backup::Backup;
use crate::portal::password;
use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Effect, Then};
use crate::tui::input::{Input, Key, code, ctrl, key};
use crate::tui::jobs::Reply;
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::dialog::TypedConfirmation;
use crate::tui::widgets::diff::{DiffLine, Sign, draw_diff};
use crate::tui::widgets::{put, wrap};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('y')], Action::Yes, "apply").dangerous(),
    Binding::new(&[code(Key::Enter)], Action::Choose, "apply").dangerous(),
    Binding::new(&[key('1')], Action::OneFirst, "one first").dangerous(),
    Binding::new(&[key('n'), code(Key::Esc), key('q')], Action::No, "leave"),
    Binding::new(&[code(Key::F(5))], Action::Backup, "back up first"),
    Binding::new(&[ctrl('g')], Action::Spell, "spell the password"),
    Binding::new(&[key('c')], Action::Copy, "copy the password"),
    Binding::new(&[code(Key::Down), key('j')], Action::Down, "down").quiet(),
    Binding::new(&[code(Key::Up), key('k')], Action::Up, "up").quiet(),
    Binding::new(&[code(Key::PageDown), ctrl('d')], Action::PageDown, "page down").quiet(),
    Binding::new(&[code(Key::PageUp), ctrl('u')], Action::PageUp, "page up").quiet(),
];

/// What a review shows.
#[derive(Clone, Default)]
pub struct ReviewText {
    /// What will be done, such as `Deactivate: 14 marked, 3 not in this view`.
    pub title: String,
    /// What there is to know before the rows, a sentence each.
    pub facts: Vec<String>,
    /// The rows, one line each.
    pub lines: Vec<DiffLine>,
    /// What else it touches, who loses what.
    pub notes: Vec<String>,
    /// How it is confirmed.
    pub confirm: Confirmation,
    /// A generated password, shown until the review is dismissed.
    pub secret: Option<String>,
}

/// How a review is confirmed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Confirmation {
    /// With `y`.
    #[default]
    Plain,
    /// By typing this name or count and pressing `Enter`.
    Typed(String),
}

/// The review and how far it is scrolled.
pub struct Review {
    text: ReviewText,
    typed: Option<TypedConfirmation>,
    yes: Option<Then>,
    /// Does one of many first.
    first_only: Option<Then>,
    spelled: bool,
    backup: Option<Backup>,
    first: usize,
    height: usize,
    below: usize,
}

impl Review {
    /// Shows the text; once confirmed it closes and runs `yes` in the name of the screen that opened it.
    #[must_use]
    pub fn new(text: ReviewText, yes: impl FnOnce(&mut Cx) + 'static) -> Self {
        let typed = match &text.confirm {
            Confirmation::Plain => None,
            Confirmation::Typed(wanted) => Some(TypedConfirmation::new(wanted.clone())),
        };
        Self {
            text,
            typed,
            yes: Some(Box::new(yes)),
            first_only: None,
            spelled: false,
            backup: None,
            first: 0,
            height: 1,
            below: 0,
        }
    }

    /// The same where `1` does one of many and asks about the rest then. Where the count has to be typed, typing 1 means
    /// that.
    #[must_use]
    pub fn with_first(self, first: impl FnOnce(&mut Cx) + 'static) -> Self {
        Self { first_only: Some(Box::new(first)), ..self }
    }

    /// Whether 1 was typed where it means one of many.
    fn is_one_typed(&self) -> bool {
        self.first_only.is_some() && self.typed.as_ref().is_some_and(|typed| typed.value() == "1")
    }

    /// The same with a backup offered first: for what is hard to take back.
    #[must_use]
    pub fn offering_backup(self) -> Self {
        Self { backup: Some(Backup::default()), ..self }
    }

    /// Everything that scrolls: notes below rows.
    fn body(&self, width: u16) -> Vec<DiffLine> {
        let room = usize::from(width.saturating_sub(2));
        let mut lines = Vec::new();
        for fact in &self.text.facts {
            lines.extend(
                wrap(&text::safe_lines(fact), room).into_iter().map(|line| DiffLine::new(Sign::Note, line)),
            );
        }
        if !lines.is_empty() && !self.text.lines.is_empty() {
            lines.push(DiffLine::new(Sign::Note, ""));
        }
        lines.extend(self.text.lines.iter().cloned());
        let backup = self.backup.as_ref().map(Backup::words);
        if !self.text.notes.is_empty() || backup.is_some() {
            lines.push(DiffLine::new(Sign::Note, ""));
        }
        for note in self.text.notes.iter().chain(&backup) {
            lines.extend(
                wrap(&text::safe_lines(note), room).into_iter().map(|line| DiffLine::new(Sign::Note, line)),
            );
        }
        lines
    }

    /// The lines about the password: itself, and how it is spelled.
    fn secret_lines(&self, width: u16) -> Vec<String> {
        let Some(secret) = &self.text.secret else { return Vec::new() };
        let mut lines = vec![format!("New password, shown only here:  {secret}")];
        if self.spelled {
            lines.extend(wrap(&password::spell(secret).join(", "), usize::from(width)));
        }
        lines
    }
}

impl Screen for Review {
    fn title(&self) -> String {
        self.text.title.clone()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        let wanted = |typed: &TypedConfirmation| format!("Type {} first, then Enter.", typed.wanted());
        if let (Action::Yes | Action::Choose | Action::OneFirst, Some(why)) =
            (action, self.backup.as_ref().and_then(Backup::waits))
        {
            return Err(why);
        }
        match (action, &self.typed) {
            (Action::Yes, Some(typed)) => Err(wanted(typed)),
            (Action::Choose, Some(_)) if self.is_one_typed() => Ok(()),
            (Action::Choose, Some(typed)) if !typed.is_met() => Err(wanted(typed)),
            (Action::OneFirst, _) if self.first_only.is_none() => Err("This is not many.".to_owned()),
            (Action::Choose, None) => Err("y applies it; Enter never does.".to_owned()),
            (Action::Spell | Action::Copy, _) if self.text.secret.is_none() => {
                Err("There is no password in this review.".to_owned())
            }
            (Action::Backup, _) => match &self.backup {
                Some(backup) => backup.may_start(),
                None => Err("No backup is offered here; portaldesk backup FILE makes one.".to_owned()),
            },
            _ => Ok(()),
        }
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(backup) = &mut self.backup {
            backup.reply(reply, cx);
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Backup => {
                if let Some(backup) = &mut self.backup {
                    backup.start(cx);
                }
            }
            Action::OneFirst => {
                if let Some(first) = self.first_only.take() {
                    cx.close_then(first);
                }
            }
            Action::Choose if self.is_one_typed() => self.act(Action::OneFirst, cx),
            Action::Yes | Action::Choose => {
                if let Some(yes) = self.yes.take() {
                    cx.close_then(yes);
                }
            }
            Action::No => cx.close(),
            Action::Spell => self.spelled = !self.spelled,
            Action::Copy => {
                if let Some(secret) = &self.text.secret {
                    cx.ask(Effect::Copy(secret.clone()));
                }
            }
            Action::Down => self.first += 1,
            Action::Up => self.first = self.first.saturating_sub(1),
            Action::PageDown => self.first += self.height,
            Action::PageUp => self.first = self.first.saturating_sub(self.height),
            _ => {}
        }
    }

    fn takes_text(&self) -> bool {
        self.typed.is_some()
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        match (input, &mut self.typed) {
            // The cursor keys of the field are of no use in so short a text; the list needs them more.
            (Input::Key(chord), Some(typed))
                if chord.text().is_some() || chord.key == Key::Backspace || *chord == ctrl('u') =>
            {
                typed.field().key(*chord)
            }
            // What is asked for is typed, not pasted: that is why it is asked for.
            _ => false,
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let buffer = frame.buffer_mut();
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        put(buffer, inner.x, area.y, inner.width, &self.text.title, theme.style(Tone::Strong));
        let mut top = area.y + 1;
        for line in self.secret_lines(inner.width) {
            if top < area.bottom() {
                put(buffer, inner.x, top, inner.width, &line, theme.style(Tone::Accent));
                top += 1;
            }
        }
        let below = area.bottom().saturating_sub(top);
        let asking = if self.typed.is_some() { below.min(2) } else { 0 };
        let list = Rect { y: top, height: below - asking, ..inner };
        let lines = self.body(inner.width);
        self.height = usize::from(list.height).max(1);
        self.first = self.first.min(lines.len().saturating_sub(self.height));
        self.below = lines.len().saturating_sub(self.first + self.height);
        draw_diff(buffer, list, &lines, self.first, theme);
        if let Some(typed) = &self.typed
            && asking > 0
        {
            typed.draw(frame, Rect { y: list.bottom(), height: asking, ..inner }, theme);
        }
    }

    fn guarded(&self) -> bool {
        true
    }

    fn status(&self) -> String {
        if self.below > 0 { format!("{} lines below", self.below) } else { String::new() }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::layout::Size;

    use super::*;

    fn cx() -> Cx {
        Cx::new(Size::new(80, 24))
    }

    fn review(confirm: Confirmation) -> Review {
        let text = ReviewText { title: "Delete cho".to_owned(), confirm, ..ReviewText::default() };
        Review::new(text, |cx| cx.done("deleted"))
    }

    #[test]
    fn y_applies_a_plain_review_and_enter_does_not() {
        let mut plain = review(Confirmation::Plain);
        assert!(plain.enabled(Action::Choose).is_err());
        assert!(plain.enabled(Action::Yes).is_ok());
        let mut cx = cx();
        plain.act(Action::Yes, &mut cx);
        assert!(matches!(cx.effects(), [Effect::CloseThen(_)]));
    }

    #[test]
    fn a_typed_review_wants_the_whole_name_typed() {
        let mut typed = review(Confirmation::Typed("cho".to_owned()));
        assert!(!typed.input(&Input::Paste("cho".to_owned()), &mut cx()));
        for c in ['c', 'h'] {
            typed.input(&Input::Key(key(c)), &mut cx());
        }
        assert!(typed.enabled(Action::Choose).is_err() && typed.enabled(Action::Yes).is_err());
        typed.input(&Input::Key(key('o')), &mut cx());
        assert!(typed.enabled(Action::Choose).is_ok());
    }

    #[test]
    fn a_backup_is_made_only_where_it_is_offered() {
        let mut cx = cx();
        assert!(review(Confirmation::Plain).enabled(Action::Backup).is_err());
        let mut offering = review(Confirmation::Typed("cho".to_owned())).offering_backup();
        let shown = offering.body(400).into_iter().map(|line| line.words).collect::<String>();
        assert!(shown.contains("backup"), "{shown}");
        if offering.enabled(Action::Backup).is_ok() {
            offering.act(Action::Backup, &mut cx);
            assert!(format!("{:?}", cx.take()).contains("backup.write"));
            assert!(offering.enabled(Action::Choose).unwrap_err().contains("backup"), "it is waited for");
        }
    }

    #[test]
    fn the_offer_of_a_backup_in_usual_and_very_small_terminals() {
        let backup = Backup::into("/home/alice/.local/state/portaldesk");
        let mut offering = Review { backup: Some(backup), ..review(Confirmation::Plain) };
        offering.text.lines =
            vec![DiffLine::new(Sign::Removed, "core_userprofile 17 of cho: phone_number +1 555 0199")];
        offering.text.notes = vec!["Rehearsed: 1 row written, nothing of PRF-002 is left.".to_owned()];
        for (name, width, height) in [("backup_80x24", 80, 22), ("backup_40x10", 40, 8)] {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
            let theme = Theme { colours: false, ascii: false };
            terminal.draw(|frame| offering.draw(frame, frame.area(), &theme)).expect("a picture");
            insta::assert_snapshot!(name, terminal.backend().to_string());
        }
    }

    #[test]
    fn a_password_is_spelled_when_asked() {
        let text = ReviewText { secret: Some("aB7-x".to_owned()), ..ReviewText::default() };
        let mut review = Review::new(text, |_| {});
        assert_eq!(review.secret_lines(80).len(), 1);
        review.act(Action::Spell, &mut cx());
        assert_eq!(review.secret_lines(80)[1], "alfa, capital Bravo, seven, hyphen, x-ray");
    }
}
