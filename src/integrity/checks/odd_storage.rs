//! TXT-004: text and bytes that SQLite keeps where a number, a truth value or a time belongs.

use futures_util::future::BoxFuture;

use crate::db::schema::{Column, ColumnKind};
use crate::db::{Cell, Dialect, Sql};
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::cells::{Ask, CellCheck, Held, Offer, Repair, Spot, Typed, any};
use crate::integrity::check::{About, Severity, Stage};

use super::odd_bool::true_or_false;
use super::odd_time::another_time;

/// The check.
pub static ODD_STORAGE: CellCheck = CellCheck {
    about: &ABOUT,
    spots: &SPOTS,
    suspect: |_, columns| {
        any(columns, |column| {
            let classes = match column.kind {
                ColumnKind::Int => ") IN ('text', 'blob', 'real')",
                ColumnKind::Bool => ") IN ('text', 'blob')",
                ColumnKind::Time => ") = 'blob'",
                _ => return None,
            };
            Some(Sql::new("typeof(").ident(&column.name).push(classes))
        })
    },
    is_wrong: |_, _, column, cell| is_wrong(column, cell),
    tells: |held| {
        let class = match held.cell() {
            Cell::Bytes(_) => "bytes",
            Cell::Real(_) => "a fraction",
            _ => "text",
        };
        let wanted = match held.column.kind {
            ColumnKind::Bool => "0 or 1 belongs",
            ColumnKind::Time => "a time belongs",
            _ => "a whole number belongs",
        };
        format!("{} is kept as {class} where {wanted}", shown(held.cell()))
    },
    repair: Repair::Ask(ask),
};

static ABOUT: About = About {
    id: "TXT-004",
    severity: Severity::Error,
    title: "values of another kind than their column",
    why: "SQLite keeps them and its own integrity_check passes, but they are equal to nothing: the portal finds no such \
          row, joins lose it, and a move to another engine stops there.",
    cause: "A hand-written statement or an import: SQLite's columns take everything.",
    remedy: "Writes the same value as the column's kind where that loses nothing; else what you say.",
    choice: "The value may not be what it was meant to be.",
    needs: &[("auth_user", &["id"])],
    engines: &[Dialect::Sqlite],
    deep: false,
    // Before the links: a user's id kept as text looks like a link that leads nowhere, and would be removed as one.
    stage: Stage::Schema,
    rows_each: 1,
};

static SPOTS: [Spot; 23] = [
    Spot::of("auth_user", "is_superuser"),
    Spot::of("auth_user", "is_staff"),
    Spot::of("auth_user", "is_active"),
    Spot::of("core_userprofile", "email_notifications"),
    Spot::of("core_department", "is_active"),
    Spot::of("auth_user", "last_login"),
    Spot::of("auth_user", "date_joined"),
    Spot::of("core_userprofile", "created_at"),
    Spot::of("core_userprofile", "updated_at"),
    Spot::of("core_department", "created_at"),
    Spot::of("django_admin_log", "action_time"),
    Spot::of("core_userprofile", "user_id"),
    Spot::of("core_userprofile", "department_id"),
    Spot::of("auth_user_groups", "user_id"),
    Spot::of("auth_user_groups", "group_id"),
    Spot::of("auth_user_user_permissions", "user_id"),
    Spot::of("auth_user_user_permissions", "permission_id"),
    Spot::of("auth_group_permissions", "group_id"),
    Spot::of("auth_group_permissions", "permission_id"),
    Spot::of("auth_permission", "content_type_id"),
    Spot::of("django_admin_log", "user_id"),
    Spot::of("django_admin_log", "content_type_id"),
    Spot::of("django_admin_log", "action_flag"),
];

/// Whether this check looks at a column: what is kept there as text is its business alone.
pub(in crate::integrity) fn watches(table: &str, column: &str) -> bool {
    SPOTS.iter().any(|spot| spot.table == table && spot.column == column)
}

fn is_wrong(column: &Column, cell: &Cell) -> bool {
    match column.kind {
        ColumnKind::Int => matches!(cell, Cell::Text(_) | Cell::RawText(_) | Cell::Bytes(_) | Cell::Real(_)),
        ColumnKind::Bool => matches!(cell, Cell::Text(_) | Cell::RawText(_) | Cell::Bytes(_)),
        ColumnKind::Time => matches!(cell, Cell::Bytes(_)),
        _ => false,
    }
}

/// Bytes that are readable are shown as text.
fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Bytes(bytes) => format!("'{}'", Cell::RawText(bytes.clone()).show()),
        Cell::Text(_) | Cell::RawText(_) => format!("'{}'", cell.show()),
        _ => cell.show(),
    }
}

fn ask<'a>(_: &'a Portal, held: &'a Held) -> BoxFuture<'a, Result<Ask>> {
    Box::pin(async move {
        Ok(match held.column.kind {
            ColumnKind::Bool => true_or_false(held),
            ColumnKind::Time => another_time(held),
            _ => number(held),
        })
    })
}

fn number(held: &Held) -> Ask {
    let mut offers = Vec::new();
    if let Some(value) = lossless(held.cell()) {
        offers.push(Offer::new("cast", format!("{value}, the same as a number"), Cell::Int(value)));
    }
    let proposed = offers.first().map(|offer| offer.answer);
    if held.column.nullable {
        offers.push(Offer::new("null", "none (NULL)", Cell::Null));
    }
    let typed = Typed {
        rule: |text| match text.trim().parse::<i64>() {
            Ok(_) => Vec::new(),
            Err(_) => vec!["Enter a whole number.".to_owned()],
        },
        stored: |text| Cell::int(text.trim().parse().ok()),
    };
    Ask { offers, proposed, typed: Some(typed) }
}

/// The whole number that is written there, and nothing else.
fn lossless(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Text(text) => text.trim().parse().ok(),
        Cell::Bytes(bytes) => std::str::from_utf8(bytes).ok()?.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_number_is_a_cast() {
        assert_eq!(lossless(&Cell::Bytes(b"17".to_vec())), Some(17));
        assert_eq!(lossless(&Cell::Text(" 17 ".into())), Some(17));
        for cell in
            [Cell::Text("17a".into()), Cell::Text("1.5".into()), Cell::Real(1.5), Cell::Bytes(vec![255])]
        {
            assert_eq!(lossless(&cell), None, "{cell:?}");
        }
    }
}
