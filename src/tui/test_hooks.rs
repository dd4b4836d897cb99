//! Panics on request, so that tests can see what they leave behind. Only in builds with the feature `test-hooks`.

/// Panics if the environment variable `PORTALDESK_TEST_PANIC` names this place: `draw`, `update` or `job`.
#[cfg(feature = "test-hooks")]
pub(super) fn panic_if_asked(place: &str) {
    let asked = std::env::var("PORTALDESK_TEST_PANIC").unwrap_or_default();
    assert!(asked != place, "asked to panic in {place}");
}

/// Does nothing in this build.
#[cfg(not(feature = "test-hooks"))]
pub(super) fn panic_if_asked(_place: &str) {}
