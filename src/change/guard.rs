//! The guards, checked inside the transaction, whatever the plan came from: G1 to G6 of ARCHITECTURE.md. What a role
//! may do is decided in `portal::access`; here a plan's steps are read as actions, and superusers are counted.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::db::{Cell, Failure, Sql, Tx, Val};
use crate::error::Error;
use crate::portal::access::{self, Action, ActorFacts, Level, Roles, TargetFacts};
use crate::portal::password;

use super::plan::{Plan, Purpose, Step, Value};
use super::rights;

/// The columns of a profile that an Engineer may change on their own, and those that change in passing.
const OWN_FIELDS: [&str; 3] = ["phone_number", "email_notifications", "updated_at"];

/// The portal user that a step concerns, where the id is known beforehand.
#[must_use]
pub fn user_of(step: &Step) -> Option<i64> {
    match (step, step.table()) {
        (Step::Update { key, .. } | Step::Delete { key, .. }, "auth_user") => key.int("id"),
        (Step::Insert { .. }, "auth_user") => step.cell("id").and_then(Cell::as_int),
        (Step::Insert { .. }, _) => step.cell("user_id").and_then(Cell::as_int),
        (Step::Update { before, .. } | Step::Delete { before, .. }, _) => before.int("user_id"),
    }
}

/// The group that a step concerns: the row itself or the one a link points to.
fn group_of(step: &Step) -> Option<i64> {
    match step {
        Step::Update { table, key, .. } | Step::Delete { table, key, .. } if table == "auth_group" => {
            key.int("id")
        }
        Step::Insert { .. } => step.cell("group_id").and_then(Cell::as_int),
        Step::Update { before, .. } | Step::Delete { before, .. } => before.int("group_id"),
    }
}

/// Refuses what the signed-in person may not do. The rights are read now, inside the transaction (G5). Without a
/// portal account nothing is refused here: on the command line only the count of superusers holds.
///
/// # Errors
/// Denied, with the reason; what the engine says.
pub async fn check_rights(
    tx: &mut Tx,
    roles: &Roles,
    account: Option<i64>,
    plan: &Plan,
) -> Result<Checked, Failure> {
    let Some(account) = account else { return Ok(Checked::default()) };
    let Some(actor) = rights::actor(tx, roles, account).await? else {
        return Err(Error::denied("Your account does not exist any more; nothing was written.").into());
    };
    let users: BTreeSet<i64> = plan.steps.iter().filter_map(user_of).collect();
    let groups: BTreeSet<i64> = plan.steps.iter().filter_map(group_of).collect();
    let facts = Facts {
        users: rights::targets(tx, roles, &users.into_iter().collect::<Vec<_>>()).await?,
        groups: rights::group_levels(tx, roles, &groups.into_iter().collect::<Vec<_>>()).await?,
        role_names: roles.names().map(fold).collect(),
    };
    if plan.purpose == Purpose::Repair {
        allow(&actor, &Action::Repair)?;
    }
    for step in &plan.steps {
        check_step(&actor, &facts, plan, step)?;
    }
    if actor.superuser {
        return Ok(Checked::default());
    }
    let ordinary = facts.users.into_values().filter(|target| !target.privileged).map(|target| target.id);
    Ok(Checked { ordinary: ordinary.collect() })
}

/// What is left to be checked when the plan is written.
#[derive(Debug, Default)]
pub struct Checked {
    /// Users whom someone other than a superuser touches, and who were not privileged before.
    ordinary: Vec<i64>,
}

impl Checked {
    /// Refuses to make someone privileged by the way, such as staff by a group that carries powerful permissions: that
    /// too is a superuser's to do (G1).
    ///
    /// # Errors
    /// Denied; what the engine says.
    pub async fn after(&self, tx: &mut Tx, roles: &Roles) -> Result<(), Failure> {
        let now = rights::targets(tx, roles, &self.ordinary).await?;
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

struct Facts {
    users: BTreeMap<i64, TargetFacts>,
    /// The groups that the steps name, and the role that each gives.
    groups: BTreeMap<i64, Option<Level>>,
    /// The names of the role groups, folded.
    role_names: BTreeSet<String>,
}

impl Facts {
    /// Whether a step on `auth_group` makes, renames or deletes the group of a role. A name that is not in the
    /// database yet can't be compared by it; folding takes more names for a role than any engine does, never fewer
    /// of those spelled alike.
    fn is_role_group(&self, step: &Step) -> bool {
        let is_role = |id: Option<i64>| id.and_then(|id| self.groups.get(&id).copied()).flatten().is_some();
        let named = step
            .cell("name")
            .and_then(Cell::as_text)
            .is_some_and(|name| self.role_names.contains(&fold(name)));
        named || is_role(group_of(step))
    }
}

fn fold(name: &str) -> String {
    name.trim().nfkd().filter(|c| !is_combining_mark(*c)).collect::<String>().to_lowercase()
}

fn allow(actor: &ActorFacts, action: &Action<'_>) -> Result<(), Failure> {
    access::allowed(actor, action)
        .map_err(|why| Error::denied(format!("{} Nothing was written.", sentence(&why))).into())
}

fn sentence(text: &str) -> String {
    if text.ends_with('.') { text.to_owned() } else { format!("{text}.") }
}

/// A user whom the plan itself creates: nobody yet.
const NOBODY: TargetFacts = TargetFacts { id: 0, superuser: false, privileged: false, level: None };

/// Whether the plan deletes or deactivates the account: then its rows go with it, and what they gave is no one's.
fn ends_account(plan: &Plan, user: i64) -> bool {
    plan.steps.iter().any(|step| match step {
        Step::Delete { table, key, .. } => table == "auth_user" && key.int("id") == Some(user),
        Step::Update { table, key, .. } => {
            let off = step.cell("is_active").and_then(Cell::as_bool) == Some(false);
            table == "auth_user" && key.int("id") == Some(user) && off
        }
        Step::Insert { .. } => false,
    })
}

fn check_step(actor: &ActorFacts, facts: &Facts, plan: &Plan, step: &Step) -> Result<(), Failure> {
    let target = user_of(step).and_then(|id| facts.users.get(&id));
    // A row of a user who is not there concerns nobody: the right to repair is enough.
    let orphan = target.is_none() && user_of(step).is_some() && step.table() != "auth_user";
    if orphan && plan.purpose == Purpose::Repair {
        return Ok(());
    }
    let target = target.unwrap_or(&NOBODY);
    match step.table() {
        "auth_user" => check_user(actor, target, step),
        "core_userprofile" => {
            let only_own_fields = match step {
                Step::Update { set, .. } => {
                    set.iter().all(|(column, _)| OWN_FIELDS.contains(&column.as_str()))
                }
                Step::Insert { .. } | Step::Delete { .. } => false,
            };
            allow(actor, &Action::EditProfile { target, only_own_fields })
        }
        "auth_user_groups" => {
            let level = group_of(step).and_then(|id| facts.groups.get(&id).copied()).flatten();
            match step {
                Step::Delete { .. } => allow(actor, &Action::TakeGroup { target, level }),
                Step::Insert { .. } | Step::Update { .. } => {
                    allow(actor, &Action::GiveGroup { target, level })
                }
            }
        }
        // The log of what a person did goes with the account, and comes back with it.
        "django_admin_log" => allow(actor, &Action::DeleteUser(target)),
        "auth_user_user_permissions"
            if matches!(step, Step::Delete { .. }) && ends_account(plan, target.id) =>
        {
            allow(actor, &Action::EditAccount(target))
        }
        "auth_user_user_permissions" | "auth_group_permissions" => allow(actor, &Action::EditPermissions),
        "core_department" => allow(actor, &Action::EditDepartments),
        _ if facts.is_role_group(step) => allow(actor, &Action::EditRoleGroups),
        _ => allow(actor, &Action::EditGroups),
    }
}

fn check_user(actor: &ActorFacts, target: &TargetFacts, step: &Step) -> Result<(), Failure> {
    let (before, set) = match step {
        Step::Update { before, set, .. } => (before, set),
        Step::Delete { .. } => return allow(actor, &Action::DeleteUser(target)),
        Step::Insert { .. } => {
            allow(actor, &Action::CreateUser)?;
            let given = |flag| step.cell(flag).and_then(Cell::as_bool) == Some(true);
            let flagged = given("is_staff") || given("is_superuser");
            return if flagged { allow(actor, &Action::GiveFlags(target)) } else { Ok(()) };
        }
    };
    for (column, value) in set {
        if matches!(value, Value::Cell(cell) if before.get(column) == Some(cell)) {
            continue;
        }
        match column.as_str() {
            "password" => allow(actor, &Action::SetPassword(target))?,
            "is_active" => {
                let active = matches!(value, Value::Cell(cell) if cell.as_bool() == Some(true));
                allow(actor, &Action::SetActive { target, active })?;
            }
            "is_staff" | "is_superuser" => allow(actor, &Action::SetFlags(target))?,
            _ => allow(actor, &Action::EditAccount(target))?,
        }
    }
    Ok(())
}

/// Whether a plan touches what makes someone a superuser who can sign in, so that they have to be counted (G3).
#[must_use]
pub fn touches_superusers(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| match step {
        Step::Delete { table, before, .. } => {
            table == "auth_user" && before.bool("is_superuser") == Some(true)
        }
        Step::Update { table, before, set, .. } => {
            table == "auth_user"
                && before.bool("is_superuser") == Some(true)
                && set
                    .iter()
                    .any(|(column, _)| matches!(column.as_str(), "is_superuser" | "is_active" | "password"))
        }
        Step::Insert { .. } => false,
    })
}

/// Locks all superusers in id order, so that two administrators who demote each other come one after the other, and
/// counts those who are active and have a usable password.
///
/// # Errors
/// What the engine says.
pub async fn count_superusers(tx: &mut Tx) -> Result<usize, Failure> {
    let found = Sql::new("SELECT id FROM auth_user WHERE is_superuser = ?").bind(true);
    let ids: Vec<i64> = tx.all(found).await?.iter().map(|row| row.int(0)).collect::<Result<_, _>>()?;
    let sql = Sql::new("SELECT is_active, is_superuser, password FROM auth_user WHERE id IN (")
        .list(ids.into_iter().map(|id| Val::Int(Some(id))))
        .push(") ORDER BY id")
        .push(tx.dialect().for_update());
    let mut count = 0;
    for row in tx.all(sql).await? {
        let usable = matches!(password::read(&row.text(2)?), password::Stored::Usable(_));
        if row.bool(0)? && row.bool(1)? && usable {
            count += 1;
        }
    }
    Ok(count)
}

/// Refuses a plan that leaves no superuser who can sign in. Where there was none before, nothing is lost.
///
/// # Errors
/// Denied.
pub fn keep_a_superuser(before: usize, after: usize) -> Result<(), Failure> {
    if before > 0 && after == 0 {
        return Err(Error::denied(
            "This is the last active superuser with a usable password, who can't be demoted, deactivated, deleted or \
             locked out: nobody could run the portal any more. Make another superuser first. Nothing was written.",
        )
        .into());
    }
    Ok(())
}
