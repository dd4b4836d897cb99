//! What the tab makes of replies and keys, and what it looks like.

use std::time::Duration;

use chrono::TimeDelta;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

use super::*;
use crate::directory::moment::Month;
use crate::directory::stats::{Part, SignIn};
use crate::error::Error;
use crate::integrity::{self as checks, Class, Finding, Found, Subject};
use crate::portal::access::{ActorFacts, Level};

const NOW: i64 = 1_760_000_000;

fn clock() -> Clock {
    Clock::stopped(|| DateTime::from_timestamp(NOW, 0).expect("a time"))
}

fn sitting(level: Level) -> Sitting {
    let actor =
        ActorFacts { id: 1, username: "amir".to_owned(), active: true, superuser: false, level: Some(level) };
    Sitting { actor: Some(actor), ..Sitting::default() }
}

fn counts(users: i64) -> Counts {
    Counts { users, profiles: 147, groups: 3, roles: 3, departments: 5, ..Counts::default() }
}

fn departments() -> Departments {
    let part = |(id, (name, users)): (i64, (&str, i64))| Part { id, name: name.to_owned(), users };
    let parts = [("Human Resources", 12), ("IT", 61), ("Legal", 1), ("Sales\u{1b}[2J", 40), ("日本支社", 20)];
    Departments { parts: (1..).zip(parts).map(part).collect(), without: 14 }
}

fn access() -> Vec<Access> {
    let role = |role, groups: &[&str], users| Access {
        role,
        groups: groups.iter().map(|name| (*name).to_owned()).collect(),
        users,
    };
    vec![
        role(Some(Level::Superuser), &[], 2),
        role(Some(Level::Admin), &["Admin"], 4),
        role(Some(Level::AmcAdmin), &["AMC Admin"], 9),
        role(Some(Level::Engineer), &["Engineer"], 130),
        role(None, &[], 3),
    ]
}

fn months(never: i64) -> Months {
    let mut months = Vec::new();
    let mut next = Month::of(clock().now());
    while let Some(month) = next.filter(|_| months.len() < months::SHOWN) {
        next = month.previous();
        let users = i64::try_from(months.len()).unwrap_or(0) * 7 % 11;
        months.push((month, users));
    }
    Months { months, before: 40, after: 0, never }
}

fn report() -> Report {
    let finding = |(id, count): (&str, i64)| {
        let check = checks::check(id).expect("a check");
        let subjects = (1..=count).map(Subject::of).collect();
        Finding { check, found: Found::each(check.about(), Class::Automatic, subjects).expect("some") }
    };
    Report {
        findings: [("PRF-001", 2), ("PRF-002", 1), ("GRP-003", 12)].into_iter().map(finding).collect(),
        accepted: Vec::new(),
        skipped: Vec::new(),
        checked: Vec::new(),
        users: 148,
        elapsed: Duration::from_millis(210),
        at: clock().now() - TimeDelta::minutes(3),
    }
}

struct Tab {
    screen: Overview,
    board: SharedBoard,
    cx: Cx,
}

impl Tab {
    /// As somebody of this role opens it.
    fn new(level: Level) -> Self {
        let board = SharedBoard::default();
        let screen = Overview::with_clock(board.clone(), clock());
        let mut tab = Self { screen, board, cx: Cx::new(Size::new(80, 24)) };
        tab.screen.opened(&mut tab.cx);
        assert_eq!(tab.effects(), "[Start(users.sitting: reading your rights)]");
        tab.reply(Reply::of(&SITTING, Ok(sitting(level))));
        tab
    }

    /// With all numbers.
    fn whole() -> Self {
        let mut tab = Self::new(Level::Admin);
        tab.reply(Reply::of(&COUNTS, Ok(counts(148))));
        tab.reply(Reply::of(&BY_DEPARTMENT, Ok(departments())));
        tab.reply(Reply::of(&BY_ACCESS, Ok(access())));
        tab.reply(Reply::of(&SIGN_IN, Ok(SignIn { can: 139, cannot: 9 })));
        tab.reply(Reply::of(&JOINED, Ok(months(0))));
        tab.reply(Reply::of(&LOGINS, Ok(months(15))));
        tab.reply(Reply::of(&SCAN, Ok(report())));
        tab.shown(80, 24);
        tab
    }

    fn reply(&mut self, mut reply: Reply) -> String {
        self.screen.reply(&mut reply, &mut self.cx);
        self.effects()
    }

    fn act(&mut self, action: Action) -> String {
        self.screen.act(action, &mut self.cx);
        self.effects()
    }

    fn effects(&mut self) -> String {
        format!("{:?}", self.cx.take())
    }

    fn shown(&mut self, width: u16, height: u16) -> String {
        let mut terminal =
            Terminal::new(TestBackend::new(width, height)).expect("a test backend never fails");
        let theme = Theme { colours: false, ascii: false };
        terminal
            .draw(|frame| self.screen.draw(frame, frame.area(), &theme))
            .expect("a test backend never fails");
        let buffer = terminal.backend().buffer();
        let row = |row: &[ratatui::buffer::Cell]| {
            row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned()
        };
        buffer.content.chunks(usize::from(width)).map(row).collect::<Vec<_>>().join("\n")
    }
}

const READS: &str = "[Start(overview.counts: counting accounts), \
    Start(overview.departments: counting departments), Start(overview.access: counting roles), \
    Start(overview.sign-in: counting who can sign in), Start(overview.joined: counting sign-ups), Start(overview.logins: counting logins)]";

#[test]
fn every_chart_is_a_read_of_its_own_for_those_who_may_see_them() {
    let mut tab = Tab::new(Level::Engineer);
    assert_eq!(tab.effects(), "[]");
    assert!(tab.shown(80, 24).contains("This needs the role AMC Admin or above."));
    assert!(tab.screen.enabled(Action::Open).is_err());
    assert_eq!(tab.reply(Reply::of(&SITTING, Ok(sitting(Level::AmcAdmin)))), READS);
    assert!(tab.screen.enabled(Action::SwitchPane).is_ok());
    tab.screen.changed(&mut tab.cx);
    assert_eq!(tab.effects(), "[Start(users.sitting: reading your rights)]");
}

#[test]
fn a_large_portal_is_not_scanned_by_itself() {
    let mut tab = Tab::new(Level::Admin);
    assert_eq!(tab.reply(Reply::of(&COUNTS, Ok(counts(SMALL + 1)))), "[]");
    tab.screen.focus = FINDINGS;
    assert!(tab.shown(80, 24).contains("Not looked for: above 10 000 accounts"));
    assert!(tab.screen.enabled(Action::Open).is_ok());
    assert_eq!(tab.act(Action::Open), "[Act(app.tab-4)]");
    // Then somebody scans there.
    tab.board.change().replace(report());
    let shown = tab.shown(80, 24);
    assert!(shown.contains("10 001 users · 147 profiles, not 1:1 · 2 errors, 1 warning"), "{shown}");
    assert_eq!(tab.act(Action::Open), "[Act(app.tab-4)]");
    assert_eq!(
        tab.reply(Reply::of(&COUNTS, Ok(counts(SMALL)))),
        "[Start(overview.scan: looking for findings)]"
    );
}

#[test]
fn the_cursor_walks_from_chart_to_chart() {
    let mut tab = Tab::whole();
    assert_eq!(tab.screen.status(), "1 of 6");
    assert_eq!(tab.act(Action::Open), "[Push(Users)]");
    for _ in 0..5 {
        tab.act(Action::Down);
    }
    assert_eq!(tab.screen.status(), "6 of 6");
    tab.act(Action::Down);
    assert_eq!(tab.screen.status(), "1 of 5");
    tab.act(Action::Up);
    assert_eq!(tab.screen.status(), "6 of 6");
    tab.act(Action::First);
    tab.act(Action::Up);
    assert_eq!(tab.screen.status(), "1 of 6");
    for _ in 0..5 {
        tab.act(Action::SwitchPane);
    }
    assert_eq!(tab.screen.status(), "1 of 4");
    assert_eq!(tab.act(Action::Open), "[Act(app.tab-4), Act(integrity.scan)]");
    tab.act(Action::SwitchPane);
    assert_eq!(tab.screen.status(), "1 of 6");
}

#[test]
fn what_was_stopped_keeps_its_old_numbers_and_says_so() {
    let mut tab = Tab::whole();
    let stopped = Error::new(Kind::Interrupted, "Stopped counting departments.");
    assert_eq!(tab.reply(Reply::of(&BY_DEPARTMENT, Err(stopped))), "[]");
    let shown = tab.shown(80, 24);
    assert!(shown.contains("Users per department (stopped)") && shown.contains("IT"), "{shown}");
    let mut tab = Tab::new(Level::Admin);
    let failed = Error::unreachable("The database does not answer.");
    assert_eq!(
        tab.reply(Reply::of(&BY_DEPARTMENT, Err(failed))),
        "[Toast(\"The database does not answer.\")]"
    );
    assert!(tab.shown(80, 24).contains("The database does not answer. r reads again."));
    assert!(tab.screen.enabled(Action::Open).is_err());
}

#[test]
fn at_the_usual_size_one_chart_is_whole() {
    let mut tab = Tab::whole();
    insta::assert_snapshot!("80x21 departments", tab.shown(80, 21));
    for _ in 0..4 {
        tab.act(Action::SwitchPane);
    }
    tab.act(Action::Last);
    insta::assert_snapshot!("80x21 logins", tab.shown(80, 21));
}

#[test]
fn a_wide_terminal_shows_all_charts() {
    insta::assert_snapshot!("120x37", Tab::whole().shown(120, 37));
}

#[test]
fn a_very_small_terminal_shows_one_chart() {
    insta::assert_snapshot!("40x7", Tab::whole().shown(40, 7));
}

#[test]
fn it_is_drawn_in_any_size() {
    let mut tab = Tab::whole();
    for (width, height) in (1..130).step_by(3).flat_map(|width| (1..40).map(move |height| (width, height))) {
        tab.shown(width, height);
        tab.act(Action::SwitchPane);
    }
}
