//! A part of a filter as SQL about `auth_user u`, for all engines.

use chrono::{DateTime, Utc};

use super::grammar::{Flag, HASHERS, LONGEST_WORD, Part, Password, Place, Profiles, Test};
use super::when::When;
use crate::change::rights;
use crate::db::{Sql, like_text, own};
use crate::directory::Portal;
use crate::directory::order::{has_departments, phone_digits};
use crate::directory::why::Barred;
use crate::portal::access::Level;

/// How a user is looked for among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::directory) enum Shape {
    /// In a set that is read first: where few of the users who are looked at may be in it.
    Set,
    /// For each user who is looked at: where those are few.
    Each,
}

impl Part {
    /// Appends the condition with its `AND`.
    pub(super) fn and(&self, sql: Sql, asked: Condition<'_>) -> Sql {
        if self.is_unknown() {
            // Not even the others are let through.
            return sql.push(" AND 1 = 0");
        }
        let condition = if self.negated { Condition { shape: Shape::Each, ..asked } } else { asked };
        match (self.negated, condition.is_two_valued(&self.test)) {
            (false, _) => condition.test(sql.push(" AND ("), &self.test).push(")"),
            (true, true) => condition.test(sql.push(" AND NOT ("), &self.test).push(")"),
            // NOT of what is neither true nor false would leave out the user on both sides.
            (true, false) => {
                condition.test(sql.push(" AND (CASE WHEN "), &self.test).push(" THEN 1 ELSE 0 END) = 0")
            }
        }
    }

    /// The ids of the users among whom all are whom the part lets through, as a statement, and whether it lets all of them
    /// through; nothing where no index leads to them.
    pub(super) fn set(&self, portal: &Portal) -> Option<(Sql, bool)> {
        if self.negated {
            return None;
        }
        let condition = Condition { portal, shape: Shape::Set, barred: None };
        match &self.test {
            Test::Department(Place::Ids(ids)) if has_departments(portal) => {
                Some((Condition::department(ids).1, true))
            }
            Test::Group(Place::Ids(ids)) => Some((Condition::group(ids).1, true)),
            Test::Access(Some(level)) if *level != Level::Superuser => {
                Some((condition.roles(|its| its == *level).1, false))
            }
            _ => None,
        }
    }

    /// Whether there is a name in it that was not looked up.
    fn is_unknown(&self) -> bool {
        matches!(&self.test, Test::Department(Place::Named(_)) | Test::Group(Place::Named(_)))
    }
}

/// The tables that say which users belong to something, by an alias that no other part of the statement has.
struct Members {
    table: &'static str,
    select: &'static str,
    each: &'static str,
}

const PROFILES: Members = Members {
    table: "core_userprofile",
    select: "SELECT fp.user_id FROM core_userprofile fp WHERE fp.user_id IS NOT NULL",
    each: "SELECT 1 FROM core_userprofile fp WHERE fp.user_id = u.id",
};

const GROUPS: Members = Members {
    table: "auth_user_groups",
    select: "SELECT fm.user_id FROM auth_user_groups fm JOIN auth_group fg ON fg.id = fm.group_id WHERE 1 = 1",
    each: "SELECT 1 FROM auth_user_groups fm JOIN auth_group fg ON fg.id = fm.group_id WHERE fm.user_id = u.id",
};

/// The same for groups known by their ids, of which the memberships alone tell.
const MEMBERS: Members = Members {
    table: "auth_user_groups",
    select: "SELECT fm.user_id FROM auth_user_groups fm WHERE 1 = 1",
    each: "SELECT 1 FROM auth_user_groups fm WHERE fm.user_id = u.id",
};

/// What conditions depend on beside what is asked.
#[derive(Clone, Copy)]
pub(in crate::directory) struct Condition<'a> {
    pub(in crate::directory) portal: &'a Portal,
    pub(in crate::directory) shape: Shape,
    /// Who can't sign in for a reason that the engine doesn't see, where that is asked.
    pub(in crate::directory) barred: Option<&'a Barred>,
}

impl Condition<'_> {
    /// Whether the test is either true or false, whatever a broken row holds.
    fn is_two_valued(&self, test: &Test) -> bool {
        matches!(
            test,
            Test::Department(_)
                | Test::Group(_)
                | Test::NeverSignedIn
                | Test::SignIn(_)
                | Test::Profiles(_)
                | Test::Operation(_)
        ) || (matches!(test, Test::Notified(_)) && self.has_profiles("email_notifications"))
    }

    fn has_profiles(&self, column: &str) -> bool {
        self.portal.schema.has("core_userprofile", column)
    }

    fn test(&self, sql: Sql, test: &Test) -> Sql {
        match test {
            Test::Word(word) => self.word(sql, word),
            Test::Department(_) | Test::Profiles(_) | Test::Notified(_) => self.profile(sql, test),
            Test::Group(Place::Nowhere) => sql.push("NOT EXISTS (").push(GROUPS.each).push(")"),
            Test::Group(Place::Ids(ids)) => self.among(sql, &MEMBERS, Self::group(ids)),
            Test::Flag(Flag::Active, is) => sql.push_bind("u.is_active = ?", *is),
            Test::Flag(Flag::Staff, is) => sql.push_bind("u.is_staff = ?", *is),
            Test::Flag(Flag::Superuser, is) => sql.push_bind("u.is_superuser = ?", *is),
            Test::SignIn(can) => match self.barred {
                Some(barred) => {
                    let sql = barred.and_case(sql, self.portal.dialect());
                    sql.push(if *can { " = 1" } else { " = 0" })
                }
                None => sql.push("1 = 0"),
            },
            Test::NeverSignedIn => sql.push("u.last_login IS NULL"),
            Test::Login(when) => time(sql, "COALESCE(u.last_login, u.date_joined)", when),
            Test::Joined(when) => time(sql, "u.date_joined", when),
            Test::Password(password) => hashed(sql, password),
            Test::Email(None) => sql.push("COALESCE(u.email, '') = ''"),
            Test::Email(Some(part)) => {
                sql.push("u.email").push_bind(self.portal.dialect().like(), format!("%{}%", like_text(part)))
            }
            Test::Operation(id) if self.portal.schema.has_own_tables() => own::touched_by(sql, id),
            Test::Operation(_) | Test::Group(Place::Named(_)) => sql.push("1 = 0"),
            Test::Access(level) => self.access(sql, *level),
            Test::Privileged(true) => rights::privileged(sql, self.has_permissions()),
            Test::Privileged(false) => {
                rights::privileged(sql.push("NOT ("), self.has_permissions()).push(")")
            }
        }
    }

    fn has_permissions(&self) -> bool {
        ["auth_permission", "django_content_type", "auth_user_user_permissions", "auth_group_permissions"]
            .iter()
            .all(|table| self.portal.has_table(table))
    }

    /// What profiles tell; nobody has any where the database has none.
    fn profile(&self, sql: Sql, test: &Test) -> Sql {
        let has = |column| self.has_profiles(column);
        match test {
            Test::Department(Place::Nowhere) if has_departments(self.portal) => sql.push(
                "NOT EXISTS (SELECT 1 FROM core_userprofile fp JOIN core_department fd ON fd.id = fp.department_id \
                 WHERE fp.user_id = u.id)",
            ),
            Test::Department(Place::Ids(ids)) if has_departments(self.portal) => {
                self.among(sql, &PROFILES, Self::department(ids))
            }
            Test::Notified(is) if has("email_notifications") => {
                let rest = || Sql::default().push_bind(" AND fp.email_notifications = ?", *is);
                self.among(sql, &PROFILES, (rest(), Sql::new(PROFILES.select).append(rest())))
            }
            Test::Profiles(Profiles::None) if has("user_id") => {
                sql.push("NOT ").append(self.among(Sql::default(), &PROFILES, (Sql::default(), Sql::new(PROFILES.select))))
            }
            Test::Profiles(many) if has("user_id") => {
                let sql = sql.push("u.id IN (SELECT fp.user_id FROM core_userprofile fp GROUP BY fp.user_id HAVING COUNT(*)");
                sql.push(if *many == Profiles::One { " = 1)" } else { " > 1)" })
            }
            _ => sql.push("1 = 0"),
        }
    }

    /// Those in these departments: as a condition on a profile, and as their ids.
    fn department(ids: &[i64]) -> (Sql, Sql) {
        let rest = || Sql::new(" AND fp.department_id IN (").list(ids.iter().copied()).push(")");
        (rest(), Sql::new(PROFILES.select).append(rest()))
    }

    /// Those in these groups, in the same two ways.
    fn group(ids: &[i64]) -> (Sql, Sql) {
        let rest = || Sql::new(" AND fm.group_id IN (").list(ids.iter().copied()).push(")");
        (rest(), Sql::new(MEMBERS.select).append(rest()))
    }

    /// Those in groups of these levels, in the same two ways; which group is one is the engine's to say.
    fn roles(&self, is_meant: impl Fn(Level) -> bool) -> (Sql, Sql) {
        let names =
            || self.portal.roles.iter().filter(|role| is_meant(role.level)).map(|role| role.group.as_str());
        let rest = || Sql::new(" AND fg.name IN (").list(names()).push(")");
        (rest(), Sql::new(GROUPS.select).append(rest()))
    }

    /// Appends that the user is among others.
    fn among(&self, sql: Sql, members: &Members, (rest, select): (Sql, Sql)) -> Sql {
        let is_indexed = self.portal.schema.table(members.table).is_some_and(|table| {
            table.indexes.iter().any(|index| index.first().is_some_and(|column| column == "user_id"))
        });
        if self.shape == Shape::Each && is_indexed {
            sql.push("EXISTS (").push(members.each).append(rest).push(")")
        } else {
            sql.push("u.id IN (").append(select).push(")")
        }
    }

    /// The superuser flag is the highest role.
    fn access(&self, sql: Sql, level: Option<Level>) -> Sql {
        let member = |sql, is_meant: &dyn Fn(Level) -> bool| self.among(sql, &GROUPS, self.roles(is_meant));
        if level == Some(Level::Superuser) {
            return member(sql.push_bind("u.is_superuser = ? OR ", true), &|its| its == Level::Superuser);
        }
        let mut sql = sql.push_bind("u.is_superuser = ?", false);
        if let Some(level) = level {
            sql = member(sql.push(" AND "), &|its| its == level);
        }
        let each = Self { shape: Shape::Each, ..*self };
        each.among(sql.push(" AND NOT "), &GROUPS, self.roles(|its| level.is_none_or(|level| its > level)))
    }

    /// A word in any text of the user.
    fn word(&self, sql: Sql, word: &str) -> Sql {
        if word.len() > LONGEST_WORD {
            return sql.push("1 = 0");
        }
        let like = self.portal.dialect().like();
        let pattern = format!("%{}%", like_text(word));
        let columns = ["u.username", "u.first_name", "u.last_name", "u.email"];
        let sql = columns.into_iter().enumerate().fold(sql, |sql, (index, column)| {
            sql.push(if index == 0 { "" } else { " OR " }).push(column).push_bind(like, pattern.as_str())
        });
        if !self.has_profiles("main_portal_id") || !self.has_profiles("phone_number") {
            return sql;
        }
        let rest = || {
            let rest = Sql::new(" AND (fp.main_portal_id").push_bind(like, pattern.as_str());
            let Some(digits) = phone_digits(word) else { return rest.push(")") };
            rest.push(
                " OR REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(fp.phone_number, ' ', ''), '-', ''), '(', ''), \
                 ')', ''), '+', '')",
            )
            .push_bind(" LIKE ?)", format!("%{digits}%"))
        };
        self.among(sql.push(" OR "), &PROFILES, (rest(), Sql::new(PROFILES.select).append(rest())))
    }
}

fn time(sql: Sql, expression: &'static str, when: &When) -> Sql {
    let at = |sql: Sql, sign: &'static str, time: DateTime<Utc>| sql.push(expression).push_bind(sign, time);
    match when {
        When::Older(age) => at(sql, " < ?", Utc::now() - *age),
        When::Younger(age) => at(sql, " >= ?", Utc::now() - *age),
        When::Before(time) => at(sql, " < ?", *time),
        When::From(time) => at(sql, " >= ?", *time),
        When::Within(first, end) => at(at(sql, " >= ?", *first).push(" AND "), " < ?", *end),
    }
}

/// What a stored password begins with. Django's names of hashers are in small letters.
fn hashed(sql: Sql, password: &Password) -> Sql {
    let begins =
        |sql: Sql, with: &str| sql.push_bind("u.password LIKE ? ESCAPE '!'", format!("{}%", like_text(with)));
    match password {
        Password::Unusable => begins(sql, "!"),
        Password::Hasher(name) => begins(begins(sql, &format!("{name}$")).push(" OR "), &format!("{name}_")),
        Password::Other => HASHERS
            .iter()
            .fold(begins(sql.push("NOT ("), "!"), |sql, name| {
                begins(begins(sql.push(" OR "), &format!("{name}$")).push(" OR "), &format!("{name}_"))
            })
            .push(")"),
    }
}
