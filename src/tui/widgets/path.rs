//! Completes the path of a file while it is typed, as the filter line does with its words: `Tab` puts what all that fits
//! has in common, then one after the other. Hidden names are offered once a `.` is typed.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::text_field::TextField;
use crate::config::paths;
use crate::tui::input::{Input, Key, KeyChord};

/// How long a folder may take to answer; one that lies on a server that is away must not hold up the keys.
const PATIENCE: Duration = Duration::from_millis(500);

/// Completes paths of files whose names end so, and of folders.
pub struct Paths {
    ends: &'static [&'static str],
    offered: Option<Offered>,
}

/// A line for the path of a file.
pub struct PathField {
    line: TextField,
    paths: Paths,
}

impl PathField {
    /// Opens with this name, and offers files with one of these endings.
    #[must_use]
    pub fn new(name: &str, ends: &'static [&'static str]) -> Self {
        Self { line: TextField::free(name), paths: Paths::ending(ends) }
    }

    /// What is typed, to be drawn.
    #[must_use]
    pub const fn line(&self) -> &TextField {
        &self.line
    }

    /// Whether nothing is typed.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.line.value().trim().is_empty()
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        paths::typed(self.line.value())
    }

    /// What `Tab` puts next.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        self.paths.words(self.line.value())
    }

    /// Takes a key or a paste; says whether it was used.
    pub fn input(&mut self, input: &Input) -> bool {
        match input {
            Input::Key(chord) => match self.paths.key(*chord, self.line.value()) {
                Some(path) => self.line.set(&path),
                None => return self.line.key(*chord),
            },
            Input::Paste(words) => drop(self.line.paste(words)),
            _ => return false,
        }
        true
    }
}

/// What was found for a text, and what was made of it.
struct Offered {
    made: String,
    /// Whole paths; a folder's ends in `/`.
    whole: Vec<String>,
    /// Which of them was put; none while it is only what they have in common.
    at: Option<usize>,
}

impl Paths {
    /// Offers files with one of these endings.
    #[must_use]
    pub const fn ending(ends: &'static [&'static str]) -> Self {
        Self { ends, offered: None }
    }

    /// What a key makes of the text of a field; nothing for other keys than `Tab`, and where nothing is to be completed.
    pub fn key(&mut self, chord: KeyChord, text: &str) -> Option<String> {
        if chord.key != Key::Tab {
            return None;
        }
        let offered = match self.offered.take().filter(|offered| offered.made == text) {
            Some(offered) if offered.whole.len() > 1 => offered.turned(chord.shift),
            _ if chord.shift => return None,
            _ => self.look(text)?,
        };
        Some(self.offered.insert(offered).made.clone())
    }

    /// What `Tab` puts next into the field, if it put what stands there.
    #[must_use]
    pub fn words(&self, text: &str) -> Option<String> {
        let offered = self.offered.as_ref().filter(|offered| offered.made == text)?;
        let from = offered.at.map_or(0, |at| at + 1);
        let (before, after) = offered.whole.split_at(from);
        let next: Vec<&str> = after.iter().chain(before).map(|path| last(path)).collect();
        (next.len() > 1).then(|| format!("Tab: {}", next.join("  ")))
    }

    fn look(&self, text: &str) -> Option<Offered> {
        let begun = paths::typed(text).to_str()?.to_owned();
        let whole = fitting(&begun, self.ends);
        // The whole name of a file: there is nothing to add.
        if whole.contains(&begun) {
            return None;
        }
        let common = common(&whole)?;
        let is_put = common.len() <= begun.len();
        let made = if is_put { whole.first()?.clone() } else { common };
        Some(Offered { made, whole, at: is_put.then_some(0) })
    }
}

impl Offered {
    /// Another one, the next or the one before.
    fn turned(self, back: bool) -> Self {
        let many = self.whole.len();
        let at = match (self.at, back) {
            (None, false) => 0,
            (None, true) => many - 1,
            (Some(at), false) => (at + 1) % many,
            (Some(at), true) => (at + many - 1) % many,
        };
        Self { made: self.whole[at].clone(), at: Some(at), ..self }
    }
}

/// The last name of a path, with the `/` of a folder.
fn last(path: &str) -> &str {
    let end = path.strip_suffix('/').unwrap_or(path);
    &path[end.rfind('/').map_or(0, |slash| slash + 1)..]
}

/// What all have at their beginning; nothing where there are none.
fn common(paths: &[String]) -> Option<String> {
    let mut common = paths.first()?.clone();
    for path in paths {
        let same = common.chars().zip(path.chars()).take_while(|(a, b)| a == b);
        common.truncate(same.map(|(c, _)| c.len_utf8()).sum());
    }
    Some(common)
}

/// The paths that begin so, in order.
fn fitting(begun: &str, ends: &'static [&'static str]) -> Vec<String> {
    let (folder, name) = begun.split_at(begun.rfind('/').map_or(0, |slash| slash + 1));
    if name == ".." {
        return vec![format!("{begun}/")];
    }
    let (sender, receiver) = mpsc::sync_channel(1);
    let (path, name) = (folder.to_owned(), name.to_owned());
    thread::spawn(move || sender.send(names(&path, &name, ends)));
    let names = receiver.recv_timeout(PATIENCE).unwrap_or_default();
    names.into_iter().map(|name| format!("{folder}{name}")).collect()
}

/// The names in a folder that begin so: of folders, and of files that end in one of these ways.
fn names(folder: &str, begun: &str, ends: &[&str]) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(if folder.is_empty() { "." } else { folder }) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !name.starts_with(begun) || (name.starts_with('.') && !begun.starts_with('.')) {
            continue;
        }
        if entry.path().is_dir() {
            names.push(name + "/");
        } else if ends.iter().any(|end| has_end(&name, end)) {
            names.push(name);
        }
    }
    names.sort_unstable();
    names
}

/// Whether the name of a file ends so, in whatever case.
#[must_use]
pub fn has_end(name: impl AsRef<Path>, end: &str) -> bool {
    name.as_ref().extension().is_some_and(|found| found.eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::input::{code, key, shift};

    /// A folder with some files, gone with this value.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let folder = std::env::temp_dir().join(format!("portaldesk-{}", uuid::Uuid::now_v7()));
            std::fs::create_dir_all(folder.join("staff.old")).expect("a folder");
            for name in ["staff.csv", "staff two.CSV", "students.csv", "notes.md", ".hidden.csv"] {
                std::fs::write(folder.join(name), "").expect("a file");
            }
            Self(folder)
        }

        fn path(&self, name: &str) -> String {
            format!("{}/{name}", self.0.display())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn tab_puts_what_is_common_and_then_one_after_the_other() {
        let folder = Folder::new();
        let mut paths = Paths::ending(&["csv"]);
        let mut text = folder.path("s");
        let (tab, back) = (code(Key::Tab), shift(Key::Tab));
        assert_eq!(paths.key(key('x'), &text), None);
        for (chord, made, words) in [
            (tab, "st", "Tab: staff two.CSV  staff.csv  staff.old/  students.csv"),
            (tab, "staff two.CSV", "Tab: staff.csv  staff.old/  students.csv  staff two.CSV"),
            (tab, "staff.csv", "Tab: staff.old/  students.csv  staff two.CSV  staff.csv"),
            (back, "staff two.CSV", "Tab: staff.csv  staff.old/  students.csv  staff two.CSV"),
            (back, "students.csv", "Tab: staff two.CSV  staff.csv  staff.old/  students.csv"),
        ] {
            text = paths.key(chord, &text).expect("another");
            assert_eq!((text.as_str(), paths.words(&text).as_deref()), (&*folder.path(made), Some(words)));
        }
        assert_eq!(paths.words("something else"), None);
    }

    #[test]
    fn one_that_is_whole_or_fits_nothing_is_left_to_the_next_field() {
        let folder = Folder::new();
        let mut paths = Paths::ending(&["csv"]);
        let mut next = |name: &str| paths.key(code(Key::Tab), &folder.path(name));
        assert_eq!(next("staff.csv"), None);
        assert_eq!(next("nobody"), None);
        assert_eq!(next("no such folder/x"), None);
        assert_eq!(next("notes"), None, "of another kind");
        assert_eq!(next("stu"), Some(folder.path("students.csv")));
        assert_eq!(next(".h"), Some(folder.path(".hidden.csv")), "once it is asked for");
        assert_eq!(next("staff.o"), Some(folder.path("staff.old/")));
        assert_eq!(next("staff.old/"), None, "it is empty");
        assert_eq!(next(".."), Some(folder.path("../")));
    }
}
