//! What PRM-001 and PRM-002 know of Django's content types.

use crate::db::Sql;
use crate::db::schema::Schema;
use crate::directory::Portal;
use crate::error::Result;
use crate::integrity::constraints::portal_table;

/// The permissions that Django makes for every model.
const USUAL: [&str; 4] = ["add", "change", "delete", "view"];

/// A model that Django knows or knew.
pub(super) struct ContentType {
    pub(super) id: i64,
    pub(super) app: String,
    pub(super) model: String,
    /// How many permissions it has, whatever they are called.
    pub(super) permissions: usize,
    /// Which of Django's four it lacks, by their codenames.
    pub(super) missing: Vec<String>,
}

/// All of them, in the order of their ids.
///
/// Codenames are compared letter by letter, as Django's own `create_permissions` does it.
///
/// # Errors
/// What the engine says.
pub(super) async fn read(portal: &Portal) -> Result<Vec<ContentType>> {
    let sql = Sql::new(
        "SELECT t.id, t.app_label, t.model, p.codename FROM django_content_type t \
         LEFT JOIN auth_permission p ON p.content_type_id = t.id ORDER BY t.id, p.id",
    );
    let rows = portal.db.all(sql).await?;
    let mut types = Vec::new();
    for rows in rows.chunk_by(|a, b| a.int(0) == b.int(0)) {
        let (app, model) = (rows[0].text(1)?, rows[0].text(2)?);
        let mut codenames = Vec::new();
        for row in rows {
            codenames.extend(row.text_opt(3)?);
        }
        let missing = USUAL.iter().map(|verb| format!("{verb}_{model}"));
        let missing = missing.filter(|codename| !codenames.contains(codename)).collect();
        types.push(ContentType { id: rows[0].int(0)?, app, model, permissions: codenames.len(), missing });
    }
    Ok(types)
}

impl ContentType {
    /// The name of its table, as Django makes it unless the model says otherwise.
    fn table(&self) -> String {
        let app = match (self.app.as_str(), self.model.as_str()) {
            ("admin", "logentry") => return "django_admin_log".to_owned(),
            ("contenttypes", "contenttype") => return "django_content_type".to_owned(),
            ("flatpages", "flatpage") => return "django_flatpage".to_owned(),
            ("redirects", "redirect") => return "django_redirect".to_owned(),
            ("sessions", "session") => return "django_session".to_owned(),
            ("sites", "site") => return "django_site".to_owned(),
            (app, _) => app,
        };
        format!("{app}_{}", self.model)
    }

    /// Whether it is one of the models that every portal has: then a missing table is a fault of the schema.
    pub(super) fn is_essential(&self) -> bool {
        portal_table(&self.table()).is_some()
    }

    /// Whether its table is there under its usual name. MySQL may keep the names of tables in small letters.
    pub(super) fn has_table(&self, schema: &Schema) -> bool {
        let table = self.table();
        schema.table(&table).is_some() || schema.tables.keys().any(|name| name.eq_ignore_ascii_case(&table))
    }

    /// Whether its application has any table here: then it is still a part of the portal.
    pub(super) fn is_of_the_portal(&self, schema: &Schema) -> bool {
        let prefix = format!("{}_", self.app);
        self.has_table(schema) || schema.tables.keys().any(|name| name.starts_with(&prefix))
    }

    /// Whether it lacks permissions that `migrate` would have made. A model of somebody's own that has other permissions
    /// and none of the four was told to have none of them (`default_permissions`).
    pub(super) fn lacks_permissions(&self) -> bool {
        let none_is_meant = self.missing.len() == USUAL.len() && self.permissions > 0;
        !self.missing.is_empty() && !none_is_meant
    }

    /// For people: `core.department`, safe to print.
    pub(super) fn show(&self) -> String {
        crate::text::safe(&format!("{}.{}", self.app, self.model)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content_type(app: &str, model: &str, permissions: usize, missing: &[&str]) -> ContentType {
        let missing = missing.iter().map(|verb| format!("{verb}_{model}")).collect();
        ContentType { id: 1, app: app.into(), model: model.into(), permissions, missing }
    }

    #[test]
    fn djangos_own_tables_have_names_of_their_own() {
        assert_eq!(content_type("admin", "logentry", 0, &[]).table(), "django_admin_log");
        assert_eq!(content_type("sites", "site", 0, &[]).table(), "django_site");
        assert_eq!(content_type("core", "userprofile", 0, &[]).table(), "core_userprofile");
    }

    #[test]
    fn permissions_that_a_model_was_told_not_to_have_are_not_missed() {
        assert!(!content_type("core", "a", 4, &[]).lacks_permissions());
        assert!(content_type("core", "a", 0, &USUAL).lacks_permissions());
        assert!(content_type("core", "a", 3, &["view"]).lacks_permissions());
        assert!(!content_type("core", "a", 2, &USUAL).lacks_permissions());
    }
}
