//! After signing in: what was left unsaved in forms when the line dropped. It is gone on with, dropped, or kept.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::account::left::DROP;
use super::account::values;
use super::confirm::Confirm;
use super::memberships::Memberships;
use super::message::Message;
use super::user_form::UserForm;
use crate::directory::drafts::{self, About, Draft, Offered, Unsaved};
use crate::portal::forms;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code, key};
use crate::tui::jobs::Reply;
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::{cells, dialog, put};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Enter)], Action::Choose, "go on"),
    Binding::new(&[key('D')], Action::DropDraft, "drop it").dangerous(),
    Binding::new(&[code(Key::Esc), key('q')], Action::No, "keep it for later"),
    Binding::new(&[code(Key::Down), key('j')], Action::Down, "down").quiet(),
    Binding::new(&[code(Key::Up), key('k')], Action::Up, "up").quiet(),
];

/// The drafts, the newest first, and whether the user of each is gone.
pub struct Drafts {
    list: Vec<(Draft, bool)>,
    at: usize,
    clock: Clock,
}

impl Drafts {
    /// Offers what there is, and says what can't be used.
    pub(super) fn offer(offered: Offered, cx: &mut Cx) {
        if !offered.drafts.is_empty() {
            cx.push(Self { list: offered.drafts, at: 0, clock: Clock::default() });
        }
        if let Some(words) = offered.set_aside {
            cx.push(Message::new("Unsaved forms", words));
        }
    }

    fn current(&self) -> Option<&(Draft, bool)> {
        self.list.get(self.at)
    }

    /// The question about one of them.
    fn question(&self, (draft, is_gone): &(Draft, bool)) -> String {
        let (who, when) = (who(draft), self.clock.time(draft.at));
        if *is_gone {
            return format!(
                "You were editing {who}, {when}. The account was deleted meanwhile: nothing is left to do but to drop it."
            );
        }
        let names = forms::USER.iter().map(|field| field.name).chain([drafts::PERMISSIONS]);
        let fields: Vec<&str> = names.filter(|name| has_something(draft, name)).map(label).collect();
        format!(
            "You were editing {who}, {when}: go on, or drop it?\n{}: {}. A password is never kept.",
            if draft.unsaved.about == About::NewUser { "Filled in" } else { "Changed" },
            fields.join(", ")
        )
    }

    /// How many rows the longest question takes: what stands on the screen does not jump.
    fn question_rows(&self, width: u16) -> u16 {
        self.list.iter().map(|it| dialog::rows(&self.question(it), width)).max().unwrap_or(1)
    }

    fn ask_to_drop(&self, cx: &mut Cx) {
        let Some((draft, _)) = self.current() else { return };
        let id = draft.unsaved.id.clone();
        let question = format!("Drop what was typed for {}? It can't be brought back.", who(draft));
        cx.push(Confirm::new("Drop", question, "drop it", move |cx| {
            cx.start(
                &DROP,
                "dropping what was typed",
                |portal| async move { drafts::remove(&portal, id).await },
            );
        }));
    }

    fn go_on(&self, cx: &mut Cx) {
        let Some((draft, _)) = self.current() else { return };
        match self.list.len() {
            1 => {}
            2 => cx.done("1 other is offered at the next sign-in."),
            more => cx.done(format!("{} others are offered at the next sign-in.", more - 1)),
        }
        match &draft.unsaved.about {
            About::Memberships { .. } => cx.replace(Memberships::resume(&draft.unsaved)),
            _ => cx.replace(UserForm::resume(draft.unsaved.clone())),
        }
    }
}

/// Whom a draft is about.
fn who(draft: &Draft) -> String {
    match &draft.unsaved.about {
        About::User { username, .. } => username.clone(),
        About::Memberships { username, .. } => format!("the groups and permissions of {username}"),
        About::NewUser => match draft.unsaved.mine.get("username").filter(|name| !name.is_empty()) {
            Some(name) => format!("the new user {name}"),
            None => "a new user".to_owned(),
        },
    }
}

/// Whether a draft says anything of a field: a change, or for a new user more than nothing.
fn has_something(draft: &Draft, field: &str) -> bool {
    let Unsaved { about, base, mine, .. } = &draft.unsaved;
    let text = |values: &drafts::Values| values.get(field).cloned().unwrap_or_default();
    match about {
        About::User { .. } => mine.contains_key(field),
        About::NewUser => !matches!(text(mine).as_str(), "" | "false"),
        About::Memberships { .. } => !text(mine).is_empty() || !text(base).is_empty(),
    }
}

fn label(field: &str) -> &str {
    if field == drafts::PERMISSIONS { "Permissions" } else { values::label(field) }
}

impl Screen for Drafts {
    fn title(&self) -> String {
        "Not saved the last time".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> Result<(), String> {
        match (action, self.current()) {
            (Action::Choose, Some((draft, true))) => {
                Err(format!("{} was deleted meanwhile; D drops what was typed.", who(draft)))
            }
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Choose => self.go_on(cx),
            Action::DropDraft => self.ask_to_drop(cx),
            Action::Down => self.at = (self.at + 1).min(self.list.len().saturating_sub(1)),
            Action::Up => self.at = self.at.saturating_sub(1),
            _ => cx.close(),
        }
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        match DROP.take(reply) {
            Some(Ok(())) => {
                let (draft, _) = self.list.remove(self.at);
                cx.done(format!("Dropped what was typed for {}", who(&draft)));
                self.at = self.at.min(self.list.len().saturating_sub(1));
                if self.list.is_empty() {
                    cx.close();
                }
            }
            Some(Err(error)) => cx.fail(&error),
            None => {}
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let mut y = area.y;
        if self.list.len() > 1 {
            let room = usize::from(area.height.saturating_sub(self.question_rows(area.width)).max(1));
            let first = (self.at + 1).saturating_sub(room);
            let buffer = frame.buffer_mut();
            for (at, (draft, is_gone)) in self.list.iter().enumerate().skip(first).take(room) {
                let (cursor, tone) =
                    if at == self.at { (theme.cursor(), Tone::Strong) } else { (" ", Tone::Plain) };
                put(buffer, area.x, y, 1, cursor, theme.style(Tone::Strong));
                let gone = if *is_gone { "  deleted meanwhile" } else { "" };
                let words = format!("{}  {}{gone}", self.clock.time(draft.at), who(draft));
                put(buffer, area.x + 2, y, area.width.saturating_sub(2), &words, theme.style(tone));
                y += 1;
            }
        }
        let rest = Rect { y, height: area.bottom().saturating_sub(y), ..area };
        let question = self.current().map(|it| self.question(it)).unwrap_or_default();
        dialog::draw_text(frame, rest, &question, Tone::Plain, theme);
    }

    fn layer(&self) -> Layer {
        let list = if self.list.len() > 1 { self.list.len() } else { 0 };
        let rows = self.question_rows(dialog::WIDTH);
        Layer::Popup { width: dialog::WIDTH, height: cells(list).saturating_add(rows) }
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
    use crate::tui::Slot;
    use crate::tui::cx::Effect;

    fn moment(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
    }

    fn draft(at: &str, about: About, mine: &[(&str, &str)]) -> Draft {
        let mine = mine.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let unsaved = Unsaved { id: at.to_owned(), about, base: [].into(), mine };
        Draft { at: moment(at), unsaved }
    }

    fn drafts() -> Drafts {
        let user = |id, username: &str| About::User { id, username: username.to_owned() };
        let bela = draft(
            "2026-11-19T10:02:00Z",
            user(2, "bela\u{202e}"),
            &[("last_name", "Nowak"), ("groups", "1,2")],
        );
        let new = [("username", "karl"), ("email", ""), ("is_active", "true"), ("is_staff", "false")];
        let karl = draft("2026-11-19T09:40:00Z", About::NewUser, &new);
        let dana = draft("2026-11-02T17:05:00Z", user(3, "dana"), &[("email", "d@example.org")]);
        let clock = Clock::stopped(|| moment("2026-11-19T12:00:00Z"));
        Drafts { list: vec![(bela, false), (karl, false), (dana, true)], at: 0, clock }
    }

    fn drawn(drafts: &mut Drafts) -> String {
        let Layer::Popup { width, height } = drafts.layer() else { panic!("a popup") };
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let theme = Theme { colours: false, ascii: false };
        terminal.draw(|frame| drafts.draw(frame, frame.area(), &theme)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn it_says_whose_and_what_was_typed() {
        let mut drafts = drafts();
        let mut cx = Cx::new(Size::new(80, 24));
        insta::assert_snapshot!("several", drawn(&mut drafts));
        drafts.act(Action::Down, &mut cx);
        insta::assert_snapshot!("new", drawn(&mut drafts));
        drafts.act(Action::Down, &mut cx);
        insta::assert_snapshot!("gone", drawn(&mut drafts));
        drafts.list.truncate(1);
        drafts.at = 0;
        insta::assert_snapshot!("one", drawn(&mut drafts));
    }

    #[test]
    fn groups_and_permissions_are_gone_on_with_in_their_own_list() {
        let about = About::Memberships { id: 2, username: "bela".to_owned() };
        let mut left = draft("2026-11-19T10:02:00Z", about, &[("groups", "3"), ("permissions", "")]);
        left.unsaved.base.insert("permissions".to_owned(), "7,9".to_owned());
        let mut drafts = Drafts { list: vec![(left, false)], ..drafts() };
        let question = drafts.question(&drafts.list[0]);
        assert!(question.contains("the groups and permissions of bela"), "{question}");
        assert!(question.contains("Changed: Groups, Permissions."), "{question}");
        let mut cx = Cx::new(Size::new(80, 24));
        drafts.act(Action::Choose, &mut cx);
        assert!(format!("{:?}", cx.effects()).contains("Replace(Groups and permissions of"));
    }

    #[test]
    fn going_on_opens_the_form_and_leaving_keeps_it() {
        let mut drafts = drafts();
        let mut cx = Cx::new(Size::new(80, 24));
        drafts.act(Action::Choose, &mut cx);
        let effects = format!("{:?}", cx.take());
        assert!(effects.contains("Replace(Edit #2)") && effects.contains("2 others"), "{effects}");
        drafts.act(Action::No, &mut cx);
        assert_eq!(format!("{:?}", cx.take()), "[Close]");
        drafts.at = 2;
        assert!(drafts.enabled(Action::Choose).is_err(), "nobody is there to be edited");
    }

    #[test]
    fn dropping_asks_first_and_goes_on_to_the_next() {
        let mut drafts = drafts();
        let mut cx = Cx::new(Size::new(80, 24));
        drafts.act(Action::DropDraft, &mut cx);
        assert!(matches!(cx.take().as_slice(), [Effect::Push(_)]));
        let slot: &Slot<()> = &DROP;
        for left in [2, 1, 0] {
            drafts.reply(&mut Reply::of(slot, Ok(())), &mut cx);
            assert_eq!(drafts.list.len(), left);
        }
        assert!(format!("{:?}", cx.effects()).ends_with("Close]"));
    }
}
