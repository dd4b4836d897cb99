//! The first line, the line above the last, and the last line of every screen.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::{cells, grouped, put};
use crate::text;
use crate::tui::jobs::{COUNTED_AFTER, Working};
use crate::tui::theme::{Theme, Tone};

/// What the first line says about the session, the tabs aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// What the configuration calls the portal, such as `Alpha Lab PROD`.
    pub label: String,
    /// The label's colour, so that production never looks like a test.
    pub colour: Option<Color>,
    /// Engine, database and host: `mysql alpha_lab_complaints@db1`.
    pub place: String,
    /// Warnings that stand there as long as they hold: `READ-ONLY`, `UNVERIFIED TLS`.
    pub badges: Vec<String>,
    /// Who is signed in; empty before.
    pub user: String,
    /// In which role.
    pub role: String,
}

/// One tab in the first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TabLabel {
    /// The number of its key.
    pub number: usize,
    /// What it is called.
    pub title: String,
    /// What stands behind the title.
    pub badge: Option<String>,
    /// Whether it is the one shown.
    pub active: bool,
}

/// What the first line leaves out when it has to, one more with each step.
const STEPS: usize = 7;
/// The fewest cells of the portal's label, before even badges are cut.
const LABEL: usize = 6;

/// Draws the first line into one row. It leaves out the place, then the role or, where that is not enough, the titles of
/// the tabs that are not shown, then both, and the name, before it cuts anything; badges are the last to go.
pub fn draw_head(buffer: &mut Buffer, row: Rect, head: &Head, tabs: &[TabLabel], theme: &Theme) {
    let width = usize::from(row.width);
    let parts = (0..STEPS)
        .map(|step| Parts::new(head, tabs, step, theme))
        .find(|parts| parts.width() <= width)
        .unwrap_or_else(|| Parts::label_only(head, width, theme));
    let spare = width.saturating_sub(parts.width());
    let mut x = row.x;
    let mut write = |x: u16, (words, style): &(String, Style)| {
        x + put(buffer, x, row.y, row.right().saturating_sub(x), words, *style)
    };
    for part in &parts.left {
        x = write(x, part);
    }
    x += cells(spare / 2);
    for part in &parts.tabs {
        x = write(x, part);
    }
    x += cells(spare - spare / 2);
    for part in &parts.right {
        x = write(x, part);
    }
}

type Part = (String, Style);

struct Parts {
    left: Vec<Part>,
    tabs: Vec<Part>,
    right: Vec<Part>,
}

impl Parts {
    fn new(head: &Head, tabs: &[TabLabel], step: usize, theme: &Theme) -> Self {
        let quiet = theme.style(Tone::Plain);
        let dot = theme.dot();
        let mut left = vec![(" ".to_owned(), quiet)];
        left.push((head.label.clone(), label_style(head, theme)));
        if step < 1 && !head.place.is_empty() {
            left.push((format!(" {dot} {}", head.place), quiet));
        }
        for badge in &head.badges {
            left.push((format!("  {badge}"), theme.style(Tone::Bad)));
        }
        let tabs = tabs.iter().filter_map(|tab| tab_part(tab, step, theme)).collect();
        let who = match (step, head.role.is_empty()) {
            _ if head.user.is_empty() => String::new(),
            (0 | 1 | 3, false) => format!("  {} {dot} {} ", head.user, head.role),
            (0..=4, _) => format!("  {} ", head.user),
            _ => String::new(),
        };
        Self { left, tabs, right: vec![(who, quiet)] }
    }

    /// As much of the label as the badges leave room for, and then the badges.
    fn label_only(head: &Head, width: usize, theme: &Theme) -> Self {
        let badges: Vec<Part> =
            head.badges.iter().map(|badge| (format!(" {badge}"), theme.style(Tone::Bad))).collect();
        let used: usize = badges.iter().map(|(words, _)| text::width(words)).sum();
        let safe = text::safe(&head.label);
        let label = text::truncate(&safe, width.saturating_sub(used).max(LABEL.min(width))).into_owned();
        let mut left = vec![(label, label_style(head, theme))];
        left.extend(badges);
        Self { left, tabs: Vec::new(), right: Vec::new() }
    }

    fn width(&self) -> usize {
        self.left
            .iter()
            .chain(&self.tabs)
            .chain(&self.right)
            .map(|(words, _)| text::width(&text::safe(words)))
            .sum()
    }
}

fn label_style(head: &Head, theme: &Theme) -> Style {
    let bold = |colour| theme.coloured(colour).add_modifier(Modifier::BOLD);
    head.colour.map_or(theme.style(Tone::Accent), bold)
}

fn tab_part(tab: &TabLabel, step: usize, theme: &Theme) -> Option<Part> {
    let number = tab.number;
    let badge = tab.badge.as_ref().map(|badge| format!(" {badge}")).unwrap_or_default();
    let tone = if tab.active { Tone::Accent } else { Tone::Plain };
    // The number in brackets says the same as the colour.
    let number = if tab.active { format!("[{number}]") } else { number.to_string() };
    let words = match step {
        0..=2 => format!("  {number} {}{badge}", tab.title),
        3 | 4 if tab.active => format!("  {number} {}{badge}", tab.title),
        3 | 4 => format!("  {number}{badge}"),
        5 if tab.active => format!("  {number} {}", tab.title),
        _ => return None,
    };
    Some((words, theme.style(tone)))
}

/// Draws the line above the last into one row: a rule and, at its right end, what is being worked on.
pub fn draw_rule(buffer: &mut Buffer, row: Rect, working: Option<&Working>, theme: &Theme) {
    let rule = theme.rule().repeat(usize::from(row.width));
    buffer.set_stringn(row.x, row.y, &rule, usize::from(row.width), theme.style(Tone::Quiet));
    let Some(working) = working else { return };
    let words = working_words(working, theme);
    let width = cells(text::width(&text::safe(&words))).min(row.width);
    put(buffer, row.right() - width, row.y, width, &words, theme.style(Tone::Strong));
}

fn working_words(working: &Working, theme: &Theme) -> String {
    let step = u64::try_from(working.elapsed.as_millis() / 250).unwrap_or(0);
    let what = format!(" {} {}", theme.spinner(step), working.label);
    if working.elapsed < COUNTED_AFTER {
        return format!("{what} ");
    }
    let count = match (working.counted, working.pace) {
        (Some((done, total)), Some(pace)) => pace.words(done, total, theme.dot()),
        (Some((done, 0)), None) => grouped(done),
        (Some((done, total)), None) => {
            let percent = done.saturating_mul(100).checked_div(total).unwrap_or(0);
            format!("{} of {} ({percent} %)", grouped(done), grouped(total))
        }
        (None, _) => seconds(working.elapsed),
    };
    let hint = if working.can_stop { format!(" {} Esc stops", theme.dot()) } else { String::new() };
    format!("{what}  {count}{hint} ")
}

fn seconds(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min {} s", seconds / 60, seconds % 60) }
}

/// One key in the last line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The key, as it is written.
    pub key: String,
    /// What it does.
    pub label: &'static str,
    /// Whether it takes something away.
    pub dangerous: bool,
}

/// Draws the last line into one row: the keys from the left, as many as fit, and the status at the right end.
pub fn draw_footer(buffer: &mut Buffer, row: Rect, hints: &[Hint], status: &str, theme: &Theme) {
    let status = text::safe(status);
    let status_width = cells(text::width(&status)).min(row.width);
    // The keys get at least half of the line.
    let status_width =
        if status_width > row.width / 2 && !hints.is_empty() { row.width / 2 } else { status_width };
    put(
        buffer,
        row.right().saturating_sub(status_width + 1),
        row.y,
        status_width,
        &status,
        theme.style(Tone::Plain),
    );
    let end = row.right().saturating_sub(if status_width == 0 { 0 } else { status_width + 3 });
    let gap = if row.width < 100 { 2 } else { 3 };
    let mut x = row.x + 1;
    for (at, hint) in hints.iter().enumerate() {
        let width = cells(text::width(&hint.key) + 1 + text::width(hint.label));
        if at > 0 && x + width > end {
            break;
        }
        let tone = if hint.dangerous { Tone::Bad } else { Tone::Strong };
        x += put(buffer, x, row.y, end.saturating_sub(x), &hint.key, theme.style(tone)) + 1;
        x += put(buffer, x, row.y, end.saturating_sub(x), hint.label, theme.style(Tone::Plain)) + gap;
    }
}
