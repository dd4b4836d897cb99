//! The only place that prints: data to stdout, talk and errors to stderr, text that was made safe or JSON.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::args::When;
use crate::change::{Pace, Progress, Watch};
use crate::db::Cancel;
use crate::error::{Differs, Error, Kind, Result};
use crate::integrity::{ScanProgress, Tell};
use crate::text;

/// How often a line that shows progress is written anew at most.
const BETWEEN: Duration = Duration::from_millis(200);

/// Where results go.
pub struct Output {
    json: bool,
    colour: bool,
    out: Box<dyn Write + Send + Sync>,
    err: Box<dyn Write + Send + Sync>,
    /// The reader of stdout has gone, as `head` does: nothing more is written, and that is no error.
    closed: bool,
    talk: Talk,
}

/// How much is said beside results and errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Talk {
    /// Whatever there is to say, and on this process's own stderr how far a scan is.
    Lively,
    /// Whatever there is to say.
    Plain,
    /// Nothing.
    Nothing,
}

impl Output {
    /// Prints to this process's stdout and stderr.
    #[must_use]
    pub fn of_process(json: bool, colour: When) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = match colour {
            When::Always => true,
            When::Never => false,
            When::Auto => !plain && io::stdout().is_terminal(),
        };
        let output = Self::to(json, colour, Box::new(io::stdout()), Box::new(io::stderr()));
        Self { talk: if json { Talk::Nothing } else { Talk::Lively }, ..output }
    }

    /// Prints to these writers.
    #[must_use]
    pub fn to(
        json: bool,
        colour: bool,
        out: Box<dyn Write + Send + Sync>,
        err: Box<dyn Write + Send + Sync>,
    ) -> Self {
        let talk = if json { Talk::Nothing } else { Talk::Plain };
        Self { json, colour, out, err, closed: false, talk }
    }

    /// Whether `--json` was given.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a result: the value with `--json`, else the text, whose lines must be safe already.
    ///
    /// # Errors
    ///
    /// When stdout can't be written to (a full disk); a closed pipe is none.
    pub fn result(&mut self, value: &Value, text: impl FnOnce() -> String) -> Result<()> {
        let text = if self.json { text::json(value) + "\n" } else { text() };
        self.data(text.as_bytes())
    }

    /// Prints bytes to stdout as they are.
    ///
    /// # Errors
    ///
    /// As [`Output::result`].
    pub fn data(&mut self, bytes: &[u8]) -> Result<()> {
        if self.closed {
            return Ok(());
        }
        match self.out.write_all(bytes).and_then(|()| self.out.flush()) {
            Err(why) if why.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(why) => {
                self.closed = true;
                Err(Error::new(
                    Kind::Interrupted,
                    format!("the result could not be written to stdout: {why}"),
                ))
            }
            Ok(()) => Ok(()),
        }
    }

    /// How colours are used for people.
    #[must_use]
    pub fn paint(&self) -> Paint {
        Paint { colour: self.colour }
    }

    /// Shows how far a scan is where a person looks on.
    #[must_use]
    pub fn meter(&self) -> Meter {
        let someone = self.talk == Talk::Lively && io::stderr().is_terminal();
        Meter(someone.then(Arc::default))
    }

    /// Says nothing from now on but results and errors.
    pub fn hush(&mut self) {
        self.talk = Talk::Nothing;
    }

    /// Says something on stderr; with `--json` nothing, so that stderr holds an error object or nothing.
    pub fn talk(&mut self, line: &str) {
        if self.talk != Talk::Nothing {
            let _ = writeln!(self.err, "{}", text::safe(line));
        }
    }

    /// Says what went wrong.
    pub fn error(&mut self, error: &Error) {
        let text = if self.json { text::json(&error_object(error)) } else { error_lines(error) };
        let _ = writeln!(self.err, "{text}");
    }
}

/// Shows how far a scan or a run is, in one line of a terminal that is written over.
pub struct Meter(Option<Arc<Mutex<Option<Instant>>>>);

impl Meter {
    /// Told by a scan; nothing where nobody looks.
    #[must_use]
    pub fn tell(&self) -> Option<Tell> {
        let last = Arc::clone(self.0.as_ref()?);
        Some(Arc::new(move |progress| {
            if is_due(&last) {
                draw(&scanning(&progress));
            }
        }))
    }

    /// Watches a run, which `cancel` stops: how far it is, how fast that goes, and how long it still takes.
    #[must_use]
    pub fn watch(&self, cancel: &Cancel) -> Watch {
        let watch = Watch { cancel: cancel.clone(), ..Watch::default() };
        let Some(last) = self.0.clone() else { return watch };
        let began = OnceLock::new();
        let tell = move |progress: Progress| {
            let counted = progress.done + progress.refused;
            let (since, from) = *began.get_or_init(|| (Instant::now(), counted));
            if is_due(&last) {
                let pace = Pace { counted: counted.saturating_sub(from), elapsed: since.elapsed() };
                let words = pace.words(counted, progress.planned.unwrap_or(0), "·");
                draw(&format!("{words} · Ctrl-C stops"));
            }
        };
        Watch { progress: Some(Arc::new(tell)), ..watch }
    }

    /// Takes the line away.
    pub fn end(self) {}
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(last) = &self.0
            && last.lock().is_ok_and(|last| last.is_some())
        {
            draw("");
        }
    }
}

/// Whether enough time has gone by for the next line. The first one comes only when the work takes a while.
fn is_due(last: &Mutex<Option<Instant>>) -> bool {
    let Ok(mut last) = last.lock() else { return false };
    let is_due = last.is_none_or(|last| last.elapsed() >= BETWEEN);
    let is_shown = is_due && last.is_some();
    if is_due {
        *last = Some(Instant::now());
    }
    is_shown
}

fn draw(line: &str) {
    // Back to the beginning of the line, and away with the rest of what stood there.
    let _ = write!(io::stderr(), "\r{line}\x1b[K");
}

/// `Checking 7 of 52: REL-003, 40%`
fn scanning(progress: &ScanProgress) -> String {
    let ScanProgress { id, number, of, done, total } = *progress;
    let part = (done * 100).checked_div(total).map(|percent| format!(", {percent}%"));
    format!("Checking {number} of {of}: {id}{}", part.unwrap_or_default())
}

/// Colours for people; without them the text stays the same.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    colour: bool,
}

impl Paint {
    /// Red, for what is wrong.
    #[must_use]
    pub fn red(self, text: &str) -> String {
        self.sgr("31", text)
    }

    /// Yellow, for what deserves a look.
    #[must_use]
    pub fn yellow(self, text: &str) -> String {
        self.sgr("33", text)
    }

    fn sgr(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// `{"error": {"kind", "message", "fields"}}`, with `operation` where one is concerned, and with `differences` where rows
/// are not as they were read: `[{"table", "key", "column", "base", "theirs"}]`.
#[must_use]
pub fn error_object(error: &Error) -> Value {
    let mut inner = json!({"kind": error.kind.name(), "message": error.message, "fields": error.fields});
    if let Some(operation) = &error.operation {
        inner["operation"] = json!(operation);
    }
    if !error.differences.is_empty() {
        let shown = |it: &Differs| json!({"table": it.table, "key": it.key, "column": it.column, "base": it.base, "theirs": it.theirs});
        inner["differences"] = error.differences.iter().map(shown).collect();
    }
    json!({ "error": inner })
}

/// `portaldesk: message`, then a line for each field that says more than the message.
fn error_lines(error: &Error) -> String {
    let mut lines = vec![format!("portaldesk: {}", safe_lines(&error.message))];
    for (field, messages) in &error.fields {
        for message in messages.iter().filter(|message| **message != error.message) {
            lines.push(format!("  {}: {}", text::safe(field), text::safe(message)));
        }
    }
    if let Some(operation) = &error.operation {
        lines.push(format!("  operation: {}", text::safe(operation)));
    }
    lines.join("\n")
}

/// Keeps the line breaks that our own messages have.
fn safe_lines(message: &str) -> String {
    let lines: Vec<_> = message.lines().map(text::safe).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Sink {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn errors_for_people_and_for_programs() {
        let error = Error::invalid("the account was not created").and_field("email", "not an\x1b[2J address");
        let sink = Sink::default();
        Output::to(false, false, Box::new(Sink::default()), Box::new(sink.clone())).error(&error);
        assert!(sink.text().starts_with("portaldesk: the account was not created\n  email: not an"));
        assert!(!sink.text().contains('\x1b'));
        let sink = Sink::default();
        Output::to(true, false, Box::new(Sink::default()), Box::new(sink.clone())).error(&error);
        let read: Value = serde_json::from_str(&sink.text()).unwrap();
        assert_eq!(read["error"]["kind"], "invalid");
        assert_eq!(read["error"]["fields"]["email"][0], "not an\x1b[2J address");
    }

    #[test]
    fn a_conflict_lists_the_columns_that_changed() {
        let differs = Differs {
            table: "auth_user".to_owned(),
            key: "id 2".to_owned(),
            column: "first_name".to_owned(),
            base: "Bela".to_owned(),
            theirs: "Adalbert".to_owned(),
        };
        let error = Error { differences: vec![differs], ..Error::conflict("Someone else was here.") };
        let inner = &error_object(&error)["error"];
        assert_eq!((inner["kind"].as_str(), error.kind.exit_code()), (Some("conflict"), 4));
        let columns = json!([{"table": "auth_user", "key": "id 2", "column": "first_name", "base": "Bela", "theirs": "Adalbert"}]);
        assert_eq!(inner["differences"], columns);
    }

    #[test]
    fn a_closed_pipe_is_quiet_and_a_full_disk_is_not() {
        let to = |kind| Output::to(false, false, Box::new(Broken(kind)), Box::new(Sink::default()));
        let mut closed = to(io::ErrorKind::BrokenPipe);
        assert!(closed.data(b"x").is_ok() && closed.data(b"y").is_ok());
        assert!(to(io::ErrorKind::StorageFull).data(b"x").is_err());
    }

    #[test]
    fn talk_is_silent_with_json() {
        let sink = Sink::default();
        let mut output = Output::to(true, false, Box::new(Sink::default()), Box::new(sink.clone()));
        output.talk("hello");
        assert_eq!(sink.text(), "");
    }
}
