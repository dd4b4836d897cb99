//! A portal's database answered: offers to write it into the configuration, with a name, a label and a colour, and the
//! password in a file of its own; then to the sign-in.

use std::path::PathBuf;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{LINE, field};
use crate::config::write::{NewPortal, Written, add_portal};
use crate::config::{COLOURS, PortalConfig, paths};
use crate::directory::Portal;
use crate::error::Error;
use crate::portal::form::{Field, FieldKind, Options};
use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::Input;
use crate::tui::input::{Key, code, ctrl, key, shift};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::start::{Opening, enter};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::dialog;
use crate::tui::widgets::form::{Form, Used};
use crate::tui::widgets::picker::Choice;

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[ctrl('s'), code(Key::F(2))], Action::Review, "write the configuration"),
    Binding::new(&[code(Key::Esc)], Action::No, "go on without"),
    Binding::new(&[key(' ')], Action::Toggle, "choose"),
    Binding::new(&[code(Key::Tab), code(Key::Enter)], Action::NextField, "next field"),
    Binding::new(&[shift(Key::Tab)], Action::PreviousField, "previous field").quiet(),
    Binding::new(&[code(Key::Down)], Action::FieldDown, "down").quiet(),
    Binding::new(&[code(Key::Up)], Action::FieldUp, "up").quiet(),
    Binding::new(&[code(Key::Left)], Action::PreviousChoice, "the choice before").quiet(),
    Binding::new(&[code(Key::Right)], Action::NextChoice, "the choice after").quiet(),
    Binding::new(&[ctrl('c')], Action::Cancel, "quit").quiet(),
];

const WRITE: Slot<Written> = Slot::exclusive("connect.write").reporting(said);

const NAME: Field = field("portal", "Name", LINE, "As in portaldesk @NAME: letters, digits, - and _.");
const LABEL: Field =
    field("label", "Label", LINE, "How it is called on the first line, such as Alpha Lab PROD.");
const COLOUR: Field = field(
    "colour",
    "Colour",
    FieldKind::Choice(Options::Fixed),
    "Of the label, so that production never looks like a test.",
);
const PASSWORD: Field = field(
    "keep_password",
    "Keep password",
    FieldKind::Bool,
    "Kept beside the configuration, in a file that only you can read.",
);

fn said(written: &Written) -> String {
    match &written.password_file {
        Some(password) => format!("Wrote {} and {}", written.config.display(), password.display()),
        None => format!("Wrote {}", written.config.display()),
    }
}

/// The open portal, and what to call it.
pub struct Keep {
    opening: Opening,
    portal: Option<Portal>,
    found: String,
    config: Option<PathBuf>,
    /// Whether the configuration is there already.
    is_there: bool,
    form: Form,
    refused: Option<String>,
    busy: bool,
}

impl Keep {
    /// Asks for this portal, of which this was found.
    #[must_use]
    pub fn new(opening: Opening, portal: Portal, found: String) -> Self {
        Self { portal: Some(portal), ..Self::of(opening, found) }
    }

    pub(super) fn of(opening: Opening, found: String) -> Self {
        let colours = COLOURS.iter().map(|colour| Choice::new(*colour, "")).collect();
        let has_password = opening.target.password.is_some();
        let fields = [NAME, LABEL, COLOUR, PASSWORD];
        let form = Form::new(if has_password { &fields } else { &fields[..3] })
            .proposing()
            .with_text("portal", "default")
            .with_choice("colour", colours, None)
            .with_flag("keep_password", has_password);
        let config = opening.config_file.clone().or_else(paths::user_config);
        let is_there = config.as_ref().is_some_and(|path| path.exists());
        Self { opening, is_there, portal: None, found, config, form, refused: None, busy: false }
    }

    /// The portal as the configuration would name it.
    fn named(&self, label: &str, colour: &str) -> PortalConfig {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        PortalConfig {
            name: some(self.form.text("portal")),
            label: some(label),
            colour: some(colour),
            target: self.opening.target.clone(),
            embedded: false,
            read_only: self.opening.target.read_only,
        }
    }

    fn label(&self) -> String {
        self.form.text("label").trim().to_owned()
    }

    fn colour(&self) -> &'static str {
        self.form.choice("colour").and_then(|at| COLOURS.get(at)).copied().unwrap_or_default()
    }

    fn write(&mut self, cx: &mut Cx) {
        self.form.clear_errors();
        self.refused = None;
        let Some(config) = self.config.clone() else {
            return self.refuse(&Error::usage("There is no place for a configuration: HOME is not set."));
        };
        let portal = NewPortal {
            name: self.form.text("portal").trim().to_owned(),
            label: self.label(),
            colour: self.colour().to_owned(),
            target: self.opening.target.clone(),
            keep_password: self.form.flag("keep_password"),
        };
        self.busy = true;
        cx.start_without_portal(&WRITE, "writing the configuration", move |_| async move {
            tokio::task::spawn_blocking(move || add_portal(&config, &portal))
                .await
                .map_err(|why| Error::bug(format!("writing the configuration ended early: {why}")))?
        });
    }

    fn refuse(&mut self, error: &Error) {
        self.form.set_errors(error);
        self.refused = Some(error.message.clone());
    }

    fn go_on(&mut self, kept: bool, cx: &mut Cx) {
        let Some(portal) = self.portal.take() else { return };
        let head = if kept { self.named(&self.label(), self.colour()) } else { self.nameless() };
        let minimum_length = self.opening.settings.minimum_password_length;
        cx.close_then(move |cx| enter(portal, &head, minimum_length, cx));
    }

    fn nameless(&self) -> PortalConfig {
        PortalConfig { name: None, ..self.named("", "") }
    }

    /// What stands above the fields.
    fn heading(&self) -> String {
        let place = match &self.config {
            Some(path) if self.is_there => format!("adds it to {}", path.display()),
            Some(path) => format!("writes {}", path.display()),
            None => "has no place here".to_owned(),
        };
        format!(
            "Connected: {}\nA portal, {}.\n\nSo that it is found the next time, Ctrl-S {place}. What stands there stays.",
            self.opening.target, self.found
        )
    }
}

impl Screen for Keep {
    fn title(&self) -> String {
        "Connected".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        match action {
            Action::Review | Action::No if self.busy => Err("It is being written.".to_owned()),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Review => self.write(cx),
            Action::No => self.go_on(false, cx),
            Action::Cancel => cx.ask(Effect::Quit),
            other => match self.form.act(other) {
                Ok(Used::Edited(_)) => self.refused = None,
                Ok(_) => {}
                Err(why) => cx.refuse(why),
            },
        }
    }

    fn takes_text(&self) -> bool {
        self.form.takes_text()
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        let used = self.form.input(input);
        if matches!(used, Used::Edited(_)) {
            self.refused = None;
        }
        used.is_used()
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        let Some(result) = WRITE.take(reply) else { return };
        self.busy = false;
        match result {
            Ok(written) => {
                cx.done(said(&written));
                self.go_on(true, cx);
            }
            Err(error) => self.refuse(&error),
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let heading = self.heading();
        let refused = self.refused.clone().unwrap_or_default();
        let below = if refused.is_empty() { 0 } else { dialog::rows(&refused, inner.width) };
        let below = below.min(area.height.saturating_sub(5));
        let above = dialog::rows(&heading, inner.width).min(area.height.saturating_sub(below + 5));
        let gap = u16::from(area.height > above + below + 6);
        dialog::draw_text(frame, Rect { height: above, ..inner }, &heading, Tone::Plain, theme);
        let form = Rect { y: area.y + above + gap, height: area.height - above - gap - below, ..area };
        self.form.draw(frame, form, theme);
        dialog::draw_text(
            frame,
            Rect { y: form.bottom(), height: below, ..inner },
            &refused,
            Tone::Bad,
            theme,
        );
    }

    fn layer(&self) -> Layer {
        Layer::Lock
    }

    fn guarded(&self) -> bool {
        true
    }
}
