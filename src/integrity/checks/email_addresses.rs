//! USR-002: e-mail addresses that are none, or that several accounts have.

use async_trait::async_trait;

use crate::db::Sql;
use crate::directory::Portal;
use crate::error::Result;
use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Severity, Stage, Subject,
};
use crate::integrity::scan::Scan;
use crate::integrity::twins::{self, Twins};
use crate::integrity::windows;
use crate::portal::{email, rules};

use super::people;

/// The check.
pub struct EmailAddresses;

static ABOUT: About = About {
    id: "USR-002",
    severity: Severity::Warning,
    title: "e-mail address malformed or shared",
    why: "A malformed address gets no mail, and Django's forms refuse the account until it is mended. A shared one gets \
          the links that reset several passwords: whoever reads it can take over all of these accounts.",
    cause: "Addresses were loaded by SQL or typed from paper; a second account was made for the same person.",
    remedy: "Find out the person's own address and give it in Users, or by `portaldesk user edit NAME --email ADDRESS`. An \
             address that nobody needs can be left empty.",
    choice: "",
    needs: &[("auth_user", &["id", "username", "email"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Groups,
    rows_each: 1,
};

/// The places of subjects: a malformed address of an account, and a group of accounts with the same.
const MALFORMED: u32 = 0;
const SHARED: u32 = 1;

/// Django looks for the account of an address without regard to case and to Unicode's compatible forms.
const ADDRESSES: Twins = Twins { table: "auth_user", column: "email", fold: twins::folded };

#[async_trait]
impl Check for EmailAddresses {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let mut rows = Vec::new();
        for account in people::people(portal, &super::ids(subjects, MALFORMED)).await? {
            if is_malformed(&account.email) {
                let text =
                    format!("{} has the e-mail address {}", account.name(), super::quoted(&account.email));
                rows.push(account.row(Subject { place: MALFORMED, id: account.id }, text));
            }
        }
        for (lowest, group) in ADDRESSES.of(portal, &super::ids(subjects, SHARED)).await? {
            for account in people::people(portal, &group).await? {
                let text = format!(
                    "{} shares the e-mail address {} with {} more",
                    account.name(),
                    super::quoted(&account.email),
                    group.len() - 1
                );
                rows.push(account.row(Subject { place: SHARED, id: lowest }, text));
            }
        }
        Ok(rows)
    }
}

/// White space around an address is TXT-002's.
fn is_malformed(address: &str) -> bool {
    !rules::is_blank(address) && !email::is_valid(rules::strip(address))
}

async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    let given = Sql::new("t.email <> ''");
    let mut subjects = Vec::new();
    windows::rows_where(scan, "auth_user", &["email"], &given, &mut |row| {
        if is_malformed(&row.text(1)?) {
            subjects.push(Subject { place: MALFORMED, id: row.int(0)? });
        }
        Ok(())
    })
    .await?;
    let groups = ADDRESSES.find(scan, &given).await?;
    let lowest = groups.iter().filter_map(|group| group.first());
    subjects.extend(lowest.map(|id| Subject { place: SHARED, id: *id }));
    subjects.sort_unstable();
    Ok(Found::each(&ABOUT, Class::Manual, subjects).into_iter().collect())
}
