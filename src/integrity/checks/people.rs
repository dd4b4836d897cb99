//! What the checks of accounts have in common: the accounts as findings speak of them, and repairs made of what an
//! administrator would do.

use crate::change::{Image, Plan, Value};
use crate::db::{Cell, Sql};
use crate::directory::Portal;
use crate::directory::accounts::{self, Draft};
use crate::error::{Error, Kind, Result};
use crate::integrity::check::{Check, FindingRow, Part, Subject};
use crate::integrity::decision::Answers;
use crate::portal::access::Level;
use crate::portal::password::{self, Health, Stored};
use crate::portal::rules;
use crate::text;

/// An account as findings speak of it. Of its password only the worth is kept.
pub(super) struct Person {
    pub(super) id: i64,
    /// As the database has it: unsafe to print.
    pub(super) username: String,
    pub(super) active: bool,
    pub(super) superuser: bool,
    pub(super) staff: bool,
    /// As the database has it: unsafe to print.
    pub(super) email: String,
    pub(super) password: Health,
    /// How the password is kept, in words: `pbkdf2_sha256, 260 000`.
    pub(super) kept: String,
}

impl Person {
    /// The name and the id, safe to print.
    pub(super) fn name(&self) -> String {
        format!("{} (#{})", super::quoted(&self.username), self.id)
    }

    /// A finding's row about the account itself.
    pub(super) fn row(&self, subject: Subject, text: String) -> FindingRow {
        FindingRow {
            subject,
            table: "auth_user".into(),
            key: Image::id(self.id),
            user_id: Some(self.id),
            username: Some(self.username.clone()),
            text,
        }
    }

    /// Whether the account is a superuser who can sign in to the portal.
    pub(super) fn runs_the_portal(&self) -> bool {
        self.superuser && self.active && self.password.may_sign_in()
    }

    /// What stands in the way of signing in to the portal, if anything does.
    pub(super) fn hindrance(&self) -> Option<String> {
        match (self.active, self.password.may_sign_in()) {
            (true, true) => None,
            (false, true) => Some("inactive".to_owned()),
            (true, false) => Some(format!("password {}", self.kept)),
            (false, false) => Some(format!("inactive, password {}", self.kept)),
        }
    }
}

/// How a stored password is kept, in words that hold no part of it.
fn kept(encoded: &str) -> String {
    match password::read(encoded) {
        Stored::Unusable => "unusable".to_owned(),
        Stored::Usable(cost) => cost.to_string(),
        Stored::Unsupported(name) => name,
        Stored::Malformed => match (encoded.trim().is_empty(), password::health(encoded)) {
            (true, _) => "empty".to_owned(),
            (_, Health::Broken) => {
                let algorithm = encoded.split('$').next().unwrap_or_default();
                format!("{algorithm}, damaged")
            }
            _ => "no hash that Django knows".to_owned(),
        },
    }
}

/// The accounts that meet a condition, in order of ids; it calls the table `u`.
pub(super) async fn people_where(portal: &Portal, condition: Sql) -> Result<Vec<Person>> {
    let sql = Sql::new(
        "SELECT u.id, u.username, u.is_active, u.is_superuser, u.is_staff, u.password, u.email FROM auth_user u WHERE ",
    );
    let mut found = Vec::new();
    let mut rows = portal.db.stream(sql.append(condition));
    while let Some(row) = rows.recv().await {
        let row = row?;
        let encoded = row.text(5)?;
        found.push(Person {
            id: row.int(0)?,
            username: row.text(1)?,
            active: row.bool(2)?,
            superuser: row.bool(3)?,
            staff: row.bool(4)?,
            email: row.text(6)?,
            password: password::health(&encoded),
            kept: kept(&encoded),
        });
    }
    found.sort_by_key(|person| person.id);
    Ok(found)
}

/// The accounts with these ids that are still there.
pub(super) async fn people(portal: &Portal, ids: &[i64]) -> Result<Vec<Person>> {
    let mut found = Vec::with_capacity(ids.len());
    for part in ids.chunks(super::AT_ONCE) {
        found.extend(people_where(portal, Sql::new("u.id").among(part.iter().copied())).await?);
    }
    Ok(found)
}

/// The account with this id, where it is still there.
pub(super) async fn person(portal: &Portal, id: i64) -> Result<Option<Person>> {
    Ok(people(portal, &[id]).await?.pop())
}

/// The superusers, active or not.
pub(super) async fn superusers(portal: &Portal) -> Result<Vec<Person>> {
    people_where(portal, Sql::new("u.is_superuser = ?").bind(true)).await
}

/// The names of the groups whose role is Admin.
pub(super) fn admin_names(portal: &Portal) -> Vec<&str> {
    portal.roles.iter().filter(|role| role.level == Level::Admin).map(|role| role.group.as_str()).collect()
}

/// The ids of the members of groups with these names, by the engine's own equality, as a subquery.
pub(super) fn members_of(names: Vec<&str>) -> Sql {
    Sql::new(
        "SELECT ug.user_id FROM auth_user_groups ug JOIN auth_group g ON g.id = ug.group_id \
         WHERE ug.user_id IS NOT NULL AND g.name IN (",
    )
    .list(names)
    .push(")")
}

/// Plans that a profile belongs to this department, or to none.
pub(super) fn move_profile(portal: &Portal, plan: &mut Plan, before: Image, department: Option<i64>) {
    let Some(id) = before.int("id") else { return };
    let mut set = vec![("department_id", Value::Cell(Cell::int(department)))];
    if portal.schema.has("core_userprofile", "updated_at") {
        // As Django's auto_now does.
        set.push(("updated_at", Value::Now));
    }
    plan.update("core_userprofile", Image::id(id), before, set);
}

/// What an administrator would do, as the repair of a subject.
pub(super) fn part(subject: Subject, plan: Plan) -> Part {
    Part { subject, title: text::safe(&plan.title).into_owned(), steps: plan.steps, require: plan.require }
}

/// The same under another title, safe to print; in several parts where it is more than one transaction's worth.
pub(super) fn parts(subject: Subject, title: String, plan: Plan) -> Vec<Part> {
    Plan { title, ..plan }.in_pieces().into_iter().map(|piece| part(subject, piece)).collect()
}

/// Names in a sentence: "'a', 'b', 'c' and 4 more".
pub(super) fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What is wrong with a username that was typed.
pub(super) fn wrong_username(text: &str) -> Vec<String> {
    rules::username(text).err().unwrap_or_default()
}

/// Whether no other account has a name, nor one that differs only by case.
pub(super) async fn is_free(portal: &Portal, name: &str, user: i64) -> Result<bool> {
    let same = accounts::username_owner(portal, name, Some(user)).await?;
    let alike = accounts::username_owner(portal, name, None).await?;
    Ok(same.is_none() && alike.is_none_or(|(owner, _)| owner == user))
}

/// Plans a new name for an account.
///
/// # Errors
/// Invalid or duplicate, on the question; what the engine says.
pub(super) async fn rename(portal: &Portal, user: i64, name: &str, question: &str) -> Result<Plan> {
    let name =
        rules::username(name).map_err(|wrong| Error::field(Kind::Invalid, question, wrong.join(" ")))?;
    if !is_free(portal, &name, user).await? {
        let message =
            format!("Another account is named {} already; nothing was written.", super::quoted(&name));
        return Err(Error::field(Kind::Duplicate, question, message));
    }
    accounts::edit(portal, user, &Draft::default().with("username", name)).await
}

/// Whether the subject still waits for a decision, which these answers are.
///
/// # Errors
/// Invalid, with the questions whose answers will not do; what the engine says.
pub(super) async fn is_answered(
    check: &dyn Check,
    portal: &Portal,
    subject: Subject,
    answers: &Answers,
) -> Result<bool> {
    match check.decision(portal, subject).await? {
        Some(decision) => decision.check(answers).map(|()| true),
        None => Ok(false),
    }
}

/// The answer to a question, once [`is_answered`] has seen to all of them.
pub(super) fn answer<'a>(answers: &'a Answers, question: &str) -> &'a str {
    answers.get(question).map_or("", String::as_str)
}

/// The answer that is an id; none where it is another choice.
pub(super) fn answered_id(answers: &Answers, question: &str) -> Option<i64> {
    answer(answers, question).parse().ok()
}
