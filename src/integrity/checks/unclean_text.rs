//! TXT-002: white space at the ends, characters that nobody sees, bytes that are no text.

use std::borrow::Cow;

use futures_util::future::BoxFuture;

use crate::db::{Cell, Ident, Sql, patterns};
use crate::directory::Portal;
use crate::error::Result;
use crate::portal::rules::{self, Checked};
use crate::text;

use crate::integrity::cells::{Ask, CellCheck, Held, Offer, Repair, Spot, Typed};
use crate::integrity::check::{About, EVERY_ENGINE, Severity, Stage};

/// The check.
pub static UNCLEAN_TEXT: CellCheck = CellCheck {
    about: &ABOUT,
    spots: &SPOTS,
    suspect: |context, columns| {
        let names: Vec<&Ident> = columns.iter().map(|column| &column.name).collect();
        Some(patterns::may_hold(context.dialect, &names, text::HIDDEN_CLASS, rules::SPACE_CLASS))
    },
    is_wrong: |_, spot, _, cell| is_wrong(spot, cell),
    tells,
    repair: Repair::Ask(ask),
};

static ABOUT: About = About {
    id: "TXT-002",
    severity: Severity::Warning,
    title: "texts with spaces at the ends or characters that nobody sees",
    why: "Searches and sign-ins fail for no visible reason, two names look the same, and control characters or a \
          reversed reading direction can mislead whoever looks at a list.",
    cause: "Copied from a document or a web page, an import without trimming, or text in another encoding.",
    remedy: "Writes the text without them: spaces at the ends and hidden characters go, a tab or newline becomes a space.",
    choice: "The clean text is shown beforehand. A username is never changed without being asked for by name: people \
             sign in with it.",
    needs: &[("auth_user", &["id"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Values,
    rows_each: 1,
};

static SPOTS: [Spot; 8] = [
    Spot::of("auth_user", "username"),
    Spot::of("auth_user", "first_name"),
    Spot::of("auth_user", "last_name"),
    Spot::of("auth_user", "email"),
    Spot::of("auth_group", "name"),
    Spot::of("core_department", "name"),
    Spot::of("core_userprofile", "phone_number"),
    Spot::of("core_userprofile", "main_portal_id"),
];

/// Whether an empty value of the column is NULL. Of these TXT-001 speaks where they are blank.
fn is_profiles(spot: Spot) -> bool {
    spot.table == "core_userprofile"
}

fn is_wrong(spot: Spot, cell: &Cell) -> bool {
    match cell {
        Cell::Text(text) if is_profiles(spot) && rules::is_blank(text) => false,
        Cell::Text(text) => clean(text) != *text,
        Cell::RawText(_) | Cell::Bytes(_) => true,
        _ => false,
    }
}

fn clean(text: &str) -> Cow<'_, str> {
    match text::bare(text) {
        Cow::Borrowed(text) => Cow::Borrowed(rules::strip(text)),
        Cow::Owned(text) => Cow::Owned(rules::strip(&text).to_owned()),
    }
}

fn tells(held: &Held) -> String {
    match held.cell() {
        Cell::Text(text) => {
            let mut faults = Vec::new();
            if text.starts_with(rules::is_space) || text.ends_with(rules::is_space) {
                faults.push("white space at its ends");
            }
            if text.contains('\0') {
                faults.push("NUL");
            }
            if text::bare(rules::strip(text)).replace('\0', "") != rules::strip(text).replace('\0', "") {
                faults.push("characters that nobody sees");
            }
            format!("'{}' has {}", text::safe(text), faults.join(" and "))
        }
        Cell::Bytes(bytes) => format!("'{}' is kept as bytes, not as text", text::safe_bytes(bytes)),
        cell => format!("'{}' is no UTF-8", cell.show()),
    }
}

fn ask<'a>(portal: &'a Portal, held: &'a Held) -> BoxFuture<'a, Result<Ask>> {
    Box::pin(async move {
        let typed = typed(held.spot);
        let mut offers = Vec::new();
        for (answer, label, text) in candidates(held.cell()) {
            let stored = if text.is_empty() && is_profiles(held.spot) && held.column.nullable {
                Cell::Null
            } else {
                Cell::Text(text.clone())
            };
            if (typed.rule)(&text).is_empty() && is_free(portal, held, &stored).await? {
                offers.push(Offer::new(answer, format!("{label}: '{}'", text::safe(&text)), stored));
            }
        }
        let is_name = held.spot == SPOTS[0];
        let proposed = offers.first().map(|offer| offer.answer).filter(|_| !is_name);
        Ok(Ask { offers, proposed, typed: Some(typed) })
    })
}

/// What the text may have been meant to be, the likeliest first.
fn candidates(cell: &Cell) -> Vec<(&'static str, &'static str, String)> {
    let bytes = match cell {
        Cell::Text(text) => return vec![("clean", "without them", clean(text).into_owned())],
        Cell::Bytes(bytes) | Cell::RawText(bytes) => bytes,
        _ => return Vec::new(),
    };
    if let Ok(text) = std::str::from_utf8(bytes) {
        return vec![("clean", "the same as text", clean(text).into_owned())];
    }
    let western: String = bytes.utf8_chunks().fold(String::new(), |mut out, chunk| {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|byte| char::from(*byte)));
        out
    });
    let valid: String = bytes.utf8_chunks().map(|chunk| chunk.valid()).collect();
    vec![
        ("latin1", "read as Latin-1", clean(&western).into_owned()),
        ("clean", "without the bytes that are no UTF-8", clean(&valid).into_owned()),
    ]
}

/// Whether no other row has this value, by the engine's own equality, where it has to be unique.
async fn is_free(portal: &Portal, held: &Held, value: &Cell) -> Result<bool> {
    let unique = matches!(held.spot.column, "username" | "name" | "main_portal_id");
    let Some(table) = portal.schema.table(held.spot.table).filter(|_| unique && !value.is_null()) else {
        return Ok(true);
    };
    let sql =
        Sql::new("SELECT id FROM ").ident(&table.name).push(" WHERE ").ident(&held.column.name).push(" = ");
    let sql = sql.cell(value, &held.column.sql_type).push_bind(" AND id <> ? LIMIT 1", held.subject.id);
    Ok(portal.db.optional(sql).await?.is_none())
}

/// The rule of each field for what is typed instead.
fn typed(spot: Spot) -> Typed {
    match (spot.table, spot.column) {
        ("auth_user", "username") => {
            Typed { rule: |text| wrong(rules::username(text)), stored: |text| stored(rules::username(text)) }
        }
        ("auth_user", "email") => {
            Typed { rule: |text| wrong(rules::email(text)), stored: |text| stored(rules::email(text)) }
        }
        ("auth_user", "first_name") => Typed {
            rule: |text| wrong(rules::first_name(text)),
            stored: |text| stored(rules::first_name(text)),
        },
        ("auth_user", _) => Typed {
            rule: |text| wrong(rules::last_name(text)),
            stored: |text| stored(rules::last_name(text)),
        },
        ("auth_group", _) => Typed {
            rule: |text| wrong(rules::group_name(text)),
            stored: |text| stored(rules::group_name(text)),
        },
        ("core_department", _) => Typed {
            rule: |text| wrong(rules::department_name(text)),
            stored: |text| stored(rules::department_name(text)),
        },
        (_, "phone_number") => Typed {
            rule: |text| wrong(rules::phone_number(text)),
            stored: |text| Cell::text(rules::phone_number(text).ok().flatten().as_deref()),
        },
        _ => Typed {
            rule: |text| wrong(rules::main_portal_id(text)),
            stored: |text| Cell::text(rules::main_portal_id(text).ok().flatten().as_deref()),
        },
    }
}

fn wrong<T>(checked: Checked<T>) -> Vec<String> {
    checked.err().unwrap_or_default()
}

fn stored(checked: Checked<String>) -> Cell {
    checked.map_or(Cell::Null, Cell::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_may_have_been_is_offered_the_likeliest_first() {
        let texts =
            |cell: Cell| -> Vec<String> { candidates(&cell).into_iter().map(|(_, _, text)| text).collect() };
        assert_eq!(texts(Cell::Text("\u{a0}anna\u{200b} ".into())), ["anna"]);
        assert_eq!(texts(Cell::RawText(b"Jos\xe9 ".to_vec())), ["José", "Jos"]);
        assert_eq!(texts(Cell::Bytes(b"anna".to_vec())), ["anna"]);
    }

    #[test]
    fn a_blank_phone_is_another_checks() {
        let phone = SPOTS[6];
        assert!(!is_wrong(phone, &Cell::Text(" \u{3000}".into())));
        assert!(is_wrong(phone, &Cell::Text("1 ".into())));
        assert!(is_wrong(SPOTS[1], &Cell::Text(" ".into())));
    }
}
