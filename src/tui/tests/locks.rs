//! What a lock hides, what goes on behind it, and when the program ends.

use std::time::{Duration, Instant};

use super::toy::{Probe, press, setup, shown, start, tabs};
use crate::tui::actions::Action;
use crate::tui::app::{IdleLock, Setup};
use crate::tui::cx::{Cx, Effect};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::screens::message::Message;
use crate::tui::theme::Theme;
use crate::tui::widgets::toast::Toast;

const LOCK_AFTER: Duration = Duration::from_mins(10);
const END_AFTER: Duration = Duration::from_hours(1);

/// A lock that `r` opens.
struct Lock;

const KEYS: &[Binding] = &[Binding::new(&[crate::tui::input::key('r')], Action::Choose, "unlock")];

impl Screen for Lock {
    fn title(&self) -> String {
        "Lock".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, _: Action, cx: &mut Cx) {
        cx.close();
    }

    fn draw(&mut self, _: &mut ratatui::Frame<'_>, _: ratatui::layout::Rect, _: &Theme) {}

    fn layer(&self) -> Layer {
        Layer::Lock
    }
}

fn with_lock(probe: &Probe) -> Setup {
    let screen = |_: &str| Box::new(Lock) as Box<dyn Screen>;
    let lock = IdleLock { after: Some(LOCK_AFTER), end_after: Some(END_AFTER), screen: Box::new(screen) };
    Setup { lock: Some(lock), ..setup(tabs(probe)) }
}

#[tokio::test]
async fn locked_screens_end_when_nobody_comes_back() {
    let mut running = start(with_lock(&Probe::default()), 80, 24);
    press(&mut running, "").await;
    let begun = Instant::now();
    running.app.tick(begun + LOCK_AFTER);
    assert_eq!(running.app.titles(), ["Users", "Lock"]);
    running.app.tick(begun + END_AFTER / 2);
    assert!(!running.app.is_quitting());
    // A key at the lock is somebody, even if it opens nothing.
    press(&mut running, "x").await;
    let due = running.app.next_tick(Instant::now()).expect("the end is near");
    assert!(due > begun + END_AFTER);
    running.app.tick(due);
    assert!(running.app.is_quitting());
}

#[tokio::test]
async fn work_goes_on_behind_a_lock_and_is_told_when_that_is_gone() {
    let probe = Probe::default();
    let gate = probe.gate.clone();
    let mut running = start(with_lock(&probe), 80, 24);
    press(&mut running, "D").await;
    running.app.update(&crate::tui::input::Arrival::now(crate::tui::Input::Key(crate::tui::key('y'))));
    let before = Instant::now();
    running.app.tick(before + LOCK_AFTER);
    gate.open();
    press(&mut running, "").await;
    let locked = shown(&running);
    assert!(running.app.titles().last().is_some_and(|title| title == "Lock"));
    assert!(running.app.toast().is_none() && !locked.contains("Deleted"), "{locked}");
    press(&mut running, "r").await;
    assert!(running.app.toast().is_some(), "{}", shown(&running));
}

#[tokio::test]
async fn messages_of_people_wait_behind_a_lock() {
    let mut running = start(with_lock(&Probe::default()), 80, 24);
    press(&mut running, "").await;
    running.app.say(Toast::done("Deactivated bela"));
    let below = running.app.top_id();
    running.app.lock_up();
    assert!(running.app.toast().is_none());
    running.app.apply(below, vec![Effect::Toast(Toast::refused("bela is gone"))]);
    press(&mut running, "").await;
    assert!(!shown(&running).contains("bela"), "{}", shown(&running));
    running.app.say(Toast::refused("No job control"));
    press(&mut running, "").await;
    assert!(shown(&running).contains("No job control"), "what is about nobody is told");
    press(&mut running, "r").await;
    assert!(shown(&running).contains("bela is gone"), "{}", shown(&running));
}

#[tokio::test]
async fn what_was_open_is_open_again_and_deaf_to_keys_typed_too_much() {
    struct Guarded;
    impl Screen for Guarded {
        fn title(&self) -> String {
            "Guarded".to_owned()
        }
        fn keys(&self) -> &'static [&'static [Binding]] {
            &[KEYS]
        }
        fn act(&mut self, _: Action, cx: &mut Cx) {
            cx.push(Message::new("Confirmed", ""));
        }
        fn draw(&mut self, _: &mut ratatui::Frame<'_>, _: ratatui::layout::Rect, _: &Theme) {}
        fn guarded(&self) -> bool {
            true
        }
    }
    let mut running = start(with_lock(&Probe::default()), 80, 24);
    let below = running.app.top_id();
    running.app.apply(below, vec![Effect::Push(Box::new(Guarded))]);
    press(&mut running, "").await;
    running.app.lock_up();
    press(&mut running, "").await;
    assert_eq!(running.app.titles(), ["Users", "Guarded", "Lock"]);
    // The second key comes before anybody can see what is below.
    press(&mut running, "rr").await;
    assert_eq!(running.app.titles(), ["Users", "Guarded"]);
    press(&mut running, "r").await;
    assert_eq!(running.app.titles(), ["Users", "Guarded", "Confirmed"]);
}

#[tokio::test]
async fn nobody_locks_screens_that_no_password_opens() {
    let mut running = start(with_lock(&Probe::default()), 80, 24);
    press(&mut running, "Z").await;
    assert_eq!(running.app.titles(), ["Users"]);
    assert!(!running.app.can_lock());
}
