//! From what someone wants repaired to its review, and from the `y` there to what was repaired.
//!
//! The review shows the plans of the first decisions. What is applied is planned again, a few hundred rows at a time, from
//! rows read then, so that memory doesn't grow and what is no longer a fault is left alone.

use super::board::{Board, FindingKey, SharedBoard, Touched};
use super::preview::Preview;
use crate::change::Outcome;
use crate::directory::Portal;
use crate::directory::filter::Filter;
use crate::directory::history::quoted;
use crate::directory::users::{self, Query};
use crate::error::{Error, Result};
use crate::integrity::{self, Class, Finding, Found, Report, Scope, Selection, Subject};
use crate::portal::access::{self, allowed};
use crate::text;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::jobs::{Reply, Slot, Task};
use crate::tui::plan_review::{self, Prepared};
use crate::tui::screens::review::{Confirmation, Review};
use crate::tui::screens::user_actions::Sitting;
use crate::tui::screens::users::Users;
use crate::tui::widgets::grouped;

/// Where repairs run: one at a time in the whole program.
pub const REPAIR: Slot<Repaired> = Slot::exclusive("integrity.repair").stoppable().reporting(Repaired::words);
const REVIEW: Slot<(Order, Prepared)> = Slot::latest("integrity.review");
const PREVIEW: Slot<Prepared> = Slot::latest("integrity.preview");

/// Of how many decisions a review and a preview show the plans.
const SHOWN: usize = 200;

/// What is to be repaired.
#[derive(Debug, Clone)]
pub struct Order {
    findings: Vec<Finding>,
    meant: Meant,
    /// The account alone that it is about, which is then looked at again.
    user: Option<i64>,
}

/// How much of the findings of an order is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meant {
    /// Everything of their kinds, more too if a repair brings it about.
    All,
    /// These decisions and no others.
    Listed,
}

/// What a repair did.
#[derive(Debug, Clone)]
pub struct Repaired {
    /// The checks whose findings were repaired.
    pub ids: Vec<&'static str>,
    /// What was written.
    pub outcome: Outcome,
    /// The users whose rows were written, where there are any.
    pub touched: Option<Touched>,
    /// What these checks find now.
    pub after: Result<Report>,
}

impl Order {
    /// Everything of these findings that needs no choice.
    pub fn all<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let is_automatic = |finding: &&Finding| finding.class() == Class::Automatic;
        let findings = findings.into_iter().filter(is_automatic).cloned().collect();
        Self { findings, meant: Meant::All, user: None }
    }

    /// The same, of which every part is about this account.
    #[must_use]
    pub fn of_user(self, user: Option<i64>) -> Self {
        Self { user, meant: Meant::Listed, ..self }
    }

    /// These decisions of a finding.
    #[must_use]
    pub fn some(finding: &Finding, subjects: Vec<Subject>) -> Self {
        let meant = if subjects.len() == finding.found.subjects.len() { Meant::All } else { Meant::Listed };
        let found = Found { count: subjects.len(), subjects, ..without_subjects(&finding.found) };
        Self { findings: vec![Finding { check: finding.check, found }], meant, user: None }
    }

    /// The first decisions of a finding.
    #[must_use]
    pub fn first(finding: &Finding, limit: usize) -> Self {
        Self::some(finding, finding.found.subjects.iter().take(limit).copied().collect())
    }

    /// How many decisions it takes.
    #[must_use]
    pub fn count(&self) -> usize {
        self.findings.iter().map(Finding::count).sum()
    }

    /// What a run of it is about.
    fn scope(&self) -> Scope {
        let scope = Scope::all(self.findings.iter().map(|finding| finding.check).collect());
        match self.meant {
            Meant::All => scope,
            Meant::Listed => self.findings.iter().fold(scope, |scope, finding| {
                scope.only(finding.id(), finding.found.subjects.iter().copied())
            }),
        }
    }

    /// The checks concerned.
    fn ids(&self) -> Vec<&'static str> {
        let mut ids: Vec<&'static str> = self.findings.iter().map(Finding::id).collect();
        ids.dedup();
        ids
    }

    /// `PRF-001: repair users without a profile`.
    #[must_use]
    pub fn title(&self) -> String {
        match self.findings.as_slice() {
            [only] => format!("{}: repair {}", only.id(), only.title()),
            _ => format!("Repair {}", self.ids().join(", ")),
        }
    }
}

/// The same without what takes room.
fn without_subjects(found: &Found) -> Found {
    Found { subjects: Vec::new(), note: found.note.clone(), ..*found }
}

/// Why this finding is not repaired by a key, and what to do instead.
///
/// # Errors
/// The sentences.
pub fn is_automatic(finding: &Finding) -> std::result::Result<(), String> {
    let about = finding.check.about();
    match finding.class() {
        Class::Automatic => Ok(()),
        Class::Choose => Err(format!("{}: someone must choose. {}", about.id, about.choice)),
        Class::Manual => Err(format!("{}: this is not repaired here. {}", about.id, about.remedy)),
    }
}

/// Why what was accepted is not repaired by a key.
#[must_use]
pub fn was_accepted(key: FindingKey) -> String {
    format!("{} was accepted; b takes that back first.", key.id())
}

/// Whether the person signed in may look for findings.
///
/// # Errors
/// Why not, as a sentence.
pub fn may_scan(sitting: &Sitting) -> std::result::Result<(), String> {
    sitting.actor.as_ref().map_or(Ok(()), |actor| allowed(actor, &access::Action::Scan))
}

/// Whether the person signed in may repair here.
///
/// # Errors
/// Why not, as a sentence.
pub fn may_repair(sitting: &Sitting) -> std::result::Result<(), String> {
    if let Some(why) = &sitting.read_only {
        return Err(why.clone());
    }
    sitting.actor.as_ref().map_or(Ok(()), |actor| allowed(actor, &access::Action::Repair))
}

/// Plans the repair; [`reply`] opens its review.
pub fn ask(order: Order, cx: &mut Cx) {
    cx.start(&REVIEW, "planning the repair", move |portal| async move {
        let prepared = rehearsed(&portal, &order).await?;
        Ok((order, prepared))
    });
}

/// Plans the repair; [`reply`] shows what it would do and offers nothing.
pub fn preview(order: Order, cx: &mut Cx) {
    cx.start(&PREVIEW, "planning the repair", move |portal| async move { rehearsed(&portal, &order).await });
}

/// Takes the reply to [`ask`] and [`preview`]; says whether it was one.
pub fn reply(reply: &mut Reply, board: &SharedBoard, cx: &mut Cx) -> bool {
    let outcome = if let Some(result) = REVIEW.take(reply) {
        result.map(|(order, prepared)| open_review(order, prepared, board.clone(), cx))
    } else if let Some(result) = PREVIEW.take(reply) {
        result.map(|prepared| open_preview(prepared, cx))
    } else {
        return false;
    };
    if let Err(error) = outcome {
        cx.fail(&error);
    }
    true
}

/// Asks a repair to stop, for `Esc`; says whether one runs. What is written by then stands.
pub fn stop(board: &SharedBoard, cx: &mut Cx) -> bool {
    let running = board.get().repairing;
    if running {
        cx.stop(&REPAIR);
        cx.refuse("Stopping after the rows under way; what is repaired stays.");
    }
    running
}

/// Takes over what a repair found out, and says what it did.
pub fn finished(result: Result<Repaired>, board: &mut Board, cx: &mut Cx) {
    board.repairing = false;
    let repaired = match result {
        Ok(repaired) => repaired,
        Err(error) => {
            board.stale = true;
            return cx.fail(&error);
        }
    };
    let words = repaired.words() + &repaired.touched.as_ref().map_or_else(String::new, offer);
    match repaired.outcome.refused.first() {
        Some((_, error)) => cx.fail(&Error::new(error.kind, words)),
        None => cx.done(words),
    }
    board.touched = repaired.touched;
    match repaired.after {
        Ok(report) => board.merge(report),
        Err(error) => {
            board.stale = true;
            cx.fail(&error);
        }
    }
}

/// ` · o opens these 300 users`.
fn offer(touched: &Touched) -> String {
    let whom = match touched.users {
        1 => "this user".to_owned(),
        users => format!("these {} users", grouped(users)),
    };
    format!(" · o opens {whom}")
}

/// Whether there are users of the last repair to open.
///
/// # Errors
/// Why not, as a sentence.
pub fn may_open_touched(board: &Board) -> std::result::Result<(), String> {
    match board.touched {
        Some(_) => Ok(()),
        None => Err("Nothing was repaired here that wrote rows of a user.".to_owned()),
    }
}

/// Opens the users whose rows the last repair has written.
pub fn open_touched(board: &Board, clock: Clock, cx: &mut Cx) {
    if let Some(touched) = &board.touched {
        cx.push(Users::with_filter(clock, &format!("op:{}", quoted(&touched.operation))));
    }
}

/// The plans of the first decisions, with all that their review shows.
///
/// # Errors
/// What the engine says; a conflict, when something else has to be repaired first.
pub async fn prepare(portal: &Portal, order: &Order, limit: usize) -> Result<Prepared> {
    let plans = integrity::preview(portal, &order.findings, &Selection::All, limit).await?;
    let title = match plans.as_slice() {
        // The plan of a single decision names what it is about.
        [only] if order.count() == 1 => only.title.clone(),
        _ => order.title(),
    };
    let mut prepared = plan_review::prepare_all(portal, title, plans).await?;
    let more = order.count().saturating_sub(limit);
    if more > 0 {
        prepared.text.notes.push(format!(
            "And {} more of this kind. Each part is planned from the rows as they are when its turn comes; what is no \
             longer a fault is left alone.",
            grouped(more as u64)
        ));
        prepared.text.confirm = Confirmation::Typed(order.count().to_string());
    }
    Ok(prepared)
}

/// The same, and what came of trying the first plan.
async fn rehearsed(portal: &Portal, order: &Order) -> Result<Prepared> {
    let mut prepared = prepare(portal, order, SHOWN).await?;
    let checks: Vec<_> = order.findings.iter().map(|finding| finding.check).collect();
    let rehearsal = integrity::rehearse_first(portal, &prepared.plans, &checks).await?;
    prepared.text.notes.extend(rehearsal.map(|rehearsal| text::safe(&rehearsal.words()).into_owned()));
    Ok(prepared)
}

fn open_review(order: Order, prepared: Prepared, board: SharedBoard, cx: &mut Cx) {
    if prepared.is_empty() {
        return cx.refuse("There is nothing left to repair; R scans again.");
    }
    // A table that is altered is harder to take back than rows.
    let alters = prepared.plans.iter().flat_map(|plan| &plan.steps).any(|step| !step.writes_a_row());
    let review = Review::new(prepared.text, move |cx| {
        board.change().repairing = true;
        let label = format!("repairing {}", order.ids().join(", "));
        cx.start_task(&REPAIR, label, move |portal, task| async move { run(&portal, &task, &order).await });
    });
    cx.push(if alters { review.offering_backup() } else { review });
}

fn open_preview(prepared: Prepared, cx: &mut Cx) {
    if prepared.is_empty() {
        cx.refuse("There is nothing left to repair; R scans again.");
    } else {
        cx.push(Preview::new(prepared.text));
    }
}

/// Repairs, and looks again at the checks concerned.
async fn run(portal: &Portal, task: &Task, order: &Order) -> Result<Repaired> {
    let (watch, found) = (plan_review::watch(task), order.findings.clone());
    let outcome = integrity::repair_as_one(portal, &order.title(), order.scope(), found, &watch).await?;
    let ids = order.ids();
    let only: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let portal = portal.uncancelled();
    let (touched, after) = match order.user {
        Some(user) => (None, integrity::of_user(&portal, user).await),
        None => (touched(&portal, &outcome).await?, integrity::scan(&portal, &only, None).await),
    };
    Ok(Repaired { ids, outcome, touched, after })
}

/// The users whose rows were written.
async fn touched(portal: &Portal, outcome: &Outcome) -> Result<Option<Touched>> {
    let Some(operation) = outcome.operation() else { return Ok(None) };
    let query = Query { filter: Filter::operation(operation), ..Query::default() };
    let users = u64::try_from(users::count(portal, &query).await?).unwrap_or(0);
    Ok((users > 0).then(|| Touched { operation: operation.to_owned(), users }))
}

impl Repaired {
    /// What was done and how to take it back: `Repaired PRF-001: 2 rows · u undoes`.
    #[must_use]
    pub fn words(&self) -> String {
        let refused = self.outcome.refused.first().map(|(title, error)| {
            format!(" {} refused. {title}: {error}", grouped(self.outcome.refused.len() as u64))
        });
        if self.outcome.rows == 0 {
            let none = "Nothing was repaired; nothing was written.".to_owned();
            return none + &refused.unwrap_or_default();
        }
        let rows = if self.outcome.rows == 1 { "row" } else { "rows" };
        let stopped = if self.outcome.stopped { "; stopped before its end" } else { "" };
        let done =
            format!("Repaired {}: {} {rows}{stopped}", self.ids.join(", "), grouped(self.outcome.rows));
        match refused {
            Some(refused) => format!("{done};{refused}"),
            None => format!("{done} · u undoes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::portal::access::{ActorFacts, Level};

    fn finding(class: Class, count: i64) -> Finding {
        let check = integrity::check("PRF-002").expect("a check");
        let subjects = (1..=count).map(Subject::of).collect();
        Finding { check, found: Found::each(check.about(), class, subjects).expect("some") }
    }

    fn repaired(rows: u64) -> Repaired {
        let outcome = Outcome { rows, ..Outcome::default() };
        Repaired { ids: vec!["PRF-001"], outcome, touched: None, after: Err(Error::conflict("not scanned")) }
    }

    #[test]
    fn an_order_holds_only_what_needs_no_choice() {
        let (safe, choose) = (finding(Class::Automatic, 3), finding(Class::Choose, 5));
        let order = Order::all([&safe, &choose]);
        assert_eq!(order.count(), 3);
        assert_eq!(order.title(), "PRF-002: repair user has several profiles");
        let some = Order::some(&safe, vec![Subject::of(2)]);
        assert_eq!(
            (some.count(), some.findings[0].found.subjects.as_slice()),
            (1, [Subject::of(2)].as_slice())
        );
        assert_eq!(Order::first(&safe, 2).count(), 2);
    }

    #[test]
    fn a_finding_that_needs_a_choice_says_which() {
        let words = is_automatic(&finding(Class::Choose, 1)).expect_err("someone must choose");
        assert!(words.contains("which value stays"), "{words}");
        assert!(is_automatic(&finding(Class::Manual, 1)).is_err());
        assert!(is_automatic(&finding(Class::Automatic, 1)).is_ok());
    }

    #[test]
    fn rights_and_a_read_only_portal_stop_the_repair_and_not_the_scan() {
        let of = |level| {
            let actor = ActorFacts {
                id: 1,
                username: "amir".to_owned(),
                active: true,
                superuser: false,
                level: Some(level),
            };
            Sitting { actor: Some(actor), ..Sitting::default() }
        };
        assert!(may_scan(&of(Level::Engineer)).is_err());
        assert!(may_scan(&of(Level::AmcAdmin)).is_ok() && may_repair(&of(Level::AmcAdmin)).is_err());
        let mut admin = of(Level::Admin);
        assert!(may_repair(&admin).is_ok());
        admin.read_only = Some("It is read-only.".to_owned());
        assert_eq!(may_repair(&admin), Err("It is read-only.".to_owned()));
        assert!(may_scan(&admin).is_ok());
    }

    #[test]
    fn what_was_repaired_is_said_with_the_way_back() {
        assert_eq!(repaired(1).words(), "Repaired PRF-001: 1 row · u undoes");
        assert_eq!(repaired(0).words(), "Nothing was repaired; nothing was written.");
        let mut partly = repaired(2);
        partly.outcome.refused.push(("Give cho a profile".to_owned(), Error::denied("Privileged.")));
        assert_eq!(partly.words(), "Repaired PRF-001: 2 rows; 1 refused. Give cho a profile: Privileged.");
    }

    #[test]
    fn the_users_of_the_last_repair_are_offered() {
        let (mut cx, mut board) = (Cx::new(Size::new(80, 24)), Board::default());
        assert!(may_open_touched(&board).is_err());
        let touched = Some(Touched { operation: "0f".to_owned(), users: 1_204 });
        finished(Ok(Repaired { touched, ..repaired(1_204) }), &mut board, &mut cx);
        assert!(format!("{:?}", cx.take()).contains("u undoes · o opens these 1 204 users"));
        assert!(may_open_touched(&board).is_ok());
        open_touched(&board, Clock::default(), &mut cx);
        assert_eq!(format!("{:?}", cx.take()), "[Push(Users)]");
    }

    #[test]
    fn a_refusal_stays_until_it_is_dismissed() {
        let mut partly = repaired(2);
        partly.outcome.refused.push(("Give cho a profile".to_owned(), Error::denied("Privileged.")));
        let mut cx = Cx::new(Size::new(80, 24));
        finished(Ok(partly), &mut Board::default(), &mut cx);
        assert!(format!("{:?}", cx.effects()).starts_with("[Toast(\"Repaired PRF-001: 2 rows; 1 refused."));
    }
}
