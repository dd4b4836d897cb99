//! Broken databases, one a case: a portal without faults is made from Django's own tables, a case breaks it and says what
//! has to be found, and [`Ground::prove`] goes the whole way: found and nothing else; what is automatic repaired without
//! a question and the rest as answered; a second scan clean; no other row changed; taken back; taken back again.

use std::collections::{BTreeMap, BTreeSet};

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Actor, Watch};
use portaldesk::db::own::{self, Wanted};
use portaldesk::db::schema::Schema;
use portaldesk::db::{Cell, Dialect, Sql, hex, migrate};
use portaldesk::directory::{Portal, Settings, history};
use portaldesk::error::Kind;
use portaldesk::integrity::{CHECKS, Class, Finding, Report, decide, fix_user_profiles, scan};
use sha2::{Digest as _, Sha256};

use super::{Made, Server, TestDb};

/// An id that nobody has any more: it was handed out once.
pub(crate) const NOBODY: i64 = 4711;

/// The id that was handed out last, before whoever had the highest ones went.
const HANDED_OUT: i64 = 5_000;

/// A hash of Django's, of `Alpha-Lab-2025!`, at the cost that Django 4.2 asks for.
pub(crate) const USABLE: &str = "pbkdf2_sha256$600000$corpus$J6MLkqZsxrwQtO9NPWCUVmNdS9d5NBmRkmqhXmiYOZI=";

/// What a scan found, in short: id, class and count, in the order of ids.
pub(crate) type Short = Vec<(&'static str, &'static str, usize)>;

/// Which answer to give, by question; what is not named is answered as proposed.
pub(crate) type Given = &'static [(&'static str, &'static str)];

/// What a case expects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    finds: Short,
    answers: BTreeMap<&'static str, Given>,
    leaves: Short,
    changes: Option<Vec<(&'static str, usize, usize)>>,
    stays: bool,
}

impl Expected {
    /// These findings and no others, those about indexes, foreign keys and columns aside where none of these is.
    pub(crate) fn finds(finds: &[(&'static str, &'static str, usize)]) -> Self {
        Self { finds: sorted(finds.to_vec()), ..Self::default() }
    }

    /// How every subject of a check that leaves a choice is decided. A check that is not named here, and whose
    /// proposals don't answer everything, stays undecided.
    pub(crate) fn answering(mut self, id: &'static str, given: Given) -> Self {
        self.answers.insert(id, given);
        self
    }

    /// What is still found at the end: what is only reported, or brought about by the repair.
    pub(crate) fn leaves(self, leaves: &[(&'static str, &'static str, usize)]) -> Self {
        Self { leaves: sorted(leaves.to_vec()), ..self }
    }

    /// A guard keeps the repair from being taken back: that would leave nobody to run the portal.
    pub(crate) fn stays(mut self) -> Self {
        self.stays = true;
        self
    }

    /// How many rows go and come, by table, in their order; an altered row does both.
    pub(crate) fn changing(self, changes: &[(&'static str, usize, usize)]) -> Self {
        Self { changes: Some(changes.to_vec()), ..self }
    }
}

fn sorted(mut short: Short) -> Short {
    short.sort_unstable();
    short
}

/// A portal without faults: three departments, the role groups, a superuser in Admin and three engineers, each with a
/// profile, all with a password and a recent login.
pub(crate) struct Ground {
    /// Its database.
    pub(crate) db: TestDb,
}

/// Names and ids of those who are there, in the order in which they are made.
pub(crate) const PEOPLE: [(&str, i64); 4] = [("root", 1), ("anna", 2), ("bela", 3), ("cho", 4)];

impl Ground {
    /// Makes it, of the portal's tables of this version.
    pub(crate) async fn new(server: Server, made: Made) -> Self {
        let ground = Self { db: TestDb::new(server, made).await };
        if made != Made::Init {
            migrate::create_own_tables(&ground.db).await.expect("our own tables");
        }
        ground.populate().await;
        ground
    }

    async fn populate(&self) {
        let now = "CURRENT_TIMESTAMP";
        let mut script = Vec::new();
        for department in ["IT", "Human Resources", "Sales"] {
            script.push(format!(
                "INSERT INTO core_department (name, description, is_active, created_at) \
                 VALUES ('{department}', '', TRUE, {now})"
            ));
        }
        for group in ["Admin", "AMC Admin", "Engineer"] {
            script.push(format!("INSERT INTO auth_group (name) VALUES ('{group}')"));
            script.push(format!(
                "INSERT INTO auth_group_permissions (group_id, permission_id) SELECT g.id, p.id FROM auth_group g, \
                 auth_permission p WHERE g.name = '{group}' AND p.codename = 'view_department'"
            ));
        }
        for (name, id) in PEOPLE {
            // A salt of its own: the same text on two users would be a fault.
            let password = USABLE.replace("$corpus$", &format!("$corpus{name}$"));
            script.push(format!(
                "INSERT INTO auth_user (password, last_login, is_superuser, username, first_name, last_name, email, \
                 is_staff, is_active, date_joined) VALUES ('{password}', {now}, {root}, '{name}', '{name}', 'Novak', \
                 '{name}@example.org', {root}, TRUE, {now})",
                root = if name == "root" { "TRUE" } else { "FALSE" },
            ));
            script.push(format!(
                "INSERT INTO core_userprofile (phone_number, main_portal_id, created_at, updated_at, user_id, \
                 department_id, email_notifications) VALUES ('+1 555 010{id}', '{name}-{id}', {now}, {now}, {id}, \
                 {department}, TRUE)",
                department = id % 3 + 1,
            ));
            let group = if name == "root" { "Admin" } else { "Engineer" };
            script.push(format!(
                "INSERT INTO auth_user_groups (user_id, group_id) SELECT {id}, id FROM auth_group WHERE name = '{group}'"
            ));
        }
        self.db.script(script).await.expect("a portal without faults");
        for table in
            ["auth_user", "auth_permission", "django_content_type", "core_department", "core_userprofile"]
        {
            self.db.count_up_to(table, HANDED_OUT).await;
        }
    }

    /// Runs statements while references are not enforced. On PostgreSQL the keys of the table must be gone, see
    /// [`Ground::drop_foreign_keys`].
    pub(crate) async fn run(&self, statements: &[&str]) {
        let (off, on) = match self.db.dialect() {
            Dialect::Sqlite => ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"),
            Dialect::MySql => ("SET SESSION foreign_key_checks = 0", "SET SESSION foreign_key_checks = 1"),
            Dialect::Postgres => ("SELECT 1", "SELECT 1"),
        };
        let all: Vec<String> = [&[off], statements, &[on]].concat().into_iter().map(str::to_owned).collect();
        self.db.script(all).await.unwrap_or_else(|error| panic!("{error}: {statements:?}"));
    }

    /// Takes off the foreign keys of a table where they can't be switched off for a while: PostgreSQL's.
    pub(crate) async fn drop_foreign_keys(&self, table: &str) {
        if self.db.dialect() == Dialect::Postgres {
            let order = format!(
                "DO $$ DECLARE r record; BEGIN FOR r IN SELECT conname FROM pg_constraint WHERE contype = 'f' \
                 AND conrelid = '{table}'::regclass LOOP \
                 EXECUTE 'ALTER TABLE {table} DROP CONSTRAINT ' || quote_ident(r.conname); END LOOP; END $$"
            );
            self.db.run(&order).await;
        }
    }

    /// Drops all foreign keys of a table, for good; SQLite can't.
    pub(crate) async fn drop_keys(&self, table: &str) {
        if self.db.dialect() != Dialect::MySql {
            return self.drop_foreign_keys(table).await;
        }
        let sql = Sql::new(
            "SELECT CONSTRAINT_NAME FROM information_schema.TABLE_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE() \
             AND CONSTRAINT_TYPE = 'FOREIGN KEY' AND TABLE_NAME = ?",
        );
        for row in self.db.all(sql.bind(table)).await.expect("the keys") {
            let name = row.text(0).expect("a name");
            self.run(&[&format!("ALTER TABLE {table} DROP FOREIGN KEY {name}")]).await;
        }
    }

    /// Takes off whatever keeps these columns unique together.
    pub(crate) async fn drop_unique(&self, table: &str, columns: &[&str]) {
        let list = columns.join(",");
        match self.db.dialect() {
            Dialect::Postgres => {
                let order = format!(
                    "DO $$ DECLARE r record; BEGIN FOR r IN SELECT i.indexrelid::regclass AS name, c.conname FROM \
                     pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype = 'u' \
                     WHERE i.indrelid = '{table}'::regclass AND i.indisunique AND NOT i.indisprimary AND \
                     (SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(i.indkey::int[]) WITH ORDINALITY \
                     k(num, n) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num) = '{list}' \
                     LOOP IF r.conname IS NOT NULL THEN EXECUTE 'ALTER TABLE {table} DROP CONSTRAINT ' || \
                     quote_ident(r.conname); ELSE EXECUTE 'DROP INDEX ' || r.name; END IF; END LOOP; END $$"
                );
                self.db.run(&order).await;
            }
            Dialect::MySql => {
                let sql = Sql::new(
                    "SELECT index_name FROM information_schema.statistics WHERE table_schema = DATABASE() AND non_unique = 0 \
                     AND index_name <> 'PRIMARY' AND table_name = ? GROUP BY index_name \
                     HAVING GROUP_CONCAT(column_name ORDER BY seq_in_index) = ?",
                );
                for row in self.db.all(sql.bind(table).bind(list.clone())).await.expect("the indexes") {
                    let index = row.text(0).expect("a name");
                    // Its foreign keys go on needing an index.
                    let plain = format!("plain_{}", columns.join("_"));
                    let order = format!("ALTER TABLE {table} ADD INDEX {plain} ({list}), DROP INDEX {index}");
                    self.run(&[&order]).await;
                }
            }
            Dialect::Sqlite => self.drop_unique_sqlite(table, columns).await,
        }
    }

    async fn drop_unique_sqlite(&self, table: &str, columns: &[&str]) {
        let sql = Sql::new(
            "SELECT l.name FROM pragma_index_list(?) l WHERE l.\"unique\" AND l.origin = 'c' AND \
             (SELECT group_concat(name, ',') FROM pragma_index_info(l.name)) = ?",
        );
        let list = columns.join(",");
        for row in self.db.all(sql.bind(table).bind(list)).await.expect("the indexes") {
            self.db.run(&format!("DROP INDEX \"{}\"", row.text(0).expect("a name"))).await;
        }
        if let [column] = columns {
            self.rebuild(table, column, " UNIQUE", "").await;
        }
    }

    /// Lets a column hold NULL.
    pub(crate) async fn allow_null(&self, table: &str, column: &str) {
        match self.db.dialect() {
            Dialect::Postgres => {
                self.db.run(&format!("ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL")).await;
            }
            Dialect::MySql => {
                let sql = Sql::new(
                    "SELECT column_type FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? \
                     AND column_name = ?",
                );
                let kind = self
                    .db
                    .one(sql.bind(table).bind(column))
                    .await
                    .expect("a column")
                    .text(0)
                    .expect("its type");
                self.run(&[&format!("ALTER TABLE {table} MODIFY {column} {kind} NULL")]).await;
            }
            Dialect::Sqlite => self.rebuild(table, column, "NOT NULL", "NULL").await,
        }
    }

    /// SQLite can't alter a column: its table is made anew with these words of the column's definition replaced.
    pub(crate) async fn rebuild(&self, table: &str, column: &str, words: &str, by: &str) {
        let indexes = Sql::new(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?",
        );
        let indexes: Vec<String> = self
            .db
            .all(indexes.bind(table))
            .await
            .expect("the indexes")
            .iter()
            .map(|row| row.text(0).expect("its text"))
            .collect();
        let sql = Sql::new("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?").bind(table);
        let made = self.db.one(sql).await.expect("a table").text(0).expect("its text");
        let at = made.find(&format!("\"{column}\" ")).expect("the column is there");
        let end = at + made[at..].find(", \"").unwrap_or(made.len() - at);
        let definition = made[at..end].replace(words, by);
        let loose = format!("{}{definition}{}", &made[..at], &made[end..]).replacen(
            &format!("TABLE \"{table}\""),
            "TABLE \"loose\"",
            1,
        );
        let mut script = vec![
            // Otherwise the references of other tables would follow the name.
            "PRAGMA legacy_alter_table = ON".to_owned(),
            loose,
            format!("INSERT INTO loose SELECT * FROM {table}"),
            format!("DROP TABLE {table}"),
            format!("ALTER TABLE loose RENAME TO {table}"),
            "PRAGMA legacy_alter_table = OFF".to_owned(),
        ];
        script.extend(indexes);
        let script: Vec<&str> = script.iter().map(String::as_str).collect();
        self.run(&script).await;
    }

    /// Makes a table of another app, whose rows refer to something by the column `owner_id`; the references are enforced, but
    /// for these statements.
    pub(crate) async fn another_app(&self, table: &str, to: &str, more: &str, loose: &[&str]) {
        let (key, width) = match self.db.dialect() {
            Dialect::Sqlite => ("integer NOT NULL PRIMARY KEY AUTOINCREMENT", "integer"),
            Dialect::MySql => ("bigint NOT NULL AUTO_INCREMENT PRIMARY KEY", ""),
            Dialect::Postgres => ("bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", "bigint"),
        };
        // On MySQL both ends of a reference are equally wide.
        let narrow = if to.starts_with("core_") { "bigint" } else { "integer" };
        let width = if width.is_empty() { narrow } else { width };
        let make = format!(
            "CREATE TABLE {table} (id {key}, title varchar(20) NOT NULL, owner_id {width} NULL{more}, \
             FOREIGN KEY (owner_id) REFERENCES {to} (id))"
        );
        self.run(&[&make]).await;
        if self.db.dialect() == Dialect::Postgres {
            // As a restore does it: the references are there, and were not looked at.
            let all = [
                &["SET session_replication_role = replica"],
                loose,
                &["SET session_replication_role = DEFAULT"],
            ];
            self.run(&all.concat()).await;
        } else {
            self.run(loose).await;
        }
    }

    /// The portal as a program opens it now.
    pub(crate) async fn portal(&self) -> Portal {
        let actor = Actor::unix("tester", None);
        Portal::over(self.db.db.clone(), Settings::default(), actor).await.expect("a portal")
    }

    /// Goes the whole way with what a case expects.
    pub(crate) async fn prove(&self, expected: &Expected) {
        let broken = State::of(&self.db).await;
        let portal = self.portal().await;
        let report = scan(&portal, &[], None).await.expect("a scan");
        self.is_found(&report, &expected.finds, expected, "found").await;
        assert_eq!(State::of(&self.db).await, broken, "a scan changes nothing");

        let mut done = self.repair_automatic().await;
        done.extend(self.repair_decided(expected).await);
        let portal = self.portal().await;
        let report = scan(&portal, &[], None).await.expect("a second scan");
        self.is_found(&report, &expected.leaves, expected, "left").await;
        let repaired = State::of(&self.db).await;
        let changed = broken.changed(&repaired);
        let journaled = self.journaled(&done).await;
        assert!(changed.is_subset(&journaled), "{:?} changed too", changed.difference(&journaled));
        if let Some(changes) = &expected.changes {
            assert_eq!(&broken.counted(&repaired), changes);
        }

        if expected.stays {
            self.is_kept(&done).await;
            return State::of(&self.db).await.is(&repaired, "not taken back");
        }
        let undone = self.take_back(&done).await;
        State::of(&self.db).await.is(&broken, "taken back");
        self.take_back(&undone).await;
        State::of(&self.db).await.is(&repaired, "taken back and done again");
    }

    /// That these and no others were found; indexes and foreign keys are expected to be missing, and columns to be
    /// looser, where a case took them, and that one superuser is not many is only worth knowing.
    async fn is_found(&self, report: &Report, wanted: &Short, expected: &Expected, what: &str) {
        const LOOSENED: [&str; 2] = ["IDX", "SCH"];
        let family = |id: &'static str| id.split('-').next().unwrap_or(id);
        let is_told = |id: &'static str| {
            let named = |(known, ..): &(&'static str, _, _)| family(known) == family(id);
            !LOOSENED.contains(&family(id)) || expected.finds.iter().any(named)
        };
        let found: Short = report
            .findings
            .iter()
            .filter(|finding| is_told(finding.id()))
            .filter(|finding| finding.id() != "ADM-002" || wanted.iter().any(|(id, ..)| *id == "ADM-002"))
            .map(|finding| (finding.id(), finding.class().letter(), finding.count()))
            .collect();
        if sorted(found.clone()) != *wanted {
            let portal = self.portal().await;
            let mut rows = Vec::new();
            for finding in &report.findings {
                rows.extend(finding.rows(&portal, 0, 5).await.expect("rows").into_iter().map(|row| row.text));
            }
            panic!("{what}: {found:?}, and not {wanted:?}: {rows:#?}");
        }
        assert_eq!(report.skipped, []);
    }

    /// Repairs what needs no answer; the ids to undo, oldest first.
    pub(crate) async fn repair_automatic(&self) -> Vec<String> {
        let portal = self.portal().await;
        let every: Vec<String> = CHECKS
            .iter()
            .map(|check| check.about())
            .filter(|about| !about.deep)
            .map(|about| about.id.to_owned())
            .collect();
        let fixed = fix_user_profiles(&portal, &every, false, &Watch::default()).await.expect("a repair");
        assert_eq!(fixed.refused, []);
        let left: Vec<&Finding> =
            fixed.after.findings.iter().filter(|finding| finding.class() == Class::Automatic).collect();
        assert!(left.is_empty(), "automatic, and still there: {left:?}");
        let mut done: Vec<String> = Vec::new();
        for operation in fixed.repaired.into_iter().filter_map(|repaired| repaired.operation) {
            if !done.contains(&operation) {
                done.push(operation);
            }
        }
        done
    }

    /// Decides what a case gives answers to, or what is proposed, subject by subject.
    async fn repair_decided(&self, expected: &Expected) -> Vec<String> {
        let mut done = Vec::new();
        let mut checks: Vec<_> = CHECKS.iter().filter(|check| !check.about().deep).collect();
        checks.sort_by_key(|check| (check.about().stage, check.about().id));
        for check in checks {
            let id = check.about().id;
            if !expected.finds.iter().any(|(known, class, _)| *known == id && *class == "C") {
                continue;
            }
            let portal = self.portal().await;
            let only = [id.to_owned()];
            let report = scan(&portal, &only, None).await.expect("a scan");
            let subjects: Vec<_> = report
                .findings
                .iter()
                .filter(|finding| finding.class() == Class::Choose)
                .flat_map(|finding| finding.found.subjects.clone())
                .collect();
            for subject in subjects {
                let portal = self.portal().await;
                let Some(decision) = check.decision(&portal, subject).await.expect("a decision") else {
                    continue;
                };
                let mut answers = decision.proposed();
                for (question, answer) in expected.answers.get(id).copied().unwrap_or_default() {
                    if decision.questions.iter().any(|asked| asked.name == *question) {
                        answers.insert((*question).to_owned(), (*answer).to_owned());
                    }
                }
                if answers.len() < decision.questions.len() && !expected.answers.contains_key(id) {
                    continue;
                }
                for plan in decide(&portal, *check, subject, &answers).await.expect("a plan") {
                    let outcome =
                        portal.writer().expect("a writer").apply(plan).await.expect("it is applied");
                    done.extend(outcome.operation().map(str::to_owned));
                }
            }
        }
        done
    }

    /// Takes these back, the newest first; what that made, oldest first.
    pub(crate) async fn take_back(&self, done: &[String]) -> Vec<String> {
        let mut undone = Vec::new();
        for operation in done.iter().rev() {
            let portal = self.portal().await;
            let undo =
                history::plan_undo(&portal, operation, OldPassword::WorksAgain).await.expect("an undo");
            let outcome =
                history::apply_undo(&portal, operation, undo, &Watch::default()).await.expect("it is undone");
            assert_eq!(outcome.refused, []);
            undone.extend(outcome.operation().map(str::to_owned));
        }
        undone
    }

    /// That none of these can be taken back.
    async fn is_kept(&self, done: &[String]) {
        for operation in done {
            let portal = self.portal().await;
            let undo =
                history::plan_undo(&portal, operation, OldPassword::WorksAgain).await.expect("an undo");
            let refused = history::apply_undo(&portal, operation, undo, &Watch::default()).await;
            assert_eq!(refused.expect_err("a guard").kind, Kind::Denied);
        }
    }

    /// The rows that the journal says these wrote.
    pub(crate) async fn journaled(&self, done: &[String]) -> BTreeSet<(String, String)> {
        let mut rows = BTreeSet::new();
        for id in done {
            let wanted = Wanted { id: Some(id.clone()), ..Wanted::default() };
            for change in own::changes(&self.db, &wanted).await.expect("the journal") {
                for row in own::change_rows(&self.db, change.id).await.expect("its rows") {
                    let key: BTreeMap<String, Cell> = serde_json::from_str(&row.row_key).expect("a key");
                    rows.insert((row.table_name, key_text(key.values())));
                }
            }
        }
        rows
    }
}

fn key_text<'a>(cells: impl Iterator<Item = &'a Cell>) -> String {
    cells.map(Cell::show).collect::<Vec<_>>().join(", ")
}

/// Every row of the portal's tables as a digest, by table and key, and what the engine watches over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    rows: BTreeMap<(String, String), String>,
    shape: BTreeSet<String>,
}

impl State {
    /// As it is now.
    pub(crate) async fn of(db: &TestDb) -> Self {
        let schema = Schema::read(db).await.expect("the catalogue");
        let mut state = Self { rows: BTreeMap::new(), shape: BTreeSet::new() };
        for (name, table) in &schema.tables {
            if name.starts_with("portaldesk_") {
                continue;
            }
            let nullable =
                table.columns.iter().filter(|column| column.nullable).map(|column| column.name.as_str());
            state.shape.insert(format!("{name} null {:?}", nullable.collect::<BTreeSet<_>>()));
            state.shape.extend(table.uniques.iter().map(|columns| format!("{name} unique {columns:?}")));
            let mut sql = Sql::new("SELECT ");
            for (index, column) in table.columns.iter().enumerate() {
                sql = sql.push(if index == 0 { "" } else { ", " });
                sql = sql.image(&column.name, db.dialect().image_form(column.kind));
            }
            for row in db.all(sql.push(" FROM ").ident(&table.name)).await.expect("all rows") {
                let cell = |index: usize| row.cell(index).expect("a cell");
                let cells: Vec<Cell> = (0..table.columns.len()).map(cell).collect();
                // In the order of names, as in the journal's keys.
                let mut keys = table.primary_key.clone();
                keys.sort_unstable();
                let key: Vec<Cell> = keys
                    .iter()
                    .filter_map(|key| table.columns.iter().position(|column| column.name.as_str() == key))
                    .map(cell)
                    .collect();
                let digest = hex(&Sha256::digest(serde_json::to_vec(&cells).expect("JSON")));
                state.rows.insert((name.clone(), key_text(key.iter())), digest);
            }
        }
        state.shape.extend(schema.foreign_keys.iter().map(|key| format!("{key:?}")));
        state
    }

    /// The rows that are not the same, by table and key.
    pub(crate) fn changed(&self, later: &Self) -> BTreeSet<(String, String)> {
        let all = self.rows.keys().chain(later.rows.keys());
        all.filter(|key| self.rows.get(*key) != later.rows.get(*key)).cloned().collect()
    }

    /// How many rows went and came, by table.
    fn counted<'a>(&'a self, later: &'a Self) -> Vec<(&'a str, usize, usize)> {
        let mut counted: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for (key, digest) in &self.rows {
            if later.rows.get(key) != Some(digest) {
                counted.entry(&key.0).or_default().0 += 1;
            }
        }
        for (key, digest) in &later.rows {
            if self.rows.get(key) != Some(digest) {
                counted.entry(&key.0).or_default().1 += 1;
            }
        }
        counted.into_iter().map(|(table, (gone, new))| (table, gone, new)).collect()
    }

    /// That both are the same, or which rows are not.
    pub(crate) fn is(&self, other: &Self, what: &str) {
        let changed = self.changed(other);
        assert!(changed.is_empty(), "{what}: these rows differ: {changed:?}");
        assert_eq!(self.shape, other.shape, "{what}");
    }
}

/// Tells one case on one engine.
pub(crate) fn tell_case<F: Future<Output = Expected>>(
    server: Server,
    name: &str,
    case: impl FnOnce(std::rc::Rc<Ground>) -> F,
) {
    if server.is_there(name) {
        super::runtime().block_on(async {
            let ground = std::rc::Rc::new(Ground::new(server, Made::Django0004).await);
            let expected = case(std::rc::Rc::clone(&ground)).await;
            ground.prove(&expected).await;
        });
    }
}

/// Cases: each breaks the ground it is given and says what is then expected. Those of `everywhere` are told on all three
/// engines; the others on the engines named.
macro_rules! cases {
    ($($where:ident { $(async fn $name:ident($ground:ident) $body:block)* })*) => {
        $($(async fn $name($ground: std::rc::Rc<$crate::support::corpus::Ground>) -> $crate::support::corpus::Expected $body)*)*
        $(cases!(@$where $($name)*);)*
    };
    (@everywhere $($name:ident)*) => {
        cases!(@on sqlite Sqlite $($name)*);
        cases!(@on mariadb MariaDb $($name)*);
        cases!(@on postgres Postgres $($name)*);
    };
    (@sqlite $($name:ident)*) => { cases!(@on only_sqlite Sqlite $($name)*); };
    (@mariadb $($name:ident)*) => { cases!(@on only_mariadb MariaDb $($name)*); };
    (@postgres $($name:ident)*) => { cases!(@on only_postgres Postgres $($name)*); };
    (@servers $($name:ident)*) => {
        cases!(@on server_mariadb MariaDb $($name)*);
        cases!(@on server_postgres Postgres $($name)*);
    };
    (@on $engine:ident $server:ident $($name:ident)*) => {
        mod $engine {
            $(#[test]
            fn $name() {
                $crate::support::corpus::tell_case(
                    $crate::support::Server::$server, stringify!($name), super::$name,
                );
            })*
        }
    };
}
