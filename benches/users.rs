//! How long the list of users, a record, and a new account take at a million users, beside the bare SQL.
//!
//! `cargo bench --bench users`; see `benches/README.md`.
#![expect(clippy::print_stdout, reason = "a bench prints its table")]

mod support;

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use portaldesk::change::Actor;
use portaldesk::db::{Db, Sql};
use portaldesk::directory::accounts::{self, Draft};
use portaldesk::directory::filter::{self, Filter};
use portaldesk::directory::users::{self, Column, From, Page, Query};
use portaldesk::directory::{Portal, Settings, record, search};
use portaldesk::error::Result;
use portaldesk::integrity::scan;
use support::measure::{Hold, Taken, forget_peak_memory, head, line, measure, memory_line};
use support::seed;

/// Rows of a page: a screen of 40 lines shows fewer.
const PAGE: usize = 50;

/// One page in one statement: the ids in order first, then what is shown of them.
macro_rules! page_in_order {
    ($order:literal) => {
        concat!(
            "SELECT u.id, u.username, u.first_name, u.last_name, u.email, u.is_active, d.name FROM \
             (SELECT u.id FROM auth_user u ORDER BY ",
            $order,
            " LIMIT 50) k JOIN auth_user u ON u.id = k.id LEFT JOIN core_userprofile p ON p.user_id = u.id \
             LEFT JOIN core_department d ON d.id = p.department_id ORDER BY ",
            $order
        )
    };
}

#[tokio::main]
async fn main() -> Result<()> {
    let count = seed::users()?;
    if let Some(file) = seed::asked() {
        return seed::make(&file, count).await;
    }
    let file = seed::file(count)?;
    println!("\n{count} users on SQLite, pages of {PAGE}");
    head();
    let portal = open(&file).await?;
    browse(&portal, &file, count).await?;
    memory_line("memory: browsing", 25);
    forget_peak_memory();
    sort(&portal).await?;
    check(&portal).await?;
    memory_line("memory: sorting and checking", 100);
    forget_peak_memory();
    filter(&portal).await?;
    memory_line("memory: filtering", 100);
    forget_peak_memory();
    find_words(&portal, count).await?;
    memory_line("memory: searching, with the index of words", 100);
    drop(portal);
    write(&file).await
}

async fn open(file: &Path) -> Result<Portal> {
    Portal::open(&seed::target(file), Settings::default(), Actor::unix("bench", None)).await
}

/// The bare statement through the same connections, all rows fetched.
async fn bare(db: &Db, sql: &Sql) -> Result<Taken> {
    measure(|| async { Ok(db.all(sql.clone()).await?) }).await
}

async fn page(portal: &Portal, query: &Query, from: &From) -> Result<Taken> {
    measure(|| users::page(portal, query, from, PAGE)).await
}

fn after(page: &Page) -> From {
    page.rows.last().map_or(From::Start, |row| From::After(row.place.clone()))
}

fn before(page: &Page) -> From {
    page.rows.first().map_or(From::End, |row| From::Before(row.place.clone()))
}

async fn browse(portal: &Portal, file: &Path, count: u64) -> Result<()> {
    let query = Query::default();
    let started = measure(|| async {
        let portal = open(file).await?;
        users::page(&portal, &Query::default(), &From::Start, PAGE).await
    });
    line("open the file and read the first page", started.await?, None, Hold::Millis(30));

    let sql = Sql::new(page_in_order!("u.username, u.id"));
    let first_sql = bare(&portal.db, &sql).await?;
    line("first page", page(portal, &query, &From::Start).await?, Some(first_sql), Hold::Millis(5));
    let first = users::page(portal, &query, &From::Start, PAGE).await?;
    line("next page", page(portal, &query, &after(&first)).await?, Some(first_sql), Hold::Millis(5));
    let sql = Sql::new(page_in_order!("u.username DESC, u.id DESC"));
    let last_sql = bare(&portal.db, &sql).await?;
    line("last page", page(portal, &query, &From::End).await?, Some(last_sql), Hold::Millis(5));
    let last = users::page(portal, &query, &From::End, PAGE).await?;
    line("previous page", page(portal, &query, &before(&last)).await?, Some(last_sql), Hold::Millis(5));

    let counted = measure(|| users::count(portal, &query)).await?;
    let sql = Sql::new("SELECT COUNT(*) FROM auth_user");
    line("count of all users", counted, Some(bare(&portal.db, &sql).await?), Hold::Ratio(1.5));
    let id = users::find(portal, &seed::someone(count)).await?;
    line("one user's record", measure(|| record::read(portal, id)).await?, None, Hold::Millis(5));
    Ok(())
}

async fn sort(portal: &Portal) -> Result<()> {
    let orders = [
        ("sort by joined", Column::Joined, Sql::new(page_in_order!("u.date_joined, u.id"))),
        (
            "sort by last web login",
            Column::LastLogin,
            Sql::new(page_in_order!("u.last_login IS NULL, u.last_login, u.id")),
        ),
        ("sort by e-mail", Column::Email, Sql::new(page_in_order!("u.email, u.id"))),
        (
            "sort by department",
            Column::Department,
            Sql::new(
                "SELECT u.id, u.username, d.name FROM auth_user u LEFT JOIN core_userprofile p ON p.user_id = u.id \
                 LEFT JOIN core_department d ON d.id = p.department_id ORDER BY d.name IS NULL, d.name, u.id LIMIT 50",
            ),
        ),
        (
            "sort by access",
            Column::Access,
            Sql::new(
                "SELECT u.id, u.username, a.level FROM auth_user u LEFT JOIN (SELECT user_id, MIN(group_id) AS level \
                 FROM auth_user_groups GROUP BY user_id) a ON a.user_id = u.id ORDER BY a.level IS NULL, a.level, u.id \
                 LIMIT 50",
            ),
        ),
    ];
    for (what, sort, sql) in orders {
        let query = Query { sort, ..Query::default() };
        let sql = bare(&portal.db, &sql).await?;
        line(what, page(portal, &query, &From::Start).await?, Some(sql), Hold::Millis(300));
        let first = users::page(portal, &query, &From::Start, PAGE).await?;
        let next = page(portal, &query, &after(&first)).await?;
        line(&format!("{what}: next page"), next, None, Hold::Millis(300));
    }
    Ok(())
}

/// The first page of those whom a filter lets through, and where it says so all of their ids.
async fn filter(portal: &Portal) -> Result<()> {
    let hundred = Hold::Millis(100);
    for (written, sort, hold) in [
        ("dept:\"Department 08\"", Column::Username, hundred),
        ("dept:\"Department 08\"", Column::Joined, hundred),
        ("dept:none", Column::Username, hundred),
        ("group:Engineer", Column::Username, hundred),
        ("group:Engineer", Column::Joined, hundred),
        ("group:none", Column::Username, hundred),
        ("-group:Engineer dept:\"Department 08\"", Column::Username, hundred),
        ("super:yes", Column::Username, Hold::Nothing),
        ("super:yes", Column::Joined, Hold::Nothing),
        ("active:no login>30d", Column::Username, Hold::Nothing),
    ] {
        let query = Query { filter: filter::read(portal, written).await?, sort, ..Query::default() };
        let what = format!("filter {written}, by {}", sort.label());
        line(&what, page(portal, &query, &From::Start).await?, None, hold);
        if sort == Column::Username {
            continue;
        }
        let all = measure(|| users::ids(portal, &query)).await?;
        line(&format!("  all {} ids", users::ids(portal, &query).await?.len()), all, None, Hold::Nothing);
    }
    Ok(())
}

async fn find_words(portal: &Portal, count: u64) -> Result<()> {
    let started = Instant::now();
    // The first search begins the index; until it is there, rows are compared.
    while search::find(portal, &["zzzzzz".to_owned()]).await?.is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!("search index built in {:.1} s", started.elapsed().as_secs_f64());
    let words = [
        ("search: a word in every sixteenth user", "marek".to_owned(), 50),
        ("search: a username's beginning", seed::someone(count), 5),
        ("search: a word of one user", seed::rare_word(count), 50),
        ("search: a word of nobody", "zzzzzz".to_owned(), 50),
    ];
    for (what, word, most) in words {
        let sql = Sql::new(
            "SELECT u.id FROM auth_user u LEFT JOIN core_userprofile p ON p.user_id = u.id WHERE u.username LIKE ",
        );
        let pattern = format!("%{word}%");
        let sql = sql
            .push_bind("? OR u.first_name LIKE ", pattern.as_str())
            .push_bind("? OR u.last_name LIKE ", pattern.as_str())
            .push_bind("? OR u.email LIKE ", pattern.as_str())
            .push_bind("? OR p.main_portal_id LIKE ", pattern.as_str())
            .push_bind("? ORDER BY u.username LIMIT 50", pattern.as_str());
        let query = Query { filter: Filter::words(vec![word]), ..Query::default() };
        let sql = bare(&portal.db, &sql).await?;
        line(what, page(portal, &query, &From::Start).await?, Some(sql), Hold::Millis(most));
    }
    Ok(())
}

async fn check(portal: &Portal) -> Result<()> {
    let sql = Sql::new(
        "SELECT u.id FROM auth_user u WHERE NOT EXISTS (SELECT 1 FROM core_userprofile p WHERE p.user_id = u.id)",
    );
    let sql = bare(&portal.db, &sql).await?;
    let only = ["PRF-001".to_owned()];
    line(
        "check PRF-001, users without a profile",
        measure(|| scan(portal, &only, None)).await?,
        Some(sql),
        Hold::Ratio(1.5),
    );
    Ok(())
}

/// New accounts, written to a copy of the file.
async fn write(file: &Path) -> Result<()> {
    let copy = file.with_extension("copy");
    let broken = |error: std::io::Error| {
        portaldesk::error::Error::unreachable(format!("the database can't be copied: {error}"))
    };
    std::fs::copy(file, &copy).map_err(broken)?;
    let portal = open(&copy).await?;
    let plain = measure_new_users(&portal, "plain", None).await?;
    line("create a user, password hash aside", plain, None, Hold::Millis(10));
    let sql = Sql::new("SELECT id FROM core_userprofile WHERE main_portal_id = ?").bind("none has this");
    let sql = bare(&portal.db, &sql).await?;
    let with_id = measure_new_users(&portal, "numbered", Some("NEW")).await?;
    line("create a user with a portal id", with_id, Some(sql), Hold::Ratio(1.2));
    drop(portal);
    for suffix in ["copy", "copy-wal", "copy-shm"] {
        drop(std::fs::remove_file(file.with_extension(suffix)));
    }
    Ok(())
}

/// Plans and applies new accounts, each with a name and, where wanted, a portal id of its own.
async fn measure_new_users(portal: &Portal, name: &str, portal_id: Option<&str>) -> Result<Taken> {
    let made = Cell::new(0_u32);
    measure(|| {
        made.set(made.get() + 1);
        let mut draft = Draft::default()
            .with("username", format!("{name}.{}", made.get()))
            .with("email", "new@alphalab.example");
        if let Some(id) = portal_id {
            draft = draft.with("main_portal_id", format!("{id}-{}", made.get()));
        }
        async move {
            let plan = accounts::create(portal, &draft).await?;
            portal.writer()?.apply(plan).await
        }
    })
    .await
}
