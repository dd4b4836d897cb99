//! The tables that `init` makes are Django's own, compared by each engine's catalogue down to the names of indexes and
//! constraints; and reading a database that Django made changes nothing in it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use portaldesk::db::schema::{ColumnKind, Schema};
use portaldesk::db::{Db, Dialect, Sql, migrate};
use support::django::{Django, Release};
use support::{Made, digest};

/// Everything that the engine knows of the database's tables but ours, in its own words, sorted.
async fn described(db: &Db) -> Vec<String> {
    let mut lines = match db.dialect() {
        Dialect::Sqlite => lines(db, Sql::new("SELECT type, name, tbl_name, sql FROM sqlite_master")).await,
        Dialect::MySql => describe_mysql(db).await,
        Dialect::Postgres => describe_postgres(db).await,
    };
    lines.retain(|line| !line.contains("portaldesk_"));
    lines.sort();
    lines
}

async fn lines(db: &Db, sql: Sql) -> Vec<String> {
    let rows = db.all(sql).await.expect("the catalogue");
    rows.iter()
        .map(|row| (0..).map_while(|index| row.text(index).ok()).collect::<Vec<_>>().join(" | "))
        .collect()
}

async fn describe_mysql(db: &Db) -> Vec<String> {
    let schema = Schema::read(db).await.expect("the catalogue");
    let mut out = Vec::new();
    for table in schema.tables.values() {
        let made = lines(db, Sql::new("SHOW CREATE TABLE ").ident(&table.name)).await.remove(0);
        // Where the counter stands is no part of the table's making.
        let counter = made.find(" AUTO_INCREMENT=").map(|start| {
            let digits = made[start + 16..].chars().take_while(char::is_ascii_digit).count();
            start..start + 16 + digits
        });
        out.push(counter.map_or_else(|| made.clone(), |range| made.replace(&made[range], "")));
    }
    out
}

async fn describe_postgres(db: &Db) -> Vec<String> {
    let mut out = lines(
        db,
        Sql::new(
            // Counted anew, because a column that was dropped keeps its number.
            "SELECT 'column', table_name, row_number() OVER (PARTITION BY table_name ORDER BY ordinal_position), \
             column_name, data_type, \
             CAST(character_maximum_length AS bigint), is_nullable, column_default, identity_generation \
             FROM information_schema.columns WHERE table_schema = current_schema()",
        ),
    )
    .await;
    out.extend(
        lines(
            db,
            Sql::new(
                "SELECT 'constraint', c.relname, k.conname, pg_get_constraintdef(k.oid), k.condeferrable, k.condeferred \
                 FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
                 JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema()",
            ),
        )
        .await,
    );
    out.extend(
        lines(db, Sql::new("SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = current_schema()"))
            .await,
    );
    out.extend(
        lines(
            db,
            Sql::new(
                "SELECT 'sequence', sequencename, CAST(data_type AS text), start_value, min_value, max_value, increment_by \
                 FROM pg_sequences WHERE schemaname = current_schema()",
            ),
        )
        .await,
    );
    out
}

stories! {
    async fn the_tables_of_init_are_djangos_own(db: TestDb) {
        let django = db.sibling(Made::Django0004).await;
        let (ours, theirs) = (described(&db).await, described(&django).await);
        assert!(theirs.len() >= 12, "{theirs:#?}");
        for line in &theirs {
            assert!(ours.contains(line), "init does not make: {line}\nbut {ours:#?}");
        }
        assert_eq!(ours.len(), theirs.len());
        assert_eq!(digest(&django).await.keys().collect::<Vec<_>>(), digest(&db).await.keys().collect::<Vec<_>>());
    }

    /// The dumps of `tests/data/ddl/` are what a real portal's `migrate` makes, whichever Django it runs.
    async fn django_itself_makes_these_tables(db: TestDb) {
        for release in [Release::V42, Release::V52] {
            for (made, target) in [(Made::Django0003, "0003"), (Made::Django0004, "0004")] {
                let theirs = db.sibling(Made::Empty).await;
                let Some(mut django) = Django::start(&theirs, release) else { return };
                for app in ["auth", "admin", "sessions"] {
                    django.command("migrate", &[app]);
                }
                django.command("migrate", &["core", target]);
                let dump = db.sibling(made).await;
                let (theirs, dump) = (described(&theirs).await, described(&dump).await);
                for line in &theirs {
                    assert!(dump.contains(line), "{release:?} at {target}: {line}\nis not in {dump:#?}");
                }
                assert_eq!(theirs.len(), dump.len());
            }
        }
    }

    async fn a_new_portal_has_the_rows_of_a_migrated_one(db: TestDb) {
        let known: serde_json::Value = serde_json::from_str(include_str!("data/permissions.json")).expect("JSON");
        let types = db.all(Sql::new("SELECT app_label, model FROM django_content_type ORDER BY id")).await.unwrap();
        let types: Vec<_> = types.iter().map(|row| serde_json::json!([row.text(0).unwrap(), row.text(1).unwrap()])).collect();
        assert_eq!(serde_json::Value::from(types), known["content_types"]);
        let permissions = db
            .all(Sql::new(
                "SELECT p.codename, t.model FROM auth_permission p JOIN django_content_type t ON t.id = p.content_type_id \
                 ORDER BY p.id",
            ))
            .await
            .unwrap();
        let permissions: Vec<_> =
            permissions.iter().map(|row| serde_json::json!([row.text(0).unwrap(), row.text(1).unwrap()])).collect();
        assert_eq!(serde_json::Value::from(permissions), known["permissions"]);
        let applied = db.all(Sql::new("SELECT ").time("applied").push(" FROM django_migrations")).await.unwrap();
        assert!(applied.iter().all(|row| row.time(0).unwrap().is_some()), "every migration has a readable time");
        // The engine's own counters are ahead of the rows: the next one needs no help.
        db.run("INSERT INTO django_content_type (app_label, model) VALUES ('core', 'complaint')").await;
    }

    async fn reading_djangos_database_changes_nothing(db: TestDb) {
        for made in [Made::Django0003, Made::Django0004] {
            let django = db.sibling(made).await;
            let before = (described(&django).await, digest(&django).await);
            let second = django.second().await;
            let schema = Schema::read(&second).await.unwrap();
            assert_eq!(schema.lacks(), [], "{made:?}");
            schema.is_portal().unwrap();
            assert!(!schema.has_own_tables());
            assert_eq!((described(&django).await, digest(&django).await), before, "{made:?}");
        }
    }

    async fn the_catalogue_tells_kinds_keys_and_references(db: TestDb) {
        let schema = Schema::read(&db).await.unwrap();
        let users = schema.table("auth_user").unwrap();
        let kind = |name: &str| users.column(name).unwrap().kind;
        assert_eq!(
            [kind("id"), kind("username"), kind("is_active"), kind("date_joined")],
            [ColumnKind::Int, ColumnKind::Text, ColumnKind::Bool, ColumnKind::Time]
        );
        let filled: Vec<_> = users.columns.iter().filter(|c| c.has_default).map(|c| c.name.as_str()).collect();
        assert_eq!(filled, ["id"], "the engine fills nothing but the id");
        let nullable: Vec<_> = users.columns.iter().filter(|c| c.nullable).map(|c| c.name.as_str()).collect();
        assert_eq!(nullable, ["last_login"]);
        assert_eq!(users.primary_key, ["id"]);
        assert!(users.is_unique(&["username"]) && users.is_unique(&["id"]) && !users.is_unique(&["email"]));
        assert!(users.is_indexed("username") && users.is_indexed("id") && !users.is_indexed("email"));
        let members = schema.table("auth_user_groups").unwrap();
        assert!(members.is_unique(&["group_id", "user_id"]) && !members.is_unique(&["user_id"]));
        let mut referring: Vec<_> =
            schema.references_to("auth_user").map(|key| (key.table.as_str(), key.column.as_str())).collect();
        referring.sort_unstable();
        assert_eq!(
            referring,
            [
                ("auth_user_groups", "user_id"),
                ("auth_user_user_permissions", "user_id"),
                ("core_userprofile", "user_id"),
                ("django_admin_log", "user_id"),
            ]
        );
        for key in &schema.foreign_keys {
            assert_eq!(key.to_column, "id");
            assert!(matches!(key.on_delete.as_str(), "NO ACTION" | "RESTRICT"), "{key:?}");
        }
        if db.dialect() == Dialect::Postgres {
            assert_eq!(users.column("username").unwrap().sql_type, "character varying", "a length would cut silently");
        }
    }

    async fn the_legacy_portal_id_is_unique_and_the_current_one_is_not(db: TestDb) {
        for (made, unique) in [(Made::Django0003, true), (Made::Django0004, false)] {
            let schema = Schema::read(&db.sibling(made).await.db).await.unwrap();
            let profiles = schema.table("core_userprofile").unwrap();
            assert_eq!(profiles.is_unique(&["main_portal_id"]), unique, "{made:?}");
            assert!(profiles.is_unique(&["user_id"]), "{made:?}");
        }
    }

    async fn what_a_portal_added_is_seen(db: TestDb) {
        db.run("ALTER TABLE auth_user ADD COLUMN badge varchar(10) DEFAULT 'x' NOT NULL").await;
        db.run(
            "CREATE TABLE core_complaint (id int PRIMARY KEY, owner int, code char(3), CONSTRAINT complaint_owner \
             FOREIGN KEY (owner) REFERENCES auth_user (id) ON DELETE SET NULL)",
        )
        .await;
        let schema = Schema::read(&db).await.unwrap();
        assert_eq!(schema.lacks(), [], "a default asks nothing of us");
        let own = schema.references_to("auth_user").find(|key| key.table == "core_complaint").unwrap();
        assert_eq!((own.column.as_str(), own.on_delete.as_str()), ("owner", "SET NULL"));
        if db.dialect() == Dialect::Postgres {
            let code = schema.table("core_complaint").unwrap().column("code").unwrap();
            assert_eq!(code.sql_type, "bpchar", "a cast to plain character would keep one letter");
        }
    }

    async fn a_portal_is_made_in_an_empty_database_only(db: TestDb) {
        let refused = migrate::create_portal(&db).await.unwrap_err();
        assert!(refused.message.contains("not empty"), "{refused}");
        let empty = db.sibling(Made::Empty).await;
        migrate::create_own_tables(&empty).await.unwrap();
        let schema = Schema::read(&empty).await.unwrap();
        assert!(schema.is_empty() && schema.has_own_tables());
        migrate::create_portal(&empty).await.unwrap();
        assert_eq!(digest(&empty).await.len(), 11);
    }

    async fn our_own_tables_come_and_go_and_leave_the_portal_alone(db: TestDb) {
        let before = (described(&db).await, digest(&db).await);
        migrate::create_own_tables(&db).await.unwrap();
        assert_eq!(db.number("SELECT COUNT(*) FROM portaldesk_migration").await, 1, "a second time does nothing");
        assert_eq!(db.number("SELECT COUNT(*) FROM portaldesk_lock WHERE turn = 0").await, 2);
        migrate::drop_own_tables(&db).await.unwrap();
        let schema = Schema::read(&db).await.unwrap();
        assert!(!schema.tables.keys().any(|name| name.starts_with("portaldesk_")));
        assert_eq!((described(&db).await, digest(&db).await), before);
        migrate::create_own_tables(&db).await.unwrap();
        assert!(Schema::read(&db).await.unwrap().has_own_tables());
    }

    async fn tables_of_a_newer_program_or_of_half_an_attempt_are_refused(db: TestDb) {
        db.run("INSERT INTO portaldesk_migration (version, name, applied) VALUES (99, 'later', CURRENT_TIMESTAMP)").await;
        let newer = migrate::create_own_tables(&db).await.unwrap_err();
        assert!(newer.message.contains("99"), "{newer}");
        db.run("DROP TABLE portaldesk_migration").await;
        let half = migrate::create_own_tables(&db).await.unwrap_err();
        assert!(half.message.contains("portaldesk_change") && half.message.contains("--remove"), "{half}");
        migrate::drop_own_tables(&db).await.unwrap();
        migrate::create_own_tables(&db).await.unwrap();
    }
}
