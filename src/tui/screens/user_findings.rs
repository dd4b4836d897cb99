//! What is wrong with one account, for its record: read for this account alone, repaired or decided from there.

use std::time::Duration;

use super::decision::DecisionScreen;
use super::integrity::board::{SharedBoard, key_of};
use super::integrity::line;
use super::integrity::repair::{self, Order, REPAIR, may_repair};
use super::user_actions::Sitting;
use crate::change::rights;
use crate::directory::Portal;
use crate::error::{Kind, Result};
use crate::integrity::{self, Class, Report};
use crate::portal::access::{self, allowed};
use crate::tui::cx::Cx;
use crate::tui::jobs::{Reply, Slot};
use crate::tui::theme::Tone;

/// Reads them; nothing where whoever works now may not scan.
const READ: Slot<(i64, Option<Report>)> = Slot::latest("users.findings");

/// The findings about the account whose record is shown.
#[derive(Default)]
pub struct UserFindings {
    board: SharedBoard,
    of: Option<i64>,
    /// They are on their way: their place is kept, so that what stands below does not jump.
    waiting: bool,
}

impl UserFindings {
    /// Wants those of this account, once nothing else was wanted for so long.
    pub fn want(&mut self, id: i64, delay: Duration, cx: &mut Cx) {
        if self.of != Some(id) {
            self.board = SharedBoard::default();
            self.of = Some(id);
        }
        self.waiting = true;
        cx.start_after(delay, &READ, "looking at the account", move |portal| async move {
            Ok((id, read(&portal, id).await?))
        });
    }

    /// What the record says of this account, the worst first; nothing before it was looked at.
    #[must_use]
    pub fn lines(&self, id: i64) -> Vec<(Tone, String)> {
        let board = self.board.get();
        let Some(report) = board.report.as_ref().filter(|_| self.of == Some(id)) else {
            return if self.waiting { vec![(Tone::Quiet, "…".to_owned())] } else { Vec::new() };
        };
        if report.findings.is_empty() && report.accepted.is_empty() {
            return vec![(Tone::Plain, "none".to_owned())];
        }
        let found = report.findings.iter().map(|finding| {
            let way = match finding.class() {
                Class::Automatic => "F repairs it",
                Class::Choose => "F asks what to do",
                // Its words fill a screen.
                Class::Manual => "the Integrity tab says what to do",
            };
            let words = format!("{} {}: {}; {way}", finding.id(), finding.severity().name(), finding.title());
            (line::tone(finding.severity()), words)
        });
        let accepted = report.accepted.iter().map(|accepted| {
            let finding = &accepted.finding;
            let words = format!("{} accepted: {}: {}", finding.id(), finding.title(), accepted.reason);
            (Tone::Quiet, words)
        });
        found.chain(accepted).collect()
    }

    /// Whether something can be repaired or decided about this account.
    ///
    /// # Errors
    /// Why not, as a sentence.
    pub fn may_fix(&self, sitting: &Sitting) -> std::result::Result<(), String> {
        may_repair(sitting)?;
        let board = self.board.get();
        if board.report.is_none() {
            return Err("This account was not looked at.".to_owned());
        }
        match board.findings().iter().find(|finding| finding.class() != Class::Manual) {
            Some(_) => Ok(()),
            None => Err(board.findings().first().map_or_else(
                || "Nothing was found about this account.".to_owned(),
                |finding| format!("{}: {}", finding.id(), finding.check.about().remedy),
            )),
        }
    }

    /// Repairs what is safe; where nothing is, asks what there is to decide.
    pub fn fix(&self, sitting: &Sitting, cx: &mut Cx) {
        let board = self.board.get();
        let order = Order::all(board.findings());
        if order.count() > 0 {
            return repair::ask(order.of_user(self.of), cx);
        }
        if let Some(finding) = board.findings().iter().find(|finding| finding.class() == Class::Choose) {
            let (key, subjects) = (key_of(finding), finding.found.subjects.clone());
            let board = self.board.clone();
            cx.push(DecisionScreen::new(board, key, finding.check, subjects, 0, sitting.clone()));
        }
    }

    /// Takes the replies to what it started; says whether it was one.
    pub fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) -> bool {
        if let Some(result) = READ.take(reply) {
            self.waiting = false;
            match result {
                Ok((id, report)) if self.of == Some(id) => self.board.change().report = report,
                Ok(_) => {}
                Err(error) if error.kind == Kind::Interrupted => {}
                Err(error) => cx.fail(&error),
            }
        } else if let Some(result) = REPAIR.take(reply) {
            repair::finished(result, &mut self.board.change(), cx);
        } else {
            return repair::reply(reply, &self.board, cx);
        }
        true
    }
}

async fn read(portal: &Portal, id: i64) -> Result<Option<Report>> {
    if may_scan(portal).await? { integrity::of_user(portal, id).await.map(Some) } else { Ok(None) }
}

/// Whether whoever works now may look for findings.
pub(super) async fn may_scan(portal: &Portal) -> Result<bool> {
    let Some(account) = &portal.actor.account else { return Ok(true) };
    let actor = rights::actor(&mut portal.db.clone(), &portal.roles, account.id).await?;
    Ok(actor.is_some_and(|actor| allowed(&actor, &access::Action::Scan).is_ok()))
}
