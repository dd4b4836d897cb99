//! What the record of a department says.

use crate::directory::departments::Record;
use crate::tui::clock::Clock;
use crate::tui::theme::Tone;
use crate::tui::widgets::counted;
use crate::tui::widgets::labelled::Lines;

pub(super) fn describe(record: &Record, lines: &mut Lines, clock: &Clock) {
    let department = &record.department;
    let made = department.created_at.map_or_else(String::new, |at| format!(" · made {}", clock.date(at)));
    let (state, tone) = if department.is_active { ("active", Tone::Plain) } else { ("inactive", Tone::Warn) };
    lines.add("State", &format!("{state}{made}"), tone);
    if department.description.trim().is_empty() {
        lines.add("About", "no description", Tone::Quiet);
    } else {
        lines.add_lines("About", &department.description, Tone::Plain);
    }
    add_members(lines, record);
    for it in &record.elsewhere {
        lines.add("Elsewhere", &format!("{} {} ({})", it.table, it.rows, it.column), Tone::Plain);
    }
}

fn add_members(lines: &mut Lines, record: &Record) {
    let Some(members) = record.members else {
        return lines.add("Members", "this portal doesn't say who is in which department", Tone::Quiet);
    };
    let words = match (members.all, members.all - members.active) {
        (0, _) => "none".to_owned(),
        (all, 0) => format!("{}, all active", counted(all)),
        (all, inactive) => format!("{}, {} of them inactive", counted(all), counted(inactive)),
    };
    lines.add("Members", &words, Tone::Plain);
    for member in &record.first {
        let inactive = if member.is_active { "" } else { " (inactive)" };
        let tone = if member.is_active { Tone::Plain } else { Tone::Quiet };
        lines.add("", &format!("{}{inactive}", member.username), tone);
    }
    let shown = i64::try_from(record.first.len()).unwrap_or(0);
    if members.all > shown {
        lines.add("", &format!("and {} more", counted(members.all - shown)), Tone::Quiet);
    }
}
