//! How far a run is, how fast, and who watches it.

use std::sync::Arc;
use std::time::Duration;

use crate::db::Cancel;
use crate::text;

/// How far a run is. A repair counts decisions; everything else counts plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Applied.
    pub done: u64,
    /// Refused.
    pub refused: u64,
    /// How many there are in all, where that is known.
    pub planned: Option<u64>,
}

/// Who watches a run and may stop it between two plans.
#[derive(Clone, Default)]
pub struct Watch {
    /// Stops the run after the plan under way.
    pub cancel: Cancel,
    /// Told when the first plan is there, and after every one.
    pub progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

/// How fast something is counted: `counted` of it since it began, `elapsed` ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How much was counted since.
    pub counted: u64,
    /// How long ago it began.
    pub elapsed: Duration,
}

/// Before this much time has gone by nobody can say how fast it goes.
const SETTLED: Duration = Duration::from_millis(500);

impl Pace {
    /// `340 of 1 000 · 120/s · 6 s left`; what is not known is left out. A total of 0 is unknown.
    #[must_use]
    pub fn words(self, done: u64, total: u64, dot: &str) -> String {
        let mut words = text::grouped(done);
        if total > 0 {
            words = format!("{words} of {}", text::grouped(total));
        }
        if self.counted == 0 || self.elapsed < SETTLED {
            return words;
        }
        let millis = u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX);
        match self.counted.saturating_mul(1_000) / millis {
            0 => {
                let minute = self.counted.saturating_mul(60_000) / millis;
                words = format!("{words} {dot} {}/min", text::grouped(minute));
            }
            second => words = format!("{words} {dot} {}/s", text::grouped(second)),
        }
        let left = total.saturating_sub(done);
        if left > 0 {
            let seconds = left.saturating_mul(millis).div_ceil(self.counted).div_ceil(1_000);
            words = format!("{words} {dot} {} left", time(seconds));
        }
        words
    }
}

/// `6 s`, `3 min 20 s`, `2 h 5 min`.
fn time(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_said_and_no_more() {
        let pace = |counted, millis| Pace { counted, elapsed: Duration::from_millis(millis) };
        for (pace, done, total, wanted) in [
            (pace(0, 9_000), 0, 1_000, "0 of 1 000"),
            (pace(340, 2_800), 340, 1_000, "340 of 1 000 · 121/s · 6 s left"),
            (pace(340, 499), 340, 1_000, "340 of 1 000"),
            (pace(340, 1_000), 340, 0, "340 · 340/s"),
            (pace(1_000, 1_000), 1_000, 1_000, "1 000 of 1 000 · 1 000/s"),
            // It went on with a run of which 900 were done already.
            (pace(10, 1_000), 910, 1_000, "910 of 1 000 · 10/s · 9 s left"),
            (pace(1, 30_000), 1, 10, "1 of 10 · 2/min · 4 min 30 s left"),
            (pace(1, 3_600_000), 1, 4, "1 of 4 · 0/min · 3 h 0 min left"),
        ] {
            assert_eq!(pace.words(done, total, "·"), wanted);
        }
    }
}
