//! How the Integrity tab looks: the verdict, what could not be checked, the list, and what is known of one finding.

use std::sync::{Arc, Mutex, PoisonError};

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::SMALL;
use super::board::{Board, FindingKey};
use super::line::{Line, tone};
use crate::integrity::{AcceptedFinding, Class, Finding, Report, ScanProgress, Severity};
use crate::text;
use crate::tui::clock::Clock;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::diff::{DiffLine, draw_diff};
use crate::tui::widgets::table::Table;
use crate::tui::widgets::{cells, grouped, put, wrap};

/// From so many columns on, the details stand beside the list.
const WIDE: u16 = 110;
/// From so many rows on, the details stand below the list.
const HIGH: u16 = 9;
/// The most rows for naming skipped checks.
const SKIPPED: usize = 2;

/// Where the tab is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    /// Rights and size are being read.
    Looking,
    /// The person may not scan, and why.
    Denied(String),
    /// Nobody asked yet, and there are too many accounts to scan without being asked.
    Large(i64),
    /// The checks run; this one now.
    Scanning(At),
    /// Somebody stopped them.
    Stopped,
    /// They could not run, and why.
    Failed(String),
    /// They ran.
    Done,
}

/// At which check a scan is; told while it runs, read by each frame.
#[derive(Debug, Clone, Default)]
pub(super) struct At(Arc<Mutex<Option<ScanProgress>>>);

impl At {
    pub(super) fn set(&self, now: ScanProgress) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// `12 of 58: REL-001`; nothing before the first check.
    fn words(&self) -> Option<String> {
        let now = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(format!("{} of {}: {}", now.number, now.of, now.id))
    }
}

impl PartialEq for At {
    /// However far it is, the checks run.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for At {}

/// What is known of the finding under the cursor.
pub(super) struct Detail<'a> {
    pub(super) finding: &'a Finding,
    pub(super) key: FindingKey,
    /// The first lines of its repair, or its first rows.
    pub(super) lines: &'a [DiffLine],
}

/// Everything that is drawn.
pub(super) struct View<'a> {
    pub(super) board: &'a Board,
    pub(super) phase: &'a Phase,
    pub(super) detail: Option<Detail<'a>>,
    /// Why nothing can be repaired here, if so.
    pub(super) off: Option<&'a str>,
    pub(super) clock: Clock,
}

impl View<'_> {
    pub(super) fn draw(&self, frame: &mut Frame<'_>, area: Rect, table: &mut Table<Line>, theme: &Theme) {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        let Some(report) = &self.board.report else {
            paragraph(frame.buffer_mut(), inner, &self.words(), Tone::Plain, theme);
            return;
        };
        self.draw_verdict(frame.buffer_mut(), Rect { height: 1, ..inner }, report, theme);
        let mut top = area.y + 1;
        for line in skipped(report, usize::from(inner.width)) {
            if top < area.bottom() {
                put(frame.buffer_mut(), inner.x, top, inner.width, &line, theme.style(Tone::Warn));
                top += 1;
            }
        }
        let body = Rect { y: top, height: area.bottom().saturating_sub(top), ..area };
        if body.is_empty() {
            return;
        }
        if report.findings.is_empty() && report.accepted.is_empty() {
            let words = format!("Nothing found: {} checks, all clean.", report.checked.len());
            let inside = Rect { y: body.y, height: body.height, ..inner };
            paragraph(frame.buffer_mut(), inside, &words, Tone::Good, theme);
        } else {
            self.draw_body(frame, body, table, theme);
        }
    }

    /// What stands there before the first scan.
    fn words(&self) -> String {
        match self.phase {
            Phase::Looking | Phase::Done => String::new(),
            Phase::Scanning(at) => match at.words() {
                Some(check) => format!("Scanning {check}. Esc stops."),
                None => "Scanning. Esc stops.".to_owned(),
            },
            Phase::Stopped => "Stopped before its end. R scans.".to_owned(),
            Phase::Failed(why) => format!("{why} R tries again."),
            Phase::Denied(why) => why.clone(),
            Phase::Large(users) => format!(
                "{} accounts. Above {} nothing is scanned by itself: R scans, and Esc stops it at any time.",
                grouped(u64::try_from(*users).unwrap_or(0)),
                grouped(SMALL.unsigned_abs())
            ),
        }
    }

    /// `2 errors  1 warning            148 users · 0.2 s · scanned 10:02`.
    fn draw_verdict(&self, buffer: &mut Buffer, row: Rect, report: &Report, theme: &Theme) {
        let mut x = row.x;
        for severity in Severity::ALL {
            let count = self.board.count(severity);
            if count > 0 {
                let words = counted(severity, count);
                x +=
                    put(buffer, x, row.y, row.right().saturating_sub(x), &words, theme.style(tone(severity)))
                        + 2;
            }
        }
        if x == row.x {
            x += put(buffer, x, row.y, row.width, "clean", theme.style(Tone::Good)) + 2;
        }
        let accepted = report.accepted();
        if accepted > 0 {
            let words = format!("{} accepted", grouped(accepted as u64));
            x += put(buffer, x, row.y, row.right().saturating_sub(x), &words, theme.style(Tone::Quiet)) + 2;
        }
        let room = row.right().saturating_sub(x);
        for facts in self.facts(report, theme) {
            let width = cells(text::width(&facts));
            if width <= room {
                put(buffer, row.right() - width, row.y, width, &facts, theme.style(Tone::Plain));
                return;
            }
        }
    }

    /// What the scan was, from all that is known to the least.
    fn facts(&self, report: &Report, theme: &Theme) -> Vec<String> {
        let dot = theme.dot();
        let users = grouped(u64::try_from(report.users).unwrap_or(0));
        let state = match self.phase {
            Phase::Scanning(at) => match at.words() {
                Some(check) => format!("scanning {check}"),
                None => "scanning again".to_owned(),
            },
            Phase::Stopped => "stopped; these are from before".to_owned(),
            _ if self.board.stale => format!("rows changed since {}", self.clock.time(report.at)),
            _ => format!("scanned {}", self.clock.time(report.at)),
        };
        let seconds = report.elapsed.as_secs_f64();
        vec![format!("{users} users {dot} {seconds:.1} s {dot} {state}"), state]
    }

    fn draw_body(&self, frame: &mut Frame<'_>, body: Rect, table: &mut Table<Line>, theme: &Theme) {
        if body.width >= WIDE {
            let width = body.width * 11 / 20;
            table.draw(frame, Rect { width, ..body }, true, theme);
            for y in body.y..body.bottom() {
                put(frame.buffer_mut(), body.x + width, y, 1, theme.bar(), theme.style(Tone::Quiet));
            }
            let beside = Rect { x: body.x + width + 2, width: body.width - width - 3, ..body };
            self.draw_detail(frame.buffer_mut(), beside, theme);
        } else if body.height >= HIGH {
            let height = cells(table.len() + 1).clamp(3, body.height / 2);
            table.draw(frame, Rect { height, ..body }, true, theme);
            self.draw_rule(frame.buffer_mut(), Rect { y: body.y + height, height: 1, ..body }, theme);
            let below = Rect {
                x: body.x + 3,
                y: body.y + height + 1,
                width: body.width.saturating_sub(4),
                height: body.height - height - 1,
            };
            self.draw_detail(frame.buffer_mut(), below, theme);
        } else {
            table.draw(frame, body, true, theme);
        }
    }

    fn draw_rule(&self, buffer: &mut Buffer, row: Rect, theme: &Theme) {
        let rule = theme.rule().repeat(usize::from(row.width.saturating_sub(2)));
        put(buffer, row.x + 1, row.y, row.width.saturating_sub(2), &rule, theme.style(Tone::Quiet));
        if let Some(detail) = &self.detail {
            put(
                buffer,
                row.x + 2,
                row.y,
                row.width.saturating_sub(4),
                &format!(" {} ", detail.key.id()),
                theme.style(Tone::Strong),
            );
        }
    }

    fn draw_detail(&self, buffer: &mut Buffer, area: Rect, theme: &Theme) {
        let Some(detail) = &self.detail else { return };
        let mut rest = area;
        let known = match self.board.accepted(detail.key) {
            Some(accepted) => about_accepted(accepted, self.clock),
            None => about(detail.finding, self.off),
        };
        for (tone, words) in known {
            let used = paragraph(buffer, rest, &words, tone, theme);
            rest = Rect { y: rest.y + used, height: rest.height - used, ..rest };
        }
        if rest.height == 0 {
            return;
        }
        let drawn = draw_diff(buffer, rest, detail.lines, 0, theme);
        let cut = drawn < detail.lines.len() || detail.finding.count() > super::DETAIL;
        if cut && !detail.lines.is_empty() {
            let y = rest.y + cells(drawn).min(rest.height - 1);
            let words = "… Enter opens every row.";
            put(
                buffer,
                rest.x,
                y,
                rest.width,
                &format!("{words:<0$}", usize::from(rest.width)),
                theme.style(Tone::Quiet),
            );
        }
    }
}

/// What the catalogue says about a finding: why, where from, and what can be done.
pub(in crate::tui::screens) fn about(finding: &Finding, off: Option<&str>) -> Vec<(Tone, String)> {
    let about = finding.check.about();
    let mut words = vec![(Tone::Plain, about.why.to_owned())];
    words.push((Tone::Quiet, format!("Usual cause: {}", about.cause)));
    words.push(match finding.class() {
        Class::Automatic => (Tone::Plain, format!("Repair: {}", about.remedy)),
        Class::Choose => (Tone::Warn, format!("To be decided: {}", about.choice)),
        Class::Manual => (Tone::Warn, format!("By hand: {}", about.remedy)),
    });
    if let Some(note) = &finding.found.note {
        words.push((Tone::Plain, note.clone()));
    }
    if let (Some(why), Class::Automatic) = (off, finding.class()) {
        words.push((Tone::Warn, format!("Not here: {why}")));
    }
    words
}

/// What is known of a part of a finding that was accepted: by whom, why, until when.
pub(in crate::tui::screens) fn about_accepted(
    accepted: &AcceptedFinding,
    clock: Clock,
) -> Vec<(Tone, String)> {
    let until = match accepted.until {
        Some(until) => format!("until {}", clock.date_and_time(until)),
        None => "for good".to_owned(),
    };
    let by = format!("Accepted by {} on {}, {until}.", accepted.by, clock.date(accepted.made));
    vec![
        (Tone::Plain, by),
        (Tone::Plain, format!("Reason: {}", accepted.reason)),
        (Tone::Quiet, "It doesn't count and isn't repaired; b takes that back.".to_owned()),
    ]
}

/// `2 errors`, `1 critical`.
pub(in crate::tui::screens) fn counted(severity: Severity, count: usize) -> String {
    let name = severity.name();
    let plural = if count > 1 && matches!(severity, Severity::Error | Severity::Warning) { "s" } else { "" };
    format!("{count} {name}{plural}")
}

/// The checks that could not run, and what they lack.
fn skipped(report: &Report, width: usize) -> Vec<String> {
    if report.skipped.is_empty() {
        return Vec::new();
    }
    let each: Vec<String> =
        report.skipped.iter().map(|skipped| format!("{} ({})", skipped.id, skipped.why)).collect();
    let words = format!("Not checked: {}", each.join(", "));
    let mut lines = wrap(&text::safe_lines(&words), width);
    if lines.len() > SKIPPED {
        lines.truncate(SKIPPED);
        if let Some(last) = lines.last_mut() {
            last.push_str(" …");
        }
    }
    lines
}

/// Draws a text, wrapped; gives the rows used.
pub(in crate::tui::screens) fn paragraph(
    buffer: &mut Buffer,
    area: Rect,
    words: &str,
    tone: Tone,
    theme: &Theme,
) -> u16 {
    let lines = wrap(&text::safe_lines(words), usize::from(area.width));
    for (y, line) in (area.y..area.bottom()).zip(&lines) {
        put(buffer, area.x, y, area.width, line, theme.style(tone));
    }
    cells(lines.len()).min(area.height)
}
