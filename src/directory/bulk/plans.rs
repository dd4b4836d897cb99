//! The plans of a run: made one at a time from rows read then, and in halves again where one was refused.

use std::collections::{BTreeSet, VecDeque};

use futures_util::future::BoxFuture;

use super::Change;
use super::parts::{Encoded, Part, of_rows};
use super::passwords::Secrets;
use super::words::{Words, requirements};
use crate::change::{MOST_ROWS, Plan, Plans, Tally};
use crate::directory::Portal;
use crate::directory::accounts::Rows;
use crate::directory::password_file::PasswordFile;
use crate::directory::ranges::sorted;
use crate::error::{Error, Result};

/// An account of a plan: its id, and its name for whoever is told of it.
type Whom = (i64, String);

/// The plans that change many accounts alike.
pub(super) struct Bulk {
    portal: Portal,
    change: Change,
    /// All accounts, each once, ascending.
    ids: Vec<i64>,
    /// The first that was not looked at.
    at: usize,
    /// What has to be planned again: halves of what was refused, and what didn't fit into a plan.
    again: VecDeque<Vec<i64>>,
    /// Whom the plan just given is about, until it is known what became of it.
    last: Vec<Whom>,
    /// Who was refused alone.
    tried: BTreeSet<i64>,
    /// How many were written.
    done: usize,
    /// How many are so already, or gone.
    skipped: u64,
    /// Only one account is written now.
    first_only: bool,
    /// It was written, or refused.
    first_is_through: bool,
    secrets: Option<Secrets>,
    left_out: Vec<(String, Error)>,
}

impl Bulk {
    /// Changes these accounts.
    pub(super) fn new(portal: &Portal, change: Change, ids: Vec<i64>) -> Self {
        Self {
            portal: portal.clone(),
            change,
            ids: sorted(ids),
            at: 0,
            again: VecDeque::new(),
            last: Vec::new(),
            tried: BTreeSet::new(),
            done: 0,
            skipped: 0,
            first_only: false,
            first_is_through: false,
            secrets: None,
            left_out: Vec::new(),
        }
    }

    /// The first of them only; then the run pauses.
    pub(super) fn first_only(self) -> Self {
        Self { first_only: true, ..self }
    }

    /// Reports these too, as what could not be planned.
    pub(super) fn leaving_out(self, left_out: Vec<(String, Error)>) -> Self {
        Self { left_out, ..self }
    }

    /// Writes new passwords into this file.
    pub(super) fn with_passwords(self, file: PasswordFile) -> Self {
        Self { secrets: Some(Secrets::new(file)), ..self }
    }

    /// Those whose turn it is.
    fn batch(&mut self) -> Option<Vec<i64>> {
        if let Some(batch) = self.again.pop_front() {
            return Some(batch);
        }
        let at_once = if self.first_only { 1 } else { self.change.at_once() };
        let end = (self.at + at_once).min(self.ids.len());
        let batch = self.ids.get(self.at..end).filter(|batch| !batch.is_empty())?.to_vec();
        self.at = end;
        Some(batch)
    }

    async fn next_plan(&mut self) -> Result<Option<Plan>> {
        let last = std::mem::take(&mut self.last);
        if let Some(secrets) = &mut self.secrets {
            secrets.set(last.iter().map(|(id, _)| *id));
        }
        self.done += last.len();
        self.first_is_through |= !last.is_empty();
        if self.is_paused() {
            return Ok(None);
        }
        while let Some(batch) = self.batch() {
            // Where the group is gone, nobody can be added any more: better to stop than to be refused a thousand times.
            let words = Words::read(&self.portal, &self.change).await?;
            if let Some(plan) = self.plan(&words, batch).await? {
                return Ok(Some(plan));
            }
        }
        Ok(None)
    }

    async fn parts(&mut self, words: &Words, batch: &[i64]) -> Result<Vec<Part>> {
        let found = Rows::read_many(&self.portal, batch).await?;
        if let Some(secrets) = &mut self.secrets {
            secrets.make(&self.portal, &found).await?;
        }
        let none = Encoded::new();
        let encoded = self.secrets.as_ref().map_or(&none, Secrets::encoded);
        of_rows(&self.portal, (&self.change, words), batch, found, encoded).await
    }

    /// Plans a batch. What doesn't fit any more goes back to the front and is read again.
    async fn plan(&mut self, words: &Words, batch: Vec<i64>) -> Result<Option<Plan>> {
        let mut plan = Plan::default();
        let mut rest = Vec::new();
        let parts = self.parts(words, &batch).await?;
        self.skipped += (batch.len() - parts.len()) as u64;
        for part in parts {
            match part.plan {
                Ok(of_one) if of_one.steps.is_empty() => self.skipped += 1,
                Ok(of_one) if plan.steps.len() + of_one.steps.len() <= MOST_ROWS => {
                    plan = plan.followed_by(of_one);
                    self.last.push((part.id, part.username));
                }
                Ok(_) => rest.push(part.id),
                Err(error) => {
                    self.skipped += 1;
                    self.left_out.push((words.one(&part.username), error));
                }
            }
        }
        if !rest.is_empty() {
            self.again.push_front(rest);
        }
        if plan.steps.is_empty() {
            return Ok(None);
        }
        if self.last.len() > 1 {
            plan.title = words.many(self.last.len());
        }
        plan.require.extend(requirements(&self.change));
        Ok(Some(plan))
    }
}

impl Plans for Bulk {
    fn planned(&self) -> Option<u64> {
        Some((self.ids.len() as u64).saturating_sub(self.skipped))
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Plan>>> {
        Box::pin(self.next_plan())
    }

    fn weight(&self) -> u64 {
        self.last.len() as u64
    }

    fn comes_again(&mut self) -> bool {
        let mut last = std::mem::take(&mut self.last);
        // Alone it is read anew and tried once more: another program may have been at the same row.
        if let [(id, _)] = last.as_slice()
            && self.tried.insert(*id)
        {
            self.again.push_front(vec![*id]);
            return true;
        }
        if last.len() < 2 {
            self.first_is_through |= !last.is_empty();
            return false;
        }
        let second = last.split_off(last.len() / 2);
        let ids = |whom: Vec<Whom>| whom.into_iter().map(|(id, _)| id).collect();
        self.again.push_front(ids(second));
        self.again.push_front(ids(last));
        true
    }

    fn left_out(&mut self) -> Vec<(String, Error)> {
        let mut left = std::mem::take(&mut self.left_out);
        if let Some(Err(error)) = self.secrets.as_mut().map(Secrets::finish) {
            left.push(("The file of passwords".to_owned(), error));
        }
        left
    }

    fn tally(&self) -> Vec<Tally> {
        vec![Tally { of: "users", count: self.done }]
    }

    fn is_paused(&self) -> bool {
        self.first_only && self.first_is_through
    }
}
