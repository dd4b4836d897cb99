//! What the database account may do, beside what portaldesk needs: the statements that give what is missing and take
//! what is too much. Nothing here is run.

mod mysql;
mod postgres;

use super::schema::{OWN_TABLES, PORTAL_TABLES, Schema};
use super::{Db, DbError, Dialect};

/// A right on a table that portaldesk uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Privilege {
    /// Reading rows, and locking them together with [`Privilege::Update`].
    Select,
    /// Making rows.
    Insert,
    /// Changing rows.
    Update,
    /// Removing rows.
    Delete,
}

impl Privilege {
    /// All of them, as a GRANT lists them.
    pub const ALL: [Self; 4] = [Self::Select, Self::Insert, Self::Update, Self::Delete];

    /// SQL's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        WORK.split(", ").nth(self as usize).unwrap_or_default()
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|privilege| privilege.name() == name)
    }
}

/// All that working takes, in the order of [`Privilege`].
const WORK: &str = "SELECT, INSERT, UPDATE, DELETE";

/// The portal's tables that are written; the others are only read.
const WRITTEN: [&str; 8] = [
    "auth_user",
    "auth_group",
    "auth_user_groups",
    "auth_user_user_permissions",
    "auth_group_permissions",
    "core_userprofile",
    "core_department",
    "django_admin_log",
];

/// Something about the account's rights, in words, and the statements that mend it, in the order to run them in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What is missing or too much.
    pub what: String,
    /// The statements; empty where only somebody else can decide.
    pub statements: Vec<String>,
}

/// The account's rights against what is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// The account, as a GRANT names it.
    pub account: String,
    /// What is needed and not there.
    pub missing: Vec<Remark>,
    /// What is there and not needed.
    pub excess: Vec<Remark>,
    /// What could not be told, or is only worth knowing.
    pub notes: Vec<String>,
}

/// The grants that the database account needs to work, and the one that it needs only for making our tables.
///
/// # Errors
/// What the engine says.
pub async fn for_writing(db: &Db) -> Result<Vec<String>, DbError> {
    let target = db.target();
    let user = target.user.clone().unwrap_or_else(|| "USER".to_owned());
    Ok(match db.dialect() {
        Dialect::Sqlite => Vec::new(),
        Dialect::MySql => {
            let account = mysql::account(db).await?;
            vec![
                mysql::work(&target.database, &account),
                format!("{}   -- for this step only", mysql::making_tables(&target.database, &account)),
            ]
        }
        Dialect::Postgres => vec![
            format!("GRANT {WORK} ON ALL TABLES IN SCHEMA public TO \"{user}\""),
            format!("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO \"{user}\""),
            format!("GRANT CREATE ON SCHEMA public TO \"{user}\"   -- for this step only"),
        ],
    })
}

/// Looks at the account's rights; nothing on SQLite, whose files have an owner and a mode instead. `writes` says whether
/// more than reading is wanted.
///
/// # Errors
/// What the engine says.
pub async fn compare(db: &Db, schema: &Schema, writes: bool) -> Result<Option<Grants>, DbError> {
    let needs = needs(schema, writes);
    match db.dialect() {
        Dialect::Sqlite => Ok(None),
        Dialect::MySql => mysql::compare(db, &needs).await.map(Some),
        Dialect::Postgres => postgres::compare(db, &needs).await.map(Some),
    }
}

/// A table and what is needed on it.
type Need = (String, Vec<Privilege>);

/// What is needed on the tables that are there: all on those that are written, reading on those that are only looked at
/// or refer to an account.
fn needs(schema: &Schema, writes: bool) -> Vec<Need> {
    let is_read = |name: &str| {
        PORTAL_TABLES.iter().any(|(known, _)| *known == name)
            || schema.references_to("auth_user").any(|key| key.table == name)
    };
    let needed = |name: &String| {
        let is_written = WRITTEN.contains(&name.as_str()) || OWN_TABLES.contains(&name.as_str());
        if writes && is_written {
            Some((name.clone(), Privilege::ALL.to_vec()))
        } else if is_written || is_read(name) {
            Some((name.clone(), vec![Privilege::Select]))
        } else {
            None
        }
    };
    schema.tables.keys().filter_map(needed).collect()
}

/// `SELECT, INSERT`
fn listed(privileges: &[Privilege]) -> String {
    privileges.iter().map(|privilege| privilege.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_called_by_its_own_name() {
        assert_eq!(listed(&Privilege::ALL), WORK);
        for privilege in Privilege::ALL {
            assert_eq!(privilege.name().to_lowercase(), format!("{privilege:?}").to_lowercase());
            assert_eq!(Privilege::named(privilege.name()), Some(privilege));
        }
    }
}
