//! What a form about an account starts from: its rows, what there is to choose, and what the person signed in may do.

use std::collections::BTreeSet;

use super::values::{Values, read_ids};
use crate::change::{Image, rights};
use crate::db::Cell;
use crate::directory::accounts::Rows;
use crate::directory::template::Template;
use crate::directory::{Portal, departments, groups};
use crate::error::Result;
use crate::portal::access::{Action, ActorFacts, Level, TargetFacts, allowed};
use crate::portal::form::FieldKind;
use crate::portal::forms;
use crate::portal::password::About;
use crate::tui::jobs::Slot;

/// Reads the facts.
pub(in crate::tui::screens) const LOAD: Slot<Facts> = Slot::latest("account.load");

/// Everything that a form needs to know before it can be filled.
#[derive(Debug, Clone)]
pub(in crate::tui::screens) struct Facts {
    /// The account's rows; none for an account that is yet to be made.
    pub(in crate::tui::screens) rows: Option<Rows>,
    /// The account that serves as the template of a new one.
    pub(in crate::tui::screens) template: Option<Template>,
    /// The departments, by name.
    pub(in crate::tui::screens) departments: Vec<departments::Choice>,
    /// The groups, roles first.
    pub(in crate::tui::screens) groups: Vec<groups::Choice>,
    /// The least length of a new password.
    pub(in crate::tui::screens) minimum_password_length: usize,
    /// The person signed in, and the account as guards see it; none where nobody is: then only the guards of the
    /// transaction hold.
    rights: Option<(ActorFacts, TargetFacts)>,
    read_only: Option<String>,
    /// The fields whose columns this portal lacks.
    lacking: Vec<&'static str>,
}

/// An account that is yet to be made: nobody.
const NOBODY: TargetFacts = TargetFacts { id: 0, superuser: false, privileged: false, level: None };

/// The profile's fields and their columns.
const PROFILE: [(&str, &str); 4] = [
    ("department", "department_id"),
    ("phone_number", "phone_number"),
    ("main_portal_id", "main_portal_id"),
    ("email_notifications", "email_notifications"),
];

/// The column of a field.
pub(in crate::tui::screens) fn column_of(field: &str) -> &str {
    PROFILE.iter().find(|(name, _)| *name == field).map_or(field, |(_, column)| column)
}

/// The field of a column.
pub(in crate::tui::screens) fn field_of(column: &str) -> &str {
    PROFILE.iter().find(|(_, known)| *known == column).map_or(column, |(name, _)| name)
}

impl Facts {
    /// Reads them for an account, or for one that is yet to be made.
    ///
    /// # Errors
    /// Conflict, when the account is gone; what the engine says.
    pub(in crate::tui::screens) async fn read(portal: &Portal, id: Option<i64>) -> Result<Self> {
        let rows = match id {
            Some(id) => Some(Rows::read(portal, id).await?),
            None => None,
        };
        let mut db = portal.db.clone();
        let rights = match &portal.actor.account {
            None => None,
            Some(account) => {
                let actor = rights::actor(&mut db, &portal.roles, account.id).await?;
                let ids: Vec<i64> = id.into_iter().collect();
                let target = rights::targets(&mut db, &portal.roles, &ids).await?.into_values().next();
                actor.map(|actor| (actor, target.unwrap_or(NOBODY)))
            }
        };
        let lacks = |(_, column): &&(&str, &str)| !portal.schema.has("core_userprofile", column);
        Ok(Self {
            rows,
            template: None,
            departments: departments::choices(portal).await?,
            groups: groups::choices(portal).await?,
            minimum_password_length: portal.settings.minimum_password_length,
            rights,
            read_only: portal.read_only.as_ref().map(ToString::to_string),
            lacking: PROFILE.iter().filter(lacks).map(|(name, _)| *name).collect(),
        })
    }

    /// Reads them for an account that is yet to be made, like one that is there.
    ///
    /// # Errors
    /// As [`Facts::read`].
    pub(in crate::tui::screens) async fn like(portal: &Portal, id: i64) -> Result<Self> {
        let template = Template::read(portal, id).await?;
        Ok(Self { template: Some(template), ..Self::read(portal, None).await? })
    }

    /// Whether the account is yet to be made.
    pub(in crate::tui::screens) fn is_new(&self) -> bool {
        self.rows.is_none()
    }

    /// Whether this portal has the columns of a field.
    pub(in crate::tui::screens) fn has(&self, field: &str) -> bool {
        !self.lacking.contains(&field)
    }

    /// The username; empty for a new account.
    pub(in crate::tui::screens) fn username(&self) -> String {
        self.rows.as_ref().map(Rows::username).unwrap_or_default()
    }

    /// The password as the portal stores it.
    pub(in crate::tui::screens) fn encoded_password(&self) -> Option<&str> {
        self.rows.as_ref()?.user.text("password")
    }

    /// The same account with what a form was filled from at another time.
    pub(in crate::tui::screens) fn as_it_was(&self, base: &Values) -> Self {
        let mut was = self.clone();
        let Some(rows) = &mut was.rows else { return was };
        for (name, text) in base {
            let Some(field) = forms::find(&forms::USER, name) else { continue };
            let cell = match field.kind {
                FieldKind::Bool => Cell::Int(i64::from(text == "true")),
                FieldKind::Choice(_) => text.parse().map_or(Cell::Null, Cell::Int),
                FieldKind::Choices(_) => {
                    let image = |id| Image::of("group_id", Cell::Int(id));
                    rows.groups = read_ids(text).into_iter().map(image).collect();
                    continue;
                }
                _ => Cell::Text(text.clone()),
            };
            let of_profile = PROFILE.iter().any(|(known, _)| known == name);
            let row = if of_profile { rows.profiles.first_mut() } else { Some(&mut rows.user) };
            if let Some(row) = row {
                row.set(column_of(name), cell);
            }
        }
        was
    }

    fn cell(&self, field: &str) -> Option<&Cell> {
        let rows = self.rows.as_ref()?;
        let column = column_of(field);
        let of_profile = PROFILE.iter().any(|(name, _)| *name == field);
        let row: &Image = if of_profile { rows.profiles.first()? } else { &rows.user };
        row.get(column)
    }

    /// What a text field holds; empty for NULL.
    pub(in crate::tui::screens) fn text(&self, field: &str) -> String {
        match self.cell(field) {
            None | Some(Cell::Null) => String::new(),
            Some(Cell::Text(text)) => text.clone(),
            Some(other) => other.show(),
        }
    }

    /// What a box holds; for a new account what its template has, or the model's default. Power is only taken over by
    /// those who may give it.
    pub(in crate::tui::screens) fn flag(&self, field: &str) -> bool {
        let gives = || self.may(Action::GiveFlags).is_none();
        let default = match (&self.template, field) {
            (Some(template), "email_notifications") => template.email_notifications,
            (Some(template), "is_staff") => template.is_staff && gives(),
            (Some(template), "is_superuser") => template.is_superuser && gives(),
            _ => matches!(field, "is_active" | "email_notifications"),
        };
        self.cell(field).and_then(Cell::as_bool).unwrap_or(default)
    }

    /// The id of the account's department.
    pub(in crate::tui::screens) fn department_id(&self) -> Option<i64> {
        self.cell("department").and_then(Cell::as_int)
    }

    /// The place of the account's department, or of its template's, among the choices.
    pub(in crate::tui::screens) fn department(&self) -> Option<usize> {
        let of_template = || self.template.as_ref().and_then(|template| template.department);
        let id = self.department_id().or_else(of_template)?;
        self.departments.iter().position(|choice| choice.id == id)
    }

    /// The places of the account's groups among the choices.
    pub(in crate::tui::screens) fn memberships(&self) -> BTreeSet<usize> {
        let ids = self.rows.as_ref().map(Rows::group_ids).unwrap_or_default();
        let is_member = |(_, choice): &(usize, &groups::Choice)| ids.contains(&choice.id);
        self.groups.iter().enumerate().filter(is_member).map(|(at, _)| at).collect()
    }

    /// The places of the groups that the form starts with: the account's own, or for a new one those of its template that
    /// may be given.
    pub(in crate::tui::screens) fn first_groups(&self) -> BTreeSet<usize> {
        let Some(template) = &self.template else { return self.memberships() };
        let groups = self.groups.iter().enumerate();
        groups
            .filter(|(at, group)| template.groups.contains(&group.id) && self.group_locked(*at).is_none())
            .map(|(at, _)| at)
            .collect()
    }

    fn may<'a>(&'a self, action: impl Fn(&'a TargetFacts) -> Action<'a>) -> Option<String> {
        let (actor, target) = self.rights.as_ref()?;
        allowed(actor, &action(target)).err()
    }

    /// Why nothing of this account can be saved, if so.
    pub(in crate::tui::screens) fn cannot_save(&self) -> Option<String> {
        let create = || if self.is_new() { self.may(|_| Action::CreateUser) } else { None };
        self.read_only.clone().or_else(create)
    }

    /// Why its password cannot be set, if so.
    pub(in crate::tui::screens) fn cannot_set_password(&self) -> Option<String> {
        self.read_only.clone().or_else(|| self.may(Action::SetPassword))
    }

    /// Why a field cannot be changed, if so. What is not allowed here is refused by the write, too.
    pub(in crate::tui::screens) fn locked(&self, field: &str) -> Option<String> {
        let doubled = self.rows.as_ref().map_or(0, |rows| rows.profiles.len());
        if doubled > 1 && PROFILE.iter().any(|(name, _)| *name == field) {
            return Some(format!("{doubled} profiles: repair PRF-002 first"));
        }
        match field {
            "department" | "main_portal_id" => {
                self.may(|target| Action::EditProfile { target, only_own_fields: false })
            }
            "phone_number" | "email_notifications" => {
                self.may(|target| Action::EditProfile { target, only_own_fields: true })
            }
            "is_active" => {
                let active = !self.flag("is_active");
                self.may(|target| Action::SetActive { target, active })
            }
            "is_staff" | "is_superuser" => self.flag_locked(field),
            "groups" => {
                let refusals: Vec<_> = (0..self.groups.len()).map(|at| self.group_locked(at)).collect();
                let all: Option<Vec<String>> = refusals.into_iter().collect();
                all?.into_iter().next()
            }
            _ => self.may(Action::EditAccount),
        }
    }

    fn flag_locked(&self, field: &str) -> Option<String> {
        let (actor, _) = self.rights.as_ref()?;
        if actor.effective_level() < Some(Level::Superuser) {
            return Some("only a superuser may change this".to_owned());
        }
        self.may(if self.flag(field) { Action::SetFlags } else { Action::GiveFlags })
    }

    /// Why the account's membership of a group (its place among the choices) cannot be changed, if so.
    pub(in crate::tui::screens) fn group_locked(&self, at: usize) -> Option<String> {
        let level = self.groups.get(at)?.level;
        let is_member = self.memberships().contains(&at);
        self.may(|target| {
            if is_member { Action::TakeGroup { target, level } } else { Action::GiveGroup { target, level } }
        })
    }

    /// Why the permissions given to the account itself cannot be changed, if so.
    pub(in crate::tui::screens) fn permissions_locked(&self) -> Option<String> {
        self.may(Action::EditUserPermissions)
    }

    /// "gains Engineer, loses nothing": what a choice of groups means for the account.
    pub(in crate::tui::screens) fn gains_and_loses(&self, chosen: &BTreeSet<usize>) -> String {
        let now = self.memberships();
        let names = |places: Vec<&usize>| match places.as_slice() {
            [] => "nothing".to_owned(),
            some => some
                .iter()
                .filter_map(|at| self.groups.get(**at))
                .map(|group| group.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        };
        let gains = names(chosen.difference(&now).collect());
        let loses = names(now.difference(chosen).collect());
        format!("gains {gains}, loses {loses}")
    }

    /// The account's own names, which its password must not resemble.
    pub(in crate::tui::screens) fn names(&self) -> Names {
        let text = |field| self.text(field);
        Names {
            username: text("username"),
            first_name: text("first_name"),
            last_name: text("last_name"),
            email: text("email"),
        }
    }
}

/// An account's own names.
#[derive(Debug, Clone, Default)]
pub(in crate::tui::screens) struct Names {
    pub(in crate::tui::screens) username: String,
    pub(in crate::tui::screens) first_name: String,
    pub(in crate::tui::screens) last_name: String,
    pub(in crate::tui::screens) email: String,
}

impl Names {
    /// The same for the validators.
    pub(in crate::tui::screens) fn about(&self) -> About<'_> {
        About {
            username: &self.username,
            first_name: &self.first_name,
            last_name: &self.last_name,
            email: &self.email,
        }
    }
}

#[cfg(test)]
pub(in crate::tui::screens) mod tests {
    use super::*;

    /// Bela of Sales, an Engineer, as somebody of this level sees them; without rows: an account that is yet to be made.
    pub(in crate::tui::screens) fn facts(level: Option<Level>, exists: bool) -> Facts {
        let text = |name: &str, value: &str| (name.to_owned(), Cell::Text(value.to_owned()));
        let int = |name: &str, value: i64| (name.to_owned(), Cell::Int(value));
        let user = vec![
            int("id", 2),
            text("username", "bela"),
            text("first_name", "Bela"),
            text("password", "!"),
            int("is_active", 1),
            int("is_superuser", 0),
        ];
        let profile = vec![
            int("id", 9),
            int("user_id", 2),
            int("department_id", 6),
            ("phone_number".to_owned(), Cell::Null),
        ];
        let rows = Rows {
            user: Image(user),
            profiles: vec![Image(profile)],
            groups: vec![Image(vec![int("id", 1), int("user_id", 2), int("group_id", 1)])],
            permissions: Vec::new(),
        };
        let group = |(id, level): (i64, Level)| groups::Choice {
            id,
            name: level.to_string(),
            level: Some(level),
            description: String::new(),
        };
        let department = |id, name: &str| departments::Choice { id, name: name.to_owned(), is_active: true };
        let actor = level.map(|level| ActorFacts {
            id: 1,
            username: "amir".to_owned(),
            active: true,
            superuser: level == Level::Superuser,
            level: Some(level),
        });
        let bela = TargetFacts { id: 2, superuser: false, privileged: false, level: Some(Level::Engineer) };
        Facts {
            rows: exists.then_some(rows),
            template: None,
            departments: vec![department(5, "IT"), department(6, "Sales")],
            groups: [(1, Level::Engineer), (2, Level::AmcAdmin), (3, Level::Admin)].map(group).into(),
            minimum_password_length: 8,
            rights: actor.map(|actor| (actor, if exists { bela } else { NOBODY })),
            read_only: None,
            lacking: Vec::new(),
        }
    }

    #[test]
    fn what_stands_in_the_rows_fills_the_form() {
        let (bela, new) = (facts(None, true), facts(None, false));
        assert_eq!((bela.text("first_name"), bela.text("phone_number")), ("Bela".to_owned(), String::new()));
        assert_eq!((bela.flag("is_active"), bela.flag("is_superuser")), (true, false));
        assert_eq!(bela.department(), Some(1));
        assert_eq!(bela.gains_and_loses(&[2].into()), "gains Admin, loses Engineer");
        assert_eq!(
            (new.flag("is_active"), new.flag("email_notifications"), new.flag("is_staff")),
            (true, true, false)
        );
    }

    #[test]
    fn a_template_gives_its_place_and_what_may_be_given() {
        let template = Template {
            username: "bela".to_owned(),
            department: Some(6),
            groups: vec![1, 3],
            email_notifications: false,
            is_staff: true,
            is_superuser: false,
        };
        let like = |level| Facts { template: Some(template.clone()), ..facts(Some(level), false) };
        let (superuser, amc_admin) = (like(Level::Superuser), like(Level::AmcAdmin));
        assert_eq!((superuser.flag("is_staff"), amc_admin.flag("is_staff")), (true, false));
        assert_eq!((superuser.first_groups(), amc_admin.first_groups()), ([0, 2].into(), [0].into()));
        for facts in [superuser, amc_admin] {
            assert!(facts.is_new() && facts.flag("is_active") && !facts.flag("email_notifications"));
            assert_eq!((facts.department(), facts.memberships()), (Some(1), [].into()));
            assert_eq!((facts.username(), facts.text("email")), (String::new(), String::new()));
        }
    }

    #[test]
    fn each_level_finds_its_own_fields_locked() {
        let locked = |level, exists| {
            let facts = facts(level, exists);
            let fields = forms::USER.iter().map(|field| field.name);
            fields.filter(|name| facts.locked(name).is_some()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(locked(None, true), "");
        assert_eq!(locked(Some(Level::Superuser), true), "");
        assert_eq!(locked(Some(Level::Admin), true), "is_staff is_superuser");
        assert_eq!(locked(Some(Level::AmcAdmin), false), "is_staff is_superuser");
        let all = forms::USER.map(|field| field.name).join(" ");
        assert_eq!(locked(Some(Level::Engineer), true), all);
        assert!(facts(Some(Level::Engineer), false).cannot_save().is_some());
    }

    #[test]
    fn groups_above_ones_own_are_locked_one_by_one() {
        let facts = facts(Some(Level::AmcAdmin), true);
        let locked: Vec<bool> = (0..3).map(|at| facts.group_locked(at).is_some()).collect();
        assert_eq!(locked, [false, true, true]);
    }

    #[test]
    fn doubled_profiles_lock_the_profile() {
        let mut facts = facts(None, true);
        let rows = facts.rows.as_mut().unwrap();
        rows.profiles.push(rows.profiles[0].clone());
        assert_eq!(facts.locked("main_portal_id").as_deref(), Some("2 profiles: repair PRF-002 first"));
        assert_eq!(facts.locked("email"), None);
    }
}
