//! Wrong tries to sign in, counted in the state folder: for a portal that is opened read-only, whose database can't hold
//! them. Whoever owns the folder can forget them; the database's own count is the one that binds.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::db::Target;
use crate::db::own::{Try, WrongTries};
use crate::error::{Error, Result};

/// More than this many accounts are not remembered; the one that was tried longest ago is forgotten first.
const MOST: usize = 200;

/// What is remembered of an account.
#[derive(Serialize, Deserialize)]
struct Count {
    failures: i64,
    last_failure: DateTime<Utc>,
    blocked_until: Option<DateTime<Utc>>,
}

/// By database, account and Unix user.
type Counts = BTreeMap<String, Count>;

/// One account as one Unix user tries to sign in to it.
#[derive(Clone)]
pub(super) struct Tries {
    file: PathBuf,
    key: String,
}

impl Tries {
    /// Of this account in this database, counted in this file.
    pub(super) fn of(file: &Path, target: &Target, account: &str, login_user: &str) -> Self {
        Self { file: file.to_owned(), key: format!("{target}\n{account}\n{login_user}") }
    }

    /// Counts a try as [`crate::db::own::count_try`] does, by this machine's clock.
    pub(super) fn count(&self, delay: fn(i64) -> Option<TimeDelta>) -> Result<Try> {
        self.count_at(Utc::now(), delay)
    }

    fn count_at(&self, now: DateTime<Utc>, delay: fn(i64) -> Option<TimeDelta>) -> Result<Try> {
        change(&self.file, |counts| {
            let count = counts.entry(self.key.clone()).or_insert(Count {
                failures: 0,
                last_failure: now,
                blocked_until: None,
            });
            if let Some(until) = count.blocked_until.filter(|until| *until > now) {
                // Where the clock was put back, nobody waits longer than they were told.
                let left = (until - now).min(delay(count.failures).unwrap_or_default());
                count.blocked_until = Some(now + left);
                return Try::Blocked(left);
            }
            count.failures += 1;
            count.last_failure = now;
            count.blocked_until = delay(count.failures).map(|delay| now + delay);
            Try::Counted
        })
    }

    /// Forgets the tries.
    pub(super) fn forget(&self) -> Result<()> {
        change(&self.file, |counts| counts.remove(&self.key)).map(drop)
    }
}

/// What the file remembers of this database, or of one account in it.
pub(super) fn wrong_tries(file: &Path, target: &Target, account: Option<&str>) -> Result<Vec<WrongTries>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let now = Utc::now();
    let of = |(key, count): (&String, &Count)| {
        let (of_account, login_user) = parts(key, target)?;
        account.is_none_or(|account| account == of_account).then(|| WrongTries {
            account: of_account.to_owned(),
            login_user: login_user.to_owned(),
            failures: count.failures,
            last_failure: count.last_failure,
            blocked_until: count.blocked_until.filter(|until| *until > now),
        })
    };
    change(file, |counts| counts.iter().filter_map(of).collect())
}

/// Forgets an account of this database.
pub(super) fn clear(file: &Path, target: &Target, account: &str) -> Result<()> {
    change(file, |counts| {
        counts.retain(|key, _| parts(key, target).is_none_or(|(of_account, _)| of_account != account));
    })
}

/// The account and the Unix user of a key, if it is of this database.
fn parts<'a>(key: &'a str, target: &Target) -> Option<(&'a str, &'a str)> {
    key.strip_prefix(&target.to_string())?.strip_prefix('\n')?.rsplit_once('\n')
}

/// Changes the file while no other program does.
fn change<T>(path: &Path, change: impl FnOnce(&mut Counts) -> T) -> Result<T> {
    let failed = |why: &dyn std::fmt::Display| {
        let file = path.display();
        Error::denied(format!("Tries to sign in can't be counted in {file}, so none is taken: {why}."))
    };
    let mut file = open(path).map_err(|why| failed(&why))?;
    flock(&file, FlockOperation::LockExclusive).map_err(|why| failed(&why))?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|why| failed(&why))?;
    let mut counts: Counts = if text.is_empty() {
        Counts::new()
    } else {
        serde_json::from_str(&text).map_err(|why| failed(&why))?
    };
    let changed = change(&mut counts);
    while counts.len() > MOST {
        let oldest = counts.iter().min_by_key(|(_, count)| count.last_failure).map(|(key, _)| key.clone());
        oldest.and_then(|key| counts.remove(&key));
    }
    let text = serde_json::to_string(&counts).map_err(|why| failed(&why))?;
    file.rewind().and_then(|()| file.set_len(0)).map_err(|why| failed(&why))?;
    file.write_all(text.as_bytes()).map_err(|why| failed(&why))?;
    Ok(changed)
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(file: &Path, key: &str) -> Tries {
        Tries { file: file.to_owned(), key: key.to_owned() }
    }

    #[test]
    fn tries_are_counted_for_each_account_until_forgotten() {
        let file = std::env::temp_dir().join(format!("portaldesk-tries-{}", std::process::id()));
        let delay = |failures: i64| (failures >= 2).then(|| TimeDelta::minutes(1));
        let (amir, bela) = (tries(&file, "amir"), tries(&file, "bela"));
        assert_eq!(amir.count(delay), Ok(Try::Counted));
        assert_eq!(amir.count(delay), Ok(Try::Counted));
        assert!(matches!(amir.count(delay), Ok(Try::Blocked(left)) if left <= TimeDelta::minutes(1)));
        assert_eq!(bela.count(delay), Ok(Try::Counted));
        amir.forget().expect("the file can be written");
        assert_eq!(amir.count(delay), Ok(Try::Counted));
        std::fs::remove_file(file).expect("the file is there");
    }

    #[test]
    fn a_clock_that_is_put_back_holds_nobody_up_for_longer() {
        let file = std::env::temp_dir().join(format!("portaldesk-tries-clock-{}", std::process::id()));
        let delay = |_| Some(TimeDelta::minutes(1));
        let amir = tries(&file, "amir");
        let late = Utc::now();
        assert_eq!(amir.count_at(late, delay), Ok(Try::Counted));
        let early = late - TimeDelta::days(3);
        assert_eq!(amir.count_at(early, delay), Ok(Try::Blocked(TimeDelta::minutes(1))));
        let soon = early + TimeDelta::seconds(30);
        assert_eq!(amir.count_at(soon, delay), Ok(Try::Blocked(TimeDelta::seconds(30))));
        assert_eq!(amir.count_at(early + TimeDelta::minutes(1), delay), Ok(Try::Counted));
        std::fs::remove_file(file).expect("the file is there");
    }

    #[test]
    fn what_is_remembered_can_be_listed_and_cleared_for_one_database() {
        let file = std::env::temp_dir().join(format!("portaldesk-tries-list-{}", std::process::id()));
        let [one, other] =
            ["/srv/one.db", "/srv/other.db"].map(|path| Target::file(Path::new(path)).unwrap());
        assert_eq!(wrong_tries(&file, &one, None), Ok(Vec::new()));
        assert!(!file.exists(), "looking makes no file");
        for (target, account) in [(&one, "amir"), (&one, "bela"), (&other, "amir")] {
            Tries::of(&file, target, account, "bob").count(|_| None).unwrap();
        }
        let listed = |target, account| -> Vec<(String, String, i64)> {
            let listed = wrong_tries(&file, target, account).unwrap().into_iter();
            listed.map(|tries| (tries.account, tries.login_user, tries.failures)).collect()
        };
        let of = |account: &str| (account.to_owned(), "bob".to_owned(), 1);
        assert_eq!(listed(&one, None), [of("amir"), of("bela")]);
        clear(&file, &one, "amir").unwrap();
        assert_eq!((listed(&one, Some("amir")), listed(&one, None)), (vec![], vec![of("bela")]));
        assert_eq!(listed(&other, None), [of("amir")]);
        std::fs::remove_file(file).expect("the file is there");
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        let folder = std::env::temp_dir();
        assert!(tries(&folder, "amir").count(|_| None).is_err());
    }

    #[test]
    fn the_file_does_not_grow_without_end() {
        let file = std::env::temp_dir().join(format!("portaldesk-tries-many-{}", std::process::id()));
        for number in 0..=MOST {
            tries(&file, &number.to_string()).count(|_| None).expect("the file can be written");
        }
        let text = std::fs::read_to_string(&file).expect("the file is there");
        let counts: Counts = serde_json::from_str(&text).expect("JSON");
        assert_eq!(counts.len(), MOST);
        assert!(!counts.contains_key("0") && counts.contains_key(&MOST.to_string()));
        std::fs::remove_file(file).expect("the file is there");
    }
}
