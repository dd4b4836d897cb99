//! SIGKILL at random moments, while the real program repairs two hundred findings on MariaDB and PostgreSQL: never half a
//! finding, the run is gone on with, and all of it can be taken back. `tests/run kill` does it two hundred times on each.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]
#![cfg(target_os = "linux")]

mod support;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Actor, Watch};
use portaldesk::db::own::{self, WantedRuns};
use portaldesk::db::{Db, Sql};
use portaldesk::directory::{Portal, Settings, history};
use support::wreck::{self, Far, Subjects};
use support::{Server, TestDb};

/// How many kills make an ordinary run.
const SAMPLE: u64 = 10;

/// The program at work.
fn repair(db: &TestDb) -> Child {
    let home = std::env::temp_dir();
    Command::new(env!("CARGO_BIN_EXE_portaldesk"))
        .arg(format!("--database={}", db.url()))
        .args(["--yes", "fix-user-profiles", "--only", wreck::CHECKS])
        .env("HOME", &home)
        .env("XDG_STATE_HOME", &home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs")
}

/// Numbers that look random and come again with their seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit.max(1)
    }
}

/// Waits for the server to end what the killed program had sent: a COMMIT on its way holds the row of its run.
async fn settle(db: &Db) {
    let rows = db.transaction(|tx| {
        Box::pin(async move {
            let sql = Sql::new("SELECT id FROM portaldesk_run").push(tx.dialect().for_update());
            Ok(tx.all(sql).await?.len())
        })
    });
    rows.await.expect("the runs");
}

/// Takes back every repair that stands.
async fn take_back(db: &Db, before: &Subjects) {
    let portal = Portal::over(db.clone(), Settings::default(), Actor::unix("next", None)).await.unwrap();
    let wanted = WantedRuns { standing: true, ..WantedRuns::default() };
    for run in own::runs(&mut db.clone(), &wanted).await.unwrap() {
        if run.kind == "repair" {
            let planned = history::plan_undo(&portal, &run.id, OldPassword::StaysChanged).await.unwrap();
            let undone = history::apply_undo(&portal, &run.id, planned, &Watch::default()).await.unwrap();
            assert_eq!(undone.refused, []);
        }
    }
    assert_eq!(&wreck::subjects(db).await, before, "as before the repair");
}

async fn changes(db: &Db) -> i64 {
    db.one(Sql::new("SELECT COUNT(*) FROM portaldesk_change")).await.unwrap().int(0).unwrap()
}

async fn kill_often(server: Server, wanted: u64) {
    let ground = wreck::wreck(server).await;
    let db = &ground.db;
    let before = wreck::subjects(db).await;
    // Undisturbed: how long it takes, and what it leaves.
    let started = Instant::now();
    assert!(repair(db).wait().unwrap().success());
    let length = u64::try_from(started.elapsed().as_micros()).unwrap();
    let after = wreck::subjects(db).await;
    assert_ne!(before, after);
    take_back(db, &before).await;

    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        u64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros()).unwrap()
    });
    let mut random = Random(seed);
    let (mut reached, mut killed, mut too_late): (BTreeMap<Far, u64>, u64, u64) = (BTreeMap::new(), 0, 0);
    while killed < wanted {
        assert!(too_late < wanted + 20, "SEED={seed}: it is always over before it is killed");
        let (written, mut program) = (changes(db).await, repair(db));
        if killed == 0 {
            // Surely before its first commit.
        } else if killed.is_multiple_of(2) {
            tokio::time::sleep(Duration::from_micros(random.below(length))).await;
        } else {
            let plans = i64::try_from(random.below(4)).unwrap() + 1;
            while program.try_wait().unwrap().is_none() && changes(db).await < written + plans {
                tokio::task::yield_now().await;
            }
        }
        program.kill().unwrap();
        if program.wait().unwrap().signal() != Some(9) {
            // It was over; that is no kill, and everything is taken back for the next one.
            too_late += 1;
            take_back(db, &before).await;
            continue;
        }
        killed += 1;
        settle(db).await;
        let far = wreck::look(db, &before, &after).await;
        *reached.entry(far).or_default() += 1;
        wreck::go_on(db, &after, far).await;
        take_back(db, &before).await;
    }
    let words = format!("{}, SEED={seed}: {killed} kills by signal 9: {reached:?}\n", server.name());
    std::io::stderr().write_all(words.as_bytes()).unwrap();
    assert!(reached.contains_key(&Far::Before), "{words}");
    assert!(reached.keys().any(|far| *far != Far::Before), "{words}");
}

fn on(server: Server, name: &str, kills: u64) {
    if server.is_there(name) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(kill_often(server, kills));
    }
}

#[test]
fn a_killed_repair_is_whole_before_or_after_on_mariadb() {
    on(Server::MariaDb, "a killed repair", SAMPLE);
}

#[test]
fn a_killed_repair_is_whole_before_or_after_on_postgres() {
    on(Server::Postgres, "a killed repair", SAMPLE);
}

#[test]
#[ignore = "many minutes: tests/run kill"]
fn two_hundred_kills_on_mariadb() {
    on(Server::MariaDb, "two hundred kills", 200);
}

#[test]
#[ignore = "many minutes: tests/run kill"]
fn two_hundred_kills_on_postgres() {
    on(Server::Postgres, "two hundred kills", 200);
}
