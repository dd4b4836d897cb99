//! DEP-002: departments without a name, or with names that look the same.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::change::rows::{self as images, Lock};
use crate::change::{Image, Plan, Require, Value};
use crate::db::{Cell, Sql};
use crate::directory::Portal;
use crate::error::{Error, Kind, Result};
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;
use crate::integrity::twins::{self, Twins};
use crate::integrity::windows;
use crate::portal::rules;

use super::people;

/// The check.
pub struct DepartmentNames;

static ABOUT: About = About {
    id: "DEP-002",
    severity: Severity::Warning,
    title: "department without a name, or there twice",
    why: "In lists people pick now one and now the other, so that every number about the department is wrong.",
    cause: "Departments were loaded by SQL or typed twice, once in capitals or with a space.",
    remedy: "Of twins one is kept: it gets the members of the others, a description if it has none, and is active if any of \
             them was; the others are removed, and the journal keeps them. A blank name is replaced.",
    choice: "Somebody has to say which spelling is right, or what the department is called.",
    needs: &[
        ("core_department", &["id", "name", "is_active"]),
        ("core_userprofile", &["id", "department_id"]),
    ],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 10,
};

/// The places of subjects: a group of twins, and a blank name.
const TWINS: u32 = 0;
const BLANK: u32 = 1;

/// The questions about twins and about a blank name.
const KEEP: &str = "keep";
const NAME: &str = "name";

const TABLE: &str = "core_department";
const NAMES: Twins = Twins { table: TABLE, column: "name", fold: twins::folded };

#[async_trait]
impl Check for DepartmentNames {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let row = |subject, department: &Department, text| FindingRow {
            subject,
            table: TABLE.into(),
            key: Image::id(department.id),
            user_id: None,
            username: None,
            text,
        };
        let mut rows = Vec::new();
        for (lowest, group) in NAMES.of(portal, &super::ids(subjects, TWINS)).await? {
            for department in departments(portal, &group).await? {
                let text = format!("department {}", department.words());
                rows.push(row(Subject { place: TWINS, id: lowest }, &department, text));
            }
        }
        for department in departments(portal, &super::ids(subjects, BLANK)).await? {
            if department.is_blank() {
                let text = format!("department without a name {}", department.words());
                rows.push(row(Subject { place: BLANK, id: department.id }, &department, text));
            }
        }
        Ok(rows)
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        let found = concerned(portal, subject).await?;
        let Some(first) = found.first() else { return Ok(None) };
        let (title, question) = if subject.place == BLANK {
            let wrong = |text: &str| rules::department_name(text).err().unwrap_or_default();
            let question = Question::new(NAME, "Its name", Vec::new()).or_typed(wrong);
            (format!("Department {} has no name", first.words()), question)
        } else {
            let choice = |department: &Department| Choice::new(department.id.to_string(), department.words());
            let question = Question::new(KEEP, "The one that stays", found.iter().map(choice).collect());
            (format!("{} departments are named like {}", found.len(), first.name()), question)
        };
        Ok(Some(Decision { subject, title, questions: vec![question] }))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        decided(self, portal, subject, answers).await
    }
}

async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    let groups = NAMES.find(scan, &Sql::default()).await?;
    let lowest = groups.iter().filter_map(|group| group.first());
    let mut subjects: Vec<Subject> = lowest.map(|id| Subject { place: TWINS, id: *id }).collect();
    windows::rows_where(scan, TABLE, &["name"], &Sql::default(), &mut |row| {
        if rules::is_blank(&row.text(1)?) {
            subjects.push(Subject { place: BLANK, id: row.int(0)? });
        }
        Ok(())
    })
    .await?;
    subjects.sort_unstable();
    Ok(Found::each(&ABOUT, Class::Choose, subjects).into_iter().collect())
}

/// A department, and how many profiles are in it.
struct Department {
    id: i64,
    image: Image,
    members: i64,
}

impl Department {
    fn name(&self) -> String {
        let name = self.image.get("name").map(Cell::show).unwrap_or_default();
        format!("'{name}' (#{})", self.id)
    }

    fn is_active(&self) -> bool {
        self.image.bool("is_active") == Some(true)
    }

    /// The name and what tells it from its twins, safe to print.
    fn words(&self) -> String {
        let plural = if self.members == 1 { "" } else { "s" };
        let inactive = if self.is_active() { "" } else { "inactive, " };
        format!("{}: {inactive}{} member{plural}", self.name(), self.members)
    }

    fn is_blank(&self) -> bool {
        self.image.get("name").is_none_or(super::is_blank)
    }
}

/// The departments with these ids.
async fn departments(portal: &Portal, ids: &[i64]) -> Result<Vec<Department>> {
    let table = images::table(&portal.schema, TABLE)?;
    let mut members: BTreeMap<i64, i64> = BTreeMap::new();
    for part in ids.chunks(super::AT_ONCE) {
        let sql = Sql::new("SELECT department_id, COUNT(*) FROM core_userprofile WHERE department_id");
        for row in portal.db.all(sql.among(part.iter().copied()).push(" GROUP BY department_id")).await? {
            members.insert(row.int(0)?, row.int(1)?);
        }
    }
    let images = images::by_keys(&mut portal.db.clone(), table, &super::keys(ids), Lock::No).await?;
    let department = |image: Image| {
        let id = image.int("id")?;
        Some(Department { id, members: members.get(&id).copied().unwrap_or_default(), image })
    };
    Ok(images.into_iter().filter_map(department).collect())
}

/// The departments that the subject stands for: twins, or the one without a name.
async fn concerned(portal: &Portal, subject: Subject) -> Result<Vec<Department>> {
    if subject.place == BLANK {
        let mut found = departments(portal, &[subject.id]).await?;
        found.retain(Department::is_blank);
        return Ok(found);
    }
    let group = NAMES.of(portal, &[subject.id]).await?.remove(&subject.id).unwrap_or_default();
    departments(portal, &group).await
}

async fn decided(
    check: &DepartmentNames,
    portal: &Portal,
    subject: Subject,
    answers: &Answers,
) -> Result<Vec<Part>> {
    if !people::is_answered(check, portal, subject, answers).await? {
        return Ok(Vec::new());
    }
    let found = concerned(portal, subject).await?;
    if subject.place == BLANK {
        return named(portal, subject, found, people::answer(answers, NAME)).await;
    }
    let keeper = people::answered_id(answers, KEEP);
    let (keeper, losers): (Vec<Department>, Vec<Department>) =
        found.into_iter().partition(|department| Some(department.id) == keeper);
    match keeper.into_iter().next() {
        Some(keeper) => merged(portal, subject, keeper, losers).await,
        None => Ok(Vec::new()),
    }
}

/// The blank name becomes this one, which nobody else may have.
async fn named(portal: &Portal, subject: Subject, found: Vec<Department>, name: &str) -> Result<Vec<Part>> {
    let name =
        rules::department_name(name).map_err(|wrong| Error::field(Kind::Invalid, NAME, wrong.join(" ")))?;
    let taken = Sql::new("SELECT name FROM core_department WHERE name = ?").bind(name.as_str());
    if portal.db.optional(taken).await?.is_some() {
        let message = format!("There is a department {} already; nothing was written.", super::quoted(&name));
        return Err(Error::field(Kind::Duplicate, NAME, message));
    }
    let mut plan = Plan::default();
    for department in found {
        let set = vec![("name", Value::Cell(Cell::Text(name.clone())))];
        plan.update(TABLE, Image::id(department.id), department.image, set);
    }
    Ok(people::parts(subject, format!("Name department #{} {}", subject.id, super::quoted(&name)), plan))
}

/// Everything that refers to the losers is turned to the keeper, by the foreign keys of the catalogue and for profiles
/// even without one; then the losers go. In this order, so that pieces of a large merge can follow each other.
async fn merged(
    portal: &Portal,
    subject: Subject,
    keeper: Department,
    losers: Vec<Department>,
) -> Result<Vec<Part>> {
    let title = format!(
        "Merge {} into {}",
        losers.iter().map(Department::name).collect::<Vec<_>>().join(", "),
        keeper.name()
    );
    let ids: Vec<Cell> = losers.iter().map(|loser| Cell::Int(loser.id)).collect();
    let mut db = portal.db.clone();
    let mut plan = Plan::default();
    plan.require.push(Require::Row { table: TABLE.to_owned(), key: Image::id(keeper.id) });
    let profiles = images::table(&portal.schema, "core_userprofile")?;
    for before in images::by_column(&mut db, profiles, "department_id", &ids, Lock::No).await? {
        people::move_profile(portal, &mut plan, before, Some(keeper.id));
    }
    let others = portal.schema.references_to(TABLE).filter(|key| key.to_column == "id");
    for key in others
        .filter(|key| (key.table.as_str(), key.column.as_str()) != ("core_userprofile", "department_id"))
    {
        let table = images::table(&portal.schema, &key.table)?;
        for before in images::by_column(&mut db, table, &key.column, &ids, Lock::No).await? {
            let set = vec![(key.column.as_str(), Value::Cell(Cell::Int(keeper.id)))];
            plan.update(&key.table, images::key_of(table, &before), before, set);
        }
    }
    let mut set = Vec::new();
    let is_described = |department: &Department| {
        department.image.get("description").is_some_and(|text| !super::is_blank(text))
    };
    if !is_described(&keeper)
        && let Some(text) =
            losers.iter().find(|loser| is_described(loser)).and_then(|loser| loser.image.get("description"))
    {
        set.push(("description", Value::Cell(text.clone())));
    }
    if !keeper.is_active() && losers.iter().any(Department::is_active) {
        set.push(("is_active", Value::Cell(Cell::Bool(true))));
    }
    plan.update(TABLE, Image::id(keeper.id), keeper.image, set);
    for loser in losers {
        plan.delete(TABLE, Image::id(loser.id), loser.image);
    }
    Ok(people::parts(subject, title, plan))
}
