//! Checks that look at the counters of the portal's tables: what each would hand out next, beside what is there already.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::change::{Image, Step};
use crate::db::counter::{self, Counter};
use crate::db::schema::{Column, ColumnKind, OWN_TABLES, PORTAL_TABLES, Schema, Table};
use crate::db::{Cell, Db, DbError, Dialect, Ident, Sql};
use crate::directory::Portal;
use crate::error::Result;

use super::check::{About, Check, Class, FindingRow, Found, Part, Severity, Subject, place_of};
use super::decision::{Answers, Choice, Decision, Question};
use super::scan::Scan;

/// A check of counters: one decision each.
pub struct CounterCheck {
    /// What never changes about it.
    pub about: &'static About,
    /// Whether it has to know what refers to the table's rows.
    pub asks_references: bool,
    /// What is wrong with a counter, if anything is.
    pub judge: fn(&Counted) -> Result<Option<Fault>>,
}

/// What is wrong with a counter, and what can be done.
#[derive(Debug)]
pub struct Fault {
    /// Who decides.
    pub class: Class,
    /// How bad it is, where the check itself says otherwise.
    pub severity: Option<Severity>,
    /// What is wrong, safe to print, to follow the name of the table.
    pub tells: String,
    /// What would put it right.
    pub repair: Option<Step>,
}

/// A counter, and what it has to be ahead of.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The table.
    pub table: Ident,
    /// Its primary key.
    pub column: Ident,
    /// The key's type in the engine's words.
    pub sql_type: String,
    /// The engine.
    pub dialect: Dialect,
    /// What numbers the rows.
    pub kept: Kept,
    /// The id that the next row gets; nothing where none is left.
    pub next: Option<i64>,
    /// The greatest id that counter and column can hold.
    pub most: i64,
    /// The greatest id in the table.
    pub greatest: Option<i64>,
    /// The greatest id that another table refers to, and the column that does.
    pub referred: Option<(i64, String)>,
}

/// What numbers the rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// A counter of the engine's.
    Counter(Counter),
    /// SQLite alone, by the rows that are there: one more than the greatest id.
    Rows,
    /// Nothing any more, although Django makes the table with a counter.
    Lost,
}

/// The columns that refer to ids by Django's models, also where the foreign key is gone.
const KNOWN: [(&str, &str, &str); 11] = [
    ("core_userprofile", "user_id", "auth_user"),
    ("auth_user_groups", "user_id", "auth_user"),
    ("auth_user_user_permissions", "user_id", "auth_user"),
    ("django_admin_log", "user_id", "auth_user"),
    ("auth_user_groups", "group_id", "auth_group"),
    ("auth_group_permissions", "group_id", "auth_group"),
    ("auth_user_user_permissions", "permission_id", "auth_permission"),
    ("auth_group_permissions", "permission_id", "auth_permission"),
    ("auth_permission", "content_type_id", "django_content_type"),
    ("django_admin_log", "content_type_id", "django_content_type"),
    ("core_userprofile", "department_id", "core_department"),
];

/// The tables whose primary key is one integer, ours aside.
pub(super) fn keyed(schema: &Schema) -> impl Iterator<Item = (&Table, &Column)> {
    schema.tables.values().filter(|table| !OWN_TABLES.contains(&table.name.as_str())).filter_map(|table| {
        let [key] = table.primary_key.as_slice() else { return None };
        Some((table, table.column(key).filter(|column| column.kind == ColumnKind::Int)?))
    })
}

/// The subjects' place for a key of the catalogue.
pub(super) fn place(table: &Ident, column: &Ident) -> u32 {
    place_of(&format!("{}.{}", table.as_str(), column.as_str()))
}

impl Counted {
    /// Reads one; nothing where the key is filled by the program that owns the table.
    async fn read(portal: &Portal, table: &Table, column: &Column) -> Result<Option<Self>> {
        let dialect = portal.dialect();
        let found = counter::read(&mut portal.db.clone(), &table.name, &column.name).await?;
        let djangos = column.name.as_str() == "id"
            && PORTAL_TABLES.iter().any(|(name, _)| *name == table.name.as_str());
        let kept = match found {
            // PostgreSQL remembers a column's sequence when the default that takes from it is gone.
            Some(counter) if column.has_default || dialect == Dialect::Sqlite => Kept::Counter(counter),
            _ if dialect == Dialect::Sqlite && column.sql_type.eq_ignore_ascii_case("integer") => Kept::Rows,
            _ if djangos && dialect != Dialect::Sqlite && !column.has_default => Kept::Lost,
            _ => return Ok(None),
        };
        let mut counted = Self {
            table: table.name.clone(),
            column: column.name.clone(),
            sql_type: column.sql_type.clone(),
            dialect,
            kept,
            next: None,
            most: most(dialect, &column.sql_type),
            greatest: greatest(&portal.db, &table.name, &column.name).await?,
            referred: None,
        };
        counted.next = counted.next_id();
        Ok(Some(counted))
    }

    fn next_id(&mut self) -> Option<i64> {
        let after_rows = self.greatest.unwrap_or(0).max(0).checked_add(1);
        match &self.kept {
            Kept::Lost => None,
            Kept::Rows => after_rows,
            Kept::Counter(counter) if self.dialect == Dialect::Sqlite => {
                if counter.next.is_none() && !counter.odd {
                    return None;
                }
                // The engine goes on from whichever is greater.
                after_rows.map(|after| after.max(counter.next.unwrap_or(1)))
            }
            Kept::Counter(counter) => {
                if let Some(sequence) = &counter.sequence {
                    self.most = self.most.min(sequence.last);
                    return counter.next.filter(|next| *next <= self.most);
                }
                // MySQL 8 says nothing of a table that never had a row.
                let next = counter.next.unwrap_or(1);
                (next <= self.most).then_some(next)
            }
        }
    }

    /// Raises it to this id, where the type has room.
    #[must_use]
    pub fn raised(&self, to: Option<i64>) -> Option<Step> {
        let to = to.filter(|to| *to <= self.most)?;
        Some(Step::Counter {
            table: self.table.as_str().to_owned(),
            column: self.column.as_str().to_owned(),
            from: self.next,
            to,
        })
    }

    /// Whether an id is in the last fifth of what the type can hold.
    #[must_use]
    pub fn is_near_end(&self, id: i64) -> bool {
        id > self.most / 5 * 4
    }

    fn subject(&self) -> Subject {
        Subject { place: place(&self.table, &self.column), id: 0 }
    }

    fn row(&self, fault: &Fault) -> FindingRow {
        FindingRow {
            subject: self.subject(),
            table: self.table.as_str().to_owned().into(),
            key: Image::default(),
            user_id: None,
            username: None,
            text: format!("{}: {}", self.table.as_str(), fault.tells),
        }
    }

    fn part(&self, step: Step) -> Part {
        let table = self.table.as_str();
        let title = match &step {
            Step::Counter { to, .. } => format!("Let {table} go on with #{to}"),
            _ => format!("Let {table} count again"),
        };
        Part { subject: self.subject(), title, steps: vec![step], require: Vec::new() }
    }
}

/// What is wrong with a counter of the engine's that does not get past the table's own rows.
pub(super) fn behind(counted: &Counted) -> Option<Fault> {
    let greatest = counted.greatest.unwrap_or(0);
    let most = counted.most;
    let (tells, repair) = match counted.next {
        Some(next) if next > greatest => return None,
        Some(next) => {
            let tells = format!("would hand out #{next} next, and #{greatest} is there already");
            (tells, counted.raised(greatest.checked_add(1)))
        }
        None => (format!("the counter is at its end, {most}: no row can be added"), None),
    };
    let (class, tells) = match repair {
        Some(_) => (Class::Automatic, tells),
        None => (Class::Manual, format!("{tells}; {} has no greater number", counted.sql_type)),
    };
    Some(Fault { class, severity: None, tells, repair })
}

/// The greatest integer in a column; nothing where there is none.
async fn greatest(db: &Db, table: &Ident, column: &Ident) -> std::result::Result<Option<i64>, DbError> {
    let sql = Sql::new("SELECT MAX(").ident(column).push(") FROM ").ident(table);
    match db.one(sql.clone()).await?.cell(0)? {
        Cell::Int(value) => Ok(Some(value)),
        Cell::Null => Ok(None),
        // SQLite takes text for greater than every number.
        _ if db.dialect() == Dialect::Sqlite => {
            let sql = sql.push(" WHERE typeof(").ident(column).push(") = 'integer'");
            db.one(sql).await?.int_opt(0)
        }
        // Greater than any signed integer, as MySQL's unsigned ones can be.
        _ => Ok(Some(i64::MAX)),
    }
}

/// The greatest id of the table that another one refers to.
async fn referred(portal: &Portal, counted: &Counted) -> Result<Option<(i64, String)>> {
    let (table, key) = (counted.table.as_str(), counted.column.as_str());
    let keys = portal.schema.references_to(table).filter(|foreign| foreign.to_column == key);
    let catalogued = keys.map(|foreign| (foreign.table.as_str(), foreign.column.as_str()));
    let known =
        KNOWN.iter().filter(|(.., to)| *to == table && key == "id").map(|(from, column, _)| (*from, *column));
    let columns: BTreeSet<(&str, &str)> = catalogued.chain(known).collect();
    let mut found: Option<(i64, String)> = None;
    for (from, column) in columns {
        let Some(from) = portal.schema.table(from) else { continue };
        let Some(column) = from.column(column).filter(|column| column.kind == ColumnKind::Int) else {
            continue;
        };
        let value = greatest(&portal.db, &from.name, &column.name).await?;
        if let Some(value) = value.filter(|value| found.as_ref().is_none_or(|(known, _)| value > known)) {
            found = Some((value, format!("{}.{}", from.name.as_str(), column.name.as_str())));
        }
    }
    Ok(found)
}

/// The greatest value of an integer type, in the engine's words for it.
fn most(dialect: Dialect, sql_type: &str) -> i64 {
    if dialect == Dialect::Sqlite {
        return i64::MAX;
    }
    let lower = sql_type.to_ascii_lowercase();
    let word = lower.split(['(', ' ']).next().unwrap_or_default();
    let bits = match word {
        "tinyint" => 8,
        "smallint" => 16,
        "mediumint" => 24,
        "int" | "integer" => 32,
        _ => return i64::MAX,
    };
    if lower.contains("unsigned") { (1 << bits) - 1 } else { (1 << (bits - 1)) - 1 }
}

impl CounterCheck {
    /// The counters with something wrong; `only` at these places, or all.
    async fn faulty(&self, portal: &Portal, only: Option<&[Subject]>) -> Result<Vec<(Counted, Fault)>> {
        let mut found = Vec::new();
        for (table, column) in keyed(&portal.schema) {
            let place = place(&table.name, &column.name);
            if only.is_some_and(|subjects| subjects.iter().all(|subject| subject.place != place)) {
                continue;
            }
            let Some(mut counted) = Counted::read(portal, table, column).await? else { continue };
            if self.asks_references {
                counted.referred = referred(portal, &counted).await?;
            }
            if let Some(fault) = (self.judge)(&counted)? {
                found.push((counted, fault));
            }
        }
        Ok(found)
    }

    async fn find_faults(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let faulty = self.faulty(scan.portal, None).await?;
        let of = |class: Class| {
            let these = || faulty.iter().filter(move |(_, fault)| fault.class == class);
            let found =
                Found::each(self.about, class, these().map(|(counted, _)| counted.subject()).collect())?;
            let severity = these().map(|(_, fault)| fault.severity.unwrap_or(self.about.severity)).max();
            Some(Found { severity: severity.unwrap_or(found.severity), ..found })
        };
        Ok([Class::Automatic, Class::Choose, Class::Manual].into_iter().filter_map(of).collect())
    }

    async fn chosen(&self, portal: &Portal, subject: Subject) -> Result<Option<(Decision, Part)>> {
        let faulty = self.faulty(portal, Some(&[subject])).await?;
        Ok(faulty.into_iter().find(|(_, fault)| fault.class == Class::Choose).and_then(|(counted, fault)| {
            let title = format!("{}: {}", counted.table.as_str(), fault.tells);
            let step = fault.repair?;
            let label = match &step {
                Step::Ddl(ddl) => ddl.statement(),
                _ => "let it count again".to_owned(),
            };
            let question = Question::new("counter", "Counter", vec![Choice::new("restore", label)]);
            let decision = Decision { subject, title, questions: vec![question.proposing("restore")] };
            Some((decision, counted.part(step)))
        }))
    }
}

#[async_trait]
impl Check for CounterCheck {
    fn about(&self) -> &'static About {
        self.about
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        self.find_faults(scan).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let faulty = self.faulty(portal, Some(subjects)).await?;
        Ok(faulty.iter().map(|(counted, fault)| counted.row(fault)).collect())
    }

    async fn parts(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
        let faulty = self.faulty(portal, Some(subjects)).await?.into_iter();
        let automatic = faulty.filter(|(_, fault)| fault.class == Class::Automatic);
        Ok(automatic.filter_map(|(counted, fault)| Some(counted.part(fault.repair?))).collect())
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        Ok(self.chosen(portal, subject).await?.map(|(decision, _)| decision))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        let Some((decision, part)) = self.chosen(portal, subject).await? else { return Ok(Vec::new()) };
        decision.check(answers)?;
        Ok(vec![part])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_value_follows_the_type() {
        for (dialect, sql_type, value) in [
            (Dialect::Sqlite, "integer", i64::MAX),
            (Dialect::Postgres, "integer", 2_147_483_647),
            (Dialect::Postgres, "bigint", i64::MAX),
            (Dialect::MySql, "int(11)", 2_147_483_647),
            (Dialect::MySql, "int(10) unsigned", 4_294_967_295),
            (Dialect::MySql, "smallint(5) unsigned", 65_535),
            (Dialect::MySql, "bigint(20)", i64::MAX),
        ] {
            assert_eq!(most(dialect, sql_type), value, "{sql_type}");
        }
    }
}
