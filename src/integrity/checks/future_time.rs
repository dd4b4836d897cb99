//! TIM-001: times that are still to come.

use chrono::TimeDelta;
use futures_util::future::BoxFuture;

use crate::change::Value;
use crate::db::schema::ColumnKind;
use crate::db::{Cell, Dialect, Sql};
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::cells::{Ask, CellCheck, Context, Held, Offer, Repair, any};
use crate::integrity::check::{About, EVERY_ENGINE, Severity, Stage};

use super::odd_time::{TIMES, readable};

/// The check.
pub static FUTURE_TIME: CellCheck = CellCheck {
    about: &ABOUT,
    spots: TIMES.split_at(TIMES.len() - 1).0,
    suspect: |context, columns| {
        any(columns, |column| {
            let sql = Sql::default();
            Some(match (context.dialect, column.kind) {
                // Text, in one of several forms: the date before its time zone is never a day behind.
                (Dialect::Sqlite, _) => sql
                    .push("typeof(")
                    .ident(&column.name)
                    .push(") = 'text' AND ")
                    .ident(&column.name)
                    .push_bind(" >= ?", context.now.format("%Y-%m-%d").to_string()),
                (_, ColumnKind::Time) => sql.ident(&column.name).push_bind(" > ?", latest(context)),
                _ => return None,
            })
        })
    },
    is_wrong: |context, _, _, cell| match cell {
        Cell::Text(text) => readable(text).is_some_and(|time| time > latest(context)),
        _ => false,
    },
    tells: |held| format!("{} is still to come", held.cell().show()),
    repair: Repair::Ask(ask),
};

static ABOUT: About = About {
    id: "TIM-001",
    severity: Severity::Warning,
    title: "times in the future",
    why: "The account sorts as the newest for years, and reports of inactive accounts pass it over.",
    cause: "A server's clock was wrong, or an import took local time, another order of day and month, or a typing error.",
    remedy: "Sets it to the database's time when the repair is written.",
    choice: "The right time is not known: now is the latest that it can have been.",
    needs: &[("auth_user", &["id"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Values,
    rows_each: 1,
};

/// Clocks and time zones may differ by this much.
fn latest(context: &Context) -> chrono::DateTime<chrono::Utc> {
    context.now + TimeDelta::hours(24)
}

fn ask<'a>(_: &'a Portal, held: &'a Held) -> BoxFuture<'a, Result<Ask>> {
    Box::pin(async move {
        let mut offers = vec![Offer::new("now", "the database's time when it is written", Value::Now)];
        if held.column.nullable {
            offers.push(Offer::new("null", "none (NULL)", Cell::Null));
        }
        Ok(Ask { offers, proposed: Some("now"), typed: None })
    })
}
