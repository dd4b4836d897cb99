//! A real Django portal on a test's own database: `tests/portal/`, run by a private Python.
//!
//! `tests/run` makes the Python with what the portal needs and says where it is; without it every test that needs the
//! portal is skipped aloud, or fails where `REQUIRE_ENGINES` is set.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use portaldesk::db::{Address, Engine, Target};
use secrecy::ExposeSecret as _;
use serde_json::{Value as Json, json};

use super::TestDb;

/// A version of Django.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    /// The portal's own.
    V42,
    /// The next one with long support.
    V52,
}

impl Release {
    const fn variable(self) -> &'static str {
        match self {
            Self::V42 => "TEST_DJANGO_PYTHON",
            Self::V52 => "TEST_DJANGO52_PYTHON",
        }
    }

    const fn version(self) -> [u64; 2] {
        match self {
            Self::V42 => [4, 2],
            Self::V52 => [5, 2],
        }
    }

    /// The Python that has this Django. Where there is none, `what` is skipped aloud, or fails if it is required.
    pub(crate) fn python(self, what: &str) -> Option<OsString> {
        let python = std::env::var_os(self.variable());
        if python.is_none() {
            let message = format!("SKIPPED {what}: {} is not set (tests/run sets it)\n", self.variable());
            assert!(std::env::var_os("REQUIRE_ENGINES").is_none(), "{message}");
            // Not `eprint!`: the test harness would hold that back for a test that passes.
            std::io::stderr().write_all(message.as_bytes()).expect("standard error");
        }
        python
    }
}

/// The running portal. Its requests are functions of `tests/portal/agent.py`. It ends with this value.
pub(crate) struct Django {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What the portal answered to a browser.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// The HTTP status; 500 where an exception came out of the portal.
    pub(crate) status: u64,
    /// Where it leads.
    pub(crate) location: Option<String>,
    /// What a person reads of it.
    pub(crate) text: String,
    /// What stands in its form.
    pub(crate) form: Json,
    /// The exception, such as `IntegrityError: …`.
    pub(crate) raised: Option<String>,
    /// What the forms complain about.
    pub(crate) errors: Vec<String>,
    /// After signing in: the first page.
    pub(crate) home: Option<Box<Page>>,
}

impl Page {
    fn read(answer: &Json) -> Self {
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        let errors = answer["errors"].as_array().into_iter().flatten();
        Self {
            status: answer["status"].as_u64().expect("a status"),
            location: text("location"),
            text: text("text").unwrap_or_default(),
            form: answer["form"].clone(),
            raised: text("raised"),
            errors: errors.map(|error| error.as_str().expect("words").to_owned()).collect(),
            home: answer.get("home").map(|home| Box::new(Self::read(home))),
        }
    }

    /// Fails unless the page is there and has all these words in it.
    #[track_caller]
    pub(crate) fn shows(&self, words: &[&str]) {
        assert_eq!(self.status, 200, "{self:?}");
        for words in words {
            assert!(self.text.contains(words), "no '{words}' in: {}", self.text);
        }
    }

    /// Fails unless the form was taken.
    #[track_caller]
    pub(crate) fn saved(&self) {
        assert_eq!(self.status, 302, "{self:?}");
    }

    /// Whether this was a way in that ends at a page, for [`Django::sign_in`].
    pub(crate) fn is_inside(&self) -> bool {
        self.status == 302 && self.home.as_ref().is_some_and(|home| home.status == 200)
    }
}

impl Django {
    /// The portal on this database; nothing where it can't be had and need not.
    pub(crate) fn start(db: &TestDb, release: Release) -> Option<Self> {
        let what = std::thread::current().name().unwrap_or("a story").to_owned();
        let python = release.python(&what)?;
        let mut child = Command::new(python)
            // -B: no compiled files beside the portal's own.
            .arg("-B")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/portal/agent.py"))
            .env("PORTAL_DATABASE", settings(db.target()).to_string())
            .env_remove("DJANGO_SETTINGS_MODULE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the portal's Python starts");
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("its answers"));
        let mut django = Self { child, requests, answers };
        assert_eq!(django.ask(&json!({ "do": "version" })), json!(release.version()));
        Some(django)
    }

    /// Sends a request and waits for its answer: what it gave, or the exception that it raised.
    pub(crate) fn try_ask(&mut self, request: &Json) -> Result<Json, String> {
        let mut line = request.to_string();
        line.push('\n');
        let requests = self.requests.as_mut().expect("the portal runs");
        requests.write_all(line.as_bytes()).and_then(|()| requests.flush()).expect("the portal listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the portal answers");
        let mut answer: Json =
            serde_json::from_str(&answer).unwrap_or_else(|_| panic!("the portal ended at {request}"));
        match answer.get("raised") {
            Some(raised) => Err(raised.as_str().expect("words").to_owned()),
            None => Ok(answer["ok"].take()),
        }
    }

    /// The same for a request that must not raise.
    #[track_caller]
    pub(crate) fn ask(&mut self, request: &Json) -> Json {
        self.try_ask(request).unwrap_or_else(|raised| panic!("{request}: {raised}"))
    }

    /// What a command of `manage.py` prints.
    pub(crate) fn command(&mut self, name: &str, arguments: &[&str]) -> String {
        let printed = self.ask(&json!({ "do": "command", "name": name, "arguments": arguments }));
        printed.as_str().expect("text").to_owned()
    }

    /// Whether `authenticate()` takes this name and password, or the exception that it raises.
    pub(crate) fn authenticate(&mut self, username: &str, password: &str) -> Result<bool, String> {
        let request = json!({ "do": "authenticate", "username": username, "password": password });
        self.try_ask(&request).map(|answer| answer.as_bool().expect("yes or no"))
    }

    /// Signs in by the portal's own form, in a new browser, and opens the first page.
    pub(crate) fn sign_in(&mut self, username: &str, password: &str) -> Page {
        Page::read(&self.ask(&json!({ "do": "sign_in", "username": username, "password": password })))
    }

    /// Signs in by the admin's form; its pages are then opened by this user.
    pub(crate) fn enter(&mut self, username: &str, password: &str) -> Page {
        Page::read(&self.ask(&json!({ "do": "enter", "username": username, "password": password })))
    }

    /// Opens a page.
    pub(crate) fn get(&mut self, url: &str) -> Page {
        Page::read(&self.ask(&json!({ "do": "get", "url": url })))
    }

    /// Fills fields into the form of a page and sends it, the rest as it stood there; null unticks a box.
    pub(crate) fn submit(&mut self, url: &str, fields: impl Into<Json>) -> Page {
        let fields: Json = fields.into();
        Page::read(&self.ask(&json!({ "do": "submit", "url": url, "fields": fields })))
    }

    /// What the portal sees of a user.
    pub(crate) fn user(&mut self, username: &str) -> Json {
        self.ask(&json!({ "do": "user", "username": username }))
    }

    /// The portal's history of an object.
    pub(crate) fn entries(&mut self, model: &str, id: i64) -> Json {
        self.ask(&json!({ "do": "entries", "model": model, "pk": id }))
    }

    /// Fails unless the page of an object's history shows each of its entries.
    #[track_caller]
    pub(crate) fn shows_history(&mut self, url: &str, entries: &Json) {
        let page = self.get(&format!("{url}history/"));
        for entry in entries.as_array().expect("entries") {
            let text = |at: usize| entry[at].as_str().expect("words");
            page.shows(&[&format!("{} {}", text(0), text(3))]);
        }
    }
}

impl Drop for Django {
    fn drop(&mut self) {
        // The portal ends with its input.
        drop(self.requests.take());
        let ended = self.child.wait();
        assert!(std::thread::panicking() || ended.is_ok_and(|code| code.success()), "the portal ended badly");
    }
}

/// Django's settings of a test database.
pub(crate) fn settings(target: &Target) -> Json {
    let mut settings = json!({ "NAME": target.database, "USER": target.user.as_deref().unwrap_or("") });
    if let Some(password) = &target.password {
        settings["PASSWORD"] = password.expose_secret().into();
    }
    let (engine, options) = match target.engine {
        // Longer than Django's own 5 seconds, for a machine that is busy with other tests.
        Engine::Sqlite => ("sqlite3", json!({ "timeout": 20 })),
        // As the tables are; before 5.2 Django's default is the older utf8 of three bytes.
        Engine::MySql => ("mysql", json!({ "charset": "utf8mb4" })),
        Engine::Postgres => ("postgresql", json!({})),
    };
    settings["ENGINE"] = format!("django.db.backends.{engine}").into();
    settings["OPTIONS"] = options;
    match &target.address {
        Address::File(file) => settings["NAME"] = file.to_str().expect("a plain path").into(),
        Address::Socket(path) if target.engine == Engine::MySql => {
            settings["OPTIONS"]["unix_socket"] = path.to_str().expect("a plain path").into();
        }
        address @ Address::Socket(_) => {
            let (folder, port) = address.postgres_socket().expect("a socket of PostgreSQL's");
            settings["HOST"] = folder.to_str().expect("a plain path").into();
            settings["PORT"] = port.into();
        }
        Address::Host { host, port } => {
            settings["HOST"] = host.as_str().into();
            settings["PORT"] = (*port).into();
        }
    }
    settings
}
