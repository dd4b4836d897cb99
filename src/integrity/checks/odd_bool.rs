//! BOO-001: truth values that are neither 0 nor 1.

use futures_util::future::BoxFuture;

use crate::db::schema::ColumnKind;
use crate::db::{Cell, Dialect, Sql};
use crate::directory::Portal;
use crate::error::Result;
use crate::portal::rules;

use crate::integrity::cells::{Ask, CellCheck, Held, Offer, Repair, Spot, any};
use crate::integrity::check::{About, Severity, Stage};

/// The check.
pub static ODD_BOOL: CellCheck = CellCheck {
    about: &ABOUT,
    spots: &BOOLEANS,
    suspect: |context, columns| {
        any(columns, |column| {
            let sql = Sql::default();
            Some(match (column.kind, context.dialect) {
                // Text where a truth value belongs is another fault: TXT-004.
                (ColumnKind::Bool | ColumnKind::Int, Dialect::Sqlite) => sql
                    .push("typeof(")
                    .ident(&column.name)
                    .push(") IN ('integer', 'real') AND ")
                    .ident(&column.name)
                    .push(" NOT IN (0, 1)"),
                (ColumnKind::Bool | ColumnKind::Int, _) => sql.ident(&column.name).push(" NOT IN (0, 1)"),
                (ColumnKind::Text, _) => sql.ident(&column.name).push(" NOT IN ('0', '1')"),
                _ => return None,
            })
        })
    },
    is_wrong: |_, _, column, cell| match cell {
        Cell::Int(value) => !matches!(value, 0 | 1),
        Cell::Real(_) => true,
        Cell::Text(text) => column.kind == ColumnKind::Text && !matches!(text.as_str(), "0" | "1"),
        _ => false,
    },
    tells: |held| format!("{} where 0 or 1 belongs", held.cell().show()),
    repair: Repair::Ask(ask),
};

static ABOUT: About = About {
    id: "BOO-001",
    severity: Severity::Warning,
    title: "truth values that are neither 0 nor 1",
    why: "Whether it counts as yes or no depends on who asks: Python, a filter, SQLite and MySQL differ.",
    cause: "A hand-written UPDATE or an import.",
    remedy: "Writes 1 or 0, as you choose.",
    choice: "Only someone who knows the account can say which was meant.",
    needs: &[("auth_user", &["id"])],
    engines: &[Dialect::Sqlite, Dialect::MySql],
    deep: false,
    stage: Stage::Values,
    rows_each: 1,
};

/// The portal's truth values.
pub(super) static BOOLEANS: [Spot; 5] = [
    Spot::of("auth_user", "is_superuser"),
    Spot::of("auth_user", "is_staff"),
    Spot::of("auth_user", "is_active"),
    Spot::of("core_userprofile", "email_notifications"),
    Spot::of("core_department", "is_active"),
];

fn ask<'a>(_: &'a Portal, held: &'a Held) -> BoxFuture<'a, Result<Ask>> {
    Box::pin(async move { Ok(true_or_false(held)) })
}

/// Asks for true or false.
pub(super) fn true_or_false(held: &Held) -> Ask {
    let offer = |value: bool, label: &str| {
        let answer = if value { "true" } else { "false" };
        Offer::new(answer, label, Cell::Bool(value))
    };
    let proposed = meaning(held.cell(), held.context.dialect)
        // Nobody gets a right because a value was guessed.
        .filter(|yes| !(*yes && matches!(held.spot.column, "is_superuser" | "is_staff")))
        .map(|yes| if yes { "true" } else { "false" });
    Ask { offers: vec![offer(true, "yes"), offer(false, "no")], proposed, typed: None }
}

/// What the value means, where nobody could doubt it. A number other than 0 and 1 is true for MySQL and for a portal on
/// it; on SQLite Django takes it for false, though SQL does not.
fn meaning(cell: &Cell, dialect: Dialect) -> Option<bool> {
    let text = match cell {
        Cell::Int(_) if dialect == Dialect::MySql => return Some(true),
        Cell::Text(text) => text.as_str(),
        Cell::Bytes(bytes) => std::str::from_utf8(bytes).ok()?,
        _ => return None,
    };
    match text {
        "t" => Some(true),
        "f" => Some(false),
        _ => rules::boolean(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_doubts_is_proposed() {
        let text = |text: &str| Cell::Text(text.to_owned());
        for (cell, dialect, value) in [
            (text(" Yes"), Dialect::Sqlite, Some(true)),
            (text("off"), Dialect::Sqlite, Some(false)),
            (text("maybe"), Dialect::Sqlite, None),
            (text(""), Dialect::Sqlite, None),
            (Cell::Bytes(b"1".to_vec()), Dialect::Sqlite, Some(true)),
            (Cell::Int(2), Dialect::Sqlite, None),
            (Cell::Int(2), Dialect::MySql, Some(true)),
            (Cell::Real(0.5), Dialect::Sqlite, None),
        ] {
            assert_eq!(meaning(&cell, dialect), value, "{cell:?}");
        }
    }
}
