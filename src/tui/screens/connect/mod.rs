//! Connecting to a portal's database: its engine, host, port, name, user and password as fields, by Django's own names for
//! them. What goes wrong is said at its field, and the form stays as it was typed.

use std::path::PathBuf;

use ratatui::Frame;
use ratatui::layout::Rect;
use secrecy::SecretString;

use crate::db::{Address, Db, Engine, Fingerprint, Refusal, Target, Tls, Way};
use crate::directory::{Portal, stats};
use crate::error::{Error, Kind, Result};
use crate::portal::form::{Field, FieldKind, Options};
use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::{Input, Key, code, ctrl, key, shift};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::start::Opening;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::dialog;
use crate::tui::widgets::form::{Form, Used};
use crate::tui::widgets::picker::Choice;

pub mod keep;
#[cfg(test)]
mod tests;
pub mod ways;

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[ctrl('s'), code(Key::F(2))], Action::Review, "connect"),
    Binding::new(&[key(' ')], Action::Toggle, "choose"),
    Binding::new(&[code(Key::Tab), code(Key::Enter)], Action::NextField, "next field"),
    Binding::new(&[shift(Key::Tab)], Action::PreviousField, "previous field").quiet(),
    Binding::new(&[code(Key::Down)], Action::FieldDown, "down").quiet(),
    Binding::new(&[code(Key::Up)], Action::FieldUp, "up").quiet(),
    Binding::new(&[code(Key::Left)], Action::PreviousChoice, "the choice before").quiet(),
    Binding::new(&[code(Key::Right)], Action::NextChoice, "the choice after").quiet(),
    Binding::new(&[code(Key::Esc)], Action::No, "back"),
    Binding::new(&[ctrl('c')], Action::Cancel, "quit").quiet(),
];

const CONNECT: Slot<Outcome> = Slot::latest("connect.connect");
const TAKE: Slot<Way> = Slot::latest("connect.take");

/// What can be chosen, in this order.
const ENGINES: [(Engine, &str); 3] = [
    (Engine::MySql, "MySQL or MariaDB"),
    (Engine::Postgres, "PostgreSQL"),
    (Engine::Sqlite, "SQLite, a file of the portal's"),
];

const fn field(name: &'static str, short: &'static str, kind: FieldKind, help: &'static str) -> Field {
    Field { name, label: short, short, kind, section: "", help, check: anything }
}

#[expect(clippy::unnecessary_wraps, reason = "the form asks every field's rule in this way")]
fn anything(typed: &str) -> std::result::Result<Option<String>, Vec<String>> {
    Ok(Some(typed.to_owned()))
}

const LINE: FieldKind = FieldKind::Text { max: 1_000 };
const TLS: &str = "For a server on another machine whose certificate is not known here";

const FIELDS: [Field; 8] = [
    field("engine", "Engine", FieldKind::Choice(Options::Fixed), "Which kind of database the portal uses."),
    field(
        "host",
        "Host",
        LINE,
        "A name or an address. localhost tries the server's socket first; /path is a socket.",
    ),
    field("port", "Port", FieldKind::Text { max: 5 }, "Where the server listens, 1 to 65535."),
    field("name", "Database", LINE, "NAME in the portal's settings; of SQLite the file's whole path."),
    field("user", "User", LINE, "The account of the database server, not one of the portal."),
    field("password", "Password", FieldKind::Password, "Of that account; may stay empty for a socket."),
    Field { section: TLS, ..field("ca_file", "CA file", LINE, "The authority's certificate (PEM), from /.") },
    Field {
        section: TLS,
        ..field("pinned_certificate", "Pinned", LINE, "SHA-256 of the server's own certificate.")
    },
];

/// How connecting ended, where that is no failure of ours.
enum Outcome {
    Open(Box<Portal>, String),
    Untrusted(Box<Refusal>),
}

/// The form.
pub struct Connect {
    opening: Opening,
    form: Form,
    /// The engine whose port stands in the form.
    engine: Engine,
    refused: Option<String>,
    busy: bool,
}

impl Connect {
    /// A form for a portal that is opened as this one would have been.
    #[must_use]
    pub fn new(opening: Opening) -> Self {
        let engines = ENGINES.iter().map(|(_, words)| Choice::new(*words, "")).collect();
        let form = Form::new(&FIELDS)
            .proposing()
            .with_choice("engine", engines, Some(0))
            .with_text("host", "localhost")
            .with_text("port", &Engine::MySql.default_port().to_string());
        Self { opening, form, engine: Engine::MySql, refused: None, busy: false }
    }

    fn chosen(&self) -> Option<Engine> {
        self.form.choice("engine").and_then(|at| ENGINES.get(at)).map(|(engine, _)| *engine)
    }

    /// Another engine has another port, unless somebody typed one.
    fn edited(&mut self, field: &'static str) {
        self.refused = None;
        let Some(engine) = self.chosen().filter(|_| field == "engine") else { return };
        if engine != Engine::Sqlite {
            if self.form.text("port") == self.engine.default_port().to_string() {
                self.form.set_text("port", &engine.default_port().to_string());
            }
            self.engine = engine;
        }
    }

    fn act_in_form(&mut self, action: Action, cx: &mut Cx) {
        match self.form.act(action) {
            Ok(Used::Edited(field)) => self.edited(field),
            Ok(_) => {}
            Err(why) => cx.refuse(why),
        }
    }

    /// What was typed, as a target.
    fn target(&self) -> Result<Target> {
        let invalid = |field: &str, words: &str| Error::field(Kind::Invalid, field, words);
        let text = |name: &str| self.form.text(name).trim();
        let engine = self.chosen().ok_or_else(|| invalid("engine", "Choose an engine."))?;
        if engine == Engine::Sqlite {
            if !text("name").starts_with('/') {
                return Err(invalid("name", "The file's whole path, from /."));
            }
            return Target::file(&PathBuf::from(text("name")))
                .map(|target| Target { read_only: self.opening.target.read_only, ..target })
                .map_err(|error| invalid("name", &error.message));
        }
        let port: u16 = text("port").parse().unwrap_or(0);
        if port == 0 {
            return Err(invalid("port", "A number from 1 to 65535."));
        }
        if text("name").is_empty() {
            return Err(invalid("name", "The name of the portal's database, as in its settings."));
        }
        let mut target = Target::server(engine, text("host"), Some(port), text("name"))
            .map_err(|error| invalid("host", &error.message))?;
        target.user = Some(text("user").to_owned()).filter(|user| !user.is_empty());
        let password = self.form.text("password");
        target.password = (!password.is_empty()).then(|| SecretString::from(password));
        target.read_only = self.opening.target.read_only;
        self.add_tls(&mut target)?;
        Ok(target)
    }

    fn add_tls(&self, target: &mut Target) -> Result<()> {
        let invalid = |field: &str, words: &str| Err(Error::field(Kind::Invalid, field, words));
        let (ca_file, pin) = (self.form.text("ca_file").trim(), self.form.text("pinned_certificate").trim());
        let given = if ca_file.is_empty() { "pinned_certificate" } else { "ca_file" };
        if ca_file.is_empty() && pin.is_empty() {
            return Ok(());
        }
        if !ca_file.is_empty() && !pin.is_empty() {
            return invalid("pinned_certificate", "One of the two: a pinned certificate needs no authority.");
        }
        if !matches!(target.address, Address::Host { .. }) {
            return invalid(given, "Means nothing for a socket.");
        }
        if pin.is_empty() {
            if !ca_file.starts_with('/') {
                return invalid("ca_file", "The file's whole path, from /.");
            }
            target.tls = Tls::Verified { ca_file: Some(PathBuf::from(ca_file)) };
            return Ok(());
        }
        match Fingerprint::parse(pin) {
            Some(pin) => target.tls = Tls::Pinned(pin),
            None => return invalid("pinned_certificate", "64 hexadecimal digits."),
        }
        Ok(())
    }

    fn submit(&mut self, cx: &mut Cx) {
        self.form.clear_errors();
        self.refused = None;
        match self.target() {
            Ok(target) => {
                self.busy = true;
                self.opening.target = target;
                let opening = self.opening.clone();
                cx.start_without_portal(
                    &CONNECT,
                    "connecting",
                    move |_| async move { connect(opening).await },
                );
            }
            Err(error) => self.refuse(&error),
        }
    }

    fn refuse(&mut self, error: &Error) {
        self.form.set_errors(error);
        self.refused = Some(error.message.clone());
    }

    fn answered(&mut self, result: Result<Outcome>, cx: &mut Cx) {
        self.busy = false;
        match result {
            Ok(Outcome::Open(portal, found)) => {
                cx.replace(keep::Keep::new(self.opening.clone(), *portal, found));
            }
            Ok(Outcome::Untrusted(refusal)) => {
                self.form.set_error("host", "not trusted");
                self.form.go_to("host");
                self.refused = Some(refusal.what());
                cx.push(ways::Ways::new(&refusal));
            }
            Err(error) => self.refuse(&error),
        }
    }

    /// Puts a way out into the form, which then can be tried.
    fn take(&mut self, way: &Way) {
        self.form.clear_errors();
        self.refused = None;
        match way {
            Way::Tunnel(port) => {
                self.form.set_text("host", "127.0.0.1");
                self.form.set_text("port", &port.to_string());
                self.form.set_text("ca_file", "");
                self.form.set_text("pinned_certificate", "");
                self.form.go_to("port");
            }
            Way::Name(name) => {
                self.form.set_text("host", name);
                self.form.go_to("host");
            }
            Way::Authority => {
                self.form.set_text("pinned_certificate", "");
                self.form.go_to("ca_file");
            }
            Way::Pin(pin) => {
                self.form.set_text("ca_file", "");
                self.form.set_text("pinned_certificate", &pin.to_string());
                self.form.go_to("pinned_certificate");
            }
        }
    }

    /// What stands below the fields.
    fn talk(&self) -> (Tone, String) {
        match &self.refused {
            Some(refused) => (Tone::Bad, refused.clone()),
            None => (
                Tone::Quiet,
                "The portal's settings.py has them under DATABASES. Nothing is written to it: it opens read-only, \
                 until a superuser of the portal switches writing on."
                    .to_owned(),
            ),
        }
    }
}

impl Screen for Connect {
    fn title(&self) -> String {
        "A portal's database".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match action {
            Action::Review if self.busy => Err("It is being connected to.".to_owned()),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Review => self.submit(cx),
            Action::No => cx.close(),
            Action::Cancel => cx.ask(Effect::Quit),
            other => self.act_in_form(other, cx),
        }
    }

    fn takes_text(&self) -> bool {
        self.form.takes_text()
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        let used = self.form.input(input);
        if let Used::Edited(field) = used {
            self.edited(field);
        }
        used.is_used()
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = CONNECT.take(reply) {
            self.answered(result, cx);
        } else if let Some(Ok(way)) = TAKE.take(reply) {
            self.take(&way);
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let (tone, talk) = self.talk();
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let below = dialog::rows(&talk, inner.width).min(area.height.saturating_sub(4));
        let form = Rect { height: area.height - below, ..area };
        self.form.draw(frame, form, theme);
        dialog::draw_text(frame, Rect { y: form.bottom(), height: below, ..inner }, &talk, tone, theme);
    }

    fn layer(&self) -> Layer {
        Layer::Lock
    }
}

/// Connects, and looks whether it is a portal; what was found there, in words.
async fn connect(opening: Opening) -> Result<Outcome> {
    let db = match Db::open(&opening.target).await {
        Ok(db) => db,
        Err(error) => match error.refusal.clone() {
            Some(refusal) => return Ok(Outcome::Untrusted(refusal)),
            None => return Err(error.into()),
        },
    };
    let not_a_portal = |error: Error| {
        let message = error.message.clone();
        error.and_field("name", message)
    };
    let portal = Portal::over(db, opening.settings, opening.actor).await.map_err(not_a_portal)?;
    let users = stats::counts(&portal).await?.users;
    let lacks = portal.schema.lacks().into_iter().map(|lack| lack.to_string());
    let found = [format!("users: {users}")].into_iter().chain(lacks).collect::<Vec<_>>().join(". ");
    Ok(Outcome::Open(Box::new(portal), found))
}
