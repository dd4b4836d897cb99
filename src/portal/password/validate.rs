//! Django's four password validators, in its order, with its codes and messages.
//!
//! `common.txt` is the list that Django 4.2 ships (`django/contrib/auth/common-passwords.txt.gz`, BSD licence):
//! 19,729 passwords collected by Royce Williams
//! (<https://gist.github.com/roycewilliams/226886fd01572964e1431ac8afc999ce>), in lower case, here sorted by bytes.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::LONGEST;
use super::digits::is_digit;
use crate::portal::rules::{is_word, strip};

const COMMON: &str = include_str!("common.txt");

/// From this ratio of shared characters on, a password is too similar (Django's `max_similarity`).
const TOO_SIMILAR: f64 = 0.7;

/// What a password must not resemble: the account's own names. Empty ones are skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct About<'a> {
    /// The username.
    pub username: &'a str,
    /// The first name.
    pub first_name: &'a str,
    /// The last name.
    pub last_name: &'a str,
    /// The e-mail address.
    pub email: &'a str,
}

impl<'a> About<'a> {
    /// The names, with what Django calls them.
    fn named(&self) -> [(&'static str, &'a str); 4] {
        [
            ("username", self.username),
            ("first name", self.first_name),
            ("last name", self.last_name),
            ("email address", self.email),
        ]
    }
}

/// One reason to refuse a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Django's code, for programs: `password_too_short`.
    pub code: &'static str,
    /// Django's message, for people.
    pub message: String,
}

/// Everything that is wrong with a new password; empty when it is fit.
///
/// `minimum_length` counts characters; Django's own is [`super::MINIMUM_LENGTH`]. Beyond Django's four validators
/// there are two refusals: a NUL, which its forms refuse before, and more than [`LONGEST`] bytes, never hashed here.
#[must_use]
pub fn problems(password: &str, about: &About<'_>, minimum_length: usize) -> Vec<Problem> {
    if password.len() > LONGEST {
        let message = format!("This password is too long. It must contain at most {LONGEST} bytes.");
        return vec![Problem { code: "password_too_long", message }];
    }
    let mut problems = Vec::new();
    let mut add = |code, message: String| problems.push(Problem { code, message });
    if let Some(name) = similar_to(password, about) {
        add("password_too_similar", format!("The password is too similar to the {name}."));
    }
    if password.chars().count() < minimum_length {
        let plural = if minimum_length == 1 { "" } else { "s" };
        let message = format!(
            "This password is too short. It must contain at least {minimum_length} character{plural}."
        );
        add("password_too_short", message);
    }
    if is_common(password) {
        add("password_too_common", "This password is too common.".to_owned());
    }
    if !password.is_empty() && password.chars().all(is_digit) {
        add("password_entirely_numeric", "This password is entirely numeric.".to_owned());
    }
    if password.contains('\0') {
        add("null_characters_not_allowed", "Null characters are not allowed.".to_owned());
    }
    problems
}

/// `UserAttributeSimilarityValidator`: the first of the names that the password resembles, whole or in part.
fn similar_to(password: &str, about: &About<'_>) -> Option<&'static str> {
    let password = password.to_lowercase();
    let letters = count(&password);
    let length = password.chars().count();
    about.named().into_iter().find_map(|(name, value)| {
        let value = value.to_lowercase();
        let mut parts = value.split(|c| !is_word(c)).chain([value.as_str()]);
        let similar = parts.any(|part| {
            let part_length = part.chars().count();
            !is_far_longer(length, part_length) && ratio(&letters, length, part, part_length) >= TOO_SIMILAR
        });
        (!value.is_empty() && similar).then_some(name)
    })
}

/// Django's `exceeds_maximum_length_ratio`: a password ten times as long can't be similar.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^52")]
fn is_far_longer(length: usize, part_length: usize) -> bool {
    length >= 10 * part_length && (part_length as f64) < TOO_SIMILAR / 2.0 * length as f64
}

/// Python's `SequenceMatcher.quick_ratio`: twice the characters in common (in any order), by those of both.
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^52")]
fn ratio(letters: &HashMap<char, usize>, length: usize, part: &str, part_length: usize) -> f64 {
    let both = length + part_length;
    if both == 0 {
        return 1.0;
    }
    let matches: usize =
        count(part).into_iter().map(|(c, times)| times.min(letters.get(&c).copied().unwrap_or(0))).sum();
    2.0 * matches as f64 / both as f64
}

fn count(text: &str) -> HashMap<char, usize> {
    let mut letters = HashMap::new();
    for c in text.chars() {
        *letters.entry(c).or_default() += 1;
    }
    letters
}

/// `CommonPasswordValidator`: a binary search over the lines of the list.
fn is_common(password: &str) -> bool {
    let password = password.to_lowercase();
    let wanted = strip(&password).as_bytes();
    let list = COMMON.as_bytes();
    let (mut low, mut high) = (0, list.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = list[low..middle].iter().rposition(|byte| *byte == b'\n').map_or(low, |at| low + at + 1);
        let end = list[middle..high].iter().position(|byte| *byte == b'\n').map_or(high, |at| middle + at);
        match list[start..end].cmp(wanted) {
            Ordering::Equal => return true,
            Ordering::Less => low = end + 1,
            Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::MINIMUM_LENGTH;
    use super::*;

    fn codes(password: &str, about: &About<'_>) -> Vec<&'static str> {
        problems(password, about, MINIMUM_LENGTH).into_iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn the_list_is_complete_and_sorted() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert_eq!(lines.len(), 19_729);
        assert!(lines.windows(2).all(|pair| pair[0].as_bytes() < pair[1].as_bytes()));
        assert!(lines.iter().all(|line| is_common(line)));
        assert!(is_common(" PassWord\t") && is_common("friend of joan"));
        for other in ["", "\n", "passwor", "passwordd\n", "zzzzzzzzzzzzzz", "\u{10ffff}", "a\nb"] {
            assert!(!is_common(other), "{other:?}");
        }
    }

    #[test]
    fn every_name_and_its_parts_are_compared() {
        let about = About {
            username: "wxyz",
            first_name: "Maximiliane",
            last_name: "O'Hara-Fitzgerald",
            email: "postmaster@example.org",
        };
        assert_eq!(codes("Maximiliane1", &about), ["password_too_similar"]);
        assert_eq!(codes("fitzgerald7", &about), ["password_too_similar"]);
        assert_eq!(codes("postmaster!", &about), ["password_too_similar"]);
        assert_eq!(codes("wxyz", &about), ["password_too_similar", "password_too_short"]);
        assert_eq!(codes("Tr0ub4dor&3", &about), [""; 0]);
        assert_eq!(codes("Maximiliane1", &About::default()), [""; 0]);
    }

    #[test]
    fn limits_beyond_django() {
        assert_eq!(codes(&"aé3".repeat(LONGEST), &About::default()), ["password_too_long"]);
        assert_eq!(codes("correct\0horse", &About::default()), ["null_characters_not_allowed"]);
        assert_eq!(
            problems("", &About::default(), 1)[0].message,
            "This password is too short. It must contain at least 1 character."
        );
    }

    proptest! {
        #[test]
        fn anything_can_be_judged(password in any::<String>(), name in any::<String>()) {
            let about = About { username: &name, first_name: &name, last_name: "", email: &name };
            let _ = problems(&password, &about, MINIMUM_LENGTH);
        }
    }
}
