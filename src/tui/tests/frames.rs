//! What the whole screen looks like, and that every size of it can be drawn.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

use super::toy::{Probe, feed, last_line, press, setup, shown, start, tabs};
use crate::tui::app::App;
use crate::tui::input::{Arrival, Input};

#[tokio::test]
async fn a_terminal_of_the_usual_size() {
    let mut running = start(setup(tabs(&Probe::default())), 80, 24);
    press(&mut running, "jj jj").await;
    insta::assert_snapshot!("80x24", shown(&running));
}

#[tokio::test]
async fn a_wide_terminal() {
    let mut setup = setup(tabs(&Probe::default()));
    setup.head.badges = vec!["READ-ONLY".to_owned()];
    let mut running = start(setup, 120, 40);
    press(&mut running, "?").await;
    insta::assert_snapshot!("120x40 help", shown(&running));
}

#[tokio::test]
async fn a_very_small_terminal() {
    let mut running = start(setup(tabs(&Probe::default())), 40, 10);
    press(&mut running, "G").await;
    insta::assert_snapshot!("40x10", shown(&running));
}

#[tokio::test]
async fn a_review() {
    let mut running = start(setup(tabs(&Probe::default())), 80, 12);
    press(&mut running, "D").await;
    insta::assert_snapshot!("review", shown(&running));
}

#[tokio::test]
async fn a_question_in_ascii() {
    let mut setup = setup(tabs(&Probe::default()));
    setup.theme.ascii = true;
    let mut running = start(setup, 60, 14);
    press(&mut running, "nq").await;
    insta::assert_snapshot!("question", shown(&running));
}

#[tokio::test]
async fn the_footer_shows_only_what_works_now() {
    let mut running = start(setup(tabs(&Probe::default())), 100, 24);
    press(&mut running, "").await;
    assert!(
        last_line(&running).starts_with(" ? help   / filter   n new   D delete"),
        "{}",
        last_line(&running)
    );
    press(&mut running, "/").await;
    assert!(last_line(&running).starts_with(" F1 help "), "{}", last_line(&running));
    assert!(!last_line(&running).contains("delete"), "{}", last_line(&running));
}

#[tokio::test]
async fn the_first_line_never_wraps_and_badges_go_last() {
    for width in 1..200 {
        let mut setup = setup(tabs(&Probe::default()));
        setup.head.badges = vec!["READ-ONLY".to_owned(), "UNVERIFIED TLS".to_owned()];
        let mut running = start(setup, width, 24);
        press(&mut running, "").await;
        let first = shown(&running).lines().next().map(str::to_owned).unwrap_or_default();
        assert!(
            width < 40 || (first.contains("READ-ONLY") && first.contains("Alpha Lab")),
            "{width}: {first}"
        );
        assert!(width < 80 || first.contains("[1] Users"), "{width}: {first}");
    }
}

#[tokio::test]
async fn every_small_size_can_be_drawn_with_anything_open() {
    for keys in ["", "/x", "?", ":", "D", "nq", "e"] {
        let probe = Probe::default();
        let mut app = App::new(setup(tabs(&probe)), Size::new(40, 20));
        for c in keys.chars() {
            app.update(&Arrival::now(Input::Key(super::toy::chord(c))));
        }
        for (width, height) in (1..=40).flat_map(|width| (1..=20).map(move |height| (width, height))) {
            let mut terminal =
                Terminal::new(TestBackend::new(width, height)).expect("a test backend never fails");
            terminal.draw(|frame| app.draw(frame)).expect("a test backend never fails");
        }
    }
}

#[tokio::test]
async fn a_terminal_without_cells_is_left_alone() {
    let probe = Probe::default();
    let mut running = start(setup(tabs(&probe)), 20, 5);
    running.terminal.backend_mut().resize(0, 0);
    feed(&mut running, vec![Input::Resize(0, 0)]).await;
    assert_eq!(probe.draws.load(std::sync::atomic::Ordering::SeqCst), 0);
    running.terminal.backend_mut().resize(30, 6);
    feed(&mut running, vec![Input::Resize(30, 6)]).await;
    assert!(shown(&running).contains("user1"));
}
