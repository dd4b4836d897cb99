//! The grammar of a filter line: words, `key:value`, `key>age`, and `-` before any of them. Nothing here knows a portal.

use super::keys::{KEYS, Key, Value, Why};
use super::terms::{in_quotes, pieces, quoted, unquoted};
use super::when::{Sign, When};
use super::wrong::Wrong;
use crate::directory::nearest::nearest;
use crate::portal::access::Level;

/// More parts than these are a slip of the paste key, and more conditions than some engines take.
const MOST_PARTS: usize = 100;

/// No column that is searched holds more bytes than this; SQLite refuses patterns of 50,000.
pub(in crate::directory) const LONGEST_WORD: usize = 4096;

/// One part of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// At which byte of the line it begins.
    pub(super) start: usize,
    /// As it was written.
    pub(super) written: String,
    /// Whether it lets through those for whom the test is false.
    pub(super) negated: bool,
    /// What is asked.
    pub(super) test: Test,
}

/// A question about one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    /// Has this in the username, a name, the e-mail address, the phone's digits or the portal id.
    Word(String),
    /// Is in one of these departments.
    Department(Place),
    /// Is in one of these groups.
    Group(Place),
    /// Is active, staff or a superuser, or is not.
    Flag(Flag, bool),
    /// Can sign in to the portal, or can't.
    SignIn(bool),
    /// Never signed in to the portal.
    NeverSignedIn,
    /// Signed in last, or joined and never signed in, at such a time.
    Login(When),
    /// Joined at such a time.
    Joined(When),
    /// Has so many profiles.
    Profiles(Profiles),
    /// Has such a password.
    Password(Password),
    /// Has this in the e-mail address; none at all, where there is nothing.
    Email(Option<String>),
    /// Gets e-mail from the portal, or gets none.
    Notified(bool),
    /// Has rows that this operation, or this run, has written.
    Operation(String),
    /// Has this as the highest role; none at all, where there is none.
    Access(Option<Level>),
    /// Is a superuser, or staff who may change users, groups or permissions.
    Privileged(bool),
}

/// Departments or groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// None at all.
    Nowhere,
    /// Those of these ids.
    Ids(Vec<i64>),
    /// The one of this name, which is still to be looked up; until then nobody is in it.
    Named(String),
}

/// A column of yes and no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flag {
    Active,
    Staff,
    Superuser,
}

/// How many profiles a user has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Profiles {
    None,
    One,
    Several,
}

/// What a stored password is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Password {
    /// Django's mark for none that could be right.
    Unusable,
    /// Made by this hasher, or one of its family.
    Hasher(&'static str),
    /// Nothing of these.
    Other,
}

/// The hashers that Django has had, by their names or the beginning of them up to `_`.
pub(super) const HASHERS: [&str; 11] = [
    "pbkdf2_sha256",
    "pbkdf2_sha1",
    "pbkdf2",
    "argon2",
    "bcrypt_sha256",
    "bcrypt",
    "scrypt",
    "md5",
    "sha1",
    "crypt",
    "unsalted",
];

/// The parts of a line, each by itself: what could be read, or what is wrong with it.
pub(super) fn read(line: &str) -> Vec<Result<Part, Wrong>> {
    let mut parts = Vec::new();
    for (start, written) in pieces(line) {
        if parts.len() == MOST_PARTS {
            parts.push(Err(Wrong::new(
                line,
                start,
                written,
                format!("a filter has at most {MOST_PARTS} parts"),
            )));
            break;
        }
        match part(start, written) {
            Ok(part) => parts.extend(part.map(Ok)),
            Err(Why::Missing) => {
                parts.push(Err(Wrong::new(line, start, written, "a value is missing").unfinished()));
            }
            Err(Why::Is(why)) => parts.push(Err(Wrong::new(line, start, written, why))),
        }
    }
    parts
}

fn part(start: usize, written: &str) -> Result<Option<Part>, Why> {
    let (negated, rest) = match written.strip_prefix('-') {
        Some(rest) if !rest.is_empty() => (true, rest),
        _ => (false, written),
    };
    let test = match keyed(rest) {
        Some((name, sign, written)) => {
            let text = sound(written)?;
            let is_literal = written.starts_with('"');
            let key = Key::named(name).ok_or_else(|| unknown(name))?;
            (key.read)(&Value { sign, text: &text, is_literal })?
        }
        None => match sound(rest)? {
            word if word.is_empty() => return Ok(None),
            word => Test::Word(word),
        },
    };
    Ok(Some(Part { start, written: written.to_owned(), negated, test }))
}

/// A value without quotes, if an engine can take it.
fn sound(written: &str) -> Result<String, Why> {
    let text = unquoted(written);
    if text.len() > LONGEST_WORD {
        return Err(Why::Is(format!("no text of a user is longer than {LONGEST_WORD} bytes")));
    }
    if text.contains('\0') {
        return Err(Why::Is("there is a NUL in it".to_owned()));
    }
    Ok(text)
}

/// Key, sign and value of a part that has them.
pub(super) fn keyed(part: &str) -> Option<(&str, Sign, &str)> {
    let at = part.find([':', '<', '>'])?;
    let (key, rest) = part.split_at(at);
    let is_key = key.starts_with(char::is_alphabetic)
        && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    let signs = [Sign::UpTo, Sign::FromOn, Sign::Below, Sign::Above, Sign::Is];
    let sign = signs.into_iter().find(|sign| rest.starts_with(sign.text())).filter(|_| is_key)?;
    Some((key, sign, rest.get(sign.text().len()..)?))
}

fn unknown(name: &str) -> Why {
    let name = name.to_lowercase();
    let near = nearest(&name, KEYS.iter().map(|key| key.name));
    let hint = near.map_or_else(String::new, |key| format!(" Did you mean '{key}:'?"));
    let known: Vec<String> = KEYS.iter().map(|key| format!("{}:", key.name)).collect();
    Why::Is(format!(
        "there is no '{name}:' here.{hint} There are {}; a word with a colon goes in quotes",
        known.join(", ")
    ))
}

impl Part {
    /// The part as it is kept: with ids in the place of names.
    pub(super) fn by_id(&self) -> String {
        match self.ids() {
            Some((key, ids)) => format!("{}{key}:{}", if self.negated { "-" } else { "" }, numbered(ids)),
            None => self.written.clone(),
        }
    }

    /// The key and the ids of a part that has some.
    pub(super) fn ids(&self) -> Option<(&'static str, &[i64])> {
        match &self.test {
            Test::Department(Place::Ids(ids)) => Some(("dept", ids)),
            Test::Group(Place::Ids(ids)) => Some(("group", ids)),
            _ => None,
        }
    }
}

/// Ids as they stand behind a key.
pub(super) fn numbered(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("#{id}")).collect();
    ids.join(",")
}

/// A name as it has to be written behind a key, so that it is taken for a name.
pub(super) fn name(name: &str) -> String {
    let has_meaning = name.eq_ignore_ascii_case("none") || name.starts_with('#');
    if has_meaning { in_quotes(name) } else { quoted(name) }
}

#[cfg(test)]
mod tests {
    use super::super::when::When;
    use super::*;

    fn one(line: &str) -> Part {
        let mut parts = read(line);
        assert_eq!(parts.len(), 1, "{line}: {parts:?}");
        parts.remove(0).unwrap()
    }

    fn test(line: &str) -> Test {
        let part = one(line);
        assert!(!part.negated, "{line}");
        part.test
    }

    fn wrong(line: &str) -> Wrong {
        read(line).into_iter().find_map(Result::err).unwrap_or_else(|| panic!("{line} is taken"))
    }

    #[test]
    fn every_key_is_read() {
        let named = |name: &str| Place::Named(name.to_owned());
        for (line, expected) in [
            ("dept:IT", Test::Department(named("IT"))),
            ("Department:\"Human Resources\"", Test::Department(named("Human Resources"))),
            ("dept:None", Test::Department(Place::Nowhere)),
            ("dept:\"none\"", Test::Department(named("none"))),
            ("dept:#5", Test::Department(Place::Ids(vec![5]))),
            ("group:#5,#7", Test::Group(Place::Ids(vec![5, 7]))),
            ("group:\"#5\"", Test::Group(named("#5"))),
            ("group:a:b", Test::Group(named("a:b"))),
            ("active:no", Test::Flag(Flag::Active, false)),
            ("staff:YES", Test::Flag(Flag::Staff, true)),
            ("super:yes", Test::Flag(Flag::Superuser, true)),
            ("access:\"AMC Admin\"", Test::Access(Some(Level::AmcAdmin))),
            ("access:none", Test::Access(None)),
            ("privileged:yes", Test::Privileged(true)),
            ("signin:no", Test::SignIn(false)),
            ("login:never", Test::NeverSignedIn),
            ("login>90d", Test::Login(When::Older(chrono::TimeDelta::days(90)))),
            ("joined<90d", Test::Joined(When::Younger(chrono::TimeDelta::days(90)))),
            ("profile:none", Test::Profiles(Profiles::None)),
            ("profile:several", Test::Profiles(Profiles::Several)),
            ("pw:unusable", Test::Password(Password::Unusable)),
            ("pw:argon2", Test::Password(Password::Hasher("argon2"))),
            ("email:@example.org", Test::Email(Some("@example.org".to_owned()))),
            ("email:none", Test::Email(None)),
            ("notify:no", Test::Notified(false)),
            ("op:0f-1", Test::Operation("0f-1".to_owned())),
        ] {
            assert_eq!(test(line), expected, "{line}");
            let negated = one(&format!("-{line}"));
            assert!(negated.negated && negated.test == expected, "-{line}");
        }
    }

    #[test]
    fn all_else_is_a_word() {
        for (line, expected) in [
            ("ada", "ada"),
            ("\"two words\"", "two words"),
            ("\"a: b\"", "a: b"),
            ("\"-x\"", "-x"),
            ("-", "-"),
            ("12:30", "12:30"),
            ("<bela@example.org>", "<bela@example.org>"),
            ("o'neill-smith", "o'neill-smith"),
            ("\"dept:IT\"", "dept:IT"),
            ("\"not closed", "not closed"),
        ] {
            assert_eq!(test(line), Test::Word(expected.to_owned()), "{line}");
        }
        assert_eq!(one("-\"van der\"").test, Test::Word("van der".to_owned()));
        assert!(read("  \"\" \" \" -\"\" ").is_empty());
    }

    #[test]
    fn an_error_points_at_the_word_and_says_what_there_is() {
        for (line, word, character, says) in [
            ("ada dpt:IT", "dpt:IT", 5, "Did you mean 'dept:'? There are dept:, group:, active:"),
            ("é http://x", "http://x", 3, "in quotes"),
            ("logn>90d", "logn>90d", 1, "Did you mean 'login:'"),
            ("active:maybe", "active:maybe", 1, "yes or no"),
            ("x -active>yes", "-active>yes", 3, "write a colon"),
            ("dept:#x", "dept:#x", 1, "number behind #"),
            ("joined:90d", "joined:90d", 1, "'>90d'"),
            ("login<yesterday", "login<yesterday", 1, "2025-03-01"),
            ("pw:rot13", "pw:rot13", 1, "argon2"),
            ("profile:two", "profile:two", 1, "several"),
            ("access:boss", "access:boss", 1, "amc-admin"),
        ] {
            let wrong = wrong(line);
            assert_eq!((wrong.word.as_str(), wrong.character), (word, character), "{line}");
            assert_eq!(&line[wrong.span.clone()], word);
            assert!(wrong.why.contains(says) && !wrong.is_unfinished, "{line}: {}", wrong.why);
        }
    }

    #[test]
    fn a_value_that_is_still_to_come_is_unfinished() {
        for line in ["dept:", "-group:", "login>", "active:", "joined<=", "dept:\"", "op:"] {
            assert!(wrong(line).is_unfinished, "{line}");
        }
    }

    #[test]
    fn ten_thousand_characters_are_answered() {
        let long = "x".repeat(10_000);
        let many = "ab ".repeat(3_333);
        let nested = "-".repeat(10_000);
        let quotes = "\"".repeat(10_000);
        let names = format!("dept:{long}");
        for line in [&long, &nested, &names] {
            let wrong = wrong(line);
            assert!(wrong.why.contains("4096 bytes") && wrong.word.chars().count() < 70, "{}", wrong.why);
        }
        assert!(wrong(&many).why.contains("at most 100 parts"));
        assert!(wrong(&quotes).why.contains("4096 bytes"));
    }

    #[test]
    fn what_is_kept_is_read_back() {
        for line in ["dept:#5", "-group:#3,#4", "group:none", "login>90d", "ada", "-\"x y\""] {
            assert_eq!(one(line).by_id(), line);
        }
        for known in ["IT", "none", "#5", "Human Resources", "5\" disks", "a:b", "-x"] {
            let line = format!("dept:{}", name(known));
            assert_eq!(test(&line), Test::Department(Place::Named(known.to_owned())), "{line}");
        }
    }
}
