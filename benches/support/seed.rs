//! A portal with a million users (or `PORTALDESK_BENCH_USERS`), made once and kept in `target/bench/`.
//!
//! Everything about a user follows from their number, so that two machines measure the same database. It is written past
//! the journal, in large transactions: that is not what is measured.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use portaldesk::db::{Address, Db, DbError, Engine, Patience, Sql, Target, Tls, Tx, Val};
use portaldesk::directory::setup;
use portaldesk::error::{Error, Result};
use portaldesk::portal::access::Roles;

/// Part of the file's name: to be raised when a seeded file would come out differently.
const VERSION: u32 = 1;

/// Tells the child process, which alone seeds, which file to make: so seeding adds nothing to the memory measured.
const SEED: &str = "PORTALDESK_BENCH_SEED";

/// Users of one transaction.
const CHUNK: u64 = 50_000;

/// Rows of one INSERT; the widest has 11 values, and SQLite takes 32,766.
const ROWS: usize = 1_000;

/// How many departments there are.
const DEPARTMENTS: u64 = 40;

/// One in so many users has no profile.
const NO_PROFILE: u64 = 1_000;

/// A hash as long as Django's are; nobody signs in here.
const HASH: &str = "pbkdf2_sha256$600000$0123456789abcdefABCDEF$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";

const FIRST: [&str; 16] = [
    "Amir", "Ana", "Bela", "Clara", "Daniel", "Elena", "Farah", "Hugo", "Ines", "Jonas", "Leila", "Marek",
    "Nadia", "Omar", "Priya", "Sofia",
];

const LAST: [&str; 24] = [
    "Abadi", "Alvarez", "Bauer", "Berg", "Blanc", "Castro", "Costa", "Dahl", "Dubois", "Eriksson", "Farkas",
    "Garcia", "Haas", "Ivanov", "Jensen", "Kovacs", "Lang", "Moreau", "Novak", "Okafor", "Petrov", "Rossi",
    "Silva", "Weber",
];

/// How many users to measure with.
pub(crate) fn users() -> Result<u64> {
    match std::env::var("PORTALDESK_BENCH_USERS") {
        Ok(text) => text.parse().map_err(|_| Error::usage("PORTALDESK_BENCH_USERS must be a number")),
        Err(_) => Ok(1_000_000),
    }
}

/// A username that is in the database and near the middle of the list.
pub(crate) fn someone(users: u64) -> String {
    username(users / 2)
}

/// A word that is part of the data of a few users only.
pub(crate) fn rare_word(users: u64) -> String {
    // Even, so that they have one, and no multiple of a thousand, so that they have a profile.
    portal_id(users / 4 * 2 + if (users / 4 * 2).is_multiple_of(NO_PROFILE) { 2 } else { 0 })
}

/// An SQLite file as a target.
pub(crate) fn target(file: &Path) -> Target {
    Target {
        engine: Engine::Sqlite,
        address: Address::File(file.to_owned()),
        database: file.display().to_string(),
        user: None,
        password: None,
        tls: Tls::NotNeeded,
        read_only: false,
        patience: Patience::default(),
    }
}

/// The file that this process was started to seed, if it was.
pub(crate) fn asked() -> Option<PathBuf> {
    std::env::var_os(SEED).map(PathBuf::from)
}

/// The seeded file; made by a child process where it is not there yet.
pub(crate) fn file(users: u64) -> Result<PathBuf> {
    let broken = |error: std::io::Error| Error::unreachable(format!("the database can't be made: {error}"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    let file = folder.join(format!("users-{users}-v{VERSION}.sqlite3"));
    if file.exists() {
        return Ok(file);
    }
    std::fs::create_dir_all(&folder).map_err(broken)?;
    let half = file.with_extension("half");
    drop(std::fs::remove_file(&half));
    let started = Instant::now();
    println!("making a portal with {users} users in {}", file.display());
    let program = std::env::current_exe().map_err(broken)?;
    let made = Command::new(program).env(SEED, &half).status().map_err(broken)?;
    if !made.success() {
        return Err(Error::unreachable("the database could not be made"));
    }
    std::fs::rename(&half, &file).map_err(broken)?;
    for left in ["half-wal", "half-shm"] {
        drop(std::fs::remove_file(file.with_extension(left)));
    }
    println!("made in {:.0} s", started.elapsed().as_secs_f64());
    Ok(file)
}

/// Makes the portal.
pub(crate) async fn make(file: &Path, users: u64) -> Result<()> {
    let db = setup::create(&target(file)).await?;
    let groups: Vec<String> = Roles::default().names().map(str::to_owned).collect();
    let roles = groups.len() as u64;
    in_transaction(&db, move |rows| {
        for (id, name) in (1_u64..).zip(&groups) {
            rows.groups.push(vec![number(id), name.as_str().into()]);
        }
        for id in 1..=DEPARTMENTS {
            let name = format!("Department {id:02}");
            rows.departments.push(vec![number(id), name.into(), "".into(), true.into(), moment(id).into()]);
        }
    })
    .await?;
    for from in (1..=users).step_by(usize::try_from(CHUNK).unwrap_or(usize::MAX)) {
        let to = (from + CHUNK - 1).min(users);
        in_transaction(&db, move |rows| (from..=to).for_each(|user| add(rows, user, roles))).await?;
    }
    // The file alone is kept, so nothing may be left in the write-ahead log.
    Ok(db.script(vec!["PRAGMA wal_checkpoint(TRUNCATE)".to_owned()]).await?)
}

/// Rows by table.
#[derive(Default)]
struct Rows {
    groups: Vec<Vec<Val>>,
    departments: Vec<Vec<Val>>,
    users: Vec<Vec<Val>>,
    profiles: Vec<Vec<Val>>,
    memberships: Vec<Vec<Val>>,
}

/// Spreads the users' numbers, so that no order of the list is that of the ids.
fn spread(user: u64) -> u64 {
    user.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
}

fn pick<'a>(names: &[&'a str], dice: u64) -> &'a str {
    let count = names.len() as u64;
    names[usize::try_from(dice % count).unwrap_or_default()]
}

fn number(value: u64) -> Val {
    value.cast_signed().into()
}

fn names(user: u64) -> (&'static str, &'static str) {
    let dice = spread(user);
    (pick(&FIRST, dice), pick(&LAST, dice / 100))
}

fn username(user: u64) -> String {
    let (first, last) = names(user);
    format!("{}.{}{user}", first.to_lowercase(), last.to_lowercase())
}

fn portal_id(user: u64) -> String {
    format!("AL-{user:08}")
}

/// Some moment of the ten years before 2025.
fn moment(dice: u64) -> DateTime<Utc> {
    let seconds = spread(dice) % (10 * 365 * 24 * 3600);
    DateTime::from_timestamp(1_420_070_400, 0).unwrap_or_default() + TimeDelta::seconds(seconds.cast_signed())
}

fn add(rows: &mut Rows, user: u64, roles: u64) {
    let dice = spread(user) / 1_000_000;
    let (first, last) = names(user);
    let username = username(user);
    let joined = moment(user);
    let last_login =
        (!dice.is_multiple_of(5)).then(|| joined + TimeDelta::hours((dice % 20_000).cast_signed()));
    rows.users.push(vec![
        number(user),
        HASH.into(),
        last_login.into(),
        false.into(),
        username.as_str().into(),
        first.into(),
        last.into(),
        format!("{username}@alphalab.example").into(),
        dice.is_multiple_of(500).into(),
        (!dice.is_multiple_of(20)).into(),
        joined.into(),
    ]);
    if !user.is_multiple_of(NO_PROFILE) {
        let department = (!dice.is_multiple_of(10)).then(|| (dice % DEPARTMENTS + 1).cast_signed());
        let portal_id = user.is_multiple_of(2).then(|| portal_id(user));
        rows.profiles.push(vec![
            number(user),
            department.into(),
            format!("+36 1 {:03} {:04}", dice % 1_000, dice / 7 % 10_000).into(),
            portal_id.into(),
            true.into(),
            joined.into(),
            joined.into(),
        ]);
    }
    // One in a hundred is in each role's group.
    if user % 100 < roles {
        rows.memberships.push(vec![number(user), number(user % 100 + 1)]);
    }
}

async fn in_transaction(db: &Db, fill: impl Fn(&mut Rows) + Send + Sync + 'static) -> Result<()> {
    let mut rows = Rows::default();
    fill(&mut rows);
    let rows = std::sync::Arc::new(rows);
    db.transaction(move |tx| {
        let rows = std::sync::Arc::clone(&rows);
        Box::pin(async move { Ok(write(tx, &rows).await?) })
    })
    .await?;
    Ok(())
}

async fn write(tx: &mut Tx, rows: &Rows) -> std::result::Result<(), DbError> {
    insert(tx, "INSERT INTO auth_group (id, name) VALUES ", &rows.groups).await?;
    let columns = "INSERT INTO core_department (id, name, description, is_active, created_at) VALUES ";
    insert(tx, columns, &rows.departments).await?;
    let columns = "INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, \
                   email, is_staff, is_active, date_joined) VALUES ";
    insert(tx, columns, &rows.users).await?;
    let columns = "INSERT INTO core_userprofile (user_id, department_id, phone_number, main_portal_id, \
                   email_notifications, created_at, updated_at) VALUES ";
    insert(tx, columns, &rows.profiles).await?;
    insert(tx, "INSERT INTO auth_user_groups (user_id, group_id) VALUES ", &rows.memberships).await
}

async fn insert(tx: &mut Tx, columns: &'static str, rows: &[Vec<Val>]) -> std::result::Result<(), DbError> {
    for part in rows.chunks(ROWS) {
        let mut sql = Sql::new(columns);
        for (index, row) in part.iter().enumerate() {
            sql = sql.push(if index == 0 { "(" } else { ", (" }).list(row.iter().cloned()).push(")");
        }
        tx.execute(sql).await?;
    }
    Ok(())
}
