//! Django agrees: a real portal on the same database signs in whom we make, shows what we write, and says of every
//! account what we say. And the other way round.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;
#[path = "support/pty.rs"]
mod terminal;

use std::collections::BTreeMap;

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Account, Actor, Outcome, Plan, Watch};
use portaldesk::db::{Db, Sql};
use portaldesk::directory::accounts::{self, Draft, Groups, Rows};
use portaldesk::directory::{
    Portal, Settings, delete, departments, groups, history, offboard, record, sign_in, users,
};
use portaldesk::error::Kind;
use portaldesk::portal::password::Recipe;
use serde_json::{Value as Json, json};
use support::django::{Django, Release};
use support::{Server, TestDb, digest};
use terminal::{Home, LARGE, Terminal};

/// Passes every rule.
const PASSWORD: &str = "kX7-vq92Lm!";

async fn portal(db: &Db) -> Portal {
    Portal::over(db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

/// The password at a cost of next to nothing.
fn cheap() -> String {
    Recipe::pbkdf2_sha256(1).hash(PASSWORD).unwrap()
}

/// A portal with its three groups and two departments, in the hands of its superuser `amir`.
async fn at_work(db: &TestDb) -> Portal {
    let portal = portal(db).await;
    apply(&portal, groups::setup(&portal).await.unwrap()).await;
    for name in ["IT", "Sales"] {
        db.run(&format!(
            "INSERT INTO core_department (name, description, is_active, created_at) VALUES ('{name}', '', {}, '2025-01-01')",
            db.yes()
        ))
        .await;
    }
    let amir = Draft { encoded_password: Some(cheap()), ..Draft::default() }
        .with("username", "amir")
        .with("is_staff", "true")
        .with("is_superuser", "true");
    apply(&portal, accounts::create(&portal, &amir).await.unwrap()).await;
    let id = users::find(&portal, "amir").await.unwrap();
    portal.signed_in(Account { id, username: "amir".into() })
}

async fn apply(portal: &Portal, plan: Plan) -> Outcome {
    portal.writer().unwrap().apply(plan).await.unwrap()
}

async fn create(portal: &Portal, draft: Draft) -> i64 {
    let name = draft.fields["username"].clone();
    apply(portal, accounts::create(portal, &draft).await.unwrap()).await;
    users::find(portal, &name).await.unwrap()
}

async fn edit(portal: &Portal, id: i64, draft: Draft) -> Outcome {
    apply(portal, accounts::edit(portal, id, &draft).await.unwrap()).await
}

async fn undo(portal: &Portal, outcome: &Outcome) {
    let operation = outcome.operation().expect("something was written");
    let planned = history::plan_undo(portal, operation, OldPassword::WorksAgain).await.unwrap();
    assert!(planned.left.is_empty(), "{:?}", planned.left);
    history::apply_undo(portal, operation, planned, &Watch::default()).await.unwrap();
}

/// An account as it stands in the table, however odd; its password is that of `tests/data/golden.json`.
struct Odd {
    what: String,
    username: String,
    encoded: String,
    active: bool,
}

/// Passwords of every kind that Django judged for `tests/data/golden.json`, and names that a form changes.
fn odd_accounts(server: Server) -> Vec<Odd> {
    let golden: Json = serde_json::from_str(include_str!("data/golden.json")).expect("JSON");
    let good = golden["encoded"]["A"]["pbkdf2_sha256 1000"].as_str().unwrap();
    let odd = |what: &str, username: &str, encoded: &str, active| Odd {
        what: what.to_owned(),
        username: username.to_owned(),
        encoded: encoded.to_owned(),
        active,
    };
    let mut accounts = vec![
        odd("well but for its profile", "well", good, true),
        odd("inactive", "inactive", good, false),
        odd("unusable", "unusable", "!kwq73WhmV3AJ7BXqxJPtzZTXh2qKFL8SfM1g5bLy", true),
        odd("scrypt above OpenSSL's memory", "memory", "scrypt$32768$salt$8$1$AAAA", true),
    ];
    let encodings = [&golden["encoded"]["A"], &golden["check_password_encoded"]];
    for (what, encoded) in encodings.into_iter().flat_map(|kinds| kinds.as_object().unwrap()) {
        accounts.push(odd(what, &format!("hash{}", accounts.len()), encoded.as_str().unwrap(), true));
    }
    for name in [
        "ﬁnance",
        "finance",
        "Ａlice",
        "e\u{301}mil",
        "behind ",
        " before",
        "in between",
        "UPPER",
        "İstanbul",
        "²",
        "\u{3000}",
    ] {
        accounts.push(odd(&format!("the name {name:?}"), name, good, true));
    }
    if server == Server::Sqlite {
        accounts.push(odd("no length is held to", &"x".repeat(151), good, true));
        accounts.push(odd("the name is nothing", "", good, true));
    }
    accounts
}

/// The words of an account's row in the portal's list of users, up to whether it is active.
fn listed(django: &mut Django, words: &str) {
    django.get("/admin/auth/user/").shows(&[words]);
}

/// How many rows of each table went and came between two digests; an update is one of each.
fn changed(
    before: &BTreeMap<String, Vec<String>>,
    after: &BTreeMap<String, Vec<String>>,
) -> Vec<(String, usize, usize)> {
    let mut changed = Vec::new();
    for (table, rows) in before {
        let gone = rows.iter().filter(|row| !after[table].contains(row)).count();
        let came = after[table].iter().filter(|row| !rows.contains(row)).count();
        if gone + came > 0 {
            changed.push((table.clone(), gone, came));
        }
    }
    changed
}

/// A database that `init` made is the portal's from its first `migrate` on: nothing to do, and everything works.
async fn taken_over(db: &TestDb, release: Release) {
    let Some(mut django) = Django::start(db, release) else { return };
    let home = Home::new();
    let url = db.url();
    let ours = |input: &str, arguments: &[&str]| home.ok(input, &[&["--database", &url], arguments].concat());
    ours(&format!("{PASSWORD}\n"), &["create-superuser", "--username", "amir", "--password-stdin"]);
    ours("", &["setup-groups", "--yes"]);

    let before = digest(db).await;
    assert!(django.command("migrate", &["--plan"]).contains("No planned migration operations."));
    assert!(django.command("migrate", &[]).contains("No migrations to apply."));
    assert_eq!(django.command("makemigrations", &["--check", "--dry-run"]), "No changes detected\n");
    assert!(django.command("check", &[]).contains("no issues"));
    assert_eq!(django.command("setup_groups", &[]), "Admin: exists\nAMC Admin: exists\nEngineer: exists\n");
    assert_eq!(django.command("assign_superuser_groups", &[]), "", "he is in the group already");
    assert_eq!(django.command("fix_user_profiles", &[]), "without: 0, doubled: 0, orphans: 0\n");
    assert_eq!(digest(db).await, before, "nothing was left for the portal to do");

    let inside = django.enter("amir", PASSWORD);
    assert_eq!(inside.location.as_deref(), Some("/admin/"), "{inside:?}");
    django.get("/admin/").shows(&["Welcome, amir", "Groups", "Users", "Departments"]);
    let engineer = groups::find(&portal(db).await, "Engineer").await.unwrap();
    django
        .submit(
            "/admin/auth/user/add/",
            json!({ "username": "dora", "password1": PASSWORD, "password2": PASSWORD, "groups": [engineer] }),
        )
        .saved();
    let dora = django.user("dora");
    assert_eq!(dora["groups"], json!(["Engineer"]));
    assert_eq!(dora["profile"]["email_notifications"], true, "made by the portal's signal");

    let account =
        sign_in::sign_in(&portal(db).await, "dora", PASSWORD).await.expect("she is a user here too");
    assert_eq!(json!(account.id), dora["id"]);
    ours("", &["check"]);
}

/// What the portal must see of the two accounts made below.
fn as_made(id: &Json, username: &str) -> Json {
    json!({
        "id": id, "username": username, "first_name": "Jürgen", "last_name": "O'Neil", "email": "J@example.org",
        "is_active": true, "is_staff": false, "is_superuser": false, "algorithm": "pbkdf2_sha256",
        "groups": ["Engineer"], "permissions": [],
        "profile": {
            "department": "IT", "phone_number": "+49 30 1", "main_portal_id": username, "email_notifications": true,
        },
    })
}

/// One account made on a terminal by the form, and one by a command.
fn made_by_form_and_command(db: &TestDb) {
    let home = Home::new();
    let url = db.url();
    let mut terminal = Terminal::start(&home, LARGE, &["--database", &url]);
    terminal.wait_for("Sign in to");
    terminal.keys(&format!("amir\t{PASSWORD}\r"));
    terminal.wait_for("[1] Users");
    terminal.keys("n");
    terminal.wait_for("New user");
    // The arrow chooses the first department, the space the first group.
    let fields = [
        "form",
        "Jürgen",
        "O'Neil",
        "J@EXAMPLE.org",
        PASSWORD,
        PASSWORD,
        "\x1b[C",
        "+49 30 1",
        "form",
        "",
        " ",
    ];
    terminal.keys(&fields.join("\t"));
    terminal.wait_for("gains Engineer");
    terminal.keys("\x13");
    terminal.wait_for("y apply");
    terminal.press_until("y", "y apply", false);
    terminal.wait_for("Created form");
    terminal.keys("q");
    assert_eq!(terminal.wait_end(), 0);
    home.ok(
        &format!("{PASSWORD}\n"),
        &[
            ["--database", &url, "user", "add", "--username", "command", "--first-name", "Jürgen"].as_slice(),
            &["--last-name", "O'Neil", "--email", "J@EXAMPLE.org", "--password-stdin", "--department", "IT"],
            &["--phone-number", "+49 30 1", "--main-portal-id", "command", "--group", "Engineer"],
        ]
        .concat(),
    );
}

/// Whom we make signs in to the portal, which shows them, their groups, profiles and history.
async fn made_by_us(db: &TestDb, release: Release) {
    let Some(mut django) = Django::start(db, release) else { return };
    at_work(db).await;
    made_by_form_and_command(db);
    assert_eq!(django.enter("amir", PASSWORD).location.as_deref(), Some("/admin/"));
    for username in ["form", "command"] {
        assert_eq!(django.authenticate(username, PASSWORD), Ok(true), "{username}");
        assert_eq!(django.authenticate(username, "kX7-vq92Lm?"), Ok(false), "{username}");
        let inside = django.sign_in(username, PASSWORD);
        assert!(inside.is_inside(), "{username}: {inside:?}");
        inside.home.unwrap().shows(&[&format!("Welcome, {username}. Your department: IT.")]);

        let user = django.user(username);
        assert_eq!(user, as_made(&user["id"], username));
        listed(&mut django, &format!("{username} J@example.org Jürgen O'Neil Engineer Engineer"));
        let change = django.get(&format!("/admin/auth/user/{}/change/", user["id"]));
        change.shows(&["Change user", username, "pbkdf2_sha256", "User profile"]);
        assert_eq!(change.form["username"], username);
        assert_eq!(change.form["profile-0-phone_number"], "+49 30 1");
        assert_eq!(change.form["profile-TOTAL_FORMS"], "1", "one profile, and no empty second one");
    }
    let history = |django: &mut Django, name: &str| {
        let id = django.user(name)["id"].clone();
        django.get(&format!("/admin/auth/user/{id}/history/"))
    };
    history(&mut django, "form").shows(&["Change history: form", "amir Added."]);
    // On the command line nobody of the portal acts, and its log needs somebody.
    history(&mut django, "command").shows(&["Change history: command", "doesn’t have a change history"]);
}

stories! {
    async fn a_database_of_ours_is_taken_over(db: TestDb) {
        taken_over(&db, Release::V42).await;
    }

    async fn a_database_of_ours_is_taken_over_by_django_5_2(db: TestDb) {
        taken_over(&db, Release::V52).await;
    }

    async fn who_is_made_by_us_signs_in_to_django(db: TestDb) {
        made_by_us(&db, Release::V42).await;
    }

    async fn who_is_made_by_us_signs_in_to_django_5_2(db: TestDb) {
        made_by_us(&db, Release::V52).await;
    }

    async fn who_is_made_by_django_signs_in_here(db: TestDb) {
        for release in [Release::V42, Release::V52] {
            let Some(mut django) = Django::start(&db, release) else { return };
            let portal = portal(&db).await;
            for hasher in ["pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "scrypt"] {
                let username = format!("{hasher}.{release:?}");
                // Their role is what lets them in.
                let id = django.ask(&json!({
                    "do": "add_user", "username": username, "password": "Pässwörd ünïcode 密码 ", "hasher": hasher,
                    "is_superuser": true,
                }));
                assert_eq!(django.user(&username)["algorithm"], hasher);
                let account = sign_in::sign_in(&portal, &username, "Pässwörd ünïcode 密码 ").await.expect(&username);
                assert_eq!(json!(account.id), id);
                let error = sign_in::sign_in(&portal, &username, "Pässwörd ünïcode 密码").await.unwrap_err();
                assert_eq!(error.kind, Kind::Denied, "{username}");
                // Signing in here wrote nothing: the portal's hash is as the portal made it.
                assert_eq!(django.user(&username)["algorithm"], hasher);
            }
        }
    }

    /// The same is done to two accounts, by the portal's admin to one and by us to the other. Their histories read alike.
    async fn what_we_do_reads_as_what_the_admin_does(db: TestDb) {
        let Some(mut django) = Django::start(&db, Release::V42) else { return };
        let portal = at_work(&db).await;
        assert_eq!(django.enter("amir", PASSWORD).location.as_deref(), Some("/admin/"));
        let engineer = groups::find(&portal, "Engineer").await.unwrap();
        let admin = groups::find(&portal, "Admin").await.unwrap();
        let it = departments::find(&portal, "IT").await.unwrap();

        let added = json!({ "username": "theirs", "password1": PASSWORD, "password2": PASSWORD, "groups": [engineer] });
        django.submit("/admin/auth/user/add/", added).saved();
        let draft = Draft { encoded_password: Some(cheap()), groups: Groups::Set(vec![engineer]), ..Draft::default() };
        let ours = create(&portal, draft.with("username", "ours")).await;
        let theirs = users::find(&portal, "theirs").await.unwrap();

        let draft = Draft::default;
        let steps = [
            (
                json!({ "first_name": "Ünï", "last_name": "O'Neil", "email": "X@EXAMPLE.COM" }),
                draft().with("first_name", "Ünï").with("last_name", "O'Neil").with("email", "X@EXAMPLE.COM"),
            ),
            (json!({ "groups": [engineer, admin] }), Draft { groups: Groups::Set(vec![engineer, admin]), ..draft() }),
            (json!({ "groups": [], "is_staff": "on" }), Draft { groups: Groups::Set(vec![]), ..draft() }.with("is_staff", "true")),
            (json!({ "is_active": null }), draft().with("is_active", "false")),
            (json!({ "is_active": "on" }), draft().with("is_active", "true")),
            (
                json!({ "profile-0-department": it, "profile-0-phone_number": "0300" }),
                Draft { department: Some(Some(it)), ..draft() }.with("phone_number", "0300"),
            ),
            (json!({ "profile-0-phone_number": "" }), draft().with("phone_number", "")),
            (json!({ "profile-0-email_notifications": null }), draft().with("email_notifications", "false")),
            (
                json!({ "first_name": "Both", "profile-0-main_portal_id": "T1" }),
                draft().with("first_name", "Both").with("main_portal_id", "O1"),
            ),
            (json!({ "username": "theirs2", "is_superuser": "on" }), draft().with("username", "ours2").with("is_superuser", "true")),
        ];
        for (fields, draft) in steps {
            django.submit(&format!("/admin/auth/user/{theirs}/change/"), fields).saved();
            edit(&portal, ours, draft).await;
        }
        let password = json!({ "password1": PASSWORD, "password2": PASSWORD });
        django.submit(&format!("/admin/auth/user/{theirs}/password/"), password).saved();
        apply(&portal, accounts::set_password(&portal, ours, Recipe::pbkdf2_sha256(2).hash(PASSWORD).unwrap()).await.unwrap()).await;

        let log = |django: &mut Django, name: &str| django.ask(&json!({ "do": "log", "username": name }));
        let (theirs_log, ours_log) = (log(&mut django, "theirs2"), log(&mut django, "ours2"));
        let renamed: Json = serde_json::from_str(&theirs_log.to_string().replace("theirs", "ours")).unwrap();
        assert_eq!(ours_log, renamed);
        assert_eq!(ours_log.as_array().unwrap().len(), 12);
        let page = django.get(&format!("/admin/auth/user/{ours}/history/"));
        for entry in ours_log.as_array().unwrap() {
            page.shows(&[&format!("{} {}", entry[0].as_str().unwrap(), entry[1].as_str().unwrap())]);
        }
        // And they are alike.
        let (mut user, mut other) = (django.user("ours2"), django.user("theirs2"));
        for user in [&mut user, &mut other] {
            for field in ["id", "username"] {
                user[field] = Json::Null;
            }
            user["profile"]["main_portal_id"] = Json::Null;
        }
        assert_eq!(user, other);
    }

    async fn nothing_changes_but_the_rows_that_were_meant(db: TestDb) {
        let Some(mut django) = Django::start(&db, Release::V42) else { return };
        let portal = at_work(&db).await;
        for name in ["bystander", "bela"] {
            let added = json!({ "do": "add_user", "username": name, "password": PASSWORD, "hasher": "pbkdf2_sha256" });
            django.ask(&added);
        }
        let bela = users::find(&portal, "bela").await.unwrap();
        let engineer = groups::find(&portal, "Engineer").await.unwrap();
        let amc = groups::find(&portal, "AMC Admin").await.unwrap();
        edit(&portal, bela, Draft { groups: Groups::Set(vec![amc]), ..Draft::default() }).await;
        let log = "SELECT COUNT(*) FROM django_admin_log";
        let draft = Draft::default;
        let (user, profile, member) = ("auth_user", "core_userprofile", "auth_user_groups");
        for (draft, expected) in [
            (draft().with("first_name", "Béla"), vec![(user, 1, 1)]),
            (draft().with("is_active", "false"), vec![(user, 1, 1)]),
            (draft().with("phone_number", "030"), vec![(profile, 1, 1)]),
            (Draft { groups: Groups::Set(vec![engineer, amc]), ..draft() }, vec![(member, 0, 1)]),
            (
                Draft { groups: Groups::Set(vec![]), ..draft() }.with("email", "b@example.org").with("main_portal_id", "B1"),
                vec![(user, 1, 1), (member, 1, 0), (profile, 1, 1)],
            ),
            (Draft { encoded_password: Some(cheap()), ..draft() }, vec![(user, 1, 1)]),
        ] {
            let (before, logged) = (digest(&db).await, db.number(log).await);
            let done = edit(&portal, bela, draft.clone()).await;
            let expected: Vec<_> = expected.into_iter().map(|(table, gone, came)| (table.to_owned(), gone, came)).collect();
            assert_eq!(changed(&before, &digest(&db).await), expected, "{draft:?}");
            assert_eq!(db.number(log).await, logged + 1, "{draft:?}");
            undo(&portal, &done).await;
            assert_eq!(digest(&db).await, before, "{draft:?}");
        }
        let before = digest(&db).await;
        let cli = self::portal(&db).await;
        create(&cli, draft().with("username", "cho")).await;
        assert_eq!(changed(&before, &digest(&db).await), [(user.to_owned(), 0, 1), (profile.to_owned(), 0, 1)]);
        let before = digest(&db).await;
        sign_in::sign_in(&portal, "amir", PASSWORD).await.unwrap();
        record::read(&portal, bela).await.unwrap();
        let report = Home::new().run("", &["--database", &db.url(), "check"]);
        assert_eq!(report.status.code(), Some(1), "the hashes of this story are weak");
        assert_eq!(digest(&db).await, before, "looking writes nothing");
    }

    /// Two profiles for one new user: the admin's own form does that when its inline is filled in, whatever the engine.
    async fn the_integrity_error_of_the_portal_does_not_happen_here(db: TestDb) {
        for release in [Release::V42, Release::V52] {
            let Some(mut django) = Django::start(&db, release) else { return };
            if release == Release::V42 {
                at_work(&db).await;
            }
            assert_eq!(django.enter("amir", PASSWORD).location.as_deref(), Some("/admin/"));
            let before = digest(&db).await;
            let page = django.submit(
                "/admin/auth/user/add/",
                json!({
                    "username": "bela", "password1": PASSWORD, "password2": PASSWORD,
                    "profile-0-phone_number": "030 1234",
                }),
            );
            let raised = page.raised.expect("an exception");
            assert_eq!(page.status, 500);
            assert!(raised.starts_with("IntegrityError: "), "{raised}");
            assert!(raised.contains("user_id"), "{raised}");
            if db.server == Server::MariaDb {
                assert!(raised.contains("(1062, \"Duplicate entry"), "{raised}");
            }
            assert_eq!(digest(&db).await, before, "and the user is not there");
        }
        let Some(mut django) = Django::start(&db, Release::V42) else { return };
        Home::new().ok(
            &format!("{PASSWORD}\n"),
            &["--database", &db.url(), "user", "add", "--username", "bela", "--phone-number", "030 1234", "--password-stdin"],
        );
        assert_eq!(django.user("bela")["profile"]["phone_number"], "030 1234");
        assert_eq!(django.authenticate("bela", PASSWORD), Ok(true));
        assert_eq!(django.command("fix_user_profiles", &["--dry-run"]), "without: 0, doubled: 0, orphans: 0\n");
    }

    /// What someone saves in the admin between our plan and our write is not overwritten, and not by an undo either.
    async fn a_save_in_the_admin_meanwhile_is_not_overwritten(db: TestDb) {
        let Some(mut django) = Django::start(&db, Release::V42) else { return };
        let portal = at_work(&db).await;
        assert_eq!(django.enter("amir", PASSWORD).location.as_deref(), Some("/admin/"));
        let bela = create(&portal, Draft::default().with("username", "bela").with("first_name", "Bela")).await;
        let page = format!("/admin/auth/user/{bela}/change/");

        let planned = accounts::edit(&portal, bela, &Draft::default().with("email", "b@example.org")).await.unwrap();
        django.submit(&page, json!({ "last_name": "Novak" })).saved();
        let error = portal.writer().unwrap().apply(planned).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict, "{error}");
        assert!(error.fields.contains_key("last_name"), "{error:?}");
        assert_eq!(django.user("bela")["email"], "");

        // A save that changes nothing but what Django rewrites in passing is no conflict.
        let planned = accounts::edit(&portal, bela, &Draft::default().with("email", "b@example.org")).await.unwrap();
        django.submit(&page, json!({})).saved();
        let done = apply(&portal, planned).await;
        django.submit(&page, json!({ "email": "theirs@example.org", "profile-0-phone_number": "1" })).saved();
        let before = Rows::read(&portal, bela).await.unwrap();
        let planned = history::plan_undo(&portal, done.operation().unwrap(), OldPassword::StaysChanged).await.unwrap();
        assert!(planned.plans.is_empty() && planned.left[0].contains("email"), "{:?}", planned.left);
        assert_eq!(Rows::read(&portal, bela).await.unwrap(), before);
    }

    /// Of every account the portal's login form and we say the same, whether the right password opens it or not. That the
    /// portal fails, or lets somebody else in, is no.
    async fn django_refuses_exactly_whom_we_say(db: TestDb) {
        let Some(mut django) = Django::start(&db, Release::V42) else { return };
        let portal = portal(&db).await;
        let mut differ = Vec::new();
        let (mut can, mut can_not) = (0, 0);
        let accounts = odd_accounts(db.server);
        for odd in &accounts {
            let id = db.add_user(&odd.username).await;
            let (encoded, active) = (odd.encoded.clone(), odd.active);
            let set = db.transaction(move |tx| {
                let sql = Sql::new("UPDATE auth_user SET password = ?, is_active = ? WHERE id = ?");
                let sql = sql.bind(encoded.clone()).bind(active).bind(id);
                Box::pin(async move { Ok(tx.execute(sql).await?) })
            });
            set.await.unwrap();
        }
        for odd in &accounts {
            let id = users::find(&portal, &odd.username).await.unwrap();
            // First, because a sign-in writes: a newer hash, and the profile.
            let why = record::read(&portal, id).await.unwrap().sign_in;
            let page = django.sign_in(&odd.username, "Alpha-Lab-2025!");
            let welcome = format!("Welcome, {}. ", odd.username);
            let inside = page.is_inside() && page.home.as_ref().unwrap().text.starts_with(&welcome);
            if inside { can += 1 } else { can_not += 1 }
            if inside != why.can_sign_in() {
                differ.push(format!("{}: we say {:?}, and the portal: {page:?}", odd.what, why.in_words()));
            }
        }
        assert_eq!(differ, [""; 0]);
        assert!(can >= 10 && can_not >= 18, "{can} can and {can_not} can't");
    }

    /// What the portal sees of somebody who is deleted or off-boarded, and after that was taken back.
    async fn an_end_and_its_undo_are_seen_by_django(db: TestDb) {
        let Some(mut django) = Django::start(&db, Release::V42) else { return };
        let portal = at_work(&db).await;
        let engineer = groups::find(&portal, "Engineer").await.unwrap();
        let draft = Draft {
            encoded_password: Some(cheap()),
            department: Some(Some(departments::find(&portal, "IT").await.unwrap())),
            groups: Groups::Set(vec![engineer]),
            ..Draft::default()
        };
        let bela = create(&portal, draft.with("username", "bela").with("is_staff", "true").with("phone_number", "030")).await;
        assert_eq!(django.enter("amir", PASSWORD).location.as_deref(), Some("/admin/"));
        let permission = db.number("SELECT id FROM auth_permission WHERE codename = 'view_department'").await;
        django.submit(&format!("/admin/auth/user/{bela}/change/"), json!({ "user_permissions": [permission] })).saved();
        let as_before = django.user("bela");
        assert_eq!(as_before["permissions"], json!(["core.view_department"]));
        let end = |title: &'static str, plans: Vec<Plan>| {
            let writer = portal.writer().unwrap();
            async move { writer.all_or_nothing(title, plans, &Watch::default()).await.unwrap() }
        };

        // The page that says that he was changed, and lists him.
        django.get("/admin/auth/user/").shows(&["bela"]);

        let before = digest(&db).await;
        let done = end("Delete", delete::plan(&portal, bela).await.unwrap()).await;
        assert_eq!(django.user("bela"), Json::Null);
        assert_eq!(django.authenticate("bela", PASSWORD), Ok(false));
        assert!(!django.get("/admin/auth/user/").text.contains("bela"));
        django.get("/admin/").shows(&["Recent actions", "bela User"]);
        undo(&portal, &done).await;
        assert_eq!(digest(&db).await, before);
        assert_eq!(django.user("bela"), as_before);
        // The portal rehashes a cheap password when it is right, so the digests end here.
        assert_eq!(django.authenticate("bela", PASSWORD), Ok(true));

        let done = end("Off-board", offboard::plan(&portal, bela).await.unwrap()).await;
        assert_eq!(django.authenticate("bela", PASSWORD), Ok(false));
        assert!(!django.sign_in("bela", PASSWORD).is_inside());
        let off = django.user("bela");
        assert_eq!((&off["is_active"], &off["is_staff"]), (&json!(false), &json!(false)));
        assert_eq!((&off["groups"], &off["permissions"]), (&json!([]), &json!([])));
        assert_eq!(off["profile"]["email_notifications"], false);
        assert_eq!(off["profile"]["department"], "IT", "what refers to the account stays whole");
        undo(&portal, &done).await;
        assert_eq!(django.user("bela"), as_before);
        assert_eq!(django.authenticate("bela", PASSWORD), Ok(true));

        let done = end("Off-board", offboard::plan(&portal, bela).await.unwrap()).await;
        let operation = done.operation().unwrap();
        let planned = history::plan_undo(&portal, operation, OldPassword::StaysChanged).await.unwrap();
        history::apply_undo(&portal, operation, planned, &Watch::default()).await.unwrap();
        assert_eq!(django.user("bela")["groups"], json!(["Engineer"]));
        assert_eq!(django.authenticate("bela", PASSWORD), Ok(false), "until a password is set");
    }
}
