//! The log: a file in the state folder, a new one every day, never the screen.
//!
//! It holds what the program did and what failed, no secrets, and nothing that a terminal would act on when the file
//! is shown. `PORTALDESK_LOG` sets the level (`debug`, `portaldesk::db=trace`; tracing's directives).

use std::io::{self, Write};

use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::paths;
use crate::error::{Error, Result};

/// How many days are kept.
const DAYS: usize = 7;

/// The level unless `PORTALDESK_LOG` says otherwise; sqlx logs every statement at `debug`.
const DEFAULT_LEVEL: &str = "info,sqlx=warn";

/// Starts the log. The files are closed to others by the process's umask (`cli::process`).
///
/// # Errors
///
/// A usage error when `PORTALDESK_LOG` is no level, or there is no folder for the log; the program works without it.
pub fn start() -> Result<()> {
    let wish = std::env::var("PORTALDESK_LOG").ok().filter(|wish| !wish.is_empty());
    let filter = EnvFilter::try_new(wish.as_deref().unwrap_or(DEFAULT_LEVEL))
        .map_err(|_| Error::usage("PORTALDESK_LOG is no level: error, warn, info, debug, trace or off"))?;
    let folder = paths::state_dir()?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("portaldesk")
        .filename_suffix("log")
        .max_log_files(DAYS)
        .build(&folder)
        .map_err(|why| Error::usage(format!("no log can be kept in {}: {why}", folder.display())))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Safe(file))
        .try_init()
        .map_err(|_| Error::bug("the log was started twice"))
}

/// Makes each line's text safe before it reaches the writer within.
struct Safe<M>(M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Safe<M> {
    type Writer = SafeWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        SafeWriter(self.0.make_writer())
    }
}

/// The subscriber writes one event at a time, with its line end.
struct SafeWriter<W>(W);

impl<W: Write> Write for SafeWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        self.0.write_all(format!("{}\n", crate::text::safe(line)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_safe_line() {
        let mut writer = SafeWriter(Vec::new());
        writer.write_all(b"INFO user=\x1b[31mbob\nERROR forged\n").unwrap();
        let written = String::from_utf8(writer.0).unwrap();
        assert_eq!(written.matches('\n').count(), 1, "{written}");
        assert!(!written.contains('\x1b'), "{written}");
    }
}
