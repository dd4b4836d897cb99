//! Accepting what is found, with a reason and until a day, and taking that back: a small form, and a review of the rows.

use chrono::{DateTime, Utc};
use ratatui::Frame;
use ratatui::layout::Rect;

use super::integrity::board::{Board, SharedBoard};
use super::review::{Confirmation, Review, ReviewText};
use crate::directory::{Portal, moment};
use crate::error::{Kind, Result};
use crate::integrity::{self, Check, Report, Subject, baseline};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code, ctrl, shift};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_review::MOST_ROWS_BY_Y;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::diff::{DiffLine, Sign};
use crate::tui::widgets::fields::Fields;
use crate::tui::widgets::text_field::TextField;
use crate::tui::widgets::{dialog, grouped};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[ctrl('s'), code(Key::F(2))], Action::Review, "review"),
    Binding::new(&[code(Key::Tab), code(Key::Down), code(Key::Enter)], Action::NextField, "next field"),
    Binding::new(&[shift(Key::Tab), code(Key::Up)], Action::PreviousField, "field before").quiet(),
    Binding::new(&[code(Key::Esc)], Action::No, "leave"),
];

/// Writes the baseline, and looks again at the checks concerned.
const WRITE: Slot<Written> = Slot::exclusive("baseline.write").reporting(|written| written.words.clone());
/// The rows of what is to be accepted or taken back, for the review.
const ROWS: Slot<(Change, Vec<DiffLine>)> = Slot::latest("baseline.rows");

/// Of how many decisions the review shows the rows.
const SHOWN: usize = 200;

/// The places of the two fields.
const REASON: usize = 0;
const UNTIL: usize = 1;

/// What is accepted or taken back: decisions of some checks.
pub type What = Vec<(&'static dyn Check, Vec<Subject>)>;

/// A change of the baseline.
#[derive(Clone)]
enum Change {
    Accept { what: What, reason: String, until: Option<DateTime<Utc>> },
    TakeBack { what: What, ids: Vec<i64> },
}

/// What was written.
struct Written {
    words: String,
    after: Result<Report>,
}

/// `2 × PRF-001`.
fn names(what: &What) -> String {
    let each = |(check, subjects): &(&'static dyn Check, Vec<Subject>)| {
        format!("{} × {}", grouped(subjects.len() as u64), check.about().id)
    };
    what.iter().map(each).collect::<Vec<_>>().join(", ")
}

impl Change {
    fn what(&self) -> &What {
        match self {
            Self::Accept { what, .. } | Self::TakeBack { what, .. } => what,
        }
    }

    fn count(&self) -> usize {
        self.what().iter().map(|(_, subjects)| subjects.len()).sum()
    }

    fn title(&self) -> String {
        match self {
            Self::Accept { what, .. } => format!("Accept {}", names(what)),
            Self::TakeBack { what, .. } => format!("Take back what was accepted: {}", names(what)),
        }
    }

    /// What the review says below the rows.
    fn notes(&self, clock: Clock) -> Vec<String> {
        match self {
            Self::Accept { reason, until, .. } => vec![
                format!("Reason: {reason}"),
                match until {
                    Some(until) => format!("Until {}; then it counts again.", clock.date_and_time(*until)),
                    None => "For good; b takes it back.".to_owned(),
                },
                "It is shown apart for everyone, doesn't count and isn't repaired. No row of the portal is written."
                    .to_owned(),
            ],
            Self::TakeBack { .. } => vec!["It counts again, for everyone.".to_owned()],
        }
    }

    fn done(&self) -> String {
        match self {
            Self::Accept { what, .. } => format!("Accepted {} · b on it takes that back", names(what)),
            Self::TakeBack { what, .. } => format!("Taken back: {} counts again", names(what)),
        }
    }

    async fn write(&self, portal: &Portal) -> Result<()> {
        match self {
            Self::Accept { what, reason, until } => {
                for (check, subjects) in what {
                    baseline::accept(portal, check.about().id, subjects, reason, *until).await?;
                }
            }
            Self::TakeBack { ids, .. } => {
                baseline::take_back(portal, ids).await?;
            }
        }
        Ok(())
    }

    /// Reads the rows; [`reply`] opens the review.
    fn ask(self, cx: &mut Cx) {
        cx.start(&ROWS, "reading the rows", move |portal| async move {
            let mut lines = Vec::new();
            for (check, subjects) in self.what() {
                let first = &subjects[..subjects.len().min(SHOWN)];
                let rows = check.rows(&portal, first).await?;
                lines.extend(rows.into_iter().map(|row| DiffLine::new(Sign::Note, row.text)));
                let more = subjects.len() - first.len();
                if more > 0 {
                    let words = format!("… and {} more of {}", grouped(more as u64), check.about().id);
                    lines.push(DiffLine::new(Sign::Note, words));
                }
            }
            Ok((self, lines))
        });
    }

    fn review(self, lines: Vec<DiffLine>, clock: Clock, cx: &mut Cx) {
        let confirm = match self.count() {
            count if count > MOST_ROWS_BY_Y => Confirmation::Typed(count.to_string()),
            _ => Confirmation::Plain,
        };
        let text = ReviewText {
            title: self.title(),
            lines,
            notes: self.notes(clock),
            confirm,
            ..ReviewText::default()
        };
        cx.push(Review::new(text, move |cx| {
            cx.start(&WRITE, "writing the baseline", move |portal| async move {
                self.write(&portal).await?;
                let ids: Vec<String> =
                    self.what().iter().map(|(check, _)| check.about().id.to_owned()).collect();
                let after = integrity::scan(&portal.uncancelled(), &ids, None).await;
                Ok(Written { words: self.done(), after })
            });
        }));
    }
}

/// Takes back what was accepted under these numbers; [`reply`] opens the review.
pub fn take_back(what: What, ids: Vec<i64>, cx: &mut Cx) {
    Change::TakeBack { what, ids }.ask(cx);
}

/// Takes the replies to [`take_back`] and to what its review starts; says whether it was one.
pub fn reply(reply: &mut Reply, board: &SharedBoard, clock: Clock, cx: &mut Cx) -> bool {
    if let Some(result) = ROWS.take(reply) {
        match result {
            Ok((change, lines)) => change.review(lines, clock, cx),
            Err(error) if error.kind == Kind::Interrupted => {}
            Err(error) => cx.fail(&error),
        }
    } else if let Some(result) = WRITE.take(reply) {
        finished(result, &mut board.change(), cx);
    } else {
        return false;
    }
    true
}

/// Takes over what the checks find now.
fn finished(result: Result<Written>, board: &mut Board, cx: &mut Cx) {
    let written = match result {
        Ok(written) => written,
        Err(error) => return cx.fail(&error),
    };
    match written.after {
        Ok(report) => board.merge(report),
        Err(error) => {
            board.stale = true;
            cx.fail(&error);
        }
    }
    cx.done(written.words);
}

/// The form: why, and until when.
pub struct Accept {
    board: SharedBoard,
    what: What,
    fields: Fields,
    clock: Clock,
}

impl Accept {
    /// Asks why these decisions are accepted, and until when.
    #[must_use]
    pub fn new(board: SharedBoard, what: What, clock: Clock) -> Self {
        let reason = TextField::line("", baseline::LONGEST_REASON);
        let fields = Fields::new(vec![("Reason", reason), ("Until", TextField::free(""))]);
        let mut form = Self { board, what, fields, clock };
        form.judge();
        form
    }

    /// Until when, as it is typed; nothing typed is for good.
    fn until(&self) -> std::result::Result<Option<DateTime<Utc>>, String> {
        match self.fields.value(UNTIL).trim() {
            "" => Ok(None),
            typed => moment::ahead(typed).map(Some),
        }
    }

    /// Says behind the field what is typed there.
    fn judge(&mut self) {
        let said = match self.until() {
            Ok(None) => (Tone::Quiet, "for good".to_owned()),
            Ok(Some(until)) => (Tone::Quiet, self.clock.date_and_time(until)),
            Err(_) => (Tone::Bad, "2026-12-31, or 30d".to_owned()),
        };
        self.fields.say(UNTIL, Some(said));
    }

    fn review(&self, cx: &mut Cx) {
        let Ok(until) = self.until() else { return };
        let reason = self.fields.value(REASON).trim().to_owned();
        Change::Accept { what: self.what.clone(), reason, until }.ask(cx);
    }
}

impl Screen for Accept {
    fn title(&self) -> String {
        format!("Accept {}", names(&self.what))
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match action {
            Action::Review if self.fields.value(REASON).trim().is_empty() => {
                Err("Say why, for those who come after.".to_owned())
            }
            Action::Review => self.until().map(|_| ()).map_err(|shapes| format!("Until: {shapes}.")),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::NextField => self.fields.next(),
            Action::PreviousField => self.fields.previous(),
            Action::Review => self.review(cx),
            _ => cx.close(),
        }
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        let used = self.fields.input(input);
        self.judge();
        used
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = WRITE.take(reply) {
            let refused = result.as_ref().err().map(|error| error.kind) == Some(Kind::Invalid);
            finished(result, &mut self.board.change(), cx);
            if !refused {
                cx.close();
            }
        } else {
            self::reply(reply, &self.board, self.clock, cx);
        }
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: dialog::WIDTH, height: 7 }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let rows = self.fields.rows().min(area.height);
        self.fields.draw(frame, Rect { height: rows, ..area }, theme);
        let skip = (rows + 1).min(area.height);
        let below = Rect { y: area.y + skip, height: area.height - skip, ..area };
        let words = "What is accepted is shown apart for everyone and doesn't count, until the day that is given \
                     (2026-12-31, or 30d for thirty days) or until somebody takes it back. Without a day: for good.";
        dialog::draw_text(frame, below, words, Tone::Quiet, theme);
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::error::Error;
    use crate::tui::input::key;

    fn form(count: i64) -> (Accept, Cx) {
        let check = integrity::check("PRF-001").expect("a check");
        let what = vec![(check, (1..=count).map(Subject::of).collect())];
        let clock = Clock::stopped(|| DateTime::from_timestamp(1_760_000_000, 0).expect("a time"));
        (Accept::new(SharedBoard::default(), what, clock), Cx::new(Size::new(80, 24)))
    }

    fn type_into(form: &mut Accept, cx: &mut Cx, words: &str) {
        for c in words.chars() {
            assert!(form.input(&Input::Key(key(c)), cx));
        }
    }

    #[test]
    fn a_reason_is_needed_and_a_day_is_not() {
        let (mut form, mut cx) = form(2);
        assert_eq!(form.title(), "Accept 2 × PRF-001");
        assert!(form.enabled(Action::Review).is_err());
        type_into(&mut form, &mut cx, "a robot");
        assert!(form.enabled(Action::Review).is_ok());
        form.act(Action::NextField, &mut cx);
        type_into(&mut form, &mut cx, "soon");
        let why = form.enabled(Action::Review).expect_err("no day");
        assert!(why.contains("30d"), "{why}");
        form.input(&Input::Key(ctrl('u')), &mut cx);
        type_into(&mut form, &mut cx, "30d");
        assert!(form.enabled(Action::Review).is_ok() && form.until().is_ok_and(|until| until.is_some()));
        form.act(Action::Review, &mut cx);
        assert_eq!(format!("{:?}", cx.take()), "[Start(baseline.rows: reading the rows)]");
    }

    #[test]
    fn it_is_reviewed_before_it_is_written_and_many_ask_for_their_count() {
        let (mut form, mut cx) = form(11);
        let change = Change::Accept { what: form.what.clone(), reason: "a robot".to_owned(), until: None };
        let lines = vec![DiffLine::new(Sign::Note, "user 'cho' has no profile")];
        form.reply(&mut Reply::of(&ROWS, Ok((change.clone(), lines))), &mut cx);
        assert_eq!(format!("{:?}", cx.take()), "[Push(Accept 11 × PRF-001)]");
        assert!(change.notes(form.clock).iter().any(|note| note.contains("For good")));
        let written = Written { words: change.done(), after: Err(Error::conflict("not scanned")) };
        form.reply(&mut Reply::of(&WRITE, Ok(written)), &mut cx);
        assert!(format!("{:?}", cx.take()).ends_with("Close]"));
        form.reply(&mut Reply::of(&WRITE, Err(Error::invalid("The day is over."))), &mut cx);
        assert!(!format!("{:?}", cx.take()).contains("Close"), "what was typed stays");
    }
}
