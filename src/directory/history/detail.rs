//! What an entry's rows held before and after.

use super::entries::{Entry, What};
use crate::change::{Ddl, Plan, Step, Value, Written, Wrote, undo};
use crate::db::{Dialect, own};
use crate::directory::Portal;
use crate::directory::names::{self, Names};
use crate::error::Result;

/// A change row by row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Detail {
    /// The rows as the steps that wrote them; those that were pruned, or can't be read, are missing.
    pub plan: Plan,
    /// What the ids in them stand for.
    pub names: Names,
    /// What can't be told, in words.
    pub missing: Vec<String>,
    /// How many operations its run has.
    pub operations: i64,
}

/// Reads the rows of an entry. The portal's entries have none.
///
/// # Errors
/// What the engine says.
pub async fn detail(portal: &Portal, entry: &Entry) -> Result<Detail> {
    let What::Change(listed) = &entry.what else { return Ok(Detail::default()) };
    let mut detail = Detail {
        operations: own::operations_of_run(&portal.db, &listed.change.run).await?,
        ..Detail::default()
    };
    let mut pruned = 0;
    for row in own::change_rows(&portal.db, listed.id).await? {
        match undo::read_row(&row) {
            Ok(written) => match step(portal.db.dialect(), &written) {
                Some(step) => drop(detail.plan.push(step)),
                None => pruned += 1,
            },
            Err(error) => detail.missing.push(error.message),
        }
    }
    if pruned > 0 {
        detail.missing.push(format!("What {pruned} of the rows held was pruned from the history."));
    }
    detail.names = names::read(portal, std::slice::from_ref(&detail.plan)).await?;
    remember(&mut detail.names, &detail.plan);
    Ok(detail)
}

/// The step that wrote a row; nothing when it isn't known any more what was in it.
fn step(dialect: Dialect, written: &Written) -> Option<Step> {
    let (table, key) = (written.table.clone(), written.key.clone());
    let values = |image: &crate::change::Image| {
        image.0.iter().map(|(column, cell)| (column.clone(), Value::Cell(cell.clone()))).collect()
    };
    match written.what {
        Wrote::Counter => {
            let to = written.after.as_ref()?.int("next")?;
            let column = key.text("column")?.to_owned();
            let from = written.before.as_ref().and_then(|before| before.int("next"));
            return Some(Step::Counter { table, column, from, to });
        }
        Wrote::Ddl => return Ddl::from_image(dialect, &table, written.after.as_ref()?).ok().map(Step::Ddl),
        Wrote::Row => {}
    }
    Some(match (&written.before, &written.after) {
        (None, Some(after)) => Step::Insert { table, values: values(after), adopt: None },
        (Some(before), Some(after)) => {
            let mut set = after.clone();
            set.0.retain(|(column, cell)| before.get(column) != Some(cell));
            Step::Update { table, key, before: before.clone(), set: values(&set) }
        }
        (Some(before), None) => Step::Delete { table, key, before: before.clone() },
        (None, None) => return None,
    })
}

/// Adds the names of what the change itself made or removed: by now that may be gone.
fn remember(names: &mut Names, plan: &Plan) {
    for step in &plan.steps {
        let cell =
            |column: &str| step.before().and_then(|image| image.get(column)).or_else(|| step.cell(column));
        let Some(id) = cell("id").and_then(crate::db::Cell::as_int) else { continue };
        let (known, column) = match step.table() {
            "auth_user" => (&mut names.users, "username"),
            "auth_group" => (&mut names.groups, "name"),
            "core_department" => (&mut names.departments, "name"),
            _ => continue,
        };
        if let Some(name) = cell(column).and_then(crate::db::Cell::as_text) {
            known.entry(id).or_insert_with(|| name.to_owned());
        }
    }
}
