use std::collections::BTreeSet;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

use super::*;
use crate::change::{Image, Plan, Tally, Value};
use crate::db::Cell as Column;
use crate::directory::bulk::Effects;
use crate::portal::access::ActorFacts;
use crate::tui::cx::Effect;
use crate::tui::input::{Input, key};
use crate::tui::screen::Screen;
use crate::tui::theme::Theme;

fn cx() -> Cx {
    Cx::new(Size::new(80, 24))
}

fn marked() -> Marked {
    Marked { selection: Selection::Ids(vec![2, 3]), words: "14 marked, 3 not in this view".to_owned() }
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

/// Deactivating so many of fourteen, of whom one is refused.
fn looked(users: usize) -> Looked {
    let mut first = Plan::new("Deactivate");
    let mut lines = Vec::new();
    for id in (2..).take(users) {
        let before = Image(vec![("id".into(), Column::Int(id)), ("is_active".into(), Column::Bool(true))]);
        first.update(
            "auth_user",
            Image::id(id),
            before,
            vec![("is_active", Value::Cell(Column::Bool(false)))],
        );
        lines.push(DiffLine::new(Sign::Heading, format!("user{id:02}")));
        lines.push(DiffLine::new(Sign::Changed, "active yes → no"));
    }
    let losers = ["user02", "user03", "user04", "user05", "user06"];
    let effects = Effects {
        lose_sign_in: users as u64,
        first_losers: losers.iter().take(users).map(|name| (*name).to_owned()).collect(),
        emptied: vec!["Sales".to_owned()],
        ..Effects::default()
    };
    let ahead = Ahead {
        change: Change::Deactivate,
        title: format!("Deactivate {users} users"),
        ids: (2..).take(users).collect(),
        asked: 14,
        already: 1,
        gone: 0,
        refused: vec![(
            "Deactivate root".to_owned(),
            Error::denied("Only a superuser may do this. Nothing was written."),
        )],
        rows: users as u64,
        effects,
        first,
        rehearsed: Some(format!("Rehearsed: {users} rows written and taken back.")),
    };
    Looked { ahead, marked: marked().words, lines }
}

fn ran(count: usize, stopped: bool, refused: &[&str]) -> Ran {
    let refused = refused.iter().map(|title| ((*title).to_owned(), Error::denied("Privileged."))).collect();
    let tally = vec![Tally { of: "users", count }];
    let run = (count > 0).then(|| "run".to_owned());
    let outcome = Outcome { run, refused, stopped, tally, ..Outcome::default() };
    Ran { title: "Deactivate 12 users".to_owned(), planned: 12, outcome, first: None }
}

fn pushed(cx: &mut Cx) -> Box<dyn Screen> {
    match cx.take().pop() {
        Some(Effect::Push(screen)) => screen,
        other => panic!("{other:?}"),
    }
}

fn drawn(screen: &mut dyn Screen, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    let theme = Theme { colours: false, ascii: false };
    terminal.draw(|frame| screen.draw(frame, frame.area(), &theme)).expect("a picture");
    terminal.backend().to_string()
}

#[test]
fn the_menu_offers_what_may_be_done_with_letters_that_never_change() {
    let letters = |action, level| -> String {
        entries(action, &sitting(level)).iter().map(|entry| entry.letter).collect()
    };
    assert_eq!(letters(Action::Menu, Level::Superuser), "odagrtnspx");
    assert_eq!(letters(Action::UsersCanLogIn, Level::Admin), "da");
    assert_eq!(letters(Action::UsersMemberships, Level::AmcAdmin), "gr");
    assert_eq!(letters(Action::UsersDelete, Level::Admin), "ox");
    assert!(!letters(Action::Menu, Level::Admin).contains('s'), "only a superuser gives staff");
    assert!(may(Action::Menu, true, &sitting(Level::Engineer)).is_err());
    assert!(
        may(Action::BulkDelete, false, &sitting(Level::Superuser))
            .expect_err("nobody")
            .contains("Nobody is marked")
    );
    let all: BTreeSet<char> = ENTRIES.iter().map(|entry| entry.letter).collect();
    assert_eq!(all.len(), ENTRIES.len());
}

#[test]
fn keys_of_one_user_are_about_the_marked_where_there_are_any() {
    for action in [Action::Menu, Action::UsersEdit, Action::UsersPassword, Action::UsersDelete] {
        assert!(is_about_marks(action, true) && !is_about_marks(action, false), "{action:?}");
    }
    assert!(is_about_marks(Action::BulkDelete, false), "it says that nobody is marked");
    assert!(!is_about_marks(Action::UsersNew, true) && !is_about_marks(Action::Undo, true));
}

#[test]
fn each_way_leads_to_what_it_needs_to_know() {
    let (bulk, mut cx) = (Bulk::default(), cx());
    for (action, wanted) in [
        (Action::BulkDeactivate, "[Start(bulk.ahead: looking what it would mean)]"),
        (Action::BulkAddGroup, "[Push(Add to which group)]"),
        (Action::BulkDepartment, "[Push(Into which department)]"),
        (Action::UsersPassword, "[Push(Generate passwords)]"),
        (Action::UsersCanLogIn, "[Push(14 marked, 3 not in this view)]"),
    ] {
        bulk.act(action, marked(), &sitting(Level::Superuser), &mut cx);
        assert_eq!(format!("{:?}", cx.take()), wanted);
    }
}

#[test]
fn the_review_says_first_what_it_means() {
    for (name, users, size) in
        [("review_80x22", 12, (80, 22)), ("review_120x38", 3, (120, 38)), ("review_40x10", 12, (40, 10))]
    {
        let (bulk, mut cx) = (Bulk::default(), cx());
        bulk.reply(&mut Reply::of(&AHEAD, Ok(looked(users))), &mut cx);
        insta::assert_snapshot!(name, drawn(pushed(&mut cx).as_mut(), size));
    }
}

#[test]
fn many_are_confirmed_by_their_number_and_one_first_by_a_one() {
    let (bulk, mut cx) = (Bulk::default(), cx());
    bulk.reply(&mut Reply::of(&AHEAD, Ok(looked(12))), &mut cx);
    let mut review = pushed(&mut cx);
    assert!(review.enabled(Action::Choose).is_err() && review.enabled(Action::Yes).is_err());
    review.input(&Input::Key(key('1')), &mut cx);
    assert!(review.enabled(Action::Choose).is_ok(), "one first");
    review.input(&Input::Key(key('2')), &mut cx);
    assert!(review.enabled(Action::Choose).is_ok(), "all twelve");
    review.input(&Input::Key(key('3')), &mut cx);
    assert!(review.enabled(Action::Choose).is_err());

    bulk.reply(&mut Reply::of(&AHEAD, Ok(looked(3))), &mut cx);
    let mut review = pushed(&mut cx);
    assert!(review.enabled(Action::Yes).is_ok() && review.enabled(Action::OneFirst).is_ok());
    review.act(Action::OneFirst, &mut cx);
    let Some(Effect::CloseThen(then)) = cx.take().pop() else { panic!("it closes and begins") };
    then(&mut cx);
    assert_eq!(format!("{:?}", cx.take()), "[Start(bulk.run: deactivate 3 users)]");
    assert!(bulk.stop(&mut cx), "while it goes on, Esc stops it");
    assert!(format!("{:?}", cx.take()).starts_with("[Stop(bulk.run)"));
    bulk.reply(&mut Reply::of(&RUN, Ok(ran(12, false, &[]))), &mut cx);
    assert!(!bulk.stop(&mut cx));
}

#[test]
fn after_the_first_the_rest_is_asked_about() {
    let (bulk, mut cx) = (Bulk::default(), cx());
    let whom = Whom { id: 2, username: "user02".to_owned(), is_active: false, target: None };
    let first = || Ran { first: Some(whom.clone()), ..ran(1, true, &[]) };
    bulk.reply(&mut Reply::of(&RUN, Ok(first())), &mut cx);
    let mut rest = pushed(&mut cx);
    insta::assert_snapshot!("rest", drawn(rest.as_mut(), (60, 6)));
    rest.act(Action::Open, &mut cx);
    assert_eq!(format!("{:?}", cx.take()), "[Push(user02)]");
    for (action, wanted) in [
        (Action::Yes, "[Start(bulk.run: deactivate 12 users)]"),
        (Action::No, "[Start(bulk.set-aside: leaving it at that)]"),
    ] {
        bulk.reply(&mut Reply::of(&RUN, Ok(first())), &mut cx);
        pushed(&mut cx).act(action, &mut cx);
        let Some(Effect::CloseThen(then)) = cx.take().pop() else { panic!("it closes and goes on") };
        then(&mut cx);
        assert_eq!(format!("{:?}", cx.take()), wanted);
    }
}

#[test]
fn what_was_done_is_said_with_who_was_left() {
    assert_eq!(ran(12, false, &[]).words(), "Deactivated 12 users · u undoes");
    assert_eq!(
        ran(5, true, &[]).words(),
        "Deactivated 12 users: 5 of 12; stopped, the rest can be done later · u undoes"
    );
    assert_eq!(
        ran(11, false, &["Deactivate root"]).words(),
        "Deactivated 12 users: 11 of 12; 1 refused. Deactivate root: Privileged."
    );
    assert_eq!(
        ran(0, false, &["Deactivate root"]).words(),
        "Nothing was written. 1 refused. Deactivate root: Privileged."
    );
}

#[test]
fn where_nothing_would_change_there_is_no_review() {
    let (bulk, mut cx) = (Bulk::default(), cx());
    let mut none = looked(0);
    bulk.reply(&mut Reply::of(&AHEAD, Ok(looked(0))), &mut cx);
    let told = format!("{:?}", cx.take());
    assert!(told.contains("Deactivate root: Only a superuser"), "{told}");
    none.ahead.refused.clear();
    bulk.reply(&mut Reply::of(&AHEAD, Ok(none)), &mut cx);
    assert_eq!(format!("{:?}", cx.take()), "[Toast(\"Nothing would change: they are so already.\")]");
}
