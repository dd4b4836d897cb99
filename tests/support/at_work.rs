//! A portal that is used by us and by Django at the same time.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use portaldesk::change::{Account, Actor, Plan};
use portaldesk::directory::accounts::{self, Draft};
use portaldesk::directory::{Portal, Settings, groups, users};
use portaldesk::portal::password::Recipe;

use super::TestDb;
use super::django::{Django, Release};

/// Passes every rule.
pub(crate) const PASSWORD: &str = "kX7-vq92Lm!";

/// A portal with its three groups in the hands of its superuser amir, who is in its admin too.
pub(crate) async fn at_work(db: &TestDb) -> Option<(Portal, Django)> {
    let mut django = Django::start(db, Release::V42)?;
    let portal = Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
    apply(&portal, groups::setup(&portal).await.unwrap()).await;
    let amir = Draft {
        encoded_password: Some(Recipe::pbkdf2_sha256(1).hash(PASSWORD).unwrap()),
        ..Draft::default()
    };
    let amir = amir.with("username", "amir").with("is_staff", "true").with("is_superuser", "true");
    let id = make(&portal, &amir).await;
    assert_eq!(django.enter("amir", PASSWORD).location.as_deref(), Some("/admin/"));
    Some((portal.signed_in(Account { id, username: "amir".into() }), django))
}

/// Writes a plan.
pub(crate) async fn apply(portal: &Portal, plan: Plan) {
    portal.writer().unwrap().apply(plan).await.unwrap();
}

/// Makes an account.
pub(crate) async fn make(portal: &Portal, draft: &Draft) -> i64 {
    apply(portal, accounts::create(portal, draft).await.unwrap()).await;
    users::find(portal, &draft.fields["username"]).await.unwrap()
}

/// Makes an account that has nothing but a name.
pub(crate) async fn user(portal: &Portal, name: &str) -> i64 {
    make(portal, &Draft::default().with("username", name)).await
}
