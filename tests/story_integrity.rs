//! Each fault of the catalogue, made by hand in a database of Django's own tables without the constraint that forbids it:
//! found, and nothing else; repaired, and nothing else changed; clean afterwards; taken back, and taken back again.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Account, Actor, Plans as _, Watch};
use portaldesk::db::{Cancel, Db, Dialect, Sql, migrate};
use portaldesk::directory::{Portal, Settings, accounts, history};
use portaldesk::error::Kind;
use portaldesk::integrity::{
    self, Answers, CHECKS, Class, Fixed, Report, Selection, Severity, Subject, fix_user_profiles, preview,
    repairs, report, scan,
};
use support::{Made, TestDb, digest};

/// A user id that nobody has.
const NOBODY: i64 = 4711;

/// Both versions of the portal's tables: with `main_portal_id` still unique, and as they are now.
const VERSIONS: [Made; 2] = [Made::Django0003, Made::Django0004];

/// A portal without faults: the three groups, a superuser in Admin, and an engineer, both with a profile.
struct Told {
    db: TestDb,
    root: i64,
    anna: i64,
}

impl Told {
    async fn new(db: &TestDb, made: Made) -> Self {
        let db = db.sibling(made).await;
        if made != Made::Init {
            migrate::create_own_tables(&db).await.expect("our own tables");
        }
        for group in ["Admin", "AMC Admin", "Engineer"] {
            db.run(&format!("INSERT INTO auth_group (name) VALUES ('{group}')")).await;
        }
        let root = db.add_user("root").await;
        let anna = db.add_user("anna").await;
        db.run(&format!("UPDATE auth_user SET is_superuser = TRUE WHERE id = {root}")).await;
        // The ids of nobody were somebody's once.
        db.count_up_to("auth_user", NOBODY + 100).await;
        let told = Self { db, root, anna };
        told.profile(root, "NULL", "NULL").await;
        told.profile(anna, "'+1 555 0100'", "'A1'").await;
        told.member(root, "Admin").await;
        told.member(anna, "Engineer").await;
        told
    }

    async fn portal(&self) -> Portal {
        let actor = Actor::unix("tester", None);
        Portal::over(self.db.db.clone(), Settings::default(), actor).await.expect("a portal")
    }

    /// Adds a profile; phone and portal id are SQL.
    async fn profile(&self, user: i64, phone: &str, portal_id: &str) {
        self.run_loose(&[&Self::profile_sql(&user.to_string(), phone, portal_id)]).await;
    }

    fn profile_sql(user: &str, phone: &str, portal_id: &str) -> String {
        format!(
            "INSERT INTO core_userprofile (phone_number, main_portal_id, created_at, updated_at, user_id, \
             department_id, email_notifications) VALUES ({phone}, {portal_id}, '2026-01-02 03:04:05', \
             '2026-01-02 03:04:05', {user}, NULL, TRUE)"
        )
    }

    async fn member(&self, user: i64, group: &str) {
        let sql = format!(
            "INSERT INTO auth_user_groups (user_id, group_id) SELECT {user}, id FROM auth_group WHERE name = '{group}'"
        );
        self.run_loose(&[&sql]).await;
    }

    /// Runs statements without references being enforced. On PostgreSQL they are gone already, see [`Told::loosen`].
    async fn run_loose(&self, statements: &[&str]) {
        let (off, on) = match self.db.dialect() {
            Dialect::Sqlite => ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"),
            Dialect::MySql => ("SET SESSION foreign_key_checks = 0", "SET SESSION foreign_key_checks = 1"),
            Dialect::Postgres => ("SELECT 1", "SELECT 1"),
        };
        let all = [&[off], statements, &[on]].concat().into_iter().map(str::to_owned).collect();
        self.db.script(all).await.expect("the statements run");
    }

    /// Takes away what forbids rows without a parent. Elsewhere than on PostgreSQL a switch of the connection does.
    async fn loosen(&self, table: &str) {
        if self.db.dialect() == Dialect::Postgres {
            let order = format!(
                "DO $$ DECLARE r record; BEGIN FOR r IN SELECT conname FROM pg_constraint WHERE contype = 'f' \
                 AND conrelid = '{table}'::regclass LOOP \
                 EXECUTE 'ALTER TABLE {table} DROP CONSTRAINT ' || quote_ident(r.conname); END LOOP; END $$"
            );
            self.db.run(&order).await;
        }
    }

    /// Takes away what forbids a second profile of a user, and a profile without one.
    async fn allow_duplicates(&self) {
        match self.db.dialect() {
            Dialect::Postgres => {
                self.db
                    .run("ALTER TABLE core_userprofile DROP CONSTRAINT core_userprofile_user_id_key")
                    .await;
                self.db.run("ALTER TABLE core_userprofile ALTER COLUMN user_id DROP NOT NULL").await;
            }
            Dialect::MySql => {
                let order = "ALTER TABLE core_userprofile ADD INDEX plain (user_id), DROP INDEX user_id, \
                             MODIFY user_id int(11) NULL";
                self.run_loose(&[order]).await;
            }
            Dialect::Sqlite => self.rebuild_profiles().await,
        }
    }

    /// SQLite can't drop a constraint: the table is made anew without it.
    async fn rebuild_profiles(&self) {
        let sql = Sql::new("SELECT sql FROM sqlite_master WHERE name = 'core_userprofile'");
        let made = self.db.one(sql).await.unwrap().text(0).unwrap();
        let loose = made.replace("\"user_id\" integer NOT NULL UNIQUE", "\"user_id\" integer NULL");
        assert_ne!(made, loose);
        let loose = loose.replace("\"core_userprofile\"", "\"loose\"");
        self.run_loose(&[
            &loose,
            "INSERT INTO loose SELECT * FROM core_userprofile",
            "DROP TABLE core_userprofile",
            "ALTER TABLE loose RENAME TO core_userprofile",
        ])
        .await;
    }

    async fn profiles(&self) -> i64 {
        self.db.number("SELECT COUNT(*) FROM core_userprofile").await
    }
}

/// The checks that this file is about.
const THESE: [&str; 6] = ["PRF-001", "PRF-002", "PRF-003", "REL-001", "GRP-001", "GRP-003"];

/// What a scan found, in short: id, class and count.
fn short(report: &Report) -> Vec<(&'static str, &'static str, usize)> {
    report.findings.iter().map(|finding| (finding.id(), finding.class().letter(), finding.count())).collect()
}

async fn found(portal: &Portal) -> Vec<(&'static str, &'static str, usize)> {
    let report = scan(portal, &these(), None).await.expect("a scan");
    assert_eq!(report.skipped, []);
    assert_eq!(report.checked, THESE);
    short(&report)
}

/// The lines of all rows of all findings.
async fn lines(portal: &Portal) -> Vec<String> {
    let report = scan(portal, &these(), None).await.expect("a scan");
    let mut lines = Vec::new();
    for finding in &report.findings {
        for row in finding.rows(portal, 0, usize::MAX).await.expect("rows") {
            lines.push(format!("{} {}", finding.id(), row.text));
        }
    }
    lines
}

fn these() -> Vec<String> {
    THESE.map(str::to_owned).to_vec()
}

async fn fix(portal: &Portal, only: &[String]) -> Fixed {
    fix_user_profiles(portal, only, false, &Watch::default()).await.expect("a repair")
}

/// How many rows went and came, by table.
fn difference(
    before: &BTreeMap<String, Vec<String>>,
    after: &BTreeMap<String, Vec<String>>,
) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (table, old) in before {
        let new: BTreeSet<&String> = after[table].iter().collect();
        let old: BTreeSet<&String> = old.iter().collect();
        if old != new {
            found.push((table.clone(), old.difference(&new).count(), new.difference(&old).count()));
        }
    }
    found
}

async fn undo(portal: &Portal, operation: &str) -> String {
    let planned = history::plan_undo(portal, operation, OldPassword::default()).await.expect("an undo");
    let outcome = history::apply_undo(portal, operation, planned, &Watch::default()).await.expect("undone");
    assert_eq!(outcome.refused, []);
    outcome.operation().expect("something was undone").to_owned()
}

/// Repairs everything; nothing is left, exactly these rows changed, and all of it can be taken back and done again.
async fn repair_and_back(told: &Told, changes: &[(&str, usize, usize)]) -> Fixed {
    let portal = told.portal().await;
    let broken = digest(&told.db).await;
    let fixed = fix(&portal, &these()).await;
    assert_eq!(fixed.refused, []);
    assert_eq!(short(&fixed.after), [], "{:?}", lines(&portal).await);
    assert!(!fixed.fails());
    let whole = digest(&told.db).await;
    let different = difference(&broken, &whole);
    let different: Vec<(&str, usize, usize)> =
        different.iter().map(|(table, gone, new)| (table.as_str(), *gone, *new)).collect();
    assert_eq!(different, changes);

    let run = fixed.run.as_deref().expect("a run");
    assert!(fixed.repaired.iter().all(|repaired| repaired.operation.as_deref() == Some(run)));
    let undone = undo(&portal, run).await;
    assert_eq!(difference(&broken, &digest(&told.db).await), []);
    undo(&portal, &undone).await;
    assert_eq!(difference(&whole, &digest(&told.db).await), []);
    fixed
}

async fn ids(db: &Db, sql: &'static str) -> Vec<i64> {
    db.all(Sql::new(sql)).await.expect(sql).iter().map(|row| row.int(0).expect("an id")).collect()
}

stories! {
    async fn a_whole_portal_is_clean(db: TestDb) {
        for made in [Made::Init, Made::Django0003, Made::Django0004] {
            let told = Told::new(&db, made).await;
            let portal = told.portal().await;
            assert_eq!(found(&portal).await, [], "{made:?}");
            let fixed = fix(&portal, &these()).await;
            assert_eq!(fixed.repaired, []);
            assert!(!fixed.fails());
        }
    }

    async fn users_without_a_profile_get_one(db: TestDb) {
        for made in VERSIONS {
            let told = Told::new(&db, made).await;
            let portal = told.portal().await;
            let cho = told.db.add_user("cho\u{202e}").await;
            told.db.add_user("dana").await;
            assert_eq!(found(&portal).await, [("PRF-001", "A", 2)]);
            let lines = lines(&portal).await;
            assert_eq!(lines[0], format!("PRF-001 user 'cho\\u{{202e}}' (#{cho}) has no profile"));

            let fixed = repair_and_back(&told, &[("core_userprofile", 0, 2)]).await;
            assert_eq!(fixed.repaired[0].count, 2);
            assert_eq!(
                told.db.number("SELECT COUNT(*) FROM core_userprofile WHERE email_notifications = TRUE AND \
                                phone_number IS NULL AND main_portal_id IS NULL AND department_id IS NULL \
                                AND created_at = updated_at").await,
                // The two new ones, and root's.
                3
            );
        }
    }

    async fn a_profile_made_meanwhile_is_adopted(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        let portal = told.portal().await;
        let cho = told.db.add_user("cho").await;
        told.db.add_user("dana").await;
        let report = scan(&portal, &these(), None).await.unwrap();
        let mut plans = repairs(&portal, &report.findings, &Selection::All);
        let plan = plans.next().await.unwrap().expect("a plan");
        told.profile(cho, "'1'", "NULL").await;
        let before = told.profiles().await;
        portal.writer().unwrap().apply(plan).await.expect("applied");
        assert_eq!(told.profiles().await, before + 1);
        assert_eq!(found(&portal).await, []);
    }

    async fn profiles_that_say_the_same_become_one(db: TestDb) {
        for made in VERSIONS {
            let told = Told::new(&db, made).await;
            told.allow_duplicates().await;
            let portal = told.portal().await;
            // A second one that knows nothing; one that knows what the first doesn't; three of them.
            told.profile(told.anna, "' '", "NULL").await;
            told.profile(told.root, "'007'", "'R1'").await;
            let eve = told.db.add_user("eve").await;
            for phone in ["NULL", "'1'", "'1'"] {
                told.profile(eve, phone, "NULL").await;
            }
            assert_eq!(found(&portal).await, [("PRF-002", "A", 3)]);
            let oldest = ids(&told.db, "SELECT MIN(id) FROM core_userprofile GROUP BY user_id ORDER BY 1").await;

            repair_and_back(&told, &[("core_userprofile", 6, 2)]).await;
            assert_eq!(ids(&told.db, "SELECT id FROM core_userprofile ORDER BY id").await, oldest);
            let sql = "SELECT COUNT(*) FROM core_userprofile WHERE phone_number = '007' AND main_portal_id = 'R1'";
            assert_eq!(told.db.number(sql).await, 1);
        }
    }

    async fn profiles_that_differ_are_chosen_between(db: TestDb) {
        for made in VERSIONS {
            let told = Told::new(&db, made).await;
            told.allow_duplicates().await;
            let portal = told.portal().await;
            told.profile(told.anna, "'2'", "'A2'").await;
            assert_eq!(found(&portal).await, [("PRF-002", "C", 1)]);
            let before = digest(&told.db).await;
            let fixed = fix(&portal, &[]).await;
            assert!(fixed.repaired.is_empty() && fixed.fails());
            assert_eq!(difference(&before, &digest(&told.db).await), []);

            let check = integrity::check("PRF-002").unwrap();
            let subject = Subject::of(told.anna);
            let decision = check.decision(&portal, subject).await.unwrap().expect("something to decide");
            let mut answers = decision.proposed();
            let old = decision.questions[0].choices[0].value.clone();
            assert_eq!(answers.keys().map(String::as_str).collect::<Vec<_>>(), ["main_portal_id", "phone_number"]);
            assert!(answers.values().all(|newest| *newest != old));
            answers.insert("phone_number".to_owned(), old);
            let plan = integrity::decide(&portal, check, subject, &answers).await.unwrap().remove(0);
            let outcome = portal.writer().unwrap().apply(plan).await.expect("merged");
            assert_eq!(found(&portal).await, []);
            let sql = "SELECT COUNT(*) FROM core_userprofile WHERE phone_number = '+1 555 0100' \
                       AND main_portal_id = 'A2'";
            assert_eq!(told.db.number(sql).await, 1);
            undo(&portal, outcome.operation().unwrap()).await;
            assert_eq!(difference(&before, &digest(&told.db).await), []);
        }
    }

    async fn a_portal_id_of_another_user_is_no_automatic_merge(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        told.allow_duplicates().await;
        let portal = told.portal().await;
        let [eve, finn] = [told.db.add_user("eve").await, told.db.add_user("finn").await];
        for user in [eve, finn] {
            told.profile(user, "NULL", "NULL").await;
            told.profile(user, "NULL", "'SHARED'").await;
        }
        told.profile(told.root, "NULL", "'ROOT'").await;
        assert_eq!(found(&portal).await, [("PRF-002", "A", 1), ("PRF-002", "C", 2)]);
        let fixed = fix(&portal, &these()).await;
        assert_eq!(short(&fixed.after), [("PRF-002", "C", 2)]);
        let check = integrity::check("PRF-002").unwrap();
        let error = integrity::decide(&portal, check, Subject::of(eve), &Answers::new()).await.unwrap_err();
        assert!(error.kind == Kind::Invalid && error.fields.contains_key("main_portal_id"), "{error:?}");
    }

    async fn rows_that_refer_to_a_duplicate_follow_the_one_that_stays(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        told.allow_duplicates().await;
        let key = match told.db.dialect() {
            Dialect::Sqlite => "integer NOT NULL PRIMARY KEY AUTOINCREMENT",
            Dialect::MySql => "bigint NOT NULL AUTO_INCREMENT PRIMARY KEY",
            Dialect::Postgres => "bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        };
        told.db.run(&format!("CREATE TABLE core_badge (id {key}, owner_id bigint NOT NULL, \
                              FOREIGN KEY (owner_id) REFERENCES core_userprofile (id))")).await;
        told.profile(told.anna, "NULL", "NULL").await;
        told.db.run("INSERT INTO core_badge (owner_id) SELECT MAX(id) FROM core_userprofile").await;
        let portal = told.portal().await;
        assert_eq!(found(&portal).await, [("PRF-002", "A", 1)]);
        repair_and_back(&told, &[("core_badge", 1, 1), ("core_userprofile", 1, 0)]).await;
        let sql = "SELECT COUNT(*) FROM core_badge b JOIN core_userprofile p ON p.id = b.owner_id";
        assert_eq!(told.db.number(sql).await, 1);
    }

    async fn orphan_profiles_go(db: TestDb) {
        for made in VERSIONS {
            let told = Told::new(&db, made).await;
            told.allow_duplicates().await;
            told.loosen("core_userprofile").await;
            told.profile(NOBODY, "'1'", "'ORPHAN'").await;
            told.run_loose(&[&Told::profile_sql("NULL", "NULL", "NULL")]).await;
            let portal = told.portal().await;
            assert_eq!(found(&portal).await, [("PRF-003", "A", 2)]);
            assert!(lines(&portal).await[0].contains("missing user #4711: phone 1, portal id ORPHAN"));
            repair_and_back(&told, &[("core_userprofile", 2, 0)]).await;
        }
    }

    async fn an_orphan_that_others_refer_to_is_asked_about(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        told.loosen("core_userprofile").await;
        told.profile(NOBODY, "NULL", "NULL").await;
        told.profile(NOBODY + 1, "NULL", "NULL").await;
        told.db.run("CREATE TABLE core_badge (id integer NOT NULL PRIMARY KEY, owner_id bigint NOT NULL, \
                     FOREIGN KEY (owner_id) REFERENCES core_userprofile (id))").await;
        told.db.run("INSERT INTO core_badge (id, owner_id) SELECT 1, MAX(id) FROM core_userprofile").await;
        let portal = told.portal().await;
        assert_eq!(found(&portal).await, [("PRF-003", "A", 1), ("PRF-003", "C", 1)]);
        let fixed = fix(&portal, &[]).await;
        assert_eq!(short(&fixed.after), [("PRF-003", "C", 1)]);
        assert!(fixed.fails());
    }

    async fn an_orphan_whose_user_came_back_stays(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        told.loosen("core_userprofile").await;
        let cho = told.db.add_user("cho").await;
        told.profile(cho + 1, "NULL", "NULL").await;
        told.profile(cho, "NULL", "NULL").await;
        let portal = told.portal().await;
        let report = scan(&portal, &these(), None).await.unwrap();
        let plan = preview(&portal, &report.findings, &Selection::All, 10).await.unwrap().remove(0);
        assert_eq!(told.db.add_user("dana").await, cho + 1);
        let before = digest(&told.db).await;
        let error = portal.writer().unwrap().apply(plan).await.expect_err("dana has the id now");
        assert_eq!(error.kind, Kind::Conflict);
        assert_eq!(difference(&before, &digest(&told.db).await), []);
    }

    async fn ghost_rights_go(db: TestDb) {
        for made in VERSIONS {
            let told = Told::new(&db, made).await;
            for table in ["auth_user_groups", "auth_user_user_permissions"] {
                told.loosen(table).await;
            }
            told.member(NOBODY, "Admin").await;
            told.member(NOBODY, "Engineer").await;
            told.run_loose(&[
                &format!("INSERT INTO auth_user_user_permissions (user_id, permission_id) \
                          SELECT {NOBODY}, MIN(id) FROM auth_permission"),
                &format!("INSERT INTO auth_user_groups (user_id, group_id) VALUES ({}, 4242)", told.anna),
                &format!("INSERT INTO auth_user_user_permissions (user_id, permission_id) VALUES ({}, 4243)", told.root),
            ]).await;
            let portal = told.portal().await;
            // Three users are concerned, with five rows.
            assert_eq!(found(&portal).await, [("REL-001", "A", 3)]);
            let lines = lines(&portal).await;
            assert_eq!(lines.len(), 5);
            assert!(lines.contains(&format!("REL-001 missing group #4242 of user #{}", told.anna)), "{lines:?}");
            repair_and_back(&told, &[("auth_user_groups", 3, 0), ("auth_user_user_permissions", 2, 0)]).await;
        }
    }

    async fn missing_groups_are_made(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        let portal = told.portal().await;
        told.db.run("DELETE FROM auth_group WHERE name = 'AMC Admin'").await;
        assert_eq!(found(&portal).await, [("GRP-001", "A", 1)]);
        repair_and_back(&told, &[("auth_group", 0, 1)]).await;

        told.db.run("UPDATE auth_group SET name = 'amc admin' WHERE name = 'AMC Admin'").await;
        if told.db.dialect() == Dialect::MySql {
            // There the engine takes the one for the other, and so does the portal.
            assert_eq!(found(&portal).await, []);
        } else {
            assert_eq!(found(&portal).await, [("GRP-001", "C", 1)]);
            assert_eq!(lines(&portal).await, ["GRP-001 group 'AMC Admin' is missing; there is 'amc admin'"]);
            let before = digest(&told.db).await;
            assert!(fix(&portal, &these()).await.fails());
            assert_eq!(difference(&before, &digest(&told.db).await), []);
        }
    }

    async fn superusers_join_admin(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        let portal = told.portal().await;
        told.db.run(&format!("UPDATE auth_user SET is_superuser = TRUE WHERE id = {}", told.anna)).await;
        assert_eq!(found(&portal).await, [("GRP-003", "A", 1)]);

        let report = scan(&portal, &these(), None).await.unwrap();
        let plan = preview(&portal, &report.findings, &Selection::All, 10).await.unwrap().remove(0);
        told.db.run(&format!("UPDATE auth_user SET is_superuser = FALSE WHERE id = {}", told.anna)).await;
        let error = portal.writer().unwrap().apply(plan).await.expect_err("anna is no superuser any more");
        assert_eq!(error.kind, Kind::Conflict);
        told.db.run(&format!("UPDATE auth_user SET is_superuser = TRUE WHERE id = {}", told.anna)).await;
        repair_and_back(&told, &[("auth_user_groups", 0, 1)]).await;
    }

    async fn a_new_account_takes_nothing_over(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        for table in ["core_userprofile", "auth_user_groups"] {
            told.loosen(table).await;
        }
        let portal = told.portal().await;
        // The id that the next account gets.
        let next = told.db.add_user("cho").await + 1;
        told.profile(next, "'1'", "NULL").await;
        told.member(next, "Admin").await;
        told.profile(next - 1, "NULL", "NULL").await;
        assert_eq!(found(&portal).await, [("PRF-003", "A", 1), ("REL-001", "A", 1)]);
        let draft = accounts::Draft::default().with("username", "dana");
        let plan = accounts::create(&portal, &draft).await.unwrap();
        let error = portal.writer().unwrap().apply(plan).await.expect_err("it would inherit Admin");
        assert!(error.message.contains("PRF-003"), "{error}");
        repair_and_back(&told, &[("auth_user_groups", 1, 0), ("core_userprofile", 1, 0)]).await;

        // As the portal does it where the index is missing: the id is used again beside the leftovers.
        told.allow_duplicates().await;
        told.profile(next, "'1'", "NULL").await;
        let dana = told.db.add_user("dana").await;
        if dana == next {
            told.profile(dana, "NULL", "'D1'").await;
        } else {
            told.db.run(&format!("UPDATE core_userprofile SET user_id = {dana} WHERE user_id = {next}")).await;
            told.profile(dana, "NULL", "'D1'").await;
        }
        assert_eq!(found(&portal).await, [("PRF-002", "A", 1)]);
        fix(&portal, &[]).await;
        assert_eq!(found(&portal).await, []);
    }

    async fn a_full_repair_comes_in_the_right_order(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        let portal = told.portal().await;
        told.db.run(&format!("DELETE FROM core_userprofile WHERE user_id = {}", told.root)).await;
        told.db.run(&format!("DELETE FROM auth_user_groups WHERE user_id = {}", told.root)).await;
        told.db.run("DELETE FROM auth_group WHERE name = 'Admin'").await;
        let all = [("PRF-001", "A", 1), ("GRP-001", "A", 1), ("GRP-003", "A", 1)];
        assert_eq!(found(&portal).await, all);

        // Alone the membership has to wait for the group.
        let fixed = fix(&portal, &["GRP-003".to_owned()]).await;
        assert_eq!(fixed.refused.len(), 1);
        assert!(fixed.refused[0].1.message.contains("GRP-001") && fixed.fails());
        assert_eq!(found(&portal).await, all);

        let changes = [("auth_group", 0, 1), ("auth_user_groups", 0, 1), ("core_userprofile", 0, 1)];
        let fixed = repair_and_back(&told, &changes).await;
        let order: Vec<&str> = fixed.repaired.iter().map(|repaired| repaired.id).collect();
        assert_eq!(order, ["PRF-001", "GRP-001", "GRP-003"]);
    }

    async fn the_default_repairs_profiles_only(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        let portal = told.portal().await;
        told.db.add_user("cho").await;
        told.db.run("DELETE FROM auth_group WHERE name = 'AMC Admin'").await;
        let fixed = fix(&portal, &[]).await;
        assert_eq!(fixed.repaired.len(), 1);
        assert!(!fixed.fails());
        assert_eq!(found(&portal).await, [("GRP-001", "A", 1)]);
    }

    async fn a_dry_run_writes_nothing(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        let portal = told.portal().await;
        told.db.add_user("cho").await;
        let before = digest(&told.db).await;
        let fixed = fix_user_profiles(&portal, &[], true, &Watch::default()).await.unwrap();
        assert!(fixed.fails());
        let json = report::fixed_to_json(&portal, &fixed).await.unwrap();
        assert_eq!(json["dry_run"], true);
        assert_eq!(json["repaired"][0], serde_json::json!({ "id": "PRF-001", "count": 1, "operation": null }));
        assert_eq!(json["remaining"], serde_json::json!([]));
        assert_eq!(json["plan"][0]["table"], "core_userprofile");
        assert_eq!(json["findings"][0]["rows"][0]["username"], "cho");
        assert_eq!(difference(&before, &digest(&told.db).await), []);
        assert_eq!(told.db.number("SELECT COUNT(*) FROM portaldesk_change").await, 0);
    }

    async fn a_missing_table_skips_what_needs_it(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        told.db.run("DROP TABLE auth_user_user_permissions").await;
        told.db.add_user("cho").await;
        let portal = told.portal().await;
        let report = scan(&portal, &[], None).await.unwrap();
        assert!(short(&report).contains(&("PRF-001", "A", 1)), "{:?}", short(&report));
        let needs = |check: &&&dyn integrity::Check| {
            check.about().needs.iter().any(|(table, _)| *table == "auth_user_user_permissions")
        };
        let skipped: Vec<&str> = report.skipped.iter().map(|skipped| skipped.id).collect();
        assert_eq!(skipped, CHECKS.iter().filter(needs).map(|check| check.about().id).collect::<Vec<_>>());
        assert!(report.skipped.iter().all(|skipped| skipped.why == "table auth_user_user_permissions is missing"));
        assert!(report::verdict(&report).contains("skipped: REL-001"));
        assert!(fix(&portal, &[]).await.repaired.len() == 1);
    }

    async fn a_column_that_must_be_given_forbids_new_profiles(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        told.allow_duplicates().await;
        let order = match told.db.dialect() {
            // SQLite takes no such column without a default; the kind that it does take has one.
            Dialect::Sqlite => return,
            Dialect::MySql | Dialect::Postgres => "ALTER TABLE core_userprofile ADD COLUMN badge integer NULL",
        };
        told.db.run(order).await;
        told.db.run("UPDATE core_userprofile SET badge = 1").await;
        told.db.run(match told.db.dialect() {
            Dialect::MySql => "ALTER TABLE core_userprofile MODIFY badge integer NOT NULL",
            _ => "ALTER TABLE core_userprofile ALTER COLUMN badge SET NOT NULL",
        }).await;
        told.db.add_user("cho").await;
        let portal = told.portal().await;
        let report = scan(&portal, &these(), None).await.unwrap();
        assert_eq!(short(&report), [("PRF-001", "C", 1)]);
        assert!(report.findings[0].found.note.as_deref().unwrap().contains("core_userprofile.badge"));
        assert!(fix(&portal, &[]).await.fails());
    }

    async fn many_are_one_run(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        let portal = told.portal().await;
        let count = 1_201;
        let users: Vec<String> = (0..count)
            .map(|number| format!("('!', FALSE, 'u{number}', '', '', '', FALSE, TRUE, '2026-01-02 03:04:05')"))
            .collect();
        told.db.run(&format!("INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, \
                              is_staff, is_active, date_joined) VALUES {}", users.join(", "))).await;
        let report = scan(&portal, &these(), None).await.unwrap();
        assert_eq!(short(&report), [("PRF-001", "A", count)]);
        assert_eq!(report.findings[0].rows(&portal, 1_000, 500).await.unwrap().len(), count - 1_000);
        let json = report::to_json(&portal, &report).await.unwrap();
        assert_eq!(json["findings"][0]["rows"].as_array().unwrap().len(), count);
        assert_eq!(json["summary"]["error"], count);
        let text = report::to_text(&portal, &report, 10, &|time| time.to_rfc3339()).await.unwrap();
        assert!(text.contains(&format!("… and {} more", count - 10)), "{text}");

        let fixed = repair_and_back(&told, &[("core_userprofile", 0, count)]).await;
        assert_eq!(fixed.repaired.len(), 1);
        assert_eq!(fixed.repaired[0].count, count);
        let sql = "SELECT COUNT(*) FROM portaldesk_change WHERE undo_of IS NULL";
        assert_eq!(told.db.number(sql).await, 3);
    }

    async fn one_refusal_does_not_hold_up_the_others(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        // Admin is not enough to touch a superuser's profile.
        told.member(told.anna, "Admin").await;
        told.db.run(&format!("DELETE FROM core_userprofile WHERE user_id = {}", told.root)).await;
        for name in ["cho", "dana", "evan", "finn"] {
            told.db.add_user(name).await;
        }
        let portal = told.portal().await.signed_in(Account { id: told.anna, username: "anna".to_owned() });
        let fixed = fix(&portal, &["PRF-001".to_owned()]).await;
        assert_eq!(short(&fixed.after), [("PRF-001", "A", 1)]);
        assert_eq!(fixed.repaired[0].count, 4);
        assert_eq!(fixed.refused.len(), 1);
        assert_eq!(fixed.refused[0].1.kind, Kind::Denied);
        assert!(fixed.refused[0].0.contains("'root'"), "{}", fixed.refused[0].0);
    }

    async fn only_the_marked_are_repaired(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        let portal = told.portal().await;
        let cho = told.db.add_user("cho").await;
        told.db.add_user("dana").await;
        let report = scan(&portal, &["prf-001".to_owned()], None).await.unwrap();
        let marked = Selection::Subjects("PRF-001", BTreeSet::from([Subject::of(cho)]));
        let mut plans = repairs(&portal, &report.findings, &marked);
        let writer = portal.writer().unwrap();
        let outcome = writer.run("Repair the marked", &mut plans, &Watch::default()).await.unwrap();
        assert_eq!(outcome.rows, 1);
        assert_eq!(found(&portal).await, [("PRF-001", "A", 1)]);
        assert!(!lines(&portal).await[0].contains("cho"));
    }

    async fn a_scan_can_be_stopped_and_tells_how_far_it_is(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        let portal = told.portal().await;
        let seen = std::sync::Arc::new(std::sync::Mutex::new(BTreeSet::new()));
        let told_of = std::sync::Arc::clone(&seen);
        let tell: integrity::Tell = std::sync::Arc::new(move |progress: integrity::ScanProgress| {
            assert!(progress.done <= progress.total && progress.number <= progress.of);
            told_of.lock().unwrap().insert(progress.id);
        });
        let report = scan(&portal, &these(), Some(&tell)).await.unwrap();
        assert!(!report.fails(Severity::Info));
        assert_eq!(seen.lock().unwrap().len(), THESE.len());

        let cancel = Cancel::default();
        cancel.cancel();
        let error = scan(&portal.cancellable(&cancel), &[], None).await.expect_err("stopped");
        assert_eq!(error.kind, Kind::Interrupted);
        let error = scan(&portal, &["PRF-999".to_owned()], None).await.expect_err("no such check");
        assert_eq!(error.kind, Kind::Usage);
    }

    async fn severities_and_classes_have_their_names(db: TestDb) {
        let told = Told::new(&db, Made::Django0004).await;
        told.loosen("core_userprofile").await;
        told.profile(NOBODY, "NULL", "NULL").await;
        told.db.add_user("cho").await;
        told.db.run(&format!("UPDATE auth_user SET is_superuser = TRUE WHERE id = {}", told.anna)).await;
        let portal = told.portal().await;
        let report = scan(&portal, &these(), None).await.unwrap();
        let json = report::to_json(&portal, &report).await.unwrap();
        let severities: Vec<&str> =
            json["findings"].as_array().unwrap().iter().map(|found| found["severity"].as_str().unwrap()).collect();
        assert_eq!(severities, ["critical", "error", "warning"]);
        assert_eq!(json["findings"][0]["class"], Class::Automatic.letter());
        assert_eq!(json["findings"][0]["rows"][0]["table"], "core_userprofile");
        assert!(json["findings"][0]["rows"][0]["key"]["id"].is_i64());
        assert_eq!(json["summary"]["accepted"], 0);
        assert_eq!(json["users"], 3);
        assert!(report.fails(Severity::Critical));
        let verdict = format!("1 critical, 1 error, 1 warning: {} checks, 3 users", report.checked.len());
        assert!(report::verdict(&report).starts_with(&verdict));
    }
}
