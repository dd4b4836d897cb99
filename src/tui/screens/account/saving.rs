//! From what somebody wants of an account to a plan that can be reviewed. A password is hashed here, beside the keys.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::facts::{Facts, field_of};
use crate::change::{Image, Plan, Step, Value};
use crate::db::Cell;
use crate::directory::accounts::{self, Draft};
use crate::directory::{Portal, passwords};
use crate::error::{Error, Kind, Result};
use crate::portal::password;
use crate::tui::cx::Cx;
use crate::tui::jobs::Slot;
use crate::tui::plan_review::{self, Prepared};

/// Plans and hashes.
pub(in crate::tui::screens) const PLAN: Slot<Planned> = Slot::latest("account.plan");

/// What somebody wants of an account.
pub(in crate::tui::screens) struct Wish {
    /// The account; none for a new one.
    pub(in crate::tui::screens) id: Option<i64>,
    /// What the wish was made from.
    pub(in crate::tui::screens) facts: Arc<Facts>,
    /// The fields.
    pub(in crate::tui::screens) draft: Draft,
    /// The password.
    pub(in crate::tui::screens) password: Password,
}

/// What happens to the password.
pub(in crate::tui::screens) enum Password {
    /// Nothing; a new account gets an unusable one.
    Keep,
    /// It becomes this one.
    Set {
        /// The password as it will be typed.
        password: Zeroizing<String>,
        /// Whether the review has to show it.
        generated: bool,
    },
    /// Nobody can sign in with any.
    Unusable,
}

/// What became of a wish.
pub(in crate::tui::screens) enum Planned {
    /// It can be reviewed.
    Ready(Prepared),
    /// Somebody else changed the same fields since the form was opened. The facts are those of now: who wishes for the
    /// same again has been told.
    Overtaken(Error, Box<Facts>),
}

/// Starts planning.
pub(in crate::tui::screens) fn start(wish: Wish, cx: &mut Cx) {
    cx.start(&PLAN, "planning", |portal| async move { plan(&portal, wish).await });
}

/// Plans a wish.
///
/// # Errors
/// Denied, when nothing can be written; what [`accounts::create`] and [`accounts::edit`] refuse.
async fn plan(portal: &Portal, wish: Wish) -> Result<Planned> {
    // Said before a hash is computed for nothing.
    portal.writer()?;
    let mut draft = wish.draft;
    let mut secret = None;
    match wish.password {
        Password::Keep => {}
        Password::Unusable => draft.encoded_password = Some(password::unusable()?),
        Password::Set { password, generated } => {
            let replaces = wish.facts.encoded_password();
            draft.encoded_password = Some(passwords::hash(portal, &password, replaces).await?);
            secret = generated.then(|| password.to_string());
        }
    }
    accounts::check_portal_id(portal, &draft, wish.id).await?;
    let plan = match wish.id {
        None => accounts::create(portal, &draft).await?,
        Some(id) => accounts::edit(portal, id, &draft).await?,
    };
    if let Some(error) = overtaken(&wish.facts, &plan) {
        let facts = Facts::read(portal, wish.id).await?;
        return Ok(Planned::Overtaken(error, Box::new(facts)));
    }
    let mut prepared = plan_review::prepare(portal, plan).await?;
    prepared.text.secret = secret;
    Ok(Planned::Ready(prepared))
}

/// Whether a plan, made from the rows of now, would overwrite what somebody else wrote since the facts were read.
fn overtaken(facts: &Facts, plan: &Plan) -> Option<Error> {
    let rows = facts.rows.as_ref()?;
    let mut error = Error::conflict("");
    for step in &plan.steps {
        let Step::Update { table, before, set, .. } = step else { continue };
        let known = match table.as_str() {
            "auth_user" => Some(&rows.user),
            _ => rows.profiles.iter().find(|profile| profile.get("id") == before.get("id")),
        };
        let Some(known) = known else { continue };
        for (column, value) in set {
            // The password is not in the form: whoever sets one replaces whatever is there.
            let wished = matches!(value, Value::Cell(_)) && column != "password";
            if wished && known.get(column) != before.get(column) {
                error =
                    error.and_field(field_of(column), format!("it is now {}", now(facts, before, column)));
            }
        }
    }
    if error.fields.is_empty() {
        return None;
    }
    let parts: Vec<String> = error
        .fields
        .iter()
        .map(|(name, messages)| format!("{} ({})", label(name), messages.join(" ")))
        .collect();
    error.message = format!(
        "Somebody else changed {} meanwhile: {}. Nothing was written, and what you typed is kept; to have it all the \
         same, review once more.",
        facts.username(),
        parts.join(", ")
    );
    Some(error)
}

/// What a column holds now, in words.
fn now(facts: &Facts, row: &Image, column: &str) -> String {
    let cell = row.get(column).cloned().unwrap_or(Cell::Null);
    let department = |id: i64| facts.departments.iter().find(|choice| choice.id == id);
    match (column, &cell) {
        ("department_id", Cell::Int(id)) => department(*id).map_or_else(|| cell.show(), |it| it.name.clone()),
        (_, Cell::Text(text)) if text.is_empty() => "empty".to_owned(),
        (_, Cell::Text(text)) => format!("'{text}'"),
        ("is_active" | "is_staff" | "is_superuser" | "email_notifications", _) => {
            cell.as_bool().map_or_else(|| cell.show(), |on| if on { "yes" } else { "no" }.to_owned())
        }
        _ => cell.show(),
    }
}

fn label(name: &str) -> &str {
    let field = crate::portal::forms::find(&crate::portal::forms::USER, name);
    field.map_or(name, |field| field.short)
}

/// The error of a refused write with its columns named as the form's fields.
pub(in crate::tui::screens) fn by_field(error: &Error) -> Error {
    let fields = error.fields.iter().map(|(name, messages)| (field_of(name).to_owned(), messages.clone()));
    Error { fields: fields.collect(), ..error.clone() }
}

/// Whether the rows are not as the plan had them, so that they have to be read again.
pub(in crate::tui::screens) fn is_stale(error: &Error) -> bool {
    error.kind == Kind::Conflict
}

#[cfg(test)]
mod tests {
    use super::super::facts::tests::facts;
    use super::*;

    fn text(value: &str) -> Value {
        Value::Cell(Cell::Text(value.to_owned()))
    }

    #[test]
    fn only_what_would_be_overwritten_is_told() {
        let facts = facts(None, true);
        let rows = facts.rows.clone().unwrap();
        let mut now = rows.user.clone();
        now.set("first_name", Cell::Text("Adalbert".to_owned()));
        now.set("password", Cell::Text("!other".to_owned()));
        let mut plan = Plan::new("Edit bela");
        plan.update(
            "auth_user",
            Image::id(2),
            now.clone(),
            vec![("username", text("bela2")), ("password", text("x"))],
        );
        assert_eq!(overtaken(&facts, &plan), None);
        plan.update("auth_user", Image::id(2), now, vec![("first_name", text("Béla"))]);
        let mut profile = rows.profiles[0].clone();
        profile.set("department_id", Cell::Int(5));
        plan.update(
            "core_userprofile",
            Image::id(9),
            profile,
            vec![("department_id", Value::Cell(Cell::Null))],
        );
        let error = overtaken(&facts, &plan).unwrap();
        assert_eq!(error.kind, Kind::Conflict);
        assert_eq!(error.fields["first_name"], ["it is now 'Adalbert'"]);
        assert_eq!(error.fields["department"], ["it is now IT"]);
    }

    #[test]
    fn columns_of_a_refusal_become_fields() {
        let error = Error::field(Kind::Conflict, "department_id", "it is now 5").and_field("email", "taken");
        assert_eq!(by_field(&error).fields.keys().collect::<Vec<_>>(), ["department", "email"]);
    }
}
