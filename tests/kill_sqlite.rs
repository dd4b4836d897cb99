//! SIGKILL at the calls with which SQLite writes, while the real program repairs two hundred findings: never half a finding,
//! and the run is gone on with. `tests/run kill` kills at every one of them, the ordinary run at an even sample.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]
#![cfg(target_os = "linux")]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use portaldesk::db::{Db, Sql, Target};
use support::Server;
use support::wreck::{self, Far, Subjects};

/// What writes: to the files, to the disk, and what begins or ends a journal.
const CALLS: [&str; 8] =
    ["write", "pwrite64", "fsync", "fdatasync", "ftruncate", "unlink", "unlinkat", "rename"];

/// How many kills make the sample of an ordinary run.
const SAMPLE: usize = 60;

/// Databases in memory, so that a disk doesn't decide how long this takes; they are gone with this value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let base =
            if Path::new("/dev/shm").is_dir() { PathBuf::from("/dev/shm") } else { std::env::temp_dir() };
        let folder = base.join(format!("portaldesk-kill-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// A copy of the wrecked portal, and where it is.
    fn copy(&self, name: &str) -> PathBuf {
        let copy = self.0.join(format!("{name}.sqlite3"));
        std::fs::copy(self.0.join("wreck.sqlite3"), &copy).unwrap();
        copy
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn beside(database: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", database.display()))
}

/// The real program under strace, which looks at the calls on this database and nothing else.
fn repair(database: &Path, strace: &[&str]) -> Output {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "--signal=none"]).args(strace);
    for ending in ["", "-wal", "-journal", "-shm"] {
        command.arg("-P").arg(beside(database, ending));
    }
    command
        .arg(env!("CARGO_BIN_EXE_portaldesk"))
        .arg(format!("--database=sqlite://{}", database.display()))
        .args(["--yes", "fix-user-profiles", "--only", wreck::CHECKS])
        .env("HOME", database.parent().unwrap())
        .env("XDG_STATE_HOME", database.parent().unwrap())
        .stdin(Stdio::null())
        .output()
        .expect("strace runs; tests/run installs it")
}

/// How often one thread makes each of the calls, at most: strace counts them by thread.
fn count(database: &Path) -> BTreeMap<&'static str, usize> {
    let log = beside(database, ".calls");
    let output =
        repair(database, &["-o", log.to_str().unwrap(), "-e", &format!("trace={}", CALLS.join(","))]);
    assert!(output.status.success(), "{output:?}");
    let mut counted: BTreeMap<(&str, &'static str), usize> = BTreeMap::new();
    let text = std::fs::read_to_string(log).unwrap();
    for line in text.lines() {
        let mut words = line.splitn(2, ' ');
        let (thread, rest) = (words.next().unwrap(), words.next().unwrap_or_default().trim_start());
        if let Some(call) = CALLS.iter().find(|call| rest.starts_with(&format!("{call}("))) {
            *counted.entry((thread, call)).or_default() += 1;
        }
    }
    let mut most = BTreeMap::new();
    for ((_, call), count) in counted {
        let entry = most.entry(call).or_insert(0);
        *entry = count.max(*entry);
    }
    most
}

async fn open(database: &Path) -> Db {
    Db::open(&Target::file(database).unwrap()).await.unwrap()
}

/// What a portal's repair writes when nobody disturbs it, in one journal mode of SQLite's.
struct Case {
    folder: Folder,
    before: Subjects,
    after: Subjects,
    /// Every call at which it can be killed.
    calls: Vec<(&'static str, usize)>,
}

impl Case {
    async fn new(mode: &str) -> Self {
        let folder = Folder::new(mode);
        let ground = wreck::wreck(Server::Sqlite).await;
        let before = wreck::subjects(&ground.db).await;
        let template = folder.0.join("wreck.sqlite3");
        ground.db.run(&format!("VACUUM INTO '{}'", template.display())).await;
        let db = open(&template).await;
        db.script(vec![format!("PRAGMA journal_mode = {mode}")]).await.unwrap();
        drop(db);
        let undisturbed = folder.copy("undisturbed");
        let mut calls = Vec::new();
        for (call, count) in count(&undisturbed) {
            calls.extend((1..=count).map(|number| (call, number)));
        }
        let after = wreck::subjects(&open(&undisturbed).await).await;
        assert_ne!(before, after);
        Self { folder, before, after, calls }
    }

    /// Kills a repair at a call; how far it was. Nothing when it was over before: the last calls bring pages of the log
    /// into the database while the program closes it, and how many those are differs from run to run.
    async fn kill(&self, call: &str, number: usize) -> Option<Far> {
        let database = self.folder.copy(&format!("{call}-{number}"));
        let inject = format!("inject={call}:signal=KILL:when={number}");
        let output = repair(&database, &["-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject]);
        let db = open(&database).await;
        let last = self.calls.iter().filter(|(other, _)| *other == call).count();
        if output.status.success() && number * 5 > last * 4 {
            assert_eq!(wreck::subjects(&db).await, self.after, "at {call} {number}");
            return None;
        }
        assert_eq!(output.status.signal(), Some(9), "at {call} {number} of {last}: {output:?}");
        let far = wreck::look(&db, &self.before, &self.after).await;
        wreck::go_on(&db, &self.after, far).await;
        let lock = Sql::new("SELECT owner FROM portaldesk_lock WHERE name = 'repair'");
        assert_eq!(db.one(lock).await.unwrap().text_opt(0).unwrap(), None);
        drop(db);
        for ending in ["", "-wal", "-journal", "-shm"] {
            let _ = std::fs::remove_file(beside(&database, ending));
        }
        Some(far)
    }
}

/// Kills at these calls, two at a time, and shows that the kills came before, between and after the commits.
fn kill_at(mode: &'static str, most: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let case = std::sync::Arc::new(Case::new(mode).await);
        let all = case.calls.len();
        let step = all.div_ceil(most).max(1);
        let chosen: Vec<_> = case.calls.iter().copied().step_by(step).collect();
        let mut halves = [Vec::new(), Vec::new()];
        for (at, call) in chosen.iter().copied().enumerate() {
            halves[at % 2].push(call);
        }
        let workers = halves.map(|calls| {
            let case = std::sync::Arc::clone(&case);
            tokio::spawn(async move {
                let mut seen = Vec::new();
                for (call, number) in calls {
                    seen.push((call, case.kill(call, number).await));
                }
                seen
            })
        });
        let mut seen: BTreeMap<(&str, Far), usize> = BTreeMap::new();
        let mut over = 0;
        for worker in workers {
            for (call, far) in worker.await.unwrap() {
                match far {
                    Some(far) => *seen.entry((call, far)).or_default() += 1,
                    None => over += 1,
                }
            }
        }
        let killed: usize = seen.values().sum();
        let mut words = format!(
            "journal_mode {mode}: killed by signal 9 at {killed} of {all} calls, over before {over} others:"
        );
        for ((call, far), count) in &seen {
            let _ = write!(words, " {call} {far:?} {count},");
        }
        std::io::Write::write_all(&mut std::io::stderr(), format!("{words}\n").as_bytes()).unwrap();
        for far in [Far::Before, Far::Midway, Far::Through] {
            assert!(seen.keys().any(|(_, other)| *other == far), "no kill was {far:?}: {seen:?}");
        }
    });
}

/// The mode of databases that we made.
#[test]
fn a_killed_repair_is_whole_before_or_after_with_a_write_ahead_log() {
    kill_at("wal", SAMPLE);
}

/// The mode of a portal that left SQLite as it is.
#[test]
fn a_killed_repair_is_whole_before_or_after_with_a_rollback_journal() {
    kill_at("delete", SAMPLE);
}

#[test]
#[ignore = "many minutes: tests/run kill"]
fn every_call_with_a_write_ahead_log() {
    kill_at("wal", usize::MAX);
}

#[test]
#[ignore = "many minutes: tests/run kill"]
fn every_call_with_a_rollback_journal() {
    kill_at("delete", usize::MAX);
}
