//! A CSV file, read row by row as often as it takes, in memory that doesn't grow with it.
//!
//! RFC 4180, with LF, CRLF or CR at the end of a row. It is read here and not by a library because a person has to find
//! the place: every row knows the line that it begins in, a quote that is never closed is told as such, and a cell that
//! goes on for ever ends with an error instead of the memory.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::db::hex;
use crate::error::{Error, Result};
use crate::text;

/// Most bytes of a row. No field holds more than some hundred characters.
const LONGEST_ROW: usize = 1 << 20;

/// What stands between cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`, as spreadsheets write it where the comma is for decimals.
    Semicolon,
    /// A tabulator.
    Tab,
}

impl Delimiter {
    /// All of them, the most usual first.
    pub const ALL: [Self; 3] = [Self::Comma, Self::Semicolon, Self::Tab];

    /// Its byte.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    /// The one with this byte.
    #[must_use]
    pub fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|delimiter| delimiter.byte() == byte)
    }
}

/// The file, or a copy of what came from a pipe.
#[derive(Debug)]
pub struct Source {
    file: File,
    /// Where it is; nothing for what came from a pipe.
    path: Option<PathBuf>,
    /// How much of the beginning is no text.
    skip: u64,
}

impl Source {
    /// Opens a file.
    ///
    /// # Errors
    /// Invalid, when it can't be read or is no text of UTF-8 to begin with.
    pub fn open(path: &Path) -> Result<Self> {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.is_file(), file)));
        let (is_file, file) = opened.map_err(|why| unreadable(path, &why))?;
        if !is_file {
            return Err(Error::invalid(format!("{} is no ordinary file; nothing was written.", shown(path))));
        }
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        Self::over(file, Some(path))
    }

    /// Keeps what comes from a pipe in a file that has no name and that nobody else can read: it is read more than once.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn copy(mut from: impl Read) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("portaldesk-import-{}.csv", uuid::Uuid::now_v7()));
        let failed = |why: io::Error| {
            Error::invalid(format!(
                "What came from standard input could not be kept: {why}; nothing was written."
            ))
        };
        let opened = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        let mut file = opened.map_err(failed)?;
        std::fs::remove_file(&path).map_err(failed)?;
        io::copy(&mut from, &mut file).and_then(|_| file.flush()).map_err(failed)?;
        Self::over(file, None)
    }

    fn over(file: File, path: Option<PathBuf>) -> Result<Self> {
        let mut source = Self { file, path, skip: 0 };
        let mut start = [0; 4];
        let read = source.open_again().and_then(|mut file| file.read(&mut start));
        let count = read.map_err(|why| source.failed(&why))?;
        match &start[..count] {
            [0xef, 0xbb, 0xbf, ..] => source.skip = 3,
            // A mark of the byte order, or every other byte of plain letters.
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..] => {
                return Err(Error::invalid(format!(
                    "{} is UTF-16 and not UTF-8: save it as \"CSV UTF-8\". Nothing was written.",
                    source.name()
                )));
            }
            _ => {}
        }
        Ok(source)
    }

    /// Where it is, if it has a name.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What people call it: the file's own name.
    #[must_use]
    pub fn name(&self) -> String {
        match self.path.as_deref().and_then(Path::file_name) {
            Some(name) => text::safe(&name.to_string_lossy()).into_owned(),
            None => "standard input".to_owned(),
        }
    }

    /// A digest of what is in it, so that it can be told whether it is still what was looked at.
    ///
    /// # Errors
    /// Invalid, when it can't be read.
    pub fn digest(&self) -> Result<String> {
        let mut digest = Sha256::new();
        let mut piece = vec![0; 1 << 16];
        let mut file = self.open_again().map_err(|why| self.failed(&why))?;
        loop {
            match file.read(&mut piece).map_err(|why| self.failed(&why))? {
                0 => return Ok(hex(&digest.finalize())),
                count => digest.update(&piece[..count]),
            }
        }
    }

    /// Its rows from the first on.
    ///
    /// # Errors
    /// Invalid, when it can't be read.
    pub fn rows(&self, delimiter: Delimiter) -> Result<Rows> {
        let mut file = self.open_again().map_err(|why| self.failed(&why))?;
        file.seek(SeekFrom::Start(self.skip)).map_err(|why| self.failed(&why))?;
        Ok(Rows { reader: BufReader::new(file), delimiter: delimiter.byte(), line: 1, last: 0 })
    }

    /// The same file at its beginning. The place is shared, so only one may be read at a time.
    fn open_again(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }

    fn failed(&self, why: &io::Error) -> Error {
        unreadable(self.path.as_deref().unwrap_or(Path::new("standard input")), why)
    }
}

fn shown(path: &Path) -> String {
    text::safe(&path.display().to_string()).into_owned()
}

fn unreadable(path: &Path, why: &io::Error) -> Error {
    Error::invalid(format!("{} could not be read: {why}. Nothing was written.", shown(path)))
}

/// A row: its cells as bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// The line that it begins in, counted from 1.
    pub line: u64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// A cell of it stood in quotes.
    quoted: bool,
}

impl Row {
    /// How many cells it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether nothing stands in it, as in an empty line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.ends.len() < 2 && !self.quoted
    }

    /// A cell; empty where there is none.
    #[must_use]
    pub fn cell(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.ends.get(before).copied().unwrap_or(0));
        self.ends.get(at).map_or(&[], |end| &self.bytes[start..*end])
    }

    /// All cells.
    pub fn cells(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|at| self.cell(at))
    }
}

/// Reads rows.
pub struct Rows {
    reader: BufReader<File>,
    delimiter: u8,
    /// The line of the next byte.
    line: u64,
    /// The byte before it.
    last: u8,
}

/// Where in a cell the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before its first byte.
    Start,
    /// In a cell without quotes.
    Plain,
    /// Between quotes.
    Quoted,
    /// Behind a quote that ends the cell, or is the first of two.
    Quote,
}

impl Rows {
    /// The next row; empty lines are passed over.
    ///
    /// # Errors
    /// Invalid, with the line, when it is no CSV: nothing behind that place can be trusted.
    pub fn next(&mut self) -> Result<Option<Row>> {
        loop {
            match self.read()? {
                Some(row) if row.is_empty() => {}
                row => return Ok(row),
            }
        }
    }

    fn read(&mut self) -> Result<Option<Row>> {
        let mut row = Row { line: self.line, ..Row::default() };
        let (mut state, mut any) = (State::Start, false);
        while let Some(byte) = self.byte()? {
            if byte == b'\n' && self.last == b'\r' && state == State::Start && !any {
                // The second half of the line end before.
                self.last = byte;
                row.line = self.line;
                continue;
            }
            any = true;
            let is_end = matches!(byte, b'\n' | b'\r');
            if is_end && !(byte == b'\n' && self.last == b'\r') {
                self.line += 1;
            }
            self.last = byte;
            let Some(next) = self.put(byte, state, &mut row)? else { return Ok(Some(row)) };
            state = next;
            if row.bytes.len() + row.ends.len() > LONGEST_ROW {
                let hint = if state == State::Quoted { "; perhaps a quote is never closed" } else { "" };
                return Err(wrong(
                    row.line,
                    &format!("the row has more than 1 MB, which no account takes{hint}"),
                ));
            }
        }
        if state == State::Quoted {
            return Err(wrong(row.line, "a quote of this row is never closed"));
        }
        if !any {
            return Ok(None);
        }
        row.ends.push(row.bytes.len());
        Ok(Some(row))
    }

    /// Puts a byte where it belongs; the state after it, or nothing where the row ends with it.
    fn put(&self, byte: u8, state: State, row: &mut Row) -> Result<Option<State>> {
        Ok(Some(match (state, byte) {
            (State::Start, b'"') => {
                row.quoted = true;
                State::Quoted
            }
            (State::Quoted, b'"') => State::Quote,
            (State::Quoted, _) => {
                row.bytes.push(byte);
                State::Quoted
            }
            (State::Quote, b'"') => {
                row.bytes.push(b'"');
                State::Quoted
            }
            (_, byte) if byte == self.delimiter => {
                row.ends.push(row.bytes.len());
                State::Start
            }
            (_, b'\n' | b'\r') => {
                row.ends.push(row.bytes.len());
                return Ok(None);
            }
            (State::Quote, _) => {
                return Err(wrong(self.line, "text stands behind the quote that ends a cell"));
            }
            (State::Start | State::Plain, _) => {
                row.bytes.push(byte);
                State::Plain
            }
        }))
    }

    fn byte(&mut self) -> Result<Option<u8>> {
        let piece = self.reader.fill_buf();
        let first = piece
            .map(|piece| piece.first().copied())
            .map_err(|why| wrong(self.line, &format!("the file can't be read on: {why}")))?;
        if first.is_some() {
            self.reader.consume(1);
        }
        Ok(first)
    }
}

fn wrong(line: u64, what: &str) -> Error {
    Error::field(
        crate::error::Kind::Invalid,
        &format!("line {line}"),
        format!("Line {line}: {what}. Nothing was written."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Vec<(u64, Vec<String>)>> {
        let source = Source::copy(text)?;
        let mut rows = source.rows(Delimiter::Comma)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push((
                row.line,
                row.cells().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect(),
            ));
        }
        Ok(found)
    }

    fn rows(wanted: &[(u64, &[&str])]) -> Vec<(u64, Vec<String>)> {
        wanted
            .iter()
            .map(|(line, cells)| (*line, cells.iter().map(|it| (*it).to_owned()).collect()))
            .collect()
    }

    #[test]
    fn every_end_of_a_line_is_one_line() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("a,b{end}{end}\"1{end}2\",\"say \"\"hi\"\"\"{end}x,{end}\"\"");
            let inner = format!("1{end}2");
            let wanted = rows(&[(1, &["a", "b"]), (3, &[&inner, "say \"hi\""]), (5, &["x", ""]), (6, &[""])]);
            assert_eq!(read(text.as_bytes()).unwrap(), wanted, "{end:?}");
        }
    }

    #[test]
    fn a_mark_of_utf_8_is_no_text_and_utf_16_is_refused() {
        assert_eq!(read(b"\xef\xbb\xbfa,b").unwrap(), rows(&[(1, &["a", "b"])]));
        for text in [&b"\xff\xfea\0"[..], b"a\0b\0"] {
            assert!(read(text).unwrap_err().message.contains("UTF-16"));
        }
        assert_eq!(read(b"").unwrap(), []);
    }

    #[test]
    fn what_is_no_csv_is_told_by_line() {
        let message = |text: &[u8]| read(text).unwrap_err().message;
        assert!(message(b"a\nb\n\"c").starts_with("Line 3: a quote"));
        assert!(message(b"a\n\"c\"d").starts_with("Line 2: text"));
        let long = [b"a\nb\n\"".to_vec(), vec![b'x'; 10 << 20]].concat();
        let told = message(&long);
        assert!(
            told.starts_with("Line 3: the row has more than 1 MB") && told.contains("never closed"),
            "{told}"
        );
    }

    #[test]
    fn quotes_inside_a_cell_without_quotes_are_letters() {
        assert_eq!(read(b"5\" disk,x\n").unwrap(), rows(&[(1, &["5\" disk", "x"])]));
    }
}
