//! What stood in a form about a user and was not saved: kept in the state folder, one file for each account of a portal,
//! and offered at that account's next sign-in, so that a lost line loses nothing.
//!
//! Only the fields of the form are kept, by their names: there is no way for a password into the file.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Portal;
use super::blocking::blocking;
use super::state_file::{Kind, StateFile};
use crate::db::Sql;
use crate::error::{Error, Result};
use crate::portal::form::FieldKind;
use crate::portal::forms;

/// More than this many are not kept for one account; the one that was left longest ago goes first.
const MOST: usize = 8;
/// More bytes than these are no draft of a form: every text of one is far shorter.
const LARGEST: usize = 64 << 10;

const KIND: Kind = Kind { what: "unsaved forms", version: 1, most: MOST * LARGEST * 2 };

/// Text by field name, as the screens compare it.
pub type Values = BTreeMap<String, String>;

/// Whom a form is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "form")]
pub enum About {
    /// Somebody who is yet to be made.
    NewUser,
    /// This user.
    User {
        /// The id.
        id: i64,
        /// The username when the form was opened.
        username: String,
    },
    /// The groups and permissions of this user: those to be given are what was changed, those to be taken what it was
    /// changed from.
    Memberships {
        /// The id.
        id: i64,
        /// The username when the list was opened.
        username: String,
    },
}

impl About {
    /// The id of the user, where there is one yet.
    #[must_use]
    pub fn id(&self) -> Option<i64> {
        match self {
            Self::NewUser => None,
            Self::User { id, .. } | Self::Memberships { id, .. } => Some(*id),
        }
    }
}

/// The field of the permissions given to an account itself; it is in no form.
pub const PERMISSIONS: &str = "permissions";

/// What stood in a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsaved {
    /// Names the form as long as it is not saved, also when it is opened again.
    pub id: String,
    /// Whom it is about.
    pub about: About,
    /// What it was opened with.
    pub base: Values,
    /// What was changed, or for somebody new all of it.
    pub mine: Values,
}

impl Unsaved {
    /// A name for a form.
    #[must_use]
    pub fn new_id() -> String {
        uuid::Uuid::now_v7().simple().to_string()
    }
}

/// What stood in a form, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// When it was kept.
    pub at: DateTime<Utc>,
    /// What stood there.
    #[serde(flatten)]
    pub unsaved: Unsaved,
}

/// The file's content.
#[derive(Serialize, Deserialize)]
struct Content {
    drafts: Vec<Draft>,
}

/// What is offered to somebody who has signed in.
#[derive(Debug, Default)]
pub struct Offered {
    /// The drafts, the newest first, and whether the user of each is gone.
    pub drafts: Vec<(Draft, bool)>,
    /// That there was a file which is not used, in a sentence.
    pub set_aside: Option<String>,
}

/// The drafts of whoever uses a portal.
#[derive(Debug, Clone)]
pub struct Drafts(StateFile);

impl Drafts {
    /// Those of whoever uses this portal; none where nothing is kept.
    #[must_use]
    pub fn of(portal: &Portal) -> Option<Self> {
        let folder = portal.settings.drafts_folder.as_ref()?;
        Some(Self(StateFile::of(portal, folder, KIND)))
    }

    /// Keeps this instead of what was kept of the same form.
    ///
    /// # Errors
    /// Denied, when it can't be written; what was there before stays.
    pub fn put(&self, unsaved: Unsaved, at: DateTime<Utc>) -> Result<()> {
        let kept = |values: Values| values.into_iter().filter(|(name, _)| is_kept(name)).collect();
        let (base, mine) = (kept(unsaved.base), kept(unsaved.mine));
        let draft = Draft { at, unsaved: Unsaved { base, mine, ..unsaved } };
        let length = serde_json::to_string(&draft).map_or(usize::MAX, |text| text.len());
        if length > LARGEST {
            return Err(self.failed(&"there is too much in the form"));
        }
        self.change(|drafts| {
            drafts.retain(|known| known.unsaved.id != draft.unsaved.id);
            drafts.push(draft);
            drafts.sort_by_key(|draft| draft.at);
            drafts.drain(..drafts.len().saturating_sub(MOST));
        })
    }

    /// Forgets what was kept of a form.
    ///
    /// # Errors
    /// As [`Drafts::put`].
    pub fn remove(&self, id: &str) -> Result<()> {
        if !self.0.path().exists() {
            return Ok(());
        }
        self.change(|drafts| drafts.retain(|draft| draft.unsaved.id != id))
    }

    /// The drafts, the newest first; and that there was a file which is not used, in a sentence.
    fn read(&self) -> (Vec<Draft>, Option<String>) {
        let (content, set_aside) =
            self.0.read::<Content>().unwrap_or_else(|why| (None, Some(self.failed(&why).message)));
        let mut drafts = content.map(|content| content.drafts).unwrap_or_default();
        drafts.reverse();
        (drafts, set_aside)
    }

    /// Changes the file while no other program does; without a draft there is none.
    fn change(&self, change: impl FnOnce(&mut Vec<Draft>)) -> Result<()> {
        let changed = self.0.change(|content: Option<Content>| {
            let mut drafts = content.map(|content| content.drafts).unwrap_or_default();
            change(&mut drafts);
            (!drafts.is_empty()).then_some(Content { drafts })
        });
        changed.map_err(|why| self.failed(&why))
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> Error {
        let file = self.0.path().display();
        Error::denied(format!("What is not saved can't be kept for a lost line in {file}: {why}."))
    }
}

/// Whether a field of this name is kept: one of a user's form, and never a password.
fn is_kept(name: &str) -> bool {
    name == PERMISSIONS
        || forms::find(&forms::USER, name).is_some_and(|field| field.kind != FieldKind::Password)
}

/// What is to be offered to whoever uses the portal now.
///
/// # Errors
/// What the engine says.
pub async fn offered(portal: &Portal) -> Result<Offered> {
    let Some(drafts) = Drafts::of(portal) else { return Ok(Offered::default()) };
    let (drafts, set_aside) = blocking(move || drafts.read()).await?;
    let id = |draft: &Draft| draft.unsaved.about.id();
    let ids: Vec<i64> = drafts.iter().filter_map(id).collect();
    let there = there(portal, ids).await?;
    let with_fate = |draft: Draft| {
        let is_gone = id(&draft).is_some_and(|id| !there.contains(&id));
        (draft, is_gone)
    };
    Ok(Offered { drafts: drafts.into_iter().map(with_fate).collect(), set_aside })
}

/// Those of these ids that a user has.
async fn there(portal: &Portal, ids: Vec<i64>) -> Result<BTreeSet<i64>> {
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let sql = Sql::new("SELECT id FROM auth_user WHERE id IN (").list(ids).push(")");
    portal.db.all(sql).await?.iter().map(|row| Ok(row.int(0)?)).collect()
}

/// Forgets what whoever uses the portal had left in a form.
///
/// # Errors
/// Denied, when the file can't be written.
pub async fn remove(portal: &Portal, id: String) -> Result<()> {
    match Drafts::of(portal) {
        Some(drafts) => blocking(move || drafts.remove(&id)).await?,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("portaldesk-drafts-{name}-{}", std::process::id())))
        }

        fn drafts(&self, account: &str) -> Drafts {
            Drafts(StateFile::new(&self.0, "sqlite:///srv/portal.db".to_owned(), account.to_owned(), KIND))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn unsaved(id: &str, mine: &[(&str, &str)]) -> Unsaved {
        let about = About::User { id: 2, username: "bela".to_owned() };
        Unsaved { id: id.to_owned(), about, base: values(&[("last_name", "Novak")]), mine: values(mine) }
    }

    fn ids(drafts: &Drafts) -> Vec<String> {
        drafts.read().0.into_iter().map(|draft| draft.unsaved.id).collect()
    }

    #[test]
    fn what_is_kept_comes_back_to_the_same_account_only() {
        let folder = Folder::new("round");
        let (amir, eva) = (folder.drafts("1"), folder.drafts("2"));
        assert_eq!(amir.read(), (Vec::new(), None));
        assert!(!folder.0.exists(), "looking makes nothing");
        let first = unsaved("a", &[("last_name", "Nowak \u{1f642}\n"), ("groups", "1,2")]);
        let at = Utc::now();
        amir.put(unsaved("a", &[("last_name", "N")]), at).unwrap();
        amir.put(first.clone(), at).unwrap();
        assert_eq!(amir.read(), (vec![Draft { at, unsaved: first }], None));
        assert_eq!(ids(&eva), Vec::<String>::new());
        assert_eq!(amir.0.path().metadata().unwrap().mode() & 0o7777, 0o600);
        assert_eq!(folder.0.metadata().unwrap().mode() & 0o7777, 0o700);
        amir.remove("another").unwrap();
        assert_eq!(ids(&amir), ["a"]);
        amir.remove("a").unwrap();
        assert!(!amir.0.path().exists(), "nothing kept is no file");
    }

    #[test]
    fn the_newest_are_kept_and_no_giant() {
        let folder = Folder::new("bounds");
        let drafts = folder.drafts("1");
        let start = Utc::now();
        for number in 0..MOST + 2 {
            let at = start + chrono::TimeDelta::seconds(i64::try_from(number).unwrap());
            drafts.put(unsaved(&number.to_string(), &[("email", "a@b.org")]), at).unwrap();
        }
        let newest: Vec<String> = (2..MOST + 2).rev().map(|number| number.to_string()).collect();
        assert_eq!(ids(&drafts), newest);
        let giant = "x".repeat(LARGEST);
        let refused = drafts.put(unsaved("giant", &[("email", &giant)]), start).unwrap_err();
        assert!(refused.message.contains("too much"), "{refused}");
        assert_eq!(ids(&drafts), newest);
    }

    #[test]
    fn a_file_that_is_not_ours_is_set_aside_and_said_once() {
        let folder = Folder::new("aside");
        let drafts = folder.drafts("1");
        let kept = |text: &str| {
            drafts.put(unsaved("a", &[("email", "a@b.org")]), Utc::now()).unwrap();
            let whole = std::fs::read_to_string(drafts.0.path()).unwrap();
            std::fs::write(drafts.0.path(), if text.is_empty() { &whole } else { text }).unwrap();
            whole
        };
        let whole = kept("{");
        let another = whole.replace("\"account\":\"1\"", "\"account\":\"2\"");
        let newer = whole.replace("\"version\":1", "\"version\":2");
        for (text, mode) in [
            ("{", 0o600),
            (&whole[..whole.len() / 2], 0o600),
            (&another, 0o600),
            (&newer, 0o600),
            (&"[".repeat(MOST * LARGEST * 2 + 1), 0o600),
            ("", 0o622),
        ] {
            kept(text);
            std::fs::set_permissions(drafts.0.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            let (found, said) = drafts.read();
            let said = said.expect("it is said");
            assert!(found.is_empty() && said.contains("unreadable"), "{said}");
            assert_eq!(drafts.read(), (Vec::new(), None), "only once");
        }
        std::os::unix::fs::symlink("/etc/passwd", drafts.0.path()).unwrap();
        assert!(drafts.read().1.is_some());
        kept("{");
        drafts.put(unsaved("b", &[]), Utc::now()).unwrap();
        assert_eq!(ids(&drafts), ["b"], "what can't be read is no hindrance");
    }

    #[test]
    fn what_was_left_of_a_write_is_no_hindrance() {
        let folder = Folder::new("left");
        let drafts = folder.drafts("1");
        drafts.put(unsaved("a", &[]), Utc::now()).unwrap();
        std::fs::write(drafts.0.path().with_extension("new"), "half").unwrap();
        drafts.put(unsaved("b", &[]), Utc::now()).unwrap();
        assert_eq!(ids(&drafts).len(), 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever a screen hands over, only the fields of the form reach the file.
        #[test]
        fn no_password_ever(secret in "[a-zA-Z0-9]{12,40}", field in "[a-z_0-9]{0,3}password[a-z_0-9]{0,9}") {
            let folder = Folder::new("secret");
            let drafts = folder.drafts("1");
            let mut form = unsaved("a", &[("email", "a@b.org"), (&field, &secret)]);
            form.base.insert("password".to_owned(), secret.clone());
            drafts.put(form, Utc::now()).unwrap();
            let text = std::fs::read_to_string(drafts.0.path()).unwrap();
            prop_assert!(!text.contains(&secret) && !text.contains("password"), "{}", text);
        }
    }
}
