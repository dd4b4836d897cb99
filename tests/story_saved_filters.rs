//! Saved filters: they mean the same departments and groups when those are renamed, and say by name what is gone.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::path::PathBuf;

use portaldesk::change::{Account, Actor};
use portaldesk::directory::saved_filters::{self, REPORTS};
use portaldesk::directory::users::{self, Query};
use portaldesk::directory::{Portal, Settings, departments, groups};
use portaldesk::error::Kind;
use support::TestDb;

/// A folder of its own that goes with this value.
struct Throwaway(PathBuf);

impl Throwaway {
    fn new(name: &str, db: &TestDb) -> Self {
        let unique = format!("portaldesk-filters-{name}-{}-{}", db.server.name(), std::process::id());
        Self(std::env::temp_dir().join(unique))
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn open(db: &TestDb, folder: &Throwaway) -> Portal {
    let settings = Settings { filters_folder: Some(folder.0.join("filters")), ..Settings::default() };
    Portal::over(db.db.clone(), settings, Actor::unix("tester", None)).await.unwrap()
}

fn used_by(portal: &Portal, id: i64, name: &str) -> Portal {
    portal.signed_in(Account { id, username: name.to_owned() })
}

async fn lines(portal: &Portal) -> Vec<(String, String)> {
    saved_filters::list(portal).await.unwrap().into_iter().map(|saved| (saved.name, saved.line)).collect()
}

fn pair(name: &str, line: &str) -> (String, String) {
    (name.to_owned(), line.to_owned())
}

async fn settle(db: &TestDb) -> (i64, i64) {
    let yes = db.yes();
    db.run(&format!(
        "INSERT INTO core_department (name, description, is_active, created_at) VALUES \
         ('Sales', '', {yes}, '2025-01-01 00:00:00'), ('IT', '', {yes}, '2025-01-01 00:00:00')"
    ))
    .await;
    db.run("INSERT INTO auth_group (name) VALUES ('Night shift')").await;
    let ada = db.add_user("ada").await;
    db.run(&format!(
        "INSERT INTO core_userprofile (user_id, department_id, email_notifications, created_at, updated_at) \
         SELECT {ada}, id, {yes}, created_at, created_at FROM core_department WHERE name = 'Sales'"
    ))
    .await;
    (ada, db.add_user("bela").await)
}

stories! {
    async fn a_saved_filter_survives_new_names_and_says_what_is_gone(db: TestDb) {
        let folder = Throwaway::new("saved", &db);
        let (ada, _) = settle(&db).await;
        let portal = open(&db, &folder).await;
        assert!(lines(&portal).await.is_empty());
        saved_filters::save(&portal, " Sellers ", "dept:Sales  -group:\"Night shift\" login:never").await.unwrap();
        assert_eq!(lines(&portal).await, [pair("Sellers", "dept:Sales -group:\"Night shift\" login:never")]);

        db.run("UPDATE core_department SET name = 'Field sales' WHERE name = 'Sales'").await;
        db.run("UPDATE auth_group SET name = 'none' WHERE name = 'Night shift'").await;
        let now = "dept:\"Field sales\" -group:\"none\" login:never";
        assert_eq!(lines(&portal).await, [pair("Sellers", now)], "they are shown by their present names");
        let filter = saved_filters::named(&portal, "Sellers").await.unwrap();
        let query = Query { filter, ..Query::default() };
        assert_eq!(users::ids(&portal, &query).await.unwrap(), [ada]);

        saved_filters::rename(&portal, "Sellers".to_owned(), "Field").await.unwrap();
        saved_filters::save(&portal, "Other", "active:no").await.unwrap();
        saved_filters::save(&portal, "Other", "active:yes").await.unwrap();
        assert_eq!(lines(&portal).await, [pair("Field", now), pair("Other", "active:yes")], "one of each name");
        saved_filters::remove(&portal, "Other".to_owned()).await.unwrap();

        db.run("UPDATE core_userprofile SET department_id = NULL").await;
        db.run("DELETE FROM core_department WHERE name = 'Field sales'").await;
        let saved = saved_filters::list(&portal).await.unwrap();
        assert_eq!(saved[0].gone, ["the department 'Sales'"]);
        let error = saved_filters::named(&portal, "Field").await.unwrap_err();
        assert!(error.kind == Kind::Usage && error.message.contains("the department 'Sales'"), "{error}");
        assert!(departments::find(&portal, "IT").await.is_ok() && groups::find(&portal, "none").await.is_ok());
    }

    async fn everybody_has_their_own_and_the_command_line_finds_them(db: TestDb) {
        let folder = Throwaway::new("own", &db);
        let (ada, bela) = settle(&db).await;
        let shell = open(&db, &folder).await;
        let (one, two) = (used_by(&shell, ada, "ada"), used_by(&shell, bela, "bela"));
        saved_filters::save(&one, "Mine", "active:yes").await.unwrap();
        assert!(lines(&two).await.is_empty() && lines(&shell).await.is_empty());
        let query = Query { filter: saved_filters::named(&shell, "Mine").await.unwrap(), ..Query::default() };
        assert_eq!(users::count(&shell, &query).await.unwrap(), 2);
        saved_filters::save(&two, "Mine", "active:no").await.unwrap();
        let error = saved_filters::named(&shell, "Mine").await.unwrap_err();
        assert!(error.message.contains("ada") && error.message.contains("bela"), "{error}");
        assert_eq!(saved_filters::named(&two, "Mine").await.unwrap().line, "active:no");
    }

    async fn what_cannot_be_saved_says_why(db: TestDb) {
        let folder = Throwaway::new("refused", &db);
        settle(&db).await;
        let portal = open(&db, &folder).await;
        for (name, line, says) in [
            ("A", "dept:Slaes", "did you mean 'Sales'"),
            ("A", "  ", "empty"),
            (" ", "ada", "1 to 60 characters"),
            ("A", "foo:bar", "there is no 'foo:' here"),
        ] {
            let error = saved_filters::save(&portal, name, line).await.unwrap_err();
            assert!(error.message.contains(says), "{line}: {error}");
        }
        let error = saved_filters::named(&portal, "A").await.unwrap_err();
        assert!(error.message.contains("There are unused, never-signed-in"), "{error}");
        for report in REPORTS {
            let filter = saved_filters::named(&portal, report.name).await.unwrap();
            users::count(&portal, &Query { filter, ..Query::default() }).await.unwrap();
        }
        let nowhere = Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
        let error = saved_filters::save(&nowhere, "A", "ada").await.unwrap_err();
        assert_eq!(error.kind, Kind::Denied);
    }
}
