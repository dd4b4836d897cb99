//! `run`: the runs that go on or were stopped, and what becomes of the latter.

use serde_json::{Value, json};

use super::args::{Run, RunList};
use super::change::{Note, complete};
use super::table::Table;
use super::{Work, check, json, prompt, time};
use crate::change::{Outcome, Purpose};
use crate::error::{Error, Kind, Result};
use crate::integrity::runs::{self, Listed, Resumed};
use crate::text;

/// `portaldesk run`
///
/// # Errors
/// Invalid, when there is no such run; busy, when it goes on; conflict, when it can't be gone on with; interrupted, when
/// it is stopped again.
pub(super) async fn run(work: &mut Work, command: &Run) -> Result<u8> {
    match command {
        Run::List(wanted) => list(work, wanted).await,
        Run::Show { run } => {
            let listed = runs::show(&work.portal, run).await?;
            show(work, &listed)
        }
        Run::Resume { run, write } => resume(work, run, write.dry_run).await,
        Run::End { run } => {
            let listed = runs::end(&work.portal, run).await?;
            show(work, &listed)
        }
    }
}

async fn list(work: &mut Work, wanted: &RunList) -> Result<u8> {
    let found = runs::list(&work.portal, wanted.all, i64::from(wanted.limit)).await?;
    let items: Vec<Value> = found.iter().map(item).collect();
    let mut table = Table::new(&["run", "state", "done", "began", "by", "what"]);
    for listed in &found {
        table.row([
            &listed.run.id,
            listed.state.name(),
            &listed.far(),
            &time::shown(listed.run.started, work.zone),
            &listed.by(),
            &listed.run.title,
        ]);
    }
    work.output.result(&json::list("runs", &items, items.len() as u64), || {
        if found.is_empty() { "No run goes on, and none was stopped.\n".to_owned() } else { table.take() }
    })?;
    Ok(0)
}

fn show(work: &mut Work, listed: &Listed) -> Result<u8> {
    let zone = work.zone;
    work.output.result(&json::one("run", &item(listed)), || {
        let run = &listed.run;
        let mut lines = vec![
            listed.words(),
            format!("  began         {} by {}", time::shown(run.started, zone), listed.by()),
            format!("  last sign     {} from {}", time::shown(run.heartbeat, zone), run.owner),
        ];
        if run.refused > 0 {
            lines.push(format!("  refused       {}", run.refused));
        }
        lines.extend(listed.can_go_on().then(|| format!("  go on with    portaldesk run resume {}", run.id)));
        if run.done > 0 {
            lines.push(format!("  take back     portaldesk undo {}", run.id));
        }
        let lines: Vec<_> = lines.iter().map(|line| text::safe(line)).collect();
        lines.join("\n") + "\n"
    })?;
    Ok(0)
}

/// A run for scripts.
fn item(listed: &Listed) -> Value {
    let run = &listed.run;
    let owner = listed.owner().map(|it| json!({"user": it.user, "host": it.host, "pid": it.pid}));
    json!({
        "run": run.id,
        "title": run.title,
        "kind": run.kind,
        "state": listed.state.name(),
        "done": run.done,
        "planned": run.planned,
        "refused": run.refused,
        "resumable": listed.can_go_on(),
        "actor": {"user": run.actor, "unix": run.unix_user, "from": run.ssh_from},
        "owner": owner,
        "started": time::rfc3339(run.started),
        "heartbeat": time::rfc3339(run.heartbeat),
        "finished": run.finished.map(time::rfc3339),
    })
}

/// Goes on with a stopped run, or shows what that would do.
///
/// # Errors
/// As [`run`].
pub(super) async fn resume(work: &mut Work, id: &str, dry_run: bool) -> Result<u8> {
    if dry_run {
        return match runs::ahead(&work.portal, id).await? {
            Some(ahead) => check::show(work, &ahead).await,
            None => work.report(&[], &Outcome::default(), &Note { dry_run, ..Note::default() }),
        };
    }
    let meter = work.output.meter();
    let resumed = runs::resume(&work.portal, id, &meter.watch(&work.cancel)).await;
    meter.end();
    match resumed? {
        Resumed::Repair(fixed) if fixed.stopped => Err(stopped(work, id).await),
        Resumed::Repair(fixed) => check::show(work, &fixed).await,
        Resumed::Other(outcome) => {
            work.report(&[], &outcome, &Note::default())?;
            if !outcome.stopped {
                return complete(&outcome).map(|()| 0);
            }
            let stopped = stopped(work, id).await;
            // What stopped it, where that was not somebody's wish.
            let why = outcome.refused.first().map(|(title, error)| format!("{title}: {error} "));
            Err(Error { message: why.unwrap_or_default() + &stopped.message, ..stopped })
        }
    }
}

/// What is said of a run that was stopped: how far it came, and what can be done about it.
pub(super) async fn stopped(work: &Work, id: &str) -> Error {
    match runs::show(&work.portal.uncancelled(), id).await {
        Ok(listed) => {
            let message = format!("{}. {}", listed.words(), ways(&listed));
            Error::new(Kind::Interrupted, message).about(id)
        }
        Err(error) if error.kind == Kind::Invalid => {
            Error::new(Kind::Interrupted, "Stopped before anything was written.")
        }
        Err(error) => error,
    }
}

/// What can be done about a stopped run.
fn ways(listed: &Listed) -> String {
    let id = &listed.run.id;
    let on = match Purpose::named(&listed.run.kind) {
        _ if listed.can_go_on() => format!(" Go on: portaldesk run resume {id}."),
        // What came through a pipe is gone.
        Purpose::Import => {
            " Go on: import the same rows once more with --update, which passes over what stands.".to_owned()
        }
        _ => String::new(),
    };
    format!("What it did stands.{on} Take it back: portaldesk undo {id}.")
}

/// Tells of runs that were stopped before, ahead of another repair. Where someone is there, they are asked whether to go
/// on with the newest; the exit code of that, if they want to.
///
/// # Errors
/// As [`run`].
pub(super) async fn ask_about_stopped(work: &mut Work) -> Result<Option<u8>> {
    let found = runs::stopped(&work.portal).await?;
    for listed in &found {
        let id = &listed.run.id;
        let aside = format!("Leave it at that: portaldesk run end {id}.");
        work.output.talk(&format!("{}. {} {aside}", listed.words(), ways(listed)));
    }
    let Some(newest) = found.iter().find(|listed| listed.can_go_on()) else { return Ok(None) };
    if work.global.yes || !prompt::someone_is_there() || !prompt::confirm("Go on with it now?")? {
        return Ok(None);
    }
    let id = newest.run.id.clone();
    resume(work, &id, false).await.map(Some)
}
