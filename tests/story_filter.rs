//! The filter language against a model of it: five hundred people in memory and on each engine, and filters that nobody
//! thought of.
//!
//! A failure prints the shortest filter that fails and the seed: `SEED=… cargo test --test story_filter` asks the same
//! ones again, `CASES=2000` asks more.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

#[path = "support/people.rs"]
mod people;

use std::collections::BTreeSet;

use people::{Ask, People, asks};
use portaldesk::change::Actor;
use portaldesk::db::{Dialect, Sql};
use portaldesk::directory::users::{self, Column, From, Query};
use portaldesk::directory::{Portal, Settings, departments, filter, record};
use portaldesk::error::Kind;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use support::TestDb;
use support::corpus::{Ground, PEOPLE};

/// What a filter lets through, asked in all the ways there are, or how that differs from what the model says.
async fn compare(portal: &Portal, people: &People, asks: &[(bool, Ask)], sort: usize) -> Result<(), String> {
    let line = people::line(asks);
    let expected = people.expected(asks);
    let filter = match (filter::read(portal, &line).await, &expected) {
        (Ok(filter), Some(_)) => filter,
        (Err(error), None) if error.kind == Kind::Usage => return Ok(()),
        (read, _) => return Err(format!("{line}: expected {expected:?}, read {read:?}")),
    };
    let query = Query { filter, sort: Column::ALL[sort % Column::ALL.len()], descending: sort % 2 == 1 };
    let expected = expected.unwrap_or_default();
    let mut ids = users::ids(portal, &query).await.map_err(|error| format!("{line}: {error}"))?;
    let ordered = ids.clone();
    ids.sort_unstable();
    let count = users::count(portal, &query).await.map_err(|error| format!("{line}: {error}"))?;
    if ids != expected || usize::try_from(count).ok() != Some(expected.len()) {
        return Err(format!("{line}: expected {expected:?}, counted {count}, found {ids:?}"));
    }
    // The same again as the filter is kept, page by page from the other end.
    let query = Query { filter: filter::read(portal, &query.filter.by_id()).await.unwrap(), ..query };
    let (mut from, mut walked) = (From::End, Vec::new());
    loop {
        let page =
            users::page(portal, &query, &from, 60).await.map_err(|error| format!("{line}: {error}"))?;
        walked.extend(page.rows.iter().rev().map(|row| row.id));
        match page.rows.first() {
            Some(first) if !page.at_start => from = From::Before(first.place.clone()),
            _ => break,
        }
    }
    walked.reverse();
    if walked != ordered {
        return Err(format!("{line}: in order {ordered:?}, page by page {walked:?}"));
    }
    Ok(())
}

/// Passwords of every kind, and whether they keep somebody out.
fn passwords() -> Vec<(String, bool)> {
    let (salt, hash) = ("SaltOfTwentyTwoLetters", "A".repeat(43));
    let pbkdf2 = |costs: &str, salt: &str, hash: &str| format!("pbkdf2_sha256${costs}${salt}${hash}");
    let whole = format!("{hash}=");
    let argon2 = |costs: &str| format!("argon2$argon2id$v=19${costs}${}${hash}", "U2Fs".repeat(7) + "dA");
    let scrypt = |n: u32, p: u32| format!("scrypt${n}${salt}$8${p}${}==", "A".repeat(86));
    let bcrypt = |rounds: u32| format!("bcrypt_sha256$$2b${rounds:02}${}", "a".repeat(53));
    let sound = [
        pbkdf2("600000", salt, &whole),
        pbkdf2("1200000", salt, &whole),
        pbkdf2("260000", "twelve", &whole),
        pbkdf2("1", "salt with % and _", &whole),
        format!("pbkdf2_sha1$20000${salt}${}=", "A".repeat(27)),
        argon2("m=102400,t=2,p=8"),
        argon2("m=65536,t=3,p=4"),
        bcrypt(12),
        bcrypt(10),
        scrypt(16_384, 1),
        scrypt(8_192, 1),
    ];
    let broken = [
        String::new(),
        "!".to_owned(),
        "!unusable".to_owned(),
        "plain".to_owned(),
        "md5$a$b".to_owned(),
        "phpass$x".to_owned(),
        pbkdf2("600000", salt, &whole).to_uppercase(),
        pbkdf2("600000", salt, &format!("{}B=", "A".repeat(42))),
        pbkdf2("600000", salt, &format!("{}_=", "A".repeat(42))),
        pbkdf2("600000", salt, &format!("{whole}\n")),
        pbkdf2("600000", salt, &hash),
        pbkdf2("060000", salt, &whole),
        pbkdf2("9999999999", salt, &whole),
        pbkdf2("600000", "", &whole),
        pbkdf2("600000", "a$bcdefghijklmnopqrstu", &whole),
        argon2("m=7,t=2,p=8"),
        bcrypt(40),
        scrypt(32_768, 1),
        scrypt(10_000, 1),
    ];
    sound.map(|encoded| (encoded, false)).into_iter().chain(broken.map(|encoded| (encoded, true))).collect()
}

/// Names of every kind. Some of them the login form makes another name of.
const NAMES: [&str; 12] = [
    "dana",
    "d.o'neill+x@example.org",
    "two words",
    "e\u{301}mil",
    "ämilia",
    "ﬁnance",
    " before",
    "after ",
    "tab\t",
    "\u{3000}wide",
    "日本",
    "a\u{200d}b",
];

async fn add(db: &TestDb, username: &str, password: &str, active: bool) {
    let (username, password) = (username.to_owned(), password.to_owned());
    let added = db.db.transaction(move |tx| {
        let sql = Sql::new(
            "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, \
             is_active, date_joined) VALUES (?, ?, ?, '', '', '', ?, ?, ?)",
        );
        let sql = sql.bind(password.as_str()).bind(false).bind(username.as_str());
        let sql = sql.bind(false).bind(active).bind(chrono::Utc::now());
        Box::pin(async move { Ok(tx.insert(sql).await?) })
    });
    added.await.unwrap();
}

/// Asks the record of each user, and fails unless the filter says the same of all; gives who can't sign in, by name.
async fn cannot_sign_in(db: &TestDb) -> BTreeSet<String> {
    let portal = Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
    let everybody = users::ids(&portal, &Query::default()).await.unwrap();
    let (mut can, mut cannot, mut names) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for id in everybody {
        let record = record::read(&portal, id).await.unwrap();
        if record.sign_in.can_sign_in() {
            can.insert(id);
        } else {
            cannot.insert(id);
            names.insert(record.user.username);
        }
    }
    for (line, expected) in
        [("signin:yes", &can), ("signin:no", &cannot), ("-signin:no", &can), ("-signin:yes", &cannot)]
    {
        let query = Query::default().filtered(line);
        let found: BTreeSet<i64> = users::ids(&portal, &query).await.unwrap().into_iter().collect();
        assert_eq!(found, *expected, "{line}");
        assert_eq!(users::count(&portal, &query).await.unwrap(), i64::try_from(expected.len()).unwrap());
    }
    names
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

stories! {
    async fn filters_let_through_whom_the_model_says(db: TestDb) {
        let seed = number("SEED").unwrap_or_else(|| u64::from(std::process::id()) ^ 0xf117_0000);
        let cases = number("CASES").unwrap_or(150);
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let (people, portal) = People::settle(&db, seed).await;
        let strategy = (prop::collection::vec((any::<bool>(), asks()), 1..5), 0..16_usize);
        for _ in 0..cases {
            let mut tree = strategy.new_tree(&mut runner).unwrap();
            let (asks, sort) = tree.current();
            let Err(mut shortest) = compare(&portal, &people, &asks, sort).await else { continue };
            while tree.simplify() {
                let (asks, sort) = tree.current();
                match compare(&portal, &people, &asks, sort).await {
                    Err(shorter) => shortest = shorter,
                    Ok(()) if tree.complicate() => {}
                    Ok(()) => break,
                }
            }
            panic!("SEED={seed}: {shortest}");
        }
    }

    /// A part and its opposite share everybody out between them.
    async fn every_question_and_its_opposite_share_everybody_out(db: TestDb) {
        let (people, portal) = People::settle(&db, 1).await;
        let everybody = people.expected(&[]).unwrap();
        for ask in people::every_ask() {
            let line = people::line(&[(false, ask.clone())]);
            let Ok(with) = filter::read(&portal, &line).await else { continue };
            let without = filter::read(&portal, &format!("-{line}")).await.unwrap();
            let mut both = Vec::new();
            for filter in [with, without] {
                both.extend(users::ids(&portal, &Query { filter, ..Query::default() }).await.unwrap());
            }
            both.sort_unstable();
            assert_eq!(both, everybody, "{line}");
        }
    }

    /// The filter finds those of whom the record says that they can't sign in, whatever keeps them out.
    async fn who_cannot_sign_in_is_whom_the_record_says(db: TestDb) {
        let ground = Ground::new(db.server, support::Made::Init).await;
        let db = &ground.db;
        let sound = &passwords()[0].0;
        let mut expected = BTreeSet::from(["off".to_owned()]);
        add(db, "off", sound, false).await;
        for (number, (encoded, is_out)) in passwords().iter().enumerate() {
            let name = format!("password{number}");
            add(db, &name, encoded, true).await;
            expected.extend(is_out.then_some(name));
        }
        for name in NAMES {
            add(db, name, sound, true).await;
        }
        add(db, "", sound, true).await;
        if db.dialect() != Dialect::Postgres {
            add(db, "nul\0", sound, true).await;
            add(db, "nul in the password", &format!("{sound}\0"), true).await;
            expected.extend(["nul\0", "nul in the password"].map(str::to_owned));
        }
        let found = cannot_sign_in(db).await;
        let renamed = ["", "e\u{301}mil", "ﬁnance", " before", "after ", "tab\t", "\u{3000}wide"];
        expected.extend(renamed.map(str::to_owned));
        if db.dialect() == Dialect::MySql {
            // To some collations the name that the form sends is the same.
            for name in ["after ", "e\u{301}mil"].into_iter().filter(|name| !found.contains(*name)) {
                expected.remove(name);
            }
        }
        assert_eq!(found, expected);

        // Two accounts of one name keep each other out, where nothing keeps names apart.
        ground.drop_unique("auth_user", &["username"]).await;
        let [.., (anna, _), _, _] = PEOPLE;
        add(db, anna, sound, true).await;
        expected.insert(anna.to_owned());
        assert_eq!(cannot_sign_in(db).await, expected);
    }

    async fn what_a_portal_does_not_have_is_said_by_name(db: TestDb) {
        let (_, portal) = People::settle(&db, 1).await;
        for (line, says) in [
            ("ada dept:Slaes", "'dept:Slaes' at character 5: there is no department 'Slaes'; did you mean 'Sales'?"),
            ("group:Enginer", "there is no group 'Enginer'; did you mean 'Engineer'?"),
            ("dept:#4711", "there is no department of this id"),
            ("-group:Zzz", "'-group:Zzz' at character 1: there is no group 'Zzz'."),
            ("dpt:IT", "Did you mean 'dept:'? There are dept:, group:, "),
        ] {
            let error = filter::read(&portal, line).await.unwrap_err();
            assert!(error.kind == Kind::Usage && error.message.contains(says), "{line}: {error}");
        }
        let sales = departments::find(&portal, "Sales").await.unwrap();
        let filter = filter::read(&portal, "dept:Sales").await.unwrap();
        assert_eq!(filter.by_id(), format!("dept:#{sales}"));
        let shown = filter::read(&portal, "dept:sales").await;
        assert_eq!(shown.is_ok(), db.server == support::Server::MariaDb, "equal is what the engine takes for equal");
    }

    async fn ten_thousand_characters_get_an_answer(db: TestDb) {
        let (_, portal) = People::settle(&db, 1).await;
        let lines = [
            "x".repeat(10_000),
            "dept:".to_owned() + &"x".repeat(9_995),
            "ab ".repeat(3_333),
            "-".repeat(10_000),
            "\"".repeat(10_000),
            "é".repeat(5_000),
            "active:yes ".repeat(909),
        ];
        for line in lines {
            let error = filter::read(&portal, &line).await.unwrap_err();
            assert!(error.kind == Kind::Usage && error.message.len() < 600, "{error}");
        }
        // As long and as many as may be.
        let most = ["x".repeat(4_000), format!("dept:{}", "IT".repeat(2_000))].map(|line| line + " %_!");
        for (line, taken) in most.into_iter().zip([true, false]) {
            match filter::read(&portal, &line).await {
                Ok(filter) => {
                    let query = Query { filter, ..Query::default() };
                    assert!(taken && users::count(&portal, &query).await.unwrap() == 0);
                }
                Err(error) => assert!(!taken && error.kind == Kind::Usage, "{error}"),
            }
        }
        let filter = filter::read(&portal, &"-ab -dept:IT a login>9d ".repeat(25)).await.unwrap();
        assert!(users::count(&portal, &Query { filter, ..Query::default() }).await.unwrap() < 500);
    }
}
