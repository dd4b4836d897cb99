//! SCH-003: tables and columns that are missing, or are not what Django makes of the models.

use async_trait::async_trait;

use std::collections::BTreeSet;

use crate::change::Image;
use crate::db::Dialect;
use crate::db::blueprint::{Field, TABLES};
use crate::db::schema::{Column, ColumnKind, Schema, Table};
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Severity, Stage, Subject, place_of,
};
use crate::integrity::scan::Scan;

/// The check.
pub struct SchemaDrift;

static ABOUT: About = About {
    id: "SCH-003",
    severity: Severity::Error,
    title: "tables and columns that are not what the portal's models say",
    why: "The portal fails where it reads or writes them, or writes what it can't read again.",
    cause: "Migrations that were not applied, a table altered or copied by hand, a database brought over from another \
            engine.",
    remedy: "`python manage.py showmigrations` tells what is not applied, and `python manage.py migrate` applies it. Where \
             everything is recorded as applied, alter the table by hand to what the row says; make a backup first.",
    choice: "",
    needs: &[],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Schema,
    rows_each: 1,
};

/// The kinds of drift, as ids of subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drift {
    NoTable,
    NoColumn,
    Null,
    Type,
}

#[async_trait]
impl Check for SchemaDrift {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let rows = drifts(scan.portal).await?;
        let subjects: Vec<Subject> = rows.into_iter().map(|row| row.subject).collect();
        // One decision a column, however much is wrong with it.
        let count = subjects.iter().map(|subject| subject.place).collect::<BTreeSet<_>>().len();
        let found = Found::each(&ABOUT, Class::Manual, subjects);
        Ok(found.map(|found| Found { count, ..found }).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let mut rows = drifts(portal).await?;
        rows.retain(|row| subjects.contains(&row.subject));
        Ok(rows)
    }
}

/// What is there now against what should be; the catalogue of the portal's opening may be older.
async fn drifts(portal: &Portal) -> Result<Vec<FindingRow>> {
    let schema = Schema::read(&portal.db).await?;
    let dialect = portal.dialect();
    let mut rows = Vec::new();
    for (name, fields) in TABLES {
        match schema.table(name) {
            Some(table) => {
                rows.extend(fields.iter().flat_map(|field| drifts_of(dialect, name, table, field)));
            }
            None => rows.push(row(name, name, Drift::NoTable, format!("table {name} is missing"))),
        }
    }
    Ok(rows)
}

fn drifts_of(dialect: Dialect, name: &'static str, table: &Table, field: &Field) -> Vec<FindingRow> {
    let place = format!("{name}.{}", field.name);
    let wanted = field.declared(dialect);
    let drift = |drift, text: String| row(name, &place, drift, format!("{place} {text}"));
    let Some(column) = table.column(field.name) else {
        return vec![drift(Drift::NoColumn, format!("is missing; Django makes it {wanted}"))];
    };
    let mut rows = Vec::new();
    // A key never takes NULL, whatever SQLite's catalogue says of INTEGER PRIMARY KEY.
    let is_key = table.primary_key.iter().any(|key| key == field.name);
    if column.nullable != field.null && !is_key {
        let how = if column.nullable { "takes NULL" } else { "takes no NULL" };
        rows.push(drift(Drift::Null, format!("{how}; Django makes it {wanted}")));
    }
    if !fits(dialect, column, field) {
        let length = column.length.map_or_else(String::new, |length| format!(" of {length} characters"));
        let is = if column.sql_type.is_empty() { "no type" } else { &column.sql_type };
        // MySQL's type names its length already.
        let length = if dialect == Dialect::Postgres { length } else { String::new() };
        let is = crate::text::safe(is);
        rows.push(drift(Drift::Type, format!("is {is}{length}; Django makes it {wanted}")));
    }
    rows
}

/// Whether Django can work with a column of this type: the width of whole numbers and longer texts are no matter.
fn fits(dialect: Dialect, column: &Column, field: &Field) -> bool {
    let declared = column.sql_type.to_ascii_lowercase();
    match (field.kind, column.kind, dialect) {
        (ColumnKind::Time, ColumnKind::Time, Dialect::Postgres) => declared == "timestamp with time zone",
        (ColumnKind::Time, ColumnKind::Time, Dialect::MySql) => declared.starts_with("datetime"),
        // Neither engine has booleans of its own: 0 and 1 are what Django reads.
        (ColumnKind::Bool, ColumnKind::Int, Dialect::Sqlite) => true,
        (ColumnKind::Bool, ColumnKind::Int, Dialect::MySql) => declared.starts_with("tinyint"),
        (ColumnKind::Text, ColumnKind::Text, _) => {
            let needed = field.length.unwrap_or(LONG_TEXT);
            // SQLite holds nobody to a length.
            dialect == Dialect::Sqlite || column.length.is_none_or(|length| length >= needed)
        }
        (wanted, there, _) => wanted == there,
    }
}

/// A text of any length is never a `varchar` of MySQL's, and `text` will do.
const LONG_TEXT: u32 = 65_535;

fn row(table: &'static str, place: &str, drift: Drift, text: String) -> FindingRow {
    FindingRow {
        subject: Subject { place: place_of(place), id: drift as i64 },
        table: table.into(),
        key: Image::default(),
        user_id: None,
        username: None,
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Ident;

    fn fits_as(dialect: Dialect, field: &str, kind: ColumnKind, sql_type: &str, length: Option<u32>) -> bool {
        let fields = TABLES.iter().flat_map(|(_, fields)| fields.iter());
        let field = fields.into_iter().find(|known| known.name == field).unwrap();
        let name = Ident::new(field.name).unwrap();
        let sql_type = sql_type.to_owned();
        let (has_default, generated) = (false, false);
        fits(
            dialect,
            &Column { name, kind, sql_type, length, nullable: field.null, has_default, generated },
            field,
        )
    }

    #[test]
    fn what_django_can_work_with_is_no_drift() {
        use ColumnKind::{Bool, Int, Text, Time};
        use Dialect::{MySql, Postgres, Sqlite};
        for (dialect, field, kind, sql_type, length, fits) in [
            (MySql, "id", Int, "bigint(20) unsigned", None, true),
            (Postgres, "user_id", Int, "bigint", None, true),
            (MySql, "user_id", Text, "varchar(20)", Some(20), false),
            (MySql, "is_active", Int, "tinyint(4)", None, true),
            (MySql, "is_active", Int, "int(11)", None, false),
            (Postgres, "is_active", Int, "integer", None, false),
            (Sqlite, "is_active", Int, "integer", None, true),
            (Sqlite, "is_active", Bool, "boolean", None, true),
            (Postgres, "date_joined", Time, "timestamp with time zone", None, true),
            (Postgres, "date_joined", Time, "timestamp without time zone", None, false),
            (MySql, "date_joined", Time, "datetime", None, true),
            (MySql, "date_joined", Time, "timestamp(6)", None, false),
            (Sqlite, "date_joined", Text, "text", None, false),
            (MySql, "first_name", Text, "varchar(30)", Some(30), false),
            (MySql, "first_name", Text, "varchar(200)", Some(200), true),
            (Postgres, "first_name", Text, "text", None, true),
            (Sqlite, "first_name", Text, "varchar(30)", None, true),
            (MySql, "description", Text, "varchar(255)", Some(255), false),
            (MySql, "description", Text, "text", Some(65_535), true),
        ] {
            assert_eq!(
                fits_as(dialect, field, kind, sql_type, length),
                fits,
                "{dialect:?} {field} {sql_type}"
            );
        }
    }
}
