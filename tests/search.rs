//! The index of words gives the same pages as comparing every row, and follows what is written.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod support;

use portaldesk::change::Actor;
use portaldesk::directory::accounts::{self, Draft};
use portaldesk::directory::users::{self, Column, From, Query};
use portaldesk::directory::{Portal, Settings, search};
use support::{Server, TestDb, tell, wait_until};

/// Enough that a word of half of them is found in more users than are looked up one by one.
const USERS: i64 = 45_000;

/// The first half is called Ann, the second Zoe, so that one of the names stands at the wrong end of every order by name;
/// every third user has "third" in the address.
async fn seed(db: &TestDb) {
    let half = USERS / 2;
    db.run(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {USERS}), \
         named(i, name) AS (SELECT i, CASE WHEN i <= {half} THEN 'ann' ELSE 'zoe' END FROM n) \
         INSERT INTO auth_user (id, password, is_superuser, username, first_name, last_name, email, is_staff, is_active, \
         date_joined) SELECT i, '!', 0, name || '.' || i, name, '', \
         CASE i % 3 WHEN 0 THEN 'third@example.org' ELSE '' END, 0, 1, datetime('2024-01-01', (i % 1000) || ' hours') \
         FROM named"
    ))
    .await;
}

async fn open(db: &TestDb) -> Portal {
    Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap()
}

/// The same portal with its index built.
async fn indexed(db: &TestDb) -> Portal {
    let portal = open(db).await;
    let words = ["ann".to_owned()];
    let has_index = || async { search::find(&portal, &words).await.unwrap().is_some() };
    wait_until("the index is built", has_index).await;
    portal
}

fn query(word: &str, sort: Column, descending: bool) -> Query {
    Query { sort, descending, ..Query::default() }.filtered(word)
}

/// Every page of a few, from both ends, as ids.
async fn pages(portal: &Portal, query: &Query) -> Vec<Vec<i64>> {
    let mut all = Vec::new();
    let first = users::page(portal, query, &From::Start, 20).await.unwrap();
    let last = users::page(portal, query, &From::End, 20).await.unwrap();
    let behind = first.rows.last().map_or(From::Start, |row| From::After(row.place.clone()));
    let before = last.rows.first().map_or(From::End, |row| From::Before(row.place.clone()));
    let next = users::page(portal, query, &behind, 20).await.unwrap();
    let previous = users::page(portal, query, &before, 20).await.unwrap();
    for page in [first, next, previous, last] {
        all.push(page.rows.iter().map(|row| row.id).collect());
    }
    all
}

#[test]
fn the_index_gives_the_pages_that_comparing_every_row_gives() {
    tell(Server::Sqlite, "search", |db| async move {
        seed(&db).await;
        let with = indexed(&db).await;
        for word in ["ann", "zoe", "third", "zoe third", "ann.77", "nobody"] {
            for sort in [Column::Username, Column::Joined, Column::Department] {
                for descending in [false, true] {
                    let query = query(word, sort, descending);
                    // A portal that was just opened has no index yet.
                    let without = open(&db).await;
                    let compared = pages(&without, &query).await;
                    assert_eq!(pages(&with, &query).await, compared, "{query:?}");
                }
            }
            let query = query(word, Column::Username, false);
            let (counted, total) = (
                users::count(&with, &query).await.unwrap(),
                users::count(&open(&db).await, &query).await.unwrap(),
            );
            assert_eq!(counted, total, "{word}");
            let last = users::page(&with, &query, &From::End, 1).await.unwrap();
            if let Some(row) = last.rows.last() {
                let position = users::position(&with, &query, &row.place).await.unwrap();
                assert_eq!(position, total - 1, "{word}");
            }
        }
    });
}

#[test]
fn what_is_written_is_found_at_once() {
    tell(Server::Sqlite, "search", |db| async move {
        seed(&db).await;
        let portal = indexed(&db).await;
        let found = async |word: &str| {
            let page =
                users::page(&portal, &query(word, Column::Username, false), &From::Start, 20).await.unwrap();
            page.rows.into_iter().map(|row| row.username).collect::<Vec<_>>()
        };
        let plan = accounts::create(&portal, &Draft::default().with("username", "quentin")).await.unwrap();
        portal.writer().unwrap().apply(plan).await.unwrap();
        assert_eq!(found("quentin").await, ["quentin"]);
        let id = users::find(&portal, "quentin").await.unwrap();
        let plan = accounts::edit(&portal, id, &Draft::default().with("username", "rosalind")).await.unwrap();
        portal.writer().unwrap().apply(plan).await.unwrap();
        assert_eq!(found("quentin").await, Vec::<String>::new());
        assert_eq!(found("rosalind").await, ["rosalind"]);
    });
}

/// However a page is found (by the members of a small department, by a short walk, or by looking at everybody), it is
/// the page of the whole order.
#[test]
fn pages_of_a_filter_are_pieces_of_the_whole() {
    tell(Server::Sqlite, "search", |db| async move {
        seed(&db).await;
        db.run(
            "INSERT INTO core_department (id, name, description, is_active, created_at) VALUES \
             (1, 'Small', '', 1, '2024-01-01'), (2, 'Large', '', 1, '2024-01-01'); \
             INSERT INTO core_userprofile (user_id, department_id, email_notifications, created_at, updated_at) \
             SELECT id, CASE WHEN id % 900 = 0 THEN 1 WHEN id % 3 > 0 THEN 2 END, 1, date_joined, date_joined \
             FROM auth_user; \
             UPDATE auth_user SET is_superuser = 1 WHERE id > 44980; \
             UPDATE auth_user SET is_active = 0 WHERE id % 7 = 0; \
             INSERT INTO auth_group (id, name) VALUES (9, 'Night shift'); \
             INSERT INTO auth_user_groups (user_id, group_id) SELECT id, 9 FROM auth_user WHERE id % 2 = 0",
        )
        .await;
        let portal = indexed(&db).await;
        for line in [
            "dept:#1",
            "dept:#2",
            "dept:#2 super:yes",
            "super:yes",
            "active:no",
            "group:#9 -dept:#2",
            "zoe dept:#1",
            "zoe dept:#2 active:no",
            "zoe -group:none super:no joined<2024-01-02",
            "dept:none -zoe",
            "login:never super:yes active:no ann",
        ] {
            for sort in [Column::Username, Column::Joined, Column::Department] {
                for descending in [false, true] {
                    let query = query(line, sort, descending);
                    let whole = users::ids(&portal, &query).await.unwrap();
                    let end = whole.len().saturating_sub(20);
                    let first = whole[..whole.len().min(20)].to_vec();
                    let next = whole[first.len()..whole.len().min(40)].to_vec();
                    let previous = whole[end.saturating_sub(20)..end].to_vec();
                    let expected = [first, next, previous, whole[end..].to_vec()];
                    let found = pages(&portal, &query).await;
                    if !whole.is_empty() {
                        assert_eq!(found, expected, "{line} {sort:?} {descending}");
                    }
                    let count = users::count(&portal, &query).await.unwrap();
                    assert_eq!(usize::try_from(count).unwrap(), whole.len(), "{line}");
                }
            }
        }
    });
}
