//! When the next frame may be drawn.

use std::time::{Duration, Instant};

/// The mean time between frames when there is always something to draw: 60 a second.
const GAP: Duration = Duration::from_micros(16_667);
/// How many frames may follow each other at once after a rest, so that a key and the answer it fetched are both shown
/// without delay.
const BURST: u32 = 3;

/// Allows a few frames at once, and 60 a second in the long run.
#[derive(Debug, Default)]
pub(super) struct Pacer {
    /// When the allowance will be full again.
    full_at: Option<Instant>,
}

impl Pacer {
    /// The earliest time for the next frame.
    pub(super) fn next(&self, now: Instant) -> Instant {
        self.full_at.and_then(|full| full.checked_sub(GAP * (BURST - 1))).map_or(now, |due| due.max(now))
    }

    /// A frame was drawn.
    pub(super) fn drawn(&mut self, now: Instant) {
        self.full_at = Some(self.full_at.map_or(now, |full| full.max(now)) + GAP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_then_it_is_sixty_a_second() {
        let start = Instant::now();
        let (mut pacer, mut now, mut frames) = (Pacer::default(), start, 0);
        let at_once = (0..).take_while(|_| {
            let free = pacer.next(now) == now;
            pacer.drawn(now);
            free
        });
        assert_eq!(at_once.count(), BURST as usize);
        let mut pacer = Pacer::default();
        while now < start + Duration::from_secs(2) {
            now = pacer.next(now);
            pacer.drawn(now);
            frames += 1;
        }
        assert!((120..=124).contains(&frames), "{frames}");
    }
}
