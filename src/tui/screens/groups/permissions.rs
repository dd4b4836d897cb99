//! The permissions of a group as a list to tick, found by typing, and what a choice gives and takes.

use std::collections::BTreeSet;
use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::actions::{Which, prepare};
use crate::directory::Portal;
use crate::directory::groups::{self, Draft};
use crate::directory::permissions::{Catalogue, Permission};
use crate::error::{Error, Kind, Result};
use crate::tui::actions::Action;
use crate::tui::cx::Cx;
use crate::tui::input::Input;
use crate::tui::jobs::{Reply, Slot};
use crate::tui::keymap::Binding;
use crate::tui::plan_review::APPLY;
use crate::tui::screen::{Layer, Screen};
use crate::tui::screens::memberships;
use crate::tui::screens::wish::{Planned, Wish, changes_in_words, gains_and_loses, not_read};
use crate::tui::theme::{Theme, Tone};
use crate::tui::widgets::sections::{Entry, Sections};
use crate::tui::widgets::{cells, put, wrap};

/// Its keys: those of the list of an account's groups and permissions.
pub const KEYS: &[Binding] = memberships::KEYS;

const LOAD: Slot<Loaded> = Slot::latest("groups.permissions.load");
const PLAN: Slot<Planned<Loaded>> = Slot::latest("groups.permissions.plan");

/// The most lines that say what is gained and lost.
const MEANING: u16 = 3;

/// Everything that can be given, and what the group carries.
#[derive(Debug)]
struct Loaded {
    catalogue: Catalogue,
    now: BTreeSet<i64>,
}

impl Loaded {
    async fn read(portal: &Portal, group: i64) -> Result<Self> {
        let mut catalogue = Catalogue::read(portal).await?;
        if let Some(lacking) = &catalogue.lacking {
            return Err(Error::conflict(lacking.clone()));
        }
        if catalogue.groups.iter().all(|known| known.id != group) {
            return Err(Error::conflict(format!("There is no group with id {group} any more.")));
        }
        let now = catalogue.by_group.remove(&group).unwrap_or_default();
        Ok(Self { catalogue, now })
    }
}

/// The editor.
pub(super) struct PermissionEditor {
    which: Which,
    loaded: Option<Arc<Loaded>>,
    wish: Wish,
    list: Sections,
}

impl PermissionEditor {
    /// For this group.
    pub(super) fn new(which: &Which) -> Self {
        Self { which: which.clone(), loaded: None, wish: Wish::default(), list: Sections::default() }
    }

    fn load(&self, cx: &mut Cx) {
        let id = self.which.id;
        cx.start(
            &LOAD,
            "reading the permissions",
            move |portal| async move { Loaded::read(&portal, id).await },
        );
    }

    /// Shows what was read, and says what others did since the last time.
    fn take(&mut self, loaded: Loaded, cx: &mut Cx) {
        if self.loaded.as_ref().is_some_and(|before| before.now != loaded.now) {
            cx.refuse(format!(
                "Somebody else changed the permissions of {}. Nothing was written; look again.",
                self.which.name
            ));
        }
        self.wish.read_again(&loaded.now);
        self.loaded = Some(Arc::new(loaded));
        self.show();
    }

    /// Makes the lines anew: boxes change with every tick.
    fn show(&mut self) {
        let Some(loaded) = &self.loaded else { return };
        let wanted = self.wish.apply(&loaded.now);
        let entry = |permission: &Permission| Entry {
            heading: format!("{} · {}", permission.app, permission.model),
            ticked: Some(wanted.contains(&permission.id)),
            label: permission.label(),
            note: permission.name.clone(),
        };
        self.list.set(loaded.catalogue.permissions.iter().map(entry).collect());
    }

    fn toggle(&mut self, cx: &mut Cx) {
        let (Some(loaded), Some(at)) = (self.loaded.clone(), self.list.current()) else { return };
        cx.stop(&PLAN);
        self.wish.toggle(loaded.catalogue.permissions[at].id, &loaded.now);
        self.show();
    }

    /// Plans from the permissions as they are now, where they are still what the choice was made from.
    fn review(&self, cx: &mut Cx) {
        let Some(loaded) = self.loaded.clone() else { return };
        let draft = Draft { permissions: self.wish.groups(), ..Draft::default() };
        let id = self.which.id;
        cx.start(&PLAN, "planning", move |portal| async move {
            let now = Loaded::read(&portal, id).await?;
            if now.now != loaded.now {
                return Ok(Planned::Overtaken(Box::new(now)));
            }
            let prepared = prepare(&portal, groups::edit(&portal, id, &draft).await?).await?;
            Ok(Planned::Ready(Box::new(prepared)))
        });
    }

    /// `gains core.add_x; loses nothing`
    fn meaning(&self) -> String {
        let Some(loaded) = &self.loaded else { return String::new() };
        let all = loaded.catalogue.permissions.iter();
        gains_and_loses(all.map(|permission| (&self.wish, permission.id, permission.label())))
    }
}

impl Screen for PermissionEditor {
    fn title(&self) -> String {
        format!("Permissions of {}", self.which.name)
    }

    fn keys(&self) -> &'static [&'static [Binding]] {
        &[KEYS]
    }

    fn enabled(&self, action: Action) -> std::result::Result<(), String> {
        match action {
            Action::Review | Action::Toggle if self.loaded.is_none() => {
                Err("The permissions are still being read.".to_owned())
            }
            Action::Review if self.wish.changes() == 0 => Err("Nothing was changed yet.".to_owned()),
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
                // Of a group that is gone nothing can be ticked.
                Err(error) => {
                    not_read(&error, self.loaded.is_some() && error.kind != Kind::Conflict, cx);
                }
            }
        } else if let Some(result) = PLAN.take(reply) {
            if let Some(loaded) = Planned::open(result, cx) {
                self.take(loaded, cx);
            }
        } else if let Some(result) = APPLY.take(reply) {
            match result {
                Ok(applied) => {
                    cx.done(applied.words());
                    cx.close();
                }
                Err(error) => cx.fail(&error),
            }
        }
    }

    fn status(&self) -> String {
        changes_in_words(self.wish.changes())
    }

    fn is_dirty(&self) -> Option<String> {
        (self.wish.changes() > 0).then(|| format!("the permissions of {}", self.which.name))
    }

    fn layer(&self) -> Layer {
        // The room does not change while the list is read, or while a filter narrows it.
        Layer::Popup { width: 96, height: 40 }
    }

    fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
        let lines = wrap(&self.meaning(), usize::from(area.width.max(1)));
        let rows = cells(lines.len()).min(MEANING).min(area.height / 3);
        self.list.draw(frame, Rect { height: area.height - rows, ..area }, theme);
        let more = lines.len() > usize::from(rows);
        for (y, (at, line)) in (area.bottom() - rows..area.bottom()).zip(lines.iter().enumerate()) {
            let cut = more && at + 1 == usize::from(rows);
            let words = if cut { format!("{line} …") } else { line.clone() };
            put(frame.buffer_mut(), area.x, y, area.width, &words, theme.style(Tone::Strong));
        }
    }
}
