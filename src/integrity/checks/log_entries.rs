//! REL-004: entries of the portal's log whose author or content type does not exist.

use async_trait::async_trait;

use crate::change::rows::{self as images, Lock};
use crate::change::{Image, MOST_ROWS, Require, Step, Value};
use crate::db::{Cell, Sql};
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::decision::{Answers, Choice, Decision, Question};
use crate::integrity::scan::Scan;

use super::reference::Reference;
use super::{answered, log_names};

/// The check.
pub struct LogEntries;

static ABOUT: About = About {
    id: "REL-004",
    severity: Severity::Warning,
    title: "entries of the portal's log that refer to nothing",
    why: "What a user who is gone did passes to the next account with the same id, and until then no account can be \
          made with that id.",
    cause: "The account or content type was deleted by SQL or in a database without foreign keys.",
    remedy: "Empties the content type, as Django does when one is deleted: the entry stays. Entries of a user who is \
             gone are decided about.",
    choice: "Entries of a user who is gone: give them to an account that is there, such as one kept for former staff, or \
             remove them; the journal keeps them, and undo brings them back.",
    needs: &[
        ("auth_user", &["id", "username"]),
        ("django_content_type", &["id"]),
        ("django_admin_log", &["id", "user_id", "content_type_id"]),
    ],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Links,
    rows_each: 1,
};

static CONTENT_TYPE: Reference = Reference {
    table: "django_admin_log",
    column: "content_type_id",
    to_table: "django_content_type",
    what: "content type",
};

static AUTHOR: Reference =
    Reference { table: "django_admin_log", column: "user_id", to_table: "auth_user", what: "user" };

/// Subjects of this place are entries without a content type.
const ENTRIES: u32 = 0;
/// Subjects of this place are users who are gone and wrote entries.
const AUTHORS: u32 = 1;

/// The question, and the answer that is no username.
const QUESTION: &str = "entries";
const REMOVE: &str = "remove";

#[async_trait]
impl Check for LogEntries {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        find(scan).await
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let row = |subject: Subject, entry: &Image, text: String| FindingRow {
            subject,
            table: AUTHOR.table.into(),
            key: Image::id(entry.int("id").unwrap_or_default()),
            user_id: entry.int(AUTHOR.column),
            username: None,
            text,
        };
        let mut found = Vec::new();
        for (id, entry) in CONTENT_TYPE.still(portal, &super::ids(subjects, ENTRIES)).await? {
            let text = format!(
                "entry #{id}{}: content type #{} does not exist",
                about(&entry),
                CONTENT_TYPE.shown(&entry)
            );
            found.push(row(Subject { place: ENTRIES, id }, &entry, text));
        }
        for entry in entries_of(portal, &super::ids(subjects, AUTHORS)).await? {
            let (Some(id), Some(user)) = (entry.int("id"), entry.int(AUTHOR.column)) else { continue };
            let text = format!("entry #{id}{} of missing user #{user}", about(&entry));
            found.push(row(Subject { place: AUTHORS, id: user }, &entry, text));
        }
        Ok(found)
    }

    async fn parts(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<Part>> {
        let part = |(id, entry): (i64, Image)| Part {
            subject: Subject { place: ENTRIES, id },
            title: format!("Empty the content type of entry #{id}, #{}", CONTENT_TYPE.shown(&entry)),
            require: CONTENT_TYPE.still_missing(&entry).into_iter().collect(),
            steps: vec![CONTENT_TYPE.cleared(id, entry)],
        };
        let entries = CONTENT_TYPE.still(portal, &super::ids(subjects, ENTRIES)).await?;
        Ok(entries.into_iter().map(part).collect())
    }

    async fn decision(&self, portal: &Portal, subject: Subject) -> Result<Option<Decision>> {
        if subject.place != AUTHORS
            || super::there(portal, AUTHOR.to_table, [subject.id]).await?.contains(&subject.id)
        {
            return Ok(None);
        }
        let count = Sql::new("SELECT COUNT(*) FROM django_admin_log WHERE user_id = ?").bind(subject.id);
        let count = portal.count(count).await?;
        if count == 0 {
            return Ok(None);
        }
        let known = log_names::of_users(portal, &[subject.id]).await?.remove(&subject.id);
        let known = known.map_or_else(String::new, |name| format!(", once {}", super::quoted(&name)));
        let entries = if count == 1 { "entry".to_owned() } else { format!("{count} entries") };
        let choices = vec![Choice::new(REMOVE, format!("Remove the {entries}; undo brings them back"))];
        let question =
            Question::new(QUESTION, "What becomes of them: a username to give them to, or", choices);
        Ok(Some(Decision {
            subject,
            title: format!("Missing user #{}{known} wrote {count} of the log's entries", subject.id),
            questions: vec![question.or_typed(answered::typed_username)],
        }))
    }

    async fn decided(&self, portal: &Portal, subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        // Many entries take several parts.
        let answer = answered::answer(answers, QUESTION)?;
        let entries = entries_of(portal, &[subject.id]).await?;
        let still_gone = Require::NoRow {
            table: AUTHOR.to_table.to_owned(),
            column: "id".to_owned(),
            value: Cell::Int(subject.id),
        };
        let heir =
            if answer == REMOVE { None } else { Some(answered::named(portal, QUESTION, answer).await?) };
        let step = |before: &Image| {
            let (table, key) = (AUTHOR.table.to_owned(), Image::id(before.int("id")?));
            let before = before.clone();
            Some(match &heir {
                None => Step::Delete { table, key, before },
                Some(heir) => {
                    let set = vec![(AUTHOR.column.to_owned(), Value::Cell(Cell::Int(heir.id)))];
                    Step::Update { table, key, before, set }
                }
            })
        };
        let does = match &heir {
            None => "Remove".to_owned(),
            Some(heir) => format!("Give {} the", super::quoted(&heir.username)),
        };
        let there = heir.as_ref().map(answered::Named::is_there);
        let part = |entries: &[Image]| Part {
            subject,
            title: format!("{does} {} log entries of missing user #{}", entries.len(), subject.id),
            steps: entries.iter().filter_map(step).collect(),
            require: std::iter::once(still_gone.clone()).chain(there.clone()).collect(),
        };
        Ok(entries.chunks(MOST_ROWS).map(part).collect())
    }
}

async fn find(scan: &Scan<'_>) -> Result<Vec<Found>> {
    let entries = CONTENT_TYPE.find(scan).await?.into_iter().map(|id| Subject { place: ENTRIES, id });
    let authors = AUTHOR.search().values(scan).await?.into_keys().map(|id| Subject { place: AUTHORS, id });
    let alone = Found::each(&ABOUT, Class::Automatic, entries.collect());
    Ok(alone.into_iter().chain(Found::each(&ABOUT, Class::Choose, authors.collect())).collect())
}

/// The entries of those of these users who still don't exist, by id.
async fn entries_of(portal: &Portal, users: &[i64]) -> Result<Vec<Image>> {
    let there = super::there(portal, AUTHOR.to_table, users.iter().copied()).await?;
    let gone: Vec<Cell> = users.iter().filter(|id| !there.contains(id)).copied().map(Cell::Int).collect();
    let table = images::table(&portal.schema, AUTHOR.table)?;
    Ok(images::by_column(&mut portal.db.clone(), table, AUTHOR.column, &gone, Lock::No).await?)
}

/// What an entry is about, in words.
fn about(entry: &Image) -> String {
    entry.text("object_repr").map_or_else(String::new, |name| format!(" about {}", super::quoted(name)))
}
