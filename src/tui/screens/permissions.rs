//! Every permission of an account, and each path by which the account has it.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::directory::permissions::{self, Catalogue, Holding, paths_in_words};
use crate::error::Kind;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code, ctrl, key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::dialog;
use crate::tui::widgets::sections::{Entry, Sections};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('/'), code(Key::F(3))], Action::Filter, "filter"),
    Binding::new(&[code(Key::Down), key('j')], Action::Down, "down").quiet(),
    Binding::new(&[code(Key::Up), key('k')], Action::Up, "up").quiet(),
    Binding::new(&[code(Key::PageDown), ctrl('d')], Action::PageDown, "page down").quiet(),
    Binding::new(&[code(Key::PageUp), ctrl('u')], Action::PageUp, "page up").quiet(),
    Binding::new(&[key('g')], Action::First, "first").quiet(),
    Binding::new(&[key('G')], Action::Last, "last").quiet(),
];

const LOAD: Slot<(Catalogue, Holding)> = Slot::latest("permissions.load");

/// The list.
pub struct Permissions {
    id: i64,
    username: String,
    is_active: bool,
    read: Option<(Catalogue, Holding)>,
    list: Sections,
}

impl Permissions {
    /// The permissions of this account.
    #[must_use]
    pub fn new(id: i64, username: impl Into<String>, is_active: bool) -> Self {
        Self { id, username: username.into(), is_active, read: None, list: Sections::default() }
    }

    fn take(&mut self, (catalogue, holding): (Catalogue, Holding)) {
        let effective = catalogue.effective(&holding);
        let entries = effective.iter().map(|(permission, paths)| Entry {
            heading: format!("{} · {}", permission.app, permission.model),
            ticked: None,
            label: permission.label(),
            note: paths_in_words(paths),
        });
        self.list.set(entries.collect());
        self.read = Some((catalogue, holding));
    }

    /// What is to be known of all of them.
    fn remarks(&self) -> String {
        let Some((catalogue, holding)) = &self.read else { return String::new() };
        if let Some(lacking) = &catalogue.lacking {
            return lacking.clone();
        }
        let (held, all) = (catalogue.effective(holding).len(), catalogue.permissions.len());
        let which =
            if holding.is_superuser { "every permission".to_owned() } else { format!("{held} of {all}") };
        let asleep = if self.is_active { "" } else { "; none of them works while the account is inactive" };
        format!("{which}{asleep}")
    }
}

impl Screen for Permissions {
    fn title(&self) -> String {
        format!("Permissions of {}", self.username)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.changed(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        let id = self.id;
        cx.start(&LOAD, "reading the permissions", move |portal| async move {
            Ok((Catalogue::read(&portal).await?, permissions::holding(&portal, id).await?))
        });
    }

    fn act(&mut self, action: Action, _cx: &mut Cx) {
        self.list.act(action);
    }

    fn takes_text(&self) -> bool {
        self.list.is_typing()
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        self.list.input(input)
    }

    fn escape(&mut self, _cx: &mut Cx) -> bool {
        self.list.clear()
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        match LOAD.take(reply) {
            Some(Ok(read)) => self.take(read),
            Some(Err(error)) => {
                if error.kind != Kind::Interrupted {
                    cx.fail(&error);
                }
                cx.close();
            }
            None => {}
        }
    }

    fn status(&self) -> String {
        match self.list.matching() {
            1 => "1 permission".to_owned(),
            count => format!("{count} permissions"),
        }
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: 96, height: 40 }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let used = dialog::draw_text(frame, area, &self.remarks(), Tone::Quiet, theme);
        let below = Rect { y: area.y + used, height: area.height - used, ..area };
        if below.height > 0 {
            self.list.draw(frame, below, theme);
        }
    }
}
