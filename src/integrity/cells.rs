//! Checks that look at single cells: a value that does not belong in its column, found by a condition that the engine
//! applies in one pass over each table, judged exactly in Rust, and repaired by writing that one column.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use crate::change::rows::{self as images, Lock};
use crate::change::{Image, Require, Step, Value};
use crate::db::schema::{Column, Table};
use crate::db::{Cell, Dialect, Sql, own};
use crate::directory::Portal;
use crate::error::{Error, Result};

use super::check::{About, Check, Class, FindingRow, Found, Part, Subject};
use super::checks::{quoted, usernames};
use super::decision::{Answers, Choice, Decision, Question, Rule};
use super::scan::Scan;
use super::windows::rows_where;

/// A column that a check looks at. Its place in the check's list is the place of its subjects: lists only grow at their
/// ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// The table, whose key is `id`.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
}

impl Spot {
    /// This column of this table.
    #[must_use]
    pub const fn of(table: &'static str, column: &'static str) -> Self {
        Self { table, column }
    }
}

/// What values are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The engine.
    pub dialect: Dialect,
    /// The database's clock.
    pub now: DateTime<Utc>,
}

impl Context {
    async fn of(portal: &Portal) -> Result<Self> {
        Ok(Self { dialect: portal.dialect(), now: own::now(&mut portal.db.clone()).await? })
    }
}

/// A check of single cells.
pub struct CellCheck {
    /// What never changes about it.
    pub about: &'static About,
    /// Where it looks; a table or column that the database lacks is passed over.
    pub spots: &'static [Spot],
    /// Which rows of a table may have a wrong value in one of these columns, as the engine can tell; they are then judged
    /// one by one. Nothing where no value can be wrong.
    pub suspect: fn(&Context, &[&Column]) -> Option<Sql>,
    /// Whether the value does not belong there.
    pub is_wrong: fn(&Context, Spot, &Column, &Cell) -> bool,
    /// What is wrong with it, safe to print, to follow its name: "first name: holds a tab".
    pub tells: fn(&Held) -> String,
    /// What can be done.
    pub repair: Repair,
}

/// What can be done about a wrong cell.
pub enum Repair {
    /// This value belongs there.
    Set(fn(&Held) -> Value),
    /// Someone has to say.
    Ask(for<'a> fn(&'a Portal, &'a Held) -> BoxFuture<'a, Result<Ask>>),
    /// Nothing from here.
    ByHand,
}

/// What may be written into a wrong cell.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ask {
    /// What is offered.
    pub offers: Vec<Offer>,
    /// The answer that is clearly right.
    pub proposed: Option<&'static str>,
    /// Whether something else may be typed, and its rule. What is typed is stored as the rule's field stores it.
    pub typed: Option<Typed>,
}

/// A value that is offered.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// The answer that asks for it, stable.
    pub answer: &'static str,
    /// What it means, safe to print.
    pub label: String,
    /// The value.
    pub value: Value,
}

impl Offer {
    /// This value, by this answer.
    #[must_use]
    pub fn new(answer: &'static str, label: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { answer, label: label.into(), value: value.into() }
    }
}

/// What may be typed into a cell.
#[derive(Debug, Clone, Copy)]
pub struct Typed {
    /// What is wrong with a text.
    pub rule: Rule,
    /// What is stored of one that is right.
    pub stored: fn(&str) -> Cell,
}

impl PartialEq for Typed {
    /// Rules are code.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A wrong cell with its row, as the database holds it now.
#[derive(Debug, Clone)]
pub struct Held {
    /// The subject.
    pub subject: Subject,
    /// Where it is.
    pub spot: Spot,
    /// The column in the catalogue.
    pub column: Column,
    /// What values were judged by.
    pub context: Context,
    /// The whole row.
    pub image: Image,
    /// The account that it belongs to.
    pub username: Option<String>,
}

impl Held {
    /// The cell.
    #[must_use]
    pub fn cell(&self) -> &Cell {
        self.image.get(self.spot.column).unwrap_or(&Cell::Null)
    }

    /// The column's name for people.
    #[must_use]
    pub fn label(&self) -> String {
        match self.spot.column {
            "email" => "e-mail".to_owned(),
            "main_portal_id" => "portal id".to_owned(),
            "phone_number" => "phone".to_owned(),
            "name" if self.spot.table == "core_department" => "department name".to_owned(),
            "name" if self.spot.table == "auth_group" => "group name".to_owned(),
            column => column.replace('_', " "),
        }
    }

    /// The row, safe to print: `user 'anna' (#3)`.
    #[must_use]
    pub fn whose(&self) -> String {
        let id = self.subject.id;
        let name = |column: &str| self.image.get(column).map(|cell| format!("'{}'", cell.show()));
        let named = match self.spot.table {
            "auth_user" => self.username.as_deref().map(|name| format!("user {}", quoted(name))),
            "auth_group" => name("name").map(|name| format!("group {name}")),
            "core_department" => name("name").map(|name| format!("department {name}")),
            "core_userprofile" => self.username.as_deref().map(|name| format!("profile of {}", quoted(name))),
            _ => None,
        };
        format!("{} (#{id})", named.unwrap_or_else(|| self.spot.table.to_owned()))
    }

    fn row(&self, check: &CellCheck) -> FindingRow {
        FindingRow {
            subject: self.subject,
            table: self.spot.table.into(),
            key: Image::id(self.subject.id),
            user_id: match self.spot.table {
                "auth_user" => Some(self.subject.id),
                _ => self.image.int("user_id"),
            },
            username: self.username.clone(),
            text: format!("{}, {}: {}", self.whose(), self.label(), (check.tells)(self)),
        }
    }

    fn part(&self, value: Value) -> Part {
        let key = Image::id(self.subject.id);
        let shown = value.show(self.spot.column);
        Part {
            subject: self.subject,
            title: format!("Set {} of {} to {shown}", self.label(), self.whose()),
            steps: vec![Step::Update {
                table: self.spot.table.to_owned(),
                key: key.clone(),
                before: self.image.clone(),
                set: vec![(self.spot.column.to_owned(), value)],
            }],
            // The comparison of rows passes over times that Django rewrites; here they are what it is about.
            require: vec![Require::Holds {
                table: self.spot.table.to_owned(),
                key,
                column: self.spot.column.to_owned(),
                value: self.cell().clone(),
            }],
        }
    }

    fn decision(&self, check: &CellCheck, ask: &Ask) -> Decision {
        let choices = ask.offers.iter().map(|offer| Choice::new(offer.answer, offer.label.clone())).collect();
        let mut question = Question::new("value", format!("New {}", self.label()), choices);
        if let Some(proposed) = ask.proposed {
            question = question.proposing(proposed);
        }
        if let Some(typed) = ask.typed {
            question = question.or_typed(typed.rule);
        }
        Decision {
            subject: self.subject,
            title: format!("{}, {}: {}", self.whose(), self.label(), (check.tells)(self)),
            questions: vec![question],
        }
    }
}

/// A column that a check looks at, with its place.
type Watched<'a> = (u32, Spot, &'a Column);

/// The columns that a check looks at, table by table.
fn by_table<'a>(check: &CellCheck, portal: &'a Portal) -> Vec<(&'a Table, Vec<Watched<'a>>)> {
    let mut tables: Vec<(&Table, Vec<Watched<'_>>)> = Vec::new();
    for (place, spot) in (0_u32..).zip(check.spots) {
        let Some(table) = portal.schema.table(spot.table).filter(|table| table.primary_key == ["id"]) else {
            continue;
        };
        let Some(column) = table.column(spot.column) else { continue };
        match tables.iter_mut().find(|(known, _)| known.name == table.name) {
            Some((_, columns)) => columns.push((place, *spot, column)),
            None => tables.push((table, vec![(place, *spot, column)])),
        }
    }
    tables
}

impl CellCheck {
    async fn find_cells(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let context = Context::of(scan.portal).await?;
        let mut subjects = Vec::new();
        for (table, columns) in by_table(self, scan.portal) {
            let suspects: Vec<&Column> = columns.iter().map(|(_, _, column)| *column).collect();
            let Some(condition) = (self.suspect)(&context, &suspects) else { continue };
            let names: Vec<&str> = columns.iter().map(|(_, spot, _)| spot.column).collect();
            rows_where(scan, table.name.as_str(), &names, &condition, &mut |row| {
                let id = row.int(0)?;
                for (index, (place, spot, column)) in columns.iter().enumerate() {
                    let cell = context.dialect.normal(row.cell(index + 1)?, column);
                    if (self.is_wrong)(&context, *spot, column, &cell) {
                        subjects.push(Subject { place: *place, id });
                    }
                }
                Ok(())
            })
            .await?;
        }
        subjects.sort_unstable();
        let class = match self.repair {
            Repair::Set(_) => Class::Automatic,
            Repair::Ask(_) => Class::Choose,
            Repair::ByHand => Class::Manual,
        };
        Ok(Found::each(self.about, class, subjects).into_iter().collect())
    }

    /// The cells that are still there and still wrong, in the order of the subjects.
    async fn held(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<Held>> {
        let context = Context::of(portal).await?;
        let mut found = Vec::new();
        for (table, columns) in by_table(self, portal) {
            let mut ids: Vec<i64> = subjects
                .iter()
                .filter(|subject| columns.iter().any(|(place, ..)| *place == subject.place))
                .map(|subject| subject.id)
                .collect();
            ids.sort_unstable();
            ids.dedup();
            if ids.is_empty() {
                continue;
            }
            let keys: Vec<Image> = ids.into_iter().map(Image::id).collect();
            let rows = images::by_keys(&mut portal.db.clone(), table, &keys, Lock::No).await?;
            let whose = |image: &Image| match table.name.as_str() {
                "auth_user" => image.int("id"),
                _ => image.int("user_id"),
            };
            let names = usernames(portal, &rows.iter().filter_map(whose).collect::<Vec<i64>>()).await?;
            for (place, spot, column) in &columns {
                for image in &rows {
                    let Some(id) = image.int("id") else { continue };
                    let subject = Subject { place: *place, id };
                    let cell = image.get(spot.column).unwrap_or(&Cell::Null);
                    if subjects.contains(&subject) && (self.is_wrong)(&context, *spot, column, cell) {
                        found.push(Held {
                            subject,
                            spot: *spot,
                            column: (*column).clone(),
                            context,
                            image: image.clone(),
                            username: whose(image).and_then(|id| names.get(&id).cloned()),
                        });
                    }
                }
            }
        }
        Ok(found)
    }

    async fn asked(&self, portal: &Portal, subject: Subject) -> Result<Option<(Held, Ask)>> {
        let Repair::Ask(ask) = &self.repair else { return Ok(None) };
        let Some(held) = self.held(portal, &[subject]).await?.pop() else { return Ok(None) };
        let ask = ask(portal, &held).await?;
        Ok(Some((held, ask)))
    }

    async fn parts_of(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
        let Repair::Set(value) = &self.repair else { return Ok(Vec::new()) };
        Ok(self.held(portal, subjects).await?.iter().map(|held| held.part(value(held))).collect())
    }

    async fn decided_parts(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        if !matches!(self.repair, Repair::Ask(_)) {
            let id = self.about.id;
            return Err(Error::invalid(format!("{id} leaves nothing to decide; nothing was written.")));
        }
        let Some((held, ask)) = self.asked(portal, subject).await? else { return Ok(Vec::new()) };
        held.decision(self, &ask).check(answers)?;
        let answer = answers.get("value").map_or("", String::as_str);
        let offered = ask.offers.iter().find(|offer| offer.answer == answer).map(|offer| offer.value.clone());
        let typed = ask.typed.map(|typed| Value::Cell((typed.stored)(answer)));
        Ok(offered.or(typed).map(|value| held.part(value)).into_iter().collect())
    }
}

#[async_trait]
impl Check for CellCheck {
    fn about(&self) -> &'static About {
        self.about
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        self.find_cells(scan).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        Ok(self.held(portal, subjects).await?.iter().map(|held| held.row(self)).collect())
    }

    fn of_user(&self, user: i64, profiles: &[i64]) -> Vec<Subject> {
        let mut subjects = Vec::new();
        for (place, spot) in (0..).zip(self.spots) {
            let ids = match spot.table {
                "auth_user" => std::slice::from_ref(&user),
                "core_userprofile" => profiles,
                _ => &[],
            };
            subjects.extend(ids.iter().map(|id| Subject { place, id: *id }));
        }
        subjects
    }

    async fn parts(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
        self.parts_of(portal, subjects).await
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        let asked = self.asked(portal, subject).await?;
        Ok(asked.map(|(held, ask)| held.decision(self, &ask)))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        self.decided_parts(portal, subject, answers).await
    }
}

/// `(… a …) OR (… b …)`: the condition that one of the columns meets.
pub fn any(columns: &[&Column], condition: impl Fn(&Column) -> Option<Sql>) -> Option<Sql> {
    let mut whole: Option<Sql> = None;
    for one in columns.iter().filter_map(|column| condition(column)) {
        let begun = whole.map_or_else(|| Sql::new("("), |sql| sql.push(" OR ("));
        whole = Some(begun.append(one).push(")"));
    }
    whole
}
