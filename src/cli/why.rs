//! `user why`: whether an account can sign in to the portal, and why not.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::args::UserWhy;
use super::table::pairs;
use super::{Work, json, prompt};
use crate::directory::password_test::{self, Tested};
use crate::directory::why::{Reason, Why};
use crate::directory::{record, users};
use crate::error::Result;

/// The exit code for an account that can't sign in, or not with the password given: as for findings.
const CANNOT: u8 = 1;

/// Prints every reason and every caution; with a password also whether it is the right one.
///
/// # Errors
/// Invalid, when there is no such account; a usage error when the password can't be read; what the engine says.
pub(super) async fn show(work: &mut Work, asked: &UserWhy) -> Result<u8> {
    let id = users::find(&work.portal, &asked.name).await?;
    let tested = match prompt::password(asked.password_stdin, asked.password_file.as_deref())? {
        Some(password) => Some(password_test::test(&work.portal, id, password.expose_secret()).await?),
        None => None,
    };
    let record = record::read(&work.portal, id).await?;
    let locked_out = record.lockouts.iter().any(|lockout| lockout.locked_until.is_some());
    let (username, why) = (record.user.username, record.sign_in);
    let mut item = item(&username, &why, tested.as_ref());
    item["locked_out"] = json!(locked_out);
    let text = in_words(&username, &why, locked_out, tested.as_ref());
    work.output.result(&json::one("why", &item), || text)?;
    let opens = tested.map_or(why.can_sign_in(), |tested| tested.opens());
    Ok(if opens { 0 } else { CANNOT })
}

fn item(username: &str, why: &Why, tested: Option<&Tested>) -> Value {
    let told = |reasons: &[Reason]| -> Vec<Value> {
        reasons.iter().map(|reason| json!({"kind": reason.kind, "message": reason.message})).collect()
    };
    let mut item = json!({
        "username": username,
        "can_sign_in": why.can_sign_in(),
        "reasons": told(&why.reasons),
        "cautions": told(&why.cautions),
        "opens_admin": why.opens_admin,
    });
    if let Some(tested) = tested {
        item["password"] = json!(tested.name());
    }
    item
}

fn in_words(username: &str, why: &Why, locked_out: bool, tested: Option<&Tested>) -> String {
    let yes = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
    let mut lines = vec![("username", username.to_owned()), ("can sign in", yes(why.can_sign_in()))];
    lines.extend(why.reasons.iter().map(|reason| ("because", reason.message.clone())));
    lines.extend(why.cautions.iter().map(|caution| ("but", caution.message.clone())));
    lines.push((
        "portal's admin",
        if why.opens_admin { "yes" } else { "no: not staff, or inactive" }.to_owned(),
    ));
    if locked_out {
        let words = "locked out after wrong passwords; `portaldesk user unlock` ends it";
        lines.push(("portaldesk", words.to_owned()));
    }
    lines.extend(tested.map(|tested| ("password", tested.in_words().to_owned())));
    pairs(lines)
}
