//! What two people changed at the same time: base, theirs and mine of every field side by side, and the result beside
//! them. Nothing is preferred: whoever saves second decides field by field.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::account::merge::{Change, Difference, Merge};
use super::account::values;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code, ctrl, key};
use crate::tui::jobs::Slot;
use crate::tui::keymap::Binding;
use crate::tui::screen::Screen;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::{put, wrap};

/// Tells the form that opened it what was decided.
pub(super) const RESOLVED: Slot<Merge> = Slot::latest("conflict.resolved");

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[ctrl('s'), code(Key::F(2)), code(Key::Enter)], Action::Choose, "back to the form with it"),
    Binding::new(&[code(Key::Left)], Action::PreviousChoice, "theirs"),
    Binding::new(&[code(Key::Right)], Action::NextChoice, "mine"),
    Binding::new(&[code(Key::Down), key('j')], Action::Down, "next field").quiet(),
    Binding::new(&[code(Key::Up), key('k')], Action::Up, "field before").quiet(),
];

/// Whose value a field gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Theirs,
    Mine,
}

/// The fields, and what is decided so far.
pub struct Conflict {
    username: String,
    merge: Option<Merge>,
    /// Those that both changed, with the decision.
    asked: Vec<(Difference, Option<Side>)>,
    /// What needs no decision.
    rest: Option<String>,
    at: usize,
}

impl Conflict {
    /// Asks about every field that both sides changed.
    pub(super) fn new(username: String, merge: Merge) -> Self {
        let both = |it: &&Difference| it.change == Change::Both;
        let asked = merge.differences.iter().filter(both).map(|it| (it.clone(), None)).collect();
        Self { username, rest: merge.taken_over(), asked, merge: Some(merge), at: 0 }
    }

    fn open(&self) -> usize {
        self.asked.iter().filter(|(_, side)| side.is_none()).count()
    }

    fn choose(&mut self, side: Side) {
        if let Some((_, chosen)) = self.asked.get_mut(self.at) {
            *chosen = Some(side);
        }
    }

    /// Hands the decisions to the form.
    fn done(&mut self, cx: &mut Cx) {
        let Some(mut merge) = self.merge.take() else { return };
        for (asked, side) in &self.asked {
            if *side == Some(Side::Theirs) {
                merge.mine.remove(&asked.field);
                for it in merge.differences.iter_mut().filter(|it| it.field == asked.field) {
                    it.change = Change::Theirs;
                }
            } else {
                merge.differences.retain(|it| it.field != asked.field);
            }
        }
        cx.close_telling(&RESOLVED, merge);
    }

    /// The field with the cursor in full: a column may be too narrow for its values.
    fn details(&self, width: u16) -> Vec<(Tone, String)> {
        let Some((field, side)) = self.asked.get(self.at) else { return Vec::new() };
        let tone = |of| if *side == Some(of) { Tone::Strong } else { Tone::Plain };
        let lines = [
            (Tone::Quiet, format!("was     {}", field.base)),
            (tone(Side::Theirs), format!("theirs  {}", field.theirs)),
            (tone(Side::Mine), format!("mine    {}", field.mine)),
        ];
        let broken = lines.into_iter().flat_map(|(tone, words)| {
            wrap(&crate::text::safe(&words), usize::from(width)).into_iter().map(move |line| (tone, line))
        });
        broken.collect()
    }

    fn draw_row(&self, buffer: &mut Buffer, row: Rect, at: usize, theme: &Theme) {
        let (field, side) = &self.asked[at];
        let column = columns(row);
        let base = if at == self.at { Tone::Strong } else { Tone::Plain };
        if at == self.at {
            put(buffer, row.x, row.y, 1, theme.cursor(), theme.style(Tone::Strong));
        }
        let (result, tone) = match side {
            None => ("← or →", Tone::Warn),
            Some(Side::Theirs) => (field.theirs.as_str(), Tone::Good),
            Some(Side::Mine) => (field.mine.as_str(), Tone::Good),
        };
        let chosen = |of| if *side == Some(of) { Tone::Strong } else { Tone::Plain };
        for (place, words, tone) in [
            (0, values::label(&field.field), base),
            (1, field.base.as_str(), Tone::Quiet),
            (2, field.theirs.as_str(), chosen(Side::Theirs)),
            (3, field.mine.as_str(), chosen(Side::Mine)),
            (4, result, tone),
        ] {
            let (x, width) = column[place];
            put(buffer, x, row.y, width, words, theme.style(tone));
        }
    }
}

/// Where the five columns stand: x and width.
fn columns(row: Rect) -> [(u16, u16); 5] {
    const LABEL: u16 = 11;
    let label = LABEL.min(row.width / 4);
    let each = (row.width.saturating_sub(label + 2) / 4).max(1);
    let x = |place: u16| row.x + 2 + label + 1 + place * each;
    let width = |x: u16| each.saturating_sub(1).min(row.right().saturating_sub(x));
    let value = |place| (x(place), width(x(place)));
    [(row.x + 2, label.min(row.width.saturating_sub(2))), value(0), value(1), value(2), value(3)]
}

impl Screen for Conflict {
    fn title(&self) -> String {
        format!("{} was changed meanwhile", self.username)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        match (action, self.open()) {
            (Action::Choose, 1) => Err("One field is open: ← takes theirs, → mine.".to_owned()),
            (Action::Choose, open) if open > 0 => {
                Err(format!("{open} fields are open: ← takes theirs, → mine."))
            }
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::PreviousChoice => self.choose(Side::Theirs),
            Action::NextChoice => self.choose(Side::Mine),
            Action::Down => self.at = (self.at + 1).min(self.asked.len().saturating_sub(1)),
            Action::Up => self.at = self.at.saturating_sub(1),
            Action::Choose => self.done(cx),
            _ => {}
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let buffer = frame.buffer_mut();
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let mut y = area.y;
        let say = |buffer: &mut Buffer, words: &str, tone: Tone, y: &mut u16| {
            for line in wrap(&crate::text::safe(words), usize::from(inner.width)) {
                if *y < area.bottom() {
                    put(buffer, inner.x, *y, inner.width, &line, theme.style(tone));
                    *y += 1;
                }
            }
        };
        say(buffer, &self.title(), Tone::Strong, &mut y);
        say(
            buffer,
            "Somebody else saved the same fields since this form was opened. Nothing was written. Which shall it be?",
            Tone::Plain,
            &mut y,
        );
        y += u16::from(area.height > 12);
        if y < area.bottom() {
            for (words, (x, width)) in ["FIELD", "WAS", "THEIRS", "MINE", "RESULT"].iter().zip(columns(inner))
            {
                put(buffer, x, y, width, words, theme.style(Tone::Quiet));
            }
            y += 1;
        }
        let room = usize::from(area.bottom().saturating_sub(y)).saturating_sub(5).max(1);
        let first = (self.at + 1).saturating_sub(room);
        for at in (first..self.asked.len()).take(room) {
            if y < area.bottom() {
                self.draw_row(buffer, Rect { y, height: 1, ..inner }, at, theme);
                y += 1;
            }
        }
        y += 1;
        for (tone, line) in self.details(inner.width) {
            say(buffer, &line, tone, &mut y);
        }
        if let Some(rest) = &self.rest {
            y += 1;
            say(buffer, rest, Tone::Quiet, &mut y);
        }
    }

    fn guarded(&self) -> bool {
        true
    }

    fn status(&self) -> String {
        match self.open() {
            0 => "all decided".to_owned(),
            open => format!("{open} open"),
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::layout::Size;

    use super::super::account::facts::tests::facts;
    use super::super::account::values::Values;
    use super::*;
    use crate::db::Cell;
    use crate::tui::cx::Effect;

    fn conflict() -> Conflict {
        let base = values::of(&facts(None, true));
        let mut now = facts(None, true);
        let rows = now.rows.as_mut().unwrap();
        rows.user.set("first_name", Cell::Text("Adalbert\u{202e}".to_owned()));
        rows.profiles[0].set("department_id", Cell::Null);
        rows.profiles[0].set("phone_number", Cell::Text("+1 555 0100".to_owned()));
        let mine = [("first_name", "Béla Gergő"), ("phone_number", "+44 20 7946 0000")];
        let mine: Values = mine.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Conflict::new("bela".to_owned(), Merge::of(&base, now, &mine))
    }

    fn drawn(conflict: &mut Conflict, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let theme = Theme { colours: false, ascii: false };
        terminal.draw(|frame| conflict.draw(frame, frame.area(), &theme)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn nothing_is_decided_until_somebody_does() {
        let mut conflict = conflict();
        let mut cx = Cx::new(Size::new(80, 24));
        assert_eq!(conflict.status(), "2 open");
        assert!(conflict.enabled(Action::Choose).is_err());
        for action in [
            Action::PreviousChoice,
            Action::Down,
            Action::NextChoice,
            Action::PreviousChoice,
            Action::NextChoice,
        ] {
            conflict.act(action, &mut cx);
        }
        assert!(conflict.enabled(Action::Choose).is_ok());
        conflict.act(Action::Choose, &mut cx);
        assert!(matches!(cx.effects(), [Effect::CloseThen(_)]));
    }

    #[test]
    fn it_shows_all_sides_in_three_sizes() {
        let mut conflict = conflict();
        conflict.act(Action::NextChoice, &mut Cx::new(Size::new(80, 24)));
        for (width, height) in [(80, 22), (120, 38), (40, 8)] {
            insta::assert_snapshot!(format!("{width}x{height}"), drawn(&mut conflict, width, height));
        }
    }
}
