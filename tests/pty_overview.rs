//! The Overview in the real program: a chart, and the list that one of its bars opens, at both sizes of terminals.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "support/pty.rs"]
mod terminal;

use terminal::keys::{ENTER, TAB};
use terminal::{Home, LARGE, PASSWORD, SMALL, Terminal};

/// Three people in IT, one in Sales, and a superuser in none.
fn portal() -> Home {
    let home = Home::new();
    home.ok("", &["init", "--yes"]);
    home.ok(&format!("{PASSWORD}\n"), &["create-superuser", "--username", "amir", "--password-stdin"]);
    for department in ["IT", "Sales"] {
        home.ok("", &["department", "add", "--name", department]);
    }
    for (name, department) in [("bela", "IT"), ("cho", "IT"), ("dana", "IT"), ("evan", "Sales")] {
        let who = ["--username", name, "--department", department];
        home.ok("", &[&["user", "add"], &who[..], &["--password-generate"]].concat());
    }
    home
}

/// The bar of the largest department says three, and its list has three.
fn a_bar_opens_its_list(terminal: &mut Terminal) {
    terminal.wait_for("Sign in to portaldesk");
    terminal.wait_taken();
    terminal.keys(&format!("amir{ENTER}{PASSWORD}{ENTER}"));
    terminal.wait_for("1 of 5");
    terminal.keys("6");
    terminal.wait_for("5 users · 5 profiles, 1:1");
    terminal.wait_until("the bar of IT, with its number", |screen| {
        screen.contents().lines().any(|line| line.contains("▸ IT") && line.contains("█ 3"))
    });
    terminal.keys(ENTER);
    terminal.wait_for("/ dept:IT");
    terminal.wait_for("1 of 3");
    terminal.wait_for("dana");
    terminal.escape_until("▸ IT", true);
    terminal.keys(TAB);
    terminal.wait_for("▸ superuser");
    terminal.keys("q");
}

#[test]
fn a_chart_leads_to_its_list_on_a_small_terminal() {
    let home = portal();
    a_bar_opens_its_list(&mut Terminal::start(&home, SMALL, &[]));
}

#[test]
fn a_chart_leads_to_its_list_on_a_large_terminal() {
    let home = portal();
    a_bar_opens_its_list(&mut Terminal::start(&home, LARGE, &[]));
}
