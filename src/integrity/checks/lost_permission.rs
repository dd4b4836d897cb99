//! REL-005: permissions whose content type does not exist.

use async_trait::async_trait;

use crate::change::rows::{self as images, Lock};
use crate::change::{Image, MOST_ROWS, Require, Step, Value};
use crate::db::{Cell, Sql};
use crate::directory::Portal;
use crate::error::Result;
use crate::text;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;

use super::answered;
use super::links::{self, Link};
use super::reference::Reference;

/// The check.
pub struct LostPermission;

static ABOUT: About = About {
    id: "REL-005",
    severity: Severity::Warning,
    title: "permissions of a content type that does not exist",
    why: "Django grants nothing by such a permission, whoever holds it, and the next content type with the same id takes \
          it over with all its holders.",
    cause: "The content type was deleted by SQL, or its table was filled anew with other ids.",
    remedy: "Removes the permission, and takes it from whoever holds it; the journal keeps the rows, and undo brings \
             them back.",
    choice: "Remove the permission, or give it back to the content type of that name, so that its holders have it again.",
    needs: &[
        ("auth_permission", &["id", "name", "content_type_id", "codename"]),
        ("django_content_type", &["id", "app_label", "model"]),
        ("auth_group", &["id", "name"]),
        ("auth_group_permissions", &["id", "group_id", "permission_id"]),
        ("auth_user_user_permissions", &["id", "user_id", "permission_id"]),
    ],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Links,
    rows_each: 1,
};

static CONTENT_TYPE: Reference = Reference {
    table: "auth_permission",
    column: "content_type_id",
    to_table: "django_content_type",
    what: "content type",
};

/// Where a permission is given.
static HOLDERS: [&Link; 2] = [&links::GROUP_PERMISSIONS, &links::USER_PERMISSIONS];

/// The question, and the answer that is no content type.
const QUESTION: &str = "permission";
const REMOVE: &str = "remove";

#[async_trait]
impl Check for LostPermission {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let subjects = CONTENT_TYPE.find(scan).await?.into_iter().map(Subject::of).collect();
        Ok(Found::each(&ABOUT, Class::Choose, subjects).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let mut found = Vec::new();
        for (id, permission) in CONTENT_TYPE.still(portal, &super::ids(subjects, 0)).await? {
            let holders = Holders::of(portal, id).await?.describe();
            let held =
                if holders.is_empty() { "nobody holds it".to_owned() } else { format!("held by {holders}") };
            found.push(FindingRow {
                subject: Subject::of(id),
                table: CONTENT_TYPE.table.into(),
                key: Image::id(id),
                user_id: None,
                username: None,
                text: format!(
                    "permission {}: content type #{} does not exist; {held}",
                    describe(&permission),
                    CONTENT_TYPE.shown(&permission)
                ),
            });
        }
        Ok(found)
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        let Some((id, permission)) = CONTENT_TYPE.still(portal, &[subject.id]).await?.pop() else {
            return Ok(None);
        };
        let holders = Holders::of(portal, id).await?.describe();
        let remove = if holders.is_empty() {
            "Remove it: nobody holds it".to_owned()
        } else {
            format!("Remove it, and take it from {holders}")
        };
        let mut choices = vec![Choice::new(REMOVE, remove)];
        for candidate in candidates(portal, &permission).await? {
            let name = text::safe(&candidate.name).into_owned();
            let label = if holders.is_empty() {
                format!("Give it back to {name}")
            } else {
                format!("Give it back to {name}: {holders} can use it again")
            };
            choices.push(Choice::new(name, label));
        }
        let only = choices.len() == 1 && holders.is_empty();
        let question = Question::new(QUESTION, "What becomes of it", choices);
        Ok(Some(Decision {
            subject,
            title: format!("Permission {} belongs to no content type", describe(&permission)),
            questions: vec![if only { question.proposing(REMOVE) } else { question }],
        }))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        let answer = answered::answer(answers, QUESTION)?;
        let Some((id, permission)) = CONTENT_TYPE.still(portal, &[subject.id]).await?.pop() else {
            return Ok(Vec::new());
        };
        let require: Vec<Require> = CONTENT_TYPE.still_missing(&permission).into_iter().collect();
        if answer == REMOVE {
            return removed(portal, subject, permission, &require).await;
        }
        let candidates = candidates(portal, &permission).await?;
        let Some(candidate) = candidates.into_iter().find(|candidate| text::safe(&candidate.name) == answer)
        else {
            return Err(answered::refused(QUESTION, format!("It can't be given to {}.", text::safe(answer))));
        };
        let row = Require::Row { table: CONTENT_TYPE.to_table.to_owned(), key: Image::id(candidate.id) };
        Ok(vec![Part {
            subject,
            title: format!(
                "Give permission {} back to {}",
                describe(&permission),
                text::safe(&candidate.name)
            ),
            steps: vec![Step::Update {
                table: CONTENT_TYPE.table.to_owned(),
                key: Image::id(id),
                before: permission,
                set: vec![(CONTENT_TYPE.column.to_owned(), Value::Cell(Cell::Int(candidate.id)))],
            }],
            require: require.into_iter().chain([row]).collect(),
        }])
    }
}

/// Who holds a permission.
struct Holders {
    groups: Vec<String>,
    users: i64,
}

impl Holders {
    async fn of(portal: &Portal, permission: i64) -> Result<Self> {
        let groups = Sql::new(
            "SELECT g.name FROM auth_group_permissions p JOIN auth_group g ON g.id = p.group_id \
             WHERE p.permission_id = ? ORDER BY g.name",
        );
        let groups = portal.db.all(groups.bind(permission)).await?;
        let users = Sql::new("SELECT COUNT(*) FROM auth_user_user_permissions WHERE permission_id = ?");
        Ok(Self {
            groups: groups.iter().map(|row| row.text(0)).collect::<std::result::Result<_, _>>()?,
            users: portal.count(users.bind(permission)).await?,
        })
    }

    /// In words; empty where nobody does.
    fn describe(&self) -> String {
        let mut holders: Vec<String> =
            self.groups.iter().map(|name| format!("group {}", super::quoted(name))).collect();
        match self.users {
            0 => {}
            1 => holders.push("1 user".to_owned()),
            users => holders.push(format!("{users} users")),
        }
        holders.join(", ")
    }
}

fn describe(permission: &Image) -> String {
    let name = permission.text("codename").unwrap_or_default();
    format!("{} (#{})", super::quoted(name), permission.int("id").unwrap_or_default())
}

/// A content type that a permission may have belonged to.
struct Candidate {
    id: i64,
    name: String,
}

/// The content types of the model that the permission is named after, as in `change_userprofile`, where they have no
/// permission of that name.
async fn candidates(portal: &Portal, permission: &Image) -> Result<Vec<Candidate>> {
    let codename = permission.text("codename").unwrap_or_default();
    let Some((_, model)) = codename.split_once('_') else { return Ok(Vec::new()) };
    let sql = Sql::new(
        "SELECT c.id, c.app_label, c.model FROM django_content_type c WHERE c.model = ? AND NOT EXISTS \
         (SELECT 1 FROM auth_permission p WHERE p.content_type_id = c.id AND p.codename = ?) ORDER BY c.id",
    );
    let mut found = Vec::new();
    for row in portal.db.all(sql.bind(model).bind(codename)).await? {
        found.push(Candidate { id: row.int(0)?, name: format!("{}.{}", row.text(1)?, row.text(2)?) });
    }
    Ok(found)
}

/// Takes it from whoever holds it, then removes it. Many holders take several parts; the permission goes with the last.
async fn removed(
    portal: &Portal,
    subject: Subject,
    permission: Image,
    require: &[Require],
) -> Result<Vec<Part>> {
    let mut steps = Vec::new();
    for link in HOLDERS {
        let table = images::table(&portal.schema, link.table)?;
        let held = [Cell::Int(subject.id)];
        let column = link.ends[1].column;
        for before in images::by_column(&mut portal.db.clone(), table, column, &held, Lock::No).await? {
            let key = images::key_of(table, &before);
            steps.push(Step::Delete { table: link.table.to_owned(), key, before });
        }
    }
    let name = describe(&permission);
    let (table, key) = (CONTENT_TYPE.table.to_owned(), Image::id(subject.id));
    steps.push(Step::Delete { table, key, before: permission });
    let part = |steps: &[Step]| Part {
        subject,
        title: format!("Remove permission {name} of no content type"),
        steps: steps.to_vec(),
        require: require.to_vec(),
    };
    Ok(steps.chunks(MOST_ROWS).map(part).collect())
}
