//! Keys, work and the end, through the real loop.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::stream;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

use super::toy::{Broken, Probe, SAVE, SLOW, Toy, chord, feed, press, refused, setup, shown, start, tabs};
use crate::error::Kind;
use crate::tui::app::{App, HostEffect, IdleLock};
use crate::tui::cx::Cx;
use crate::tui::event_loop::{EventLoop, Exit, Host, HostEvent, from_stream};
use crate::tui::input::{Arrival, Input, Key, code, ctrl, ctrl_code, key};
use crate::tui::jobs::{Jobs, Reply, ScreenId, Start};
use crate::tui::screen::Screen;
use crate::tui::screens::confirm::Confirm;
use crate::tui::screens::message::Message;
use crate::tui::widgets::toast::Toast;

fn now(c: char) -> Arrival {
    Arrival::now(Input::Key(chord(c)))
}

fn toast(app: &App) -> String {
    app.toast().map(|toast| toast.text().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn ten_thousand_keys_are_all_heard_and_drawn_in_few_frames() {
    let probe = Probe::default();
    let mut running = start(setup(vec![Box::new(Toy::new("Users", 50_000, &probe))]), 80, 24);
    feed(&mut running, vec![Input::Key(key('j')); 10_000]).await;
    assert!(shown(&running).contains("10 001 of"), "{}", shown(&running));
    assert!(probe.draws.load(Ordering::SeqCst) < 1_000);
}

#[tokio::test]
async fn a_paste_is_one_insertion_into_a_field_and_nothing_elsewhere() {
    let probe = Probe::default();
    let mut running = start(setup(tabs(&probe)), 80, 24);
    let paste = || vec![Input::Paste("q\rD\ry\r".repeat(1 << 18))];
    assert_eq!(feed(&mut running, paste()).await, Exit::InputEnded);
    assert_eq!(running.app.titles(), ["Users"]);
    press(&mut running, "/").await;
    let before = probe.draws.load(Ordering::SeqCst);
    feed(&mut running, paste()).await;
    assert!(shown(&running).contains("4 096 typed"), "{}", shown(&running));
    assert_eq!(probe.draws.load(Ordering::SeqCst), before + 1);
}

#[tokio::test]
async fn when_idle_there_is_no_timer_and_no_frame() {
    let probe = Probe::default();
    let mut running = start(setup(tabs(&probe)), 80, 24);
    press(&mut running, "jj").await;
    assert!(*running.idle().borrow());
    assert_eq!(running.app.next_tick(Instant::now()), None);
    let before = probe.draws.load(Ordering::SeqCst);
    press(&mut running, "").await;
    assert_eq!(probe.draws.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn a_key_that_is_not_allowed_says_why() {
    let mut running = start(setup(tabs(&Probe::default())), 80, 24);
    press(&mut running, "e").await;
    assert_eq!(toast(&running.app), "Only an Admin may edit users.");
}

#[tokio::test]
async fn keys_from_before_the_first_frame_confirm_nothing() {
    let probe = Probe::default();
    let mut app = App::new(setup(tabs(&probe)), Size::new(80, 24));
    app.drawn(Instant::now());
    let early = now('y');
    app.update(&now('D'));
    app.update(&now('y'));
    assert_eq!(app.titles(), ["Users", "Delete user1"]);
    app.drawn(Instant::now());
    app.update(&early);
    assert_eq!(app.titles().len(), 2, "it was read before the frame, although it is handled after it");
    app.update(&now('y'));
    assert_eq!(app.titles(), ["Users"]);
    assert_eq!(app.jobs().writes().collect::<Vec<_>>(), ["saving"]);
}

#[tokio::test]
async fn a_write_answers_to_the_screen_that_asked_for_the_review_and_everybody_reads_again() {
    let probe = Probe::default();
    let mut running = start(setup(tabs(&probe)), 80, 24);
    probe.gate.open();
    press(&mut running, "D").await;
    press(&mut running, "y").await;
    assert_eq!(toast(&running.app), "Deleted 3 rows · u undoes");
    assert_eq!(probe.changes.load(Ordering::SeqCst), 1);
    press(&mut running, "2").await;
    assert_eq!(probe.changes.load(Ordering::SeqCst), 1, "it was never opened before: nothing to read again");
    press(&mut running, "1").await;
    assert_eq!(running.app.titles(), ["Users"]);
}

#[tokio::test]
async fn a_second_write_is_refused_while_the_first_runs() {
    let probe = Probe::default();
    let mut app = App::new(setup(tabs(&probe)), Size::new(80, 24));
    for _ in 0..2 {
        app.update(&now('D'));
        app.drawn(Instant::now());
        app.update(&now('y'));
    }
    assert_eq!(toast(&app), "Not started (saving): still saving.");
    assert_eq!(app.jobs().writes().count(), 1);
}

#[tokio::test]
async fn quitting_waits_for_a_write_and_reports_it() {
    let probe = Probe::default();
    let mut running = start(setup(tabs(&probe)), 80, 24);
    let gate = probe.gate.clone();
    running.app.update(&now('D'));
    running.app.drawn(Instant::now());
    running.app.update(&now('y'));
    running.app.update(&now('q'));
    assert_eq!(toast(&running.app), "Finishing before the end: saving");
    gate.open();
    assert_eq!(press(&mut running, "").await, Exit::Quit);
    assert!(running.app.jobs().is_idle());
}

#[tokio::test]
async fn a_newer_read_replaces_the_older_and_stops_it_on_the_server() {
    let probe = Probe::default();
    let mut running = start(setup(tabs(&probe)), 80, 24);
    running.app.update(&now('R'));
    let first = loop {
        if let Some(cancel) = probe.cancel.lock().expect("no panic holds it").take() {
            break cancel;
        }
        tokio::task::yield_now().await;
    };
    assert!(!first.is_requested());
    running.app.update(&now('R'));
    assert!(first.is_requested());
    probe.gate.open();
    probe.gate.open();
    press(&mut running, "").await;
    assert_eq!(toast(&running.app), "answer 1");
}

#[tokio::test]
async fn control_c_stops_the_reads_that_are_seen_first_and_quits_then() {
    let probe = Probe::default();
    let mut running = start(setup(tabs(&probe)), 80, 24);
    press(&mut running, "").await;
    let stop = || vec![Input::Key(ctrl('c'))];
    running.app.update(&now('R'));
    let top = running.app.top_id();
    while running.app.jobs().working(Instant::now(), top).is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(feed(&mut running, stop()).await, Exit::InputEnded);
    assert_eq!(toast(&running.app), "Stopped scanning.");
    assert!(running.app.jobs().is_idle());
    assert_eq!(feed(&mut running, stop()).await, Exit::Quit);
}

#[tokio::test]
async fn escape_closes_the_error_then_the_filter_then_the_marks_and_never_the_tab() {
    let mut running = start(setup(tabs(&Probe::default())), 80, 24);
    press(&mut running, " /x").await;
    running.app.say(Toast::error(&refused::<()>().expect_err("refused")));
    press(&mut running, "⎋").await;
    assert_eq!(toast(&running.app), "");
    assert!(running.app.top().is_some_and(Screen::takes_text));
    press(&mut running, "⎋").await;
    assert!(shown(&running).contains('●'));
    press(&mut running, "⎋⎋⎋").await;
    assert!(!shown(&running).contains('●'));
    assert_eq!(running.app.titles(), ["Users"]);
}

#[tokio::test]
async fn what_is_not_saved_asks_first() {
    let mut running = start(setup(tabs(&Probe::default())), 80, 24);
    press(&mut running, "nq").await;
    assert_eq!(running.app.titles(), ["Users", "Not saved"]);
    assert_eq!(press(&mut running, "⏎⎋").await, Exit::InputEnded);
    press(&mut running, "q").await;
    assert_eq!(press(&mut running, "y").await, Exit::Quit);
}

#[tokio::test]
async fn tabs_are_reached_by_number_and_by_arrow_and_read_again_what_changed_meanwhile() {
    let probe = Probe::default();
    let mut running = start(setup(tabs(&probe)), 80, 24);
    press(&mut running, "2").await;
    assert_eq!(running.app.titles(), ["Integrity"]);
    feed(&mut running, vec![Input::Key(ctrl_code(Key::Right))]).await;
    assert_eq!(running.app.titles(), ["Users"]);
    press(&mut running, "3").await;
    assert_eq!((running.app.titles(), toast(&running.app)), (vec!["Users".to_owned()], String::new()));
    probe.gate.open();
    press(&mut running, "D").await;
    press(&mut running, "y").await;
    let changes = probe.changes.load(Ordering::SeqCst);
    press(&mut running, "2").await;
    assert_eq!(probe.changes.load(Ordering::SeqCst), changes + 1);
}

#[tokio::test]
async fn the_palette_does_what_the_key_would() {
    let mut running = start(setup(tabs(&Probe::default())), 80, 24);
    press(&mut running, ":last⏎").await;
    assert!(shown(&running).contains("▸  user1203"), "{}", shown(&running));
    assert_eq!(running.app.titles(), ["Users"]);
}

#[tokio::test]
async fn the_idle_lock_hides_everything_and_is_not_closed() {
    struct Locked(Message);
    impl Screen for Locked {
        fn title(&self) -> String {
            self.0.title()
        }
        fn keys(&self) -> &'static [&'static [crate::tui::Binding]] {
            &[]
        }
        fn act(&mut self, _: crate::tui::Action, _: &mut Cx) {}
        fn draw(
            &mut self,
            frame: &mut ratatui::Frame<'_>,
            area: ratatui::layout::Rect,
            theme: &crate::tui::Theme,
        ) {
            self.0.draw(frame, area, theme);
        }
        fn layer(&self) -> crate::tui::Layer {
            crate::tui::Layer::Lock
        }
    }
    let mut setup = setup(tabs(&Probe::default()));
    let after = Duration::from_mins(10);
    let screen = |_: &str| Box::new(Locked(Message::new("Locked", "Who is there?"))) as Box<dyn Screen>;
    setup.lock = Some(IdleLock { after: Some(after), end_after: None, screen: Box::new(screen) });
    let mut running = start(setup, 80, 24);
    press(&mut running, "").await;
    running.app.tick(Instant::now());
    assert_eq!(running.app.titles(), ["Users"]);
    running.app.tick(Instant::now() + after);
    running.app.tick(Instant::now() + after * 2);
    press(&mut running, "⎋q2u").await;
    assert_eq!(running.app.titles(), ["Users", "Locked"]);
    assert!(!shown(&running).contains("user1") && shown(&running).contains("Who is there?"));
}

/// A lock with nothing but a help above it.
struct Closed;

impl Screen for Closed {
    fn title(&self) -> String {
        "Closed".to_owned()
    }
    fn keys(&self) -> &'static [&'static [crate::tui::Binding]] {
        &[]
    }
    fn act(&mut self, _: crate::tui::Action, _: &mut Cx) {}
    fn draw(&mut self, _: &mut ratatui::Frame<'_>, _: ratatui::layout::Rect, _: &crate::tui::Theme) {}
    fn layer(&self) -> crate::tui::Layer {
        crate::tui::Layer::Lock
    }
}

#[tokio::test]
async fn nothing_gets_above_a_lock_or_past_it() {
    let probe = Probe::default();
    let gate = probe.gate.clone();
    let mut running = start(setup(tabs(&probe)), 80, 24);
    running.app.commands = vec![(crate::tui::Action::Undo, Box::new(|cx| cx.push(Message::new("Undo", ""))))];
    press(&mut running, "D").await;
    running.app.update(&now('y'));
    let below = running.app.top_id();
    running.app.apply(below, vec![crate::tui::Effect::Push(Box::new(Closed))]);
    // What a screen below the lock asks for when its work is done stays below, and cannot take the lock away.
    gate.open();
    press(&mut running, "").await;
    running.app.apply(below, vec![crate::tui::Effect::Push(Box::new(Message::new("Late", "")))]);
    running
        .app
        .apply(below, vec![crate::tui::Effect::Tab(1), crate::tui::Effect::Act(crate::tui::Action::Undo)]);
    assert_eq!(running.app.titles().last().map(String::as_str), Some("Closed"));
    // A help may lie above it, and from there no key leads further.
    press(&mut running, "?:u2").await;
    assert_eq!(running.app.titles().last().map(String::as_str), Some("Keys: Closed"));
    press(&mut running, "q").await;
    assert_eq!(running.app.titles().last().map(String::as_str), Some("Closed"));
    assert!(!shown(&running).contains("user1"));
}

#[tokio::test]
async fn a_panic_of_a_job_is_an_error_and_of_the_screen_the_end() {
    let mut running = start(setup(vec![Box::new(Broken { in_draw: false })]), 80, 24);
    assert_eq!(press(&mut running, "n").await, Exit::InputEnded);
    assert!(toast(&running.app).contains("in the background"));
    let Exit::Failed(error) = press(&mut running, "/").await else { panic!("update panicked") };
    assert_eq!(error.kind, Kind::Bug);
    let mut running = start(setup(vec![Box::new(Broken { in_draw: true })]), 80, 24);
    assert_eq!(press(&mut running, "").await.code(), Kind::Bug.exit_code());
}

#[tokio::test]
async fn what_only_a_terminal_can_do_goes_to_its_host() {
    let mut running = start(setup(tabs(&Probe::default())), 80, 24);
    feed(&mut running, vec![Input::Key(key('m')), Input::Key(ctrl('z'))]).await;
    assert_eq!(running.host.asked, [HostEffect::Mouse(true), HostEffect::Suspend]);
    feed(&mut running, vec![Input::Wheel(1)]).await;
    assert!(shown(&running).contains("4 of"), "{}", shown(&running));
}

/// A host that hears a signal as soon as it listens.
struct Signalled;

impl Host for Signalled {
    fn apply(&mut self, _effect: &HostEffect) -> Result<(), String> {
        Ok(())
    }

    async fn event(&mut self) -> HostEvent {
        HostEvent::End(143)
    }
}

#[tokio::test]
async fn a_signal_lets_a_write_finish() {
    let probe = Probe::default();
    let mut app = App::new(setup(tabs(&probe)), Size::new(80, 24));
    app.update(&now('D'));
    app.drawn(Instant::now());
    app.update(&now('y'));
    assert_eq!(app.jobs().writes().count(), 1);
    let terminal = Terminal::new(TestBackend::new(80, 24)).expect("a test backend never fails");
    let mut running = EventLoop::new(app, terminal, Signalled);
    probe.gate.open();
    assert_eq!(running.run(&mut from_stream(stream::pending())).await.code(), 143);
    assert!(running.app.jobs().is_idle());
}

#[tokio::test]
async fn the_result_of_a_write_whose_screen_is_gone_is_reported() {
    let probe = Probe::default();
    let mut setup = setup(tabs(&probe));
    setup.first = Some(Box::new(Toy::new("Record", 3, &probe)));
    let mut running = start(setup, 80, 24);
    press(&mut running, "D").await;
    running.app.update(&now('y'));
    running.app.update(&now('q'));
    assert_eq!(running.app.titles(), ["Users"]);
    probe.gate.open();
    press(&mut running, "").await;
    assert_eq!(toast(&running.app), "Saved 3 rows");
}

#[tokio::test]
async fn what_went_well_does_not_push_an_error_aside() {
    let mut running = start(setup(tabs(&Probe::default())), 80, 24);
    running.app.say(Toast::error(&refused::<()>().expect_err("refused")));
    running.app.say(Toast::done("Saved"));
    assert!(toast(&running.app).starts_with("Nothing was written"));
    press(&mut running, "⎋").await;
    running.app.say(Toast::done("Saved"));
    assert_eq!(toast(&running.app), "Saved");
}

#[tokio::test]
async fn slots_tell_their_results_apart() {
    let mut reply = Reply::of(&SLOW, Ok(7));
    assert!(SAVE.take(&mut reply).is_none());
    assert_eq!(SLOW.take(&mut reply), Some(Ok(7)));
    assert_eq!(SLOW.take(&mut reply), None);
}

#[tokio::test]
async fn work_is_shown_when_it_is_old_enough_and_counts() {
    let mut jobs = Jobs::new(None);
    let (sender, mut started) = tokio::sync::mpsc::channel(1);
    let before = Instant::now();
    let slow = Start::alone(&SLOW, "scanning".to_owned(), move |task| async move {
        task.progress(20, 100);
        let _ = sender.send(()).await;
        std::future::pending().await
    });
    jobs.start(slow, ScreenId(1)).expect("a read is never refused");
    started.recv().await;
    assert!(jobs.working(before, ScreenId(1)).is_none());
    let now = Instant::now();
    let working = jobs.working(now + Duration::from_secs(2), ScreenId(1)).expect("it is old");
    let under_a_dialog = jobs.working(now + Duration::from_secs(2), ScreenId(2)).expect("it is old");
    assert!(!under_a_dialog.can_stop);
    assert_eq!(
        (working.label.as_str(), working.counted, working.can_stop),
        ("scanning", Some((20, 100)), true)
    );
    let next = jobs.next_change(now + Duration::from_secs(2)).expect("the picture changes");
    assert!(next > now + Duration::from_secs(2) && next < now + Duration::from_secs(3));
    jobs.forget(ScreenId(1));
    assert!(jobs.is_idle() && jobs.next_change(now).is_none());
}

#[tokio::test]
async fn work_that_waits_for_a_rest_is_done_for_the_last_wish_only() {
    let mut jobs = Jobs::new(None);
    let done = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let before = Instant::now();
    for wish in 0..20 {
        let done = std::sync::Arc::clone(&done);
        let start = Start::alone(&SLOW, "reading".to_owned(), move |_| async move {
            done.fetch_add(1, Ordering::SeqCst);
            Ok(wish)
        });
        jobs.start(start.after(Duration::from_millis(5)), ScreenId(1)).expect("a read is never refused");
    }
    assert!(!jobs.has_young_read(before, Duration::from_secs(1)), "no frame waits for what has not begun");
    let mut answers = Vec::new();
    for _ in 0..20 {
        let finished = jobs.next().await;
        answers.extend(jobs.accept(finished).and_then(|mut accepted| SLOW.take(&mut accepted.reply)));
    }
    assert_eq!((answers, done.load(Ordering::SeqCst)), (vec![Ok(19)], 1));
    assert!(jobs.is_idle());
}

#[tokio::test]
async fn work_without_a_portal_is_refused_by_name() {
    let mut jobs = Jobs::new(None);
    let start = Start::with_portal(&SLOW, "reading".to_owned(), |_, _| async move { Ok(1) });
    jobs.start(start, ScreenId(1)).expect("a read is never refused");
    let finished = jobs.next().await;
    let mut accepted = jobs.accept(finished).expect("it is the newest");
    assert_eq!(SLOW.take(&mut accepted.reply).and_then(Result::err).map(|error| error.kind), Some(Kind::Bug));
}

#[test]
fn a_question_is_not_answered_by_enter() {
    let confirm = Confirm::new("Delete", "Really?", "delete", |_| {});
    let keys = crate::tui::Keymap::default();
    assert!(keys.find(code(Key::Enter), confirm.keys()).is_none());
    assert!(confirm.guarded());
}
