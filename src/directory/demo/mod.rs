//! A sample portal to try things on: people in departments and groups, and some faults for the integrity checks.
//!
//! The same seed gives the same sample, but for the passwords and the day it is counted from. It is written past the
//! journal, because nobody did it: the sample's history begins empty.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Portal, Settings, passwords, setup};
use crate::change::Actor;
use crate::db::{Cancel, Db, DbError, ForeignKeys, Sql, Target, Tx, Val, own};
use crate::error::Result;
use crate::portal::access::{Level, Roles};
use crate::portal::password::{self, Recipe};

mod people;

use people::{DEPARTMENTS, Dice, Fault, Person, portal_id};

/// What to make.
#[derive(Debug, Clone)]
pub struct Sample {
    /// How many users, at least 5.
    pub users: u64,
    /// How many percent of them have faults.
    pub faults: f64,
    /// Other seeds give other people.
    pub seed: u64,
    /// The day that logins and dates lead up to.
    pub now: DateTime<Utc>,
}

/// An account of the sample that can sign in.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its username.
    pub username: &'static str,
    /// Its password.
    pub password: String,
    /// What it may do.
    pub role: &'static str,
}

/// What was made.
#[derive(Debug)]
pub struct Made {
    /// The accounts that can sign in.
    pub known: Vec<Known>,
    /// How many users there are.
    pub users: u64,
    /// How many people were given a fault.
    pub faults: u64,
}

/// Username, first and last name, role, what it is called; the only ones with a password.
const KNOWN: [(&str, &str, &str, Level, &str); 5] = [
    ("admin", "Ada", "Alder", Level::Superuser, "superuser"),
    ("priya", "Priya", "Nair", Level::Admin, "Admin"),
    ("marco", "Marco", "Conti", Level::AmcAdmin, "AMC Admin"),
    ("eva", "Eva", "Linde", Level::Engineer, "Engineer"),
    ("tomas", "Tomas", "Rehak", Level::Engineer, "Engineer"),
];

/// The username of the sample's superuser.
pub const SUPERUSER: &str = KNOWN[0].0;

/// The setting that marks a sample.
const SAMPLE: &str = "sample";

/// How many places are written in one transaction.
const CHUNK: u64 = 10_000;

/// How many rows one INSERT carries; the widest has 11 values, and SQLite takes 32,766.
const ROWS: usize = 1_000;

/// Makes a sample portal in an empty database; `cancel` stops it with fewer users.
///
/// # Errors
/// When the database holds tables already; what the engine says.
pub async fn make(target: &Target, sample: &Sample, cancel: &Cancel) -> Result<Made> {
    let settings = Settings { roles: Roles::default(), ..Settings::default() };
    let portal = Portal::over(setup::create(target).await?, settings, Actor::unix("demo", None)).await?;
    write_groups(&portal, sample.now).await?;
    let (known, rows) = known_people(&portal, sample).await?;
    write(&portal.db, rows).await?;
    let mut maker = Maker { sample, place: KNOWN.len() as u64, users: KNOWN.len() as u64, faults: 0 };
    while maker.users < sample.users && !cancel.is_requested() {
        write(&portal.db, maker.chunk()?).await?;
    }
    own::set_setting(&portal.db, "", SAMPLE, Some("yes")).await?;
    Ok(Made { known, users: maker.users, faults: maker.faults })
}

/// Whether a portal is a sample, made to its end: then anyone who can read it may use it as its superuser.
///
/// # Errors
/// What the engine says.
pub async fn is_sample(portal: &Portal) -> Result<bool> {
    Ok(portal.owned && own::setting(&portal.db, "", SAMPLE).await?.is_some())
}

/// Rows of the three tables that people have rows in.
#[derive(Default)]
struct Rows {
    users: Vec<Vec<Val>>,
    profiles: Vec<Vec<Val>>,
    memberships: Vec<Vec<Val>>,
}

impl Rows {
    fn add_user(&mut self, id: i64, encoded: String, person: &Person) {
        let staff = person.superuser || person.level == Some(Level::Admin);
        self.users.push(vec![
            id.into(),
            encoded.into(),
            person.last_login.into(),
            person.superuser.into(),
            person.username.as_str().into(),
            person.first_name.into(),
            person.last_name.into(),
            person.email.as_str().into(),
            staff.into(),
            person.active.into(),
            person.joined.into(),
        ]);
    }

    fn add_profile(&mut self, user: i64, person: &Person) {
        self.profiles.push(vec![
            user.into(),
            person.department.into(),
            person.phone_number.clone().into(),
            person.main_portal_id.clone().into(),
            person.email_notifications.into(),
            person.joined.into(),
            person.updated.into(),
        ]);
    }

    fn add_membership(&mut self, user: i64, level: Level) {
        self.memberships.push(vec![user.into(), group(level).into()]);
    }
}

/// The id of the group that [`write_groups`] makes for a level: superusers are in Admin too.
fn group(level: Level) -> i64 {
    match level {
        Level::Superuser | Level::Admin => 1,
        Level::AmcAdmin => 2,
        Level::Engineer => 3,
    }
}

async fn write_groups(portal: &Portal, now: DateTime<Utc>) -> Result<()> {
    let groups =
        portal.roles.iter().map(|role| vec![group(role.level).into(), role.group.as_str().into()]).collect();
    let departments = DEPARTMENTS
        .into_iter()
        .zip(1..)
        .map(|((name, active), id)| {
            vec![Val::from(id), name.into(), String::new().into(), active.into(), now.into()]
        })
        .collect();
    let groups: Arc<Vec<Vec<Val>>> = Arc::new(groups);
    let departments: Arc<Vec<Vec<Val>>> = Arc::new(departments);
    portal
        .db
        .transaction(move |tx| {
            let (groups, departments) = (Arc::clone(&groups), Arc::clone(&departments));
            Box::pin(async move {
                insert(tx, "INSERT INTO auth_group (id, name) VALUES ", &groups).await?;
                let columns =
                    "INSERT INTO core_department (id, name, description, is_active, created_at) VALUES ";
                Ok(insert(tx, columns, &departments).await?)
            })
        })
        .await?;
    Ok(())
}

async fn known_people(portal: &Portal, sample: &Sample) -> Result<(Vec<Known>, Rows)> {
    let mut known = Vec::new();
    let mut rows = Rows::default();
    for (place, (username, first_name, last_name, level, role)) in (0..).zip(KNOWN) {
        let password = password::generate()?;
        let encoded = passwords::hash(portal, &password, None).await?;
        let (_, mut person, _) = at(sample, place);
        person.username = username.to_owned();
        (person.first_name, person.last_name) = (first_name, last_name);
        person.email = format!("{username}@alphalab.example");
        person.superuser = level == Level::Superuser;
        person.level = Some(level);
        person.main_portal_id = Some(portal_id(number(place)));
        person.active = true;
        let id = place.cast_signed() + 1;
        rows.add_user(id, encoded, &person);
        rows.add_profile(id, &person);
        rows.add_membership(id, level);
        known.push(Known { username, password, role });
    }
    Ok((known, rows))
}

/// Goes from place to place. A place is an id of `auth_user`: a person, or what one left behind.
struct Maker<'a> {
    sample: &'a Sample,
    place: u64,
    users: u64,
    faults: u64,
}

impl Maker<'_> {
    /// The rows of the next places. It stops right behind the last user, so that no id that is left behind lies above the
    /// table's counter.
    fn chunk(&mut self) -> Result<Rows> {
        let mut rows = Rows::default();
        let end = self.place + CHUNK;
        while self.users < self.sample.users && self.place < end {
            self.add(&mut rows)?;
            self.place += 1;
        }
        Ok(rows)
    }

    fn add(&mut self, rows: &mut Rows) -> Result<()> {
        let (fault, mut person, mut dice) = at(self.sample, self.place);
        if let Some(fault) = fault {
            self.faults += 1;
            let other = dice.below(self.place);
            let (sample, place) = (self.sample, self.place);
            person.spoil(fault, || at(sample, other).1, || at(sample, place - 1).1);
        }
        let id = self.place.cast_signed() + 1;
        if !fault.is_some_and(Fault::without_user) {
            rows.add_user(id, encoded(fault)?, &person);
            self.users += 1;
        }
        if !matches!(fault, Some(Fault::NoProfile | Fault::GhostMember)) {
            rows.add_profile(id, &person);
        }
        if fault != Some(Fault::OrphanProfile)
            && let Some(level) = person.level
        {
            rows.add_membership(id, level);
        }
        Ok(())
    }
}

/// The password of somebody with this fault, or with none: nobody knows one that is right for it.
fn encoded(fault: Option<Fault>) -> Result<String> {
    let noise = password::unusable()?;
    match fault {
        Some(Fault::OpenPassword) => Ok(noise.chars().skip(1).take(10).collect()),
        // As Django 3.2 wrote them, but that no time is spent on a hash which nobody compares.
        Some(Fault::OldPassword) => Ok(Recipe::pbkdf2_sha256(1).hash(&noise)?.replacen("$1$", "$260000$", 1)),
        _ => Ok(noise),
    }
}

/// Who is at a place, before any fault shows, and the dice for what comes next.
fn at(sample: &Sample, place: u64) -> (Option<Fault>, Person, Dice) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a million, from 0 to a million"
    )]
    let share = (sample.faults.clamp(0.0, 100.0) * 10_000.0) as u64;
    let mut dice = Dice::new(sample.seed, place);
    let fault = Fault::at(&mut dice, share);
    let person = Person::of(number(place), &mut dice, sample.now);
    (fault, person, dice)
}

fn number(place: u64) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

async fn write(db: &Db, rows: Rows) -> Result<()> {
    let rows = Arc::new(rows);
    // Faults refer to users who are not there.
    db.transaction_with(ForeignKeys::Off, move |tx| {
        let rows = Arc::clone(&rows);
        Box::pin(async move {
            insert(
                tx,
                "INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, \
                 is_staff, is_active, date_joined) VALUES ",
                &rows.users,
            )
            .await?;
            insert(
                tx,
                "INSERT INTO core_userprofile (user_id, department_id, phone_number, main_portal_id, \
                 email_notifications, created_at, updated_at) VALUES ",
                &rows.profiles,
            )
            .await?;
            insert(tx, "INSERT INTO auth_user_groups (user_id, group_id) VALUES ", &rows.memberships).await?;
            Ok(())
        })
    })
    .await?;
    Ok(())
}

async fn insert(tx: &mut Tx, columns: &'static str, rows: &[Vec<Val>]) -> std::result::Result<(), DbError> {
    for part in rows.chunks(ROWS) {
        let mut sql = Sql::new(columns);
        for (number, row) in part.iter().enumerate() {
            sql = sql.push(if number == 0 { "(" } else { ", (" }).list(row.iter().cloned()).push(")");
        }
        tx.execute(sql).await?;
    }
    Ok(())
}
