//! What can stand at the cursor of a filter line that is being typed.

use std::ops::Range;

use super::grammar::{keyed, name};
use super::keys::{KEYS, Key};
use super::terms::{pieces, unquoted};
use crate::directory::{Portal, departments, groups};
use crate::error::Result;

/// More suggestions than these nobody goes through; one more letter does more.
const MOST: usize = 30;

/// The names that can stand behind `dept:` and `group:`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// All departments.
    pub departments: Vec<String>,
    /// All groups.
    pub groups: Vec<String>,
}

impl Known {
    /// Reads them.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn read(portal: &Portal) -> Result<Self> {
        let departments = departments::choices(portal).await?.into_iter().map(|choice| choice.name);
        let groups = groups::choices(portal).await?.into_iter().map(|choice| choice.name);
        Ok(Self { departments: departments.collect(), groups: groups.collect() })
    }
}

/// What may be put in the place of the part at the cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    /// The bytes of the line that are replaced.
    pub span: Range<usize>,
    /// The whole parts, the likeliest first.
    pub candidates: Vec<String>,
}

/// What can be put at this byte of a line.
#[must_use]
pub fn complete(line: &str, cursor: usize, known: &Known) -> Completion {
    let (start, written) = pieces(line)
        .find(|(start, written)| *start <= cursor && cursor <= start + written.len())
        .unwrap_or((cursor, ""));
    let (minus, rest) = match written.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", written),
    };
    let mut candidates: Vec<String> = match keyed(rest) {
        None => keys(rest).map(|key| format!("{minus}{}:", key.name)).collect(),
        Some((key, sign, value)) => {
            let values = Key::named(key).map(|key| values(key, sign.text(), known)).unwrap_or_default();
            let whole = |value: String| format!("{minus}{key}{}{value}", sign.text());
            alike(values, &unquoted(value)).into_iter().map(whole).collect()
        }
    };
    candidates.retain(|candidate| candidate != written);
    candidates.truncate(MOST);
    Completion { span: start..start + written.len(), candidates }
}

/// Whether somebody who types at this byte may be about to write a key. One letter or two are looked for as they come: they
/// begin many names, and find somebody.
#[must_use]
pub fn may_become_key(line: &str, cursor: usize) -> bool {
    let Some((_, written)) = pieces(line).find(|(start, written)| start + written.len() == cursor) else {
        return false;
    };
    let begun = written.strip_prefix('-').unwrap_or(written);
    begun.len() > 2 && keys(begun).next().is_some()
}

fn keys(begun: &str) -> impl Iterator<Item = &'static Key> {
    let begun = begun.to_lowercase();
    KEYS.iter().filter(move |key| key.name.starts_with(&begun))
}

/// The values of a key, as they have to be written.
fn values(key: &Key, sign: &str, known: &Known) -> Vec<(String, String)> {
    let plain =
        |values: &[&str]| values.iter().map(|value| ((*value).to_owned(), (*value).to_owned())).collect();
    let names = |names: &[String]| -> Vec<(String, String)> {
        names.iter().map(|known| (known.clone(), name(known))).collect()
    };
    let mut all: Vec<(String, String)> = match (key.name, sign) {
        ("dept", ":") => names(&known.departments),
        ("group", ":") => names(&known.groups),
        ("login" | "joined", "<" | "<=" | ">" | ">=") => return plain(&["30d", "90d", "1y"]),
        _ => Vec::new(),
    };
    if sign == ":" {
        all.extend::<Vec<_>>(plain(key.values));
    }
    all
}

/// Those that begin with what was typed, then those that hold it. This is a help over a short list, no comparison of two
/// texts of the database.
fn alike(values: Vec<(String, String)>, typed: &str) -> Vec<String> {
    let typed = typed.to_lowercase();
    let mut alike: Vec<(bool, String)> = values
        .into_iter()
        .map(|(name, written)| (name.to_lowercase(), written))
        .filter(|(name, _)| name.contains(&typed))
        .map(|(name, written)| (!name.starts_with(&typed), written))
        .collect();
    alike.sort_by_key(|(later, _)| *later);
    alike.into_iter().map(|(_, written)| written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        Known {
            departments: ["Human Resources", "IT", "Sales", "none"].map(str::to_owned).to_vec(),
            groups: vec!["Engineer".to_owned()],
        }
    }

    fn offered(line: &str) -> Vec<String> {
        complete(line, line.len(), &known()).candidates
    }

    #[test]
    fn keys_and_values_are_completed() {
        assert_eq!(offered("ada de"), ["dept:"]);
        assert_eq!(offered("-gr"), ["-group:"]);
        assert_eq!(offered("dept:h"), ["dept:\"Human Resources\""]);
        assert_eq!(offered("dept:\"hum"), ["dept:\"Human Resources\""]);
        assert_eq!(offered("dept:s"), ["dept:Sales", "dept:\"Human Resources\""]);
        assert_eq!(offered("dept:no"), ["dept:\"none\"", "dept:none"], "a department may be called so");
        assert_eq!(offered("-group:"), ["-group:Engineer", "-group:none"]);
        assert_eq!(offered("ACTIVE:"), ["ACTIVE:yes", "ACTIVE:no"]);
        assert_eq!(offered("login:"), ["login:never"]);
        assert_eq!(offered("login>9"), ["login>90d"]);
        assert_eq!(offered("").len(), KEYS.len());
        for nothing in ["ada", "dept:x", "foo:", "active:no", "12:30"] {
            assert_eq!(offered(nothing), Vec::<String>::new(), "{nothing}");
        }
    }

    #[test]
    fn a_word_may_become_a_key_while_its_end_is_typed() {
        for (line, may) in [
            ("dep", true),
            ("ada -DEPT", true),
            ("de", false),
            ("dept:", false),
            ("depot", false),
            ("\"dep", false),
            ("dept ", false),
        ] {
            assert_eq!(may_become_key(line, line.len()), may, "{line}");
        }
        assert!(!may_become_key("dept", 3) && may_become_key("dept ada", 4));
    }

    #[test]
    fn the_part_at_the_cursor_is_replaced() {
        let found = complete("dep ada", 3, &known());
        assert_eq!((found.span, found.candidates), (0..3, vec!["dept:".to_owned()]));
        assert_eq!(complete("ada  dept:it x", 10, &known()).span, 5..12);
    }
}
