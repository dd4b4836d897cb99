//! What IDX-001 and IDX-002 share: unique constraints that are missing, and making them again.

use async_trait::async_trait;

use crate::change::{Alter, Ddl, Image, Index};
use crate::db::blueprint::Unique;
use crate::db::schema::{Schema, Table};
use crate::db::{Ident, Sql};
use crate::directory::Portal;
use crate::error::{Error, Result};

use super::check::{About, Check, Class, FindingRow, Found, Part, Subject};
use super::constraints::{Constraints, ask, part};
use super::decision::{Answers, Decision};
use super::scan::Scan;

/// The one question.
const CREATE: &str = "create";

/// A unique constraint of the models and the check that repairs what stands in its way.
pub(super) struct Wanted {
    pub(super) unique: Unique,
    pub(super) first: &'static str,
}

/// A check for some of them.
pub struct UniqueCheck {
    /// What never changes about it.
    pub(super) about: &'static About,
    /// The constraints. Places are the subjects', so the list only grows at its end.
    pub(super) wanted: &'static [Wanted],
}

#[async_trait]
impl Check for UniqueCheck {
    fn about(&self) -> &'static About {
        self.about
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan, self.about, self.wanted).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        rows(portal, self.wanted, subjects).await
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        decision(portal, self.wanted, subject).await
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        decided(portal, self.wanted, subject, answers).await
    }
}

/// Those that are not there; the subject's place is the number in the list.
async fn find(scan: &Scan<'_>, about: &About, wanted: &[Wanted]) -> Result<Vec<Found>> {
    let constraints = Constraints::read(scan.portal).await?;
    let subjects = (0..).zip(wanted).filter(|(_, wanted)| constraints.lacks(&wanted.unique));
    let subjects = subjects.map(|(place, _)| Subject { place, id: 0 }).collect();
    Ok(Found::each(about, Class::Choose, subjects).into_iter().collect())
}

/// The rows of these subjects.
async fn rows(portal: &Portal, wanted: &[Wanted], subjects: &[Subject]) -> Result<Vec<FindingRow>> {
    let constraints = Constraints::read(portal).await?;
    let row = |(place, wanted): (u32, &Wanted)| FindingRow {
        subject: Subject { place, id: 0 },
        table: wanted.unique.table.into(),
        key: Image::default(),
        user_id: None,
        username: None,
        text: format!(
            "nothing keeps {} unique; where a value stands twice, repair {} first",
            wanted.unique.show(),
            wanted.first
        ),
    };
    Ok((0..)
        .zip(wanted)
        .filter(|(place, wanted)| {
            subjects.contains(&Subject { place: *place, id: 0 }) && constraints.lacks(&wanted.unique)
        })
        .map(row)
        .collect())
}

/// The decision about one of them.
async fn decision(portal: &Portal, wanted: &[Wanted], subject: Subject) -> Result<Option<Decision>> {
    let Some((wanted, ddl)) = repair(portal, wanted, subject).await? else { return Ok(None) };
    let twice = duplicates(portal, &wanted.unique).await?;
    let title = match twice {
        0 => format!("{} is not unique", wanted.unique.show()),
        _ => in_the_way(wanted, twice),
    };
    Ok(Some(ask(subject, title, CREATE, &[ddl])))
}

/// The repair of one of them.
async fn decided(
    portal: &Portal,
    wanted: &[Wanted],
    subject: Subject,
    answers: &Answers,
) -> Result<Vec<Part>> {
    let Some((wanted, ddl)) = repair(portal, wanted, subject).await? else { return Ok(Vec::new()) };
    let title = format!("Make {} unique", wanted.unique.show());
    ask(subject, title.clone(), CREATE, std::slice::from_ref(&ddl)).check(answers)?;
    let twice = duplicates(portal, &wanted.unique).await?;
    if twice > 0 {
        return Err(Error::conflict(format!("{}; nothing was written.", in_the_way(wanted, twice))));
    }
    Ok(vec![part(subject, title, ddl)])
}

fn in_the_way(wanted: &Wanted, twice: i64) -> String {
    format!(
        "{} can't be made unique yet: {twice} {} more than once. Repair {} first",
        wanted.unique.show(),
        if twice == 1 { "value stands there" } else { "values stand there" },
        wanted.first
    )
}

/// The statement that makes it again, where it is still missing.
async fn repair<'a>(
    portal: &Portal,
    wanted: &'a [Wanted],
    subject: Subject,
) -> Result<Option<(&'a Wanted, Ddl)>> {
    let Some(wanted) = usize::try_from(subject.place).ok().and_then(|place| wanted.get(place)) else {
        return Ok(None);
    };
    let constraints = Constraints::read(portal).await?;
    if !constraints.lacks(&wanted.unique) {
        return Ok(None);
    }
    let unique = &wanted.unique;
    let replaced = constraints.replaced_by(unique);
    let new = Index::unique(&constraints.name_for(unique), unique.columns);
    let alter = match replaced {
        None => Alter::AddIndex(new),
        Some(old) => Alter::ExchangeIndex {
            new,
            old: Index {
                name: old.name.clone(),
                columns: old.columns.clone(),
                unique: false,
                constraint: false,
                like: false,
            },
        },
    };
    Ok(Some((wanted, Ddl::new(portal.dialect(), unique.table, alter)?)))
}

/// How many values stand there more than once, by the engine's own equality.
async fn duplicates(portal: &Portal, unique: &Unique) -> Result<i64> {
    let schema: &Schema = &portal.schema;
    let Some(table) = schema.table(unique.table) else { return Ok(0) };
    let columns: Vec<&Ident> =
        unique.columns.iter().filter_map(|column| Some(&table.column(column)?.name)).collect();
    portal.count(count_of_groups(table, &columns)).await
}

fn count_of_groups(table: &Table, columns: &[&Ident]) -> Sql {
    let mut sql = Sql::new("SELECT COUNT(*) FROM (SELECT 1 AS one FROM ").ident(&table.name);
    for (place, column) in columns.iter().enumerate() {
        sql = sql.push(if place == 0 { " WHERE " } else { " AND " }).ident(column).push(" IS NOT NULL");
    }
    for (place, column) in columns.iter().enumerate() {
        sql = sql.push(if place == 0 { " GROUP BY " } else { ", " }).ident(column);
    }
    sql.push(" HAVING COUNT(*) > 1) twice")
}
