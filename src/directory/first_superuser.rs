//! The first superuser of a portal that has none, made with everything a portal expects of one: the role groups, a
//! profile, and a place in the Admin group.

use futures_util::future::BoxFuture;

use crate::change::{Account, Plan, Plans, Value};
use crate::db::{Cell, Sql};
use crate::error::{Error, Result};
use crate::portal::access::Level;
use crate::portal::password::About;

use super::accounts::{self, Draft, Groups};
use super::{Portal, groups, passwords, setup};

/// A superuser as a run: first the role groups that are missing, then the account, as a member of Admin.
pub struct Superuser<'a> {
    portal: &'a Portal,
    draft: Draft,
    setup: Option<Plan>,
    planned: u64,
    /// The plans given so far, as one.
    given: Plan,
    is_given: bool,
}

impl<'a> Superuser<'a> {
    /// A superuser as the draft says; its groups are seen to here.
    ///
    /// # Errors
    /// Invalid or duplicate, by field; then the groups need not be made first.
    pub async fn new(portal: &'a Portal, draft: Draft) -> Result<Self> {
        accounts::create(portal, &draft).await?;
        let setup = groups::setup(portal).await?;
        let setup = (!setup.steps.is_empty()).then_some(setup);
        let planned = 1 + u64::from(setup.is_some());
        Ok(Self { portal, draft, setup, planned, given: Plan::default(), is_given: false })
    }

    /// The new account's name, as it was given.
    #[must_use]
    pub fn username(&self) -> &str {
        self.draft.fields.get("username").map_or("", String::as_str)
    }

    /// The plans that were given, as one to be shown.
    #[must_use]
    pub fn given(&self) -> &Plan {
        &self.given
    }

    /// Everything as one plan to be shown, before any group is made.
    ///
    /// # Errors
    /// As [`Superuser::new`].
    pub async fn preview(mut self) -> Result<Plan> {
        let admin = self.portal.roles.iter().find(|role| role.level == Level::Admin);
        let is_new = |step: &crate::change::Step| {
            step.cell("name").and_then(Cell::as_text) == admin.map(|role| role.group.as_str())
        };
        let setup = self.setup.take().unwrap_or_default();
        let new_admin = setup.steps.iter().position(is_new);
        let user = setup.steps.len();
        let mut plan = setup.followed_by(self.account().await?);
        if let Some(group) = new_admin {
            let member = vec![("user_id", Value::NewId(user)), ("group_id", Value::NewId(group))];
            plan.insert("auth_user_groups", member);
        }
        Ok(plan)
    }

    async fn account(&mut self) -> Result<Plan> {
        let admin =
            groups::choices(self.portal).await?.into_iter().find(|group| group.level == Some(Level::Admin));
        self.draft.groups = Groups::Set(admin.into_iter().map(|group| group.id).collect());
        accounts::create(self.portal, &self.draft).await
    }
}

impl Plans for Superuser<'_> {
    fn planned(&self) -> Option<u64> {
        Some(self.planned)
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Plan>>> {
        Box::pin(async move {
            let plan = match self.setup.take() {
                Some(setup) => setup,
                None if self.is_given => return Ok(None),
                None => {
                    self.is_given = true;
                    self.account().await?
                }
            };
            self.given = std::mem::take(&mut self.given).followed_by(plan.clone());
            Ok(Some(plan))
        })
    }
}

/// Makes the role groups that are missing and then the superuser, each as a plan in the journal.
///
/// # Errors
/// Invalid, by field, before anything is written; conflict where there is a superuser already; what the engine says.
pub async fn create(portal: &Portal, username: &str, password: &str) -> Result<Account> {
    let writer = portal.writer()?;
    if setup::has_superuser(&portal.db).await? {
        return Err(Error::conflict("This portal has a superuser already; nothing was written. Sign in."));
    }
    let mut draft =
        Draft::default().with("username", username).with("is_staff", "true").with("is_superuser", "true");
    // A wrong name or password is refused before the groups are made.
    accounts::create(portal, &draft).await?;
    passwords::check(portal, password, &About { username, ..About::default() })?;
    writer.apply(groups::setup(portal).await?).await?;
    let admin = groups::choices(portal).await?.into_iter().find(|group| group.level == Some(Level::Admin));
    draft.groups = Groups::Set(admin.into_iter().map(|group| group.id).collect());
    draft.encoded_password = Some(passwords::hash(portal, password, None).await?);
    writer.apply(accounts::create(portal, &draft).await?).await?;
    let sql = Sql::new("SELECT id, username FROM auth_user WHERE is_superuser = ?").bind(true);
    let row = portal.db.one(sql).await?;
    Ok(Account { id: row.int(0)?, username: row.text(1)? })
}
