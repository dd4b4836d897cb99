//! portaldesk: runs the accounts of a Django portal. See the library's `cli` and `tui`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(portaldesk::cli::run())
}
