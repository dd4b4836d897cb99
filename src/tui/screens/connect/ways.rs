//! A server that is not trusted: why, and the ways out with the exact text to use. Choosing one puts it into the form
//! below; nothing is connected to by that.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::TAKE;
use crate::db::{Refusal, WayOut};
use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::{Key, code, ctrl, key};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::{put, wrap};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "put it into the form"),
    Binding::new(&[code(Key::Down), key('j')], Action::Down, "down").quiet(),
    Binding::new(&[code(Key::Up), key('k')], Action::Up, "up").quiet(),
    Binding::new(&[code(Key::Esc), key('q')], Action::No, "back"),
    Binding::new(&[ctrl('c')], Action::Cancel, "quit").quiet(),
];

/// The ways out, and which has the cursor.
pub struct Ways {
    what: String,
    out: Vec<WayOut>,
    cursor: usize,
}

impl Ways {
    /// What can be done about this refusal.
    #[must_use]
    pub fn new(refusal: &Refusal) -> Self {
        Self { what: refusal.what(), out: refusal.ways_out(), cursor: 0 }
    }

    /// Everything, each row with its tone and the way it belongs to.
    fn rows(&self, width: usize) -> Vec<(Tone, Option<usize>, String)> {
        let mut rows: Vec<_> =
            wrap(&self.what, width).into_iter().map(|line| (Tone::Bad, None, line)).collect();
        for (at, out) in self.out.iter().enumerate() {
            rows.push((Tone::Plain, None, String::new()));
            let tone = if at == self.cursor { Tone::Strong } else { Tone::Plain };
            let title = format!("{}. {}", at + 1, out.title);
            rows.extend(wrap(&title, width.saturating_sub(2)).into_iter().map(|line| (tone, Some(at), line)));
            for line in &out.lines {
                let safe = text::safe(line);
                let lines = wrap(&safe, width.saturating_sub(5));
                rows.extend(lines.into_iter().map(|line| (Tone::Accent, Some(at), format!("   {line}"))));
            }
        }
        rows
    }
}

impl Screen for Ways {
    fn title(&self) -> String {
        "Not trusted".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        if action == Action::Choose && self.out.is_empty() {
            return Err("There is no way out but on the server.".to_owned());
        }
        Ok(())
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Down => self.cursor = (self.cursor + 1).min(self.out.len().saturating_sub(1)),
            Action::Up => self.cursor = self.cursor.saturating_sub(1),
            Action::Choose => {
                let Some(way) = self.out.get(self.cursor).map(|out| out.way.clone()) else { return };
                cx.close_telling(&TAKE, way);
            }
            Action::Cancel => cx.ask(Effect::Quit),
            _ => cx.close(),
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let rows = self.rows(usize::from(inner.width));
        let height = usize::from(inner.height);
        // All of the way under the cursor is shown, from the top where everything fits.
        let end = rows.iter().rposition(|(_, way, _)| *way == Some(self.cursor)).map_or(0, |at| at + 1);
        let first = end.saturating_sub(height);
        let buffer = frame.buffer_mut();
        for (y, (tone, way, line)) in (inner.y..inner.bottom()).zip(rows.iter().skip(first)) {
            let x = inner.x + if way.is_some() { 2 } else { 0 };
            put(buffer, x, y, inner.right().saturating_sub(x), line, theme.style(*tone));
            if *tone == Tone::Strong {
                put(buffer, inner.x, y, 1, theme.cursor(), theme.style(Tone::Strong));
            }
        }
    }

    fn layer(&self) -> Layer {
        Layer::Lock
    }

    fn guarded(&self) -> bool {
        true
    }
}
