//! Django agrees about imported accounts: a real portal on the same database signs them in, shows them in its admin, and
//! says in its history what it would say of its own admin's change.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::collections::BTreeMap;

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Outcome, Watch};
use portaldesk::db::Sql;
use portaldesk::directory::import::{self, Options, Source};
use portaldesk::directory::password_file::PasswordFile;
use portaldesk::directory::{Portal, departments, groups, history, users};
use serde_json::{Value as Json, json};
use support::at_work::{PASSWORD, at_work, user};
use support::django::Django;
use support::temporary::Temporary;
use support::{TestDb, digest};

/// Imports a file; the clear passwords that were made up, by username.
async fn import(portal: &Portal, text: &str) -> (Outcome, BTreeMap<String, String>) {
    let options =
        Options { update: true, rename: true, create_missing: true, generate: true, ..Options::default() };
    let (source, file) = (Source::copy(text.as_bytes()).unwrap(), Temporary::none());
    let watch = Watch::default();
    let checked = import::check(portal, &source, &options, None, &watch).await.unwrap();
    assert_eq!((checked.counts().as_str(), checked.problems.len()), ("2 new, 2 changed", 0));
    let passwords = Some(PasswordFile::create(&file.0).unwrap());
    let outcome = import::apply(portal, source, &options, &checked, passwords, None, &watch).await.unwrap();
    assert_eq!(outcome.refused, []);
    let made = file.text();
    let made = made.lines().skip(1).map(|line| line.split_once(',').expect("two cells"));
    (outcome, made.map(|(name, clear)| (name.to_owned(), clear.to_owned())).collect())
}

/// Takes a run back, or an undo.
async fn undo(portal: &Portal, outcome: &Outcome) -> Outcome {
    let operation = outcome.operation().expect("something was written");
    let planned = history::plan_undo(portal, operation, OldPassword::WorksAgain).await.unwrap();
    assert!(planned.left.is_empty(), "{:?}", planned.left);
    history::apply_undo(portal, operation, planned, &Watch::default()).await.unwrap()
}

/// The portal's tables but for its sessions, which come with signing in.
async fn accounts(db: &TestDb) -> BTreeMap<String, Vec<String>> {
    let mut tables = digest(db).await;
    tables.remove("django_session").expect("the portal's sessions");
    tables
}

/// Everybody is inside, and seen by the portal as the file has it.
fn are_as_imported(django: &mut Django, made: &BTreeMap<String, String>) {
    let people = [("ann", PASSWORD), ("bob", &made["bob"]), ("bela", PASSWORD), ("dorothea", PASSWORD)];
    for (name, password) in people {
        assert_eq!(django.authenticate(name, password), Ok(true), "{name}");
    }
    let seen = |name: &str, django: &mut Django| {
        let user = django.user(name);
        json!([user["first_name"], user["groups"], user["is_staff"], user["profile"]])
    };
    let profile = |department: Json, phone: Json, id: Json| {
        json!({
            "department": department, "phone_number": phone, "main_portal_id": id, "email_notifications": true,
        })
    };
    assert_eq!(
        seen("ann", django),
        json!([
            "Änn",
            ["Engineer", "Night shift"],
            false,
            profile("Field".into(), "+1 555 0100".into(), "A-1".into())
        ])
    );
    assert_eq!(
        seen("bob", django),
        json!(["Bob \"the\" O'Neil", ["AMC Admin"], false, profile("Field".into(), Json::Null, Json::Null)])
    );
    assert_eq!(
        seen("bela", django),
        json!(["Bela", ["Engineer"], false, profile("Field".into(), Json::Null, Json::Null)])
    );
    assert_eq!(seen("dorothea", django), json!(["", [], true, profile(Json::Null, Json::Null, Json::Null)]));
}

stories! {
    /// New accounts with a ready hash and with a password that is made up, others changed by name and by id, a group and a
    /// department that were not there: taken back, and taken back again, the portal sees exactly that.
    async fn imported_accounts_sign_in_and_are_shown(db: TestDb) {
        let Some((portal, mut django)) = at_work(&db).await else { return };
        let bela = user(&portal, "bela").await;
        let engineer = groups::find(&portal, "Engineer").await.unwrap();
        let add = |name: &str| {
            json!({ "username": name, "password1": PASSWORD, "password2": PASSWORD, "groups": [engineer] })
        };
        django.submit("/admin/auth/user/add/", add("dora")).saved();
        let dora = users::find(&portal, "dora").await.unwrap();
        let hash = db.one(Sql::new("SELECT password FROM auth_user WHERE username = 'dora'")).await.unwrap();
        let hash = hash.text(0).unwrap();
        let text = format!(
            "id,username,first_name,department,groups,phone_number,main_portal_id,is_staff,password\n\
             ,ann,Änn,Field,Engineer;Night shift,'+1 555 0100,A-1,,{hash}\n\
             ,bob,\"Bob \"\"the\"\" O'Neil\",Field,AMC Admin,,,,\n\
             ,bela,Bela,Field,Engineer,,,,{hash}\n\
             {dora},dorothea,,,',,,true,\n"
        );
        let before = accounts(&db).await;
        let (imported, made) = import(&portal, &text).await;
        assert_eq!(made.keys().collect::<Vec<_>>(), ["bob"]);
        are_as_imported(&mut django, &made);

        // Her history is that of one who was added, and his that of one to whom the admin did the same.
        let ann = users::find(&portal, "ann").await.unwrap();
        let page = |id: i64| format!("/admin/auth/user/{id}/");
        let log = django.entries("user", ann);
        let added = django.entries("user", dora);
        assert_eq!(log, json!([["amir", 1, "ann", added[0][3]]]));
        django.shows_history(&page(ann), &log);
        let berta = user(&portal, "berta").await;
        let field = departments::find(&portal, "Field").await.unwrap();
        let same = json!({ "first_name": "Bela", "groups": [engineer], "profile-0-department": field });
        django.submit(&format!("{}change/", page(berta)), same).saved();
        let (log, theirs) = (django.entries("user", bela), django.entries("user", berta));
        let words = |log: &Json, at: usize| log[at][3].as_str().map(str::to_owned);
        assert_eq!(words(&log, 1), words(&theirs, 1).map(|words| words.replace("berta", "bela")));
        assert_eq!(words(&log, 2).as_deref(), Some("Changed password."), "as its own page for that has it");
        django.shows_history(&page(bela), &log);
        django.submit(&format!("{}delete/", page(berta)), json!({ "post": "yes" })).saved();

        // What a person sees: the list, her own page, and inside.
        django.get("/admin/auth/user/").shows(&["ann", "bob", "Night shift", "dorothea"]);
        let form = django.get(&format!("{}change/", page(ann))).form;
        assert_eq!(form["profile-0-department"], json!(field.to_string()));
        assert_eq!(form["profile-0-main_portal_id"], "A-1");
        assert_eq!(form["groups"].as_array().map(Vec::len), Some(2));
        for (name, password) in [("ann", PASSWORD), ("bob", &made["bob"])] {
            let home = django.sign_in(name, password);
            assert!(home.is_inside(), "{name}: {home:?}");
        }

        let undone = undo(&portal, &imported).await;
        assert_eq!(accounts(&db).await, before);
        assert_eq!((django.user("ann"), django.authenticate("bob", &made["bob"])), (Json::Null, Ok(false)));
        assert_eq!(django.authenticate("dora", PASSWORD), Ok(true));
        undo(&portal, &undone).await;
        are_as_imported(&mut django, &made);
        assert!(django.sign_in("ann", PASSWORD).is_inside());
    }
}
