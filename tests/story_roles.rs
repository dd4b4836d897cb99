//! Who may do what to whom, as a table: every action by every role on every kind of account, applied as plans of
//! somebody signed in. What is refused writes nothing, and what is allowed can be taken back. The screen offers what the
//! table allows, and says why it doesn't offer the rest.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;
#[expect(dead_code, reason = "of the cast only some are needed here")]
#[path = "support/cast.rs"]
mod cast;

use std::collections::BTreeMap;

use cast::Cast;
use futures_util::stream;
use portaldesk::change::rights;
use portaldesk::change::rows::{self, Lock};
use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Account, Image, Plan, Ready, Value, Watch};
use portaldesk::db::Cell;
use portaldesk::directory::accounts::{self, Draft, Groups};
use portaldesk::directory::{Portal, delete, history, offboard};
use portaldesk::error::{Error, Kind};
use portaldesk::portal::forms;
use portaldesk::portal::password;
use portaldesk::tui::event_loop::{NoHost, from_stream};
use portaldesk::tui::screens::user_actions::{Sitting, Whom};
use portaldesk::tui::screens::user_form::UserForm;
use portaldesk::tui::{
    Action, App, Binding, Cx, Effect, EventLoop, Head, Input, Key, Keymap, Screen, Setup, Theme, code,
};
use ratatui::backend::TestBackend;
use ratatui::layout::{Rect, Size};
use ratatui::{Frame, Terminal};
use support::{Made, Server, TestDb, digest_of_tables};

/// The tables whose rows a plan here may write.
const TABLES: [&str; 7] = [
    "auth_group",
    "auth_group_permissions",
    "auth_user",
    "auth_user_groups",
    "auth_user_user_permissions",
    "core_department",
    "core_userprofile",
];

async fn tables(cast: &Cast) -> BTreeMap<String, Vec<String>> {
    digest_of_tables(&cast.db, &cast.portal.schema, &TABLES).await
}

/// What is done to an account.
#[derive(Debug, Clone, Copy)]
enum What {
    Set(&'static str, &'static str),
    Move,
    NewPassword,
    NoPassword,
    Give(&'static str),
    Take(&'static str),
    Permit(&'static str),
    Forbid(&'static str),
    /// Membership of the first group becomes one of the second, by an update of its row.
    Turn(&'static str, &'static str),
    /// The profile becomes that of nil, whose own is gone.
    HandProfile,
    Delete,
    OffBoard,
}

/// How an account is before, other than as the cast has it.
#[derive(Debug, Clone, Copy)]
enum Before {
    AsIs,
    Inactive,
    In(&'static str),
    With(&'static str),
    /// This was done by someone else, and now it is taken back.
    Undo,
}

use Before::{AsIs, In, Inactive, Undo, With};
use What::{
    Delete, Forbid, Give, HandProfile, Move, NewPassword, NoPassword, OffBoard, Permit, Set, Take, Turn,
};

/// Who acts: superuser, Admin, AMC Admin, Engineer.
const ACTORS: [&str; 4] = ["root", "ann", "max", "eve"];

/// Who may do nothing, whatever it is: no role, inactive, an Admin of yesterday, and one who is gone.
const POWERLESS: [&str; 4] = ["nil", "ina", "rex", ""];

/// On whom: oneself, nobody, an Engineer, an AMC Admin, an Admin, staff, staff who may change users in Django's admin, a
/// superuser, and the last superuser who can sign in.
const TARGETS: [&str; 9] = ["", "nora", "ed", "amy", "al", "stan", "pia", "sue", "sue"];

/// For each action, by the four actors: `y` allowed, `-` refused, `.` no such thing. The columns are those of [`TARGETS`].
#[rustfmt::skip]
const TABLE: &[(&str, Before, What, [&str; 4])] = &[
    //                                                                 superuser    Admin        AMC Admin    Engineer
    ("first name",            AsIs,     Set("first_name", "New"),     ["yyyyyyyyy", "yyyyyy---", "-yy--y---", "---------"]),
    ("e-mail",                AsIs,     Set("email", "n@example.org"), ["yyyyyyyyy", "yyyyyy---", "-yy--y---", "---------"]),
    ("rename",                AsIs,     Set("username", "renamed"),   ["yyyyyyyyy", "yyyyyy---", "-yy--y---", "---------"]),
    ("department",            AsIs,     Move,                         ["yyyyyyyyy", "yyyyyy---", "-yy--y---", "---------"]),
    ("portal id",             AsIs,     Set("main_portal_id", "B31"), ["yyyyyyyyy", "yyyyyy---", "-yy--y---", "---------"]),
    ("phone",                 AsIs,     Set("phone_number", "0300"),  ["yyyyyyyyy", "yyyyyy---", "yyy--y---", "y--------"]),
    ("notifications",         AsIs,     Set("email_notifications", "false"), ["yyyyyyyyy", "yyyyyy---", "yyy--y---", "y--------"]),
    ("password",              AsIs,     NewPassword,                  ["yyyyyyyyy", "yyyyyy---", "yyy--y---", "y--------"]),
    ("password of inactive",  Inactive, NewPassword,                  [".yyyyyyyy", ".yyyyy---", ".yy--y---", ".--------"]),
    ("unusable password",     AsIs,     NoPassword,                   ["yyyyyyyy-", "yyyyyy---", "yyy--y---", "y--------"]),
    ("deactivate",            AsIs,     Set("is_active", "false"),    ["-yyyyyyy-", "-yyyyy---", "-yy--y---", "---------"]),
    ("activate",              Inactive, Set("is_active", "true"),     [".yyyyyyyy", ".yyyyy---", ".yy--y---", ".--------"]),
    ("e-mail of inactive",    Inactive, Set("email", "n@example.org"), [".yyyyyyyy", ".yyyyy---", ".yy--y---", ".--------"]),
    ("rename inactive",       Inactive, Set("username", "renamed"),   [".yyyyyyyy", ".yyyyy---", ".yy--y---", ".--------"]),
    ("give Engineer",         AsIs,     Give("Engineer"),             ["yy.yyyyyy", "yy.yyy---", "-y.--y---", ".-.------"]),
    ("give AMC Admin",        AsIs,     Give("AMC Admin"),            ["yyy.yyyyy", "yyy.yy---", ".--.-----", "---.-----"]),
    ("give Admin",            AsIs,     Give("Admin"),                ["yyyy.yyyy", ".yyy.y---", "----.----", "----.----"]),
    ("give Readers",          AsIs,     Give("Readers"),              ["yyyyyyyyy", "yyyyyy---", "---------", "---------"]),
    ("give Keepers",          AsIs,     Give("Keepers"),              ["yyyyyyyyy", "yyyyy----", "---------", "---------"]),
    ("take Engineer",         AsIs,     Take("Engineer"),             ["..y......", "..y......", "..y......", "-.-......"]),
    ("take AMC Admin",        AsIs,     Take("AMC Admin"),            ["...y.....", "...y.....", "-..-.....", "...-....."]),
    ("take Admin",            AsIs,     Take("Admin"),                ["....y....", "-...y....", "....-....", "....-...."]),
    ("take a second role",    In("AMC Admin"), Take("AMC Admin"),     ["yyy.yyyyy", "yyy.yy---", ".--.-----", "---.-----"]),
    ("take Readers",          In("Readers"), Take("Readers"),         ["yyyyyyyyy", "yyyyyy---", "---------", "---------"]),
    ("Engineer to Admin",     AsIs,     Turn("Engineer", "Admin"),    ["..y......", "..y......", "..-......", "-.-......"]),
    ("Engineer to Readers",   AsIs,     Turn("Engineer", "Readers"),  ["..y......", "..y......", "..-......", "-.-......"]),
    ("Admin to Engineer",     AsIs,     Turn("Admin", "Engineer"),    ["....y....", "-...y....", "....-....", "....-...."]),
    ("Readers to Admin",      In("Readers"), Turn("Readers", "Admin"), ["yyyy.yyyy", ".yyy.y---", "----.----", "----.----"]),
    ("hand the profile on",   AsIs,     HandProfile,                  ["yyyyyyyyy", "yyyyyy---", "-yy--y---", "---------"]),
    ("staff",                 AsIs,     Set("is_staff", "true"),      ["yyyyy..yy", "-----..--", "-----..--", "-----..--"]),
    ("no staff",              AsIs,     Set("is_staff", "false"),     [".....yy..", ".....--..", ".....--..", ".....--.."]),
    ("superuser",             AsIs,     Set("is_superuser", "true"),  [".yyyyyy..", "-------..", "-------..", "-------.."]),
    ("no superuser",          AsIs,     Set("is_superuser", "false"), ["-......y-", ".......--", ".......--", ".......--"]),
    ("permit viewing",        AsIs,     Permit("view_logentry"),      ["yyyyyyyyy", "yyyyyy---", "---------", "---------"]),
    ("forbid viewing",        With("view_logentry"), Forbid("view_logentry"), ["yyyyyyyyy", "yyyyyy---", "---------", "---------"]),
    ("permit changing users", AsIs,     Permit("change_user"),        ["yyyyyy.yy", "yyyyy-.--", "------.--", "------.--"]),
    ("forbid changing users", AsIs,     Forbid("change_user"),        ["......y..", "......-..", "......-..", "......-.."]),
    ("delete",                AsIs,     Delete,                       ["-yyyyyyy-", "-yyyyy---", "---------", "---------"]),
    // Off-boarding takes the flags, too.
    ("off-board",             AsIs,     OffBoard,                     ["-yyyyyyy-", "-yyyy----", "-yy------", "---------"]),
    // Taking back needs the rights of doing it.
    ("undo a rename",         Undo,     Set("username", "renamed"),   [".yyyyyyyy", ".yyyyy---", ".yy--y---", ".--------"]),
    ("undo a phone",          Undo,     Set("phone_number", "0300"),  ["yyyyyyyyy", "yyyyyy---", "yyy--y---", "y--------"]),
    ("undo a department",     Undo,     Move,                         ["yyyyyyyyy", "yyyyyy---", "-yy--y---", "---------"]),
    ("undo a password",       Undo,     NewPassword,                  ["yyyyyyyyy", "yyyyyy---", "yyy--y---", "y--------"]),
    ("undo a deactivation",   Undo,     Set("is_active", "false"),    ["-yyyyyyy.", "-yyyyy--.", "-yy--y--.", "--------."]),
    ("undo giving Engineer",  Undo,     Give("Engineer"),             ["yy.yyyyyy", "yy.yyy---", "-y.--y---", ".-.------"]),
    ("undo giving Admin",     Undo,     Give("Admin"),                ["yyyy.yyyy", ".yyy.y---", "----.----", "----.----"]),
    ("undo taking Admin",     Undo,     Take("Admin"),                ["....y....", "-...y....", "....-....", "....-...."]),
    ("undo taking Engineer",  Undo,     Take("Engineer"),             ["..y......", "..y......", "..y......", "-.-......"]),
    ("undo giving Readers",   Undo,     Give("Readers"),              ["yyyyyyyyy", "yyyyyy---", "---------", "---------"]),
    ("undo staff",            Undo,     Set("is_staff", "true"),      ["-yyyy..yy", "-----..--", "-----..--", "-----..--"]),
    ("undo no staff",         Undo,     Set("is_staff", "false"),     [".....yy..", ".....--..", ".....--..", ".....--.."]),
    ("undo superuser",        Undo,     Set("is_superuser", "true"),  [".yyyyyy..", ".------..", ".------..", ".------.."]),
    ("undo no superuser",     Undo,     Set("is_superuser", "false"), ["-......y.", ".......-.", ".......-.", ".......-."]),
    ("undo a deletion",       Undo,     Delete,                       ["-yyyyyyy.", "-yyyy---.", "-yy-----.", "--------."]),
    ("undo an off-boarding",  Undo,     OffBoard,                     ["-yyyyyyy.", "-yyyy---.", "-yy-----.", "--------."]),
    ("undo a permission",     Undo,     Permit("view_logentry"),      ["yyyyyyyyy", "yyyyyy---", "---------", "---------"]),
    ("undo a powerful one",   Undo,     Permit("change_user"),        ["yyyyyy.yy", "yyyyy-.--", "------.--", "------.--"]),
];

impl What {
    async fn plan(self, cast: &Cast, user: i64) -> Vec<Plan> {
        let portal = &cast.portal;
        let draft = match self {
            Set(field, value) => Draft::default().with(field, value),
            Move => Draft {
                department: Some(Some(cast.db.number("SELECT id FROM core_department").await)),
                ..Draft::default()
            },
            NewPassword => {
                Draft { encoded_password: Some(cast::HASH.replacen("8PS", "9PS", 1)), ..Draft::default() }
            }
            NoPassword => Draft { encoded_password: Some(password::unusable().unwrap()), ..Draft::default() },
            Give(group) => Draft {
                groups: Groups::Change { add: vec![cast.group(group)], remove: vec![] },
                ..Draft::default()
            },
            Take(group) => Draft {
                groups: Groups::Change { add: vec![], remove: vec![cast.group(group)] },
                ..Draft::default()
            },
            Permit(codename) => {
                let mut plan = Plan::new(format!("Permit {codename}"));
                let id = cast.permission(codename).await;
                plan.insert("auth_user_user_permissions", pair(user, "permission_id", id));
                return vec![plan];
            }
            Forbid(codename) => {
                let id = cast.permission(codename).await;
                let mut plan = Plan::new(format!("Forbid {codename}"));
                for row in held(cast, "auth_user_user_permissions", user).await {
                    if row.int("permission_id") == Some(id) {
                        plan.delete("auth_user_user_permissions", key(&row), row);
                    }
                }
                return vec![plan];
            }
            Turn(from, to) => {
                let mut plan = Plan::new(format!("Turn {from} into {to}"));
                for row in held(cast, "auth_user_groups", user).await {
                    if row.int("group_id") == Some(cast.group(from)) {
                        let set = vec![("group_id", Value::Cell(Cell::Int(cast.group(to))))];
                        plan.update("auth_user_groups", key(&row), row, set);
                    }
                }
                return vec![plan];
            }
            Delete => return delete::plan(portal, user).await.unwrap(),
            OffBoard => return offboard::plan(portal, user).await.unwrap(),
            HandProfile => {
                let mut plan = Plan::new("Hand the profile on");
                for row in held(cast, "core_userprofile", cast.id("nil")).await {
                    plan.delete("core_userprofile", key(&row), row);
                }
                for row in held(cast, "core_userprofile", user).await {
                    let set = vec![("user_id", Value::Cell(Cell::Int(cast.id("nil"))))];
                    plan.update("core_userprofile", key(&row), row, set);
                }
                return vec![plan];
            }
        };
        vec![accounts::edit(portal, user, &draft).await.unwrap()]
    }
}

fn pair(user: i64, column: &'static str, id: i64) -> Vec<(&'static str, Value)> {
    vec![("user_id", Value::Cell(Cell::Int(user))), (column, Value::Cell(Cell::Int(id)))]
}

fn key(row: &Image) -> Image {
    Image::id(row.int("id").unwrap())
}

/// The rows of a table that are somebody's.
async fn held(cast: &Cast, table: &str, user: i64) -> Vec<Image> {
    let table = cast.portal.schema.table(table).unwrap();
    rows::by_column(&mut cast.db.db.clone(), table, "user_id", &[Cell::Int(user)], Lock::No).await.unwrap()
}

/// Applies a plan; what it is called afterwards, or why it was refused.
async fn apply(portal: &Portal, plans: Vec<Plan>) -> Result<String, Error> {
    let outcome = portal.writer().unwrap().run("a test", &mut Ready::new(plans), &Watch::default()).await?;
    match outcome.refused.first() {
        Some((_, error)) => Err(error.clone()),
        None => Ok(outcome.run.expect("something was written")),
    }
}

/// Takes back what was done, at the command line. Where sue is the last superuser, root can sign in for that moment.
async fn take_back(cast: &Cast, run: &str) {
    let is_last =
        cast.db.number("SELECT COUNT(*) FROM auth_user WHERE username = 'root' AND password = '!'").await
            == 1;
    if is_last {
        alone(cast, false).await;
    }
    let undo = history::plan_undo(&cast.portal, run, OldPassword::WorksAgain).await.unwrap();
    assert_eq!(undo.left, Vec::<String>::new());
    apply(&cast.portal, undo.plans).await.expect("the command line may take back");
    if is_last {
        alone(cast, true).await;
    }
}

impl Before {
    /// The SQL that brings it about, and that takes it back.
    async fn sql(self, cast: &Cast, user: i64) -> Option<(String, String)> {
        let (no, yes) = if cast.db.yes() == "1" { ("0", "1") } else { ("false", "true") };
        let link = |table: &str, column: &str, id: i64| {
            (
                format!("INSERT INTO {table} (user_id, {column}) VALUES ({user}, {id})"),
                format!("DELETE FROM {table} WHERE user_id = {user} AND {column} = {id}"),
            )
        };
        match self {
            AsIs | Undo => None,
            Inactive => Some((
                format!("UPDATE auth_user SET is_active = {no} WHERE id = {user}"),
                format!("UPDATE auth_user SET is_active = {yes} WHERE id = {user}"),
            )),
            In(group) => Some(link("auth_user_groups", "group_id", cast.group(group))),
            With(codename) => {
                let id = cast.permission(codename).await;
                Some(link("auth_user_user_permissions", "permission_id", id))
            }
        }
    }
}

/// One cell of the table: somebody does it to somebody, and all is as it was again. Says what is wrong.
async fn cell(
    cast: &Cast,
    (before, what): (Before, What),
    by: &Portal,
    user: i64,
    allowed: bool,
) -> Option<String> {
    let start = tables(cast).await;
    let sql = before.sql(cast, user).await;
    if let Some((there, _)) = &sql {
        cast.db.run(there).await;
    }
    let plans = what.plan(cast, user).await;
    if plans.iter().all(|plan| plan.steps.is_empty()) {
        return Some("there is no such thing".to_owned());
    }
    let (plans, done) = if matches!(before, Undo) {
        let done = apply(&cast.portal, plans).await.expect("the command line may");
        let undo = history::plan_undo(&cast.portal, &done, OldPassword::WorksAgain).await.unwrap();
        (undo.plans, Some(done))
    } else {
        (plans, None)
    };
    let result = apply(by, plans).await;
    match (&result, done) {
        (Ok(_), Some(_)) | (Err(_), None) => {}
        (Ok(run), None) => take_back(cast, run).await,
        (Err(_), Some(done)) => take_back(cast, &done).await,
    }
    if let Some((_, back)) = &sql {
        cast.db.run(back).await;
    }
    assert!(tables(cast).await == start, "{before:?} {what:?} on {user}: something was left behind");
    match (allowed, result) {
        (true, Err(error)) => Some(format!("is allowed, but: {error}")),
        (false, Ok(_)) => Some("is not allowed, and was done".to_owned()),
        (false, Err(error))
            if error.kind != Kind::Denied || !error.message.ends_with("othing was written.") =>
        {
            Some(format!("is refused for another reason: {error}"))
        }
        _ => None,
    }
}

/// Makes sue the last superuser who can sign in, or not any more.
async fn alone(cast: &Cast, alone: bool) {
    let password = if alone { "!" } else { cast::HASH };
    cast.db
        .run(&format!("UPDATE auth_user SET password = '{password}' WHERE id = {}", cast.id("root")))
        .await;
}

stories! {
    async fn every_action_by_every_role_on_everybody(db: TestDb) {
        let cast = Cast::new(db).await;
        let (last, mut wrong) = (TARGETS.len() - 1, Vec::new());
        for is_last in [false, true] {
            alone(&cast, is_last).await;
            for (name, before, what, verdicts) in TABLE {
                for (actor, verdicts) in ACTORS.iter().zip(verdicts) {
                    assert_eq!(verdicts.len(), TARGETS.len(), "{name}");
                    for (column, verdict) in verdicts.char_indices().filter(|(at, _)| (*at == last) == is_last) {
                        let target = if column == 0 { actor } else { TARGETS[column] };
                        let name = format!("{name}: {actor} on {target} ({column})");
                        if verdict != '.' {
                            let user = cast.id(target);
                            let found = cell(&cast, (*before, *what), &cast.by(actor), user, verdict == 'y').await;
                            wrong.extend(found.map(|why| format!("{name} {why}")));
                        }
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    async fn whoever_has_no_role_does_nothing(db: TestDb) {
        let cast = Cast::new(db).await;
        let mut wrong = Vec::new();
        for actor in POWERLESS {
            let by = if actor.is_empty() {
                cast.portal.signed_in(Account { id: 999_999, username: "gone".to_owned() })
            } else {
                cast.by(actor)
            };
            for (name, before, what, verdicts) in TABLE {
                // Oneself stands where nobody does: none of them has a role.
                for (target, like) in [(actor, "nora"), ("nora", "nora"), ("ed", "ed"), ("sue", "sue")] {
                    let column = TARGETS.iter().position(|name| *name == like).unwrap();
                    let there = !target.is_empty() && verdicts[0].as_bytes()[column] != b'.';
                    let of_nil = matches!(what, HandProfile) && target == "nil";
                    // Of an account that is inactive there is nothing to deactivate, and an Admin's is there already.
                    let of_ina = target == "ina"
                        && (matches!(before, Inactive) || matches!(what, Set("is_active", "false") | Give("Admin")));
                    if there && !of_nil && !of_ina {
                        let found = cell(&cast, (*before, *what), &by, cast.id(target), false).await;
                        wrong.extend(found.map(|why| format!("{name}: '{actor}' on {target} {why}")));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// What the table says of an action by an actor on a target, both as numbers of columns.
fn verdict(name: &str, actor: usize, column: usize) -> char {
    let (.., verdicts) = TABLE.iter().find(|(known, ..)| *known == name).expect(name);
    char::from(verdicts[actor].as_bytes()[column])
}

/// Whether one of these is allowed.
fn allows(names: &[&str], actor: usize, column: usize) -> bool {
    names.iter().any(|name| verdict(name, actor, column) == 'y')
}

/// What a list of groups may be opened for.
const GROUPS: [&str; 7] = [
    "give Engineer",
    "give AMC Admin",
    "give Admin",
    "give Readers",
    "take Engineer",
    "take AMC Admin",
    "take Admin",
];

/// The columns without the last superuser: how many there are is only counted when something is written.
const ON_SCREEN: std::ops::Range<usize> = 0..TARGETS.len() - 1;

async fn whom(cast: &Cast, name: &str) -> Whom {
    let id = cast.id(name);
    let target = rights::targets(&mut cast.db.db.clone(), &cast.portal.roles, &[id]).await.unwrap();
    Whom { id, username: name.to_owned(), is_active: true, target: target.get(&id).copied() }
}

#[tokio::test]
async fn keys_and_menu_offer_what_is_allowed() {
    let cast = Cast::new(TestDb::new(Server::Sqlite, Made::Init).await).await;
    for (number, actor) in ACTORS.into_iter().enumerate() {
        let sitting = Sitting::read(&cast.by(actor)).await.unwrap();
        assert_eq!(sitting.may(Action::UsersNew, None).is_ok(), number < 3, "{actor}");
        for column in ON_SCREEN {
            let target = if column == 0 { actor } else { TARGETS[column] };
            let whom = whom(&cast, target).await;
            for (action, letter, rows) in [
                (Action::UsersEdit, 'e', &["first name", "phone"][..]),
                (Action::UsersPassword, 'p', &["password"]),
                (Action::UsersCanLogIn, 'd', &["deactivate"]),
                (Action::UsersMemberships, 'm', &GROUPS),
                (Action::UsersDelete, 'x', &["delete"]),
                // Which flags and groups go with it is only found when it is planned.
                (Action::UsersOffboard, 'o', &["deactivate"]),
            ] {
                let allowed = allows(rows, number, column);
                let why = sitting.may(action, Some(&whom)).err();
                assert_eq!(why.is_none(), allowed, "{action:?} by {actor} on {target}: {why:?}");
                assert!(why.is_none_or(|why| why.ends_with('.')), "{action:?} by {actor} on {target}");
                let is_there = sitting.entries(&whom).iter().any(|entry| entry.letter == letter);
                assert_eq!(is_there, allowed, "{letter} for {actor} on {target}");
            }
        }
    }
    for actor in ["nil", "ina", "rex"] {
        let sitting = Sitting::read(&cast.by(actor)).await.unwrap();
        for target in [actor, "nora", "sue"] {
            assert!(sitting.entries(&whom(&cast, target).await).is_empty(), "{actor} on {target}");
        }
    }
}

/// A screen that opens one form.
struct Home(Option<Box<dyn Screen>>);

const KEYS: &[Binding] = &[Binding::new(&[code(Key::Insert)], Action::Open, "open")];

impl Screen for Home {
    fn title(&self) -> String {
        "Users".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, _action: Action, cx: &mut Cx) {
        if let Some(form) = self.0.take() {
            cx.ask(Effect::Push(form));
        }
    }

    fn draw(&mut self, _frame: &mut Frame<'_>, _area: Rect, _theme: &Theme) {}
}

/// The fields of somebody's form that can be changed: walks through it and looks whether the last row says what the field
/// is for, or why it is locked.
async fn open_fields(portal: &Portal, user: i64) -> Vec<&'static str> {
    let size = Size::new(120, 40);
    let setup = Setup {
        tabs: vec![Box::new(Home(Some(Box::new(UserForm::edit(user)))))],
        first: None,
        portal: Some(portal.clone()),
        head: Head::default(),
        keymap: Keymap::default(),
        theme: Theme { colours: false, ascii: false },
        commands: Vec::new(),
        lock: None,
    };
    let terminal = Terminal::new(TestBackend::new(size.width, size.height)).unwrap();
    let mut running = EventLoop::new(App::new(setup, size), terminal, NoHost::default());
    let mut open = Vec::new();
    for (at, field) in forms::USER.iter().enumerate() {
        let key = if at == 0 { Key::Insert } else { Key::Tab };
        running.run(&mut from_stream(stream::iter(vec![Input::Key(code(key))]))).await;
        let cells = running.terminal.backend().buffer().content();
        let screen: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        let help: String = field.help.chars().take(40).collect();
        open.extend(screen.contains(&help).then_some(field.name));
    }
    open
}

#[tokio::test]
async fn fields_are_locked_where_nothing_is_allowed() {
    let cast = Cast::new(TestDb::new(Server::Sqlite, Made::Init).await).await;
    for (number, actor) in ACTORS.into_iter().enumerate() {
        for column in ON_SCREEN {
            let target = if column == 0 { actor } else { TARGETS[column] };
            let fields: [(&str, &[&str]); 12] = [
                ("username", &["rename"]),
                ("first_name", &["first name"]),
                ("last_name", &["first name"]),
                ("email", &["e-mail"]),
                ("department", &["department"]),
                ("phone_number", &["phone"]),
                ("main_portal_id", &["portal id"]),
                ("email_notifications", &["notifications"]),
                ("groups", &GROUPS),
                ("is_active", &["deactivate"]),
                ("is_staff", &["staff", "no staff"]),
                ("is_superuser", &["superuser", "no superuser"]),
            ];
            let expected = fields.iter().filter(|(_, rows)| allows(rows, number, column));
            let expected: Vec<&str> = expected.map(|(field, _)| *field).collect();
            let found = open_fields(&cast.by(actor), cast.id(target)).await;
            assert_eq!(found, expected, "{actor} on {target}");
        }
    }
}
