//! What a new account takes over from one that serves as its template: where it belongs and what it may do, never who it
//! is.

use crate::error::Result;

use super::Portal;
use super::accounts::{Draft, Groups, Rows};

/// The part of an account that is worth taking over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Whose it is.
    pub username: String,
    /// The department's id.
    pub department: Option<i64>,
    /// The groups' ids.
    pub groups: Vec<i64>,
    /// Whether the portal sends e-mail.
    pub email_notifications: bool,
    /// May open the portal's own admin site. Power is for the caller to give or to leave out.
    pub is_staff: bool,
    /// May do everything.
    pub is_superuser: bool,
}

impl Template {
    /// Reads it. Of several profiles the oldest counts.
    ///
    /// # Errors
    /// Conflict, when the account is gone; what the engine says.
    pub async fn read(portal: &Portal, id: i64) -> Result<Self> {
        let rows = Rows::read(portal, id).await?;
        let profile = rows.profiles.first();
        let flag = |column: &str| rows.user.bool(column) == Some(true);
        Ok(Self {
            username: rows.username(),
            department: profile.and_then(|profile| profile.int("department_id")),
            groups: rows.group_ids(),
            email_notifications: profile.and_then(|profile| profile.bool("email_notifications"))
                != Some(false),
            is_staff: flag("is_staff"),
            is_superuser: flag("is_superuser"),
        })
    }

    /// Fills what a draft leaves open; what it gives, wins. The flags are not among it.
    #[must_use]
    pub fn fill(&self, mut draft: Draft) -> Draft {
        draft.department = draft.department.or(Some(self.department));
        if draft.groups == Groups::Keep {
            draft.groups = Groups::Set(self.groups.clone());
        }
        if !draft.fields.contains_key("email_notifications") {
            draft = draft.with("email_notifications", self.email_notifications.to_string());
        }
        draft
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_wins() {
        let template = Template {
            username: "bela".to_owned(),
            department: Some(5),
            groups: vec![1],
            email_notifications: false,
            is_staff: true,
            is_superuser: true,
        };
        let filled = template.fill(Draft::default().with("username", "cho"));
        assert_eq!((filled.department, filled.groups), (Some(Some(5)), Groups::Set(vec![1])));
        assert_eq!(filled.fields.keys().copied().collect::<Vec<_>>(), ["email_notifications", "username"]);
        let given = Draft { department: Some(None), groups: Groups::Set(vec![]), ..Draft::default() }
            .with("email_notifications", "true");
        assert_eq!(template.fill(given.clone()), given);
    }
}
