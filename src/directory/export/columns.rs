//! The columns of a file of users, and what stands in their cells.

use std::borrow::Cow;

use crate::directory::listed::Listed;
use crate::directory::moment::rfc3339;
use crate::directory::nearest::nearest;
use crate::error::{Error, Result};

/// A column.
#[derive(Debug)]
pub struct Column {
    /// Its name: that of the form's field, or of Django's column.
    pub name: &'static str,
    /// Whether an import takes it; what is only told is passed over there.
    pub is_imported: bool,
    /// The account's cell, before what a spreadsheet would run is marked.
    pub cell: fn(&Listed) -> Cow<'_, str>,
}

const fn imported(name: &'static str, cell: fn(&Listed) -> Cow<'_, str>) -> Column {
    Column { name, is_imported: true, cell }
}

const fn told(name: &'static str, cell: fn(&Listed) -> Cow<'_, str>) -> Column {
    Column { name, is_imported: false, cell }
}

/// All of them. A file has those that are imported unless others are asked for.
pub const COLUMNS: [Column; 17] = [
    imported("id", |it| it.user.id.to_string().into()),
    imported("username", |it| it.user.username.as_str().into()),
    imported("first_name", |it| it.user.first_name.as_str().into()),
    imported("last_name", |it| it.user.last_name.as_str().into()),
    imported("email", |it| it.user.email.as_str().into()),
    imported("phone_number", |it| {
        it.profile
            .as_ref()
            .and_then(|(profile, _)| profile.phone_number.as_deref())
            .unwrap_or_default()
            .into()
    }),
    imported("main_portal_id", |it| {
        it.profile
            .as_ref()
            .and_then(|(profile, _)| profile.main_portal_id.as_deref())
            .unwrap_or_default()
            .into()
    }),
    imported("department", |it| {
        it.profile.as_ref().and_then(|(_, department)| department.as_deref()).unwrap_or_default().into()
    }),
    imported("groups", |it| joined(it.groups.iter().map(|group| group.name.as_str())).into()),
    imported("is_active", |it| boolean(it.user.is_active)),
    imported("is_staff", |it| boolean(it.user.is_staff)),
    imported("is_superuser", |it| boolean(it.user.is_superuser)),
    imported("email_notifications", |it| {
        it.profile.as_ref().map_or(Cow::Borrowed(""), |(profile, _)| boolean(profile.email_notifications))
    }),
    told("access", |it| it.access().unwrap_or_default().into()),
    told("password_algorithm", |it| it.password_algorithm.as_deref().unwrap_or_default().into()),
    told("date_joined", |it| it.user.date_joined.map(rfc3339).unwrap_or_default().into()),
    told("last_login", |it| it.user.last_login.map(rfc3339).unwrap_or_default().into()),
];

fn boolean(flag: bool) -> Cow<'static, str> {
    if flag { "true" } else { "false" }.into()
}

/// The columns of a file for which nobody named any.
#[must_use]
pub fn usual() -> Vec<&'static Column> {
    COLUMNS.iter().filter(|column| column.is_imported).collect()
}

/// The columns of these names, in their order.
///
/// # Errors
/// Usage, for a name that there is not, with the nearest one, and for one that is named twice.
pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Vec<&'static Column>> {
    let mut columns: Vec<&'static Column> = Vec::new();
    for name in names.into_iter().map(str::trim).filter(|name| !name.is_empty()) {
        let Some(column) = COLUMNS.iter().find(|column| column.name == name) else {
            return Err(Error::usage(unknown(name, COLUMNS.iter().map(|column| column.name))));
        };
        if columns.iter().any(|other| other.name == name) {
            return Err(Error::usage(format!("the column {name} is named twice")));
        }
        columns.push(column);
    }
    Ok(columns)
}

/// "there is no column 'e-mail'; did you mean 'email'?"
#[must_use]
pub fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(similar) => format!("there is no column '{name}'; did you mean '{similar}'?"),
        None => format!("there is no column '{name}'; there are: {}", known.collect::<Vec<_>>().join(", ")),
    }
}

/// Names in one cell: `Engineer;Night shift`. A `;` or `\` that belongs to a name has a `\` before it.
#[must_use]
pub fn joined<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut cell = String::new();
    for (index, name) in names.into_iter().enumerate() {
        if index > 0 {
            cell.push(';');
        }
        for c in name.chars() {
            if matches!(c, ';' | '\\') {
                cell.push('\\');
            }
            cell.push(c);
        }
    }
    cell
}

/// The names in a cell that [`joined`] or a person has written; blanks around them are nobody's name.
#[must_use]
pub fn apart(cell: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut chars = cell.chars();
    while let Some(c) = chars.next() {
        match (c, names.last_mut()) {
            (';', _) => names.push(String::new()),
            ('\\', Some(name)) => name.extend(chars.next()),
            (c, Some(name)) => name.push(c),
            (_, None) => {}
        }
    }
    names.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_share_a_cell() {
        assert_eq!(joined(["Engineer", "A;B\\"]), "Engineer;A\\;B\\\\");
        assert_eq!(apart(" Engineer ; ; AMC Admin;"), ["Engineer", "AMC Admin"]);
        assert_eq!(apart(""), Vec::<String>::new());
    }

    #[test]
    fn a_column_that_is_not_there_is_answered_with_the_nearest() {
        assert_eq!(
            named(["e-mail"]).unwrap_err().message,
            "there is no column 'e-mail'; did you mean 'email'?"
        );
        assert!(named(["id", "id"]).is_err());
        let names: Vec<&str> =
            named(["last_login", " id "]).unwrap().iter().map(|column| column.name).collect();
        assert_eq!(names, ["last_login", "id"]);
    }

    proptest! {
        #[test]
        fn names_come_apart_as_they_were(names in prop::collection::vec("[a-z;\\\\'=]{1,6}", 0..5)) {
            prop_assert_eq!(apart(&joined(names.iter().map(String::as_str))), names);
        }
    }
}
