//! A column that holds ids of another table, and the rows in which it leads nowhere: what the REL checks share.

use crate::change::rows::{self as images, Lock};
use crate::change::{Image, Require, Step, Value};
use crate::db::Cell;
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::anti_join::AntiJoin;
use crate::integrity::scan::Scan;

/// A column and the table whose `id` it holds.
#[derive(Debug)]
pub(super) struct Reference {
    /// The table, whose key is `id`.
    pub(super) table: &'static str,
    /// Its column.
    pub(super) column: &'static str,
    /// The table referred to.
    pub(super) to_table: &'static str,
    /// What stands there, in one word: "group".
    pub(super) what: &'static str,
}

impl Reference {
    /// The search for rows in which it leads nowhere. A NULL leads nowhere on purpose.
    pub(super) const fn search(&self) -> AntiJoin<'static> {
        AntiJoin {
            table: self.table,
            column: self.column,
            to_table: self.to_table,
            to_column: "id",
            also: "id",
            nulls: false,
        }
    }

    /// The ids of the rows in which it leads nowhere.
    pub(super) async fn find(&self, scan: &Scan<'_>) -> Result<Vec<i64>> {
        Ok(self.search().find(scan).await?.into_iter().map(|(id, _)| id).collect())
    }

    /// Those of these rows in which it still leads nowhere: id and row.
    pub(super) async fn still(&self, portal: &Portal, ids: &[i64]) -> Result<Vec<(i64, Image)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let table = images::table(&portal.schema, self.table)?;
        let rows = images::by_keys(&mut portal.db.clone(), table, &super::keys(ids), Lock::No).await?;
        let values = rows.iter().filter_map(|image| image.int(self.column));
        let there = super::there(portal, self.to_table, values).await?;
        Ok(rows
            .into_iter()
            .filter(|image| match image.get(self.column) {
                None | Some(Cell::Null) => false,
                Some(cell) => cell.as_int().is_none_or(|id| !there.contains(&id)),
            })
            .filter_map(|image| Some((image.int("id")?, image)))
            .collect())
    }

    /// What it holds in this row, in words.
    pub(super) fn shown(&self, image: &Image) -> String {
        image.get(self.column).map_or_else(|| Cell::Null.show(), Cell::show)
    }

    /// That what it leads to has not come back.
    pub(super) fn still_missing(&self, image: &Image) -> Option<Require> {
        let value = image.get(self.column).filter(|value| !value.is_null())?.clone();
        Some(Require::NoRow { table: self.to_table.to_owned(), column: "id".to_owned(), value })
    }

    /// Sets it to NULL.
    pub(super) fn cleared(&self, id: i64, before: Image) -> Step {
        Step::Update {
            table: self.table.to_owned(),
            key: Image::id(id),
            before,
            set: vec![(self.column.to_owned(), Value::Cell(Cell::Null))],
        }
    }
}
