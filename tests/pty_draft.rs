//! The real program on a small terminal whose line drops: what stood in a form is offered again at the next sign-in.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/pty.rs"]
mod terminal;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::Value;
use terminal::keys::{CTRL_C, CTRL_S, CTRL_U, DOWN, ENTER, ESC, RIGHT, TAB};
use terminal::{Home, LARGE, PASSWORD, SMALL, Terminal, apply};

/// What somebody types into a form as a new user's password.
const TYPED: &str = "hunter2-Zebra-77";
const OFFER: &str = "Not saved the last time";

/// A portal in a home of its own with the superuser `amir`, the administrator `eva`, and `bela`.
fn portal() -> Home {
    let home = Home::new();
    let password = format!("{PASSWORD}\n");
    home.ok("", &["init", "--yes"]);
    home.ok(&password, &["create-superuser", "--username", "amir", "--password-stdin"]);
    home.ok("", &["setup-groups"]);
    home.ok("", &["user", "add", "--username", "bela", "--last-name", "Novak", "--password-generate"]);
    home.ok(&password, &["user", "add", "--username", "eva", "--group", "Admin", "--password-stdin"]);
    home
}

/// The program after signing in; what comes then is the test's to wait for.
fn signed_in(home: &Home, name: &str) -> Terminal {
    let mut terminal = Terminal::start(home, SMALL, &[]);
    terminal.sign_in(name);
    // With so many tabs the first line has no room for the role. Before somebody is signed in it has no tabs.
    terminal.wait_for("[1] Users");
    terminal
}

/// The form of bela with another last name in it, not saved.
fn typed_in(home: &Home, last_name: &str) -> Terminal {
    let mut terminal = signed_in(home, "amir");
    terminal.wait_for("1 of 3");
    terminal.keys(DOWN);
    terminal.wait_for("▸  bela");
    terminal.keys("e");
    terminal.wait_for("Edit bela");
    terminal.keys(&format!("{TAB}{TAB}{CTRL_U}{last_name}"));
    terminal.wait_for(last_name);
    terminal
}

fn last_name(home: &Home) -> Value {
    home.json(&["user", "show", "bela"])["item"]["last_name"].clone()
}

/// The files with drafts.
fn files(home: &Home) -> Vec<PathBuf> {
    let folder = home.0.join(".local/state/portaldesk/drafts");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.map(|file| file.path()).collect()
}

/// No draft is offered: the list is there, and its keys work.
fn offers_nothing(home: &Home, name: &str) {
    let mut terminal = signed_in(home, name);
    terminal.wait_for("1 of ");
    terminal.keys(DOWN);
    terminal.wait_for("2 of ");
    assert!(!terminal.contents().contains(OFFER), "{}", terminal.contents());
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
}

#[test]
fn a_form_survives_every_signal_and_is_saved_the_next_time() {
    let home = portal();
    for (signal, name) in [(Signal::HUP, "Nowak"), (Signal::TERM, "Neumann")] {
        let terminal = typed_in(&home, name);
        terminal.signal(signal);
        assert_eq!(terminal.wait_end(), 128 + signal.as_raw().cast_unsigned());
        terminal.assert_restored();
        let [file] = files(&home).try_into().expect("one file");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        offers_nothing(&home, "eva");

        // Leaving the offer keeps it.
        let mut terminal = signed_in(&home, "amir");
        terminal.wait_for(OFFER);
        terminal.wait_for("You were editing bela");
        terminal.wait_for("Changed: Last name");
        terminal.wait_for("go on");
        terminal.press_until(ESC, OFFER, false);
        terminal.keys("q");
        assert_eq!(terminal.wait_end(), 0);

        let mut terminal = signed_in(&home, "amir");
        terminal.wait_for(OFFER);
        terminal.press_until(ENTER, "Edit bela", true);
        terminal.wait_for(name);
        terminal.keys(CTRL_S);
        apply(&mut terminal, "Edit bela", "Changed bela");
        terminal.wait_for("▸  bela");
        terminal.keys("q");
        assert_eq!(terminal.wait_end(), 0);
        assert_eq!(last_name(&home), name);
        assert!(files(&home).is_empty(), "what is saved is not kept");
    }
    offers_nothing(&home, "amir");
}

#[test]
fn a_new_user_survives_a_terminal_that_vanishes_without_the_password() {
    let home = portal();
    let mut terminal = signed_in(&home, "amir");
    terminal.wait_for("1 of 3");
    terminal.keys("n");
    terminal.wait_for("New user");
    terminal.keys(&format!("karl{TAB}Karl{TAB}Novak{TAB}karl@example.org{TAB}{TYPED}{TAB}{TYPED}{TAB}"));
    terminal.wait_for("karl@example.org");
    terminal.hang_up(LARGE);
    assert_eq!(terminal.wait_process(), 128 + Signal::HUP.as_raw().cast_unsigned());
    let text: String = files(&home).iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    assert!(
        text.contains("karl@example.org") && !text.contains(TYPED) && !text.contains("password"),
        "{text}"
    );

    let mut terminal = signed_in(&home, "amir");
    terminal.wait_for("You were editing the new user karl");
    terminal.press_until(ENTER, "New user", true);
    terminal.wait_for("karl@example.org");
    terminal.keys(CTRL_S);
    apply(&mut terminal, "Create karl", "Created karl");
    terminal.wait_for("▸  karl");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    home.ok("", &["user", "show", "karl"]);
    assert!(files(&home).is_empty());
}

#[test]
fn what_others_changed_meanwhile_is_asked() {
    let home = portal();
    let terminal = typed_in(&home, "Nowak");
    terminal.signal(Signal::HUP);
    terminal.wait_end();
    home.ok("", &["user", "edit", "bela", "--last-name", "Theirs", "--email", "new@example.org"]);

    let mut terminal = signed_in(&home, "amir");
    terminal.wait_for(OFFER);
    terminal.press_until(ENTER, "bela was changed meanwhile", true);
    for words in ["Novak", "Theirs", "Nowak", "new@example.org"] {
        terminal.wait_for(words);
    }
    terminal.press_often_until(RIGHT, "all decided", true);
    terminal.keys(CTRL_S);
    terminal.wait_for("Edit bela");
    terminal.keys(CTRL_S);
    apply(&mut terminal, "Edit bela", "Changed bela");
    terminal.wait_for("▸  bela");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    assert_eq!(last_name(&home), "Nowak");
    assert!(home.ok("", &["user", "show", "bela"]).contains("new@example.org"));
}

#[test]
fn what_is_given_up_is_not_offered() {
    let home = portal();
    // A form that is closed, and a program that is quit, each after the question.
    for leave in [ESC, CTRL_C] {
        let terminal = &mut typed_in(&home, "Nowak");
        // The first one may only stop a read that is still under way.
        terminal.press_until(leave, "without saving 1 change to bela?", true);
        terminal.press_until("y", "without saving", false);
        if leave == ESC {
            terminal.wait_for("2 of 3");
            terminal.keys("q");
        }
        assert_eq!(terminal.wait_end(), 0);
        assert!(files(&home).is_empty());
    }
    offers_nothing(&home, "amir");
}

#[test]
fn a_draft_about_somebody_who_is_gone_can_only_be_dropped() {
    let home = portal();
    let terminal = typed_in(&home, "Nowak");
    terminal.signal(Signal::TERM);
    terminal.wait_end();
    home.ok("", &["user", "delete", "bela", "--yes"]);

    let mut terminal = signed_in(&home, "amir");
    terminal.wait_for("You were editing bela");
    terminal.press_until(ENTER, "D drops what was typed", true);
    terminal.keys("D");
    terminal.wait_for("Drop what was typed for bela?");
    terminal.press_until("y", "Dropped what was typed for bela", true);
    terminal.wait_gone(OFFER);
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    assert!(files(&home).is_empty());
}

#[test]
fn what_is_ticked_survives_too() {
    let home = portal();
    let mut terminal = signed_in(&home, "amir");
    terminal.wait_for("1 of 3");
    terminal.keys(DOWN);
    terminal.wait_for("▸  bela");
    terminal.keys("M");
    terminal.wait_for("Groups and permissions of bela");
    terminal.wait_for("[ ] Engineer");
    terminal.keys("/Engineer");
    terminal.keys(&format!("{DOWN} "));
    terminal.wait_for("gains Engineer; loses nothing");
    terminal.signal(Signal::HUP);
    terminal.wait_end();

    let mut terminal = signed_in(&home, "amir");
    terminal.wait_for("You were editing the groups and permissions");
    terminal.press_until(ENTER, "gains Engineer; loses nothing", true);
    terminal.keys(CTRL_S);
    apply(&mut terminal, "Edit bela", "Changed bela");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    assert!(home.ok("", &["user", "show", "bela"]).contains("Engineer"));
    assert!(files(&home).is_empty());
}

#[test]
fn a_file_that_is_broken_is_said_once() {
    let home = portal();
    let terminal = typed_in(&home, "Nowak");
    terminal.signal(Signal::HUP);
    terminal.wait_end();
    let [file] = files(&home).try_into().expect("one file");
    std::fs::write(&file, "{\"version\":1,").unwrap();
    let mut terminal = signed_in(&home, "amir");
    terminal.wait_for("What was kept of unsaved forms can't be used");
    terminal.press_until(ESC, "can't be used", false);
    terminal.wait_for("1 of 3");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    offers_nothing(&home, "amir");
}
