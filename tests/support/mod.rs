//! What tests share: a database of their own on each engine, stories told once for all three, and digests of what is in
//! the portal's tables.
//!
//! `tests/run` starts the servers and says where they are; without it, a plain `cargo test` tells every story on SQLite
//! and names each skipped one. Where `REQUIRE_ENGINES` is set a missing server is a failure.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]
#![allow(dead_code, unused_macros, reason = "every test file uses the part that it needs")]

pub(crate) mod at_work;
#[macro_use]
pub(crate) mod corpus;
pub(crate) mod django;
pub(crate) mod temporary;
pub(crate) mod wreck;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use portaldesk::db::schema::{Schema, Table};
use portaldesk::db::{Address, Cell, Db, Dialect, Engine, Patience, Sql, Target, Tls, hex, migrate};
use sha2::{Digest as _, Sha256};

/// The servers that a test may ask for; the last two differ from the ones before in how they compare text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Sqlite,
    MariaDb,
    Postgres,
    MariaDbUnicode,
    PostgresIcu,
}

/// What a new test database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// Nothing.
    Empty,
    /// A portal as `portaldesk init` makes it, with our own tables.
    Init,
    /// Django's own tables at core 0003, where `main_portal_id` is still unique, with the rows of a migrated portal.
    Django0003,
    /// The same at core 0004.
    Django0004,
}

/// A database that is dropped with this value.
pub(crate) struct TestDb {
    /// The open database.
    pub(crate) db: Db,
    /// Where it is made.
    pub(crate) server: Server,
    target: Target,
}

impl std::ops::Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl Server {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::MariaDb => "mariadb",
            Self::Postgres => "postgres",
            Self::MariaDbUnicode => "mariadb with unicode_ci",
            Self::PostgresIcu => "postgres with ICU",
        }
    }

    const fn variable(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::MariaDb => "TEST_MYSQL_URL",
            Self::Postgres => "TEST_PG_URL",
            Self::MariaDbUnicode => "TEST_MYSQL_UNICODE_URL",
            Self::PostgresIcu => "TEST_PG_ICU_URL",
        }
    }

    const fn engine(self) -> Engine {
        match self {
            Self::Sqlite => Engine::Sqlite,
            Self::MariaDb | Self::MariaDbUnicode => Engine::MySql,
            Self::Postgres | Self::PostgresIcu => Engine::Postgres,
        }
    }

    /// The database to connect to for making others; none where the server is not there. SQLite needs none.
    fn admin(self) -> Option<Target> {
        let text = std::env::var(self.variable()).ok()?;
        let url = url::Url::parse(&text).expect("the URL of a test server");
        let part =
            |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let postgres_socket =
            |folder: String| PathBuf::from(folder).join(format!(".s.PGSQL.{}", url.port().unwrap_or(5432)));
        let socket = part("socket").map(PathBuf::from).or_else(|| part("host").map(postgres_socket));
        let address = match socket {
            Some(path) => Address::Socket(path),
            None => Address::Host {
                host: url.host_str().expect("a host or socket").to_owned(),
                port: url.port().unwrap_or(if self.engine() == Engine::MySql { 3306 } else { 5432 }),
            },
        };
        Some(Target {
            engine: self.engine(),
            address,
            database: url.path().trim_start_matches('/').to_owned(),
            user: Some(url.username().to_owned()),
            password: url.password().map(|password| password.to_owned().into()),
            tls: Tls::NotNeeded,
            read_only: false,
            patience: Patience::default(),
        })
    }

    /// Whether tests can use it. Where not, `what` is skipped aloud, or fails if engines are required.
    pub(crate) fn is_there(self, what: &str) -> bool {
        if self == Self::Sqlite || std::env::var_os(self.variable()).is_some() {
            return true;
        }
        let message = format!(
            "SKIPPED {what} on {}: {} is not set (tests/run sets it)\n",
            self.name(),
            self.variable()
        );
        assert!(std::env::var_os("REQUIRE_ENGINES").is_none(), "{message}");
        // Not `eprint!`: the test harness would hold that back for a test that passes.
        std::io::stderr().write_all(message.as_bytes()).expect("standard error");
        false
    }
}

impl TestDb {
    /// A new database on this server.
    pub(crate) async fn new(server: Server, made: Made) -> Self {
        let target = create_database(server).await;
        let db = Db::create(&target).await.expect("the new database opens");
        match made {
            Made::Empty => {}
            Made::Init => {
                migrate::create_portal(&db).await.expect("the portal's tables");
                migrate::create_own_tables(&db).await.expect("our own tables");
            }
            Made::Django0003 => load_django(&db, "0003").await,
            Made::Django0004 => load_django(&db, "0004").await,
        }
        Self { db, server, target }
    }

    /// Another database on the same server.
    pub(crate) async fn sibling(&self, made: Made) -> Self {
        Self::new(self.server, made).await
    }

    /// The same database as another program opens it.
    pub(crate) async fn second(&self) -> Db {
        Db::open(&self.target).await.expect("the database opens twice")
    }

    /// Where it is.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Its URL, for the program.
    pub(crate) fn url(&self) -> String {
        let target = &self.target;
        let user = target.user.clone().unwrap_or_default();
        match (&target.address, target.engine) {
            (Address::File(path), _) => format!("sqlite://{}", path.display()),
            (Address::Socket(path), Engine::MySql) => {
                format!("mysql://{user}@localhost/{}?socket={}", target.database, path.display())
            }
            (Address::Socket(path), engine) => {
                // Either the socket itself or the folder of the usual one.
                let usual = (path.as_path(), engine.default_port());
                let (folder, port) = target.address.postgres_socket().unwrap_or(usual);
                format!("postgres://{user}@localhost:{port}/{}?host={}", target.database, folder.display())
            }
            (Address::Host { host, port }, engine) => {
                format!("{}://{user}@{host}:{port}/{}", engine.name(), target.database)
            }
        }
    }

    /// Runs SQL as it stands, several statements if need be.
    pub(crate) async fn run(&self, text: &str) {
        self.db.script(vec![text.to_owned()]).await.unwrap_or_else(|error| panic!("{error}: {text}"));
    }

    /// Runs SQL while the engine does not watch over references: how orphans come about. On PostgreSQL the foreign
    /// keys to `auth_user` are taken off for good, as on a portal that lost them.
    pub(crate) async fn without_foreign_keys(&self, text: &str) {
        let (before, after) = match self.db.dialect() {
            Dialect::Sqlite => ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"),
            Dialect::MySql => ("SET SESSION foreign_key_checks = 0", "SET SESSION foreign_key_checks = 1"),
            Dialect::Postgres => (
                "DO $$ DECLARE r record; BEGIN FOR r IN SELECT conrelid::regclass AS t, conname FROM pg_constraint \
                 WHERE contype = 'f' LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.t, r.conname); \
                 END LOOP; END $$",
                "SELECT 1",
            ),
        };
        self.db
            .script(vec![before.to_owned(), text.to_owned(), after.to_owned()])
            .await
            .unwrap_or_else(|error| panic!("{error}: {text}"));
    }

    /// Lets the counter of a table stand as if this id had been handed out last.
    pub(crate) async fn count_up_to(&self, table: &str, last: i64) {
        let order = match self.db.dialect() {
            Dialect::Sqlite => format!(
                "DELETE FROM sqlite_sequence WHERE name = '{table}'; \
                 INSERT INTO sqlite_sequence (name, seq) VALUES ('{table}', {last})"
            ),
            Dialect::MySql => format!("ALTER TABLE {table} AUTO_INCREMENT = {}", last + 1),
            Dialect::Postgres => format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), {last})"),
        };
        self.run(&order).await;
    }

    /// A true boolean as this engine's SQL spells it.
    pub(crate) fn yes(&self) -> &'static str {
        if self.db.dialect() == Dialect::Postgres { "true" } else { "1" }
    }

    /// The number that a query gives.
    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        self.db.one(Sql::new(sql)).await.expect(sql).int(0).expect(sql)
    }

    /// Adds a user by hand, as another program would, with nothing else; their id.
    pub(crate) async fn add_user(&self, username: &str) -> i64 {
        let name = username.to_owned();
        let added = self.db.transaction(move |tx| {
            let name = name.clone();
            Box::pin(async move {
                let sql = Sql::new(
                    "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, \
                     is_active, date_joined) VALUES ('!', ?, ?, '', '', '', ?, ?, ?)",
                );
                let sql = sql.bind(false).bind(name).bind(false).bind(true).bind(chrono::Utc::now());
                Ok(tx.insert(sql).await?)
            })
        });
        added.await.expect("a user is added")
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let (server, target) = (self.server, self.target.clone());
        // A thread of its own, because a runtime can't wait for another one inside itself.
        let dropped = std::thread::spawn(move || runtime().block_on(drop_database(server, &target))).join();
        assert!(dropped.is_ok() || std::thread::panicking(), "the test database could not be dropped");
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("portaldesk_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn create_database(server: Server) -> Target {
    let name = unique_name();
    if server == Server::Sqlite {
        let file = std::env::temp_dir().join(&name).with_extension("sqlite3");
        return Target {
            engine: Engine::Sqlite,
            address: Address::File(file),
            database: name,
            user: None,
            password: None,
            tls: Tls::NotNeeded,
            read_only: false,
            patience: Patience::default(),
        };
    }
    let admin = server.admin().expect("the server is there");
    let order = match server {
        Server::MariaDb => format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"),
        Server::MariaDbUnicode => {
            format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        }
        Server::PostgresIcu => {
            format!("CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'")
        }
        _ => format!("CREATE DATABASE {name} TEMPLATE template0"),
    };
    let db = Db::open(&admin).await.expect("the test server answers");
    db.script(vec![order]).await.expect("a test database");
    Target { database: name, ..admin }
}

async fn drop_database(server: Server, target: &Target) {
    let name = &target.database;
    if let Address::File(file) = &target.address {
        for suffix in ["", "-wal", "-shm"] {
            let mut path = file.clone().into_os_string();
            path.push(suffix);
            drop(std::fs::remove_file(path));
        }
        return;
    }
    let order = match server.engine() {
        Engine::Postgres => format!("DROP DATABASE {name} WITH (FORCE)"),
        _ => format!("DROP DATABASE {name}"),
    };
    let db = Db::open(&server.admin().expect("the server is there")).await.expect("the test server answers");
    db.script(vec![order]).await.expect("the test database is dropped");
}

/// Makes Django's own tables from its dumps, with the rows that Django's `migrate` writes.
async fn load_django(db: &Db, migration: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let engine = match db.dialect() {
        Dialect::Sqlite => "sqlite",
        Dialect::MySql => "mysql",
        Dialect::Postgres => "postgres",
    };
    let read = |path: &str| std::fs::read_to_string(folder.join(path)).expect(path);
    let mut script = vec![
        read(&format!("tests/data/ddl/{engine}-{migration}.sql")),
        read("migrations/portal/0002_rows.sql"),
    ];
    if db.dialect() == Dialect::MySql {
        script.insert(0, "SET SESSION foreign_key_checks = 0".to_owned());
        script.push("SET SESSION foreign_key_checks = 1".to_owned());
    }
    if migration == "0003" {
        script.push("DELETE FROM django_migrations WHERE app = 'core' AND name LIKE '0004%'".to_owned());
    }
    db.script(script).await.expect("Django's tables");
}

/// A digest of every row of the portal's tables, by table and in the order of the primary key. The admin log is left out,
/// because every write adds to it, and so are our own tables.
pub(crate) async fn digest(db: &Db) -> BTreeMap<String, Vec<String>> {
    let schema = Schema::read(db).await.expect("the catalogue");
    let mut digests = BTreeMap::new();
    for (name, table) in &schema.tables {
        if name != "django_admin_log" && !name.starts_with("portaldesk_") {
            digests.insert(name.clone(), digest_of(db, table).await);
        }
    }
    digests
}

/// The digests of some tables, by a catalogue that was read before.
pub(crate) async fn digest_of_tables(
    db: &Db,
    schema: &Schema,
    names: &[&str],
) -> BTreeMap<String, Vec<String>> {
    let mut digests = BTreeMap::new();
    for name in names {
        digests.insert((*name).to_owned(), digest_of(db, &schema.tables[*name]).await);
    }
    digests
}

async fn digest_of(db: &Db, table: &Table) -> Vec<String> {
    let mut sql = Sql::new("SELECT ");
    for (index, column) in table.columns.iter().enumerate() {
        sql = sql.push(if index == 0 { "" } else { ", " });
        sql = sql.image(&column.name, db.dialect().image_form(column.kind));
    }
    sql = sql.push(" FROM ").ident(&table.name).push(" ORDER BY ");
    for (index, name) in table.primary_key.iter().enumerate() {
        let column = &table.column(name).expect("a key column").name;
        sql = sql.push(if index == 0 { "" } else { ", " }).ident(column);
    }
    let rows = db.all(sql).await.expect("all rows");
    let digest = |row: &portaldesk::db::Row| {
        let cells: Vec<Cell> =
            (0..table.columns.len()).map(|index| row.cell(index).expect("a cell")).collect();
        hex(&Sha256::digest(serde_json::to_vec(&cells).expect("JSON")))
    };
    rows.iter().map(digest).collect()
}

/// Tells one story on one engine, in a new database made by `init`.
pub(crate) fn tell<F: Future<Output = ()>>(server: Server, name: &str, story: impl FnOnce(TestDb) -> F) {
    if server.is_there(name) {
        runtime().block_on(async { story(TestDb::new(server, Made::Init).await).await });
    }
}

/// Waits until `done` says so, at most 30 seconds: for states that others bring about.
pub(crate) async fn wait_until<F: Future<Output = bool>>(what: &str, done: impl Fn() -> F) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), waiting).await.expect(what);
}

/// Stories: tests that are told on all three engines, as `sqlite::NAME`, `mariadb::NAME` and `postgres::NAME`. Used once in
/// a file.
macro_rules! stories {
    ($($(#[$note:meta])* async fn $name:ident($db:ident: TestDb) $body:block)*) => {
        $($(#[$note])* async fn $name($db: $crate::support::TestDb) $body)*
        stories!(@on sqlite Sqlite $($name)*);
        stories!(@on mariadb MariaDb $($name)*);
        stories!(@on postgres Postgres $($name)*);
    };
    (@on $engine:ident $server:ident $($name:ident)*) => {
        mod $engine {
            $(#[test]
            fn $name() {
                $crate::support::tell($crate::support::Server::$server, stringify!($name), super::$name);
            })*
        }
    };
}
