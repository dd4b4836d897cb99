//! `backup`: the account tables in a file.

use std::path::Path;

use serde_json::{Value, json};

use super::{Work, json};
use crate::directory::backup::{self, Summary};
use crate::error::Result;

/// `portaldesk backup`
///
/// # Errors
/// Invalid, when the file is there already, can't be written or the copy is not whole; what the engine says.
pub(super) async fn run(work: &mut Work, path: &Path, own: bool) -> Result<u8> {
    let summary = backup::write_with(&work.portal, path, own, &work.cancel).await?;
    work.output.result(&json::object("backup", item(&summary)), || format!("{summary}\n"))?;
    Ok(0)
}

fn item(summary: &Summary) -> Value {
    let tables: serde_json::Map<String, Value> =
        summary.tables.iter().map(|(name, rows)| (name.clone(), json!(rows))).collect();
    json!({"file": summary.path, "bytes": summary.bytes, "tables": tables})
}

/// Makes a copy before something that is hard to take back, where one is wished for.
///
/// # Errors
/// As [`run`].
pub(super) async fn before(work: &mut Work, path: Option<&Path>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let summary = backup::write(&work.portal, path, &work.cancel).await?;
    work.output.talk(&summary.to_string());
    Ok(())
}
