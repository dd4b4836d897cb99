//! GRP-002: groups whose name is a role's but for case or spaces.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::change::references;
use crate::change::rows::{self as images, Lock};
use crate::change::{Image, MOST_ROWS, Require, Step, Value};
use crate::db::{Cell, Sql};
use crate::directory::Portal;
use crate::error::{Error, Result};

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;

use super::answered;
use super::links::{self, Link};

/// The check.
pub struct RenamedRole;

static ABOUT: About = About {
    id: "GRP-002",
    severity: Severity::Warning,
    title: "group named as a role but for case or spaces",
    why: "The portal goes by the exact name: to it the members of such a group don't have the role, or have it on one page \
          and not on the next.",
    cause: "Somebody made or renamed the group by hand.",
    remedy: "Renames the group. Where the right one is there too, moves members and permissions and removes the other; the \
             journal keeps it, and undo brings it back.",
    choice: "Which group becomes the role's, and whether the members of the others get the role.",
    needs: &[
        ("auth_group", &["id", "name"]),
        ("auth_user_groups", &["id", "user_id", "group_id"]),
        ("auth_group_permissions", &["id", "group_id", "permission_id"]),
    ],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

const GROUPS: &str = "auth_group";

/// The tables of which rows move along, by the column that says whose they are beside the group.
static MOVES: [(&Link, &str); 2] =
    [(&links::MEMBERSHIPS, "user_id"), (&links::GROUP_PERMISSIONS, "permission_id")];

/// The questions, and the answers to the second one.
const KEEP: &str = "keep";
const OTHERS: &str = "others";
const MERGE: &str = "merge";
const REMOVE: &str = "remove";

#[async_trait]
impl Check for RenamedRole {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let subjects = all(scan.portal).await?.iter().map(Twins::subject).collect();
        Ok(Found::each(&ABOUT, Class::Choose, subjects).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let mut found = Vec::new();
        for twins in all(portal).await?.iter().filter(|twins| subjects.contains(&twins.subject())) {
            let sizes = Sizes::of(portal, &twins.groups).await?;
            let role = super::quoted(&twins.role);
            for group in &twins.groups {
                let how = if Some(group.id) == twins.exact {
                    "is the role's own".to_owned()
                } else if twins.exact.is_some() {
                    format!("stands beside {role}")
                } else {
                    format!("stands for {role}")
                };
                found.push(FindingRow {
                    subject: twins.subject(),
                    table: GROUPS.into(),
                    key: Image::id(group.id),
                    user_id: None,
                    username: None,
                    text: format!("group {}: {how}", sizes.describe(group)),
                });
            }
        }
        Ok(found)
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        let Some(twins) = of(portal, subject).await? else { return Ok(None) };
        let sizes = Sizes::of(portal, &twins.groups).await?;
        Ok(Some(decision(&twins, &sizes)))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        let Some(twins) = of(portal, subject).await? else { return Ok(Vec::new()) };
        let keeper = if let Some(id) = twins.exact {
            id
        } else {
            let answer = answered::answer(answers, KEEP)?;
            let chosen = twins.others().find(|group| group.id.to_string() == answer);
            chosen.ok_or_else(|| answered::refused(KEEP, "This is none of the groups."))?.id
        };
        let losers: Vec<i64> = twins.groups.iter().map(|group| group.id).filter(|id| *id != keeper).collect();
        let mut steps = Vec::new();
        if !losers.is_empty() {
            let merge = answered::answer(answers, OTHERS)? == MERGE;
            steps.extend(moved(portal, keeper, &losers, merge).await?);
            steps.extend(followed(portal, keeper, &losers).await?);
        }
        let table = images::table(&portal.schema, GROUPS)?;
        let mut db = portal.db.clone();
        for before in images::by_keys(&mut db, table, &super::keys(&losers), Lock::No).await? {
            steps.push(Step::Delete {
                table: GROUPS.to_owned(),
                key: images::key_of(table, &before),
                before,
            });
        }
        let mut title = format!("Make one group {} of {}", super::quoted(&twins.role), twins.groups.len());
        if twins.exact.is_none() {
            for before in images::by_keys(&mut db, table, &[Image::id(keeper)], Lock::No).await? {
                if losers.is_empty() {
                    title = format!("Rename group #{keeper} to {}", super::quoted(&twins.role));
                }
                steps.push(renamed(keeper, before, &twins.role));
            }
        }
        let part = |steps: &[Step]| Part {
            subject,
            title: title.clone(),
            steps: steps.to_vec(),
            require: vec![Require::Row { table: GROUPS.to_owned(), key: Image::id(keeper) }],
        };
        // Each part leaves the groups whole: members first, and a group goes when nothing is left in it.
        Ok(steps.chunks(MOST_ROWS).map(part).collect())
    }
}

/// A group of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Its id.
    pub(super) id: i64,
    /// Its name: unsafe to print.
    pub(super) name: String,
}

/// The groups that go by one role's name, exactly or nearly.
#[derive(Debug)]
pub(super) struct Twins {
    /// The role's group, as configured.
    pub(super) role: String,
    /// The one of exactly this name.
    pub(super) exact: Option<i64>,
    /// All of them, by id.
    pub(super) groups: Vec<Group>,
}

impl Twins {
    /// The one with the lowest id stands for all.
    fn subject(&self) -> Subject {
        Subject::of(self.groups.first().map_or(0, |group| group.id))
    }

    /// Those of another name.
    pub(super) fn others(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(|group| Some(group.id) != self.exact)
    }
}

/// A name without its case and spaces. These are names of ours and few of the database; which rows are equal is not asked.
fn folded(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// The roles of which some group has nearly the name, in the configuration's order.
pub(super) async fn all(portal: &Portal) -> Result<Vec<Twins>> {
    let mut by_name: BTreeMap<String, Vec<Group>> = BTreeMap::new();
    let wanted: BTreeSet<String> = portal.roles.names().map(folded).collect();
    let mut rows = portal.db.stream(Sql::new("SELECT id, name FROM auth_group ORDER BY id"));
    while let Some(row) = rows.recv().await {
        let row = row?;
        let group = Group { id: row.int(0)?, name: row.text(1)? };
        let folded = folded(&group.name);
        if wanted.contains(&folded) {
            by_name.entry(folded).or_default().push(group);
        }
    }
    let mut found = Vec::new();
    for role in portal.roles.names() {
        let is_other_role =
            |group: &Group| group.name != role && portal.roles.level_of(&group.name).is_some();
        let groups = by_name.get(&folded(role)).into_iter().flatten();
        let groups: Vec<Group> = groups.filter(|group| !is_other_role(group)).cloned().collect();
        let exact = groups.iter().find(|group| group.name == role).map(|group| group.id);
        let twins = Twins { role: role.to_owned(), exact, groups };
        if twins.others().next().is_some() {
            found.push(twins);
        }
    }
    Ok(found)
}

async fn of(portal: &Portal, subject: Subject) -> Result<Option<Twins>> {
    Ok(all(portal).await?.into_iter().find(|twins| twins.subject() == subject))
}

/// How many members and permissions groups have.
struct Sizes {
    members: BTreeMap<i64, i64>,
    permissions: BTreeMap<i64, i64>,
}

impl Sizes {
    async fn of(portal: &Portal, groups: &[Group]) -> Result<Self> {
        let members = "SELECT group_id, COUNT(*) FROM auth_user_groups WHERE group_id";
        let permissions = "SELECT group_id, COUNT(*) FROM auth_group_permissions WHERE group_id";
        Ok(Self {
            members: counted(portal, members, groups).await?,
            permissions: counted(portal, permissions, groups).await?,
        })
    }

    fn describe(&self, group: &Group) -> String {
        let count = |counts: &BTreeMap<i64, i64>, word: &str| {
            let count = counts.get(&group.id).copied().unwrap_or_default();
            format!("{count} {word}{}", if count == 1 { "" } else { "s" })
        };
        format!(
            "{} (#{}), {}, {}",
            super::quoted(&group.name),
            group.id,
            count(&self.members, "member"),
            count(&self.permissions, "permission")
        )
    }
}

async fn counted(portal: &Portal, query: &'static str, groups: &[Group]) -> Result<BTreeMap<i64, i64>> {
    let sql = Sql::new(query).among(groups.iter().map(|group| group.id)).push(" GROUP BY group_id");
    let rows = portal.db.all(sql).await?;
    rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
}

fn decision(twins: &Twins, sizes: &Sizes) -> Decision {
    let role = super::quoted(&twins.role);
    let choice = |group: &Group| Choice::new(group.id.to_string(), sizes.describe(group));
    let choices: Vec<Choice> = twins.others().map(choice).collect();
    let several = choices.len() > 1;
    let mut questions = Vec::new();
    if twins.exact.is_none() {
        let only = choices.first().map(|choice| choice.value.clone()).filter(|_| !several);
        let question = Question::new(KEEP, format!("Which group is renamed to {role}"), choices);
        questions.push(question.proposing(only.as_deref().unwrap_or_default()));
    }
    if twins.exact.is_some() || several {
        let names: Vec<String> = twins.others().map(|group| sizes.describe(group)).collect();
        let choices = vec![
            Choice::new(MERGE, format!("Move members and permissions into {role}: they get the role")),
            Choice::new(REMOVE, "Remove them with their memberships and permissions"),
        ];
        let label = if twins.exact.is_some() {
            format!("What becomes of {}", names.join("; "))
        } else {
            "What becomes of the others".to_owned()
        };
        questions.push(Question::new(OTHERS, label, choices));
    }
    let title = format!("The role's group is {role}, and other groups go by nearly that name");
    Decision { subject: twins.subject(), title, questions }
}

/// Gives a group another name.
pub(super) fn renamed(id: i64, before: Image, name: &str) -> Step {
    Step::Update {
        table: GROUPS.to_owned(),
        key: Image::id(id),
        before,
        set: vec![("name".to_owned(), Value::Cell(Cell::Text(name.to_owned())))],
    }
}

/// Members and permissions of the groups that go: into the one that stays, unless it has them already, or away.
async fn moved(portal: &Portal, keeper: i64, losers: &[i64], merge: bool) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for (link, beside) in MOVES {
        let table = images::table(&portal.schema, link.table)?;
        let mut db = portal.db.clone();
        let there = images::by_column(&mut db, table, "group_id", &[Cell::Int(keeper)], Lock::No).await?;
        let mut has: BTreeSet<Option<i64>> = there.iter().map(|row| row.int(beside)).collect();
        let of: Vec<Cell> = losers.iter().copied().map(Cell::Int).collect();
        for before in images::by_column(&mut db, table, "group_id", &of, Lock::No).await? {
            let (table, key) = (link.table.to_owned(), images::key_of(table, &before));
            steps.push(if merge && has.insert(before.int(beside)) {
                let set = vec![("group_id".to_owned(), Value::Cell(Cell::Int(keeper)))];
                Step::Update { table, key, before, set }
            } else {
                Step::Delete { table, key, before }
            });
        }
    }
    Ok(steps)
}

/// Rows of other apps' tables follow to the group that stays.
async fn followed(portal: &Portal, keeper: i64, losers: &[i64]) -> Result<Vec<Step>> {
    let except = MOVES.map(|(link, _)| link.table);
    for one in references::exclusive(&portal.schema, GROUPS, &except) {
        let Some(column) = one.table.column(one.column) else { continue };
        let mut sql = Sql::new("SELECT COUNT(*) FROM ").ident(&one.table.name).push(" WHERE ");
        sql = sql.ident(&column.name).among(losers.iter().copied().chain([keeper]));
        let others: Vec<_> = one.with.iter().filter_map(|name| one.table.column(name)).collect();
        for other in &others {
            sql = sql.push(" AND ").ident(&other.name).push(" IS NOT NULL");
        }
        for (number, other) in others.iter().enumerate() {
            sql = sql.push(if number == 0 { " GROUP BY " } else { ", " }).ident(&other.name);
        }
        if portal.db.optional(sql.push(" HAVING COUNT(*) > 1 LIMIT 1")).await?.is_some() {
            return Err(Error::conflict(format!(
                "{}.{} takes one row a group, and several of these groups have one; nothing was written. Remove all but \
                 one of those rows in the portal first.",
                one.table.name.as_str(),
                one.column
            )));
        }
    }
    let mut db = portal.db.clone();
    let followers = references::followers(&mut db, &portal.schema, GROUPS, losers, &except).await?;
    Ok(followers.iter().map(|follower| follower.turned_to(keeper)).collect())
}
