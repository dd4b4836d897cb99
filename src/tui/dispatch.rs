//! From a key to what it does: the text field, the screen's table, the keys of everywhere, in this order.

use std::time::{Duration, Instant};

use super::actions::Action;
use super::app::{App, HostEffect};
use super::cx::{Cx, Effect};
use super::input::{Input, KeyChord};
use super::jobs::{Reply, ScreenId};
use super::keymap::{Binding, EVERYWHERE};
use super::screen::{Layer, Screen};
use super::screens::{confirm::Confirm, help::Help, palette::Palette};
use super::widgets::help::HelpLine;
use super::widgets::toast::Toast;
use crate::directory::ReadOnly;
use crate::portal::access::Level;

/// A message that goes by itself goes with the first key after this time. No timer is kept for it.
const TOAST_STAYS: Duration = Duration::from_secs(4);

impl App {
    pub(super) fn key(&mut self, chord: KeyChord, at: Instant) {
        self.last_key = Instant::now();
        if self.quitting || !self.is_heard(at) {
            return;
        }
        if self.toast.as_ref().is_some_and(|(toast, since)| toast.fades() && since.elapsed() > TOAST_STAYS) {
            self.toast = None;
        }
        let types = chord.text().is_some() && self.top().is_some_and(Screen::takes_text);
        if self.offer_text(&Input::Key(chord)) || types {
            return;
        }
        let tables = self.top().map(Screen::keys).unwrap_or_default();
        let binding = self.keymap.find(chord, tables);
        if let Some(binding) = binding {
            self.act(binding);
        }
    }

    pub(super) fn paste(&mut self, words: &str, at: Instant) {
        self.last_key = Instant::now();
        if !self.quitting && self.is_heard(at) {
            self.offer_text(&Input::Paste(words.to_owned()));
        }
    }

    pub(super) fn wheel(&mut self, notches: i16) {
        let action = if notches > 0 { Action::Down } else { Action::Up };
        let has =
            self.top().is_some_and(|top| top.keys().iter().copied().flatten().any(|b| b.action == action));
        if has && self.is_heard(Instant::now()) {
            for _ in 0..3 * notches.unsigned_abs() {
                self.with_top(|screen, cx| screen.act(action, cx));
            }
        }
    }

    /// Whether an input that arrived then may act on the screen on top.
    pub(super) fn is_heard(&self, at: Instant) -> bool {
        self.top_open().is_none_or(|top| !top.screen.guarded() || top.seen.is_some_and(|seen| at >= seen))
    }

    pub(super) fn offer_text(&mut self, input: &Input) -> bool {
        let mut used = false;
        self.with_top(|screen, cx| used = screen.takes_text() && screen.input(input, cx));
        used
    }

    /// Does what a binding says, or says why not.
    pub(super) fn act(&mut self, binding: &Binding) {
        let action = binding.action;
        match self.may(action) {
            Err(why) if !why.is_empty() => self.say(Toast::refused(why)),
            Err(_) => {}
            Ok(Whose::Screen) => self.with_top(|screen, cx| screen.act(action, cx)),
            Ok(Whose::App) => self.do_everywhere(action),
        }
    }

    /// Whether an action works now, and who does it; if not, why (empty: nobody needs to know).
    pub(super) fn may(&self, action: Action) -> Result<Whose, String> {
        let Some(top) = self.top() else { return Ok(Whose::App) };
        if top.keys().iter().copied().flatten().any(|binding| binding.action == action) {
            return top.enabled(action).map(|()| Whose::Screen);
        }
        let locked = self.is_locked();
        let ok = match action {
            Action::Help | Action::Cancel | Action::Suspend | Action::Repaint | Action::Close => true,
            _ if locked => false,
            Action::Undo | Action::Redo | Action::Symptoms => {
                self.commands.iter().any(|(known, _)| *known == action)
            }
            Action::Lock => self.can_lock(),
            Action::WriteAccess => return self.may_switch_writing_on(),
            Action::NextTab | Action::PreviousTab => self.tabs.len() > 1,
            _ => match tab_number(action) {
                Some(number) => self.tab_of(number).is_some(),
                None => EVERYWHERE.iter().any(|binding| binding.action == action),
            },
        };
        if ok { Ok(Whose::App) } else { Err(String::new()) }
    }

    /// Writing is switched on by a superuser, where nothing but our own tables is missing for it.
    fn may_switch_writing_on(&self) -> Result<Whose, String> {
        let is_known =
            self.commands.iter().any(|(known, _)| *known == Action::WriteAccess) && self.stack.is_empty();
        match self.jobs.portal().filter(|_| is_known).and_then(|portal| portal.read_only.as_ref()) {
            None => Err(String::new()),
            Some(why @ ReadOnly::Asked) => Err(why.to_string()),
            Some(ReadOnly::NoJournal) if self.level == Some(Level::Superuser) => Ok(Whose::App),
            Some(ReadOnly::NoJournal) => Err("Only a superuser may switch writing on.".to_owned()),
        }
    }

    pub(super) fn do_everywhere(&mut self, action: Action) {
        let top = self.top_id();
        match action {
            Action::Help => {
                let help = Help::new(self.top().map(Screen::title).unwrap_or_default(), self.help_lines());
                self.apply(top, vec![Effect::Push(Box::new(help))]);
            }
            Action::Palette => {
                let palette = Palette::new(self.help_lines());
                self.apply(top, vec![Effect::Push(Box::new(palette))]);
            }
            Action::Close => self.escape(),
            Action::Back if self.stack.is_empty() => self.ask_to_quit(),
            Action::Back => self.ask_to_close(),
            Action::Reload => self.with_top(|screen, cx| screen.changed(cx)),
            Action::NextTab => self.ask_for_tab((self.tab + 1) % self.tabs.len().max(1)),
            Action::PreviousTab => {
                self.ask_for_tab(self.tab.checked_sub(1).unwrap_or(self.tabs.len().saturating_sub(1)));
            }
            Action::Lock => self.lock_up(),
            Action::Repaint => self.host.push(HostEffect::Repaint),
            Action::Suspend => self.host.push(HostEffect::Suspend),
            Action::Mouse => {
                self.mouse = !self.mouse;
                self.host.push(HostEffect::Mouse(self.mouse));
                self.say(Toast::done(if self.mouse { "The mouse is on" } else { "The mouse is off" }));
            }
            Action::Cancel => self.cancel_or_quit(),
            other => match tab_number(other) {
                Some(number) => {
                    if let Some(at) = self.tab_of(number) {
                        self.ask_for_tab(at);
                    }
                }
                None => self.run_command(other),
            },
        }
    }

    pub(super) fn run_command(&mut self, action: Action) {
        let mut cx = Cx::new(self.size);
        if let Some((_, command)) = self.commands.iter().find(|(known, _)| *known == action) {
            command(&mut cx);
        }
        self.apply(self.top_id(), cx.take());
    }

    /// `Esc`: the error, the work of the screen on top, something of the screen's own, the screen, in this order.
    pub(super) fn escape(&mut self) {
        if self.toast.as_ref().is_some_and(|(toast, _)| !toast.fades()) {
            self.toast = None;
            return;
        }
        let stopped = self.jobs.cancel_visible(Instant::now(), Some(self.top_id()));
        if !stopped.is_empty() {
            self.tell_stopped(stopped);
            return;
        }
        let mut used = false;
        self.with_top(|screen, cx| used = screen.escape(cx));
        if !used && self.top().is_some_and(|top| top.layer() != Layer::Lock) {
            self.ask_to_close();
        }
    }

    /// `Ctrl-C`: stops the reads that can be seen; where there are none, quits.
    pub(super) fn cancel_or_quit(&mut self) {
        let stopped = self.jobs.cancel_visible(Instant::now(), None);
        if stopped.is_empty() {
            self.ask_to_quit();
        } else {
            self.tell_stopped(stopped);
        }
    }

    /// Tells the screens whose reads were stopped, so that they no longer wait, and the person.
    pub(super) fn tell_stopped(&mut self, stopped: Vec<(ScreenId, Reply)>) {
        let words: Vec<String> = stopped
            .iter()
            .filter_map(|(_, reply)| reply.untaken_error().map(|error| error.message.clone()))
            .collect();
        for (screen, mut reply) in stopped {
            self.with(screen, |screen, cx| screen.reply(&mut reply, cx));
        }
        // Whatever a screen makes of it: to have been stopped is no error that must be dismissed.
        self.toast = Some((Toast::refused(words.join(" ")), Instant::now()));
    }

    pub(super) fn ask_to_close(&mut self) {
        let Some(top) = self.stack.last() else { return };
        let id = top.id;
        let effect = match top.screen.is_dirty() {
            None => Effect::Close,
            Some(what) => {
                let question = format!("Close without saving {what}?");
                Effect::Push(Box::new(Confirm::new("Not saved", question, "close", Cx::close)))
            }
        };
        self.apply(id, vec![effect]);
    }

    pub(super) fn ask_to_quit(&mut self) {
        let unsaved: Vec<String> =
            self.stack.iter().chain(&self.tabs).filter_map(|open| open.screen.is_dirty()).collect();
        if unsaved.is_empty() || self.is_locked() {
            self.quit();
        } else {
            let question = format!("Quit without saving {}?", unsaved.join(", "));
            let confirm = Confirm::new("Not saved", question, "quit", |cx| cx.ask(Effect::Quit));
            self.apply(self.top_id(), vec![Effect::Push(Box::new(confirm))]);
        }
    }

    pub(super) fn quit(&mut self) {
        self.quitting = true;
        let writes: Vec<&str> = self.jobs.writes().collect();
        if !writes.is_empty() {
            let message = format!("Finishing before the end: {}", writes.join(", "));
            self.say(Toast::done(message));
        }
    }

    pub(super) fn ask_for_tab(&mut self, at: usize) {
        if let Some(what) = self.stack.iter().find_map(|open| open.screen.is_dirty()) {
            self.say(Toast::refused(format!("Not saved: {what}. Esc closes it first.")));
        } else if self.stack.last().is_some_and(|open| open.screen.layer() != Layer::Full) {
            self.say(Toast::refused("Close this first: Esc"));
        } else {
            self.show_tab(at);
        }
    }

    /// Every binding of the screen on top and of everywhere, with whether it works now.
    pub(super) fn help_lines(&self) -> Vec<HelpLine> {
        let tables = self.top().map(Screen::keys).unwrap_or_default();
        let mut lines: Vec<HelpLine> = Vec::new();
        for binding in tables.iter().copied().flatten().chain(EVERYWHERE) {
            let works = self.may(binding.action);
            let is_unknown = works.as_ref().is_err_and(String::is_empty);
            if is_unknown || lines.iter().any(|line| line.binding.action == binding.action) {
                continue;
            }
            let keys = self.keymap.keys(binding).iter().map(ToString::to_string).collect();
            lines.push(HelpLine { binding, keys, why_not: works.err() });
        }
        lines
    }
}

/// Who does an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Screen,
    App,
}

/// The number on the key of a tab.
fn tab_number(action: Action) -> Option<usize> {
    [Action::Tab1, Action::Tab2, Action::Tab3, Action::Tab4, Action::Tab5, Action::Tab6]
        .iter()
        .position(|tab| *tab == action)
        .map(|at| at + 1)
}
