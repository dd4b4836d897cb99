//! How many users joined, or signed in last, in which month.
//!
//! A month begins at midnight here, as in filters; so the database compares times with the beginnings of months, which
//! every engine does alike, and spells no month itself.

use chrono::{DateTime, Utc};

use crate::db::Sql;
use crate::directory::Portal;
use crate::directory::moment::Month;
use crate::error::Result;

/// How many months are told apart.
pub const SHOWN: usize = 24;

/// Which time of a user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// Django's `date_joined`.
    Joined,
    /// Django's `last_login`: to the portal on the web.
    LastLogin,
}

/// Users by month.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Months {
    /// The months, this one first, and how many users each has.
    pub months: Vec<(Month, i64)>,
    /// Users whose time is before all of them.
    pub before: i64,
    /// Users whose time is yet to come.
    pub after: i64,
    /// Users without such a time.
    pub never: i64,
}

/// Counts by month, up to the month of `now`.
///
/// # Errors
/// What the engine says.
pub async fn read(portal: &Portal, time: Time, now: DateTime<Utc>) -> Result<Months> {
    let mut counted = Months { months: Vec::with_capacity(SHOWN), ..Months::default() };
    let Some(this) = Month::of(now) else { return Ok(counted) };
    let mut next = Some(this);
    while let Some(month) = next.filter(|_| counted.months.len() < SHOWN) {
        next = month.previous();
        counted.months.push((month, 0));
    }
    let (column, totals) = match time {
        Time::Joined => ("u.date_joined", "SELECT COUNT(*), COUNT(u.date_joined) FROM auth_user u"),
        Time::LastLogin => ("u.last_login", "SELECT COUNT(*), COUNT(u.last_login) FROM auth_user u"),
    };
    let row = portal.db.one(Sql::new(totals)).await?;
    let (users, with) = (row.int(0)?, row.int(1)?);
    counted.never = users - with;
    counted.before = with;
    for row in portal.db.all(by_month(column, &counted.months, this.end)).await? {
        let (bucket, users) = (row.int(0)?, row.int(1)?);
        match usize::try_from(bucket).ok().and_then(|at| counted.months.get_mut(at)) {
            Some((_, count)) => *count = users,
            None => counted.after = users,
        }
        counted.before -= users;
    }
    // Somebody may have signed in between the two questions.
    counted.before = counted.before.max(0);
    Ok(counted)
}

/// Each month's place among them and how many users it has; -1 stands for what is yet to come.
fn by_month(column: &'static str, months: &[(Month, i64)], end: DateTime<Utc>) -> Sql {
    let mut sql = Sql::new("SELECT x.bucket, COUNT(*) FROM (SELECT CASE WHEN ")
        .push(column)
        .push_bind(" >= ?", end)
        .push(" THEN -1");
    let mut first = end;
    for (at, (month, _)) in (0_i64..).zip(months) {
        first = month.start;
        sql = sql.push(" WHEN ").push(column).push_bind(" >= ?", first).push(" THEN ").number(at);
    }
    sql.push(" END AS bucket FROM auth_user u WHERE ")
        .push(column)
        .push_bind(" >= ?", first)
        .push(") x GROUP BY x.bucket")
}
