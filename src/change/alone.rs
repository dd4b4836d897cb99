//! What the engine commits by itself and no ROLLBACK takes back: statements of MySQL's that alter a table, and a raised
//! `AUTO_INCREMENT` is one.
//!
//! 1. What is about to be done is noted in our own tables: what it is, what it was like before, and who does it.
//! 2. The statement runs, on a connection that holds a lock of the operation's name until it has ended.
//! 3. The journal is written and the note taken away, in one transaction.
//!
//! A program that dies on the way leaves the note. The next one to write asks the lock whether the statement still runs, and
//! then the catalogue whether it was done: it writes the journal in the name of whoever began, or only takes the note away.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::db::{Cell, Db, DbError, DbErrorKind, Failure, ForeignKeys, Ident, Reads, Sql, Tx, own};
use crate::error::{Error, Kind, Result};

use super::actor::Actor;
use super::admin_log::{Written, Wrote};
use super::apply::{self, Applied, Deed, Order, Place, SETTLE};
use super::counter::Raise;
use super::ddl::Ddl;
use super::plan::{Image, Plan, Purpose, Step};
use super::{compare, guard, hold};

/// All that the journal will say.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    actor: Actor,
    place: Place,
    operation: String,
    title: String,
    kind: String,
    undo_of: Option<String>,
    /// The table.
    table: String,
    /// The counter's column and its next id; for a statement that alters the table nothing.
    counter: Option<(String, i64)>,
    /// The images, as the journal keeps them.
    before: Option<String>,
    after: String,
}

/// Whether these steps go this way.
pub(super) fn goes_alone(db: &Db, plan: &Plan) -> bool {
    super::ddl::commits_by_itself(db.dialect()) && plan.steps.iter().any(|step| !step.writes_a_row())
}

/// Applies the only step of a plan; afterwards it is done and journaled, or neither.
pub(super) async fn apply(db: &Db, order: Arc<Order>) -> Result<Applied> {
    let work = Arc::clone(&order);
    let noted = db.transaction(move |tx| {
        let order = Arc::clone(&work);
        Box::pin(async move { prepare(tx, &order).await })
    });
    let note = match noted.await {
        Ok(note) => note,
        Err(Failure::Db(error)) if error.kind == DbErrorKind::CommitUnknown => {
            return Err(Error::unreachable(
                "The connection broke before anything was altered; nothing was written.",
            ));
        }
        Err(failure) => return Err(failure.into()),
    };
    let (sql, keys) = statement(&order.plan.steps[0])?;
    match db.execute_alone(&lock_name(&note.operation), keys, sql).await {
        Ok(()) => enter(db, &note).await,
        Err(error) if error.kind == DbErrorKind::Lost => settle(db, &note).await,
        Err(error) => {
            forget(db, &note).await?;
            Err(match &order.plan.steps[0] {
                Step::Ddl(ddl) => ddl.explain(error),
                _ => error.into(),
            })
        }
    }
}

fn lock_name(operation: &str) -> String {
    format!("portaldesk {operation}")
}

fn statement(step: &Step) -> Result<(Sql, ForeignKeys)> {
    match step {
        Step::Ddl(ddl) => Ok((
            ddl.sql()?,
            if ddl.without_foreign_keys() { ForeignKeys::Off } else { ForeignKeys::Enforced },
        )),
        Step::Counter { table, to, .. } => {
            let sql = Sql::new("ALTER TABLE ").ident(&Ident::new(table)?);
            Ok((sql.push(" AUTO_INCREMENT = ").number(*to), ForeignKeys::Enforced))
        }
        _ => Err(Error::bug("a row is not written outside of a transaction")),
    }
}

/// Looks at what is there, asks the guards and leaves the note. That the run goes on is asked here: later it is too late.
async fn prepare(tx: &mut Tx, order: &Order) -> std::result::Result<Note, Failure> {
    let now = own::now(tx).await?;
    let actor = &order.actor;
    if order.place.is_open {
        if !own::beat(tx, &order.place.run, &actor.sitting, now).await? {
            return Err(hold::lost().into());
        }
    } else if order.plan.purpose == Purpose::Repair {
        hold::refuse_second(tx, &actor.sitting, now).await?;
    }
    let account = actor.account.as_ref().map(|account| account.id);
    compare::require(tx, order).await?;
    let step = &order.plan.steps[0];
    let before = compare::beside_rows(tx, order, step).await?;
    guard::check_rights(tx, &order.roles, account, &order.plan).await?;
    let (counter, after) = match step {
        Step::Ddl(ddl) => (None, ddl.image()),
        Step::Counter { column, to, .. } => {
            (Some((column.clone(), *to)), Image::of(super::counter::NEXT, Cell::Int(*to)))
        }
        _ => return Err(Error::bug("a row is not written outside of a transaction").into()),
    };
    let note = Note {
        actor: (*order.actor).clone(),
        place: order.place.clone(),
        operation: order.operation.clone(),
        title: order.plan.title.clone(),
        kind: order.plan.purpose.name().to_owned(),
        undo_of: order.plan.undo_of.clone(),
        table: step.table().to_owned(),
        counter,
        before: before.map(|image| json(&image)).transpose()?,
        after: json(&after)?,
    };
    let deed = serde_json::to_string(&note).map_err(|error| broken(&error))?;
    let title = super::journal::cut(&note.title, 300);
    let prepared = own::Prepared { operation: note.operation.clone(), title, deed };
    let (user, owner) =
        (super::journal::cut(&actor.unix_user, 100), super::journal::cut(&actor.owner(), 200));
    own::prepare(tx, &prepared, (&user, &actor.sitting, &owner), now).await?;
    Ok(note)
}

fn json(image: &Image) -> Result<String> {
    image.to_json().map(|json| json.to_string()).map_err(|error| broken(&error))
}

fn broken(error: &serde_json::Error) -> Error {
    Error::bug(format!("an image can't be written as JSON: {error}"))
}

impl Note {
    fn image(text: &str) -> Result<Image> {
        Image::from_json(text)
            .map_err(|error| Error::conflict(format!("What was about to be altered can't be read: {error}")))
    }

    /// Whether the database is as the statement would leave it.
    async fn is_done(&self, reads: &mut dyn Reads) -> std::result::Result<bool, Failure> {
        let Some((column, to)) = &self.counter else {
            let ddl = Ddl::from_image(reads.sql_dialect(), &self.table, &Self::image(&self.after)?)?;
            return Ok(ddl.is_done(reads).await?);
        };
        let raise = Raise { table: &self.table, column, to: *to };
        Ok(raise.image(reads).await?.int(super::counter::NEXT) >= Some(*to))
    }

    /// As the journal has it.
    async fn written(&self, tx: &mut Tx) -> std::result::Result<Written, Failure> {
        let before = self.before.as_deref().map(Self::image).transpose()?;
        let table = self.table.clone();
        Ok(match &self.counter {
            None => {
                let after = Some(Self::image(&self.after)?);
                Written { what: Wrote::Ddl, table, key: Image::default(), before, after }
            }
            Some((column, to)) => {
                // The engine may have put it higher.
                let after = Some(Raise { table: &self.table, column, to: *to }.image(tx).await?);
                let key = Image::of("column", Cell::Text(column.clone()));
                Written { what: Wrote::Counter, table, key, before, after }
            }
        })
    }
}

/// Writes the journal and takes the note away.
async fn finish(tx: &mut Tx, note: &Note) -> std::result::Result<Vec<Written>, Failure> {
    let now = own::now(tx).await?;
    own::forget_prepared(tx, &note.operation).await?;
    own::claim(tx, &note.operation, now).await?;
    let written = vec![note.written(tx).await?];
    let deed = Deed {
        actor: &note.actor,
        place: &note.place,
        operation: &note.operation,
        title: &note.title,
        undo_of: note.undo_of.as_deref(),
        kind: &note.kind,
        stands: true,
    };
    apply::record(tx, &deed, &written, now).await?;
    Ok(written)
}

/// Writes the journal, as often as it takes: what it tells of is done.
async fn enter(db: &Db, note: &Note) -> Result<Applied> {
    let started = Instant::now();
    loop {
        let work = Arc::new(note.clone());
        let entered = db.transaction(move |tx| {
            let note = Arc::clone(&work);
            Box::pin(async move { finish(tx, &note).await })
        });
        match entered.await {
            Ok(written) => return Ok(Applied { operation: note.operation.clone(), written }),
            // It is there: we got no answer, or another program was told to write it.
            Err(Failure::Db(error)) if error.kind == DbErrorKind::Unique => {
                return apply::recover(db, &note.operation).await;
            }
            Err(Failure::Db(error)) if is_away(&error) && started.elapsed() < SETTLE => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(failure) => return Err(unknown(note, &Error::from(failure))),
        }
    }
}

fn is_away(error: &DbError) -> bool {
    matches!(error.kind, DbErrorKind::Lost | DbErrorKind::CommitUnknown | DbErrorKind::Unreachable)
}

fn unknown(note: &Note, error: &Error) -> Error {
    Error::new(
        Kind::Unknown,
        format!(
            "What became of operation {} ({}) can't be told yet: {error} The next change asks for it; the history \
             then tells.",
            note.operation, note.title
        ),
    )
    .about(&note.operation)
}

async fn forget(db: &Db, note: &Note) -> Result<()> {
    let operation = note.operation.clone();
    let forgotten = db.transaction(move |tx| {
        let operation = operation.clone();
        Box::pin(async move { Ok(own::forget_prepared(tx, &operation).await?) })
    });
    Ok(forgotten.await?)
}

/// What became of a statement whose program or connection is gone.
enum Fate {
    /// It was done, and the journal says so now.
    Done(Applied),
    /// It was not, and won't be.
    NotDone,
    /// The server still works on it.
    Running,
}

async fn judge(db: &Db, note: &Note) -> Result<Fate> {
    let lock = Sql::new("SELECT IS_FREE_LOCK(?)").bind(lock_name(&note.operation));
    if db.one(lock).await?.int_opt(0)? == Some(0) {
        return Ok(Fate::Running);
    }
    if note.is_done(&mut db.clone()).await? {
        return Ok(Fate::Done(enter(db, note).await?));
    }
    forget(db, note).await?;
    Ok(Fate::NotDone)
}

/// The connection broke while the statement ran.
async fn settle(db: &Db, note: &Note) -> Result<Applied> {
    let started = Instant::now();
    loop {
        let why = match judge(db, note).await {
            Ok(Fate::Done(applied)) => return Ok(applied),
            Ok(Fate::NotDone) => {
                return Err(Error::unreachable(
                    "The connection broke while the table was being altered. It did not happen: nothing was written, \
                     and it is safe to try again.",
                ));
            }
            Ok(Fate::Running) => Error::new(Kind::Busy, "the server still works on it."),
            Err(error) => error,
        };
        if started.elapsed() > SETTLE {
            return Err(unknown(note, &why));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Finds out what became of what other programs, or this one, had begun and not ended; a sentence about each, and whether
/// any is still going on.
pub(super) async fn settle_all(db: &Db) -> Result<(Vec<String>, bool)> {
    let (mut told, mut running) = (Vec::new(), false);
    for prepared in own::prepared(db).await? {
        let what = format!("What was begun before ({}, operation {})", prepared.title, prepared.operation);
        let note: Note = serde_json::from_str(&prepared.deed)
            .map_err(|error| Error::conflict(format!("{what} can't be read: {error}")))?;
        match judge(db, &note).await? {
            Fate::Done(_) => told.push(format!("{what} was done after all.")),
            Fate::NotDone => told.push(format!("{what} was not done.")),
            Fate::Running => running = true,
        }
    }
    Ok((told, running))
}
