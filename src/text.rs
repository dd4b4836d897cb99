//! Makes foreign text safe to show, once, before a screen, a log or a terminal sees it; and measures it in cells.
//!
//! Every text of a portal's database was typed by somebody who may wish us ill: an escape sequence in a first name
//! would run in the administrator's terminal, a bidi override would swap what a review shows. [`safe`] turns every
//! character that acts instead of showing, or that shows nothing, into a visible escape: `\n`, `\x1b`, `\u{202e}`.
//! Visible text of any script comes out unchanged, and escaping twice is the same as escaping once.
//!
//! Which characters those are: Unicode's controls (C0, DEL, C1), line and paragraph separators, noncharacters, and
//! the property `Default_Ignorable_Code_Point` (UAX #44), which holds the bidi controls of UAX #9, the zero-width
//! characters and the tag characters. Left alone where they do their work are the joiners (U+200C, U+200D) inside a
//! word of a script that needs them or inside an emoji, and a variation selector behind an emoji or ideograph.

mod layout;

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_properties::{GeneralCategoryGroup, UnicodeEmoji, UnicodeGeneralCategory};
use unicode_width::UnicodeWidthChar;

pub use layout::{pad, truncate, width, wrap};

/// Marks above this many on one letter are escaped: they would pile up over the neighbouring lines.
const MARKS_PER_LETTER: usize = 8;

/// The text with everything that is not plainly visible as an escape, on one line: newlines and tabs too.
#[must_use]
pub fn safe(text: &str) -> Cow<'_, str> {
    escape(text, false)
}

/// As [`safe`], but for text of several lines: `\n` stays, and `\r\n` (as browsers send it) becomes `\n`.
#[must_use]
pub fn safe_lines(text: &str) -> Cow<'_, str> {
    escape(text, true)
}

/// As [`safe`], for bytes that should be UTF-8: what is not comes out as `\xff`.
#[must_use]
pub fn safe_bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&safe(chunk.valid()));
        for byte in chunk.invalid() {
            push_byte(&mut shown, *byte);
        }
    }
    shown
}

/// A number with its thousands apart: `1 204`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut spaced = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            spaced.push(' ');
        }
        spaced.push(digit);
    }
    spaced
}

/// The text without what is not plainly visible: what [`safe`] would show as an escape, marks aside. What parts words, a
/// tab or a newline, becomes a space.
#[must_use]
pub fn bare(text: &str) -> Cow<'_, str> {
    if is_plain_ascii(text) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut before = Before::default();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if !(acts(c) || hides(c)) || stays(c, &before, rest.peek().copied()) {
            before.shown(c);
            kept.push(c);
        } else if c.is_whitespace() {
            before.shown(' ');
            kept.push(' ');
        }
    }
    if kept == text { Cow::Borrowed(text) } else { Cow::Owned(kept) }
}

/// The characters that [`bare`] may take away, as they stand between the brackets of a pattern, NUL aside: ranges of
/// characters that every engine's patterns read alike.
pub const HIDDEN_CLASS: &str = "\u{1}-\u{1f}\u{7f}-\u{9f}\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{17b4}\u{17b5}\
    \u{180b}-\u{180f}\u{200b}-\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{3164}\u{fdd0}-\u{fdef}\
    \u{fe00}-\u{fe0f}\u{feff}\u{ffa0}\u{fff0}-\u{fffb}\u{fffe}\u{ffff}\u{1bca0}-\u{1bca3}\
    \u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}";

/// Compact JSON in which every character that [`safe`] might escape stands as `\uXXXX`.
///
/// Parsing it gives back exactly `value`, and printing it does nothing to a terminal.
#[must_use]
pub fn json(value: &serde_json::Value) -> String {
    let plain = value.to_string();
    if is_plain_ascii(&plain) {
        return plain;
    }
    let mut shown = String::with_capacity(plain.len() + 16);
    for c in plain.chars() {
        if acts(c) || hides(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _infallible = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A text for a cell of a spreadsheet: one that would run as a formula gets a leading `'`. So that [`from_spreadsheet`]
/// gives back exactly what it was, so does one that looks as if it had been given one: `'=1`, `'`.
#[must_use]
pub fn spreadsheet(text: &str) -> Cow<'_, str> {
    let behind = text.trim_start_matches('\'');
    let looks_marked = behind.is_empty() && !text.is_empty();
    if looks_marked || runs(behind) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// What [`spreadsheet`] made a cell of. A lone `'` is the empty text.
#[must_use]
pub fn from_spreadsheet(cell: &str) -> &str {
    let behind = cell.trim_start_matches('\'');
    match cell.strip_prefix('\'') {
        Some(text) if behind.is_empty() || runs(behind) => text,
        _ => cell,
    }
}

/// Whether a spreadsheet takes a text for a formula.
fn runs(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A word as a POSIX shell reads it back, in quotes where it needs them. None for text with characters that the terminal
/// would act on when it is pasted, or that are not what they look like.
#[must_use]
pub fn shell(word: &str) -> Option<Cow<'_, str>> {
    if safe(word) != word {
        return None;
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+:,./_-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return Some(Cow::Borrowed(word));
    }
    Some(Cow::Owned(format!("'{}'", word.replace('\'', r"'\''"))))
}

/// The one loop behind [`safe`] and [`safe_lines`]; it allocates only once something must be escaped.
fn escape(text: &str, lines: bool) -> Cow<'_, str> {
    if is_plain_ascii(text) {
        return Cow::Borrowed(text);
    }
    let mut shown: Option<String> = None;
    let mut before = Before::default();
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let next = rest.peek().map(|&(_, next)| next);
        if lines && c == '\r' && next == Some('\n') {
            shown.get_or_insert_with(|| text[..at].to_owned());
        } else if (lines && c == '\n') || stays(c, &before, next) {
            before.shown(c);
            if let Some(shown) = &mut shown {
                shown.push(c);
            }
        } else {
            before = Before::default();
            push_escape(shown.get_or_insert_with(|| text[..at].to_owned()), c);
        }
    }
    shown.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// What stands on the screen just before a character.
#[derive(Default)]
struct Before {
    /// The last character shown as it is; none at the start, after an escape and after a newline.
    last: Option<char>,
    /// How many characters without width stand at the end.
    marks: usize,
}

impl Before {
    fn shown(&mut self, c: char) {
        self.marks = if c.width() == Some(0) { self.marks + 1 } else { 0 };
        self.last = (c != '\n').then_some(c);
    }
}

/// Whether the character can be shown as it is, at this place.
fn stays(c: char, before: &Before, next: Option<char>) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    if acts(c) {
        return false;
    }
    if hides(c) {
        return match c {
            '\u{200c}' | '\u{200d}' => {
                // What it joins must stay too, or it would join nothing: room for one mark more is part of that.
                before.marks + 1 < MARKS_PER_LETTER
                    && before.last.zip(next).is_some_and(|(last, next)| joins(last, next))
            }
            '\u{fe0e}' | '\u{fe0f}' => before.last.is_some_and(|last| varies(last, next)),
            '\u{e0100}'..='\u{e01ef}' => before.last.is_some_and(is_ideograph),
            _ => false,
        };
    }
    // A mark with no letter of its own would sit on the frame or on the escape before it.
    c.width() != Some(0) || (before.last.is_some() && before.marks < MARKS_PER_LETTER)
}

/// Whether the character does something to a terminal or to the line instead of being shown.
const fn acts(c: char) -> bool {
    matches!(c, '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{2028}' | '\u{2029}')
}

/// Whether the character may be invisible: `Default_Ignorable_Code_Point` of Unicode 17, annotation controls, and
/// noncharacters.
const fn hides(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    ) || c as u32 & 0xfffe == 0xfffe
}

/// Whether a joiner between these two belongs there: inside an emoji, or inside a word of a script whose letters
/// change shape. Latin, Greek and Cyrillic (all below U+0590) have no use for one, so there it only hides.
fn joins(last: char, next: char) -> bool {
    let in_word = |c: char| {
        c >= '\u{590}'
            && !hides(c)
            && matches!(c.general_category_group(), GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark)
    };
    let emoji = |c: char| !c.is_ascii() && c.is_emoji_char();
    (in_word(last) && in_word(next)) || ((emoji(last) || last == '\u{fe0f}') && emoji(next))
}

/// Whether an emoji variation selector may follow this character: an emoji, or the digit of a keycap.
fn varies(last: char, next: Option<char>) -> bool {
    last.is_emoji_char() && (!last.is_ascii() || next == Some('\u{20e3}'))
}

/// Whether ideographic variation selectors (as in Japanese family names) may follow this character.
const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn is_plain_ascii(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn push_escape(shown: &mut String, c: char) {
    match c {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        '\0'..='\x7f' => push_byte(shown, c as u8),
        _ => {
            let _infallible = write!(shown, "\\u{{{:x}}}", c as u32);
        }
    }
}

fn push_byte(shown: &mut String, byte: u8) {
    let _infallible = write!(shown, "\\x{byte:02x}");
}

/// The ranges of characters in a pattern's class.
#[cfg(test)]
pub(crate) fn class(text: &str) -> Vec<std::ops::RangeInclusive<char>> {
    let chars: Vec<char> = text.chars().collect();
    let (mut ranges, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        let to = if chars.get(at + 1) == Some(&'-') { at + 2 } else { at };
        ranges.push(chars[at]..=chars[to]);
        at = to + 1;
    }
    ranges
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_class_of_what_hides_has_all_of_it() {
        let class = class(HIDDEN_CLASS);
        // The last two places of a plane hold noncharacters; who would type one beyond the first plane?
        for c in ('\u{1}'..=char::MAX).filter(|c| *c < '\u{10000}' || *c as u32 & 0xfffe != 0xfffe) {
            assert_eq!(class.iter().any(|range| range.contains(&c)), acts(c) || hides(c), "{c:?}");
        }
    }

    #[test]
    fn what_hides_is_taken_away_and_what_works_stays() {
        for (text, bare_text) in [
            ("anna", "anna"),
            ("Kovács\t János", "Kovács  János"),
            ("an\u{200b}na\u{202e}", "anna"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("a\0b\u{1b}[31m", "ab[31m"),
        ] {
            assert_eq!(bare(text), bare_text);
        }
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_only_text() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(spreadsheet(formula), format!("'{formula}"));
        }
        assert_eq!(spreadsheet("a=1"), "a=1");
        for (text, cell) in [("'=1", "''=1"), ("'", "''"), ("'t Hooft", "'t Hooft"), ("", "")] {
            assert_eq!((spreadsheet(text).as_ref(), from_spreadsheet(cell)), (cell, text));
        }
        // As people write them who don't know.
        assert_eq!((from_spreadsheet("+1 555"), from_spreadsheet("'+1 555")), ("+1 555", "+1 555"));
        assert_eq!(from_spreadsheet("'"), "");
    }

    #[test]
    fn visible_text_of_any_script_is_borrowed_unchanged() {
        for text in [
            "",
            "amir",
            "Żółć",
            "Cho Min-ji 조민지",
            "密码",
            "Ünïcode e\u{301}",
            "مریم",
            "שלום",
            "नमस्ते",
            "5 €",
            "\\x1b",
        ] {
            assert!(matches!(safe(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    #[test]
    fn what_acts_or_hides_becomes_visible() {
        for (text, shown) in [
            ("a\x1b[31mb", "a\\x1b[31mb"),
            ("a\nb\tc\r\0\x7f", "a\\nb\\tc\\r\\x00\\x7f"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("invoice\u{202e}fdp.exe", "invoice\\u{202e}fdp.exe"),
            ("a\u{2066}b\u{2069}c\u{200e}\u{200f}\u{61c}", "a\\u{2066}b\\u{2069}c\\u{200e}\\u{200f}\\u{61c}"),
            ("ad\u{200b}min", "ad\\u{200b}min"),
            ("ad\u{200d}min", "ad\\u{200d}min"),
            ("\u{feff}amir", "\\u{feff}amir"),
            ("a\u{e0041}\u{e007f}", "a\\u{e0041}\\u{e007f}"),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            ("a\u{fe0f}b\u{3164}", "a\\u{fe0f}b\\u{3164}"),
            ("a\u{ffff}", "a\\u{ffff}"),
            ("\u{301}a", "\\u{301}a"),
            ("\x1b\u{301}", "\\x1b\\u{301}"),
        ] {
            assert_eq!(safe(text), shown, "{text:?}");
        }
    }

    #[test]
    fn joiners_stay_where_a_word_or_an_emoji_needs_them() {
        for text in [
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "👩\u{200d}👩\u{200d}👧",
            "🏳\u{fe0f}\u{200d}🌈",
            "1\u{fe0f}\u{20e3}",
            "葛\u{e0100}城",
        ] {
            assert_eq!(safe(text), text, "{text:?}");
        }
        assert_eq!(safe("\u{200d}م"), "\\u{200d}م");
        assert_eq!(safe("م\u{200d}"), "م\\u{200d}");
    }

    #[test]
    fn piled_up_marks_are_cut_off() {
        let pile = format!("a{}", "\u{301}".repeat(MARKS_PER_LETTER + 1));
        let shown = safe(&pile);
        assert!(shown.ends_with("\\u{301}"), "{shown}");
        assert_eq!(shown.chars().filter(|c| *c == '\u{301}').count(), MARKS_PER_LETTER);
    }

    #[test]
    fn lines_keep_their_ends() {
        assert_eq!(safe_lines("one\r\ntwo\n\u{301}three\rfour\t"), "one\ntwo\n\\u{301}three\\rfour\\t");
        assert!(matches!(safe_lines("one\ntwo"), Cow::Borrowed(_)));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_named() {
        assert_eq!(safe_bytes(b"caf\xe9 \xc3\xbc\x1b"), "caf\\xe9 ü\\x1b");
    }

    #[test]
    fn json_is_exact_and_harmless() {
        let value = serde_json::json!({"na\u{202e}me": "a\u{9b}\u{7f}\u{e0041}\n\u{200d}ü", "n": [1, null]});
        let shown = json(&value);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        assert_eq!(shown, r#"{"na\u202eme":"a\u009b\u007f\udb40\udc41\n\u200dü","n":[1,null]}"#);
    }

    /// What must not come out in any context: bidi controls, zero-width characters but the joiners, tags.
    fn is_never_shown(c: char) -> bool {
        matches!(
            c,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
                | '\u{61c}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
        )
    }

    /// Arbitrary text, made mostly of the characters that matter here.
    fn hostile() -> impl Strategy<Value = String> {
        let troublesome = prop_oneof![
            any::<char>(),
            prop::char::range('\0', '\u{a0}'),
            prop::char::range('\u{300}', '\u{310}'),
            prop::char::range('\u{600}', '\u{650}'),
            prop::char::range('\u{2000}', '\u{2070}'),
            prop::char::range('\u{fe00}', '\u{feff}'),
            prop::char::range('\u{1f1e6}', '\u{1f3ff}'),
            prop::char::range('\u{e0000}', '\u{e01ef}'),
        ];
        prop::collection::vec(troublesome, 0..40).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn nothing_harmful_comes_out(text in hostile()) {
            let shown = safe(&text);
            prop_assert!(!shown.chars().any(|c| c.is_control() || acts(c)));
            prop_assert!(!shown.contains(is_never_shown));
            prop_assert_eq!(safe(&shown), shown.as_ref());
            prop_assert!(!safe_lines(&text).chars().any(|c| c != '\n' && (c.is_control() || acts(c))));
        }

        #[test]
        fn nothing_harmful_comes_out_of_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(!safe_bytes(&bytes).contains(char::is_control));
        }

        #[test]
        fn what_is_bare_stays_as_it_is(text in hostile()) {
            let once = bare(&text);
            prop_assert_eq!(bare(&once), once.as_ref());
        }

        #[test]
        fn json_survives(text in hostile()) {
            let value = serde_json::Value::String(text);
            let shown = json(&value);
            let remains = shown.contains(|c| acts(c) || hides(c));
            prop_assert!(!remains);
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
        }

        #[test]
        fn padded_is_exact(text in hostile(), cells in 0_usize..40) {
            let text = safe(&text);
            prop_assert_eq!(width(&pad(&text, cells)), cells);
            prop_assert!(width(&truncate(&text, cells)) <= cells);
        }
    }
}
