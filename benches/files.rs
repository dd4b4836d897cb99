//! How long it takes to import and to export 100,000 users beside a million, and what memory that needs.
//!
//! `cargo bench --bench files`; see `benches/README.md`.
#![expect(clippy::print_stdout, reason = "a bench prints its table")]

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Actor, Outcome, Watch};
use portaldesk::directory::export::{self, Shape, columns};
use portaldesk::directory::import::{self, Checked, Options, Source};
use portaldesk::directory::selection::Selection;
use portaldesk::directory::{Portal, Settings, history};
use portaldesk::error::{Error, Result};
use support::files::{copy, failed, peak_of, remove};
use support::measure::{Hold, head, line, once, peak_kilobytes, ratio_line};
use support::seed;

/// How many users go through a file, at most as many as the portal has.
const LARGE: u64 = 100_000;

/// Tells the child process, whose memory is measured, which portal to import into, and which file.
const IMPORT: &str = "PORTALDESK_BENCH_IMPORT";
/// Tells the child process which portal to export from.
const EXPORT: &str = "PORTALDESK_BENCH_EXPORT";
/// How many users the child process exports, or which file it imports.
const WHAT: &str = "PORTALDESK_BENCH_WHAT";

#[tokio::main]
async fn main() -> Result<()> {
    if let Some(file) = seed::asked() {
        return seed::make(&file, seed::users()?).await;
    }
    let what = std::env::var(WHAT).unwrap_or_default();
    if let Some(file) = std::env::var_os(IMPORT) {
        import_file(&open(Path::new(&file)).await?, Path::new(&what)).await?;
        println!("{}", peak_kilobytes().unwrap_or_default());
        return Ok(());
    }
    if let Some(file) = std::env::var_os(EXPORT) {
        export_some(&open(Path::new(&file)).await?, what.parse().unwrap_or(LARGE)).await?;
        println!("{}", peak_kilobytes().unwrap_or_default());
        return Ok(());
    }
    let count = seed::users()?;
    let large = LARGE.min(count);
    let seeded = seed::file(count)?;
    println!("\n{large} users through a file, {count} users on SQLite");
    head();
    times(&seeded, large).await?;
    memory(&seeded, large)
}

async fn open(file: &Path) -> Result<Portal> {
    Portal::open(&seed::target(file), Settings::default(), Actor::unix("bench", None)).await
}

/// New users for an import, made from their numbers.
fn made(beside: &Path, users: u64) -> Result<PathBuf> {
    let path = beside.with_extension(format!("{users}.csv"));
    let header = "username,first_name,last_name,email,phone_number,department,groups\n".to_owned();
    let row = |number: u64| {
        format!(
            "new.user{number},New,User {number},new{number}@alphalab.example,'+36 1 {number},Department 01,Engineer\n"
        )
    };
    let text: String = std::iter::once(header).chain((0..users).map(row)).collect();
    let written = std::fs::File::create(&path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| failed(&error))?;
    Ok(path)
}

async fn look(portal: &Portal, file: &Path) -> Result<(Source, Checked)> {
    let source = Source::open(file)?;
    let checked = import::check(portal, &source, &Options::default(), None, &Watch::default()).await?;
    Ok((source, checked))
}

async fn import_file(portal: &Portal, file: &Path) -> Result<Outcome> {
    let (source, checked) = look(portal, file).await?;
    import::apply(portal, source, &Options::default(), &checked, None, None, &Watch::default()).await
}

/// Exports the users of the first so many ids; how many bytes that is.
async fn export_some(portal: &Portal, users: u64) -> Result<u64> {
    let whom = Selection::Ids((1..=users.cast_signed()).collect());
    let mut bytes = 0;
    let shape = Shape::Csv(columns::usual());
    export::write(portal, &whom, &shape, &mut |piece| {
        bytes += piece.len() as u64;
        Ok(())
    })
    .await?;
    Ok(bytes)
}

async fn times(seeded: &Path, large: u64) -> Result<()> {
    let file = seeded.with_extension("files");
    copy(seeded, &file)?;
    let portal = open(&file).await?;
    let started = Instant::now();
    export_some(&portal, large).await?;
    line(&format!("export {large} users"), once(started.elapsed()), None, Hold::Nothing);
    let csv = made(&file, large)?;
    let started = Instant::now();
    let (source, checked) = look(&portal, &csv).await?;
    let looked = started.elapsed();
    line(&format!("look through a file of {large} new users"), once(looked), None, Hold::Nothing);
    let watch = Watch::default();
    let outcome = import::apply(&portal, source, &Options::default(), &checked, None, None, &watch).await?;
    line(
        &format!("import {large} users, looked through"),
        once(started.elapsed()),
        None,
        Hold::Millis(20_000),
    );
    if checked.new != large || !outcome.refused.is_empty() {
        return Err(Error::bug(format!("{}; {} refused", checked.counts(), outcome.refused.len())));
    }
    let run = outcome.run.unwrap_or_default();
    let started = Instant::now();
    let undo = history::plan_undo(&portal, &run, OldPassword::default()).await?;
    history::apply_undo(&portal, &run, undo, &Watch::default()).await?;
    line("take all of it back", once(started.elapsed()), None, Hold::Nothing);
    drop(portal);
    remove(&file);
    drop(std::fs::remove_file(csv));
    Ok(())
}

/// What a process of its own needs at most, at all of the users and at a tenth of them.
fn memory(seeded: &Path, large: u64) -> Result<()> {
    let exported = |users: u64| peak_of(EXPORT, seeded, Some((WHAT, users.to_string().as_str())));
    ratio_line("peak memory of an export, in MB", (exported(large)?, exported(large / 10)?), 1.2);
    let imported = |users: u64| {
        let csv = made(seeded, users)?;
        let peak = peak_of(IMPORT, seeded, Some((WHAT, csv.display().to_string().as_str())));
        drop(std::fs::remove_file(csv));
        peak
    };
    ratio_line("peak memory of an import, in MB", (imported(large)?, imported(large / 10)?), 1.2);
    Ok(())
}
