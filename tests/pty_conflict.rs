//! Two at the same account at the same time: one at the screen of the real program, one at the command line.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/pty.rs"]
mod terminal;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::Arc;

use portaldesk::db::{Db, Sql};
use terminal::keys::{CTRL_S, DOWN, LEFT, RIGHT, TAB};
use terminal::{Home, SMALL, Terminal, apply, program};
use tokio::sync::Notify;

/// A portal in a home of its own with the superuser `amir`, and `bela`.
fn portal() -> Home {
    let home = Home::with_portal();
    let bela = ["--username", "bela", "--first-name", "Bela", "--last-name", "Novak", "--password-generate"];
    home.ok("", &[&["user", "add"], &bela[..]].concat());
    home
}

#[test]
fn whoever_saves_second_sees_both_and_chooses() {
    let home = portal();
    let mut terminal = Terminal::signed_in(&home, SMALL);
    terminal.wait_for("1 of 2");
    terminal.keys(DOWN);
    terminal.wait_for("▸  bela");
    terminal.keys("e");
    terminal.wait_for("▸Username");
    terminal.keys(&format!("{TAB} B.{TAB}ak{TAB}b@example.org"));
    terminal.wait_for("3 changes");

    let theirs = ["--first-name", "Adalbert", "--last-name", "Nowak", "--phone-number", "911"];
    home.ok("", &[&["user", "edit", "bela"], &theirs[..]].concat());
    terminal.keys(CTRL_S);
    terminal.wait_for("bela was changed meanwhile");
    for shown in ["was     Bela", "theirs  Adalbert", "mine    Bela B.", "Phone empty → 911"] {
        terminal.wait_for(shown);
    }
    terminal.keys(CTRL_S);
    terminal.wait_for("2 fields are open: ← takes theirs, → mine.");
    terminal.keys(&format!("{RIGHT}{DOWN}{LEFT}"));
    terminal.wait_gone("← or →");
    terminal.keys(CTRL_S);
    terminal.wait_gone("bela was changed meanwhile");
    assert_eq!(home.user("bela")["first_name"], "Adalbert", "choosing writes nothing");

    terminal.keys(CTRL_S);
    terminal.wait_for("First name  Adalbert → Bela B.");
    apply(&mut terminal, "Edit bela", "Changed bela");
    let bela = home.user("bela");
    assert_eq!((&bela["first_name"], &bela["last_name"]), (&"Bela B.".into(), &"Nowak".into()));
    assert_eq!((&bela["email"], &bela["profile"]["phone_number"]), (&"b@example.org".into(), &"911".into()));
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    terminal.assert_restored();
}

/// Changes bela in a transaction that stays open until it is told to commit.
fn change_slowly(home: &Home, started: Arc<Notify>, commit: Arc<Notify>) -> impl Future<Output = ()> + use<> {
    let target = home.database();
    async move {
        let db = Db::open(&target).await.unwrap();
        let change = db.transaction(move |tx| {
            let (started, commit) = (Arc::clone(&started), Arc::clone(&commit));
            Box::pin(async move {
                tx.execute(Sql::new("UPDATE auth_user SET first_name = 'Adalbert' WHERE username = 'bela'"))
                    .await?;
                started.notify_one();
                commit.notified().await;
                Ok(())
            })
        });
        assert!(change.await.is_ok());
    }
}

#[test]
fn a_command_that_is_overtaken_says_what_changed() {
    let home = portal();
    let (started, commit) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let other = runtime.spawn(change_slowly(&home, Arc::clone(&started), Arc::clone(&commit)));
    runtime.block_on(started.notified());
    let mut command = Command::new(program())
        .args(["user", "edit", "bela", "--username", "bella"])
        .env_clear()
        .env("HOME", &home.0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(command.stderr.take().unwrap());
    let mut words = String::new();
    // This is said when the plan is made, from rows as they were; the write waits for the other one.
    while !words.contains("signs in as bella from now on") {
        assert_ne!(errors.read_line(&mut words).unwrap(), 0, "{words}");
    }
    commit.notify_one();
    runtime.block_on(other).unwrap();
    errors.read_to_string(&mut words).unwrap();
    assert_eq!(command.wait().unwrap().code(), Some(4), "{words}");
    assert!(
        words.contains("Someone else changed auth_user id 2 (first_name) meanwhile; nothing was written"),
        "{words}"
    );
    assert!(words.contains("first_name: it is now Adalbert"), "{words}");
    assert_eq!(home.user("bela")["first_name"], "Adalbert");
}
