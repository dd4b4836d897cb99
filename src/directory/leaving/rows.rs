//! Rows that refer to one row of another table and are to refer to another, to none, or to go: a plan's worth at a time, so
//! that memory holds their keys and no more of them.

use crate::change::rows::{self, Lock};
use crate::change::{Image, Plan, Value};
use crate::db::{Cell, Sql};
use crate::directory::Portal;
use crate::error::{Error, Kind, Result};

/// How many of those who joined meanwhile are named.
const NAMED: usize = 5;

/// What becomes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::directory) enum Fate {
    /// They refer to this row from then on, or to none.
    Refer(Option<i64>),
    /// They are deleted.
    Go,
}

/// The rows of one column.
#[derive(Clone)]
pub(in crate::directory) struct Rows {
    pub(in crate::directory) table: String,
    pub(in crate::directory) column: String,
    /// What they refer to.
    from: i64,
    fate: Fate,
    /// The keys of the rows, in their order.
    keys: Vec<Image>,
    /// How many of them are done with.
    done: usize,
}

impl Rows {
    /// The rows of a column that refer to this id now.
    ///
    /// # Errors
    /// What the engine says; that the table has no primary key.
    pub(in crate::directory) async fn of(
        portal: &Portal,
        (table, column): (&str, &str),
        from: i64,
        fate: Fate,
    ) -> Result<Self> {
        let (table, column) = (table.to_owned(), column.to_owned());
        let keys = keys(portal, (&table, &column), from).await?;
        Ok(Self { table, column, from, fate, keys, done: 0 })
    }

    /// How many rows there are in all.
    pub(in crate::directory) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Leaves only the rows with these ids.
    pub(in crate::directory) fn retain(&mut self, keep: impl Fn(i64) -> bool) {
        self.keys.retain(|key| key.int("id").is_some_and(&keep));
    }

    /// Whether it is about the row with this id.
    pub(in crate::directory) fn has(&self, id: i64) -> bool {
        self.keys.binary_search_by_key(&Some(id), |key| key.int("id")).is_ok()
    }

    /// The ids of the rows, ascending.
    pub(super) fn ids(&self) -> impl Iterator<Item = i64> {
        self.keys.iter().filter_map(|key| key.int("id"))
    }

    /// Appends to a plan as many of the next rows as there is room for, and takes that many off the room. A row that
    /// refers to something else by now stays as it is.
    pub(super) async fn next(&mut self, portal: &Portal, room: &mut usize, plan: &mut Plan) -> Result<()> {
        let part = &self.keys[self.done..(self.done + *room).min(self.keys.len())];
        if part.is_empty() {
            return Ok(());
        }
        let table = rows::table(&portal.schema, &self.table)?;
        for before in rows::by_keys(&mut portal.db.clone(), table, part, Lock::No).await? {
            if before.int(&self.column) != Some(self.from) {
                continue;
            }
            let key = rows::key_of(table, &before);
            let Fate::Refer(to) = self.fate else {
                plan.delete(&self.table, key, before);
                continue;
            };
            let mut set = vec![(self.column.as_str(), Value::Cell(Cell::int(to)))];
            if self.table == "core_userprofile" && to.is_some() && table.column("updated_at").is_some() {
                // As Django's auto_now does; its SET NULL leaves it alone.
                set.push(("updated_at", Value::Now));
            }
            plan.update(&self.table, key, before, set);
        }
        *room -= part.len();
        self.done += part.len();
        Ok(())
    }

    /// Refuses when somebody's row refers to `name` that did not when this was begun. Applying the last plan looks once
    /// more, under lock. For rows that belong to accounts.
    pub(super) async fn refuse_joined(&self, portal: &Portal, name: &str) -> Result<()> {
        let now = keys(portal, (&self.table, &self.column), self.from).await?;
        let now = now.iter().filter_map(|key| key.int("id"));
        let joined: Vec<i64> = now.filter(|id| !self.has(*id)).collect();
        if joined.is_empty() {
            return Ok(());
        }
        let table = rows::table(&portal.schema, &self.table)?;
        let sql = Sql::new("SELECT u.username FROM ").ident(&table.name);
        let sql = sql.push(" p JOIN auth_user u ON u.id = p.user_id WHERE p.id");
        let sql = sql.among(joined.iter().take(NAMED).copied()).push(" ORDER BY u.username, u.id");
        let names = portal.db.all(sql).await?;
        let names: Vec<String> =
            names.iter().map(|row| row.text(0)).collect::<std::result::Result<_, _>>()?;
        let who = match joined.len().saturating_sub(names.len()) {
            0 => names.join(", "),
            more if names.is_empty() => format!("{more} without an account"),
            more => format!("{} and {more} more", names.join(", ")),
        };
        Err(Error::new(
            Kind::Conflict,
            format!(
                "{who} joined {name} meanwhile, and nobody was asked about that; nothing was written. Look again."
            ),
        ))
    }
}

/// The keys of the rows of a column that refer to this id, in their order.
async fn keys(portal: &Portal, (table, column): (&str, &str), from: i64) -> Result<Vec<Image>> {
    let table = rows::table(&portal.schema, table)?;
    // No more of the rows than what tells them apart.
    let mut narrow = table.clone();
    narrow.columns.retain(|found| {
        let name = found.name.as_str();
        name == column || table.primary_key.iter().any(|key| key == name)
    });
    let found =
        rows::by_column(&mut portal.db.clone(), &narrow, column, &[Cell::Int(from)], Lock::No).await?;
    Ok(found.iter().map(|image| rows::key_of(table, image)).collect())
}
