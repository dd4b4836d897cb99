//! The guards, checked inside the transaction, whatever the plan came from: G1 to G6 of ARCHITECTURE.md. What a role
//! may do is decided in `portal::access`; here the rows of a plan are read as actions.
//!
//! Rows are looked at twice: as the plan gives them, before anything is written, and as the database holds them
//! afterwards. The second look decides: what a value becomes in a column, and which names are equal, is the engine's to
//! say. The rights themselves, of the person and of the accounts, are those from before the plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::{Cell, Failure, Tx, own};
use crate::error::{Error, Kind, Result};
use crate::portal::access::{self, Action, ActorFacts, Level, Roles, TargetFacts};

use super::admin_log::{Written, Wrote};
use super::plan::{Image, Plan, Purpose, Step, Value};
use super::rights;

/// The columns of a profile that an Engineer may change on their own, and those that change in passing.
const OWN_FIELDS: [&str; 3] = ["phone_number", "email_notifications", "updated_at"];

/// Refuses what the signed-in person may not do. The rights are read now, inside the transaction, and stay as they are
/// until it ends (G5). Without a portal account nothing is refused here: on the command line only the count of
/// superusers holds.
///
/// # Errors
/// Denied, with the reason; what the engine says.
pub async fn check_rights(
    tx: &mut Tx,
    roles: &Roles,
    account: Option<i64>,
    plan: &Plan,
) -> std::result::Result<Checked, Failure> {
    let Some(judge) = judge(tx, roles, account, plan).await? else { return Ok(Checked(None)) };
    if judge.repair || !plan.steps.iter().all(Step::writes_a_row) {
        judge.allow(&Action::Repair)?;
    }
    for row in plan.steps.iter().filter_map(Touched::planned) {
        judge.check(&row)?;
    }
    Ok(Checked(Some(judge)))
}

/// For whom of the accounts that a plan is about [`check_rights`] would refuse it, and why: for plans about many, of which
/// a few may have to be left out.
///
/// # Errors
/// Denied, when whoever writes is not there any more; what the engine says.
pub async fn refusals(
    tx: &mut Tx,
    roles: &Roles,
    account: Option<i64>,
    plan: &Plan,
) -> std::result::Result<BTreeMap<i64, Error>, Failure> {
    let mut refused = BTreeMap::new();
    let Some(judge) = judge(tx, roles, account, plan).await? else { return Ok(refused) };
    for row in plan.steps.iter().filter_map(Touched::planned) {
        match judge.check(&row) {
            Ok(()) => {}
            Err(error) if error.kind == Kind::Denied => {
                for user in row.users() {
                    refused.entry(user).or_insert_with(|| error.clone());
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(refused)
}

/// Reads all that decides about a plan; nothing where nobody is signed in.
async fn judge(
    tx: &mut Tx,
    roles: &Roles,
    account: Option<i64>,
    plan: &Plan,
) -> std::result::Result<Option<Judge>, Failure> {
    let Some(account) = account else { return Ok(None) };
    rights::hold(tx, account).await?;
    let Some(actor) = rights::actor(tx, roles, account).await? else {
        return Err(Error::denied("Your account does not exist any more; nothing was written.").into());
    };
    let repair = match (plan.purpose, &plan.undo_of) {
        (Purpose::Repair, _) => true,
        // Who takes back a repair brings the fault back.
        (_, Some(operation)) => own::goes_back_to_repair(tx, operation).await?,
        _ => false,
    };
    let touched: Vec<Touched<'_>> = plan.steps.iter().filter_map(Touched::planned).collect();
    let facts = Facts::read(tx, roles, &touched).await?;
    Ok(Some(Judge { actor, facts, repair }))
}

/// What is left to be checked when the plan is written.
pub struct Checked(Option<Judge>);

impl Checked {
    /// Looks again at the rows, now as they were written; `keys` says which steps wrote one. Also refuses to make someone
    /// privileged by the way, such as staff by a group that carries powerful permissions: that too is a superuser's to
    /// do (G1).
    ///
    /// # Errors
    /// Denied; what the engine says.
    pub async fn after(
        self,
        tx: &mut Tx,
        roles: &Roles,
        plan: &Plan,
        keys: &[Option<Image>],
        written: &[Written],
    ) -> std::result::Result<(), Failure> {
        let Some(mut judge) = self.0 else { return Ok(()) };
        let steps = plan.steps.iter().zip(keys).filter(|(_, key)| key.is_some()).map(|(step, _)| step);
        let touched: Vec<Touched<'_>> = steps
            .zip(written)
            .filter(|(_, written)| written.what == Wrote::Row)
            .map(Touched::written)
            .collect();
        judge.facts.note_written(tx, roles, &touched).await?;
        for row in &touched {
            judge.check(row)?;
        }
        if judge.actor.effective_level() == Some(Level::Superuser) {
            return Ok(());
        }
        let now = rights::targets(tx, roles, &judge.facts.ordinary()).await?;
        if now.values().any(|target| target.privileged) {
            return Err(Error::denied(
                "This would let the account change users in the portal's admin, which only a superuser may give. \
                 Nothing was written.",
            )
            .into());
        }
        Ok(())
    }
}

/// A row that a plan writes: as it is before, as it is after, and which columns differ.
struct Touched<'a> {
    table: &'a str,
    before: Option<&'a Image>,
    after: Option<Image>,
    changed: Vec<&'a str>,
}

impl<'a> Touched<'a> {
    /// As the plan gives it; what is only known when it is written is left out. Nothing where the step writes no row.
    fn planned(step: &'a Step) -> Option<Self> {
        let (mut after, set) = match step {
            Step::Insert { values, .. } => (Image::default(), values.as_slice()),
            Step::Update { before, set, .. } => (before.clone(), set.as_slice()),
            Step::Delete { table, before, .. } => {
                return Some(Self { table, before: Some(before), after: None, changed: Vec::new() });
            }
            Step::Counter { .. } | Step::Ddl(_) => return None,
        };
        let before = step.before();
        let mut changed = Vec::new();
        for (column, value) in set {
            match value {
                Value::Cell(cell) => {
                    if before.and_then(|before| before.get(column)) != Some(cell) {
                        changed.push(column.as_str());
                    }
                    after.set(column, cell.clone());
                }
                Value::NewId(_) | Value::Now => {
                    changed.push(column);
                    after.0.retain(|(name, _)| name != column);
                }
            }
        }
        Some(Self { table: step.table(), before, after: Some(after), changed })
    }

    /// As the database holds it after the step.
    fn written((step, row): (&'a Step, &'a Written)) -> Self {
        let changed = match (step, &row.before, &row.after) {
            (Step::Update { set, .. }, Some(before), Some(after)) => set
                .iter()
                .map(|(column, _)| column.as_str())
                .filter(|column| before.get(column) != after.get(column))
                .collect(),
            _ => Vec::new(),
        };
        Self { table: &row.table, before: row.before.as_ref(), after: row.after.clone(), changed }
    }

    /// What the row holds in a column, before and after.
    fn ids(&self, column: &str) -> impl Iterator<Item = i64> {
        let id = |image: Option<&Image>| image.and_then(|image| image.int(column));
        [id(self.before), id(self.after.as_ref())].into_iter().flatten()
    }

    /// The users that it concerns.
    fn users(&self) -> impl Iterator<Item = i64> {
        self.ids(if self.table == "auth_user" { "id" } else { "user_id" })
    }

    /// The groups that it concerns.
    fn groups(&self) -> impl Iterator<Item = i64> {
        self.ids(if self.table == "auth_group" { "id" } else { "group_id" })
    }

    fn is_new(&self) -> bool {
        self.before.is_none()
    }
}

/// What has to be known of the accounts and groups that a plan names.
struct Facts {
    /// The accounts that were there before.
    users: BTreeMap<i64, TargetFacts>,
    /// All that the plan names, whether they are there or not.
    named: BTreeSet<i64>,
    /// Those that the plan creates.
    created: BTreeSet<i64>,
    /// The groups, and the role that each gives or will give.
    groups: BTreeMap<i64, Option<Level>>,
    /// The groups that the plan deletes.
    deleted_groups: BTreeSet<i64>,
}

/// The account that a row concerns.
enum Whose<'a> {
    /// One that was there before.
    Of(&'a TargetFacts),
    /// One that the plan itself creates: nobody yet.
    New,
    /// There is no such account: the row is an orphan.
    Missing,
}

/// A user whom the plan itself creates.
const NOBODY: TargetFacts = TargetFacts { id: 0, superuser: false, privileged: false, level: None };

impl Facts {
    async fn read(tx: &mut Tx, roles: &Roles, touched: &[Touched<'_>]) -> std::result::Result<Self, Failure> {
        let named: BTreeSet<i64> = touched.iter().flat_map(Touched::users).collect();
        let groups: BTreeSet<i64> = touched.iter().flat_map(Touched::groups).collect();
        let ids: Vec<i64> = named.iter().copied().collect();
        let in_group_table = |row: &&Touched<'_>| row.table == "auth_group" && row.after.is_none();
        Ok(Self {
            users: rights::targets(tx, roles, &ids).await?,
            named,
            created: created(touched),
            groups: rights::group_levels(tx, roles, &groups.into_iter().collect::<Vec<_>>()).await?,
            deleted_groups: touched.iter().filter(in_group_table).flat_map(Touched::groups).collect(),
        })
    }

    /// Learns which accounts are new, and what the groups are now that they have their names.
    async fn note_written(
        &mut self,
        tx: &mut Tx,
        roles: &Roles,
        touched: &[Touched<'_>],
    ) -> std::result::Result<(), Failure> {
        self.created.extend(created(touched));
        let groups: BTreeSet<i64> = touched.iter().flat_map(Touched::groups).collect();
        for (id, level) in rights::group_levels(tx, roles, &groups.into_iter().collect::<Vec<_>>()).await? {
            let known = self.groups.entry(id).or_default();
            *known = level.max(*known);
        }
        Ok(())
    }

    /// Whose row this is.
    fn whose(&self, table: &str, image: &Image) -> Result<Whose<'_>> {
        let Some(id) = image.int(if table == "auth_user" { "id" } else { "user_id" }) else {
            return Ok(Whose::New);
        };
        match self.users.get(&id) {
            Some(target) => Ok(Whose::Of(target)),
            None if self.created.contains(&id) => Ok(Whose::New),
            None if self.named.contains(&id) => Ok(Whose::Missing),
            None => {
                Err(Error::bug(format!("a row of {table} was written for user {id}, whom no step names")))
            }
        }
    }

    /// The role that being in the group of this row gives.
    fn level(&self, image: &Image) -> Option<Level> {
        image.int("group_id").and_then(|id| self.groups.get(&id).copied()).flatten()
    }

    /// The accounts that were not privileged before.
    fn ordinary(&self) -> Vec<i64> {
        let known = self.users.values().filter(|target| !target.privileged).map(|target| target.id);
        known.chain(self.created.iter().copied()).collect()
    }
}

fn created(touched: &[Touched<'_>]) -> BTreeSet<i64> {
    touched.iter().filter(|row| row.table == "auth_user" && row.is_new()).flat_map(Touched::users).collect()
}

/// Who acts, on whom, and whether to repair.
struct Judge {
    actor: ActorFacts,
    facts: Facts,
    /// The plan repairs, or takes a repair back.
    repair: bool,
}

impl Judge {
    fn allow(&self, action: &Action<'_>) -> Result<()> {
        access::allowed(&self.actor, action)
            .map_err(|why| Error::denied(format!("{} Nothing was written.", sentence(&why))))
    }

    /// Asks for the account that one side of a row belongs to. A row of nobody concerns nobody: the right to repair is
    /// enough.
    fn ask<'a>(
        &'a self,
        table: &str,
        side: Option<&Image>,
        action: impl Fn(&'a TargetFacts) -> Action<'a>,
    ) -> Result<()> {
        let Some(image) = side else { return Ok(()) };
        match self.facts.whose(table, image)? {
            Whose::Missing if self.repair => Ok(()),
            Whose::Missing => {
                // An undo leaves an orphan behind: that makes a fault, as taking back a repair does.
                self.allow(&Action::Repair)?;
                self.allow(&action(&NOBODY))
            }
            Whose::Of(target) => self.allow(&action(target)),
            Whose::New => self.allow(&action(&NOBODY)),
        }
    }

    fn check(&self, row: &Touched<'_>) -> Result<()> {
        let (table, before, after) = (row.table, row.before, row.after.as_ref());
        match table {
            "auth_user" => self.check_user(row),
            "core_userprofile" => {
                let stays = matches!((before, after), (Some(_), Some(_)))
                    && row.changed.iter().all(|column| OWN_FIELDS.contains(column));
                let edit = |target| Action::EditProfile { target, only_own_fields: stays };
                self.ask(table, before, edit)?;
                self.ask(table, after, edit)
            }
            "auth_user_groups" => {
                let level = before.and_then(|image| self.facts.level(image));
                self.ask(table, before, |target| Action::TakeGroup { target, level })?;
                let level = after.and_then(|image| self.facts.level(image));
                self.ask(table, after, |target| Action::GiveGroup { target, level })
            }
            "auth_user_user_permissions" => {
                self.ask(table, before, Action::EditUserPermissions)?;
                self.ask(table, after, Action::EditUserPermissions)
            }
            // What somebody did is forgotten only with them.
            "django_admin_log" => {
                self.ask(table, before, Action::DeleteUser)?;
                self.ask(table, after, Action::EditAccount)
            }
            "auth_group_permissions" if self.goes_with_its_group(row) => self.allow(&Action::EditGroups),
            "auth_group_permissions" | "auth_permission" | "django_content_type" => {
                self.allow(&Action::EditGroupPermissions)
            }
            "auth_group" => {
                let is_role = |id: i64| self.facts.groups.get(&id).copied().flatten().is_some();
                let role = row.groups().any(is_role);
                self.allow(if role { &Action::EditRoleGroups } else { &Action::EditGroups })
            }
            "core_department" => self.allow(&Action::EditDepartments),
            _ => self.allow(&Action::Repair),
        }
    }

    /// Whether a group's permission goes because the group does.
    fn goes_with_its_group(&self, row: &Touched<'_>) -> bool {
        let deleted = |id| self.facts.deleted_groups.contains(&id);
        row.after.is_none() && row.groups().next().is_some_and(deleted)
    }

    fn check_user(&self, row: &Touched<'_>) -> Result<()> {
        let is = |flag: &str| {
            row.after
                .as_ref()
                .and_then(|after| after.get(flag))
                .is_some_and(|cell| cell.as_bool() != Some(false))
        };
        let flags: Vec<&str> =
            ["is_staff", "is_superuser"].into_iter().filter(|flag| row.changed.contains(flag)).collect();
        match (row.before, row.after.as_ref()) {
            (None, Some(_)) => {
                self.allow(&Action::CreateUser)?;
                let flagged = is("is_staff") || is("is_superuser");
                if flagged { self.allow(&Action::GiveFlags(&NOBODY)) } else { Ok(()) }
            }
            (before, None) => self.ask(row.table, before, Action::DeleteUser),
            (before, Some(_)) => {
                let only_given = flags.iter().all(|flag| is(flag));
                for column in &row.changed {
                    self.ask(row.table, before, |target| match *column {
                        "password" => Action::SetPassword(target),
                        "is_active" => Action::SetActive { target, active: is("is_active") },
                        "is_staff" | "is_superuser" if only_given => Action::GiveFlags(target),
                        "is_staff" | "is_superuser" => Action::SetFlags(target),
                        _ => Action::EditAccount(target),
                    })?;
                }
                Ok(())
            }
        }
    }
}

fn sentence(text: &str) -> String {
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

/// The portal user that a step concerns, where the id is known beforehand.
#[must_use]
pub fn user_of(step: &Step) -> Option<i64> {
    let cell = |column| step.cell(column).and_then(Cell::as_int);
    match (step, step.table()) {
        (Step::Update { key, .. } | Step::Delete { key, .. }, "auth_user") => key.int("id"),
        (Step::Insert { .. }, "auth_user") => cell("id"),
        (Step::Insert { .. }, _) => cell("user_id"),
        (Step::Update { before, .. } | Step::Delete { before, .. }, _) => before.int("user_id"),
        (Step::Counter { .. } | Step::Ddl(_), _) => None,
    }
}
