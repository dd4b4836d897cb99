//! Who is in a department or a group leaves it: because it is deleted, because it becomes one with another, or because they
//! are moved. What is more than one transaction takes is several plans, made one after the other from rows read then, and
//! a run that can be gone on with; what they leave goes with the last plan.
//!
//! Who joins meanwhile was shown to nobody: then it stays, and what was written before is taken back. A run that was
//! stopped and is gone on with keeps what it wrote, and stops again.

mod kept;
mod rows;

use futures_util::future::BoxFuture;

use crate::change::{
    Hold, Image, MOST_ROWS, Opening, Outcome, Plan, Plans, Purpose, Require, Step, UntilRefused, Watch,
    Writer,
};
use crate::error::Result;

use super::Portal;
use kept::Kept;
pub(super) use kept::What;
pub(super) use rows::{Fate, Rows};

/// What is to be done.
pub(super) struct Wanted {
    /// What it is called.
    pub(super) title: String,
    /// What they leave.
    pub(super) name: String,
    /// What it means beyond its rows, in sentences.
    pub(super) notes: Vec<String>,
    /// The same for whoever goes on with it.
    pub(super) what: What,
    /// The rows that must still be there: table and id.
    pub(super) needs: Vec<(&'static str, i64)>,
    /// The rows that belong to accounts, and leave first.
    pub(super) people: Option<Rows>,
    /// Other rows, which follow.
    pub(super) others: Vec<Rows>,
    /// What happens to what they leave, after everything else.
    pub(super) last: Vec<Step>,
}

/// Rows that leave a department or a group, and what becomes of it.
#[derive(Clone)]
pub struct Leaving {
    portal: Portal,
    title: String,
    name: String,
    notes: Vec<String>,
    what: What,
    needs: Vec<(&'static str, i64)>,
    people: Option<Rows>,
    others: Vec<Rows>,
    last: Vec<Step>,
    /// How many plans the run takes in all, and how many are made.
    plans: usize,
    made: usize,
    /// The first of them that was made here.
    first: usize,
    /// How many rows the plan just made is about.
    weight: u64,
}

impl Leaving {
    pub(super) fn new(portal: &Portal, wanted: Wanted) -> Self {
        let Wanted { title, name, notes, what, needs, people, others, last } = wanted;
        let portal = portal.clone();
        let leaving = Self {
            portal,
            title,
            name,
            notes,
            what,
            needs,
            people,
            others,
            last,
            plans: 0,
            made: 0,
            first: 1,
            weight: 0,
        };
        leaving.numbered_after(0)
    }

    /// The same, with its plans counted on from so many that were applied before.
    fn numbered_after(mut self, applied: usize) -> Self {
        let rows = self.rows() - self.last.len();
        let (full, rest) = (rows / MOST_ROWS, rows % MOST_ROWS);
        let plans = match rest + self.last.len() {
            0 => full,
            more if more <= MOST_ROWS => full + 1,
            _ => full + 2,
        };
        self.plans = applied + plans;
        self.made = applied;
        self.first = applied + 1;
        self
    }

    /// The same with another handle of the portal, such as one that can be cancelled.
    #[must_use]
    pub fn over(self, portal: &Portal) -> Self {
        Self { portal: portal.clone(), ..self }
    }

    /// What is done, in words: `Merge department Sales into IT`.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The name of what they leave.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many rows would be written.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.people() + self.others.iter().map(Rows::len).sum::<usize>() + self.last.len()
    }

    /// How many rows of accounts leave.
    #[must_use]
    pub fn people(&self) -> usize {
        self.people.as_ref().map_or(0, Rows::len)
    }

    /// Whether it all goes together: where a department or a group goes, all who are in it have to be somewhere else.
    #[must_use]
    pub const fn is_together(&self) -> bool {
        !self.last.is_empty()
    }

    /// What it means beyond its rows, in sentences.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What happens to what they leave, after everything else.
    #[must_use]
    pub fn last_steps(&self) -> &[Step] {
        &self.last
    }

    /// The first plan, to be shown: what comes behind it is more of the same.
    ///
    /// # Errors
    /// As applying it.
    pub async fn first_plan(&self) -> Result<Plan> {
        Ok(self.clone().plan().await?.unwrap_or_else(|| Plan::new(self.title.clone())))
    }

    /// Asks the guards about all of it, a plan at a time, so that a person learns of a refusal before the review.
    ///
    /// # Errors
    /// Denied, with the reason; what the engine says.
    pub async fn check(&self) -> Result<()> {
        let portal = &self.portal;
        if portal.read_only.is_some() {
            // It is said before anybody gets here.
            return Ok(());
        }
        let (writer, mut again) = (portal.writer()?, self.clone());
        while let Some(plan) = again.plan().await? {
            writer.check(&[plan]).await?;
        }
        Ok(())
    }

    /// Does it, as one run. Where something goes, it is all of it or nothing.
    ///
    /// # Errors
    /// Why it was refused; then everything is as before. [`Kind::Interrupted`](crate::error::Kind::Interrupted), naming
    /// the run, when a part stands.
    pub async fn apply(mut self, writer: &Writer, watch: &Watch) -> Result<Outcome> {
        if self.plans < 2 {
            let plan = self.plan().await?.unwrap_or_else(|| Plan::new(self.title.clone()));
            return writer.apply(plan).await;
        }
        let opening = Opening {
            title: self.title.clone(),
            purpose: Purpose::Leaving,
            planned: self.planned(),
            resume_from: Kept::write(&self.what, self.people.iter().flat_map(Rows::ids)),
        };
        if self.is_together() {
            return writer.all_or_nothing_of(&opening, Box::new(self), watch).await;
        }
        writer.run_held(writer.open(&opening).await?, &mut self, watch).await
    }

    async fn plan(&mut self) -> Result<Option<Plan>> {
        if self.made == self.plans {
            return Ok(None);
        }
        let portal = self.portal.clone();
        self.made += 1;
        // Between the first plan and the last one nothing is gained by looking.
        if let Some(people) = &self.people
            && self.is_together()
            && [self.first, self.plans].contains(&self.made)
        {
            people.refuse_joined(&portal, &self.name).await?;
        }
        let number =
            if self.plans > 1 { format!(" ({} of {})", self.made, self.plans) } else { String::new() };
        let mut plan = Plan::new(format!("{}{number}", self.title));
        for (table, id) in &self.needs {
            plan.require.push(Require::Row { table: (*table).to_owned(), key: Image::id(*id) });
        }
        let mut room = MOST_ROWS;
        for rows in self.people.iter_mut().chain(&mut self.others) {
            rows.next(&portal, &mut room, &mut plan).await?;
        }
        self.weight = (MOST_ROWS - room) as u64;
        if self.made == self.plans {
            plan.steps.extend_from_slice(&self.last);
            self.weight += self.last.len() as u64;
        }
        Ok(Some(plan))
    }
}

impl Plans for Leaving {
    fn planned(&self) -> Option<u64> {
        Some(self.rows() as u64)
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Plan>>> {
        Box::pin(self.plan())
    }

    fn weight(&self) -> u64 {
        self.weight
    }
}

/// The plans that are left of a run that was stopped: for those of its people who have not left yet.
///
/// # Errors
/// Conflict, when what it was about can't be read or is gone; what the engine says.
pub async fn plans_left(portal: &Portal, hold: &Hold) -> Result<Box<dyn Plans>> {
    let leaving = Kept::left(hold.resume_from(), portal).await?;
    let leaving = Leaving { title: hold.title().to_owned(), ..leaving }.numbered_after(hold.applied());
    if leaving.is_together() {
        return Ok(Box::new(UntilRefused::new(hold.title(), Box::new(leaving))));
    }
    Ok(Box::new(leaving))
}
