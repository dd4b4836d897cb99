//! PRF-003: profiles whose user does not exist.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::change::rows::{self as images, Lock};
use crate::change::{Image, Plan, Require, Step, Value};
use crate::db::schema::ForeignKey;
use crate::db::{Cell, Sql};
use crate::directory::{Portal, portal_ids};
use crate::error::{Error, Result};
use crate::text;

use crate::integrity::anti_join::AntiJoin;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;

use super::merged_profile::{self as merged, PROFILES};
use super::{answered, log_names};

/// The question, and the answer that is no username.
const QUESTION: &str = "profile";
const REMOVE: &str = "remove";

/// The check.
pub struct OrphanProfile;

static ABOUT: About = About {
    id: "PRF-003",
    severity: Severity::Critical,
    title: "profiles without a user",
    why: "The next account that gets the same id can't be made (1062 … user_id), or takes over this profile.",
    cause: "The account was deleted by SQL or in a database without foreign keys, and its profile stayed.",
    remedy: "Removes the profile; the journal keeps it, and undo brings it back.",
    choice: "Other rows of the portal refer to the profile, so it can't go: give it to a user who has none or an empty one, or remove those \
             rows in the portal first.",
    needs: &[("auth_user", &["id", "username"]), ("core_userprofile", &["id", "user_id"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::OrphanProfiles,
    rows_each: 1,
};

#[async_trait]
impl Check for OrphanProfile {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let row = |(id, image): (i64, Image)| FindingRow {
            subject: Subject::of(id),
            table: "core_userprofile".into(),
            key: Image::id(id),
            user_id: image.int("user_id"),
            username: None,
            text: format!("profile #{id} of {}: {}", super::whose(&image, None), super::contents(&image)),
        };
        Ok(orphans(portal, subjects).await?.into_iter().map(row).collect())
    }

    async fn parts(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
        let orphans = orphans(portal, subjects).await?;
        let ids: Vec<i64> = orphans.iter().map(|(id, _)| *id).collect();
        let referred = referred_to(portal, &ids).await?;
        Ok(orphans
            .into_iter()
            .filter(|(id, _)| !referred.contains(id))
            .map(|(id, image)| removed(id, image))
            .collect())
    }

    fn offers_decision(&self) -> bool {
        true
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        // Remove it, or give it to a user without a profile: to the one who has the name that the log knew, or to one who is named.
        let Some((id, image)) = orphans(portal, &[subject]).await?.pop() else { return Ok(None) };
        let known = name_in_log(portal, id, &image).await?;
        let (mut choices, mut is_wanted) = (Vec::new(), false);
        if referred_to(portal, &[id]).await?.is_empty() {
            choices.push(Choice::new(REMOVE, "Remove it; undo brings it back"));
        }
        if let Some(name) = &known
            && let Some(account) = answered::find(portal, name).await?
            && !matches!(what_has(portal, account.id).await?, Has::Profile)
            && text::safe(&account.username) == account.username
        {
            is_wanted = true;
            let label = format!(
                "Give it to {}, who has none or an empty one and goes by the name that the portal's log knew",
                super::quoted(&account.username)
            );
            choices.push(Choice::new(account.username.clone(), label));
        }
        let known = known.map_or_else(String::new, |name| format!(", once {}", super::quoted(&name)));
        let question = Question::new(
            QUESTION,
            "What becomes of it: a user without a profile or with an empty one, or",
            choices,
        );
        let question = question.or_typed(answered::typed_username);
        let title =
            format!("Profile #{id} of {}{known}: {}", super::whose(&image, None), super::contents(&image));
        // Nothing is lost by removing it, but where somebody may miss it a person should think.
        let question = if is_wanted { question } else { question.proposing(REMOVE) };
        Ok(Some(Decision { subject, title, questions: vec![question] }))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        let answer = answered::answer(answers, QUESTION)?;
        let Some((id, image)) = orphans(portal, &[subject]).await?.pop() else { return Ok(Vec::new()) };
        if answer == REMOVE {
            if referred_to(portal, &[id]).await?.is_empty() {
                return Ok(vec![removed(id, image)]);
            }
            return Err(answered::refused(QUESTION, "Other rows refer to the profile, so it can't go."));
        }
        let heir = answered::named(portal, QUESTION, answer).await?;
        let name = super::quoted(&heir.username);
        let mut plan = Plan::default();
        let mut require: Vec<Require> = still_missing(&image).into_iter().chain([heir.is_there()]).collect();
        match what_has(portal, heir.id).await? {
            Has::Profile => {
                return Err(answered::refused(QUESTION, format!("{name} has a profile already.")));
            }
            Has::Blank(blank) => {
                for follower in merged::followers(portal, std::iter::once(&blank)).await? {
                    plan.push(follower.turned_to(id));
                }
                plan.delete(PROFILES, Image::id(blank.int("id").unwrap_or_default()), blank);
            }
            Has::None => require.push(Require::NoRow {
                table: PROFILES.to_owned(),
                column: "user_id".to_owned(),
                value: Cell::Int(heir.id),
            }),
        }
        refuse_shared_portal_id(portal, &image).await?;
        let title = format!("Give profile #{id} of {} to {name}", super::whose(&image, None));
        let mut set = vec![("user_id", Value::Cell(Cell::Int(heir.id)))];
        if image.get("updated_at").is_some() {
            set.push(("updated_at", Value::Now));
        }
        plan.update(PROFILES, Image::id(id), image, set);
        Ok(vec![Part { subject, title, steps: plan.steps, require }])
    }
}

async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    let search = AntiJoin {
        table: "core_userprofile",
        column: "user_id",
        to_table: "auth_user",
        to_column: "id",
        also: "id",
        nulls: true,
    };
    let orphans: Vec<i64> = search.find(scan).await?.into_iter().map(|(id, _)| id).collect();
    let referred = referred_to(scan.portal, &orphans).await?;
    let of = |wanted: bool| -> Vec<Subject> {
        orphans.iter().filter(|id| referred.contains(id) == wanted).copied().map(Subject::of).collect()
    };
    let alone = Found::each(&ABOUT, Class::Automatic, of(false));
    Ok(alone.into_iter().chain(Found::each(&ABOUT, Class::Choose, of(true))).collect())
}

/// The foreign keys of the catalogue that point at profiles.
fn references(portal: &Portal) -> impl Iterator<Item = &ForeignKey> {
    portal.schema.references_to("core_userprofile").filter(|key| key.to_column == "id")
}

/// Which of these profiles rows of other tables refer to.
async fn referred_to(portal: &Portal, profiles: &[i64]) -> Result<BTreeSet<i64>> {
    let mut found = BTreeSet::new();
    for key in references(portal) {
        let Some(table) = portal.schema.table(&key.table) else { continue };
        let Some(column) = table.column(&key.column) else { continue };
        for part in profiles.chunks(super::AT_ONCE) {
            let sql = Sql::new("SELECT DISTINCT t.").ident(&column.name).push(" FROM ").ident(&table.name);
            let sql = sql.push(" t WHERE t.").ident(&column.name).among(part.iter().copied());
            for row in portal.db.all(sql).await? {
                found.insert(row.int(0)?);
            }
        }
    }
    Ok(found)
}

/// The profiles that are still there and still without a user.
async fn orphans(portal: &Portal, subjects: &[Subject]) -> Result<Vec<(i64, Image)>> {
    let table = images::table(&portal.schema, "core_userprofile")?;
    let keys = super::keys(&super::ids(subjects, 0));
    let profiles = images::by_keys(&mut portal.db.clone(), table, &keys, Lock::No).await?;
    let users = profiles.iter().filter_map(|image| image.int("user_id"));
    let there = super::there(portal, "auth_user", users).await?;
    Ok(profiles
        .into_iter()
        .filter(|image| image.int("user_id").is_none_or(|user| !there.contains(&user)))
        .filter_map(|image| Some((image.int("id")?, image)))
        .collect())
}

fn removed(id: i64, image: Image) -> Part {
    Part {
        subject: Subject::of(id),
        title: format!("Remove profile #{id} of {}", super::whose(&image, None)),
        require: still_missing(&image).into_iter().collect(),
        steps: vec![Step::Delete { table: PROFILES.to_owned(), key: Image::id(id), before: image }],
    }
}

/// The user has not come back.
fn still_missing(image: &Image) -> Option<Require> {
    let value = image.get("user_id").filter(|user| !user.is_null())?.clone();
    Some(Require::NoRow { table: "auth_user".to_owned(), column: "id".to_owned(), value })
}

/// The name by which the portal's log knew whose profile it was.
async fn name_in_log(portal: &Portal, id: i64, image: &Image) -> Result<Option<String>> {
    if let Some(user) = image.int("user_id")
        && let Some(name) = log_names::of_users(portal, &[user]).await?.remove(&user)
    {
        return Ok(Some(name));
    }
    Ok(log_names::of_profiles(portal, &[id]).await?.remove(&id))
}

/// What an account has already.
enum Has {
    /// No profile.
    None,
    /// One that says nothing, such as PRF-001 makes: it can give way.
    Blank(Image),
    /// One that has something in it, or several.
    Profile,
}

async fn what_has(portal: &Portal, user: i64) -> Result<Has> {
    let table = images::table(&portal.schema, PROFILES)?;
    let users = [Cell::Int(user)];
    let mut profiles = images::by_column(&mut portal.db.clone(), table, "user_id", &users, Lock::No).await?;
    Ok(match (profiles.pop(), profiles.is_empty()) {
        (None, _) => Has::None,
        (Some(profile), true) if merged::says_nothing(table, &profile) => Has::Blank(profile),
        _ => Has::Profile,
    })
}

/// Nobody gets a portal id with the profile that somebody else has too.
async fn refuse_shared_portal_id(portal: &Portal, image: &Image) -> Result<()> {
    let Some(id) = image.text("main_portal_id").filter(|id| !id.trim().is_empty()) else { return Ok(()) };
    // A profile of nobody counts as that of user 0.
    let own = image.int("user_id").unwrap_or_default();
    let Some((_, owner)) = portal_ids::owner(portal, id, Some(own)).await? else { return Ok(()) };
    Err(Error::conflict(format!(
        "The portal id {} of this profile belongs to {} too; nothing was written. Repair PID-001 first.",
        super::quoted(id),
        if owner.is_empty() { "another profile without a user".to_owned() } else { super::quoted(&owner) }
    )))
}
