//! The report in text for people and in JSON for scripts. Rows are fetched a page at a time while it is written, so that
//! a finding of a million rows takes no more memory than one of a hundred.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::directory::Portal;
use crate::error::Result;
use crate::text;

use super::check::{Class, Finding, Severity};
use super::fix::Fixed;
use super::scan::{Report, Skipped};

/// Subjects whose rows are fetched together.
const PAGE: usize = 500;

/// Where the pieces of a report go, in order.
pub type Sink<'a> = &'a mut (dyn FnMut(&str) -> Result<()> + Send);

/// How many decisions of each severity there are, as in JSON. Nothing is accepted as long as there is no baseline.
#[must_use]
pub fn summary(report: &Report) -> Json {
    let mut summary = serde_json::Map::new();
    for severity in Severity::ALL {
        summary.insert(severity.name().to_owned(), json!(report.count(severity)));
    }
    summary.insert("accepted".to_owned(), json!(0));
    Json::Object(summary)
}

fn skipped(skipped: &[Skipped]) -> Json {
    skipped.iter().map(|skipped| json!({ "id": skipped.id, "why": skipped.why })).collect()
}

/// Writes the whole report as one JSON object, `{"portaldesk": 1, "kind": "report", "findings": […], "summary": {…},
/// "skipped": […], "users": n, "time": "…", "seconds": n}`, every row in it.
///
/// # Errors
/// What the engine says while rows are fetched; what the sink says.
pub async fn write_json(portal: &Portal, report: &Report, sink: Sink<'_>) -> Result<()> {
    sink("{\"portaldesk\":1,\"kind\":\"report\",\"findings\":")?;
    write_findings(portal, &report.findings, sink).await?;
    let end = format!(
        ",\"summary\":{},\"skipped\":{},\"users\":{},\"time\":{},\"seconds\":{:.3}}}",
        summary(report),
        text::json(&skipped(&report.skipped)),
        report.users,
        json!(report.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        report.elapsed.as_secs_f64(),
    );
    sink(&end)
}

/// Writes what a repair did as one JSON object: the report of what was found before, with `"repaired"`, `"remaining"`,
/// `"refused"`, `"plan"` (in a dry run, its beginning) and `"dry_run"`. Of each finding the rows of its first thousand
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
    let plan: Vec<Json> = fixed.plans.iter().flat_map(crate::change::Plan::to_json).collect();
    sink(&format!(
        ",\"refused\":{},\"plan\":{},\"summary\":{},\"skipped\":{}}}",
        text::json(&refused),
        text::json(&Json::Array(plan)),
        summary(&fixed.before),
        text::json(&skipped(&fixed.before.skipped)),
    ))
}

/// Everything of a finding but its rows, without the closing brace.
fn head(finding: &Finding) -> String {
    let head = json!({
        "id": finding.id(),
        "severity": finding.severity().name(),
        "class": finding.class().letter(),
        "title": finding.title(),
        "count": finding.count(),
        "note": finding.found.note,
    });
    let mut head = text::json(&head);
    head.pop();
    head
}

async fn write_findings(portal: &Portal, findings: &[Finding], sink: Sink<'_>) -> Result<()> {
    sink("[")?;
    for (index, finding) in findings.iter().enumerate() {
        sink(if index == 0 { "" } else { "," })?;
        sink(&head(finding))?;
        sink(",\"rows\":[")?;
        let mut first = true;
        for from in (0..finding.found.subjects.len()).step_by(PAGE) {
            for row in finding.rows(portal, from, PAGE).await? {
                sink(if first { "" } else { "," })?;
                sink(&text::json(&row.to_json()))?;
                first = false;
            }
        }
        sink("]}")?;
    }
    sink("]")
}

fn write_kept_findings(fixed: &Fixed, sink: Sink<'_>) -> Result<()> {
    sink("[")?;
    for (index, (finding, rows)) in fixed.before.findings.iter().zip(&fixed.rows).enumerate() {
        sink(if index == 0 { "" } else { "," })?;
        sink(&head(finding))?;
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

/// The report for people, safe to print, with the rows of at most `rows` subjects a finding.
///
/// # Errors
/// What the engine says while rows are fetched.
pub async fn to_text(portal: &Portal, report: &Report, rows: usize) -> Result<String> {
    let mut out = String::new();
    for finding in &report.findings {
        push_finding(&mut out, finding);
        for row in finding.rows(portal, 0, rows).await? {
            let _ = writeln!(out, "    {}", row.text);
        }
        let more = finding.found.subjects.len().saturating_sub(rows);
        if more > 0 {
            let _ = writeln!(out, "    … and {more} more");
        }
        out.push('\n');
    }
    out.push_str(&verdict(report));
    out.push('\n');
    Ok(out)
}

fn push_finding(out: &mut String, finding: &Finding) {
    let about = finding.check.about();
    let _ = writeln!(
        out,
        "{}  {}  {}  {}  {}",
        finding.id(),
        text::pad(finding.severity().name(), 8),
        finding.count(),
        finding.class().label(),
        finding.title()
    );
    let _ = writeln!(out, "  Why     {}", about.why);
    let _ = writeln!(out, "  Cause   {}", about.cause);
    match finding.class() {
        Class::Choose => {
            let _ = writeln!(out, "  Choose  {}", about.choice);
        }
        Class::Automatic | Class::Manual => {
            let _ = writeln!(out, "  Repair  {}", about.remedy);
        }
    }
    if let Some(note) = &finding.found.note {
        let _ = writeln!(out, "  Note    {}", text::safe(note));
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
