//! What an import keeps to be gone on with: which file, and how it was taken.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::directory::password_file::PasswordFile;
use crate::directory::ranges;
use crate::error::{Error, Result};

use super::source::{Delimiter, Source};
use super::{Checked, Options};

/// With more ranges of refused rows than these, nothing is kept: the import then can't be gone on with.
const MOST_RANGES: usize = 10_000;

/// No file has more rows than these.
const MOST_ROWS: i64 = 50_000_000;

/// What a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) file: PathBuf,
    pub(super) digest: String,
    pub(super) options: Options,
    /// Numbers of rows that are left out, ascending.
    pub(super) bad: Vec<u64>,
    /// The newest account when it was looked through.
    pub(super) newest: i64,
    /// How many accounts were to be written.
    pub(super) total: u64,
    pub(super) groups: Vec<String>,
    pub(super) departments: Vec<String>,
    pub(super) passwords: Option<PathBuf>,
}

impl Kept {
    /// What is known of a file that was looked through; nothing for one without a name.
    pub(super) fn of(
        source: &Source,
        options: &Options,
        checked: &Checked,
        passwords: Option<&PasswordFile>,
    ) -> Option<Self> {
        Some(Self {
            file: source.path()?.to_owned(),
            digest: checked.digest.clone(),
            options: Options { delimiter: Some(checked.header.delimiter), ..options.clone() },
            bad: checked.bad.clone(),
            newest: checked.newest,
            total: checked.to_write(),
            groups: checked.groups.clone(),
            departments: checked.departments.clone(),
            passwords: passwords
                .map(|file| std::fs::canonicalize(file.path()).unwrap_or_else(|_| file.path().to_owned())),
        })
    }

    /// As JSON; nothing where a path is no text, or there would be too much of it.
    pub(super) fn to_json(&self) -> Option<String> {
        let bad = self.bad.iter().map(|number| i64::try_from(*number).unwrap_or(i64::MAX));
        let ranges = ranges::of(bad, MOST_RANGES)?;
        let passwords = match &self.passwords {
            Some(path) => Some(path.to_str()?),
            None => None,
        };
        let json = json!({
            "file": self.file.to_str()?,
            "digest": self.digest,
            "update": self.options.update,
            "rename": self.options.rename,
            "create_missing": self.options.create_missing,
            "skip_invalid": self.options.skip_invalid,
            "generate": self.options.generate,
            "delimiter": self.options.delimiter.map(Delimiter::byte),
            "bad": ranges,
            "newest": self.newest,
            "total": self.total,
            "groups": self.groups,
            "departments": self.departments,
            "passwords": passwords,
        });
        Some(json.to_string())
    }

    /// Reads [`Kept::to_json`] back.
    ///
    /// # Errors
    /// Conflict, when it is none.
    pub(super) fn read(text: &str) -> Result<Self> {
        let wrong = || Error::conflict("What this run imports can't be read; nothing was written.");
        let json: Json = serde_json::from_str(text).map_err(|_| wrong())?;
        let text = |name: &str| json[name].as_str().ok_or_else(wrong);
        let on = |name: &str| json[name].as_bool().ok_or_else(wrong);
        let texts =
            |name: &str| serde_json::from_value::<Vec<String>>(json[name].clone()).map_err(|_| wrong());
        let ranges: Vec<(i64, i64)> = serde_json::from_value(json["bad"].clone()).map_err(|_| wrong())?;
        let bad = ranges::numbers(&ranges, MOST_ROWS).ok_or_else(wrong)?;
        let total = json["total"].as_u64().ok_or_else(wrong)?;
        let byte = json["delimiter"].as_u64().and_then(|byte| u8::try_from(byte).ok());
        Ok(Self {
            file: Path::new(text("file")?).to_owned(),
            digest: text("digest")?.to_owned(),
            options: Options {
                update: on("update")?,
                rename: on("rename")?,
                create_missing: on("create_missing")?,
                skip_invalid: on("skip_invalid")?,
                generate: on("generate")?,
                delimiter: byte.and_then(Delimiter::of),
            },
            bad: bad.into_iter().filter_map(|number| u64::try_from(number).ok()).collect(),
            newest: json["newest"].as_i64().ok_or_else(wrong)?,
            total,
            groups: texts("groups")?,
            departments: texts("departments")?,
            passwords: json["passwords"].as_str().map(PathBuf::from),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back() {
        let kept = Kept {
            file: "/tmp/staff, new.csv".into(),
            digest: "00ff".to_owned(),
            options: Options {
                update: true,
                skip_invalid: true,
                delimiter: Some(Delimiter::Semicolon),
                ..Options::default()
            },
            bad: vec![0, 1, 2, 9],
            newest: 7,
            total: 12,
            groups: vec!["Night shift".to_owned()],
            departments: Vec::new(),
            passwords: Some("/tmp/p.csv".into()),
        };
        let json = kept.to_json().unwrap();
        assert!(json.contains("[[0,2],[9,9]]"), "{json}");
        assert_eq!(Kept::read(&json).unwrap(), kept);
        let many = Kept { bad: (0..).step_by(2).take(MOST_RANGES + 1).collect(), ..kept };
        assert_eq!(many.to_json(), None);
        assert!(Kept::read("{}").is_err());
    }
}
