//! SCH-002: texts of the portal that are stored or compared in different ways.

use std::collections::BTreeMap;

use crate::change::Image;
use crate::db::blueprint::TABLES;
use crate::db::physical::{self, TextColumn};
use crate::db::{Dialect, Sql};
use crate::directory::Portal;
use crate::error::Result;
use crate::text;

use crate::integrity::check::{About, FindingRow, Severity, Stage, Subject, place_of};
use crate::integrity::constraints::portal_table;
use crate::integrity::listing::Listing;

/// The check.
pub static COLLATIONS: Listing = Listing { about: &ABOUT, list: |portal| Box::pin(mixed(portal)) };

static ABOUT: About = About {
    id: "SCH-002",
    severity: Severity::Warning,
    title: "tables whose texts are stored or compared in another way",
    why: "Comparing texts of two collations fails ('Illegal mix of collations', 1267) or equals names in one table that \
          differ in the other. utf8mb3 and older character sets can't hold every name and no emoji.",
    cause: "Tables made at different times: the server's or the database's default changed between them.",
    remedy: "Stop the portal, make a backup, and run the ALTER TABLE of each row. Names that the new collation holds for \
             equal make it fail on a unique column (1062): rename one of them first.",
    choice: "",
    needs: &[],
    engines: &[Dialect::MySql],
    deep: false,
    stage: Stage::Schema,
    rows_each: 1,
};

/// The only character set that holds every character.
const WANTED: &str = "utf8mb4";

async fn mixed(portal: &Portal) -> Result<Vec<FindingRow>> {
    let mut columns = physical::text_columns(&portal.db).await?;
    columns.retain(is_the_models);
    let default = portal.db.one(Sql::new("SELECT @@collation_database")).await?.text(0)?;
    let wanted = usual(&columns, &default);
    let mut rows = Vec::new();
    for of_table in columns.chunk_by(|a, b| a.table == b.table) {
        let Some(table) = portal_table(&of_table[0].table) else { continue };
        let odd: Vec<String> = of_table
            .iter()
            .filter(|column| column.charset != WANTED || column.collation != wanted)
            .map(|column| format!("{} is {}", column.column, text::safe(&column.collation)))
            .collect();
        if odd.is_empty() {
            continue;
        }
        rows.push(FindingRow {
            subject: Subject { place: place_of(table), id: 0 },
            table: table.into(),
            key: Image::default(),
            user_id: None,
            username: None,
            text: format!(
                "{table}: {}; most of the portal is {wanted}: ALTER TABLE `{table}` CONVERT TO CHARACTER SET {WANTED} \
                 COLLATE {wanted}",
                odd.join(", ")
            ),
        });
    }
    Ok(rows)
}

/// What a portal added may be compared as it likes.
fn is_the_models(column: &TextColumn) -> bool {
    TABLES.iter().any(|(table, fields)| {
        *table == column.table && fields.iter().any(|field| field.name == column.column)
    })
}

/// The collation of most columns that hold every character; where there is none, the database's own or the oldest one.
fn usual(columns: &[TextColumn], default: &str) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for column in columns.iter().filter(|column| column.charset == WANTED) {
        *counts.entry(&column.collation).or_default() += 1;
    }
    let most = counts.iter().max_by_key(|(name, count)| (**count, **name == default));
    match most {
        Some((name, _)) => (*name).to_owned(),
        None if default.starts_with(WANTED) => default.to_owned(),
        None => format!("{WANTED}_general_ci"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(charset: &str, collation: &str) -> TextColumn {
        let (table, column) = ("auth_user".to_owned(), "username".to_owned());
        TextColumn { table, column, charset: charset.into(), collation: collation.into() }
    }

    #[test]
    fn what_most_columns_have_is_usual_and_the_default_decides_between_equals() {
        let general = || column("utf8mb4", "utf8mb4_general_ci");
        let unicode = || column("utf8mb4", "utf8mb4_unicode_ci");
        let old = || column("utf8mb3", "utf8mb3_general_ci");
        assert_eq!(usual(&[general(), unicode(), unicode(), old(), old(), old()], "x"), "utf8mb4_unicode_ci");
        assert_eq!(usual(&[general(), unicode()], "utf8mb4_general_ci"), "utf8mb4_general_ci");
        assert_eq!(usual(&[old()], "utf8mb4_unicode_ci"), "utf8mb4_unicode_ci");
        assert_eq!(usual(&[old()], "latin1_swedish_ci"), "utf8mb4_general_ci");
    }
}
