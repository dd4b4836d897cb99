//! How several profiles of one user become one: the oldest stays, and takes over what the others know.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::change::references::{self, Follower};
use crate::change::rows as images;
use crate::change::{Image, Plan, Step, Value};
use crate::db::schema::{ColumnKind, Table};
use crate::db::{Cell, parse_time};
use crate::directory::Portal;
use crate::error::Result;

/// The table of profiles.
pub(super) const PROFILES: &str = "core_userprofile";

/// The column that no two users may share.
pub(super) const PORTAL_ID: &str = "main_portal_id";

/// A column in which profiles of one user differ.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference {
    /// The column.
    pub(super) column: String,
    /// Profile id and value, the oldest profile first, the blank ones left out.
    pub(super) values: Vec<(i64, Cell)>,
    /// The profile whose value stays where nobody says otherwise: the newest.
    pub(super) newest: i64,
}

/// What was decided: by column the profile whose value stays, or that none does.
pub(super) type Choices = BTreeMap<String, Option<i64>>;

/// The columns that are compared: never keys, times, or what the engine computes.
pub(super) fn compared(table: &Table) -> impl Iterator<Item = &str> {
    table
        .columns
        .iter()
        .filter(|column| column.kind != ColumnKind::Time && !column.generated)
        .map(|column| column.name.as_str())
        .filter(|name| *name != "user_id" && !table.primary_key.iter().any(|key| key == name))
}

/// When a profile was last saved, then its id: the greatest is the newest.
fn age(image: &Image) -> (Option<DateTime<Utc>>, i64) {
    (image.text("updated_at").and_then(parse_time), image.int("id").unwrap_or_default())
}

/// What the profiles say in this column, the blank ones left out.
pub(super) fn said<'a>(profiles: &'a [Image], column: &str) -> Vec<(&'a Image, &'a Cell)> {
    let cells = profiles.iter().filter_map(|image| Some((image, image.get(column)?)));
    cells.filter(|(_, cell)| !super::is_blank(cell)).collect()
}

/// The columns in which at least two of the profiles say different things.
pub(super) fn differing(table: &Table, profiles: &[Image]) -> Vec<Difference> {
    let differs = |column: &&str| said(profiles, column).windows(2).any(|pair| pair[0].1 != pair[1].1);
    compared(table).filter(differs).filter_map(|column| all_of(profiles, column)).collect()
}

/// What the profiles say in a column, differing or not; nothing where all are blank.
pub(super) fn all_of(profiles: &[Image], column: &str) -> Option<Difference> {
    let said = said(profiles, column);
    let newest = said.iter().max_by_key(|(image, _)| age(image)).and_then(|(image, _)| image.int("id"))?;
    let values = said.iter().filter_map(|(image, cell)| Some((image.int("id")?, (*cell).clone()))).collect();
    Some(Difference { column: column.to_owned(), values, newest })
}

/// Whether a profile holds nothing but what every new one does: its like can be made again at any time.
pub(super) fn says_nothing(table: &Table, profile: &Image) -> bool {
    compared(table)
        .filter_map(|column| profile.get(column))
        .all(|cell| super::is_blank(cell) || *cell == Cell::Bool(true))
}

/// The value that stays: the chosen profile's, else the newest that is not blank; nothing where all are blank.
fn kept<'a>(profiles: &'a [Image], column: &str, choices: &Choices) -> Option<&'a Cell> {
    match choices.get(column) {
        Some(None) => Some(&Cell::Null),
        Some(Some(chosen)) => profiles.iter().find(|image| image.int("id") == Some(*chosen))?.get(column),
        None => said(profiles, column).into_iter().max_by_key(|(image, _)| age(image)).map(|(_, cell)| cell),
    }
}

/// The rows of other tables that refer to these profiles.
pub(super) async fn followers<'a>(
    portal: &Portal,
    profiles: impl Iterator<Item = &'a Image>,
) -> Result<Vec<Follower>> {
    let ids: Vec<i64> = profiles.filter_map(|image| image.int("id")).collect();
    Ok(references::followers(&mut portal.db.clone(), &portal.schema, PROFILES, &ids, &[PROFILES]).await?)
}

/// The steps that make one profile of several, the oldest first. What refers to a loser follows to the keeper; the losers
/// go, and `taken` from others is what the keeper gets, before it takes over their values: a legacy portal's index keeps
/// portal ids unique (core 0003).
pub(super) fn steps(
    table: &Table,
    profiles: &[Image],
    choices: &Choices,
    followers: &[Follower],
    taken: Vec<Step>,
) -> Vec<Step> {
    let Some((keeper, losers)) = profiles.split_first() else { return Vec::new() };
    let keeper_id = keeper.int("id").unwrap_or_default();
    let lost: BTreeSet<i64> = losers.iter().filter_map(|image| image.int("id")).collect();
    let mut plan = Plan::default();
    for follower in followers.iter().filter(|follower| lost.contains(&follower.to)) {
        plan.push(follower.turned_to(keeper_id));
    }
    for loser in losers {
        plan.delete(PROFILES, images::key_of(table, loser), loser.clone());
    }
    plan.steps.extend(taken);
    let mut set: Vec<(&str, Value)> = Vec::new();
    for column in compared(table) {
        if let Some(cell) = kept(profiles, column, choices)
            && keeper.get(column) != Some(cell)
        {
            set.push((column, Value::Cell(cell.clone())));
        }
    }
    if table.column("updated_at").is_some() {
        set.push(("updated_at", Value::Now));
    }
    plan.update(PROFILES, images::key_of(table, keeper), keeper.clone(), set);
    plan.steps
}

/// The portal id that the keeper ends up with, where it is no blank one.
pub(super) fn portal_id<'a>(profiles: &'a [Image], choices: &Choices) -> Option<&'a str> {
    kept(profiles, PORTAL_ID, choices).filter(|cell| !super::is_blank(cell)).and_then(Cell::as_text)
}
