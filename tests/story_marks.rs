//! The list of users as a tool: marks, whose meaning is the database's to say on every engine and which outlive sort and
//! filter; and columns of one's choice.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/program.rs"]
mod program;
#[macro_use]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use portaldesk::change::Actor;
use portaldesk::directory::extra::{self, Extra, Wanted};
use portaldesk::directory::filter;
use portaldesk::directory::selection::{self, Counted, Selection};
use portaldesk::directory::users::{Column, Query};
use portaldesk::directory::{Portal, Settings};
use portaldesk::tui::Screen;
use portaldesk::tui::screens::users::Users;
use program::{Program, clock, setup};
use ratatui::backend::TestBackend;
use support::{Made, Server, TestDb};

async fn portal(db: &TestDb) -> Portal {
    Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

async fn query(portal: &Portal, line: &str) -> Query {
    Query { filter: filter::read(portal, line).await.unwrap(), ..Query::default() }
}

fn counted(chosen: u64, hidden: u64) -> Counted {
    Counted { chosen, hidden }
}

stories! {
    /// Ids, filters and both together are counted and resolved as one set, also against what a list shows.
    async fn a_selection_is_one_set(db: TestDb) {
        let mut ids = Vec::new();
        for name in ["ada", "adam", "bela", "cho", "dana", "eva"] {
            ids.push(db.add_user(name).await);
        }
        let [ada, adam, bela, cho, dana, _] = ids[..] else { panic!("six") };
        let portal = portal(&db).await;
        let everyone = query(&portal, "").await;
        let named_ad = query(&portal, "ad").await;

        let one_by_one = Selection::Ids(vec![bela, cho, 9_999]);
        assert_eq!(one_by_one.count(&portal, &everyone).await.unwrap(), counted(2, 0), "whoever is gone is not counted");
        assert_eq!(one_by_one.count(&portal, &named_ad).await.unwrap(), counted(2, 2));

        let but_adam = Selection::Matching { query: named_ad.clone(), except: BTreeSet::from([adam]) };
        assert_eq!(but_adam.count(&portal, &everyone).await.unwrap(), counted(1, 0));
        assert_eq!(but_adam.ids(&portal).await.unwrap(), [ada]);

        let reversed = Query { sort: Column::Username, descending: true, ..everyone.clone() };
        let but_dana = Selection::Matching { query: reversed, except: BTreeSet::from([dana]) };
        assert_eq!(but_dana.count(&portal, &named_ad).await.unwrap(), counted(5, 3));

        let both = Selection::Any(vec![Selection::Ids(vec![ada, bela]), but_adam]);
        assert_eq!(both.count(&portal, &everyone).await.unwrap(), counted(2, 0), "nobody twice");
        assert_eq!(both.count(&portal, &named_ad).await.unwrap(), counted(2, 1));
        assert_eq!(both.ids(&portal).await.unwrap(), [ada, bela]);

        let rows = selection::matching(&portal, &named_ad, &[ada, adam, bela, 9_999]).await.unwrap();
        assert_eq!(rows, BTreeSet::from([ada, adam]));
        let there = selection::matching(&portal, &everyone, &[ada, 9_999]).await.unwrap();
        assert_eq!(there, BTreeSet::from([ada]));
    }

    /// What only some columns show is read of the oldest profile, and only what was asked for.
    async fn what_few_columns_show(db: TestDb) {
        let ada = db.add_user("ada").await;
        let bela = db.add_user("bela").await;
        db.run(&format!(
            "INSERT INTO core_userprofile (user_id, phone_number, main_portal_id, email_notifications, created_at, \
             updated_at) VALUES ({ada}, '+1 555 0100', 'A1', {}, '2025-01-01', '2025-01-01')",
            db.yes()
        ))
        .await;
        let portal = portal(&db).await;
        let whole = extra::read(&portal, &[ada, bela], Wanted { profile: true, password: true }).await.unwrap();
        let password = Some("unusable".to_owned());
        let of_ada = Extra {
            phone: Some("+1 555 0100".to_owned()),
            portal_id: Some("A1".to_owned()),
            notify: Some(true),
            password: password.clone(),
        };
        assert_eq!(whole, BTreeMap::from([(ada, of_ada), (bela, Extra { password, ..Extra::default() })]));
        let half = extra::read(&portal, &[bela], Wanted { profile: true, password: false }).await.unwrap();
        assert_eq!(half, BTreeMap::new());
    }
}

/// The Users tab over a portal of twelve people.
async fn open(db: &TestDb, width: u16, height: u16) -> Program<TestBackend> {
    for number in 1..=9 {
        db.add_user(&format!("user{number}")).await;
    }
    for name in ["ada", "bela", "cho"] {
        db.add_user(name).await;
    }
    db.run("UPDATE auth_user SET date_joined = '2024-03-02 12:00:00'").await;
    Program::open(setup(vec![Box::new(Users::new(clock()))], portal(db).await), (width, height)).await
}

fn status(program: &Program<TestBackend>) -> String {
    program.0.app.top().map(Screen::status).unwrap_or_default()
}

/// The users with a mark, as they are shown.
fn marked(program: &Program<TestBackend>) -> Vec<String> {
    let shown = program.shown();
    let lines = shown.lines().filter(|line| line.chars().nth(1) == Some('●'));
    lines
        .filter_map(|line| {
            Some(line.get(line.find('●')? + '●'.len_utf8()..)?.split_whitespace().next()?.to_owned())
        })
        .collect()
}

#[tokio::test]
async fn marks_outlive_filter_and_sort_and_go_with_the_second_escape() {
    let db = TestDb::new(Server::Sqlite, Made::Init).await;
    let mut program = open(&db, 80, 24).await;
    program.press("  ").await;
    assert_eq!(marked(&program), ["ada", "bela"]);
    program.press("/user⏎*").await;
    assert_eq!(status(&program), "11 marked, 2 not in this view");
    program.press("j ").await;
    insta::assert_snapshot!("marks_80x24", program.shown());
    program.press("⎋").await;
    assert_eq!(status(&program), "10 marked");
    assert_eq!(marked(&program).len(), 10);
    assert!(!marked(&program).contains(&"cho".to_owned()) && !marked(&program).contains(&"user2".to_owned()));
    program.press("S").await;
    assert_eq!(marked(&program).len(), 10, "the order changes nothing");
    // Somebody who comes later and matches is meant too; somebody who goes is not.
    db.add_user("user10").await;
    db.run("DELETE FROM auth_user WHERE username = 'ada'").await;
    program.press("r").await;
    assert!(marked(&program).contains(&"user10".to_owned()));
    assert!(status(&program).starts_with("10 marked"), "{}", status(&program));
    program.press("⎋").await;
    assert_eq!(program.toast(), "10 marked; Esc again takes the marks away.");
    program.press("j⎋").await;
    assert_eq!(marked(&program).len(), 10, "another key came between");
    program.press("⎋").await;
    assert_eq!(marked(&program), Vec::<String>::new());
    assert!(status(&program).ends_with("by username, reversed"), "{}", status(&program));
}

#[tokio::test]
async fn a_range_in_a_wide_terminal() {
    let db = TestDb::new(Server::Sqlite, Made::Init).await;
    let mut program = open(&db, 120, 40).await;
    program.press("jvjj").await;
    assert_eq!(marked(&program), ["bela", "cho", "user1"], "a range shows while it grows");
    program.press("⎋").await;
    assert_eq!(marked(&program), Vec::<String>::new());
    program.press("vkkv").await;
    insta::assert_snapshot!("marks_120x40", program.shown());
    assert_eq!(status(&program), "3 marked");
}

#[tokio::test]
async fn columns_of_ones_choice() {
    let db = TestDb::new(Server::Sqlite, Made::Init).await;
    let mut program = open(&db, 80, 24).await;
    db.run(
        "INSERT INTO core_userprofile (user_id, phone_number, main_portal_id, email_notifications, created_at, updated_at) \
         SELECT id, '+1 555 0100', 'P' || id, 1, '2025-01-01', '2025-01-01' FROM auth_user WHERE username < 'c'",
    )
    .await;
    program.press("c").await;
    assert_eq!(program.titles(), ["Users", "Columns"]);
    // Username, name, department, access, login, state; then e-mail, joined, phone, portal id, …
    program.press("j    jj  KKKKKKKK").await;
    insta::assert_snapshot!("columns_dialog_80x24", program.shown());
    program.press("⏎").await;
    insta::assert_snapshot!("columns_80x24", program.shown());
    program.press("cd⏎").await;
    assert!(program.shown().contains("DEPARTMENT  ACCESS"), "{}", program.shown());
}

#[tokio::test]
async fn every_column_in_a_wide_terminal() {
    let db = TestDb::new(Server::Sqlite, Made::Init).await;
    let mut program = open(&db, 120, 40).await;
    program.press("cjjjjjj         ⏎").await;
    insta::assert_snapshot!("columns_120x40", program.shown());
    program.press("c").await;
    insta::assert_snapshot!("columns_dialog_120x40", program.shown());
}
