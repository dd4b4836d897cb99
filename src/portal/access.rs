//! Roles, and who may do what.
//!
//! A role comes from the superuser flag or from the names of the groups a user is in; Django's staff flag and
//! permissions give none here. [`allowed`] is the whole table. It also holds four of the guards of every write:
//!
//! - G1: only a superuser gives or takes superuser or staff, or touches a *privileged* account.
//! - G2: nobody gives a role at or above their own (superusers and Admins excepted); groups that are no role need an
//!   Admin.
//! - G4: nobody demotes, deactivates or deletes themself.
//! - G6: group permissions, and creating, renaming or deleting a role's group, need a superuser.
//!
//! G3, that a last active superuser stays, takes counting in the database, and is not here. Facts are to be read
//! inside the transaction that acts on the answer. Plans of many rows ask once for each row.

use std::fmt;

/// How much a role may do, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Reads users, groups and departments; edits their own phone, notifications and password.
    Engineer,
    /// Sees everything; creates and edits accounts below their own role.
    AmcAdmin,
    /// Everything but privileged accounts and group permissions.
    Admin,
    /// Everything.
    Superuser,
}

impl Level {
    /// All of them, from least to most.
    pub const ALL: [Self; 4] = [Self::Engineer, Self::AmcAdmin, Self::Admin, Self::Superuser];

    /// The name in the configuration: `engineer`, `amc-admin`, `admin`, `superuser`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Engineer => "engineer",
            Self::AmcAdmin => "amc-admin",
            Self::Admin => "admin",
            Self::Superuser => "superuser",
        }
    }

    /// The level of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

impl fmt::Display for Level {
    /// As people read it: `AMC Admin`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Engineer => "Engineer",
            Self::AmcAdmin => "AMC Admin",
            Self::Admin => "Admin",
            Self::Superuser => "superuser",
        })
    }
}

/// A portal group whose members have a role here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleGroup {
    /// The group's name.
    pub group: String,
    /// The role of its members.
    pub level: Level,
    /// What it means in the portal, for the forms: "technical complaints".
    pub description: String,
}

/// The groups that are roles.
///
/// Whether a group of the database *is* one of these is the database's to say (on MySQL `admin` is `Admin`): ask it
/// with the names in here, and compare nothing outside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles(pub Vec<RoleGroup>);

impl Default for Roles {
    /// The portal's own three.
    fn default() -> Self {
        let role = |group: &str, level, description: &str| RoleGroup {
            group: group.to_owned(),
            level,
            description: description.to_owned(),
        };
        Self(vec![
            role("Admin", Level::Admin, "full administrative access"),
            role("AMC Admin", Level::AmcAdmin, "manages accounts and complaints, but no administrators"),
            role("Engineer", Level::Engineer, "technical complaints"),
        ])
    }
}

impl Roles {
    /// The role groups, in the configuration's order.
    pub fn iter(&self) -> std::slice::Iter<'_, RoleGroup> {
        self.0.iter()
    }

    /// The groups' names, in the same order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|role| role.group.as_str())
    }

    /// The role of the group of exactly this name (the name as configured, not as some row spells it).
    #[must_use]
    pub fn level_of(&self, group: &str) -> Option<Level> {
        self.0.iter().find(|role| role.group == group).map(|role| role.level)
    }
}

impl<'a> IntoIterator for &'a Roles {
    type Item = &'a RoleGroup;
    type IntoIter = std::slice::Iter<'a, RoleGroup>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// What is known of the person who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActorFacts {
    /// Their `auth_user` id.
    pub id: i64,
    /// Their username.
    pub username: String,
    /// Whether the account is active.
    pub active: bool,
    /// Whether it is a superuser.
    pub superuser: bool,
    /// The highest role of their groups.
    pub level: Option<Level>,
}

impl ActorFacts {
    /// The level they act with; none for whom nothing is allowed.
    #[must_use]
    pub fn effective_level(&self) -> Option<Level> {
        match self {
            Self { active: false, .. } => None,
            Self { superuser: true, .. } => Some(Level::Superuser),
            Self { level, .. } => *level,
        }
    }
}

/// What is known of the account that is acted on, as it is before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetFacts {
    /// Its `auth_user` id.
    pub id: i64,
    /// Whether it is a superuser.
    pub superuser: bool,
    /// Whether it is a superuser, or staff whose Django permissions include adding or changing users, groups or
    /// permissions: who controls it controls the portal.
    pub privileged: bool,
    /// The highest role of its groups.
    pub level: Option<Level>,
}

/// Something that a person may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// Sign in to portaldesk at all.
    SignIn,
    /// Read users and their records.
    SeeUsers,
    /// Read groups and their members.
    SeeGroups,
    /// Read departments and their members.
    SeeDepartments,
    /// See the numbers of the Overview.
    SeeOverview,
    /// Read what was changed by whom.
    SeeHistory,
    /// Create an account without role or flags (those are asked for apart).
    CreateUser,
    /// Change username, names or e-mail address.
    EditAccount(&'a TargetFacts),
    /// Change the profile.
    EditProfile {
        /// Whose.
        target: &'a TargetFacts,
        /// Whether nothing but phone number and notifications changes, which all may edit of their own.
        only_own_fields: bool,
    },
    /// Set, generate or make unusable a password.
    SetPassword(&'a TargetFacts),
    /// Activate or deactivate.
    SetActive {
        /// Whom.
        target: &'a TargetFacts,
        /// The new state.
        active: bool,
    },
    /// Add to a group.
    GiveGroup {
        /// Whom.
        target: &'a TargetFacts,
        /// The role that the group is; none for any other group.
        level: Option<Level>,
    },
    /// Remove from a group.
    TakeGroup {
        /// Whom.
        target: &'a TargetFacts,
        /// The role that the group is; none for any other group.
        level: Option<Level>,
    },
    /// Give the superuser or staff flag, and take none.
    GiveFlags(&'a TargetFacts),
    /// Take the superuser or staff flag, or give one and take the other.
    SetFlags(&'a TargetFacts),
    /// Delete the account.
    DeleteUser(&'a TargetFacts),
    /// Give or take a Django permission of the account itself.
    EditUserPermissions(&'a TargetFacts),
    /// Change the Django permissions of a group.
    EditGroupPermissions,
    /// Create, rename or delete a group that is no role.
    EditGroups,
    /// Create, rename or delete the group of a role.
    EditRoleGroups,
    /// Create, change, merge or delete departments.
    EditDepartments,
    /// Look for integrity findings.
    Scan,
    /// Repair or accept findings. What a repair does to accounts is asked for apart.
    Repair,
    /// Undo an operation. What the undo does is asked for apart.
    Undo,
    /// Let portaldesk write to a portal's database, or take its tables away again.
    SwitchWritingOn,
    /// Forget old images of the journal.
    PruneHistory,
}

/// Whether this person may do this, and if not why, in a sentence for them.
///
/// # Errors
/// The reason for the refusal.
pub fn allowed(actor: &ActorFacts, action: &Action<'_>) -> Result<(), String> {
    let Some(level) = actor.effective_level() else {
        return Err("This account has no access to portaldesk.".to_owned());
    };
    match *action {
        Action::SignIn | Action::SeeUsers | Action::SeeGroups | Action::SeeDepartments | Action::Undo => {
            Ok(())
        }
        Action::SeeOverview | Action::SeeHistory | Action::CreateUser | Action::Scan => {
            at_least(level, Level::AmcAdmin)
        }
        Action::EditGroups | Action::EditDepartments | Action::Repair => at_least(level, Level::Admin),
        Action::EditGroupPermissions
        | Action::EditRoleGroups
        | Action::SwitchWritingOn
        | Action::PruneHistory
        | Action::GiveFlags(_) => at_least(level, Level::Superuser),
        Action::EditAccount(target) => may_touch(level, target),
        Action::EditProfile { target, only_own_fields } => {
            if only_own_fields && target.id == actor.id {
                Ok(())
            } else {
                may_touch(level, target)
            }
        }
        Action::SetPassword(target) => {
            if target.id == actor.id {
                Ok(())
            } else {
                may_touch(level, target)
            }
        }
        Action::SetActive { target, active } => {
            if !active {
                not_oneself(actor, target, "deactivate")?;
            }
            may_touch(level, target)
        }
        Action::GiveGroup { target, level: role } => {
            may_give(level, role)?;
            may_touch(level, target)
        }
        Action::TakeGroup { target, level: role } => {
            if role.is_some_and(|role| role >= level) {
                not_oneself(actor, target, "demote")?;
            }
            may_give(level, role)?;
            may_touch(level, target)
        }
        Action::SetFlags(target) => {
            at_least(level, Level::Superuser)?;
            not_oneself(actor, target, "demote")
        }
        Action::EditUserPermissions(target) => {
            at_least(level, Level::Admin)?;
            may_touch(level, target)
        }
        Action::DeleteUser(target) => {
            at_least(level, Level::Admin)?;
            not_oneself(actor, target, "delete")?;
            may_touch(level, target)
        }
    }
}

fn at_least(level: Level, needed: Level) -> Result<(), String> {
    match needed {
        _ if level >= needed => Ok(()),
        Level::Superuser => Err("Only a superuser may do this.".to_owned()),
        _ => Err(format!("This needs the role {needed} or above.")),
    }
}

/// Whether accounts like this one are theirs to change (G1, and the roles below an AMC Admin's).
fn may_touch(level: Level, target: &TargetFacts) -> Result<(), String> {
    at_least(level, Level::AmcAdmin)?;
    let powerful = target.privileged || target.superuser || target.level == Some(Level::Superuser);
    if level < Level::Superuser && powerful {
        return Err("Only a superuser may change this account: it is privileged.".to_owned());
    }
    match target.level {
        Some(role) if level < Level::Admin && role >= level => {
            Err(format!("An {level} may not change the account of an {role}."))
        }
        _ => Ok(()),
    }
}

/// Whether they may give or take a group that is this role, or none (G2).
fn may_give(level: Level, role: Option<Level>) -> Result<(), String> {
    match role {
        None => {
            at_least(level, Level::Admin).map_err(|why| format!("{why} The group is not one of the roles."))
        }
        Some(Level::Superuser) => at_least(level, Level::Superuser),
        Some(role) if level >= Level::Admin || role < level => Ok(()),
        Some(role) => Err(format!("An {level} may not give or take the role {role}.")),
    }
}

/// G4.
fn not_oneself(actor: &ActorFacts, target: &TargetFacts, what: &str) -> Result<(), String> {
    if actor.id == target.id {
        return Err(format!("Nobody may {what} their own account; ask another administrator."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SELF: i64 = 1;

    /// The actors of the table's columns: superuser, Admin, AMC Admin, Engineer, none.
    fn actors() -> [ActorFacts; 5] {
        [
            (true, None),
            (false, Some(Level::Admin)),
            (false, Some(Level::AmcAdmin)),
            (false, Some(Level::Engineer)),
            (false, None),
        ]
        .map(|(superuser, level)| ActorFacts {
            id: SELF,
            username: "amir".to_owned(),
            active: true,
            superuser,
            level,
        })
    }

    const fn other(level: Option<Level>) -> TargetFacts {
        TargetFacts { id: 2, superuser: false, privileged: false, level }
    }

    const NOBODY: TargetFacts = other(None);
    const ENGINEER: TargetFacts = other(Some(Level::Engineer));
    const AMC_ADMIN: TargetFacts = other(Some(Level::AmcAdmin));
    const ADMIN: TargetFacts = other(Some(Level::Admin));
    const PRIVILEGED: TargetFacts = TargetFacts { privileged: true, ..ENGINEER };
    const SUPERUSER: TargetFacts = TargetFacts { superuser: true, ..PRIVILEGED };

    /// One character for each actor: `y` allowed, `-` refused.
    fn row(action: &Action<'_>) -> String {
        actors().iter().map(|actor| if allowed(actor, action).is_ok() { 'y' } else { '-' }).collect()
    }

    #[test]
    fn actions_without_a_target() {
        for (action, expected) in [
            (Action::SignIn, "yyyy-"),
            (Action::SeeUsers, "yyyy-"),
            (Action::SeeGroups, "yyyy-"),
            (Action::SeeDepartments, "yyyy-"),
            (Action::Undo, "yyyy-"),
            (Action::SeeOverview, "yyy--"),
            (Action::SeeHistory, "yyy--"),
            (Action::CreateUser, "yyy--"),
            (Action::Scan, "yyy--"),
            (Action::Repair, "yy---"),
            (Action::EditGroups, "yy---"),
            (Action::EditDepartments, "yy---"),
            (Action::EditRoleGroups, "y----"),
            (Action::EditGroupPermissions, "y----"),
            (Action::SwitchWritingOn, "y----"),
            (Action::PruneHistory, "y----"),
        ] {
            assert_eq!(row(&action), expected, "{action:?}");
        }
    }

    /// Every action on an account, and who may do it when the account is that of: nobody, Engineer, AMC Admin, Admin,
    /// a privileged Engineer, a superuser.
    fn on_others(target: &TargetFacts) -> [(Action<'_>, [&'static str; 6]); 17] {
        let (engineer, amc_admin, admin) = (Some(Level::Engineer), Some(Level::AmcAdmin), Some(Level::Admin));
        let edits = ["yyy--", "yyy--", "yy---", "yy---", "y----", "y----"];
        let admin_edits = ["yy---", "yy---", "yy---", "yy---", "y----", "y----"];
        let superuser_only = ["y----"; 6];
        [
            (Action::EditAccount(target), edits),
            (Action::EditProfile { target, only_own_fields: false }, edits),
            (Action::EditProfile { target, only_own_fields: true }, edits),
            (Action::SetPassword(target), edits),
            (Action::SetActive { target, active: true }, edits),
            (Action::SetActive { target, active: false }, edits),
            (Action::DeleteUser(target), admin_edits),
            (Action::EditUserPermissions(target), admin_edits),
            (Action::GiveFlags(target), superuser_only),
            (Action::SetFlags(target), superuser_only),
            (Action::GiveGroup { target, level: None }, admin_edits),
            (Action::TakeGroup { target, level: None }, admin_edits),
            (Action::GiveGroup { target, level: engineer }, edits),
            (Action::TakeGroup { target, level: engineer }, edits),
            (Action::GiveGroup { target, level: amc_admin }, admin_edits),
            (Action::GiveGroup { target, level: admin }, admin_edits),
            (Action::TakeGroup { target, level: admin }, admin_edits),
        ]
    }

    #[test]
    fn actions_on_other_accounts() {
        for (kind, target) in [NOBODY, ENGINEER, AMC_ADMIN, ADMIN, PRIVILEGED, SUPERUSER].iter().enumerate() {
            for (action, expected) in on_others(target) {
                assert_eq!(row(&action), expected[kind], "{action:?}");
            }
        }
    }

    /// The same actions when the account is each actor's own.
    fn on_oneself(target: &TargetFacts) -> [(Action<'_>, &'static str); 11] {
        let (engineer, admin) = (Some(Level::Engineer), Some(Level::Admin));
        [
            (Action::EditAccount(target), "yy---"),
            (Action::EditProfile { target, only_own_fields: false }, "yy---"),
            (Action::EditProfile { target, only_own_fields: true }, "yyyy-"),
            (Action::SetPassword(target), "yyyy-"),
            (Action::SetActive { target, active: false }, "-----"),
            (Action::DeleteUser(target), "-----"),
            (Action::GiveFlags(target), "y----"),
            (Action::SetFlags(target), "-----"),
            (Action::GiveGroup { target, level: admin }, "yy---"),
            (Action::TakeGroup { target, level: admin }, "y----"),
            (Action::TakeGroup { target, level: engineer }, "yy---"),
        ]
    }

    #[test]
    fn actions_on_oneself() {
        for (who, actor) in actors().iter().enumerate() {
            let target = TargetFacts {
                id: SELF,
                superuser: actor.superuser,
                privileged: actor.superuser,
                level: actor.level,
            };
            for (action, expected) in on_oneself(&target) {
                let expected = expected.as_bytes()[who] == b'y';
                assert_eq!(allowed(actor, &action).is_ok(), expected, "{action:?} by {actor:?}");
            }
        }
    }

    #[test]
    fn an_inactive_account_may_do_nothing() {
        for mut actor in actors() {
            actor.active = false;
            assert!(allowed(&actor, &Action::SignIn).is_err());
            assert!(allowed(&actor, &Action::SetPassword(&TargetFacts { id: SELF, ..NOBODY })).is_err());
        }
    }

    #[test]
    fn a_privileged_engineer_still_has_their_own_phone_and_password() {
        let engineer = &actors()[3];
        let target = TargetFacts { id: SELF, ..PRIVILEGED };
        assert!(allowed(engineer, &Action::SetPassword(&target)).is_ok());
        assert!(allowed(engineer, &Action::EditProfile { target: &target, only_own_fields: true }).is_ok());
        assert!(allowed(engineer, &Action::EditAccount(&target)).is_err());
    }

    #[test]
    fn refusals_say_why() {
        let [_, admin, amc, engineer, none] = &actors();
        for (actor, action, why) in [
            (none, Action::SeeUsers, "This account has no access to portaldesk."),
            (engineer, Action::CreateUser, "This needs the role AMC Admin or above."),
            (amc, Action::EditAccount(&ADMIN), "An AMC Admin may not change the account of an Admin."),
            (
                admin,
                Action::SetPassword(&SUPERUSER),
                "Only a superuser may change this account: it is privileged.",
            ),
            (admin, Action::EditGroupPermissions, "Only a superuser may do this."),
        ] {
            assert_eq!(allowed(actor, &action), Err(why.to_owned()));
        }
    }

    #[test]
    fn the_portals_roles_are_the_default() {
        let roles = Roles::default();
        assert_eq!(roles.names().collect::<Vec<_>>(), ["Admin", "AMC Admin", "Engineer"]);
        assert_eq!(roles.level_of("AMC Admin"), Some(Level::AmcAdmin));
        assert_eq!(roles.level_of("amc admin"), None);
        assert!(Level::ALL.is_sorted());
        assert!(Level::ALL.into_iter().all(|level| Level::from_name(level.name()) == Some(level)));
    }
}
