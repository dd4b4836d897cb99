//! A portal with somebody of every kind, for tests about who may do what.

use std::collections::BTreeMap;

use portaldesk::change::{Account, Actor};
use portaldesk::db::{Db, Sql};
use portaldesk::directory::accounts::{self, Draft, Groups};
use portaldesk::directory::{Portal, Settings, groups};
use portaldesk::portal::access::{Level, RoleGroup, Roles};

use super::TestDb;

/// A hash that Django could verify, and that costs nothing to make.
pub(crate) const HASH: &str =
    "pbkdf2_sha256$1$0123456789abcdefABCDEF$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";

/// The people: username, group, and whether they are staff, superuser, active.
const PEOPLE: [(&str, &str, [bool; 3]); 14] = [
    ("root", "", [false, true, true]),
    ("ann", "Admin", [false, false, true]),
    ("max", "AMC Admin", [false, false, true]),
    ("eve", "Engineer", [false, false, true]),
    // Nobody: no group.
    ("nora", "", [false, false, true]),
    ("ed", "Engineer", [false, false, true]),
    ("amy", "AMC Admin", [false, false, true]),
    ("al", "Admin", [false, false, true]),
    // Staff, and staff whom a permission makes as powerful as a superuser.
    ("stan", "", [true, false, true]),
    ("pia", "", [true, false, true]),
    ("sue", "", [false, true, true]),
    // Three who may do nothing: no role, inactive, and an Admin of yesterday.
    ("nil", "", [false, false, true]),
    ("ina", "Admin", [false, false, false]),
    ("rex", "", [false, false, true]),
];

/// The portal, and who and what is in it.
pub(crate) struct Cast {
    pub(crate) db: TestDb,
    /// The portal in the hands of someone at the command line.
    pub(crate) portal: Portal,
    people: BTreeMap<String, i64>,
    groups: BTreeMap<String, i64>,
}

impl Cast {
    /// Beside the people: the groups Readers and Keepers, which are no roles; Keepers may change users in Django's admin.
    /// `Auditor` is a role whose group is not there.
    pub(crate) async fn new(db: TestDb) -> Self {
        let mut roles = Roles::default();
        let portal = over(&db.db, roles.clone()).await;
        portal.writer().unwrap().apply(groups::setup(&portal).await.unwrap()).await.unwrap();
        db.run("INSERT INTO auth_group (name) VALUES ('Readers'), ('Keepers')").await;
        db.run("INSERT INTO core_department (name, description, is_active, created_at) VALUES ('IT', '', TRUE, '2025-01-01')")
            .await;
        let ids = names(&db.db, Sql::new("SELECT id, name FROM auth_group")).await;
        for (username, group, [staff, superuser, active]) in PEOPLE {
            let draft = Draft {
                encoded_password: Some(HASH.to_owned()),
                groups: Groups::Set(ids.get(group).copied().into_iter().collect()),
                ..Draft::default()
            };
            let draft = draft.with("username", username).with("is_staff", staff.to_string());
            let draft =
                draft.with("is_superuser", superuser.to_string()).with("is_active", active.to_string());
            let plan = accounts::create(&portal, &draft).await.unwrap();
            portal.writer().unwrap().apply(plan).await.unwrap();
        }
        let people = names(&db.db, Sql::new("SELECT id, username FROM auth_user")).await;
        for (table, column, id) in [
            ("auth_group_permissions", "group_id", ids["Keepers"]),
            ("auth_user_user_permissions", "user_id", people["pia"]),
        ] {
            db.run(&format!(
                "INSERT INTO {table} ({column}, permission_id) SELECT {id}, p.id FROM auth_permission p \
                 WHERE p.codename = 'change_user'"
            ))
            .await;
        }
        roles.0.push(RoleGroup {
            group: "Auditor".to_owned(),
            level: Level::AmcAdmin,
            description: String::new(),
        });
        let portal = over(&db.db, roles).await;
        Self { db, portal, people, groups: ids }
    }

    /// Someone's id.
    pub(crate) fn id(&self, username: &str) -> i64 {
        self.people[username]
    }

    /// A group's id.
    pub(crate) fn group(&self, name: &str) -> i64 {
        self.groups[name]
    }

    /// A permission's id.
    pub(crate) async fn permission(&self, codename: &'static str) -> i64 {
        let sql = Sql::new("SELECT id FROM auth_permission WHERE codename = ?").bind(codename);
        self.db.one(sql).await.unwrap().int(0).unwrap()
    }

    /// The portal in the hands of someone signed in.
    pub(crate) fn by(&self, username: &str) -> Portal {
        self.portal.signed_in(Account { id: self.id(username), username: username.to_owned() })
    }
}

/// So many active accounts more, named `crowd000000` and so on: names and ids are in the same order.
pub(crate) async fn crowd(db: &TestDb, count: usize) {
    let (yes, no) = (db.yes(), if db.yes() == "1" { "0" } else { "false" });
    for part in (0..count).collect::<Vec<_>>().chunks(500) {
        let people: Vec<String> = part
            .iter()
            .map(|at| {
                format!("('{HASH}', {no}, 'crowd{at:06}', '', '', '', {no}, {yes}, '2026-01-02 03:04:05')")
            })
            .collect();
        db.run(&format!(
            "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, \
             date_joined) VALUES {}",
            people.join(", ")
        ))
        .await;
    }
}

/// The same in a group.
pub(crate) async fn crowd_in_group(db: &TestDb, group: i64, count: usize) {
    crowd(db, count).await;
    db.run(&format!(
        "INSERT INTO auth_user_groups (user_id, group_id) SELECT id, {group} FROM auth_user WHERE username LIKE 'crowd%'"
    ))
    .await;
}

/// The same in a department, each with a profile.
pub(crate) async fn crowd_in_department(db: &TestDb, department: i64, count: usize) {
    crowd(db, count).await;
    db.run(&format!(
        "INSERT INTO core_userprofile (user_id, department_id, email_notifications, created_at, updated_at) \
         SELECT id, {department}, is_active, date_joined, date_joined FROM auth_user WHERE username LIKE 'crowd%'"
    ))
    .await;
}

async fn over(db: &Db, roles: Roles) -> Portal {
    let settings = Settings { roles, ..Settings::default() };
    Portal::over(db.clone(), settings, Actor::unix("tester", None)).await.unwrap()
}

async fn names(db: &Db, sql: Sql) -> BTreeMap<String, i64> {
    let rows = db.all(sql).await.unwrap();
    rows.iter().map(|row| (row.text(1).unwrap(), row.int(0).unwrap())).collect()
}
