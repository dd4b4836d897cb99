//! Who writes.

use uuid::Uuid;

use super::owner::Owner;

/// A portal account that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id in `auth_user`.
    pub id: i64,
    /// Its username when it signed in.
    pub username: String,
}

/// Who writes, as the journal records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The portal account; nobody on the command line, where whoever may read the database password acts.
    pub account: Option<Account>,
    /// The Unix user at the keyboard.
    pub unix_user: String,
    /// The address that user came from over SSH.
    pub ssh_from: Option<String>,
    /// This start of the program.
    pub sitting: String,
    /// The ticket that the work is done for.
    pub ticket: Option<String>,
}

impl Actor {
    /// Someone at the command line.
    #[must_use]
    pub fn unix(unix_user: &str, ssh_from: Option<String>) -> Self {
        Self {
            account: None,
            unix_user: unix_user.to_owned(),
            ssh_from,
            sitting: Uuid::now_v7().to_string(),
            ticket: None,
        }
    }

    /// The same person, signed in with a portal account.
    #[must_use]
    pub fn signed_in(&self, account: Account) -> Self {
        Self { account: Some(account), ..self.clone() }
    }

    /// What people read: `amir`, or `unix:root`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.account {
            Some(account) => account.username.clone(),
            None => format!("unix:{}", self.unix_user),
        }
    }

    /// Which process this is, for runs and locks.
    #[must_use]
    pub fn owner(&self) -> String {
        Owner::of_process(&self.unix_user).to_string()
    }
}
