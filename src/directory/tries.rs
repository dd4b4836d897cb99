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
use crate::db::own::Try;
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

    /// Counts a try as [`crate::db::own::count_try`] does.
    pub(super) fn count(&self, delay: fn(i64) -> Option<TimeDelta>) -> Result<Try> {
        let now = Utc::now();
        self.change(|counts| {
            let count = counts.entry(self.key.clone()).or_insert(Count {
                failures: 0,
                last_failure: now,
                blocked_until: None,
            });
            if let Some(until) = count.blocked_until.filter(|until| *until > now) {
                return Try::Blocked(until - now);
            }
            count.failures += 1;
            count.last_failure = now;
            count.blocked_until = delay(count.failures).map(|delay| now + delay);
            Try::Counted
        })
    }

    /// Forgets the tries.
    pub(super) fn forget(&self) -> Result<()> {
        self.change(|counts| counts.remove(&self.key)).map(drop)
    }

    /// Changes the file while no other program does.
    fn change<T>(&self, change: impl FnOnce(&mut Counts) -> T) -> Result<T> {
        let failed = |why: &dyn std::fmt::Display| {
            let file = self.file.display();
            Error::denied(format!("Tries to sign in can't be counted in {file}, so none is taken: {why}."))
        };
        let mut file = open(&self.file).map_err(|why| failed(&why))?;
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
            let oldest =
                counts.iter().min_by_key(|(_, count)| count.last_failure).map(|(key, _)| key.clone());
            oldest.and_then(|key| counts.remove(&key));
        }
        let text = serde_json::to_string(&counts).map_err(|why| failed(&why))?;
        file.rewind().and_then(|()| file.set_len(0)).map_err(|why| failed(&why))?;
        file.write_all(text.as_bytes()).map_err(|why| failed(&why))?;
        Ok(changed)
    }
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
