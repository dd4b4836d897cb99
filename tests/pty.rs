//! The real program on a terminal: how it begins, how it ends on every way out, and what the terminal is like after it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;
#[path = "support/pty.rs"]
mod terminal;

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;
use portaldesk::db::{Address, Sql};
use portaldesk::portal::password::Recipe;
use rustix::process::Signal;
use serde_json::Value;
use support::{Made, TestDb};
use terminal::keys::{BACK_TAB, CTRL_C, CTRL_G, CTRL_N, CTRL_S, CTRL_U, CTRL_Z, ENTER, ESC, F1, F2, TAB};
use terminal::{Home, LARGE, PASSWORD, SMALL, Size, Terminal, apply, go_to, program};

/// Within this, everything that asks for the end must have had it.
const SOON: Duration = Duration::from_secs(2);

/// The sign-in, ready for keys.
fn sign_in_screen(home: &Home, size: Size) -> Terminal {
    let terminal = Terminal::start(home, size, &[]);
    terminal.wait_for("Sign in to portaldesk");
    terminal.wait_taken();
    terminal
}

/// The first tab, for the superuser.
fn signed_in(home: &Home, size: Size) -> Terminal {
    let mut terminal = sign_in_screen(home, size);
    terminal.keys(&format!("amir{ENTER}{PASSWORD}{ENTER}"));
    terminal.wait_for("[1] Users");
    terminal
}

#[test]
fn the_first_run_makes_a_portal_without_faults() {
    for size in [SMALL, LARGE] {
        let home = Home::new();
        let mut terminal = Terminal::start(&home, size, &[]);
        terminal.wait_for("There is no portal here yet");
        terminal.wait_for("portal.sqlite3");
        terminal.wait_taken();
        terminal.keys(&format!("amir{ENTER}password{ENTER}{F2}"));
        terminal.wait_for("This password is too common.");
        terminal.keys(&format!("{CTRL_U}{PASSWORD}{TAB}{PASSWORD}x{CTRL_S}"));
        terminal.wait_for("The two password fields didn't match.");
        assert!(!home.0.join(".local/share/portaldesk").exists(), "nothing is made before it is asked for");
        terminal.keys(&format!("\x7f{CTRL_S}"));
        terminal.wait_for("[1] Users");
        terminal.keys("q");
        assert_eq!(terminal.wait_end(), 0);
        terminal.assert_restored();

        let database = home.0.join(".local/share/portaldesk/portal.sqlite3");
        let mode =
            |path: &std::path::Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&database), mode(database.parent().expect("a folder"))), (0o600, 0o700));
        home.ok("", &["check"]);
        let history = home.json(&["history"]);
        let titles: Vec<&str> = history["items"]
            .as_array()
            .expect("items")
            .iter()
            .filter_map(|item| item["title"].as_str())
            .collect();
        assert_eq!(titles, ["Create amir", "Set up the portal's groups"]);
        signed_in(&home, size).signal(Signal::TERM);
    }
}

#[test]
fn a_generated_password_opens_the_portal_later() {
    let home = Home::new();
    let mut terminal = Terminal::start(&home, SMALL, &[]);
    terminal.wait_for("There is no portal here yet");
    terminal.keys(&format!("amir{CTRL_G}"));
    terminal.wait_for("Generated, shown only here:");
    let screen = terminal.contents();
    let password = screen.split("shown only here: ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let password = password.expect("a password").to_owned();
    terminal.keys(F2);
    terminal.wait_for("[1] Users");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);

    let mut terminal = sign_in_screen(&home, SMALL);
    terminal.keys(&format!("amir{TAB}{password}{ENTER}"));
    terminal.wait_for("[1] Users");
    assert!(!home.log().contains(&password));
}

#[test]
fn a_wrong_password_and_an_unknown_name_are_refused_in_the_same_words() {
    let home = Home::with_portal();
    for size in [SMALL, LARGE] {
        let mut terminal = sign_in_screen(&home, size);
        let mut refusals = Vec::new();
        for (name, back) in [("amir", ""), ("nobody", BACK_TAB)] {
            terminal.keys(&format!("{back}{CTRL_U}{name}{TAB}{CTRL_U}wrong{ENTER}"));
            terminal.wait_for("don't open this portal here");
            terminal.wait_until("an empty password", |screen| !screen.contents().contains('*'));
            refusals.push(terminal.contents().replace(name, ""));
            terminal.keys("x");
            terminal.wait_for("*");
        }
        assert_eq!(
            refusals[0].split_whitespace().collect::<Vec<_>>(),
            refusals[1].split_whitespace().collect::<Vec<_>>()
        );
        terminal.keys("q?:1");
        assert!(terminal.contents().contains("Sign in to"), "letters are text here");
        terminal.keys(&format!("{CTRL_U}{PASSWORD}{TAB}{CTRL_U}amir{TAB}{ENTER}"));
        terminal.wait_for("[1] Users");
        terminal.keys("q");
        assert_eq!(terminal.wait_end(), 0);
        terminal.assert_restored();
    }
    assert_eq!(home.log().matches("sign-in refused").count(), 4);
}

#[test]
fn after_some_wrong_tries_the_next_must_wait() {
    let home = Home::with_portal();
    for arguments in [&[][..], &["--read-only"]] {
        let mut terminal = Terminal::start(&home, SMALL, arguments);
        terminal.wait_for("Sign in to portaldesk");
        terminal.keys(&format!("amir{TAB}"));
        terminal.press_often_until(&format!("{CTRL_U}wrong{ENTER}"), "Too many wrong tries. Wait ", true);
        terminal.keys(CTRL_C);
        assert_eq!(terminal.wait_end(), 0);
        terminal.assert_restored();
    }
}

#[test]
fn a_help_above_the_sign_in_leads_nowhere_else() {
    let home = Home::with_portal();
    let mut terminal = sign_in_screen(&home, SMALL);
    terminal.keys(F1);
    terminal.wait_for("Keys: Sign in");
    terminal.keys(":u1W");
    terminal.keys("q");
    terminal.wait_gone("Keys: Sign in");
    terminal.wait_for("Sign in to portaldesk");
}

#[test]
fn every_signal_that_asks_for_the_end_gives_the_terminal_back() {
    let home = Home::with_portal();
    for size in [SMALL, LARGE] {
        for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
            for terminal in [sign_in_screen(&home, size), signed_in(&home, size)] {
                let asked = Instant::now();
                terminal.signal(signal);
                assert_eq!(terminal.wait_end(), 128 + signal.as_raw().cast_unsigned());
                assert!(asked.elapsed() < SOON, "{signal:?} took {:?}", asked.elapsed());
                terminal.assert_restored();
            }
        }
    }
    assert!(home.log().contains("ended by a signal or a hang-up code=143"));
}

#[test]
fn a_terminal_that_vanishes_ends_the_program() {
    let home = Home::with_portal();
    for mut terminal in [sign_in_screen(&home, SMALL), signed_in(&home, SMALL)] {
        let asked = Instant::now();
        terminal.hang_up(LARGE);
        assert_eq!(terminal.wait_process(), 128 + Signal::HUP.as_raw().cast_unsigned());
        assert!(asked.elapsed() < SOON, "it took {:?}", asked.elapsed());
    }
}

#[test]
fn a_shell_can_stop_and_continue_it() {
    let home = Home::with_portal();
    for size in [SMALL, LARGE] {
        let mut shell = CommandBuilder::new("sh");
        shell.arg("-i");
        let mut terminal = Terminal::start_command(&home, size, shell, &[("PS1", "ready> ")]);
        terminal.wait_for("ready>");
        terminal.keys(&format!("{}{ENTER}", program().display()));
        terminal.wait_for("Sign in to portaldesk");
        terminal.keys(&format!("amir{CTRL_Z}"));
        terminal.wait_for("Stopped");
        terminal.wait_until("the shell", |screen| !screen.alternate_screen() && !screen.hide_cursor());
        terminal.keys(&format!("clear; echo shell is $((40 + 2)){ENTER}"));
        terminal.wait_for("shell is 42");
        terminal.keys(&format!("fg; echo code $?{ENTER}"));
        terminal.wait_for("Sign in to portaldesk");
        terminal.wait_for("amir");
        terminal.wait_taken();
        terminal.keys(CTRL_C);
        terminal.wait_for("code 0");
        terminal.keys(&format!("exit{ENTER}"));
        terminal.wait_end();
        terminal.assert_restored();
    }
}

#[test]
fn without_job_control_ctrl_z_says_so() {
    let home = Home::with_portal();
    let mut terminal = sign_in_screen(&home, SMALL);
    terminal.keys(CTRL_Z);
    terminal.wait_for("There is no job control here");
    terminal.wait_taken();
    terminal.keys("amir");
    terminal.wait_for("amir");
}

#[test]
fn a_stop_from_outside_is_drawn_over_when_it_goes_on() {
    let home = Home::with_portal();
    let mut terminal = sign_in_screen(&home, SMALL);
    terminal.signal(Signal::STOP);
    terminal.keys("amir");
    terminal.signal(Signal::CONT);
    terminal.wait_for("amir");
    terminal.wait_taken();
    terminal.keys(CTRL_C);
    assert_eq!(terminal.wait_end(), 0);
    terminal.assert_restored();
}

#[test]
fn it_follows_the_terminals_size() {
    let home = Home::with_portal();
    for mut terminal in [sign_in_screen(&home, SMALL), signed_in(&home, SMALL)] {
        for size in [LARGE, (40, 10), (200, 50), SMALL] {
            terminal.resize(size);
            let (width, height) = size;
            terminal.wait_until("a rule as wide as the terminal", |screen| {
                let rows: Vec<String> = screen.rows(0, width).collect();
                rows[usize::from(height) - 2].matches('─').count() == usize::from(width)
            });
        }
        for tiny in [(1, 1), (3, 2)] {
            terminal.resize(tiny);
        }
        terminal.resize(SMALL);
        terminal.wait_for("portaldesk");
        terminal.press_until_end(CTRL_C);
        assert_eq!(terminal.wait_end(), 0);
        terminal.assert_restored();
    }
}

#[test]
fn a_mebibyte_pasted_into_the_name_is_cut_and_stops_nothing() {
    let home = Home::with_portal();
    for size in [SMALL, LARGE] {
        let mut terminal = sign_in_screen(&home, size);
        terminal.paste(&"y".repeat(1 << 20));
        terminal.wait_for("yyyyyyyyyyyyyyyyyyyyyyyyy");
        terminal.keys(&format!("{CTRL_U}amir{TAB}{PASSWORD}{ENTER}"));
        terminal.wait_for("[1] Users");
        terminal.keys("q");
        assert_eq!(terminal.wait_end(), 0);
        terminal.assert_restored();
    }
}

#[test]
fn a_pasted_escape_sequence_is_text() {
    let home = Home::with_portal();
    let mut terminal = sign_in_screen(&home, SMALL);
    terminal.paste("\x1b]0;title\x07\x1b[2Jamir\r\n");
    terminal.wait_for("]0;title[2Jamir");
    assert!(terminal.contents().contains("Sign in to portaldesk"));
}

#[cfg(feature = "test-hooks")]
mod panics {
    use super::*;

    #[test]
    fn one_of_the_screen_gives_the_terminal_back_and_says_so() {
        let home = Home::with_portal();
        for size in [SMALL, LARGE] {
            for place in ["draw", "update"] {
                let mut terminal =
                    Terminal::start_with(&home, size, &[], &[("PORTALDESK_TEST_PANIC", place)]);
                if place == "update" {
                    terminal.wait_for("Sign in to portaldesk");
                    terminal.keys("x");
                }
                assert_eq!(terminal.wait_end(), 70);
                terminal.assert_restored();
                let written = terminal.written();
                let after = written.rsplit("\x1b[?1049l").next().unwrap_or_default();
                assert!(after.contains("The program made a mistake and had to end."), "{after}");
            }
        }
        assert!(
            home.log().contains("asked to panic in draw") && home.log().contains("asked to panic in update")
        );
    }

    #[test]
    fn one_of_a_job_is_an_error_that_can_be_read() {
        let home = Home::with_portal();
        let mut terminal = Terminal::start_with(&home, SMALL, &[], &[("PORTALDESK_TEST_PANIC", "job")]);
        terminal.wait_for("in the background");
        terminal.keys(&format!("amir{TAB}{PASSWORD}{ENTER}"));
        terminal.wait_for("amir");
        terminal.wait_taken();
        terminal.press_until_end(CTRL_C);
        assert_eq!(terminal.wait_end(), 0);
        terminal.assert_restored();
    }
}

#[test]
fn without_a_terminal_it_refuses_and_makes_nothing() {
    let home = Home::new();
    let output = home.run("", &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("There is no terminal here"));
    assert!(!home.0.join(".local/share/portaldesk").exists());
}

#[test]
fn what_cannot_be_opened_is_said_before_the_terminal_is_taken() {
    let home = Home::with_portal();
    let other = home.0.join("other.sqlite3");
    std::fs::write(&other, "no database at all, and long enough to be looked at as one").expect("a file");
    let missing = format!("sqlite://{}", home.0.join("missing.sqlite3").display());
    let nowhere = "postgres://clerk@127.0.0.1:1/portal";
    for (url, code, words) in [
        (missing.as_str(), 3, "missing.sqlite3"),
        (&format!("sqlite://{}", other.display()), 3, "SQLite"),
        (nowhere, 3, "portal@127.0.0.1:1"),
    ] {
        let terminal = Terminal::start(&home, SMALL, &["--database", url]);
        assert_eq!(terminal.wait_end(), code, "{url}: {}", terminal.contents());
        let written = terminal.written();
        assert!(written.contains(words), "{url}: {written}");
        assert!(!written.contains("\x1b[?1049h"), "{url}");
        terminal.assert_restored();
    }
}

#[test]
fn a_sample_opens_at_once_and_leaves_nothing_behind() {
    let home = Home::new();
    for size in [SMALL, LARGE] {
        let mut terminal = Terminal::start(&home, size, &["demo", "--users", "40"]);
        terminal.wait_for("[1] Users");
        assert!(terminal.contents().contains("Sample"));
        terminal.keys("q");
        assert_eq!(terminal.wait_end(), 0);
        terminal.assert_restored();
        let terminal = Terminal::start(&home, size, &["demo", "--users", "40"]);
        terminal.wait_for("[1] Users");
        terminal.signal(Signal::HUP);
        assert_eq!(terminal.wait_end(), 129);
        let left = std::fs::read_dir(&home.0).expect("a home").flatten();
        let left: Vec<_> = left.filter(|file| file.file_name().to_string_lossy().contains("demo")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_sample_in_a_folder_stays_and_opens_again_but_nothing_else_does() {
    let home = Home::with_portal();
    let sample = home.0.join("sample");
    let arguments = ["demo", "--users", "40", "--dir", sample.to_str().expect("a path")];
    let mut terminal = Terminal::start(&home, SMALL, &arguments);
    terminal.wait_for("[1] Users");
    terminal.wait_for("of 40");
    terminal.keys("/active:yes");
    terminal.wait_for("/ active:yes");
    terminal.keys(&format!("{ENTER}w"));
    terminal.wait_for("Save this filter");
    terminal.keys(&format!("On duty{ENTER}"));
    terminal.wait_for("Saved as 'On duty'");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    let mut terminal = Terminal::start(&home, SMALL, &arguments);
    terminal.wait_for("of 40");
    terminal.keys("f");
    terminal.wait_for("On duty");
    terminal.keys(ESC);
    terminal.wait_gone("On duty");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    let state = home.0.join(".local/state/portaldesk");
    let kept = ["filters", "drafts", "lists"].map(|folder| state.join(folder).exists());
    assert_eq!(kept, [false; 3], "what is kept of a sample is in its own folder");
    let own = home.0.join(".local/share/portaldesk");
    let terminal = Terminal::start(&home, SMALL, &["demo", "--dir", own.to_str().expect("a path")]);
    assert_eq!(terminal.wait_end(), 4);
    assert!(terminal.contents().contains("is no sample"), "{}", terminal.contents());
}

#[test]
fn from_the_first_run_on_an_account_is_created_edited_and_taken_back() {
    for size in [SMALL, LARGE] {
        let home = Home::new();
        let mut terminal = Terminal::start(&home, size, &[]);
        terminal.wait_for("There is no portal here yet");
        terminal.keys(&format!("amir{TAB}{PASSWORD}{TAB}{PASSWORD}{F2}"));
        terminal.wait_for("1 of 1");

        terminal.keys("n");
        // What can be chosen has been read.
        terminal.wait_for("technical complaints");
        terminal.keys(&format!("bela{TAB}Bela{TAB}Novak{TAB}bela@example.org{CTRL_S}"));
        apply(&mut terminal, "Create bela", "Created bela");
        terminal.wait_for("▸  bela");

        terminal.keys("e");
        terminal.wait_for("Edit bela");
        terminal.keys(&format!("{TAB}{CTRL_U}Zdenka{CTRL_S}"));
        apply(&mut terminal, "Edit bela", "Changed bela");
        terminal.wait_for("Zdenka");

        terminal.keys("u");
        apply(&mut terminal, "Undo", "Taken back: Edit bela");
        terminal.wait_gone("Zdenka");
        if size == SMALL {
            // The record stands beside the list only where there is room.
            terminal.keys(ENTER);
        }
        terminal.wait_until("the history of bela", |screen| {
            // Without what the width of the record does to its lines.
            let words: String =
                screen.contents().chars().filter(|c| !c.is_whitespace() && *c != '│').collect();
            words.contains("amir:Undo:Editbela") && words.contains("amir:Createbela")
        });
        terminal.signal(Signal::TERM);
        assert_eq!(terminal.wait_end(), 143);

        let history = home.json(&["history"]);
        let items = history["items"].as_array().expect("items");
        assert_eq!(items[0]["undo_of"], items[1]["operation"], "{history}");
        assert!(items[..3].iter().all(|item| item["actor"]["user"] == "amir"), "{history}");
        let user: Value = home.json(&["user", "show", "bela"]);
        assert_eq!(user["item"]["first_name"], "Bela");
        // An account that was given no role deserves a warning.
        home.ok("", &["check", "--fail-on", "error"]);
    }
}

/// How many findings of a kind the command line counts.
fn findings(home: &Home, database: &str, id: &str) -> u64 {
    let output = home.run("", &["--database", database, "check", "--only", id, "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter_map(|finding| finding["count"].as_u64())
        .sum()
}

#[test]
fn a_fault_is_found_repaired_and_put_back() {
    const KIND: &str = "PRF-001";
    for size in [SMALL, LARGE] {
        let home = Home::new();
        let folder = home.0.join("sample");
        let database = format!("sqlite://{}", folder.join("portal.sqlite3").display());
        let folder = folder.to_str().expect("a path");
        let arguments = ["demo", "--users", "60", "--faults", "20", "--dir", folder];
        let mut terminal = Terminal::start(&home, size, &arguments);
        terminal.wait_for("[1] Users");
        let before = findings(&home, &database, KIND);
        assert!(before > 0, "the sample has such a fault");

        terminal.keys("4");
        terminal.wait_for(KIND);
        go_to(&mut terminal, KIND);
        terminal.keys("A");
        apply(&mut terminal, &format!("{KIND}: repair"), &format!("Repaired {KIND}"));
        assert_eq!(findings(&home, &database, KIND), 0);

        terminal.keys("u");
        apply(&mut terminal, "Undo", "Taken back");
        assert_eq!(findings(&home, &database, KIND), before);
        terminal.wait_for(KIND);
        terminal.keys("q");
        assert_eq!(terminal.wait_end(), 0);
        terminal.assert_restored();
    }
}

/// Adds accounts by hand, as Django would have: a superuser and an engineer.
async fn people(db: &TestDb) {
    // Cheap, because every try costs as much as the newest of the portal's passwords.
    let encoded = Recipe::pbkdf2_sha256(1_000).hash(PASSWORD).expect("a hash");
    for (name, superuser) in [("amir", true), ("eva", false)] {
        let id = db.add_user(name).await;
        let encoded = encoded.clone();
        let changed = db.transaction(move |tx| {
            let encoded = encoded.clone();
            Box::pin(async move {
                let sql = Sql::new("UPDATE auth_user SET password = ?, is_superuser = ? WHERE id = ?");
                tx.execute(sql.bind(encoded).bind(superuser).bind(id)).await?;
                if !superuser {
                    let group =
                        tx.insert(Sql::new("INSERT INTO auth_group (name) VALUES ('Engineer')")).await?;
                    let sql = Sql::new("INSERT INTO auth_user_groups (user_id, group_id) VALUES (?, ?)");
                    tx.execute(sql.bind(id).bind(group)).await?;
                }
                Ok(())
            })
        });
        changed.await.expect("the account is changed");
    }
}

/// Signs in to a test's database.
fn open(home: &Home, db: &TestDb, name: &str, role: &str) -> Terminal {
    // A test's database has a long name, beside which the first line shall still have room for the role.
    const WIDE: Size = (150, 40);
    let mut terminal = Terminal::start(home, WIDE, &["--database", &db.url()]);
    terminal.wait_for("Sign in to");
    terminal.wait_for("READ-ONLY");
    terminal.keys(&format!("{name}{TAB}{PASSWORD}{ENTER}"));
    terminal.wait_for(&format!("{name} · {role}"));
    terminal
}

stories! {
    /// Where a portal that can be written to has no superuser, the sign-in offers to make one; then no longer.
    async fn the_first_superuser_is_offered_at_the_sign_in(db: TestDb) {
        let home = Home::new();
        let url = db.url();
        let mut terminal = Terminal::start(&home, SMALL, &["--database", &url]);
        terminal.wait_for("Ctrl-N creates one");
        terminal.keys(CTRL_N);
        terminal.wait_for("This portal has no superuser yet.");
        terminal.keys(&format!("amir{TAB}{PASSWORD}{TAB}{PASSWORD}{F2}"));
        terminal.wait_for("[1] Users");
        terminal.keys("q");
        assert_eq!(terminal.wait_end(), 0);
        home.ok("", &["--database", &url, "check"]);

        let mut terminal = Terminal::start(&home, SMALL, &["--database", &url]);
        terminal.wait_for("With your account of the portal");
        terminal.keys(CTRL_N);
        terminal.wait_for("This is for a portal that has no superuser");
        terminal.keys(&format!("amir{TAB}{PASSWORD}{ENTER}"));
        terminal.wait_for("[1] Users");
    }

    /// A portal of Django's is opened read-only; its superuser, and nobody else, switches writing on.
    async fn writing_is_switched_on_by_a_superuser(db: TestDb) {
        let db = db.sibling(Made::Django0004).await;
        people(&db).await;
        let home = Home::new();
        let name = match &db.target().address {
            Address::File(path) => path.file_name().expect("a file").to_string_lossy().into_owned(),
            _ => db.target().database.clone(),
        };

        let mut terminal = open(&home, &db, "eva", "Engineer");
        terminal.keys("W");
        terminal.wait_for("Only a superuser");
        terminal.keys("q");
        assert_eq!(terminal.wait_end(), 0);

        let mut terminal = open(&home, &db, "amir", "superuser");
        terminal.keys("W");
        terminal.wait_for("portaldesk keeps a journal");
        terminal.press_until(F1, "Keys: Switch writing on", true);
        terminal.escape_until("Keys: Switch writing on", false);
        terminal.keys(&format!("wrong{ENTER}"));
        terminal.wait_for("first, then Enter");
        terminal.keys(&format!("{CTRL_U}{name}{ENTER}"));
        terminal.wait_for("Writing is switched on");
        terminal.wait_gone("READ-ONLY");
        terminal.keys("q");
        assert_eq!(terminal.wait_end(), 0);
        terminal.assert_restored();

        let database = ["--database", &db.url()];
        home.ok("", &[database[0], database[1], "user", "deactivate", "eva", "--yes"]);
        let history = home.ok("", &[database[0], database[1], "history"]);
        assert!(history.contains("Deactivate eva"), "{history}");
    }
}
