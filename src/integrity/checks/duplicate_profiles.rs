//! PRF-002: users with more than one profile, and how several become one.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::change::references;
use crate::change::rows::{self as images, Lock};
use crate::change::{Image, Plan, Require};
use crate::db::schema::Table;
use crate::db::{Cell, Sql};
use crate::directory::{Portal, departments, portal_ids};
use crate::error::Result;
use crate::portal::forms;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;

use super::merged_profile::{self as merged, Choices, PORTAL_ID, PROFILES};

/// The check.
pub struct DuplicateProfiles;

static ABOUT: About = About {
    id: "PRF-002",
    severity: Severity::Error,
    title: "user has several profiles",
    why: "The portal expects one profile and fails for these accounts, or shows now one and now the other.",
    cause: "The profile inline of Django's add form inserts a second profile beside the signal's, where the unique \
            index on user_id is missing.",
    remedy: "Keeps the oldest profile and gives it what the others know; no value is lost, and the journal keeps the \
             others.",
    choice: "The profiles differ, or the portal id belongs to another user too: someone has to say which value stays.",
    needs: &[("auth_user", &["id", "username"]), ("core_userprofile", &["id", "user_id"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::DuplicateProfiles,
    rows_each: 2,
};

#[async_trait]
impl Check for DuplicateProfiles {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let profiles = by_user(portal, subjects).await?;
        let names = super::usernames(portal, &profiles.keys().copied().collect::<Vec<_>>()).await?;
        let mut rows = Vec::new();
        for (user, profiles) in profiles {
            let Some(name) = names.get(&user) else { continue };
            for image in profiles {
                let Some(id) = image.int("id") else { continue };
                rows.push(FindingRow {
                    subject: Subject::of(user),
                    table: "core_userprofile".into(),
                    key: Image::id(id),
                    user_id: Some(user),
                    username: Some(name.clone()),
                    text: format!("profile #{id} of {}: {}", super::quoted(name), super::contents(&image)),
                });
            }
        }
        Ok(rows)
    }

    fn of_user(&self, user: i64, _profiles: &[i64]) -> Vec<Subject> {
        vec![Subject::of(user)]
    }

    async fn parts(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
        let table = images::table(&portal.schema, PROFILES)?;
        let profiles = by_user(portal, subjects).await?;
        let users: Vec<i64> = profiles.keys().copied().collect();
        let names = super::usernames(portal, &users).await?;
        let torn = torn(portal, Some(&users)).await?;
        // That the merged portal id is nobody else's is seen to under lock, as for every portal id that is given out.
        let safe: Vec<(i64, &Vec<Image>)> = profiles
            .iter()
            .filter(|(user, profiles)| {
                names.contains_key(user)
                    && !torn.contains_key(user)
                    && merged::differing(table, profiles).is_empty()
            })
            .map(|(user, profiles)| (*user, profiles))
            .collect();
        let followers =
            merged::followers(portal, safe.iter().flat_map(|(_, profiles)| &profiles[1..])).await?;
        let part = |(user, profiles): (i64, &Vec<Image>)| Part {
            subject: Subject::of(user),
            title: title(profiles, names.get(&user)),
            steps: merged::steps(table, profiles, &Choices::new(), &followers, Vec::new()),
            require: vec![user_is_there(user)],
        };
        Ok(safe.into_iter().map(part).collect())
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        let Some(asked) = Asked::of(portal, subject).await? else { return Ok(None) };
        asked.decision(portal).await
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        let Some(asked) = Asked::of(portal, subject).await? else { return Ok(Vec::new()) };
        let Some(decision) = asked.decision(portal).await? else { return Ok(Vec::new()) };
        decision.check(answers)?;
        let choices: Choices =
            answers.iter().map(|(column, profile)| (column.clone(), profile.parse().ok())).collect();
        let mut taken = Plan::default();
        if let Some(id) = merged::portal_id(&asked.profiles, &choices)
            && asked.contested.iter().any(|(contested, _)| contested == id)
        {
            portal_ids::take_over(portal, &mut taken, id, Some(subject.id)).await?;
        }
        let table = images::table(&portal.schema, PROFILES)?;
        let followers = merged::followers(portal, asked.profiles[1..].iter()).await?;
        Ok(vec![Part {
            subject,
            title: title(&asked.profiles, Some(&asked.name)),
            steps: merged::steps(table, &asked.profiles, &choices, &followers, taken.steps),
            require: vec![user_is_there(subject.id)],
        }])
    }
}

/// Who has several profiles is gathered once by the engine, whether or not `user_id` is indexed; the rows come by user.
const WITH_SEVERAL: &str = " JOIN (SELECT user_id AS several FROM core_userprofile GROUP BY user_id HAVING COUNT(*) > 1) d \
     ON d.several = core_userprofile.user_id \
     WHERE EXISTS (SELECT 1 FROM auth_user u WHERE u.id = core_userprofile.user_id) ORDER BY user_id, id";

/// The users with several profiles, sorted by what their merge would do.
#[derive(Default)]
struct Sorted {
    safe: Vec<Subject>,
    /// Safe, unless another user has the same portal id.
    with_portal_id: Vec<Subject>,
    portal_ids: Vec<String>,
    choose: Vec<Subject>,
}

impl Sorted {
    fn add(&mut self, table: &Table, profiles: &[Image]) {
        let Some(user) = profiles.first().and_then(user_of) else { return };
        let subjects = if !merged::differing(table, profiles).is_empty() {
            &mut self.choose
        } else if let Some((_, cell)) = merged::said(profiles, PORTAL_ID).first() {
            self.portal_ids.extend(cell.as_text().map(str::to_owned));
            &mut self.with_portal_id
        } else {
            &mut self.safe
        };
        subjects.push(Subject::of(user));
    }
}

async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    scan.progress(0, 1);
    let portal = scan.portal;
    let table = images::table(&portal.schema, "core_userprofile")?;
    let mut sorted = Sorted::default();
    let mut profiles: Vec<Image> = Vec::new();
    let mut rows = portal.db.stream(images::select(portal.dialect(), table).push(WITH_SEVERAL));
    while let Some(row) = rows.recv().await {
        let image = images::image(portal.dialect(), table, &row?)?;
        if profiles.first().is_some_and(|first| user_of(first) != user_of(&image)) {
            sorted.add(table, &profiles);
            profiles.clear();
        }
        profiles.push(image);
    }
    sorted.add(table, &profiles);
    let Sorted { mut safe, with_portal_id, portal_ids, mut choose } = sorted;
    let contested = contested(portal, &portal_ids).await?;
    for subject in with_portal_id {
        if contested.contains(&subject.id) { choose.push(subject) } else { safe.push(subject) }
    }
    let several = !(safe.is_empty() && choose.is_empty());
    let torn = if several { torn(portal, None).await? } else { Torn::new() };
    let (mut manual, mut columns) = (Vec::new(), BTreeSet::new());
    for subjects in [&mut safe, &mut choose] {
        subjects.retain(|subject| {
            let column = torn.get(&subject.id);
            columns.extend(column.map(String::as_str));
            manual.extend(column.map(|_| *subject));
            column.is_none()
        });
        subjects.sort_unstable();
    }
    manual.sort_unstable();
    scan.progress(1, 1);
    let columns: Vec<&str> = columns.into_iter().collect();
    let note = format!(
        "{} takes one row a profile, and several profiles of these users have one: remove all but one of those rows in \
         the portal first",
        columns.join(", ")
    );
    let manual = Found::each(&ABOUT, Class::Manual, manual);
    let found = [
        Found::each(&ABOUT, Class::Automatic, safe),
        Found::each(&ABOUT, Class::Choose, choose),
        manual.map(|found| Found { note: Some(note), ..found }),
    ];
    Ok(found.into_iter().flatten().collect())
}

/// Users whose profiles can't become one, by the column that forbids it.
type Torn = BTreeMap<i64, String>;

/// The users, all or these, of whom several profiles have rows that only one profile can have. Nobody else turns up: two
/// such rows of a single profile are what the engine forbids.
async fn torn(portal: &Portal, only: Option<&[i64]>) -> Result<Torn> {
    let mut found = Torn::new();
    for one in references::exclusive(&portal.schema, PROFILES, &[PROFILES]) {
        let Some(column) = one.table.column(one.column) else { continue };
        let others: Vec<_> = one.with.iter().filter_map(|name| one.table.column(name)).collect();
        let mut sql = Sql::new("SELECT p.user_id FROM ").ident(&one.table.name);
        sql = sql.push(" t JOIN core_userprofile p ON p.id = t.").ident(&column.name);
        sql = sql.push(" WHERE p.user_id IS NOT NULL");
        if let Some(users) = only {
            sql = sql.push(" AND p.user_id").among(users.iter().copied());
        }
        // NULLs are never equal to the engine.
        for other in &others {
            sql = sql.push(" AND t.").ident(&other.name).push(" IS NOT NULL");
        }
        sql = sql.push(" GROUP BY p.user_id");
        for other in &others {
            sql = sql.push(", t.").ident(&other.name);
        }
        let mut rows = portal.db.stream(sql.push(" HAVING COUNT(*) > 1"));
        while let Some(row) = rows.recv().await {
            found.insert(row?.int(0)?, format!("{}.{}", one.table.name.as_str(), one.column));
        }
    }
    Ok(found)
}

fn user_of(image: &Image) -> Option<i64> {
    image.int("user_id")
}

/// Portal ids in one statement, which goes through the table twice: since core 0004 the column has no index. Grouping the
/// whole table instead took MariaDB seven times as long, measured at a million profiles.
const PORTAL_IDS_AT_ONCE: usize = 10_000;

/// The users who have one of these portal ids that another user has too, by the engine's own equality.
async fn contested(portal: &Portal, portal_ids: &[String]) -> Result<BTreeSet<i64>> {
    let mut users = BTreeSet::new();
    for part in portal_ids.chunks(PORTAL_IDS_AT_ONCE) {
        let sql = Sql::new(
            "SELECT DISTINCT p.user_id FROM core_userprofile p JOIN \
             (SELECT main_portal_id AS shared FROM core_userprofile WHERE main_portal_id",
        );
        let sql = sql.among(part.iter().map(String::as_str)).push(
            " GROUP BY main_portal_id HAVING MIN(COALESCE(user_id, 0)) <> MAX(COALESCE(user_id, 0))) d \
             ON d.shared = p.main_portal_id WHERE p.user_id IS NOT NULL",
        );
        let mut rows = portal.db.stream(sql);
        while let Some(row) = rows.recv().await {
            users.extend(row?.int_opt(0).ok().flatten());
        }
    }
    Ok(users)
}

/// The profiles of these users, by user, the oldest first.
async fn by_user(portal: &Portal, subjects: &[Subject]) -> Result<BTreeMap<i64, Vec<Image>>> {
    let table = images::table(&portal.schema, "core_userprofile")?;
    let users: Vec<Cell> = super::ids(subjects, 0).into_iter().map(Cell::Int).collect();
    let mut found: BTreeMap<i64, Vec<Image>> = BTreeMap::new();
    for image in images::by_column(&mut portal.db.clone(), table, "user_id", &users, Lock::No).await? {
        if let Some(user) = user_of(&image) {
            found.entry(user).or_default().push(image);
        }
    }
    found.retain(|_, profiles| profiles.len() > 1);
    Ok(found)
}

fn title(profiles: &[Image], name: Option<&String>) -> String {
    let name = name.map(|name| super::quoted(name)).unwrap_or_default();
    format!("Merge {} profiles of {name}", profiles.len())
}

fn user_is_there(user: i64) -> Require {
    Require::Row { table: "auth_user".to_owned(), key: Image::id(user) }
}

/// The answer that leaves a portal id to whoever else has it.
const NONE: &str = "none";

/// A user about whose profiles somebody has to decide.
struct Asked {
    subject: Subject,
    name: String,
    profiles: Vec<Image>,
    /// The portal ids of these profiles that others have too, and who does.
    contested: Vec<(String, String)>,
}

impl Asked {
    /// Nothing when the user has not several profiles any more, or when they can't become one.
    async fn of(portal: &Portal, subject: Subject) -> Result<Option<Self>> {
        let user = subject.id;
        let Some(name) = super::usernames(portal, &[user]).await?.remove(&user) else { return Ok(None) };
        let Some(profiles) = by_user(portal, &[subject]).await?.remove(&user) else { return Ok(None) };
        if torn(portal, Some(&[user])).await?.contains_key(&user) {
            return Ok(None);
        }
        let mut contested = Vec::new();
        for (_, cell) in merged::said(&profiles, PORTAL_ID) {
            let Some(id) = cell.as_text() else { continue };
            if let Some((_, owner)) = portal_ids::owner(portal, id, Some(user)).await? {
                let owner = if owner.is_empty() {
                    "a profile without a user".to_owned()
                } else {
                    super::quoted(&owner)
                };
                contested.push((id.to_owned(), owner));
            }
        }
        Ok(Some(Self { subject, name, profiles, contested }))
    }

    fn owner_of(&self, portal_id: &Cell) -> Option<&str> {
        let held = |(id, _): &&(String, String)| portal_id.as_text() == Some(id);
        self.contested.iter().find(held).map(|(_, owner)| owner.as_str())
    }

    /// One question for each column in which the profiles differ, and for a portal id that others have too.
    async fn decision(&self, portal: &Portal) -> Result<Option<Decision>> {
        let table = images::table(&portal.schema, PROFILES)?;
        let departments = department_names(portal).await?;
        let mut differences = merged::differing(table, &self.profiles);
        if !self.contested.is_empty() && !differences.iter().any(|found| found.column == PORTAL_ID) {
            differences.extend(merged::all_of(&self.profiles, PORTAL_ID));
        }
        let mut questions = Vec::new();
        for difference in differences {
            let contested = difference.column == PORTAL_ID && !self.contested.is_empty();
            let mut choices: Vec<Choice> = difference
                .values
                .iter()
                .map(|(profile, cell)| self.choice(&difference.column, *profile, cell, &departments))
                .collect();
            if contested {
                choices.push(Choice::new(
                    NONE,
                    format!("None: {} has no portal id then", super::quoted(&self.name)),
                ));
            }
            let question = Question::new(&difference.column, label(&difference.column), choices);
            let newest = difference.newest.to_string();
            questions.push(if contested { question } else { question.proposing(&newest) });
        }
        let title =
            format!("{} has {} profiles: which values stay", super::quoted(&self.name), self.profiles.len());
        Ok((!questions.is_empty()).then_some(Decision { subject: self.subject, title, questions }))
    }

    fn choice(&self, column: &str, profile: i64, cell: &Cell, departments: &BTreeMap<i64, String>) -> Choice {
        let value = match cell {
            Cell::Bool(on) if column == "email_notifications" => (if *on { "on" } else { "off" }).to_owned(),
            Cell::Int(id) if column == "department_id" => {
                departments.get(id).map_or_else(|| format!("#{id}"), |name| super::quoted(name))
            }
            cell => cell.show(),
        };
        let taken = self.owner_of(cell).filter(|_| column == PORTAL_ID);
        let taken =
            taken.map_or_else(String::new, |owner| format!("; taken from {owner}, who then has none"));
        Choice::new(profile.to_string(), format!("{value}, of profile #{profile}{taken}"))
    }
}

/// What the forms call a column; one that they don't know goes by its own name.
fn label(column: &str) -> String {
    let name = column.strip_suffix("_id").filter(|_| column != PORTAL_ID).unwrap_or(column);
    let field = forms::USER.iter().find(|field| field.name == name);
    field.map_or_else(|| crate::text::safe(column).into_owned(), |field| field.label.to_owned())
}

async fn department_names(portal: &Portal) -> Result<BTreeMap<i64, String>> {
    if !portal.schema.has("core_department", "name") {
        return Ok(BTreeMap::new());
    }
    let departments = departments::choices(portal).await?;
    Ok(departments.into_iter().map(|department| (department.id, department.name)).collect())
}
