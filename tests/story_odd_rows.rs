//! Rows as no portal should have them: shown safely, changed beside what is odd, and brought back to the byte.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Actor, Image, Outcome, Plan, Watch, journal};
use portaldesk::db::schema::Schema;
use portaldesk::db::{Db, Dialect, Sql};
use portaldesk::directory::accounts::{self, Draft};
use portaldesk::directory::{Portal, Settings, history, record, users};
use support::TestDb;

async fn portal(db: &Db) -> Portal {
    Portal::over(db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

async fn create(portal: &Portal, name: &str) -> i64 {
    let plan = accounts::create(portal, &Draft::default().with("username", name)).await.unwrap();
    portal.writer().unwrap().apply(plan).await.unwrap();
    users::find(portal, name).await.unwrap()
}

async fn undo(portal: &Portal, id: &str) -> Outcome {
    let planned = history::plan_undo(portal, id, OldPassword::WorksAgain).await.unwrap();
    assert_eq!(planned.left, Vec::<String>::new());
    history::apply_undo(portal, id, planned, &Watch::default()).await.unwrap()
}

stories! {
    async fn odd_rows_are_shown_changed_and_brought_back_to_the_byte(db: TestDb) {
        let id = create(&portal(&db).await, "odd").await;
        make_odd(&db, id).await;
        let portal = portal(&db).await;
        let before = exact(&db).await;
        let query = users::Query::default();
        for sort in users::Column::ALL {
            let query = users::Query { sort, ..query.clone() };
            let page = users::page(&portal, &query, &users::From::Start, 10).await.unwrap();
            assert_eq!(page.rows.len(), 1, "{sort:?}");
            let place = page.rows[0].place.clone();
            let at = users::page(&portal, &query, &users::From::At(place), 10).await.unwrap();
            assert_eq!(at.rows.len(), 1, "{sort:?}: the row is found again by its place");
        }
        let words = query.filtered("nobody 07");
        assert_eq!(users::count(&portal, &words).await.unwrap(), 0, "a search goes through it");
        let shown = record::read(&portal, id).await.unwrap();
        assert_eq!(shown.profiles.len(), 1);
        assert_eq!(shown.user.date_joined, None, "a time that is none is shown as none");

        // Another column changes, and changes back.
        let plan = accounts::edit(&portal, id, &Draft::default().with("last_name", "Changed")).await.unwrap();
        assert!(serde_json::to_string(&plan.to_json()).is_ok());
        let changed = portal.writer().unwrap().apply(plan).await.unwrap();
        undo(&portal, changed.operation().unwrap()).await;
        assert_eq!(exact(&db).await, before, "an edit and its undo");
        let plan = accounts::edit(&portal, id, &Draft::default().with("main_portal_id", "B31")).await.unwrap();
        let changed = portal.writer().unwrap().apply(plan).await.unwrap();
        undo(&portal, changed.operation().unwrap()).await;
        // The portal's `auto_now` moves with an edit, and its old value comes back with the undo.
        assert_eq!(exact(&db).await, before, "an edit of the profile and its undo");

        // All of it goes, and comes back.
        let rows = accounts::Rows::read(&portal, id).await.unwrap();
        let mut plan = Plan::new("Remove");
        for profile in rows.profiles {
            plan.delete("core_userprofile", Image::of("id", profile.get("id").unwrap().clone()), profile);
        }
        plan.delete("auth_user", Image::id(id), rows.user);
        let removed = portal.writer().unwrap().apply(plan).await.unwrap();
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user").await, 0);
        undo(&portal, removed.operation().unwrap()).await;
        assert_eq!(exact(&db).await, before, "a removal and its undo");
        assert_eq!(journal::verify(&db).await.unwrap(), []);

        if db.dialect() == Dialect::Sqlite {
            db.without_foreign_keys("UPDATE core_userprofile SET department_id = 'none'").await;
            let shown = record::read(&portal, id).await.expect("a department that is no number");
            assert_eq!(shown.profiles[0].0.department_id, None);
        }
    }
}

/// Columns that no portal has, and values in the known ones that no portal writes.
async fn make_odd(db: &TestDb, id: i64) {
    let (columns, values): (&[&str], &[&str]) = match db.dialect() {
        Dialect::Sqlite => (ODD_SQLITE, ODD_SQLITE_VALUES),
        Dialect::MySql => (ODD_MYSQL, ODD_MYSQL_VALUES),
        Dialect::Postgres => (ODD_POSTGRES, ODD_POSTGRES_VALUES),
    };
    // A connection of its own, because its settings stay changed.
    let other = db.second().await;
    let own = if db.dialect() == Dialect::MySql { "SET SESSION sql_mode = ''" } else { "SELECT 1" };
    let mut script = vec![own.to_owned()];
    script.extend(columns.iter().map(|&text| text.to_owned()));
    script.extend(values.iter().map(|text| text.replace(":id", &id.to_string())));
    other.script(script).await.unwrap();
}

const ODD_SQLITE: &[&str] = &[
    "ALTER TABLE auth_user ADD COLUMN photo blob",
    "ALTER TABLE auth_user ADD COLUMN amount decimal(10, 2)",
    "ALTER TABLE auth_user ADD COLUMN doc json",
    "ALTER TABLE auth_user ADD COLUMN \"odd name\" uuid",
    "ALTER TABLE auth_user ADD COLUMN shout text GENERATED ALWAYS AS (last_name || '!') VIRTUAL",
    "ALTER TABLE core_userprofile ADD COLUMN badge",
    "ALTER TABLE core_userprofile ADD COLUMN size GENERATED ALWAYS AS (length(main_portal_id)) VIRTUAL",
];
const ODD_SQLITE_VALUES: &[&str] = &[
    "UPDATE auth_user SET username = CAST(X'6F6464FF00FE' AS TEXT), first_name = 'a' || char(0) || 'b', email = X'00FF', \
     is_staff = 'maybe', is_superuser = 2, is_active = 1.5, date_joined = 12345, last_login = 3.25, photo = X'00FF10', \
     amount = 0.1, doc = '{\"a\": [1, 2]}', \"odd name\" = 9e999 WHERE id = :id",
    "UPDATE core_userprofile SET email_notifications = 'yes', created_at = 'yesterday', updated_at = -1, \
     phone_number = CAST(X'FF' AS TEXT), badge = -9223372036854775808 WHERE user_id = :id",
];

const ODD_MYSQL: &[&str] = &[
    "ALTER TABLE auth_user ADD photo blob, ADD amount decimal(12, 4), ADD doc json, ADD `odd name` varchar(36), \
     ADD mood enum('ok', 'né'), ADD many set('a', 'b'), ADD bits bit(9), ADD y year, ADD t time(3), ADD day date, \
     ADD p point, ADD shout varchar(200) GENERATED ALWAYS AS (concat(last_name, '!')) STORED, \
     ADD size int GENERATED ALWAYS AS (length(last_name)) VIRTUAL, ADD f float, ADD d double, \
     ADD big bigint unsigned, ADD raw varbinary(10), ADD fixed binary(4), ADD latin varchar(20) CHARACTER SET latin1, \
     ADD touched timestamp(6) NULL ON UPDATE CURRENT_TIMESTAMP(6)",
    "ALTER TABLE core_userprofile ADD badge longblob, \
     ADD size int GENERATED ALWAYS AS (length(main_portal_id)) VIRTUAL",
];
const ODD_MYSQL_VALUES: &[&str] = &[
    "UPDATE auth_user SET first_name = CONCAT('a', CHAR(0), 'b'), is_staff = 7, date_joined = '0000-00-00 00:00:00', \
     last_login = '2024-00-31 00:00:00', photo = X'00FF10', amount = 0.1, doc = '{\"a\": [1, 2]}', `odd name` = UUID(), \
     mood = 'né', many = 'a,b', bits = b'101010101', y = 1999, t = '-800:00:00.123', day = '0000-00-00', \
     p = ST_GeomFromText('POINT(1 2.5)'), f = 0.1, d = 1e300 / 3, big = 18446744073709551615, raw = X'80FF', \
     fixed = X'00', latin = 'é', touched = '2020-02-02 02:02:02.020202' WHERE id = :id",
    "UPDATE core_userprofile SET email_notifications = 2, created_at = '0000-00-00 00:00:00', \
     updated_at = '0000-00-00 00:00:00', badge = X'C0C1' WHERE user_id = :id",
];

const ODD_POSTGRES: &[&str] = &[
    "CREATE TYPE \"Mood\" AS ENUM ('ok', 'n''é')",
    "CREATE DOMAIN small AS int CHECK (VALUE < 10)",
    "ALTER TABLE auth_user ADD photo bytea, ADD amount numeric, ADD doc json, ADD docb jsonb, ADD \"odd name\" uuid, \
     ADD mood \"Mood\", ADD many text[], ADD bits bit(9), ADD i interval, ADD net inet, ADD fixed char(5), ADD f real, \
     ADD d double precision, ADD day date, ADD naive timestamp, ADD few small, ADD span int4range, ADD words tsvector, \
     ADD shout text GENERATED ALWAYS AS (last_name || '!') STORED",
    "ALTER TABLE core_userprofile ADD badge \"char\", \
     ADD size int GENERATED ALWAYS AS (length(main_portal_id)) STORED",
];
const ODD_POSTGRES_VALUES: &[&str] = &[
    "UPDATE auth_user SET date_joined = 'infinity', last_login = '0044-03-15 BC', photo = '\\x00ff10', amount = 'NaN', \
     doc = '{\"a\":  [1, 2]}', docb = '{\"a\": [1, 2]}', \"odd name\" = '550e8400-e29b-41d4-a716-446655440000', \
     mood = 'n''é', many = '{a,NULL,\"b,c\"}', bits = B'101010101', i = '-1 mon 3 days', net = '10.0.0.0/8', fixed = 'ab', \
     f = 0.1, d = 1e300 / 3, day = 'infinity', naive = '0044-03-15 BC', few = 7, span = '[1,5)', words = 'a:1 b:2' \
     WHERE id = :id",
    "UPDATE core_userprofile SET created_at = '-infinity', updated_at = 'infinity', badge = 'x' WHERE user_id = :id",
];

/// What the engine itself says of every byte of the two tables, without our way of reading rows.
async fn exact(db: &TestDb) -> Vec<String> {
    let mut told = Vec::new();
    let schema = Schema::read(db).await.unwrap();
    for name in ["auth_user", "core_userprofile"] {
        let table = &schema.tables[name];
        let sql = match db.dialect() {
            Dialect::Postgres => Sql::new("SELECT CAST(t AS text) FROM ").ident(&table.name).push(" t"),
            Dialect::MySql => Sql::new("CHECKSUM TABLE ").ident(&table.name).push(" EXTENDED"),
            Dialect::Sqlite => {
                let mut sql = Sql::new("SELECT ''");
                for column in &table.columns {
                    sql = sql.push(" || '|' || typeof(").ident(&column.name);
                    sql = sql.push(") || COALESCE(hex(CAST(").ident(&column.name).push(" AS BLOB)), '')");
                }
                sql.push(" FROM ").ident(&table.name)
            }
        };
        let column = usize::from(db.dialect() == Dialect::MySql);
        told.extend(db.all(sql).await.unwrap().iter().map(|row| row.text(column).unwrap()));
    }
    assert_eq!(told.len(), 2);
    told
}
