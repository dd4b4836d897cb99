//! Making and changing a department: what somebody gave becomes a plan.

use std::collections::BTreeMap;

use crate::change::rows::{self, Lock};
use crate::change::{Image, Plan, Step, Value};
use crate::db::{Cell, Sql};
use crate::directory::Portal;
use crate::directory::given::{self, Checked};
use crate::error::{Error, Kind, Result};
use crate::portal::forms;

use super::members::{self, Member};
use super::{TABLE, needs_departments};

/// How many of those who are affected are named.
const NAMED: i64 = 10;

/// What somebody gave in a form or on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// Text by field name, see [`forms::DEPARTMENT`]; `true` and `false` for the switch.
    pub fields: BTreeMap<&'static str, String>,
}

impl Draft {
    /// The same draft with one field more.
    #[must_use]
    pub fn with(mut self, field: &'static str, text: impl Into<String>) -> Self {
        self.fields.insert(field, text.into());
        self
    }
}

/// Applies the rules, and refuses a value that this database has no column for. What a new row gets anyway needs none.
fn check(portal: &Portal, draft: &Draft) -> Result<Checked> {
    needs_departments(portal)?;
    let mut values = given::check(&forms::DEPARTMENT, &draft.fields)?;
    for (name, cell) in &values {
        let is_default = *cell == Cell::Bool(true) || cell.as_text() == Some("");
        if let (Some(lack), false) = (portal.schema.lacks_column(TABLE, name), is_default) {
            let label = given::label(&forms::DEPARTMENT, name);
            let message = format!("{label} can't be kept here: {lack}. Nothing was written.");
            return Err(Error::field(Kind::Conflict, name, message));
        }
    }
    values.retain(|name, _| portal.schema.has(TABLE, name));
    Ok(values)
}

/// The department other than `except` that has this name, by the engine's own equality: id and name.
///
/// # Errors
/// What the engine says.
pub async fn name_owner(portal: &Portal, name: &str, except: Option<i64>) -> Result<Option<(i64, String)>> {
    let sql = Sql::new("SELECT id, name FROM core_department WHERE name = ? ORDER BY id").bind(name);
    for row in portal.db.all(sql).await? {
        let id = row.int(0)?;
        if Some(id) != except {
            return Ok(Some((id, row.text(1)?)));
        }
    }
    Ok(None)
}

/// Refuses a name that another department has.
pub(super) async fn check_name(portal: &Portal, name: &str, except: Option<i64>) -> Result<()> {
    let Some((_, owner)) = name_owner(portal, name, except).await? else { return Ok(()) };
    let message = format!("A department named '{owner}' exists already; nothing was written.");
    Err(Error::field(Kind::Duplicate, "name", message))
}

/// Plans a new department.
///
/// # Errors
/// Invalid with all problems by field; duplicate; that this database can't take new departments.
pub async fn create(portal: &Portal, draft: &Draft) -> Result<Plan> {
    let values = check(portal, draft)?;
    let Some(name) = values.get("name").and_then(Cell::as_text) else {
        let message = "A new department needs a name; nothing was written.";
        return Err(Error::field(Kind::Invalid, "name", message));
    };
    given::check_takes_rows(portal, TABLE, "Departments")?;
    check_name(portal, name, None).await?;
    let given = |name: &str, default: Cell| Value::Cell(values.get(name).cloned().unwrap_or(default));
    let columns = [
        ("name", given("name", Cell::Null)),
        ("description", given("description", Cell::Text(String::new()))),
        ("is_active", given("is_active", Cell::Bool(true))),
        ("created_at", Value::Now),
    ];
    let mut plan = Plan::new(format!("Create department {name}"));
    plan.insert(TABLE, columns.into_iter().filter(|(name, _)| portal.schema.has(TABLE, name)).collect());
    Ok(plan)
}

/// A department's row as it is now.
///
/// # Errors
/// Conflict, when it is gone; what the engine says.
pub async fn row(portal: &Portal, id: i64) -> Result<Image> {
    needs_departments(portal)?;
    let table = rows::table(&portal.schema, TABLE)?;
    let found = rows::by_keys(&mut portal.db.clone(), table, &[Image::id(id)], Lock::No).await?.pop();
    found.ok_or_else(|| {
        Error::conflict(format!("There is no department with id {id} any more; nothing was written."))
    })
}

/// The name that a row has, as it is.
pub(super) fn name_of(row: &Image) -> String {
    match row.get("name") {
        Some(Cell::Text(name)) => name.clone(),
        Some(other) => other.show(),
        None => String::new(),
    }
}

/// Plans the change of a department. Fields that are not given stay as they are; a plan without steps means that nothing
/// would change.
///
/// # Errors
/// Invalid with all problems by field; duplicate; conflict, when it is gone.
pub async fn edit(portal: &Portal, id: i64, draft: &Draft) -> Result<Plan> {
    edit_row(portal, &row(portal, id).await?, draft).await
}

/// As [`edit`], from a row that was read before and perhaps shown: where somebody has changed it since, the plan is
/// refused when it is applied.
///
/// # Errors
/// As [`edit`].
pub async fn edit_row(portal: &Portal, row: &Image, draft: &Draft) -> Result<Plan> {
    let values = check(portal, draft)?;
    let id = row.int("id").unwrap_or_default();
    let changed: Vec<(&str, Cell)> =
        values.into_iter().filter(|(name, cell)| row.get(name) != Some(cell)).collect();
    if let Some((_, cell)) = changed.iter().find(|(name, _)| *name == "name") {
        check_name(portal, cell.as_text().unwrap_or_default(), Some(id)).await?;
    }
    let mut plan = Plan::new(title(row, &changed));
    let set = changed.into_iter().map(|(name, cell)| (name, Value::Cell(cell))).collect();
    plan.update(TABLE, Image::id(id), row.clone(), set);
    Ok(plan)
}

/// What one-field edits are called; others are "Edit department IT".
fn title(row: &Image, changed: &[(&str, Cell)]) -> String {
    let name = name_of(row);
    match changed {
        [("is_active", cell)] if cell.as_bool() == Some(true) => format!("Activate department {name}"),
        [("is_active", _)] => format!("Deactivate department {name}"),
        [("name", cell)] => {
            format!("Rename department {name} to {}", cell.as_text().unwrap_or_default())
        }
        _ => format!("Edit department {name}"),
    }
}

/// Plans that the portal offers a department, or does no longer.
///
/// # Errors
/// As [`edit`].
pub async fn set_active(portal: &Portal, id: i64, active: bool) -> Result<Plan> {
    edit(portal, id, &Draft::default().with("is_active", active.to_string())).await
}

/// Who is still in a department that will not be offered any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// The department's name.
    pub name: String,
    /// How many active accounts are in it.
    pub active: i64,
    /// The first of them.
    pub first: Vec<Member>,
}

impl Inside {
    /// What that means, in a sentence; nothing where nobody is in it.
    #[must_use]
    pub fn in_words(&self) -> Option<String> {
        let names: Vec<&str> = self.first.iter().map(|member| member.username.as_str()).collect();
        let more = match self.active - i64::try_from(names.len()).unwrap_or(0) {
            more if more > 0 => format!(" and {more} more"),
            _ => String::new(),
        };
        let who = format!("{}{more}", names.join(", "));
        let finding = "forms leave the department out, and its members with it (DEP-001)";
        match self.active {
            0 => None,
            1 => Some(format!("1 active account stays in {}: {who}; {finding}.", self.name)),
            count => Some(format!("{count} active accounts stay in {}: {who}; {finding}.", self.name)),
        }
    }
}

/// Who stays in the department that a plan deactivates; nothing where it deactivates none.
///
/// # Errors
/// What the engine says.
pub async fn left_inside(portal: &Portal, plan: &Plan) -> Result<Option<Inside>> {
    for step in &plan.steps {
        let Step::Update { table, key, before, .. } = step else { continue };
        let stops = step.cell("is_active").and_then(Cell::as_bool) == Some(false);
        let (Some(id), true) = (key.int("id"), table == TABLE && stops) else { continue };
        let active = members::of(portal, id).await?.unwrap_or_default().active;
        let first = members::first(portal, id, true, NAMED).await?;
        return Ok(Some(Inside { name: name_of(before), active, first }));
    }
    Ok(None)
}
