//! TXT-003: texts longer than their field. Only SQLite keeps them.

use crate::db::{Dialect, Sql};
use crate::portal::rules;

use crate::integrity::cells::{CellCheck, Repair, Spot, any};
use crate::integrity::check::{About, Severity, Stage};

/// The check.
pub static LONG_TEXT: CellCheck = CellCheck {
    about: &ABOUT,
    spots: &SPOTS,
    suspect: |_, columns| {
        any(columns, |column| {
            // Of the fields of one name the shortest; each is judged by its own.
            let name = column.name.as_str();
            let most =
                SPOTS.iter().zip(MOST).filter(|(spot, _)| spot.column == name).map(|(_, most)| most).min()?;
            let most = i64::try_from(most).ok()?;
            // length() stops at a NUL; what is behind it counts too.
            Some(Sql::new("length(CAST(").ident(&column.name).push_bind(" AS BLOB)) > ?", most))
        })
    },
    is_wrong: |_, spot, _, cell| cell.as_text().is_some_and(|text| text.chars().count() > most(spot)),
    tells: |held| {
        let length = held.cell().as_text().map_or(0, |text| text.chars().count());
        format!("{length} characters, and the field takes {}", most(held.spot))
    },
    repair: Repair::ByHand,
};

static ABOUT: About = About {
    id: "TXT-003",
    severity: Severity::Warning,
    title: "texts longer than their field",
    why: "The portal's forms refuse to save the account until it is shortened, and a move to another engine stops there \
          or cuts the text.",
    cause: "A hand-written statement or an import: SQLite doesn't keep to the length of a column.",
    remedy: "Shorten it: accounts in the Users tab (e) or with 'portaldesk user edit', groups with 'portaldesk group \
             rename', departments with 'portaldesk department edit'. A password that is too long was not made by Django: \
             set a new one.",
    choice: "",
    needs: &[("auth_user", &["id"])],
    engines: &[Dialect::Sqlite],
    deep: false,
    stage: Stage::Values,
    rows_each: 1,
};

static SPOTS: [Spot; 13] = [
    Spot::of("auth_user", "username"),
    Spot::of("auth_user", "first_name"),
    Spot::of("auth_user", "last_name"),
    Spot::of("auth_user", "email"),
    Spot::of("auth_user", "password"),
    Spot::of("core_userprofile", "phone_number"),
    Spot::of("core_userprofile", "main_portal_id"),
    Spot::of("core_department", "name"),
    Spot::of("auth_group", "name"),
    Spot::of("auth_permission", "name"),
    Spot::of("auth_permission", "codename"),
    Spot::of("django_content_type", "app_label"),
    Spot::of("django_content_type", "model"),
];

/// The most characters of each, in the same order; the last four by Django's models.
const MOST: [usize; 13] = [
    rules::USERNAME_MAX,
    rules::FIRST_NAME_MAX,
    rules::LAST_NAME_MAX,
    rules::EMAIL_MAX,
    rules::PASSWORD_COLUMN_MAX,
    rules::PHONE_NUMBER_MAX,
    rules::MAIN_PORTAL_ID_MAX,
    rules::DEPARTMENT_NAME_MAX,
    rules::GROUP_NAME_MAX,
    255,
    100,
    100,
    100,
];

fn most(spot: Spot) -> usize {
    SPOTS.iter().zip(MOST).find(|(known, _)| **known == spot).map_or(usize::MAX, |(_, most)| most)
}
