//! `user export`.

use std::io::{IsTerminal as _, stdout};

use serde_json::json;

use super::args::{Format, UserExport};
use super::users::{chosen_filter, column};
use super::{Work, json};
use crate::directory::export::columns::{self, Column};
use crate::directory::export::{self, Shape};
use crate::directory::selection::Selection;
use crate::directory::users::Query;
use crate::error::{Error, Result};
use crate::text;

/// Writes accounts to standard output or into a new file.
///
/// # Errors
/// Usage, when what is asked for makes no sense; invalid, when the file is there already; what the engine says.
pub(super) async fn run(work: &mut Work, wanted: &UserExport) -> Result<u8> {
    let shape = shape(wanted, work.output.is_json())?;
    let filter = chosen_filter(&work.portal, &wanted.chosen).await?;
    let query = Query { filter, sort: column(wanted.sort), descending: wanted.descending };
    let whom = Selection::Matching { query, except: std::collections::BTreeSet::new() };
    let Some(path) = &wanted.output else {
        let output = &mut work.output;
        let count = export::write(&work.portal, &whom, &shape, &mut |piece| output.data(piece)).await?;
        work.output.talk(&in_words(count));
        return Ok(0);
    };
    let exported = export::write_file(&work.portal, &whom, &shape, path, wanted.force).await?;
    let format = if matches!(shape, Shape::Json) { "json" } else { "csv" };
    let shown = exported.path.display().to_string();
    let value = json!({"file": shown, "format": format, "total": exported.users});
    work.output.result(&json::object("export", value), || {
        format!("{} in {}\n", in_words(exported.users), text::safe(&shown))
    })?;
    Ok(0)
}

fn in_words(count: u64) -> String {
    match count {
        1 => "1 user".to_owned(),
        count => format!("{} users", text::grouped(count)),
    }
}

/// What is written, if it makes sense where it goes.
fn shape(wanted: &UserExport, json: bool) -> Result<Shape> {
    let by_name = wanted.output.as_deref().and_then(Shape::of);
    let shape = match (wanted.format, by_name) {
        (Some(Format::Json), _) | (None, Some(Shape::Json)) => Shape::Json,
        (None, None) if json => Shape::Json,
        _ => Shape::Csv(chosen(wanted)?),
    };
    match shape {
        Shape::Json if wanted.columns.is_some() => {
            Err(Error::usage("--columns is for CSV; JSON has everything of every account"))
        }
        Shape::Csv(_) if wanted.output.is_none() && json => {
            Err(Error::usage("--json prints JSON: leave --format csv out, or name a file with --output"))
        }
        // Text of the database as it is could do anything to a terminal.
        Shape::Csv(_) if wanted.output.is_none() && stdout().is_terminal() => Err(Error::usage(
            "CSV holds text of the portal as it is, which could act on this terminal: give --output FILE, or send it \
             into a file or another program. `portaldesk user list` shows accounts here",
        )),
        shape => Ok(shape),
    }
}

fn chosen(wanted: &UserExport) -> Result<Vec<&'static Column>> {
    let Some(names) = &wanted.columns else { return Ok(columns::usual()) };
    let chosen = columns::named(names.iter().map(String::as_str))?;
    if chosen.is_empty() {
        return Err(Error::usage("--columns names no column"));
    }
    Ok(chosen)
}
