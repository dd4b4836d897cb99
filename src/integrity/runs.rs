//! The runs of a portal: those that go on, and those that were stopped, to be gone on with, taken back or set aside.
//!
//! It stands on this floor because what a run of repairs was about can only be looked for from here.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use crate::change::{Hold, Outcome, Owner, Plans, Purpose, Watch, is_alive, rights};
use crate::db::own::{self, Run, WantedRuns};
use crate::directory::{Portal, bulk, history, import, leaving};
use crate::error::{Error, Result};
use crate::portal::access::{Action, allowed};
use crate::text;

use super::fix::{self, Fixed};

/// How a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A program works on it.
    Running,
    /// Somebody stopped it, or the program that worked on it is gone.
    Stopped,
    /// It came to its end.
    Done,
    /// It was stopped, and set aside.
    Ended,
}

impl State {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Done => "done",
            Self::Ended => "ended",
        }
    }

    fn of(run: &Run, now: DateTime<Utc>) -> Self {
        match run.state.as_str() {
            "running" if is_alive(run, now) => Self::Running,
            "running" | "stopped" => Self::Stopped,
            "ended" => Self::Ended,
            _ => Self::Done,
        }
    }
}

/// A run, and how it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What the database knows of it.
    pub run: Run,
    /// How it is.
    pub state: State,
}

impl Listed {
    fn of(run: Run, now: DateTime<Utc>) -> Self {
        Self { state: State::of(&run, now), run }
    }

    /// Whether it can be gone on with.
    #[must_use]
    pub fn can_go_on(&self) -> bool {
        self.state == State::Stopped && self.run.resume_from.is_some()
    }

    /// `340 of 1 000`, or only how much is done.
    #[must_use]
    pub fn far(&self) -> String {
        let number = |count: i64| text::grouped(u64::try_from(count).unwrap_or(0));
        match self.run.planned {
            Some(planned) => format!("{} of {}", number(self.run.done), number(planned)),
            None => number(self.run.done),
        }
    }

    /// `Run 'Repair user profiles' stopped at 340 of 1 000`.
    #[must_use]
    pub fn words(&self) -> String {
        let how = match self.state {
            State::Running => "is at",
            State::Stopped => "stopped at",
            State::Done => "is done, with",
            State::Ended => "was set aside at",
        };
        format!("Run '{}' {how} {}", self.run.title, self.far())
    }

    /// Who began it: a portal account or `unix:NAME`.
    #[must_use]
    pub fn by(&self) -> String {
        self.run.actor.clone().unwrap_or_else(|| format!("unix:{}", self.run.unix_user))
    }

    /// The process that works on it, or worked on it last.
    #[must_use]
    pub fn owner(&self) -> Option<Owner> {
        Owner::read(&self.run.owner)
    }
}

fn needs_journal(portal: &Portal) -> Result<()> {
    if portal.schema.has_own_tables() {
        return Ok(());
    }
    Err(Error::conflict("There are no runs in this database: portaldesk wrote nothing here."))
}

async fn list_wanted(portal: &Portal, wanted: &WantedRuns) -> Result<Vec<Listed>> {
    let mut db = portal.db.clone();
    let now = own::now(&mut db).await?;
    let runs = own::runs(&mut db, wanted).await?;
    Ok(runs.into_iter().map(|run| Listed::of(run, now)).collect())
}

/// The runs that have not come to their end, or all of them; the newest first, at most so many.
///
/// # Errors
/// Conflict, when there is no journal; what the engine says.
pub async fn list(portal: &Portal, finished_too: bool, limit: i64) -> Result<Vec<Listed>> {
    needs_journal(portal)?;
    let wanted = WantedRuns { unfinished: !finished_too, limit: Some(limit), ..WantedRuns::default() };
    list_wanted(portal, &wanted).await
}

/// One run.
///
/// # Errors
/// Invalid, when there is no such run; as [`list`].
pub async fn show(portal: &Portal, id: &str) -> Result<Listed> {
    needs_journal(portal)?;
    let wanted = WantedRuns { id: Some(id.to_owned()), ..WantedRuns::default() };
    let found = list_wanted(portal, &wanted).await?.pop();
    found.ok_or_else(|| Error::invalid(format!("There is no run '{id}'.")))
}

/// The stopped runs that somebody has to be asked about: they wrote something that stands, and can be gone on with or died
/// before their end. Nothing where nothing can be written.
///
/// # Errors
/// What the engine says.
pub async fn stopped(portal: &Portal) -> Result<Vec<Listed>> {
    if portal.writer().is_err() {
        return Ok(Vec::new());
    }
    let wanted = WantedRuns { unfinished: true, standing: true, ..WantedRuns::default() };
    let mut found = list_wanted(portal, &wanted).await?;
    // What stopped by itself is told even where it can't be gone on with; a repair may have more to do than was known.
    let is_asked = |run: &Run| run.resume_from.is_some() || run.state == "running";
    let has_rest = |run: &Run| run.planned != Some(run.done) || run.kind == Purpose::Repair.name();
    found.retain(|it| it.state == State::Stopped && is_asked(&it.run) && has_rest(&it.run));
    Ok(found)
}

/// The stopped runs that whoever is signed in has to be asked about: all of them for who may repair, else their own.
///
/// # Errors
/// What the engine says.
pub async fn to_ask(portal: &Portal) -> Result<Vec<Listed>> {
    let mut found = stopped(portal).await?;
    if let Some(account) = &portal.actor.account {
        let facts = rights::actor(&mut portal.db.clone(), &portal.roles, account.id).await?;
        if facts.is_none_or(|facts| allowed(&facts, &Action::Repair).is_err()) {
            found.retain(|it| it.run.actor_id == Some(account.id));
        }
    }
    Ok(found)
}

/// Sets a stopped run aside: nobody is asked about it any more. What it wrote stands and can still be taken back.
///
/// # Errors
/// Denied, when the portal is read-only; busy, when it goes on; conflict, when it has ended.
pub async fn end(portal: &Portal, id: &str) -> Result<Listed> {
    needs_journal(portal)?;
    portal.writer()?.set_aside(id).await?;
    show(portal, id).await
}

/// What going on with a run did.
#[derive(Debug)]
pub enum Resumed {
    /// A repair, and what is left to repair.
    Repair(Box<Fixed>),
    /// Anything else.
    Other(Outcome),
}

/// Makes the plans that are left of a run, from what it kept for that.
type Maker = for<'a> fn(&'a Portal, &'a Hold) -> BoxFuture<'a, Result<Box<dyn Plans>>>;

/// How runs are gone on with, by their kind; repairs aside, after which is looked again.
const MAKERS: &[(Purpose, Maker)] = &[
    (Purpose::Undo, |portal, hold| Box::pin(history::plans_left_of_undo(portal, hold.resume_from()))),
    (Purpose::Bulk, |portal, hold| Box::pin(bulk::plans_left(portal, hold))),
    (Purpose::Import, |portal, hold| Box::pin(import::plans_left(portal, hold))),
    (Purpose::Leaving, |portal, hold| Box::pin(leaving::plans_left(portal, hold))),
];

/// Goes on with a run that was stopped, under its own id. What is left is looked for anew.
///
/// # Errors
/// Invalid, when there is no such run; busy, when it goes on or another repair does; conflict, when it can't be gone on
/// with; what stops everything.
pub async fn resume(portal: &Portal, id: &str, watch: &Watch) -> Result<Resumed> {
    needs_journal(portal)?;
    let writer = portal.writer()?;
    let hold = writer.take_up(id).await?;
    if hold.purpose() == Purpose::Repair {
        return Ok(Resumed::Repair(Box::new(fix::go_on(portal, hold, watch).await?)));
    }
    let portal = &portal.cancellable(&watch.cancel);
    let mut plans = hold.keep(plans_left(portal, &hold)).await?;
    let writer = portal.writer()?;
    Ok(Resumed::Other(writer.run_held(hold, plans.as_mut(), watch).await?))
}

async fn plans_left(portal: &Portal, hold: &Hold) -> Result<Box<dyn Plans>> {
    match MAKERS.iter().find(|(purpose, _)| *purpose == hold.purpose()) {
        Some((_, make)) => make(portal, hold).await,
        None => Err(Error::conflict(format!(
            "It is not known how to go on with '{}'; nothing was written.",
            hold.title()
        ))),
    }
}

/// What going on with a stopped repair would do; nothing for other runs.
///
/// # Errors
/// As [`resume`].
pub async fn ahead(portal: &Portal, id: &str) -> Result<Option<Fixed>> {
    let listed = show(portal, id).await?;
    if !listed.can_go_on() {
        return Err(Error::conflict(format!("{}; there is nothing to go on with.", listed.words())));
    }
    match (Purpose::named(&listed.run.kind), &listed.run.resume_from) {
        (Purpose::Repair, Some(from)) => fix::ahead(portal, from).await.map(Some),
        _ => Ok(None),
    }
}
