//! The filter that a list has from the beginning, and that stays: the members of a group, the users of a chart's bar. A
//! program wrote it, with ids, so that it means the same when a name changes; the line shows the names.

use std::borrow::Cow;

use super::UserList;
use super::reading::Reading;
use crate::directory::filter;
use crate::tui::cx::Cx;
use crate::tui::jobs::{Reply, Slot};

const NAMED: Slot<String> = Slot::latest("users.home");

/// The filter.
#[derive(Default)]
pub(super) struct Home {
    /// With ids.
    line: String,
    /// As it stands in the filter line: with names, once they are read.
    pub(super) shown: String,
}

impl Home {
    pub(super) fn new(line: &str) -> Self {
        Self { line: line.to_owned(), shown: line.to_owned() }
    }

    /// Whether it lets everybody through.
    pub(super) fn is_anybody(&self) -> bool {
        self.line.is_empty()
    }

    /// Asks for the names.
    pub(super) fn ask(&self, cx: &mut Cx) {
        if self.is_anybody() {
            return;
        }
        let line = self.line.clone();
        cx.start(&NAMED, "reading names", move |portal| async move {
            Ok(filter::in_names(&portal, &line).await?.line)
        });
    }

    /// What stands behind this filter in a line that begins with it.
    fn behind<'a>(&self, typed: &'a str) -> Option<&'a str> {
        let rest = typed.strip_prefix(self.shown.as_str())?;
        (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(rest)
    }

    /// What a filter line means.
    pub(super) fn meant<'a>(&self, typed: &'a str) -> Cow<'a, str> {
        self.behind(typed).map_or(Cow::Borrowed(typed), |rest| format!("{}{rest}", self.line).into())
    }

    /// Where a byte of the meant line stands in the shown one.
    pub(super) fn place(&self, typed: &str, byte: usize) -> usize {
        match self.meant(typed) {
            Cow::Borrowed(_) => byte,
            Cow::Owned(_) => (byte + self.shown.len()).saturating_sub(self.line.len()),
        }
    }
}

impl UserList {
    /// Takes the names of the filter that stays; says whether the reply was that.
    pub(super) fn reply_home(&mut self, reply: &mut Reply) -> bool {
        // Without names the ids say as much.
        let Some(result) = NAMED.take(reply) else { return false };
        let Ok(names) = result else { return true };
        if let Some(rest) = self.home.behind(self.filter.value()) {
            let line = format!("{names}{rest}");
            // It means what it meant: nothing is read anew.
            if self.reading.is_of(self.filter.value()) {
                self.reading = Reading::of(&line);
            }
            self.filter.set(&line);
        }
        self.home.shown = names;
        true
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::tui::clock::Clock;

    #[test]
    fn the_line_shows_names_and_means_ids() {
        let mut list = UserList::with_filter(Clock::default(), "dept:#12");
        let mut cx = Cx::new(Size::new(80, 24));
        list.open(&mut cx);
        assert!(format!("{:?}", cx.take()).ends_with("Start(users.home: reading names)]"));
        assert!(list.reply(&mut Reply::of(&NAMED, Ok("dept:\"Human Resources\"".to_owned())), &mut cx));
        assert_eq!((list.filter.value(), cx.effects().len()), ("dept:\"Human Resources\"", 0));
        list.set_filter("active:no", &mut cx);
        assert_eq!(list.filter.value(), "dept:\"Human Resources\" active:no");
        assert_eq!(list.home.meant(list.filter.value()), "dept:#12 active:no");
        assert!(list.clear_filter(&mut cx));
        assert_eq!(list.home.meant(list.filter.value()), "dept:#12");
    }

    #[test]
    fn another_name_is_another_filter() {
        let home = Home { line: "dept:#12".to_owned(), shown: "dept:IT".to_owned() };
        for (typed, meant) in
            [("dept:IT", "dept:#12"), ("dept:IT x", "dept:#12 x"), ("dept:ITX", "dept:ITX"), ("x", "x")]
        {
            assert_eq!(home.meant(typed), meant);
        }
        assert_eq!((home.place("dept:IT x:", 9), home.place("dept:ITX", 5)), (8, 5));
    }
}
