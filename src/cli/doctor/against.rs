//! `doctor --against`: the portal's own program is asked the same questions, and its answers stand beside ours.
//!
//! Whether it takes our passwords is asked with an account that is made for that and removed again: `authenticate()` may
//! write, for it hashes a password anew where the portal's settings ask for another hash, so no person's account will do.

mod python;
mod said;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value as Json, json};

use crate::cli::output::Output;
use crate::db::{Address, Engine, Target};
use crate::directory::Portal;
use crate::directory::doctor::scratch::{self, Scratch};
use crate::directory::doctor::{Item, Status};
use crate::error::{Error, Kind, Result};
use crate::integrity;

pub(super) use python::Manage;
use python::Said;

const AREA: &str = "against";

/// The checks that `fix_user_profiles` of the portal has too.
const PROFILES: [&str; 3] = ["PRF-001", "PRF-002", "PRF-003"];

/// Which database the accounts are in, as the portal sees it, and whether it has its own repair.
const WHO: &str = r#"
import json, os, django
from django.contrib.auth import get_user_model
from django.core.management import get_commands
from django.db import connections, router
db = connections[router.db_for_write(get_user_model())]
name = {"mysql": "SELECT DATABASE()", "postgresql": "SELECT current_database()"}.get(db.vendor)
if name:
    with db.cursor() as cursor:
        cursor.execute(name)
        name = cursor.fetchone()[0]
else:
    name = os.path.realpath(str(db.settings_dict["NAME"]))
print("\nportaldesk-answer " + json.dumps({
    "django": django.get_version(), "vendor": db.vendor, "name": name,
    "host": str(db.settings_dict.get("HOST") or ""), "repairs": "fix_user_profiles" in get_commands()}))
"#;

/// Whether the portal sees the account, takes its password, and keeps the hash. Name and password come on standard input.
const AUTHENTICATE: &str = r#"
import json, sys
from django.contrib.auth import authenticate, get_user_model
asked = json.loads(sys.stdin.readline())
model = get_user_model()
stored = model._default_manager.filter(**{model.USERNAME_FIELD: asked["username"]}).values_list("password", flat=True)
before = stored.all().first()
answer = {"seen": before is not None}
if before is not None:
    answer["taken"] = authenticate(username=asked["username"], password=asked["password"]) is not None
    answer["kept"] = stored.all().first() == before
print("\nportaldesk-answer " + json.dumps(answer))
"#;

/// Asks everything, one after the other. What can't be asked is named.
pub(super) async fn answers(portal: &Portal, manage: &Manage, output: &mut Output) -> Vec<Item> {
    let who = match who(manage).await {
        Ok(who) => who,
        Err(item) => return vec![*item],
    };
    let mut items = vec![
        Item::new(AREA, "portal", Status::Ok, format!("answers, with Django {}", word(&who, "django"))),
        check(manage).await,
        migrations(manage).await,
    ];
    if let Some(item) = elsewhere(portal.db.target(), &who) {
        let skipped =
            ["authenticate", "profiles"].map(|name| skipped(name, "the portal uses another database"));
        return items.into_iter().chain([item]).chain(skipped).collect();
    }
    // Before the account is made that would be among them.
    let profiles = profiles(portal, manage, who["repairs"] == true).await;
    items.extend(left_behind(portal).await);
    items.extend(authenticate(portal, manage, &who, output).await);
    items.push(profiles);
    items
}

/// What there is to say where our own side of it can't be asked.
pub(super) fn not_asked(why: &str) -> Item {
    Item::new(AREA, "portal", Status::Warning, format!("not asked: {why}"))
}

fn skipped(name: &str, why: &str) -> Item {
    Item::new(AREA, name, Status::Note, format!("skipped: {why}"))
}

/// A question that got no answer.
fn failed(name: &str, error: &Error) -> Item {
    Item::new(AREA, name, Status::Problem, error.message.clone())
}

/// What was printed, below what it means.
fn with_excerpt(message: impl Into<String>, said: &Said) -> String {
    let (message, printed) = (message.into(), said::excerpt(said));
    if printed.is_empty() {
        format!("{message}; it printed nothing")
    } else {
        format!("{message}:\n{printed}")
    }
}

fn word<'a>(answer: &'a Json, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_default()
}

async fn who(manage: &Manage) -> std::result::Result<Json, Box<Item>> {
    let problem = |message| {
        let item = Item::new(AREA, "portal", Status::Problem, message);
        Box::new(item.mend(
            "Give the Python that runs the portal and its manage.py, as the portal's own account, with the environment \
             that the portal has. Nothing else was asked.",
        ))
    };
    let said = manage.ask(&["shell", "-c", WHO], None).await.map_err(|error| problem(error.message))?;
    said::answer(&said).ok_or_else(|| problem(with_excerpt("does not answer as a portal does", &said)))
}

async fn check(manage: &Manage) -> Item {
    let said = match manage.ask(&["check"], None).await {
        Ok(said) => said,
        Err(error) => return failed("check", &error),
    };
    let (status, message) = match said.code {
        Some(0) if said.out.contains("no issues") => (Status::Ok, "finds no issues".to_owned()),
        Some(0) => (Status::Warning, with_excerpt("has something to say", &said)),
        _ => (Status::Problem, with_excerpt("finds errors", &said)),
    };
    Item::new(AREA, "check", status, message)
}

async fn migrations(manage: &Manage) -> Item {
    const NAME: &str = "showmigrations";
    let said = match manage.ask(&[NAME, "--plan"], None).await {
        Ok(said) => said,
        Err(error) => return failed(NAME, &error),
    };
    match said::migrations(&said.out).filter(|_| said.code == Some(0)) {
        None => Item::new(AREA, NAME, Status::Problem, with_excerpt("lists no migrations", &said)),
        Some((applied, missing)) if missing.is_empty() => {
            Item::new(AREA, NAME, Status::Ok, format!("all {applied} are applied"))
        }
        Some((_, missing)) => {
            let names = Said { code: None, out: missing.join("\n"), err: String::new() };
            let message = with_excerpt(format!("{} are not applied", missing.len()), &names);
            Item::new(AREA, NAME, Status::Warning, message)
                .mend("Apply them with the portal's manage.py migrate, after a backup.")
        }
    }
}

/// What there is to say when the portal's database can't be ours. One of the same name may still be another: only that
/// the portal sees what we wrote proves it.
fn elsewhere(target: &Target, who: &Json) -> Option<Item> {
    let (vendor, name) = (word(who, "vendor"), word(who, "name"));
    let (engine, ours) = match target.engine {
        Engine::Sqlite => ("sqlite", file(target)),
        Engine::MySql => ("mysql", target.database.clone()),
        Engine::Postgres => ("postgresql", target.database.clone()),
    };
    (vendor != engine || name != ours).then(|| other_database(target, who))
}

fn file(target: &Target) -> String {
    let Address::File(path) = &target.address else { return target.database.clone() };
    path.canonicalize().as_deref().unwrap_or(path).display().to_string()
}

fn other_database(target: &Target, who: &Json) -> Item {
    let host = match word(who, "host") {
        "" => String::new(),
        host => format!(" on {host}"),
    };
    let theirs = format!("{} {}{host}", word(who, "vendor"), word(who, "name"));
    let message = format!("the portal uses another database than portaldesk: {theirs}, not {target}");
    Item::new(AREA, "database", Status::Problem, message)
        .mend("Name the portal's database to portaldesk, or the manage.py of this portal.")
}

async fn left_behind(portal: &Portal) -> Option<Item> {
    let names = match scratch::left_behind(portal).await {
        Ok(names) => names,
        Err(error) => return Some(failed("left behind", &error)),
    };
    let message = format!("accounts of this question that could not be removed then: {}", names.join(", "));
    let remedy =
        format!("Unless it is being asked elsewhere now: portaldesk user delete {}", names.join(" "));
    (!names.is_empty()).then(|| Item::new(AREA, "left behind", Status::Warning, message).mend(remedy))
}

/// Makes the account, asks, and removes it whatever came of it.
async fn authenticate(portal: &Portal, manage: &Manage, who: &Json, output: &mut Output) -> Vec<Item> {
    const NAME: &str = "authenticate";
    if let Some(why) = &portal.read_only {
        return vec![by_name_only(), skipped(NAME, &format!("it takes an account of its own. {why}"))];
    }
    // A signal must not leave the account half made, or there.
    let steady = portal.uncancelled();
    let account = match Scratch::new() {
        Ok(account) => account,
        Err(error) => return vec![failed(NAME, &error)],
    };
    let mut items = match account.make(&steady).await {
        Ok(()) => tried(portal.db.target(), manage, who, &account).await,
        Err(error) if error.kind == Kind::Denied => {
            vec![by_name_only(), skipped(NAME, &format!("no account could be made: {}", error.message))]
        }
        Err(error) => vec![failed(NAME, &error)],
    };
    if let Err(error) = account.remove(&steady).await {
        let username = &account.username;
        let message = format!("the account {username} could not be removed: {}", error.message);
        let remedy = format!("portaldesk user delete {username}");
        output.talk(&format!("{message} Remove it with: {remedy}"));
        items.push(Item::new(AREA, "left behind", Status::Problem, message).mend(remedy));
    }
    items
}

fn by_name_only() -> Item {
    let message = "the portal names the same database; that it is the same one was not tried";
    Item::new(AREA, "database", Status::Note, message)
}

async fn tried(target: &Target, manage: &Manage, who: &Json, account: &Scratch) -> Vec<Item> {
    const NAME: &str = "authenticate";
    let password = account.password.expose_secret();
    let line = json!({ "username": account.username, "password": password }).to_string();
    let asked = manage.ask(&["shell", "-c", AUTHENTICATE], Some(SecretString::from(line))).await;
    let said = match asked {
        // Whatever the portal prints of it, the password is not shown.
        Ok(Said { code, out, err }) => {
            Said { code, out: out.replace(password, "…"), err: err.replace(password, "…") }
        }
        Err(error) => return vec![by_name_only(), failed(NAME, &error)],
    };
    let Some(answer) = said::answer(&said) else {
        let message = with_excerpt("authenticate() gave no answer", &said);
        return vec![by_name_only(), Item::new(AREA, NAME, Status::Problem, message)];
    };
    if answer["seen"] != true {
        return vec![other_database(target, who), skipped(NAME, "the portal does not see our account")];
    }
    let database = Item::new(AREA, "database", Status::Ok, "the portal sees what portaldesk writes");
    let (status, message) = match (answer["taken"] == true, answer["kept"] == true) {
        (true, true) => (Status::Ok, "the portal takes a password that portaldesk has set"),
        (true, false) => (
            Status::Note,
            "the portal takes a password that portaldesk has set, and hashes it anew: its settings ask for \
             another algorithm or a higher cost",
        ),
        (false, _) => (Status::Problem, "the portal refuses a password that portaldesk has set"),
    };
    let item = Item::new(AREA, NAME, status, message);
    let item = if status == Status::Problem {
        item.mend(
            "Compare `hashers` with the portal's PASSWORD_HASHERS and [password] in the configuration, and look whether \
             AUTHENTICATION_BACKENDS has Django's ModelBackend.",
        )
    } else {
        item
    };
    vec![database, item]
}

/// The numbers of our report beside those of the portal's own repair, which only looks.
async fn profiles(portal: &Portal, manage: &Manage, repairs: bool) -> Item {
    const NAME: &str = "profiles";
    let (words, ours) = match counted(portal).await {
        Ok(counted) => counted,
        Err(error) => return failed(NAME, &error),
    };
    if !repairs {
        return skipped(
            NAME,
            &format!("the portal has no command fix_user_profiles; portaldesk finds {words}"),
        );
    }
    let said = match manage.ask(&["fix_user_profiles", "--dry-run"], None).await {
        Ok(said) => said,
        Err(error) => return failed(NAME, &error),
    };
    if said.code != Some(0) {
        return Item::new(AREA, NAME, Status::Problem, with_excerpt("fix_user_profiles failed", &said));
    }
    if said::agree(&said.out, &ours) {
        return Item::new(
            AREA,
            NAME,
            Status::Ok,
            with_excerpt(format!("portaldesk finds {words}, as fix_user_profiles"), &said),
        );
    }
    let message =
        with_excerpt(format!("portaldesk finds {words}; fix_user_profiles has other numbers"), &said);
    Item::new(AREA, NAME, Status::Warning, message).mend(
        "Compare with portaldesk check --only PRF-001,PRF-002,PRF-003; somebody may have repaired meanwhile.",
    )
}

/// What we find, in words and in numbers, what was accepted too: the portal knows nothing of that.
async fn counted(portal: &Portal) -> Result<(String, Vec<usize>)> {
    let report = integrity::scan(portal, &PROFILES.map(str::to_owned), None).await?;
    if let Some(skipped) = report.skipped.first() {
        return Err(Error::denied(format!("{} can't run here: {}", skipped.id, skipped.why)));
    }
    let accepted = report.accepted.iter().map(|accepted| &accepted.finding);
    let findings: Vec<_> = report.findings.iter().chain(accepted).collect();
    let counts = PROFILES.map(|id| {
        findings.iter().filter(|finding| finding.id() == id).map(|finding| finding.found.subjects.len()).sum()
    });
    let [missing, doubled, orphans]: [usize; 3] = counts;
    let words = format!(
        "{missing} users without a profile (PRF-001), {doubled} with several (PRF-002) and {orphans} profiles without \
         a user (PRF-003)"
    );
    Ok((words, counts.to_vec()))
}
