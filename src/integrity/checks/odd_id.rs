//! SEQ-006: ids that are no counter's.

use async_trait::async_trait;

use crate::change::Image;
use crate::db::schema::{Column, Table};
use crate::db::{Cell, Sql};
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Severity, Stage, Subject,
};
use crate::integrity::counters::{keyed, place};
use crate::integrity::scan::Scan;

/// The check.
pub struct OddId;

static ABOUT: About = About {
    id: "SEQ-006",
    severity: Severity::Error,
    title: "ids of zero or less",
    why: "On MySQL Django refuses to work with the id 0, a restored dump gives such a row another id, and the portal's \
          pages take it for none.",
    cause: "AUTO_INCREMENT was lost on a server that is not strict, or somebody wrote the id by hand.",
    remedy: "Give the row a free id above all others, in the table and in every column that refers to it, by SQL in one \
             transaction and with the portal stopped; then look at SEQ-001, SEQ-002 and SEQ-003.",
    choice: "",
    needs: &[],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Counters,
    rows_each: 1,
};

#[async_trait]
impl Check for OddId {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let mut subjects = Vec::new();
        for (table, key) in keyed(scan.schema()) {
            let place = place(&table.name, &key.name);
            let mut rows = scan.db().stream(odd(table, key));
            while let Some(row) = rows.recv().await {
                subjects.push(Subject { place, id: row?.int(0)? });
            }
        }
        subjects.sort_unstable();
        Ok(Found::each(&ABOUT, Class::Manual, subjects).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let mut found = Vec::new();
        for (table, key) in keyed(&portal.schema) {
            let place = place(&table.name, &key.name);
            let ids = super::ids(subjects, place);
            for part in ids.chunks(super::AT_ONCE) {
                let sql =
                    odd(table, key).push(" AND ").ident(&key.name).push(" IN (").list(part.iter().copied());
                for row in portal.db.all(sql.push(")")).await? {
                    let id = row.int(0)?;
                    let name = table.name.as_str();
                    found.push(FindingRow {
                        subject: Subject { place, id },
                        table: name.to_owned().into(),
                        key: Image::of(key.name.as_str(), Cell::Int(id)),
                        user_id: (name == "auth_user").then_some(id),
                        username: None,
                        text: format!("{name} has a row with {} {id}", key.name.as_str()),
                    });
                }
            }
        }
        Ok(found)
    }
}

fn odd(table: &Table, key: &Column) -> Sql {
    let sql = Sql::new("SELECT ").ident(&key.name).push(" FROM ").ident(&table.name);
    sql.push(" WHERE ").ident(&key.name).push(" <= 0")
}
