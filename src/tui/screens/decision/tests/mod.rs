//! What the screen asks for and what it looks like.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Size;

use super::*;
use crate::integrity::decision::{Choice, Question};
use crate::integrity::{self as checks, Class};
use crate::tui::input::key;

fn spelled(name: &str) -> Vec<String> {
    if name.is_empty() || name.contains(' ') {
        vec!["Letters, digits and @ . + - _ only.".to_owned()]
    } else {
        Vec::new()
    }
}

/// Two profiles of one user, and a name that has to be typed.
fn decision(id: i64) -> Decision {
    let choices = |first: &str, second: &str| {
        vec![
            Choice::new("17", format!("{first}, of profile #17, the oldest")),
            Choice::new("18", format!("{second}, of profile #18, saved last on 2026-11-19 08:12")),
        ]
    };
    let department =
        vec![Choice::new("17", "IT, of profile #17"), Choice::new("none", "none, of profile #18")];
    Decision {
        subject: Subject::of(id),
        title: format!("'bela{id}' has 2 profiles: which values stay?"),
        questions: vec![
            Question::new("phone_number", "Phone", choices("+1 555 0100", "+1 555 0199")),
            Question::new("department_id", "Department", department).proposing("17"),
            Question::new("username", "New username", Vec::new()).or_typed(spelled),
        ],
    }
}

struct Desk {
    screen: DecisionScreen,
    cx: Cx,
}

impl Desk {
    fn new(count: i64) -> Self {
        let check = checks::check("PRF-002").expect("a check");
        let subjects = (1..=count).map(Subject::of).collect();
        let key = FindingKey::Found("PRF-002", Class::Choose);
        let screen = DecisionScreen::new(SharedBoard::default(), key, check, subjects, 0, Sitting::default());
        Self { screen, cx: Cx::new(Size::new(80, 24)) }
    }

    fn loaded(count: i64) -> Self {
        let mut desk = Self::new(count);
        desk.reply(Reply::of(&LOAD, Ok((Subject::of(1), Some(decision(1))))));
        desk
    }

    fn reply(&mut self, mut reply: Reply) -> String {
        self.screen.reply(&mut reply, &mut self.cx);
        self.effects()
    }

    fn act(&mut self, action: Action) -> String {
        self.screen.act(action, &mut self.cx);
        self.effects()
    }

    fn types(&mut self, words: &str) -> String {
        for c in words.chars() {
            assert!(self.screen.input(&Input::Key(key(c)), &mut self.cx));
        }
        self.effects()
    }

    fn effects(&mut self) -> String {
        format!("{:?}", self.cx.take())
    }

    /// Answers everything.
    fn answered(count: i64) -> Self {
        let mut desk = Self::loaded(count);
        for action in [Action::IntegrityRight, Action::IntegrityRight, Action::NextField, Action::NextField] {
            desk.act(action);
        }
        desk.types("bela2");
        desk
    }

    fn with_result(mut self) -> Self {
        let lines = vec![
            DiffLine::removed("profile #18  phone +1 555 0199   notifications on"),
            DiffLine::changed("phone", "+1 555 0100", "+1 555 0199\u{1b}[2J"),
            DiffLine::changed("username", "bela1", "bela2"),
        ];
        self.reply(Reply::of(&RESULT, Ok(lines)));
        self
    }

    fn drawn(&mut self, width: u16, height: u16) -> String {
        let mut terminal =
            Terminal::new(TestBackend::new(width, height)).expect("a test backend never fails");
        let theme = Theme { colours: false, ascii: false };
        terminal
            .draw(|frame| self.screen.draw(frame, frame.area(), &theme))
            .expect("a test backend never fails");
        terminal.backend().to_string()
    }
}

#[test]
fn nothing_is_reviewed_before_everything_is_answered() {
    let mut desk = Desk::loaded(1);
    assert_eq!(desk.screen.status(), "2 open");
    assert_eq!(desk.screen.enabled(Action::Review), Err("2 questions are open.".to_owned()));
    assert_eq!(desk.act(Action::IntegrityRight), "[Stop(decision.result)]");
    assert_eq!(desk.screen.enabled(Action::Review), Err("One question is open.".to_owned()));
    desk.act(Action::NextField);
    desk.act(Action::NextField);
    assert!(desk.screen.takes_text());
    desk.types("be la");
    assert!(desk.screen.enabled(Action::Review).is_err(), "the rule is checked while typing");
    assert!(desk.drawn(80, 20).contains("✗ Letters, digits"), "{}", desk.drawn(80, 20));
    desk.screen.input(&Input::Key(ctrl('u')), &mut desk.cx);
    desk.effects();
    assert_eq!(desk.types("b"), "[Start(decision.result: planning)]", "the result is planned by itself");
    assert_eq!(desk.screen.enabled(Action::Review), Ok(()));
    assert_eq!(desk.act(Action::Review), "[Start(decision.plan: planning)]");
    assert_eq!(desk.screen.is_dirty().as_deref(), Some("2 answers"));
}

#[test]
fn what_is_written_is_followed_by_the_next_one() {
    let mut desk = Desk::answered(3);
    let outcome = crate::change::Outcome { operations: vec!["0f".to_owned()], rows: 2, ..Default::default() };
    let applied = || Applied { title: "PRF-002: Merge".to_owned(), outcome: outcome.clone() };
    let effects = desk.reply(Reply::of(&APPLY, Ok(applied())));
    assert_eq!(
        effects,
        "[Toast(\"PRF-002: Merge · u undoes · 2 left to decide\"), Start(decision.load: reading what there is to decide)]"
    );
    assert_eq!((desk.screen.at, desk.screen.is_dirty()), (1, None));
    // What was settled meanwhile leaves nothing to decide.
    assert!(desk.reply(Reply::of(&LOAD, Ok((Subject::of(2), None)))).contains("decision.load"));
    desk.reply(Reply::of(&LOAD, Ok((Subject::of(3), Some(decision(3))))));
    assert!(desk.reply(Reply::of(&APPLY, Ok(applied()))).ends_with("Close]"));
}

#[test]
fn one_is_left_for_later_and_comes_back_at_the_end() {
    let mut desk = Desk::loaded(3);
    desk.act(Action::PageDown);
    assert_eq!(desk.screen.at, 1);
    desk.act(Action::PageUp);
    assert_eq!(desk.screen.at, 0);
    desk.act(Action::PageUp);
    assert_eq!(desk.screen.at, 2, "the one before the first is the last");
    assert!(Desk::loaded(1).screen.enabled(Action::PageDown).is_err());
}

#[test]
fn a_refusal_stands_at_its_question_and_nothing_is_lost() {
    let mut desk = Desk::answered(1);
    let error = Error::invalid("It is taken; nothing was written.").and_field("username", "cho has it.");
    desk.reply(Reply::of(&RESULT, Err(error)));
    assert!(desk.drawn(80, 20).contains("✗ cho has it."), "{}", desk.drawn(80, 20));
    assert!(desk.screen.enabled(Action::Review).is_err());
    desk.types("x");
    assert!(desk.screen.enabled(Action::Review).is_ok());
}

#[test]
fn rows_that_changed_elsewhere_keep_answers_that_still_fit() {
    let mut desk = Desk::answered(1);
    desk.reply(Reply::of(&LOAD, Ok((Subject::of(1), Some(decision(1))))));
    assert_eq!(desk.screen.status(), "all answered");
    let mut other = decision(1);
    other.questions.remove(0);
    desk.reply(Reply::of(&LOAD, Ok((Subject::of(1), Some(other)))));
    assert_eq!(desk.screen.status(), "1 open");
}

#[test]
fn where_nothing_can_be_decided_it_says_so_and_closes() {
    let mut desk = Desk::new(1);
    let effects = desk.reply(Reply::of(&LOAD, Ok((Subject::of(1), None))));
    assert!(effects.contains("nothing can be decided here") && effects.ends_with("Close]"), "{effects}");
}

#[test]
fn a_decision_without_questions_is_only_reviewed() {
    let mut desk = Desk::new(1);
    let none = Decision { questions: Vec::new(), ..decision(1) };
    let effects = desk.reply(Reply::of(&LOAD, Ok((Subject::of(1), Some(none)))));
    assert_eq!(effects, "[Start(decision.result: planning)]");
    assert!(desk.screen.enabled(Action::Review).is_ok());
}

#[test]
fn it_shows_questions_and_result_in_three_sizes() {
    for (width, height) in [(80, 20), (120, 36), (40, 6)] {
        let mut desk = Desk::answered(3).with_result();
        insta::assert_snapshot!(format!("decision_{width}x{height}"), desk.drawn(width, height));
    }
}

#[test]
fn every_small_size_can_be_drawn() {
    for (width, height) in (1..=40).flat_map(|width| (1..=16).map(move |height| (width, height))) {
        Desk::answered(3).with_result().drawn(width, height);
        Desk::new(1).drawn(width, height);
    }
}
