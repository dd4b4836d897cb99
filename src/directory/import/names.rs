//! Groups and departments by the names that rows give them.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{Plan, Step, Value};
use crate::db::{Cell, Dialect, Sql};
use crate::directory::{Portal, departments, groups};
use crate::error::{Error, Kind, Result};
use crate::portal::forms;

/// Most groups, and most departments, that one file makes: with more, the column is probably another one. They go into one
/// plan.
const MOST_MADE: usize = 200;

/// Names that are remembered before they are looked up anew.
const REMEMBERED: usize = 5_000;

/// What a name is looked up among.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kinds {
    /// Groups.
    Groups,
    /// Departments.
    Departments,
}

impl Kinds {
    const fn table(self) -> &'static str {
        match self {
            Self::Groups => "auth_group",
            Self::Departments => "core_department",
        }
    }

    /// The column of the file.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Groups => "groups",
            Self::Departments => "department",
        }
    }
}

/// The names known so far, and those to be made.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: BTreeMap<(bool, String), i64>,
    /// Groups to be made.
    pub(super) groups: Vec<String>,
    /// Departments to be made.
    pub(super) departments: Vec<String>,
    /// Those of them that somebody gets.
    needed: BTreeSet<(Kinds, usize)>,
}

impl Names {
    /// These are to be made.
    #[must_use]
    pub(super) fn to_be_made(groups: Vec<String>, departments: Vec<String>) -> Self {
        Self { groups, departments, ..Self::default() }
    }

    /// The id of a name. One that is to be made has an id below zero, which no row has.
    ///
    /// # Errors
    /// Invalid, when there is none, with the nearest, unless it may be made; what the engine says.
    pub(super) async fn id(
        &mut self,
        portal: &Portal,
        kinds: Kinds,
        name: &str,
        create: bool,
    ) -> Result<i64> {
        let key = (kinds == Kinds::Groups, name.to_owned());
        if let Some(id) = self.known.get(&key) {
            return Ok(*id);
        }
        let found = match kinds {
            // PostgreSQL would refuse the whole question.
            _ if name.contains('\0') => {
                Err(Error::field(Kind::Invalid, kinds.column(), "Null characters are not allowed."))
            }
            Kinds::Groups => groups::find(portal, name).await,
            Kinds::Departments => departments::find(portal, name).await,
        };
        let id = match found {
            Ok(id) => id,
            Err(error) if error.kind == Kind::Invalid && create => self.make(portal, kinds, name).await?,
            Err(error) => return Err(error),
        };
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(key, id);
        Ok(id)
    }

    /// Notes a name to be made; its place, counted down from -1.
    async fn make(&mut self, portal: &Portal, kinds: Kinds, name: &str) -> Result<i64> {
        let form: &[_] = match kinds {
            Kinds::Groups => &forms::GROUP,
            Kinds::Departments => &forms::DEPARTMENT,
        };
        let checked = forms::find(form, "name").map_or(Ok(None), |field| (field.check)(name));
        let name = checked.map_err(|messages| invalid(kinds, messages.join(" ")))?.unwrap_or_default();
        let made = match kinds {
            Kinds::Groups => &mut self.groups,
            Kinds::Departments => &mut self.departments,
        };
        let at = match alike(portal, kinds, &name, made).await? {
            Some(at) => at,
            None if made.len() >= MOST_MADE => {
                return Err(invalid(
                    kinds,
                    format!("one file makes at most {MOST_MADE} of them; is this the right column?"),
                ));
            }
            None => {
                made.push(name);
                made.len() - 1
            }
        };
        Ok(-1 - i64::try_from(at).unwrap_or(0))
    }

    /// A plan with the names of what is to be made in the place of ids that there are not yet, to be looked at.
    #[must_use]
    pub(super) fn shown(&self, mut plan: Plan) -> Plan {
        for step in &mut plan.steps {
            let (Step::Insert { values, .. } | Step::Update { set: values, .. }) = step else { continue };
            for (column, value) in values {
                let Some((kinds, at)) = place(column, value) else { continue };
                let name = match kinds {
                    Kinds::Groups => self.groups.get(at),
                    Kinds::Departments => self.departments.get(at),
                };
                *value = Value::Cell(Cell::text(name.map(|name| format!("{name} (new)")).as_deref()));
            }
        }
        plan
    }

    /// A row is taken, so what its plan waits for is made.
    pub(super) fn need(&mut self, plan: &Plan) {
        for step in &plan.steps {
            let (Step::Insert { values, .. } | Step::Update { set: values, .. }) = step else { continue };
            self.needed.extend(values.iter().filter_map(|(column, value)| place(column, value)));
        }
    }

    /// All rows were judged: what only refused ones named is not made.
    pub(super) fn forget_the_rest(&mut self) {
        for (kinds, made) in [(Kinds::Groups, &mut self.groups), (Kinds::Departments, &mut self.departments)]
        {
            let mut places = 0..;
            made.retain(|_| places.next().is_some_and(|at| self.needed.contains(&(kinds, at))));
        }
    }

    /// The plan that makes what is to be made.
    #[must_use]
    pub(super) fn plan(&self, portal: &Portal, title: &str) -> Plan {
        let mut plan = Plan::new(title);
        for name in &self.groups {
            plan.insert("auth_group", vec![("name", Value::Cell(Cell::Text(name.clone())))]);
        }
        for name in &self.departments {
            let row = [
                ("name", Value::Cell(Cell::Text(name.clone()))),
                ("description", Value::Cell(Cell::Text(String::new()))),
                ("is_active", Value::Cell(Cell::Bool(true))),
                ("created_at", Value::Now),
            ];
            let has = |column: &str| portal.schema.has("core_department", column);
            plan.insert("core_department", row.into_iter().filter(|(column, _)| has(column)).collect());
        }
        plan
    }
}

/// Which of what is to be made a value of a plan stands for.
fn place(column: &str, value: &Value) -> Option<(Kinds, usize)> {
    let kinds = match column {
        "group_id" => Kinds::Groups,
        "department_id" => Kinds::Departments,
        _ => return None,
    };
    let Value::Cell(Cell::Int(id @ ..0)) = value else { return None };
    Some((kinds, usize::try_from(-1 - *id).ok()?))
}

fn invalid(kinds: Kinds, words: String) -> Error {
    Error::field(Kind::Invalid, kinds.column(), words)
}

/// Which of some texts the engine takes for the same as this one, by the rules of the column of names.
async fn alike(portal: &Portal, kinds: Kinds, name: &str, among: &[String]) -> Result<Option<usize>> {
    if among.is_empty() {
        return Ok(None);
    }
    let sql = Sql::new(match kinds.table() {
        "auth_group" => "SELECT name AS text FROM auth_group WHERE 1 = 0",
        _ => "SELECT name AS text FROM core_department WHERE 1 = 0",
    });
    same(portal, sql, name, among).await
}

/// Which of some texts equals this one in the column that a query of no rows names `text`.
///
/// # Errors
/// What the engine says.
pub(super) async fn same(
    portal: &Portal,
    column: Sql,
    text: &str,
    among: &[String],
) -> Result<Option<usize>> {
    if let Some(at) = among.iter().position(|other| other == text) {
        return Ok(Some(at));
    }
    // Elsewhere equal texts are equal byte by byte.
    if portal.dialect() != Dialect::MySql {
        return Ok(None);
    }
    for (at, other) in among.iter().enumerate() {
        let sql = Sql::new("SELECT COUNT(*) FROM (")
            .append(column.clone())
            .push_bind(" UNION ALL SELECT ?", other.as_str())
            .push_bind(") texts WHERE text = ?", text);
        if portal.count(sql).await? > 0 {
            return Ok(Some(at));
        }
    }
    Ok(None)
}
