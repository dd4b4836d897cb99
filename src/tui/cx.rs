//! What a screen asks for. A screen is tested by giving it an action and looking at [`Cx::effects`].

use std::fmt;

use ratatui::layout::Size;

use super::actions::Action;
use super::jobs::{Reply, Slot, Start, Task};
use super::screen::Screen;
use super::widgets::status_line::Head;
use super::widgets::toast::Toast;
use crate::directory::Portal;
use crate::directory::list_state::ListState;
use crate::error::{Error, Result};
use crate::portal::access::Level;

/// Collects what a screen wants done; [`super::App`] does it after the screen has returned.
#[derive(Debug)]
pub struct Cx {
    effects: Vec<Effect>,
    size: Size,
}

/// Something to do, in the order in which it was asked for.
pub enum Effect {
    /// Put a screen on top.
    Push(Box<dyn Screen>),
    /// Close the screen that asks, and everything above it.
    Close,
    /// Close the screen that asks, then do more in the name of the screen that opened it.
    CloseThen(Then),
    /// Put another screen in the place of the one that asks.
    Replace(Box<dyn Screen>),
    /// Show a message.
    Toast(Toast),
    /// Start work.
    Start(Start),
    /// Give this to the screen that asks as the reply of one of its slots.
    Tell(Reply),
    /// Stop the work in this slot of the screen that asks.
    Stop(&'static str),
    /// Rows changed: tell every screen.
    Changed,
    /// Do this action as if its key had been pressed on the screen that asks: palette and menus.
    Act(Action),
    /// Show this tab, counted from 0.
    Tab(usize),
    /// Work with this portal from now on, used by whom it names, in this role: after signing in, or once it can be
    /// written to.
    Use(Box<Portal>, Level),
    /// Work with this portal from now on, in which nobody is signed in yet, under this first line.
    Enter(Box<Portal>, Box<Head>),
    /// Keep how the list of this name was left, for the next sign-in.
    Remember(&'static str, ListState),
    /// Put a text on the terminal's clipboard.
    Copy(String),
    /// Draw everything again.
    Repaint,
    /// Give the terminal back to the shell until it continues us.
    Suspend,
    /// End the program, once running writes are finished.
    Quit,
}

/// More to do, in the name of another screen.
pub type Then = Box<dyn FnOnce(&mut Cx)>;

impl Cx {
    /// An empty one, for a terminal of this size.
    #[must_use]
    pub fn new(size: Size) -> Self {
        Self { effects: Vec::new(), size }
    }

    /// The terminal's size now.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// What was asked for so far.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// What was asked for so far, taken out.
    pub fn take(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Puts a screen on top.
    pub fn push(&mut self, screen: impl Screen + 'static) {
        self.effects.push(Effect::Push(Box::new(screen)));
    }

    /// Closes the screen that asks.
    pub fn close(&mut self) {
        self.effects.push(Effect::Close);
    }

    /// Closes the screen that asks, then runs `then` as if the screen that opened it had: work started there answers
    /// to that screen.
    pub fn close_then(&mut self, then: impl FnOnce(&mut Self) + 'static) {
        self.effects.push(Effect::CloseThen(Box::new(then)));
    }

    /// Puts another screen in the place of the one that asks.
    pub fn replace(&mut self, screen: impl Screen + 'static) {
        self.effects.push(Effect::Replace(Box::new(screen)));
    }

    /// Says what was done; goes by itself.
    pub fn done(&mut self, message: impl Into<String>) {
        self.effects.push(Effect::Toast(Toast::done(message)));
    }

    /// Says what went wrong; stays until dismissed.
    pub fn fail(&mut self, error: &Error) {
        self.effects.push(Effect::Toast(Toast::error(error)));
    }

    /// Says why something cannot be done now; goes by itself.
    pub fn refuse(&mut self, why: impl Into<String>) {
        self.effects.push(Effect::Toast(Toast::refused(why)));
    }

    /// Starts work with the portal; its result comes back to this screen's `reply`. `label` says what it does
    /// (`loading users`).
    pub fn start<T, F, W>(&mut self, slot: &Slot<T>, label: impl Into<String>, work: W)
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        W: FnOnce(std::sync::Arc<Portal>) -> F + Send + 'static,
    {
        self.effects.push(Effect::Start(Start::with_portal(slot, label.into(), |portal, _| work(portal))));
    }

    /// As [`Self::start`], but begun only after so much time in which nothing newer took the slot: for what is to be
    /// read once the cursor rests.
    pub fn start_after<T, F, W>(
        &mut self,
        delay: std::time::Duration,
        slot: &Slot<T>,
        label: impl Into<String>,
        work: W,
    ) where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        W: FnOnce(std::sync::Arc<Portal>) -> F + Send + 'static,
    {
        let start = Start::with_portal(slot, label.into(), |portal, _| work(portal));
        self.effects.push(Effect::Start(start.after(delay)));
    }

    /// As [`Self::start`], for work that counts what it has done or can be asked to stop midway.
    pub fn start_task<T, F, W>(&mut self, slot: &Slot<T>, label: impl Into<String>, work: W)
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        W: FnOnce(std::sync::Arc<Portal>, Task) -> F + Send + 'static,
    {
        self.effects.push(Effect::Start(Start::with_portal(slot, label.into(), work)));
    }

    /// As [`Self::start`], for work that needs no open portal: connecting to one.
    pub fn start_without_portal<T, F, W>(&mut self, slot: &Slot<T>, label: impl Into<String>, work: W)
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        W: FnOnce(Task) -> F + Send + 'static,
    {
        self.effects.push(Effect::Start(Start::alone(slot, label.into(), work)));
    }

    /// Hands a value to this screen's own `reply`, before the next key.
    pub fn tell<T: Send + 'static>(&mut self, slot: &Slot<T>, value: T) {
        self.effects.push(Effect::Tell(Reply::of(slot, Ok(value))));
    }

    /// Closes the screen that asks, and [tells](Self::tell) the one that opened it.
    pub fn close_telling<T: Send + 'static>(&mut self, slot: &'static Slot<T>, value: T) {
        self.close_then(move |cx| cx.tell(slot, value));
    }

    /// Stops this screen's work in the slot: reads are cancelled and answer nothing; a write is asked to stop at the
    /// next point where it can ([`Task::stop_asked`]) and still answers.
    pub fn stop<T: Send + 'static>(&mut self, slot: &Slot<T>) {
        self.effects.push(Effect::Stop(slot.name()));
    }

    /// Tells every screen that rows changed. The end of an exclusive job does so by itself.
    pub fn changed(&mut self) {
        self.effects.push(Effect::Changed);
    }

    /// Asks for anything else.
    pub fn ask(&mut self, effect: Effect) {
        self.effects.push(effect);
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push(screen) => write!(f, "Push({})", screen.title()),
            Self::Close => f.write_str("Close"),
            Self::CloseThen(_) => f.write_str("CloseThen"),
            Self::Replace(screen) => write!(f, "Replace({})", screen.title()),
            Self::Toast(toast) => write!(f, "Toast({:?})", toast.text()),
            Self::Start(start) => write!(f, "Start({start:?})"),
            Self::Tell(reply) => write!(f, "Tell({})", reply.slot()),
            Self::Stop(slot) => write!(f, "Stop({slot})"),
            Self::Changed => f.write_str("Changed"),
            Self::Act(action) => write!(f, "Act({})", action.name()),
            Self::Tab(at) => write!(f, "Tab({at})"),
            Self::Use(portal, level) => write!(f, "Use({}, {level})", portal.actor.name()),
            Self::Enter(_, head) => write!(f, "Enter({})", head.label),
            Self::Remember(list, _) => write!(f, "Remember({list})"),
            // What is copied may be a password.
            Self::Copy(_) => f.write_str("Copy"),
            Self::Repaint => f.write_str("Repaint"),
            Self::Suspend => f.write_str("Suspend"),
            Self::Quit => f.write_str("Quit"),
        }
    }
}
