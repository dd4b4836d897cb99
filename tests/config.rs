//! The configuration file: what it means, who may read it, and how a mistake in it is named.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use portaldesk::config::{Config, Environment, Flags, Hasher, TimeZone};
use portaldesk::db::{Address, Engine, Fingerprint, Tls};
use portaldesk::portal::access::Level;
use portaldesk::portal::password::MINIMUM_LENGTH;
use secrecy::{ExposeSecret, SecretString};

const CANARY: &str = "canary-5b1e";

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("portaldesk-config-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    fn load(&self, text: &str) -> Result<Config, String> {
        self.load_portal(text, None)
    }

    fn load_portal(&self, text: &str, portal: Option<&str>) -> Result<Config, String> {
        let config = Some(self.write("config.toml", text, 0o600));
        let flags = Flags { config, portal: portal.map(str::to_owned), ..Flags::default() };
        Config::load(&flags, &Environment::default()).map_err(|error| error.message)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn password(config: &Config) -> Option<&str> {
    config.portal.target.password.as_ref().map(ExposeSecret::expose_secret)
}

const TWO: &str = "
[portal.test.database]
engine = 'sqlite'
name = '/srv/test.db'
[portal.default]
label = 'Alpha Lab'
colour = '#00ff7f'
read_only = true
[portal.default.database]
engine = 'django.db.backends.mysql'
host = 'db1'
port = 3307
name = 'alpha'
user = 'clerk'
";

#[test]
fn the_default_portal_is_chosen_or_the_one_named() {
    let folder = Folder::new("portals");
    let config = folder.load(TWO).unwrap();
    let portal = &config.portal;
    assert_eq!(portal.name.as_deref(), Some("default"));
    assert_eq!(portal.label.as_deref(), Some("Alpha Lab"));
    assert_eq!(portal.colour.as_deref(), Some("#00ff7f"));
    assert!(portal.read_only && portal.target.read_only && !portal.embedded);
    assert_eq!(portal.target.engine, Engine::MySql);
    assert_eq!(portal.target.address, Address::Host { host: "db1".into(), port: 3307 });
    assert_eq!(portal.target.user.as_deref(), Some("clerk"));
    assert_eq!(portal.target.tls, Tls::Verified { ca_file: None });
    let config = folder.load_portal(TWO, Some("test")).unwrap();
    assert_eq!(config.portal.target.address, Address::File("/srv/test.db".into()));
    assert!(folder.load_portal(TWO, Some("tset")).unwrap_err().contains("did you mean @test?"));
    let several = folder.load(&TWO.replace("portal.default", "portal.other")).unwrap_err();
    assert!(several.contains("@test") && several.contains("@other"), "{several}");
    let only = "[portal.x.database]\nurl = 'sqlite:///srv/x.db'";
    assert_eq!(folder.load(only).unwrap().portal.name.as_deref(), Some("x"));
}

#[test]
fn flags_go_before_the_environment_and_that_before_the_file() {
    let folder = Folder::new("order");
    let config = Some(folder.write("config.toml", TWO, 0o644));
    let environment = Environment {
        database_url: Some(SecretString::from(format!("postgres://e:{CANARY}@localhost/environment"))),
        ..Environment::default()
    };
    let load = |flags: &Flags| Config::load(flags, &environment).unwrap().portal;
    let flags = Flags { config, ..Flags::default() };
    assert_eq!(load(&flags).target.database, "environment");
    let flags = Flags { database: Some("mysql://localhost/flag".into()), read_only: true, ..flags };
    assert_eq!(load(&flags).target.database, "flag");
    assert!(load(&flags).target.read_only);
    let flags = Flags { database: None, portal: Some("test".into()), ..flags };
    assert_eq!(load(&flags).target.database, "/srv/test.db");
}

#[test]
fn a_password_on_the_command_line_is_refused() {
    let flags = Flags { database: Some(format!("mysql://u:{CANARY}@localhost/a")), ..Flags::default() };
    let environment = Environment { config: Some("/dev/null".into()), ..Environment::default() };
    let error = Config::load(&Flags { config: None, ..flags.clone() }, &Environment::default());
    let message = error.err().map(|error| error.message).unwrap_or_default();
    assert!(message.contains("PORTALDESK_DATABASE_PASSWORD") && !message.contains(CANARY), "{message}");
    assert!(Config::load(&flags, &environment).is_err());
}

#[test]
fn the_password_comes_from_its_file_or_the_environment() {
    let folder = Folder::new("password");
    folder.write("secret", &format!("{CANARY}\n"), 0o600);
    let text = "[portal.x.database]\nengine = 'postgres'\nname = 'a'\nuser = 'u'\npassword_file = 'secret'\n";
    assert_eq!(password(&folder.load(text).unwrap()), Some(CANARY));
    let config = Some(folder.0.join("config.toml"));
    let flags = Flags { config, ..Flags::default() };
    let environment =
        Environment { database_password: Some(SecretString::from("other")), ..Environment::default() };
    assert_eq!(password(&Config::load(&flags, &environment).unwrap()), Some("other"));
    for mode in [0o644, 0o640] {
        folder.write("secret", &format!("{CANARY}\n"), mode);
        let message = folder.load(text).unwrap_err();
        assert!(message.contains("secret") && message.contains("chmod 600"), "{message}");
        assert!(!message.contains(CANARY));
    }
}

#[test]
fn a_file_with_a_secret_is_closed_and_one_without_may_be_open() {
    let folder = Folder::new("closed");
    let load = |text: &str, mode: u32| {
        let config = Some(folder.write("config.toml", text, mode));
        Config::load(&Flags { config, ..Flags::default() }, &Environment::default())
    };
    assert!(load(TWO, 0o644).is_ok());
    for secret in [
        format!("engine = 'mysql'\nname = 'a'\npassword = '{CANARY}'"),
        format!("url = 'mysql://u:{CANARY}@localhost/a'"),
    ] {
        let text = format!("[portal.x.database]\n{secret}\n");
        assert_eq!(password(&load(&text, 0o600).unwrap()), Some(CANARY));
        for mode in [0o604, 0o640, 0o644] {
            let error = load(&text, mode).err().unwrap();
            assert_eq!(error.kind.exit_code(), 2);
            assert!(error.message.contains("config.toml") && error.message.contains("chmod 600"), "{error}");
        }
    }
    let through_a_link = folder.0.join("link.toml");
    std::os::unix::fs::symlink(folder.0.join("config.toml"), &through_a_link).unwrap();
    let flags = Flags { config: Some(through_a_link), ..Flags::default() };
    assert!(Config::load(&flags, &Environment::default()).is_err(), "the file behind the link is open");
}

#[test]
fn mistakes_are_named_with_their_line() {
    let folder = Folder::new("mistakes");
    let database = "[portal.x.database]\n";
    for (text, parts) in [
        (
            "\n[portal.x]\nlable = 'A'\n[portal.x.database]\nurl='sqlite:///x'",
            &["line 3", "portal.x.lable", "label?"][..],
        ),
        ("[pasword]\n", &["line 1", "passwords?"]),
        ("[screen]\ncolour = 1", &["line 2", "ascii"]),
        ("[passwords]\nminimum_length = 'x'", &["line 2", "number"]),
        ("[passwords]\nminimum_length = 0", &["line 2", "from 1"]),
        ("[passwords]\nhasher = 'md5'", &["line 2", "argon2"]),
        ("[roles.Admin]\n", &["roles.Admin", "level"]),
        ("[roles.Admin]\nlevel = 'superuser'", &["line 2", "amc-admin"]),
        ("[portal.x]\n", &["line 1", "[portal.x.database]"]),
        ("[portal.x]\ncolour = 'pink'", &["line 2", "#rrggbb"]),
        (database, &["line 1", "engine"]),
        (&format!("{database}engine = 'oracle'\nname = 'x'"), &["line 2", "sqlite"]),
        (&format!("{database}engine = 'sqlite'\nname = 'x.db'"), &["line 3", "whole path"]),
        (&format!("{database}engine = 'sqlite'\nname = '/x'\nhost = 'h'"), &["line 4", "SQLite"]),
        (&format!("{database}url = 'mysql://h/a'\nname = 'b'"), &["line 3", "beside url"]),
        (&format!("{database}url = 'mysql://h/a?sslmode=require'"), &["line 2", "unverified"]),
        (&format!("{database}url = 'mysql://h/a'\ntls = 'none'"), &["line 3", "verified"]),
        (&format!("{database}url = 'mysql://h/a'\npinned_certificate = '5A'"), &["line 3", "64 hexadecimal"]),
        (
            &format!("{database}url = 'mysql://h/a'\nca_file = 'x'\npinned_certificate = '5A'"),
            &["line 4", "beside ca_file"],
        ),
        (
            &format!("{database}url = 'mysql://h/a'\nca_file = 'x'\ntls = 'unverified'"),
            &["line 3", "means nothing with tls"],
        ),
        (
            &format!("{database}engine = 'mysql'\nname = 'a'\nsocket = '/s'\npinned_certificate = '5A'"),
            &["line 5", "socket"],
        ),
        (&format!("{database}url = 'sqlite:///x'\nca_file = 'x'"), &["line 3", "SQLite"]),
        (&format!("{database}url = 'sqlite:///x'\npassword_file = 'x'"), &["line 3", "SQLite"]),
        (&format!("{database}engine = 'mysql'\nname = 'a'\nport = 70000"), &["line 4", "65535"]),
        (
            &format!("{database}engine = 'mysql'\nname = 'a'\nhost = 'h'\nsocket = '/s'"),
            &["line 5", "use one"],
        ),
        (&format!("{database}engine = 'mysql'\nname = 'a'\nsocket = 's'"), &["line 4", "whole path"]),
        (&format!("{database}engine = 'mysql'\n"), &["line 1", "lacks name"]),
        (&format!("{database}url = 7"), &["line 2", "a string in quotes"]),
        (&format!("{database}url = 'nonsense'"), &["line 2", "no scheme"]),
        ("portal = 'x'", &["line 1", "[portal]"]),
        ("[screen]\nascii = 'yes'", &["line 2", "true or false"]),
        ("[keys]\n\"app.help\" = 1", &["line 2", "list of strings"]),
        ("[screen]\nascii = true\nascii = false", &["line 3", "duplicate key"]),
        ("secret_group = 'no-such-group-here'", &["line 1", "not a group"]),
        ("a = \n", &["line 1"]),
    ] {
        let message = folder.load(text).unwrap_err();
        for part in parts {
            assert!(message.contains(part), "{text}\n{message}");
        }
    }
}

/// What no text of a configuration can be.
#[test]
fn a_file_that_is_no_configuration_is_named() {
    let folder = Folder::new("no-text");
    let load = |path: PathBuf| {
        let flags = Flags { config: Some(path), ..Flags::default() };
        let error = Config::load(&flags, &Environment::default()).err().unwrap();
        assert_eq!(error.kind.exit_code(), 2);
        error.message
    };
    let written = |name: &str, bytes: &[u8]| {
        let path = folder.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let anyones = folder.write("anyones.toml", "", 0o602);
    let pipe = folder.0.join("pipe.toml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    for (path, part) in [
        (written("latin.toml", b"# Caf\xe9\n"), "valid UTF-8"),
        (written("huge.toml", &b"#".repeat((1 << 20) + 1)), "larger than 1 MiB"),
        (folder.0.clone(), "not a regular file"),
        (pipe, "not a regular file"),
        (folder.0.join("missing.toml"), "No such file"),
        (anyones, "chmod o-w"),
        ("/dev/null".into(), "not a regular file"),
    ] {
        let message = load(path.clone());
        assert!(message.contains(part), "{message}");
        assert!(message.contains(&path.display().to_string()), "{message}");
    }
}

/// Every way in which a password's own file can be wrong; what is wrong is named, and never what it holds.
#[test]
fn a_password_file_is_one_closed_line() {
    let folder = Folder::new("password-file");
    let text = "[portal.x.database]\nengine = 'mysql'\nname = 'a'\nuser = 'u'\npassword_file = 'secret'\n";
    let secret = folder.0.join("secret");
    for (bytes, kept) in [
        (CANARY.as_bytes().to_vec(), CANARY),
        (format!("{CANARY}\n").into_bytes(), CANARY),
        (format!("{CANARY}\r\n").into_bytes(), CANARY),
        (b" a b \n".to_vec(), " a b "),
    ] {
        fs::write(&secret, bytes).unwrap();
        fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(password(&folder.load(text).unwrap()), Some(kept));
    }
    for (bytes, part) in [
        (b"".to_vec(), "on one line"),
        (b"\n".to_vec(), "on one line"),
        (format!("{CANARY}\n{CANARY}\n").into_bytes(), "on one line"),
        ([CANARY.as_bytes(), b"\xff\n"].concat(), "valid UTF-8"),
        (CANARY.repeat(100_000).into_bytes(), "larger than 1 MiB"),
    ] {
        fs::write(&secret, bytes).unwrap();
        let message = folder.load(text).unwrap_err();
        assert!(message.contains(part) && message.contains("secret"), "{message}");
        assert!(!message.contains(CANARY), "{message}");
    }
    // A link is fine where it leads to a closed file, and is judged by that file.
    let real = folder.write("real", CANARY, 0o600);
    fs::remove_file(&secret).unwrap();
    std::os::unix::fs::symlink(&real, &secret).unwrap();
    assert_eq!(password(&folder.load(text).unwrap()), Some(CANARY));
    fs::set_permissions(&real, Permissions::from_mode(0o604)).unwrap();
    assert!(folder.load(text).unwrap_err().contains("open to others"));
    fs::remove_file(&secret).unwrap();
    assert!(folder.load(text).unwrap_err().contains("No such file"));
    fs::create_dir(&secret).unwrap();
    assert!(folder.load(text).unwrap_err().contains("not a regular file"));
}

#[test]
fn no_mistake_shows_the_password() {
    let folder = Folder::new("shown");
    for text in [
        format!("[portal.x.database]\nengine='mysql'\nname='a'\npassword = '{CANARY}\n"),
        format!("[portal.x.database]\nengine='mysql'\nname='a'\npassword = {CANARY}\n"),
        format!("[portal.x.database]\nengine='mysql'\nname='a'\npassword = ['{CANARY}']\n"),
        format!("[portal.x.database]\nengine='mysql'\nname='a'\npasword = '{CANARY}'\n"),
        format!("[portal.x.database]\nurl='mysql://u:{CANARY}@h:x/a'\n"),
        format!("[portal.x.database]\nengine='mysql'\nname='a'\npassword='{CANARY}'\npassword_file='x'\n"),
    ] {
        let message = folder.load(&text).unwrap_err();
        assert!(!message.contains("canary"), "{text}\n{message}");
    }
    let text = format!("[portal.x.database]\nengine='mysql'\nname='a'\npassword='{CANARY}'\n");
    let config = folder.load(&text).unwrap();
    assert!(!format!("{config:?}").contains(CANARY));
}

#[test]
fn tls_is_weakened_only_by_the_spelled_out_key() {
    let folder = Folder::new("tls");
    let tls = |host: &str, more: &str| {
        let text = format!("[portal.x.database]\nengine='mysql'\nname='a'\nhost='{host}'\n{more}\n");
        folder.load(&text).unwrap().portal.target.tls
    };
    assert_eq!(tls("db1", ""), Tls::Verified { ca_file: None });
    assert_eq!(tls("db1", "tls = 'unverified'"), Tls::Unverified);
    assert_eq!(tls("db1", "ca_file = 'ca.pem'"), Tls::Verified { ca_file: Some(folder.0.join("ca.pem")) });
    let pin = Fingerprint::parse(&"5a".repeat(32)).unwrap();
    for host in ["db1", "localhost"] {
        assert_eq!(tls(host, &format!("pinned_certificate = '{pin}'")), Tls::Pinned(pin));
    }
    assert_eq!(tls("localhost", ""), Tls::NotNeeded);
    assert_eq!(tls("localhost", "tls = 'unverified'"), Tls::NotNeeded);
    assert_eq!(tls("localhost", "tls = 'verified'"), Tls::Verified { ca_file: None });
}

#[test]
fn the_other_settings() {
    let folder = Folder::new("settings");
    let config = folder
        .load(
            "[passwords]\nminimum_length = 12\nhasher = 'pbkdf2_sha256'\n\
             [screen]\nascii = true\ntime_zone = 'UTC'\nlock_after_minutes = 0\nexit_after_minutes = 5\n\
             [keys]\nhelp = 'F1'\nquit = ['q', 'ctrl-q']\n\
             [roles.Chief]\nlevel = 'admin'\n[roles.Helper]\nlevel = 'engineer'\ndescription = 'Helps'\n\
             [portal.x.database]\nurl = 'sqlite:///srv/x.db'\n",
        )
        .unwrap();
    assert_eq!((config.minimum_length, config.hasher), (12, Hasher::Pbkdf2Sha256));
    assert!(config.ascii);
    assert_eq!(config.time_zone, TimeZone::Utc);
    assert_eq!((config.lock_after_minutes, config.exit_after_minutes), (0, 5));
    assert_eq!(config.keys[0].keys, ["F1"]);
    assert_eq!(
        (config.keys[1].action.as_str(), &config.keys[1].keys[..]),
        ("quit", &["q".to_owned(), "ctrl-q".to_owned()][..])
    );
    let roles = config.roles.0;
    assert_eq!((roles[0].group.as_str(), roles[0].level), ("Chief", Level::Admin));
    assert_eq!((roles[1].level, roles[1].description.as_str()), (Level::Engineer, "Helps"));
}

#[test]
fn a_missing_file_is_an_error_only_when_it_was_named() {
    let flags = Flags { config: Some("/nonexistent/config.toml".into()), ..Flags::default() };
    let error = Config::load(&flags, &Environment::default()).err().unwrap();
    assert!(error.message.contains("/nonexistent/config.toml"));
}

/// The example as it is, and with every setting in it switched on.
#[test]
fn the_example_is_valid_and_shows_the_defaults() {
    let folder = Folder::new("example");
    let example =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.toml")).unwrap();
    let switched_on: String = example
        .lines()
        .filter(|line| !line.starts_with("#secret_group"))
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
            _ => line,
        })
        .fold(String::new(), |text, line| text + line + "\n");
    folder.write("password", "x", 0o600);
    let config = folder.load(&switched_on).unwrap();
    assert_eq!(config.minimum_length, MINIMUM_LENGTH);
    assert_eq!((config.hasher, config.ascii, config.time_zone), (Hasher::Auto, false, TimeZone::Local));
    assert_eq!(config.roles.0.len(), 3);
    let as_it_is = folder.write("config.toml", &example, 0o644);
    let flags =
        Flags { config: Some(as_it_is), database: Some("sqlite:///srv/x.db".into()), ..Flags::default() };
    Config::load(&flags, &Environment::default()).unwrap();
}
