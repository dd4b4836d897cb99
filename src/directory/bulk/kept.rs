//! What a run keeps to be gone on with: the change, and the ids of the accounts as ranges.

use serde_json::{Value as Json, json};

use super::Change;
use crate::directory::ranges;
use crate::error::{Error, Result};

/// More ranges than these are not written down with the run; it then can't be gone on with.
const MOST_KEPT: usize = 100_000;

/// No portal has more accounts than these: whoever reads that there are doesn't try to remember them.
const MOST_USERS: i64 = 50_000_000;

/// What a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) change: Change,
    /// Each once, ascending.
    pub(super) ids: Vec<i64>,
}

impl Kept {
    pub(super) fn of(change: &Change, ids: &[i64]) -> Self {
        Self { change: change.clone(), ids: ranges::sorted(ids.to_vec()) }
    }

    /// `{"change": "add-group", "to": 3, "users": [[1, 40], [42, 42]]}`; nothing when there are too many.
    pub(super) fn to_json(&self) -> Option<String> {
        let ranges = ranges::of(self.ids.iter().copied(), MOST_KEPT)?;
        let mut kept = written(&self.change)?;
        kept["users"] = json!(ranges);
        Some(kept.to_string())
    }

    /// Reads [`Kept::to_json`] back.
    ///
    /// # Errors
    /// Conflict, when it is none.
    pub(super) fn read(text: &str) -> Result<Self> {
        let wrong = || Error::conflict("What this run is about can't be read; nothing was written.");
        let json: Json = serde_json::from_str(text).map_err(|_| wrong())?;
        let change = change(&json).ok_or_else(wrong)?;
        let ranges: Vec<(i64, i64)> = serde_json::from_value(json["users"].clone()).map_err(|_| wrong())?;
        let ids = ranges::numbers(&ranges, MOST_USERS).ok_or_else(wrong)?;
        Ok(Self { change, ids })
    }
}

/// `{"change": "add-group", "to": 3}`.
fn written(change: &Change) -> Option<Json> {
    let (name, to) = match change {
        Change::Activate => ("activate", Json::Null),
        Change::Deactivate => ("deactivate", Json::Null),
        Change::AddGroup(id) => ("add-group", json!(id)),
        Change::RemoveGroup(id) => ("remove-group", json!(id)),
        Change::SetDepartment(id) => ("department", json!(id)),
        Change::Notifications(on) => ("notifications", json!(on)),
        Change::Staff(on) => ("staff", json!(on)),
        // A path that is no text can't be written down, nor gone on with.
        Change::GeneratePasswords { to } => ("passwords", json!(to.to_str()?)),
        Change::Delete => ("delete", Json::Null),
        Change::OffBoard => ("off-board", Json::Null),
        Change::Several(all) => ("several", all.iter().map(written).collect::<Option<_>>()?),
    };
    Some(json!({ "change": name, "to": to }))
}

/// Reads [`written`] back.
fn change(json: &Json) -> Option<Change> {
    let to = &json["to"];
    Some(match json["change"].as_str()? {
        "activate" => Change::Activate,
        "deactivate" => Change::Deactivate,
        "add-group" => Change::AddGroup(to.as_i64()?),
        "remove-group" => Change::RemoveGroup(to.as_i64()?),
        "department" if to.is_null() => Change::SetDepartment(None),
        "department" => Change::SetDepartment(Some(to.as_i64()?)),
        "notifications" => Change::Notifications(to.as_bool()?),
        "staff" => Change::Staff(to.as_bool()?),
        "passwords" => Change::GeneratePasswords { to: to.as_str()?.into() },
        "delete" => Change::Delete,
        "off-board" => Change::OffBoard,
        "several" => Change::Several(to.as_array()?.iter().map(change).collect::<Option<_>>()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back() {
        let changes = [
            Change::Activate,
            Change::Deactivate,
            Change::AddGroup(3),
            Change::RemoveGroup(4),
            Change::SetDepartment(None),
            Change::SetDepartment(Some(7)),
            Change::Notifications(false),
            Change::Staff(true),
            Change::GeneratePasswords { to: "/tmp/new passwords.csv".into() },
            Change::Delete,
            Change::OffBoard,
            Change::Several(vec![Change::Deactivate, Change::SetDepartment(None), Change::AddGroup(3)]),
        ];
        for change in changes {
            let kept = Kept::of(&change, &[9, 3, 2, 1, 9]);
            let text = kept.to_json().expect("few enough");
            assert!(text.contains("[[1,3],[9,9]]"), "{text}");
            assert_eq!(Kept::read(&text).unwrap_or_else(|error| panic!("{error}")), kept);
        }
    }

    #[test]
    fn what_can_not_be_read_is_refused() {
        for wrong in [
            "",
            "{}",
            r#"{"change":"explode","users":[]}"#,
            r#"{"change":"add-group","to":null,"users":[]}"#,
            r#"{"change":"delete","to":null,"users":[1]}"#,
            r#"{"change":"delete","to":null,"users":[[1,9000000000000000000]]}"#,
        ] {
            assert!(Kept::read(wrong).is_err(), "{wrong}");
        }
    }
}
