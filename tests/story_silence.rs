//! A server that says nothing and closes nothing: whoever waits is told, nothing is written by halves, and work goes on
//! once it speaks again. A server that is merely slow is waited for.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;
#[path = "support/proxy.rs"]
mod proxy;

use std::sync::Arc;
use std::time::Duration;

use portaldesk::change::Actor;
use portaldesk::db::{Db, DbErrorKind, Dialect, Patience, Sql, Target};
use portaldesk::directory::accounts::{self, Draft};
use portaldesk::directory::{Portal, Settings, users};
use portaldesk::error::{Error, Kind};
use proxy::Proxy;
use support::digest;
use tokio::sync::Notify;

/// Short, so that a test takes no longer than it must; a second is what engines count locks in.
const IMPATIENT: Patience = Patience { locks: Duration::from_secs(1), silence: Duration::from_millis(300) };

fn impatient(target: &Target) -> Target {
    Target { patience: IMPATIENT, ..target.clone() }
}

async fn portal(db: &Db) -> Portal {
    Portal::over(db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

async fn create(portal: &Portal, name: &str) -> Result<(), Error> {
    let plan = accounts::create(portal, &Draft::default().with("username", name)).await?;
    portal.writer()?.apply(plan).await.map(drop)
}

stories! {
    async fn a_silent_server_is_noticed_and_found_again(db: TestDb) {
        if db.dialect() == Dialect::Sqlite {
            return; // A file has no line that could fall silent.
        }
        let proxy = Proxy::new(db.target());
        let portal = portal(&Db::open(&impatient(proxy.target())).await.unwrap()).await;
        create(&portal, "bela").await.unwrap();
        let before = digest(&db).await;

        proxy.fall_silent();
        let read = users::find(&portal, "bela").await.unwrap_err();
        assert_eq!(read.kind, Kind::Unreachable, "{read}");
        let written = create(&portal, "cho").await.unwrap_err();
        assert_eq!(written.kind, Kind::Unreachable, "{written}");
        assert_eq!(digest(&db).await, before);

        proxy.speak();
        create(&portal, "cho").await.unwrap();
        users::find(&portal, "cho").await.unwrap();
    }

    async fn a_connection_that_was_forgotten_on_the_way_holds_no_locks(db: TestDb) {
        if db.dialect() == Dialect::Sqlite {
            return;
        }
        let id = db.add_user("bela").await;
        let proxy = Proxy::new(db.target());
        let through = Db::open(&impatient(proxy.target())).await.unwrap();
        let (locked, forgotten) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (Arc::clone(&locked), Arc::clone(&forgotten));
        let writing = tokio::spawn(async move {
            through
                .transaction(move |tx| {
                    let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
                    Box::pin(async move {
                        tx.execute(Sql::new("UPDATE auth_user SET first_name = 'half' WHERE id = ?").bind(id)).await?;
                        tell.notify_one();
                        wait.notified().await;
                        Ok(tx.execute(Sql::new("UPDATE auth_user SET last_name = 'half' WHERE id = ?").bind(id)).await?)
                    })
                })
                .await
        });
        locked.notified().await;
        proxy.forget_connections();
        forgotten.notify_one();
        let failure = Error::from(writing.await.unwrap().unwrap_err());
        assert_eq!(failure.kind, Kind::Unreachable, "{failure}");

        // The row is free at once: the server was told to close what nobody listens to.
        let other = Db::open(&impatient(db.target())).await.unwrap();
        let changed = other.transaction(move |tx| {
            let sql = Sql::new("UPDATE auth_user SET first_name = 'whole' WHERE id = ?").bind(id);
            Box::pin(async move { Ok(tx.execute(sql.clone()).await?) })
        });
        assert_eq!(changed.await.unwrap(), 1);
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user WHERE last_name = 'half'").await, 0);
    }

    async fn a_slow_answer_is_waited_for(db: TestDb) {
        let slow = match db.dialect() {
            Dialect::Sqlite => return,
            Dialect::MySql => "SELECT SLEEP(1.5)",
            Dialect::Postgres => "SELECT 0 FROM (SELECT pg_sleep(1.5)) AS slept",
        };
        let proxy = Proxy::new(db.target());
        let patient = Db::open(&impatient(proxy.target())).await.unwrap();
        assert_eq!(patient.all(Sql::new(slow)).await.unwrap().len(), 1);
    }

    async fn others_locks_are_waited_for_only_so_long(db: TestDb) {
        let portal = portal(&Db::open(&impatient(db.target())).await.unwrap()).await;
        create(&portal, "bela").await.unwrap();
        let id = users::find(&portal, "bela").await.unwrap();
        let before = digest(&db).await;
        let plan = accounts::edit(&portal, id, &Draft::default().with("first_name", "Béla")).await.unwrap();

        let (locked, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait, holder) = (Arc::clone(&locked), Arc::clone(&done), db.second().await);
        let holding = tokio::spawn(async move {
            holder
                .transaction(move |tx| {
                    let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
                    Box::pin(async move {
                        tx.execute(Sql::new("UPDATE auth_user SET first_name = 'held' WHERE id = ?").bind(id)).await?;
                        tell.notify_one();
                        wait.notified().await;
                        Err::<(), _>(Error::invalid("rolled back").into())
                    })
                })
                .await
        });
        locked.notified().await;
        let busy = portal.writer().unwrap().apply(plan.clone()).await.unwrap_err();
        assert_eq!(busy.kind, Kind::Busy, "{busy}");
        done.notify_one();
        holding.await.unwrap().unwrap_err();
        assert_eq!(digest(&db).await, before);
        portal.writer().unwrap().apply(plan).await.unwrap();
    }

    async fn a_connection_that_died_in_the_pool_is_replaced(db: TestDb) {
        if db.dialect() == Dialect::Sqlite {
            return;
        }
        let proxy = Proxy::new(db.target());
        let patient = Db::open(&impatient(proxy.target())).await.unwrap();
        proxy.forget_connections();
        let again = patient.all(Sql::new("SELECT 1")).await;
        assert!(again.is_ok(), "{again:?}");
        proxy.fall_silent();
        let lost = patient.all(Sql::new("SELECT 1")).await.unwrap_err();
        assert!(matches!(lost.kind, DbErrorKind::Lost | DbErrorKind::Unreachable), "{lost:?}");
    }
}
