//! Findings that someone accepted: shown apart, not counted and not repaired, until they are taken back or expire.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[macro_use]
mod support;

use chrono::{TimeDelta, Utc};
use portaldesk::change::{Account, Actor, Watch};
use portaldesk::db::Cancel;
use portaldesk::directory::{Portal, ReadOnly, Settings};
use portaldesk::error::Kind;
use portaldesk::integrity::{Report, Severity, Subject, baseline, fix_user_profiles, report, scan};
use support::TestDb;

const ONLY: [&str; 2] = ["PRF-001", "REL-001"];

/// A portal with two users without a profile, and whose ids they are.
async fn broken(db: &TestDb) -> (Portal, i64, i64) {
    db.run("INSERT INTO auth_group (name) VALUES ('Admin'), ('AMC Admin'), ('Engineer')").await;
    let (cho, dana) = (db.add_user("cho").await, db.add_user("dana").await);
    let portal = Portal::over(db.db.clone(), Settings::default(), Actor::unix("tester", None)).await.unwrap();
    (portal, cho, dana)
}

async fn looked_at(portal: &Portal) -> Report {
    scan(portal, &ONLY.map(str::to_owned), None).await.unwrap()
}

fn counts(report: &Report) -> (usize, usize) {
    (report.count(Severity::Error) + report.count(Severity::Critical), report.accepted())
}

stories! {
    async fn what_is_accepted_is_shown_apart_and_does_not_count(db: TestDb) {
        let (portal, cho, dana) = broken(&db).await;
        let until = Utc::now() + TimeDelta::days(30);
        let accepted =
            baseline::accept(&portal, "prf-001", &[Subject::of(cho)], " made by hand ", Some(until)).await.unwrap();
        assert_eq!(accepted.len(), 1);
        assert_eq!((accepted[0].check.as_str(), accepted[0].subject), ("PRF-001", Some(Subject::of(cho))));
        assert_eq!((accepted[0].reason.as_str(), accepted[0].by.as_str()), ("made by hand", "unix:tester"));
        assert!(!accepted[0].expired);

        let report = looked_at(&portal).await;
        assert_eq!(counts(&report), (1, 1));
        assert_eq!(report.findings[0].found.subjects, [Subject::of(dana)]);
        assert_eq!(report.accepted[0].finding.found.subjects, [Subject::of(cho)]);
        let json = report::to_json(&portal, &report).await.unwrap();
        assert_eq!((&json["summary"]["error"], &json["summary"]["accepted"]), (&1.into(), &1.into()));
        let it = &json["accepted"][0];
        assert_eq!((&it["id"], &it["reason"], &it["by"]), (&"PRF-001".into(), &"made by hand".into(), &"unix:tester".into()));
        assert_eq!(it["rows"][0]["row"], cho.to_string());
        assert_eq!(it["baseline"][0], accepted[0].id);
        let text = report::to_text(&portal, &report, 10, &|time| time.to_rfc3339()).await.unwrap();
        assert!(text.contains("Accepted, and not counted:") && text.contains("made by hand"), "{text}");
        assert!(report::verdict(&report).contains("; 1 accepted"));

        // Another program sees the same, and nothing repairs it.
        let other = Portal::over(db.second().await, Settings::default(), Actor::unix("other", None)).await.unwrap();
        assert_eq!(counts(&looked_at(&other).await), (1, 1));
        let fixed = fix_user_profiles(&other, &["PRF-001".to_owned()], false, &Watch::default()).await.unwrap();
        assert_eq!(fixed.repaired[0].count, 1);
        assert!(!fixed.fails());
        assert_eq!(db.number("SELECT COUNT(*) FROM core_userprofile").await, 1);
        assert!(!looked_at(&portal).await.fails(Severity::Info));

        let back = baseline::take_back(&portal, &[accepted[0].id, accepted[0].id]).await.unwrap();
        assert_eq!(back, accepted);
        assert_eq!(counts(&looked_at(&portal).await), (1, 0));
        let error = baseline::take_back(&portal, &[accepted[0].id]).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid);
    }

    async fn what_has_expired_counts_again(db: TestDb) {
        let (portal, cho, dana) = broken(&db).await;
        let both = [Subject::of(cho), Subject::of(dana)];
        let accept = |reason: &'static str, until| baseline::accept(&portal, "PRF-001", &both, reason, until);
        accept("for now", Some(Utc::now() + TimeDelta::days(1))).await.unwrap();
        assert_eq!(counts(&looked_at(&portal).await), (0, 2));
        db.run("UPDATE portaldesk_baseline SET until = '2026-01-02 03:04:05'").await;
        assert_eq!(counts(&looked_at(&portal).await), (2, 0));
        assert!(baseline::list(&portal).await.unwrap().iter().all(|accepted| accepted.expired));

        // Accepted anew, for good, it stands there once.
        accept("for good", None).await.unwrap();
        assert_eq!(counts(&looked_at(&portal).await), (0, 2));
        let all = baseline::list(&portal).await.unwrap();
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|accepted| accepted.reason == "for good" && accepted.until.is_none()));

        for (reason, until, field) in [
            ("  ", None, "reason"),
            ("too late", Some(Utc::now() - TimeDelta::days(1)), "until"),
        ] {
            let error = accept(reason, until).await.unwrap_err();
            assert_eq!(error.kind, Kind::Invalid);
            assert!(error.fields.contains_key(field), "{error:?}");
        }
        for (check, subjects) in [("PRF-999", &both[..]), ("PRF-001", &[])] {
            let error = baseline::accept(&portal, check, subjects, "why", None).await.unwrap_err();
            assert_eq!(error.kind, Kind::Invalid);
        }
        assert_eq!(baseline::list(&portal).await.unwrap(), all, "what was refused changed nothing");
    }

    async fn only_who_may_repair_accepts(db: TestDb) {
        let (portal, cho, dana) = broken(&db).await;
        for (name, user, group) in [("cho", cho, "AMC Admin"), ("dana", dana, "Admin")] {
            db.run(&format!(
                "INSERT INTO auth_user_groups (user_id, group_id) SELECT {user}, id FROM auth_group WHERE name = '{group}'"
            )).await;
            let signed_in = portal.signed_in(Account { id: user, username: name.to_owned() });
            let accepted = baseline::accept(&signed_in, "PRF-001", &[Subject::of(user)], "why", None).await;
            match group {
                "Admin" => assert_eq!(accepted.unwrap()[0].by, "dana"),
                _ => assert_eq!(accepted.unwrap_err().kind, Kind::Denied),
            }
        }
        let id = baseline::list(&portal).await.unwrap()[0].id;
        let signed_in = portal.signed_in(Account { id: cho, username: "cho".to_owned() });
        assert_eq!(baseline::take_back(&signed_in, &[id]).await.unwrap_err().kind, Kind::Denied);

        let read_only = Portal { read_only: Some(ReadOnly::Asked), ..portal.clone() };
        let error = baseline::accept(&read_only, "PRF-001", &[Subject::of(cho)], "why", None).await.unwrap_err();
        assert_eq!(error.kind, Kind::Denied);
        assert!(error.message.contains("read-only"), "{error}");
        assert_eq!(counts(&looked_at(&read_only).await), (1, 1), "what is accepted holds all the same");
        assert_eq!(baseline::list(&portal).await.unwrap().len(), 1);
    }

    /// Of a check whose decisions are fewer than its rows, both parts are counted as the check counts.
    async fn a_part_of_a_finding_is_counted_as_the_whole(db: TestDb) {
        let (portal, ..) = broken(&db).await;
        db.run("DELETE FROM auth_user").await;
        db.without_foreign_keys("INSERT INTO auth_user_groups (user_id, group_id) SELECT 4711, id FROM auth_group").await;
        db.without_foreign_keys("INSERT INTO auth_user_groups (user_id, group_id) SELECT 4712, id FROM auth_group").await;
        let report = looked_at(&portal).await;
        let finding = &report.findings[0];
        assert!(finding.found.subjects.len() > 3);
        assert_eq!(finding.count(), 2);
        let first = finding.found.subjects[0];
        baseline::accept(&portal, finding.id(), &[first], "one row", None).await.unwrap();
        assert_eq!(counts(&looked_at(&portal).await), (2, 1));
        baseline::accept(&portal, finding.id(), &finding.found.subjects, "all", None).await.unwrap();
        assert_eq!(counts(&looked_at(&portal).await), (0, 2));
        let cancel = Cancel::default();
        cancel.cancel();
        assert_eq!(baseline::list(&portal.cancellable(&cancel)).await.unwrap_err().kind, Kind::Interrupted);
    }
}
