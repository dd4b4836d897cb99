//! The ways in which three engines and their driver are known to go wrong, each on every engine.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use portaldesk::db::{
    Address, Cancel, Db, DbErrorKind, Dialect, Failure, Sql, Target, Tx, Val, like_text, parse_time,
};
use portaldesk::error::{Error, Kind};
use support::{Made, Server, TestDb, digest, wait_until};
use tokio::sync::{Barrier, Notify};

/// One UPDATE in a transaction of its own.
async fn write(db: &Db, sql: Sql) -> Result<u64, Failure> {
    db.transaction(move |tx| {
        let sql = sql.clone();
        Box::pin(async move { Ok(tx.execute(sql).await?) })
    })
    .await
}

/// The first name of a user, which the stories below use as a place to write to.
async fn first_name(db: &Db, id: i64) -> String {
    let sql = Sql::new("SELECT first_name FROM auth_user WHERE id = ").push_bind("?", id);
    db.one(sql).await.unwrap().text(0).unwrap()
}

fn rename(id: i64, name: &str) -> Sql {
    Sql::new("UPDATE auth_user SET first_name = ").push_bind("?", name).push_bind(" WHERE id = ?", id)
}

fn moment(text: &str) -> DateTime<Utc> {
    parse_time(text).unwrap()
}

stories! {
    async fn null_has_the_type_of_its_column(db: TestDb) {
        let user = db.add_user("engineer").await;
        let insert = Sql::new(
            "INSERT INTO core_userprofile (user_id, department_id, phone_number, main_portal_id, created_at, updated_at, \
             email_notifications) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(user)
        .bind(Val::Int(None))
        .bind(Val::Text(None))
        .bind(Val::Text(None))
        .bind(Utc::now())
        .bind(Utc::now())
        .bind(true);
        assert_eq!(write(&db, insert).await.unwrap(), 1);
        let erase = Sql::new("UPDATE auth_user SET last_login = ?").bind(Val::Time(None));
        assert_eq!(write(&db, erase).await.unwrap(), 1);
        let row = db
            .one(
                Sql::new("SELECT p.department_id, p.phone_number, p.email_notifications, ")
                    .time("u.last_login")
                    .push(" FROM core_userprofile p JOIN auth_user u ON u.id = p.user_id"),
            )
            .await
            .unwrap();
        assert_eq!(row.int_opt(0).unwrap(), None);
        assert_eq!(row.text_opt(1).unwrap(), None);
        assert!(row.bool(2).unwrap());
        assert_eq!(row.time(3).unwrap(), None);
    }

    async fn ids_of_four_bytes_and_of_eight_read_alike(db: TestDb) {
        let user = db.add_user("engineer").await;
        let group = db
            .transaction(|tx| {
                let sql = Sql::new("INSERT INTO auth_group (name) VALUES (?)").bind("Engineer");
                Box::pin(async move { Ok(tx.insert(sql).await?) })
            })
            .await
            .unwrap();
        let member = db
            .transaction(move |tx| {
                let sql = Sql::new("INSERT INTO auth_user_groups (user_id, group_id) VALUES (?, ?)").bind(user).bind(group);
                Box::pin(async move { Ok(tx.insert(sql).await?) })
            })
            .await
            .unwrap();
        let row = db
            .one(
                Sql::new("SELECT id, user_id, group_id FROM auth_user_groups WHERE user_id IN (")
                    .list([user])
                    .push_bind(") AND group_id = ?", group),
            )
            .await
            .unwrap();
        assert_eq!([row.int(0).unwrap(), row.int(1).unwrap(), row.int(2).unwrap()], [member, user, group]);
    }

    async fn times_are_stored_as_django_stores_them(db: TestDb) {
        let user = db.add_user("engineer").await;
        let moments = ["2026-11-21 01:41:55", "2026-11-21 01:41:55.000001", "2026-11-21 01:41:55.670000"].map(moment);
        for time in moments {
            let set = Sql::new("UPDATE auth_user SET date_joined = ").bind(time).push("?").push_bind(" WHERE id = ?", user);
            write(&db, set).await.unwrap();
            let row = db.one(Sql::new("SELECT ").time("date_joined").push(" FROM auth_user")).await.unwrap();
            assert_eq!(row.time(0).unwrap(), Some(time));
            let equal = Sql::new("SELECT COUNT(*) FROM auth_user WHERE date_joined = ").push_bind("?", time);
            assert_eq!(db.one(equal).await.unwrap().int(0).unwrap(), 1, "{time} equals itself");
            let later = Sql::new("SELECT COUNT(*) FROM auth_user WHERE date_joined > ")
                .push_bind("?", time - TimeDelta::microseconds(1));
            assert_eq!(db.one(later).await.unwrap().int(0).unwrap(), 1, "{time} is later than a moment before");
            if db.dialect() == Dialect::Sqlite {
                let text = db.one(Sql::new("SELECT CAST(date_joined AS text) FROM auth_user")).await.unwrap();
                let whole = time == time.trunc_subsecs(0);
                let django = time.format(if whole { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.6f" }).to_string();
                assert_eq!(text.text(0).unwrap(), django);
            }
        }
    }

    async fn the_databases_clock_is_readable(db: TestDb) {
        let now = db.one(Sql::new(db.dialect().now())).await.unwrap().time(0).unwrap().unwrap();
        assert!((Utc::now() - now).abs() < TimeDelta::minutes(1), "{now}");
    }

    async fn a_refusal_rolls_everything_back(db: TestDb) {
        let user = db.add_user("engineer").await;
        let before = digest(&db).await;
        let refused = db
            .transaction(move |tx| {
                Box::pin(async move {
                    tx.execute(rename(user, "half")).await?;
                    Err::<(), Failure>(Error::denied("not allowed").into())
                })
            })
            .await;
        assert_eq!(refused, Err(Failure::Refused(Error::denied("not allowed"))));
        let failed = db
            .transaction(move |tx| {
                Box::pin(async move {
                    tx.execute(rename(user, "half")).await?;
                    Ok(tx.execute(Sql::new("UPDATE no_such_table SET id = 1")).await?)
                })
            })
            .await;
        assert!(matches!(failed, Err(Failure::Db(_))), "{failed:?}");
        let rehearsed = db
            .rehearsal(move |tx| {
                Box::pin(async move {
                    tx.execute(rename(user, "rehearsed")).await?;
                    let row = tx.one(Sql::new("SELECT first_name FROM auth_user")).await?;
                    Ok(row.text(0)?)
                })
            })
            .await;
        assert_eq!(rehearsed, Ok("rehearsed".to_owned()), "a rehearsal sees its own writes");
        assert_eq!(digest(&db).await, before, "and none of the three left anything");
        assert_eq!(write(&db, rename(user, "whole")).await, Ok(1), "the connection is as good as new");
    }

    async fn a_deadlock_is_tried_again(db: TestDb) {
        let (a, b) = (db.add_user("a").await, db.add_user("b").await);
        let (meeting, attempts) = (Arc::new(Barrier::new(2)), Arc::new(AtomicU32::new(0)));
        // On SQLite one writer holds the whole file: the two can't meet, and need not.
        let servers = db.dialect() != Dialect::Sqlite;
        let cross = |db: Db, first: i64, second: i64| {
            let (meeting, attempts, tries) = (Arc::clone(&meeting), Arc::clone(&attempts), Arc::new(AtomicU32::new(0)));
            async move {
                db.transaction(move |tx| {
                    let (meeting, attempts, tries) = (Arc::clone(&meeting), Arc::clone(&attempts), Arc::clone(&tries));
                    Box::pin(async move {
                        attempts.fetch_add(1, Ordering::SeqCst);
                        append(tx, first).await?;
                        if servers && tries.fetch_add(1, Ordering::SeqCst) == 0 {
                            meeting.wait().await;
                        }
                        append(tx, second).await
                    })
                })
                .await
            }
        };
        let other = db.second().await;
        let (one, two) = tokio::join!(cross(db.db.clone(), a, b), cross(other, b, a));
        assert_eq!((one, two), (Ok(()), Ok(())));
        for id in [a, b] {
            assert_eq!(first_name(&db, id).await, "xx", "each wrote once, whatever was tried again");
        }
        assert_eq!(attempts.load(Ordering::SeqCst), if servers { 3 } else { 2 });
    }

    async fn two_programs_write_in_turn(db: TestDb) {
        const EACH: usize = 20;
        let user = db.add_user("engineer").await;
        let append_often = |db: Db| async move {
            for _ in 0..EACH {
                db.transaction(move |tx| Box::pin(append(tx, user))).await.unwrap();
            }
        };
        tokio::join!(append_often(db.db.clone()), append_often(db.second().await));
        assert_eq!(first_name(&db, user).await, "x".repeat(2 * EACH), "no write was lost");
    }

    async fn a_dropped_future_neither_stops_the_work_nor_leaves_it_open(db: TestDb) {
        let user = db.add_user("engineer").await;
        let (inside, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let working = tokio::spawn({
            let (db, inside, go_on) = (db.db.clone(), Arc::clone(&inside), Arc::clone(&go_on));
            async move {
                db.transaction(move |tx| {
                    let (inside, go_on) = (Arc::clone(&inside), Arc::clone(&go_on));
                    Box::pin(async move {
                        tx.execute(rename(user, "finished")).await?;
                        inside.notify_one();
                        go_on.notified().await;
                        Ok(())
                    })
                })
                .await
            }
        });
        inside.notified().await;
        working.abort();
        assert!(working.await.unwrap_err().is_cancelled(), "whoever waited is gone");
        go_on.notify_one();
        wait_until("the transaction commits", || async { first_name(&db, user).await == "finished" }).await;
        let other = db.second().await;
        assert_eq!(write(&other, rename(user, "next")).await, Ok(1), "no lock is left behind");
        // A read given up halfway leaves a usable connection as well.
        let mut stream = db.stream(endless());
        assert!(stream.recv().await.is_some());
        drop(stream);
        assert_eq!(first_name(&db, user).await, "next");
    }

    async fn cancelling_stops_the_query_where_it_runs(db: TestDb) {
        let cancel = Cancel::default();
        let endless = tokio::spawn({
            let db = db.cancellable(&cancel);
            async move { db.all(Sql::new("SELECT COUNT(*) FROM (").append(endless()).push(") x")).await }
        });
        wait_until("the query runs", || running(&db)).await;
        cancel.cancel();
        let ended = tokio::time::timeout(std::time::Duration::from_secs(20), endless).await;
        assert_eq!(ended.expect("it ends").unwrap().unwrap_err().kind, DbErrorKind::Cancelled);
        wait_until("the server is idle", || async { db.dialect() == Dialect::Sqlite || !running(&db).await }).await;
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_group").await, 0, "the next query is not hit");
    }

    async fn a_taken_name_is_told_by_its_column(db: TestDb) {
        db.add_user("engineer").await;
        let again = Sql::new(
            "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, \
             date_joined) SELECT password, is_superuser, username, first_name, last_name, email, is_staff, is_active, \
             date_joined FROM auth_user",
        );
        let Err(Failure::Db(error)) = write(&db, again).await else { panic!("the name was taken twice") };
        assert_eq!(error.kind, DbErrorKind::Unique);
        assert!(error.constraint.as_deref().is_some_and(|name| name.contains("username")), "{error:?}");
        assert_eq!(Error::from(error).kind, Kind::Duplicate);
    }

    async fn rows_that_are_referred_to_stay(db: TestDb) {
        let user = db.add_user("engineer").await;
        let join = Sql::new(
            "INSERT INTO auth_user_user_permissions (user_id, permission_id) SELECT u.id, p.id FROM auth_user u, \
             auth_permission p",
        );
        write(&db, join).await.unwrap();
        let before = digest(&db).await;
        // MySQL refuses at once, SQLite and PostgreSQL at COMMIT.
        let delete = Sql::new("DELETE FROM auth_user WHERE id = ").push_bind("?", user);
        let Err(Failure::Db(error)) = write(&db, delete).await else { panic!("a user with permissions was deleted") };
        assert_eq!(error.kind, DbErrorKind::ForeignKey, "{error:?}");
        assert_eq!(digest(&db).await, before);
    }

    async fn a_value_too_long_is_refused_by_servers(db: TestDb) {
        let user = db.add_user("engineer").await;
        let written = write(&db, rename(user, &"ł".repeat(151))).await;
        if db.dialect() == Dialect::Sqlite {
            assert_eq!(written, Ok(1), "SQLite minds no length: the field rules must");
            return;
        }
        let Err(Failure::Db(error)) = written else { panic!("{written:?}") };
        assert_eq!(error.kind, DbErrorKind::Value, "{error:?}");
        assert_eq!(first_name(&db, user).await, "", "nothing was cut to fit");
    }

    async fn a_page_is_cut_before_it_is_joined(db: TestDb) {
        let logins = [Some("2026-01-02 00:00:00"), None, Some("2026-01-01 00:00:00"), None, Some("2026-01-02 00:00:00")];
        let mut users = Vec::new();
        for (place, login) in logins.into_iter().enumerate() {
            let id = db.add_user(&format!("user{place}")).await;
            let login = Val::Time(login.map(moment));
            let set = Sql::new("UPDATE auth_user SET last_login = ").bind(login).push("?").push_bind(" WHERE id = ?", id);
            write(&db, set).await.unwrap();
            users.push(id);
        }
        let mut found = Vec::new();
        for offset in [0_i64, 2, 4] {
            let page = Sql::new(
                "SELECT u.id FROM (SELECT id, last_login FROM auth_user ORDER BY last_login IS NULL, last_login, id LIMIT 2 \
                 OFFSET ?) page JOIN auth_user u ON u.id = page.id LEFT JOIN core_userprofile p ON p.user_id = u.id \
                 ORDER BY page.last_login IS NULL, page.last_login, page.id",
            )
            .bind(offset);
            for row in db.all(page).await.unwrap() {
                found.push(row.int(0).unwrap());
            }
        }
        let sorted = [2, 0, 4, 1, 3].map(|place: usize| users[place]);
        assert_eq!(found, sorted, "by time, then id, and those who never came last, on every engine");
    }

    async fn the_engine_decides_which_names_are_equal(db: TestDb) {
        let servers = match db.server {
            Server::MariaDb => vec![(Server::MariaDb, true), (Server::MariaDbUnicode, true)],
            Server::Postgres => vec![(Server::Postgres, false), (Server::PostgresIcu, false)],
            other => vec![(other, false)],
        };
        for (server, equal) in servers {
            if !server.is_there("the_engine_decides_which_names_are_equal") {
                continue;
            }
            let other = TestDb::new(server, Made::Init).await;
            let engineer = other.add_user("engineer").await;
            for name in ["ENGINEER", "éngineer"] {
                let find = Sql::new("SELECT id FROM auth_user WHERE username = ").push_bind("?", name);
                let found = other.optional(find).await.unwrap().map(|row| row.int(0).unwrap());
                assert_eq!(found, equal.then_some(engineer), "{name} on {}", server.name());
                let taken = write(&other, rename_account(engineer, name)).await;
                assert_eq!(taken, Ok(1), "a name may always be changed to its own equal");
                write(&other, rename_account(engineer, "engineer")).await.unwrap();
            }
        }
    }

    async fn each_collation_sorts_its_own_way_and_keeps_to_it(db: TestDb) {
        let mut servers = vec![db.server];
        match db.server {
            Server::MariaDb => servers.push(Server::MariaDbUnicode),
            Server::Postgres => servers.push(Server::PostgresIcu),
            _ => {}
        }
        for server in servers {
            if !server.is_there("each_collation_sorts_its_own_way_and_keeps_to_it") {
                continue;
            }
            let other = TestDb::new(server, Made::Init).await;
            let mut names = ["Zoe", "adam", "Żaneta", "bob", "Bertha", "_x", "élan", "10"];
            for name in names {
                other.add_user(name).await;
            }
            let rows = other.all(Sql::new("SELECT username FROM auth_user ORDER BY username, id")).await.unwrap();
            let all: Vec<_> = rows.iter().map(|row| row.text(0).unwrap()).collect();
            if matches!(server, Server::Sqlite | Server::Postgres) {
                names.sort_unstable();
                assert_eq!(all, names, "by code points");
            } else {
                let place = |name: &str| all.iter().position(|other| other == name).unwrap();
                assert!(place("adam") < place("Bertha") && place("bob") < place("Zoe"), "{all:?}");
            }
            let mut walked = Vec::new();
            while let Some(next) = after(&other, walked.last()).await {
                walked.push(next);
            }
            assert_eq!(walked, all, "stepping by the engine's own comparison meets everybody once");
        }
    }

    async fn like_takes_every_character_as_it_is(db: TestDb) {
        for name in ["100%_sure!", "100x_sure!", "100%xsure!", "100%_sure?", "a\\b", "a/b", "it's", "ENGINEER", "engineer2"] {
            db.add_user(name).await;
        }
        for (needle, hits) in [("100%_sure!", 1), ("%", 3), ("_", 3), ("!", 3), ("a\\b", 1), ("'", 1), ("?", 1), ("engineer", 2)] {
            let find = Sql::new("SELECT COUNT(*) FROM auth_user WHERE username")
                .push(db.dialect().like())
                .bind(format!("%{}%", like_text(needle)));
            assert_eq!(db.one(find).await.unwrap().int(0).unwrap(), hits, "{needle}");
        }
    }

    async fn an_adopted_sqlite_file_keeps_its_journal_mode(db: TestDb) {
        if db.dialect() != Dialect::Sqlite {
            return;
        }
        db.run("PRAGMA journal_mode = DELETE").await;
        let user = db.add_user("engineer").await;
        let second = db.second().await;
        write(&second, rename(user, "x")).await.unwrap();
        let mode = second.one(Sql::new("PRAGMA journal_mode")).await.unwrap();
        assert_eq!(mode.text(0).unwrap(), "delete");
        let nowhere = Address::File("/nowhere/at/all.sqlite3".into());
        let lost = Db::open(&Target { address: nowhere, ..db.target().clone() }).await;
        assert_eq!(lost.unwrap_err().kind, DbErrorKind::Unreachable, "opening makes no file");
    }

    async fn an_account_that_the_server_refuses_can_not_reach_it(db: TestDb) {
        if db.dialect() == Dialect::Sqlite {
            return;
        }
        let stranger = Target { user: Some("nobody_of_this_name".to_owned()), ..db.target().clone() };
        let refused = Db::open(&stranger).await.unwrap_err();
        assert_eq!(refused.kind, DbErrorKind::Unreachable);
        assert!(refused.message.contains("refuses the account"), "{refused}");
    }

    async fn reading_only_refuses_to_write(db: TestDb) {
        let user = db.add_user("engineer").await;
        let reader = Db::open(&Target { read_only: true, ..db.target().clone() }).await.unwrap();
        assert_eq!(first_name(&reader, user).await, "");
        let Err(Failure::Db(error)) = write(&reader, rename(user, "x")).await else { panic!("it wrote") };
        assert_eq!(error.kind, DbErrorKind::ReadOnly, "{error:?}");
        assert_eq!(first_name(&db, user).await, "");
    }
}

/// Appends a letter to a user's first name: reads under lock, then writes what it read and one more.
async fn append(tx: &mut Tx, id: i64) -> Result<(), Failure> {
    let read = Sql::new("SELECT first_name FROM auth_user WHERE id = ").push_bind("?", id);
    let before = tx.one(read.push(tx.dialect().for_update())).await?.text(0)?;
    tx.execute(rename(id, &format!("{before}x"))).await?;
    Ok(())
}

fn rename_account(id: i64, name: &str) -> Sql {
    Sql::new("UPDATE auth_user SET username = ").push_bind("?", name).push_bind(" WHERE id = ?", id)
}

/// The next name in the engine's own order.
async fn after(db: &Db, name: Option<&String>) -> Option<String> {
    let sql = match name {
        None => Sql::new("SELECT username FROM auth_user"),
        Some(name) => {
            Sql::new("SELECT username FROM auth_user WHERE username > ").push_bind("?", name.clone())
        }
    };
    let row = db.optional(sql.push(" ORDER BY username, id LIMIT 1")).await.unwrap();
    row.map(|row| row.text(0).unwrap())
}

/// A query with more rows than anybody waits for: 32 permissions to the seventh power.
fn endless() -> Sql {
    Sql::new(
        "SELECT a.id + b.id + c.id + d.id + e.id + f.id + g.id AS n FROM auth_permission a CROSS JOIN auth_permission b \
         CROSS JOIN auth_permission c CROSS JOIN auth_permission d CROSS JOIN auth_permission e \
         CROSS JOIN auth_permission f CROSS JOIN auth_permission g",
    )
}

/// Whether a query of this database other than this one is at work, as far as the engine tells.
async fn running(db: &Db) -> bool {
    let sql = match db.dialect() {
        Dialect::Sqlite => return true,
        Dialect::MySql => {
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND COMMAND <> 'Sleep' AND \
             ID <> CONNECTION_ID()"
        }
        Dialect::Postgres => {
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND \
             pid <> pg_backend_pid()"
        }
    };
    db.one(Sql::new(sql)).await.unwrap().int(0).unwrap() > 0
}
