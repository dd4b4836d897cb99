//! What changing many accounts would mean, before anything is written: how many, for whom it is refused, who loses what.

use std::collections::BTreeMap;
use std::path::{Path, absolute};

use super::Change;
use super::effects::{Counting, Effects};
use super::parts::{Encoded, Part, of_rows};
use super::words::{Words, requirements};
use crate::change::{MOST_ROWS, Plan, superusers};
use crate::db::Sql;
use crate::directory::accounts::Rows;
use crate::directory::ranges::sorted;
use crate::directory::{Portal, passwords};
use crate::error::{Error, Kind, Result};
use crate::portal::password;
use crate::text;

/// What a change would mean, read piece by piece; of the accounts only ids are kept.
#[derive(Debug, Clone)]
pub struct Ahead {
    /// The change.
    pub change: Change,
    /// `Deactivate 12 users`: those that need it.
    pub title: String,
    /// Those that need it and may be given it, ascending.
    pub ids: Vec<i64>,
    /// How many were asked for.
    pub asked: usize,
    /// How many are so already.
    pub already: usize,
    /// How many are not there any more.
    pub gone: usize,
    /// For whom it is refused, as titles such as `Deactivate amir`, and why. They are left as they are.
    pub refused: Vec<(String, Error)>,
    /// How many rows would be written.
    pub rows: u64,
    /// What it means beyond the rows.
    pub effects: Effects,
    /// The plan that it would begin with; later ones are made only when they are applied.
    pub first: Plan,
    /// What came of trying that plan, once that [was done](Ahead::rehearse).
    pub rehearsed: Option<String>,
}

/// Looks what the change of these accounts would mean. The guards are asked about all of them.
///
/// # Errors
/// Conflict, when the group or department is gone, this portal has no place for what is wanted, or the file for
/// passwords is there already; what the engine says.
pub async fn look_ahead(portal: &Portal, change: &Change, ids: &[i64]) -> Result<Ahead> {
    let change = settled(change)?;
    let words = Words::read(portal, &change).await?;
    let looking =
        Looking { portal, change: &change, words: &words, password: placeholder(portal, &change).await? };
    let asked = sorted(ids.to_vec());
    let kept_back = looking.last_superusers(&asked).await?;
    let mut counting = Counting::new(portal).await?;
    let mut ahead = Ahead {
        title: String::new(),
        ids: Vec::new(),
        asked: asked.len(),
        already: 0,
        gone: 0,
        refused: Vec::new(),
        rows: 0,
        effects: Effects::default(),
        first: Plan::default(),
        rehearsed: None,
        change: change.clone(),
    };
    let mut first = First::default();
    for some in asked.chunks(change.at_once()) {
        let parts = looking.parts(some).await?;
        ahead.gone += some.len() - parts.len();
        let mut refusals = looking.refusals(&parts).await?;
        for part in parts {
            let plan = match &part.plan {
                Ok(plan) if plan.steps.is_empty() => {
                    ahead.already += 1;
                    continue;
                }
                Ok(plan) => plan,
                Err(error) => {
                    ahead.refused.push((words.one(&part.username), error.clone()));
                    continue;
                }
            };
            let last = kept_back.contains(&part.id).then(no_superuser_left);
            if let Some(error) = refusals.remove(&part.id).or(last) {
                ahead.refused.push((words.one(&part.username), error));
                continue;
            }
            counting.note(&part, plan);
            ahead.rows += plan.steps.len() as u64;
            ahead.ids.push(part.id);
            first.take(&part.username, plan);
        }
    }
    ahead.title = match (ahead.ids.as_slice(), &first.name) {
        ([_], Some(only)) => words.one(only),
        (ids, _) => words.many(ids.len()),
    };
    ahead.first = first.plan(&words, &change);
    ahead.effects = counting.finish(portal).await?;
    Ok(ahead)
}

/// The change as it can be looked at and gone on with from anywhere.
fn settled(change: &Change) -> Result<Change> {
    let Change::GeneratePasswords { to } = change else { return Ok(change.clone()) };
    let wrong = |why: &str| {
        let path = text::safe(&to.display().to_string()).into_owned();
        Error::invalid(format!("{path} {why}; nothing was written."))
    };
    if to.file_name().is_none() {
        return Err(wrong("is no name of a file"));
    }
    let to_all = absolute(to).map_err(|_| wrong("is no name of a file"))?;
    if to_all.symlink_metadata().is_ok() {
        return Err(wrong("is there already, and passwords are only written into a new file"));
    }
    if !to_all.parent().is_some_and(Path::is_dir) {
        return Err(wrong("is in a folder that is not there"));
    }
    Ok(Change::GeneratePasswords { to: to_all })
}

/// Stands for the passwords that are only made up when they are written down.
async fn placeholder(portal: &Portal, change: &Change) -> Result<Option<String>> {
    match change {
        Change::GeneratePasswords { .. } => {
            Ok(Some(passwords::hash(portal, &password::generate()?, None).await?))
        }
        _ => Ok(None),
    }
}

fn no_superuser_left() -> Error {
    Error::denied(
        "No active superuser with a usable password would be left, and nobody could run the portal any more. Leave one \
         of them out, or make another superuser first.",
    )
}

/// What is asked of every piece.
struct Looking<'a> {
    portal: &'a Portal,
    change: &'a Change,
    words: &'a Words,
    password: Option<String>,
}

impl Looking<'_> {
    async fn parts(&self, ids: &[i64]) -> Result<Vec<Part>> {
        let encoded: Encoded = match &self.password {
            Some(password) => ids.iter().map(|id| (*id, password.clone())).collect(),
            None => Encoded::new(),
        };
        let found = Rows::read_many(self.portal, ids).await?;
        of_rows(self.portal, (self.change, self.words), ids, found, &encoded).await
    }

    /// For whom of them whoever is signed in may not do it.
    async fn refusals(&self, parts: &[Part]) -> Result<BTreeMap<i64, Error>> {
        let Ok(writer) = self.portal.writer() else { return Ok(BTreeMap::new()) };
        let plans = parts.iter().filter_map(|part| part.plan.as_ref().ok()).cloned();
        writer.refusals(&plans.fold(Plan::default(), Plan::followed_by)).await
    }

    /// The superusers among them, where without all of these nobody could run the portal: all are kept, because which of
    /// them should stay is not ours to say.
    async fn last_superusers(&self, asked: &[i64]) -> Result<Vec<i64>> {
        let all = Sql::new("SELECT id FROM auth_user WHERE is_superuser = ?").bind(true);
        let mut ids = Vec::new();
        for row in self.portal.db.all(all).await? {
            let id = row.int(0)?;
            ids.extend(asked.binary_search(&id).is_ok().then_some(id));
        }
        let (mut taken, mut plan) = (Vec::new(), Plan::default());
        for some in ids.chunks(self.change.at_once()) {
            let parts = self.parts(some).await?;
            let refused = self.refusals(&parts).await?;
            for part in parts.into_iter().filter(|part| !refused.contains_key(&part.id)) {
                let Ok(of_one) = part.plan else { continue };
                taken.push(part.id);
                plan.steps.extend(of_one.steps.into_iter().filter(|step| step.table() == "auth_user"));
            }
        }
        match superusers::check_all(&mut self.portal.db.clone(), &[plan]).await.map_err(Error::from) {
            Ok(()) => Ok(Vec::new()),
            Err(error) if error.kind == Kind::Denied => Ok(taken),
            Err(error) => Err(error),
        }
    }
}

/// The plan that a run would begin with, as it fills.
#[derive(Default)]
struct First {
    plan: Plan,
    users: usize,
    /// The first account of all.
    name: Option<String>,
    is_full: bool,
}

impl First {
    fn take(&mut self, username: &str, plan: &Plan) {
        self.name.get_or_insert_with(|| username.to_owned());
        self.is_full |= self.plan.steps.len() + plan.steps.len() > MOST_ROWS;
        if !self.is_full {
            self.plan = std::mem::take(&mut self.plan).followed_by(plan.clone());
            self.users += 1;
        }
    }

    fn plan(self, words: &Words, change: &Change) -> Plan {
        let title = match (self.users, self.name) {
            (1, Some(name)) => words.one(&name),
            (users, _) => words.many(users),
        };
        let mut plan = Plan { title, ..self.plan };
        plan.require.extend(requirements(change));
        plan
    }
}

impl Ahead {
    /// Tries the plan that it would begin with, and takes it back.
    ///
    /// # Errors
    /// What the engine says; not why the plan is refused, which is said in [`Ahead::rehearsed`].
    pub async fn rehearse(&mut self, portal: &Portal) -> Result<()> {
        let Ok(writer) = portal.writer() else { return Ok(()) };
        if self.first.steps.is_empty() {
            return Ok(());
        }
        let tried = writer.rehearse(self.first.clone(), |_| Box::pin(async { Ok(()) })).await;
        self.rehearsed = Some(match tried {
            Ok((written, ())) => {
                let rows = if written.len() == 1 { "row" } else { "rows" };
                let which =
                    if self.rows > written.len() as u64 { "The first part was tried" } else { "Rehearsed" };
                format!("{which}: {} {rows} written and taken back.", text::grouped(written.len() as u64))
            }
            Err(error)
                if matches!(error.kind, Kind::Conflict | Kind::Denied | Kind::Duplicate | Kind::Invalid) =>
            {
                format!("Rehearsed: one of the first would be refused, and left: {error}")
            }
            Err(error) => return Err(error),
        });
        Ok(())
    }

    /// How many accounts would be changed.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ids.len()
    }

    /// What there is to know, a sentence each: how many, who is left out and why, who loses what.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        /// Of so many it is told why they are refused.
        const TOLD: usize = 5;
        let number = |count: usize| text::grouped(count as u64);
        let users = |count: usize| format!("{} {}", number(count), if count == 1 { "user" } else { "users" });
        let mut words = vec![format!("{} of {} would change.", number(self.count()), users(self.asked))];
        if self.already > 0 {
            let are = if self.already == 1 { "is" } else { "are" };
            words.push(format!("{} {are} so already.", users(self.already)));
        }
        if self.gone > 0 {
            let are = if self.gone == 1 { "is" } else { "are" };
            words.push(format!("{} {are} not there any more.", users(self.gone)));
        }
        if !self.refused.is_empty() {
            let are = if self.refused.len() == 1 { "is" } else { "are" };
            words.push(format!("{} {are} left as they are:", users(self.refused.len())));
            words.extend(self.refused.iter().take(TOLD).map(|(title, why)| format!("  {title}: {why}")));
            let more = self.refused.len().saturating_sub(TOLD);
            words.extend((more > 0).then(|| format!("  and {} more.", number(more))));
        }
        words.extend(self.effects.words());
        if let Change::GeneratePasswords { to } = &self.change {
            words.push(format!(
                "The passwords are written into {}, which only you can read, before they are set.",
                to.display()
            ));
        }
        words.extend(self.rehearsed.clone());
        words
    }
}
