//! Which portal: where the configuration names several and none is called `default`.

use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::connect::Connect;
use crate::config::PortalConfig;
use crate::directory::{Portal, Settings};
use crate::error::Result;
use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::{Key, code, ctrl, key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::start::{Load, Opening, colour, enter, label};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::{cells, dialog, put};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter), key('o')], Action::Choose, "open"),
    Binding::new(&[key('n')], Action::Connect, "another portal's database"),
    Binding::new(&[code(Key::Down), key('j')], Action::Down, "down").quiet(),
    Binding::new(&[code(Key::Up), key('k')], Action::Up, "up").quiet(),
    Binding::new(&[key('q'), ctrl('c')], Action::Cancel, "quit"),
];

const OPEN: Slot<(Portal, PortalConfig)> = Slot::latest("chooser.open");

/// The portals, and which has the cursor.
pub struct Chooser {
    portals: Vec<PortalConfig>,
    load: Load,
    /// How a portal that is not listed would be opened.
    opening: Opening,
    cursor: usize,
    refused: Option<String>,
    busy: bool,
}

impl Chooser {
    /// Asks for one of these.
    #[must_use]
    pub fn new(portals: Vec<PortalConfig>, load: Load, opening: Opening) -> Self {
        Self { portals, load, opening, cursor: 0, refused: None, busy: false }
    }

    fn choose(&mut self, cx: &mut Cx) {
        let Some(name) = self.portals.get(self.cursor).and_then(|portal| portal.name.clone()) else { return };
        self.refused = None;
        self.busy = true;
        let (load, settings, actor) =
            (Arc::clone(&self.load), self.opening.settings.clone(), self.opening.actor.clone());
        cx.start_without_portal(&OPEN, format!("opening {name}"), move |_| async move {
            let chosen = load(&name)?;
            let settings = Settings { called: chosen.name.clone(), ..settings };
            Ok((Portal::open(&chosen.target, settings, actor).await?, chosen))
        });
    }

    fn opened_one(&mut self, result: Result<(Portal, PortalConfig)>, cx: &mut Cx) {
        self.busy = false;
        match result {
            Ok((portal, chosen)) => {
                enter(portal, &chosen, self.opening.settings.minimum_password_length, cx);
            }
            Err(error) => self.refused = Some(error.message),
        }
    }
}

impl Screen for Chooser {
    fn title(&self) -> String {
        "Which portal".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match action {
            Action::Choose if self.busy => Err("It is being opened.".to_owned()),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Choose => self.choose(cx),
            Action::Connect => cx.push(Connect::new(self.opening.clone())),
            Action::Down => self.cursor = (self.cursor + 1).min(self.portals.len().saturating_sub(1)),
            Action::Up => self.cursor = self.cursor.saturating_sub(1),
            Action::Cancel => cx.ask(Effect::Quit),
            _ => {}
        }
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = OPEN.take(reply) {
            self.opened_one(result, cx);
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let (tone, words) = match &self.refused {
            Some(refused) => (Tone::Bad, refused.clone()),
            None => (
                Tone::Quiet,
                "portaldesk @NAME opens one at once; one named default needs no name.".to_owned(),
            ),
        };
        let below = dialog::rows(&words, inner.width).min(area.height.saturating_sub(2));
        let list = Rect { height: area.height - below, ..inner };
        let labels: Vec<String> =
            self.portals.iter().map(|portal| text::safe(&label(portal)).into_owned()).collect();
        let width = cells(labels.iter().map(|label| text::width(label)).max().unwrap_or(0));
        let first = (self.cursor + 1).saturating_sub(usize::from(list.height));
        let buffer = frame.buffer_mut();
        let lines = self.portals.iter().zip(&labels).enumerate().skip(first);
        for (y, (at, (portal, label))) in (list.y..list.bottom()).zip(lines) {
            let room = |x: u16| list.right().saturating_sub(x);
            if at == self.cursor {
                put(buffer, list.x, y, room(list.x), theme.cursor(), theme.style(Tone::Strong));
            }
            let style = colour(portal).map_or(theme.style(Tone::Strong), |colour| theme.coloured(colour));
            put(buffer, list.x + 2, y, room(list.x + 2), label, style);
            let x = list.x + 2 + width + 2;
            let name = portal.name.as_deref().unwrap_or_default();
            let words = format!("@{name}  {}", portal.target);
            put(buffer, x, y, room(x), &words, theme.style(Tone::Plain));
        }
        dialog::draw_text(frame, Rect { y: list.bottom(), height: below, ..inner }, &words, tone, theme);
    }

    fn layer(&self) -> Layer {
        Layer::Lock
    }
}
