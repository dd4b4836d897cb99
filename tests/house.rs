//! Holds the house to its plan (ARCHITECTURE.md): which folder may use which, which crate belongs where, who may write
//! which tables, and how large a file and a function may grow. Every rule is shown to catch an offender.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

#[path = "house/source.rs"]
mod source;

use std::path::{Path, PathBuf};

use source::{Kind, Token, functions, tokens};

/// The floors from the ground up. A folder, or a file at the top of `src/`, may use its own floor and those below.
///
/// The configuration makes a database's address and an account's settings out of text, so it stands above both; the
/// checks and the log know nothing of it. The command line starts the screens, so it stands above them; see [`DOORS`].
const FLOORS: [&[&str]; 8] = [
    &["error", "text"],
    &["portal"],
    &["db"],
    &["change"],
    &["directory"],
    &["integrity", "config", "logging"],
    &["tui"],
    &["cli"],
];

/// Where one folder may use only some names of another, although it stands above: user, used, names.
const DOORS: [(&str, &str, &[&str]); 1] = [("cli", "tui", &["run", "start", "terminal", "Exit"])];

/// Crates that belong to some folders only, so that nobody else has to know them.
const CRATES: [(&str, &[&str]); 14] = [
    ("sqlx", &["db"]),
    ("rustls", &["db"]),
    ("tokio_rustls", &["db"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("tui_input", &["tui"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("rpassword", &["cli"]),
    ("toml", &["config"]),
    ("tracing_appender", &["logging"]),
    ("tracing_subscriber", &["logging"]),
    ("directories", &["config"]),
];

/// The portal's types and rules are pure: they wait for nothing and touch nothing outside.
const NOT_IN_PORTAL: [&str; 3] = ["tokio", "futures_util", "tracing"];

/// The only file that turns text into SQL that sqlx hasn't seen as a literal.
const RAW_SQL: &str = "src/db/session.rs";

/// Who may name our own tables: the one who writes them, who makes them, and who looks whether they are there.
const OWN_TABLES: [&str; 8] = [
    "src/db/own.rs",
    "src/db/own/baseline.rs",
    "src/db/own/journal.rs",
    "src/db/own/prepared.rs",
    "src/db/own/runs.rs",
    "src/db/own/sign_in.rs",
    "src/db/migrate.rs",
    "src/db/schema.rs",
];

/// Who may write the portal's tables. The sample fills a new database that no portal uses, past the journal; a dump is
/// SQL that goes into a file.
const PORTAL_WRITERS: [&str; 3] = ["src/change/", "src/directory/demo/", "src/db/dump/"];

/// Lines of a file, its tests included.
const FILE: usize = 700;

/// Lines of a function.
const FUNCTION: usize = 80;

/// Functions that are longer than [`FUNCTION`], how long, and why. The list may only get shorter, and so may they.
const LONG: [(&str, &str, usize, &str); 0] = [];

/// What stops the program where it should say what is wrong.
const STOPS: [&str; 2] = ["unwrap", "expect"];
const STOPPING_MACROS: [&str; 4] = ["panic", "todo", "unimplemented", "dbg"];

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
struct Offence {
    line: usize,
    what: String,
}

fn offence(token: &Token, what: String) -> Offence {
    Offence { line: token.line, what }
}

type Rule = fn(&str, &[Token]) -> Vec<Offence>;

/// Every rule about a file of `src/`: its path from the project's root, and its tokens.
const RULES: [Rule; 8] = [floors, doors, crates, raw_sql, own_tables, portal_tables, stops, lengths];

/// The folder of a file, or its own name at the top of `src/`.
fn folder(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split_once('/').map_or(inside.strip_suffix(".rs").unwrap_or(inside), |(folder, _)| folder)
}

fn floor(folder: &str) -> Option<usize> {
    FLOORS.iter().position(|names| names.contains(&folder))
}

/// The library's map and the program's first line see every floor.
fn is_roof(path: &str) -> bool {
    matches!(path, "src/lib.rs" | "src/main.rs")
}

/// The paths from the crate's root that a file names, as their segments: `crate::db::Sql` is `db`, `Sql`. Groups in
/// braces give a path each; `super` is followed to where it leads.
fn root_paths(path: &str, tokens: &[Token]) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let starts = at == 0 || !tokens[at - 1].is("::");
        let behind = tokens.get(at + 1).is_some_and(|next| next.is("::"));
        if !(starts && behind) {
            continue;
        }
        if token.is("crate") || token.is("portaldesk") {
            gather(tokens, at + 2, &[], &mut found);
        } else if token.is("super") {
            let mut inside = modules(path);
            let mut next = at;
            while tokens.get(next).is_some_and(|token| token.is("super")) {
                inside.pop();
                next += 2;
            }
            gather(tokens, next, &inside, &mut found);
        }
    }
    found
}

/// The modules that a file stands for: `src/db/own.rs` is `db`, `own`.
fn modules(path: &str) -> Vec<String> {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    let inside = inside.strip_suffix(".rs").unwrap_or(inside);
    let inside = inside.strip_suffix("mod").unwrap_or(inside).trim_end_matches('/');
    inside.split('/').map(str::to_owned).collect()
}

/// Follows a path from this token on; where it opens a group, each of its paths.
fn gather(tokens: &[Token], from: usize, before: &[String], found: &mut Vec<(usize, Vec<String>)>) {
    let mut path = before.to_vec();
    let mut at = from;
    while let Some(token) = tokens.get(at) {
        if token.is("{") {
            return gather_group(tokens, at + 1, &path, found);
        }
        if token.kind != Kind::Word {
            break;
        }
        path.push(token.text.clone());
        if !tokens.get(at + 1).is_some_and(|next| next.is("::")) {
            break;
        }
        at += 2;
    }
    if let Some(token) = tokens.get(from) {
        found.push((token.line, path));
    }
}

fn gather_group(tokens: &[Token], from: usize, before: &[String], found: &mut Vec<(usize, Vec<String>)>) {
    let mut depth = 0_usize;
    let mut fresh = true;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        if fresh && depth == 0 && token.kind == Kind::Word {
            gather(tokens, at, before, found);
        }
        fresh = token.is(",");
        if token.is("{") {
            depth += 1;
        } else if token.is("}") {
            if depth == 0 {
                return;
            }
            depth -= 1;
        }
    }
}

/// Dependencies point down only, and every folder has its floor.
fn floors(path: &str, tokens: &[Token]) -> Vec<Offence> {
    if is_roof(path) {
        return Vec::new();
    }
    let Some(own) = floor(folder(path)) else {
        let what = format!("'{}' has no floor: give it one in tests/house.rs", folder(path));
        return vec![Offence { line: 1, what }];
    };
    let above = |(line, used): (usize, Vec<String>)| {
        let used = used.first()?;
        (floor(used)? > own)
            .then(|| Offence { line, what: format!("{} uses {used}, which is above it", folder(path)) })
    };
    root_paths(path, tokens).into_iter().filter_map(above).collect()
}

/// Some neighbours are only seen through a door.
fn doors(path: &str, tokens: &[Token]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (user, used, names) in DOORS {
        if folder(path) != user {
            continue;
        }
        for (line, segments) in root_paths(path, tokens) {
            let [first, rest @ ..] = segments.as_slice() else { continue };
            if first == used && !rest.first().is_some_and(|name| names.contains(&name.as_str())) {
                offences.push(Offence { line, what: format!("{user} may use only {names:?} of {used}") });
            }
        }
    }
    offences
}

/// A crate that belongs to some folders is named nowhere else.
fn crates(path: &str, tokens: &[Token]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        let starts = !before.is_some_and(|token| token.is("::") || token.is("."));
        let named = before.is_some_and(|token| token.is("use"))
            || tokens.get(at + 1).is_some_and(|next| next.is("::"));
        if token.kind != Kind::Word || !starts || !named {
            continue;
        }
        let elsewhere =
            CRATES.iter().any(|(name, folders)| token.text == *name && !folders.contains(&folder(path)));
        let in_portal = folder(path) == "portal" && NOT_IN_PORTAL.contains(&token.text.as_str());
        if elsewhere || in_portal {
            offences.push(offence(token, format!("{} uses the crate {}", folder(path), token.text)));
        }
    }
    offences
}

fn raw_sql(path: &str, tokens: &[Token]) -> Vec<Offence> {
    let named = tokens.iter().filter(|token| token.is("AssertSqlSafe") && path != RAW_SQL);
    named.map(|token| offence(token, format!("only {RAW_SQL} may use AssertSqlSafe"))).collect()
}

fn texts(tokens: &[Token]) -> impl Iterator<Item = &Token> {
    tokens.iter().filter(|token| token.kind == Kind::Text)
}

fn own_tables(path: &str, tokens: &[Token]) -> Vec<Offence> {
    if OWN_TABLES.contains(&path) {
        return Vec::new();
    }
    let named = texts(tokens).filter(|token| token.text.contains("portaldesk_"));
    named.map(|token| offence(token, format!("only {OWN_TABLES:?} may name our own tables"))).collect()
}

/// SQL that writes the portal's tables, or a table whose name follows, stands in `change/` only.
fn portal_tables(path: &str, tokens: &[Token]) -> Vec<Offence> {
    if PORTAL_WRITERS.iter().any(|allowed| path.starts_with(allowed)) || OWN_TABLES.contains(&path) {
        return Vec::new();
    }
    let written = texts(tokens).filter(|token| writes(&token.text));
    written.map(|token| offence(token, format!("writes a table: '{}'", token.text))).collect()
}

/// Whether a piece of SQL writes a table other than our own. In SQL the words are in capitals, here as elsewhere.
fn writes(sql: &str) -> bool {
    let words: Vec<&str> =
        sql.split_whitespace().map(|word| word.trim_start_matches(['"', '`', '('])).collect();
    (0..words.len()).any(|at| {
        let table = match words[at..] {
            ["INSERT" | "REPLACE", "INTO", ..]
            | ["DELETE", "FROM", ..]
            | ["ALTER" | "DROP" | "TRUNCATE", "TABLE", ..] => at + 2,
            ["UPDATE", ..] if at == 0 || words[at - 1] != "FOR" => at + 1,
            _ => return false,
        };
        // At the end of a piece the table's name follows in the next one.
        words
            .get(table)
            .is_none_or(|name| ["auth_", "core_", "django_"].iter().any(|prefix| name.starts_with(prefix)))
    })
}

/// No `unwrap`, no `panic!`: clippy says so too, where it runs.
fn stops(_: &str, tokens: &[Token]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for three in tokens.windows(3) {
        let [before, word, behind] = three else { continue };
        let called = before.is(".") && behind.is("(") && STOPS.contains(&word.text.as_str());
        let macro_called = behind.is("!") && STOPPING_MACROS.contains(&word.text.as_str());
        if word.kind == Kind::Word && (called || macro_called) {
            offences.push(offence(word, format!("stops the program with {}", word.text)));
        }
    }
    offences
}

fn lengths(path: &str, tokens: &[Token]) -> Vec<Offence> {
    let long = |path: &str, name: &str| {
        let known = LONG.iter().find(|(file, function, ..)| *file == path && *function == name);
        known.map_or(FUNCTION, |(_, _, lines, _)| *lines)
    };
    let found = functions(tokens).into_iter().filter(|found| found.lines > long(path, &found.name));
    let what = |found: source::Function| Offence {
        line: found.line,
        what: format!(
            "the function {} has {} lines, at most {FUNCTION} fit a screen",
            found.name, found.lines
        ),
    };
    found.map(what).collect()
}

/// A lint is switched off with a reason or not at all.
fn lints(tokens: &[Token]) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let attribute =
            at > 0 && tokens[at - 1].is("[") && tokens.get(at + 1).is_some_and(|next| next.is("("));
        if attribute && (token.is("allow") || token.is("expect")) {
            let end =
                tokens[at..].iter().position(|token| token.is("]")).map_or(tokens.len(), |end| at + end);
            if !tokens[at..end].iter().any(|token| token.is("reason")) {
                offences.push(offence(token, format!("'{}' without a reason", token.text)));
            }
        }
    }
    offences
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder of the project, as its path from the root and its text.
fn files(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("the file can be read");
                let path = path.strip_prefix(root()).expect("a path of the project");
                found.push((path.to_string_lossy().replace('\\', "/"), text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "there is no Rust file in {folder}");
    found
}

#[test]
fn the_house_stands() {
    let mut broken = Vec::new();
    for (path, text) in files("src") {
        if path.contains("/tests/") {
            continue;
        }
        let tokens = tokens(&text);
        for rule in RULES {
            broken.extend(rule(&path, &tokens).into_iter().map(|offence| (path.clone(), offence)));
        }
    }
    let all = ["src", "tests", "benches"].into_iter().flat_map(files);
    for (path, text) in all {
        let lines = text.lines().count();
        if lines > FILE {
            let what = format!("the file has {lines} lines, at most {FILE} can be held in the head");
            broken.push((path.clone(), Offence { line: lines, what }));
        }
        broken.extend(lints(&tokens(&text)).into_iter().map(|offence| (path.clone(), offence)));
    }
    let report: Vec<String> =
        broken.iter().map(|(path, offence)| format!("{path}:{}: {}", offence.line, offence.what)).collect();
    assert!(report.is_empty(), "\n{}\n", report.join("\n"));
}

/// An exception that is needed no more, or larger than needed, is taken off the list.
#[test]
fn the_exceptions_are_needed() {
    for (path, name, lines, why) in LONG {
        let text = std::fs::read_to_string(root().join(path)).expect(path);
        let longest = functions(&tokens(&text)).into_iter().filter(|found| found.name == name);
        let longest = longest.map(|found| found.lines).max();
        assert!(
            longest == Some(lines) && lines > FUNCTION,
            "{path}: {name} has {longest:?} lines now: {why}"
        );
    }
}

/// What a rule says of a file with this text.
fn caught(rule: Rule, path: &str, text: &str) -> Vec<usize> {
    let mut lines: Vec<usize> = rule(path, &tokens(text)).into_iter().map(|offence| offence.line).collect();
    lines.dedup();
    lines
}

#[test]
fn a_folder_above_is_caught() {
    let db = |text: &str| caught(floors, "src/db/own.rs", text);
    assert_eq!(db("use crate::portal::rules;\nuse crate::change::Plan;"), [2]);
    assert_eq!(
        db("use crate::{\n    error::Error,\n    directory::{Portal, users::{self, Query}},\n};"),
        [3]
    );
    assert_eq!(db("fn f() { super::super::tui::run() }"), [1]);
    assert_eq!(db("use super::{Db, Sql};\n// crate::tui::run\nuse crate::error::Result;"), []);
    assert_eq!(caught(floors, "src/text.rs", "use crate::portal::rules;"), [1]);
    assert_eq!(caught(floors, "src/tui/app.rs", "use crate::cli::run;"), [1]);
    assert_eq!(caught(floors, "src/garage/car.rs", ""), [1]);
    assert_eq!(caught(floors, "src/main.rs", "portaldesk::cli::run()"), []);
}

#[test]
fn a_look_behind_the_door_is_caught() {
    let (user, owner, names) = DOORS[0];
    let text = format!("use crate::{owner}::{};\nuse crate::{owner}::app::App;", names[0]);
    assert_eq!(caught(doors, &format!("src/{user}/mod.rs"), &text), [2]);
    assert_eq!(caught(doors, "src/main.rs", &text), []);
}

#[test]
fn a_crate_in_the_wrong_folder_is_caught() {
    for (name, folders) in CRATES {
        let text = format!("// {name}::x\nuse {name}::x;\nlet y = {name}::y();\nlet {name} = 1;");
        assert_eq!(caught(crates, "src/change/plan.rs", &text), [2, 3], "{name}");
        assert_eq!(caught(crates, &format!("src/{}/mod.rs", folders[0]), &text), [], "{name}");
    }
    assert_eq!(caught(crates, "src/portal/rules.rs", "#[tokio::test]\nasync fn f() {}"), [1]);
}

#[test]
fn raw_sql_elsewhere_is_caught() {
    assert_eq!(caught(raw_sql, "src/db/own.rs", "use sqlx::AssertSqlSafe;"), [1]);
    assert_eq!(caught(raw_sql, RAW_SQL, "use sqlx::AssertSqlSafe;"), []);
}

#[test]
fn our_own_tables_elsewhere_are_caught() {
    let text = "/// portaldesk_lock\nlet sql = \"SELECT hash FROM portaldesk_change\";";
    assert_eq!(caught(own_tables, "src/directory/history.rs", text), [2]);
    assert_eq!(caught(own_tables, OWN_TABLES[0], text), []);
}

#[test]
fn a_write_to_the_portals_tables_elsewhere_is_caught() {
    let caught = |sql: &str| {
        let text = format!("let sql = r#\"{sql}\"#;");
        assert_eq!(caught(portal_tables, "src/change/rows.rs", &text), []);
        caught(portal_tables, "src/directory/users.rs", &text) == [1]
    };
    for sql in [
        "INSERT INTO auth_user (id) VALUES (1)",
        "UPDATE \"core_userprofile\" SET id = 1",
        "WITH x AS (SELECT 1) DELETE FROM auth_user_groups WHERE id = 1",
        "DROP TABLE django_session",
        "UPDATE ",
        "DELETE FROM",
    ] {
        assert!(caught(sql), "{sql}");
    }
    for sql in
        ["SELECT 1 FROM auth_user FOR UPDATE", "updated_at", "INSERT INTO portaldesk_lock (name) VALUES ('')"]
    {
        assert!(!caught(sql), "{sql}");
    }
}

#[test]
fn what_stops_the_program_is_caught() {
    let text = "a.unwrap();\nb.unwrap_or_default();\nc.expect(\"d\");\ntodo!();\n#[expect(dead_code, reason = \"e\")]\n\
                #[cfg(test)]\nmod tests { fn f() { g.unwrap(); } }";
    assert_eq!(caught(stops, "src/text.rs", text), [1, 3, 4]);
}

#[test]
fn a_long_function_is_caught() {
    let of = |lines: usize| format!("fn f() {{\n{}}}", "    g();\n".repeat(lines - 2));
    assert_eq!(caught(lengths, "src/text.rs", &of(FUNCTION)), []);
    assert_eq!(caught(lengths, "src/text.rs", &of(FUNCTION + 1)), [1]);
}

#[test]
fn a_lint_switched_off_without_a_reason_is_caught() {
    let text =
        "#![allow(dead_code, reason = \"a\")]\n#[allow(dead_code)]\nfn f() {}\n#[expect(unused)]\nfn g() {}";
    assert_eq!(lints(&tokens(text)).into_iter().map(|offence| offence.line).collect::<Vec<_>>(), [2, 4]);
}
