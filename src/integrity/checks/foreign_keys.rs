//! IDX-004: foreign keys that are missing, never looked at what was there, or are switched off.

use async_trait::async_trait;

use crate::change::{Alter, Ddl, Image, Reference as NewKey};
use crate::db::blueprint::{REFERENCES, Reference};
use crate::db::physical::{self, Reference as Key};
use crate::db::schema::Schema;
use crate::db::{Dialect, Sql};
use crate::directory::Portal;
use crate::error::{Error, Result};
use crate::text;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject, place_of,
};
use crate::integrity::constraints::{Constraints, ask, part, portal_table};
use crate::integrity::decision::{Answers, Decision};
use crate::integrity::scan::Scan;

/// The check.
pub struct ForeignKeys;

static ABOUT: About = About {
    id: "IDX-004",
    severity: Severity::Warning,
    title: "foreign keys that are missing or do not hold",
    why: "Nothing keeps an account from being deleted while its profile, groups and permissions stay: the next account with \
          the same id inherits them.",
    cause: "Tables made by hand or under MyISAM, a dump loaded without its constraints, a key added NOT VALID, triggers \
            disabled for a bulk load.",
    remedy: "Adds the key under Django's own name, or validates it, once REL-* and PRF-003 find nothing more. What only an \
             administrator of the server can do is said in the row.",
    choice: "The statement alters the portal's table; others may have to wait meanwhile.",
    needs: &[],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Indexes,
    rows_each: 1,
};

/// The one question.
const CREATE: &str = "create";

/// What is wrong with one column that refers to another table.
struct Fault {
    table: &'static str,
    /// The column, or the setting.
    column: String,
    to_table: String,
    text: String,
    /// What would repair it, where a statement of ours can.
    alter: Option<Alter>,
}

impl Fault {
    fn subject(&self) -> Subject {
        Subject { place: place_of(&format!("{}.{}", self.table, self.column)), id: 0 }
    }
}

#[async_trait]
impl Check for ForeignKeys {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let faults = faults(scan.portal).await?;
        let of = |ours: bool| {
            faults.iter().filter(|fault| fault.alter.is_some() == ours).map(Fault::subject).collect()
        };
        let chosen = Found::each(&ABOUT, Class::Choose, of(true));
        Ok(chosen.into_iter().chain(Found::each(&ABOUT, Class::Manual, of(false))).collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let faults = faults(portal).await?;
        Ok(faults.iter().filter(|fault| subjects.contains(&fault.subject())).map(row).collect())
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        let Some((fault, ddl)) = repair(portal, subject).await? else { return Ok(None) };
        let orphans = orphans(portal, &fault).await?;
        let title = if orphans == 0 { fault.text.clone() } else { in_the_way(&fault, orphans) };
        Ok(Some(ask(subject, title, CREATE, &[ddl])))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        let Some((fault, ddl)) = repair(portal, subject).await? else { return Ok(Vec::new()) };
        ask(subject, fault.text.clone(), CREATE, std::slice::from_ref(&ddl)).check(answers)?;
        let orphans = orphans(portal, &fault).await?;
        if orphans > 0 {
            return Err(Error::conflict(format!("{}; nothing was written.", in_the_way(&fault, orphans))));
        }
        let verb = if matches!(ddl.alter(), Alter::ValidateForeignKey { .. }) { "Validate" } else { "Add" };
        Ok(vec![part(subject, format!("{verb} the foreign key of {}.{}", fault.table, fault.column), ddl)])
    }
}

async fn repair(portal: &Portal, subject: Subject) -> Result<Option<(Fault, Ddl)>> {
    let Some(mut fault) = faults(portal).await?.into_iter().find(|fault| fault.subject() == subject) else {
        return Ok(None);
    };
    let Some(alter) = fault.alter.take() else { return Ok(None) };
    let ddl = Ddl::new(portal.dialect(), fault.table, alter)?;
    Ok(Some((fault, ddl)))
}

/// Everything that is wrong with the keys of the portal's tables.
async fn faults(portal: &Portal) -> Result<Vec<Fault>> {
    let constraints = Constraints::read(portal).await?;
    let mut faults = Vec::new();
    for wanted in &REFERENCES {
        let there = constraints.schema.has(wanted.table, wanted.column)
            && constraints.schema.has(wanted.to_table, "id");
        if there && !constraints.references.iter().any(|key| is_wanted(key, wanted)) {
            faults.push(missing(portal, &constraints, wanted).await?);
        }
    }
    for key in &constraints.references {
        let Some(table) = portal_table(&key.table) else { continue };
        // A column without the right key may have a wrong one: that is one fault.
        let known = |fault: &Fault| faults.iter().any(|other: &Fault| other.subject() == fault.subject());
        let fault = unsound(&constraints, table, key).filter(|fault| !known(fault));
        faults.extend(fault);
    }
    if portal.dialect() == Dialect::MySql && !physical::checks_references(&portal.db).await? {
        faults.push(Fault {
            table: "auth_user",
            column: "@@GLOBAL.foreign_key_checks".to_owned(),
            to_table: String::new(),
            text: "foreign_key_checks is off for every new connection to this server: SET GLOBAL foreign_key_checks = 1, \
                   and look for it in the server's configuration"
                .to_owned(),
            alter: None,
        });
    }
    Ok(faults)
}

/// Whether a key of the catalogue is this one of the models, whatever it is called.
fn is_wanted(key: &Key, wanted: &Reference) -> bool {
    key.table == wanted.table
        && key.columns == [wanted.column]
        && key.to_table.eq_ignore_ascii_case(wanted.to_table)
        && (key.to_columns.is_empty() || key.to_columns == ["id"])
}

/// A key that is not there. Where nothing forbids it, it can be added.
async fn missing(portal: &Portal, constraints: &Constraints<'_>, wanted: &Reference) -> Result<Fault> {
    let hindrance = match portal.dialect() {
        Dialect::Sqlite => Some(
            "SQLite can't add one to a table that is there: `python manage.py dumpdata`, `migrate` in a new file, \
             `loaddata`, or the table made again by hand; make a backup first"
                .to_owned(),
        ),
        Dialect::MySql => hindrance_on_mysql(portal, constraints.schema, wanted).await?,
        Dialect::Postgres => None,
    };
    let is_taken = constraints
        .references
        .iter()
        .any(|key| key.table == wanted.table && key.name.as_deref() == Some(wanted.name));
    let hindrance = hindrance.or_else(|| {
        is_taken.then(|| format!("the key {} leads elsewhere: drop it first", text::safe(wanted.name)))
    });
    let place = format!("{}.{}", wanted.table, wanted.column);
    let what = format!("{place} has no foreign key to {}", wanted.to_table);
    let alter = hindrance.is_none().then(|| {
        Alter::AddForeignKey(NewKey {
            name: wanted.name.to_owned(),
            column: wanted.column.to_owned(),
            to_table: wanted.to_table.to_owned(),
            to_column: "id".to_owned(),
        })
    });
    Ok(Fault {
        table: wanted.table,
        column: wanted.column.to_owned(),
        to_table: wanted.to_table.to_owned(),
        text: hindrance.map_or(what.clone(), |why| format!("{what}. {why}")),
        alter,
    })
}

/// What makes MySQL refuse a key, or accept and forget it.
async fn hindrance_on_mysql(portal: &Portal, schema: &Schema, wanted: &Reference) -> Result<Option<String>> {
    for (table, engine) in physical::engines(&portal.db).await? {
        let concerned = table == wanted.table || table == wanted.to_table;
        if concerned && !engine.eq_ignore_ascii_case("InnoDB") {
            return Ok(Some(format!("{table} is {}: see SCH-001 first", text::safe(&engine))));
        }
    }
    let width = |table: &str, column: &str| {
        let column = schema.table(table)?.column(column)?;
        // The width for display, `int(11)`, says nothing of the type.
        let word = column.sql_type.split(['(', ' ']).next().unwrap_or_default().to_ascii_lowercase();
        Some((word, column.sql_type.to_ascii_lowercase().contains("unsigned")))
    };
    let (here, there) = (width(wanted.table, wanted.column), width(wanted.to_table, "id"));
    Ok((here != there).then(|| {
        format!(
            "Its type differs from that of {}.id, so MySQL takes none: ALTER TABLE `{}` MODIFY it first",
            wanted.to_table, wanted.table
        )
    }))
}

/// A key that is there and does not do what it says.
fn unsound(constraints: &Constraints<'_>, table: &'static str, key: &Key) -> Option<Fault> {
    let (column, to_table) = (key.columns.join(", "), key.to_table.clone());
    let name = text::safe(key.name.as_deref().unwrap_or("of this column")).into_owned();
    let place = text::safe(&format!("{table}.{column}")).into_owned();
    let fault = |text: String, alter| {
        Some(Fault { table, column: column.clone(), to_table: to_table.clone(), text, alter })
    };
    if constraints.dialect == Dialect::Sqlite && !leads_somewhere(constraints.schema, key) {
        let to = text::safe(&key.to_table);
        return fault(
            format!(
                "{place} refers to {to}, which has no such unique column: with foreign keys on, every write of the table \
                 fails. The table has to be made again, as `python manage.py sqlmigrate` shows it"
            ),
            None,
        );
    }
    if !key.enforced {
        return fault(
            format!(
                "the foreign key {name} of {place} is switched off: ALTER TABLE {table} ENABLE TRIGGER ALL, by a superuser \
                 of PostgreSQL; then scan again"
            ),
            None,
        );
    }
    if key.validated {
        return None;
    }
    let alter = key.name.clone().map(|name| Alter::ValidateForeignKey { name });
    fault(
        format!("the foreign key {name} of {place} is NOT VALID: rows from before it were never looked at"),
        alter,
    )
}

/// Whether SQLite finds what a key refers to: a table, and in it a column that is unique.
fn leads_somewhere(schema: &Schema, key: &Key) -> bool {
    let to = schema.tables.values().find(|table| table.name.as_str().eq_ignore_ascii_case(&key.to_table));
    let columns: Vec<&str> = key.to_columns.iter().map(String::as_str).collect();
    to.is_some_and(|table| columns.is_empty() || table.is_unique(&columns))
}

/// How many rows refer to something that is not there.
async fn orphans(portal: &Portal, fault: &Fault) -> Result<i64> {
    let (from, to) = (portal.schema.table(fault.table), portal.schema.table(&fault.to_table));
    let (Some(from), Some(to)) = (from, to) else { return Ok(0) };
    let (Some(column), Some(id)) = (from.column(&fault.column), to.column("id")) else { return Ok(0) };
    let sql = Sql::new("SELECT COUNT(*) FROM ").ident(&from.name).push(" c LEFT JOIN ").ident(&to.name);
    let sql = sql.push(" p ON p.").ident(&id.name).push(" = c.").ident(&column.name);
    let sql = sql.push(" WHERE c.").ident(&column.name).push(" IS NOT NULL AND p.").ident(&id.name);
    portal.count(sql.push(" IS NULL")).await
}

/// Which check repairs rows that lead nowhere.
fn repaired_by(fault: &Fault) -> &'static str {
    match (fault.table, fault.column.as_str()) {
        ("auth_user_groups" | "auth_user_user_permissions", "user_id" | "group_id" | "permission_id") => {
            "REL-001"
        }
        ("auth_group_permissions", "group_id" | "permission_id") => "REL-002",
        ("core_userprofile", "department_id") => "REL-003",
        ("core_userprofile", "user_id") => "PRF-003",
        ("django_admin_log", "user_id" | "content_type_id") => "REL-004",
        ("auth_permission", "content_type_id") => "REL-005",
        _ => "them by hand",
    }
}

fn in_the_way(fault: &Fault, orphans: i64) -> String {
    format!(
        "{}.{} can't be checked against {} yet: {orphans} of its rows {} nowhere. Repair {} first",
        fault.table,
        text::safe(&fault.column),
        text::safe(&fault.to_table),
        if orphans == 1 { "leads" } else { "lead" },
        repaired_by(fault)
    )
}

fn row(fault: &Fault) -> FindingRow {
    FindingRow {
        subject: fault.subject(),
        table: fault.table.into(),
        key: Image::default(),
        user_id: None,
        username: None,
        text: fault.text.clone(),
    }
}
