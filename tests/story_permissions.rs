//! Who can sign in and why not, who may what and through what, on every engine.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Account, Actor, Outcome, Watch};
use portaldesk::db::{Cell, Db, Dialect, Sql};
use portaldesk::directory::accounts::{self, Draft, Groups};
use portaldesk::directory::password_test;
use portaldesk::directory::permissions::{self, Catalogue, Path, paths_in_words};
use portaldesk::directory::why::{Reason, Why};
use portaldesk::directory::{Portal, Settings, groups, history, record, users};
use portaldesk::error::{Error, Kind, Result};
use portaldesk::portal::password::Verdict;
use serde_json::{Value, json};
use support::{Made, TestDb, digest};

/// A hash of "Alpha-Lab-2025!" that is cheap to verify; Django made it.
const HASH: &str = "pbkdf2_sha256$1000$0123456789abcdefABCDEF$jmOo+EQ+z7jK7L/EHnNmbPd3VPNHpmvBDwcfg989s1c=";
const PASSWORD: &str = "Alpha-Lab-2025!";

async fn portal(db: &Db) -> Portal {
    Portal::over(db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

/// With the portal's groups.
async fn ready(db: &Db) -> Portal {
    let portal = portal(db).await;
    portal.writer().unwrap().apply(groups::setup(&portal).await.unwrap()).await.unwrap();
    portal
}

async fn group(portal: &Portal, name: &str) -> i64 {
    groups::find(portal, name).await.unwrap()
}

/// A healthy account in these groups; its id.
async fn account(portal: &Portal, name: &str, groups: &[&str]) -> i64 {
    let mut ids = Vec::new();
    for name in groups {
        ids.push(group(portal, name).await);
    }
    let draft = Draft { encoded_password: Some(HASH.into()), groups: Groups::Set(ids), ..Draft::default() }
        .with("username", name);
    let plan = accounts::create(portal, &draft).await.unwrap();
    portal.writer().unwrap().apply(plan).await.unwrap();
    users::find(portal, name).await.unwrap()
}

async fn signed_in(portal: &Portal, name: &str) -> Portal {
    let id = users::find(portal, name).await.unwrap();
    portal.signed_in(Account { id, username: name.to_owned() })
}

async fn edit(portal: &Portal, id: i64, draft: Draft) -> Result<Outcome> {
    portal.writer()?.apply(accounts::edit(portal, id, &draft).await?).await
}

async fn undo(portal: &Portal, outcome: &Outcome) -> Outcome {
    let operation = outcome.operation().expect("something was written").to_owned();
    let planned = history::plan_undo(portal, &operation, OldPassword::WorksAgain).await.unwrap();
    history::apply_undo(portal, &operation, planned, &Watch::default()).await.unwrap()
}

/// Writes a column of an account by hand, as another program would.
async fn put(db: &Db, id: i64, column: &'static str, value: impl Into<Cell>) {
    let value = value.into();
    let written = db.transaction(move |tx| {
        let sql = Sql::new("UPDATE auth_user SET ").push(column).push(" = ");
        let sql = match &value {
            Cell::Text(text) => sql.push_bind("?", text.as_str()),
            Cell::Bool(flag) => sql.push_bind("?", *flag),
            other => panic!("{other:?}"),
        };
        let sql = sql.push_bind(" WHERE id = ?", id);
        Box::pin(async move { Ok(tx.execute(sql).await?) })
    });
    written.await.unwrap();
}

async fn why(portal: &Portal, id: i64) -> Why {
    record::read(portal, id).await.unwrap().sign_in
}

fn kinds(reasons: &[Reason]) -> Vec<&'static str> {
    reasons.iter().map(|reason| reason.kind).collect()
}

fn golden() -> Value {
    serde_json::from_str(include_str!("data/golden.json")).expect("JSON")
}

/// What an account holds, in words.
async fn effective(portal: &Portal, id: i64) -> Vec<String> {
    let catalogue = Catalogue::read(portal).await.unwrap();
    let holding = permissions::holding(portal, id).await.unwrap();
    catalogue
        .effective(&holding)
        .iter()
        .map(|(it, paths)| format!("{} {}", it.label(), paths_in_words(paths)))
        .collect()
}

/// Gives a group a permission by hand.
async fn carry(portal: &Portal, db: &TestDb, group_name: &str, permission: &str) {
    let (group, permission) =
        (group(portal, group_name).await, permissions::find(portal, permission).await.unwrap());
    db.run(&format!(
        "INSERT INTO auth_group_permissions (group_id, permission_id) VALUES ({group}, {permission})"
    ))
    .await;
}

/// What the portal's own log says was changed last.
async fn logged(db: &Db) -> Value {
    let sql = Sql::new("SELECT change_message FROM django_admin_log ORDER BY id DESC LIMIT 1");
    let message = db.one(sql).await.unwrap().text(0).unwrap();
    serde_json::from_str::<Value>(&message).expect("JSON")[0]["changed"].clone()
}

fn change(add: &[i64], remove: &[i64]) -> Groups {
    Groups::Change { add: add.to_vec(), remove: remove.to_vec() }
}

fn with_permissions(permissions: Groups) -> Draft {
    Draft { permissions, ..Draft::default() }
}

stories! {
    /// Whom Django lets in and whom not, by the hash alone, as measured on Django.
    async fn every_kind_of_hash_gets_djangos_verdict(db: TestDb) {
        let portal = ready(&db).await;
        let bela = account(&portal, "bela", &["Engineer"]).await;
        assert_eq!(why(&portal, bela).await, Why::default());
        // Its cheap hash is what a test of a hopeless one costs.
        account(&portal, "other", &[]).await;
        let golden = golden();
        for (name, verdict) in golden["check_password"].as_object().unwrap() {
            let encoded = golden["check_password_encoded"][name].as_str().unwrap();
            put(&db, bela, "password", Cell::Text(encoded.to_owned())).await;
            let why = why(&portal, bela).await;
            assert_eq!(why.can_sign_in(), verdict.as_bool() == Some(true), "{name}: {why:?}");
            let kind = match kinds(&why.reasons).as_slice() {
                [] => "",
                [kind @ ("unusable-password" | "malformed-hash" | "unsupported-hash")] => *kind,
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(kind == "unusable-password", encoded.starts_with('!'), "{name}");
            let needs_library = encoded.starts_with("argon2$") || encoded.starts_with("bcrypt_sha256$");
            let expected = if needs_library && why.can_sign_in() { vec!["library"] } else { vec![] };
            assert_eq!(kinds(&why.cautions), expected, "{name}");
            // What can't be verified is no crash either.
            if !needs_library {
                let tested = password_test::test(&portal, bela, PASSWORD).await.unwrap();
                assert_eq!(tested.opens(), verdict.as_bool() == Some(true), "{name}");
            }
        }
        // Whoever signed in to the portal with such a hash shows that it has the library.
        put(&db, bela, "password", Cell::Text(golden["encoded"]["A"]["argon2"].as_str().unwrap().to_owned())).await;
        db.run(&format!("UPDATE auth_user SET last_login = date_joined WHERE id = {bela}")).await;
        assert_eq!(why(&portal, bela).await, Why::default());
        let costly = golden["encoded"]["A"]["scrypt"].as_str().unwrap().replace("$16384$", "$32768$");
        put(&db, bela, "password", Cell::Text(costly)).await;
        assert_eq!(kinds(&why(&portal, bela).await.reasons), ["costly-hash"]);
    }

    /// Everything else that is said of an account, alone and together.
    async fn every_reason_and_caution_is_told(db: TestDb) {
        let portal = ready(&db).await;
        let bela = account(&portal, "bela", &[]).await;
        let told = why(&portal, bela).await;
        assert!(told.can_sign_in() && !told.opens_admin);
        assert_eq!(kinds(&told.cautions), ["no-portal-group"]);

        db.run(&format!("DELETE FROM core_userprofile WHERE user_id = {bela}")).await;
        assert_eq!(kinds(&why(&portal, bela).await.cautions), ["no-profile", "no-portal-group"]);
        put(&db, bela, "is_staff", Cell::Bool(true)).await;
        assert!(why(&portal, bela).await.opens_admin);
        put(&db, bela, "is_active", Cell::Bool(false)).await;
        put(&db, bela, "password", Cell::Text("!".to_owned())).await;
        put(&db, bela, "username", Cell::Text("ﬁnance".to_owned())).await;
        let told = why(&portal, bela).await;
        assert_eq!(kinds(&told.reasons), ["inactive", "unusable-password", "name"]);
        assert!(told.in_words().contains("'finance', which is no account"), "{}", told.in_words());
        assert!(!told.opens_admin, "nobody gets to the admin who can't sign in");
        let other = account(&portal, "finance", &["Admin"]).await;
        assert!(why(&portal, bela).await.in_words().contains("which is another account, 'finance'"));
        assert_eq!(why(&portal, other).await, Why::default());
    }

    /// A name is matched by the engine's own equality, as Django's login does.
    async fn names_that_no_sign_in_finds_are_told(db: TestDb) {
        let portal = ready(&db).await;
        let bela = account(&portal, "bela", &["Engineer"]).await;
        // MySQL pads with blanks when it compares and knows no accents; the others are exact.
        let exact = db.dialect() != Dialect::MySql;
        for (name, found) in [
            ("bela ", !exact),
            (" bela", false),
            ("\u{3000}bela", false),
            ("be\u{301}la", false),
            ("béla", true),
            ("Bela", true),
            ("b la", true),
        ] {
            put(&db, bela, "username", Cell::Text(name.to_owned())).await;
            let told = why(&portal, bela).await;
            assert_eq!(told.can_sign_in(), found, "{name:?}: {told:?}");
            assert_eq!(kinds(&told.reasons), if found { vec![] } else { vec!["name"] }, "{name:?}");
        }
        for hidden in ["b\u{7}la", "be\u{200b}la"] {
            put(&db, bela, "username", Cell::Text(hidden.to_owned())).await;
            let told = why(&portal, bela).await;
            assert_eq!((told.can_sign_in(), kinds(&told.cautions)), (true, vec!["hidden-characters"]));
        }
        if db.dialect() == Dialect::Sqlite {
            put(&db, bela, "username", Cell::Text("x".repeat(151))).await;
            assert_eq!(kinds(&why(&portal, bela).await.cautions), ["long-name"]);
        }
    }

    async fn twins_are_found_by_the_database(db: TestDb) {
        let portal = ready(&db).await;
        let bela = account(&portal, "bela", &["Engineer"]).await;
        let other = account(&portal, "other", &["Engineer"]).await;
        if db.dialect() != Dialect::MySql {
            put(&db, other, "username", Cell::Text("BELA".to_owned())).await;
            let told = why(&portal, bela).await;
            assert!(told.can_sign_in());
            assert_eq!(kinds(&told.cautions), ["twin"]);
            assert!(told.cautions[0].message.contains("'BELA'"));
        }
        // Where the unique index got lost, as in a restored dump.
        let lost = match db.dialect() {
            Dialect::Sqlite => return,
            Dialect::MySql => "ALTER TABLE auth_user DROP INDEX username",
            Dialect::Postgres => "ALTER TABLE auth_user DROP CONSTRAINT auth_user_username_key",
        };
        db.run(lost).await;
        let twin = if db.dialect() == Dialect::MySql { "BÉLA" } else { "bela" };
        put(&db, other, "username", Cell::Text(twin.to_owned())).await;
        for id in [bela, other] {
            let told = why(&portal, id).await;
            assert_eq!((kinds(&told.reasons), kinds(&told.cautions)), (vec!["twin"], vec![]), "{told:?}");
        }
    }

    async fn a_password_is_tested_by_whom_may_set_it(db: TestDb) {
        let portal = ready(&db).await;
        let (amir, bela, max) = (
            account(&portal, "amir", &["Admin"]).await,
            account(&portal, "bela", &["Engineer"]).await,
            account(&portal, "max", &["AMC Admin"]).await,
        );
        let before = digest(&db).await;
        for (id, password, verdict) in
            [(bela, PASSWORD, Verdict::Right), (bela, "no", Verdict::Wrong), (amir, PASSWORD, Verdict::Right)]
        {
            assert_eq!(password_test::test(&portal, id, password).await.unwrap().verdict, verdict);
        }
        let endless = "x".repeat(100_000);
        assert_eq!(password_test::test(&portal, bela, &endless).await.unwrap().verdict, Verdict::Wrong);
        for (who, whom, may) in
            [("max", bela, true), ("max", amir, false), ("max", max, true), ("bela", bela, true), ("bela", amir, false)]
        {
            let tested = password_test::test(&signed_in(&portal, who).await, whom, PASSWORD).await;
            match tested {
                Ok(tested) => assert!(may && tested.opens(), "{who} {whom}"),
                Err(error) => {
                    assert!(!may, "{who} {whom}: {error}");
                    assert_eq!(error.kind, Kind::Denied);
                    assert!(error.message.contains("Nothing was tested"), "{error}");
                }
            }
        }
        put(&db, bela, "is_active", Cell::Bool(false)).await;
        let tested = password_test::test(&portal, bela, PASSWORD).await.unwrap();
        assert_eq!((tested.verdict, tested.opens()), (Verdict::Right, false), "right, and no use");
        put(&db, bela, "is_active", Cell::Bool(true)).await;
        assert_eq!(digest(&db).await, before, "nothing is stored");
        assert_eq!(db.number("SELECT COUNT(*) FROM portaldesk_sign_in").await, 0, "no sign-in is counted");
    }

    async fn permissions_are_given_taken_and_brought_back(db: TestDb) {
        let portal = ready(&db).await;
        let draft = Draft { encoded_password: Some(HASH.into()), ..Draft::default() };
        let draft = draft.with("username", "root").with("is_superuser", "true");
        portal.writer().unwrap().apply(accounts::create(&portal, &draft).await.unwrap()).await.unwrap();
        let root = signed_in(&portal, "root").await;
        let bela = account(&portal, "bela", &["Engineer"]).await;
        carry(&portal, &db, "Engineer", "core.view_department").await;
        let find = async |name: &str| permissions::find(&portal, name).await.unwrap();
        let (view, add) = (find("core.view_department").await, find("core.add_department").await);
        assert_eq!(effective(&portal, bela).await, ["core.view_department through Engineer"]);

        let before = digest(&db).await;
        let given = edit(&root, bela, with_permissions(change(&[view, add], &[]))).await.unwrap();
        assert_eq!(given.rows, 2);
        assert_eq!(
            effective(&portal, bela).await,
            ["core.add_department directly", "core.view_department directly, through Engineer"]
        );
        assert_eq!(logged(&db).await, json!({"fields": ["User permissions"]}));
        let again = edit(&root, bela, with_permissions(change(&[view], &[]))).await.unwrap();
        assert_eq!(again.rows, 0, "what is there is not given twice");

        // Out of the group and one permission less, in one plan.
        let after = digest(&db).await;
        let both = Draft { groups: Groups::Set(vec![]), ..with_permissions(change(&[], &[add])) };
        let done = edit(&root, bela, both).await.unwrap();
        assert_eq!((done.operations.len(), done.rows), (1, 2));
        assert_eq!(effective(&portal, bela).await, ["core.view_department directly"]);
        assert_eq!(logged(&db).await, json!({"fields": ["Groups", "User permissions"]}));
        undo(&root, &done).await;
        assert_eq!(digest(&db).await, after);
        let all = edit(&root, bela, with_permissions(Groups::Set(vec![]))).await.unwrap();
        assert_eq!(effective(&portal, bela).await, ["core.view_department through Engineer"]);
        assert_eq!(digest(&db).await, before);
        undo(&root, &all).await;
        assert_eq!(digest(&db).await, after);
    }

    async fn permissions_are_given_by_whom_the_guards_let(db: TestDb) {
        let portal = ready(&db).await;
        account(&portal, "amir", &["Admin"]).await;
        account(&portal, "max", &["AMC Admin"]).await;
        let (bela, staff) = (account(&portal, "bela", &[]).await, account(&portal, "sten", &[]).await);
        put(&db, staff, "is_staff", Cell::Bool(true)).await;
        let view = permissions::find(&portal, "core.view_department").await.unwrap();
        let powerful = permissions::find(&portal, "auth.change_user").await.unwrap();
        let before = digest(&db).await;
        for (who, whom, permission) in [("max", bela, view), ("bela", bela, view), ("amir", staff, powerful)] {
            let denied: Result<Outcome> =
                edit(&signed_in(&portal, who).await, whom, with_permissions(change(&[permission], &[]))).await;
            assert_eq!(denied.unwrap_err().kind, Kind::Denied, "{who}");
        }
        assert_eq!(digest(&db).await, before);
        edit(&signed_in(&portal, "amir").await, staff, with_permissions(change(&[view], &[]))).await.unwrap();
        // On the command line whoever may read the database password acts.
        edit(&portal, bela, with_permissions(change(&[view], &[]))).await.unwrap();
        put(&db, bela, "is_superuser", Cell::Bool(true)).await;
        let catalogue = Catalogue::read(&portal).await.unwrap();
        let holding = permissions::holding(&portal, bela).await.unwrap();
        let effective = catalogue.effective(&holding);
        assert_eq!(effective.len(), catalogue.permissions.len());
        assert!(effective.iter().all(|(_, paths)| paths.last() == Some(&Path::Superuser)));
    }

    async fn a_permission_is_found_by_its_name(db: TestDb) {
        let portal = portal(&db).await;
        let refused = async |name: &str| -> Error { permissions::find(&portal, name).await.unwrap_err() };
        let error = refused("core.add_departmant").await;
        assert_eq!(error.kind, Kind::Invalid);
        assert!(error.fields.contains_key("user_permissions"));
        assert!(error.message.contains("Did you mean 'core.add_department'?"), "{error}");
        assert!(refused("add_department").await.message.contains("Did you mean 'core.add_department'?"));
        // Two models of one application with the same code name.
        db.run(
            "INSERT INTO auth_permission (name, content_type_id, codename) SELECT 'Can export', id, 'export' \
             FROM django_content_type WHERE app_label = 'core'",
        )
        .await;
        let error = refused("core.export").await;
        assert!(error.message.contains("core.department.export, core.userprofile.export"), "{error}");
        let one = permissions::find(&portal, "core.department.export").await.unwrap();
        let catalogue = Catalogue::read(&portal).await.unwrap();
        let found = catalogue.permissions.iter().find(|it| it.id == one).unwrap();
        assert_eq!((found.model.as_str(), found.codename.as_str()), ("department", "export"));
    }

    /// An adopted database without permissions can be worked with; what needs them says so.
    async fn a_portal_without_permissions_says_so(db: TestDb) {
        let portal = ready(&db).await;
        let bela = account(&portal, "bela", &["Engineer"]).await;
        db.run("DROP TABLE auth_user_user_permissions").await;
        let portal = self::portal(&db.second().await).await;
        let catalogue = Catalogue::read(&portal).await.unwrap();
        assert!(catalogue.lacking.as_deref().is_some_and(|why| why.contains("auth_user_user_permissions")));
        assert_eq!((catalogue.groups.len(), catalogue.permissions.len()), (3, 0));
        assert_eq!(record::read(&portal, bela).await.unwrap().permissions, 0);
        assert_eq!(permissions::holding(&portal, bela).await.unwrap().groups.len(), 1);
        let error = permissions::find(&portal, "core.add_department").await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        assert!(error.message.ends_with("Nothing was written."), "{error}");
    }

    /// Rows of the portal's other tables are counted in the record.
    async fn rows_elsewhere_are_counted(db: TestDb) {
        let portal = ready(&db).await;
        let bela = account(&portal, "bela", &["Engineer"]).await;
        db.run(
            "CREATE TABLE core_complaint (id integer NOT NULL PRIMARY KEY, author_id integer NOT NULL, \
             FOREIGN KEY (author_id) REFERENCES auth_user (id))",
        )
        .await;
        let portal = self::portal(&db.second().await).await;
        assert_eq!(record::read(&portal, bela).await.unwrap().referring_in_words(), Vec::<String>::new());
        for id in 1..=2 {
            db.run(&format!("INSERT INTO core_complaint VALUES ({id}, {bela})")).await;
        }
        assert_eq!(record::read(&portal, bela).await.unwrap().referring_in_words(), ["core_complaint 2"]);
    }
}

#[test]
fn djangos_own_tables_are_read_as_well() {
    for server in [support::Server::Sqlite, support::Server::MariaDb, support::Server::Postgres] {
        support::tell(server, "djangos_own_tables_are_read_as_well", async |db: TestDb| {
            let db = db.sibling(Made::Django0004).await;
            let catalogue = Catalogue::read(&portal(&db).await).await.unwrap();
            let made: Value = serde_json::from_str(include_str!("data/permissions.json")).expect("JSON");
            assert_eq!(catalogue.permissions.len(), made["permissions"].as_array().expect("a list").len());
            let mut sorted = catalogue.permissions.clone();
            sorted.sort_by_key(|it| (it.app.clone(), it.model.clone(), it.codename.clone()));
            assert_eq!(catalogue.permissions, sorted, "Django's order");
        });
    }
}
