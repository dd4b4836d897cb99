//! Every rule of every field: what a value must look like, and the value that is then stored.
//!
//! A rule takes what a person typed (or a CSV file holds) and gives what belongs in the column, or all that is wrong
//! with it in the words of Django 4.2's own forms. As those forms do, it first strips the white space around.
//! Beyond Django, control characters are refused everywhere: nobody means to type one, and they wreck terminals.
//! Lengths count code points, as Python and the databases do. Uniqueness is the database's business, not ours.
//!
//! Apply a rule to what someone changes, not to what is already there: a portal may hold values that break it.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

pub use super::email::email;

/// Longest username (`auth_user.username`).
pub const USERNAME_MAX: usize = 150;
/// Longest first name (`auth_user.first_name`).
pub const FIRST_NAME_MAX: usize = 150;
/// Longest last name (`auth_user.last_name`).
pub const LAST_NAME_MAX: usize = 150;
/// Longest e-mail address (`auth_user.email`).
pub const EMAIL_MAX: usize = 254;
/// Longest encoded password (`auth_user.password`).
pub const PASSWORD_COLUMN_MAX: usize = 128;
/// Longest phone number (`core_userprofile.phone_number`).
pub const PHONE_NUMBER_MAX: usize = 15;
/// Longest portal id (`core_userprofile.main_portal_id`).
pub const MAIN_PORTAL_ID_MAX: usize = 100;
/// Longest department name (`core_department.name`).
pub const DEPARTMENT_NAME_MAX: usize = 100;
/// Longest group name (`auth_group.name`).
pub const GROUP_NAME_MAX: usize = 150;

/// Django's message for a missing value.
pub const REQUIRED: &str = "This field is required.";
/// Django's message for a username of other characters (`UnicodeUsernameValidator`).
pub const USERNAME_PATTERN: &str =
    "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.";

const NULL_CHARACTERS: &str = "Null characters are not allowed.";
const CONTROL_CHARACTERS: &str = "Control characters are not allowed.";
const PHONE_PATTERN: &str = "Enter a valid phone number: digits, spaces, + - ( ) only.";
const BOOLEAN: &str = "Enter yes or no.";

/// A value fit for its column, or everything that is wrong with it.
pub type Checked<T> = Result<T, Vec<String>>;

/// The text without the white space around it, as Python's `str.strip`, which Django's forms apply: Unicode's white
/// space and the four separators U+001C to U+001F.
#[must_use]
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Whether [`strip`] takes the character away.
#[must_use]
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// What [`strip`] takes away, as it stands between the brackets of a pattern.
pub const SPACE_CLASS: &str =
    "\t-\r\u{1c}-\u{20}\u{85}\u{a0}\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";

/// Whether nothing but white space was given.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    strip(text).is_empty()
}

/// Whether Django's username validator accepts the text as it stands: `^[\w.@+-]+\Z` with Python's `\w`, that is
/// letters and numbers of any script (general categories L and N) and `_`. Rust's `\w` differs both ways. (A letter
/// younger than the portal's Python passes here and fails there.)
#[must_use]
pub fn matches_username_pattern(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| is_word(c) || matches!(c, '.' | '@' | '+' | '-'))
}

/// Whether Python's `\w` matches the character.
pub(super) fn is_word(c: char) -> bool {
    c == '_'
        || matches!(c.general_category_group(), GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number)
}

/// A username as the portal's login form takes what is typed there: stripped, and in Unicode's compatibility form (NFKC).
#[must_use]
pub fn normal_username(text: &str) -> String {
    strip(text).nfkc().collect()
}

/// A username: required, NFKC-normalised as the portal's login form does with what is typed there, at most 150.
///
/// # Errors
/// Django's messages: required, too long, or other characters than letters, numbers and `@.+-_`.
pub fn username(text: &str) -> Checked<String> {
    let name = normal_username(&required(line(text, USERNAME_MAX)?)?);
    let problems: Vec<String> = too_long(&name, USERNAME_MAX).into_iter().collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    if matches_username_pattern(&name) { Ok(name) } else { Err(vec![USERNAME_PATTERN.to_owned()]) }
}

/// A first name: at most 150, may be empty.
///
/// # Errors
/// Too long, or control characters.
pub fn first_name(text: &str) -> Checked<String> {
    line(text, FIRST_NAME_MAX)
}

/// A last name: at most 150, may be empty.
///
/// # Errors
/// Too long, or control characters.
pub fn last_name(text: &str) -> Checked<String> {
    line(text, LAST_NAME_MAX)
}

/// A phone number: digits, spaces, `+`, `-`, `(`, `)`, at most 15; none when blank (NULL in the column).
///
/// The portal itself limits only the length.
///
/// # Errors
/// Too long, or other characters.
pub fn phone_number(text: &str) -> Checked<Option<String>> {
    let number = strip(text);
    let mut problems = wrong_characters(number);
    if problems.is_empty() && !number.chars().all(|c| matches!(c, '0'..='9' | ' ' | '+' | '-' | '(' | ')')) {
        problems.push(PHONE_PATTERN.to_owned());
    }
    problems.extend(too_long(number, PHONE_NUMBER_MAX));
    if problems.is_empty() { Ok(some(number.to_owned())) } else { Err(problems) }
}

/// An id in the main portal: at most 100; none when blank (NULL in the column, so that two blanks never collide).
///
/// # Errors
/// Too long, or control characters.
pub fn main_portal_id(text: &str) -> Checked<Option<String>> {
    line(text, MAIN_PORTAL_ID_MAX).map(some)
}

/// A department's name: required, at most 100.
///
/// # Errors
/// Required, too long, or control characters.
pub fn department_name(text: &str) -> Checked<String> {
    required(line(text, DEPARTMENT_NAME_MAX)?)
}

/// A department's description: any length, may be empty, may have several lines.
///
/// # Errors
/// Control characters other than newline and tab.
pub fn department_description(text: &str) -> Checked<String> {
    let text = strip(text).replace("\r\n", "\n");
    let problems = wrong_characters(&text.replace(['\n', '\t'], ""));
    if problems.is_empty() { Ok(text) } else { Err(problems) }
}

/// A group's name: required, at most 150.
///
/// # Errors
/// Required, too long, or control characters.
pub fn group_name(text: &str) -> Checked<String> {
    required(line(text, GROUP_NAME_MAX)?)
}

/// A yes or no, as files and command lines spell it: `yes no true false on off 1 0 y n`, in any case.
///
/// # Errors
/// Anything else, blank included.
pub fn boolean(text: &str) -> Checked<bool> {
    match strip(text).to_lowercase().as_str() {
        "yes" | "y" | "true" | "on" | "1" => Ok(true),
        "no" | "n" | "false" | "off" | "0" => Ok(false),
        _ => Err(vec![BOOLEAN.to_owned()]),
    }
}

/// One stripped line of at most `max` characters.
pub(super) fn line(text: &str, max: usize) -> Checked<String> {
    let text = strip(text);
    let mut problems: Vec<String> = too_long(text, max).into_iter().collect();
    problems.extend(wrong_characters(text));
    if problems.is_empty() { Ok(text.to_owned()) } else { Err(problems) }
}

/// Django's `MaxLengthValidator`.
pub(super) fn too_long(text: &str, max: usize) -> Option<String> {
    let length = text.chars().count();
    let plural = if max == 1 { "" } else { "s" };
    (length > max)
        .then(|| format!("Ensure this value has at most {max} character{plural} (it has {length})."))
}

/// Django's `ProhibitNullCharactersValidator`, and the same for the other controls.
pub(super) fn wrong_characters(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.contains('\0') {
        problems.push(NULL_CHARACTERS.to_owned());
    }
    if text.contains(|c: char| c != '\0' && c.is_control()) {
        problems.push(CONTROL_CHARACTERS.to_owned());
    }
    problems
}

fn required(text: String) -> Checked<String> {
    if text.is_empty() { Err(vec![REQUIRED.to_owned()]) } else { Ok(text) }
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T: std::fmt::Debug>(checked: Checked<T>) -> String {
        checked.unwrap_err().join(" ")
    }

    #[test]
    fn the_class_of_spaces_is_what_is_stripped() {
        let class = crate::text::class(SPACE_CLASS);
        for c in '\0'..=char::MAX {
            assert_eq!(
                class.iter().any(|range| range.contains(&c)),
                strip(c.encode_utf8(&mut [0; 4])).is_empty()
            );
        }
    }

    #[test]
    fn stripping_is_pythons() {
        assert_eq!(strip(" \u{1c}\u{1f}\u{85}\u{a0}\u{3000}a b\t\n"), "a b");
        assert_eq!(strip("\u{200b}a"), "\u{200b}a");
        assert!(is_blank(" \t\u{2003}") && !is_blank("."));
    }

    #[test]
    fn usernames_are_stripped_normalised_and_checked() {
        assert_eq!(username(" Amir.Rahimi@it-1+x_y ").unwrap(), "Amir.Rahimi@it-1+x_y");
        assert_eq!(username("ﬁnance").unwrap(), "finance");
        assert_eq!(refused(username("  ")), REQUIRED);
        assert_eq!(refused(username("a b")), USERNAME_PATTERN);
        assert_eq!(refused(username("½")), USERNAME_PATTERN, "NFKC makes it 1⁄2, with a fraction slash");
        assert_eq!(refused(username("a\0b")), NULL_CHARACTERS);
        assert_eq!(refused(username("a\x1bb")), CONTROL_CHARACTERS);
        assert_eq!(
            refused(username(&"x".repeat(USERNAME_MAX + 1))),
            "Ensure this value has at most 150 characters (it has 151)."
        );
        assert_eq!(
            refused(username(&"ﬀ".repeat(USERNAME_MAX))),
            "Ensure this value has at most 150 characters (it has 300).",
            "counted again once normalised"
        );
    }

    #[test]
    fn phone_numbers_hold_what_a_telephone_takes() {
        assert_eq!(phone_number(" +1 (555) 010-0 ").unwrap().as_deref(), Some("+1 (555) 010-0"));
        assert_eq!(phone_number("  ").unwrap(), None);
        assert_eq!(refused(phone_number("555x")), PHONE_PATTERN);
        assert_eq!(refused(phone_number("٥٥٥")), PHONE_PATTERN);
        assert_eq!(
            phone_number("+1 555 0100 ext 12").unwrap_err(),
            [PHONE_PATTERN, "Ensure this value has at most 15 characters (it has 18)."]
        );
    }

    #[test]
    fn blank_portal_ids_are_none() {
        assert_eq!(main_portal_id(" B31 ").unwrap().as_deref(), Some("B31"));
        assert_eq!(main_portal_id("").unwrap(), None);
        assert!(main_portal_id(&"9".repeat(MAIN_PORTAL_ID_MAX)).is_ok());
        assert!(main_portal_id(&"9".repeat(MAIN_PORTAL_ID_MAX + 1)).is_err());
    }

    #[test]
    fn names_may_be_blank_only_where_django_lets_them() {
        assert_eq!(first_name("").unwrap(), "");
        assert_eq!(last_name(" Novák ").unwrap(), "Novák");
        assert_eq!(refused(group_name(" ")), REQUIRED);
        assert_eq!(refused(department_name("")), REQUIRED);
        assert_eq!(refused(first_name("A\tB")), CONTROL_CHARACTERS);
        assert_eq!(refused(last_name("A\u{85}B")), CONTROL_CHARACTERS);
    }

    #[test]
    fn descriptions_keep_their_lines() {
        assert_eq!(department_description("one\r\n\ttwo\n").unwrap(), "one\n\ttwo");
        assert_eq!(department_description("").unwrap(), "");
        assert_eq!(refused(department_description("a\x1bb")), CONTROL_CHARACTERS);
    }

    #[test]
    fn booleans_are_spelled_out() {
        assert_eq!(boolean(" Yes "), Ok(true));
        assert_eq!(boolean("0"), Ok(false));
        assert_eq!(boolean(""), Err(vec![BOOLEAN.to_owned()]));
    }
}
