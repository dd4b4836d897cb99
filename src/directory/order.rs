//! The order of the list: walking along it from any place, in either direction, by keyset.

use crate::change::rights;
use crate::db::{Sql, like_text, own};
use crate::error::{Error, Result};

use super::Portal;
use super::history;
use super::search::{self, Found};
use super::users::{Column, From, Place, Query};

/// The sort expression.
pub(super) fn expression(portal: &Portal, sql: Sql, sort: Column) -> Sql {
    match sort {
        Column::Username => sql.push("u.username"),
        Column::Name => sql.push("u.first_name || ' ' || u.last_name"),
        Column::Email => sql.push("u.email"),
        // A bare NULL is no expression to sort by on PostgreSQL.
        Column::Department if !has_departments(portal) => sql.push("CAST(NULL AS char)"),
        Column::Department if unique_profiles(portal) => sql.push("d.name"),
        Column::Department => sql.push(
            "(SELECT MIN(d.name) FROM core_userprofile p JOIN core_department d ON d.id = p.department_id \
             WHERE p.user_id = u.id)",
        ),
        Column::Access => sql.push("a.level"),
        Column::LastLogin => sql.push("u.last_login"),
        Column::Joined => sql.push("u.date_joined"),
        Column::State => sql.push("u.is_active"),
    }
}

pub(super) fn has_departments(portal: &Portal) -> bool {
    portal.schema.has("core_userprofile", "department_id") && portal.schema.has("core_department", "name")
}

/// Where a user can have several profiles, a join would list them several times.
pub(super) fn unique_profiles(portal: &Portal) -> bool {
    portal.schema.table("core_userprofile").is_some_and(|table| table.is_unique(&["user_id"]))
}

pub(super) fn joined(portal: &Portal, sql: Sql, query: &Query) -> Sql {
    match query.sort {
        Column::Department if has_departments(portal) && unique_profiles(portal) => sql.push(
            " LEFT JOIN core_userprofile p ON p.user_id = u.id LEFT JOIN core_department d ON d.id = p.department_id",
        ),
        Column::Access => rights::level_case(
            sql.push(" LEFT JOIN (SELECT ug.user_id, MAX("),
            "g.name",
            &portal.roles,
        )
        .push(
            ") AS level FROM auth_user_groups ug JOIN auth_group g ON g.id = ug.group_id GROUP BY ug.user_id) a \
             ON a.user_id = u.id",
        ),
        _ => sql,
    }
}

pub(super) async fn places(
    portal: &Portal,
    query: &Query,
    from: &From,
    backwards: bool,
    wanted: i64,
) -> Result<Vec<Place>> {
    let found = found(portal, query).await?;
    if let Some(found) = found.as_ref().filter(|found| !found.are_few())
        && let Some(sifted) = sift(portal, query, from, backwards, wanted, found).await?
    {
        return Ok(sifted);
    }
    walk(portal, query, from, backwards, wanted, &|sql| filtered(portal, sql, query, found.as_ref())).await
}

/// What the index of words finds, where it can tell. The few users of an operation are compared without it.
pub(super) async fn found(portal: &Portal, query: &Query) -> Result<Option<Found>> {
    if query.filter.operation.is_some() {
        // Whom an operation touched is history.
        return history::may_be_seen(portal).await?.map(|()| None).map_err(Error::denied);
    }
    search::find(portal, &query.filter.words).await
}

/// How many places are looked at in the hope that a page's worth of them is among those found.
const SIFTED: i64 = 4_000;

/// The next places in the order that are among those found, if a short walk along it meets enough of them. It may not,
/// where a word belongs to the end of the order.
async fn sift(
    portal: &Portal,
    query: &Query,
    from: &From,
    backwards: bool,
    wanted: i64,
    found: &Found,
) -> Result<Option<Vec<Place>>> {
    let mut places = walk(portal, query, from, backwards, SIFTED.max(wanted), &|sql| sql).await?;
    places.retain(|place| found.has(place.id));
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    let are_enough = places.len() >= wanted;
    places.truncate(wanted);
    Ok(are_enough.then_some(places))
}

/// Appends a filter to a statement.
type Filter<'a> = &'a (dyn Fn(Sql) -> Sql + Sync);

/// The next places in the order.
async fn walk(
    portal: &Portal,
    query: &Query,
    from: &From,
    backwards: bool,
    wanted: i64,
    filter: Filter<'_>,
) -> Result<Vec<Place>> {
    if query.sort == Column::Department && has_departments(portal) && unique_profiles(portal) {
        return by_department(portal, query, from, backwards, wanted, filter).await;
    }
    let mut sql = filter(selected(portal, query));
    match from {
        From::Start | From::End => {}
        From::After(place) => sql = beyond(portal, sql, query, place, false, false),
        From::Before(place) => sql = beyond(portal, sql, query, place, true, false),
        From::At(place) => sql = beyond(portal, sql, query, place, false, true),
    }
    sql = ordered(portal, sql, query, backwards).push_bind(" LIMIT ?", wanted);
    read_places(portal, sql).await
}

async fn read_places(portal: &Portal, sql: Sql) -> Result<Vec<Place>> {
    portal.db.all(sql).await?.iter().map(|row| Ok(Place { id: row.int(0)?, key: row.cell(1)? })).collect()
}

/// As [`walk`], sorted by department: department by department, so that no engine has to sort all users for one page;
/// those without a department come last.
async fn by_department(
    portal: &Portal,
    query: &Query,
    from: &From,
    backwards: bool,
    wanted: i64,
    filter: Filter<'_>,
) -> Result<Vec<Place>> {
    let place = match from {
        From::After(place) | From::Before(place) | From::At(place) => Some(place),
        From::Start | From::End => None,
    };
    let inclusive = matches!(from, From::At(_));
    let is_without = place.is_some_and(|place| place.key.is_null());
    let has_department = place.is_some_and(|place| !place.key.is_null());
    let down = query.descending != backwards;
    let direction = if down { " DESC" } else { "" };
    let mut found = Vec::new();
    for with_department in [!backwards, backwards] {
        // What lies before the place is left out: the whole part, or its beginning.
        let skipped =
            if backwards { has_department && !with_department } else { is_without && with_department };
        let rest = wanted - i64::try_from(found.len()).unwrap_or(wanted);
        if skipped || rest <= 0 {
            continue;
        }
        let mut sql = Sql::new(if with_department {
            "SELECT u.id, d.name FROM core_department d CROSS JOIN core_userprofile p CROSS JOIN auth_user u \
             WHERE p.department_id = d.id AND u.id = p.user_id"
        } else {
            "SELECT u.id, NULL FROM auth_user u LEFT JOIN core_userprofile p ON p.user_id = u.id \
             WHERE (p.department_id IS NULL OR p.department_id NOT IN (SELECT id FROM core_department))"
        });
        sql = filter(sql);
        if let Some(place) = place.filter(|_| with_department == has_department) {
            sql = sql.push(" AND ");
            if with_department {
                let kind = query.sort.postgres_type();
                sql = sql.push(if down { "d.name <= " } else { "d.name >= " }).cell(&place.key, kind);
                sql =
                    sql.push(if down { " AND (d.name < " } else { " AND (d.name > " }).cell(&place.key, kind);
                sql = sql.push(" OR ");
            } else {
                sql = sql.push("(");
            }
            sql = sql.push_bind(id_condition(down, inclusive), place.id).push(")");
        }
        sql = sql.push(" ORDER BY ");
        if with_department {
            sql = sql.push("d.name").push(direction).push(", ");
        }
        sql = sql.push("u.id").push(direction).push_bind(" LIMIT ?", rest);
        found.extend(read_places(portal, sql).await?);
    }
    Ok(found)
}

pub(super) fn id_condition(down: bool, inclusive: bool) -> &'static str {
    match (down, inclusive) {
        (false, false) => "u.id > ?",
        (false, true) => "u.id >= ?",
        (true, false) => "u.id < ?",
        (true, true) => "u.id <= ?",
    }
}

/// Each user's id and value in the order, not yet filtered.
pub(super) fn selected(portal: &Portal, query: &Query) -> Sql {
    let sql = Sql::new("SELECT u.id, ");
    let sql = match query.sort {
        Column::LastLogin => sql.time("u.last_login"),
        Column::Joined => sql.time("u.date_joined"),
        sort => expression(portal, sql, sort),
    };
    joined(portal, sql.push(" FROM auth_user u"), query).push(" WHERE 1 = 1")
}

pub(super) fn ordered(portal: &Portal, mut sql: Sql, query: &Query, backwards: bool) -> Sql {
    sql = sql.push(" ORDER BY ");
    if query.sort.nullable() {
        sql = expression(portal, sql.push("("), query.sort).push(" IS NULL)");
        sql = sql.push(if backwards { " DESC, " } else { ", " });
    }
    let down = query.descending != backwards;
    sql = expression(portal, sql, query.sort);
    sql.push(if down { " DESC, u.id DESC" } else { ", u.id" })
}

/// Appends the condition for rows behind a place, or before it; NULLs are last in either direction.
pub(super) fn beyond(
    portal: &Portal,
    sql: Sql,
    query: &Query,
    place: &Place,
    before: bool,
    inclusive: bool,
) -> Sql {
    let down = query.descending != before;
    let ids = id_condition(down, inclusive);
    let column = |sql| expression(portal, sql, query.sort);
    if place.key.is_null() {
        let sql = column(sql.push(" AND ("));
        return if before {
            sql.push(" IS NOT NULL OR ").push_bind(ids, place.id).push(")")
        } else {
            sql.push(" IS NULL AND ").push_bind(ids, place.id).push(")")
        };
    }
    let kind = query.sort.postgres_type();
    let mut sql = sql.push(" AND (");
    if query.sort.nullable() && !before {
        sql = column(sql).push(" IS NULL OR (");
    } else {
        sql = sql.push("(");
    }
    // The first condition alone lets an index find the place; the second settles equal values.
    sql = column(sql).push(if down { " <= " } else { " >= " }).cell(&place.key, kind).push(" AND (");
    sql = column(sql).push(if down { " < " } else { " > " }).cell(&place.key, kind).push(" OR ");
    sql.push_bind(ids, place.id).push(")))")
}

/// No column that is searched holds more bytes than this; SQLite refuses patterns of 50,000.
pub(super) const LONGEST_WORD: usize = 4096;

/// Appends the filter: the ids that the search index found, or a comparison of every row.
pub(super) fn filtered(portal: &Portal, mut sql: Sql, query: &Query, found: Option<&Found>) -> Sql {
    if let Some(found) = found {
        // One value, however many ids; only SQLite has an index of words.
        return sql.push_bind(" AND u.id IN (SELECT value FROM json_each(?))", found.as_json());
    }
    if let Some(operation) = &query.filter.operation {
        if !portal.schema.has_own_tables() {
            return sql.push(" AND 1 = 0");
        }
        sql = own::and_touched_by(sql, operation);
    }
    let like = portal.dialect().like();
    let profiles = portal.schema.has("core_userprofile", "main_portal_id")
        && portal.schema.has("core_userprofile", "phone_number");
    for word in &query.filter.words {
        if word.len() > LONGEST_WORD {
            return sql.push(" AND 1 = 0");
        }
        let pattern = format!("%{}%", like_text(word));
        sql = sql.push(" AND (");
        for (index, column) in
            ["u.username", "u.first_name", "u.last_name", "u.email"].into_iter().enumerate()
        {
            sql =
                sql.push(if index == 0 { "" } else { " OR " }).push(column).push_bind(like, pattern.as_str());
        }
        if profiles {
            sql = sql.push(" OR u.id IN (SELECT w.user_id FROM core_userprofile w WHERE w.main_portal_id");
            sql = sql.push_bind(like, pattern.as_str());
            if let Some(digits) = phone_digits(word) {
                sql = sql.push(
                    " OR REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(w.phone_number, ' ', ''), '-', ''), '(', ''), \
                     ')', ''), '+', '')",
                );
                sql = sql.push_bind(" LIKE ?", format!("%{digits}%"));
            }
            sql = sql.push(")");
        }
        sql = sql.push(")");
    }
    sql
}

/// The digits of a word that can be part of a phone number.
pub(super) fn phone_digits(word: &str) -> Option<String> {
    let digits: String = word.chars().filter(char::is_ascii_digit).collect();
    let rest = word.chars().all(|c| c.is_ascii_digit() || " +-()./".contains(c));
    (rest && digits.len() >= 2).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_compared_by_their_digits() {
        assert_eq!(phone_digits("+1-555"), Some("1555".to_owned()));
        assert_eq!(phone_digits("b31"), None);
        assert_eq!(phone_digits("7"), None);
    }
}
