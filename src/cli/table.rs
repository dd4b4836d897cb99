//! Aligned columns for people.

use crate::text::{pad, safe, width};

/// Rows under headings; everything foreign is made safe here.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    #[must_use]
    pub fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|&heading| heading.to_owned()).collect()] }
    }

    /// Adds a row; a missing cell is empty.
    pub fn row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(|cell| safe(cell.as_ref()).into_owned()).collect());
    }

    /// Whether there is no row under the headings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len() <= 1
    }

    /// The table as lines, two blanks between columns, none at the ends of lines.
    #[must_use]
    pub fn render(&self) -> String {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                match widths.get_mut(column) {
                    Some(widest) => *widest = width(cell).max(*widest),
                    None => widths.push(width(cell)),
                }
            }
        }
        let mut text = String::new();
        for row in &self.rows {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, &columns)| pad(cell, columns)).collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

/// Names and values, one pair a line, the values in one column.
#[must_use]
pub fn pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> String {
    let mut table = Table { rows: Vec::new() };
    for (name, value) in pairs {
        table.row([name.as_ref(), value.as_ref()]);
    }
    table.render()
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
        assert_eq!(table.render(), "username  name\n日本      a\nbob\n");
    }

    #[test]
    fn foreign_text_stays_on_its_line() {
        let shown = pairs([("name", "a\nb\x1b[2J")]);
        assert_eq!(shown.matches('\n').count(), 1);
        assert!(!shown.contains('\x1b'));
    }
}
