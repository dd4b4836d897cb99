//! The history: our journal and the portal's own log as one list, its filters, its pages, and what pruning leaves of it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use chrono::{DateTime, TimeDelta, Utc};
use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Account, Actor, Image, Outcome, Plan, Watch, journal};
use portaldesk::db::{Db, Dialect, Sql};
use portaldesk::directory::accounts::{self, Draft, Groups};
use portaldesk::directory::history::{self, Entry, Filter, From, Source};
use portaldesk::directory::{Portal, Settings, groups, record, setup, users};
use portaldesk::error::{Error, Kind};
use support::{Made, TestDb};

const HASH: &str = "pbkdf2_sha256$1$0123456789abcdefABCDEF$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";
const OTHER_HASH: &str =
    "pbkdf2_sha256$1$0123456789abcdefABCDEF$wWYlblNv6KDJToWgCkLfQbjlp6SOsy9XHjqVfwiLRR4=";

async fn portal(db: &Db) -> Portal {
    Portal::over(db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

/// The same portal in the hands of a superuser, `root`, whom nobody journaled.
async fn in_hands_of_root(db: &TestDb) -> Portal {
    let id = db.add_user("root").await;
    db.run(&format!("UPDATE auth_user SET is_superuser = {}, password = '{HASH}' WHERE id = {id}", db.yes()))
        .await;
    portal(db).await.signed_in(Account { id, username: "root".to_owned() })
}

fn named(name: &str) -> Draft {
    Draft { encoded_password: Some(HASH.into()), ..Draft::default() }.with("username", name)
}

async fn create(portal: &Portal, draft: Draft) -> Outcome {
    apply(portal, accounts::create(portal, &draft).await.unwrap()).await
}

async fn edit(portal: &Portal, id: i64, draft: Draft) -> Outcome {
    apply(portal, accounts::edit(portal, id, &draft).await.unwrap()).await
}

async fn apply(portal: &Portal, plan: Plan) -> Outcome {
    portal.writer().unwrap().apply(plan).await.unwrap()
}

/// Everything of a user goes.
async fn delete(portal: &Portal, id: i64) -> Outcome {
    let rows = accounts::Rows::read(portal, id).await.unwrap();
    let mut plan = Plan::new("Delete somebody");
    for profile in rows.profiles {
        plan.delete("core_userprofile", Image::of("id", profile.get("id").unwrap().clone()), profile);
    }
    plan.delete("auth_user", Image::id(id), rows.user);
    apply(portal, plan).await
}

async fn undo(portal: &Portal, operation: &str) -> Result<Outcome, Error> {
    let planned = history::plan_undo(portal, operation, OldPassword::WorksAgain).await?;
    history::apply_undo(portal, operation, planned, &Watch::default()).await
}

async fn write(db: &Db, sql: Sql) -> i64 {
    let written = db.transaction(move |tx| {
        let sql = sql.clone();
        Box::pin(async move { Ok(tx.insert(sql).await?) })
    });
    written.await.unwrap()
}

/// An entry as Django's admin writes it: `(app, model)`, the object's id and name, flag and message.
async fn log(
    db: &TestDb,
    user: i64,
    time: DateTime<Utc>,
    (app, model): (&str, &str),
    (object, name): (i64, &str),
    (flag, message): (i64, &str),
) -> i64 {
    let kinds = Sql::new("SELECT id FROM django_content_type WHERE app_label = ?").bind(app);
    let kind = db.one(kinds.push_bind(" AND model = ?", model)).await.unwrap().int(0).unwrap();
    let sql = Sql::new(
        "INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message, user_id, \
         content_type_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    let sql =
        sql.bind(time).bind(object.to_string()).bind(name).bind(flag).bind(message).bind(user).bind(kind);
    write(db, sql).await
}

const USER: (&str, &str) = ("auth", "user");

async fn page(portal: &Portal, filter: &Filter, from: From, limit: usize) -> history::Page {
    history::page(portal, filter, from, limit).await.unwrap()
}

/// The whole list at once.
async fn all(portal: &Portal, filter: &Filter) -> Vec<Entry> {
    let page = page(portal, filter, From::Start, 10_000).await;
    assert!(!page.more);
    page.entries
}

async fn titles(portal: &Portal, filter: &str) -> Vec<String> {
    let filter = Filter::read(filter).unwrap();
    let entries = all(portal, &filter).await;
    let count = history::count(portal, &filter).await.unwrap();
    assert_eq!(usize::try_from(count).unwrap(), entries.len(), "the count is that of the list");
    entries.iter().map(Entry::title).collect()
}

/// Changes happen one minute after the other from this time on, in the order of their ids.
async fn spread(db: &TestDb, base: DateTime<Utc>) {
    for row in db.all(Sql::new("SELECT id FROM portaldesk_change")).await.unwrap() {
        let id = row.int(0).unwrap();
        let sql = Sql::new("UPDATE portaldesk_change SET made = ?").bind(base + TimeDelta::minutes(id));
        update(db, sql.push_bind(" WHERE id = ?", id)).await;
    }
}

async fn update(db: &Db, sql: Sql) {
    let written = db.transaction(move |tx| {
        let sql = sql.clone();
        Box::pin(async move { Ok(tx.execute(sql).await?) })
    });
    written.await.unwrap();
}

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_760_000_000, 0).unwrap() + TimeDelta::minutes(minute)
}

/// What a test knows of an entry, to compare the filters with.
struct Known {
    title: &'static str,
    /// The portal account and the Unix user.
    by: (Option<&'static str>, Option<&'static str>),
    about_bela: bool,
    fields: &'static [&'static str],
    minute: i64,
    operation: Option<String>,
}

impl Known {
    fn matches(&self, term: &str, about: &str) -> bool {
        let (key, value) = term.split_once(':').unwrap_or(("", term));
        match key {
            "by" => match value.strip_prefix("unix:") {
                Some(unix) => self.by == (None, Some(unix)),
                None => self.by.0 == Some(value) || self.by.1 == Some(value),
            },
            "about" => {
                assert!(value == "bela" || value == about);
                self.about_bela
            }
            "field" => self.fields.contains(&value),
            "since" => at(self.minute) >= value.parse::<DateTime<Utc>>().unwrap(),
            "until" => at(self.minute) < value.parse::<DateTime<Utc>>().unwrap(),
            "source" => (value == "portaldesk") == self.operation.is_some(),
            "op" => self.operation.as_deref() == Some(value),
            _ => self.title.to_lowercase().contains(&value.to_lowercase()),
        }
    }
}

/// Changes of ours and of the portal, in the order in which they happened, a minute apart.
async fn many_kinds(db: &TestDb) -> (Portal, i64, Vec<Known>) {
    let root = in_hands_of_root(db).await;
    let (shell, amir) = (portal(db).await, db.add_user("amir").await);
    apply(&shell, groups::setup(&shell).await.unwrap()).await;
    let engineer = groups::find(&shell, "Engineer").await.unwrap();
    let it = "INSERT INTO core_department (name, description, is_active, created_at) VALUES ('IT', '', ";
    db.run(&format!("{it}{}, '2025-01-01 00:00:00')", db.yes())).await;
    let it = db.number("SELECT id FROM core_department").await;
    let draft = Draft { groups: Groups::Set(vec![engineer]), ..named("bela") }.with("first_name", "Bela");
    let mut operations = vec![create(&shell, draft).await];
    let bela = users::find(&shell, "bela").await.unwrap();
    let moved = Draft { department: Some(Some(it)), ..Draft::default() };
    operations.push(edit(&root, bela, moved).await);
    operations.push(edit(&root, bela, Draft::default().with("first_name", "Béla")).await);
    let password = Draft { encoded_password: Some(OTHER_HASH.into()), ..Draft::default() };
    operations.push(edit(&root, bela, password).await);
    operations.push(edit(&shell, bela, Draft { groups: Groups::Set(Vec::new()), ..Draft::default() }).await);
    operations.push(undo(&root, operations[1].operation().unwrap()).await.unwrap());
    spread(db, at(0)).await;
    let id = |number: usize| operations[number].operation().map(str::to_owned);
    let (shell, admin) = ((None, Some("tester")), (Some("root"), Some("tester")));
    let setup = history::list(&root, &Filter::default()).await.unwrap().pop().unwrap().change.operation;
    let known = |title, by, about_bela, fields, minute, operation| Known {
        title,
        by,
        about_bela,
        fields,
        minute,
        operation,
    };
    let made = &["username", "first-name", "password", "groups"];
    let mut list = vec![
        known("Set up the portal's groups", shell, false, &["name"], 1, Some(setup)),
        known("Create bela", shell, true, made, 2, id(0)),
        known("Edit bela", admin, true, &["department"], 3, id(1)),
        known("Edit bela", admin, true, &["first-name"], 4, id(2)),
        known("Set the password of bela", admin, true, &["password"], 5, id(3)),
        known("Edit bela", shell, true, &["groups"], 6, id(4)),
        known("Undo: Edit bela", admin, true, &["department"], 7, id(5)),
    ];
    list.extend(portal_kinds(db, root.actor.account.as_ref().unwrap().id, amir, bela).await);
    // Where times are equal ours stands first in the list, which is last here.
    list.sort_by_key(|known| (known.minute, known.operation.is_some()));
    (root, bela, list)
}

/// What the portal's admin wrote down.
async fn portal_kinds(db: &TestDb, root: i64, amir: i64, bela: i64) -> Vec<Known> {
    let known = |title, by, about_bela, fields, minute, operation| Known {
        title,
        by,
        about_bela,
        fields,
        minute,
        operation,
    };
    let profile = db.number("SELECT MAX(id) FROM core_userprofile").await;
    let mut list = Vec::new();
    let (by_root, by_amir) = ((Some("root"), None), (Some("amir"), None));
    for (minute, by, model, object, (flag, message), known) in [
        (
            2,
            root,
            USER,
            (4711, "carl"),
            (1, r#"[{"added": {}}]"#),
            known("Added “carl”.", by_root, false, &[], 2, None),
        ),
        (
            3,
            amir,
            USER,
            (bela, "bela"),
            (
                2,
                r#"[{"changed": {"fields": ["First name"]}}, {"changed": {"name": "user profile", "object": "bela's Profile", "fields": ["Department"]}}]"#,
            ),
            known(
                "Changed “bela” — Changed First name. Changed Department for user profile “bela's Profile”.",
                by_amir,
                true,
                &["first-name", "department"],
                3,
                None,
            ),
        ),
        (
            5,
            root,
            USER,
            (bela, "bela"),
            (2, r#"[{"changed": {"fields": ["password"]}}]"#),
            known("Changed “bela” — Changed password.", by_root, true, &["password"], 5, None),
        ),
        (6, amir, USER, (4712, "Ünal"), (3, ""), known("Deleted “Ünal.”", by_amir, false, &[], 6, None)),
        (
            7,
            amir,
            ("core", "department"),
            (bela, "IT"),
            (2, r#"[{"changed": {"fields": ["Name"]}}]"#),
            known("Changed “IT” — Changed Name.", by_amir, false, &["name"], 7, None),
        ),
        (
            8,
            amir,
            ("core", "userprofile"),
            (profile, "bela's Profile"),
            (2, "An edit by hand"),
            known("Changed “bela's Profile” — An edit by hand", by_amir, true, &[], 8, None),
        ),
    ] {
        log(db, by, at(minute), model, object, (flag, message)).await;
        list.push(known);
    }
    list
}

stories! {
    async fn nothing_stands_there_twice_and_nothing_is_left_out(db: TestDb) {
        let root = in_hands_of_root(&db).await;
        let account = root.actor.account.as_ref().unwrap().id;
        create(&root, named("bela")).await;
        let bela = users::find(&root, "bela").await.unwrap();
        edit(&root, bela, Draft::default().with("email", "b@example.org").with("phone_number", "0300")).await;
        create(&portal(&db).await, named("carl")).await;
        delete(&root, bela).await;
        assert_eq!(db.number("SELECT COUNT(*) FROM django_admin_log").await, 3, "the command line logs nothing there");
        let ours = ["Delete somebody", "Create carl", "Edit bela", "Create bela"];
        assert_eq!(titles(&root, "").await, ours);
        assert_eq!(titles(&root, "source:portal").await, [""; 0]);

        // What the portal's admin does to the same account, even a deletion like ours, is another thing.
        let later = Utc::now() + TimeDelta::minutes(1);
        log(&db, account, later, USER, (bela, "bela"), (1, r#"[{"added": {}}]"#)).await;
        log(&db, account, later, USER, (bela, "bela"), (3, "")).await;
        let logged = ["Deleted “bela.”", "Added “bela”."];
        assert_eq!(titles(&root, "source:portal").await, logged);
        assert_eq!(titles(&root, "").await, [logged.as_slice(), ours.as_slice()].concat());
        let entries = all(&root, &Filter::read("source:portal").unwrap()).await;
        assert!(entries.iter().all(|entry| entry.by() == "root" && entry.from() == "portal"));

        // Without the journal nothing else tells what we did, so the portal's log tells it.
        setup::remove_own_tables(&db).await.unwrap();
        let without = portal(&db).await;
        let told = ["Deleted “bela.”", "Changed “bela” — Changed Email address. Changed Phone number for user profile “bela's Profile”.", "Added “bela”."];
        assert_eq!(titles(&without, "").await, [logged.as_slice(), told.as_slice()].concat());
        setup::create_own_tables(&db).await.unwrap();
        let anew = portal(&db).await;
        assert_eq!(titles(&anew, "").await.len(), 5, "nor does a journal that begins anew");
        assert_eq!(history::list(&without, &Filter::default()).await.map(|list| list.len()).unwrap_err().kind, Kind::Conflict);
    }

    async fn every_page_meets_the_next_whatever_the_clocks_say(db: TestDb) {
        let root = in_hands_of_root(&db).await;
        let account = root.actor.account.as_ref().unwrap().id;
        create(&root, named("bela")).await;
        let bela = users::find(&root, "bela").await.unwrap();
        for number in 0..9 {
            edit(&root, bela, Draft::default().with("first_name", format!("n{number}"))).await;
        }
        for number in 0..11 {
            log(&db, account, at(number / 4), USER, (number, "x"), (2, &format!("{number}"))).await;
        }
        // In order with equal times, all at once, and backwards.
        for minutes in [|id: i64| id / 4, |_| 1, |id: i64| -id] {
            for row in db.all(Sql::new("SELECT id FROM portaldesk_change")).await.unwrap() {
                let id = row.int(0).unwrap();
                let sql = Sql::new("UPDATE portaldesk_change SET made = ?").bind(at(minutes(id)));
                update(&db, sql.push_bind(" WHERE id = ?", id)).await;
            }
            let filter = Filter::default();
            let whole: Vec<(Source, i64)> = all(&root, &filter).await.iter().map(Entry::key).collect();
            assert_eq!(whole.len(), 21);
            for limit in [1, 2, 3, 7, 20, 21] {
                let (mut forwards, mut from) = (Vec::new(), From::Start);
                loop {
                    let page = page(&root, &filter, from, limit).await;
                    forwards.extend(page.entries.iter().map(Entry::key));
                    assert_eq!(page.more, forwards.len() < whole.len(), "{limit}");
                    let Some(last) = page.entries.last().filter(|_| page.more) else { break };
                    let again = history::page(&root, &filter, From::At(last.place), 1).await.unwrap();
                    assert_eq!(again.entries[0].key(), last.key());
                    from = From::After(last.place);
                }
                assert_eq!(forwards, whole, "{limit} forwards");
                let (mut backwards, mut from) = (Vec::new(), From::End);
                loop {
                    let page = page(&root, &filter, from, limit).await;
                    backwards.splice(0..0, page.entries.iter().map(Entry::key));
                    let Some(first) = page.entries.first().filter(|_| page.more) else { break };
                    from = From::Before(first.place);
                }
                let (mut seen, mut wanted) = (backwards.clone(), whole.clone());
                seen.sort_by_key(|(source, id)| (source.name(), *id));
                wanted.sort_by_key(|(source, id)| (source.name(), *id));
                assert_eq!(seen, wanted, "{limit} backwards: each once");
                if minutes(2) > minutes(9) {
                    continue;
                }
                assert_eq!(backwards, whole, "{limit} backwards");
            }
        }
    }

    async fn filters_agree_with_what_is_known(db: TestDb) {
        let (root, bela, known) = many_kinds(&db).await;
        let about = format!("#{bela}");
        let newest_first = |matching: &dyn Fn(&&Known) -> bool| -> Vec<&str> {
            known.iter().rev().filter(matching).map(|known| known.title).collect()
        };
        assert_eq!(titles(&root, "").await, newest_first(&|_| true));
        let moment = |minute: i64| at(minute).to_rfc3339().replace("+00:00", "Z");
        let edit = known.iter().find(|known| known.minute == 3).and_then(|known| known.operation.clone());
        let undo = known.iter().rev().find_map(|known| known.operation.clone()).unwrap();
        let terms = [
            "by:root".to_owned(),
            "by:amir".to_owned(),
            "by:tester".to_owned(),
            "by:unix:tester".to_owned(),
            "by:nobody".to_owned(),
            "about:bela".to_owned(),
            format!("about:{about}"),
            "field:department".to_owned(),
            "field:first-name".to_owned(),
            "field:password".to_owned(),
            "field:groups".to_owned(),
            "field:name".to_owned(),
            format!("since:{}", moment(3)),
            format!("since:{}", moment(6)),
            format!("until:{}", moment(4)),
            "source:portal".to_owned(),
            "source:portaldesk".to_owned(),
            format!("op:{}", edit.unwrap_or(undo.clone())),
            format!("op:{undo}"),
            "EDIT".to_owned(),
            "changed".to_owned(),
            "Name".to_owned(),
            "delete".to_owned(),
            "nal".to_owned(),
            "fields".to_owned(),
        ];
        for (number, first) in terms.iter().enumerate() {
            assert_eq!(titles(&root, first).await, newest_first(&|known| known.matches(first, &about)), "{first}");
            for second in &terms[number + 1..] {
                let line = format!("{first} {second}");
                match Filter::read(&line) {
                    Ok(_) => {
                        let both = |known: &&Known| known.matches(first, &about) && known.matches(second, &about);
                        assert_eq!(titles(&root, &line).await, newest_first(&both), "{line}");
                    }
                    Err(error) => assert!(error.message.contains("only one"), "{line}: {error}"),
                }
            }
        }
        let nobody = history::page(&root, &Filter::read("about:nobody").unwrap(), From::Start, 5).await.unwrap_err();
        assert_eq!(nobody.kind, Kind::Invalid);
    }

    async fn the_rows_of_an_operation_are_opened_as_users(db: TestDb) {
        let root = in_hands_of_root(&db).await;
        for name in ["ada", "bela", "carl"] {
            create(&root, named(name)).await;
        }
        let bela = users::find(&root, "bela").await.unwrap();
        let done = edit(&root, bela, Draft::default().with("first_name", "Béla")).await;
        let names = async |line: &str| -> Vec<String> {
            let query = users::Query::default().filtered(line);
            let page = users::page(&root, &query, &users::From::Start, 50).await.unwrap();
            let names: Vec<String> = page.rows.into_iter().map(|row| row.username).collect();
            assert_eq!(users::count(&root, &query).await.unwrap(), i64::try_from(names.len()).unwrap(), "{line}");
            for name in &names {
                let id = users::find(&root, name).await.unwrap();
                assert!(users::place(&root, &query, id).await.unwrap().is_some(), "{line}: {name}");
            }
            names
        };
        let operation = format!("op:{}", done.operation().unwrap());
        assert_eq!(names(&operation).await, ["bela"]);
        assert_eq!(names(&format!("bel {operation}")).await, ["bela"]);
        assert_eq!(names(&format!("ada {operation}")).await, [""; 0]);
        assert_eq!(names("op:nothing").await, [""; 0]);
        let run = format!("op:{}", done.run.unwrap());
        assert_eq!(names(&run).await, ["bela"], "a run is meant as well");
        delete(&root, bela).await;
        assert_eq!(names(&operation).await, [""; 0], "who is gone is not listed");
    }

    async fn pruning_forgets_rows_and_keeps_the_chain(db: TestDb) {
        let root = in_hands_of_root(&db).await;
        create(&root, named("bela")).await;
        let bela = users::find(&root, "bela").await.unwrap();
        let old = edit(&root, bela, Draft::default().with("first_name", "Old").with("phone_number", "0300")).await;
        let moment = portaldesk::db::own::now(&mut db.db.clone()).await.unwrap() + TimeDelta::milliseconds(1);
        support::wait_until("the clock goes on", async || {
            portaldesk::db::own::now(&mut db.db.clone()).await.unwrap() > moment
        })
        .await;
        let young = edit(&root, bela, Draft::default().with("last_name", "Young")).await;

        let ahead = history::prune(&root, moment, true).await.unwrap();
        assert_eq!((ahead.rows, ahead.operation), (4, None), "account and profile, twice");
        let pruned = history::prune(&root, moment, false).await.unwrap();
        assert_eq!(pruned.rows, 4);
        let images = "SELECT COUNT(*) FROM portaldesk_change_row WHERE before_image IS NOT NULL OR after_image IS NOT NULL";
        assert_eq!(db.number(images).await, 1);
        let verified = journal::examine(&db).await.unwrap();
        assert_eq!((verified.broken, verified.changes, verified.rows, verified.pruned), (Vec::new(), 4, 5, 4));
        let newest = &all(&root, &Filter::default()).await[0];
        assert!(newest.title().starts_with("Prune the history before "), "{}", newest.title());
        assert_eq!(newest.change().map(|listed| &listed.change.operation), pruned.operation.as_ref());
        let again = history::prune(&root, moment, false).await.unwrap();
        assert_eq!((again.rows, again.operation), (0, None), "there is nothing left to note");

        // What can't be taken back any more is named; what is young can.
        let error = undo(&root, old.operation().unwrap()).await.unwrap_err();
        assert_eq!(error.kind, Kind::Conflict);
        for part in [format!("auth_user {bela}"), "core_userprofile".to_owned(), "pruned".to_owned()] {
            assert!(error.message.contains(&part), "{error}");
        }
        let entries = all(&root, &Filter::read(&format!("op:{}", old.operation().unwrap())).unwrap()).await;
        let detail = history::detail(&root, &entries[0]).await.unwrap();
        assert_eq!(detail.plan.steps, []);
        assert!(detail.missing[0].contains("pruned"), "{:?}", detail.missing);
        undo(&root, young.operation().unwrap()).await.unwrap();
        let nothing = undo(&root, pruned.operation.as_deref().unwrap()).await.unwrap();
        assert_eq!(nothing.operation(), None, "a pruning has no rows to take back");
        assert_eq!(journal::verify(&db).await.unwrap(), []);

        // Images that vanish without a note are missed.
        update(&db, Sql::new("UPDATE portaldesk_change_row SET before_image = NULL, after_image = NULL")).await;
        let broken = journal::verify(&db).await.unwrap();
        assert_eq!(broken.len(), 2, "the young edit and its undo: {broken:?}");
        assert!(broken.iter().all(|broken| broken.why.contains("not by pruning")), "{broken:?}");
    }

    async fn who_may_prune_and_when(db: TestDb) {
        let root = in_hands_of_root(&db).await;
        create(&root, named("bela")).await;
        let id = users::find(&root, "bela").await.unwrap();
        let bela = root.signed_in(Account { id, username: "bela".to_owned() });
        let before = Utc::now() - TimeDelta::days(1);
        assert_eq!(history::prune(&bela, before, false).await.unwrap_err().kind, Kind::Denied);
        let future = Utc::now() + TimeDelta::days(1);
        assert_eq!(history::prune(&root, future, false).await.unwrap_err().kind, Kind::Usage);
        assert_eq!(history::prune(&root, before, false).await.unwrap(), history::Pruned::default());
    }

    async fn what_a_change_did_is_told_by_names_that_are_gone(db: TestDb) {
        let root = in_hands_of_root(&db).await;
        create(&root, named("bela")).await;
        let bela = users::find(&root, "bela").await.unwrap();
        let gone = delete(&root, bela).await;
        let filter = Filter::read(&format!("op:{}", gone.operation().unwrap())).unwrap();
        let entries = all(&root, &filter).await;
        let detail = history::detail(&root, &entries[0]).await.unwrap();
        assert_eq!(detail.names.users.get(&bela).map(String::as_str), Some("bela"));
        assert_eq!((detail.plan.steps.len(), detail.operations), (2, 1));
        assert!(!format!("{:?}", detail.plan.to_json()).contains("pbkdf2"), "hashes stay hidden");
    }

    async fn a_name_that_nobody_has_is_refused_where_there_is_no_journal_too(db: TestDb) {
        let django = db.sibling(Made::Django0004).await;
        let portal = portal(&django).await;
        let filter = Filter::read("about:nobody").unwrap();
        let error = history::page(&portal, &filter, From::Start, 10).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid, "{error}");
    }

    async fn a_record_tells_the_history_only_to_those_who_may_see_it(db: TestDb) {
        let root = in_hands_of_root(&db).await;
        create(&root, named("bela")).await;
        let id = users::find(&root, "bela").await.unwrap();
        let bela = root.signed_in(Account { id, username: "bela".to_owned() });
        assert_eq!(record::read(&root, id).await.unwrap().history.map(|changes| changes.len()), Some(1));
        assert_eq!(record::read(&bela, id).await.unwrap().history, None);
        // Whom an operation touched is history, too.
        let done = edit(&root, id, Draft::default().with("first_name", "Béla")).await;
        let query = users::Query::default().filtered(&format!("op:{}", done.operation().unwrap()));
        assert_eq!(users::page(&root, &query, &users::From::Start, 50).await.unwrap().rows.len(), 1);
        assert_eq!(users::page(&bela, &query, &users::From::Start, 50).await.unwrap_err().kind, Kind::Denied);
        assert_eq!(users::count(&bela, &query).await.unwrap_err().kind, Kind::Denied);
    }

    async fn a_long_log_is_read_in_stretches(db: TestDb) {
        if db.dialect() != Dialect::Sqlite {
            // The same statements; only here rows can be made fast enough.
            return;
        }
        let root = in_hands_of_root(&db).await;
        let account = root.actor.account.as_ref().unwrap().id;
        db.run(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) \
             INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message, user_id) \
             SELECT datetime('2025-01-01', '+' || i || ' minutes'), i, 'object ' || i, 2, 'odd ' || (i % 4000), \
             {account} FROM n"
        ))
        .await;
        create(&root, named("bela")).await;
        let rare = Filter::read("\"odd 321\" \"object 4321\" source:portal").unwrap();
        let found: Vec<String> = all(&root, &rare).await.iter().map(Entry::title).collect();
        assert_eq!(found, ["Changed “object 4321” — odd 321"], "one of nine thousand");
        let mut from = From::Start;
        let mut seen = 0;
        loop {
            let page = page(&root, &Filter::default(), from, 200).await;
            seen += page.entries.len();
            match page.entries.last() {
                Some(last) if page.more => from = From::After(last.place),
                _ => break,
            }
        }
        assert_eq!(seen, 9_001);
    }
}
