//! The command line from outside: exit codes, where messages go, and what never stands in them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use assert_cmd::Command;
use serde_json::Value;

const CANARY: &str = "canary-91c4";

/// A home of its own for the program.
struct Home(PathBuf);

impl Home {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("portaldesk-usage-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("portaldesk").unwrap();
        command.env_clear().env("HOME", &self.0).args(arguments);
        command
    }

    /// Exit code, stdout, stderr.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn usage_errors_are_exit_2_for_people_and_programs() {
    let home = Home::new("usage");
    for arguments in [
        &["histroy"][..],
        &["user", "add"],
        &["user", "list", "--nope"],
        &["check", "--fail-on", "never"],
        &["--database"],
    ] {
        let (code, stdout, stderr) = home.run(arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(stderr.starts_with("portaldesk: "), "{stderr}");
        let mut with_json = vec!["--json"];
        with_json.extend_from_slice(arguments);
        let (code, stdout, stderr) = home.run(&with_json);
        assert_eq!((code, stdout.as_str()), (2, ""), "{with_json:?}");
        let error: Value = serde_json::from_str(&stderr).unwrap();
        assert_eq!(error["error"]["kind"], "usage");
        assert!(error["error"]["fields"].is_object());
    }
}

#[test]
fn help_and_version_are_results() {
    let home = Home::new("help");
    let (code, stdout, stderr) = home.run(&["--version"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(stdout.trim(), concat!("portaldesk ", env!("CARGO_PKG_VERSION")));
    let (code, stdout, _) = home.run(&["user", "edit", "--help"]);
    assert_eq!(code, 0);
    for option in ["--main-portal-id", "--set-groups", "--no-email-notifications", "--dry-run", "--ticket"] {
        assert!(stdout.contains(option), "{option}");
    }
}

#[test]
fn a_wrong_database_is_named_and_its_password_is_not() {
    let home = Home::new("url");
    let with_password = format!("mysql://u:{CANARY}@127.0.0.1/a");
    let wrong_port = format!("mysql://u:{CANARY}@127.0.0.1:x/a");
    for (url, part) in [
        (with_password.as_str(), "PORTALDESK_DATABASE_PASSWORD"),
        (&wrong_port, "port"),
        ("mongodb://h/a", "mongodb"),
        ("portal.db", "sqlite:///"),
    ] {
        let (code, stdout, stderr) = home.run(&["--database", url, "stats"]);
        assert_eq!((code, stdout.as_str()), (2, ""), "{url}");
        assert!(stderr.contains(part) && !stderr.contains("canary"), "{stderr}");
    }
    let output = home.command(&["stats"]).env("PORTALDESK_DATABASE_URL", &wrong_port).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("PORTALDESK_DATABASE_URL") && !stderr.contains("canary"), "{stderr}");
}

#[test]
fn a_password_given_as_an_argument_is_refused_and_not_repeated() {
    let home = Home::new("argument");
    let option = format!("--password={CANARY}");
    for arguments in [&["change-password", "bob", CANARY][..], &["user", "add", "--username", "bob", &option]]
    {
        let (code, stdout, stderr) = home.run(arguments);
        assert_eq!(code, 2);
        assert!(!stdout.contains("canary") && !stderr.contains("canary"), "{stderr}");
    }
}

#[test]
fn a_configuration_open_to_others_is_refused_by_name() {
    let home = Home::new("open");
    let path = home.0.join("config.toml");
    fs::write(&path, format!("[portal.x.database]\nengine='mysql'\nname='a'\npassword='{CANARY}'\n"))
        .unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let (code, _, stderr) = home.run(&["--config", path.to_str().unwrap(), "stats"]);
    assert_eq!(code, 2);
    assert!(stderr.contains(path.to_str().unwrap()) && stderr.contains("0644"), "{stderr}");
    assert!(!stderr.contains("canary"));
}

#[test]
fn an_unknown_key_gets_a_suggestion_and_its_line() {
    let home = Home::new("key");
    let folder = home.0.join(".config/portaldesk");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), "[passwords]\nminimum_lenght = 9\n").unwrap();
    let output = home.command(&["stats"]).env("XDG_CONFIG_HOME", home.0.join(".config")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("line 2") && stderr.contains("did you mean minimum_length?"), "{stderr}");
}

#[test]
fn the_embedded_database_is_refused_under_sudo() {
    let home = Home::new("sudo");
    let output = home.command(&["stats"]).env("SUDO_USER", "alice").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("sudo") && stderr.contains("--database sqlite://"), "{stderr}");
}

#[test]
fn a_server_that_is_not_there_is_exit_3() {
    let home = Home::new("unreachable");
    for scheme in ["mysql", "postgres"] {
        // Port 1 (tcpmux) is reserved and nothing listens there.
        let url = format!("{scheme}://clerk@127.0.0.1:1/alpha");
        let output = home
            .command(&["--database", &url, "--json", "stats"])
            .env("PORTALDESK_DATABASE_PASSWORD", CANARY)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{scheme}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        let error: Value = serde_json::from_str(&stderr).unwrap();
        assert_eq!(error["error"]["kind"], "unreachable");
        assert!(stderr.contains("alpha@127.0.0.1:1") && !stderr.contains("canary"), "{stderr}");
    }
    let (code, _, stderr) = home.run(&["--database", "sqlite:///nonexistent/x.db", "stats"]);
    assert_eq!(code, 3);
    assert!(stderr.contains("/nonexistent/x.db"), "{stderr}");
}

#[test]
fn the_embedded_database_is_made_private_by_init() {
    let home = Home::new("init");
    let (code, _, stderr) = home.run(&["stats"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("portaldesk init"), "{stderr}");
    let (code, stdout, _) = home.run(&["init", "--json", "--dry-run"]);
    assert_eq!(code, 0);
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap()["made"], "everything");
    let file = home.0.join(".local/share/portaldesk/portal.sqlite3");
    assert!(!file.exists());
    let (code, stdout, _) = home.run(&["init"]);
    assert_eq!(code, 0);
    assert!(stdout.contains(file.to_str().unwrap()), "{stdout}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    let (code, stdout, _) = home.run(&["init"]);
    assert_eq!(code, 0);
    assert!(stdout.contains("nothing"), "{stdout}");
    let logs: Vec<_> = fs::read_dir(home.0.join(".local/state/portaldesk")).unwrap().collect();
    assert!(!logs.is_empty());
    for log in logs {
        assert_eq!(log.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let (code, _, stderr) = home.run(&["init", "--remove"]);
    assert_eq!(code, 2, "without a terminal nothing is asked");
    assert!(stderr.contains("--yes"), "{stderr}");
    let (code, stdout, _) = home.run(&["init", "--remove", "--yes", "--json"]);
    assert_eq!(code, 0);
    let removed: Value = serde_json::from_str(&stdout).unwrap();
    assert!(fs::metadata(removed["export"].as_str().unwrap()).is_ok());
    assert_eq!(home.run(&["init", "--yes"]).0, 0);
}

#[test]
fn completions_and_manual_pages_need_no_database() {
    let home = Home::new("manual");
    for shell in ["bash", "zsh", "fish"] {
        let (code, stdout, stderr) = home.run(&["completions", shell]);
        assert_eq!((code, stderr.as_str()), (0, ""));
        assert!(stdout.contains("portaldesk"), "{shell}");
    }
    let folder = home.0.join("man");
    fs::create_dir(&folder).unwrap();
    let (code, ..) = home.run(&["man", folder.to_str().unwrap()]);
    assert_eq!(code, 0);
    let page = folder.join("portaldesk-user-add.1");
    assert_eq!(fs::metadata(&page).unwrap().permissions().mode() & 0o777, 0o644);
    assert!(fs::read_to_string(page).unwrap().contains("phone"));
    let (code, _, stderr) = home.run(&["man", "/nonexistent"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("/nonexistent"));
}
