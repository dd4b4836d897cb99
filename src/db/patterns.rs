//! Conditions on what texts are made of, in each engine's own patterns: SQLite's GLOB, the regular expressions of MySQL and
//! PostgreSQL. A class is what stands between the brackets of a pattern, of plain characters and ranges.

use super::{Dialect, Ident, Sql};

/// True for a text that holds no character outside a class; for the empty text too.
#[must_use]
pub fn only_of(dialect: Dialect, column: &Ident, class: &str) -> Sql {
    let sql = Sql::default().ident(column);
    match dialect {
        Dialect::Sqlite => sql.push_bind(" NOT GLOB ?", format!("*[^{class}]*")),
        Dialect::MySql => sql.push_bind(" NOT REGEXP ?", format!("[^{class}]")),
        Dialect::Postgres => sql.push_bind(" !~ ?", format!("[^{class}]")),
    }
}

/// True at least for a row in which one of the texts holds a character of the class `inside` or NUL, or begins or ends in
/// one of `edge`; for a few others too, so that one look at each row is enough. On SQLite true also for bytes, and for
/// whatever is not plain ASCII: what is no UTF-8 is among that.
#[must_use]
pub fn may_hold(dialect: Dialect, columns: &[&Ident], inside: &str, edge: &str) -> Sql {
    let mut sql = Sql::default();
    if dialect == Dialect::Sqlite {
        for (index, column) in columns.iter().enumerate() {
            sql = sql
                .push(if index == 0 { "" } else { " OR " })
                .ident(column)
                .push_bind(" GLOB ? OR ", "*[^ -~]*")
                .ident(column)
                .push(" GLOB ' *' OR ")
                .ident(column)
                .push(" GLOB '* ' OR instr(")
                .ident(column)
                .push(", char(0)) > 0 OR typeof(")
                .ident(column)
                .push(") = 'blob'");
        }
        return sql;
    }
    // All texts of a row in one, parted by a character that may also be part of one.
    sql = sql.push("CONCAT_WS('|'");
    for column in columns {
        sql = match dialect {
            // Columns of different collations can't be joined as they are.
            Dialect::MySql => sql.push(", CONVERT(").ident(column).push(" USING utf8mb4)"),
            _ => sql.push(", ").ident(column),
        };
    }
    let pattern = format!("[[:cntrl:]{inside}]|(^|[|])[{edge}]|[{edge}]([|]|$)");
    sql.push_bind(if dialect == Dialect::MySql { ") REGEXP ?" } else { ") ~ ?" }, pattern)
}
