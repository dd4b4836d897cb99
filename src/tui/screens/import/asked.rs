//! What the screen of an import asks for: the file, and all that `user import` takes as options.

use std::path::PathBuf;

use crate::config::paths;
use crate::directory::import::{Checked, Delimiter, Options, Rejects};
use crate::portal::form::{self, Field, FieldKind};
use crate::tui::input::Input;
use crate::tui::theme::Tone;
use crate::tui::widgets::form::{Form, Used};
use crate::tui::widgets::path::{Paths, has_end};
use crate::tui::widgets::picker::Choice;

/// Ends of names of text files. Whoever works behind a service account reads no others of its files here.
const ENDS: [&str; 3] = ["csv", "tsv", "txt"];

pub(super) const FILE: &str = "file";
const DELIMITER: &str = "delimiter";
const MATCH: &str = "match";
const UPDATE: &str = "update";
const CREATE: &str = "create_missing";
const SKIP: &str = "skip_invalid";
const REJECTS: &str = "rejects";
const PASSWORDS: &str = "passwords_to";

/// The fields that name a file.
const PATHS: [&str; 3] = [FILE, REJECTS, PASSWORDS];

/// By what a row finds its account, as `--match` has it; the second one may rename.
const MATCHES: [(&str, &str); 2] =
    [("username", "an id only confirms it"), ("id", "its username may be new")];

const DELIMITERS: [(&str, Option<Delimiter>); 4] = [
    ("as in the file", None),
    ("comma", Some(Delimiter::Comma)),
    ("semicolon", Some(Delimiter::Semicolon)),
    ("tab", Some(Delimiter::Tab)),
];

const PATH: FieldKind = FieldKind::Text { max: 4_096 };
const CHOICE: FieldKind = FieldKind::Choice(form::Options::Fixed);

const FIELDS: [Field; 8] = [
    field(FILE, "File", PATH, "CSV; the first row names the columns. Tab completes the name."),
    field(DELIMITER, "Cells apart by", CHOICE, "What stands between cells; else the first row tells it."),
    field(MATCH, "Match by", CHOICE, "By id: a row with an id may give that account another username."),
    field(UPDATE, "Change existing", FieldKind::Bool, "A row with the username of an account changes it."),
    field(CREATE, "Make missing", FieldKind::Bool, "Groups and departments that are not there are made."),
    field(
        SKIP,
        "Skip bad rows",
        FieldKind::Bool,
        "They go into a file of their own, and the others are written.",
    ),
    field(REJECTS, "Bad rows to", PATH, "A new .csv file for them; empty: FILE.rejected.csv."),
    field(
        PASSWORDS,
        "Passwords to",
        PATH,
        "A new .csv file, one for each new account; empty: they have none.",
    ),
];

const fn field(name: &'static str, label: &'static str, kind: FieldKind, help: &'static str) -> Field {
    let check = |text: &str| Ok(Some(text.to_owned()));
    Field { name, label, short: label, kind, section: "", help, check }
}

/// What is asked for.
pub(super) struct Wanted {
    pub(super) file: PathBuf,
    pub(super) options: Options,
    /// Where bad rows go, if they are skipped.
    pub(super) rejects: Option<PathBuf>,
    pub(super) passwords_to: Option<PathBuf>,
}

/// The fields.
pub(super) struct Asked {
    pub(super) form: Form,
    paths: Paths,
}

impl Default for Asked {
    fn default() -> Self {
        let delimiters = DELIMITERS.map(|(label, _)| Choice::new(label, ""));
        let matches = MATCHES.map(|(label, note)| Choice::new(label, note));
        let form = Form::new(&FIELDS)
            .proposing()
            .upright()
            .with_choice(DELIMITER, delimiters.into(), Some(0))
            .with_choice(MATCH, matches.into(), Some(0));
        Self { form, paths: Paths::ending(&ENDS) }
    }
}

impl Asked {
    /// Rows that it is drawn in: one for each field, and one for what the field with the cursor is for.
    pub(super) const ROWS: u16 = 9;

    /// What was answered.
    ///
    /// # Errors
    /// The field that can't be taken, and why.
    pub(super) fn wanted(&self) -> Result<Wanted, (&'static str, String)> {
        let form = &self.form;
        let file = path(FILE, form.text(FILE), &ENDS)?;
        let new_file = |field| match form.text(field).trim() {
            "" => Ok(None),
            name => path(field, name, &["csv"]).map(Some),
        };
        let skip_invalid = form.flag(SKIP);
        let rejects = new_file(REJECTS)?.unwrap_or_else(|| Rejects::beside(&file));
        let passwords_to = new_file(PASSWORDS)?;
        let options = Options {
            update: form.flag(UPDATE),
            rename: form.choice(MATCH) == Some(1),
            create_missing: form.flag(CREATE),
            skip_invalid,
            generate: passwords_to.is_some(),
            delimiter: form.choice(DELIMITER).and_then(|at| DELIMITERS[at].1),
        };
        Ok(Wanted { file, options, rejects: skip_invalid.then_some(rejects), passwords_to })
    }

    /// Says by what the cells of a file that was looked through stand apart.
    pub(super) fn tell(&mut self, checked: &Checked) {
        let told = DELIMITERS.iter().find(|(_, delimiter)| *delimiter == Some(checked.delimiter()));
        self.form.set_hint(DELIMITER, told.map(|(label, _)| (Tone::Quiet, (*label).to_owned())));
    }

    /// Takes a key or a paste; says whether it was used.
    pub(super) fn input(&mut self, input: &Input) -> bool {
        if self.complete(input) {
            return true;
        }
        let used = self.form.input(input);
        if let (Used::Edited(field), Input::Key(_)) = (used, input) {
            self.form.set_hint(field, None);
        }
        used.is_used()
    }

    /// Completes the path that is typed; says whether the key was used for that.
    fn complete(&mut self, input: &Input) -> bool {
        let Some(field) = self.form.focused().filter(|field| PATHS.contains(field)) else { return false };
        let Input::Key(chord) = input else { return false };
        let Some(text) = self.paths.key(*chord, self.form.text(field)) else { return false };
        self.form.set_text(field, &text);
        self.form.clear_error(field);
        self.form.set_hint(field, self.paths.words(&text).map(|words| (Tone::Quiet, words)));
        true
    }
}

/// A file that may be named here.
fn path(field: &'static str, name: &str, ends: &[&str]) -> Result<PathBuf, (&'static str, String)> {
    let path = paths::typed(name);
    if ends.iter().any(|end| has_end(&path, end)) {
        return Ok(path);
    }
    Err((field, format!("The name has to end in .{}.", ends.join(" or ."))))
}
