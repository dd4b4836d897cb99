//! What the database says about people's rights: who is a superuser, who is privileged, who has which role.

use std::collections::BTreeMap;

use crate::db::{DbError, Reads, Sql, Tx};
use crate::portal::access::{ActorFacts, Level, Roles, TargetFacts};

/// The permissions that let staff change accounts in Django's admin, and so make them as powerful as a superuser:
/// Django lets whoever may change users tick "superuser".
pub(crate) const POWERFUL: [&str; 6] =
    ["add_user", "change_user", "add_group", "change_group", "add_permission", "change_permission"];

/// Appends `CASE WHEN name = ? THEN 3 … ELSE 0 END`: names are compared by the engine's own equality, so on MySQL
/// the group `admin` is Admin, as the portal takes it too.
pub(crate) fn level_case(mut sql: Sql, column: &'static str, roles: &Roles) -> Sql {
    sql = sql.push("CASE");
    for role in &roles.0 {
        sql = sql.push(" WHEN ").push(column).push_bind(" = ?", role.group.as_str());
        sql = sql.push(match role.level {
            Level::Superuser => " THEN 4",
            Level::Admin => " THEN 3",
            Level::AmcAdmin => " THEN 2",
            Level::Engineer => " THEN 1",
        });
    }
    sql.push(" ELSE 0 END")
}

/// Appends that `u` is privileged. Where the tables of permissions are missing, superusers alone are.
pub(crate) fn privileged(sql: Sql, has_permissions: bool) -> Sql {
    let sql = sql.push_bind("u.is_superuser = ?", true);
    if !has_permissions {
        return sql;
    }
    let powerful =
        |sql: Sql| sql.push(" AND ft.app_label = 'auth' AND fr.codename IN (").list(POWERFUL).push("))");
    let sql = sql.push_bind(" OR (u.is_staff = ?", true).push(
        " AND (EXISTS (SELECT 1 FROM auth_user_user_permissions fu JOIN auth_permission fr ON fr.id = fu.permission_id \
         JOIN django_content_type ft ON ft.id = fr.content_type_id WHERE fu.user_id = u.id",
    );
    let sql = powerful(sql).push(
        " OR EXISTS (SELECT 1 FROM auth_user_groups fm JOIN auth_group_permissions fh ON fh.group_id = fm.group_id \
         JOIN auth_permission fr ON fr.id = fh.permission_id \
         JOIN django_content_type ft ON ft.id = fr.content_type_id WHERE fm.user_id = u.id",
    );
    powerful(sql).push("))")
}

pub(crate) fn level(number: i64) -> Option<Level> {
    match number {
        4 => Some(Level::Superuser),
        3 => Some(Level::Admin),
        2 => Some(Level::AmcAdmin),
        1 => Some(Level::Engineer),
        _ => None,
    }
}

/// The role that each of these groups gives, by group id.
///
/// # Errors
/// What the engine says.
pub async fn group_levels(
    reads: &mut dyn Reads,
    roles: &Roles,
    groups: &[i64],
) -> Result<BTreeMap<i64, Option<Level>>, DbError> {
    if groups.is_empty() || roles.0.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = level_case(Sql::new("SELECT g.id, "), "g.name", roles)
        .push(" FROM auth_group g WHERE g.id IN (")
        .list(groups.iter().copied())
        .push(")");
    reads.rows(sql).await?.iter().map(|row| Ok((row.int(0)?, level(row.int(1)?)))).collect()
}

/// The highest role that each of these users has by groups; users without one are absent.
///
/// # Errors
/// What the engine says.
pub async fn user_levels(
    reads: &mut dyn Reads,
    roles: &Roles,
    users: &[i64],
) -> Result<BTreeMap<i64, Level>, DbError> {
    let mut found = BTreeMap::new();
    if users.is_empty() || roles.0.is_empty() {
        return Ok(found);
    }
    let sql = level_case(Sql::new("SELECT ug.user_id, "), "g.name", roles)
        .push(" FROM auth_user_groups ug JOIN auth_group g ON g.id = ug.group_id WHERE ug.user_id IN (")
        .list(users.iter().copied())
        .push(")");
    for row in reads.rows(sql).await? {
        if let Some(level) = level(row.int(1)?) {
            let best = found.entry(row.int(0)?).or_insert(level);
            *best = level.max(*best);
        }
    }
    Ok(found)
}

/// What guards need to know of these users. Users that are not there are absent.
///
/// # Errors
/// What the engine says.
pub async fn targets(
    reads: &mut dyn Reads,
    roles: &Roles,
    users: &[i64],
) -> Result<BTreeMap<i64, TargetFacts>, DbError> {
    if users.is_empty() {
        return Ok(BTreeMap::new());
    }
    let levels = user_levels(reads, roles, users).await?;
    let sql = Sql::new(
        "SELECT u.id, u.is_superuser, u.is_staff, \
         (SELECT COUNT(*) FROM auth_user_user_permissions up \
          JOIN auth_permission p ON p.id = up.permission_id JOIN django_content_type t ON t.id = p.content_type_id \
          WHERE up.user_id = u.id AND t.app_label = 'auth' AND p.codename IN (",
    )
    .list(POWERFUL)
    .push(
        ")), (SELECT COUNT(*) FROM auth_user_groups ug \
          JOIN auth_group_permissions gp ON gp.group_id = ug.group_id \
          JOIN auth_permission p ON p.id = gp.permission_id JOIN django_content_type t ON t.id = p.content_type_id \
          WHERE ug.user_id = u.id AND t.app_label = 'auth' AND p.codename IN (",
    )
    .list(POWERFUL)
    .push(")) FROM auth_user u WHERE u.id IN (")
    .list(users.iter().copied())
    .push(")");
    let mut found = BTreeMap::new();
    for row in reads.rows(sql).await? {
        let id = row.int(0)?;
        let superuser = row.bool(1)?;
        let powerful = row.bool(2)? && row.int(3)? + row.int(4)? > 0;
        let level = if superuser { Some(Level::Superuser) } else { levels.get(&id).copied() };
        found.insert(id, TargetFacts { id, superuser, privileged: superuser || powerful, level });
    }
    Ok(found)
}

/// The rights of a signed-in account, read afresh. Nothing, when the account is gone.
///
/// # Errors
/// What the engine says.
pub async fn actor(reads: &mut dyn Reads, roles: &Roles, id: i64) -> Result<Option<ActorFacts>, DbError> {
    let sql = Sql::new("SELECT username, is_active, is_superuser FROM auth_user WHERE id = ?").bind(id);
    let rows = reads.rows(sql).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (username, active, superuser) = (row.text(0)?, row.bool(1)?, row.bool(2)?);
    let level = user_levels(reads, roles, &[id]).await?.get(&id).copied();
    let level = if superuser { Some(Level::Superuser) } else { level };
    Ok(Some(ActorFacts { id, username, active, superuser, level }))
}

/// Keeps an account's own row and its memberships as they are until the transaction ends, so that whoever takes its
/// rights away meanwhile comes before it or after it, never between.
///
/// # Errors
/// What the engine says.
pub async fn hold(tx: &mut Tx, id: i64) -> Result<(), DbError> {
    for sql in [
        Sql::new("SELECT id FROM auth_user WHERE id = ?"),
        Sql::new("SELECT id FROM auth_user_groups WHERE user_id = ?"),
    ] {
        let sql = sql.bind(id).push(tx.dialect().for_share());
        tx.all(sql).await?;
    }
    Ok(())
}
