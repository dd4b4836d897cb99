//! The commands on a portal of their own: what they write, what they print, and what they refuse.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use serde_json::{Value, json};

const CANARY: &str = "Canary-Plover-41-Qx";

/// A home with an embedded portal in it.
struct Home(PathBuf);

impl Home {
    fn empty(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("portaldesk-commands-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// With one superuser, `root`.
    fn new(test: &str) -> Self {
        let home = Self::empty(test);
        home.ok(&["init"]);
        home.ok(&["create-superuser", "--username", "root", "--password-generate"]);
        home
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(cargo_bin("portaldesk"));
        command.env_clear().env("HOME", &self.0).env("TZ", "UTC").args(arguments).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn with_input(&self, input: &str, arguments: &[&str]) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// What a command prints, which must end well.
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let mut with_json = vec!["--json"];
        with_json.extend_from_slice(arguments);
        serde_json::from_str(&self.ok(&with_json)).unwrap()
    }

    /// Exit code and the error object.
    fn refused(&self, arguments: &[&str]) -> (i32, Value) {
        let mut with_json = vec!["--json"];
        with_json.extend_from_slice(arguments);
        let output = self.run(&with_json);
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        (output.status.code().unwrap(), serde_json::from_str(&text(&output.stderr)).unwrap())
    }

    fn user(&self, name: &str) -> Value {
        self.json(&["user", "show", name])["item"].clone()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_first_superuser_is_in_the_admin_group() {
    let home = Home::empty("first");
    home.ok(&["init"]);
    let (code, error) = home.refused(&["create-superuser", "--username", "root"]);
    assert_eq!(code, 2);
    assert!(error["error"]["message"].as_str().unwrap().contains("--password-generate"));
    let output = home.with_input("short\n", &["create-superuser", "--username", "root", "--password-stdin"]);
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(home.json(&["history"])["total"], 0, "a weak password makes no groups either");
    let ahead = home.json(&["create-superuser", "--username", "root", "--dry-run"]);
    let made =
        home.json(&["createsuperuser", "--username", "root", "--email", "r@x.org", "--password-generate"]);
    let fields = ["portaldesk", "kind", "operation", "rows", "dry_run", "plan", "operations", "password"];
    assert_eq!(keys(&made), fields);
    assert_eq!((made["rows"].clone(), ahead["rows"].clone()), (json!(6), json!(6)));
    assert_eq!(ahead["plan"][5]["after"], json!({"user_id": {"new_id": 4}, "group_id": {"new_id": 1}}));
    assert_eq!(made["operations"].as_array().unwrap().len(), 2, "the groups and the account");
    assert_eq!((made["portaldesk"].clone(), made["kind"].clone()), (json!(1), json!("change")));
    let root = home.user("root");
    assert_eq!(
        keys(&root),
        [
            "id",
            "username",
            "first_name",
            "last_name",
            "email",
            "is_active",
            "is_staff",
            "is_superuser",
            "date_joined",
            "last_login",
            "groups",
            "access",
            "password_algorithm",
            "profile",
            "permissions",
            "effective_permissions",
            "referring",
            "lockouts"
        ]
    );
    assert_eq!(root["groups"], json!(["Admin"]));
    assert_eq!((root["access"].clone(), root["is_staff"].clone()), (json!("superuser"), json!(true)));
    assert_eq!(root["password_algorithm"], "argon2");
    assert_eq!(
        keys(&root["profile"]),
        [
            "id",
            "department",
            "phone_number",
            "main_portal_id",
            "email_notifications",
            "created_at",
            "updated_at"
        ]
    );
    let stats = home.json(&["stats"]);
    assert_eq!((stats["kind"].clone(), stats["item"]["users"].clone()), (json!("stats"), json!(1)));
    assert_eq!(stats["item"]["groups"].as_array().unwrap().len(), 3);
    assert_eq!(stats["item"]["access"][0], json!({"access": "superuser", "users": 1}));
    assert_eq!(stats["item"]["joined"]["months"][0]["users"], json!(1));
    assert_eq!(
        (stats["item"]["last_login"]["never"].clone(), stats["item"]["one_to_one"].clone()),
        (json!(1), json!(true))
    );
    assert_eq!(stats["item"]["findings"][3]["severity"], "info");
    let nothing = home.json(&["setup_groups"]);
    assert_eq!((nothing["operation"].clone(), nothing["rows"].clone()), (json!(null), json!(0)));
}

#[test]
fn an_account_is_made_edited_and_taken_back() {
    let home = Home::new("life");
    let made = home.json(&[
        "user",
        "add",
        "--username",
        "bela",
        "--first-name",
        "Béla",
        "--email",
        "b@x.org",
        "--phone-number",
        "+36 1 555",
        "--main-portal-id",
        "AL-1",
        "--group",
        "Engineer",
        "--no-email-notifications",
        "--ticket",
        "T-9",
    ]);
    assert_eq!(made["rows"], 3);
    assert!(made.get("password").is_none());
    let bela = home.user("bela");
    assert_eq!(bela["password_algorithm"], "unusable");
    assert_eq!(bela["profile"]["email_notifications"], false);
    let edited = home.json(&[
        "user",
        "edit",
        "bela",
        "--phone-number",
        "",
        "--set-groups",
        "AMC Admin,Engineer",
        "--staff",
        "--email-notifications",
    ]);
    let bela = home.user("bela");
    assert_eq!(bela["profile"]["phone_number"], json!(null));
    assert_eq!(bela["profile"]["main_portal_id"], "AL-1");
    assert_eq!(bela["groups"], json!(["AMC Admin", "Engineer"]));
    assert_eq!((bela["access"].clone(), bela["is_staff"].clone()), (json!("AMC Admin"), json!(true)));
    home.ok(&["user", "edit", "bela", "--remove-group", "Engineer", "--no-staff"]);
    assert_eq!(home.user("bela")["groups"], json!(["AMC Admin"]));
    home.ok(&["user", "edit", "bela", "--set-groups", ""]);
    assert_eq!(home.user("bela")["groups"], json!([]));

    let history = home.json(&["history", "--about", "bela"]);
    assert_eq!((history["kind"].clone(), history["total"].clone()), (json!("history"), json!(4)));
    let oldest = &history["items"][3];
    assert_eq!(
        (oldest["operation"].clone(), oldest["ticket"].clone()),
        (made["operation"].clone(), json!("T-9"))
    );
    assert_eq!(keys(&oldest["actor"]), ["user", "unix", "from"]);
    assert_eq!((oldest["source"].clone(), oldest["undone_by"].clone()), (json!("portaldesk"), json!(null)));
    assert_eq!(home.json(&["history", "--by", "nobody"])["total"], 0);
    assert_eq!(home.json(&["history", "--since", "1h"])["total"].as_u64().unwrap(), 6);

    for operation in
        history["items"].as_array().unwrap().iter().map(|item| item["operation"].as_str().unwrap())
    {
        home.ok(&["undo", operation]);
    }
    assert_eq!(home.refused(&["user", "show", "bela"]).0, 4);
    let undone = home.json(&["history"]);
    let item = |operation: &Value| {
        undone["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|item| item["operation"] == *operation)
            .cloned()
            .unwrap()
    };
    let undo = item(&edited["operation"])["undone_by"].clone();
    assert_eq!(item(&undo)["undo_of"], edited["operation"]);
    assert_eq!(home.refused(&["undo", made["operation"].as_str().unwrap()]).0, 4);
}

#[test]
fn history_is_asked_by_what_it_shows() {
    let home = Home::new("asked");
    home.ok(&["user", "add", "--username", "bela"]);
    home.ok(&["user", "edit", "bela", "--username", "bella"]);
    let total = |arguments: &[&str]| home.json(&[&["history"], arguments].concat())["total"].clone();
    assert_eq!(total(&["--about", "bella"]), 2);
    assert_eq!(total(&["--about", "bela"]), 2, "by the name of former times");
    let all = home.json(&["history"]);
    let unix = format!("unix:{}", all["items"][0]["actor"]["unix"].as_str().unwrap());
    assert_eq!(total(&["--by", &unix]), all["total"]);
    for _ in 0..2 {
        let newest = &home.json(&["history", "--about", "bela"])["items"];
        let open =
            newest.as_array().unwrap().iter().find(|it| it["undone_by"].is_null() && it["undo_of"].is_null());
        home.ok(&["undo", open.unwrap()["operation"].as_str().unwrap()]);
    }
    assert_eq!(total(&["--about", "bela"]), 4, "also when they are gone");
    assert_eq!(home.refused(&["history", "--about", "nobody"]).0, 4);
}

#[test]
fn a_change_that_could_not_be_reported_is_named() {
    let home = Home::new("full");
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let Ok(full) = full else { return };
    let mut edit = home.command(&["--json", "user", "edit", "root", "--first-name", "Ada"]);
    let output = edit.stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let error: Value = serde_json::from_str(&text(&output.stderr)).unwrap();
    assert_eq!(error["error"]["operation"], home.json(&["history"])["items"][0]["operation"]);
    assert_eq!(home.user("root")["first_name"], "Ada");
}

#[test]
fn without_our_tables_it_is_said_that_there_is_no_journal() {
    let home = Home::new("removed");
    let root = home.json(&["history"])["items"][0]["operation"].as_str().unwrap().to_owned();
    let ahead = home.run(&["init", "--remove", "--dry-run"]);
    assert!(text(&ahead.stdout).contains("Would export 2 operations"), "{}", text(&ahead.stdout));
    home.ok(&["init", "--remove", "--yes"]);
    assert_eq!(home.json(&["history"])["total"], 0, "the portal's own log is there still, and empty");
    for arguments in [&["undo", &root][..], &["history", "--verify"], &["init", "--remove", "--yes"]] {
        let (code, error) = home.refused(arguments);
        let message = error["error"]["message"].as_str().unwrap();
        assert!(code == 4 && (message.contains("no journal") || message.contains("no portaldesk tables")));
    }
    let ahead = home.run(&["init", "--dry-run"]);
    assert!(text(&ahead.stderr).contains("CREATE TABLE portaldesk_change"), "{}", text(&ahead.stderr));
}

#[test]
fn a_dry_run_shows_the_plan_and_writes_nothing() {
    let home = Home::new("dry");
    let before = home.json(&["history"])["total"].clone();
    let plan = home.json(&["user", "add", "--username", "bela", "--group", "Engineer", "--dry-run"]);
    assert_eq!((plan["operation"].clone(), plan["dry_run"].clone()), (json!(null), json!(true)));
    assert_eq!(plan["plan"].as_array().unwrap().len(), 3);
    assert_eq!(keys(&plan["plan"][0]), ["step", "kind", "table", "key", "before", "after"]);
    assert_eq!(plan["plan"][0]["after"]["password"], "********");
    let text = home.ok(&["user", "edit", "root", "--first-name", "Ada", "--dry-run"]);
    assert!(
        text.contains("first_name") && text.contains("→ Ada") && text.contains("Nothing was written"),
        "{text}"
    );
    assert_eq!(home.refused(&["user", "show", "bela"]).0, 4);
    assert_eq!(home.json(&["history"])["total"], before);
}

#[test]
fn refusals_name_the_field() {
    let home = Home::new("refusals");
    home.ok(&["user", "add", "--username", "bela"]);
    for (arguments, kind, field) in [
        (&["user", "add", "--username", "b ela"][..], "invalid", "username"),
        (&["user", "add", "--username", "bela"], "duplicate", "username"),
        (&["user", "add", "--username", "c", "--email", "nope"], "invalid", "email"),
        (&["user", "edit", "bela", "--group", "Enginer"], "invalid", "groups"),
        (&["user", "edit", "bela", "--department", "IT"], "invalid", "department"),
    ] {
        let (code, error) = home.refused(arguments);
        assert_eq!((code, error["error"]["kind"].as_str().unwrap()), (4, kind), "{arguments:?}");
        assert!(error["error"]["fields"][field].is_array(), "{error}");
    }
    let (_, error) = home.refused(&["user", "show", "BELA"]);
    assert!(error["error"]["message"].as_str().unwrap().contains("Did you mean 'bela'?"), "{error}");
    let (code, error) = home.refused(&["user", "add", "--username", "BELA"]);
    assert!(code == 4 && error["error"]["message"].as_str().unwrap().contains("'bela'"), "{error}");
    let (code, error) = home.refused(&["user", "deactivate", "bela", "root"]);
    assert_eq!((code, error["error"]["kind"].as_str().unwrap()), (4, "denied"));
    assert_eq!(home.user("bela")["is_active"], true, "all or none");
    assert_eq!(home.refused(&["--read-only", "user", "deactivate", "bela"]).1["error"]["kind"], "denied");
    assert_eq!(home.refused(&["user", "edit", "bela"]).0, 2);
    assert_eq!(home.json(&["user", "deactivate", "bela", "bela"])["rows"], 1);
    assert_eq!(home.json(&["user", "deactivate", "bela"])["operation"], json!(null), "nothing to do");
}

#[test]
fn a_password_is_never_printed() {
    let home = Home::new("canary");
    let file = home.0.join("password");
    fs::write(&file, format!("{CANARY}\n")).unwrap();
    let line = format!("{CANARY}\n");
    let mut printed = String::new();
    for output in [
        home.with_input(&line, &["user", "add", "--username", "bela", "--password-stdin"]),
        home.with_input(&line, &["--json", "change-password", "bela", "--password-stdin"]),
        home.run(&["user", "password", "bela", "--password-file", file.to_str().unwrap(), "--dry-run"]),
        home.run(&["user", "show", "bela"]),
        home.run(&["--json", "history"]),
    ] {
        assert!(output.status.success(), "{}", text(&output.stderr));
        printed += &text(&output.stdout);
        printed += &text(&output.stderr);
    }
    for entry in fs::read_dir(home.0.join(".local/state/portaldesk")).unwrap() {
        printed += &fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    assert!(!printed.contains(CANARY) && !printed.contains("argon2$"), "{printed}");
    let database = fs::read(home.0.join(".local/share/portaldesk/portal.sqlite3")).unwrap();
    assert!(!database.windows(CANARY.len()).any(|bytes| bytes == CANARY.as_bytes()));
}

#[test]
fn a_weak_password_is_refused_and_an_old_one_stays_away() {
    let home = Home::new("weak");
    home.ok(&["user", "add", "--username", "bela", "--password-generate"]);
    let output = home.with_input("12345678\n", &["--json", "user", "password", "bela", "--password-stdin"]);
    assert_eq!(output.status.code(), Some(4));
    let error: Value = serde_json::from_str(&text(&output.stderr)).unwrap();
    assert!(error["error"]["fields"]["password"].is_array());
    assert_eq!(home.with_input("", &["user", "password", "bela", "--password-stdin"]).status.code(), Some(2));
    assert_eq!(home.refused(&["user", "password", "bela"]).0, 2, "without a terminal nothing is asked");
    let set = home.json(&["user", "password", "bela", "--password-generate"]);
    let operation = set["operation"].as_str().unwrap();
    let (code, error) = home.refused(&["undo", operation]);
    assert_eq!(code, 4);
    assert!(error["error"]["message"].as_str().unwrap().contains("--restore-password"));
    assert_eq!(home.json(&["undo", operation, "--restore-password"])["rows"], 1);
}

#[test]
fn accounts_are_off_boarded_and_deleted_all_or_none_and_taken_back() {
    let home = Home::new("leave");
    home.ok(&["user", "add", "--username", "bela", "--password-generate", "--staff", "--group", "Engineer"]);
    home.ok(&["user", "add", "--username", "cho", "--password-generate"]);
    let bela = home.user("bela");

    // One plan an account, one run, one undo.
    let done = home.json(&["user", "offboard", "bela", "cho", "bela"]);
    assert_eq!(keys(&done), ["portaldesk", "kind", "operation", "rows", "dry_run", "plan", "operations"]);
    assert_eq!((&done["rows"], done["operations"].as_array().unwrap().len()), (&json!(5), 2));
    assert!(!done.to_string().contains("argon2"), "{done}");
    let off = home.user("bela");
    for flag in ["is_active", "is_staff", "is_superuser"] {
        assert_eq!(off[flag], false, "{flag}");
    }
    assert_eq!((&off["password_algorithm"], &off["groups"]), (&json!("unusable"), &json!([])));
    assert_eq!(off["profile"]["email_notifications"], false);
    let again = home.json(&["user", "offboard", "bela", "cho"]);
    assert_eq!((&again["operation"], &again["rows"]), (&Value::Null, &json!(0)));
    let run = done["operation"].as_str().unwrap();
    let undone = home.json(&["--yes", "undo", run, "--restore-password"]);
    assert_eq!(undone["rows"], 5);
    assert_eq!(home.user("bela")["password_algorithm"], bela["password_algorithm"]);

    // Nobody can be asked, so --yes is needed; a dry run needs none.
    let (code, error) = home.refused(&["user", "delete", "bela"]);
    assert_eq!((code, &error["error"]["kind"]), (2, &json!("usage")));
    let ahead = home.json(&["user", "delete", "bela", "--dry-run"]);
    assert_eq!((&ahead["operation"], &ahead["rows"]), (&Value::Null, &json!(3)));
    let tables: Vec<&str> =
        ahead["plan"].as_array().unwrap().iter().map(|step| step["table"].as_str().unwrap()).collect();
    assert_eq!(tables, ["auth_user_groups", "core_userprofile", "auth_user"]);

    // The last superuser stays, and with them everyone who was to go too.
    let (code, error) = home.refused(&["--yes", "user", "delete", "bela", "root"]);
    assert_eq!((code, &error["error"]["kind"]), (4, &json!("denied")));
    assert_eq!((&home.user("bela")["id"], &home.user("root")["is_active"]), (&bela["id"], &json!(true)));

    let gone = home.json(&["--yes", "user", "delete", "bela"]);
    assert!(!home.run(&["user", "show", "bela"]).status.success());
    // An account that comes back is as it was, its password too: that is said.
    let undone = home.run(&["undo", gone["operation"].as_str().unwrap()]);
    assert!(undone.status.success(), "{}", text(&undone.stderr));
    assert!(
        text(&undone.stderr).contains("Note: bela comes back with the password of before"),
        "{}",
        text(&undone.stderr)
    );
    let back = home.user("bela");
    assert_eq!(back["password_algorithm"], bela["password_algorithm"]);
    assert_eq!((&back["id"], &back["profile"]["id"]), (&bela["id"], &bela["profile"]["id"]));
    assert_eq!(back["groups"], json!(["Engineer"]));
}

#[test]
fn a_new_account_takes_after_another_but_not_its_power_or_identity() {
    let home = Home::new("like");
    let template = [
        "--username",
        "bela",
        "--group",
        "Engineer",
        "--staff",
        "--no-email-notifications",
        "--phone-number",
        "07",
    ];
    home.ok(&[&["user", "add", "--email", "b@x.org", "--main-portal-id", "B31"], &template[..]].concat());
    home.ok(&["user", "add", "--username", "cho", "--like", "bela"]);
    let cho = home.user("cho");
    assert_eq!(
        (&cho["groups"], &cho["profile"]["email_notifications"]),
        (&json!(["Engineer"]), &json!(false))
    );
    assert_eq!((&cho["is_staff"], &cho["email"]), (&json!(false), &json!("")));
    assert_eq!(
        (&cho["profile"]["main_portal_id"], &cho["profile"]["phone_number"]),
        (&Value::Null, &Value::Null)
    );
    let output = home.run(&["user", "add", "--username", "dora", "--like", "bela", "--group", "AMC Admin"]);
    assert!(text(&output.stderr).contains("--staff gives is not copied"), "{}", text(&output.stderr));
    assert_eq!(home.user("dora")["groups"], json!(["AMC Admin"]));
    let (code, error) = home.refused(&["user", "add", "--username", "eva", "--like", "nobody"]);
    assert_eq!(code, 4, "{error}");
}

#[test]
fn a_portal_id_is_taken_over_when_asked() {
    let home = Home::new("take-over");
    home.ok(&["user", "add", "--username", "bela", "--main-portal-id", "B31"]);
    home.ok(&["user", "add", "--username", "cho"]);
    let (code, error) = home.refused(&["user", "edit", "cho", "--take-over-portal-id"]);
    assert_eq!(code, 2, "{error}");
    let (code, error) = home.refused(&["user", "edit", "cho", "--main-portal-id", "B31"]);
    assert_eq!((code, &error["error"]["kind"]), (4, &json!("duplicate")));
    let taking = ["user", "edit", "cho", "--main-portal-id", "B31", "--take-over-portal-id"];
    let shown = home.json(&[&taking[..], &["--dry-run"]].concat());
    assert_eq!((&shown["rows"], &shown["operation"]), (&json!(2), &Value::Null));
    let done = home.json(&taking);
    let id = |name: &str| home.user(name)["profile"]["main_portal_id"].clone();
    assert_eq!((id("bela"), id("cho")), (Value::Null, json!("B31")));
    home.ok(&["undo", done["operation"].as_str().unwrap()]);
    assert_eq!((id("bela"), id("cho")), (json!("B31"), Value::Null));
}

#[test]
fn who_has_to_be_told_of_a_change_is_said() {
    let home = Home::new("told");
    home.ok(&["user", "add", "--username", "bela", "--password-generate", "--inactive"]);
    let said = |arguments: &[&str]| text(&home.run(arguments).stderr);
    assert!(said(&["user", "activate", "bela"]).contains("come back to life"));
    assert!(said(&["user", "edit", "bela", "--username", "Bela"]).contains("bela signs in as Bela"));
    home.ok(&["user", "offboard", "Bela"]);
    assert!(said(&["user", "activate", "Bela"]).contains("no usable password"));
    let titles: Vec<String> = home.json(&["history"])["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["title"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(titles[..3], ["Activate Bela", "Off-board Bela", "Rename bela to Bela"]);
}

#[test]
fn a_signal_ends_the_wait_for_a_password() {
    let home = Home::new("wait");
    let mut child = home
        .command(&["user", "password", "root", "--password-stdin"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pipe = child.stdin.take().unwrap();
    let id = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    let begun = Instant::now();
    // Before it is watched for the signal would end the process by itself.
    while !caught(child.id()) {
        assert!(begun.elapsed() < Duration::from_secs(30), "the signals are not watched");
        std::thread::yield_now();
    }
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    let sent = Instant::now();
    // 128 + SIGTERM, although nobody wrote a line or closed the pipe.
    assert_eq!(child.wait().unwrap().code(), Some(128 + 15));
    assert!(sent.elapsed() < Duration::from_secs(10), "it took {:?}", sent.elapsed());
    drop(pipe);
}

/// Whether a process catches SIGTERM; taken for granted where the system doesn't tell.
fn caught(process: u32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{process}/status")) else { return true };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or("0");
    u64::from_str_radix(mask.trim(), 16).unwrap_or(0) & (1 << (15 - 1)) != 0
}

#[test]
fn a_list_is_searched_sorted_and_limited() {
    let home = Home::new("list");
    for name in ["ann", "bela", "carl"] {
        home.ok(&["user", "add", "--username", name, "--last-name", "Novak"]);
    }
    let names = |arguments: &[&str]| -> Vec<String> {
        let mut line = vec!["user", "list"];
        line.extend_from_slice(arguments);
        let list = home.json(&line);
        assert_eq!(list["kind"], "users");
        let items = list["items"].as_array().unwrap();
        items.iter().map(|item| item["username"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&["novak", "--sort", "username", "--descending"]), ["carl", "bela", "ann"]);
    assert_eq!(names(&["novak", "--limit", "2"]), ["ann", "bela"]);
    assert_eq!(names(&["nobody"]), Vec::<String>::new());
    // SQLite refuses patterns of more than 50,000 bytes, and no engine holds such a text of a user.
    let long = "x".repeat(60_000);
    let (code, error) = home.refused(&["user", "list", &long]);
    let words = error["error"]["message"].as_str().unwrap();
    assert!(code == 2 && words.contains("at character 1: no text of a user is longer"), "{code}: {words}");
    assert_eq!(home.refused(&["user", "show", &long]).0, 4);
    assert_eq!(home.refused(&["history", "--about", &long]).0, 4);
    assert_eq!(home.json(&["user", "list", "novak", "--limit", "1"])["total"], 3);
    let table = home.ok(&["user", "list"]);
    assert!(table.starts_with("username") && table.contains("bela"), "{table}");
}

#[test]
fn a_sample_is_the_same_every_time_but_for_its_passwords() {
    let home = Home::empty("demo");
    let make = |folder: &str| {
        let folder = home.0.join(folder);
        home.json(&[
            "demo",
            "--no-tui",
            "--users",
            "150",
            "--faults",
            "20",
            "--dir",
            folder.to_str().unwrap(),
        ])
    };
    let (one, two) = (make("one"), make("two"));
    assert_eq!(keys(&one), ["portaldesk", "kind", "database", "users", "faults", "accounts"]);
    assert_eq!((one["users"].clone(), one["faults"].clone()), (json!(150), two["faults"].clone()));
    assert_eq!(one["accounts"].as_array().unwrap().len(), 5);
    assert_ne!(one["accounts"][0]["password"], two["accounts"][0]["password"]);
    let people = |sample: &Value| -> Vec<Value> {
        let list = home.json(&["--database", sample["database"].as_str().unwrap(), "user", "list"]);
        assert_eq!(list["total"], 150);
        let field =
            |item: &Value| json!([item["username"], item["groups"], item["profile"]["main_portal_id"]]);
        list["items"].as_array().unwrap().iter().map(field).collect()
    };
    assert_eq!(people(&one), people(&two));
    let folder = home.0.join("one");
    let (code, _) = home.refused(&["demo", "--no-tui", "--dir", folder.to_str().unwrap()]);
    assert_eq!(code, 4);
}

#[test]
fn faults_are_found_and_repaired() {
    let home = Home::empty("faults");
    let folder = home.0.join("sample");
    let sample = home.json(&[
        "demo",
        "--no-tui",
        "--users",
        "300",
        "--faults",
        "20",
        "--dir",
        folder.to_str().unwrap(),
    ]);
    let database = ["--database", sample["database"].as_str().unwrap(), "--json"];
    let run = |arguments: &[&str]| -> (i32, Value) {
        let output = home.run(&[&database[..], arguments].concat());
        (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap_or_default())
    };
    let (code, report) = run(&["check"]);
    assert_eq!(code, 1);
    let names = ["portaldesk", "kind", "findings", "accepted", "summary", "skipped"];
    assert_eq!(keys(&report)[..6], names);
    assert_eq!(keys(&report["summary"]), ["critical", "error", "warning", "info", "accepted"]);
    let found = |report: &Value, id: &str| -> Value {
        report["findings"].as_array().unwrap().iter().find(|it| it["id"] == id).cloned().unwrap_or_default()
    };
    let profiles = found(&report, "PRF-001");
    assert_eq!((profiles["severity"].clone(), profiles["class"].clone()), (json!("error"), json!("A")));
    assert_eq!(profiles["count"].as_u64().unwrap(), profiles["rows"].as_array().unwrap().len() as u64);
    assert_eq!(run(&["check", "--only", "GRP-001"]).0, 0);
    assert_eq!(run(&["check", "--only", "GRP-003", "--fail-on", "error"]).0, 0);
    assert_eq!(run(&["check", "--only", "NO-001"]).0, 2);

    assert_eq!(run(&["fix-user-profiles"]).0, 2, "without a terminal it needs --yes");
    let (code, ahead) = run(&["fix_user_profiles", "--dry-run"]);
    assert_eq!((code, ahead["dry_run"].clone()), (1, json!(true)));
    assert_eq!(found(&run(&["check"]).1, "PRF-001"), profiles, "a dry run writes nothing");
    let (code, fixed) = run(&["fix-user-profiles", "--only", "PRF-001,PRF-003,REL-001", "--yes"]);
    assert_eq!((code, fixed["remaining"].clone()), (0, json!([])));
    let repaired = fixed["repaired"].as_array().unwrap();
    assert_eq!(repaired.len(), 3);
    assert_eq!(run(&["fix-user-profiles", "--only", "PRF-001"]).0, 0, "nothing to ask for");
    let repair = repaired[0]["operation"].as_str().unwrap();
    assert!(repaired.iter().all(|repaired| repaired["operation"] == repair), "one run: {repaired:?}");
    assert_eq!(run(&["undo", repair]).0, 0);
    assert_eq!(found(&run(&["check"]).1, "PRF-001")["count"], profiles["count"]);
}

#[test]
fn a_fresh_portal_with_a_superuser_is_clean() {
    let home = Home::new("clean");
    let report = home.json(&["check"]);
    assert_eq!(report["findings"], json!([]));
    assert!(home.ok(&["check"]).contains("Clean"));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let home = Home::new("pipe");
    let mut child =
        home.command(&["user", "list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_signal_ends_a_long_command_in_good_order() {
    let home = Home::empty("signal");
    let folder = home.0.join("sample");
    let mut child = home
        .command(&["demo", "--no-tui", "--users", "10000000", "--dir", folder.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let file = folder.join("portal.sqlite3");
    let begun = Instant::now();
    while !file.exists() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the sample is not begun");
        std::thread::yield_now();
    }
    let id = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    let sent = Instant::now();
    let status = child.wait().unwrap();
    // 128 + SIGTERM.
    assert_eq!(status.code(), Some(128 + 15));
    assert!(sent.elapsed() < Duration::from_secs(10), "it took {:?}", sent.elapsed());
}
