//! Safe texts in terminal cells: measured, cut, filled up and broken into lines.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::is_plain_ascii;

/// How many terminal cells a safe text takes: two for a wide character, none for a combining one.
///
/// Counted by grapheme cluster, as the screen is drawn.
#[must_use]
pub fn width(text: &str) -> usize {
    if is_plain_ascii(text) { text.len() } else { text.graphemes(true).map(UnicodeWidthStr::width).sum() }
}

/// The text in at most this many cells; one that is cut ends in `…`, and no character is cut in half.
#[must_use]
pub fn truncate(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let Some(room) = cells.checked_sub(1) else {
        return Cow::Borrowed("");
    };
    let mut used = 0;
    let mut end = 0;
    for (start, cluster) in text.grapheme_indices(true) {
        used += cluster.width();
        if used > room {
            break;
        }
        end = start + cluster.len();
    }
    Cow::Owned(format!("{}…", &text[..end]))
}

/// The text in exactly this many cells: cut as by [`truncate`], or filled up with spaces.
#[must_use]
pub fn pad(text: &str, cells: usize) -> String {
    let mut padded = truncate(text, cells).into_owned();
    let missing = cells.saturating_sub(width(&padded));
    padded.extend(std::iter::repeat_n(' ', missing));
    padded
}

/// Breaks a text into lines of at most `cells` cells, between words where that is possible. Newlines stay breaks.
#[must_use]
pub fn wrap(words: &str, cells: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if cells == 0 {
        return lines;
    }
    for paragraph in words.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let gap = usize::from(!line.is_empty());
            if width(&line) + gap + width(word) <= cells {
                line.extend(std::iter::repeat_n(' ', gap));
                line.push_str(word);
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            line = break_word(word, cells, &mut lines);
        }
        lines.push(line);
    }
    lines
}

/// Puts all full lines of a word that is too long into `lines` and gives what is left of it.
fn break_word(word: &str, cells: usize, lines: &mut Vec<String>) -> String {
    let mut line = String::new();
    for c in word.chars() {
        let mut longer = line.clone();
        longer.push(c);
        if width(&longer) > cells && !line.is_empty() {
            lines.push(std::mem::replace(&mut line, c.to_string()));
        } else {
            line = longer;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_loses_nothing_and_keeps_to_the_width() {
        let words = "Nothing was written: the row of bela changed since it was read.\n日本語のとても長い一行";
        for cells in 2..30 {
            let lines = wrap(words, cells);
            assert!(lines.iter().all(|line| width(line) <= cells), "{cells}: {lines:?}");
            let letters = |words: &str| words.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            assert_eq!(letters(&lines.concat()), letters(words));
        }
        assert_eq!(wrap("a b", 0), Vec::<String>::new());
    }

    #[test]
    fn cutting_respects_wide_and_combining_characters() {
        assert_eq!(truncate("amir", 4), "amir");
        assert_eq!(truncate("amirah", 4), "ami…");
        assert_eq!(truncate("密码密码", 4), "密…");
        assert_eq!(truncate("密码密码", 5), "密码…");
        assert_eq!(truncate("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(truncate("👩\u{200d}👩\u{200d}👧 family", 4), "👩\u{200d}👩\u{200d}👧 …");
        assert_eq!(truncate("amir", 0), "");
        assert_eq!(pad("密码密码", 4), "密… ");
        assert_eq!(pad("amir", 6), "amir  ");
    }
}
