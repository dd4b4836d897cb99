//! The first run: the name and the password of the first superuser, and before that, where there is none yet, the
//! portal's database.

use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;
use secrecy::{ExposeSecret, SecretString};

use crate::directory::drafts::Offered;
use crate::directory::{Portal, first_superuser};
use crate::error::{Error, Result};
use crate::portal::access::Level;
use crate::portal::password::{self, About};
use crate::portal::rules;
use crate::tui::actions::Action;
use crate::tui::cx::{Cx, Effect};
use crate::tui::input::{Input, Key, code, ctrl, shift};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::screen::{Layer, Screen};
use crate::tui::start::Opening;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::dialog;
use crate::tui::widgets::fields::Fields;
use crate::tui::widgets::text_field::TextField;

use super::connect::Connect;
use super::sign_in::SignedIn;

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[ctrl('s'), code(Key::F(2))], Action::Review, "create"),
    Binding::new(&[ctrl('g')], Action::Generate, "generate a password"),
    Binding::new(&[ctrl('o'), code(Key::F(4))], Action::Connect, "an existing portal"),
    Binding::new(&[code(Key::Tab), code(Key::Down), code(Key::Enter)], Action::NextField, "next field"),
    Binding::new(&[shift(Key::Tab), code(Key::Up)], Action::PreviousField, "previous field").quiet(),
    Binding::new(&[ctrl('c')], Action::Cancel, "quit"),
];

const CREATE: Slot<SignedIn> = Slot::exclusive("first-run.create")
    .reporting(|made| format!("Created the superuser {}", made.portal.actor.name()));

/// The places of the lines.
const NAME: usize = 0;
const PASSWORD: usize = 1;
const AGAIN: usize = 2;

/// The widest line of the text.
const WIDTH: u16 = 76;

/// What is typed, and what was generated.
pub struct FirstRun {
    opening: Option<Opening>,
    minimum_length: usize,
    fields: Fields,
    generated: Option<String>,
    spelled: bool,
    refused: Option<String>,
    busy: bool,
}

impl FirstRun {
    /// For a database that is made first where it is not there yet.
    #[must_use]
    pub fn of_database(opening: Opening) -> Self {
        let minimum_length = opening.settings.minimum_password_length;
        Self { opening: Some(opening), ..Self::of_portal(minimum_length) }
    }

    /// For the portal that is open and has no superuser.
    #[must_use]
    pub fn of_portal(minimum_length: usize) -> Self {
        let fields = Fields::new(vec![
            ("Username", TextField::line("", rules::USERNAME_MAX)),
            ("Password", TextField::hidden()),
            ("Again", TextField::hidden()),
        ]);
        Self {
            opening: None,
            minimum_length,
            fields,
            generated: None,
            spelled: false,
            refused: None,
            busy: false,
        }
    }

    /// What is wrong with the line, in Django's words.
    fn problem(&self, at: usize) -> Option<String> {
        let value = self.fields.value(at);
        match at {
            NAME => rules::username(value).err().map(|problems| problems.join(" ")),
            PASSWORD if value.is_empty() => Some("A superuser needs a password.".to_owned()),
            PASSWORD => {
                let problems = password::problems(value, &self.about(), self.minimum_length);
                let messages: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
                (!messages.is_empty()).then(|| messages.join(" "))
            }
            _ => (value != self.fields.value(PASSWORD))
                .then(|| "The two password fields didn't match.".to_owned()),
        }
    }

    fn about(&self) -> About<'_> {
        About { username: self.fields.value(NAME), ..About::default() }
    }

    /// Says behind the lines what can be said while typing; a line that is empty yet has done nothing wrong.
    fn judge(&mut self) {
        let password = self.fields.value(PASSWORD);
        let strength = (!password.is_empty()).then(|| {
            let strength = password::strength(password, &self.about());
            let tone = if strength.score >= 3 { Tone::Good } else { Tone::Warn };
            (tone, strength.words.to_owned())
        });
        let again = self.fields.value(AGAIN);
        let same = (!again.is_empty()).then(|| {
            let (tone, words) =
                if again == password { (Tone::Good, "the same") } else { (Tone::Warn, "not the same yet") };
            (tone, words.to_owned())
        });
        self.fields.say(PASSWORD, strength);
        self.fields.say(AGAIN, same);
    }

    fn edited(&mut self) {
        self.refused = None;
        if self.generated.as_deref() != Some(self.fields.value(PASSWORD)) {
            self.generated = None;
        }
        self.judge();
    }

    fn generate(&mut self) {
        if self.generated.is_some() {
            self.spelled = !self.spelled;
            return;
        }
        match password::generate() {
            Ok(made) => {
                self.fields.set(PASSWORD, &made);
                self.fields.set(AGAIN, &made);
                self.generated = Some(made);
                self.spelled = false;
                self.edited();
            }
            Err(error) => self.refused = Some(error.message),
        }
    }

    fn submit(&mut self, cx: &mut Cx) {
        if let Some((at, problem)) = (NAME..=AGAIN).find_map(|at| Some((at, self.problem(at)?))) {
            self.fields.go_to(at);
            self.refused = Some(problem);
            return;
        }
        self.busy = true;
        self.refused = None;
        let name = self.fields.value(NAME).to_owned();
        let secret = SecretString::from(self.fields.value(PASSWORD));
        match self.opening.clone() {
            Some(opening) => cx.start_without_portal(&CREATE, "creating the portal", move |_| async move {
                create(Arc::new(opening.make().await?), &name, &secret).await
            }),
            None => cx.start(&CREATE, "creating the superuser", move |portal| async move {
                create(portal, &name, &secret).await
            }),
        }
    }

    fn answered(&mut self, result: Result<SignedIn>, cx: &mut Cx) {
        self.busy = false;
        match result {
            Ok(SignedIn { portal, level, .. }) => {
                cx.done(format!("Created the superuser {}", portal.actor.name()));
                cx.ask(Effect::Use(Box::new(portal), level));
                cx.close();
            }
            Err(error) => self.refuse(&error),
        }
    }

    fn refuse(&mut self, error: &Error) {
        self.fields.go_to(if error.fields.contains_key("password") { PASSWORD } else { NAME });
        self.refused = Some(error.message.clone());
    }

    /// What is going to happen, above the lines.
    fn intention(&self) -> String {
        let where_to = match &self.opening {
            Some(opening) => format!(
                "There is no portal here yet. This makes one, in a database that only you can read:\n\
                 {}\n\
                 For a portal that is there already, on MySQL, MariaDB, PostgreSQL or in a file, press Ctrl-O.\n\n",
                opening.target
            ),
            None => "This portal has no superuser yet.\n\n".to_owned(),
        };
        format!(
            "{where_to}The first superuser: made with a profile and put into the Admin group; groups that give \
             access and are missing are made too."
        )
    }

    /// What stands below them.
    fn talk(&self) -> (Tone, String) {
        if let Some(refused) = &self.refused {
            return (Tone::Bad, refused.clone());
        }
        if let Some(generated) = &self.generated {
            let spelled = if self.spelled { password::spell(generated).join(" ") } else { String::new() };
            let words = format!("Generated, shown only here: {generated}\n{spelled}");
            return (Tone::Strong, words);
        }
        let words = match self.fields.focus() {
            NAME => "Letters, digits and @ . + - _ only, at most 150.".to_owned(),
            PASSWORD => format!(
                "At least {} characters; neither common, nor all digits, nor like the username.",
                self.minimum_length
            ),
            _ => "The same once more.".to_owned(),
        };
        (Tone::Quiet, words)
    }
}

impl Screen for FirstRun {
    fn title(&self) -> String {
        "First superuser".to_owned()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match action {
            Action::Review | Action::Generate | Action::Connect if self.busy => {
                Err("It is being created.".to_owned())
            }
            Action::Connect if self.opening.is_none() => Err(String::new()),
            _ => Ok(()),
        }
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        match action {
            Action::Review => self.submit(cx),
            Action::Generate => self.generate(),
            Action::Connect => {
                self.opening.clone().into_iter().for_each(|opening| cx.push(Connect::new(opening)));
            }
            Action::NextField => self.fields.next(),
            Action::PreviousField => self.fields.previous(),
            Action::Cancel => cx.ask(Effect::Quit),
            _ => {}
        }
    }

    fn takes_text(&self) -> bool {
        true
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        let used = self.fields.input(input);
        if used {
            self.edited();
        }
        used
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = CREATE.take(reply) {
            self.answered(result, cx);
        }
    }

    /// Where there is no room, the lines to type into come before the text above them.
    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let width = WIDTH.min(area.width);
        let (intention, (tone, talk)) = (self.intention(), self.talk());
        let (above, fields) = (dialog::rows(&intention, width), self.fields.rows());
        let below = dialog::rows(&talk, width).min(area.height.saturating_sub(fields));
        let above = above.min(area.height.saturating_sub(fields + below));
        let spare = area.height.saturating_sub(above + fields + below);
        let gap = u16::from(spare >= 3);
        let x = area.x + (area.width - width) / 2;
        let top = area.y + gap;
        let row = |y: u16, height: u16| Rect { x, y, width, height }.intersection(area);
        dialog::draw_text(frame, row(top, above), &intention, Tone::Plain, theme);
        let fields_at = top + above + gap;
        self.fields.draw(frame, row(fields_at, fields), theme);
        dialog::draw_text(frame, row(fields_at + fields + gap, below), &talk, tone, theme);
    }

    fn layer(&self) -> Layer {
        Layer::Lock
    }
}

async fn create(portal: Arc<Portal>, name: &str, secret: &SecretString) -> Result<SignedIn> {
    let account = first_superuser::create(&portal, name, secret.expose_secret()).await?;
    tracing::info!(id = account.id, user = account.username, "made the first superuser");
    let left = Offered::default();
    Ok(SignedIn { portal: portal.signed_in(account), level: Level::Superuser, left, stopped: Vec::new() })
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::tui::input::key;

    fn filled(lines: [&str; 3]) -> FirstRun {
        let mut cx = Cx::new(Size::new(80, 24));
        let mut screen = FirstRun::of_portal(password::MINIMUM_LENGTH);
        for line in lines {
            line.chars().for_each(|c| assert!(screen.input(&Input::Key(key(c)), &mut cx)));
            screen.act(Action::NextField, &mut cx);
        }
        screen
    }

    fn tried(mut screen: FirstRun) -> (FirstRun, String) {
        let mut cx = Cx::new(Size::new(80, 24));
        screen.act(Action::Review, &mut cx);
        let asked = format!("{:?}", cx.effects());
        (screen, asked)
    }

    #[test]
    fn what_is_wrong_is_said_at_its_line_and_nothing_is_started() {
        for (lines, at) in [
            (["", "kX7-vq92Lm", "kX7-vq92Lm"], NAME),
            (["a b", "kX7-vq92Lm", "kX7-vq92Lm"], NAME),
            (["amir", "", ""], PASSWORD),
            (["amir", "password", "password"], PASSWORD),
            (["amir.rahimi", "amirrahimi", "amirrahimi"], PASSWORD),
            (["amir", "kX7-vq92Lm", "kX7-vq92L"], AGAIN),
        ] {
            let (screen, asked) = tried(filled(lines));
            assert_eq!((asked.as_str(), screen.fields.focus()), ("[]", at), "{lines:?}");
            assert_eq!(screen.talk().0, Tone::Bad, "{lines:?}");
        }
    }

    #[test]
    fn right_lines_start_the_work_once() {
        let (screen, asked) = tried(filled(["amir", "kX7-vq92Lm", "kX7-vq92Lm"]));
        assert_eq!(asked, "[Start(first-run.create: creating the superuser)]");
        assert!(screen.enabled(Action::Review).is_err());
    }

    #[test]
    fn a_generated_password_fills_both_lines_until_one_is_edited() {
        let mut screen = filled(["amir", "", ""]);
        screen.generate();
        let made = screen.generated.clone().expect("generated");
        assert!(screen.talk().1.contains(&made));
        assert_eq!(screen.fields.value(PASSWORD), screen.fields.value(AGAIN));
        screen.generate();
        assert!(screen.talk().1.contains(&password::spell(&made)[0]));
        screen.fields.go_to(PASSWORD);
        let mut cx = Cx::new(Size::new(80, 24));
        screen.input(&Input::Key(key('x')), &mut cx);
        assert!(screen.generated.is_none() && !screen.talk().1.contains(&made));
    }

    #[test]
    fn there_is_room_to_type_in_any_size() {
        use ratatui::{Terminal, backend::TestBackend};
        for (width, height) in [(1, 1), (38, 6), (80, 20), (120, 36)] {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test terminal");
            let mut screen = filled(["amir", "password", ""]);
            terminal.draw(|frame| screen.draw(frame, frame.area(), &Theme::default())).expect("it draws");
            let shown = terminal.backend().to_string();
            assert!(height < 3 || ["Username", "Password", "Again"].iter().all(|it| shown.contains(it)));
        }
    }
}
