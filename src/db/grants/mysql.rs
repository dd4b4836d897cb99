//! What `SHOW GRANTS` says. Its lines may hold the hash of a password, so none of them is ever repeated.

use super::{Grants, Need, Privilege, Remark, WORK, listed};
use crate::db::{Db, DbError, Sql};

/// One line of `SHOW GRANTS` about tables.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Grant {
    /// `ALL PRIVILEGES`, `SELECT`, `CREATE VIEW`; those on single columns are left out.
    privileges: Vec<String>,
    /// The database, perhaps a pattern; none for all.
    database: Option<String>,
    /// The table; none for all.
    table: Option<String>,
    passes_on: bool,
}

/// The statement that gives an account all that working takes.
pub(super) fn work(database: &str, account: &str) -> String {
    format!("GRANT {WORK} ON {}.* TO {account}", quoted(database))
}

/// The statement that lets an account make our tables.
pub(super) fn making_tables(database: &str, account: &str) -> String {
    format!("GRANT CREATE, INDEX ON {}.* TO {account}", quoted(database))
}

/// The account that the server takes us for, as a GRANT names it.
pub(super) async fn account(db: &Db) -> Result<String, DbError> {
    Ok(quoted_account(&db.one(Sql::new("SELECT CURRENT_USER()")).await?.text(0)?))
}

pub(super) async fn compare(db: &Db, needs: &[Need]) -> Result<Grants, DbError> {
    let account = account(db).await?;
    let lines = db.all(Sql::new("SHOW GRANTS")).await?;
    let lines: Vec<String> = lines.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?;
    Ok(judge(&account, &db.target().database, &lines, needs))
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// `user@host` as a GRANT names it.
fn quoted_account(account: &str) -> String {
    let (user, host) = account.rsplit_once('@').unwrap_or((account, "%"));
    let quoted = |text: &str| text.replace('\'', "''");
    format!("'{}'@'{}'", quoted(user), quoted(host))
}

fn judge(account: &str, database: &str, lines: &[String], needs: &[Need]) -> Grants {
    let held: Vec<Grant> = lines.iter().filter_map(|line| read(line)).collect();
    let mut grants = Grants { account: account.to_owned(), ..Grants::default() };
    for (table, needed) in needs {
        let lacks: Vec<Privilege> = needed
            .iter()
            .copied()
            .filter(|privilege| !held.iter().any(|grant| grant.gives(*privilege, database, table)))
            .collect();
        if !lacks.is_empty() {
            let lacks = listed(&lacks);
            grants.missing.push(Remark {
                what: format!("{lacks} on {table}"),
                statements: vec![format!(
                    "GRANT {lacks} ON {}.{} TO {account}",
                    quoted(database),
                    quoted(table)
                )],
            });
        }
    }
    grants.excess = if held.iter().any(Grant::is_administrator) {
        vec![one_of_its_own(database)]
    } else {
        held.iter().filter_map(|grant| grant.excess(database, account)).collect()
    };
    if lines.iter().any(|line| is_role(line)) {
        grants.notes.push(
            "The account has roles. What they give counts here only as far as SHOW GRANTS tells it, and a REVOKE has to \
             name the role."
                .to_owned(),
        );
    }
    grants
}

/// What an administrator is told, whose account nobody wants stripped.
fn one_of_its_own(database: &str) -> Remark {
    Remark {
        what: "the account is an administrator of the server; give portaldesk one of its own".to_owned(),
        statements: vec![
            "CREATE USER 'portaldesk'@'HOST' IDENTIFIED BY '…'".to_owned(),
            work(database, "'portaldesk'@'HOST'"),
        ],
    }
}

impl Grant {
    fn has(&self, privilege: Privilege) -> bool {
        self.privileges.iter().any(|name| name == privilege.name() || name == "ALL PRIVILEGES")
    }

    fn gives(&self, privilege: Privilege, database: &str, table: &str) -> bool {
        self.has(privilege)
            && self.database.as_ref().is_none_or(|pattern| matches(pattern, database))
            && self.table.as_ref().is_none_or(|own| own == table)
    }

    /// Whether it makes its account one that runs the server. MySQL 8 lists the rights of its root one by one.
    fn is_administrator(&self) -> bool {
        let runs = |name: &String| matches!(name.as_str(), "ALL PRIVILEGES" | "SUPER" | "CREATE USER");
        self.database.is_none() && self.privileges.iter().any(runs)
    }

    /// What this line gives beyond the four rights on the tables of this database.
    fn excess(&self, database: &str, account: &str) -> Option<Remark> {
        let is_here = self.database.as_ref().is_some_and(|pattern| unescaped(pattern) == database);
        let too_much: Vec<&str> = self
            .privileges
            .iter()
            .map(String::as_str)
            .filter(|name| *name != "USAGE" && !(is_here && Privilege::named(name).is_some()))
            .collect();
        if too_much.is_empty() && !self.passes_on {
            return None;
        }
        let part = |name: &Option<String>| name.as_deref().map_or_else(|| "*".to_owned(), quoted);
        let place = format!("{}.{}", part(&self.database), part(&self.table));
        let mut statements = Vec::new();
        if !too_much.is_empty() {
            statements.push(format!("REVOKE {} ON {place} FROM {account}", too_much.join(", ")));
        }
        if self.passes_on {
            statements.push(format!("REVOKE GRANT OPTION ON {place} FROM {account}"));
        }
        let covers = self.database.as_ref().is_none_or(|pattern| matches(pattern, database));
        let takes_needed =
            too_much.iter().any(|name| *name == "ALL PRIVILEGES" || Privilege::named(name).is_some());
        if covers && takes_needed {
            statements.push(work(database, account));
        }
        let grant = self.passes_on.then_some("GRANT OPTION");
        let names: Vec<&str> = too_much.into_iter().chain(grant).collect();
        Some(Remark { what: format!("{} on {place}", names.join(", ")), statements })
    }
}

/// Reads a line about tables. Lines about roles, routines and proxies are none.
fn read(line: &str) -> Option<Grant> {
    let (privileges, rest) = split_outside(line.strip_prefix("GRANT ")?, " ON ")?;
    let (place, rest) = split_outside(rest, " TO ")?;
    if ["PROCEDURE ", "FUNCTION ", "PACKAGE "].iter().any(|kind| place.starts_with(kind))
        || privileges == "PROXY"
    {
        return None;
    }
    let place = place.strip_prefix("TABLE ").unwrap_or(place);
    let (database, table) = split_outside(place, ".")?;
    let part = |name: &str| (name != "*").then(|| name.trim_matches('`').replace("``", "`"));
    let names = split_all_outside(privileges, ",").into_iter().map(str::trim);
    Some(Grant {
        privileges: names.filter(|name| !name.contains('(')).map(str::to_uppercase).collect(),
        database: part(database),
        table: part(table),
        passes_on: rest.ends_with("WITH GRANT OPTION"),
    })
}

/// Whether a line gives a role: it names no place.
fn is_role(line: &str) -> bool {
    line.strip_prefix("GRANT ")
        .is_some_and(|rest| split_outside(rest, " ON ").is_none() && split_outside(rest, " TO ").is_some())
}

/// Splits at the first of these that stands neither in quotes nor in parentheses.
fn split_outside<'a>(text: &'a str, at: &str) -> Option<(&'a str, &'a str)> {
    let (mut quote, mut depth) = (None, 0_u32);
    for (index, c) in text.char_indices() {
        if quote.is_none() && depth == 0 && text[index..].starts_with(at) {
            return Some((&text[..index], &text[index + at.len()..]));
        }
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (None, '`' | '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn split_all_outside<'a>(text: &'a str, at: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((part, after)) = split_outside(rest, at) {
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// A pattern of a database's name without its escapes.
fn unescaped(pattern: &str) -> String {
    pattern.replace("\\_", "_").replace("\\%", "%")
}

/// Whether a database is one of a pattern's, in which `%` and `_` are wildcards and `\` takes that from them.
fn matches(pattern: &str, name: &str) -> bool {
    let mut chars = pattern.chars();
    match chars.next() {
        None => name.is_empty(),
        Some('%') => {
            let rest = chars.as_str();
            (0..=name.len()).filter_map(|at| name.get(at..)).any(|end| matches(rest, end))
        }
        Some(wanted) => {
            let wanted = if wanted == '\\' {
                chars.next()
            } else if wanted == '_' {
                None
            } else {
                Some(wanted)
            };
            let mut left = name.chars();
            let Some(found) = left.next() else { return false };
            wanted.is_none_or(|wanted| wanted == found) && matches(chars.as_str(), left.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs() -> Vec<Need> {
        vec![
            ("auth_user".to_owned(), Privilege::ALL.to_vec()),
            ("auth_permission".to_owned(), vec![Privilege::Select]),
        ]
    }

    fn judged(lines: &[&str]) -> Grants {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        judge("'desk'@'%'", "portal_db", &lines, &needs())
    }

    fn statements(remarks: &[Remark]) -> Vec<&str> {
        remarks.iter().flat_map(|remark| remark.statements.iter().map(String::as_str)).collect()
    }

    #[test]
    fn what_the_design_asks_for_is_neither_too_little_nor_too_much() {
        for line in [
            "GRANT SELECT, INSERT, UPDATE, DELETE ON `portal_db`.* TO `desk`@`%`",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON `portal\\_db`.* TO `desk`@`%`",
        ] {
            let grants =
                judged(&["GRANT USAGE ON *.* TO `desk`@`%` IDENTIFIED BY PASSWORD '*ABC ON x TO y'", line]);
            assert_eq!((grants.missing, grants.excess, grants.notes), (vec![], vec![], vec![]), "{line}");
        }
    }

    #[test]
    fn what_is_missing_is_given_table_by_table() {
        let grants = judged(&[
            "GRANT SELECT ON `portal_db`.* TO `desk`@`%`",
            "GRANT INSERT, UPDATE (`email`, `is_active`) ON `portal_db`.`auth_user` TO `desk`@`%`",
        ]);
        assert_eq!(
            statements(&grants.missing),
            ["GRANT UPDATE, DELETE ON `portal_db`.`auth_user` TO 'desk'@'%'"]
        );
        assert_eq!(grants.excess, []);
        assert_eq!(judged(&["GRANT SELECT ON `other`.* TO `desk`@`%`"]).missing.len(), 2);
    }

    #[test]
    fn what_is_too_much_is_taken_and_what_is_needed_given_back() {
        let grants = judged(&[
            "GRANT SELECT, RELOAD ON *.* TO `desk`@`%` IDENTIFIED BY PASSWORD '*SECRET' WITH GRANT OPTION",
            "GRANT ALL PRIVILEGES ON `portal\\_db`.* TO `desk`@`%`",
            "GRANT SELECT, CREATE, DROP ON `portal_db`.* TO `desk`@`%`",
            "GRANT SELECT ON `mail`.* TO `desk`@`%`",
        ]);
        assert_eq!(grants.missing, []);
        assert_eq!(
            statements(&grants.excess),
            [
                "REVOKE SELECT, RELOAD ON *.* FROM 'desk'@'%'",
                "REVOKE GRANT OPTION ON *.* FROM 'desk'@'%'",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON `portal_db`.* TO 'desk'@'%'",
                "REVOKE ALL PRIVILEGES ON `portal\\_db`.* FROM 'desk'@'%'",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON `portal_db`.* TO 'desk'@'%'",
                "REVOKE CREATE, DROP ON `portal_db`.* FROM 'desk'@'%'",
                "REVOKE SELECT ON `mail`.* FROM 'desk'@'%'",
            ]
        );
        assert!(!format!("{grants:?}").contains("SECRET"));
    }

    #[test]
    fn an_administrators_account_is_not_stripped() {
        let all = ["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"];
        // As MySQL 8 has it, shortened.
        let one_by_one = [
            "GRANT SELECT, INSERT, SHUTDOWN, SUPER, CREATE USER ON *.* TO `root`@`localhost` WITH GRANT OPTION",
            "GRANT BACKUP_ADMIN, CLONE_ADMIN ON *.* TO `root`@`localhost` WITH GRANT OPTION",
        ];
        for lines in [all.as_slice(), &one_by_one] {
            let grants = judged(lines);
            let told = statements(&grants.excess);
            assert!(told[0].starts_with("CREATE USER") && !told.concat().contains("REVOKE"), "{told:?}");
        }
    }

    #[test]
    fn roles_routines_and_proxies_are_no_tables() {
        let grants = judged(&[
            "GRANT `clerk` TO `desk`@`%`",
            "GRANT EXECUTE ON PROCEDURE `portal_db`.`p` TO `desk`@`%`",
            "GRANT PROXY ON ''@'' TO 'desk'@'%' WITH GRANT OPTION",
            "GRANT ALL PRIVILEGES ON `portal_db`.* TO `clerk`",
        ]);
        assert_eq!((grants.missing, grants.excess.len(), grants.notes.len()), (vec![], 1, 1));
    }

    #[test]
    fn patterns_are_the_servers() {
        for (pattern, name, wanted) in [
            ("portal%", "portal_db", true),
            ("portal_db", "portalxdb", true),
            ("portal\\_db", "portalxdb", false),
            ("%", "", true),
            ("a", "ab", false),
            ("%db", "portal_db", true),
        ] {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }
}
