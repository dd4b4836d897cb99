//! Random passwords, and how to say one on the telephone.

use zeroize::Zeroizing;

use super::MINIMUM_LENGTH;
use super::validate::{About, problems};
use crate::error::{Error, Result};

/// Letters and digits that can't be taken for one another: no 0 O 1 l I.
const ALPHABET: &str = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Groups of a generated password.
const GROUPS: usize = 4;
/// Characters of a group.
const GROUP_LENGTH: usize = 4;
/// Tries before the validators' refusals are taken for a bug; one refusal is already all but impossible.
const TRIES: usize = 20;

/// A random password such as `Kx7m-rT4p-wqHn-3vZd`: 16 of 57 characters (93 bits) in four groups.
///
/// # Errors
/// The system gives no random bytes.
pub fn generate() -> Result<String> {
    for _ in 0..TRIES {
        let characters = Zeroizing::new(random_text(ALPHABET, GROUPS * GROUP_LENGTH)?);
        let mut password = String::with_capacity(GROUPS * (GROUP_LENGTH + 1));
        for (place, c) in characters.chars().enumerate() {
            if place > 0 && place % GROUP_LENGTH == 0 {
                password.push('-');
            }
            password.push(c);
        }
        if problems(&password, &About::default(), MINIMUM_LENGTH).is_empty() {
            return Ok(password);
        }
    }
    Err(Error::bug("No generated password passed the password rules. Nothing was written."))
}

/// The password character by character, for reading it out: `capital Kilo`, `mike`, `seven`, `hyphen`.
#[must_use]
pub fn spell(password: &str) -> Vec<String> {
    password.chars().map(spell_character).collect()
}

fn spell_character(c: char) -> String {
    const LETTERS: [&str; 26] = [
        "alfa", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett", "kilo",
        "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform",
        "victor", "whiskey", "x-ray", "yankee", "zulu",
    ];
    const DIGITS: [&str; 10] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    match c {
        'a'..='z' => LETTERS[c as usize - 'a' as usize].to_owned(),
        'A'..='Z' => {
            let word = LETTERS[c as usize - 'A' as usize];
            format!("capital {}{}", c, &word[1..])
        }
        '0'..='9' => DIGITS[c as usize - '0' as usize].to_owned(),
        _ => sign(c).map_or_else(|| format!("character U+{:04X}", c as u32), str::to_owned),
    }
}

/// The name of a sign of ASCII.
const fn sign(c: char) -> Option<&'static str> {
    Some(match c {
        ' ' => "space",
        '!' => "exclamation mark",
        '"' => "double quote",
        '#' => "hash",
        '$' => "dollar",
        '%' => "percent",
        '&' => "ampersand",
        '\'' => "single quote",
        '(' => "opening parenthesis",
        ')' => "closing parenthesis",
        '*' => "asterisk",
        '+' => "plus",
        ',' => "comma",
        '-' => "hyphen",
        '.' => "full stop",
        '/' => "slash",
        ':' => "colon",
        ';' => "semicolon",
        '<' => "less than",
        '=' => "equals",
        '>' => "greater than",
        '?' => "question mark",
        '@' => "at sign",
        '[' => "opening bracket",
        '\\' => "backslash",
        ']' => "closing bracket",
        '^' => "caret",
        '_' => "underscore",
        '`' => "backtick",
        '{' => "opening brace",
        '|' => "vertical bar",
        '}' => "closing brace",
        '~' => "tilde",
        _ => return None,
    })
}

/// `length` characters of an ASCII alphabet of at most 256, each equally likely and from the system's generator.
pub(super) fn random_text(alphabet: &str, length: usize) -> Result<String> {
    let alphabet = alphabet.as_bytes();
    // Bytes above the last whole multiple are thrown away: they would favour the first characters.
    let fair = 256 - 256 % alphabet.len();
    let mut text = String::with_capacity(length);
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < length {
        getrandom::fill(bytes.as_mut_slice()).map_err(|error| {
            Error::bug(format!("The system gives no random bytes ({error}). Nothing was written."))
        })?;
        let missing = length - text.len();
        let usable = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
        text.extend(usable.take(missing).map(|byte| char::from(alphabet[byte % alphabet.len()])));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn generated_passwords_are_strong_readable_and_accepted() {
        let characters = u32::try_from(GROUPS * GROUP_LENGTH).unwrap();
        let alphabet = u32::try_from(ALPHABET.len()).unwrap();
        assert!(f64::from(characters) * f64::from(alphabet).log2() >= 80.0);
        assert!(!ALPHABET.contains(['0', 'O', '1', 'l', 'I']));
        let passwords: HashSet<String> = (0..50).map(|_| generate().unwrap()).collect();
        assert_eq!(passwords.len(), 50);
        for password in passwords {
            assert!(problems(&password, &About::default(), MINIMUM_LENGTH).is_empty());
            assert!(password.split('-').all(|group| group.len() == GROUP_LENGTH));
            assert!(password.chars().all(|c| c == '-' || ALPHABET.contains(c)), "{password}");
        }
    }

    #[test]
    fn every_character_of_the_alphabet_comes_up() {
        let text = random_text(ALPHABET, 10_000).unwrap();
        assert_eq!(text.len(), 10_000);
        assert_eq!(text.chars().collect::<HashSet<_>>().len(), ALPHABET.len());
    }

    #[test]
    fn spelled_for_the_telephone() {
        assert_eq!(
            spell("Km7-x ü"),
            ["capital Kilo", "mike", "seven", "hyphen", "x-ray", "space", "character U+00FC"]
        );
        assert_eq!(spell("X"), ["capital X-ray"]);
        let words: HashSet<String> = (' '..='~').map(spell_character).collect();
        assert_eq!(words.len(), (' '..='~').count(), "no two sound alike, none is without a name");
        assert!(!words.iter().any(|word| word.starts_with("character")));
    }
}
