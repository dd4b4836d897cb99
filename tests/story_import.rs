//! Users from CSV files: what was exported changes nothing when it comes back, what was imported is taken back whole, and
//! what can't be taken is told by line before anything is written.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use portaldesk::change::undo::OldPassword;
use portaldesk::change::{Account, Actor, Outcome, Require, Watch};
use portaldesk::db::Dialect;
use portaldesk::directory::accounts::{self, Draft, Groups};
use portaldesk::directory::export::{self, Shape, columns};
use portaldesk::directory::import::{self, Checked, Options, Rejects, Source};
use portaldesk::directory::password_file::PasswordFile;
use portaldesk::directory::selection::Selection;
use portaldesk::directory::users::Query;
use portaldesk::directory::{Portal, Settings, groups, history, passwords};
use portaldesk::error::{Error, Kind, Result};
use portaldesk::integrity::runs::{self, Resumed};
use portaldesk::portal::password::Verdict;
use support::temporary::Temporary;
use support::{TestDb, digest};

/// A cheap hash as Django writes it.
const HASH: &str = "pbkdf2_sha256$1$0123456789abcdefABCDEF$8PS+CfEqYe/narc5Mqnqvs6WPlIDfQjqZImlUhtMQI0=";

/// Names that a spreadsheet, a terminal or a CSV reader might stumble over.
const ODD: [&str; 14] = [
    "=HYPERLINK(\"http://x\")",
    "=1+1",
    "+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "'=1",
    "'",
    "a,b;c\td",
    "two\nlines",
    "\"quoted\"",
    "\u{202e}evil\u{1b}[2J",
    "  blanks  ",
    "-1\r\n+1",
];

async fn program(db: &TestDb) -> Portal {
    let actor = Actor::unix("tester", None);
    Portal::over(db.second().await, Settings::default(), actor).await.expect("a portal")
}

async fn add(portal: &Portal, draft: Draft) {
    let plan = accounts::create(portal, &draft).await.expect("a plan");
    portal.writer().unwrap().apply(plan).await.expect("written");
}

/// A portal with its role groups, a superuser `root` in Admin, and `bela` and `cho`, who are Engineers.
async fn peopled(db: &TestDb) -> Portal {
    let portal = program(db).await;
    let plan = groups::setup(&portal).await.expect("groups");
    portal.writer().unwrap().apply(plan).await.expect("written");
    for (name, group, flag) in
        [("root", "Admin", "true"), ("bela", "Engineer", "false"), ("cho", "Engineer", "false")]
    {
        let group = groups::find(&portal, group).await.expect("a group");
        let encoded_password = Some(HASH.to_owned());
        let draft = Draft { groups: Groups::Set(vec![group]), encoded_password, ..Draft::default() };
        let draft = draft.with("username", name).with("is_superuser", flag).with("is_staff", flag);
        add(&portal, draft.with("main_portal_id", format!("P-{name}"))).await;
    }
    portal
}

fn everybody() -> Selection {
    Selection::Matching { query: Query::default(), except: BTreeSet::new() }
}

/// What an export with these columns writes.
async fn exported(portal: &Portal, columns: &[&str]) -> String {
    let mut out = Vec::new();
    let shape = Shape::Csv(columns::named(columns.iter().copied()).expect("columns"));
    export::write(portal, &everybody(), &shape, &mut |piece| {
        out.extend_from_slice(piece);
        Ok(())
    })
    .await
    .expect("an export");
    String::from_utf8(out).expect("UTF-8")
}

/// The same file as a spreadsheet saves it where the comma is for decimals.
fn by_semicolons(text: &str) -> String {
    let mut lines = csv::WriterBuilder::new().delimiter(b';').from_writer(Vec::new());
    for record in csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes()).records() {
        lines.write_record(&record.expect("a record")).expect("a line");
    }
    String::from_utf8(lines.into_inner().expect("lines")).expect("UTF-8")
}

async fn check(portal: &Portal, text: impl AsRef<[u8]>, options: &Options) -> Result<Checked> {
    let source = Source::copy(text.as_ref())?;
    import::check(portal, &source, options, None, &Watch::default()).await
}

async fn import(portal: &Portal, text: impl AsRef<[u8]>, options: &Options) -> Result<(Checked, Outcome)> {
    let source = Source::copy(text.as_ref())?;
    let checked = import::check(portal, &source, options, None, &Watch::default()).await?;
    let outcome = import::apply(portal, source, options, &checked, None, None, &Watch::default()).await?;
    Ok((checked, outcome))
}

async fn undo(portal: &Portal, outcome: &Outcome) {
    let run = outcome.run.as_deref().expect("something was written");
    let planned = history::plan_undo(portal, run, OldPassword::default()).await.expect("an undo");
    let undone = history::apply_undo(portal, run, planned, &Watch::default()).await.expect("undone");
    assert_eq!(undone.refused, []);
}

fn problems(checked: &Checked) -> Vec<String> {
    checked.problems.iter().map(|it| format!("{} {}", it.line, it.column)).collect()
}

fn update() -> Options {
    Options { update: true, ..Options::default() }
}

/// Stops the work once so much is done.
fn stopping_after(count: u64) -> Watch {
    let watch = Watch::default();
    let cancel = watch.cancel.clone();
    let progress = move |progress: portaldesk::change::Progress| {
        if progress.done > count {
            cancel.cancel();
        }
    };
    Watch { progress: Some(Arc::new(progress)), ..watch }
}

/// New users enough for several plans.
fn many(count: usize) -> String {
    let lines = (0..count).map(|number| format!("user{number:05},First,Engineer;Night shift,Field"));
    ["username,first_name,groups,department".to_owned()]
        .into_iter()
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}

stories! {
    /// An export that is imported again changes nothing, whatever odd texts the portal holds.
    async fn an_export_comes_back_unchanged(db: TestDb) {
        let portal = peopled(&db).await;
        for (number, name) in ODD.iter().enumerate() {
            let id = db.add_user(&format!("odd{number}")).await;
            let name = name.replace('\'', "''").replace('\\', "\\\\");
            db.run(&format!("UPDATE auth_user SET first_name = '{name}', email = ' x' WHERE id = {id}")).await;
        }
        // Groups and a department whose names would be run too, or taken apart.
        let made = "username,groups,department,main_portal_id\nodd0,=1+1;a\\;b\\\\,'@Field,'-1\nodd1,'@x,'\t=1 Sales,\n";
        import(&portal, made, &Options { create_missing: true, ..update() }).await.expect("an import");
        let before = digest(&db).await;
        let all: Vec<&str> = columns::COLUMNS.iter().map(|column| column.name).collect();
        let usual: Vec<&str> = columns::usual().iter().map(|column| column.name).collect();
        for columns in [&all[..], &usual[..], &["groups", "first_name", "id"][..]] {
            let text = exported(&portal, columns).await;
            for text in [by_semicolons(&text), text] {
                for options in [Options::default(), update()] {
                    let (checked, outcome) = import(&portal, &text, &options).await.expect("an import");
                    assert_eq!(problems(&checked), Vec::<String>::new());
                    assert_eq!((checked.rows, checked.unchanged, checked.to_write()), (17, 17, 0));
                    assert_eq!(outcome.operation(), None);
                }
            }
        }
        // By name, in another order, and marked as UTF-8.
        let text = "\u{feff}last_login,email,username\r\n,,bela\r\n,\" x\",odd0\r\n".to_owned();
        let checked = check(&portal, text, &update()).await.expect("a check");
        assert_eq!((checked.unchanged, problems(&checked)), (2, Vec::new()));
        assert_eq!(digest(&db).await, before);
    }

    /// New users, changed ones, a group and a department that were not there: one undo takes all of it back.
    async fn an_import_is_taken_back_whole(db: TestDb) {
        let portal = peopled(&db).await;
        let before = digest(&db).await;
        let text = format!("{}\nbela,Bela,Engineer,\ncho,,',Field\n", many(300));
        let options = Options { create_missing: true, ..update() };
        let (checked, outcome) = import(&portal, &text, &options).await.expect("an import");
        assert_eq!(checked.counts(), "300 new, 2 changed");
        assert_eq!((checked.groups.as_slice(), checked.departments.as_slice()), (["Night shift".to_owned()].as_slice(), ["Field".to_owned()].as_slice()));
        assert_eq!(outcome.refused, []);
        assert!(outcome.operations.len() > 2, "several plans, one run");
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user").await, 303);
        assert_eq!(db.number("SELECT COUNT(*) FROM core_userprofile p JOIN core_department d ON d.id = p.department_id").await, 301);
        // cho's cell of groups was emptied; everybody who is new is in two.
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user_groups").await, 602);
        // The same file again changes nothing.
        let (again, nothing) = import(&portal, &text, &options).await.expect("an import");
        assert_eq!((again.counts().as_str(), nothing.operation()), ("302 unchanged", None));
        undo(&portal, &outcome).await;
        assert_eq!(digest(&db).await, before);
    }

    /// One row that can't be taken refuses the whole file, and every problem is told by line and column.
    async fn a_bad_row_refuses_the_file(db: TestDb) {
        let portal = peopled(&db).await;
        let before = digest(&db).await;
        let text = "id,username,email,phone_number,department,groups,is_active,main_portal_id,password\n\
             ,new1,,,,,,Z1,\n\
             ,NEW1,,,,,,Z1,\n\
             ,new two,nowhere,letters,Nowhere,Nobody,maybe,P-bela,Secret-Canary\n\
             ,bela,,,,,,,\n\
             99999,,,,,,,,\n\
             ,new\0nul,,,,,,,\n\
             x,new3,,,,,,,\n\
             ,new4\n";
        let error = import(&portal, text, &Options::default()).await.expect_err("refused");
        assert_eq!(error.kind, Kind::Invalid);
        assert!(error.message.starts_with("7 rows of 8 can't be taken"), "{}", error.message);
        assert!(!format!("{error:?}").contains("Canary"));
        let checked = check(&portal, text, &Options::default()).await.expect("a check");
        let mut told = problems(&checked);
        told.sort();
        assert_eq!(
            told,
            [
                "3 main_portal_id", "3 username", "4 department", "4 email", "4 groups", "4 is_active", "4 password",
                "4 phone_number", "4 username", "5 username", "6 id", "7 username", "8 id", "9 ",
            ]
        );
        // An id that somebody has, by itself.
        let checked = check(&portal, "username,main_portal_id\nnew5,P-bela\n", &Options::default()).await.unwrap();
        assert!(checked.problems[0].message.contains("belongs to 'bela'"), "{:?}", checked.problems);
        assert_eq!(digest(&db).await, before);
    }

    /// What is no file of users is refused as a whole, in words that say where.
    async fn what_is_no_file_of_users_is_refused(db: TestDb) {
        let portal = program(&db).await;
        let huge = [b"username\na\n\"".to_vec(), vec![b'x'; 10 << 20]].concat();
        let many = format!("username{}\nann\n", ",c".repeat(299));
        let twice = [b"username,".to_vec(), vec![b'x'; 1_000], b",".to_vec(), vec![b'x'; 1_000]].concat();
        let files: [(&[u8], &str); 10] = [
            (many.as_bytes(), "Line 1, the names of the columns: there are 300 of them, and users have at most 19"),
            (&twice, "x…'"),
            (b"email,department\na@b.example,\n", "no column 'username' or 'id'"),
            (b"username,email,username\na,,\n", "the columns 1 and 3 are both 'username'"),
            (b"username,e-mail\na,\n", "did you mean 'email'?"),
            (b"", "is empty"),
            (&huge, "Line 3: the row has more than 1 MB"),
            (b"username\n\"a\n", "Line 2: a quote of this row is never closed"),
            (b"username\n\"a\"b\n", "Line 2: text stands behind the quote"),
            (b"\xff\xfeu\0s\0", "UTF-16"),
        ];
        for (text, wanted) in files {
            let error = check(&portal, text, &Options::default()).await.map(drop).expect_err(wanted);
            assert_eq!(error.kind, Kind::Invalid, "{wanted}");
            assert!(error.message.contains(wanted), "{wanted}: {}", error.message);
        }
        let checked = check(&portal, b"username,first_name\ncho,Jos\xe9\n", &Options::default()).await.unwrap();
        assert_eq!(problems(&checked), ["2 first_name"]);
        assert!(checked.problems[0].message.contains("not UTF-8 (the byte e9)"), "{:?}", checked.problems);
        let row = format!("username,department\nann,{}\n", "x".repeat(500_000));
        let checked = check(&portal, row, &Options::default()).await.unwrap();
        assert_eq!(problems(&checked), ["2 department"]);
        assert!(checked.problems[0].message.len() < 1_000, "nobody reads all of that");
        // A header alone is nothing to do; a mark of UTF-8, and whatever ends the lines, are no fault, and lines are counted
        // within cells too.
        let (checked, outcome) = import(&portal, "username,email\n", &Options::default()).await.unwrap();
        assert_eq!((checked.counts().as_str(), outcome.operation()), ("no rows", None));
        let text = "\u{feff}username,first_name\rann,\rben,\"of two\rlines\"\rno good,\r";
        let checked = check(&portal, text, &Options::default()).await.unwrap();
        assert_eq!((checked.counts().as_str(), problems(&checked)), ("1 new, 2 refused", vec!["3 first_name".into(), "5 username".into()]));
    }

    /// What came through a pipe is gone when the import is stopped; begun again it passes over what stands.
    async fn an_import_from_a_pipe_is_begun_again(db: TestDb) {
        let portal = peopled(&db).await;
        let options = Options { create_missing: true, ..Options::default() };
        let source = Source::copy(many(700).as_bytes()).unwrap();
        let checked = import::check(&portal, &source, &options, None, &Watch::default()).await.expect("a check");
        let watch = stopping_after(200);
        let outcome = import::apply(&portal, source, &options, &checked, None, None, &watch).await.expect("a part");
        let run = outcome.run.clone().filter(|_| outcome.stopped).expect("a run that was stopped");
        assert!(!runs::show(&portal, &run).await.expect("the run").can_go_on());
        let there = db.number("SELECT COUNT(*) FROM auth_user").await - 3;
        let (checked, outcome) = import(&portal, many(700), &update()).await.expect("the rest");
        assert_eq!(checked.counts(), format!("{} new, {there} unchanged", 700 - there));
        assert_eq!((outcome.refused, db.number("SELECT COUNT(*) FROM auth_user").await), (Vec::new(), 703));
    }

    /// Somebody makes an account whose name differs in case only, after the file was looked through: the row is refused by
    /// its name, and the others are written.
    async fn a_twin_that_comes_meanwhile_is_refused(db: TestDb) {
        let portal = peopled(&db).await;
        let text = format!("{}\nanna,Anna,,\nben,Ben,,\n", many(300));
        let options = Options { create_missing: true, ..Options::default() };
        let source = Source::copy(text.as_bytes()).unwrap();
        let checked = import::check(&portal, &source, &options, None, &Watch::default()).await.expect("a check");
        assert_eq!(checked.counts(), "302 new");
        let other = program(&db).await;
        for name in ["Anna", "BEN", "zoe"] {
            add(&other, Draft::default().with("username", name)).await;
        }
        let outcome =
            import::apply(&portal, source, &options, &checked, None, None, &Watch::default()).await.expect("a part");
        let refused: Vec<&str> = outcome.refused.iter().map(|(title, _)| title.as_str()).collect();
        assert_eq!(refused, ["Line 302 (anna)", "Line 303 (ben)"]);
        for ((_, error), owner) in outcome.refused.iter().zip(["Anna", "BEN"]) {
            assert!(error.message.contains(&format!("A user named '{owner}' exists already")), "{}", error.message);
        }
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user").await, 306);
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user WHERE LOWER(username) IN ('anna', 'ben')").await, 2);

        // And where it comes after the row was planned, the transaction refuses it.
        let newest = db.number("SELECT MAX(id) FROM auth_user").await;
        let mut plan = accounts::create(&portal, &Draft::default().with("username", "emma")).await.expect("a plan");
        plan.require.push(Require::NoTwin { usernames: vec!["dora".to_owned(), "emma".to_owned()], after: newest });
        add(&other, Draft::default().with("username", "Emma")).await;
        let error = portal.writer().unwrap().apply(plan).await.expect_err("a twin");
        assert_eq!((error.kind, error.fields["username"].len()), (Kind::Duplicate, 1));
        assert!(error.message.contains("'Emma'"), "{}", error.message);
    }

    /// The good rows are written, the others stand in a file with their reasons; corrected, it is imported too.
    async fn refused_rows_come_back_corrected(db: TestDb) {
        let portal = peopled(&db).await;
        let create = Options { create_missing: true, ..Options::default() };
        let text = "username,email,department\nann,no,Nowhere\ncy,,There\n";
        let checked = check(&portal, text, &create).await.expect("a check");
        assert_eq!(checked.departments, ["There"], "nobody would be in the other");
        let staff = Temporary::new("username;groups;phone_number\nann;Engineer;+1 5\nbob;Engineers;'=1\ncy;;12\n");
        let options = Options { skip_invalid: true, ..Options::default() };
        let (source, kept) = (Source::open(&staff.0).unwrap(), Temporary::none());
        let mut rejects = Rejects::create(&kept.0).expect("a new file");
        let watch = Watch::default();
        let checked = import::check(&portal, &source, &options, Some(&mut rejects), &watch).await.expect("a check");
        assert_eq!(checked.counts(), "2 new, 1 refused");
        rejects.keep().expect("kept");
        import::apply(&portal, source, &options, &checked, None, Some(&mut rejects), &watch).await.expect("an import");
        drop(rejects);
        let text = kept.text();
        assert!(text.starts_with("username;groups;phone_number;reason\nbob;Engineers;'=1;"), "{text}");
        assert!(text.contains("did you mean") || text.contains("Did you mean 'Engineer'?"), "{text}");
        let error = import(&portal, &text, &Options::default()).await.expect_err("not corrected yet");
        assert_eq!(error.kind, Kind::Invalid);
        let corrected = text.replace("Engineers", "Engineer").replace("'=1", "7");
        let (checked, outcome) = import(&portal, corrected, &Options::default()).await.expect("corrected");
        assert_eq!((checked.new, outcome.refused.len()), (1, 0));
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user").await, 6);
        // Where every row is good there is no file.
        let none = Temporary::none();
        let mut rejects = Rejects::create(&none.0).expect("a new file");
        let source = Source::copy(&b"username\ndee\n"[..]).unwrap();
        import::check(&portal, &source, &options, Some(&mut rejects), &watch).await.expect("a check");
        rejects.keep().expect("kept");
        drop(rejects);
        assert!(!none.0.exists());
    }

    /// A row leads to its account by id or by name, as the engine compares names; a file of another portal does no harm.
    async fn whom_a_row_is_about(db: TestDb) {
        let portal = peopled(&db).await;
        let id = portaldesk::directory::users::find(&portal, "bela").await.unwrap();
        let row = format!("id,username,first_name\n{id},ANOTHER,Bela\n");
        let checked = check(&portal, &row, &update()).await.unwrap();
        assert_eq!(problems(&checked), ["2 username"]);
        assert!(checked.problems[0].message.contains("is called 'bela' here"), "{:?}", checked.problems);
        let options = Options { rename: true, ..Options::default() };
        let (checked, outcome) = import(&portal, &row, &options).await.expect("renamed");
        assert_eq!((checked.changed, outcome.refused.len()), (1, 0));
        assert_eq!(portaldesk::directory::users::find(&portal, "ANOTHER").await.unwrap(), id);
        let text = format!("id,username,first_name\n{id},,X\n,ANOTHER,Y\n");
        let checked = check(&portal, text, &update()).await.unwrap();
        assert_eq!(problems(&checked), ["3 id"], "the same account twice");
        // What differs from a name in case only: MySQL finds the account, and elsewhere no such account is made.
        let checked = check(&portal, "username,first_name\nCHO,Chosen\n", &update()).await.unwrap();
        match db.dialect() {
            Dialect::MySql => assert_eq!((checked.changed, problems(&checked).len()), (1, 0)),
            _ => assert_eq!(problems(&checked), ["2 username"]),
        }
    }

    /// An import that was stopped goes on under its own id and does what is left, nothing twice.
    async fn a_stopped_import_goes_on(db: TestDb) {
        let portal = peopled(&db).await;
        let before = digest(&db).await;
        let staff = Temporary::new(&many(700));
        let options = Options { create_missing: true, ..Options::default() };
        let source = Source::open(&staff.0).unwrap();
        let checked = import::check(&portal, &source, &options, None, &Watch::default()).await.expect("a check");
        let watch = stopping_after(200);
        let outcome = import::apply(&portal, source, &options, &checked, None, None, &watch).await.expect("a part");
        assert!(outcome.stopped);
        let run = outcome.run.clone().expect("a run");
        let there = db.number("SELECT COUNT(*) FROM auth_user").await;
        assert!(there > 203 && there < 703, "{there}");
        let listed = runs::show(&portal, &run).await.expect("the run");
        assert!(listed.can_go_on());
        assert_eq!((listed.run.planned, listed.run.done), (Some(700), there - 3));
        // Not with another file.
        std::fs::write(&staff.0, many(701)).unwrap();
        let error: Error = runs::resume(&portal, &run, &Watch::default()).await.map(drop).expect_err("another file");
        assert_eq!(error.kind, Kind::Conflict);
        std::fs::write(&staff.0, many(700)).unwrap();
        let resumed = runs::resume(&portal, &run, &Watch::default()).await.expect("gone on with");
        let Resumed::Other(rest) = resumed else { panic!("an import") };
        assert_eq!((rest.refused.as_slice(), rest.stopped), (&[][..], false));
        assert_eq!(db.number("SELECT COUNT(*) FROM auth_user").await, 703);
        assert_eq!(runs::show(&portal, &run).await.unwrap().run.done, 700);
        undo(&portal, &outcome).await;
        assert_eq!(digest(&db).await, before);
    }

    /// What whoever is signed in may not do is refused row by row, before anything is written.
    async fn rights_hold_for_every_row(db: TestDb) {
        let root = peopled(&db).await;
        let amc = groups::find(&root, "AMC Admin").await.unwrap();
        add(&root, Draft { groups: Groups::Set(vec![amc]), ..Draft::default() }.with("username", "mia")).await;
        let id = portaldesk::directory::users::find(&root, "mia").await.unwrap();
        let portal = root.signed_in(Account { id, username: "mia".to_owned() });
        let text = "username,groups,is_staff,first_name\n\
             new1,Engineer,,\n\
             new2,Admin,,\n\
             new3,,true,\n\
             root,,,Rooted\n\
             bela,,,Bela\n";
        let checked = check(&portal, text, &update()).await.expect("a check");
        let lines: Vec<u64> = checked.problems.iter().map(|problem| problem.line).collect();
        assert_eq!((checked.counts().as_str(), lines.as_slice()), ("1 new, 1 changed, 3 refused", &[3, 4, 5][..]));
        let create = Options { create_missing: true, ..update() };
        let checked = check(&portal, "username,groups\nnew4,Night shift\n", &create).await.expect("a check");
        assert_eq!((checked.counts().as_str(), checked.groups.len()), ("1 refused", 0));
        let error = check(&portal, "username,department\nnew4,Night shift\n", &create).await.map(drop);
        assert_eq!(error.expect_err("no department may be made").kind, Kind::Denied);
        // Nor may all superusers go, wherever they stand in the file.
        let error = check(&root, "username,is_superuser\nroot,no\n", &update()).await.map(drop);
        assert_eq!(error.expect_err("nobody could run the portal").kind, Kind::Denied);
    }

    /// Made-up passwords stand in a new file before anybody has them; ready hashes are stored as they are.
    async fn passwords_are_made_up_or_ready(db: TestDb) {
        let portal = peopled(&db).await;
        let text = format!("username,password\nann,\nbob,{HASH}\nbela,\n");
        let options = Options { generate: true, ..update() };
        let (source, file) = (Source::copy(text.as_bytes()).unwrap(), Temporary::none());
        let watch = Watch::default();
        let checked = import::check(&portal, &source, &options, None, &watch).await.expect("a check");
        assert_eq!(checked.counts(), "2 new, 1 unchanged");
        let made = PasswordFile::create(&file.0).expect("a new file");
        import::apply(&portal, source, &options, &checked, Some(made), None, &watch).await.expect("an import");
        let lines: Vec<String> = file.text().lines().map(str::to_owned).collect();
        assert_eq!((lines.len(), lines[0].as_str()), (2, "username,password"));
        let clear = lines[1].strip_prefix("ann,").expect("the password of ann").to_owned();
        let stored = |name: &'static str| {
            let sql = portaldesk::db::Sql::new("SELECT password FROM auth_user WHERE username = ?").bind(name);
            db.one(sql)
        };
        let ann = stored("ann").await.unwrap().text(0).unwrap();
        assert_eq!(passwords::verify(&portal, &clear, Some(&ann)).await.unwrap(), Verdict::Right);
        assert_eq!(stored("bob").await.unwrap().text(0).unwrap(), HASH);
    }
}
