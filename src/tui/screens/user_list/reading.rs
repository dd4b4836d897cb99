//! What was understood of the filter line, what is wrong with it, and what can be put at its cursor.
//!
//! While somebody is typing, what can't be understood yet is said quietly beside the line, and the list stays as it is. A
//! key whose value is still to come filters nothing; a word that may become a key is looked for once the typing rests.

use std::ops::Range;
use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::UserList;
use crate::directory::filter::{self, Completion, Filter, Known, Wrong, complete};
use crate::error::{Kind, Result};
use crate::text;
use crate::tui::cx::Cx;
use crate::tui::input::KeyChord;
use crate::tui::jobs::{Reply, Slot};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::text_field::draw_prompt;
use crate::tui::widgets::{cells, put};

/// What a line says, and the line.
type Looked = (String, std::result::Result<Filter, Wrong>);

const LOOKED: Slot<Looked> = Slot::latest("users.filter");
const KNOWN: Slot<Known> = Slot::latest("users.filter-names");

/// So long nobody types a key's next letter only if it is meant for a word.
const REST: Duration = Duration::from_millis(300);

/// What stands before the line.
const LABEL: &str = " / ";
/// What is said beside the line needs so many cells.
const BESIDE: u16 = 20;

/// The state of the line.
#[derive(Default)]
pub(super) struct Reading {
    /// The line that was looked at last.
    line: String,
    /// What is wrong with it.
    wrong: Option<Wrong>,
    /// Somebody has said that it is finished.
    is_finished: bool,
    /// It ends in a word that may become a key.
    is_waited_for: bool,
    /// Nothing is shown yet: it waits for the line to be understood.
    is_first: bool,
    /// The names of departments and groups, once they are needed.
    known: Option<Known>,
    /// What `Tab` goes through: the line that it has made, and which of the suggestions is in it.
    offered: Option<(String, Completion, usize)>,
}

impl Reading {
    /// Of a line that is understood.
    pub(super) fn of(line: &str) -> Self {
        Self { line: line.to_owned(), ..Self::default() }
    }

    /// Whether this line was looked at last.
    pub(super) fn is_of(&self, line: &str) -> bool {
        self.line == line
    }
}

impl UserList {
    /// Shows those whom the line lets through, as soon as it is understood.
    pub(super) fn refilter(&mut self, cx: &mut Cx) {
        let line = self.filter.value();
        if self.reading.line == line {
            return;
        }
        let line = line.to_owned();
        self.reading.line.clone_from(&line);
        self.reading.is_finished = false;
        self.reading.is_waited_for = self.typing && filter::may_become_key(&line, self.filter.cursor());
        let (asked, unfinished) = filter::finished(&line);
        let asked = self.home.meant(&asked).into_owned();
        self.reading.wrong = unfinished;
        if let Some(looked) = filter::at_once(&asked).filter(|_| !self.reading.is_waited_for) {
            return self.take_filter(looked, cx);
        }
        let rest = if self.reading.is_waited_for { REST } else { Duration::ZERO };
        cx.start_after(rest, &LOOKED, "reading the filter", move |portal| async move {
            let looked = filter::look(&portal, &asked).await?;
            Ok((line, looked))
        });
        if self.reading.known.is_none() {
            cx.start(&KNOWN, "reading names", |portal| async move { Known::read(&portal).await });
        }
    }

    /// Reads the list for the first time, with what stands in the line already. A line that is wrong by now filters nothing.
    pub(super) fn read_first(&mut self, cx: &mut Cx) {
        if self.reading.line == self.filter.value() {
            return self.restart(cx);
        }
        if let Some(Ok(filter)) = filter::at_once(&self.home.meant(self.filter.value())) {
            self.reading = Reading::of(self.filter.value());
            self.query.filter = filter;
            return self.restart(cx);
        }
        self.reading.is_first = true;
        self.refilter(cx);
        if self.reading.wrong.is_some() {
            self.reading.is_first = false;
            self.restart(cx);
        }
    }

    /// The line, where it is understood and lets not everybody through.
    #[must_use]
    pub fn filter_line(&self) -> Option<&str> {
        let is_sound = self.reading.wrong.is_none() && !self.query.is_open();
        is_sound.then(|| self.filter.value().trim())
    }

    /// Puts a whole line in the place of what stands behind the filter that stays.
    pub fn set_filter(&mut self, line: &str, cx: &mut Cx) {
        self.typing = false;
        self.filter.set([self.home.shown.as_str(), line].join(" ").trim());
        self.refilter(cx);
        self.remember(cx);
    }

    fn take_filter(&mut self, looked: std::result::Result<Filter, Wrong>, cx: &mut Cx) {
        match looked {
            Ok(filter) if filter != self.query.filter => {
                self.query.filter = filter;
                self.restart(cx);
            }
            Ok(_) => {}
            Err(mut wrong) => {
                let place = |byte| self.home.place(self.filter.value(), byte);
                wrong.span = place(wrong.span.start)..place(wrong.span.end);
                self.reading.wrong = Some(wrong);
            }
        }
    }

    /// Takes what a line says; says whether the reply was that.
    pub(super) fn reply_filter(&mut self, reply: &mut Reply, cx: &mut Cx) -> bool {
        if let Some(result) = LOOKED.take(reply) {
            self.take_looked(result, cx);
        } else if let Some(result) = KNOWN.take(reply) {
            // Without them there are no suggestions.
            self.reading.known = Some(result.unwrap_or_default());
        } else {
            return false;
        }
        true
    }

    fn take_looked(&mut self, result: Result<Looked>, cx: &mut Cx) {
        let is_first = std::mem::take(&mut self.reading.is_first);
        match result {
            Ok((line, looked)) if line == self.reading.line => {
                let shown = self.query.filter.clone();
                self.take_filter(looked, cx);
                if is_first && self.query.filter == shown {
                    self.restart(cx);
                }
                self.remember(cx);
            }
            Ok(_) => {}
            Err(error) if error.kind == Kind::Interrupted => {}
            Err(error) => cx.fail(&error),
        }
    }

    /// The line is finished: the list is gone on with, unless something is wrong with it.
    pub(super) fn finish_filter(&mut self, cx: &mut Cx) {
        self.typing = false;
        if self.reading.is_waited_for {
            self.reading.line.clear();
            self.refilter(cx);
        }
        self.reading.is_finished = true;
        self.typing = self.reading.wrong.is_some();
        self.remember(cx);
    }

    /// Completes the part at the cursor, or goes on to another suggestion.
    pub(super) fn complete(&mut self, chord: KeyChord, cx: &mut Cx) {
        let line = self.filter.value();
        let (completion, at) = match self.reading.offered.take() {
            Some((made, completion, at)) if made == line => {
                let many = completion.candidates.len();
                let next = if chord.shift { (at + many - 1) % many } else { (at + 1) % many };
                (completion, next)
            }
            _ => (self.suggestions(), 0),
        };
        let Some(candidate) = completion.candidates.get(at) else { return };
        let end = completion.span.start + candidate.len();
        self.filter.replace(completion.span.clone(), candidate);
        let completion = Completion { span: completion.span.start..end, ..completion };
        self.reading.offered = Some((self.filter.value().to_owned(), completion, at));
        self.refilter(cx);
    }

    fn suggestions(&self) -> Completion {
        let none = Known::default();
        let known = self.reading.known.as_ref().unwrap_or(&none);
        complete(self.filter.value(), self.filter.cursor(), known)
    }

    /// Draws the line and what is to be said of it; gives the rows that it takes.
    pub(super) fn draw_filter(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) -> u16 {
        let row = Rect { height: 1, ..area };
        let line = format!("{LABEL}{}", text::safe(self.filter.value()));
        if self.typing {
            let at = draw_prompt(frame.buffer_mut(), row, LABEL, &self.filter, theme.style(Tone::Accent));
            frame.set_cursor_position(at);
        } else {
            put(frame.buffer_mut(), row.x, row.y, row.width, &line, theme.style(Tone::Accent));
        }
        let used = cells(text::width(&line)).saturating_add(3);
        let is_told = self.reading.is_finished || !self.typing;
        if let Some(wrong) = self.reading.wrong.as_ref().filter(|_| is_told) {
            let words = format!(" {} '{}': {}", theme.cross(), wrong.word, wrong.why);
            if let Some(span) = self.shown(&wrong.span, row) {
                frame.buffer_mut().set_style(span, theme.style(Tone::Bad));
            }
            let below = area.height > 2;
            let at = Rect { y: row.y + u16::from(below), ..row };
            put(frame.buffer_mut(), at.x, at.y, at.width, &words, theme.style(Tone::Bad));
            return 1 + u16::from(below);
        }
        let words = self.beside();
        if self.typing && !words.is_empty() && row.width.saturating_sub(used) >= BESIDE {
            put(frame.buffer_mut(), row.x + used, row.y, row.width - used, &words, theme.style(Tone::Quiet));
        }
        1
    }

    /// What can be put at the cursor, or else what can't be understood yet.
    fn beside(&self) -> String {
        let chosen = self.reading.offered.as_ref().filter(|(made, _, _)| made == self.filter.value());
        let (completion, at) = match chosen {
            Some((_, completion, at)) => (completion.clone(), Some(*at)),
            None => (self.suggestions(), None),
        };
        if completion.span.is_empty() {
            return String::new();
        }
        if completion.candidates.is_empty() {
            return self.reading.wrong.as_ref().map_or_else(String::new, |wrong| wrong.why.clone());
        }
        let from = at.map_or(0, |at| at + 1).min(completion.candidates.len());
        let (before, after) = completion.candidates.split_at(from);
        let next: Vec<&str> = after.iter().chain(before).map(String::as_str).collect();
        if at.is_some() && next.len() < 2 {
            return String::new();
        }
        format!("Tab: {}", next.join("  "))
    }

    /// Where a part of the line stands, if the whole line can be seen.
    fn shown(&self, span: &Range<usize>, row: Rect) -> Option<Rect> {
        let line = self.filter.value();
        let width = |range: Range<usize>| line.get(range).map(|part| cells(text::width(&text::safe(part))));
        let label = cells(LABEL.len());
        let (before, part) = (width(0..span.start)?, width(span.clone())?);
        let fits = label + width(0..line.len())? < row.width;
        fits.then(|| Rect { x: row.x + label + before, width: part, ..row })
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::layout::Size;

    use super::*;
    use crate::tui::clock::Clock;
    use crate::tui::input::{Input, Key, code, key, shift};

    fn typing() -> (UserList, Cx) {
        let mut list = UserList::new(Clock::default());
        list.type_filter();
        (list, Cx::new(Size::new(80, 24)))
    }

    fn typed(list: &mut UserList, cx: &mut Cx, keys: &str) {
        for c in keys.chars() {
            list.input(&Input::Key(key(c)), cx);
        }
    }

    fn press(list: &mut UserList, cx: &mut Cx, key: Key) {
        list.input(&Input::Key(code(key)), cx);
    }

    fn drawn(list: &mut UserList) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(80, 6)).unwrap();
        let theme = Theme::default();
        terminal.draw(|frame| list.draw(frame, frame.area(), true, &theme)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let row = |y: u16| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..2).map(row).collect()
    }

    fn known() -> Reply {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Reply::of(&KNOWN, Ok(Known { departments: names(&["IT", "Sales"]), groups: names(&["Engineer"]) }))
    }

    fn asked(cx: &mut Cx) -> String {
        format!("{:?}", cx.take())
    }

    #[test]
    fn what_is_not_finished_is_said_quietly_and_leaves_the_list_as_it_is() {
        let (mut list, mut cx) = typing();
        typed(&mut list, &mut cx, "ada");
        asked(&mut cx);
        list.input(&Input::Paste(" foo:".to_owned()), &mut cx);
        assert_eq!(asked(&mut cx), "[]", "nothing is read anew");
        assert_eq!(list.query.filter.words, ["ada"]);
        let rows = drawn(&mut list);
        assert!(
            rows[0].starts_with(" / ada foo:") && rows[0].contains("there is no 'foo:' here"),
            "{rows:?}"
        );
        assert!(!rows[1].contains("foo"), "{rows:?}");
        press(&mut list, &mut cx, Key::Enter);
        assert!(list.is_typing(), "it stays where something is wrong");
        let rows = drawn(&mut list);
        assert!(rows[1].contains("✗ 'foo:': there is no 'foo:' here"), "{rows:?}");
        typed(&mut list, &mut cx, "x");
        assert!(!drawn(&mut list)[1].contains('✗'), "typing goes on quietly");
    }

    #[test]
    fn a_key_that_is_being_typed_is_no_word_yet() {
        let (mut list, mut cx) = typing();
        typed(&mut list, &mut cx, "eva de");
        assert_eq!(list.query.filter.words, ["eva", "de"]);
        asked(&mut cx);
        typed(&mut list, &mut cx, "pt");
        let effects = asked(&mut cx);
        assert!(effects.contains("users.filter") && !effects.contains("users.rows"), "{effects}");
        assert_eq!(list.query.filter.words, ["eva", "de"], "until the typing rests");
        typed(&mut list, &mut cx, ":");
        assert!(asked(&mut cx).contains("users.rows"));
        assert_eq!(list.query.filter.words, ["eva"], "a key without a value filters nothing yet");
        assert_eq!(list.filter_line(), None);
        press(&mut list, &mut cx, Key::Enter);
        assert!(list.is_typing() && drawn(&mut list)[1].contains("✗ 'dept:': a value is missing"));
    }

    #[test]
    fn a_word_that_could_be_a_key_is_one_when_it_is_finished() {
        for end in [Key::Enter, Key::Down, Key::Char(' ')] {
            let (mut list, mut cx) = typing();
            typed(&mut list, &mut cx, "staff");
            assert_eq!(list.query.filter.words, ["st"]);
            press(&mut list, &mut cx, end);
            assert_eq!(list.query.filter.words, ["staff"], "{end:?}");
        }
        let (mut list, mut cx) = typing();
        typed(&mut list, &mut cx, "staff");
        let looked = ("staff".to_owned(), Ok(Filter::of("staff")));
        assert!(list.reply(&mut Reply::of(&LOOKED, Ok(looked)), &mut cx));
        assert_eq!(list.query.filter.words, ["staff"]);
    }

    #[test]
    fn names_are_looked_up_before_the_list_is_read() {
        let (mut list, mut cx) = typing();
        list.input(&Input::Paste("dept:IT".to_owned()), &mut cx);
        let effects = asked(&mut cx);
        assert!(
            effects.contains("users.filter: reading the filter") && !effects.contains("users.rows"),
            "{effects}"
        );
        let looked = ("dept:I".to_owned(), Ok(Filter::of("dept:#1")));
        assert!(list.reply(&mut Reply::of(&LOOKED, Ok(looked)), &mut cx));
        assert_eq!(asked(&mut cx), "[]", "an answer to what stood there before");
        let looked = ("dept:IT".to_owned(), Ok(Filter::of("dept:#5")));
        assert!(list.reply(&mut Reply::of(&LOOKED, Ok(looked)), &mut cx));
        assert!(asked(&mut cx).contains("users.rows"));
        assert_eq!(list.query.filter.by_id(), "dept:#5");
        press(&mut list, &mut cx, Key::Down);
        assert!(!list.is_typing());
    }

    #[test]
    fn tab_completes_and_goes_through_what_there_is() {
        let (mut list, mut cx) = typing();
        typed(&mut list, &mut cx, "-de");
        assert!(drawn(&mut list)[0].contains("Tab: -dept:"), "{:?}", drawn(&mut list));
        press(&mut list, &mut cx, Key::Tab);
        assert_eq!(list.filter.value(), "-dept:");
        typed(&mut list, &mut cx, "s");
        assert!(list.reply(&mut known(), &mut cx));
        press(&mut list, &mut cx, Key::Tab);
        assert_eq!(list.filter.value(), "-dept:Sales");
        list.filter.set("group:");
        press(&mut list, &mut cx, Key::Tab);
        assert_eq!(list.filter.value(), "group:Engineer");
        press(&mut list, &mut cx, Key::Tab);
        assert_eq!(list.filter.value(), "group:none");
        list.input(&Input::Key(shift(Key::Tab)), &mut cx);
        assert_eq!(list.filter.value(), "group:Engineer");
    }

    #[test]
    fn a_paste_of_ten_thousand_characters_is_answered() {
        let (mut list, mut cx) = typing();
        list.input(&Input::Paste("x".repeat(10_000)), &mut cx);
        assert_eq!(list.filter.value().len(), 10_000, "nothing is cut without a word");
        press(&mut list, &mut cx, Key::Enter);
        let rows = drawn(&mut list);
        assert!(rows[1].contains("✗ 'xxx"), "{rows:?}");
        assert!(list.clear_filter(&mut cx) && drawn(&mut list)[0].contains("USERNAME"));
    }

    #[test]
    fn a_saved_filter_takes_the_place_of_the_line() {
        let mut cx = Cx::new(Size::new(80, 24));
        let mut list = UserList::with_filter(Clock::default(), "group:#3");
        list.set_filter("active:no", &mut cx);
        assert_eq!(list.filter.value(), "group:#3 active:no");
        let mut list = UserList::new(Clock::default());
        assert_eq!(list.filter_line(), None);
        list.set_filter("active:no", &mut cx);
        assert_eq!(list.filter_line(), Some("active:no"));
    }
}
