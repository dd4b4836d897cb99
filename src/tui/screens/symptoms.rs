//! From what people see (an error's number, a refused login) to the checks that explain it.

use super::message::Message;
use super::pick::Pick;
use crate::integrity;
use crate::tui::actions::Action;
use crate::tui::input::{Key, code};
use crate::tui::keymap::Binding;
use crate::tui::widgets::picker::{Choice, Picker};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "explain"),
    Binding::new(&[code(Key::Esc)], Action::No, "close"),
];

/// What people see, and the ids of checks.
type Symptom = (&'static str, &'static [&'static str]);

/// What people see, in the words of Django and the engines, and the checks that explain it, the likeliest first. One that
/// is not in this program's register is left out. The checks themselves follow in the list, by id and title.
const SYMPTOMS: &[Symptom] = &[
    ("1062 Duplicate entry for key user_id", &["PRF-003", "PRF-002", "IDX-001"]),
    ("UNIQUE constraint failed: core_userprofile.user_id", &["PRF-003", "PRF-002"]),
    ("23505 duplicate key value violates unique constraint", &["PRF-003", "SEQ-001", "PRF-002"]),
    ("IntegrityError when a user is added", &["PRF-003", "PRF-002", "SEQ-001", "SEQ-002", "SEQ-003"]),
    ("1062 Duplicate entry for key PRIMARY: a counter lags", &["SEQ-002", "SEQ-003"]),
    ("23505 ..._pkey already exists: a counter lags", &["SEQ-001", "SEQ-003"]),
    ("1467 auto-increment, 2200H sequence: a counter is at its end", &["SEQ-004", "SEQ-005"]),
    ("1062 Duplicate entry for key main_portal_id", &["IDX-003", "PID-001", "TXT-001"]),
    ("the same portal id twice", &["PID-001", "PRF-002"]),
    ("RelatedObjectDoesNotExist: User has no userprofile", &["PRF-001"]),
    ("user has no profile", &["PRF-001"]),
    ("MultipleObjectsReturned: more than one UserProfile", &["PRF-002"]),
    ("MultipleObjectsReturned: more than one User", &["USR-001", "USR-002", "IDX-002"]),
    (
        "cannot log in, or the right password is refused",
        &["PRF-001", "PRF-002", "USR-001", "USR-004", "PWD-004", "PWD-001"],
    ),
    ("logged in, but no access or an empty page", &["GRP-001", "GRP-003", "USR-003", "GRP-002", "PRF-001"]),
    ("Group matching query does not exist", &["GRP-001", "GRP-002"]),
    ("403 permission denied for a whole group", &["GRP-005", "PRM-001", "REL-005"]),
    ("a superuser cannot open the admin pages", &["ADM-003", "GRP-004"]),
    ("nobody can administer the portal any more", &["ADM-001", "ADM-002", "PWD-001"]),
    ("a new account has rights that nobody gave it", &["REL-001", "REL-002", "PRF-003"]),
    ("a group counts its members twice", &["REL-007"]),
    ("1452 / 23503 a foreign key constraint fails", &["REL-001", "REL-003", "PRF-003", "IDX-004"]),
    ("FOREIGN KEY constraint failed", &["REL-001", "REL-003", "PRF-003", "REL-004"]),
    ("1267 Illegal mix of collations", &["SCH-002"]),
    ("1366 Incorrect string value", &["SCH-002", "TXT-002"]),
    ("1054 / 42703 / no such column", &["SCH-003", "MIG-001"]),
    ("1146 / 42P01 / no such table", &["SCH-003", "MIG-001"]),
    ("migrate fails, or does nothing", &["MIG-001", "IDX-003", "SCH-003"]),
    ("1406 / 22001 Data too long", &["TXT-003"]),
    ("could not decode to UTF-8, invalid byte sequence", &["TXT-002", "TXT-004"]),
    ("ValueError: a number, a date or a truth value is expected", &["TXT-004", "BOO-001", "TIM-002"]),
    ("1292 Incorrect datetime value, year is out of range", &["TIM-002", "TIM-001"]),
    ("dates in the future, or in the wrong order", &["TIM-001", "TIM-003"]),
    ("a password mail goes to the wrong person or to nobody", &["USR-002"]),
    ("passwords that are weak, copied or readable", &["PWD-002", "PWD-005", "PWD-003"]),
    ("a department is listed twice, or is missing", &["DEP-002", "REL-003", "DEP-001"]),
    ("the history page of the admin fails", &["REL-004", "LOG-001"]),
    ("malformed database, table marked as crashed", &["PHY-001", "SCH-001"]),
    ("a failed save was kept in part: no rollback", &["SCH-001", "SCH-004"]),
];

/// A line of the list: a symptom with its checks, or a check.
struct Cause {
    words: String,
    ids: Vec<&'static str>,
}

/// All lines, the symptoms first.
fn causes() -> Vec<Cause> {
    let symptoms = SYMPTOMS.iter().map(|(words, ids)| Cause { words: (*words).to_owned(), ids: known(ids) });
    let checks = integrity::CHECKS.iter().map(|check| {
        let about = check.about();
        Cause { words: about.title.to_owned(), ids: vec![about.id] }
    });
    symptoms.filter(|cause| !cause.ids.is_empty()).chain(checks).collect()
}

/// The list of symptoms and checks; typing narrows it.
#[must_use]
pub fn list() -> Pick {
    let causes = causes();
    let choices = causes.iter().map(|cause| Choice::new(&cause.words, cause.ids.join(" "))).collect();
    Pick::new("What is wrong?", &[KEYS], Picker::new(choices, 0), 74, move |at, cx| {
        if let Some(cause) = causes.get(at) {
            cx.replace(Message::new(&cause.words, explain(&cause.ids)));
        }
    })
}

/// Those of these checks that are in the register.
fn known(ids: &[&'static str]) -> Vec<&'static str> {
    ids.iter().copied().filter(|id| integrity::check(id).is_some()).collect()
}

/// What the catalogue says about these checks.
fn explain(ids: &[&'static str]) -> String {
    let checks = ids.iter().filter_map(|id| integrity::check(id));
    let each = checks.map(|check| {
        let about = check.about();
        format!(
            "{}  {}\n{}\nUsual cause: {}\nRepair: {}\n",
            about.id, about.title, about.why, about.cause, about.remedy
        )
    });
    let mut words: Vec<String> = each.collect();
    words.push(
        "The Integrity tab looks for these. A user's record says why that user can't log in.".to_owned(),
    );
    words.join("\n")
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::tui::cx::{Cx, Effect};
    use crate::tui::input::{Input, key};
    use crate::tui::screen::Screen;

    /// What the first line is after typing this, as `Enter` explains it.
    fn first(typed: &str) -> Cause {
        let mut list = list();
        let mut cx = Cx::new(Size::new(80, 24));
        for c in typed.chars() {
            assert!(list.input(&Input::Key(key(c)), &mut cx));
        }
        list.act(Action::Choose, &mut cx);
        let [Effect::Replace(explained)] = cx.effects() else { panic!("{typed}") };
        causes().into_iter().find(|cause| cause.words == explained.title()).expect(typed)
    }

    #[test]
    fn an_errors_number_and_words_lead_to_its_checks() {
        for (typed, id) in [
            ("1062", "PRF-003"),
            ("duplicate entry user_id", "PRF-003"),
            ("IntegrityError", "PRF-003"),
            ("RelatedObject", "PRF-001"),
            ("has no profile", "PRF-001"),
            ("cannot log in", "PRF-001"),
            ("Group matching", "GRP-001"),
            ("23503", "REL-001"),
        ] {
            let cause = first(typed);
            assert_eq!(cause.ids.first(), Some(&id), "{typed}: {}", cause.words);
            assert!(explain(&cause.ids).contains(id));
        }
    }

    #[test]
    fn every_check_is_reached_by_its_id_and_by_its_title() {
        for check in integrity::CHECKS {
            let about = check.about();
            assert!(first(about.id).ids.contains(&about.id), "{}", about.id);
            let explained = explain(&first(&about.title.to_lowercase()).ids);
            assert!(explained.contains(about.id) && explained.contains(about.why), "{}", about.id);
        }
    }
}
