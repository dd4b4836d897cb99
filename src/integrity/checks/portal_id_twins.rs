//! PID-001: portal ids that several accounts have.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::change::rows::{self as images, Lock};
use crate::change::{Image, Plan};
use crate::db::Sql;
use crate::directory::{Portal, portal_ids};
use crate::error::Result;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;
use crate::portal::rules;

use super::people;

/// The check.
pub struct PortalIdTwins;

static ABOUT: About = About {
    id: "PID-001",
    severity: Severity::Error,
    title: "portal id of several users",
    why: "The id stands for one person in the main portal: what comes from there reaches the wrong account, and the \
          portal's forms refuse to save either of them.",
    cause: "Two people were saved at the same moment, or ids were loaded by SQL: since core 0004 no index watches over \
            them.",
    remedy: "Leaves the id with its owner, and the others without one.",
    choice: "Somebody has to know, or look up in the main portal, whose id it is.",
    needs: &[("auth_user", &["id", "username"]), ("core_userprofile", &["id", "user_id", "main_portal_id"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Values,
    rows_each: 2,
};

/// The question, and the answer that is no account.
const QUESTION: &str = "owner";
const NOBODY: &str = "none";

#[async_trait]
impl Check for PortalIdTwins {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let mut rows = Vec::new();
        for (subject, holders) in holders(portal, subjects).await? {
            for holder in holders {
                rows.push(FindingRow {
                    subject,
                    table: "core_userprofile".into(),
                    key: Image::id(holder.profile),
                    user_id: holder.user,
                    text: format!(
                        "profile #{} of {}: portal id {}",
                        holder.profile,
                        holder.whose(),
                        super::quoted(&holder.portal_id)
                    ),
                    username: holder.username,
                });
            }
        }
        Ok(rows)
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        let Some(holders) = holders(portal, &[subject]).await?.remove(&subject) else { return Ok(None) };
        let mut choices: Vec<Choice> = Vec::new();
        for holder in &holders {
            let Some(user) = holder.user.filter(|_| holder.username.is_some()) else { continue };
            let value = user.to_string();
            if choices.iter().all(|choice| choice.value != value) {
                choices.push(Choice::new(value, format!("{}; the others are left without", holder.whose())));
            }
        }
        choices.push(Choice::new(NOBODY, "nobody: it is no real id, all are left without"));
        let id = holders.first().map(|holder| super::quoted(&holder.portal_id)).unwrap_or_default();
        Ok(Some(Decision {
            subject,
            title: format!("{} profiles have the portal id {id}", holders.len()),
            questions: vec![Question::new(QUESTION, "Whose id is it", choices)],
        }))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        decided(self, portal, subject, answers).await
    }
}

/// Grouped by the engine, whose equality counts. Several profiles of one user are PRF-002's.
async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    let sql = Sql::new(
        "SELECT MIN(p.id), MIN(p.main_portal_id) FROM core_userprofile p WHERE TRIM(p.main_portal_id) <> '' \
         GROUP BY TRIM(p.main_portal_id) \
         HAVING COUNT(*) > 1 AND MIN(COALESCE(p.user_id, 0)) <> MAX(COALESCE(p.user_id, 0))",
    );
    let mut lowest = Vec::new();
    let mut rows = scan.db().stream(sql);
    while let Some(row) = rows.recv().await {
        let row = row?;
        // The engines strip spaces only; other white space is blank too.
        if !rules::is_blank(&row.text(1)?) {
            lowest.push(Subject::of(row.int(0)?));
        }
    }
    lowest.sort_unstable();
    Ok(Found::each(&ABOUT, Class::Choose, lowest).into_iter().collect())
}

/// A profile that has the id.
struct Holder {
    profile: i64,
    user: Option<i64>,
    /// None where there is no such user.
    username: Option<String>,
    portal_id: String,
}

impl Holder {
    /// Whose profile it is, safe to print.
    fn whose(&self) -> String {
        match (&self.username, self.user) {
            (Some(name), Some(user)) => format!("{} (#{user})", super::quoted(name)),
            (_, Some(user)) => format!("missing user #{user}"),
            (_, None) => "no user".to_owned(),
        }
    }
}

/// The profiles that have the ids of these subjects' profiles, by subject; the table is read once.
async fn holders(portal: &Portal, subjects: &[Subject]) -> Result<BTreeMap<Subject, Vec<Holder>>> {
    let mut ids: Vec<String> = Vec::new();
    for part in super::ids(subjects, 0).chunks(super::AT_ONCE) {
        let sql = Sql::new("SELECT TRIM(p.main_portal_id) FROM core_userprofile p WHERE p.id");
        for row in portal.db.all(sql.among(part.iter().copied())).await? {
            ids.extend(row.text_opt(0)?.filter(|id| !rules::is_blank(id)));
        }
    }
    let mut found: BTreeMap<Subject, Vec<Holder>> = BTreeMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let sql = Sql::new(
        "SELECT d.lowest, p.id, p.user_id, u.username, p.main_portal_id FROM core_userprofile p JOIN \
         (SELECT MIN(id) AS lowest, TRIM(main_portal_id) AS shared FROM core_userprofile WHERE TRIM(main_portal_id)",
    )
    .among(ids)
    .push(
        " GROUP BY TRIM(main_portal_id)) d ON d.shared = TRIM(p.main_portal_id) \
         LEFT JOIN auth_user u ON u.id = p.user_id ORDER BY d.lowest, p.id",
    );
    for row in portal.db.all(sql).await? {
        found.entry(Subject::of(row.int(0)?)).or_default().push(Holder {
            profile: row.int(1)?,
            user: row.int_opt(2).ok().flatten(),
            username: row.text_opt(3)?,
            portal_id: row.text(4)?,
        });
    }
    found.retain(|subject, holders| {
        subjects.contains(subject) && holders.iter().any(|holder| holder.user != holders[0].user)
    });
    Ok(found)
}

async fn decided(
    check: &PortalIdTwins,
    portal: &Portal,
    subject: Subject,
    answers: &Answers,
) -> Result<Vec<Part>> {
    if !people::is_answered(check, portal, subject, answers).await? {
        return Ok(Vec::new());
    }
    let owner = people::answered_id(answers, QUESTION);
    let holders = holders(portal, &[subject]).await?.remove(&subject).unwrap_or_default();
    let loses = |holder: &&Holder| owner.is_none() || holder.user != owner;
    let ids: Vec<i64> = holders.iter().filter(loses).map(|holder| holder.profile).collect();
    let table = images::table(&portal.schema, "core_userprofile")?;
    let mut plan = Plan::default();
    for before in images::by_keys(&mut portal.db.clone(), table, &super::keys(&ids), Lock::No).await? {
        portal_ids::give_up(portal, &mut plan, table, before);
    }
    let id = holders.first().map(|holder| super::quoted(&holder.portal_id)).unwrap_or_default();
    let keeper = holders.iter().find(|holder| owner.is_some() && holder.user == owner);
    let title = match keeper {
        Some(keeper) => format!("Leave the portal id {id} with {} alone", keeper.whose()),
        None => format!("Take the portal id {id} from everybody"),
    };
    Ok(people::parts(subject, title, plan))
}
