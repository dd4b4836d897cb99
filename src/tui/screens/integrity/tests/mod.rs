//! What the tab makes of replies, and what it looks like.

use std::time::Duration;

use chrono::DateTime;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

use super::*;
use crate::error::Error;
use crate::integrity::{CHECKS, Found, Skipped, Subject};
use crate::portal::access::{ActorFacts, Level};
use crate::tui::cx::Effect;

const NOW: i64 = 1_760_000_000;

fn clock() -> Clock {
    Clock::stopped(|| DateTime::from_timestamp(NOW, 0).expect("a time"))
}

fn finding(id: &str, class: Class, count: i64) -> Finding {
    let check = integrity::check(id).expect("a check");
    let subjects = (1..=count).map(Subject::of).collect();
    Finding { check, found: Found::each(check.about(), class, subjects).expect("some") }
}

fn report(findings: Vec<Finding>) -> Report {
    Report {
        findings,
        accepted: Vec::new(),
        skipped: Vec::new(),
        checked: CHECKS.iter().map(|check| check.about().id).take(6).collect(),
        users: 148,
        elapsed: Duration::from_millis(210),
        at: DateTime::from_timestamp(NOW - 180, 0).expect("a time"),
    }
}

fn some() -> Report {
    report(vec![
        finding("PRF-001", Class::Automatic, 2),
        finding("PRF-002", Class::Choose, 1),
        finding("GRP-003", Class::Automatic, 12),
    ])
}

/// A tab whose scan has found this.
struct Tab {
    tab: Integrity,
    cx: Cx,
}

impl Tab {
    fn new() -> Self {
        Self { tab: Integrity::with_clock(clock()), cx: Cx::new(Size::new(80, 24)) }
    }

    fn of(report: Report) -> Self {
        let mut tab = Self::new();
        tab.reply(Reply::of(&SCAN, Ok(report)));
        tab
    }

    fn reply(&mut self, mut reply: Reply) -> String {
        self.tab.reply(&mut reply, &mut self.cx);
        self.effects()
    }

    fn act(&mut self, action: Action) -> String {
        self.tab.act(action, &mut self.cx);
        self.effects()
    }

    fn effects(&mut self) -> String {
        format!("{:?}", self.cx.take())
    }

    fn lines(&mut self) {
        let lines = vec![
            DiffLine::new(Sign::Heading, "cho"),
            DiffLine::added("profile  department —   notifications on"),
            DiffLine::new(Sign::Heading, "e\u{1b}[2Jvan"),
            DiffLine::added("profile  department —   notifications on"),
        ];
        self.reply(Reply::of(&LINES, Ok((FindingKey::Found("PRF-001", Class::Automatic), lines))));
    }

    fn shown(&mut self, width: u16, height: u16) -> String {
        let mut terminal =
            Terminal::new(TestBackend::new(width, height)).expect("a test backend never fails");
        let theme = Theme { colours: false, ascii: false };
        terminal
            .draw(|frame| self.tab.draw(frame, frame.area(), &theme))
            .expect("a test backend never fails");
        let buffer = terminal.backend().buffer();
        let row = |row: &[ratatui::buffer::Cell]| {
            row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned()
        };
        buffer.content.chunks(usize::from(width)).map(row).collect::<Vec<_>>().join("\n")
    }
}

fn sitting(level: Level) -> Sitting {
    let actor = ActorFacts {
        id: 1,
        username: "amir".to_owned(),
        active: true,
        superuser: level == Level::Superuser,
        level: Some(level),
    };
    Sitting { actor: Some(actor), ..Sitting::default() }
}

#[test]
fn a_small_portal_is_scanned_by_itself_and_a_large_one_when_asked() {
    let mut tab = Tab::new();
    tab.tab.opened(&mut tab.cx);
    assert_eq!(tab.effects(), "[Start(integrity.look: reading your rights)]");
    let looked = |users| Reply::of(&LOOK, Ok((sitting(Level::Admin), users)));
    assert_eq!(tab.reply(looked(SMALL)), "[Start(integrity.scan: scanning)]");
    let mut large = Tab::new();
    assert_eq!(large.reply(looked(SMALL + 1)), "[]");
    assert!(large.shown(80, 10).contains("R scans"), "{}", large.shown(80, 10));
    assert_eq!(large.act(Action::IntegrityScan), "[Start(integrity.scan: scanning)]");
}

#[test]
fn who_may_not_scan_is_told_why() {
    let mut tab = Tab::new();
    assert_eq!(tab.reply(Reply::of(&LOOK, Ok((sitting(Level::Engineer), 3)))), "[]");
    let why = tab.tab.enabled(Action::IntegrityScan).expect_err("an Engineer may not");
    assert!(tab.shown(80, 5).contains(&why), "{}", tab.shown(80, 5));
}

#[test]
fn a_read_only_portal_is_scanned_and_says_why_it_repairs_nothing() {
    let mut tab = Tab::of(some());
    let closed = Sitting { read_only: Some("It is read-only.".to_owned()), ..sitting(Level::Superuser) };
    assert_eq!(tab.reply(Reply::of(&LOOK, Ok((closed, 3)))), "[Start(integrity.scan: scanning)]");
    for action in [Action::IntegrityFix, Action::IntegrityFixKind, Action::Undo] {
        assert_eq!(tab.tab.enabled(action), Err("It is read-only.".to_owned()), "{action:?}");
    }
    assert!(tab.tab.enabled(Action::IntegrityPreview).is_ok());
    assert!(tab.shown(80, 20).contains("Not here: It is read-only."), "{}", tab.shown(80, 20));
}

#[test]
fn a_finding_that_needs_a_choice_is_decided_and_not_repaired_by_a_key() {
    let mut tab = Tab::of(some());
    tab.act(Action::Down);
    for action in [Action::IntegrityFix, Action::IntegrityPreview] {
        assert_eq!(tab.tab.enabled(action), Ok(()));
        assert_eq!(tab.act(action), "[Push(Decide PRF-002)]");
    }
    let why = tab.tab.enabled(Action::IntegrityFixKind).expect_err("someone must choose");
    assert!(why.contains("someone must choose"), "{why}");
    assert!(tab.shown(80, 20).contains("To be decided: "), "{}", tab.shown(80, 20));
}

#[test]
fn marks_are_repaired_together() {
    let mut tab = Tab::of(some());
    tab.act(Action::MarkAll);
    assert_eq!(tab.tab.order().map(|order| order.count()), Ok(14), "all but the one that needs a choice");
    assert_eq!(tab.tab.status(), "3 marked");
    assert_eq!(tab.act(Action::IntegrityFix), "[Start(integrity.review: planning the repair)]");
    assert!(tab.tab.escape(&mut tab.cx) && !tab.tab.escape(&mut tab.cx));
    assert_eq!(tab.tab.order().map(|order| order.count()), Ok(2), "the one under the cursor");
}

#[test]
fn what_was_found_stays_while_a_new_scan_runs_and_after_it_was_stopped() {
    let mut tab = Tab::of(some());
    tab.act(Action::IntegrityScan);
    assert!(tab.shown(80, 20).contains("scanning again") && tab.shown(80, 20).contains("GRP-003"));
    let stopped = Error::new(Kind::Interrupted, "Stopped scanning.");
    assert_eq!(tab.reply(Reply::of(&SCAN, Err(stopped))), "[]");
    assert!(tab.shown(80, 20).contains("stopped") && tab.shown(80, 20).contains("GRP-003"));
}

#[test]
fn the_badge_counts_what_is_wrong_and_says_how_old_that_is() {
    assert_eq!(Tab::new().tab.badge(), None);
    assert_eq!(Tab::of(some()).tab.badge().as_deref(), Some("▲3 3 min"));
    assert_eq!(Tab::of(report(Vec::new())).tab.badge().as_deref(), Some("ok 3 min"));
}

#[test]
fn rows_changed_elsewhere_make_a_large_portals_scan_old() {
    let mut tab = Tab::of(some());
    tab.tab.changed(&mut tab.cx);
    tab.effects();
    tab.reply(Reply::of(&LOOK, Ok((sitting(Level::Admin), SMALL + 1))));
    assert!(tab.shown(80, 20).contains("rows changed since 08:50"), "{}", tab.shown(80, 20));
}

#[test]
fn a_repair_takes_over_what_its_checks_find_now() {
    let mut tab = Tab::of(some());
    let outcome = crate::change::Outcome { rows: 2, ..crate::change::Outcome::default() };
    let after = Report { checked: vec!["PRF-001"], ..report(Vec::new()) };
    let repaired = repair::Repaired { ids: vec!["PRF-001"], outcome, touched: None, after: Ok(after) };
    let effects = tab.reply(Reply::of(&REPAIR, Ok(repaired)));
    assert!(effects.starts_with("[Toast(\"Repaired PRF-001: 2 rows · u undoes\")"), "{effects}");
    assert!(tab.tab.board.get().find(FindingKey::Found("PRF-001", Class::Automatic)).is_none());
    tab.tab.changed(&mut tab.cx);
    assert!(!tab.tab.board.get().stale, "it has looked by itself");
}

#[test]
fn escape_stops_a_repair_before_anything_else() {
    let mut tab = Tab::of(some());
    tab.act(Action::MarkAll);
    tab.tab.board.change().repairing = true;
    tab.effects();
    assert!(tab.tab.escape(&mut tab.cx));
    assert!(matches!(tab.cx.effects(), [Effect::Stop("integrity.repair"), Effect::Toast(_)]));
    assert!(!tab.tab.table.marks().is_empty());
}

#[test]
fn the_tab_in_a_usual_terminal() {
    let mut tab = Tab::of(some());
    tab.lines();
    insta::assert_snapshot!("tab_80x24", tab.shown(80, 20));
}

#[test]
fn the_tab_in_a_wide_terminal_with_skipped_checks() {
    let why = "table core_userprofile is missing".to_owned();
    let mut tab = Tab::of(Report { skipped: vec![Skipped { id: "PRF-003", why }], ..some() });
    tab.lines();
    insta::assert_snapshot!("tab_120x40", tab.shown(120, 36));
}

#[test]
fn the_tab_in_a_very_small_terminal() {
    insta::assert_snapshot!("tab_40x10", Tab::of(some()).shown(40, 6));
}

#[test]
fn a_clean_portal_says_so() {
    let shown = Tab::of(report(Vec::new())).shown(80, 4);
    assert!(shown.contains("clean") && shown.contains("Nothing found: 6 checks"), "{shown}");
}

#[test]
fn every_small_size_can_be_drawn() {
    let mut tab = Tab::of(some());
    tab.lines();
    for (width, height) in (1..=40).flat_map(|width| (1..=20).map(move |height| (width, height))) {
        tab.shown(width, height);
        Tab::new().shown(width, height);
    }
}
