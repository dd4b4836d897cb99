//! What can be done to a user from the list and from the record: who may, and what each key starts.

use super::delete_user::{self, DeleteUser};
use super::history::History;
use super::memberships::Memberships;
use super::menu::{Entry, Menu};
use super::password::PasswordForm;
use super::permissions::Permissions;
use super::test_password::TestPassword;
use super::undo;
use super::user_form::UserForm;
use crate::change::rights;
use crate::directory::lockouts::{self, Cleared};
use crate::directory::{Portal, accounts, history, offboard};
use crate::error::{Error, Result};
use crate::portal::access::{self, ActorFacts, TargetFacts, allowed};
use crate::tui::actions::Action;
use crate::tui::clock::Clock;
use crate::tui::cx::Cx;
use crate::tui::input::key;
use crate::tui::jobs::Slot;
use crate::tui::keymap::Binding;
use crate::tui::plan_review::{self, PLAN};

/// The keys about one user, for every screen that has one under the cursor.
pub const KEYS: &[Binding] = &[
    Binding::new(&[key('e')], Action::UsersEdit, "edit"),
    Binding::new(&[key('a')], Action::Menu, "actions"),
    Binding::new(&[key('u')], Action::Undo, "undo"),
    Binding::new(&[key('U')], Action::Redo, "redo").quiet(),
    Binding::new(&[key('p')], Action::UsersPassword, "password").quiet(),
    Binding::new(&[key('L')], Action::UsersCanLogIn, "can log in, or no longer").quiet(),
    Binding::new(&[key('M')], Action::UsersMemberships, "groups and permissions").quiet(),
    Binding::new(&[key('H')], Action::RecordHistory, "history of this account").quiet(),
    Binding::new(&[key('D')], Action::UsersDelete, "delete").quiet().dangerous(),
    Binding::new(&[key('F')], Action::IntegrityFix, "fix what is found about this account").quiet(),
    // Without a key: from the menu and the palette.
    Binding::new(&[], Action::UsersRename, "rename").quiet(),
    Binding::new(&[], Action::UsersLike, "new user like this one").quiet(),
    Binding::new(&[], Action::UsersOffboard, "off-board: no way in, no rights").quiet().dangerous(),
    Binding::new(&[], Action::UsersPermissions, "permissions, and through what").quiet(),
    Binding::new(&[], Action::UsersTestPassword, "test a password").quiet(),
    Binding::new(&[], Action::UsersClearTries, "clear wrong sign-in tries").quiet(),
];

/// What the person signed in may do and has done.
pub const SITTING: Slot<Sitting> = Slot::latest("users.sitting");
/// Nobody has to take its reply: the report says all.
const CLEAR_TRIES: Slot<Cleared> = Slot::exclusive("users.clear-tries").reporting(ToString::to_string);

/// The user whom a key is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whom {
    /// The id in `auth_user`.
    pub id: i64,
    /// The username.
    pub username: String,
    /// Whether the account is active.
    pub is_active: bool,
    /// The account as guards see it, once that is read.
    pub target: Option<TargetFacts>,
}

/// The person signed in: their rights, and what they could take back. Until it is read everything seems allowed; the
/// write itself decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sitting {
    /// Who they are; nobody where nobody had to sign in.
    pub actor: Option<ActorFacts>,
    /// Why nothing can be written at all.
    pub read_only: Option<String>,
    /// Whether there is something to undo, once that is known.
    pub can_undo: Option<bool>,
    /// Whether there is something to redo, once that is known.
    pub can_redo: Option<bool>,
}

impl Sitting {
    /// Starts reading anew; the reply comes in [`SITTING`].
    pub fn ask(&mut self, cx: &mut Cx) {
        self.forget_newest();
        Self::start(cx);
    }

    /// Starts reading, for a screen that only wants to know the rights once.
    pub fn start(cx: &mut Cx) {
        cx.start(&SITTING, "reading your rights", |portal| async move { Self::read(&portal).await });
    }

    /// Something was written: what there is to take back is not known until it is read again.
    pub fn forget_newest(&mut self) {
        self.can_undo = None;
        self.can_redo = None;
    }

    /// Reads it.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn read(portal: &Portal) -> Result<Self> {
        let actor = match &portal.actor.account {
            Some(account) => rights::actor(&mut portal.db.clone(), &portal.roles, account.id).await?,
            None => None,
        };
        let newest = history::newest_of_sitting(portal).await?;
        Ok(Self {
            actor,
            read_only: portal.read_only.as_ref().map(ToString::to_string),
            can_undo: Some(newest.change.is_some()),
            can_redo: Some(newest.undo.is_some()),
        })
    }

    /// Whether an action can be done now, to this user; if not, why.
    ///
    /// # Errors
    /// The sentence.
    pub fn may(&self, action: Action, whom: Option<&Whom>) -> std::result::Result<(), String> {
        let is_write = matches!(
            action,
            Action::UsersNew
                | Action::UsersLike
                | Action::UsersEdit
                | Action::UsersRename
                | Action::UsersPassword
                | Action::UsersCanLogIn
                | Action::UsersMemberships
                | Action::UsersOffboard
                | Action::UsersDelete
                | Action::IntegrityFix
                | Action::Undo
                | Action::Redo
        );
        if let (true, Some(why)) = (is_write, &self.read_only) {
            return Err(why.clone());
        }
        match action {
            Action::UsersNew => self.allows(&access::Action::CreateUser),
            Action::IntegrityFix => self.allows(&access::Action::Repair),
            Action::RecordHistory if whom.is_none() => Err("There is no user under the cursor.".to_owned()),
            Action::RecordHistory => self.allows(&access::Action::SeeHistory),
            Action::Undo if self.can_undo == Some(false) => Err(undo::nothing(false)),
            Action::Redo if self.can_redo == Some(false) => Err(undo::nothing(true)),
            Action::UsersEdit
            | Action::UsersLike
            | Action::UsersRename
            | Action::UsersPassword
            | Action::UsersCanLogIn
            | Action::UsersMemberships
            | Action::UsersOffboard
            | Action::UsersDelete
            | Action::UsersPermissions
            | Action::UsersTestPassword
            | Action::UsersClearTries
            | Action::Menu => {
                let whom = whom.ok_or_else(|| "There is no user under the cursor.".to_owned())?;
                whom.target.as_ref().map_or(Ok(()), |target| self.may_to(action, whom.is_active, target))
            }
            _ => Ok(()),
        }
    }

    fn may_to(
        &self,
        action: Action,
        is_active: bool,
        target: &TargetFacts,
    ) -> std::result::Result<(), String> {
        match action {
            Action::UsersEdit => self
                .allows(&access::Action::EditAccount(target))
                .or_else(|_| self.allows(&access::Action::EditProfile { target, only_own_fields: true })),
            Action::UsersLike => self.allows(&access::Action::CreateUser),
            Action::UsersRename => self.allows(&access::Action::EditAccount(target)),
            Action::UsersPermissions => self.allows(&access::Action::SeeUsers),
            Action::UsersPassword | Action::UsersTestPassword | Action::UsersClearTries => {
                self.allows(&access::Action::SetPassword(target))
            }
            Action::UsersOffboard => self
                .allows(&access::Action::SetActive { target, active: false })
                .and_then(|()| self.allows(&access::Action::SetPassword(target))),
            Action::UsersDelete => self.allows(&access::Action::DeleteUser(target)),
            Action::UsersCanLogIn => self.allows(&access::Action::SetActive { target, active: !is_active }),
            Action::UsersMemberships => {
                self.allows(&access::Action::GiveGroup { target, level: Some(access::Level::Engineer) })
            }
            _ => Ok(()),
        }
    }

    /// Whether the person signed in may do this; if not, why.
    ///
    /// # Errors
    /// The sentence.
    pub fn allows(&self, action: &access::Action<'_>) -> std::result::Result<(), String> {
        self.actor.as_ref().map_or(Ok(()), |actor| allowed(actor, action))
    }

    /// What can be done to this user now, for the menu.
    #[must_use]
    pub fn entries(&self, whom: &Whom) -> Vec<Entry> {
        let log_in = if whom.is_active {
            Entry { letter: 'd', label: "deactivate: can no longer log in", action: Action::UsersCanLogIn }
        } else {
            Entry { letter: 'a', label: "activate: can log in again", action: Action::UsersCanLogIn }
        };
        let all = [
            Entry { letter: 'e', label: "edit account, profile and groups", action: Action::UsersEdit },
            Entry { letter: 'n', label: "rename", action: Action::UsersRename },
            Entry { letter: 'p', label: "set or generate a password", action: Action::UsersPassword },
            Entry {
                letter: 't',
                label: "test a password; nothing is stored",
                action: Action::UsersTestPassword,
            },
            log_in,
            Entry { letter: 'm', label: "groups and permissions", action: Action::UsersMemberships },
            Entry {
                letter: 'v',
                label: "view every permission, and through what",
                action: Action::UsersPermissions,
            },
            Entry { letter: 'h', label: "history of this account", action: Action::RecordHistory },
            Entry { letter: 'c', label: "new user like this one", action: Action::UsersLike },
            Entry { letter: 'o', label: "off-board: no way in, no rights", action: Action::UsersOffboard },
            Entry { letter: 'x', label: "delete, with what goes along", action: Action::UsersDelete },
            Entry { letter: 'w', label: "clear wrong sign-in tries", action: Action::UsersClearTries },
            Entry { letter: 'f', label: "fix what is found about it", action: Action::IntegrityFix },
        ];
        self.offered(all, |action| self.may(action, Some(whom)))
    }

    /// Those of these entries that can be done now, then undo and redo where there is something to take back.
    pub fn offered(
        &self,
        entries: impl IntoIterator<Item = Entry>,
        may: impl Fn(Action) -> std::result::Result<(), String>,
    ) -> Vec<Entry> {
        // Unlike a key, a menu has the time to know.
        let undo = Entry { letter: 'u', label: "undo what I did last", action: Action::Undo };
        let redo = Entry { letter: 'r', label: "redo what I took back last", action: Action::Redo };
        let known = [(self.can_undo, undo), (self.can_redo, redo)];
        let back = known.into_iter().filter(|(can, _)| *can == Some(true)).map(|(_, entry)| entry);
        entries.into_iter().chain(back).filter(|entry| may(entry.action).is_ok()).collect()
    }
}

/// Does an action of [`KEYS`] that `may` be done; a plan comes in [`PLAN`].
pub fn act(action: Action, whom: Option<&Whom>, sitting: &Sitting, cx: &mut Cx) {
    match (action, whom) {
        (Action::Undo | Action::Redo, _) => undo::act(action, cx),
        (Action::RecordHistory, Some(whom)) => {
            cx.push(History::about(whom.id, &whom.username, Clock::default()));
        }
        // The name is the form's first field.
        (Action::UsersEdit | Action::UsersRename, Some(whom)) => cx.push(UserForm::edit(whom.id)),
        (Action::UsersLike, Some(whom)) => cx.push(UserForm::like(whom.id)),
        (Action::UsersPassword, Some(whom)) => cx.push(PasswordForm::new(whom.id, whom.username.clone())),
        (Action::UsersPermissions, Some(whom)) => {
            cx.push(Permissions::new(whom.id, whom.username.clone(), whom.is_active));
        }
        (Action::UsersTestPassword, Some(whom)) => cx.push(TestPassword::new(whom.id, whom.username.clone())),
        (Action::UsersMemberships, Some(whom)) => cx.push(Memberships::new(whom.id)),
        (Action::UsersCanLogIn, Some(whom)) => {
            let (id, active) = (whom.id, !whom.is_active);
            cx.start(&PLAN, "planning", move |portal| async move {
                plan_review::prepare(&portal, accounts::set_active(&portal, id, active).await?).await
            });
        }
        (Action::UsersOffboard, Some(whom)) => {
            let (id, name) = (whom.id, whom.username.clone());
            cx.start(&PLAN, "planning", move |portal| async move {
                let plans = offboard::plan(&portal, id).await?;
                if plans.iter().all(|plan| plan.steps.is_empty()) {
                    return Err(Error::conflict(delete_user::nothing_to_take(&name)));
                }
                plan_review::prepare_together(&portal, plans).await
            });
        }
        (Action::UsersDelete, Some(whom)) => {
            let refused = sitting.may(Action::UsersOffboard, Some(whom)).err();
            cx.push(DeleteUser::new(whom.id, whom.username.clone(), refused));
        }
        (Action::UsersClearTries, Some(whom)) => {
            let id = whom.id;
            cx.start(&CLEAR_TRIES, "clearing wrong tries", move |portal| async move {
                lockouts::clear(&portal, id, false).await
            });
        }
        (Action::Menu, Some(whom)) => Menu::open(&whom.username, sitting.entries(whom), cx),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::portal::access::Level;

    fn actor(level: Level) -> ActorFacts {
        ActorFacts {
            id: 1,
            username: "amir".to_owned(),
            active: true,
            superuser: level == Level::Superuser,
            level: Some(level),
        }
    }

    fn whom(level: Option<Level>, is_active: bool) -> Whom {
        let target = TargetFacts { id: 2, superuser: false, privileged: false, level };
        Whom { id: 2, username: "bela".to_owned(), is_active, target: Some(target) }
    }

    fn letters(sitting: &Sitting, whom: &Whom) -> String {
        sitting.entries(whom).iter().map(|entry| entry.letter).collect()
    }

    #[test]
    fn only_what_is_allowed_is_offered() {
        let of = |level| Sitting { actor: Some(actor(level)), ..Sitting::default() };
        assert_eq!(letters(&of(Level::Admin), &whom(Some(Level::Engineer), true)), "enptdmvhcoxwf");
        assert_eq!(letters(&of(Level::Admin), &whom(None, false)), "enptamvhcoxwf");
        assert_eq!(letters(&of(Level::AmcAdmin), &whom(None, true)), "enptdmvhcow");
        assert_eq!(letters(&of(Level::AmcAdmin), &whom(Some(Level::AmcAdmin), true)), "vhc");
        assert_eq!(letters(&of(Level::Engineer), &whom(None, true)), "v");
        let mut own = whom(Some(Level::Engineer), true);
        own.target = own.target.map(|target| TargetFacts { id: 1, ..target });
        assert_eq!(letters(&of(Level::Engineer), &own), "eptvw", "their own phone and password");
        assert!(of(Level::Engineer).may(Action::UsersNew, None).is_err());
    }

    #[test]
    fn every_entry_of_the_menu_is_an_action_of_the_table() {
        let sitting = Sitting { can_undo: Some(true), can_redo: Some(true), ..Sitting::default() };
        for entry in sitting.entries(&whom(None, true)) {
            assert!(KEYS.iter().any(|binding| binding.action == entry.action), "{entry:?}");
        }
    }

    #[test]
    fn a_portal_opened_read_only_says_so_for_every_write() {
        let sitting = Sitting {
            actor: Some(actor(Level::Superuser)),
            read_only: Some("It is read-only.".to_owned()),
            can_undo: Some(true),
            ..Sitting::default()
        };
        for action in
            [Action::UsersNew, Action::UsersLike, Action::UsersDelete, Action::UsersOffboard, Action::Undo]
        {
            assert_eq!(sitting.may(action, Some(&whom(None, true))), Err("It is read-only.".to_owned()));
        }
        assert!(sitting.may(Action::Open, None).is_ok());
    }

    #[test]
    fn undo_is_offered_once_there_is_something() {
        let mut sitting = Sitting { can_undo: Some(false), ..Sitting::default() };
        assert!(sitting.may(Action::Undo, None).is_err());
        sitting.can_undo = Some(true);
        assert!(sitting.may(Action::Undo, None).is_ok());
        assert!(letters(&sitting, &whom(None, true)).contains('u'));
    }

    #[test]
    fn keys_start_what_they_say() {
        let mut cx = Cx::new(Size::new(80, 24));
        let (sitting, bela) = (Sitting::default(), whom(None, true));
        for (action, effects) in [
            (Action::UsersCanLogIn, "[Start(change.plan: planning)]"),
            (Action::UsersOffboard, "[Start(change.plan: planning)]"),
            (Action::UsersDelete, "[Push(Delete bela)]"),
            (Action::UsersRename, "[Push(Edit #2)]"),
            (Action::UsersLike, "[Push(New user)]"),
            (Action::Undo, "[Push(Undo)]"),
            (Action::Redo, "[Push(Redo)]"),
            (Action::UsersClearTries, "[Start(users.clear-tries: clearing wrong tries)]"),
            (Action::Menu, "[Push(bela)]"),
        ] {
            act(action, Some(&bela), &sitting, &mut cx);
            assert_eq!(format!("{:?}", cx.take()), effects);
        }
    }
}
