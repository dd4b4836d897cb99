//! A user as a line of the list.

use crate::directory::extra::{Extra, Wanted};
use crate::directory::users::{self, UserRow};
use crate::tui::clock::Clock;
use crate::tui::theme::Tone;
use crate::tui::widgets::columns::{Arrangement, Column};
use crate::tui::widgets::table::{Cell, Row};

/// What a column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Username,
    Name,
    Email,
    Department,
    Access,
    LastLogin,
    Joined,
    State,
    Phone,
    PortalId,
    Groups,
    Staff,
    Superuser,
    Notify,
    Password,
}

/// All columns, in the order in which they are offered.
const FIELDS: [Field; 15] = [
    Field::Username,
    Field::Name,
    Field::Email,
    Field::Department,
    Field::Access,
    Field::LastLogin,
    Field::Joined,
    Field::State,
    Field::Phone,
    Field::PortalId,
    Field::Groups,
    Field::Staff,
    Field::Superuser,
    Field::Notify,
    Field::Password,
];

/// Their headings and widths.
pub(super) const COLUMNS: [Column; FIELDS.len()] = {
    let mut columns = [Field::Username.column(); FIELDS.len()];
    let mut at = 0;
    while at < FIELDS.len() {
        columns[at] = FIELDS[at].column();
        at += 1;
    }
    columns
};

impl Field {
    const fn column(self) -> Column {
        match self {
            Self::Username => Column::new("USERNAME", 14, 28, 9),
            Self::Name => Column::new("NAME", 16, 30, 6),
            Self::Email => Column::new("E-MAIL", 16, 36, 2),
            Self::Department => Column::new("DEPARTMENT", 10, 20, 3),
            Self::Access => Column::new("ACCESS", 9, 22, 5),
            Self::LastLogin => Column::new("LAST WEB LOGIN", 7, 16, 4).short("LOGIN"),
            Self::Joined => Column::new("JOINED", 10, 10, 2),
            Self::State => Column::new("STATE", 8, 24, 7),
            Self::Phone => Column::new("PHONE", 10, 16, 2),
            Self::PortalId => Column::new("PORTAL ID", 9, 16, 2),
            Self::Groups => Column::new("GROUPS", 9, 30, 2),
            Self::Staff => Column::new("STAFF", 5, 5, 2),
            Self::Superuser => Column::new("SUPERUSER", 5, 9, 2).short("SUPER"),
            Self::Notify => Column::new("NOTIFY", 6, 6, 2),
            Self::Password => Column::new("PASSWORD", 8, 16, 2),
        }
    }

    /// The columns of a file of users that say the same.
    const fn in_a_file(self) -> &'static [&'static str] {
        match self {
            Self::Username => &["username"],
            Self::Name => &["first_name", "last_name"],
            Self::Email => &["email"],
            Self::Department => &["department"],
            Self::Access => &["access"],
            Self::LastLogin => &["last_login"],
            Self::Joined => &["date_joined"],
            Self::State => &["is_active"],
            Self::Phone => &["phone_number"],
            Self::PortalId => &["main_portal_id"],
            Self::Groups => &["groups"],
            Self::Staff => &["is_staff"],
            Self::Superuser => &["is_superuser"],
            Self::Notify => &["email_notifications"],
            Self::Password => &["password_algorithm"],
        }
    }

    fn at(self) -> usize {
        FIELDS.iter().position(|field| *field == self).unwrap_or(0)
    }
}

/// The columns that are shown until somebody chooses.
pub(super) fn usual() -> Arrangement {
    let fields =
        [Field::Username, Field::Name, Field::Department, Field::Access, Field::LastLogin, Field::State];
    Arrangement::usual(fields.map(Field::at))
}

/// What must be read for these columns beside the rows themselves.
pub(super) fn wanted(arrangement: &Arrangement) -> Wanted {
    let has = |field: Field| arrangement.has(field.at());
    Wanted {
        profile: has(Field::Phone) || has(Field::PortalId) || has(Field::Notify),
        password: has(Field::Password),
    }
}

/// The columns of a file that say what the list shows, once somebody chose its columns; the username is always there, so
/// that the file can be imported again. Nothing until then: everything that an import takes is written.
pub(super) fn of_a_file(arrangement: &Arrangement) -> Option<Vec<&'static str>> {
    if !arrangement.chosen {
        return None;
    }
    let shown = arrangement.shown.iter().filter_map(|shown| FIELDS.get(shown.column));
    let mut names: Vec<&'static str> = shown.flat_map(|field| field.in_a_file()).copied().collect();
    if !names.contains(&"username") {
        names.insert(0, "username");
    }
    Some(names)
}

/// The column for an order.
pub(super) fn column_of(sort: users::Column) -> usize {
    let field = match sort {
        users::Column::Username => Field::Username,
        users::Column::Name => Field::Name,
        users::Column::Email => Field::Email,
        users::Column::Department => Field::Department,
        users::Column::Access => Field::Access,
        users::Column::LastLogin => Field::LastLogin,
        users::Column::Joined => Field::Joined,
        users::Column::State => Field::State,
    };
    field.at()
}

/// A user and what is said about them, made once when the row is read: a list is drawn far more often.
pub(super) struct Line {
    pub(super) user: UserRow,
    extra: Extra,
    access: String,
    /// How many bytes of `access` are names of groups.
    groups: usize,
    last_login: String,
    joined: String,
    state: String,
}

impl Line {
    pub(super) fn new(user: UserRow, extra: Extra, clock: &Clock) -> Self {
        let mut access = user.access.join(", ");
        let groups = access.len();
        if user.is_superuser {
            access.push_str(if access.is_empty() { "superuser" } else { ", superuser" });
        }
        Self {
            access,
            groups,
            last_login: user.last_login.map_or_else(|| "never".to_owned(), |time| clock.ago(time)),
            joined: user.date_joined.map(|time| clock.date(time)).unwrap_or_default(),
            state: user.state(),
            user,
            extra,
        }
    }
}

/// What is not there is said, quietly.
fn or_dash(words: &str) -> Cell<'_> {
    if words.is_empty() { Cell::new("—", Tone::Quiet) } else { words.into() }
}

fn yes_or_no(value: bool) -> Cell<'static> {
    if value { "yes".into() } else { Cell::new("no", Tone::Quiet) }
}

impl Row for Line {
    type Key = i64;

    fn key(&self) -> i64 {
        self.user.id
    }

    fn cell(&self, column: usize) -> Cell<'_> {
        match FIELDS[column] {
            Field::Username => self.user.username.as_str().into(),
            Field::Name => or_dash(&self.user.name),
            Field::Email => or_dash(&self.user.email),
            Field::Department => or_dash(self.user.department.as_deref().unwrap_or_default()),
            Field::Access => or_dash(&self.access),
            Field::LastLogin if self.user.last_login.is_none() => {
                Cell::new(self.last_login.as_str(), Tone::Quiet)
            }
            Field::LastLogin => self.last_login.as_str().into(),
            Field::Joined => or_dash(&self.joined),
            Field::State => Cell::new(self.state.as_str(), Tone::Warn),
            Field::Phone => or_dash(self.extra.phone.as_deref().unwrap_or_default()),
            Field::PortalId => or_dash(self.extra.portal_id.as_deref().unwrap_or_default()),
            Field::Groups => or_dash(&self.access[..self.groups]),
            Field::Staff => yes_or_no(self.user.is_staff),
            Field::Superuser => yes_or_no(self.user.is_superuser),
            Field::Notify => self.extra.notify.map_or_else(|| or_dash(""), yes_or_no),
            Field::Password => or_dash(self.extra.password.as_deref().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::export::columns;
    use crate::tui::widgets::columns::Shown;

    fn chosen(fields: &[Field]) -> Arrangement {
        Arrangement::chosen(fields.iter().map(|field| Shown { column: field.at(), width: None }).collect())
    }

    #[test]
    fn a_file_has_the_columns_that_were_chosen_and_always_the_username() {
        assert_eq!(of_a_file(&usual()), None);
        assert_eq!(
            of_a_file(&chosen(&[Field::Phone, Field::Name])),
            Some(vec!["username", "phone_number", "first_name", "last_name"])
        );
        let all = of_a_file(&chosen(&FIELDS)).unwrap();
        assert_eq!(columns::named(all.iter().copied()).unwrap().len(), all.len());
    }
}
