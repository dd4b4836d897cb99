//! Applies one plan in one short transaction: lock, compare, guard, write, journal, log, commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::db::schema::Schema;
use crate::db::{Cell, Db, DbErrorKind, Dialect, Failure, ForeignKeys, Sql, Tx, own};
use crate::error::{Error, Kind, Result};
use crate::portal::access::Roles;

use super::actor::Actor;
use super::admin_log::{self, Names, Written, Wrote};
use super::compare::{describe, lock_and_compare, require};
use super::counter::Raise;
use super::plan::{Image, MOST_ROWS, Plan, Purpose, Step};
use super::rows::{self, ByKey, Lock};
use super::superusers::{self, Standing};
use super::{alone, guard, hold, journal, references, taken, write};

/// How long to look for the answer when the connection broke at COMMIT.
pub(super) const SETTLE: Duration = Duration::from_secs(10);

/// How a plan stands in its run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) run: String,
    pub(super) seq: i64,
    pub(super) title: String,
    pub(super) planned: Option<i64>,
    /// For how many of the planned this plan counts.
    pub(super) weight: i64,
    /// The run is in the database already, see [`super::Hold`].
    pub(super) is_open: bool,
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The operation's id.
    pub operation: String,
    /// The rows, in the order written.
    pub written: Vec<Written>,
}

/// Everything that applying needs, shared with the transaction's task.
pub(super) struct Order {
    pub(super) schema: Arc<Schema>,
    pub(super) roles: Arc<Roles>,
    pub(super) actor: Arc<Actor>,
    pub(super) plan: Plan,
    pub(super) place: Place,
    pub(super) operation: String,
}

/// Applies the order's plan; afterwards either all of it is written, journaled and logged, or nothing.
pub(super) async fn apply(db: &Db, order: Arc<Order>) -> Result<Applied> {
    check_size(db.dialect(), &order.plan)?;
    if alone::goes_alone(db, &order.plan) {
        return alone::apply(db, order).await;
    }
    let keys = foreign_keys(&order.plan);
    let work = Arc::clone(&order);
    let result = db
        .transaction_with(keys, move |tx| {
            let order = Arc::clone(&work);
            Box::pin(async move { in_transaction(tx, &order).await })
        })
        .await;
    match result {
        Ok(written) => Ok(Applied { operation: order.operation.clone(), written }),
        Err(Failure::Db(error)) if error.kind == DbErrorKind::CommitUnknown => settle(db, &order).await,
        Err(failure) => Err(explain(db, &order.plan, failure).await),
    }
}

/// Why a plan was rolled back, in words.
pub(super) async fn explain(db: &Db, plan: &Plan, failure: Failure) -> Error {
    match failure {
        Failure::Refused(error) => error,
        Failure::Db(error) if let [Step::Ddl(ddl)] = plan.steps.as_slice() => ddl.explain(error),
        Failure::Db(error) if error.kind == DbErrorKind::Unique => {
            taken::explain(db, &error, plan).await.unwrap_or_else(|| error.into())
        }
        Failure::Db(error) => error.into(),
    }
}

/// Whether the engine watches over references while the plan is applied.
pub(super) fn foreign_keys(plan: &Plan) -> ForeignKeys {
    if plan.without_foreign_keys { ForeignKeys::Off } else { ForeignKeys::Enforced }
}

/// Refuses more rows than go together, and anything beside what must be alone.
pub(super) fn check_size(dialect: Dialect, plan: &Plan) -> Result<()> {
    let rows = plan.steps.len();
    if rows > MOST_ROWS {
        return Err(Error::bug(format!("a plan of {rows} rows, at most {MOST_ROWS} go together")));
    }
    if rows > 1 && plan.steps.iter().any(|step| step.stands_alone(dialect)) {
        return Err(Error::bug("what alters a table must be alone in its plan; nothing was written"));
    }
    Ok(())
}

/// The connection broke at COMMIT: the operation's mark decides whether it happened.
async fn settle(db: &Db, order: &Order) -> Result<Applied> {
    let started = std::time::Instant::now();
    let mut pause = Duration::from_millis(50);
    loop {
        match own::abandon(db, &order.operation, Utc::now()).await {
            Ok(own::Fate::Committed) => return recover(db, &order.operation).await,
            Ok(own::Fate::Abandoned) => {
                return Err(Error::unreachable(
                    "The connection broke while the change was being committed. It did not happen: nothing was \
                     written, and it is safe to try again.",
                ));
            }
            Err(error) if started.elapsed() < SETTLE => {
                tracing::warn!(%error, "can't tell yet whether an operation was committed");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(1));
            }
            Err(error) => {
                return Err(Error::new(
                    Kind::Unknown,
                    format!(
                        "The connection broke while operation {} was being committed, and the database can't be \
                         asked whether it happened: {error}. Look at the history when it is back; until then nothing \
                         else is written from here.",
                        order.operation
                    ),
                )
                .about(&order.operation));
            }
        }
    }
}

/// What the journal says of an operation that was applied.
pub(super) async fn recover(db: &Db, operation: &str) -> Result<Applied> {
    let wanted = own::Wanted { id: Some(operation.to_owned()), ..own::Wanted::default() };
    let mut written = Vec::new();
    for change in own::changes(db, &wanted).await? {
        for row in own::change_rows(db, change.id).await? {
            written.push(super::undo::read_row(&row)?);
        }
    }
    Ok(Applied { operation: operation.to_owned(), written })
}

/// Does everything but COMMIT.
pub(super) async fn in_transaction(tx: &mut Tx, order: &Order) -> std::result::Result<Vec<Written>, Failure> {
    let plan = &order.plan;
    let now = own::now(tx).await?;
    own::claim(tx, &order.operation, now).await?;
    if plan.purpose == Purpose::Repair && !order.place.is_open {
        hold::refuse_second(tx, &order.actor.sitting, now).await?;
    }
    let portal_ids = portal_ids(plan);
    if !portal_ids.is_empty() {
        own::lock(tx, own::PORTAL_ID_LOCK).await?;
    }
    let counts = superusers::are_touched(plan);
    let standing = if counts { superusers::count(tx).await? } else { Standing::default() };
    require(tx, order).await?;
    let found = lock_and_compare(tx, order).await?;
    let account = order.actor.account.as_ref().map(|account| account.id);
    let checked = guard::check_rights(tx, &order.roles, account, plan).await?;

    let keys = write::write(tx, order, now).await?;
    let written = read_back(tx, order, &keys, &found).await?;
    if !brings_fault_back(tx, plan).await? {
        check_portal_ids(tx, &portal_ids, plan).await?;
    }
    check_deleted(tx, order).await?;
    checked.after(tx, &order.roles, plan, &keys, &written).await?;
    if counts {
        standing.may_become(superusers::count(tx).await?)?;
    }
    let deed = Deed {
        actor: &order.actor,
        place: &order.place,
        operation: &order.operation,
        title: &plan.title,
        undo_of: plan.undo_of.as_deref(),
        kind: plan.purpose.name(),
        stands: false,
    };
    record(tx, &deed, &written, now).await?;
    log(tx, order, &written, now).await?;
    Ok(written)
}

/// The portal ids that the plan gives out: they must be unique although no index sees to it.
fn portal_ids(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .filter(|step| step.table() == "core_userprofile")
        .filter_map(|step| step.cell("main_portal_id").and_then(Cell::as_text))
        .filter(|id| !id.trim().is_empty())
        .map(str::to_owned)
        .collect()
}

/// Who takes back a repair brings the fault back, and that may be one portal id on two profiles; it is found again then.
async fn brings_fault_back(tx: &mut Tx, plan: &Plan) -> std::result::Result<bool, Failure> {
    match &plan.undo_of {
        Some(operation) => Ok(own::goes_back_to_repair(tx, operation).await?),
        None => Ok(false),
    }
}

async fn check_portal_ids(tx: &mut Tx, ids: &[String], plan: &Plan) -> std::result::Result<(), Failure> {
    // All of a plan's in one statement: since core 0004 the column has no index and each look goes through the table.
    for part in ids.chunks(MOST_ROWS) {
        let sql = Sql::new("SELECT MIN(main_portal_id) FROM core_userprofile WHERE main_portal_id IN (")
            .list(part.iter().map(String::as_str))
            .push(") GROUP BY main_portal_id HAVING COUNT(*) > 1 LIMIT 1");
        if let Some(row) = tx.optional(sql).await? {
            let id = row.text(0)?;
            let owner = other_owner(tx, &id, plan).await?;
            return Err(taken::portal_id(&id, owner.as_deref()).into());
        }
    }
    Ok(())
}

/// Who had the portal id before the plan gave it to someone else: of the profiles that have it, the oldest of a user whom
/// the plan doesn't touch.
async fn other_owner(tx: &mut Tx, id: &str, plan: &Plan) -> std::result::Result<Option<String>, Failure> {
    let touched: Vec<i64> = plan.steps.iter().filter_map(guard::user_of).collect();
    let sql =
        Sql::new("SELECT u.id, u.username FROM core_userprofile p JOIN auth_user u ON u.id = p.user_id")
            .push_bind(" WHERE p.main_portal_id = ? ORDER BY p.id", id);
    for row in tx.all(sql).await? {
        if !touched.contains(&row.int(0)?) {
            return Ok(Some(row.text(1)?));
        }
    }
    Ok(None)
}

/// What is deleted must not leave rows behind that a later one with the same id would inherit.
async fn check_deleted(tx: &mut Tx, order: &Order) -> std::result::Result<(), Failure> {
    let mut deleted: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for step in &order.plan.steps {
        if let Step::Delete { table, key, .. } = step
            && let Some(id) = key.int("id")
        {
            deleted.entry(table).or_default().push(id);
        }
    }
    for (table, ids) in deleted {
        references::refuse_remaining(tx, &order.schema, table, &ids).await?;
    }
    Ok(())
}

/// The rows as they are now, beside those found under lock.
async fn read_back(
    tx: &mut Tx,
    order: &Order,
    keys: &[Option<Image>],
    found: &[Option<Image>],
) -> std::result::Result<Vec<Written>, Failure> {
    let mut wanted: BTreeMap<&str, Vec<Image>> = BTreeMap::new();
    for (step, key) in order.plan.steps.iter().zip(keys) {
        if let (Some(key), Step::Insert { .. } | Step::Update { .. }) = (key, step) {
            wanted.entry(step.table()).or_default().push(key.clone());
        }
    }
    let mut after: BTreeMap<&str, ByKey> = BTreeMap::new();
    for (name, keys) in wanted {
        let table = rows::table(&order.schema, name)?;
        after.insert(name, ByKey::new(table, rows::by_keys(tx, table, &keys, Lock::No).await?));
    }
    let mut written = Vec::with_capacity(keys.len());
    for ((step, key), before) in order.plan.steps.iter().zip(keys).zip(found) {
        let Some(key) = key else { continue };
        let (key, before, table) = (key.clone(), before.clone(), step.table().to_owned());
        match step {
            Step::Ddl(ddl) => {
                let after = Some(ddl.image());
                written.push(Written { what: Wrote::Ddl, table, key, before, after });
                continue;
            }
            Step::Counter { table: of, column, to, .. } => {
                let after = Some(Raise { table: of, column, to: *to }.image(tx).await?);
                written.push(Written { what: Wrote::Counter, table, key, before, after });
                continue;
            }
            _ => {}
        }
        let now = after.get(step.table()).and_then(|rows| rows.get(&key)).cloned();
        if now.is_none() && !matches!(step, Step::Delete { .. }) {
            return Err(Error::bug(format!(
                "the row {} was written and is gone",
                describe(step.table(), &key)
            ))
            .into());
        }
        written.push(Written { what: Wrote::Row, table, key, before, after: now });
    }
    Ok(written)
}

/// What the journal is told of a plan, beside what it wrote.
pub(super) struct Deed<'a> {
    pub(super) actor: &'a Actor,
    pub(super) place: &'a Place,
    pub(super) operation: &'a str,
    pub(super) title: &'a str,
    pub(super) undo_of: Option<&'a str>,
    /// What kind of work its run is.
    pub(super) kind: &'a str,
    /// It is done whatever the journal says, and no ROLLBACK takes it back.
    pub(super) stands: bool,
}

/// Writes the journal, and the run's row.
pub(super) async fn record(
    tx: &mut Tx,
    deed: &Deed<'_>,
    written: &[Written],
    now: DateTime<Utc>,
) -> std::result::Result<(), Failure> {
    let (actor, place) = (deed.actor, deed.place);
    let rows = journal::rows(written)?;
    let mut change = own::Change {
        run_seq: place.seq,
        undo_of: deed.undo_of.map(str::to_owned),
        row_count: i64::try_from(rows.len()).unwrap_or(i64::MAX),
        previous_hash: own::last_hash(tx, &actor.sitting).await?,
        ..journal::header(actor, deed.operation, &place.run, deed.title, now)
    };
    change.hash = journal::hash(&change, &rows);
    own::record(tx, &change, &rows).await?;
    if place.seq == 1 && !place.is_open {
        let run = own::NewRun {
            id: &place.run,
            title: &journal::cut(&place.title, 300),
            kind: deed.kind,
            planned: place.planned,
            actor_id: change.actor_id,
            actor: change.actor.as_deref(),
            unix_user: &change.unix_user,
            ssh_from: change.ssh_from.as_deref(),
            sitting: &change.sitting,
            owner: &journal::cut(&actor.owner(), 200),
            resume_from: None,
        };
        own::begin_run(tx, &run, now).await?;
    }
    let run = (place.run.as_str(), actor.sitting.as_str());
    if !own::count_plan(tx, run, place.weight, place.planned, now).await? && !deed.stands {
        return Err(hold::lost().into());
    }
    if place.planned == Some(1) && !place.is_open {
        own::end_run(tx, run, "done", 0, now).await?;
    }
    Ok(())
}

/// Writes Django's own history, for somebody who is signed in.
async fn log(
    tx: &mut Tx,
    order: &Order,
    written: &[Written],
    now: DateTime<Utc>,
) -> std::result::Result<(), Failure> {
    if let Some(account) = &order.actor.account {
        let names = names(tx, written).await?;
        let entries = admin_log::entries(written, &names);
        admin_log::write(tx, &order.schema, account.id, (&order.operation, now), &entries).await?;
    }
    Ok(())
}

/// The names of the accounts and groups whose own rows were not written.
async fn names(tx: &mut Tx, written: &[Written]) -> std::result::Result<Names, Failure> {
    let users = written.iter().filter(|row| row.table != "auth_user").filter_map(Written::user).collect();
    let carried = written.iter().filter(|row| row.table == "auth_group_permissions");
    let groups = carried.filter_map(|row| row.int("group_id")).collect();
    Ok(Names {
        users: named(tx, "SELECT id, username FROM auth_user WHERE id IN (", users).await?,
        groups: named(tx, "SELECT id, name FROM auth_group WHERE id IN (", groups).await?,
    })
}

async fn named(
    tx: &mut Tx,
    select: &'static str,
    ids: BTreeSet<i64>,
) -> std::result::Result<BTreeMap<i64, String>, Failure> {
    let ids: Vec<i64> = ids.into_iter().collect();
    let mut names = BTreeMap::new();
    for part in ids.chunks(200) {
        for row in tx.all(Sql::new(select).list(part.iter().copied()).push(")")).await? {
            names.insert(row.int(0)?, row.text(1)?);
        }
    }
    Ok(names)
}
