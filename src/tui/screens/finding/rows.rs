//! The rows of a finding, a page of decisions at a time.

use std::collections::HashMap;

use crate::directory::Portal;
use crate::error::Result;
use crate::integrity::{Check, Finding, FindingRow, Subject};
use crate::tui::theme::Tone;
use crate::tui::widgets::columns::Column;
use crate::tui::widgets::row::PAGE;
use crate::tui::widgets::table::{Cell, Page, Row, Want};

/// How many pages of decisions are looked through for one that still has rows.
const PAGES: usize = 10;

/// The columns of the list.
pub(super) const COLUMNS: [Column; 3] =
    [Column::new("WHAT", 20, 100, 9), Column::new("TABLE", 9, 27, 4), Column::new("KEY", 6, 16, 5)];

/// A row of the finding, and the place of its decision among all of them.
pub(super) struct Line {
    pub(super) row: FindingRow,
    pub(super) at: usize,
    key: String,
}

impl Row for Line {
    type Key = Subject;

    /// The decision: all its rows are marked together, because they are repaired together.
    fn key(&self) -> Subject {
        self.row.subject
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        match column {
            0 => self.row.text.as_str().into(),
            1 => Cell::new(self.row.table.as_ref(), Tone::Quiet),
            _ => Cell::new(self.key.as_str(), Tone::Quiet),
        }
    }
}

/// A stretch of a finding's decisions.
pub(super) struct Span {
    check: &'static dyn Check,
    from: usize,
    subjects: Vec<Subject>,
    /// How many of them make a page.
    page: usize,
    /// Whether the finding goes on in the direction that was asked for.
    more: bool,
}

impl Span {
    /// The decisions that a table wants that has those from `first` up to `next`, `loaded` rows.
    pub(super) fn new(finding: &Finding, want: Want, first: usize, next: usize, loaded: usize) -> Self {
        let all = &finding.found.subjects;
        let (from, to, page) = match want {
            Want::First => (0, PAGE * PAGES, PAGE),
            Want::After => (next, next + PAGE * PAGES, PAGE),
            Want::Again => (first, first + loaded, loaded),
            Want::Before => (first.saturating_sub(PAGE), first, PAGE),
            Want::Last => (all.len().saturating_sub(PAGE), all.len(), PAGE),
        };
        let to = to.min(all.len());
        let from = from.min(to);
        let more = if matches!(want, Want::Before | Want::Last) { from > 0 } else { to < all.len() };
        Self { check: finding.check, from, subjects: all[from..to].to_vec(), page, more }
    }

    /// The rows of its first page that has any; decisions that were settled meanwhile have none.
    pub(super) async fn read(self, portal: &Portal) -> Result<Page<Line>> {
        let mut from = self.from;
        for (number, part) in self.subjects.chunks(self.page.max(1)).enumerate() {
            let rows = self.check.rows(portal, part).await?;
            if !rows.is_empty() {
                let left = self.subjects.len() > (number + 1) * self.page;
                return Ok(Page { rows: lines(rows, part, from), more: self.more || left });
            }
            from += part.len();
        }
        Ok(Page { rows: Vec::new(), more: false })
    }
}

/// The rows of these decisions, the first of which is the `from`th, in their order.
fn lines(rows: Vec<FindingRow>, subjects: &[Subject], from: usize) -> Vec<Line> {
    let places: HashMap<Subject, usize> = subjects.iter().copied().zip(from..).collect();
    let line = |row: FindingRow| {
        let at = places.get(&row.subject).copied().unwrap_or(from);
        let key = row.key.0.iter().map(|(_, cell)| cell.show()).collect::<Vec<_>>().join(", ");
        Line { row, at, key }
    };
    let mut lines: Vec<Line> = rows.into_iter().map(line).collect();
    lines.sort_by_key(|line| line.at);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrity::{self as checks, Class, Found};

    fn finding(count: i64) -> Finding {
        let check = checks::check("PRF-001").expect("a check");
        let subjects = (1..=count).map(Subject::of).collect();
        Finding { check, found: Found::each(check.about(), Class::Automatic, subjects).expect("some") }
    }

    fn ids(span: &Span) -> (i64, i64, bool) {
        let id = |subject: Option<&Subject>| subject.map_or(0, |subject| subject.id);
        (id(span.subjects.first()), id(span.subjects.last()), span.more)
    }

    #[test]
    fn pages_follow_each_other_and_end() {
        let page = i64::try_from(PAGE).expect("a small number");
        let most = page * i64::try_from(PAGES).expect("a small number");
        let long = finding(most * 3);
        let span = |want, first, next| ids(&Span::new(&long, want, first, next, PAGE));
        assert_eq!(span(Want::First, 0, 0), (1, most, true));
        assert_eq!(span(Want::After, 0, PAGE), (page + 1, page + most, true));
        assert_eq!(span(Want::Last, 0, 0), (most * 3 - page + 1, most * 3, true));
        assert_eq!(span(Want::Before, 10, 20), (1, 10, false));
        let short = finding(3);
        assert_eq!(ids(&Span::new(&short, Want::First, 0, 0, PAGE)), (1, 3, false));
        assert_eq!(ids(&Span::new(&short, Want::After, 0, 9, PAGE)), (0, 0, false));
    }
}
