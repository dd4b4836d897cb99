//! Connecting to a portal's database, on a real terminal: the wizard, what it says when something is wrong, and the
//! choice between several portals.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

#[macro_use]
mod support;
#[path = "support/pty.rs"]
mod pty;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use portaldesk::db::{Address, Dialect, Sql};
use portaldesk::portal::password::Recipe;
use pty::keys::{BACK_TAB, CTRL_O, CTRL_U, DOWN, ENTER, ESC, F2, RIGHT, TAB};
use pty::{Home, LARGE, SMALL, Terminal};
use support::{Made, TestDb};

const PASSWORD: &str = "kX7-vq92Lm";

/// A portal of Django's with one superuser, `amir`.
async fn portal_of(db: &TestDb) -> TestDb {
    let db = db.sibling(Made::Django0004).await;
    let id = db.add_user("amir").await;
    // Cheap, because every try costs as much as the newest of the portal's passwords.
    let encoded = Recipe::pbkdf2_sha256(1_000).hash(PASSWORD).expect("a hash");
    let changed = db.transaction(move |tx| {
        let encoded = encoded.clone();
        Box::pin(async move {
            let sql = Sql::new("UPDATE auth_user SET password = ?, is_superuser = ? WHERE id = ?");
            tx.execute(sql.bind(encoded).bind(true).bind(id)).await?;
            Ok(())
        })
    });
    changed.await.expect("a superuser");
    db
}

/// The wizard's form, the cursor on the engine.
fn wizard(home: &Home) -> Terminal {
    let mut terminal = Terminal::start(home, SMALL, &[]);
    terminal.wait_for("There is no portal here yet");
    terminal.wait_taken();
    terminal.keys(CTRL_O);
    terminal.wait_for("settings.py");
    terminal
}

/// The keys that fill the form, from the engine on: where the database is, and this account.
fn filled(db: &TestDb, host: Option<(&str, u16)>, user: &str, password: &str) -> String {
    let target = db.target();
    let (engine, place, port) = match (db.dialect(), &target.address) {
        (Dialect::Sqlite, Address::File(path)) => {
            let name = path.display();
            return format!("{RIGHT}{RIGHT}{TAB}{TAB}{TAB}{name}");
        }
        (Dialect::Postgres, address) => {
            let (folder, port) = address.postgres_socket().expect("a socket");
            (RIGHT, folder.display().to_string(), port)
        }
        (_, Address::Socket(path)) => ("", path.display().to_string(), 3306),
        (_, address) => panic!("{address:?}"),
    };
    let (place, port) = host.map_or((place, port), |(host, port)| (host.to_owned(), port));
    let name = &target.database;
    format!(
        "{engine}{TAB}{CTRL_U}{place}{TAB}{CTRL_U}{port}{TAB}{CTRL_U}{name}{TAB}{CTRL_U}{user}{TAB}{CTRL_U}{password}"
    )
}

/// The database in a configuration.
fn section_of(db: &TestDb) -> String {
    let target = db.target();
    let place = match &target.address {
        Address::File(path) => format!("name = '{}'", path.display()),
        Address::Socket(path) => format!("name = '{}'\nsocket = '{}'", target.database, path.display()),
        Address::Host { .. } => panic!("no socket"),
    };
    let user = target.user.as_ref().map_or(String::new(), |user| format!("user = '{user}'"));
    format!("engine = '{}'\n{place}\n{user}", target.engine.name())
}

fn user_of(db: &TestDb) -> String {
    db.target().user.clone().unwrap_or_default()
}

async fn port_of(db: &TestDb) -> u16 {
    let sql = Sql::new(match db.dialect() {
        Dialect::Postgres => "SELECT CAST(current_setting('port') AS integer)",
        _ => "SELECT @@port",
    });
    let port = db.one(sql).await.expect("a port").int(0).expect("a number");
    u16::try_from(port).expect("a port")
}

fn certificate(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os("TEST_TLS_DIR").expect("tests/run says where")).join(name)
}

/// Keys that make no sense stop the program before the screen is taken, each with its place in the file.
#[test]
fn keys_that_clash_are_named_with_file_and_line() {
    let home = Home::new();
    let config = home.0.join("config.toml");
    std::fs::write(
        &config,
        "[keys]\n\"users.edit\" = \"e\"\n\"users.new\" = \"e\"\n\"users.nwe\" = \"Ins\"\n",
    )
    .expect("a configuration");
    let config = config.display().to_string();
    let terminal = Terminal::start(&home, LARGE, &["--config", &config]);
    assert_eq!(terminal.wait_end(), 2);
    let said = terminal.contents();
    assert!(said.contains("config.toml, line 2: "), "{said}");
    assert!(said.contains("would both be e on the screen Users"), "{said}");
    assert!(said.contains("config.toml, line 4: users.nwe is no action; did you mean users.new?"), "{said}");
}

stories! {
    /// From nothing to a portal that is signed in to, and found again by its name.
    async fn the_wizard_connects_and_remembers(db: TestDb) {
        let portal = portal_of(&db).await;
        let home = Home::new();
        let mut terminal = wizard(&home);
        terminal.keys(&format!("{}{F2}", filled(&portal, None, &user_of(&portal), "")));
        terminal.wait_for("A portal, users: 1.");
        terminal.wait_for(".config/portaldesk/config.toml");
        assert!(!home.0.join(".config").exists(), "nothing is written before it is asked for");
        terminal.press_often_until(CTRL_U, "Name    default", false);
        terminal.keys(&format!("a b{F2}"));
        terminal.wait_for("Letters, digits, - and _ only");
        terminal.keys(&format!("{CTRL_U}lab{TAB}Alpha PROD{TAB}{RIGHT}{RIGHT}{F2}"));
        terminal.wait_for("Sign in to Alpha PROD");
        terminal.wait_for("READ-ONLY");
        terminal.keys(&format!("amir{TAB}{PASSWORD}{ENTER}"));
        terminal.wait_for("[1] Users");
        terminal.wait_for("READ-ONLY");
        terminal.keys("q");
        assert_eq!(terminal.wait_end(), 0);
        terminal.assert_restored();

        let config = home.0.join(".config/portaldesk/config.toml");
        let text = std::fs::read_to_string(&config).expect("a configuration");
        assert!(text.contains("[portal.lab]") && text.contains("colour = \"red\""), "{text}");
        assert_eq!(config.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
        let terminal = Terminal::start(&home, SMALL, &[]);
        terminal.wait_for("Sign in to Alpha PROD");
    }

    /// Every mistake is named at its field, and the form stays as it was typed.
    async fn what_is_wrong_is_said_at_its_field(db: TestDb) {
        let home = Home::new();
        let mut terminal = wizard(&home);
        if db.dialect() == Dialect::Sqlite {
            terminal.keys(&format!("{}-nowhere{F2}", filled(&db, None, "", "")));
            terminal.wait_for("cannot be reached");
            terminal.wait_for("-nowhere");
            terminal.keys(ESC);
            terminal.wait_for("There is no portal here yet");
            return;
        }
        let user = user_of(&db);
        terminal.keys(&format!("{}x{F2}", filled(&db, None, &user, "").replace(&db.target().database, "nowhere")));
        terminal.wait_until("the user, to be corrected", |screen| screen.contents().contains("nowhere"));
        terminal.wait_for("cannot be reached");
        // Nobody listens at port 1, and nothing has the name.
        terminal.keys(ESC);
        terminal.wait_for("There is no portal here yet");
        terminal.keys(CTRL_O);
        terminal.wait_for("settings.py");
        terminal.keys(&format!("{}{F2}", filled(&db, Some(("127.0.0.1", 1)), &user, "")));
        terminal.wait_for("refused");
        terminal.keys("0");
        terminal.wait_until("the port, to be corrected", |screen| screen.contents().contains(" 10"));
        terminal.keys(&format!("{BACK_TAB}{CTRL_U}portal.invalid{F2}"));
        terminal.wait_for("lookup address");
        assert!(terminal.contents().contains("portal.invalid") && terminal.contents().contains(&user));
        if db.dialect() == Dialect::MySql {
            terminal.keys(ESC);
            terminal.wait_for("There is no portal here yet");
            terminal.keys(CTRL_O);
            terminal.wait_for("settings.py");
            terminal.keys(&format!("{}{F2}", filled(&db, None, &user, "wrong")));
            terminal.wait_for("Access denied");
            terminal.keys(&format!("{CTRL_U}{F2}"));
            terminal.wait_for("A portal, users: 0.");
        }
    }

    /// A server that can't be trusted is named with the ways out, and one of them leads on.
    async fn a_refused_certificate_shows_the_ways_out(db: TestDb) {
        if db.dialect() == Dialect::Sqlite {
            return;
        }
        let portal = portal_of(&db).await;
        let home = Home::new();
        let mut terminal = wizard(&home);
        let port = port_of(&db).await;
        let wrong = certificate("stranger.pem");
        let keys = filled(&portal, Some(("127.0.0.1", port)), &user_of(&portal), "");
        terminal.keys(&format!("{keys}{TAB}{}{F2}", wrong.display()));
        terminal.wait_for("not signed by an authority");
        terminal.wait_for("pinned_certificate =");
        terminal.wait_for("openssl x509 -noout -fingerprint");
        terminal.wait_taken();
        terminal.press_often_until(DOWN, "▸ 2.", true);
        terminal.keys(ENTER);
        terminal.wait_for("SHA-256 of the server's own certificate");
        terminal.keys(F2);
        terminal.wait_for("A portal, users: 1.");
        // Without being remembered.
        terminal.press_until(ESC, "Sign in to", true);
        assert!(!home.0.join(".config").exists());
    }

    /// Several portals and no default: a question on the screen, an error on the command line.
    async fn several_portals_are_chosen_from(db: TestDb) {
        let portal = portal_of(&db).await;
        let home = Home::new();
        let sections: Vec<String> = [("test", "Alpha test", "green"), ("live", "Alpha PROD", "red")]
            .iter()
            .map(|(name, label, colour)| {
                let database = section_of(&portal);
                format!(
                    "[portal.{name}]\nlabel = '{label}'\ncolour = '{colour}'\n[portal.{name}.database]\n{database}\n"
                )
            })
            .collect();
        let config = home.0.join("config.toml");
        std::fs::write(&config, sections.concat()).expect("a configuration");
        let config = config.display().to_string();
        let mut terminal = Terminal::start(&home, LARGE, &["--config", &config]);
        terminal.wait_for("Alpha test");
        terminal.wait_for("@live");
        terminal.wait_taken();
        terminal.keys(&format!("{DOWN}{ENTER}"));
        terminal.wait_for("Sign in to Alpha PROD");
        terminal.keys(&format!("amir{TAB}{PASSWORD}{ENTER}"));
        terminal.wait_for("[1] Users");
        assert!(terminal.contents().starts_with(" Alpha PROD"), "{}", terminal.contents());
        terminal.keys("q");
        assert_eq!(terminal.wait_end(), 0);

        let output = home.run("", &["--config", &config, "stats"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("@test, @live"), "{said}");
        home.ok("", &["@test", "--config", &config, "stats"]);
        let output = home.run("", &["@lvie", "--config", &config, "stats"]);
        assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean @live?"));
    }
}
