//! GRP-001: groups of the portal's roles that do not exist.

use async_trait::async_trait;

use crate::change::rows::{self as images, Lock};
use crate::change::{Adopt, Image, Step, Value};
use crate::db::{Cell, Sql};
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;

use super::answered;
use super::renamed_role::{self, Group};

/// The question, and the answer that is no group.
const QUESTION: &str = "group";
const ADD: &str = "add";

/// The check.
pub struct MissingGroup;

static ABOUT: About = About {
    id: "GRP-001",
    severity: Severity::Error,
    title: "groups that the portal goes by are missing",
    why: "The portal decides by these names who may do what; without the group nobody can be given the role.",
    cause: "The portal's setup_groups was never run here, or someone deleted or renamed the group.",
    remedy: "Adds the group, without permissions: the portal goes by its name.",
    choice: "A group differs from it only by case or spaces: renaming that one may be what is wanted.",
    needs: &[("auth_group", &["id", "name"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

#[async_trait]
impl Check for MissingGroup {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let row = |group: Missing| FindingRow {
            subject: group.subject,
            table: "auth_group".into(),
            key: Image::default(),
            user_id: None,
            username: None,
            text: match group.twins.first() {
                None => format!("group {} is missing", super::quoted(&group.name)),
                Some(twin) => {
                    format!(
                        "group {} is missing; there is {}",
                        super::quoted(&group.name),
                        super::quoted(&twin.name)
                    )
                }
            },
        };
        Ok(wanted(portal, subjects).await?.into_iter().map(row).collect())
    }

    async fn parts(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
        let groups = wanted(portal, subjects).await?;
        Ok(groups.into_iter().filter(|group| group.twins.is_empty()).map(added).collect())
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        // Rename the group that nearly has the name, as GRP-002 does, or add another one beside it.
        if portal.schema.refuses_create("auth_group").is_some() {
            return Ok(None);
        }
        let Some(group) = wanted(portal, &[subject]).await?.pop() else { return Ok(None) };
        let name = super::quoted(&group.name);
        let rename = |twin: &Group| {
            Choice::new(
                twin.id.to_string(),
                format!("Rename {} (#{}) to it", super::quoted(&twin.name), twin.id),
            )
        };
        let mut choices: Vec<Choice> = group.twins.iter().map(rename).collect();
        choices.push(Choice::new(ADD, format!("Add {name} beside it, without members or permissions")));
        let only = group.twins.first().filter(|_| group.twins.len() == 1).map(|twin| twin.id.to_string());
        let question = Question::new(QUESTION, format!("How {name} comes to be there"), choices);
        Ok((!group.twins.is_empty()).then_some(Decision {
            subject,
            title: format!("Group {name} is missing, and another group nearly has its name"),
            questions: vec![question.proposing(only.as_deref().unwrap_or_default())],
        }))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        let answer = answered::answer(answers, QUESTION)?;
        let Some(group) = wanted(portal, &[subject]).await?.pop() else { return Ok(Vec::new()) };
        if answer == ADD {
            return Ok(vec![added(group)]);
        }
        let Some(twin) = group.twins.iter().find(|twin| twin.id.to_string() == answer) else {
            return Err(answered::refused(QUESTION, "This is none of the groups."));
        };
        let table = images::table(&portal.schema, "auth_group")?;
        let rows = images::by_keys(&mut portal.db.clone(), table, &[Image::id(twin.id)], Lock::No).await?;
        let part = |before: Image| Part {
            subject,
            title: format!("Rename group {} to {}", super::quoted(&twin.name), super::quoted(&group.name)),
            steps: vec![renamed_role::renamed(twin.id, before, &group.name)],
            require: Vec::new(),
        };
        Ok(rows.into_iter().map(part).collect())
    }
}

/// A role's group that is not there. The subject is the role's number in the configuration.
struct Missing {
    subject: Subject,
    name: String,
    /// The groups that differ only by case or spaces; GRP-002 speaks of them.
    twins: Vec<Group>,
}

async fn missing(portal: &Portal) -> Result<Vec<Missing>> {
    let mut found = Vec::new();
    for (number, role) in (0_i64..).zip(portal.roles.iter()) {
        // The engine's own equality: on MySQL `admin` is Admin.
        let same = Sql::new("SELECT id FROM auth_group WHERE name = ? LIMIT 1").bind(role.group.as_str());
        if portal.db.optional(same).await?.is_none() {
            let subject = Subject::of(number);
            found.push(Missing { subject, name: role.group.clone(), twins: Vec::new() });
        }
    }
    if !found.is_empty() {
        for twins in renamed_role::all(portal).await? {
            if let Some(group) = found.iter_mut().find(|group| group.name == twins.role) {
                group.twins = twins.groups;
            }
        }
    }
    Ok(found)
}

async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    let missing = missing(scan.portal).await?;
    let lack = scan.schema().refuses_create("auth_group");
    let of = |twins: bool| -> Vec<Subject> {
        missing.iter().filter(|group| group.twins.is_empty() != twins).map(|group| group.subject).collect()
    };
    if let Some(lack) = lack {
        let all = Found::each(&ABOUT, Class::Choose, missing.iter().map(|group| group.subject).collect());
        return Ok(all.map(|found| Found { note: Some(lack.to_string()), ..found }).into_iter().collect());
    }
    let alone = Found::each(&ABOUT, Class::Automatic, of(false));
    Ok(alone.into_iter().chain(Found::each(&ABOUT, Class::Choose, of(true))).collect())
}

async fn wanted(portal: &Portal, subjects: &[Subject]) -> Result<Vec<Missing>> {
    Ok(missing(portal).await?.into_iter().filter(|group| subjects.contains(&group.subject)).collect())
}

fn added(group: Missing) -> Part {
    Part {
        subject: group.subject,
        title: format!("Add group {}", super::quoted(&group.name)),
        steps: vec![Step::Insert {
            table: "auth_group".to_owned(),
            values: vec![("name".to_owned(), Value::Cell(Cell::Text(group.name)))],
            adopt: Some(Adopt { by: "name".to_owned(), columns: Vec::new() }),
        }],
        require: Vec::new(),
    }
}
