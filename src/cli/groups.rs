//! The commands about groups.

use serde_json::{Value, json};

use super::args::{Group as Command, GroupPermissions, Write};
use super::change::Note;
use super::lines::Lines;
use super::table::pairs;
use super::{Work, accounts, bulk, json, leave, leaving};
use crate::directory::accounts::Groups;
use crate::directory::bulk::Change;
use crate::directory::groups::{self, Draft, Group, Intent, Record};
use crate::directory::permissions::Permission;
use crate::error::{Error, Result};
use crate::portal::access::Level;

const HEADINGS: [&str; 5] = ["group", "role", "members", "permissions", "description"];

/// Does what is asked about groups.
///
/// # Errors
/// Invalid, duplicate or conflict; then nothing was written.
pub(super) async fn run(work: &mut Work, command: &Command) -> Result<u8> {
    match command {
        Command::List => list(work).await,
        Command::Show { name } => show(work, name).await,
        Command::Add { name, permission, write } => {
            let permissions = accounts::permission_ids(work, permission).await?;
            let intent = groups::create(&work.portal, name, &permissions).await?;
            tell(work, &intent);
            change(work, intent, write).await
        }
        Command::Rename { name, new, write } => {
            let id = groups::find(&work.portal, name).await?;
            let draft = Draft { name: Some(new.clone()), ..Draft::default() };
            let intent = groups::edit(&work.portal, id, &draft).await?;
            tell(work, &intent);
            change(work, intent, write).await
        }
        Command::Delete { name, write } => {
            let id = groups::find(&work.portal, name).await?;
            let leaving = groups::delete(&work.portal, id).await?;
            leaving::leave(work, leaving, write.dry_run).await
        }
        Command::AddMember(membership) => {
            let group = groups::find(&work.portal, &membership.group).await?;
            if membership.chosen.is_given() {
                let change = Change::AddGroup(group);
                return bulk::run(work, &membership.chosen, &change, membership.write.dry_run).await;
            }
            let users = leave::ids(work, &membership.users).await?;
            let intent = groups::add(&work.portal, group, &users).await?;
            tell(work, &intent);
            change(work, intent, &membership.write).await
        }
        Command::RemoveMember(membership) => {
            let group = groups::find(&work.portal, &membership.group).await?;
            if membership.chosen.is_given() {
                let change = Change::RemoveGroup(group);
                return bulk::run(work, &membership.chosen, &change, membership.write.dry_run).await;
            }
            let users = leave::ids(work, &membership.users).await?;
            let intent = groups::remove(&work.portal, group, &users).await?;
            tell(work, &intent);
            change(work, intent, &membership.write).await
        }
        Command::Permissions(wanted) => permissions(work, wanted).await,
    }
}

/// Applies an intent, or shows it.
async fn change(work: &mut Work, intent: Intent, write: &Write) -> Result<u8> {
    let note = Note { dry_run: write.dry_run, ..Note::default() };
    work.together(&intent.title(), intent.plans, note).await
}

/// Says what it means beyond its rows.
fn tell(work: &mut Work, intent: &Intent) {
    for note in &intent.notes {
        work.output.talk(note);
    }
}

async fn list(work: &mut Work) -> Result<u8> {
    let groups = groups::list(&work.portal).await?;
    let total = i64::try_from(groups.len()).unwrap_or(i64::MAX);
    let mut lines = Lines::begin(&mut work.output, "groups", &HEADINGS)?;
    lines.add(&mut work.output, &groups, item, row)?;
    lines.end(&mut work.output, total)
}

fn row(group: &Group) -> [String; 5] {
    [
        group.name.clone(),
        group.level.map(|level| level.to_string()).unwrap_or_default(),
        group.members.to_string(),
        group.permissions.to_string(),
        group.description.clone(),
    ]
}

/// A group for scripts. The role is the level's name in the configuration.
#[must_use]
fn item(group: &Group) -> Value {
    json!({
        "id": group.id,
        "name": group.name,
        "role": group.level.map(Level::name),
        "description": group.description,
        "member_count": group.members,
        "permission_count": group.permissions,
    })
}

async fn show(work: &mut Work, name: &str) -> Result<u8> {
    let id = groups::find(&work.portal, name).await?;
    let record = groups::record(&work.portal, id).await?;
    let mut whole = item(&record.group);
    whole["active_member_count"] = json!(record.active_members);
    whole["permissions"] = json!(labels(&record));
    let text = in_words(&record);
    work.output.result(&json::one("group", &whole), || text)?;
    work.output.talk(&format!("Its members: portaldesk user list --filter 'group:#{id}'"));
    Ok(0)
}

fn labels(record: &Record) -> Vec<String> {
    record.permissions.iter().map(Permission::label).collect()
}

fn in_words(record: &Record) -> String {
    let group = &record.group;
    let role = group.level.map_or_else(|| "none".to_owned(), |level| level.to_string());
    let mut lines = vec![
        ("id", group.id.to_string()),
        ("name", group.name.clone()),
        ("role", role),
        ("description", group.description.clone()),
        ("members", format!("{}, {} of them active", group.members, record.active_members)),
    ];
    let mut permissions = labels(record);
    if let Some(lacking) = &record.lacking {
        permissions.push(lacking.clone());
    } else if permissions.is_empty() {
        permissions.push("none".to_owned());
    }
    for (at, permission) in permissions.into_iter().enumerate() {
        lines.push((if at == 0 { "permissions" } else { "" }, permission));
    }
    pairs(lines)
}

/// `group permissions`: shows them where none is given or taken.
async fn permissions(work: &mut Work, wanted: &GroupPermissions) -> Result<u8> {
    let id = groups::find(&work.portal, &wanted.name).await?;
    let wish = match &wanted.set {
        Some(names) => Groups::Set(accounts::permission_ids(work, names).await?),
        None if wanted.add.is_empty() && wanted.remove.is_empty() => {
            if wanted.write.dry_run {
                return Err(Error::usage("nothing to change: give --add, --remove or --set"));
            }
            return show(work, &wanted.name).await;
        }
        None => {
            let add = accounts::permission_ids(work, &wanted.add).await?;
            accounts::change_of("permission", add, accounts::permission_ids(work, &wanted.remove).await?)?
        }
    };
    let draft = Draft { permissions: wish, ..Draft::default() };
    let intent = groups::edit(&work.portal, id, &draft).await?;
    tell(work, &intent);
    change(work, intent, &wanted.write).await
}
