//! Django agrees about groups, departments and many accounts at once: a real portal on the same database shows what we
//! changed, and its history says of our change what it says of its own admin's.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use portaldesk::change::Watch;
use portaldesk::db::Sql;
use portaldesk::directory::Portal;
use portaldesk::directory::accounts::{self, Draft, Groups};
use portaldesk::directory::bulk::{self, Change, Extent};
use portaldesk::directory::departments::{self, Keep, To};
use portaldesk::directory::groups::{self, Intent};
use portaldesk::directory::leaving::Leaving;
use serde_json::{Value as Json, json};
use support::at_work::{apply, at_work, user};
use support::django::Django;

async fn all(portal: &Portal, intent: Intent) {
    for plan in intent.plans {
        apply(portal, plan).await;
    }
}

async fn go(portal: &Portal, leaving: Leaving) {
    leaving.check().await.unwrap();
    let outcome = leaving.apply(&portal.writer().unwrap(), &Watch::default()).await.unwrap();
    assert_eq!(outcome.refused, []);
}

/// The same history, of an object of another name.
fn renamed(entries: &Json, from: &str, to: &str) -> Json {
    serde_json::from_str(&entries.to_string().replace(from, to)).unwrap()
}

stories! {
    /// The same is done to two groups, by the portal's admin to one and by us to the other.
    async fn a_group_of_ours_reads_as_one_of_the_admins(db: TestDb) {
        let Some((portal, mut django)) = at_work(&db).await else { return };
        let sql = Sql::new("SELECT id FROM auth_permission WHERE codename = 'view_user'");
        let permission = portal.count(sql).await.unwrap();
        let bela = user(&portal, "bela").await;

        let fields = json!({ "name": "theirs", "permissions": [permission] });
        django.submit("/admin/auth/group/add/", fields).saved();
        all(&portal, groups::create(&portal, "ours", &[permission]).await.unwrap()).await;
        let (theirs, ours) =
            (groups::find(&portal, "theirs").await.unwrap(), groups::find(&portal, "ours").await.unwrap());
        let seen = |django: &mut Django, id: i64| django.ask(&json!({ "do": "group", "pk": id }));
        assert_eq!(
            seen(&mut django, ours),
            json!({ "name": "ours", "permissions": ["view_user"], "members": [] })
        );

        all(&portal, groups::add(&portal, ours, &[bela]).await.unwrap()).await;
        assert_eq!(seen(&mut django, ours)["members"], json!(["bela"]));
        assert_eq!(django.user("bela")["groups"], json!(["ours"]));
        all(&portal, groups::remove(&portal, ours, &[bela]).await.unwrap()).await;
        assert_eq!(seen(&mut django, ours)["members"], json!([]));
        // As the form of a user has it: the group itself did not change.
        let changed: Vec<Json> = django.entries("user", bela).as_array().unwrap()[1..].to_vec();
        let groups_changed = json!(["amir", 2, "bela", "Changed Groups."]);
        assert_eq!(changed, [groups_changed.clone(), groups_changed]);

        let url = |id: i64, what: &str| format!("/admin/auth/group/{id}/{what}");
        django.submit(&url(theirs, "change/"), json!({ "name": "theirs2", "permissions": [] })).saved();
        let draft = groups::Draft { name: Some("ours2".to_owned()), permissions: Groups::Set(Vec::new()) };
        all(&portal, groups::edit(&portal, ours, &draft).await.unwrap()).await;
        assert_eq!(seen(&mut django, ours), json!({ "name": "ours2", "permissions": [], "members": [] }));
        let log = django.entries("group", ours);
        assert_eq!(log, renamed(&django.entries("group", theirs), "theirs", "ours"));
        assert_eq!(log.as_array().unwrap().len(), 2);
        django.shows_history(&url(ours, ""), &log);

        django.submit(&url(theirs, "delete/"), json!({ "post": "yes" })).saved();
        go(&portal, groups::delete(&portal, ours).await.unwrap()).await;
        assert_eq!(seen(&mut django, ours), Json::Null);
        let log = django.entries("group", ours);
        assert_eq!(log, renamed(&django.entries("group", theirs), "theirs", "ours"));
        assert_eq!(log[2], json!(["amir", 3, "ours2", ""]));
    }

    /// The same for two departments; and what becomes of the people in ours.
    async fn a_department_of_ours_reads_as_one_of_the_admins(db: TestDb) {
        let Some((portal, mut django)) = at_work(&db).await else { return };
        let bela = user(&portal, "bela").await;
        let seen = |django: &mut Django, id: i64| django.ask(&json!({ "do": "department", "pk": id }));
        let draft = departments::Draft::default;

        django.submit("/admin/core/department/add/", json!({ "name": "theirs", "is_active": "on" })).saved();
        for name in ["ours", "stays"] {
            apply(&portal, departments::create(&portal, &draft().with("name", name)).await.unwrap()).await;
        }
        let theirs = departments::find(&portal, "theirs").await.unwrap();
        let ours = departments::find(&portal, "ours").await.unwrap();
        let stays = departments::find(&portal, "stays").await.unwrap();

        let url = |id: i64, what: &str| format!("/admin/core/department/{id}/{what}");
        let fields = json!({ "name": "theirs2", "description": "d", "is_active": null });
        django.submit(&url(theirs, "change/"), fields).saved();
        let changed = draft().with("name", "ours2").with("description", "d").with("is_active", "false");
        apply(&portal, departments::edit(&portal, ours, &changed).await.unwrap()).await;
        assert_eq!(
            seen(&mut django, ours),
            json!({ "name": "ours2", "description": "d", "is_active": false, "members": [] })
        );
        let log = django.entries("department", ours);
        assert_eq!(log, renamed(&django.entries("department", theirs), "theirs", "ours"));
        assert_eq!(log.as_array().unwrap().len(), 2);
        django.shows_history(&url(ours, ""), &log);

        let given = Draft { department: Some(Some(ours)), ..Draft::default() };
        apply(&portal, accounts::edit(&portal, bela, &given).await.unwrap()).await;
        assert_eq!(seen(&mut django, ours)["members"], json!(["bela"]));
        go(&portal, departments::merge(&portal, ours, stays, &Keep::default()).await.unwrap()).await;
        assert_eq!(seen(&mut django, ours), Json::Null);
        assert_eq!(seen(&mut django, stays)["members"], json!(["bela"]));

        django.submit(&url(theirs, "delete/"), json!({ "post": "yes" })).saved();
        go(&portal, departments::delete(&portal, stays, Some(To::Nowhere)).await.unwrap()).await;
        assert_eq!(seen(&mut django, stays), Json::Null);
        assert_eq!(django.user("bela")["profile"]["department"], Json::Null);
        let log = django.entries("department", ours);
        assert_eq!(log, renamed(&django.entries("department", theirs), "theirs", "ours"));
        assert_eq!(log[2], json!(["amir", 3, "ours2", ""]));
    }

    /// What is done to many at once is in the history of each.
    async fn many_accounts_at_once_read_as_one_by_one(db: TestDb) {
        let Some((portal, mut django)) = at_work(&db).await else { return };
        let engineer = groups::find(&portal, "Engineer").await.unwrap();
        let mut people = Vec::new();
        for name in ["bela", "cho", "dana"] {
            people.push(user(&portal, name).await);
        }
        for (change, words) in [
            (Change::AddGroup(engineer), "Changed Groups."),
            (Change::Staff(true), "Changed Staff status."),
            (Change::Deactivate, "Changed Active."),
        ] {
            let ahead = bulk::look_ahead(&portal, &change, &people).await.unwrap();
            let outcome = bulk::begin(&portal, &ahead, Extent::All, &Watch::default()).await.unwrap();
            assert_eq!(outcome.refused, []);
            for (id, name) in people.iter().zip(["bela", "cho", "dana"]) {
                let log = django.entries("user", *id);
                assert_eq!(log.as_array().unwrap().last(), Some(&json!(["amir", 2, name, words])));
            }
        }
        for name in ["bela", "cho", "dana"] {
            let seen = django.user(name);
            assert_eq!(
                (seen["groups"].clone(), seen["is_staff"].clone(), seen["is_active"].clone()),
                (json!(["Engineer"]), json!(true), json!(false))
            );
        }
        django.get("/admin/auth/user/?is_active__exact=0").shows(&["3 users", "bela", "cho", "dana"]);
    }
}
