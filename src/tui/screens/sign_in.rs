//! Signing in with a portal account, and the same again when the screens were locked.
//!
//! Every failure has the same words. The try runs in an exclusive slot, so that no key can stop it between the look at
//! the password and the count of wrong tries.

use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;
use secrecy::{ExposeSecret, SecretString};

use crate::change::rights;
use crate::directory::drafts::{self, Offered};
use crate::directory::{Portal, setup, sign_in};
use crate::error::{Error, Result};
use crate::integrity::runs::{self, Listed};
use crate::portal::access::Level;
use crate::portal::{password, rules};
use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::{Input, Key, code, ctrl, shift};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::screens::drafts::Drafts;
use crate::tui::screens::first_run::FirstRun;
use crate::tui::screens::stopped_run::StoppedRun;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::fields::Fields;
use crate::tui::widgets::text_field::TextField;
use crate::tui::widgets::{dialog, put};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "sign in"),
    Binding::new(&[code(Key::Tab), code(Key::Down)], Action::NextField, "next field"),
    Binding::new(&[shift(Key::Tab), code(Key::Up)], Action::PreviousField, "previous field").quiet(),
    Binding::new(&[ctrl('n')], Action::FirstSuperuser, "create the first superuser"),
    Binding::new(&[ctrl('c')], Action::Cancel, "quit"),
];

/// Somebody who may work here.
pub struct SignedIn {
    /// The portal as they use it.
    pub portal: Portal,
    /// In which role.
    pub level: Level,
    /// What they left unsaved the last time.
    pub left: Offered,
    /// The stopped runs that they are asked about.
    pub stopped: Vec<Listed>,
}

const SIGN_IN: Slot<SignedIn> = Slot::exclusive("sign-in.sign-in");
const LOOK: Slot<Look> = Slot::latest("sign-in.look");

/// What the screen is told about the portal.
struct Look {
    /// Who has locked it; nobody before the first sign-in.
    user: Option<String>,
    /// Whether nobody can have full rights yet.
    no_superuser: bool,
    read_only: bool,
}

/// The form, and what came of the last try.
pub struct SignIn {
    label: String,
    fields: Fields,
    look: Option<Look>,
    refused: Option<String>,
    busy: bool,
    locked: bool,
    minimum_length: usize,
}

impl SignIn {
    /// Asks who wants to work with the portal of this name. `minimum_length` is that of new passwords, for the first
    /// superuser.
    #[must_use]
    pub fn new(label: impl Into<String>, minimum_length: usize) -> Self {
        let name = ("Username", TextField::line("", rules::USERNAME_MAX));
        Self::with(label.into(), vec![name, ("Password", TextField::hidden())], false, minimum_length)
    }

    /// Asks whoever is signed in for their password: nobody was there for a while.
    #[must_use]
    pub fn locked(label: impl Into<String>) -> Self {
        Self::with(label.into(), vec![("Password", TextField::hidden())], true, password::MINIMUM_LENGTH)
    }

    fn with(
        label: String,
        lines: Vec<(&'static str, TextField)>,
        locked: bool,
        minimum_length: usize,
    ) -> Self {
        let fields = Fields::new(lines);
        Self { label, fields, look: None, refused: None, busy: false, locked, minimum_length }
    }

    /// The place of the password's line, the last one.
    fn password_line(&self) -> usize {
        usize::from(!self.locked)
    }

    /// Whether the portal has no superuser yet and could be given one.
    fn offers_first(&self) -> bool {
        !self.locked && self.look.as_ref().is_some_and(|look| look.no_superuser && !look.read_only)
    }

    fn submit(&mut self, cx: &mut Cx) {
        let at = self.password_line();
        if self.fields.focus() < at {
            return self.fields.next();
        }
        let name = (!self.locked).then(|| self.fields.value(0).to_owned());
        let password = SecretString::from(self.fields.value(at));
        if password.expose_secret().is_empty() || name.as_ref().is_some_and(String::is_empty) {
            let wanted = if self.locked { "Type your password." } else { "Type a username and a password." };
            self.refused = Some(wanted.to_owned());
            return;
        }
        self.busy = true;
        self.refused = None;
        cx.start(&SIGN_IN, "signing in", move |portal| async move { enter(&portal, name, &password).await });
    }

    fn answered(&mut self, result: Result<SignedIn>, cx: &mut Cx) {
        self.busy = false;
        match result {
            Ok(SignedIn { portal, level, left, stopped }) => {
                cx.ask(Effect::Use(Box::new(portal), level));
                cx.close_then(move |cx| {
                    StoppedRun::offer(stopped, cx);
                    Drafts::offer(left, cx);
                });
            }
            Err(error) => {
                let at = self.password_line();
                self.fields.set(at, "");
                self.fields.go_to(at);
                self.refused = Some(error.message);
            }
        }
    }

    /// What stands above the fields.
    fn heading(&self) -> String {
        match self.look.as_ref().and_then(|look| look.user.as_ref()) {
            Some(user) if self.locked => format!("Locked. {user} goes on with the password."),
            _ if self.locked => "Locked".to_owned(),
            _ => format!("Sign in to {}", self.label),
        }
    }

    /// What stands below them.
    fn talk(&self) -> (Tone, String) {
        if let Some(refused) = &self.refused {
            return (Tone::Bad, refused.clone());
        }
        let words = match &self.look {
            Some(look) if look.no_superuser && look.read_only => {
                "This portal has no superuser yet, and is opened read-only: here none can be created."
            }
            Some(_) if self.offers_first() => "This portal has no superuser yet: Ctrl-N creates one.",
            _ if self.locked => {
                "Ctrl-C ends the program. A form about a user is offered again at the next sign-in."
            }
            _ => "With your account of the portal: an Engineer's, an administrator's or a superuser's.",
        };
        (Tone::Quiet, words.to_owned())
    }
}

impl Screen for SignIn {
    fn title(&self) -> String {
        if self.locked { "Locked" } else { "Sign in" }.to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match action {
            Action::Choose if self.busy => Err("The password is being checked.".to_owned()),
            Action::NextField | Action::PreviousField | Action::FirstSuperuser if self.locked => {
                Err(String::new())
            }
            Action::FirstSuperuser if !self.offers_first() => {
                Err("This is for a portal that has no superuser and can be written to.".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        cx.start(&LOOK, "looking", |portal| async move { look(&portal).await });
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Choose => self.submit(cx),
            Action::NextField => self.fields.next(),
            Action::PreviousField => self.fields.previous(),
            Action::FirstSuperuser => cx.replace(FirstRun::of_portal(self.minimum_length)),
            Action::Cancel => cx.ask(Effect::Quit),
            _ => {}
        }
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        self.fields.input(input)
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = SIGN_IN.take(reply) {
            self.answered(result, cx);
        } else if let Some(result) = LOOK.take(reply) {
            match result {
                Ok(look) => self.look = Some(look),
                Err(error) => self.refused = Some(error.message),
            }
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let (tone, talk) = self.talk();
        let width = dialog::WIDTH.min(area.width);
        let talk_rows = dialog::rows(&talk, width);
        let needed = 1 + self.fields.rows() + talk_rows;
        let gap = u16::from(area.height >= needed + 2);
        let used = (needed + 2 * gap).min(area.height);
        let x = area.x + (area.width - width) / 2;
        let mut y = area.y + (area.height - used) / 3;
        let row = |y: u16, height: u16| Rect { x, y: y.min(area.bottom()), width, height }.intersection(area);
        put(frame.buffer_mut(), x, y, width, &self.heading(), theme.style(Tone::Strong));
        y += 1 + gap;
        self.fields.draw(frame, row(y, self.fields.rows()), theme);
        y += self.fields.rows() + gap;
        dialog::draw_text(frame, row(y, talk_rows), &talk, tone, theme);
    }

    fn layer(&self) -> Layer {
        Layer::Lock
    }
}

/// What the screen says before anything is typed.
async fn look(portal: &Arc<Portal>) -> Result<Look> {
    let user = match &portal.actor.account {
        Some(account) => {
            let facts = rights::actor(&mut portal.db.clone(), &portal.roles, account.id).await?;
            facts.map(|facts| facts.username)
        }
        None => None,
    };
    let no_superuser = !setup::has_superuser(&portal.db).await?;
    Ok(Look { user, no_superuser, read_only: portal.read_only.is_some() })
}

/// Signs in; without a name as the person who is signed in already, whatever their name is by now.
async fn enter(portal: &Arc<Portal>, name: Option<String>, password: &SecretString) -> Result<SignedIn> {
    let before = portal.actor.account.as_ref().map(|account| account.id);
    let name = match (name, before) {
        (Some(name), _) => name,
        (None, Some(id)) => rights::actor(&mut portal.db.clone(), &portal.roles, id)
            .await?
            .map(|facts| facts.username)
            .ok_or_else(|| Error::denied("Your account is gone. Ctrl-C ends the program."))?,
        (None, None) => return Err(Error::bug("The screens were locked before anybody had signed in.")),
    };
    let account = sign_in::sign_in(portal, &name, password.expose_secret()).await.inspect_err(|error| {
        // Not the name: people type passwords there.
        tracing::warn!(kind = error.kind.name(), "sign-in refused");
    })?;
    if before.is_some_and(|before| before != account.id) {
        return Err(Error::denied("Your account was renamed this moment. Try again."));
    }
    let facts = rights::actor(&mut portal.db.clone(), &portal.roles, account.id).await?;
    let level = facts
        .and_then(|facts| facts.effective_level())
        .ok_or_else(|| Error::denied("The account lost its access this moment."))?;
    tracing::info!(id = account.id, user = account.username, %level, "signed in");
    let portal = portal.signed_in(account);
    let (left, stopped) = match before {
        Some(_) => (Offered::default(), Vec::new()),
        // What was left unfinished is no reason to be kept out.
        None => (
            drafts::offered(&portal).await.unwrap_or_default(),
            runs::to_ask(&portal).await.unwrap_or_default(),
        ),
    };
    Ok(SignedIn { portal, level, left, stopped })
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::tui::input::key;

    fn typed(screen: &mut SignIn, words: &str, cx: &mut Cx) {
        for c in words.chars() {
            assert!(screen.input(&Input::Key(key(c)), cx));
        }
    }

    #[test]
    fn a_try_needs_a_name_and_a_password() {
        let mut cx = Cx::new(Size::new(80, 24));
        let mut screen = SignIn::new("Alpha Lab", 8);
        screen.act(Action::Choose, &mut cx);
        screen.act(Action::Choose, &mut cx);
        assert!(cx.take().is_empty() && screen.refused.is_some());
        typed(&mut screen, "secret", &mut cx);
        screen.act(Action::PreviousField, &mut cx);
        typed(&mut screen, "bela", &mut cx);
        screen.act(Action::Choose, &mut cx);
        screen.act(Action::Choose, &mut cx);
        assert_eq!(format!("{:?}", cx.effects()), "[Start(sign-in.sign-in: signing in)]");
        assert!(screen.enabled(Action::Choose).is_err(), "one try at a time");
    }

    #[test]
    fn a_refusal_empties_the_password_only() {
        let mut cx = Cx::new(Size::new(80, 24));
        let mut screen = SignIn::new("Alpha Lab", 8);
        typed(&mut screen, "bela", &mut cx);
        screen.act(Action::NextField, &mut cx);
        typed(&mut screen, "wrong", &mut cx);
        screen.reply(&mut Reply::of(&SIGN_IN, Err(Error::denied("No."))), &mut cx);
        assert_eq!((screen.fields.value(0), screen.fields.value(1)), ("bela", ""));
        assert_eq!(screen.talk(), (Tone::Bad, "No.".to_owned()));
        assert!(cx.effects().is_empty());
    }

    #[test]
    fn a_lock_asks_only_for_the_password_of_whoever_is_signed_in() {
        let mut cx = Cx::new(Size::new(80, 24));
        let mut screen = SignIn::locked("Alpha Lab");
        let look = Look { user: Some("bela".to_owned()), no_superuser: true, read_only: false };
        screen.reply(&mut Reply::of(&LOOK, Ok(look)), &mut cx);
        assert!(screen.heading().contains("bela"));
        assert!(screen.enabled(Action::FirstSuperuser).is_err());
        typed(&mut screen, "secret", &mut cx);
        screen.act(Action::Choose, &mut cx);
        assert_eq!(format!("{:?}", cx.effects()), "[Start(sign-in.sign-in: signing in)]");
    }

    #[test]
    fn the_first_superuser_is_offered_only_where_one_can_be_made() {
        let mut cx = Cx::new(Size::new(80, 24));
        for (no_superuser, read_only, offered) in
            [(true, false, true), (true, true, false), (false, false, false)]
        {
            let mut screen = SignIn::new("Alpha Lab", 8);
            screen.reply(&mut Reply::of(&LOOK, Ok(Look { user: None, no_superuser, read_only })), &mut cx);
            assert_eq!(screen.enabled(Action::FirstSuperuser).is_ok(), offered);
        }
    }
}
