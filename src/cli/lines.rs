//! A list that is printed as it is read, so that a million entries take no more memory than a page.

use serde_json::{Value, json};

use super::json;
use super::output::Output;
use super::table::Table;
use crate::error::Result;
use crate::text;

/// For people in columns, for scripts as one JSON object.
pub(super) struct Lines {
    table: Table,
    shown: u64,
}

impl Lines {
    /// Begins a list of this kind.
    pub(super) fn begin(output: &mut Output, kind: &str, headings: &[&str]) -> Result<Self> {
        if output.is_json() {
            // The frame of a list, up to where its items begin.
            let frame = text::json(&json::object(kind, json!({})));
            output.data(frame.trim_end_matches('}').as_bytes())?;
            output.data(b",\"items\":[")?;
        }
        Ok(Self { table: Table::new(headings), shown: 0 })
    }

    /// Prints more: each as an item, or as a row of the table.
    pub(super) fn add<T, const COLUMNS: usize>(
        &mut self,
        output: &mut Output,
        things: &[T],
        item: impl Fn(&T) -> Value,
        row: impl Fn(&T) -> [String; COLUMNS],
    ) -> Result<()> {
        let mut text = String::new();
        for thing in things {
            if output.is_json() {
                text.push_str(if self.shown == 0 { "\n" } else { ",\n" });
                text.push_str(&text::json(&item(thing)));
            } else {
                self.table.row(row(thing));
            }
            self.shown += 1;
        }
        if !output.is_json() {
            text = self.table.take();
        }
        output.data(text.as_bytes())
    }

    /// Ends the list; `total` counts what matches, not what was printed.
    pub(super) fn end(self, output: &mut Output, total: i64) -> Result<u8> {
        if output.is_json() {
            output.data(format!("\n],\"total\":{total}}}\n").as_bytes())?;
        } else {
            output.talk(&format!("{} of {total}", self.shown));
        }
        Ok(0)
    }

    /// Ends a list for people of which it is only known whether there is more.
    pub(super) fn cut(self, output: &mut Output, more: bool) {
        let rest = if more { ", and there are more" } else { ", and no more" };
        output.talk(&format!("{}{rest}", self.shown));
    }
}
