//! What tests ask of the program by environment variables. Only in builds with the feature `test-hooks`.

/// Panics if the environment variable `PORTALDESK_TEST_PANIC` names this place: `draw`, `update` or `job`.
#[cfg(feature = "test-hooks")]
pub(super) fn panic_if_asked(place: &str) {
    let asked = std::env::var("PORTALDESK_TEST_PANIC").unwrap_or_default();
    assert!(asked != place, "asked to panic in {place}");
}

/// Does nothing in this build.
#[cfg(not(feature = "test-hooks"))]
pub(super) fn panic_if_asked(_place: &str) {}

/// Holds an answer back for a random time of at most `PORTALDESK_TEST_LATE` milliseconds, as a loaded machine does: answers
/// overtake each other, and keys come before them.
#[cfg(feature = "test-hooks")]
pub(super) async fn be_late_if_asked() {
    use std::hash::{BuildHasher, RandomState};
    use std::time::Duration;

    let most = std::env::var("PORTALDESK_TEST_LATE").ok().and_then(|most| most.parse::<u64>().ok());
    if let Some(most) = most {
        let any = RandomState::new().hash_one(());
        tokio::time::sleep(Duration::from_millis(any % (most + 1))).await;
    }
}

/// Does nothing in this build.
#[cfg(not(feature = "test-hooks"))]
pub(super) async fn be_late_if_asked() {}
