//! The plans of an import: some hundred rows at a time, planned from the accounts as they are then.

use std::collections::{BTreeSet, VecDeque};

use futures_util::future::BoxFuture;
use zeroize::Zeroizing;

use crate::change::{MOST_ROWS, Plan, Plans, Step, Value};
use crate::db::{Cell, own};
use crate::directory::password_file::PasswordFile;
use crate::directory::{Portal, departments, groups, passwords};
use crate::error::{Error, Kind, Result};
use crate::portal::password;

use super::check::behind_header;
use super::header::Header;
use super::judge::{self, Fate, Verdict};
use super::kept::Kept;
use super::lookup::{Accounts, Target, ids};
use super::names::Names;
use super::newcomers::Newcomers;
use super::rejects::Rejects;
use super::row::{Given, Wrong};
use super::source::{Row, Rows, Source};
use super::{Checked, Options, title};

/// Rows that are planned together: about as many as fit into a plan.
const TOGETHER: usize = 200;

/// The same where a password is made up for each, which takes its time.
const TOGETHER_HASHED: usize = 10;

/// A row that is to be written.
#[derive(Clone)]
struct Wish {
    row: Row,
    given: Given,
    /// The password that was made up for it and stands in the file, as Django encodes it.
    made: Option<Zeroizing<String>>,
}

/// The plans.
pub(super) struct Import {
    portal: Portal,
    title: String,
    rows: Rows,
    header: Header,
    options: Options,
    /// The number of the next row.
    number: u64,
    /// Numbers of the rows that are left out and are still to come.
    bad: VecDeque<u64>,
    names: Names,
    newcomers: Newcomers,
    /// The names of the rows that were written last.
    ours: BTreeSet<String>,
    /// Groups and departments, before all else.
    to_make: Option<Plan>,
    /// Rows that come again, in smaller pieces or because they did not fit.
    again: VecDeque<Vec<Wish>>,
    /// The rows of the plan that was just given; none where it makes groups and departments.
    last: Vec<Wish>,
    /// Rows that were refused when they were written, in that order; nothing for the groups and departments.
    refused: Vec<Option<Row>>,
    /// Rows that could not be planned any more.
    left: Vec<(String, Row, Error)>,
    passwords: Option<PasswordFile>,
    /// Whose password stands in the file and is not set.
    waiting: BTreeSet<String>,
    /// How many accounts were to be written at the beginning.
    total: u64,
    /// Accounts that the run has written before it was stopped, ascending.
    written: Vec<i64>,
    /// How many rows those were.
    passed_over: u64,
}

impl Import {
    /// The plans of a file that was looked through.
    pub(super) fn new(
        portal: &Portal,
        source: &Source,
        options: &Options,
        checked: &Checked,
        passwords: Option<PasswordFile>,
    ) -> Result<Self> {
        let names = Names::to_be_made(checked.groups.clone(), checked.departments.clone());
        let title = title(source);
        let to_make = names.plan(portal, &format!("{title}: groups and departments"));
        Ok(Self {
            portal: portal.clone(),
            rows: behind_header(source, &checked.header)?,
            header: checked.header.clone(),
            // What was missing is made first.
            options: Options { create_missing: false, ..options.clone() },
            number: 0,
            bad: checked.bad.iter().copied().collect(),
            names,
            newcomers: Newcomers::after(checked.newest),
            ours: BTreeSet::new(),
            to_make: (!to_make.steps.is_empty()).then_some(to_make),
            again: VecDeque::new(),
            last: Vec::new(),
            refused: Vec::new(),
            left: Vec::new(),
            passwords,
            waiting: BTreeSet::new(),
            total: checked.to_write(),
            written: Vec::new(),
            passed_over: 0,
            title,
        })
    }

    /// The plans that are left of a run that was stopped.
    pub(super) async fn go_on(
        portal: &Portal,
        source: Source,
        header: Header,
        kept: Kept,
        passwords: Option<PasswordFile>,
        run: &str,
    ) -> Result<Self> {
        let mut missing = (Vec::new(), Vec::new());
        for name in kept.groups {
            if is_missing(groups::find(portal, &name).await)? {
                missing.0.push(name);
            }
        }
        for name in kept.departments {
            if is_missing(departments::find(portal, &name).await)? {
                missing.1.push(name);
            }
        }
        let checked = Checked {
            header,
            digest: kept.digest,
            bad: kept.bad,
            newest: kept.newest,
            rows: 0,
            new: kept.total,
            changed: 0,
            unchanged: 0,
            refused: 0,
            problems: Vec::new(),
            problem_count: 0,
            groups: missing.0,
            departments: missing.1,
            first: Vec::new(),
        };
        let plans = Self::new(portal, &source, &kept.options, &checked, passwords)?;
        Ok(Self { written: own::users_of_run(&portal.db, run).await?, ..plans })
    }

    /// The next rows of the file.
    fn read(&mut self) -> Result<Vec<Wish>> {
        let together = if self.passwords.is_some() { TOGETHER_HASHED } else { TOGETHER };
        let mut wishes = Vec::with_capacity(together);
        while wishes.len() < together
            && let Some(row) = self.rows.next()?
        {
            let number = self.number;
            self.number += 1;
            if self.bad.front() == Some(&number) {
                self.bad.pop_front();
                continue;
            }
            match Given::read(&self.header, &row) {
                Ok((given, wrong)) if wrong.is_empty() => wishes.push(Wish { row, given, made: None }),
                Ok((_, wrong)) | Err(wrong) => {
                    self.left.push((format!("Line {}", row.line), row, as_error(&wrong)));
                }
            }
        }
        Ok(wishes)
    }

    /// Plans rows together. What doesn't fit comes again.
    async fn plan(&mut self, mut wishes: Vec<Wish>) -> Result<Option<Plan>> {
        let is_ours = |id, name: &str| self.ours.contains(name) || self.written.binary_search(&id).is_ok();
        self.newcomers.look(&self.portal, is_ours).await?;
        let givens: Vec<Given> = wishes.iter().map(|wish| wish.given.clone()).collect();
        let ids = ids(&self.portal, &givens).await?;
        let mut accounts = Accounts::read(&self.portal, ids.iter().flatten().copied()).await?;
        let mut plan = Plan::default();
        let (mut planned, mut usernames) = (Vec::<Wish>::new(), Vec::new());
        let mut at = 0;
        while at < wishes.len() {
            if ids[at].is_some_and(|id| self.written.binary_search(&id).is_ok()) {
                self.passed_over += 1;
                at += 1;
                continue;
            }
            let target = accounts.target(ids[at]);
            let given = &givens[at];
            let verdict = self.judge(given, target).await?;
            let (part, is_new) = match verdict {
                Ok(Fate::New(part)) => (part, true),
                Ok(Fate::Changed(part)) => (part, false),
                Ok(Fate::Unchanged) => {
                    at += 1;
                    continue;
                }
                Err(wrong) => {
                    self.leave(&wishes[at], as_error(&wrong));
                    at += 1;
                    continue;
                }
            };
            if part.steps.len() > MOST_ROWS {
                let words = format!("This takes {} rows, and {MOST_ROWS} go together.", part.steps.len());
                self.leave(&wishes[at], Error::conflict(words));
                at += 1;
                continue;
            }
            if plan.steps.len() + part.steps.len() > MOST_ROWS {
                self.again.push_front(wishes.split_off(at));
                break;
            }
            let part = if is_new { self.with_password(&mut wishes[at], part).await? } else { part };
            plan = plan.followed_by(part);
            usernames.extend(given.username().filter(|_| is_new));
            planned.push(wishes[at].clone());
            at += 1;
        }
        let (Some(first), Some(last)) = (planned.first(), planned.last()) else { return Ok(None) };
        plan.title = match planned.len() {
            1 => format!("{}: {}", self.title, lower_first(&first.given.title())),
            _ => format!("{}: lines {} to {}", self.title, first.given.line, last.given.line),
        };
        plan.require.push(self.newcomers.none_has(usernames));
        self.last = planned;
        Ok(Some(plan))
    }

    /// What becomes of a row, as things are now.
    async fn judge(&mut self, given: &Given, target: Target) -> Result<Verdict> {
        let verdict = judge::judge(&self.portal, &self.options, &mut self.names, given, target).await?;
        match (&verdict, given.username()) {
            (Ok(Fate::New(_)), Some(name)) => self.newcomers.judge(&self.portal, &name, verdict).await,
            _ => Ok(verdict),
        }
    }

    /// Gives a new account the password that is made up for it.
    async fn with_password(&mut self, wish: &mut Wish, mut plan: Plan) -> Result<Plan> {
        let Some(file) = self.passwords.as_mut().filter(|_| wish.given.password.is_none()) else {
            return Ok(plan);
        };
        if wish.made.is_none() {
            let name = wish.given.username().unwrap_or_default();
            let clear = Zeroizing::new(password::generate()?);
            let encoded = passwords::hash(&self.portal, &clear, None).await?;
            self.waiting.insert(name.clone());
            // On the disk before anybody has it.
            file.add(&name, &clear)?;
            file.sync()?;
            wish.made = Some(Zeroizing::new(encoded));
        }
        for step in &mut plan.steps {
            let Step::Insert { table, values, .. } = step else { continue };
            if table != "auth_user" {
                continue;
            }
            for (_, value) in values.iter_mut().filter(|(column, _)| column == "password") {
                *value = Value::Cell(Cell::text(wish.made.as_deref().map(String::as_str)));
            }
        }
        Ok(plan)
    }

    fn leave(&mut self, wish: &Wish, error: Error) {
        self.left.push((wish.given.title(), wish.row.clone(), error));
    }

    /// The plan that was given is written.
    fn settle(&mut self) {
        self.ours = self.last.drain(..).filter_map(|wish| wish.given.username()).collect();
        for name in &self.ours {
            self.waiting.remove(name);
        }
    }

    /// Writes down the rows that were refused after all, with what the run says of them.
    pub(super) fn tell_refused(&self, rejects: &mut Rejects, refused: &[(String, Error)]) -> Result<()> {
        for (row, (_, error)) in self.refused.iter().zip(refused) {
            if let Some(row) = row {
                rejects.add(row, &judge::refusal(error.clone()).unwrap_or_else(|error| said(&error)))?;
            }
        }
        for (_, row, error) in &self.left {
            rejects.add(row, &judge::refusal(error.clone()).unwrap_or_else(|error| said(&error)))?;
        }
        rejects.keep()
    }
}

impl Plans for Import {
    fn planned(&self) -> Option<u64> {
        Some(self.total.saturating_sub(self.passed_over))
    }

    fn weight(&self) -> u64 {
        self.last.len() as u64
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Plan>>> {
        Box::pin(async move {
            self.settle();
            if let Some(plan) = self.to_make.take() {
                self.names = Names::default();
                return Ok(Some(plan));
            }
            loop {
                let wishes = match self.again.pop_front() {
                    Some(wishes) => wishes,
                    None => self.read()?,
                };
                if wishes.is_empty() {
                    return Ok(None);
                }
                if let Some(plan) = self.plan(wishes).await? {
                    return Ok(Some(plan));
                }
            }
        })
    }

    fn comes_again(&mut self) -> bool {
        let mut last = std::mem::take(&mut self.last);
        if last.len() < 2 {
            self.refused.push(last.pop().map(|wish| wish.row));
            return false;
        }
        let second = last.split_off(last.len() / 2);
        self.again.push_front(second);
        self.again.push_front(last);
        true
    }

    fn left_out(&mut self) -> Vec<(String, Error)> {
        self.settle();
        let mut left: Vec<(String, Error)> =
            self.left.iter().map(|(title, _, error)| (title.clone(), error.clone())).collect();
        if let Some(file) = &mut self.passwords
            && let Err(error) = file.finish(&std::mem::take(&mut self.waiting))
        {
            left.push(("The file of passwords".to_owned(), error));
        }
        left
    }
}

/// Whether a name belongs to nothing.
fn is_missing(found: Result<i64>) -> Result<bool> {
    match found {
        Ok(_) => Ok(false),
        Err(error) if error.kind == Kind::Invalid => Ok(true),
        Err(error) => Err(error),
    }
}

fn as_error(wrong: &[Wrong]) -> Error {
    let words: Vec<&str> = wrong.iter().map(|(_, message)| message.as_str()).collect();
    let error = Error::invalid(words.join(" "));
    wrong
        .iter()
        .filter(|(column, _)| !column.is_empty())
        .fold(error, |error, (column, message)| error.and_field(column, message.clone()))
}

fn said(error: &Error) -> Vec<Wrong> {
    vec![(String::new(), error.message.clone())]
}

fn lower_first(title: &str) -> String {
    let mut chars = title.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
