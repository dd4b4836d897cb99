//! The groups and the permissions of an account as one list to tick, and what a choice gives and takes.

mod meaning;

use std::collections::BTreeSet;
use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::account::facts::Facts;
use super::account::groups;
use super::account::left::nothing_left;
use super::account::values::{Values, read_ids, write_ids};
use super::user_form::SAVED;
use super::wish::{Planned, Wish, changes_in_words, gains_and_loses, not_read};
use crate::directory::accounts::{self, Draft, Rows};
use crate::directory::drafts::{About, PERMISSIONS, Unsaved};
use crate::directory::permissions::{Catalogue, Holding, Path, Permission};
use crate::error::{Kind, Result};
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::{Input, Key, code, ctrl, key};
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_review::{self, APPLY, Applied};
use crate::tui::screen::{Layer, Screen};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::sections::{Entry, Sections};
use crate::tui::widgets::{cells, put};

/// Its keys.
pub const KEYS: &[Binding] = &[
    Binding::new(&[ctrl('s'), code(Key::F(2))], Action::Review, "review and save"),
    Binding::new(&[key(' ')], Action::Toggle, "give or take"),
    Binding::new(&[key('/'), code(Key::F(3))], Action::Filter, "filter"),
    Binding::new(&[code(Key::Down), key('j')], Action::Down, "down").quiet(),
    Binding::new(&[code(Key::Up), key('k')], Action::Up, "up").quiet(),
    Binding::new(&[code(Key::PageDown), ctrl('d')], Action::PageDown, "page down").quiet(),
    Binding::new(&[code(Key::PageUp), ctrl('u')], Action::PageUp, "page up").quiet(),
    Binding::new(&[key('g')], Action::First, "first").quiet(),
    Binding::new(&[key('G')], Action::Last, "last").quiet(),
];

const LOAD: Slot<Loaded> = Slot::latest("memberships.load");
const PLAN: Slot<Planned<Loaded>> = Slot::latest("memberships.plan");

/// The most keys that are kept until the account is read.
const EARLY: usize = 64;
/// The heading of the groups.
const GROUPS: &str = "Groups";

/// The account, and everything that can be given to it.
struct Loaded {
    facts: Facts,
    catalogue: Catalogue,
    now: Holding,
}

/// What a line of the list stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    /// The place of a group among the choices.
    Group(usize),
    /// The place of a permission in the catalogue.
    Permission(usize),
}

/// The list.
pub struct Memberships {
    id: i64,
    loaded: Option<Arc<Loaded>>,
    groups: Wish,
    permissions: Wish,
    items: Vec<Item>,
    list: Sections,
    /// What keys asked for before there was a list.
    early: Vec<Action>,
    /// Names the list among what is kept of unsaved forms.
    kept_as: String,
    /// Whether it goes on with what was left, until the account is read.
    is_resumed: bool,
}

impl Loaded {
    async fn read(portal: &crate::directory::Portal, id: i64) -> Result<Self> {
        let facts = Facts::read(portal, Some(id)).await?;
        let ids = |rows: &[crate::change::Image], column: &str| -> BTreeSet<i64> {
            rows.iter().filter_map(|row| row.int(column)).collect()
        };
        let rows = facts.rows.as_ref();
        let now = Holding {
            is_superuser: facts.flag("is_superuser"),
            groups: rows.map(|rows| rows.group_ids().into_iter().collect()).unwrap_or_default(),
            direct: rows.map(|rows: &Rows| ids(&rows.permissions, "permission_id")).unwrap_or_default(),
        };
        Ok(Self { facts, catalogue: Catalogue::read(portal).await?, now })
    }
}

impl Loaded {
    /// What others gave and took between two readings, in words; empty where it is nothing.
    fn since(&self, before: &Self) -> String {
        let groups = |id: &i64| {
            let known = self.catalogue.groups.iter().find(|group| group.id == *id);
            known.map_or_else(|| format!("group #{id}"), |group| group.name.clone())
        };
        let permissions = |id: &i64| {
            let known = self.catalogue.permissions.iter().find(|permission| permission.id == *id);
            known.map_or_else(|| format!("permission #{id}"), Permission::label)
        };
        let side = |verb: &str, from: &Holding, to: &Holding| {
            let mut names: Vec<String> = to.groups.difference(&from.groups).map(groups).collect();
            names.extend(to.direct.difference(&from.direct).map(permissions));
            names.extend((to.is_superuser && !from.is_superuser).then(|| "superuser".to_owned()));
            (!names.is_empty()).then(|| format!("{verb} {}", names.join(", ")))
        };
        let parts = [side("given", &before.now, &self.now), side("taken", &self.now, &before.now)];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

impl Memberships {
    /// The list for this account.
    #[must_use]
    pub fn new(id: i64) -> Self {
        Self {
            id,
            loaded: None,
            groups: Wish::default(),
            permissions: Wish::default(),
            items: Vec::new(),
            list: Sections::default(),
            early: Vec::new(),
            kept_as: Unsaved::new_id(),
            is_resumed: false,
        }
    }

    /// The list as it was left.
    #[must_use]
    pub fn resume(left: &Unsaved) -> Self {
        let ids = |values: &Values, field| values.get(field).map(|text| read_ids(text)).unwrap_or_default();
        let wish = |field| Wish::of(ids(&left.mine, field), ids(&left.base, field));
        Self {
            groups: wish(groups::FIELD),
            permissions: wish(PERMISSIONS),
            kept_as: left.id.clone(),
            is_resumed: true,
            ..Self::new(left.about.id().unwrap_or_default())
        }
    }

    fn username(&self) -> String {
        self.loaded.as_ref().map(|loaded| loaded.facts.username()).unwrap_or_default()
    }

    fn changes(&self) -> usize {
        self.groups.changes() + self.permissions.changes()
    }

    /// What the account will hold.
    fn wanted(&self, now: &Holding) -> Holding {
        Holding {
            is_superuser: now.is_superuser,
            groups: self.groups.apply(&now.groups),
            direct: self.permissions.apply(&now.direct),
        }
    }

    fn load(&self, cx: &mut Cx) {
        let id = self.id;
        cx.start(&LOAD, "reading the account", move |portal| async move { Loaded::read(&portal, id).await });
    }

    /// Shows what was read, and says what others did since the last time.
    fn take(&mut self, loaded: Loaded, cx: &mut Cx) {
        let theirs = self.loaded.as_ref().map(|before| loaded.since(before)).unwrap_or_default();
        if !theirs.is_empty() {
            let username = loaded.facts.username();
            cx.refuse(format!(
                "Somebody else changed {username}: {theirs}. Nothing was written; look again."
            ));
        }
        self.groups.read_again(&loaded.now.groups);
        self.permissions.read_again(&loaded.now.direct);
        let groups = (0..loaded.catalogue.groups.len()).map(Item::Group);
        self.items = groups.chain((0..loaded.catalogue.permissions.len()).map(Item::Permission)).collect();
        self.loaded = Some(Arc::new(loaded));
        self.show();
        if std::mem::take(&mut self.is_resumed) && self.changes() == 0 {
            nothing_left(self.kept_as.clone(), cx);
        }
        for action in std::mem::take(&mut self.early) {
            self.act(action, cx);
        }
    }

    /// Makes the lines anew: boxes and paths change with every tick.
    fn show(&mut self) {
        let Some(loaded) = self.loaded.clone() else { return };
        let wanted = self.wanted(&loaded.now);
        let paths = loaded.catalogue.paths(&wanted);
        let entries = self.items.iter().map(|item| match *item {
            Item::Group(at) => group_entry(&loaded, at, &wanted),
            Item::Permission(at) => {
                let id = loaded.catalogue.permissions[at].id;
                permission_entry(&loaded, at, &wanted, paths.get(&id).map_or(&[], Vec::as_slice))
            }
        });
        self.list.set(entries.collect());
    }

    /// Gives or takes what is under the cursor, or says why not.
    fn toggle(&mut self, cx: &mut Cx) {
        let (Some(loaded), Some(at)) = (self.loaded.clone(), self.list.current()) else { return };
        let locked = match self.items[at] {
            Item::Group(at) => loaded.facts.group_locked(at),
            Item::Permission(_) => loaded.facts.permissions_locked(),
        };
        if let Some(why) = locked {
            return cx.refuse(why);
        }
        cx.stop(&PLAN);
        match self.items[at] {
            Item::Group(at) => self.groups.toggle(loaded.catalogue.groups[at].id, &loaded.now.groups),
            Item::Permission(at) => {
                self.permissions.toggle(loaded.catalogue.permissions[at].id, &loaded.now.direct);
            }
        }
        self.show();
    }

    /// Plans from the account as it is now, where that is still what the choice was made from.
    fn review(&self, cx: &mut Cx) {
        let Some(loaded) = self.loaded.clone() else { return };
        let draft = Draft {
            groups: self.groups.groups(),
            permissions: self.permissions.groups(),
            ..Draft::default()
        };
        let (id, wanted) = (self.id, self.wanted(&loaded.now));
        cx.start(&PLAN, "planning", move |portal| async move {
            let now = Loaded::read(&portal, id).await?;
            let Some(rows) = now.facts.rows.as_ref().filter(|_| now.since(&loaded).is_empty()) else {
                return Ok(Planned::Overtaken(Box::new(now)));
            };
            let plan = accounts::edit_rows(&portal, id, rows, &draft).await?;
            let mut prepared = plan_review::prepare(&portal, plan).await?;
            let username = now.facts.username();
            prepared.text.notes.extend(meaning::notes(&now.catalogue, &now.now, &wanted, &username));
            Ok(Planned::Ready(Box::new(prepared)))
        });
    }

    fn written(&self, applied: &Applied, cx: &mut Cx) {
        cx.done(applied.words());
        cx.close_telling(&SAVED, self.id);
    }

    /// `gains AMC Admin, core.add_x; loses nothing`: what is ticked and no longer ticked.
    fn gains_and_loses(&self) -> String {
        let Some(loaded) = &self.loaded else { return String::new() };
        let groups = loaded.catalogue.groups.iter().map(|it| (&self.groups, it.id, it.name.clone()));
        let permissions =
            loaded.catalogue.permissions.iter().map(|it| (&self.permissions, it.id, it.label()));
        gains_and_loses(groups.chain(permissions))
    }

    /// Draws what the choice means at the foot, one line for the choice itself and one for each permission.
    fn draw_meaning(&self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let Some(loaded) = &self.loaded else { return };
        let buffer = frame.buffer_mut();
        put(buffer, area.x, area.y, area.width, &self.gains_and_loses(), theme.style(Tone::Strong));
        let lines = meaning::lines(&loaded.catalogue, &loaded.now, &self.wanted(&loaded.now));
        let room = usize::from(area.height.saturating_sub(1));
        let shown = if lines.len() > room { room.saturating_sub(1) } else { lines.len() };
        for (y, line) in (area.y + 1..area.bottom()).zip(&lines[..shown]) {
            put(buffer, area.x, y, area.width, &line.words, theme.style(line.tone));
        }
        if shown < lines.len() && room > 0 {
            let more = format!("… and {} more permissions change", lines.len() - shown);
            put(buffer, area.x, area.bottom() - 1, area.width, &more, theme.style(Tone::Quiet));
        }
    }

    /// How many rows the meaning takes of so many: it grows with what it says, up to a third.
    fn meaning_rows(&self, height: u16) -> u16 {
        let Some(loaded) = &self.loaded else { return 0 };
        let lines = meaning::lines(&loaded.catalogue, &loaded.now, &self.wanted(&loaded.now)).len();
        cells(lines + 1).min((height / 3).max(1))
    }
}

fn group_entry(loaded: &Loaded, at: usize, wanted: &Holding) -> Entry {
    let group = &loaded.catalogue.groups[at];
    let meaning = Some(group.description.clone()).filter(|words| !words.is_empty());
    let carries = match loaded.catalogue.by_group.get(&group.id).map_or(0, BTreeSet::len) {
        0 => None,
        1 => Some("1 permission".to_owned()),
        count => Some(format!("{count} permissions")),
    };
    let locked = loaded.facts.group_locked(at).map(|_| "not yours to change".to_owned());
    let note: Vec<String> = meaning.into_iter().chain(carries).chain(locked).collect();
    Entry {
        heading: GROUPS.to_owned(),
        ticked: Some(wanted.groups.contains(&group.id)),
        label: group.name.clone(),
        note: note.join(" · "),
    }
}

fn permission_entry(loaded: &Loaded, at: usize, wanted: &Holding, paths: &[Path]) -> Entry {
    let permission = &loaded.catalogue.permissions[at];
    let through = paths.iter().filter(|path| matches!(path, Path::Group(_))).map(ToString::to_string);
    let note: Vec<String> = std::iter::once(permission.name.clone()).chain(through).collect();
    let locked = if loaded.facts.permissions_locked().is_some() { " · not yours to change" } else { "" };
    Entry {
        heading: format!("Permissions of {} · {}{locked}", permission.app, permission.model),
        ticked: Some(wanted.direct.contains(&permission.id)),
        label: permission.label(),
        note: note.join(" · "),
    }
}

impl Screen for Memberships {
    fn title(&self) -> String {
        format!("Groups and permissions of {}", self.username())
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match (action, &self.loaded) {
            (Action::Review, None) => Err("The account is still being read.".to_owned()),
            (Action::Review, Some(loaded)) => match loaded.facts.cannot_save() {
                Some(why) => Err(why),
                None if self.changes() == 0 => Err("Nothing was changed yet.".to_owned()),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn opened(&mut self, cx: &mut Cx) {
        self.load(cx);
    }

    fn changed(&mut self, cx: &mut Cx) {
        self.load(cx);
    }

    fn act(&mut self, action: Action, cx: &mut Cx) {
        if self.loaded.is_none() && action != Action::Filter {
            if self.early.len() < EARLY {
                self.early.push(action);
            }
            return;
        }
        match action {
            Action::Review => self.review(cx),
            Action::Toggle => self.toggle(cx),
            _ => {
                self.list.act(action);
            }
        }
    }

    fn takes_text(&self) -> bool {
        self.list.is_typing()
    }

    fn input(&mut self, input: &Input, _cx: &mut Cx) -> bool {
        self.list.input(input)
    }

    fn escape(&mut self, _cx: &mut Cx) -> bool {
        self.list.clear()
    }

    fn reply(&mut self, reply: &mut Reply, cx: &mut Cx) {
        if let Some(result) = LOAD.take(reply) {
            match result {
                Ok(loaded) => self.take(loaded, cx),
                Err(error) => not_read(&error, self.loaded.is_some(), cx),
            }
        } else if let Some(result) = PLAN.take(reply) {
            if let Some(loaded) = Planned::open(result, cx) {
                self.take(loaded, cx);
            }
        } else if let Some(result) = APPLY.take(reply) {
            match result {
                Ok(applied) => self.written(&applied, cx),
                Err(error) => {
                    cx.fail(&error);
                    if matches!(error.kind, Kind::Conflict | Kind::Duplicate) {
                        self.load(cx);
                    }
                }
            }
        }
    }

    fn status(&self) -> String {
        changes_in_words(self.changes())
    }

    fn is_dirty(&self) -> Option<String> {
        (self.changes() > 0).then(|| format!("the groups and permissions of {}", self.username()))
    }

    fn unsaved(&self) -> Option<Unsaved> {
        self.loaded.as_ref().filter(|_| self.changes() > 0)?;
        let fields = [(groups::FIELD, self.groups.parts()), (PERMISSIONS, self.permissions.parts())];
        let part = |of: fn((&BTreeSet<i64>, &BTreeSet<i64>)) -> String| -> Values {
            fields.iter().map(|(name, parts)| ((*name).to_owned(), of(*parts))).collect()
        };
        Some(Unsaved {
            id: self.kept_as.clone(),
            about: About::Memberships { id: self.id, username: self.username() },
            base: part(|(_, take)| write_ids(take)),
            mine: part(|(give, _)| write_ids(give)),
        })
    }

    fn layer(&self) -> Layer {
        // The room does not change while the account is read, or while a filter narrows the list.
        Layer::Popup { width: 96, height: 40 }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let meaning = self.meaning_rows(area.height);
        let list = Rect { height: area.height - meaning, ..area };
        self.list.draw(frame, list, theme);
        if meaning > 0 {
            self.draw_meaning(frame, Rect { y: list.bottom(), height: meaning, ..area }, theme);
        }
    }
}
