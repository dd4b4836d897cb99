//! How long it takes to change ten thousand of a million users alike, and what memory a hundred thousand need.
//!
//! `cargo bench --bench bulk`; see `benches/README.md`.
#![expect(clippy::print_stdout, reason = "a bench prints its table")]

mod support;

use std::path::Path;
use std::time::Instant;

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Actor, Outcome, Watch};
use portaldesk::directory::bulk::{self, Change, Extent};
use portaldesk::directory::{Portal, Settings, groups, history};
use portaldesk::error::{Error, Result};
use support::files::{copy, peak_of, remove};
use support::measure::{Hold, head, line, measure, once, peak_kilobytes, ratio_line};
use support::seed;

/// Tell the child process, whose memory is measured, which file to change, and how many of its users.
const FILE: &str = "PORTALDESK_BENCH_BULK";
const HOW_MANY: &str = "PORTALDESK_BENCH_BULK_USERS";

/// How many users are changed.
const MANY: i64 = 10_000;

#[tokio::main]
async fn main() -> Result<()> {
    if let Some(file) = seed::asked() {
        return seed::make(&file, seed::users()?).await;
    }
    if let Some(file) = std::env::var_os(FILE) {
        return report_memory(Path::new(&file)).await;
    }
    let count = seed::users()?;
    let seeded = seed::file(count)?;
    let file = seeded.with_extension("bulk");
    copy(&seeded, &file)?;
    println!("\n{MANY} of {count} users on SQLite");
    head();
    change(&file).await?;
    remove(&file);
    let many = i64::try_from(count).unwrap_or(i64::MAX).min(MANY * 10);
    let peak = |users: i64| peak_of(FILE, &seeded, Some((HOW_MANY, users.to_string().as_str())));
    let what = format!("peak memory of {many} users, in MB");
    ratio_line(&what, (peak(many)?, peak(many / 10)?), 1.2);
    Ok(())
}

async fn open(file: &Path) -> Result<Portal> {
    Portal::open(&seed::target(file), Settings::default(), Actor::unix("bench", None)).await
}

async fn run(portal: &Portal, change: &Change, users: i64) -> Result<Outcome> {
    let ids: Vec<i64> = (1..=users).collect();
    let ahead = bulk::look_ahead(portal, change, &ids).await?;
    let outcome = bulk::begin(portal, &ahead, Extent::All, &Watch::default()).await?;
    match outcome.refused.first() {
        None => Ok(outcome),
        Some((title, error)) => Err(Error::bug(format!("{title}: {error}"))),
    }
}

/// Each change, planned, guarded, written and journaled; and taken back.
async fn change(file: &Path) -> Result<()> {
    let portal = open(file).await?;
    let engineer = groups::find(&portal, "Engineer").await?;
    let ids: Vec<i64> = (1..=MANY).collect();
    let looking = measure(|| bulk::look_ahead(&portal, &Change::Deactivate, &ids)).await?;
    line("look what deactivating would mean", looking, None, Hold::Nothing);
    let third = Hold::Millis(3_000);
    for (what, change, hold) in [
        ("no notifications for", Change::Notifications(false), third),
        ("out of their department", Change::SetDepartment(None), third),
        ("out of a group", Change::RemoveGroup(engineer), third),
        ("off-board", Change::OffBoard, Hold::Nothing),
    ] {
        let started = Instant::now();
        let outcome = run(&portal, &change, MANY).await?;
        line(&format!("{what}: {} rows", outcome.rows), once(started.elapsed()), None, hold);
        let started = Instant::now();
        if let Some(run) = &outcome.run {
            let undo = history::plan_undo(&portal, run, OldPassword::WorksAgain).await?;
            history::apply_undo(&portal, run, undo, &Watch::default()).await?;
        }
        line("  take it back", once(started.elapsed()), None, Hold::Nothing);
    }
    Ok(())
}

/// Changes so many users, and prints the most memory that took, in kB.
async fn report_memory(file: &Path) -> Result<()> {
    let users = std::env::var(HOW_MANY).ok().and_then(|users| users.parse().ok());
    let portal = open(file).await?;
    run(&portal, &Change::Notifications(false), users.unwrap_or(MANY)).await?;
    println!("{}", peak_kilobytes().unwrap_or_default());
    Ok(())
}
