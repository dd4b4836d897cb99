//! The report in text for people and in JSON for scripts. Rows are fetched a page at a time while it is written, so that
//! a finding of a million rows takes no more memory than one of a hundred.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value as Json, json};

use crate::change::plan_file;
use crate::directory::Portal;
use crate::error::Result;
use crate::text;

use super::baseline::AcceptedFinding;
use super::check::{Class, Finding, Severity};
use super::fix::{Fixed, SHOWN};
use super::scan::{Report, Skipped};

/// Subjects whose rows are fetched together.
const PAGE: usize = 500;

/// Where the pieces of a report go, in order.
pub type Sink<'a> = &'a mut (dyn FnMut(&str) -> Result<()> + Send);

/// How many numbers of the baseline are listed.
const IDS: usize = 8;

/// How wide a line for people is.
const WIDTH: usize = 80;

/// How a time is written for people.
pub type Time<'a> = &'a (dyn Fn(DateTime<Utc>) -> String + Sync);

/// How many decisions of each severity there are, and how many were accepted, as in JSON.
#[must_use]
pub fn summary(report: &Report) -> Json {
    let mut summary = serde_json::Map::new();
    for severity in Severity::ALL {
        summary.insert(severity.name().to_owned(), json!(report.count(severity)));
    }
    summary.insert("accepted".to_owned(), json!(report.accepted()));
    Json::Object(summary)
}

fn skipped(skipped: &[Skipped]) -> Json {
    skipped.iter().map(|skipped| json!({ "id": skipped.id, "why": skipped.why })).collect()
}

/// Writes the whole report as one JSON object, `{"portaldesk": 1, "kind": "report", "findings": […], "accepted": […],
/// "summary": {…}, "skipped": […], "users": n, "time": "…", "seconds": n}`, every row in it. What was accepted has the
/// shape of a finding, and `"reason"`, `"by"`, `"time"`, `"until"` and the numbers to take it back by, `"baseline"`.
///
/// # Errors
/// What the engine says while rows are fetched; what the sink says.
pub async fn write_json(portal: &Portal, report: &Report, sink: Sink<'_>) -> Result<()> {
    sink("{\"portaldesk\":1,\"kind\":\"report\",\"findings\":")?;
    write_findings(portal, &report.findings, sink).await?;
    sink(",\"accepted\":[")?;
    for (index, accepted) in report.accepted.iter().enumerate() {
        sink(if index == 0 { "" } else { "," })?;
        write_finding(portal, &accepted.finding, acceptance(accepted), sink).await?;
    }
    let end = format!(
        "],\"summary\":{},\"skipped\":{},\"users\":{},\"time\":{},\"seconds\":{:.3}}}",
        summary(report),
        text::json(&skipped(&report.skipped)),
        report.users,
        json!(rfc3339(report.at)),
        report.elapsed.as_secs_f64(),
    );
    sink(&end)
}

/// Writes what a repair did as one JSON object: the report of what was found before, with `"repaired"`, `"remaining"`,
/// `"refused"`, in a dry run `"plan"` (its beginning) and `"rehearsed"` (what came of trying it), and `"dry_run"`. Of each finding the rows of its first thousand
/// subjects are in it, because what has been repaired can't be fetched any more.
///
/// # Errors
/// As [`write_json`].
pub async fn write_fixed_json(portal: &Portal, fixed: &Fixed, sink: Sink<'_>) -> Result<()> {
    sink("{\"portaldesk\":1,\"kind\":\"report\",\"findings\":")?;
    write_kept_findings(fixed, sink)?;
    let repaired: Json = fixed
        .repaired
        .iter()
        .map(
            |repaired| json!({ "id": repaired.id, "count": repaired.count, "operation": repaired.operation }),
        )
        .collect();
    sink(&format!(",\"dry_run\":{},\"repaired\":{repaired},\"remaining\":", fixed.dry_run))?;
    write_findings(portal, &fixed.after.findings, sink).await?;
    let refused: Json = fixed
        .refused
        .iter()
        .map(|(title, error)| json!({ "title": title, "kind": error.kind.name(), "message": error.message }))
        .collect();
    let rehearsed = fixed.rehearsed.iter().map(|(id, rehearsal)| {
        let mut rehearsal = rehearsal.to_json();
        rehearsal["id"] = json!(id);
        rehearsal
    });
    let rehearsed: Json = rehearsed.collect();
    // What is shown of a dry run can be kept in a file and applied later.
    let target = portal.db.target();
    let partial = fixed.repaired.iter().map(|repaired| repaired.count).sum::<usize>() > SHOWN;
    let file = plan_file::fields(target.engine, &target.to_string(), &fixed.plans, partial)?;
    let mut file = if fixed.dry_run { text::json(&Json::Object(file)) } else { "{}".to_owned() };
    file.pop();
    let file = if file.len() > 1 { file.replacen('{', ",", 1) } else { String::new() };
    sink(&format!(
        ",\"refused\":{},\"rehearsed\":{},\"plan\":{},\"summary\":{},\"skipped\":{}{file}}}",
        text::json(&refused),
        text::json(&rehearsed),
        text::json(&Json::Array(plan_file::numbered(&fixed.plans))),
        summary(&fixed.before),
        text::json(&skipped(&fixed.before.skipped)),
    ))
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// What was said when a finding was accepted.
fn acceptance(accepted: &AcceptedFinding) -> Json {
    json!({
        "reason": accepted.reason,
        "by": accepted.by,
        "time": rfc3339(accepted.made),
        "until": accepted.until.map(rfc3339),
        "baseline": accepted.ids,
    })
}

/// Everything of a finding but its rows, and what else there is to say, without the closing brace.
fn head(finding: &Finding, more: Json) -> String {
    let mut head = json!({
        "id": finding.id(),
        "severity": finding.severity().name(),
        "class": finding.class().letter(),
        "title": finding.title(),
        "count": finding.count(),
        "note": finding.found.note,
    });
    if let (Json::Object(head), Json::Object(more)) = (&mut head, more) {
        head.extend(more);
    }
    let mut head = text::json(&head);
    head.pop();
    head
}

async fn write_findings(portal: &Portal, findings: &[Finding], sink: Sink<'_>) -> Result<()> {
    sink("[")?;
    for (index, finding) in findings.iter().enumerate() {
        sink(if index == 0 { "" } else { "," })?;
        write_finding(portal, finding, Json::Null, sink).await?;
    }
    sink("]")
}

async fn write_finding(portal: &Portal, finding: &Finding, more: Json, sink: Sink<'_>) -> Result<()> {
    sink(&head(finding, more))?;
    sink(",\"rows\":[")?;
    let mut first = true;
    for from in (0..finding.found.subjects.len()).step_by(PAGE) {
        for row in finding.rows(portal, from, PAGE).await? {
            sink(if first { "" } else { "," })?;
            sink(&text::json(&row.to_json()))?;
            first = false;
        }
    }
    sink("]}")
}

fn write_kept_findings(fixed: &Fixed, sink: Sink<'_>) -> Result<()> {
    sink("[")?;
    for (index, (finding, rows)) in fixed.before.findings.iter().zip(&fixed.rows).enumerate() {
        sink(if index == 0 { "" } else { "," })?;
        sink(&head(finding, Json::Null))?;
        sink(",\"rows\":")?;
        sink(&text::json(&rows.iter().map(super::FindingRow::to_json).collect()))?;
        sink("}")?;
    }
    sink("]")
}

/// The report as one JSON value, for a caller that knows it to be small.
///
/// # Errors
/// As [`write_json`].
pub async fn to_json(portal: &Portal, report: &Report) -> Result<Json> {
    let mut out = String::new();
    write_json(portal, report, &mut |piece| {
        out.push_str(piece);
        Ok(())
    })
    .await?;
    serde_json::from_str(&out)
        .map_err(|error| crate::error::Error::bug(format!("the report is no JSON: {error}")))
}

/// What a repair did as one JSON value, for a caller that knows it to be small.
///
/// # Errors
/// As [`write_json`].
pub async fn fixed_to_json(portal: &Portal, fixed: &Fixed) -> Result<Json> {
    let mut out = String::new();
    write_fixed_json(portal, fixed, &mut |piece| {
        out.push_str(piece);
        Ok(())
    })
    .await?;
    serde_json::from_str(&out)
        .map_err(|error| crate::error::Error::bug(format!("the report is no JSON: {error}")))
}

/// The report as one text, see [`write_text`], for a caller that knows it to be small.
///
/// # Errors
/// As [`write_text`].
pub async fn to_text(portal: &Portal, report: &Report, rows: usize, time: Time<'_>) -> Result<String> {
    let mut out = String::new();
    write_text(portal, report, rows, time, &mut |piece| {
        out.push_str(piece);
        Ok(())
    })
    .await?;
    Ok(out)
}

/// Writes the report for people, in whole lines that are safe to print, with the rows of at most `rows` subjects a
/// finding. Each row begins with the name by which other commands know it.
///
/// # Errors
/// What the engine says while rows are fetched; what the sink says.
pub async fn write_text(
    portal: &Portal,
    report: &Report,
    rows: usize,
    time: Time<'_>,
    sink: Sink<'_>,
) -> Result<()> {
    for finding in &report.findings {
        let mut out = String::new();
        push_finding(&mut out, finding);
        sink(&out)?;
        write_rows(portal, finding, rows, sink).await?;
        sink("\n")?;
    }
    if !report.accepted.is_empty() {
        sink("Accepted, and not counted:\n")?;
    }
    for accepted in &report.accepted {
        let mut out = String::new();
        push_accepted(&mut out, accepted, time);
        sink(&out)?;
        write_rows(portal, &accepted.finding, rows, sink).await?;
        sink("\n")?;
    }
    sink(&(verdict(report) + "\n"))
}

async fn write_rows(portal: &Portal, finding: &Finding, limit: usize, sink: Sink<'_>) -> Result<()> {
    let subjects = finding.found.subjects.len();
    for from in (0..subjects.min(limit)).step_by(PAGE) {
        let rows = finding.rows(portal, from, PAGE.min(limit - from)).await?;
        let name = rows.iter().map(|row| row.subject.to_string().len()).max().unwrap_or_default();
        let mut out = String::new();
        for row in &rows {
            push_lines(&mut out, &format!("    {:<name$}  ", row.subject.to_string()), &row.text);
        }
        sink(&out)?;
    }
    match subjects.saturating_sub(limit) {
        0 => Ok(()),
        more => sink(&format!("    … and {more} more\n")),
    }
}

/// A line for each finding and the verdict: what a mail from cron should say.
#[must_use]
pub fn short(report: &Report) -> String {
    let mut out: String = report.findings.iter().map(|finding| heading(finding) + "\n").collect();
    out.push_str(&verdict(report));
    out.push('\n');
    out
}

/// `PRF-001  error     2  safe    users without a profile`
fn heading(finding: &Finding) -> String {
    format!(
        "{}  {}  {}  {}  {}",
        finding.id(),
        text::pad(finding.severity().name(), 8),
        finding.count(),
        finding.class().label(),
        finding.title()
    )
}

fn push_finding(out: &mut String, finding: &Finding) {
    let about = finding.check.about();
    out.push_str(&heading(finding));
    out.push('\n');
    push_lines(out, "  Why      ", about.why);
    push_lines(out, "  Cause    ", about.cause);
    match finding.class() {
        Class::Automatic => push_lines(out, "  Repair   ", about.remedy),
        Class::Choose => push_lines(out, "  Choose   ", about.choice),
        Class::Manual => push_lines(out, "  By hand  ", about.remedy),
    }
    if let Some(note) = &finding.found.note {
        push_lines(out, "  Note     ", note);
    }
}

fn push_accepted(out: &mut String, accepted: &AcceptedFinding, time: Time<'_>) {
    let until = match accepted.until {
        Some(until) => format!("until {}", time(until)),
        None => "for good".to_owned(),
    };
    let ids: Vec<String> = accepted.ids.iter().take(IDS).map(i64::to_string).collect();
    let more = if accepted.ids.len() > IDS { " …" } else { "" };
    let by = format!("by {} on {}, {until}: {}", accepted.by, time(accepted.made), accepted.reason);
    out.push_str(&heading(&accepted.finding));
    out.push('\n');
    push_lines(out, "  Accepted ", &by);
    push_lines(out, "  Number   ", &format!("{}{more}", ids.join(" ")));
}

/// A text behind its label, what doesn't fit on lines below it. A line that begins with blanks is a command to be
/// copied, and stays whole.
fn push_lines(out: &mut String, label: &str, words: &str) {
    let label_width = text::width(label);
    let mut label = label.to_owned();
    for line in text::safe_lines(words).lines() {
        let room = WIDTH.saturating_sub(label_width).max(WIDTH / 2);
        let lines = if line.starts_with(' ') { vec![line.to_owned()] } else { text::wrap(line, room) };
        for line in lines {
            let _ = writeln!(out, "{}", format!("{label}{line}").trim_end());
            label = " ".repeat(label_width);
        }
    }
}

/// One line that sums a report up: "2 errors, 1 warning in 148 users; 6 checks, 0.2 s".
#[must_use]
pub fn verdict(report: &Report) -> String {
    let found: Vec<String> = Severity::ALL
        .into_iter()
        .map(|severity| (severity, report.count(severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| counted(severity, count))
        .collect();
    let what = if found.is_empty() { "Clean".to_owned() } else { found.join(", ") };
    let mut line = format!(
        "{what}: {}, {}, {:.1} s",
        plural(report.checked.len(), "check"),
        plural(usize::try_from(report.users).unwrap_or_default(), "user"),
        report.elapsed.as_secs_f64()
    );
    if report.accepted() > 0 {
        let _ = write!(line, "; {} accepted", report.accepted());
    }
    if !report.skipped.is_empty() {
        let skipped: Vec<String> =
            report.skipped.iter().map(|skipped| format!("{} ({})", skipped.id, skipped.why)).collect();
        let _ = write!(line, "; skipped: {}", skipped.join(", "));
    }
    line
}

fn counted(severity: Severity, count: usize) -> String {
    match severity {
        Severity::Critical | Severity::Info => format!("{count} {}", severity.name()),
        Severity::Error | Severity::Warning => plural(count, severity.name()),
    }
}

fn plural(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// What a repair did, for people: a line a check, what was refused, and the verdict on what remains.
#[must_use]
pub fn fixed_to_text(fixed: &Fixed) -> String {
    let mut out = String::new();
    for repaired in &fixed.repaired {
        let did = if fixed.dry_run { "would be repaired" } else { "repaired" };
        let _ = write!(out, "{}  {} {did}", repaired.id, repaired.count);
        if let Some(operation) = &repaired.operation {
            let _ = write!(out, "; undo with: portaldesk undo {operation}");
        }
        out.push('\n');
    }
    for (id, rehearsal) in &fixed.rehearsed {
        let _ = writeln!(out, "{id}  {}", text::safe(&rehearsal.words()));
    }
    for (title, error) in &fixed.refused {
        let _ = writeln!(out, "refused: {}: {}", text::safe(title), text::safe(&error.message));
    }
    for finding in &fixed.after.findings {
        let about = finding.check.about();
        let what = if finding.class() == Class::Choose { about.choice } else { about.remedy };
        let _ =
            writeln!(out, "{}  {} left ({}): {what}", finding.id(), finding.count(), finding.class().label());
    }
    if fixed.repaired.is_empty() && fixed.refused.is_empty() && fixed.after.findings.is_empty() {
        out.push_str("Nothing to repair.\n");
    }
    if fixed.stopped {
        out.push_str("Stopped; what was done stands, and the rest can be repaired by running this again.\n");
    }
    out.push_str(&verdict(&fixed.after));
    out.push('\n');
    out
}
