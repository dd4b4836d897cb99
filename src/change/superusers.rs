//! G3: a superuser who can sign in always remains.

use std::collections::BTreeMap;

use crate::db::{Cell, Failure, Reads, Sql, Tx, Val};
use crate::error::{Error, Result};
use crate::portal::password::{self, Stored};

use super::plan::{Image, Plan, Step};

/// How many superusers could sign in to the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Active, with a password that can be verified here.
    sure: usize,
    /// The same, and those whose password is of a hasher that only the portal may know.
    likely: usize,
}

impl Standing {
    fn count(&mut self, is_active: bool, is_superuser: bool, password: &str) {
        let stored = password::read(password);
        let known = matches!(stored, Stored::Usable(_));
        if is_active && is_superuser && (known || matches!(stored, Stored::Unsupported(_))) {
            self.likely += 1;
            self.sure += usize::from(known);
        }
    }

    /// Refuses a plan that leaves no superuser who can sign in. Where there was none before, nothing is lost; where
    /// there was one for certain, one who perhaps can is not enough.
    ///
    /// # Errors
    /// Denied.
    pub fn may_become(self, after: Self) -> Result<()> {
        if (self.sure == 0 || after.sure > 0) && (self.likely == 0 || after.likely > 0) {
            return Ok(());
        }
        Err(Error::denied(
            "This is the last active superuser with a usable password, who can't be demoted, deactivated, deleted or \
             locked out: nobody could run the portal any more. Make another superuser first. Nothing was written.",
        ))
    }
}

/// Whether a plan touches what makes someone a superuser who can sign in, so that they have to be counted.
#[must_use]
pub fn are_touched(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| {
        let was_superuser = |before: &Image| before.bool("is_superuser") != Some(false);
        match step {
            _ if step.table() != "auth_user" => false,
            Step::Delete { before, .. } => was_superuser(before),
            Step::Update { before, set, .. } => {
                let counted = |column: &str| matches!(column, "is_superuser" | "is_active" | "password");
                was_superuser(before) && set.iter().any(|(column, _)| counted(column))
            }
            Step::Insert { .. } | Step::Counter { .. } | Step::Ddl(_) => false,
        }
    })
}

/// Locks all superusers in id order, so that two administrators who demote each other come one after the other, and
/// counts those who can sign in.
///
/// # Errors
/// What the engine says.
pub async fn count(tx: &mut Tx) -> std::result::Result<Standing, Failure> {
    let found = Sql::new("SELECT id FROM auth_user WHERE is_superuser = ?").bind(true);
    let ids: Vec<i64> =
        tx.all(found).await?.iter().map(|row| row.int(0)).collect::<std::result::Result<_, _>>()?;
    let sql = Sql::new("SELECT is_active, is_superuser, password FROM auth_user WHERE id IN (")
        .list(ids.into_iter().map(|id| Val::Int(Some(id))))
        .push(") ORDER BY id")
        .push(tx.dialect().for_update());
    let mut standing = Standing::default();
    for row in tx.all(sql).await? {
        standing.count(row.bool(0)?, row.bool(1)?, &row.text(2)?);
    }
    Ok(standing)
}

/// Refuses plans that together would leave no superuser who can sign in, before the first of them is applied. Each is
/// asked again when it is.
///
/// # Errors
/// Denied; what the engine says.
pub async fn check_all(reads: &mut dyn Reads, plans: &[Plan]) -> std::result::Result<(), Failure> {
    if !plans.iter().any(are_touched) {
        return Ok(());
    }
    let sql = Sql::new("SELECT id, is_active, is_superuser, password FROM auth_user WHERE is_superuser = ?");
    let mut users: BTreeMap<i64, (bool, bool, String)> = BTreeMap::new();
    for row in reads.rows(sql.bind(true)).await? {
        users.insert(row.int(0)?, (row.bool(1)?, row.bool(2)?, row.text(3)?));
    }
    let standing = |users: &BTreeMap<i64, (bool, bool, String)>| {
        let mut standing = Standing::default();
        for (is_active, is_superuser, password) in users.values() {
            standing.count(*is_active, *is_superuser, password);
        }
        standing
    };
    let before = standing(&users);
    for step in plans.iter().flat_map(|plan| &plan.steps).filter(|step| step.table() == "auth_user") {
        match step {
            Step::Delete { key, .. } => drop(key.int("id").and_then(|id| users.remove(&id))),
            Step::Update { key, before, .. } => {
                let Some(id) = key.int("id") else { continue };
                let known = users.entry(id).or_insert_with(|| {
                    let is = |flag| before.bool(flag) == Some(true);
                    (
                        is("is_active"),
                        is("is_superuser"),
                        before.text("password").unwrap_or_default().to_owned(),
                    )
                });
                let flag = |column, old| step.value(column).map_or(old, |_| is_set(step, column));
                known.0 = flag("is_active", known.0);
                known.1 = flag("is_superuser", known.1);
                if let Some(password) = step.cell("password").and_then(Cell::as_text) {
                    password.clone_into(&mut known.2);
                }
            }
            Step::Insert { .. } | Step::Counter { .. } | Step::Ddl(_) => {}
        }
    }
    Ok(before.may_become(standing(&users))?)
}

fn is_set(step: &Step, column: &str) -> bool {
    step.cell(column).and_then(Cell::as_bool) == Some(true)
}
