//! Aligned columns for people.

use crate::text::{pad, safe, width};

/// Rows under headings; everything foreign is made safe here.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    widths: Vec<usize>,
    taken: usize,
}

impl Table {
    /// A table with these headings.
    #[must_use]
    pub fn new(headings: &[&str]) -> Self {
        let mut table = Self::default();
        table.row(headings);
        table
    }

    /// Adds a row; a missing cell is empty.
    pub fn row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let cells: Vec<String> = cells.into_iter().map(|cell| safe(cell.as_ref()).into_owned()).collect();
        self.widths.resize(self.widths.len().max(cells.len()), 0);
        for (widest, cell) in self.widths.iter_mut().zip(&cells) {
            *widest = width(cell).max(*widest);
        }
        self.rows.push(cells);
    }

    /// Whether there never was a row under the headings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.taken + self.rows.len() <= 1
    }

    /// The rows as lines, two blanks between columns, none at the ends of lines. They are taken out, so that a long
    /// table can be printed in parts; later parts are at least as wide.
    #[must_use]
    pub fn take(&mut self) -> String {
        let mut text = String::new();
        for row in std::mem::take(&mut self.rows) {
            self.taken += 1;
            let cells: Vec<String> =
                row.iter().zip(&self.widths).map(|(cell, &columns)| pad(cell, columns)).collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

/// Names and values, one pair a line, the values in one column.
#[must_use]
pub fn pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> String {
    let mut table = Table::default();
    for (name, value) in pairs {
        table.row([name.as_ref(), value.as_ref()]);
    }
    table.take()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_their_width_on_the_screen() {
        let mut table = Table::new(&["username", "name"]);
        table.row(["日本", "a"]);
        table.row(["bob", ""]);
        assert!(!table.is_empty());
        assert_eq!(table.take(), "username  name\n日本      a\nbob\n");
    }

    #[test]
    fn foreign_text_stays_on_its_line() {
        let shown = pairs([("name", "a\nb\x1b[2J")]);
        assert_eq!(shown.matches('\n').count(), 1);
        assert!(!shown.contains('\x1b'));
    }
}
