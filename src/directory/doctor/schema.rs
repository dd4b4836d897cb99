//! Tables and columns: what the portal's work needs, and our own.

use super::{Item, Status};
use crate::change::journal;
use crate::db::schema::{Lack, OWN_TABLES, PORTAL_TABLES, Schema};
use crate::db::{Db, Dialect, Sql, migrate, own};
use crate::error::Result;

const AREA: &str = "schema";

/// The journal is looked through whole up to so many changes; a larger one takes its time, and a command of its own.
const JOURNAL: i64 = 5_000;

pub(super) async fn tables(db: &Db, schema: &Schema) -> Vec<Item> {
    if let Err(error) = schema.is_portal() {
        return vec![Item::new(AREA, "portal", Status::Problem, error.message)];
    }
    let mut items: Vec<Item> = schema.lacks().iter().map(|lack| lacking(db, lack)).collect();
    if items.is_empty() {
        items.push(Item::new(AREA, "portal", Status::Ok, "all tables and columns of the portal are there"));
    }
    items.extend(unknown(schema));
    items.extend(
        version(db, schema).await.unwrap_or_else(|error| Some(Item::failed(AREA, "version", &error))),
    );
    items.extend(
        own_tables(db, schema)
            .await
            .unwrap_or_else(|error| vec![Item::new(AREA, "journal", Status::Problem, error.message)]),
    );
    items
}

fn lacking(db: &Db, lack: &Lack) -> Item {
    let status = if matches!(lack, Lack::Key(_)) { Status::Problem } else { Status::Warning };
    let remedy = match (lack, db.dialect()) {
        (Lack::Table(name), Dialect::MySql) => format!(
            "Run the portal's migrations; or, if the table is there, let the account see it: \
             GRANT SELECT ON `{}`.`{name}` TO the account.",
            db.target().database
        ),
        (Lack::Table(_) | Lack::Column(..), _) => "Run the portal's migrations.".to_owned(),
        (Lack::Demand(..), _) => {
            "Create these rows in the portal itself, or give the column a default.".to_owned()
        }
        (Lack::Key(_), _) => "Give the table a primary key.".to_owned(),
    };
    Item::new(AREA, lack.table(), status, lack.to_string()).mend(remedy)
}

/// Columns that Django's own models don't have. They are kept and undone like all others.
fn unknown(schema: &Schema) -> Option<Item> {
    let mut names = Vec::new();
    for (table, known) in PORTAL_TABLES {
        let columns = schema.table(table).map(|table| table.columns.as_slice()).unwrap_or_default();
        let columns = columns.iter().map(|column| column.name.as_str());
        names.extend(columns.filter(|name| !known.contains(name)).map(|name| format!("{table}.{name}")));
    }
    (!names.is_empty()).then(|| {
        let message =
            format!("columns that portaldesk does not know, kept as they are: {}", names.join(", "));
        Item::new(AREA, "unknown columns", Status::Note, message)
    })
}

/// Which migrations of the portal's own app were applied, as far as it matters here.
async fn version(db: &Db, schema: &Schema) -> Result<Option<Item>> {
    let Some(profiles) = schema.table("core_userprofile") else { return Ok(None) };
    let is_unique = profiles.is_unique(&["main_portal_id"]);
    let newest = match schema.table("django_migrations") {
        Some(_) => {
            let sql =
                Sql::new("SELECT name FROM django_migrations WHERE app = ? ORDER BY id DESC").bind("core");
            db.all(sql).await?.first().map(|row| row.text(0)).transpose()?
        }
        None => None,
    };
    let newest = newest.map_or_else(|| "unknown".to_owned(), |name| format!("core {name}"));
    Ok(Some(if is_unique {
        let message = format!("{newest}; main_portal_id has a unique index, as before core 0004");
        Item::new(AREA, "migrations", Status::Note, message)
    } else {
        let message = format!("{newest}; main_portal_id has no unique index, as since core 0004");
        Item::new(AREA, "migrations", Status::Ok, message)
    }))
}

/// Our own tables, and what is in the journal.
async fn own_tables(db: &Db, schema: &Schema) -> Result<Vec<Item>> {
    let missing: Vec<&str> = OWN_TABLES.into_iter().filter(|name| schema.table(name).is_none()).collect();
    if missing.len() == OWN_TABLES.len() {
        let message = "portaldesk's own tables are not there, so this portal is only read";
        return Ok(vec![
            Item::new(AREA, "own tables", Status::Note, message)
                .mend("portaldesk init makes them, or a superuser on the screens (W)."),
        ]);
    }
    if !missing.is_empty() {
        let message = format!("of portaldesk's own tables some are missing: {}", missing.join(", "));
        return Ok(vec![
            Item::new(AREA, "own tables", Status::Problem, message)
                .mend("portaldesk init --remove, then portaldesk init."),
        ]);
    }
    let version = migrate::own_version(db, schema).await?;
    let current = migrate::NEWEST;
    let mut items = vec![if version == current {
        Item::new(
            AREA,
            "own tables",
            Status::Ok,
            format!("portaldesk's own tables are there, version {version}"),
        )
    } else {
        let message = format!("portaldesk's own tables have version {version}, this program makes {current}");
        Item::new(AREA, "own tables", Status::Warning, message)
            .mend("portaldesk init brings them up to date.")
    }];
    items.push(chain(db).await?);
    Ok(items)
}

async fn chain(db: &Db) -> Result<Item> {
    let newest = own::newest_change(db).await?;
    if newest > JOURNAL {
        let message = format!("the journal holds some {newest} changes and was not looked through");
        return Ok(
            Item::new(AREA, "journal", Status::Note, message).mend("portaldesk history --verify does.")
        );
    }
    let verified = journal::examine(db).await?;
    let Some(first) = verified.broken.first() else {
        let message = format!("the journal is whole: {} changes", verified.changes);
        return Ok(Item::new(AREA, "journal", Status::Ok, message));
    };
    let (count, operation, why) = (verified.broken.len(), &first.operation, &first.why);
    let message = format!("{count} changes of the journal are not as they were written; {operation}: {why}");
    Ok(Item::new(AREA, "journal", Status::Problem, message).mend("portaldesk history --verify lists them."))
}
