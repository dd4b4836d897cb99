//! The fields that changes can be asked for, by every name that people may know them under.

/// One field: where the journal keeps it, and what Django's log calls it.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// The name in filters.
    pub name: &'static str,
    /// Other names.
    aliases: &'static [&'static str],
    /// Table and column; without a column, every row of the table.
    pub(super) columns: &'static [(&'static str, Option<&'static str>)],
    /// The labels in the messages of `django_admin_log`, in their quotes.
    pub(super) labels: &'static [&'static str],
}

const fn field(
    name: &'static str,
    aliases: &'static [&'static str],
    columns: &'static [(&'static str, Option<&'static str>)],
    labels: &'static [&'static str],
) -> Field {
    Field { name, aliases, columns, labels }
}

/// All of them.
pub const FIELDS: [Field; 16] = [
    field("username", &[], &[("auth_user", Some("username"))], &["\"Username\""]),
    field("first-name", &[], &[("auth_user", Some("first_name"))], &["\"First name\""]),
    field("last-name", &[], &[("auth_user", Some("last_name"))], &["\"Last name\""]),
    field("email", &["e-mail"], &[("auth_user", Some("email"))], &["\"Email address\""]),
    field("password", &["pw"], &[("auth_user", Some("password"))], &["\"password\""]),
    field(
        "active",
        &["is-active"],
        &[("auth_user", Some("is_active")), ("core_department", Some("is_active"))],
        &["\"Active\"", "\"Is active\""],
    ),
    field("staff", &["is-staff"], &[("auth_user", Some("is_staff"))], &["\"Staff status\""]),
    field(
        "superuser",
        &["super", "is-superuser"],
        &[("auth_user", Some("is_superuser"))],
        &["\"Superuser status\""],
    ),
    field("groups", &["group"], &[("auth_user_groups", None)], &["\"Groups\""]),
    field(
        "permissions",
        &["permission"],
        &[("auth_user_user_permissions", None), ("auth_group_permissions", None)],
        &["\"User permissions\"", "\"Permissions\""],
    ),
    field("department", &["dept"], &[("core_userprofile", Some("department_id"))], &["\"Department\""]),
    field("phone", &["phone-number"], &[("core_userprofile", Some("phone_number"))], &["\"Phone number\""]),
    field(
        "portal-id",
        &["main-portal-id"],
        &[("core_userprofile", Some("main_portal_id"))],
        &["\"Main portal id\""],
    ),
    field(
        "notify",
        &["email-notifications", "notifications"],
        &[("core_userprofile", Some("email_notifications"))],
        &["\"Email notifications\""],
    ),
    field("name", &[], &[("auth_group", Some("name")), ("core_department", Some("name"))], &["\"Name\""]),
    field("description", &[], &[("core_department", Some("description"))], &["\"Description\""]),
];

impl Field {
    /// The field of this name; capitals don't matter, nor whether its words are joined by `-` or `_`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        let name = name.to_lowercase().replace(['_', ' '], "-");
        FIELDS.iter().find(|field| field.name == name || field.aliases.contains(&name.as_str()))
    }

    /// The names, for people.
    #[must_use]
    pub fn names() -> String {
        FIELDS.map(|field| field.name).join(", ")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_means_one_field() {
        let names: Vec<&str> = FIELDS
            .iter()
            .flat_map(|field| std::iter::once(field.name).chain(field.aliases.iter().copied()))
            .collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert_eq!(Field::named("Phone_Number").map(|field| field.name), Some("phone"));
        assert_eq!(Field::named("shoe-size"), None);
    }
}
