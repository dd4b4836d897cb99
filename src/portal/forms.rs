//! The fields of the portal's forms, in the order in which `Tab` visits them.

use super::form::{Field, FieldKind, Options};
use super::rules;

/// The heading of the profile's fields.
pub const PROFILE: &str = "Profile";
/// The heading of the groups.
pub const GROUPS: &str = "Groups";

/// A user: account, profile, groups, and then the account's three flags, which a screen may draw beside the names.
pub const USER: [Field; 12] = [
    Field {
        name: "username",
        label: "Username",
        short: "Username",
        kind: FieldKind::Text { max: rules::USERNAME_MAX },
        section: "",
        help: "What they sign in with: letters, digits and @ . + - _ only, at most 150.",
        check: |text| rules::username(text).map(Some),
    },
    Field {
        name: "first_name",
        label: "First name",
        short: "First name",
        kind: FieldKind::Text { max: rules::FIRST_NAME_MAX },
        section: "",
        help: "Given name; may be empty.",
        check: |text| rules::first_name(text).map(Some),
    },
    Field {
        name: "last_name",
        label: "Last name",
        short: "Last name",
        kind: FieldKind::Text { max: rules::LAST_NAME_MAX },
        section: "",
        help: "Family name; may be empty.",
        check: |text| rules::last_name(text).map(Some),
    },
    Field {
        name: "email",
        label: "Email address",
        short: "E-mail",
        kind: FieldKind::Text { max: rules::EMAIL_MAX },
        section: "",
        help: "Where the portal writes to; may be empty, and need not be unique.",
        check: |text| rules::email(text).map(Some),
    },
    Field {
        name: "department",
        label: "Department",
        short: "Department",
        kind: FieldKind::Choice(Options::Departments),
        section: PROFILE,
        help: "The department they belong to, or none.",
        check: optional,
    },
    Field {
        name: "phone_number",
        label: "Phone number",
        short: "Phone",
        kind: FieldKind::Text { max: rules::PHONE_NUMBER_MAX },
        section: PROFILE,
        help: "Digits, spaces, + - ( ) only, at most 15; may be empty.",
        check: rules::phone_number,
    },
    Field {
        name: "main_portal_id",
        label: "Main portal id",
        short: "Portal id",
        kind: FieldKind::Text { max: rules::MAIN_PORTAL_ID_MAX },
        section: PROFILE,
        help: "Their id in the main portal; no two users share one. May be empty.",
        check: rules::main_portal_id,
    },
    Field {
        name: "email_notifications",
        label: "Email notifications",
        short: "Notify",
        kind: FieldKind::Bool,
        section: PROFILE,
        help: "Whether the portal sends them e-mail about complaints.",
        check: boolean,
    },
    Field {
        name: "groups",
        label: "Groups",
        short: "Groups",
        kind: FieldKind::Choices(Options::Groups),
        section: GROUPS,
        help: "The groups they are in; some give a role in the portal.",
        check: optional,
    },
    Field {
        name: "is_active",
        label: "Active",
        short: "Can log in",
        kind: FieldKind::Bool,
        section: "",
        help: "Whether they can sign in. Switch this off instead of deleting an account.",
        check: boolean,
    },
    Field {
        name: "is_staff",
        label: "Staff status",
        short: "Staff",
        kind: FieldKind::Bool,
        section: "",
        help: "Whether they can open the portal's admin pages. Only a superuser may change this.",
        check: boolean,
    },
    Field {
        name: "is_superuser",
        label: "Superuser status",
        short: "Superuser",
        kind: FieldKind::Bool,
        section: "",
        help: "Whether they have every right without it being given. Only a superuser may change this.",
        check: boolean,
    },
];

/// A new password, typed twice. Whether it is fit is judged by `password::problems`, which knows whose it is.
pub const PASSWORD: [Field; 2] = [
    Field {
        name: "password",
        label: "Password",
        short: "Password",
        kind: FieldKind::Password,
        section: "",
        help: "At least 8 characters; neither common, nor all digits, nor like their own names. Ctrl-G makes one.",
        check: verbatim,
    },
    Field {
        name: "password_again",
        label: "Password confirmation",
        short: "Again",
        kind: FieldKind::Password,
        section: "",
        help: "The same once more.",
        check: verbatim,
    },
];

/// A group.
pub const GROUP: [Field; 1] = [Field {
    name: "name",
    label: "Name",
    short: "Name",
    kind: FieldKind::Text { max: rules::GROUP_NAME_MAX },
    section: "",
    help: "The portal gives access by this name; at most 150 characters.",
    check: |text| rules::group_name(text).map(Some),
}];

/// A department.
pub const DEPARTMENT: [Field; 3] = [
    Field {
        name: "name",
        label: "Name",
        short: "Name",
        kind: FieldKind::Text { max: rules::DEPARTMENT_NAME_MAX },
        section: "",
        help: "At most 100 characters; no two departments share one.",
        check: |text| rules::department_name(text).map(Some),
    },
    Field {
        name: "description",
        label: "Description",
        short: "Description",
        kind: FieldKind::Lines,
        section: "",
        help: "What the department does; may be empty and have several lines.",
        check: |text| rules::department_description(text).map(Some),
    },
    Field {
        name: "is_active",
        label: "Is active",
        short: "Active",
        kind: FieldKind::Bool,
        section: "",
        help: "Whether the portal offers it.",
        check: boolean,
    },
];

/// The field of this name.
#[must_use]
pub fn find<'a>(form: &'a [Field], name: &str) -> Option<&'a Field> {
    form.iter().find(|field| field.name == name)
}

/// Names of other rows: stripped, none when blank. Whether there is such a row is the database's to say.
#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn optional(text: &str) -> Result<Option<String>, Vec<String>> {
    let text = rules::strip(text);
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// `true` or `false`.
fn boolean(text: &str) -> Result<Option<String>, Vec<String>> {
    rules::boolean(text).map(|value| Some(value.to_string()))
}

/// Required, and kept as typed: passwords are neither stripped nor normalised.
fn verbatim(text: &str) -> Result<Option<String>, Vec<String>> {
    if text.is_empty() { Err(vec![rules::REQUIRED.to_owned()]) } else { Ok(Some(text.to_owned())) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn options_are_those_of_the_command_line() {
        let options: Vec<String> = USER.iter().map(Field::option).collect();
        assert_eq!(
            options,
            [
                "username",
                "first-name",
                "last-name",
                "email",
                "department",
                "phone-number",
                "main-portal-id",
                "email-notifications",
                "group",
                "active",
                "staff",
                "superuser"
            ]
        );
    }

    #[test]
    fn names_are_unique_within_a_form() {
        for form in [&USER[..], &PASSWORD, &GROUP, &DEPARTMENT] {
            let names: HashSet<&str> = form.iter().map(|field| field.name).collect();
            assert_eq!(names.len(), form.len());
            assert!(form.iter().all(|field| field.help.ends_with('.') && !field.short.is_empty()));
        }
        assert_eq!(find(&USER, "email").map(|field| field.short), Some("E-mail"));
        assert!(find(&USER, "password").is_none());
    }

    #[test]
    fn a_text_field_takes_its_limit_and_no_more() {
        for field in USER.iter().chain(&GROUP).chain(&DEPARTMENT) {
            let Some(max) = field.max() else { continue };
            let fill = |length: usize| match field.name {
                "email" => format!("{}@example.org", "e".repeat(length - "@example.org".len())),
                _ => "1".repeat(length),
            };
            assert_eq!((field.check)(&fill(max)), Ok(Some(fill(max))), "{}", field.name);
            let problems = (field.check)(&fill(max + 1)).unwrap_err();
            assert!(problems[0].starts_with("Ensure this value has at most"), "{problems:?}");
        }
    }

    #[test]
    fn checks_give_what_is_stored() {
        let check = |name: &str, text: &str| (find(&USER, name).unwrap().check)(text);
        assert_eq!(check("phone_number", " "), Ok(None));
        assert_eq!(check("first_name", " "), Ok(Some(String::new())));
        assert_eq!(check("department", " IT "), Ok(Some("IT".to_owned())));
        assert_eq!(check("is_staff", "Yes"), Ok(Some("true".to_owned())));
        assert!(check("email_notifications", "maybe").is_err());
        assert_eq!((PASSWORD[0].check)(" a "), Ok(Some(" a ".to_owned())));
        assert!((PASSWORD[1].check)("").is_err());
    }
}
