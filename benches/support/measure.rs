//! Runs work several times and prints how long it took, beside the bare SQL of the same answer.

use std::time::{Duration, Instant};

use portaldesk::error::Result;

/// Each measurement runs at least so often, and on until it has taken [`ENOUGH`] or [`MOST_RUNS`] are done.
const LEAST_RUNS: usize = 3;
const MOST_RUNS: usize = 30;
const ENOUGH: Duration = Duration::from_secs(2);

/// How long one thing took, over all its runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) least: Duration,
    pub(crate) median: Duration,
}

/// What a line of the table is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hold {
    /// The median is to stay within so many milliseconds.
    Millis(u32),
    /// The median is to stay within this multiple of the bare SQL's.
    Ratio(f64),
    /// No number: it is only told.
    Nothing,
}

/// Runs some work again and again. The first run, which fills caches, isn't counted.
pub(crate) async fn measure<T, F: Future<Output = Result<T>>>(mut work: impl FnMut() -> F) -> Result<Taken> {
    work().await?;
    let mut times = Vec::new();
    let begun = Instant::now();
    while times.len() < LEAST_RUNS || (begun.elapsed() < ENOUGH && times.len() < MOST_RUNS) {
        let started = Instant::now();
        work().await?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    Ok(Taken { least: times[0], median: times[times.len() / 2] })
}

/// What can be done only once.
pub(crate) fn once(taken: Duration) -> Taken {
    Taken { least: taken, median: taken }
}

/// One line: two numbers, the second the smaller case's, and whether their ratio holds.
pub(crate) fn ratio_line(what: &str, (large, small): (f64, f64), most: f64) {
    let ratio = large / small;
    let verdict = verdict(ratio <= most, &format!("at most {most} times that of a tenth of the users"));
    println!("{what:<44} {large:>9.1} {small:>9.1}   {ratio:.2}   {verdict}");
}

/// The head of the table.
pub(crate) fn head() {
    println!(
        "{:<44} {:>9} {:>9}   {:>9} {:>9}   {:>6}   hold",
        "milliseconds", "least", "median", "SQL least", "median", "ratio"
    );
}

/// One line: what was measured, how long it took, how long the bare SQL took where there is one, and whether the number
/// that it is held against holds.
pub(crate) fn line(what: &str, taken: Taken, bare: Option<Taken>, hold: Hold) {
    let (bare_least, bare_median, ratio) = match bare {
        Some(bare) => (shown(bare.least), shown(bare.median), Some(ratio(taken, bare))),
        None => (String::new(), String::new(), None),
    };
    let verdict_words = match hold {
        Hold::Millis(most) => verdict(millis(taken.median) <= f64::from(most), &format!("at most {most} ms")),
        Hold::Ratio(most) => {
            verdict(ratio.is_some_and(|ratio| ratio <= most), &format!("at most {most} times the SQL"))
        }
        Hold::Nothing => String::new(),
    };
    let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
    let line = format!(
        "{what:<44} {:>9} {:>9}   {bare_least:>9} {bare_median:>9}   {ratio:>6}   {verdict_words}",
        shown(taken.least),
        shown(taken.median)
    );
    println!("{}", line.trim_end());
}

fn verdict(holds: bool, what: &str) -> String {
    format!("{} ({what})", if holds { "yes" } else { "NO" })
}

fn ratio(taken: Taken, bare: Taken) -> f64 {
    taken.median.as_secs_f64() / bare.median.as_secs_f64()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn shown(time: Duration) -> String {
    format!("{:.2}", millis(time))
}

/// Forgets the process's peak memory so far (Linux; elsewhere nothing happens).
pub(crate) fn forget_peak_memory() {
    drop(std::fs::write("/proc/self/clear_refs", "5"));
}

/// The most memory that the process held at once since it began or [`forget_peak_memory`], in kB; Linux only.
pub(crate) fn peak_kilobytes() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Prints [`peak_kilobytes`].
pub(crate) fn memory_line(what: &str, most_megabytes: u32) {
    match peak_kilobytes() {
        Some(peak) => {
            let megabytes = f64::from(peak) / 1024.0;
            let holds =
                verdict(megabytes <= f64::from(most_megabytes), &format!("at most {most_megabytes} MB"));
            println!("{what:<44} {megabytes:>6.1} MB   {holds}");
        }
        None => println!("{what:<44} only measured on Linux"),
    }
}
