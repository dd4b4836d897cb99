//! The order of the list: walking along it from any place, in either direction, by keyset.

use std::collections::BTreeSet;

use crate::change::rights;
use crate::db::{Dialect, Sql};
use crate::error::Result;

use super::Portal;
use super::filter::Shape;
use super::narrow::Narrowed;
use super::search::Found;
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
    let narrowed = Narrowed::of(portal, query).await?;
    let are_few = narrowed.found().is_some_and(Found::are_few);
    let filter = |sql| narrowed.and(portal, sql, query);
    let walk_on = |path| walk(portal, query, from, backwards, wanted, path, &filter);
    if are_few || portal.dialect() != Dialect::Sqlite {
        return walk_on(Path::Order).await;
    }
    if narrowed.found().is_none() && narrowed.is_words_only() {
        return walk_on(Path::Order).await;
    }
    if wanted > MOST_SIFTED && is_indexed(query.sort) {
        // So many are wanted that the walk is not in vain.
        return walk_on(Path::Order).await;
    }
    if let Some(sifted) = sift(portal, query, from, backwards, wanted, &narrowed).await? {
        return Ok(sifted);
    }
    walk_on(if narrowed.is_words_only() { Path::Order } else { Path::Table }).await
}

/// The ids of all who are let through, in one statement.
pub(super) async fn all(portal: &Portal, query: &Query) -> Result<Vec<i64>> {
    let narrowed = Narrowed::of(portal, query).await?;
    let sql = selected(portal, query, portal.dialect() == Dialect::Sqlite);
    let sql = ordered(portal, narrowed.and(portal, sql, query), query, false);
    let mut rows = portal.db.stream(sql);
    let mut ids = Vec::new();
    while let Some(row) = rows.recv().await {
        ids.push(row?.int(0)?);
    }
    Ok(ids)
}

/// More rows at once are wanted for work, not for a page.
const MOST_SIFTED: i64 = 1_000;

/// How many places are looked at, stretch after stretch, in the hope that a page's worth of them is let through.
const STRETCHES: [i64; 3] = [500, 4_000, 8_000];

/// Where each stretch means sorting all users, there is only one, and only for words: their index tells at once.
const ONE_STRETCH: [i64; 1] = [4_000];

/// Whether walking along the order needs no sorting.
pub(super) const fn is_indexed(sort: Column) -> bool {
    matches!(sort, Column::Username | Column::Department)
}

/// The next places in the order that are let through, if a short walk along it meets enough of them. It may not, where a
/// word belongs to the end of the order, or few are let through.
async fn sift(
    portal: &Portal,
    query: &Query,
    from: &From,
    backwards: bool,
    wanted: i64,
    narrowed: &Narrowed,
) -> Result<Option<Vec<Place>>> {
    let stretches: &[i64] = match (is_indexed(query.sort), narrowed.is_words_only()) {
        (true, _) => &STRETCHES,
        (false, true) => &ONE_STRETCH,
        (false, false) => &[],
    };
    let enough = usize::try_from(wanted).unwrap_or(usize::MAX);
    let mut kept: Vec<Place> = Vec::new();
    let mut from = from.clone();
    for stretch in stretches {
        let length = wanted.max(*stretch);
        let mut places = walk(portal, query, &from, backwards, length, Path::Order, &|sql| sql).await?;
        let is_whole = i64::try_from(places.len()).unwrap_or(i64::MAX) < length;
        if let Some(last) = places.last().cloned() {
            from = if backwards { From::Before(last) } else { From::After(last) };
        }
        if let Some(found) = narrowed.found() {
            places.retain(|place| found.has(place.id));
        }
        let passing = passing(portal, query, &places, narrowed).await?;
        kept.extend(places.into_iter().filter(|place| passing.contains(&place.id)));
        if kept.len() >= enough || is_whole {
            kept.truncate(enough);
            return Ok(Some(kept));
        }
    }
    Ok(None)
}

/// Those of these users for whom the rest of the filter holds.
async fn passing(
    portal: &Portal,
    query: &Query,
    places: &[Place],
    narrowed: &Narrowed,
) -> Result<BTreeSet<i64>> {
    let ids = places.iter().map(|place| place.id);
    if narrowed.is_words_only() {
        return Ok(ids.collect());
    }
    let ids = Found(ids.collect()).as_json();
    let sql = Sql::new("SELECT u.id FROM auth_user u WHERE u.id IN (SELECT value FROM json_each(")
        .push_bind("?))", ids);
    let sql = narrowed.and_rest(portal, sql, query, Shape::Each);
    portal.db.all(sql).await?.iter().map(|row| Ok(row.int(0)?)).collect()
}

/// How the users are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    /// Along the order, until there are enough.
    Order,
    /// All that are let through, by id or in the table's own order, and sorted after that: SQLite does not know how rare
    /// they are, and would look up every user in the order's index first.
    Table,
}

/// Appends a filter to a statement.
type Condition<'a> = &'a (dyn Fn(Sql) -> Sql + Sync);

/// The next places in the order.
async fn walk(
    portal: &Portal,
    query: &Query,
    from: &From,
    backwards: bool,
    wanted: i64,
    path: Path,
    filter: Condition<'_>,
) -> Result<Vec<Place>> {
    if path == Path::Order
        && query.sort == Column::Department
        && has_departments(portal)
        && unique_profiles(portal)
    {
        return by_department(portal, query, from, backwards, wanted, filter).await;
    }
    let mut sql = filter(selected(portal, query, path == Path::Table));
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
    filter: Condition<'_>,
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

/// Each user's id and value in the order, not yet filtered; on SQLite perhaps without the indexes of `auth_user`.
pub(super) fn selected(portal: &Portal, query: &Query, without_index: bool) -> Sql {
    let sql = Sql::new("SELECT u.id, ");
    let sql = match query.sort {
        Column::LastLogin => sql.time("u.last_login"),
        Column::Joined => sql.time("u.date_joined"),
        sort => expression(portal, sql, sort),
    };
    let from = if without_index { " FROM auth_user u NOT INDEXED" } else { " FROM auth_user u" };
    joined(portal, sql.push(from), query).push(" WHERE 1 = 1")
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
