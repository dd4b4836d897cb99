//! Django's permissions: which there are, who has which, and by which paths.
//!
//! A user has a permission directly, through a group, or as a superuser; one path is as good as another, so a path that
//! goes takes nothing away while another stays.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::db::{Row, Sql};
use crate::error::{Error, Kind, Result};

use super::{Portal, departments, groups};

/// What has to be there for permissions to be read, by table.
const TABLES: [&str; 4] =
    ["auth_permission", "django_content_type", "auth_user_user_permissions", "auth_group_permissions"];

/// A row of `auth_permission`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// Its id.
    pub id: i64,
    /// The application that it belongs to, such as `core`; empty where the content type is gone.
    pub app: String,
    /// The model, such as `userprofile`.
    pub model: String,
    /// Its code name, such as `add_userprofile`.
    pub codename: String,
    /// What Django's admin calls it.
    pub name: String,
}

impl Permission {
    /// `core.add_userprofile`, as Django's `has_perm` takes it.
    #[must_use]
    pub fn label(&self) -> String {
        label(&self.app, &self.codename)
    }
}

fn label(app: &str, codename: &str) -> String {
    if app.is_empty() { codename.to_owned() } else { format!("{app}.{codename}") }
}

/// How somebody has a permission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// Given to the account itself.
    Direct,
    /// Through the group of this name.
    Group(String),
    /// By the superuser flag, which holds every permission.
    Superuser,
}

impl Path {
    /// For programs: `direct`, `group:Engineer`, `superuser`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Direct => "direct".to_owned(),
            Self::Group(group) => format!("group:{group}"),
            Self::Superuser => "superuser".to_owned(),
        }
    }
}

impl fmt::Display for Path {
    /// For people: `directly`, `through Engineer`, `as superuser`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("directly"),
            Self::Group(group) => write!(f, "through {group}"),
            Self::Superuser => f.write_str("as superuser"),
        }
    }
}

/// Paths in words: `directly, through Engineer`.
#[must_use]
pub fn paths_in_words(paths: &[Path]) -> String {
    paths.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What somebody holds, as ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holding {
    /// The superuser flag.
    pub is_superuser: bool,
    /// Groups.
    pub groups: BTreeSet<i64>,
    /// Permissions given to the account itself.
    pub direct: BTreeSet<i64>,
}

/// Every permission and every group of a portal, and what the groups carry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    /// The permissions in Django's order: application, model, code name.
    pub permissions: Vec<Permission>,
    /// The groups, roles first.
    pub groups: Vec<groups::Choice>,
    /// The permissions of each group, by ids.
    pub by_group: BTreeMap<i64, BTreeSet<i64>>,
    /// Why there are no permissions to read, by the tables that are missing.
    pub lacking: Option<String>,
}

/// A permission that somebody comes to have, or has no more, and the paths that do it.
pub type Moved<'a> = (&'a Permission, Vec<Path>);

/// What a change of groups and permissions means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference<'a> {
    /// Permissions that were not there, and the paths by which they come.
    pub gains: Vec<Moved<'a>>,
    /// Permissions that are gone, and the paths by which they were there.
    pub loses: Vec<Moved<'a>>,
}

impl Catalogue {
    /// Reads it.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn read(portal: &Portal) -> Result<Self> {
        let groups = groups::choices(portal).await?;
        if let Some(lacking) = lacking(portal) {
            return Ok(Self { groups, lacking: Some(lacking), ..Self::default() });
        }
        let permissions = matching(portal, select().push(ORDER)).await?;
        let mut by_group: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        let sql = Sql::new("SELECT group_id, permission_id FROM auth_group_permissions");
        for row in portal.db.all(sql).await? {
            by_group.entry(row.int(0)?).or_default().insert(row.int(1)?);
        }
        Ok(Self { permissions, groups, by_group, lacking: None })
    }

    /// The paths by which somebody with this holding has each permission; those without any are absent.
    #[must_use]
    pub fn paths(&self, holding: &Holding) -> BTreeMap<i64, Vec<Path>> {
        let mut paths: BTreeMap<i64, Vec<Path>> = BTreeMap::new();
        for permission in &holding.direct {
            paths.entry(*permission).or_default().push(Path::Direct);
        }
        for group in self.groups.iter().filter(|group| holding.groups.contains(&group.id)) {
            for permission in self.by_group.get(&group.id).into_iter().flatten() {
                paths.entry(*permission).or_default().push(Path::Group(group.name.clone()));
            }
        }
        if holding.is_superuser {
            for permission in &self.permissions {
                paths.entry(permission.id).or_default().push(Path::Superuser);
            }
        }
        paths
    }

    /// What somebody with this holding has, in Django's order.
    #[must_use]
    pub fn effective(&self, holding: &Holding) -> Vec<Moved<'_>> {
        self.named(self.paths(holding))
    }

    /// The names of the permissions given to the account itself, in Django's order.
    #[must_use]
    pub fn direct(&self, holding: &Holding) -> Vec<String> {
        let is_direct = |it: &&Permission| holding.direct.contains(&it.id);
        self.permissions.iter().filter(is_direct).map(Permission::label).collect()
    }

    /// What comes and what goes. A permission that stays by another path does neither.
    #[must_use]
    pub fn difference(&self, before: &Holding, after: &Holding) -> Difference<'_> {
        let (mut gains, mut loses) = (self.paths(after), self.paths(before));
        let stays: Vec<i64> = gains.keys().filter(|id| loses.contains_key(id)).copied().collect();
        for id in stays {
            gains.remove(&id);
            loses.remove(&id);
        }
        Difference { gains: self.named(gains), loses: self.named(loses) }
    }

    fn named(&self, mut paths: BTreeMap<i64, Vec<Path>>) -> Vec<Moved<'_>> {
        self.permissions.iter().filter_map(|it| paths.remove(&it.id).map(|paths| (it, paths))).collect()
    }
}

/// The permissions that a group carries, in Django's order. The portal must not be [`lacking`] any.
///
/// # Errors
/// What the engine says.
pub async fn of_group(portal: &Portal, group: i64) -> Result<Vec<Permission>> {
    let sql = select()
        .push(" WHERE p.id IN (SELECT gp.permission_id FROM auth_group_permissions gp")
        .push_bind(" WHERE gp.group_id = ?)", group)
        .push(ORDER);
    matching(portal, sql).await
}

/// What a user holds now.
///
/// # Errors
/// Invalid, when there is no such user; what the engine says.
pub async fn holding(portal: &Portal, user: i64) -> Result<Holding> {
    let sql = Sql::new("SELECT is_superuser FROM auth_user WHERE id = ?").bind(user);
    let Some(row) = portal.db.optional(sql).await? else {
        return Err(Error::invalid(format!("There is no user with id {user} any more.")));
    };
    let groups = Sql::new("SELECT group_id FROM auth_user_groups WHERE user_id = ?").bind(user);
    Ok(Holding {
        is_superuser: row.bool(0)?,
        groups: if portal.has_table("auth_user_groups") {
            ids(portal, groups).await?
        } else {
            BTreeSet::new()
        },
        direct: direct(portal, user).await?,
    })
}

/// The permissions given to the account itself, by ids.
async fn direct(portal: &Portal, user: i64) -> Result<BTreeSet<i64>> {
    if !portal.has_table("auth_user_user_permissions") {
        return Ok(BTreeSet::new());
    }
    let sql = Sql::new("SELECT permission_id FROM auth_user_user_permissions WHERE user_id = ?").bind(user);
    ids(portal, sql).await
}

async fn ids(portal: &Portal, sql: Sql) -> Result<BTreeSet<i64>> {
    portal.db.all(sql).await?.iter().map(|row| Ok(row.int(0)?)).collect()
}

/// How many permissions come with the groups and directly, each counted once.
///
/// # Errors
/// What the engine says.
pub async fn count(portal: &Portal, user: i64) -> Result<i64> {
    if lacking(portal).is_some() {
        return Ok(0);
    }
    let sql = Sql::new("SELECT COUNT(*) FROM auth_permission p WHERE p.id IN (")
        .push_bind("SELECT up.permission_id FROM auth_user_user_permissions up WHERE up.user_id = ?", user)
        .push(") OR p.id IN (SELECT gp.permission_id FROM auth_group_permissions gp ")
        .push_bind("JOIN auth_user_groups ug ON ug.group_id = gp.group_id WHERE ug.user_id = ?)", user);
    portal.count(sql).await
}

/// What permissions are called in plans, by id.
///
/// # Errors
/// What the engine says.
pub async fn labels(portal: &Portal, wanted: BTreeSet<i64>) -> Result<BTreeMap<i64, String>> {
    if wanted.is_empty() || lacking(portal).is_some() {
        return Ok(BTreeMap::new());
    }
    let sql = select().push(" WHERE p.id IN (").list(wanted).push(")");
    let named = |row: &Row| permission(row).map(|it| (it.id, it.label()));
    portal.db.all(sql).await?.iter().map(named).collect()
}

/// The permission that somebody names: `core.add_userprofile`, or `core.userprofile.add_userprofile` where two models
/// have the same code name.
///
/// # Errors
/// Invalid, on the field `user_permissions`: with the nearest name where there is none, with all where it is more than
/// one; conflict, where this portal keeps no permissions.
pub async fn find(portal: &Portal, name: &str) -> Result<i64> {
    if let Some(lacking) = lacking(portal) {
        return Err(Error::conflict(format!("{lacking} Nothing was written.")));
    }
    let wrong = |message: String| Err(Error::field(Kind::Invalid, "user_permissions", message));
    let Some((app, rest)) = name.split_once('.') else {
        return wrong(unknown(portal, name).await?);
    };
    let mut found = matching(portal, select_of(app, rest)).await?;
    if found.is_empty()
        && let Some((model, codename)) = rest.split_once('.')
    {
        found = matching(portal, select_of(app, codename).push_bind(" AND t.model = ?", model)).await?;
    }
    match found.as_slice() {
        [only] => Ok(only.id),
        [] => wrong(unknown(portal, name).await?),
        several => {
            let spelled: Vec<String> =
                several.iter().map(|it| format!("{}.{}.{}", it.app, it.model, it.codename)).collect();
            wrong(format!(
                "'{name}' is more than one permission: {}. Nothing was written.",
                spelled.join(", ")
            ))
        }
    }
}

async fn unknown(portal: &Portal, name: &str) -> Result<String> {
    let known = matching(portal, select()).await?.into_iter().map(|it| it.label());
    Ok(departments::unknown("permission", name, known))
}

async fn matching(portal: &Portal, sql: Sql) -> Result<Vec<Permission>> {
    portal.db.all(sql).await?.iter().map(permission).collect()
}

/// Django's order.
const ORDER: &str = " ORDER BY t.app_label, t.model, p.codename";

fn select() -> Sql {
    Sql::new(
        "SELECT p.id, t.app_label, t.model, p.codename, p.name FROM auth_permission p \
         LEFT JOIN django_content_type t ON t.id = p.content_type_id",
    )
}

fn select_of(app: &str, codename: &str) -> Sql {
    select().push_bind(" WHERE t.app_label = ?", app).push_bind(" AND p.codename = ?", codename)
}

fn permission(row: &Row) -> Result<Permission> {
    Ok(Permission {
        id: row.int(0)?,
        app: row.text_opt(1)?.unwrap_or_default(),
        model: row.text_opt(2)?.unwrap_or_default(),
        codename: row.text(3)?,
        name: row.text(4)?,
    })
}

/// The tables of permissions that this portal does not have, in a sentence.
#[must_use]
pub fn lacking(portal: &Portal) -> Option<String> {
    let missing: Vec<&str> = TABLES.into_iter().filter(|table| !portal.has_table(table)).collect();
    (!missing.is_empty())
        .then(|| format!("Permissions are switched off here: {} is missing.", missing.join(", ")))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::portal::access::Level;

    /// Engineer (1) carries 1 and 2, Admin (2) carries 2 and 3; there are four permissions.
    pub(crate) fn catalogue() -> Catalogue {
        let permission = |(id, model, codename): (i64, &str, &str)| Permission {
            id,
            app: "core".to_owned(),
            model: model.to_owned(),
            codename: codename.to_owned(),
            name: format!("Can {codename}"),
        };
        let group = |(id, level): (i64, Level)| groups::Choice {
            id,
            name: level.to_string(),
            level: Some(level),
            description: String::new(),
        };
        Catalogue {
            permissions: [
                (1, "complaint", "add_x"),
                (2, "complaint", "view_x"),
                (3, "department", "add_y"),
                (4, "department", "view_y"),
            ]
            .map(permission)
            .into(),
            groups: [(1, Level::Engineer), (2, Level::Admin)].map(group).into(),
            by_group: [(1, [1, 2].into()), (2, [2, 3].into())].into(),
            lacking: None,
        }
    }

    fn holding(groups: &[i64], direct: &[i64]) -> Holding {
        Holding {
            groups: groups.iter().copied().collect(),
            direct: direct.iter().copied().collect(),
            ..Holding::default()
        }
    }

    fn told(moved: &[Moved<'_>]) -> Vec<String> {
        moved.iter().map(|(it, paths)| format!("{} {}", it.label(), paths_in_words(paths))).collect()
    }

    #[test]
    fn every_path_is_told() {
        let catalogue = catalogue();
        let held = holding(&[1, 2], &[2]);
        assert_eq!(
            told(&catalogue.effective(&held)),
            [
                "core.add_x through Engineer",
                "core.view_x directly, through Engineer, through Admin",
                "core.add_y through Admin"
            ]
        );
        let root = Holding { is_superuser: true, ..holding(&[1], &[]) };
        assert_eq!(told(&catalogue.effective(&root))[0], "core.add_x through Engineer, as superuser");
        assert_eq!(catalogue.effective(&root).len(), 4);
    }

    #[test]
    fn what_stays_by_another_path_is_neither_gained_nor_lost() {
        let catalogue = catalogue();
        let difference = catalogue.difference(&holding(&[1], &[4]), &holding(&[], &[2, 3]));
        assert_eq!(told(&difference.gains), ["core.add_y directly"]);
        assert_eq!(told(&difference.loses), ["core.add_x through Engineer", "core.view_y directly"]);
        let root = |held: Holding| Holding { is_superuser: true, ..held };
        let none = catalogue.difference(&root(holding(&[1], &[])), &root(holding(&[], &[])));
        assert_eq!(none, Difference::default(), "a superuser has all of them anyway");
    }
}
