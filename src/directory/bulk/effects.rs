//! What changing many accounts means beyond their rows: who can't sign in any more, whom departments lose, how many are
//! left to run the portal. Counted from the plans, account by account, so that nothing has to be remembered of them.

use std::collections::{BTreeMap, BTreeSet};

use super::parts::Part;
use crate::change::{Plan, Step};
use crate::db::{Cell, Sql};
use crate::directory::{Portal, groups};
use crate::error::Result;
use crate::portal::access::Level;
use crate::portal::password::{self, Stored};
use crate::text;

/// So many names are told.
const NAMED: usize = 5;
/// So many departments are asked for at once.
const AT_ONCE: usize = 500;

/// What it means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// How many can sign in to the portal now and could not any more.
    pub lose_sign_in: u64,
    /// The first of them.
    pub first_losers: Vec<String>,
    /// How many get another password, or none: their portal sessions end.
    pub sessions_end: u64,
    /// How many get back the portal sessions that they had.
    pub sessions_revive: u64,
    /// How many become active and have no password to sign in with.
    pub without_password: u64,
    /// The departments that would lose their last active member.
    pub emptied: Vec<String>,
    /// Superusers who can sign in: before and after, where that differs.
    pub superusers: Option<(i64, i64)>,
    /// Active members of the groups whose role is Admin: before and after, where that differs.
    pub admins: Option<(i64, i64)>,
}

/// Effects while they are counted.
pub(super) struct Counting {
    effects: Effects,
    /// Groups whose role is Admin.
    admin_groups: Vec<i64>,
    /// How many active members departments lose.
    leave: BTreeMap<i64, i64>,
    superusers: i64,
    admins: i64,
}

/// An account, as far as it counts.
struct State {
    is_active: bool,
    has_password: bool,
    is_superuser: bool,
    departments: BTreeSet<i64>,
    groups: BTreeSet<i64>,
}

impl Counting {
    pub(super) async fn new(portal: &Portal) -> Result<Self> {
        let choices = groups::choices(portal).await?;
        let admins = choices.into_iter().filter(|choice| choice.level == Some(Level::Admin));
        Ok(Self {
            effects: Effects::default(),
            admin_groups: admins.map(|choice| choice.id).collect(),
            leave: BTreeMap::new(),
            superusers: 0,
            admins: 0,
        })
    }

    /// Counts what a plan does to its account.
    pub(super) fn note(&mut self, part: &Part, plan: &Plan) {
        let before = State::of(part);
        let after = before.after(plan);
        let effects = &mut self.effects;
        if before.can_sign_in() && !after.as_ref().is_some_and(State::can_sign_in) {
            effects.lose_sign_in += 1;
            if effects.first_losers.len() < NAMED {
                effects.first_losers.push(part.username.clone());
            }
        }
        let new_password = plan.steps.iter().any(|step| step.value("password").is_some());
        effects.sessions_end += u64::from(after.is_none() || new_password);
        if let Some(after) = after.as_ref().filter(|after| after.is_active && !before.is_active) {
            effects.sessions_revive += u64::from(after.has_password);
            effects.without_password += u64::from(!after.has_password);
        }
        let stays = after.as_ref().filter(|after| after.is_active);
        for department in before.departments.iter().filter(|_| before.is_active) {
            if !stays.is_some_and(|after| after.departments.contains(department)) {
                *self.leave.entry(*department).or_default() += 1;
            }
        }
        let delta = |is: fn(&State, &[i64]) -> bool, groups: &[i64]| {
            i64::from(after.as_ref().is_some_and(|after| is(after, groups))) - i64::from(is(&before, groups))
        };
        self.superusers += delta(|state, _| state.is_superuser && state.can_sign_in(), &[]);
        self.admins += delta(State::is_admin, &self.admin_groups);
    }

    /// Looks up what is left of all that.
    pub(super) async fn finish(mut self, portal: &Portal) -> Result<Effects> {
        if self.superusers != 0 {
            let now = superusers(portal).await?;
            self.effects.superusers = Some((now, now + self.superusers));
        }
        if self.admins != 0 {
            let sql = Sql::new(
                "SELECT COUNT(DISTINCT ug.user_id) FROM auth_user_groups ug JOIN auth_user u ON u.id = ug.user_id",
            )
            .push_bind(" WHERE u.is_active = ?", true)
            .push(" AND ug.group_id IN (")
            .list(self.admin_groups.iter().copied());
            let now = portal.count(sql.push(")")).await?;
            self.effects.admins = Some((now, now + self.admins));
        }
        let departments: Vec<i64> = self.leave.keys().copied().collect();
        for some in departments.chunks(AT_ONCE) {
            let sql = Sql::new(
                "SELECT d.id, MIN(d.name), COUNT(DISTINCT p.user_id) FROM core_department d \
                 JOIN core_userprofile p ON p.department_id = d.id JOIN auth_user u ON u.id = p.user_id",
            )
            .push_bind(" WHERE u.is_active = ?", true)
            .push(" AND d.id IN (")
            .list(some.iter().copied());
            for row in portal.db.all(sql.push(") GROUP BY d.id ORDER BY 2")).await? {
                let (id, members) = (row.int(0)?, row.int(2)?);
                if self.leave.get(&id).is_some_and(|leave| *leave >= members) {
                    self.effects.emptied.push(row.text(1)?);
                }
            }
        }
        Ok(self.effects)
    }
}

/// How many superusers can sign in.
async fn superusers(portal: &Portal) -> Result<i64> {
    let sql = Sql::new("SELECT is_active, password FROM auth_user WHERE is_superuser = ?").bind(true);
    let mut count = 0;
    for row in portal.db.all(sql).await? {
        count += i64::from(row.bool(0)? && is_usable(&row.text(1)?));
    }
    Ok(count)
}

/// Whether a stored password may open the portal.
fn is_usable(encoded: &str) -> bool {
    matches!(password::read(encoded), Stored::Usable(_) | Stored::Unsupported(_))
}

impl State {
    fn of(part: &Part) -> Self {
        let (user, profiles) = (&part.rows.user, &part.rows.profiles);
        Self {
            is_active: user.bool("is_active") != Some(false),
            has_password: is_usable(user.text("password").unwrap_or_default()),
            is_superuser: user.bool("is_superuser") != Some(false),
            departments: profiles.iter().filter_map(|row| row.int("department_id")).collect(),
            groups: part.rows.group_ids().into_iter().collect(),
        }
    }

    /// The account when the plan is applied; nothing where it is deleted.
    fn after(&self, plan: &Plan) -> Option<Self> {
        let mut after = Self { departments: self.departments.clone(), groups: self.groups.clone(), ..*self };
        for step in &plan.steps {
            match (step, step.table()) {
                (Step::Delete { .. }, "auth_user") => return None,
                (_, "auth_user") => {
                    let flag = |column, now| step.cell(column).and_then(Cell::as_bool).unwrap_or(now);
                    after.is_active = flag("is_active", self.is_active);
                    after.is_superuser = flag("is_superuser", self.is_superuser);
                    if let Some(encoded) = step.cell("password").and_then(Cell::as_text) {
                        after.has_password = is_usable(encoded);
                    }
                }
                (_, "core_userprofile") => {
                    if let Some(department) = step.cell("department_id") {
                        after.departments = department.as_int().into_iter().collect();
                    }
                }
                (Step::Delete { before, .. }, "auth_user_groups") => {
                    before.int("group_id").map(|group| after.groups.remove(&group));
                }
                (_, "auth_user_groups") => after.groups.extend(step.cell("group_id").and_then(Cell::as_int)),
                _ => {}
            }
        }
        Some(after)
    }

    fn can_sign_in(&self) -> bool {
        self.is_active && self.has_password
    }

    fn is_admin(&self, admin_groups: &[i64]) -> bool {
        self.is_active && admin_groups.iter().any(|group| self.groups.contains(group))
    }
}

impl Effects {
    /// A sentence each.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let counted = |count: u64, one: &str, many: &str| match count {
            1 => format!("1 user {one}"),
            count => format!("{} users {many}", text::grouped(count)),
        };
        if self.lose_sign_in > 0 {
            let more = self.lose_sign_in - self.first_losers.len() as u64;
            let more = if more > 0 { format!(" and {} more", text::grouped(more)) } else { String::new() };
            let names = self.first_losers.join(", ");
            let those = counted(self.lose_sign_in, "can", "can");
            words.push(format!("{those} no longer sign in to the portal: {names}{more}."));
        }
        if self.sessions_end > 0 {
            let whose = counted(self.sessions_end, "loses", "lose");
            words.push(format!("{whose} open portal sessions for good."));
        }
        if self.sessions_revive > 0 {
            let whose = counted(self.sessions_revive, "gets", "get");
            words.push(format!(
                "{whose} back portal sessions that were open, unless the password was changed meanwhile."
            ));
        }
        if self.without_password > 0 {
            let who = counted(self.without_password, "has", "have");
            words.push(format!("{who} no usable password and can't sign in without a new one."));
        }
        if !self.emptied.is_empty() {
            let departments = self.emptied.join(", ");
            let which = if self.emptied.len() == 1 { "loses its" } else { "lose their" };
            words.push(format!("{departments} {which} last active member."));
        }
        for (counts, who) in [
            (self.superusers, "Superusers who can sign in"),
            (self.admins, "Active members of the Admin group"),
        ] {
            if let Some((before, after)) = counts {
                words.push(format!("{who}: {before} now, {after} then."));
            }
        }
        words
    }
}
