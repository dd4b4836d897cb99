//! Looks through a whole file before anything is written.

use std::collections::BTreeSet;

use crate::change::{Plan, Progress, Watch, superusers};
use crate::directory::{Portal, accounts};
use crate::error::{Error, Kind, Result};

use super::header::Header;
use super::judge::{self, Fate, Verdict};
use super::lookup::{Accounts, ids};
use super::names::Names;
use super::newcomers;
use super::rejects::Rejects;
use super::row::{Given, Wrong};
use super::source::{Row, Rows, Source};
use super::twins::{Twins, Value};
use super::{Checked, MOST_PROBLEMS, Options, Problem};

/// Rows that are looked at together.
const BLOCK: usize = 500;

/// Of how many rows the plans are shown.
const SHOWN: usize = 8;

/// Looks through a file: every rule of every field, values that must be unique, what the guards say, row by row.
///
/// # Errors
/// Invalid, when the file can't be read as one of users at all; interrupted, when it was stopped; what the engine says.
/// What is wrong with single rows is in [`Checked::problems`].
pub async fn check(
    portal: &Portal,
    source: &Source,
    options: &Options,
    rejects: Option<&mut Rejects>,
    watch: &Watch,
) -> Result<Checked> {
    let portal = &portal.cancellable(&watch.cancel);
    let header = Header::read(source, options.delimiter)?;
    let digest = source.digest()?;
    let newest = newcomers::newest(portal).await?;
    let mut unique = [Twins::new(Value::Username), Twins::new(Value::PortalId)];
    let rows = gather(source, &header, &mut unique)?;
    for twins in &mut unique {
        twins.compare(portal).await?;
    }
    let mut rejects = rejects;
    if let Some(rejects) = &mut rejects {
        rejects.begin(&header)?;
    }
    let mut check = Check {
        portal,
        options,
        unique,
        names: Names::default(),
        accounts: BTreeSet::new(),
        superusers: Vec::new(),
        rejects,
        found: Checked {
            header,
            digest,
            bad: Vec::new(),
            newest,
            rows,
            new: 0,
            changed: 0,
            unchanged: 0,
            refused: 0,
            problems: Vec::new(),
            problem_count: 0,
            groups: Vec::new(),
            departments: Vec::new(),
            first: Vec::new(),
        },
    };
    check.all(source, watch).await?;
    check.names.forget_the_rest();
    check.together().await?;
    let Check { mut found, names, .. } = check;
    found.groups = names.groups;
    found.departments = names.departments;
    Ok(found)
}

/// Opens the rows behind the header.
pub(super) fn behind_header(source: &Source, header: &Header) -> Result<Rows> {
    let mut rows = source.rows(header.delimiter)?;
    rows.next()?;
    Ok(rows)
}

/// Gathers what must be unique; how many rows there are.
fn gather(source: &Source, header: &Header, unique: &mut [Twins]) -> Result<u64> {
    let mut rows = behind_header(source, header)?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        if let Ok((given, _)) = Given::read(header, &row) {
            for twins in &mut *unique {
                twins.gather(&given);
            }
        }
        count += 1;
    }
    Ok(count)
}

/// A row on its way through the check.
struct Judged {
    row: Row,
    number: u64,
    given: Option<Given>,
    /// The account that it is about, unless it is new.
    id: Option<i64>,
    /// What is wrong so far.
    wrong: Vec<Wrong>,
    /// What becomes of it if nothing is.
    fate: Fate,
}

impl Judged {
    fn take(&mut self, verdict: Verdict) {
        match verdict {
            Ok(fate) => self.fate = fate,
            Err(wrong) => self.wrong.extend(wrong),
        }
    }

    /// What is to be written if nothing is wrong.
    fn plan(&self) -> Option<&Plan> {
        if self.wrong.is_empty() { self.fate.plan() } else { None }
    }
}

struct Check<'a> {
    portal: &'a Portal,
    options: &'a Options,
    unique: [Twins; 2],
    names: Names,
    /// The accounts that rows are about so far, where rows may name them in two ways.
    accounts: BTreeSet<i64>,
    /// Plans that touch superusers, one step each.
    superusers: Vec<Plan>,
    rejects: Option<&'a mut Rejects>,
    found: Checked,
}

impl Check<'_> {
    async fn all(&mut self, source: &Source, watch: &Watch) -> Result<()> {
        let mut rows = behind_header(source, &self.found.header)?;
        let mut number = 0;
        loop {
            let mut block = Vec::with_capacity(BLOCK);
            while block.len() < BLOCK
                && let Some(row) = rows.next()?
            {
                block.push(self.read(row, number).await?);
                number += 1;
            }
            if block.is_empty() {
                return Ok(());
            }
            self.look_up(&mut block).await?;
            self.portal_ids(&mut block).await?;
            self.guards(&mut block).await?;
            self.count(block)?;
            if watch.cancel.is_requested() {
                return Err(Error::new(
                    Kind::Interrupted,
                    "Stopped looking through the file; nothing was written.",
                ));
            }
            if let Some(tell) = &watch.progress {
                tell(Progress { done: number, refused: self.found.refused, planned: Some(self.found.rows) });
            }
        }
    }

    /// Reads a row, and looks whether the file has the same before.
    async fn read(&mut self, row: Row, number: u64) -> Result<Judged> {
        let (given, mut wrong) = match Given::read(&self.found.header, &row) {
            Ok((given, wrong)) => (Some(given), wrong),
            Err(wrong) => (None, wrong),
        };
        if let Some(given) = &given {
            for (twins, value) in self.unique.iter_mut().zip([Value::Username, Value::PortalId]) {
                if let Some(line) = twins.earlier(self.portal, given).await? {
                    wrong.push((value.field().to_owned(), format!("Line {line} has the same already.")));
                }
            }
        }
        Ok(Judged { row, number, given, id: None, wrong, fate: Fate::Unchanged })
    }

    /// Finds whom rows are about, and plans them.
    async fn look_up(&mut self, block: &mut [Judged]) -> Result<()> {
        let mut rows: Vec<(&mut Judged, Given)> =
            block.iter_mut().filter_map(|judged| judged.given.clone().map(|given| (judged, given))).collect();
        let givens: Vec<Given> = rows.iter().map(|(_, given)| given.clone()).collect();
        let mut again = BTreeSet::new();
        for ((judged, given), id) in rows.iter_mut().zip(ids(self.portal, &givens).await?) {
            judged.id = id;
            // Without a column of ids no two names lead to one account.
            if let Some(id) = id
                && self.found.header.has("id")
                && !self.accounts.insert(id)
            {
                judged.take(Err(wrong("id", "An earlier row is about the same account.")));
                again.insert(given.line);
            }
        }
        let wanted: BTreeSet<i64> = rows.iter().filter_map(|(judged, _)| judged.id).collect();
        let mut accounts = Accounts::read(self.portal, wanted.into_iter()).await?;
        for (judged, given) in rows.iter_mut().filter(|(_, given)| !again.contains(&given.line)) {
            // Two rows of one name were told apart before.
            let is_twin = judged.wrong.iter().any(|(column, _)| column == Value::Username.field());
            if is_twin {
                continue;
            }
            let target = accounts.target(judged.id);
            let verdict = judge::judge(self.portal, self.options, &mut self.names, given, target).await?;
            judged.take(match verdict {
                Ok(fate @ Fate::New(_)) => self.alone(given, fate).await?,
                verdict => verdict,
            });
        }
        Ok(())
    }

    /// A new name must differ from every other in more than case.
    async fn alone(&self, given: &Given, fate: Fate) -> Result<Verdict> {
        if !self.unique[0].may_be_taken(given) {
            return Ok(Ok(fate));
        }
        let name = given.username().unwrap_or_default();
        Ok(match accounts::username_owner(self.portal, &name, None).await? {
            Some((_, owner)) => Err(vec![judge::taken(&owner)]),
            None => Ok(fate),
        })
    }

    /// A portal id is one account's.
    async fn portal_ids(&self, block: &mut [Judged]) -> Result<()> {
        let mut asked = Vec::new();
        for (at, judged) in block.iter().enumerate() {
            if let Some(given) = &judged.given
                && let Some(id) = judged.fate.portal_id()
                && self.unique[1].may_be_taken(given)
            {
                asked.push((at, id.to_owned(), judged.id));
            }
        }
        if asked.is_empty() {
            return Ok(());
        }
        for (at, wrong) in judge::taken_portal_ids(self.portal, &asked).await? {
            block[at].take(Err(vec![wrong]));
        }
        Ok(())
    }

    /// What whoever works may not do is refused row by row.
    async fn guards(&self, block: &mut [Judged]) -> Result<()> {
        if self.portal.actor.account.is_none() {
            return Ok(());
        }
        let Ok(writer) = self.portal.writer() else { return Ok(()) };
        let all: Vec<usize> = (0..block.len()).filter(|at| block[*at].plan().is_some()).collect();
        let mut open = vec![all];
        while let Some(part) = open.pop() {
            let plans = part.iter().filter_map(|at| block[*at].plan()).cloned();
            let Some(plan) = plans.reduce(Plan::followed_by) else { continue };
            match (writer.check(std::slice::from_ref(&plan)).await, part.as_slice()) {
                (Ok(()), _) => {}
                (Err(error), [only]) => block[*only].take(Err(judge::refusal(error)?)),
                (Err(error), _) if error.kind != Kind::Denied => return Err(error),
                (Err(_), several) => {
                    let (first, second) = several.split_at(several.len() / 2);
                    open.extend([first.to_vec(), second.to_vec()]);
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, block: Vec<Judged>) -> Result<()> {
        for Judged { row, number, wrong, fate, .. } in block {
            if wrong.is_empty() {
                self.count_good(fate);
                continue;
            }
            self.found.refused += 1;
            self.found.bad.push(number);
            self.found.problem_count += wrong.len() as u64;
            if let Some(rejects) = &mut self.rejects {
                rejects.add(&row, &wrong)?;
            }
            let room = MOST_PROBLEMS - self.found.problems.len();
            let problem = |(column, message)| Problem { line: row.line, column, message };
            self.found.problems.extend(wrong.into_iter().take(room).map(problem));
        }
        Ok(())
    }

    fn count_good(&mut self, fate: Fate) {
        match &fate {
            Fate::New(_) => self.found.new += 1,
            Fate::Changed(_) => self.found.changed += 1,
            Fate::Unchanged => self.found.unchanged += 1,
        }
        let (Fate::New(plan) | Fate::Changed(plan)) = fate else { return };
        self.names.need(&plan);
        if superusers::are_touched(&plan) {
            let mut touched = Plan::new("");
            touched.steps = plan.steps.iter().filter(|step| step.table() == "auth_user").cloned().collect();
            self.superusers.push(touched);
        }
        if self.found.first.len() < SHOWN {
            self.found.first.push(self.names.shown(plan));
        }
    }

    /// What can only be said of all rows together: that a superuser who can sign in remains, and that the groups and
    /// departments may be made.
    async fn together(&self) -> Result<()> {
        superusers::check_all(&mut self.portal.db.clone(), &self.superusers).await?;
        let made = self.names.plan(self.portal, "");
        if made.steps.is_empty() {
            return Ok(());
        }
        match self.portal.writer() {
            Ok(writer) => writer.check(&[made]).await,
            Err(_) => Ok(()),
        }
    }
}

fn wrong(column: &str, message: &str) -> Vec<Wrong> {
    vec![(column.to_owned(), message.to_owned())]
}
