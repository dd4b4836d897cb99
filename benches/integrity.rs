//! How long the integrity checks and their repair take at a million users, beside the bare SQL, and what memory they need.
//!
//! `cargo bench --bench integrity`; see `benches/README.md`.
#![expect(clippy::print_stdout, reason = "a bench prints its table")]

mod support;

use std::path::{Path, PathBuf};
use std::time::Instant;

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Actor, Watch};
use portaldesk::db::{Db, Dialect, Sql};
use portaldesk::directory::{Portal, Settings, history};
use portaldesk::error::{Error, Result};
use portaldesk::integrity::{self, CHECKS, fix_user_profiles, scan};
use support::files::{copy, made_from, peak_of, remove};
use support::measure::{Hold, Taken, head, line, measure, once, peak_kilobytes, ratio_line};
use support::seed;

/// The three faults that the repair is measured with.
const FAULTS: [&str; 3] = ["PRF-001", "PRF-002", "PRF-003"];

/// One in so many users has each of them.
const ONE_IN: u64 = 100;

/// Tells the child process, whose memory is measured, which file to repair.
const REPAIR: &str = "PORTALDESK_BENCH_REPAIR";

#[tokio::main]
async fn main() -> Result<()> {
    if let Some(file) = seed::asked() {
        return seed::make(&file, seed::users()?).await;
    }
    if let Some(file) = std::env::var_os(REPAIR) {
        return report_memory(Path::new(&file)).await;
    }
    let count = seed::users()?;
    let sound = sound(count).await?;
    println!("\n{count} users on SQLite, nothing wrong with them");
    head();
    every_check(&sound).await?;
    let broken = broken(&sound, count).await?;
    println!("\n{count} users on SQLite, {} of each of {}", count / ONE_IN, FAULTS.join(", "));
    head();
    repair(&broken, count).await?;
    memory(&broken, count).await
}

async fn open(file: &Path) -> Result<Portal> {
    Portal::open(&seed::target(file), Settings::default(), Actor::unix("bench", None)).await
}

/// The seeded portal with nothing wrong: everybody has a profile, a role, a hash of their own and a recent login, and one is
/// a superuser.
async fn sound(count: u64) -> Result<PathBuf> {
    let statements = [
        "UPDATE auth_user SET password = 'pbkdf2_sha256$600000$' || printf('%022d', id) || \
         '$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=', last_login = CURRENT_TIMESTAMP, \
         is_superuser = (id = 1), is_staff = (id = 1), is_active = 1",
        "INSERT INTO core_userprofile (user_id, email_notifications, created_at, updated_at) SELECT id, 1, date_joined, \
         date_joined FROM auth_user WHERE id NOT IN (SELECT user_id FROM core_userprofile)",
        "INSERT INTO auth_user_groups (user_id, group_id) SELECT u.id, g.id FROM auth_user u, auth_group g \
         WHERE g.name = CASE WHEN u.id = 1 THEN 'Admin' ELSE 'Engineer' END \
         AND u.id NOT IN (SELECT user_id FROM auth_user_groups)",
        "INSERT OR IGNORE INTO auth_user_groups (user_id, group_id) SELECT 1, id FROM auth_group WHERE name = 'Admin'",
        "INSERT INTO auth_group_permissions (group_id, permission_id) SELECT g.id, p.id FROM auth_group g, \
         auth_permission p WHERE p.codename = 'view_department'",
    ];
    made_from(&seed::file(count)?, "sound", statements.map(str::to_owned).to_vec()).await
}

/// The same without the unique index that forbids it, and with the three faults.
async fn broken(sound: &Path, count: u64) -> Result<PathBuf> {
    let db = Db::open(&seed::target(sound)).await?;
    let sql = Sql::new("SELECT sql FROM sqlite_master WHERE name = 'core_userprofile'");
    let made = db.one(sql).await?.text(0)?;
    drop(db);
    let loose = made.replace("\"user_id\" integer NOT NULL UNIQUE", "\"user_id\" integer NOT NULL");
    if made == loose {
        return Err(Error::bug("the unique index of profiles is not where it was"));
    }
    let statements = vec![
        "PRAGMA foreign_keys = OFF".to_owned(),
        loose.replacen("\"core_userprofile\"", "\"loose\"", 1),
        "INSERT INTO loose SELECT * FROM core_userprofile".to_owned(),
        "DROP TABLE core_userprofile".to_owned(),
        "ALTER TABLE loose RENAME TO core_userprofile".to_owned(),
        format!("DELETE FROM core_userprofile WHERE user_id % {ONE_IN} = 1"),
        format!(
            "INSERT INTO core_userprofile (user_id, email_notifications, created_at, updated_at) SELECT user_id, \
             email_notifications, created_at, updated_at FROM core_userprofile WHERE user_id % {ONE_IN} = 2"
        ),
        format!(
            "INSERT INTO core_userprofile (user_id, email_notifications, created_at, updated_at) SELECT id + {count}, 1, \
             date_joined, date_joined FROM auth_user WHERE id % {ONE_IN} = 3"
        ),
    ];
    made_from(sound, "broken", statements).await
}

/// The SQL that a person would write for a check's question. Nothing where a check reads the catalogue only, or asks what
/// SQL can't: then its time stands alone.
fn bare_sql(id: &str) -> Option<&'static str> {
    Some(match id {
        "PRF-001" => {
            "SELECT u.id FROM auth_user u WHERE NOT EXISTS (SELECT 1 FROM core_userprofile p WHERE p.user_id = u.id)"
        }
        "PRF-002" => "SELECT user_id, COUNT(*) FROM core_userprofile GROUP BY user_id HAVING COUNT(*) > 1",
        "PRF-003" => {
            "SELECT p.id FROM core_userprofile p WHERE NOT EXISTS (SELECT 1 FROM auth_user u WHERE u.id = p.user_id)"
        }
        "REL-001" => {
            "SELECT g.id FROM auth_user_groups g WHERE NOT EXISTS (SELECT 1 FROM auth_user u WHERE u.id = g.user_id) \
             OR NOT EXISTS (SELECT 1 FROM auth_group r WHERE r.id = g.group_id)"
        }
        "REL-003" => {
            "SELECT p.id FROM core_userprofile p WHERE p.department_id IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM core_department d WHERE d.id = p.department_id)"
        }
        "REL-007" => {
            "SELECT user_id, group_id FROM auth_user_groups GROUP BY user_id, group_id HAVING COUNT(*) > 1"
        }
        "SEQ-006" => "SELECT id FROM auth_user WHERE id <= 0",
        "PID-001" => {
            "SELECT TRIM(main_portal_id) FROM core_userprofile WHERE TRIM(main_portal_id) <> '' \
             GROUP BY TRIM(main_portal_id) HAVING COUNT(*) > 1"
        }
        "TXT-001" => {
            "SELECT id FROM core_userprofile WHERE TRIM(phone_number) = '' OR TRIM(main_portal_id) = ''"
        }
        "TXT-002" => {
            "SELECT id FROM auth_user WHERE username <> TRIM(username) OR first_name <> TRIM(first_name) OR \
             last_name <> TRIM(last_name) OR email <> TRIM(email) OR username GLOB '*[' || CHAR(1) || '-' || CHAR(31) || \
             ']*' OR first_name GLOB '*[' || CHAR(1) || '-' || CHAR(31) || ']*' OR last_name GLOB '*[' || CHAR(1) || '-' \
             || CHAR(31) || ']*' OR email GLOB '*[' || CHAR(1) || '-' || CHAR(31) || ']*' UNION ALL SELECT id FROM \
             core_userprofile WHERE phone_number <> TRIM(phone_number) OR main_portal_id <> TRIM(main_portal_id)"
        }
        "TXT-003" => {
            "SELECT id FROM auth_user WHERE LENGTH(username) > 150 OR LENGTH(first_name) > 150 OR LENGTH(last_name) > 150 \
             OR LENGTH(email) > 254 OR LENGTH(password) > 128 UNION ALL SELECT id FROM core_userprofile WHERE \
             LENGTH(phone_number) > 15 OR LENGTH(main_portal_id) > 100"
        }
        "TXT-004" => {
            "SELECT id FROM auth_user WHERE typeof(is_active) <> 'integer' OR typeof(is_staff) <> 'integer' OR \
             typeof(is_superuser) <> 'integer' UNION ALL SELECT id FROM core_userprofile WHERE typeof(user_id) <> \
             'integer' OR typeof(department_id) NOT IN ('integer', 'null') OR typeof(email_notifications) <> 'integer'"
        }
        "USR-001" => {
            "SELECT LOWER(TRIM(username)) FROM auth_user GROUP BY LOWER(TRIM(username)) HAVING COUNT(*) > 1"
        }
        "USR-002" => {
            "SELECT LOWER(email) FROM auth_user WHERE email <> '' GROUP BY LOWER(email) HAVING COUNT(*) > 1"
        }
        "USR-003" => {
            "SELECT id FROM auth_user WHERE is_active AND NOT is_superuser AND id NOT IN (SELECT m.user_id FROM \
             auth_user_groups m JOIN auth_group g ON g.id = m.group_id WHERE g.name IN ('Admin', 'AMC Admin', 'Engineer'))"
        }
        "USR-004" => "SELECT id FROM auth_user WHERE username = '' OR username GLOB '*[^a-zA-Z0-9@.+_-]*'",
        "USR-005" => {
            "SELECT id FROM auth_user WHERE is_active AND COALESCE(last_login, date_joined) < datetime('now', '-90 days')"
        }
        "GRP-003" => {
            "SELECT id FROM auth_user WHERE is_superuser AND id NOT IN (SELECT m.user_id FROM auth_user_groups m JOIN \
             auth_group g ON g.id = m.group_id WHERE g.name = 'Admin')"
        }
        "GRP-004" => {
            "SELECT u.id FROM auth_user u JOIN auth_user_groups m ON m.user_id = u.id JOIN auth_group g ON g.id = \
             m.group_id WHERE g.name = 'Admin' AND NOT u.is_superuser AND NOT u.is_staff"
        }
        "ADM-001" | "ADM-002" | "PWD-001" => {
            "SELECT id, password FROM auth_user WHERE is_superuser AND is_active"
        }
        "ADM-003" => "SELECT id FROM auth_user WHERE is_superuser AND NOT is_staff",
        "PWD-002" | "PWD-003" | "PWD-004" => {
            "SELECT id FROM auth_user WHERE password NOT LIKE 'pbkdf2\\_sha256$600000$%$%' ESCAPE '\\'"
        }
        "PWD-005" => "SELECT password FROM auth_user GROUP BY password HAVING COUNT(*) > 1",
        "DEP-001" => {
            "SELECT p.id FROM core_userprofile p JOIN core_department d ON d.id = p.department_id JOIN auth_user u \
             ON u.id = p.user_id WHERE NOT d.is_active AND u.is_active"
        }
        "TIM-001" => {
            "SELECT id FROM auth_user WHERE date_joined > datetime('now', '1 day') OR last_login > \
             datetime('now', '1 day') UNION ALL SELECT id FROM core_userprofile WHERE created_at > \
             datetime('now', '1 day') OR updated_at > datetime('now', '1 day')"
        }
        "TIM-002" => {
            "SELECT id FROM auth_user WHERE julianday(date_joined) IS NULL OR (last_login IS NOT NULL AND \
             julianday(last_login) IS NULL) UNION ALL SELECT id FROM core_userprofile WHERE julianday(created_at) IS NULL \
             OR julianday(updated_at) IS NULL"
        }
        "TIM-003" => {
            "SELECT id FROM auth_user WHERE last_login < date_joined UNION ALL SELECT id FROM core_userprofile WHERE \
             updated_at < created_at"
        }
        "BOO-001" => {
            "SELECT id FROM auth_user WHERE is_active NOT IN (0, 1) OR is_staff NOT IN (0, 1) OR is_superuser NOT IN \
             (0, 1) UNION ALL SELECT id FROM core_userprofile WHERE email_notifications NOT IN (0, 1)"
        }
        _ => return None,
    })
}

/// Every check by itself, then all of them together as `check` runs them.
async fn every_check(file: &Path) -> Result<()> {
    let portal = open(file).await?;
    for check in CHECKS {
        let about = check.about();
        if !about.engines.contains(&Dialect::Sqlite) || about.deep {
            continue;
        }
        let only = [about.id.to_owned()];
        let taken = measure(|| scan(&portal, &only, None)).await?;
        let what = format!("{} {}", about.id, about.title);
        match bare_sql(about.id) {
            Some(sql) => {
                let sql = Sql::new(sql);
                let bare: Taken = measure(|| async { Ok(portal.db.all(sql.clone()).await?) }).await?;
                line(&what, taken, Some(bare), Hold::Ratio(1.5));
            }
            None => line(&what, taken, None, Hold::Nothing),
        }
    }
    line("all of them", measure(|| scan(&portal, &[], None)).await?, None, Hold::Nothing);
    Ok(())
}

fn faults() -> Vec<String> {
    FAULTS.map(str::to_owned).to_vec()
}

async fn repair(broken: &Path, count: u64) -> Result<()> {
    let file = broken.with_extension("repaired");
    copy(broken, &file)?;
    let portal = open(&file).await?;
    let only = faults();
    for id in FAULTS {
        let this = [id.to_owned()];
        let sql = bare_sql(id).map(Sql::new).unwrap_or_default();
        let bare = measure(|| async { Ok(portal.db.all(sql.clone()).await?) });
        // Without an index on user_id this one compares every user with every profile: minutes, or hours.
        let bare = if id == "PRF-001" { None } else { Some(bare.await?) };
        let taken = measure(|| scan(&portal, &this, None)).await?;
        let hold = if bare.is_some() { Hold::Ratio(1.5) } else { Hold::Nothing };
        line(&format!("{id}, without an index on user_id"), taken, bare, hold);
    }
    let found = scan(&portal, &only, None).await?;
    let faults = found.findings.iter().map(integrity::Finding::count).sum::<usize>() as u64;
    if faults != count / ONE_IN * 3 {
        return Err(Error::bug(format!("{faults} faults found, {} made", count / ONE_IN * 3)));
    }
    let started = Instant::now();
    let fixed = fix_user_profiles(&portal, &only, false, &Watch::default()).await?;
    let what = format!("repair all {faults}, journaled, scans included");
    line(&what, once(started.elapsed()), None, Hold::Millis(3_000));
    if !fixed.after.findings.is_empty() || !fixed.refused.is_empty() {
        return Err(Error::bug("something is left"));
    }
    let mut runs: Vec<String> =
        fixed.repaired.into_iter().filter_map(|repaired| repaired.operation).collect();
    runs.dedup();
    let started = Instant::now();
    for run in runs.iter().rev() {
        let undo = history::plan_undo(&portal, run, OldPassword::default()).await?;
        history::apply_undo(&portal, run, undo, &Watch::default()).await?;
    }
    line("take all of it back", once(started.elapsed()), None, Hold::Nothing);
    drop(portal);
    remove(&file);
    Ok(())
}

/// What a process of its own needs at most to scan and repair, at a tenth of the users and at all of them.
async fn memory(broken: &Path, count: u64) -> Result<()> {
    let small = self::broken(&sound(count / 10).await?, count / 10).await?;
    let small = peak_of_repair(&small)?;
    let large = peak_of_repair(broken)?;
    ratio_line("peak memory of scan and repair, in MB", (large, small), 1.2);
    Ok(())
}

fn peak_of_repair(file: &Path) -> Result<f64> {
    peak_of(REPAIR, file, None)
}

/// Scans with every check, repairs, and prints the most memory that took, in kB.
async fn report_memory(file: &Path) -> Result<()> {
    let portal = open(file).await?;
    scan(&portal, &[], None).await?;
    fix_user_profiles(&portal, &faults(), false, &Watch::default()).await?;
    println!("{}", peak_kilobytes().unwrap_or_default());
    Ok(())
}
