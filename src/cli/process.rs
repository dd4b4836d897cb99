//! What the process does for its own safety before anything else.

use rustix::process::{Resource, Rlimit, setrlimit, umask};

/// Leaves no core file, which would hold passwords, and makes every file we create private.
///
/// Nothing here can fail in a way that should keep the program from running, so errors are let go.
pub(super) fn harden() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // A core_pattern that is a pipe ignores the limit; a process that isn't dumpable is passed over.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}
