//! TIM-002: times that are none: zero and partial dates, text and numbers that Django can't read as a time.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;

use crate::change::Value;
use crate::db::schema::{Column, ColumnKind};
use crate::db::{Cell, Dialect, Sql, parse_time};
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::cells::{Ask, CellCheck, Context, Held, Offer, Repair, Spot, Typed, any};
use crate::integrity::check::{About, EVERY_ENGINE, Severity, Stage};

/// The check.
pub static ODD_TIME: CellCheck = CellCheck {
    about: &ABOUT,
    spots: &TIMES,
    suspect: |context, columns| any(columns, |column| suspect(context, column)),
    is_wrong: |context, _, _, cell| match cell {
        Cell::Null | Cell::Bytes(_) => false,
        Cell::Text(text) => readable(text).is_none(),
        // A number or broken text; only SQLite has them where a time belongs.
        _ => context.dialect == Dialect::Sqlite,
    },
    tells: |held| format!("{} is no time", held.cell().show()),
    repair: Repair::Ask(ask),
};

static ABOUT: About = About {
    id: "TIM-002",
    severity: Severity::Error,
    title: "times that can't be read",
    why: "Django reads nothing there or fails, so that pages and filters by date break; a zero date also stops every \
          ALTER of the table on a strict server.",
    cause: "A lax sql_mode took what it was given, or an import wrote dates in a form of its own.",
    remedy: "Writes NULL where the column takes it, else the time beside it, as you choose.",
    choice: "What the time should have been can only be guessed.",
    needs: &[("auth_user", &["id"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Values,
    rows_each: 1,
};

/// The portal's times; [`super::future_time`] leaves out the last one.
pub(super) static TIMES: [Spot; 6] = [
    Spot::of("auth_user", "last_login"),
    Spot::of("auth_user", "date_joined"),
    Spot::of("core_userprofile", "created_at"),
    Spot::of("core_userprofile", "updated_at"),
    Spot::of("core_department", "created_at"),
    Spot::of("django_admin_log", "action_time"),
];

/// What is clearly a time as Django writes it need not be looked at.
fn suspect(context: &Context, column: &Column) -> Option<Sql> {
    /// Whole seconds, as SQLite's GLOB has it; with and without a fraction.
    const WHOLE: &str = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]";
    const PART: &str = ".[0-9][0-9][0-9][0-9][0-9][0-9]";
    let (name, sql) = (&column.name, Sql::default());
    Some(match (context.dialect, column.kind) {
        // date() is NULL for what is no date at all, and another one for 31 February. Python knows no year 0.
        (Dialect::Sqlite, _) => sql
            .push("typeof(")
            .ident(name)
            .push(") IN ('integer', 'real') OR (typeof(")
            .ident(name)
            .push(") = 'text' AND (date(")
            .ident(name)
            .push(") IS NOT substr(")
            .ident(name)
            .push(", 1, 10) OR ")
            .ident(name)
            .push(" LIKE '0000%' OR (")
            .ident(name)
            .push_bind(" NOT GLOB ? AND ", WHOLE)
            .ident(name)
            .push_bind(" NOT GLOB ?)))", format!("{WHOLE}{PART}")),
        (Dialect::MySql, ColumnKind::Time) => sql
            .push("YEAR(")
            .ident(name)
            .push(") = 0 OR MONTH(")
            .ident(name)
            .push(") = 0 OR DAYOFMONTH(")
            .ident(name)
            .push(") = 0"),
        (Dialect::Postgres, ColumnKind::Time) => sql
            .ident(name)
            .push(" < '0001-01-01 00:00:00+00' OR ")
            .ident(name)
            .push(" >= '10000-01-01 00:00:00+00'"),
        _ => return None,
    })
}

/// The time that the portal reads there.
pub(super) fn readable(text: &str) -> Option<DateTime<Utc>> {
    parse_time(text).filter(|time| (1..=9_999).contains(&time.year()))
}

fn ask<'a>(_: &'a Portal, held: &'a Held) -> BoxFuture<'a, Result<Ask>> {
    Box::pin(async move { Ok(another_time(held)) })
}

/// Asks for a time, or none.
pub(super) fn another_time(held: &Held) -> Ask {
    let mut offers = Vec::new();
    let mut proposed = None;
    let meant = meant(held.cell(), held.context.now);
    if let Some((time, sure)) = meant {
        let text = held.context.dialect.time_text(time);
        offers.push(Offer::new("read", format!("{text}, as it reads"), Cell::Text(text)));
        proposed = sure.then_some("read");
    }
    if held.column.nullable {
        offers.push(Offer::new("null", "none (NULL)", Cell::Null));
        proposed = proposed.or(Some("null"));
    }
    let neighbour = match held.spot.column {
        "date_joined" => Some("last_login"),
        "created_at" => Some("updated_at"),
        "updated_at" => Some("created_at"),
        _ => None,
    };
    let beside = neighbour.and_then(|column| Some((column, held.image.get(column)?)));
    if let Some((column, cell)) = beside.filter(|(_, cell)| cell.as_text().and_then(readable).is_some()) {
        let label = format!("{}, as {}", cell.show(), column.replace('_', " "));
        offers.push(Offer::new(column, label, cell.clone()));
        proposed = proposed.or(Some(column));
    }
    offers.push(Offer::new("now", "the database's time when it is written", Value::Now));
    let typed = Typed { rule, stored: STORED[held.context.dialect as usize] };
    Ask { offers, proposed, typed: Some(typed) }
}

fn rule(text: &str) -> Vec<String> {
    match readable(text) {
        Some(_) => Vec::new(),
        None => vec!["Enter a time in UTC, such as 2026-11-21 08:30:00.".to_owned()],
    }
}

/// A typed time as each engine holds it, in the order of [`Dialect`].
const STORED: [fn(&str) -> Cell; 3] = [
    |text| stored(Dialect::Sqlite, text),
    |text| stored(Dialect::MySql, text),
    |text| stored(Dialect::Postgres, text),
];

fn stored(dialect: Dialect, text: &str) -> Cell {
    readable(text).map_or(Cell::Null, |time| Cell::Text(dialect.time_text(time)))
}

/// The time that a value seems to mean, and whether that is sure: a date alone, a time without seconds or with another
/// mark of UTC is; a number may be seconds since 1970.
fn meant(cell: &Cell, now: DateTime<Utc>) -> Option<(DateTime<Utc>, bool)> {
    let text = match cell {
        Cell::Int(seconds) => return epoch(*seconds, now).map(|time| (time, false)),
        Cell::Real(seconds) => {
            // Whole seconds are enough for a guess.
            return format!("{seconds:.0}")
                .parse()
                .ok()
                .and_then(|seconds| epoch(seconds, now))
                .map(|time| (time, false));
        }
        Cell::Text(text) => text.as_str(),
        Cell::Bytes(bytes) | Cell::RawText(bytes) => std::str::from_utf8(bytes).ok()?,
        Cell::Null | Cell::Bool(_) => return None,
    };
    let text = text.trim();
    let text = text.strip_suffix(" UTC").or_else(|| text.strip_suffix('Z')).unwrap_or(text);
    let date = || Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN).and_utc());
    let minute = || {
        let formats = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"];
        formats
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
            .map(|time| time.and_utc())
    };
    let time = readable(text).or_else(date).or_else(minute)?;
    (1..=9_999).contains(&time.year()).then_some((time, true))
}

/// Seconds since 1970, if that is a time of this century that is not to come.
fn epoch(seconds: i64, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0)
        .filter(|time| time.year() >= 2000 && *time <= now + TimeDelta::days(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read_where_nobody_doubts_it() {
        let now = parse_time("2026-11-21 12:00:00").unwrap();
        let time = |text: &str| parse_time(text).unwrap();
        for (cell, meaning) in [
            (Cell::Text("2026-11-20".into()), Some((time("2026-11-20 00:00:00"), true))),
            (Cell::Text("2026-11-20 08:30".into()), Some((time("2026-11-20 08:30:00"), true))),
            (Cell::Text("2026-11-20 08:30:00 UTC".into()), Some((time("2026-11-20 08:30:00"), true))),
            (Cell::Bytes(b"2026-11-20 08:30:00".to_vec()), Some((time("2026-11-20 08:30:00"), true))),
            (Cell::Int(1_700_000_000), Some((time("2023-11-14 22:13:20"), false))),
            (Cell::Int(20_261_120), None),
            (Cell::Text("0000-00-00 00:00:00".into()), None),
            (Cell::Text("yesterday".into()), None),
            (Cell::Text("0000-01-01".into()), None),
        ] {
            assert_eq!(meant(&cell, now), meaning, "{cell:?}");
        }
    }

    #[test]
    fn every_engine_finds_its_own_form_of_a_typed_time() {
        for dialect in EVERY_ENGINE {
            let stored = STORED[*dialect as usize]("2026-11-20 08:30:00");
            assert_eq!(stored, Cell::Text(dialect.time_text(parse_time("2026-11-20 08:30:00").unwrap())));
        }
    }
}
