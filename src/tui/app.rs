//! The program's state: the tabs, one stack of screens above them, the first and the last line, and the message.

use std::time::{Duration, Instant};

use ratatui::layout::Size;

use super::actions::Action;
use super::cx::{Cx, Effect};
use super::input::{Arrival, Input};
use super::jobs::{Accepted, Finished, Jobs, ScreenId};
use super::keymap::Keymap;
use super::screen::Screen;
use super::theme::Theme;
use super::unsaved::Keeper;
pub use super::widgets::status_line::Head;
use super::widgets::toast::{Toast, ToastKind};
use crate::directory::Portal;
use crate::directory::drafts::Unsaved;
use crate::portal::access::Level;

/// What an [`App`] is made of.
pub struct Setup {
    /// The tabs, in the order of their numbers; see [`super::screens`].
    pub tabs: Vec<Box<dyn Screen>>,
    /// A screen that opens above the tabs at once: the sign-in, the wizard.
    pub first: Option<Box<dyn Screen>>,
    /// The portal, once one is open.
    pub portal: Option<Portal>,
    /// The first line.
    pub head: Head,
    /// The keys in force.
    pub keymap: Keymap,
    /// The look.
    pub theme: Theme,
    /// Actions of [`super::keymap::EVERYWHERE`] that are done by others: undo, redo. One that is not listed is not shown.
    pub commands: Vec<(Action, Command)>,
    /// What happens when nobody is there.
    pub lock: Option<IdleLock>,
}

/// Does an action in the name of the screen on top.
pub type Command = Box<dyn Fn(&mut Cx)>;

/// Makes a screen that locks a portal of this label.
pub type LockScreen = Box<dyn Fn(&str) -> Box<dyn Screen>>;

/// Hides everything when nobody is there.
pub struct IdleLock {
    /// After so much time without a key.
    pub after: Option<Duration>,
    /// After so much time without a key the program ends, if it is locked by then or was never opened.
    pub end_after: Option<Duration>,
    /// Makes the screen, of [`super::Layer::Lock`], that asks who is back; it is given the portal's label.
    pub screen: LockScreen,
}

/// What the terminal's owner, and not the app, has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostEffect {
    /// Put this on the terminal's clipboard.
    Copy(String),
    /// Clear and draw everything.
    Repaint,
    /// Stop until the shell continues us.
    Suspend,
    /// Report the mouse, or no longer.
    Mouse(bool),
}

/// A screen that is open.
pub(super) struct Open {
    pub(super) id: ScreenId,
    pub(super) opener: ScreenId,
    pub(super) screen: Box<dyn Screen>,
    pub(super) opened: bool,
    /// Whether rows changed while it could not be seen.
    pub(super) stale: bool,
    /// When its first frame was out.
    pub(super) seen: Option<Instant>,
    /// What is kept of it in case the line drops.
    pub(super) kept: Option<Unsaved>,
}

/// The running program, without terminal and without time of its own.
pub struct App {
    pub(super) tabs: Vec<Open>,
    pub(super) tab: usize,
    pub(super) stack: Vec<Open>,
    pub(super) head: Head,
    pub(super) theme: Theme,
    pub(super) keymap: Keymap,
    pub(super) jobs: Jobs,
    pub(super) toast: Option<(Toast, Instant)>,
    /// A message from below a lock, kept until that is gone: it may tell of people.
    pub(super) behind_lock: Option<Toast>,
    pub(super) commands: Vec<(Action, Command)>,
    pub(super) lock: Option<IdleLock>,
    /// The role of whoever is signed in.
    pub(super) level: Option<Level>,
    pub(super) last_key: Instant,
    pub(super) next_id: u64,
    pub(super) size: Size,
    pub(super) mouse: bool,
    pub(super) quitting: bool,
    pub(super) dirty: bool,
    pub(super) host: Vec<HostEffect>,
    pub(super) keeper: Keeper,
}

impl App {
    /// Opens the first tab and the first screen. Needs a Tokio runtime when they start work.
    #[must_use]
    pub fn new(setup: Setup, size: Size) -> Self {
        let mut app = Self {
            tabs: Vec::new(),
            tab: 0,
            stack: Vec::new(),
            head: setup.head,
            theme: setup.theme,
            keymap: setup.keymap,
            jobs: Jobs::new(setup.portal),
            toast: None,
            behind_lock: None,
            commands: setup.commands,
            lock: setup.lock,
            level: None,
            last_key: Instant::now(),
            next_id: 0,
            size,
            mouse: false,
            quitting: false,
            dirty: true,
            host: Vec::new(),
            keeper: Keeper::default(),
        };
        for screen in setup.tabs {
            let tab = app.open(screen, ScreenId(0));
            app.tabs.push(tab);
        }
        if let Some(first) = setup.first {
            let opener = app.top_id();
            app.apply(opener, vec![Effect::Push(first)]);
        } else {
            app.show_tab(0);
        }
        app
    }

    /// Takes one input.
    pub fn update(&mut self, arrival: &Arrival) {
        super::test_hooks::panic_if_asked("update");
        match &arrival.input {
            Input::Key(chord) => self.key(*chord, arrival.at),
            Input::Paste(words) => self.paste(words, arrival.at),
            Input::Resize(width, height) => {
                self.size = Size::new(*width, *height);
                // A terminal that was smaller for a moment, too short for us to notice, has lost what did not fit.
                self.host.push(HostEffect::Repaint);
            }
            Input::Wheel(notches) => self.wheel(*notches),
            Input::FocusGained | Input::FocusLost => return,
        }
        self.notice_unsaved();
        self.dirty = true;
    }

    /// Takes a job that ended.
    pub fn finished(&mut self, finished: Finished) {
        let Some(Accepted { screen, mut reply, exclusive, report }) = self.jobs.accept(finished) else {
            return;
        };
        self.dirty = true;
        let is_open = self.find(screen).is_some();
        if is_open {
            self.deliver(screen, &mut reply);
            if exclusive && reply.is_untaken() && reply.untaken_error().is_none() {
                self.say_of(screen, Toast::done(report));
            }
        } else if let Some(error) = reply.untaken_error() {
            self.say_of(screen, Toast::error(error));
        } else {
            self.say_of(screen, Toast::done(report));
        }
        if exclusive {
            self.broadcast_change();
        }
    }

    /// Does what is due now, without input: the idle lock, the spinner's next picture.
    pub fn tick(&mut self, now: Instant) {
        if self.jobs.working(now, self.top_id()).is_some() {
            self.dirty = true;
        }
        if self.keeper.due().is_some_and(|due| due <= now) {
            self.keep_unsaved();
        }
        if self.idle_due().is_some_and(|due| due <= now) {
            self.dirty = true;
            if self.is_locked() { self.quit() } else { self.lock_up() }
        }
    }

    /// Whether there is somebody whose password would open the screens again.
    pub(super) fn can_lock(&self) -> bool {
        let somebody = self.jobs.portal().is_some_and(|portal| portal.actor.account.is_some());
        self.lock.is_some() && somebody && !self.is_locked()
    }

    /// Hides everything until whoever is signed in gives their password. What is open stays as it is, and running work
    /// goes on.
    pub(super) fn lock_up(&mut self) {
        let Some(screen) = self.lock.as_ref().map(|lock| (lock.screen)(&self.head.label)) else { return };
        self.behind_lock = self.toast.take().map(|(toast, _)| toast);
        self.apply(self.top_id(), vec![Effect::Push(screen)]);
    }

    /// When [`Self::tick`] should be called next.
    #[must_use]
    pub fn next_tick(&self, now: Instant) -> Option<Instant> {
        [self.jobs.next_change(now), self.idle_due(), self.keeper.due()].into_iter().flatten().min()
    }

    /// The first frame of what is on top is out: keys that arrived from now on were typed by somebody who could see it.
    pub fn drawn(&mut self, at: Instant) {
        self.dirty = false;
        if let Some(top) = self.top_open_mut() {
            top.seen.get_or_insert(at);
        }
    }

    /// Whether anything changed since it was last drawn.
    #[must_use]
    pub fn needs_drawing(&self) -> bool {
        self.dirty
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_quitting(&self) -> bool {
        self.quitting
    }

    /// All running work.
    pub fn jobs(&mut self) -> &mut Jobs {
        &mut self.jobs
    }

    /// What the terminal's owner has to do, taken out.
    pub fn take_host_effects(&mut self) -> Vec<HostEffect> {
        std::mem::take(&mut self.host)
    }

    /// Shows a message of the terminal's owner.
    pub fn say(&mut self, toast: Toast) {
        if !hides(self.toast.as_ref().map(|(shown, _)| shown), &toast) {
            self.toast = Some((toast, Instant::now()));
        }
        self.dirty = true;
    }

    /// Shows a message of a screen, also of one that is closed; of one below a lock when that is gone.
    pub(super) fn say_of(&mut self, screen: ScreenId, toast: Toast) {
        if !self.is_behind_lock(screen) {
            self.say(toast);
        } else if !hides(self.behind_lock.as_ref(), &toast) {
            self.behind_lock = Some(toast);
        }
    }

    /// The message on the screen.
    #[must_use]
    pub fn toast(&self) -> Option<&Toast> {
        self.toast.as_ref().map(|(toast, _)| toast)
    }

    /// The titles of what is open: the tab, then the stack from bottom to top.
    #[must_use]
    pub fn titles(&self) -> Vec<String> {
        self.tabs.get(self.tab).into_iter().chain(&self.stack).map(|open| open.screen.title()).collect()
    }

    /// The screen that gets the keys.
    #[must_use]
    pub fn top(&self) -> Option<&dyn Screen> {
        self.stack.last().or_else(|| self.tabs.get(self.tab)).map(|open| &*open.screen)
    }

    /// When the program locks, or ends where it is locked.
    fn idle_due(&self) -> Option<Instant> {
        let lock = self.lock.as_ref().filter(|_| !self.quitting)?;
        let after = if self.is_locked() { lock.end_after } else { lock.after };
        after.map(|after| self.last_key + after)
    }
}

/// An error stays until somebody has seen it: what merely went well does not push it aside.
fn hides(shown: Option<&Toast>, toast: &Toast) -> bool {
    shown.is_some_and(|shown| !shown.fades()) && toast.kind() == ToastKind::Done
}
