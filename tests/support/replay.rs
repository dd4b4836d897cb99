//! The journal told again: every row that it says was written, on top of the rows that were there before, gives the rows
//! that are there now.

use std::collections::BTreeMap;

use portaldesk::change::{Image, rows};
use portaldesk::db::own::{self, Wanted};
use portaldesk::db::schema::Schema;
use portaldesk::db::{Db, Reads as _};

/// The rows of some tables, by table and key.
pub(crate) type Tables = BTreeMap<(String, String), Image>;

/// The rows as they are now.
pub(crate) async fn read(db: &Db, schema: &Schema, names: &[&str]) -> Tables {
    let mut found = Tables::new();
    for name in names {
        let table = &schema.tables[*name];
        for row in db.clone().rows(rows::select(db.dialect(), table)).await.expect("all rows") {
            let image = rows::image(db.dialect(), table, &row).expect("an image");
            found.insert(((*name).to_owned(), key(&rows::key_of(table, &image))), image);
        }
    }
    found
}

fn key(key: &Image) -> String {
    key.to_json().expect("JSON").to_string()
}

/// Writes on top of `tables` what the journal says was written, from the change after the first `known` ones to the last.
/// Each row must be as the journal found it. The portal's own log is left out: entries come by every write.
pub(crate) async fn replay(db: &Db, mut tables: Tables, known: usize) -> Tables {
    let changes = own::changes(db, &Wanted::default()).await.expect("the journal");
    for listed in changes.into_iter().rev().skip(known) {
        for row in own::change_rows(db, listed.id).await.expect("its rows") {
            if row.table_name == "django_admin_log" {
                continue;
            }
            let image = |text: Option<&str>| text.map(|text| Image::from_json(text).expect("an image"));
            let name = (row.table_name.clone(), key(&Image::from_json(&row.row_key).expect("a key")));
            let what = &listed.change.title;
            assert_eq!(tables.remove(&name), image(row.before_image.as_deref()), "{what}: {name:?} before");
            if let Some(after) = image(row.after_image.as_deref()) {
                tables.insert(name, after);
            }
        }
    }
    tables
}
