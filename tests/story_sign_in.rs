//! Signing in: who gets in and who does not, that nobody learns why, and that guessing is slow. And how new passwords
//! are hashed.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use portaldesk::change::{Account, Actor};
use portaldesk::db::{Db, Dialect, Sql, own};
use portaldesk::directory::accounts::{self, Draft};
use portaldesk::directory::lockouts::{self, Place};
use portaldesk::directory::{Hasher, Portal, Settings, passwords, record, sign_in, users};
use portaldesk::error::{Error, Kind};
use portaldesk::portal::password::{Cost, Recipe, Stored, hashes_made, last_hash, read, unusable};
use support::{Made, TestDb, digest, wait_until};
use tokio::sync::{Mutex, MutexGuard};

/// The right password of everybody here.
const RIGHT: &str = "Alpha-Lab-2025!";

/// Hashes are counted for the whole process, so these stories are told one after the other.
static ALONE: Mutex<()> = Mutex::const_new(());

async fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().await
}

async fn portal_of(db: &Db, unix_user: &str) -> Portal {
    Portal::over(db.clone(), Settings::default(), Actor::unix(unix_user, None)).await.unwrap()
}

async fn portal(db: &Db) -> Portal {
    portal_of(db, "tester").await
}

/// The right password at a cost of next to nothing.
fn cheap() -> String {
    Recipe::pbkdf2_sha256(1).hash(RIGHT).unwrap()
}

/// Adds an account whose password is stored like this; a superuser, so that it has a role.
async fn add(portal: &Portal, name: &str, encoded: String) -> i64 {
    let draft = Draft { encoded_password: Some(encoded), ..Draft::default() }
        .with("username", name)
        .with("is_superuser", "true");
    let plan = accounts::create(portal, &draft).await.unwrap();
    portal.writer().unwrap().apply(plan).await.unwrap();
    users::find(portal, name).await.unwrap()
}

async fn change(portal: &Portal, id: i64, field: &'static str, text: &str) {
    let plan = accounts::edit(portal, id, &Draft::default().with(field, text)).await.unwrap();
    portal.writer().unwrap().apply(plan).await.unwrap();
}

/// A try that fails; what is said, and how many hashes it took.
async fn refused(portal: &Portal, name: &str, password: &str) -> (Error, u64) {
    let before = hashes_made();
    let error = sign_in::sign_in(portal, name, password).await.expect_err("it is refused");
    (error, hashes_made() - before)
}

/// A row of `portaldesk_sign_in`: the account, its failures, and how long they block after the last one.
#[derive(Debug, Clone, PartialEq)]
struct Count {
    account: String,
    failures: i64,
    blocked: Option<TimeDelta>,
}

/// Whether a count is that of an account, or of a name that no account has.
fn is_of(count: &Count, name: &str) -> bool {
    if name == "nobody" { count.account.starts_with('?') } else { count.account == name }
}

async fn counts(db: &Db) -> Vec<Count> {
    let sql = Sql::new("SELECT account, failures, ")
        .time("last_failure")
        .push(", ")
        .time("blocked_until")
        .push(" FROM portaldesk_sign_in ORDER BY account, login_user");
    let rows = db.all(sql).await.unwrap();
    let counts = rows.iter().map(|row| {
        let last = row.time(2).unwrap().expect("the time of a failure");
        Count {
            account: row.text(0).unwrap(),
            failures: row.int(1).unwrap(),
            blocked: row.time(3).unwrap().map(|until: DateTime<Utc>| until - last),
        }
    });
    counts.collect()
}

async fn set_blocked_until(db: &TestDb, time: &str) {
    db.run(&format!("UPDATE portaldesk_sign_in SET blocked_until = '{time}'")).await;
}

/// Lets the delay pass.
async fn let_time_pass(db: &TestDb) {
    set_blocked_until(db, "2020-01-01 00:00:00").await;
}

stories! {
    async fn the_right_password_opens_and_writes_nothing(db: TestDb) {
        let _alone = alone().await;
        let portal = portal(&db).await;
        let id = add(&portal, "bela", cheap()).await;
        let before = digest(&db).await;
        for name in ["bela", "  bela\t", "ｂｅｌａ"] {
            let account = sign_in::sign_in(&portal, name, RIGHT).await.expect(name);
            assert_eq!((account.id, account.username.as_str()), (id, "bela"));
        }
        assert_eq!(digest(&db).await, before, "no last_login, no rehash");
        assert_eq!(counts(&db).await, []);
    }

    async fn every_refusal_has_the_same_words_and_costs_one_hash(db: TestDb) {
        let _alone = alone().await;
        let portal = portal(&db).await;
        let inactive = add(&portal, "inactive", cheap()).await;
        let without_role = add(&portal, "norole", cheap()).await;
        add(&portal, "unusable", unusable().unwrap()).await;
        add(&portal, "empty", String::new()).await;
        add(&portal, "plain", RIGHT.to_owned()).await;
        add(&portal, "garbage", "argon2$argon2id$v=19$m=8".to_owned()).await;
        add(&portal, "endless", cheap().replacen("$1$", "$4294967295$", 1)).await;
        add(&portal, "legacy", "md5$salt$0123456789abcdef0123456789abcdef".to_owned()).await;
        // The newest, so that what is burnt for the others is as cheap as theirs.
        add(&portal, "bela", cheap()).await;
        change(&portal, inactive, "is_active", "false").await;
        change(&portal, without_role, "is_superuser", "false").await;

        let before = digest(&db).await;
        let (long, endless_name) = ("x".repeat(1024 * 1024), "n".repeat(1024 * 1024));
        let (words, _) = refused(&portal, "bela", "wrong").await;
        assert_eq!(words.kind, Kind::Denied);
        for (name, password) in [
            ("bela", "wrong"),
            ("bela", ""),
            ("bela", long.as_str()),
            ("nobody", RIGHT),
            ("nobody", long.as_str()),
            ("inactive", RIGHT),
            ("inactive", "wrong"),
            ("norole", RIGHT),
            ("norole", "wrong"),
            ("unusable", RIGHT),
            ("unusable", "!"),
            ("empty", RIGHT),
            ("empty", ""),
            ("plain", RIGHT),
            ("garbage", RIGHT),
            ("endless", RIGHT),
            ("legacy", RIGHT),
            ("", RIGHT),
            ("be\0la", RIGHT),
            ("bela'; --", RIGHT),
            ("b%", RIGHT),
            (endless_name.as_str(), RIGHT),
        ] {
            let told: String = name.chars().take(20).collect();
            assert_eq!(refused(&portal, name, password).await, (words.clone(), 1), "{told:?} {}", password.len());
        }
        assert_eq!(digest(&db).await, before, "nothing of the accounts changes");
    }

    async fn what_is_hashed_in_vain_costs_what_the_accounts_cost(db: TestDb) {
        let _alone = alone().await;
        let portal = portal(&db).await;
        let settings = Settings { hasher: Hasher::Argon2, ..Settings::default() };
        let other = Portal::over(db.db.clone(), settings, Actor::unix("other", None)).await.unwrap();
        add(&portal, "unusable", unusable().unwrap()).await;
        let scrypt = "scrypt$16$seasalt$1$3$KQyr/Ua9kJxnj50p8s3m4Oyngr+9QLfDm9yhf79N+F8e/eLp29G7n/V64/K9k6VxI/RPCkb7C+x1ceh8BXvRCQ==";
        let bcrypt = "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuMkHVPuODNuiLLOUkNVv/bVYWR0bXLaq";
        let sha1 = "pbkdf2_sha1$3$seasalt$Y2mYe+1NsSL7NLE888EzvurrKAg=";
        let pbkdf2 = cheap().replacen("$1$", "$7$", 1);
        for (number, encoded) in [scrypt, bcrypt, sha1, &pbkdf2].into_iter().enumerate() {
            let Stored::Usable(cost) = read(encoded) else { panic!("{encoded}") };
            add(&portal, &format!("newest{number}"), encoded.to_owned()).await;
            // What nobody can verify is not what the portal's accounts cost.
            add(&portal, &format!("garbage{number}"), "pbkdf2_sha256$x$y$z".to_owned()).await;
            add(&portal, &format!("endless{number}"), cheap().replacen("$1$", "$4294967295$", 1)).await;
            let names = ["nobody", "unusable", "garbage0", "endless0"];
            for (portal, name) in [&portal, &other].into_iter().flat_map(|portal| names.map(|name| (portal, name))) {
                let_time_pass(&db).await;
                assert_eq!(refused(portal, name, RIGHT).await.1, 1, "{name} beside {encoded}");
                assert_eq!(last_hash(), Some(cost), "{name} beside {encoded}");
            }
        }
        // An account with other costs than the newest costs its own.
        assert_eq!(refused(&portal, "newest2", "wrong").await.1, 1);
        assert_eq!(last_hash(), Some(Cost::Pbkdf2Sha1 { iterations: 3 }));
    }

    async fn wrong_tries_are_seen_and_cleared_by_an_administrator(db: TestDb) {
        let _alone = alone().await;
        let console = portal(&db).await;
        let root = add(&console, "root", cheap()).await;
        let bela = add(&console, "bela", cheap()).await;
        change(&console, bela, "is_superuser", "false").await;
        db.run("INSERT INTO auth_group (name) VALUES ('Engineer')").await;
        db.run(&format!("INSERT INTO auth_user_groups (user_id, group_id) SELECT {bela}, id FROM auth_group")).await;
        let account = |id, name: &str| Account { id, username: name.to_owned() };
        let (root, bela_signed_in) = (console.signed_in(account(root, "root")), console.signed_in(account(bela, "bela")));
        for (unix, tries) in [("ann", 2), ("bob", 5)] {
            let keyboard = portal_of(&db, unix).await;
            for _ in 0..tries {
                refused(&keyboard, "bela", "wrong").await;
            }
            refused(&keyboard, "root", "wrong").await;
            refused(&keyboard, "hunter2", "wrong").await;
        }
        set_blocked_until(&db, "2099-01-01 00:00:00").await;
        db.run("UPDATE portaldesk_sign_in SET blocked_until = NULL WHERE failures < 5").await;
        let until = portaldesk::db::parse_time("2099-01-01 00:00:00");

        let all = lockouts::all(&console).await.unwrap();
        let told: Vec<_> = all.iter().map(|one| (one.account.as_deref(), one.unix_user.as_str(), one.tries)).collect();
        assert_eq!(told.len(), 6, "{told:?}");
        assert_eq!(told.iter().filter(|(account, ..)| account.is_none()).count(), 2, "{told:?}");
        let of_bela: Vec<_> = all.iter().filter(|one| one.account.as_deref() == Some("bela")).collect();
        assert_eq!(of_bela.iter().map(|one| (one.tries, one.locked_until)).collect::<Vec<_>>(), [(2, None), (5, until)]);
        assert_eq!(of_bela[1].in_words(|_| "10:41".to_owned()), "5 from unix:bob, locked until 10:41");

        // In the record, for whoever may see who did what.
        assert_eq!(record::read(&root, bela).await.unwrap().lockouts.len(), 2);
        assert_eq!(record::read(&bela_signed_in, bela).await.unwrap().lockouts, []);

        // An engineer may set no password but their own, and clears no tries but their own.
        let superuser = root.actor.account.as_ref().unwrap().id;
        let refusal = lockouts::clear(&bela_signed_in, superuser, false).await.unwrap_err();
        assert_eq!(refusal.kind, Kind::Denied);
        assert_eq!(lockouts::clear(&root, bela, true).await.unwrap().tries, 7);
        assert_eq!(lockouts::all(&console).await.unwrap().len(), 6, "nothing was cleared so far");
        let before = digest(&db).await;
        let cleared = lockouts::clear(&root, bela, false).await.unwrap();
        assert_eq!(cleared.to_string(), "Cleared 7 wrong sign-in tries of bela");
        let left = lockouts::all(&console).await.unwrap();
        assert!(left.len() == 4 && left.iter().all(|one| one.account.as_deref() != Some("bela")), "{left:?}");
        assert_eq!(lockouts::clear(&root, bela, false).await.unwrap().tries, 0);
        assert_eq!(digest(&db).await, before, "the portal's rows are no part of it");
        sign_in::sign_in(&portal_of(&db, "bob").await, "bela", RIGHT).await.expect("no delay is left");
    }

    async fn read_only_only_ones_own_count_is_seen_and_cleared(db: TestDb) {
        let _alone = alone().await;
        let console = portal(&db).await;
        let bela = add(&console, "bela", cheap()).await;
        refused(&portal_of(&db, "ann").await, "bela", "wrong").await;
        let file = std::env::temp_dir().join(format!("portaldesk-own-tries-{:?}-{}", db.dialect(), std::process::id()));
        let settings = Settings { tries_file: Some(file.clone()), ..Settings::default() };
        let target = portaldesk::db::Target { read_only: true, ..db.target().clone() };
        let reading = Portal::open(&target, settings, Actor::unix("bob", None)).await.unwrap();
        for _ in 0..5 {
            assert_eq!(refused(&reading, "bela", "wrong").await.1, 1);
        }
        let (error, hashes) = refused(&reading, "bela", RIGHT).await;
        assert!(error.message.contains("Wait ") && hashes == 0, "{error}");
        let seen = lockouts::all(&reading).await.unwrap();
        assert_eq!((seen.len(), seen[0].tries, seen[0].unix_user.as_str()), (1, 5, "bob"));
        let cleared = lockouts::clear(&reading, bela, false).await.unwrap();
        assert_eq!((cleared.tries, cleared.place), (5, Place::StateFolder));
        assert!(cleared.to_string().contains("state folder"), "{cleared}");
        sign_in::sign_in(&reading, "bela", RIGHT).await.expect("no delay is left");
        assert_eq!(lockouts::all(&console).await.unwrap().len(), 1, "the database's count stays");
        std::fs::remove_file(file).unwrap();
    }

    async fn the_engine_decides_whether_another_case_is_the_same_name(db: TestDb) {
        let _alone = alone().await;
        let portal = portal(&db).await;
        let id = add(&portal, "bela", cheap()).await;
        for name in ["BELA", "béla"] {
            let result = sign_in::sign_in(&portal, name, RIGHT).await;
            if db.dialect() == Dialect::MySql {
                let account = result.expect("general_ci takes them for one, and so does Django");
                assert_eq!((account.id, account.username.as_str()), (id, "bela"), "the name as it is stored");
            } else {
                assert_eq!(result.unwrap_err().kind, Kind::Denied);
            }
        }
        // Where they are one name, they share their tries.
        for name in ["Bela", "bEla", "beLa", "belA"] {
            refused(&portal, name, "wrong").await;
        }
        let counted = counts(&db).await;
        if db.dialect() == Dialect::MySql {
            assert_eq!(counted, [Count { account: "bela".into(), failures: 4, blocked: None }]);
        } else {
            assert!(counted.iter().all(|count| count.failures == 1), "{counted:?}");
        }
    }

    async fn after_five_tries_each_takes_twice_as_long(db: TestDb) {
        let _alone = alone().await;
        let (one, two) = (portal(&db).await, portal(&db.second().await).await);
        add(&one, "bela", cheap()).await;
        for name in ["bela", "nobody"] {
            for number in 1..=5_i64 {
                let portal = if number % 2 == 0 { &two } else { &one };
                let (error, hashes) = refused(portal, name, "wrong").await;
                assert_eq!((error.kind, hashes), (Kind::Denied, 1), "{name} {number}");
                let blocked = (number == 5).then(|| TimeDelta::seconds(1));
                let counted = counts(&db).await;
                let count = counted.iter().find(|count| is_of(count, name)).unwrap();
                assert_eq!((count.failures, count.blocked), (number, blocked), "{name}: both programs count");
            }
            // As if the clock had been put back since: whoever was told to wait a second waits a second.
            set_blocked_until(&db, "2099-01-01 00:00:00").await;
            let (error, hashes) = refused(&two, name, RIGHT).await;
            assert_eq!(hashes, 0, "{name}: not even the right one is looked at");
            assert!(error.message.contains("Wait 1 second,") && error.kind == Kind::Denied, "{error}");
            for failures in 6..9_i64 {
                let_time_pass(&db).await;
                assert_eq!(refused(&one, name, "wrong").await.1, 1, "{name}");
                let counted = counts(&db).await;
                let count = counted.iter().find(|count| is_of(count, name)).unwrap();
                let delay = TimeDelta::seconds(1 << (failures - 5));
                assert_eq!((count.failures, count.blocked), (failures, Some(delay)), "{name}");
            }
        }
        // Someone else at the keyboard is not held up; the right password clears the count.
        let other = portal_of(&db, "other").await;
        sign_in::sign_in(&other, "bela", RIGHT).await.expect("a count of its own");
        let_time_pass(&db).await;
        sign_in::sign_in(&two, "bela", RIGHT).await.expect("the delay is over");
        let counted = counts(&db).await;
        assert!(counted.iter().all(|count| is_of(count, "nobody")));
        assert!(!format!("{counted:?}").contains("nobody"), "it may be a password that was typed there");
        assert_eq!(refused(&one, "bela", "wrong").await.1, 1, "five more are free");
    }

    async fn many_tries_at_once_get_no_further_than_one_after_the_other(db: TestDb) {
        let _alone = alone().await;
        let (one, two) = (portal(&db).await, portal(&db.second().await).await);
        add(&one, "bela", cheap()).await;
        let (before, started) = (hashes_made(), Instant::now());
        let mut trying = tokio::task::JoinSet::new();
        for number in 0..20 {
            let portal = if number % 2 == 0 { one.clone() } else { two.clone() };
            trying.spawn(async move { sign_in::sign_in(&portal, "bela", "wrong").await.unwrap_err() });
        }
        while let Some(error) = trying.join_next().await {
            assert_eq!(error.unwrap().kind, Kind::Denied);
        }
        let hashes = hashes_made() - before;
        // On a slow machine a delay may pass meanwhile, and one more try with it.
        assert!((5..=6 + started.elapsed().as_secs()).contains(&hashes), "{hashes} hashes");
        let counted = counts(&db).await;
        assert_eq!((counted.len(), u64::try_from(counted[0].failures).unwrap()), (1, hashes), "each was counted");
    }

    async fn a_very_long_unix_name_signs_in_too(db: TestDb) {
        let _alone = alone().await;
        let portal = portal_of(&db, &"u".repeat(300)).await;
        add(&portal, "bela", cheap()).await;
        assert_eq!(refused(&portal, "bela", "wrong").await.1, 1);
        sign_in::sign_in(&portal, "bela", RIGHT).await.unwrap();
        assert_eq!(counts(&db).await, []);
    }

    async fn new_passwords_are_hashed_as_the_portal_hashes(db: TestDb) {
        let _alone = alone().await;
        let adopted = db.sibling(Made::Django0004).await;
        let portal = portal(&adopted).await;
        assert!(!portal.owned);
        let default = Recipe::pbkdf2_sha256(Recipe::DJANGO_4_2_ITERATIONS);
        assert_eq!(passwords::recipe(&portal).await.unwrap(), default, "nobody has a password yet");
        let stronger = Recipe::pbkdf2_sha256(870_000);
        let argon2 = "argon2$argon2id$v=19$m=102400,t=2,p=8$MDEyMzQ1Njc4OWFiY2RlZkFCQ0RFRg$Y2mYe+1NsSL7NLE888EzvurrKAj5JBXSEInM8iDeTzY";
        let pbkdf2 = cheap();
        for (encoded, expected) in [
            (pbkdf2.replacen("$1$", "$870000$", 1), stronger),
            (argon2.to_owned(), Recipe::argon2()),
            (unusable().unwrap(), Recipe::argon2()),
            (String::new(), Recipe::argon2()),
            ("garbage".to_owned(), Recipe::argon2()),
            (pbkdf2.replacen("$1$", "$870000$", 1), stronger),
            (pbkdf2, Recipe::pbkdf2_sha256(1)),
        ] {
            let name = format!("u{}", adopted.number("SELECT COUNT(*) FROM auth_user").await);
            let id = adopted.add_user(&name).await;
            adopted.run(&format!("UPDATE auth_user SET password = '{encoded}' WHERE id = {id}")).await;
            assert_eq!(passwords::recipe(&portal).await.unwrap(), expected, "{encoded}");
        }
        let old = cheap().replacen("$1$", "$2000$", 1);
        let hashed = passwords::hash(&portal, RIGHT, Some(&old)).await.unwrap();
        assert_eq!(Recipe::of(&hashed), Some(Recipe::pbkdf2_sha256(2_000)), "never cheaper than what it replaces");
        let hashed = passwords::hash(&portal, RIGHT, Some(&cheap())).await.unwrap();
        assert_eq!(Recipe::of(&hashed), Some(Recipe::pbkdf2_sha256(1)));

        own::set_setting(&db, "", "owned", Some("yes")).await.unwrap();
        let owned = self::portal(&db).await;
        assert!(owned.owned);
        assert_eq!(passwords::recipe(&owned).await.unwrap(), Recipe::argon2());
    }

    async fn signing_in_outlives_a_lost_connection(db: TestDb) {
        let _alone = alone().await;
        let portal = portal(&db).await;
        add(&portal, "bela", cheap()).await;
        let (order, others) = match db.dialect() {
            Dialect::Sqlite => return,
            Dialect::MySql => ("KILL", "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND db = DATABASE()"),
            Dialect::Postgres => (
                "SELECT pg_terminate_backend",
                "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()",
            ),
        };
        let other = db.second().await;
        for row in other.all(Sql::new(others)).await.unwrap() {
            other.script(vec![format!("{order} ({})", row.int(0).unwrap())]).await.unwrap();
        }
        wait_until("they are gone", || async { other.all(Sql::new(others)).await.unwrap().is_empty() }).await;
        sign_in::sign_in(&portal, "bela", RIGHT).await.expect("a new connection is made");
    }
}
