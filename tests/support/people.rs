//! Five hundred people, in a database and in memory, and what the filter language says of each of them.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::fmt::Write as _;

use chrono::{DateTime, Local, Months, NaiveDate, TimeDelta, TimeZone as _, Utc};
use portaldesk::change::Actor;
use portaldesk::db::Dialect;
use portaldesk::directory::{Portal, Settings, accounts, groups};
use proptest::prelude::*;

use super::support::TestDb;

/// Texts are ASCII in small letters: how others compare is the engine's to say.
const FIRST: [&str; 6] = ["ann", "bela", "cho", "dana", "eva", "o'neill"];
const LAST: [&str; 5] = ["novak", "van der berg", "lee", "50% off", "a_b"];
const DEPARTMENTS: [&str; 5] = ["IT", "Sales", "Human Resources", "none", "5\" disks"];
const GROUPS: [&str; 5] = ["Admin", "AMC Admin", "Engineer", "Night shift", "#1"];
const USABLE: &str =
    "pbkdf2_sha256$600000$SaltOfTwentyTwoLetters$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const PASSWORDS: [&str; 7] =
    [USABLE, "!unusable", "pbkdf2_sha256$1$a$b", "argon2$argon2id$x", "bcrypt$$2b$x", "md5$a$b", "plain"];
/// The run of what was done to one of them.
const OPERATION: &str = "0f17e5";
const FIRST_ID: i64 = 1_000;

/// One of them.
pub(crate) struct Person {
    id: i64,
    username: String,
    first: &'static str,
    last: &'static str,
    email: String,
    password: &'static str,
    flags: [bool; 3],
    joined: DateTime<Utc>,
    last_login: Option<DateTime<Utc>>,
    profile: Option<Profile>,
    groups: Vec<usize>,
    /// Has a permission that makes staff privileged, and one that does not.
    powerful: bool,
    operation: bool,
}

struct Profile {
    department: Option<usize>,
    phone: Option<String>,
    portal_id: Option<String>,
    notified: bool,
}

/// All of them.
pub(crate) struct People {
    people: Vec<Person>,
    dialect: Dialect,
}

/// A number that looks like chance, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }
}

impl Person {
    fn rolled(number: i64, dice: &mut Dice, now: DateTime<Utc>) -> Self {
        let id = FIRST_ID + number;
        let (first, last) = (FIRST[dice.roll(FIRST.len())], LAST[dice.roll(LAST.len())]);
        let days = |dice: &mut Dice, most| TimeDelta::days(i64::try_from(dice.roll(most)).unwrap());
        // Half a day keeps ages away from the day on which the test runs.
        let joined = now - days(dice, 900) - TimeDelta::hours(12);
        let email = match dice.roll(4) {
            0 => String::new(),
            1 => format!("{number}@example.net"),
            _ => format!("{number}@example.org"),
        };
        let profile = (dice.roll(8) > 0).then(|| Profile {
            department: (dice.roll(4) > 0).then(|| dice.roll(DEPARTMENTS.len())),
            phone: (dice.roll(2) > 0).then(|| format!("+1 555-0{number:03}")),
            portal_id: (dice.roll(2) > 0).then(|| format!("b{number}")),
            notified: dice.roll(3) > 0,
        });
        let groups = (0..GROUPS.len()).filter(|_| dice.roll(5) == 0).collect();
        Self {
            id,
            username: format!("{}{number}", ["u", "x-", "u."][dice.roll(3)]),
            first,
            last,
            email,
            password: PASSWORDS[dice.roll(PASSWORDS.len())],
            flags: [dice.roll(4) > 0, dice.roll(4) == 0, dice.roll(9) == 0],
            joined,
            last_login: (dice.roll(4) > 0).then(|| now - days(dice, 400) - TimeDelta::hours(12)),
            profile,
            groups,
            powerful: dice.roll(6) == 0,
            operation: false,
        }
    }

    /// The moment that `login` compares.
    fn seen(&self) -> DateTime<Utc> {
        self.last_login.unwrap_or(self.joined)
    }

    fn is_privileged(&self) -> bool {
        let [_, staff, superuser] = self.flags;
        superuser || staff && (self.powerful || self.groups.contains(&3))
    }

    /// The highest role: 0 none, 1 Engineer, 2 AMC Admin, 3 Admin, 4 superuser.
    fn level(&self) -> usize {
        if self.flags[2] {
            4
        } else {
            self.groups.iter().map(|group| 3_usize.saturating_sub(*group)).max().unwrap_or(0)
        }
    }

    fn has_word(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        let digits: String = word.chars().filter(char::is_ascii_digit).collect();
        let is_phone = digits.len() > 1 && word.chars().all(|c| c.is_ascii_digit() || " +-()./".contains(c));
        let in_profile = self.profile.as_ref().is_some_and(|profile| {
            let phone: String =
                profile.phone.iter().flat_map(|phone| phone.chars()).filter(char::is_ascii_digit).collect();
            profile.portal_id.as_ref().is_some_and(|id| id.contains(&word))
                || is_phone && phone.contains(&digits)
        });
        [self.username.as_str(), self.first, self.last, &self.email].iter().any(|text| text.contains(&word))
            || in_profile
    }
}

/// Something that a filter asks.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Word(&'static str),
    Department(Option<String>),
    Group(Option<String>),
    Flag(usize, bool),
    SignIn(bool),
    Never,
    Time(bool, &'static str, Time),
    Profile(&'static str),
    Password(&'static str),
    Email(&'static str),
    Notified(bool),
    Operation(bool),
    Access(usize),
    Privileged(bool),
}

#[derive(Debug, Clone)]
pub(crate) enum Time {
    Days(i64),
    Year(i32),
    Month(i32, u32),
    Day(i32, u32, u32),
}

const WORDS: [&str; 13] = [
    "ann", "ANN", "u1", "x-2", "55501", "555-02", "b31", "_", "%", "van der", "o'neill", "@example",
    "nobody!",
];
const ACCESS: [&str; 5] = ["none", "engineer", "amc-admin", "admin", "superuser"];

/// Every question there is, with some of its values.
pub(crate) fn every_ask() -> Vec<Ask> {
    let mut all: Vec<Ask> = WORDS.iter().map(|word| Ask::Word(word)).collect();
    for name in DEPARTMENTS.iter().chain(&["it", "Elsewhere"]) {
        all.push(Ask::Department(Some((*name).to_owned())));
    }
    for name in GROUPS.iter().chain(&["admin"]) {
        all.push(Ask::Group(Some((*name).to_owned())));
    }
    all.extend([Ask::Department(None), Ask::Group(None), Ask::Never]);
    for yes in [true, false] {
        all.extend((0..3).map(|flag| Ask::Flag(flag, yes)));
        all.extend([Ask::Notified(yes), Ask::Operation(yes), Ask::Privileged(yes), Ask::SignIn(yes)]);
        for time in
            [Time::Days(90), Time::Days(400), Time::Year(2025), Time::Month(2026, 3), Time::Day(2026, 2, 28)]
        {
            for sign in ["<", "<=", ">", ">=", ":"] {
                if sign != ":" || !matches!(time, Time::Days(_)) {
                    all.push(Ask::Time(yes, sign, time.clone()));
                }
            }
        }
    }
    all.extend(["none", "one", "several"].map(Ask::Profile));
    all.extend(
        ["unusable", "other", "pbkdf2", "pbkdf2_sha256", "argon2", "bcrypt", "scrypt"].map(Ask::Password),
    );
    all.extend(["none", "@example.org", "1@EXAMPLE", "_"].map(Ask::Email));
    all.extend((0..ACCESS.len()).map(Ask::Access));
    all
}

/// One of them.
pub(crate) fn asks() -> impl Strategy<Value = Ask> {
    proptest::sample::select(every_ask())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Ask {
    fn text(&self) -> String {
        let yes = |is: bool| if is { "yes" } else { "no" };
        match self {
            Self::Word(word) => quoted(word),
            Self::Department(None) => "dept:none".to_owned(),
            Self::Department(Some(name)) => format!("dept:{}", quoted(name)),
            Self::Group(None) => "GROUP:None".to_owned(),
            Self::Group(Some(name)) => format!("group:{}", quoted(name)),
            Self::Flag(flag, is) => format!("{}:{}", ["active", "staff", "super"][*flag], yes(*is)),
            Self::SignIn(can) => format!("signin:{}", yes(*can)),
            Self::Never => "login:never".to_owned(),
            Self::Time(login, sign, time) => {
                let key = if *login { "login" } else { "joined" };
                match time {
                    Time::Days(days) => format!("{key}{sign}{days}d"),
                    Time::Year(year) => format!("{key}{sign}{year}"),
                    Time::Month(year, month) => format!("{key}{sign}{year}-{month:02}"),
                    Time::Day(year, month, day) => format!("{key}{sign}{year}-{month:02}-{day:02}"),
                }
            }
            Self::Profile(many) => format!("profile:{many}"),
            Self::Password(kind) => format!("pw:{kind}"),
            Self::Email(text) => format!("email:{text}"),
            Self::Notified(is) => format!("notify:{}", yes(*is)),
            Self::Operation(known) => format!("op:{}", if *known { OPERATION } else { "none-such" }),
            Self::Access(level) => format!("access:{}", ACCESS[*level]),
            Self::Privileged(is) => format!("privileged:{}", yes(*is)),
        }
    }

    fn holds(&self, person: &Person, people: &People) -> bool {
        match self {
            Self::Word(word) => person.has_word(word),
            Self::Department(name) => {
                let department = person.profile.as_ref().and_then(|profile| profile.department);
                department == name.as_ref().and_then(|name| people.numbered(&DEPARTMENTS, name))
            }
            Self::Group(None) => person.groups.is_empty(),
            Self::Group(Some(name)) => {
                people.numbered(&GROUPS, name).is_some_and(|group| person.groups.contains(&group))
            }
            Self::Flag(flag, is) => person.flags[*flag] == *is,
            Self::SignIn(can) => (person.flags[0] && person.password == USABLE) == *can,
            Self::Never => person.last_login.is_none(),
            Self::Time(login, sign, time) => {
                time.holds(sign, if *login { person.seen() } else { person.joined })
            }
            Self::Profile(many) => match *many {
                "none" => person.profile.is_none(),
                "one" => person.profile.is_some(),
                _ => false,
            },
            Self::Password(kind) => match *kind {
                "unusable" => person.password.starts_with('!'),
                "other" => person.password == "plain",
                kind => person.password.starts_with(kind),
            },
            Self::Email("none") => person.email.is_empty(),
            Self::Email(text) => person.email.contains(&text.to_lowercase()),
            Self::Notified(is) => person.profile.as_ref().is_some_and(|profile| profile.notified == *is),
            Self::Operation(known) => *known && person.operation,
            Self::Access(level) => person.level() == *level,
            Self::Privileged(is) => person.is_privileged() == *is,
        }
    }
}

impl Time {
    fn holds(&self, sign: &str, moment: DateTime<Utc>) -> bool {
        let midnight = |date: NaiveDate| {
            Local
                .from_local_datetime(&date.and_hms_opt(0, 0, 0).unwrap())
                .earliest()
                .unwrap()
                .with_timezone(&Utc)
        };
        let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
        let (start, end) = match *self {
            Self::Days(days) => {
                let age = Utc::now() - moment;
                return (age > TimeDelta::days(days)) == sign.starts_with('>');
            }
            Self::Year(year) => (date(year, 1, 1), date(year + 1, 1, 1)),
            Self::Month(year, month) => {
                (date(year, month, 1), date(year, month, 1).checked_add_months(Months::new(1)).unwrap())
            }
            Self::Day(year, month, day) => {
                (date(year, month, day), date(year, month, day).succ_opt().unwrap())
            }
        };
        let (start, end) = (midnight(start), midnight(end));
        match sign {
            "<" => moment < start,
            "<=" => moment < end,
            ">" => moment >= end,
            ">=" => moment >= start,
            _ => start <= moment && moment < end,
        }
    }
}

/// The filter that asks all of this; `true` stands for the opposite.
pub(crate) fn line(asks: &[(bool, Ask)]) -> String {
    let part = |(negated, ask): &(bool, Ask)| format!("{}{}", if *negated { "-" } else { "" }, ask.text());
    asks.iter().map(part).collect::<Vec<_>>().join(" ")
}

impl People {
    /// Makes them, the same ones for the same seed.
    pub(crate) async fn settle(db: &TestDb, seed: u64) -> (Self, Portal) {
        let portal =
            Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
        portal.writer().unwrap().apply(groups::setup(&portal).await.unwrap()).await.unwrap();
        let mut dice = Dice(seed | 1);
        let now = Utc::now();
        let mut people: Vec<Person> = (0..500).map(|number| Person::rolled(number, &mut dice, now)).collect();
        let dialect = db.dialect();
        db.run(&script(&people, dialect)).await;
        // What a real operation has touched; its run gets a name that fits into every line.
        let touched = &mut people[7];
        let plan = accounts::set_active(&portal, touched.id, !touched.flags[0]).await.unwrap();
        portal.writer().unwrap().apply(plan).await.unwrap();
        touched.flags[0] = !touched.flags[0];
        touched.operation = true;
        db.run(&format!("UPDATE portaldesk_change SET run = '{OPERATION}'")).await;
        (Self { people, dialect }, portal)
    }

    /// Whom a filter lets through, by id; nothing, where it is refused.
    pub(crate) fn expected(&self, asks: &[(bool, Ask)]) -> Option<Vec<i64>> {
        let is_known = |ask: &Ask| match ask {
            Ask::Department(Some(name)) => self.numbered(&DEPARTMENTS, name).is_some(),
            Ask::Group(Some(name)) => self.numbered(&GROUPS, name).is_some(),
            _ => true,
        };
        if !asks.iter().all(|(_, ask)| is_known(ask)) {
            return None;
        }
        let passes = |person: &&Person| asks.iter().all(|(negated, ask)| ask.holds(person, self) != *negated);
        Some(self.people.iter().filter(passes).map(|person| person.id).collect())
    }

    /// The name's place among names, by the engine's own equality.
    fn numbered(&self, names: &[&str], name: &str) -> Option<usize> {
        names.iter().position(|known| match self.dialect {
            Dialect::MySql => known.eq_ignore_ascii_case(name),
            _ => *known == name,
        })
    }
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn or_null(value: Option<&String>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |value| text(value))
}

const fn truth(is: bool) -> &'static str {
    if is { "(1 = 1)" } else { "(1 = 0)" }
}

fn script(people: &[Person], dialect: Dialect) -> String {
    let time = |time: DateTime<Utc>| text(&dialect.time_text(time));
    let mut script = String::new();
    for name in DEPARTMENTS {
        let _ = writeln!(
            script,
            "INSERT INTO core_department (name, description, is_active, created_at) VALUES ({}, '', (1 = 1), {});",
            text(name),
            time(Utc::now())
        );
    }
    for name in &GROUPS[3..] {
        let _ = writeln!(script, "INSERT INTO auth_group (name) VALUES ({});", text(name));
    }
    let permission = |codename: &str| {
        format!(
            "(SELECT p.id FROM auth_permission p JOIN django_content_type t ON t.id = p.content_type_id \
             WHERE t.app_label = 'auth' AND p.codename = '{codename}')"
        )
    };
    let _ = writeln!(
        script,
        "INSERT INTO auth_group_permissions (group_id, permission_id) SELECT g.id, {} FROM auth_group g \
         WHERE g.name = 'Night shift';",
        permission("add_group")
    );
    for person in people {
        let _ = writeln!(
            script,
            "INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, \
             is_active, date_joined) VALUES ({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {});",
            person.id,
            text(person.password),
            person.last_login.map_or_else(|| "NULL".to_owned(), time),
            truth(person.flags[2]),
            text(&person.username),
            text(person.first),
            text(person.last),
            text(&person.email),
            truth(person.flags[1]),
            truth(person.flags[0]),
            time(person.joined),
        );
        if let Some(profile) = &person.profile {
            let department = profile.department.map_or_else(
                || "NULL".to_owned(),
                |number| {
                    format!("(SELECT id FROM core_department WHERE name = {})", text(DEPARTMENTS[number]))
                },
            );
            let _ = writeln!(
                script,
                "INSERT INTO core_userprofile (user_id, department_id, phone_number, main_portal_id, email_notifications, \
                 created_at, updated_at) VALUES ({}, {department}, {}, {}, {}, {joined}, {joined});",
                person.id,
                or_null(profile.phone.as_ref()),
                or_null(profile.portal_id.as_ref()),
                truth(profile.notified),
                joined = time(person.joined),
            );
        }
        for group in &person.groups {
            let _ = writeln!(
                script,
                "INSERT INTO auth_user_groups (user_id, group_id) SELECT {}, id FROM auth_group WHERE name = {};",
                person.id,
                text(GROUPS[*group])
            );
        }
        let codename = if person.powerful { "change_user" } else { "view_user" };
        let _ = writeln!(
            script,
            "INSERT INTO auth_user_user_permissions (user_id, permission_id) VALUES ({}, {});",
            person.id,
            permission(codename)
        );
    }
    script
}
