//! Files for as long as a test needs them.
#![allow(clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A name of a file that is there for as long as this value.
pub(crate) struct Temporary(pub(crate) PathBuf);

impl Temporary {
    /// A file with this text.
    pub(crate) fn new(text: &str) -> Self {
        let temporary = Self::none();
        std::fs::write(&temporary.0, text).expect("a file");
        temporary
    }

    /// A name that nothing has yet.
    pub(crate) fn none() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("portaldesk-story-{}-{number}.csv", std::process::id())))
    }

    /// What stands in the file.
    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(&self.0).expect("the file")
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
