//! `department`: the list, one department, and everything that changes them.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::args::{
    Department, DepartmentAdd, DepartmentDelete, DepartmentEdit, DepartmentList, DepartmentMerge,
    DepartmentOrder, MergeSide, MoveMembers,
};
use super::change::Note;
use super::leaving::leave;
use super::lines::Lines;
use super::table::pairs;
use super::{Work, json, time};
use crate::directory::departments::{self, Draft, Keep, Members, Record, Side, To};
use crate::directory::users;
use crate::error::{Error, Result};
use crate::integrity::{self, Remark};
use crate::portal::department;

const HEADINGS: [&str; 5] = ["department", "active", "members", "findings", "description"];

/// Does what a command about departments says.
///
/// # Errors
/// Conflict where the portal has no departments; whatever the command refuses.
pub(super) async fn run(work: &mut Work, command: &Department) -> Result<u8> {
    departments::needs_departments(&work.portal)?;
    match command {
        Department::List(wanted) => list(work, wanted).await,
        Department::Show { name } => show(work, name).await,
        Department::Add(wanted) => add(work, wanted).await,
        Department::Edit(wanted) => edit(work, wanted).await,
        Department::Delete(wanted) => delete(work, wanted).await,
        Department::Merge(wanted) => merge(work, wanted).await,
        Department::MoveMembers(wanted) => move_members(work, wanted).await,
    }
}

/// A department as the list says it.
struct Listed {
    department: department::Department,
    members: Option<Members>,
    findings: Vec<Remark>,
}

async fn list(work: &mut Work, wanted: &DepartmentList) -> Result<u8> {
    let members = departments::members::all(&work.portal).await?;
    let mut findings = integrity::of_departments(&work.portal).await?;
    let found = departments::list(&work.portal, &wanted.words).await?.into_iter();
    let mut found: Vec<Listed> = found
        .map(|department| Listed {
            members: members.as_ref().map(|all| all.get(&department.id).copied().unwrap_or_default()),
            findings: findings.remove(&department.id).unwrap_or_default(),
            department,
        })
        .collect();
    // By name is how the database gives them: names are its to compare.
    match wanted.sort {
        DepartmentOrder::Name => {}
        DepartmentOrder::Active => found.sort_by_key(|it| Reverse(it.department.is_active)),
        DepartmentOrder::Members => found.sort_by_key(|it| it.members.map(|members| members.all)),
        DepartmentOrder::Findings => found.sort_by_key(|it| it.findings.len()),
    }
    if wanted.descending {
        found.reverse();
    }
    let mut lines = Lines::begin(&mut work.output, "departments", &HEADINGS)?;
    lines.add(&mut work.output, &found, item, row)?;
    lines.end(&mut work.output, i64::try_from(found.len()).unwrap_or(i64::MAX))
}

fn row(listed: &Listed) -> [String; 5] {
    let department = &listed.department;
    let first_line = department.description.lines().next().unwrap_or_default();
    [
        department.name.clone(),
        yes(department.is_active),
        listed.members.map(|members| members.all.to_string()).unwrap_or_default(),
        ids(&listed.findings).join(", "),
        first_line.to_owned(),
    ]
}

/// A department for scripts, by Django's own column names.
fn item(listed: &Listed) -> Value {
    let department = &listed.department;
    json!({
        "id": department.id,
        "name": department.name,
        "description": department.description,
        "is_active": department.is_active,
        "created_at": department.created_at.map(time::rfc3339),
        "members": listed.members.map(|members| members.all),
        "active_members": listed.members.map(|members| members.active),
        "findings": ids(&listed.findings),
    })
}

fn ids(findings: &[Remark]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.id).collect()
}

fn yes(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}

async fn show(work: &mut Work, name: &str) -> Result<u8> {
    let id = departments::find(&work.portal, name).await?;
    let record = departments::read(&work.portal, id).await?;
    let findings = integrity::of_departments(&work.portal).await?.remove(&id).unwrap_or_default();
    let text = in_words(work, &record, &findings);
    let referring: Vec<Value> = record
        .elsewhere
        .iter()
        .map(|it| json!({"table": it.table, "column": it.column, "rows": it.rows}))
        .collect();
    let mut whole = item(&Listed { department: record.department, members: record.members, findings });
    whole["referring"] = json!(referring);
    work.output.result(&json::one("department", &whole), || text)?;
    Ok(0)
}

fn in_words(work: &Work, record: &Record, findings: &[Remark]) -> String {
    let department = &record.department;
    let mut lines = vec![
        ("name", format!("{} (#{})", department.name, department.id)),
        ("active", yes(department.is_active)),
    ];
    if let Some(members) = record.members {
        lines.push(("members", members.all.to_string()));
        lines.push(("active members", members.active.to_string()));
    }
    let created = department.created_at.map(|made| time::shown(made, work.zone));
    lines.push(("created", created.unwrap_or_else(|| "unknown".to_owned())));
    lines.extend(findings.iter().map(|it| ("finding", format!("{}: {}", it.id, it.title))));
    lines.extend(
        record.elsewhere.iter().map(|it| ("elsewhere", format!("{}.{} {}", it.table, it.column, it.rows))),
    );
    lines.extend(department.description.lines().enumerate().map(|(at, line)| {
        let name = if at == 0 { "description" } else { "" };
        (name, line.to_owned())
    }));
    pairs(lines)
}

async fn add(work: &mut Work, wanted: &DepartmentAdd) -> Result<u8> {
    let mut draft = Draft::default().with("name", wanted.name.as_str());
    if let Some(description) = &wanted.description {
        draft = draft.with("description", description.as_str());
    }
    if wanted.inactive {
        draft = draft.with("is_active", "false");
    }
    let plan = departments::create(&work.portal, &draft).await?;
    work.change(plan, Note { dry_run: wanted.write.dry_run, ..Note::default() }).await
}

async fn edit(work: &mut Work, wanted: &DepartmentEdit) -> Result<u8> {
    let id = departments::find(&work.portal, &wanted.department).await?;
    let mut draft = Draft::default();
    for (field, value) in [("name", &wanted.name), ("description", &wanted.description)] {
        if let Some(value) = value {
            draft = draft.with(field, value.as_str());
        }
    }
    if wanted.active || wanted.inactive {
        draft = draft.with("is_active", wanted.active.to_string());
    }
    if draft == Draft::default() {
        return Err(Error::usage(
            "nothing to change: give at least one field; see portaldesk department edit --help",
        ));
    }
    let plan = departments::edit(&work.portal, id, &draft).await?;
    let inside = departments::left_inside(&work.portal, &plan).await?;
    if let Some(words) = inside.and_then(|inside| inside.in_words()) {
        work.output.talk(&words);
    }
    work.change(plan, Note { dry_run: wanted.write.dry_run, ..Note::default() }).await
}

async fn delete(work: &mut Work, wanted: &DepartmentDelete) -> Result<u8> {
    let id = departments::find(&work.portal, &wanted.name).await?;
    let to = match &wanted.move_members_to {
        Some(name) => Some(To::Department(found(work, "move_members_to", name).await?)),
        None => wanted.leave_members_without.then_some(To::Nowhere),
    };
    let leaving = departments::delete(&work.portal, id, to).await.map_err(|error| match to {
        None if error.fields.contains_key("members") => {
            Error::usage(format!("{error} Give --move-members-to NAME or --leave-members-without."))
        }
        _ => error,
    })?;
    leave(work, leaving, wanted.write.dry_run).await
}

async fn merge(work: &mut Work, wanted: &DepartmentMerge) -> Result<u8> {
    let from = departments::find(&work.portal, &wanted.from).await?;
    let into = found(work, "into", &wanted.into).await?;
    let side = |side: MergeSide| match side {
        MergeSide::From => Side::Goes,
        MergeSide::Into => Side::Stays,
    };
    let keep = Keep {
        name: side(wanted.name_of),
        description: wanted.description_of.map(side),
        is_active: side(wanted.active_of),
    };
    let leaving = departments::merge(&work.portal, from, into, &keep).await?;
    leave(work, leaving, wanted.write.dry_run).await
}

/// The department that an option names; the error stands at that option.
async fn found(work: &Work, option: &str, name: &str) -> Result<i64> {
    departments::find(&work.portal, name).await.map_err(|mut error| {
        if let Some(messages) = error.fields.remove("department") {
            error.fields.insert(option.to_owned(), messages);
        }
        error
    })
}

async fn move_members(work: &mut Work, wanted: &MoveMembers) -> Result<u8> {
    let from = departments::find(&work.portal, &wanted.from).await?;
    let to = match &wanted.to {
        Some(name) => To::Department(found(work, "to", name).await?),
        None => To::Nowhere,
    };
    let mut ids = Vec::new();
    for name in &wanted.names {
        ids.push(users::find(&work.portal, name).await?);
    }
    let only = (!ids.is_empty()).then_some(ids.as_slice());
    let leaving = departments::move_members(&work.portal, from, only, to).await?;
    if leaving.people() < ids.len() {
        return Err(Error::invalid(format!(
            "Not all of these accounts are in {}; nothing was written.",
            leaving.name()
        )));
    }
    leave(work, leaving, wanted.write.dry_run).await
}
