//! Deciding about findings whose repair can't be automatic: the questions, their sides, and what would be written.
//!
//! One subject after the other: once one is reviewed and written the next is offered, and `PgDn` leaves one for later.

mod asked;
mod view;

use std::collections::BTreeSet;
use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;

use self::asked::Asked;
use self::view::View;
use super::integrity::board::{FindingKey, SharedBoard};
use super::integrity::repair::may_repair;
use super::user_actions::{SITTING, Sitting};
use crate::change::Plan;
use crate::directory::{Portal, names};
use crate::error::{Error, Kind, Result};
use crate::integrity::{self, Answers, Check, Decision, Subject};
use crate::text;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code, ctrl, shift};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_diff;
use crate::tui::plan_review::{self, APPLY, Applied, Prepared};
use crate::tui::screen::Screen;
use crate::tui::theme::Theme;
use crate::tui::widgets::diff::{DiffLine, Sign};
use crate::tui::widgets::{grouped, wrap};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[ctrl('s'), code(Key::F(2))], Action::Review, "review"),
    Binding::new(&[code(Key::Right)], Action::IntegrityRight, "choose"),
    Binding::new(&[code(Key::Left)], Action::IntegrityLeft, "the side before").quiet(),
    Binding::new(&[code(Key::Down), code(Key::Tab), code(Key::Enter)], Action::NextField, "next question"),
    Binding::new(&[code(Key::Up), shift(Key::Tab)], Action::PreviousField, "question before").quiet(),
    Binding::new(&[code(Key::PageDown)], Action::PageDown, "skip this one"),
    Binding::new(&[code(Key::PageUp)], Action::PageUp, "the one before").quiet(),
];

const LOAD: Slot<(Subject, Option<Decision>)> = Slot::latest("decision.load");
const RESULT: Slot<Vec<DiffLine>> = Slot::latest("decision.result");
const PLAN: Slot<Prepared> = Slot::latest("decision.plan");

/// How long nothing is typed before the result is planned.
const REST: Duration = Duration::from_millis(150);

/// What the answers would do.
enum Outcome {
    /// Not every question is answered.
    Open,
    /// It is being planned.
    Planning,
    /// These rows.
    Lines(Vec<DiffLine>),
    /// It can't be done so.
    Refused(String),
}

/// The screen.
pub struct DecisionScreen {
    board: SharedBoard,
    key: FindingKey,
    check: &'static dyn Check,
    /// What there is to decide about, in the finding's order.
    subjects: Vec<Subject>,
    at: usize,
    settled: BTreeSet<Subject>,
    /// The way in which the next subject is looked for when this one has nothing to decide.
    forward: bool,
    title: String,
    asked: Vec<Asked>,
    /// What there is to decide has been read.
    loaded: bool,
    focus: usize,
    outcome: Outcome,
    sitting: Sitting,
}

impl DecisionScreen {
    /// Decides about these subjects of the finding of this name, the one at `at` first.
    #[must_use]
    pub fn new(
        board: SharedBoard,
        key: FindingKey,
        check: &'static dyn Check,
        subjects: Vec<Subject>,
        at: usize,
        sitting: Sitting,
    ) -> Self {
        Self {
            board,
            key,
            check,
            subjects,
            at,
            settled: BTreeSet::new(),
            forward: true,
            title: String::new(),
            asked: Vec::new(),
            loaded: false,
            focus: 0,
            outcome: Outcome::Open,
            sitting,
        }
    }

    fn subject(&self) -> Option<Subject> {
        self.subjects.get(self.at).copied()
    }

    fn load(&self, cx: &mut Cx) {
        let Some(subject) = self.subject() else { return cx.close() };
        let check = self.check;
        cx.start(&LOAD, "reading what there is to decide", move |portal| async move {
            Ok((subject, check.decision(&portal, subject).await?))
        });
    }

    fn loaded(&mut self, subject: Subject, decision: Option<Decision>, cx: &mut Cx) {
        if Some(subject) != self.subject() {
            return;
        }
        let Some(decision) = decision else {
            self.settled.insert(subject);
            return self.next(cx);
        };
        self.title = decision.title;
        let same = self.loaded
            && self.asked.len() == decision.questions.len()
            && self.asked.iter().zip(&decision.questions).all(|(asked, question)| asked.asks(question));
        if !same {
            self.focus = 0;
            self.asked = decision.questions.into_iter().map(Asked::new).collect();
            self.loaded = true;
        }
        self.show_result(Duration::ZERO, cx);
    }

    /// The next one that is still to be decided; without one it closes.
    fn next(&mut self, cx: &mut Cx) {
        let is_open = |at: &usize| self.subjects.get(*at).is_some_and(|it| !self.settled.contains(it));
        let (after, before) = (self.at + 1..self.subjects.len(), 0..self.at);
        let next = if self.forward {
            after.chain(before).find(is_open)
        } else {
            before.rev().chain(after.rev()).find(is_open)
        };
        self.asked.clear();
        self.loaded = false;
        if let Some(next) = next {
            self.at = next;
            return self.load(cx);
        }
        if self.title.is_empty() {
            let about = self.check.about();
            cx.refuse(format!("{}: nothing can be decided here. {}", about.id, about.choice));
        }
        cx.close();
    }

    /// Goes to another one, this one left for later.
    fn skip(&mut self, forward: bool, cx: &mut Cx) {
        self.forward = forward;
        if self.left() > 1 { self.next(cx) } else { cx.refuse("There is no other one to decide.") }
    }

    /// How many are still to be decided.
    fn left(&self) -> usize {
        self.subjects.len().saturating_sub(self.settled.len())
    }

    fn open(&self) -> usize {
        self.asked.iter().filter(|asked| !asked.is_decided()).count()
    }

    fn answers(&self) -> Answers {
        self.asked.iter().filter_map(|asked| Some((asked.name().to_owned(), asked.answer()?))).collect()
    }

    /// Plans what the answers would do, once nothing was typed for so long.
    fn show_result(&mut self, delay: Duration, cx: &mut Cx) {
        let Some(subject) = self.subject().filter(|_| self.loaded && self.open() == 0) else {
            cx.stop(&RESULT);
            self.outcome = Outcome::Open;
            return;
        };
        if !matches!(self.outcome, Outcome::Lines(_)) {
            self.outcome = Outcome::Planning;
        }
        let (check, answers) = (self.check, self.answers());
        cx.start_after(delay, &RESULT, "planning", move |portal| async move {
            let plans = integrity::decide(&portal, check, subject, &answers).await?;
            let names = names::read(&portal, &plans).await?;
            Ok(plan_diff::lines(&plans, &names))
        });
    }

    /// Says what is wrong where it is wrong; gives what belongs to no question.
    fn refused(&mut self, error: &Error) -> String {
        for (name, why) in &error.fields {
            if let Some(asked) = self.asked.iter_mut().find(|asked| asked.name() == name) {
                asked.refuse(why.join(" "));
            }
        }
        error.message.clone()
    }

    fn plan(&self, cx: &mut Cx) {
        let Some(subject) = self.subject() else { return };
        let (check, answers) = (self.check, self.answers());
        cx.start(
            &PLAN,
            "planning",
            move |portal| async move { prepare(&portal, check, subject, &answers).await },
        );
    }

    fn applied(&mut self, result: Result<Applied>, cx: &mut Cx) {
        let applied = match result {
            Ok(applied) => applied,
            Err(error) => return cx.fail(&error),
        };
        if let Some((_, error)) = applied.outcome.refused.first() {
            return cx.fail(&Error::new(error.kind, applied.words()));
        }
        if let Some(subject) = self.subject() {
            self.settled.insert(subject);
            self.board.change().settle(self.key, subject);
        }
        let left = match self.left() {
            0 => String::new(),
            left => format!(" · {} left to decide", grouped(left as u64)),
        };
        cx.done(applied.words() + &left);
        self.forward = true;
        self.next(cx);
    }

    fn result_lines(&self, width: u16) -> Vec<DiffLine> {
        let note = |words: &str| vec![DiffLine::new(Sign::Note, words)];
        let said = |sign: Sign, words: &str| -> Vec<DiffLine> {
            let wrapped = wrap(&text::safe_lines(words), usize::from(width.saturating_sub(4)));
            wrapped.into_iter().map(|line| DiffLine::new(sign, line)).collect()
        };
        match &self.outcome {
            _ if !self.loaded => Vec::new(),
            Outcome::Open => note("The result stands here once every question is answered."),
            Outcome::Planning => note("Planning the result."),
            Outcome::Lines(lines) if lines.is_empty() => note("Nothing would change."),
            Outcome::Lines(lines) => {
                let head = DiffLine::new(Sign::Heading, "The result, nothing written yet:");
                std::iter::once(head).chain(lines.iter().cloned()).collect()
            }
            Outcome::Refused(why) => said(Sign::Warning, why),
        }
    }
}

/// The plans that the answers ask for, with all that their review shows.
async fn prepare(
    portal: &Portal,
    check: &'static dyn Check,
    subject: Subject,
    answers: &Answers,
) -> Result<Prepared> {
    let mut plans: Vec<Plan> = integrity::decide(portal, check, subject, answers).await?;
    let mut prepared = if plans.len() > 1 {
        plan_review::prepare_together(portal, plans).await?
    } else {
        plan_review::prepare(portal, plans.pop().unwrap_or_default()).await?
    };
    if !prepared.is_empty() {
        let rehearsal = integrity::rehearse_first(portal, &prepared.plans, &[check]).await?;
        prepared.text.notes.extend(rehearsal.map(|rehearsal| text::safe(&rehearsal.words()).into_owned()));
    }
    Ok(prepared)
}

impl Screen for DecisionScreen {
    fn title(&self) -> String {
        format!("Decide {}", self.key.id())
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match action {
            Action::Review => may_repair(&self.sitting).and_then(|()| match self.open() {
                _ if !self.loaded => Err("What there is to decide is being read.".to_owned()),
                0 => Ok(()),
                1 => Err("One question is open.".to_owned()),
                open => Err(format!("{open} questions are open.")),
            }),
            Action::PageDown | Action::PageUp if self.left() < 2 => {
                Err("There is no other one to decide.".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.load(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        self.load(cx);
        self.sitting.ask(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::NextField => self.focus = (self.focus + 1).min(self.asked.len().saturating_sub(1)),
            Action::PreviousField => self.focus = self.focus.saturating_sub(1),
            Action::IntegrityLeft | Action::IntegrityRight => {
                let forward = action == Action::IntegrityRight;
                if self.asked.get_mut(self.focus).is_some_and(|asked| asked.turn(forward)) {
                    self.show_result(REST, cx);
                }
            }
            Action::PageDown => self.skip(true, cx),
            Action::PageUp => self.skip(false, cx),
            Action::Review => self.plan(cx),
            _ => {}
        }
    }

    fn takes_text(&self) -> bool {
        self.asked.get(self.focus).is_some_and(Asked::takes_text)
    }

    fn input(&mut self, input: &Input, cx: &mut Cx) -> bool {
        let used = self.asked.get_mut(self.focus).is_some_and(|asked| asked.input(input));
        if used {
            self.show_result(REST, cx);
        }
        used
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = LOAD.take(reply) {
            match result {
                Ok((subject, decision)) => self.loaded(subject, decision, cx),
                Err(error) if error.kind == Kind::Interrupted => {}
                Err(error) => cx.fail(&error),
            }
        } else if let Some(result) = RESULT.take(reply) {
            match result {
                Ok(lines) => self.outcome = Outcome::Lines(lines),
                Err(error) if error.kind == Kind::Interrupted => {}
                Err(error) => self.outcome = Outcome::Refused(self.refused(&error)),
            }
        } else if let Some(result) = PLAN.take(reply) {
            match result {
                Ok(prepared) if prepared.is_empty() => cx.refuse("Nothing would change."),
                Ok(prepared) => cx.push(prepared.review().offering_backup()),
                Err(error) if error.kind == Kind::Interrupted => {}
                Err(error) => {
                    self.outcome = Outcome::Refused(self.refused(&error));
                    cx.fail(&error);
                }
            }
        } else if let Some(result) = APPLY.take(reply) {
            self.applied(result, cx);
        } else if let Some(result) = SITTING.take(reply) {
            self.sitting = result.unwrap_or_default();
        }
    }

    fn status(&self) -> String {
        match self.open() {
            _ if !self.loaded => String::new(),
            0 => "all answered".to_owned(),
            open => format!("{open} open"),
        }
    }

    fn is_dirty(&self) -> Option<String> {
        match self.asked.iter().filter(|asked| asked.is_changed()).count() {
            0 => None,
            1 => Some("1 answer".to_owned()),
            changed => Some(format!("{changed} answers")),
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let about = self.check.about();
        let view = View {
            about: format!("{} {} {}", about.id, theme.dot(), about.title),
            place: match self.subjects.len() {
                1 => String::new(),
                of => format!("{} of {}", grouped(self.at as u64 + 1), grouped(of as u64)),
            },
            title: &self.title,
            asked: &self.asked,
            focus: self.focus,
            result: self.result_lines(area.width),
        };
        view.draw(frame, area, theme);
    }
}

#[cfg(test)]
mod tests;
