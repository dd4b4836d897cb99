//! The filter language against a model of it: five hundred people in memory and on each engine, and filters that nobody
//! thought of.
//!
//! A failure prints the shortest filter that fails and the seed: `SEED=… cargo test --test story_filter` asks the same
//! ones again, `CASES=2000` asks more.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

#[path = "support/people.rs"]
mod people;

use people::{Ask, People, asks};
use portaldesk::directory::filter;
use portaldesk::directory::users::{self, Column, From, Query};
use portaldesk::directory::{Portal, departments};
use portaldesk::error::Kind;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// What a filter lets through, asked in all the ways there are, or how that differs from what the model says.
async fn compare(portal: &Portal, people: &People, asks: &[(bool, Ask)], sort: usize) -> Result<(), String> {
    let line = people::line(asks);
    let expected = people.expected(asks);
    let filter = match (filter::read(portal, &line).await, &expected) {
        (Ok(filter), Some(_)) => filter,
        (Err(error), None) if error.kind == Kind::Usage => return Ok(()),
        (read, _) => return Err(format!("{line}: expected {expected:?}, read {read:?}")),
    };
    let query = Query { filter, sort: Column::ALL[sort % Column::ALL.len()], descending: sort % 2 == 1 };
    let expected = expected.unwrap_or_default();
    let mut ids = users::ids(portal, &query).await.map_err(|error| format!("{line}: {error}"))?;
    let ordered = ids.clone();
    ids.sort_unstable();
    let count = users::count(portal, &query).await.map_err(|error| format!("{line}: {error}"))?;
    if ids != expected || usize::try_from(count).ok() != Some(expected.len()) {
        return Err(format!("{line}: expected {expected:?}, counted {count}, found {ids:?}"));
    }
    // The same again as the filter is kept, page by page from the other end.
    let query = Query { filter: filter::read(portal, &query.filter.by_id()).await.unwrap(), ..query };
    let (mut from, mut walked) = (From::End, Vec::new());
    loop {
        let page =
            users::page(portal, &query, &from, 60).await.map_err(|error| format!("{line}: {error}"))?;
        walked.extend(page.rows.iter().rev().map(|row| row.id));
        match page.rows.first() {
            Some(first) if !page.at_start => from = From::Before(first.place.clone()),
            _ => break,
        }
    }
    walked.reverse();
    if walked != ordered {
        return Err(format!("{line}: in order {ordered:?}, page by page {walked:?}"));
    }
    Ok(())
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

stories! {
    async fn filters_let_through_whom_the_model_says(db: TestDb) {
        let seed = number("SEED").unwrap_or_else(|| u64::from(std::process::id()) ^ 0xf117_0000);
        let cases = number("CASES").unwrap_or(150);
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let (people, portal) = People::settle(&db, seed).await;
        let strategy = (prop::collection::vec((any::<bool>(), asks()), 1..5), 0..16_usize);
        for _ in 0..cases {
            let mut tree = strategy.new_tree(&mut runner).unwrap();
            let (asks, sort) = tree.current();
            let Err(mut shortest) = compare(&portal, &people, &asks, sort).await else { continue };
            while tree.simplify() {
                let (asks, sort) = tree.current();
                match compare(&portal, &people, &asks, sort).await {
                    Err(shorter) => shortest = shorter,
                    Ok(()) if tree.complicate() => {}
                    Ok(()) => break,
                }
            }
            panic!("SEED={seed}: {shortest}");
        }
    }

    /// A part and its opposite share everybody out between them.
    async fn every_question_and_its_opposite_share_everybody_out(db: TestDb) {
        let (people, portal) = People::settle(&db, 1).await;
        let everybody = people.expected(&[]).unwrap();
        for ask in people::every_ask() {
            let line = people::line(&[(false, ask.clone())]);
            let Ok(with) = filter::read(&portal, &line).await else { continue };
            let without = filter::read(&portal, &format!("-{line}")).await.unwrap();
            let mut both = Vec::new();
            for filter in [with, without] {
                both.extend(users::ids(&portal, &Query { filter, ..Query::default() }).await.unwrap());
            }
            both.sort_unstable();
            assert_eq!(both, everybody, "{line}");
        }
    }

    async fn what_a_portal_does_not_have_is_said_by_name(db: TestDb) {
        let (_, portal) = People::settle(&db, 1).await;
        for (line, says) in [
            ("ada dept:Slaes", "'dept:Slaes' at character 5: there is no department 'Slaes'; did you mean 'Sales'?"),
            ("group:Enginer", "there is no group 'Enginer'; did you mean 'Engineer'?"),
            ("dept:#4711", "there is no department of this id"),
            ("-group:Zzz", "'-group:Zzz' at character 1: there is no group 'Zzz'."),
            ("dpt:IT", "Did you mean 'dept:'? There are dept:, group:, "),
        ] {
            let error = filter::read(&portal, line).await.unwrap_err();
            assert!(error.kind == Kind::Usage && error.message.contains(says), "{line}: {error}");
        }
        let sales = departments::find(&portal, "Sales").await.unwrap();
        let filter = filter::read(&portal, "dept:Sales").await.unwrap();
        assert_eq!(filter.by_id(), format!("dept:#{sales}"));
        let shown = filter::read(&portal, "dept:sales").await;
        assert_eq!(shown.is_ok(), db.server == support::Server::MariaDb, "equal is what the engine takes for equal");
    }

    async fn ten_thousand_characters_get_an_answer(db: TestDb) {
        let (_, portal) = People::settle(&db, 1).await;
        let lines = [
            "x".repeat(10_000),
            "dept:".to_owned() + &"x".repeat(9_995),
            "ab ".repeat(3_333),
            "-".repeat(10_000),
            "\"".repeat(10_000),
            "é".repeat(5_000),
            "active:yes ".repeat(909),
        ];
        for line in lines {
            let error = filter::read(&portal, &line).await.unwrap_err();
            assert!(error.kind == Kind::Usage && error.message.len() < 600, "{error}");
        }
        // As long and as many as may be.
        let most = ["x".repeat(4_000), format!("dept:{}", "IT".repeat(2_000))].map(|line| line + " %_!");
        for (line, taken) in most.into_iter().zip([true, false]) {
            match filter::read(&portal, &line).await {
                Ok(filter) => {
                    let query = Query { filter, ..Query::default() };
                    assert!(taken && users::count(&portal, &query).await.unwrap() == 0);
                }
                Err(error) => assert!(!taken && error.kind == Kind::Usage, "{error}"),
            }
        }
        let filter = filter::read(&portal, &"-ab -dept:IT a login>9d ".repeat(25)).await.unwrap();
        assert!(users::count(&portal, &Query { filter, ..Query::default() }).await.unwrap() < 500);
    }
}
