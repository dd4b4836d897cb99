//! What Django holds to be applied: the rows of `django_migrations`.

use std::collections::BTreeMap;

use crate::db::{Db, Sql};
use crate::error::Result;

/// The portal's own application.
pub(super) const PORTAL: &str = "core";

/// The rows, in the order of their ids.
pub(super) struct Migrations {
    rows: Vec<Row>,
}

struct Row {
    id: i64,
    app: String,
    name: String,
}

/// A migration that is recorded more than once.
pub(super) struct Twice {
    /// Every row of it, the lowest id first.
    pub(super) ids: Vec<i64>,
    pub(super) app: String,
    pub(super) name: String,
}

impl Migrations {
    /// Reads them.
    ///
    /// # Errors
    /// What the engine says.
    pub(super) async fn read(db: &Db) -> Result<Self> {
        let sql = Sql::new("SELECT id, app, name FROM django_migrations ORDER BY id");
        let row = |row: &crate::db::Row| -> Result<Row> {
            Ok(Row { id: row.int(0)?, app: row.text(1)?, name: row.text(2)? })
        };
        Ok(Self { rows: db.all(sql).await?.iter().map(row).collect::<Result<_>>()? })
    }

    /// Whether `main_portal_id` is no longer to be unique: the portal's 0004, or one that stands for it.
    pub(super) fn has_0004(&self) -> bool {
        self.rows.iter().any(|row| row.app == PORTAL && covers(&row.name).is_some_and(|(_, last)| last >= 4))
    }

    /// Whether anything of this application is recorded.
    pub(super) fn knows(&self, app: &str) -> bool {
        self.rows.iter().any(|row| row.app == app)
    }

    /// What is recorded more than once. Django compares these names letter by letter, and so does this.
    pub(super) fn twice(&self) -> Vec<Twice> {
        let mut by_name: BTreeMap<(&str, &str), Vec<i64>> = BTreeMap::new();
        for row in &self.rows {
            by_name.entry((&row.app, &row.name)).or_default().push(row.id);
        }
        by_name
            .into_iter()
            .filter(|(_, ids)| ids.len() > 1)
            .map(|((app, name), ids)| Twice { ids, app: app.to_owned(), name: name.to_owned() })
            .collect()
    }

    /// The numbers below the newest one of this application that are not recorded, as Django numbers migrations.
    pub(super) fn gaps(&self, app: &str) -> Vec<u32> {
        let ranges: Vec<(u32, u32)> =
            self.rows.iter().filter(|row| row.app == app).filter_map(|row| covers(&row.name)).collect();
        let newest = ranges.iter().map(|(_, last)| *last).max().unwrap_or(0);
        (1..newest)
            .filter(|number| !ranges.iter().any(|(first, last)| (first..=last).contains(&number)))
            .collect()
    }
}

/// The numbers that a migration stands for: its own, or all that it was squashed from (`0001_squashed_0004_name`).
fn covers(name: &str) -> Option<(u32, u32)> {
    let number = |text: &str| -> Option<u32> {
        let digits = text.get(..4)?;
        let ends = text[4..].is_empty() || text[4..].starts_with('_');
        (ends && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
    };
    let first = number(name)?;
    let last = name.split_once("_squashed_").and_then(|(_, rest)| number(rest)).unwrap_or(first);
    Some((first, last.max(first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migrations(names: &[(&str, &str)]) -> Migrations {
        let row = |(id, (app, name)): (i64, &(&str, &str))| Row {
            id,
            app: (*app).to_owned(),
            name: (*name).to_owned(),
        };
        Migrations { rows: (1..).zip(names).map(row).collect() }
    }

    #[test]
    fn a_later_or_squashed_migration_stands_for_0004() {
        assert!(migrations(&[("core", "0004_remove_main_portal_id_unique")]).has_0004());
        assert!(migrations(&[("core", "0001_squashed_0005_more")]).has_0004());
        assert!(!migrations(&[("core", "0003_x"), ("auth", "0012_x"), ("core", "00040_x")]).has_0004());
    }

    #[test]
    fn gaps_and_doubles_are_seen() {
        let told = migrations(&[
            ("core", "0001_initial"),
            ("core", "0004_d"),
            ("core", "0002_b"),
            ("auth", "0001_squashed_0003_c"),
            ("auth", "0004_d"),
            ("core", "0002_b"),
            ("core", "fixup"),
        ]);
        assert_eq!(told.gaps("core"), [3]);
        assert!(told.gaps("auth").is_empty() && told.gaps("sites").is_empty());
        let twice = told.twice();
        assert_eq!(twice.len(), 1);
        assert_eq!((twice[0].ids.as_slice(), twice[0].name.as_str()), ([3, 6].as_slice(), "0002_b"));
    }
}
