//! How somebody left the lists of a portal: order, columns and filter, kept in the state folder for their next sign-in. It
//! is a comfort and no more: what can't be read or written is logged, and the list looks as it usually does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Portal;
use super::blocking::blocking;
use super::state_file::{Kind, StateFile};
use crate::error::{Error, Result};

/// A filter line longer than this is not kept.
const LONGEST_FILTER: usize = 4 << 10;

const KIND: Kind = Kind { what: "how the lists were left", version: 1, most: 256 << 10 };

/// A column that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptColumn {
    /// Its heading.
    pub title: String,
    /// The cells that somebody gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u16>,
}

/// How one list was left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListState {
    /// What it was sorted by; nothing for its usual order.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sort: String,
    /// The other way round.
    pub descending: bool,
    /// The columns somebody chose; none where nobody did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<KeptColumn>,
    /// The filter line, with ids in the place of names: it means the same when a department or group is renamed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub filter: String,
}

/// The file's content, by the name of the list.
#[derive(Default, Serialize, Deserialize)]
struct Content {
    lists: BTreeMap<String, ListState>,
}

/// How whoever uses a portal left its lists.
#[derive(Debug, Clone)]
pub struct Lists(StateFile);

impl Lists {
    /// Those of whoever uses this portal; none where nothing is kept.
    #[must_use]
    pub fn of(portal: &Portal) -> Option<Self> {
        let folder = portal.settings.lists_folder.as_ref()?;
        Some(Self(StateFile::of(portal, folder, KIND)))
    }

    /// Keeps how this list was left; a list that was left as usual needs nothing to be kept.
    ///
    /// # Errors
    /// Denied, when it can't be written; what was there before stays.
    pub fn put(&self, list: &str, mut state: ListState) -> Result<()> {
        if state.filter.len() > LONGEST_FILTER {
            state.filter.clear();
        }
        let kept = self.0.change(|content: Option<Content>| {
            let mut content = content.unwrap_or_default();
            if state == ListState::default() {
                content.lists.remove(list);
            } else {
                content.lists.insert(list.to_owned(), state);
            }
            (!content.lists.is_empty()).then_some(content)
        });
        kept.map_err(|why| {
            let file = self.0.path().display();
            Error::denied(format!("How the lists are left can't be kept in {file}: {why}."))
        })
    }

    /// How this list was left.
    fn read(&self, list: &str) -> Option<ListState> {
        match self.0.read::<Content>() {
            Ok((content, set_aside)) => {
                if let Some(words) = set_aside {
                    tracing::warn!("{words}");
                }
                content?.lists.remove(list)
            }
            Err(why) => {
                tracing::warn!(%why, file = %self.0.path().display(), "how the lists were left can't be read");
                None
            }
        }
    }
}

/// How whoever uses the portal left this list.
pub async fn remembered(portal: &Portal, list: &'static str) -> Option<ListState> {
    let lists = Lists::of(portal)?;
    blocking(move || lists.read(list)).await.ok()?
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            Self(std::env::temp_dir().join(format!("portaldesk-lists-{name}-{}", std::process::id())))
        }

        fn lists(&self, account: &str) -> Lists {
            Lists(StateFile::new(&self.0, "sqlite:///srv/portal.db".to_owned(), account.to_owned(), KIND))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn state(filter: &str) -> ListState {
        let column = |title: &str, width| KeptColumn { title: title.to_owned(), width };
        ListState {
            sort: "joined".to_owned(),
            descending: true,
            columns: vec![column("USERNAME", None), column("E-MAIL", Some(30))],
            filter: filter.to_owned(),
        }
    }

    #[test]
    fn each_account_finds_each_list_as_it_was_left() {
        let folder = Folder::new("round");
        let (amir, eva) = (folder.lists("1"), folder.lists("2"));
        assert_eq!(amir.read("users"), None);
        assert!(!folder.0.exists(), "looking makes nothing");
        amir.put("users", state("nov \u{1f642}")).unwrap();
        amir.put("groups", ListState { descending: true, ..ListState::default() }).unwrap();
        assert_eq!(amir.read("users"), Some(state("nov \u{1f642}")));
        assert_eq!(amir.read("groups").map(|state| state.descending), Some(true));
        assert_eq!((amir.read("departments"), eva.read("users")), (None, None));
        amir.put("users", ListState::default()).unwrap();
        amir.put("groups", ListState::default()).unwrap();
        assert!(!amir.0.path().exists(), "nothing out of the usual is no file");
    }

    #[test]
    fn what_cannot_be_read_is_no_hindrance() {
        let folder = Folder::new("odd");
        let lists = folder.lists("1");
        for odd in ["", "{", "[]", "{\"version\":2}", "\u{0}"] {
            lists.put("users", state("a")).unwrap();
            std::fs::write(lists.0.path(), odd).unwrap();
            assert_eq!(lists.read("users"), None, "{odd}");
        }
        lists.put("users", state(&"x".repeat(LONGEST_FILTER + 1))).unwrap();
        assert_eq!(lists.read("users"), Some(state("")), "a giant is not kept, the rest is");
        std::fs::write(lists.0.path(), "{").unwrap();
        lists.put("users", state("b")).unwrap();
        assert_eq!(lists.read("users"), Some(state("b")));
    }
}
