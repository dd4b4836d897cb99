//! What becomes of a row: a new account, a changed one, nothing, or a refusal. Single accounts are planned by
//! [`accounts`], by the same rules as in a form.

use super::Options;
use super::lookup::{Account, Target};
use super::names::{Kinds, Names};
use super::row::{Given, Wrong};
use crate::change::{Plan, Step};
use crate::db::Cell;
use crate::directory::accounts::{self, Draft, Groups};
use crate::directory::export::columns::{COLUMNS, apart};
use crate::directory::{Portal, portal_ids};
use crate::error::{Error, Kind, Result};
use crate::portal::rules;
use crate::text;

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fate {
    /// An account is made.
    New(Plan),
    /// An account is changed.
    Changed(Plan),
    /// The account is as the row says.
    Unchanged,
}

impl Fate {
    /// What is to be written.
    #[must_use]
    pub(super) const fn plan(&self) -> Option<&Plan> {
        match self {
            Self::New(plan) | Self::Changed(plan) => Some(plan),
            Self::Unchanged => None,
        }
    }

    /// The portal id that it gives somebody.
    #[must_use]
    pub(super) fn portal_id(&self) -> Option<&str> {
        let steps = self.plan()?.steps.iter();
        steps.filter(|step| step.table() == "core_userprofile").find_map(|step| portal_id_of(step))
    }
}

fn portal_id_of(step: &Step) -> Option<&str> {
    step.cell("main_portal_id").and_then(Cell::as_text)
}

/// A row's fate, or what is wrong with it.
pub(super) type Verdict = std::result::Result<Fate, Vec<Wrong>>;

/// Judges a row.
///
/// # Errors
/// What the engine says; whatever is no fault of the row.
pub(super) async fn judge(
    portal: &Portal,
    options: &Options,
    names: &mut Names,
    given: &Given,
    target: Target,
) -> Result<Verdict> {
    match target {
        Target::Nobody => Ok(Err(vec![("id".to_owned(), "There is no account with this id.".to_owned())])),
        Target::New => new(portal, options, names, given).await,
        Target::Account(account) => change(portal, options, names, given, &account).await,
    }
}

/// What is wrong with a name that somebody has.
pub(super) fn taken(owner: &str) -> Wrong {
    ("username".to_owned(), format!("A user named '{}' exists already.", text::safe(owner)))
}

/// What is wrong with a row, out of the error that refused it.
///
/// # Errors
/// The error itself, when it is about no row.
pub(super) fn refusal(error: Error) -> Result<Vec<Wrong>> {
    if !matches!(error.kind, Kind::Invalid | Kind::Duplicate | Kind::Conflict | Kind::Denied) {
        return Err(error);
    }
    let mut wrong = Vec::new();
    for (field, messages) in &error.fields {
        wrong.extend(messages.iter().map(|message| (field.clone(), alone(message))));
    }
    if wrong.is_empty() {
        wrong.push((String::new(), alone(&error.message)));
    }
    Ok(wrong)
}

/// A message among many: that nothing was written is said once.
fn alone(message: &str) -> String {
    let message = message.replace("; nothing was written.", ".").replace(" Nothing was written.", "");
    message.replace("Nothing was written; ", "").trim().to_owned()
}

async fn new(portal: &Portal, options: &Options, names: &mut Names, given: &Given) -> Result<Verdict> {
    let wanted = given.texts.iter().map(|(field, text)| (*field, text.as_str()));
    let (draft, mut wrong) = draft(portal, options, names, given, wanted).await?;
    match accounts::plan_new(portal, &draft) {
        Ok(plan) if wrong.is_empty() => return Ok(Ok(Fate::New(plan))),
        Ok(_) => {}
        Err(error) => wrong.extend(refusal(error)?),
    }
    Ok(Err(wrong))
}

async fn change(
    portal: &Portal,
    options: &Options,
    names: &mut Names,
    given: &Given,
    account: &Account,
) -> Result<Verdict> {
    if let Some(wrong) = not_meant(options, given, account) {
        return Ok(Err(vec![wrong]));
    }
    let user = &account.listed.user;
    let differs = |field: &str, text: &str| {
        let is_key = field == "username" && given.id.is_none();
        !is_key && shown(account, field).is_none_or(|now| now != text)
    };
    let wanted = given.texts.iter().map(|(field, text)| (*field, text.as_str()));
    let wanted = wanted.filter(|(field, text)| differs(field, text)).collect::<Vec<_>>();
    let (draft, mut wrong) = draft(portal, options, names, given, wanted.into_iter()).await?;
    match accounts::edit_rows(portal, user.id, &account.rows, &draft).await {
        Ok(plan) if !wrong.is_empty() => drop(plan),
        Ok(plan) if plan.steps.is_empty() => return Ok(Ok(Fate::Unchanged)),
        Ok(plan) => return Ok(Ok(Fate::Changed(plan))),
        Err(error) => wrong.extend(refusal(error)?),
    }
    Ok(Err(wrong))
}

/// Why a row that leads to an account is not taken as a change of it.
fn not_meant(options: &Options, given: &Given, account: &Account) -> Option<Wrong> {
    let user = &account.listed.user;
    let message = match (given.id, given.username()) {
        (None, _) if !options.update => format!(
            "A user named '{}' exists already; existing accounts are changed only when that is asked for (--update), or \
             by their id.",
            user.username
        ),
        (Some(id), Some(name))
            if name != user.username && !options.rename && !is_as_shown(given, account) =>
        {
            format!(
                "The account #{id} is called '{}' here. An id is good only for the portal that it comes from; where the \
             account is meant, renaming has to be asked for (--match id).",
                user.username
            )
        }
        _ => return None,
    };
    Some(("username".to_owned(), message))
}

/// What a row wishes as a draft, and which of the names in it belong to nothing.
async fn draft<'a>(
    portal: &Portal,
    options: &Options,
    names: &mut Names,
    given: &Given,
    wanted: impl Iterator<Item = (&'static str, &'a str)>,
) -> Result<(Draft, Vec<Wrong>)> {
    let mut draft = Draft { encoded_password: given.password.as_deref().cloned(), ..Draft::default() };
    let mut wrong = Vec::new();
    for (field, text) in wanted {
        let found = match field {
            "department" => {
                department(portal, options, names, text).await.map(|id| draft.department = Some(id))
            }
            "groups" => groups(portal, options, names, text).await.map(|ids| draft.groups = Groups::Set(ids)),
            field => {
                draft = draft.with(field, text);
                Ok(())
            }
        };
        if let Err(error) = found {
            wrong.extend(refusal(error)?);
        }
    }
    Ok((draft, wrong))
}

/// Whether the row has the username just as an export shows it, odd as it may be.
fn is_as_shown(given: &Given, account: &Account) -> bool {
    given.text("username") == Some(account.listed.user.username.as_str())
}

/// What an export shows of an account: rules are applied only to what differs, because rows of the portal may break them.
fn shown<'a>(account: &'a Account, field: &str) -> Option<std::borrow::Cow<'a, str>> {
    let column = COLUMNS.iter().find(|column| column.name == field)?;
    Some((column.cell)(&account.listed))
}

async fn department(
    portal: &Portal,
    options: &Options,
    names: &mut Names,
    text: &str,
) -> Result<Option<i64>> {
    if rules::is_blank(text) {
        return Ok(None);
    }
    names.id(portal, Kinds::Departments, rules::strip(text), options.create_missing).await.map(Some)
}

async fn groups(portal: &Portal, options: &Options, names: &mut Names, text: &str) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    for name in apart(text) {
        ids.push(names.id(portal, Kinds::Groups, &name, options.create_missing).await?);
    }
    Ok(ids)
}

/// Finds, for rows that give somebody a portal id, those whose id another account has.
///
/// # Errors
/// What the engine says.
pub(super) async fn taken_portal_ids(
    portal: &Portal,
    asked: &[(usize, String, Option<i64>)],
) -> Result<Vec<(usize, Wrong)>> {
    let mut wrong = Vec::new();
    let ids: Vec<&str> = asked.iter().map(|(_, id, _)| id.as_str()).collect();
    let owners = portal_ids::owners(portal, &ids).await?;
    for (at, id, except) in asked {
        let owner = match owners.exact(id, *except) {
            Some(owner) => Some(owner),
            None if owners.has_others() => {
                portal_ids::owner(portal, id, *except).await?.map(|(_, name)| name)
            }
            None => None,
        };
        if let Some(owner) = owner {
            let whose = if owner.is_empty() {
                "a profile without a user (PRF-003)".to_owned()
            } else {
                format!("'{owner}'")
            };
            let message = format!("The portal id '{id}' belongs to {whose} already.");
            wrong.push((*at, ("main_portal_id".to_owned(), message)));
        }
    }
    Ok(wrong)
}
