//! From what people see (an error's number, a refused login) to the checks that explain it.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::message::Message;
use crate::integrity;
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::Theme;
use crate::tui::widgets::cells;
use crate::tui::widgets::picker::{Choice, Picker};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "explain"),
    Binding::new(&[code(Key::Esc)], Action::No, "close"),
];

/// What people see, and the ids of checks.
type Symptom = (&'static str, &'static [&'static str]);

/// What people see, in the words of Django and the engines, and the checks that explain it, the likeliest first. One that
/// is not in this program's register is left out.
const SYMPTOMS: &[Symptom] = &[
    ("1062 Duplicate entry for key user_id", &["PRF-003", "PRF-002", "IDX-001"]),
    ("UNIQUE constraint failed: core_userprofile.user_id", &["PRF-003", "PRF-002"]),
    ("23505 duplicate key value violates unique constraint", &["PRF-003", "SEQ-001", "PRF-002"]),
    ("1062 Duplicate entry for key PRIMARY", &["SEQ-002", "SEQ-003"]),
    ("1062 Duplicate entry for key main_portal_id", &["IDX-003", "PID-001", "TXT-001"]),
    ("RelatedObjectDoesNotExist: User has no userprofile", &["PRF-001"]),
    ("user has no profile", &["PRF-001"]),
    ("MultipleObjectsReturned: more than one UserProfile", &["PRF-002"]),
    ("cannot log in", &["PRF-001", "PRF-002", "USR-001", "USR-004", "PWD-004"]),
    ("logged in, but no access or an empty page", &["GRP-001", "GRP-003", "USR-003", "PRF-001"]),
    ("a new account has rights that nobody gave it", &["REL-001", "PRF-003"]),
    ("1452 / 23503 a foreign key constraint fails", &["REL-001", "REL-003", "PRF-003", "IDX-004"]),
];

/// The list of symptoms; typing narrows it.
pub struct Symptoms {
    picker: Picker,
}

impl Default for Symptoms {
    fn default() -> Self {
        let choice = |(words, ids): &Symptom| Choice::new(*words, known(ids).join(" "));
        Self { picker: Picker::new(SYMPTOMS.iter().map(choice).collect(), 0) }
    }
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
    if words.is_empty() {
        words.push("No check of this program finds the cause of it.".to_owned());
    }
    words.push(
        "The Integrity tab looks for these. A user's record says why that user can't log in.".to_owned(),
    );
    words.join("\n")
}

impl Screen for Symptoms {
    fn title(&self) -> String {
        "What is wrong?".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match (action, self.picker.chosen().and_then(|at| SYMPTOMS.get(at))) {
            (Action::Choose, Some((words, ids))) => cx.replace(Message::new(*words, explain(ids))),
            (Action::Choose, None) => {}
            _ => cx.close(),
        }
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        self.picker.input(input)
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        self.picker.draw(frame, area, theme);
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: 74, height: cells(SYMPTOMS.len() + 1) }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::tui::cx::Effect;
    use crate::tui::input::key;

    #[test]
    fn an_errors_number_and_words_lead_to_its_checks() {
        for (typed, id) in [
            ("1062", "PRF-003"),
            ("duplicate entry user_id", "PRF-003"),
            ("RelatedObject", "PRF-001"),
            ("has no profile", "PRF-001"),
            ("cannot log in", "PRF-001"),
        ] {
            let mut symptoms = Symptoms::default();
            let mut cx = Cx::new(Size::new(80, 24));
            for c in typed.chars() {
                assert!(symptoms.input(&Input::Key(key(c)), &mut cx));
            }
            let (words, ids) = symptoms.picker.chosen().map(|at| SYMPTOMS[at]).expect(typed);
            assert_eq!(known(ids).first(), Some(&id), "{typed}: {words}");
            assert!(explain(ids).contains(id));
            symptoms.act(Action::Choose, &mut cx);
            assert!(matches!(cx.effects(), [Effect::Replace(_)]), "{typed}");
        }
    }
}
