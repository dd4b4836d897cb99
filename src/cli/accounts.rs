//! The commands that create and change accounts.

use secrecy::{ExposeSecret, SecretString};

use super::Work;
use super::args::{CreateSuperuser, Fields, Names, PasswordSource, UserAdd, UserEdit, UserPassword};
use super::bulk;
use super::change::{Note, complete};
use super::prompt::{self, NewPassword};
use crate::change::{MOST_ROWS, Outcome, Plan, Watch};
use crate::db::Cell;
use crate::directory::accounts::{self, Draft, Groups, Rows};
use crate::directory::bulk::Change;
use crate::directory::first_superuser::Superuser;
use crate::directory::template::Template;
use crate::directory::{departments, groups, passwords, permissions, users};
use crate::error::{Error, Result};
use crate::portal::password::{self, About};

/// `user add`
///
/// # Errors
/// Invalid or duplicate, with all problems by field; then nothing was written.
pub(super) async fn add(work: &mut Work, add: &UserAdd) -> Result<u8> {
    let mut draft = draft(work, &add.fields).await?.with("username", add.username.as_str());
    if add.email_notifications {
        draft = draft.with("email_notifications", "true");
    }
    if !add.fields.group.is_empty() {
        draft.groups = Groups::Set(group_ids(work, &add.fields.group).await?);
    }
    if let Some(name) = &add.like {
        draft = like(work, name, draft).await?;
    }
    create(work, draft, &add.password, add.write.dry_run).await
}

/// Fills a draft from the account of `--like`. Power is given in so many words or not at all.
async fn like(work: &mut Work, name: &str, draft: Draft) -> Result<Draft> {
    let id = users::find(&work.portal, name).await?;
    let template = Template::read(&work.portal, id).await?;
    for (has, field, option) in
        [(template.is_staff, "is_staff", "--staff"), (template.is_superuser, "is_superuser", "--superuser")]
    {
        if has && !draft.fields.contains_key(field) {
            work.output.talk(&format!("What {option} gives is not copied from {}.", template.username));
        }
    }
    Ok(template.fill(draft))
}

async fn create(work: &mut Work, mut draft: Draft, source: &PasswordSource, dry_run: bool) -> Result<u8> {
    // What is wrong with the fields is said before anyone is asked for a password.
    accounts::create(&work.portal, &draft).await?;
    let password = give_password(work, &mut draft, source, dry_run).await?;
    let plan = accounts::create(&work.portal, &draft).await?;
    if dry_run {
        accounts::check_portal_id(&work.portal, &draft, None).await?;
    }
    work.change(plan, Note { dry_run, password, ..Note::default() }).await
}

/// Puts the new account's password into the draft; gives back one that was made up.
async fn give_password(
    work: &mut Work,
    draft: &mut Draft,
    source: &PasswordSource,
    dry_run: bool,
) -> Result<Option<String>> {
    let given = if dry_run && !source.password_stdin && source.password_file.is_none() {
        NewPassword::None
    } else {
        prompt::new_password(source)?
    };
    let (clear, generated) = settle(given)?;
    let Some(clear) = clear else {
        if !dry_run {
            work.output.talk("Without a password the account can't sign in until one is set.");
        }
        return Ok(None);
    };
    let field = |name: &str| draft.fields.get(name).map_or("", String::as_str);
    let about = About {
        username: field("username"),
        first_name: field("first_name"),
        last_name: field("last_name"),
        email: field("email"),
    };
    draft.encoded_password = Some(encode(work, &clear, &about, None).await?);
    Ok(generated)
}

/// `create-superuser`: the account is put into the Admin group too, as the portal's own command would have it.
///
/// # Errors
/// As [`add`]; a usage error when there is no name or no password and nobody to ask.
pub(super) async fn create_superuser(work: &mut Work, create: &CreateSuperuser) -> Result<u8> {
    let dry_run = create.write.dry_run;
    let username = match &create.username {
        Some(name) => name.clone(),
        None => prompt::line("Username", "--username")?,
    };
    let source = &create.password;
    let from_options = source.password_stdin || source.password_generate || source.password_file.is_some();
    if !dry_run && !from_options && !prompt::someone_is_there() {
        return Err(Error::usage(
            "a superuser needs a password: give --password-stdin, --password-file or --password-generate",
        ));
    }
    let mut draft = Draft::default()
        .with("username", username)
        .with("email", create.email.as_deref().unwrap_or(""))
        .with("is_staff", "true")
        .with("is_superuser", "true");
    // A wrong name or password is refused before the groups are made.
    accounts::create(&work.portal, &draft).await?;
    let password = give_password(work, &mut draft, source, dry_run).await?;
    let portal = work.portal.clone();
    let mut plans = Superuser::new(&portal, draft).await?;
    let note = Note { dry_run, password, ..Note::default() };
    if dry_run {
        let plan = plans.preview().await?;
        return work.report(&[plan], &Outcome::default(), &note);
    }
    let watch = Watch { cancel: work.cancel.clone(), ..Watch::default() };
    let title = format!("Create {}", plans.username());
    let outcome = portal.writer()?.run(&title, &mut plans, &watch).await?;
    if outcome.operations.is_empty() {
        return complete(&outcome).map(|()| 0);
    }
    work.report(std::slice::from_ref(plans.given()), &outcome, &note)?;
    complete(&outcome).map(|()| 0)
}

/// `user edit`
///
/// # Errors
/// As [`add`]; a usage error when no field is given.
pub(super) async fn edit(work: &mut Work, edit: &UserEdit) -> Result<u8> {
    let Some(name) = &edit.name else {
        let change = bulk::change_of(work, edit).await?;
        return bulk::run(work, &edit.chosen, &change, edit.write.dry_run).await;
    };
    let id = users::find(&work.portal, name).await?;
    let mut draft = draft(work, &edit.fields).await?;
    if let Some(name) = &edit.username {
        draft = draft.with("username", name.as_str());
    }
    for (given, field, value) in [
        (edit.no_staff, "is_staff", "false"),
        (edit.no_superuser, "is_superuser", "false"),
        (edit.active, "is_active", "true"),
        (edit.email_notifications, "email_notifications", "true"),
    ] {
        if given {
            draft = draft.with(field, value);
        }
    }
    if edit.no_department {
        draft.department = Some(None);
    }
    draft.groups = changed_groups(work, edit).await?;
    draft.permissions = changed_permissions(work, edit).await?;
    if draft == Draft::default() {
        return Err(Error::usage(
            "nothing to change: give at least one field; see portaldesk user edit --help",
        ));
    }
    let plan = accounts::edit(&work.portal, id, &draft).await?;
    if edit.write.dry_run {
        accounts::check_portal_id(&work.portal, &draft, Some(id)).await?;
    }
    tell(work, &plan);
    work.change(plan, Note { dry_run: edit.write.dry_run, ..Note::default() }).await
}

/// Says what a change of accounts means beyond its rows.
fn tell(work: &mut Work, plan: &Plan) {
    let mut said = Vec::new();
    for step in plan.steps.iter().filter(|step| step.table() == "auth_user") {
        let Some(before) = step.before() else { continue };
        let name = before.text("username").unwrap_or_default();
        if step.cell("is_active").and_then(Cell::as_bool) == Some(true) {
            said.push(match password::read(before.text("password").unwrap_or_default()) {
                // Django's sessions outlive being inactive, but not another password.
                password::Stored::Usable(_) => format!(
                    "Portal sessions that {name} had open come back to life, unless the password was changed \
                     meanwhile; setting one ends them for good."
                ),
                _ => format!("{name} has no usable password: without a new one they can't sign in."),
            });
        }
        if let Some(new) = step.cell("username").and_then(Cell::as_text) {
            said.push(format!(
                "{name} signs in as {new} from now on and has to be told; portal sessions go on."
            ));
        }
    }
    for words in said {
        work.output.talk(&words);
    }
}

async fn changed_groups(work: &Work, edit: &UserEdit) -> Result<Groups> {
    if let Some(names) = &edit.set_groups {
        return Ok(Groups::Set(group_ids(work, names).await?));
    }
    if edit.fields.group.is_empty() && edit.remove_group.is_empty() {
        return Ok(Groups::Keep);
    }
    let add = group_ids(work, &edit.fields.group).await?;
    change_of("group", add, group_ids(work, &edit.remove_group).await?)
}

/// Refuses what is both given and taken: only one of them can be meant.
pub(super) fn change_of(what: &str, add: Vec<i64>, remove: Vec<i64>) -> Result<Groups> {
    if add.iter().any(|id| remove.contains(id)) {
        return Err(Error::usage(format!("The same {what} is both given and taken; nothing was written.")));
    }
    Ok(Groups::Change { add, remove })
}

async fn changed_permissions(work: &Work, edit: &UserEdit) -> Result<Groups> {
    if let Some(names) = &edit.set_permissions {
        return Ok(Groups::Set(permission_ids(work, names).await?));
    }
    if edit.permission.is_empty() && edit.remove_permission.is_empty() {
        return Ok(Groups::Keep);
    }
    let add = permission_ids(work, &edit.permission).await?;
    change_of("permission", add, permission_ids(work, &edit.remove_permission).await?)
}

/// The permissions that are named.
pub(super) async fn permission_ids(work: &Work, names: &[String]) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        ids.push(permissions::find(&work.portal, name).await?);
    }
    Ok(ids)
}

async fn group_ids(work: &Work, names: &[String]) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    // `--set-groups ""` is one empty name: no group.
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        ids.push(groups::find(&work.portal, name).await?);
    }
    Ok(ids)
}

/// The fields that adding and editing have in common; the groups stand apart.
async fn draft(work: &Work, fields: &Fields) -> Result<Draft> {
    let mut draft = Draft { takes_portal_id: fields.take_over_portal_id, ..Draft::default() };
    for (field, value) in [
        ("first_name", &fields.first_name),
        ("last_name", &fields.last_name),
        ("email", &fields.email),
        ("phone_number", &fields.phone_number),
        ("main_portal_id", &fields.main_portal_id),
    ] {
        if let Some(value) = value {
            draft = draft.with(field, value.as_str());
        }
    }
    for (given, field, value) in [
        (fields.staff, "is_staff", "true"),
        (fields.superuser, "is_superuser", "true"),
        (fields.inactive, "is_active", "false"),
        (fields.no_email_notifications, "email_notifications", "false"),
    ] {
        if given {
            draft = draft.with(field, value);
        }
    }
    draft.department = match fields.department.as_deref().map(str::trim) {
        None => None,
        Some("") => Some(None),
        Some(name) => Some(Some(departments::find(&work.portal, name).await?)),
    };
    Ok(draft)
}

/// `user password`
///
/// # Errors
/// As [`set_password`]; for many accounts as [`bulk::run`].
pub(super) async fn password(work: &mut Work, set: &UserPassword) -> Result<u8> {
    let Some(name) = &set.name else {
        let change = bulk::passwords(set.password.password_generate, set.passwords_to.as_deref())?;
        return bulk::run(work, &set.chosen, &change, set.write.dry_run).await;
    };
    set_password(work, name, &set.password, set.write.dry_run).await
}

/// `change-password`, and `user password` of one account.
///
/// # Errors
/// Invalid, when the password is too weak; a usage error when there is none and nobody to ask.
pub(super) async fn set_password(
    work: &mut Work,
    name: &str,
    source: &PasswordSource,
    dry_run: bool,
) -> Result<u8> {
    let id = users::find(&work.portal, name).await?;
    let rows = Rows::read(&work.portal, id).await?;
    let (Some(clear), generated) = settle(prompt::new_password(source)?)? else {
        return Err(Error::usage(
            "there is no terminal to ask at: give --password-stdin, --password-file or --password-generate",
        ));
    };
    let text = |column: &str| rows.user.text(column).unwrap_or("");
    let about = About {
        username: text("username"),
        first_name: text("first_name"),
        last_name: text("last_name"),
        email: text("email"),
    };
    let encoded = encode(work, &clear, &about, rows.user.text("password")).await?;
    let plan = accounts::set_password(&work.portal, id, encoded).await?;
    work.output.talk("It ends the portal sessions of the account.");
    let password = generated.filter(|_| !dry_run);
    work.change(plan, Note { dry_run, password, ..Note::default() }).await
}

/// `user activate`, `user deactivate`: all that are named or none.
///
/// # Errors
/// Invalid, when one is not there; denied, for the last superuser.
pub(super) async fn set_active(work: &mut Work, names: &Names, active: bool) -> Result<u8> {
    if names.chosen.is_given() {
        let change = if active { Change::Activate } else { Change::Deactivate };
        return bulk::run(work, &names.chosen, &change, names.write.dry_run).await;
    }
    let mut ids = Vec::new();
    for name in &names.names {
        let id = users::find(&work.portal, name).await?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.len() > MOST_ROWS {
        return Err(Error::usage(format!("at most {MOST_ROWS} accounts at once")));
    }
    let verb = if active { "Activate" } else { "Deactivate" };
    let mut all = Plan::new(verb);
    for id in ids {
        let plan = accounts::set_active(&work.portal, id, active).await?;
        if plan.steps.is_empty() {
            continue;
        }
        all.title = if all.steps.is_empty() {
            plan.title
        } else {
            format!("{verb} {} accounts", all.steps.len() + 1)
        };
        all.steps.extend(plan.steps);
        all.require.extend(plan.require);
    }
    tell(work, &all);
    work.change(all, Note { dry_run: names.write.dry_run, ..Note::default() }).await
}

/// The password in clear, and once more where it was made up and is to be printed.
fn settle(given: NewPassword) -> Result<(Option<SecretString>, Option<String>)> {
    Ok(match given {
        NewPassword::None => (None, None),
        NewPassword::Given(password) => (Some(password), None),
        NewPassword::Generate => {
            let password = password::generate()?;
            (Some(SecretString::from(password.as_str())), Some(password))
        }
    })
}

async fn encode(
    work: &Work,
    clear: &SecretString,
    about: &About<'_>,
    replaces: Option<&str>,
) -> Result<String> {
    passwords::check(&work.portal, clear.expose_secret(), about)?;
    passwords::hash(&work.portal, clear.expose_secret(), replaces).await
}
