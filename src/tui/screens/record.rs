//! One user's record: beside the list where there is room, else a screen of its own.

use std::time::Duration;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::copying::{self, copy_row};
use super::shown::{self, Shown};
use super::user_actions::{self, SITTING, Sitting, Whom};
use super::user_findings::UserFindings;
use super::user_form::SAVED;
use crate::change::rights;
use crate::db::own::ListedChange;
use crate::directory::record::{self, Record};
use crate::directory::why::Why;
use crate::error::{Kind, Result};
use crate::portal::access::TargetFacts;
use crate::portal::profile::Profile;
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::{Key, code, ctrl, key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_review;
use crate::tui::screen::Screen;
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::labelled::Lines;
use crate::tui::widgets::{grouped, put};

/// The keys that move in a record.
pub const KEYS: &[Binding] = &[
    Binding::new(&[code(Key::Down), key('j')], Action::Down, "down").quiet(),
    Binding::new(&[code(Key::Up), key('k')], Action::Up, "up").quiet(),
    Binding::new(&[code(Key::PageDown), ctrl('d')], Action::PageDown, "page down").quiet(),
    Binding::new(&[code(Key::PageUp), ctrl('u')], Action::PageUp, "page up").quiet(),
];

/// The tables of the record as a screen.
pub const TABLES: &[&[Binding]] = &[user_actions::KEYS, copying::KEYS, KEYS];

/// Reads a record.
pub const READ: Slot<Read> = Slot::latest("users.record");

/// The findings come behind the record, which is what somebody looks at first.
const FINDINGS: Duration = Duration::from_millis(50);

/// A record as it was read.
#[derive(Debug, Clone)]
pub struct Read {
    /// The record.
    pub record: Record,
    /// The account as guards see it.
    pub target: Option<TargetFacts>,
}

/// A record, how far it is scrolled, and which one it should be.
pub struct RecordPane {
    shown: Shown<Read>,
    clock: Clock,
    /// What is wrong with the account.
    pub findings: UserFindings,
}

impl RecordPane {
    /// An empty pane.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { shown: Shown::default(), clock, findings: UserFindings::default() }
    }

    /// The record that is shown, if it is this user's.
    #[must_use]
    pub fn of(&self, id: i64) -> Option<&Read> {
        self.shown.of(id)
    }

    /// Wants this user's record, read once nothing else was wanted for so long. The old one stays until then.
    pub fn want(&mut self, id: i64, delay: Duration, cx: &mut Cx) {
        self.shown.want(id);
        self.findings.want(id, delay.max(FINDINGS), cx);
        cx.start_after(delay, &READ, "reading the record", move |portal| async move {
            let record = record::read(&portal, id).await?;
            let target =
                rights::targets(&mut portal.db.clone(), &portal.roles, &[id]).await?.into_values().next();
            Ok(Read { record, target })
        });
    }

    /// Which user's record is shown or on its way.
    #[must_use]
    pub fn wanted(&self) -> Option<i64> {
        self.shown.wanted()
    }

    /// Shows nothing.
    pub fn clear(&mut self) {
        self.shown.clear();
    }

    /// Takes a reply; gives the error where there is no record, and nothing where the reply is another's.
    pub fn reply(&mut self, reply: &mut Reply) -> Option<Result<()>> {
        Some(self.shown.take(READ.take(reply)?))
    }

    /// Scrolls.
    pub fn act(&mut self, action: Action) {
        self.shown.act(action);
    }

    /// Draws it; `focused` says whether the keys scroll it.
    pub fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, focused: bool, theme: &Theme) {
        let Some((id, read)) = self.shown.record() else { return };
        let buffer = frame.buffer_mut();
        let head = Rect { height: area.height.min(2), ..area };
        draw_head(buffer, head, &read.record, focused, theme);
        let body = Rect { y: head.bottom(), height: area.height - head.height, ..area };
        let findings = self.findings.lines(id);
        let lines = lines(&read.record, findings, body.width, &self.clock);
        self.shown.draw(frame, body, &lines, theme);
    }
}

/// The username with the id at the right; the names and the address.
fn draw_head(buffer: &mut Buffer, area: Rect, record: &Record, focused: bool, theme: &Theme) {
    let user = &record.user;
    if area.height == 0 {
        return;
    }
    shown::draw_head(buffer, area, &user.username, user.id, focused, theme);
    if area.height > 1 {
        let parts = [user.full_name(), user.email.clone()];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let words = if parts.is_empty() { "no name".to_owned() } else { parts.join(" · ") };
        put(buffer, area.x, area.y + 1, area.width, &words, theme.style(Tone::Plain));
    }
}

fn lines(record: &Record, findings: Vec<(Tone, String)>, width: u16, clock: &Clock) -> Lines {
    let mut lines = Lines::new(width);
    add_account(&mut lines, record, clock);
    add_profiles(&mut lines, record);
    add_access(&mut lines, record);
    add_referring(&mut lines, record);
    for (at, (tone, words)) in findings.into_iter().enumerate() {
        lines.add(if at == 0 { "Findings" } else { "" }, &words, tone);
    }
    if let Some(history) = &record.history {
        add_history(&mut lines, history, clock);
    }
    lines
}

fn add_account(lines: &mut Lines, record: &Record, clock: &Clock) {
    let user = &record.user;
    let joined = user.date_joined.map_or_else(String::new, |time| format!(" · joined {}", clock.date(time)));
    if user.is_active {
        lines.add("Account", &format!("active{joined}"), Tone::Plain);
    } else {
        lines.add("Account", &format!("inactive{joined}"), Tone::Warn);
    }
    let login = match user.last_login {
        Some(time) => {
            format!("last web login {} ({})", clock.ago_in_words(time), clock.date_and_time(time))
        }
        None => "never signed in to the portal".to_owned(),
    };
    lines.add("", &login, Tone::Plain);
    lines.add("", &format!("password {}", record.password), Tone::Plain);
    add_sign_in(lines, &record.sign_in);
    for lockout in &record.lockouts {
        lines.add("Wrong tries", &lockout.in_words(|at| clock.time(at)), Tone::Warn);
    }
}

fn add_sign_in(lines: &mut Lines, why: &Why) {
    if why.can_sign_in() {
        lines.add("Can sign in", "yes", Tone::Plain);
    } else {
        lines.add("Can sign in", &format!("NO: {}", why.in_words()), Tone::Bad);
    }
    for caution in &why.cautions {
        let joined = if why.can_sign_in() { "but" } else { "also" };
        lines.add("", &format!("{joined} {}", caution.message), Tone::Warn);
    }
}

fn add_profiles(lines: &mut Lines, record: &Record) {
    if record.profiles.is_empty() {
        lines.add("Profile", "none", Tone::Warn);
    }
    for (profile, department) in &record.profiles {
        let label = if record.profiles.len() > 1 { "Profiles" } else { "Profile" };
        let tone = if record.profiles.len() > 1 { Tone::Warn } else { Tone::Plain };
        lines.add(label, &profile_words(profile, department.as_deref()), tone);
        let notify = if profile.email_notifications { "on" } else { "off" };
        lines.add("", &format!("e-mail notifications {notify}"), tone);
    }
}

/// `IT · +1 555 0100 · portal id B31`.
fn profile_words(profile: &Profile, department: Option<&str>) -> String {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let department = match (department, profile.department_id) {
        (Some(name), _) => name.to_owned(),
        (None, Some(id)) => format!("department #{id}, which does not exist"),
        (None, None) => "no department".to_owned(),
    };
    let phone = given(&profile.phone_number);
    let id = given(&profile.main_portal_id).map(|id| format!("portal id {id}"));
    [Some(department), phone, id].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn add_access(lines: &mut Lines, record: &Record) {
    let user = &record.user;
    let mut names: Vec<String> = record.groups.iter().map(|group| group.name.clone()).collect();
    names.extend(user.is_superuser.then(|| "superuser".to_owned()));
    names.extend(user.is_staff.then(|| "staff".to_owned()));
    let names = if names.is_empty() { "no group".to_owned() } else { names.join(", ") };
    let permissions = match u64::try_from(record.permissions).unwrap_or(0) {
        _ if user.is_superuser => "every permission".to_owned(),
        1 => "1 permission".to_owned(),
        count => format!("{} permissions", grouped(count)),
    };
    let tone = if record.access().is_none() { Tone::Warn } else { Tone::Plain };
    lines.add("Access", &format!("{names}: {permissions}"), tone);
}

/// What the portal keeps about the account beyond the account itself.
fn add_referring(lines: &mut Lines, record: &Record) {
    let words = record.referring_in_words();
    if !words.is_empty() {
        lines.add("Elsewhere", &words.join(" · "), Tone::Plain);
    }
}

/// The newest changes, one a line.
pub(super) fn add_history(lines: &mut Lines, history: &[ListedChange], clock: &Clock) {
    if history.is_empty() {
        lines.add("History", "nothing was changed from here", Tone::Quiet);
    }
    for (at, listed) in history.iter().enumerate() {
        let change = &listed.change;
        let undone = if listed.undone_by.is_some() { " (taken back)" } else { "" };
        let words = format!("{} {}: {}{undone}", clock.date(change.made), change.by(), change.title);
        let tone = if listed.undone_by.is_some() { Tone::Quiet } else { Tone::Plain };
        lines.add(if at == 0 { "History" } else { "" }, &words, tone);
    }
}

/// The record as a screen, for terminals without room beside the list.
pub struct RecordScreen {
    pane: RecordPane,
    sitting: Sitting,
    whom: Whom,
}

impl RecordScreen {
    /// The record of this user.
    #[must_use]
    pub fn new(whom: Whom, clock: Clock) -> Self {
        Self { pane: RecordPane::new(clock), sitting: Sitting::default(), whom }
    }

    fn read(&mut self, cx: &mut Cx) {
        self.pane.want(self.whom.id, Duration::ZERO, cx);
        self.sitting.ask(cx);
    }
}

impl Screen for RecordScreen {
    fn title(&self) -> String {
        self.whom.username.clone()
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        TABLES
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match action {
            Action::IntegrityFix => self.pane.findings.may_fix(&self.sitting),
            _ => self.sitting.may(action, Some(&self.whom)),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.read(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        self.read(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        self.pane.act(action);
        if action == Action::IntegrityFix {
            return self.pane.findings.fix(&self.sitting, cx);
        }
        if matches!(action, Action::Copy | Action::CopyCommand) {
            return copy_row(action, "user", self.whom.id, &self.whom.username, cx);
        }
        user_actions::act(action, Some(&self.whom), &self.sitting, cx);
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = SITTING.take(reply) {
            self.sitting = result.unwrap_or_default();
        } else if let Some(result) = self.pane.reply(reply) {
            match (result, self.pane.of(self.whom.id)) {
                (Ok(()), Some(read)) => self.whom = Whom::of_record(read),
                (Ok(()), None) => {}
                (Err(error), _) => {
                    cx.fail(&error);
                    if error.kind == Kind::Invalid {
                        cx.close();
                    }
                }
            }
        } else if !self.pane.findings.reply(reply, cx)
            && !copying::reply(reply, cx)
            && !plan_review::open(reply, cx)
        {
            // The list below reads again by itself, and this record does too.
            let _ = SAVED.take(reply);
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
        self.pane.draw(frame, inner, false, theme);
    }
}

impl Whom {
    /// The user of a record.
    #[must_use]
    pub fn of_record(read: &Read) -> Self {
        let user = &read.record.user;
        Self { id: user.id, username: user.username.clone(), is_active: user.is_active, target: read.target }
    }
}
