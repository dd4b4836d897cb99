//! After signing in: a run that was stopped, by somebody or because its program was killed. It is gone on with, taken back,
//! set aside, or asked about again the next time.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::undo::Undo;
use crate::error::Error;
use crate::integrity::Fixed;
use crate::integrity::runs::{self, Listed, Resumed};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code, key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_review;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::{dialog, grouped};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "go on"),
    Binding::new(&[key('u')], Action::Undo, "take it back"),
    Binding::new(&[key('s')], Action::RunSetAside, "set aside"),
    Binding::new(&[code(Key::Esc), key('q')], Action::No, "ask again next time"),
];

/// Going on with a run: its result in words, and why a part was refused.
pub const RESUME: Slot<Went> = Slot::exclusive("runs.resume").stoppable().reporting(Went::words);
const SET_ASIDE: Slot<()> = Slot::exclusive("runs.set-aside");
const LOOK: Slot<Vec<Listed>> = Slot::latest("runs.look");

/// What going on with a run did.
#[derive(Debug, Clone)]
pub struct Went {
    title: String,
    done: String,
    stopped: bool,
    refused: Option<(usize, String, Error)>,
}

/// The dialog about the newest of the stopped runs.
pub struct StoppedRun {
    list: Vec<Listed>,
    /// The run is being gone on with.
    is_going: bool,
    clock: Clock,
}

impl StoppedRun {
    /// Asks about them, if there are any.
    pub(super) fn offer(list: Vec<Listed>, cx: &mut Cx) {
        if !list.is_empty() {
            cx.push(Self { list, is_going: false, clock: Clock::default() });
        }
    }

    fn words(&self) -> String {
        let Some(listed) = self.list.first() else { return String::new() };
        let run = &listed.run;
        let owner = listed.owner().map(|it| format!(" ({} on {}, process {})", it.user, it.host, it.pid));
        let next = if listed.can_go_on() {
            "What it did stands. Going on looks for what is left now."
        } else {
            "What it did stands. It is not known how to go on with it."
        };
        let more = match self.list.len() {
            0 | 1 => String::new(),
            2 => "\nAnother run was stopped too.".to_owned(),
            runs => format!("\n{} other runs were stopped too.", runs - 1),
        };
        format!(
            "{}.\nBegun {} by {}{}; last heard of {}.\n{next}{more}",
            listed.words(),
            self.clock.time(run.started),
            listed.by(),
            owner.unwrap_or_default(),
            self.clock.time(run.heartbeat),
        )
    }

    fn go_on(&mut self, cx: &mut Cx) {
        let Some(listed) = self.list.first() else { return };
        self.is_going = true;
        let (id, title) = (listed.run.id.clone(), listed.run.title.clone());
        cx.start_task(&RESUME, format!("going on with {title}"), move |portal, task| async move {
            let resumed = runs::resume(&portal, &id, &plan_review::watch(&task)).await?;
            Ok(Went::of(title, resumed))
        });
    }

    fn set_aside(&self, cx: &mut Cx) {
        let Some(listed) = self.list.first() else { return };
        let id = listed.run.id.clone();
        cx.start(&SET_ASIDE, "setting the run aside", move |portal| async move {
            runs::end(&portal, &id).await.map(drop)
        });
    }
}

impl Went {
    fn of(title: String, resumed: Resumed) -> Self {
        let (done, stopped, mut refused) = match resumed {
            Resumed::Repair(fixed) => (repaired(&fixed), fixed.stopped, fixed.refused),
            Resumed::Other(outcome) => {
                (format!("{} rows written", grouped(outcome.rows)), outcome.stopped, outcome.refused)
            }
        };
        let count = refused.len();
        let first = (count > 0).then(|| refused.swap_remove(0));
        Self { title, done, stopped, refused: first.map(|(what, why)| (count, what, why)) }
    }

    /// `Went on with 'Repair user profiles': PRF-001 660 · u undoes all of it`.
    fn words(&self) -> String {
        let how = if self.stopped { "; stopped again" } else { "" };
        match &self.refused {
            Some((count, what, why)) => format!(
                "Went on with '{}': {}{how}; {} refused. {what}: {why}",
                self.title,
                self.done,
                grouped(*count as u64)
            ),
            None => format!("Went on with '{}': {}{how} · u undoes all of it", self.title, self.done),
        }
    }
}

/// `PRF-001 660, PRF-002 4`.
fn repaired(fixed: &Fixed) -> String {
    let each: Vec<String> =
        fixed.repaired.iter().map(|it| format!("{} {}", it.id, grouped(it.count as u64))).collect();
    if each.is_empty() { "nothing was left to do".to_owned() } else { each.join(", ") }
}

impl Screen for StoppedRun {
    fn title(&self) -> String {
        "A run was stopped".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        let can_go_on = self.list.first().is_some_and(Listed::can_go_on);
        match action {
            Action::No => Ok(()),
            _ if self.is_going => Err("It goes on already; Esc stops it.".to_owned()),
            Action::Choose if !can_go_on => {
                Err("It is not known how to go on with it; u takes back what it did.".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn changed(&mut self, cx: &mut Cx) {
        if !self.is_going {
            cx.start(&LOOK, "looking for stopped runs", |portal| async move { runs::to_ask(&portal).await });
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Choose => self.go_on(cx),
            Action::Undo => {
                if let Some(listed) = self.list.first() {
                    cx.push(Undo::of(listed.run.id.clone()));
                }
            }
            Action::RunSetAside => self.set_aside(cx),
            _ if self.is_going => {
                cx.stop(&RESUME);
                cx.refuse("Stopping after the rows under way; what is done stays.");
            }
            _ => cx.close(),
        }
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = RESUME.take(reply) {
            self.is_going = false;
            match result {
                Ok(went) => match &went.refused {
                    Some((_, _, why)) => cx.fail(&Error::new(why.kind, went.words())),
                    None => cx.done(went.words()),
                },
                Err(error) => cx.fail(&error),
            }
        } else if let Some(result) = SET_ASIDE.take(reply) {
            match result {
                Ok(()) => cx.done("Set aside. What it did can be taken back in History."),
                Err(error) => cx.fail(&error),
            }
        } else if let Some(result) = LOOK.take(reply) {
            match result {
                Ok(list) if list.is_empty() => cx.close(),
                Ok(list) => self.list = list,
                Err(error) => cx.fail(&error),
            }
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        dialog::draw_text(frame, area, &self.words(), Tone::Plain, theme);
    }

    fn layer(&self) -> Layer {
        Layer::Popup { width: dialog::WIDTH, height: dialog::rows(&self.words(), dialog::WIDTH) }
    }

    fn guarded(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::layout::Size;

    use super::*;
    use crate::db::own::Run;
    use crate::error::Kind;
    use crate::integrity::runs::State;

    fn moment(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).expect("a time").with_timezone(&Utc)
    }

    fn dialog(resumable: bool) -> StoppedRun {
        let run = Run {
            id: "0f".to_owned(),
            title: "Repair user profiles".to_owned(),
            kind: "repair".to_owned(),
            state: "running".to_owned(),
            planned: Some(1_000),
            done: 340,
            refused: 0,
            actor_id: Some(3),
            actor: Some("amir".to_owned()),
            unix_user: "alice".to_owned(),
            ssh_from: None,
            sitting: "sitting".to_owned(),
            owner: "alice@db1:4711".to_owned(),
            resume_from: resumable.then(|| "{}".to_owned()),
            started: moment("2026-11-21T10:02:00Z"),
            heartbeat: moment("2026-11-21T10:03:00Z"),
            finished: None,
        };
        let clock = Clock::stopped(|| moment("2026-11-21T12:00:00Z"));
        StoppedRun { list: vec![Listed { run, state: State::Stopped }], is_going: false, clock }
    }

    fn drawn(dialog: &mut StoppedRun) -> String {
        let Layer::Popup { width, height } = dialog.layer() else { panic!("a popup") };
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
        let theme = Theme { colours: false, ascii: false };
        terminal.draw(|frame| dialog.draw(frame, frame.area(), &theme)).expect("a picture");
        terminal.backend().to_string()
    }

    #[test]
    fn it_says_what_stopped_and_how_far_it_was() {
        insta::assert_snapshot!("resumable", drawn(&mut dialog(true)));
        let mut not = dialog(false);
        not.list.push(not.list[0].clone());
        insta::assert_snapshot!("not_resumable", drawn(&mut not));
        assert!(not.enabled(Action::Choose).is_err() && not.enabled(Action::Undo).is_ok());
    }

    #[test]
    fn each_answer_does_what_its_key_says() {
        let mut cx = Cx::new(Size::new(80, 24));
        for (action, wanted) in [
            (Action::Undo, "[Push(Undo)]"),
            (Action::RunSetAside, "[Start(runs.set-aside: setting the run aside)]"),
            (Action::No, "[Close]"),
            (Action::Choose, "[Start(runs.resume: going on with Repair user profiles)]"),
        ] {
            dialog(true).act(action, &mut cx);
            assert_eq!(format!("{:?}", cx.take()), wanted);
        }
    }

    #[test]
    fn while_it_goes_on_leaving_means_stopping() {
        let mut cx = Cx::new(Size::new(80, 24));
        let mut dialog = dialog(true);
        dialog.act(Action::Choose, &mut cx);
        cx.take();
        assert!(dialog.enabled(Action::Choose).is_err() && dialog.enabled(Action::Undo).is_err());
        dialog.act(Action::No, &mut cx);
        assert!(format!("{:?}", cx.take()).starts_with("[Stop(runs.resume)"));
        let went = Went {
            title: "Repair user profiles".to_owned(),
            done: "PRF-001 660".to_owned(),
            stopped: false,
            refused: None,
        };
        dialog.reply(&mut Reply::of(&RESUME, Ok(went)), &mut cx);
        let told = format!("{:?}", cx.take());
        assert!(
            told.contains("Went on with 'Repair user profiles': PRF-001 660 · u undoes all of it"),
            "{told}"
        );
        dialog.reply(&mut Reply::of(&LOOK, Ok(Vec::new())), &mut cx);
        assert_eq!(format!("{:?}", cx.take()), "[Close]");
    }

    #[test]
    fn what_was_refused_stays_on_the_screen() {
        let refused = Some((2, "Give cho a profile".to_owned(), Error::new(Kind::Denied, "Privileged.")));
        let went = Went { title: "R".to_owned(), done: "PRF-001 1".to_owned(), stopped: true, refused };
        let words = went.words();
        assert_eq!(
            words,
            "Went on with 'R': PRF-001 1; stopped again; 2 refused. Give cho a profile: Privileged."
        );
    }
}
