//! What a server must prove before it gets a password: on real servers with TLS, reached over TCP.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

#[macro_use]
mod support;
#[path = "support/proxy.rs"]
mod proxy;

use std::path::PathBuf;
use std::process::Command;

use portaldesk::db::{Address, Db, DbError, DbErrorKind, Dialect, Fingerprint, Sql, Target, Tls};
use portaldesk::error::{Error, Kind};
use proxy::{Fault, Proxy};
use secrecy::SecretString;
use support::TestDb;

fn certificate(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os("TEST_TLS_DIR").expect("tests/run says where")).join(name)
}

fn fingerprint(name: &str) -> Fingerprint {
    let made = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(certificate(name))
        .output()
        .expect("openssl");
    Fingerprint::parse(&String::from_utf8(made.stdout).expect("text")).expect("a fingerprint")
}

fn verified(authority: &str) -> Tls {
    Tls::Verified { ca_file: Some(certificate(authority)) }
}

/// The test's database over TCP, at this host.
async fn at(db: &TestDb, host: &str, tls: Tls) -> Target {
    let sql = Sql::new(match db.dialect() {
        Dialect::Postgres => "SELECT CAST(current_setting('port') AS integer)",
        _ => "SELECT @@port",
    });
    let port = db.one(sql).await.expect("a port").int(0).expect("a number");
    let address = Address::Host { host: host.to_owned(), port: u16::try_from(port).expect("a port") };
    Target { address, tls, ..db.target().clone() }
}

async fn refused(target: &Target) -> DbError {
    match Db::open(target).await {
        Ok(_) => panic!("{target} was trusted with {:?}", target.tls),
        Err(error) => {
            assert_eq!(error.kind, DbErrorKind::Untrusted, "{error}");
            error
        }
    }
}

async fn is_encrypted(db: &Db) -> bool {
    let sql = match db.dialect() {
        Dialect::Postgres => Sql::new(
            "SELECT CASE WHEN ssl THEN 'yes' ELSE '' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        ),
        _ => Sql::new(
            "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'SSL_CIPHER'",
        ),
    };
    !db.one(sql).await.expect("a row").text(0).expect("a cipher").is_empty()
}

/// Lets the server show another certificate, and waits until it does.
async fn show(db: &TestDb, name: &str) {
    let (shown, reload) = match db.dialect() {
        Dialect::Postgres => ("postgres.pem", "SELECT pg_reload_conf()"),
        _ => ("mysql.pem", "FLUSH SSL"),
    };
    std::fs::copy(certificate(name), certificate(shown)).expect("a certificate");
    db.run(reload).await;
    let pinned = at(db, "127.0.0.1", Tls::Pinned(fingerprint(name))).await;
    support::wait_until("the server shows its new certificate", || async { Db::open(&pinned).await.is_ok() })
        .await;
}

stories! {
    /// One story, because all tests share the server that shows one certificate at a time.
    async fn a_server_proves_who_it_is_before_it_gets_a_password(db: TestDb) {
        if db.dialect() == Dialect::Sqlite {
            assert_eq!(db.target().tls, Tls::NotNeeded, "a file needs no TLS");
            return;
        }
        trusted_by_its_authority_or_its_fingerprint(&db).await;
        wrong_authority(&db).await;
        wrong_pin(&db).await;
        stripped(&db).await;
        wrong_name(&db).await;
        expired(&db).await;
        its_own_authority(&db).await;
        show(&db, "good.pem").await;
        passwords_are_checked_behind_a_pin(&db).await;
    }
}

async fn trusted_by_its_authority_or_its_fingerprint(db: &TestDb) {
    for tls in [verified("ca.pem"), Tls::Pinned(fingerprint("good.pem")), Tls::Unverified] {
        for host in ["127.0.0.1", "localhost"] {
            let open = Db::open(&at(db, host, tls.clone()).await).await;
            let open = open.unwrap_or_else(|error| panic!("{host}, {tls:?}: {error}"));
            assert!(is_encrypted(&open).await, "{host}, {tls:?}");
            let many = Sql::new("SELECT COUNT(*) FROM auth_user");
            assert_eq!(open.one(many).await.expect("a count").int(0), Ok(0), "{host}, {tls:?}");
        }
    }
}

async fn wrong_authority(db: &TestDb) {
    for tls in [verified("stranger.pem"), Tls::Verified { ca_file: None }] {
        let error = refused(&at(db, "127.0.0.1", tls).await).await;
        assert!(error.message.contains("not signed by an authority"), "{error}");
        assert!(error.message.contains("ca_file ="), "{error}");
        let pin = format!("pinned_certificate = \"{}\"", fingerprint("good.pem"));
        assert!(error.message.contains(&pin), "{error}");
    }
    let target = at(db, "127.0.0.1", verified("server.key")).await;
    let error = Db::open(&target).await.expect_err("a key is no certificate");
    assert!(error.message.contains("server.key") && error.setting == Some("ca_file"), "{error}");
}

async fn wrong_pin(db: &TestDb) {
    let pinned = fingerprint("other.pem");
    let error = refused(&at(db, "127.0.0.1", Tls::Pinned(pinned)).await).await;
    assert!(error.message.contains(&format!("not the pinned one, {pinned}")), "{error}");
    assert_eq!(error.refusal.expect("why").shown, Some(fingerprint("good.pem")));
}

async fn stripped(db: &TestDb) {
    let pin = Tls::Pinned(fingerprint("good.pem"));
    for tls in [verified("ca.pem"), pin, Tls::Unverified] {
        let proxy = Proxy::new(&at(db, "127.0.0.1", tls.clone()).await);
        assert!(Db::open(proxy.target()).await.is_ok(), "{tls:?} through a proxy that does nothing");
        proxy.arm(Fault::StripTls);
        let error = refused(proxy.target()).await;
        assert!(error.message.contains("does not speak TLS"), "{error}");
        assert!(!error.message.contains("ca_file"), "no certificate helps: {error}");
    }
}

async fn wrong_name(db: &TestDb) {
    show(db, "other.pem").await;
    let error = refused(&at(db, "127.0.0.1", verified("ca.pem")).await).await;
    assert!(error.message.contains("is for db.example.org"), "{error}");
    assert!(error.message.contains("host = \"db.example.org\""), "{error}");
}

async fn expired(db: &TestDb) {
    show(db, "expired.pem").await;
    let error = refused(&at(db, "127.0.0.1", verified("ca.pem")).await).await;
    assert!(error.message.contains("has expired"), "{error}");
    let told = Error::from(error);
    assert_eq!(told.kind, Kind::Unreachable);
    assert!(told.fields.contains_key("host"), "{:?}", told.fields);
}

/// What `openssl req -x509` and some servers make for themselves: only a pin accepts it.
async fn its_own_authority(db: &TestDb) {
    show(db, "itself.pem").await;
    for tls in [verified("ca.pem"), verified("itself.pem")] {
        let error = refused(&at(db, "127.0.0.1", tls).await).await;
        assert!(error.message.contains("pinned_certificate ="), "{error}");
    }
    let pinned = at(db, "127.0.0.1", Tls::Pinned(fingerprint("itself.pem"))).await;
    assert!(Db::open(&pinned).await.is_ok());
}

async fn passwords_are_checked_behind_a_pin(db: &TestDb) {
    let target = at(db, "127.0.0.1", Tls::Pinned(fingerprint("good.pem"))).await;
    // PostgreSQL of the tests trusts everybody.
    if db.dialect() != Dialect::MySql {
        let target = Target { database: "nowhere".to_owned(), ..target };
        let error = Db::open(&target).await.expect_err("no such database");
        assert_eq!((error.kind, error.setting), (DbErrorKind::Unreachable, Some("name")), "{error}");
        return;
    }
    let name = format!("{}_clerk", db.target().database.replace("portaldesk_test", "t"));
    db.run(&format!("CREATE USER {name}@'127.0.0.1' IDENTIFIED BY 'canary-1f' REQUIRE SSL")).await;
    db.run(&format!("GRANT SELECT ON `{}`.* TO {name}@'127.0.0.1'", db.target().database)).await;
    let with = |password: &str| Target {
        user: Some(name.clone()),
        password: Some(SecretString::from(password)),
        ..target.clone()
    };
    assert!(is_encrypted(&Db::open(&with("canary-1f")).await.expect("the right password")).await);
    let error = Db::open(&with("canary-2f")).await.expect_err("the wrong password");
    assert_eq!(error.setting, Some("password"), "{error}");
    assert!(!error.message.contains("canary"), "{error}");
    db.run(&format!("DROP USER {name}@'127.0.0.1'")).await;
}
