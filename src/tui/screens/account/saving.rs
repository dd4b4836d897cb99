//! From what somebody wants of an account to a plan that can be reviewed. A password is hashed here, beside the keys.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::facts::{Facts, field_of};
use super::merge::Merge;
use super::values::{self, Values};
use crate::db::Sql;
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
    /// What the wish was made from.
    pub(in crate::tui::screens) opened: Opened,
    /// The fields.
    pub(in crate::tui::screens) draft: Draft,
    /// The password.
    pub(in crate::tui::screens) password: Password,
}

/// An account as a form showed it, and what was changed there.
#[derive(Clone)]
pub(in crate::tui::screens) struct Opened {
    /// The account; none for a new one.
    pub(in crate::tui::screens) id: Option<i64>,
    /// What the form was filled from.
    pub(in crate::tui::screens) facts: Arc<Facts>,
    /// What was changed.
    pub(in crate::tui::screens) mine: Values,
    /// Whether a password is set.
    pub(in crate::tui::screens) sets_password: bool,
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
    /// It can be reviewed. The account may have changed meanwhile in other fields: the plan keeps that.
    Ready(Prepared, Option<Box<Merge>>),
    /// Somebody else changed the same fields since the form was filled.
    Asked(Box<Merge>),
    /// Somebody else deleted the account.
    Gone,
}

/// Starts planning.
pub(in crate::tui::screens) fn start(wish: Wish, cx: &mut Cx) {
    cx.start(&PLAN, "planning", |portal| async move { plan(&portal, wish).await });
}

impl Opened {
    /// What others have done to the account since the form was filled; nothing when it is gone.
    ///
    /// # Errors
    /// What the engine says.
    pub(in crate::tui::screens) async fn look(&self, portal: &Portal, id: i64) -> Result<Option<Merge>> {
        let now = match Facts::read(portal, Some(id)).await {
            Err(error) if error.kind == Kind::Conflict && !is_there(portal, id).await? => return Ok(None),
            other => other?,
        };
        let was_changed = self.sets_password && now.encoded_password() != self.facts.encoded_password();
        Ok(Some(Merge::of(&values::of(&self.facts), now, &self.mine).with_password(was_changed)))
    }
}

/// Whether there is such an account.
///
/// # Errors
/// What the engine says.
pub(in crate::tui::screens) async fn is_there(portal: &Portal, id: i64) -> Result<bool> {
    Ok(portal.count(Sql::new("SELECT COUNT(*) FROM auth_user WHERE id = ?").bind(id)).await? > 0)
}

/// Plans a wish. The plan is made from rows that were compared with what the form showed, and applying compares them
/// once more: what somebody else wrote meanwhile is never overwritten unseen.
///
/// # Errors
/// Denied, when nothing can be written; what [`accounts::create`] and [`accounts::edit_rows`] refuse.
async fn plan(portal: &Portal, wish: Wish) -> Result<Planned> {
    // Said before a hash is computed for nothing.
    portal.writer()?;
    let Wish { opened, mut draft, password } = wish;
    let merge = match opened.id {
        None => None,
        Some(id) => match opened.look(portal, id).await? {
            None => return Ok(Planned::Gone),
            Some(merge) if merge.asks() => return Ok(Planned::Asked(Box::new(merge))),
            merge => merge,
        },
    };
    let mut secret = None;
    match password {
        Password::Keep => {}
        Password::Unusable => draft.encoded_password = Some(password::unusable()?),
        Password::Set { password, generated } => {
            let replaces = opened.facts.encoded_password();
            draft.encoded_password = Some(passwords::hash(portal, &password, replaces).await?);
            secret = generated.then(|| password.to_string());
        }
    }
    accounts::check_portal_id(portal, &draft, opened.id).await?;
    let rows = merge.as_ref().and_then(|merge| merge.facts.rows.as_ref());
    let plan = match (opened.id, rows) {
        (Some(id), Some(rows)) => accounts::edit_rows(portal, id, rows, &draft).await?,
        _ => accounts::create(portal, &draft).await?,
    };
    let mut prepared = plan_review::prepare(portal, plan).await?;
    prepared.text.secret = secret;
    let merge = merge.filter(|merge| !merge.differences.is_empty());
    prepared.text.notes.extend(merge.as_ref().and_then(Merge::taken_over));
    Ok(Planned::Ready(prepared, merge.map(Box::new)))
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
    use super::*;

    #[test]
    fn columns_of_a_refusal_become_fields() {
        let error = Error::field(Kind::Conflict, "department_id", "it is now 5").and_field("email", "taken");
        assert_eq!(by_field(&error).fields.keys().collect::<Vec<_>>(), ["department", "email"]);
    }
}
