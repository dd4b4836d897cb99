//! The stack of screens: opening, closing, and doing what they ask for.

use std::collections::VecDeque;
use std::time::Instant;

use super::actions::Action;
use super::app::{App, HostEffect, Open};
use super::cx::{Cx, Effect};
use super::jobs::{Reply, ScreenId, Start};
use super::keymap::{Binding, EVERYWHERE};
use super::screen::{Layer, Screen};
use super::widgets::toast::Toast;

impl App {
    pub(super) fn open(&mut self, screen: Box<dyn Screen>, opener: ScreenId) -> Open {
        self.next_id += 1;
        Open {
            id: ScreenId(self.next_id),
            opener,
            screen,
            opened: false,
            stale: false,
            seen: None,
            kept: None,
        }
    }

    pub(super) fn show_tab(&mut self, at: usize) {
        if at >= self.tabs.len() {
            return;
        }
        while let Some(closed) = self.stack.pop() {
            self.jobs.forget(closed.id);
            self.keeper.forget(self.jobs.portal(), &closed);
        }
        self.tab = at;
        self.refresh_tab();
    }

    /// Opens the tab on its first showing, and lets it read again what changed while it was hidden.
    pub(super) fn refresh_tab(&mut self) {
        let Some(tab) = self.tabs.get_mut(self.tab) else { return };
        let id = tab.id;
        let is_new = !std::mem::replace(&mut tab.opened, true);
        let stale = std::mem::take(&mut tab.stale);
        if is_new {
            self.with(id, |screen, cx| screen.opened(cx));
        } else if stale {
            self.with(id, |screen, cx| screen.changed(cx));
        }
    }

    /// Does what a screen asked for, and what that makes others ask for.
    pub(super) fn apply(&mut self, origin: ScreenId, effects: Vec<Effect>) {
        let mut queue: VecDeque<(ScreenId, Effect)> =
            effects.into_iter().map(|effect| (origin, effect)).collect();
        while let Some((origin, effect)) = queue.pop_front() {
            let more = self.apply_one(origin, effect);
            queue.extend(more);
        }
    }

    pub(super) fn apply_one(&mut self, origin: ScreenId, effect: Effect) -> Vec<(ScreenId, Effect)> {
        match effect {
            Effect::Push(screen) => return self.push(screen, origin),
            Effect::Close => {
                self.close(origin);
            }
            Effect::CloseThen(then) => {
                let opener = self.close(origin).unwrap_or(origin);
                let mut cx = Cx::new(self.size);
                then(&mut cx);
                return attributed(opener, cx);
            }
            Effect::Replace(screen) => {
                let opener = self.close(origin).unwrap_or(origin);
                return vec![(opener, Effect::Push(screen))];
            }
            Effect::Toast(toast) => self.say_of(origin, toast),
            Effect::Start(start) => self.start(start, origin),
            Effect::Tell(mut reply) => self.deliver(origin, &mut reply),
            Effect::Stop(slot) => self.jobs.stop(origin, slot),
            Effect::Changed => self.broadcast_change(),
            Effect::Act(_) if self.lock_above(origin).is_some() => {}
            Effect::Act(action) => {
                let binding =
                    self.top().and_then(|top| find_binding(top, action)).or_else(|| everywhere(action));
                if let Some(binding) = binding {
                    self.act(binding);
                }
            }
            Effect::Tab(at) if !self.is_locked() => self.show_tab(at),
            Effect::Tab(_) => {}
            Effect::Use(portal, level) => {
                self.head.show(&portal, level);
                self.level = Some(level);
                self.jobs.use_portal(*portal);
                // What may be done is another matter now.
                self.broadcast_change();
            }
            Effect::Enter(portal, head) => {
                self.head = *head;
                self.head.warn(&portal);
                self.jobs.use_portal(*portal);
            }
            Effect::Remember(list, state) => self.remember(list, state),
            Effect::Copy(words) => self.host.push(HostEffect::Copy(words)),
            Effect::Repaint => self.host.push(HostEffect::Repaint),
            Effect::Suspend => self.host.push(HostEffect::Suspend),
            Effect::Quit => self.quit(),
        }
        Vec::new()
    }

    /// Opens a screen on top; what it asks for then.
    fn push(&mut self, screen: Box<dyn Screen>, opener: ScreenId) -> Vec<(ScreenId, Effect)> {
        let mut open = self.open(screen, opener);
        let mut cx = Cx::new(self.size);
        open.opened = true;
        open.screen.opened(&mut cx);
        let id = open.id;
        // What a screen under the lock asks for stays under it.
        let at = self.lock_above(opener).unwrap_or(self.stack.len());
        self.stack.insert(at, open);
        attributed(id, cx)
    }

    fn start(&mut self, start: Start, origin: ScreenId) {
        let label = start.label().to_owned();
        if let Err(running) = self.jobs.start(start, origin) {
            self.say_of(origin, Toast::refused(format!("Not started ({label}): still {running}.")));
        }
    }

    /// Closes a screen of the stack and everything above it, up to a lock; gives the screen that had opened it.
    pub(super) fn close(&mut self, id: ScreenId) -> Option<ScreenId> {
        let at = self.stack.iter().position(|open| open.id == id)?;
        let opener = self.stack[at].opener;
        let end = self.lock_above(id).unwrap_or(self.stack.len());
        let was_locked = self.is_locked();
        for closed in self.stack.drain(at..end) {
            self.jobs.forget(closed.id);
            self.keeper.forget(self.jobs.portal(), &closed);
        }
        if was_locked && !self.is_locked() {
            self.unlocked();
        }
        if self.stack.is_empty() {
            self.refresh_tab();
        }
        Some(opener)
    }

    /// What was below a lock is seen again, from its next frame on: a key that was typed too much must not confirm it.
    fn unlocked(&mut self) {
        self.last_key = Instant::now();
        for open in self.tabs.iter_mut().chain(&mut self.stack) {
            open.seen = None;
        }
        if let Some(toast) = self.behind_lock.take() {
            self.say(toast);
        }
    }

    pub(super) fn deliver(&mut self, screen: ScreenId, reply: &mut Reply) {
        self.with(screen, |screen, cx| screen.reply(reply, cx));
        if let Some(error) = reply.untaken_error() {
            self.say_of(screen, Toast::error(error));
        }
    }

    pub(super) fn broadcast_change(&mut self) {
        for (at, tab) in self.tabs.iter_mut().enumerate() {
            tab.stale = tab.opened && at != self.tab;
        }
        let shown: Vec<ScreenId> = self
            .tabs
            .get(self.tab)
            .into_iter()
            .chain(&self.stack)
            .filter(|open| open.opened)
            .map(|open| open.id)
            .collect();
        for id in shown {
            self.with(id, |screen, cx| screen.changed(cx));
        }
    }

    pub(super) fn with_top(&mut self, run: impl FnOnce(&mut dyn Screen, &mut Cx)) {
        self.with(self.top_id(), run);
    }

    pub(super) fn with(&mut self, id: ScreenId, run: impl FnOnce(&mut dyn Screen, &mut Cx)) {
        let mut cx = Cx::new(self.size);
        if let Some(open) = self.tabs.iter_mut().chain(&mut self.stack).find(|open| open.id == id) {
            run(&mut *open.screen, &mut cx);
        }
        self.apply(id, cx.take());
    }

    pub(super) fn find(&self, id: ScreenId) -> Option<&Open> {
        self.tabs.iter().chain(&self.stack).find(|open| open.id == id)
    }

    pub(super) fn top_open(&self) -> Option<&Open> {
        self.stack.last().or_else(|| self.tabs.get(self.tab))
    }

    pub(super) fn top_open_mut(&mut self) -> Option<&mut Open> {
        self.stack.last_mut().or_else(|| self.tabs.get_mut(self.tab))
    }

    pub(super) fn top_id(&self) -> ScreenId {
        self.top_open().map_or(ScreenId(0), |open| open.id)
    }

    /// Whether a lock is on the stack; a help may lie above it.
    pub(super) fn is_locked(&self) -> bool {
        self.stack.iter().any(|open| open.screen.layer() == Layer::Lock)
    }

    /// Whether a screen, perhaps a closed one, is not the lock nor above it, while there is one.
    pub(super) fn is_behind_lock(&self, id: ScreenId) -> bool {
        let is_here = self.stack.iter().any(|open| open.id == id);
        if is_here { self.lock_above(id).is_some() } else { self.is_locked() }
    }

    /// Where on the stack the first lock above a screen is.
    fn lock_above(&self, id: ScreenId) -> Option<usize> {
        let below = self.stack.iter().position(|open| open.id == id).map_or(0, |at| at + 1);
        let above = self.stack.iter().skip(below).position(|open| open.screen.layer() == Layer::Lock);
        above.map(|at| below + at)
    }
}

fn find_binding(screen: &dyn Screen, action: Action) -> Option<&'static Binding> {
    screen.keys().iter().copied().flatten().find(|binding| binding.action == action)
}

fn everywhere(action: Action) -> Option<&'static Binding> {
    EVERYWHERE.iter().find(|binding| binding.action == action)
}

/// What was asked for, with who asks.
fn attributed(id: ScreenId, mut cx: Cx) -> Vec<(ScreenId, Effect)> {
    cx.take().into_iter().map(|effect| (id, effect)).collect()
}
