//! IDX-003: the portal id is still unique, as it was before the portal's migration 0004.

use async_trait::async_trait;

use crate::change::{Alter, Ddl, Image, Index};
use crate::db::Dialect;
use crate::db::blueprint::LEGACY_PORTAL_ID;
use crate::directory::Portal;
use crate::error::Result;

use crate::integrity::check::{
    About, Check, Class, EVERY_ENGINE, FindingRow, Found, Part, Severity, Stage, Subject,
};
use crate::integrity::constraints::{Constraints, ask, part};
use crate::integrity::decision::{Answers, Decision};
use crate::integrity::migrations::Migrations;
use crate::integrity::scan::Scan;

/// The check.
pub struct LegacyUnique;

static ABOUT: About = About {
    id: "IDX-003",
    severity: Severity::Warning,
    title: "the portal id is still unique in the database",
    why: "The portal's migration 0004 made it an ordinary column. Until then two empty texts collide, and the portal's forms \
          fail where they would only warn.",
    cause: "Migration 0004 was not applied here, or was recorded with --fake.",
    remedy: "Where 0004 is recorded, the index is dropped. Where it is not, `python manage.py migrate core` drops it: that \
             migration looks for the index, so portaldesk leaves it alone until then.",
    choice: "The statement alters the portal's table.",
    needs: &[("core_userprofile", &["main_portal_id"])],
    engines: EVERY_ENGINE,
    deep: false,
    stage: Stage::Indexes,
    rows_each: 1,
};

/// The one question.
const DROP: &str = "drop";

const SUBJECT: Subject = Subject::of(0);

/// How things stand where the index is there.
enum State {
    /// 0004 is still to be applied.
    ToMigrate,
    /// 0004 is recorded, and SQLite can drop no constraint of a table.
    Sqlite,
    /// 0004 is recorded; these statements do what it left undone.
    ToDrop(Vec<Ddl>),
}

#[async_trait]
impl Check for LegacyUnique {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn find(&self, scan: &Scan<'_>) -> Result<Vec<Found>> {
        let class = match state(scan.portal).await? {
            None => return Ok(Vec::new()),
            Some(State::ToDrop(_)) => Class::Choose,
            Some(State::ToMigrate | State::Sqlite) => Class::Manual,
        };
        Ok(Found::each(&ABOUT, class, vec![SUBJECT]).into_iter().collect())
    }

    async fn rows(&self, portal: &Portal, subjects: &[Subject]) -> Result<Vec<FindingRow>> {
        let state = if subjects.contains(&SUBJECT) { state(portal).await? } else { None };
        Ok(state.iter().map(row).collect())
    }

    async fn decision(&self, portal: &Portal, _subject: Subject) -> Result<Option<Decision>> {
        Ok(match state(portal).await? {
            Some(State::ToDrop(ddl)) => Some(question(&ddl)),
            _ => None,
        })
    }

    async fn decided(&self, portal: &Portal, _subject: Subject, answers: &Answers) -> Result<Vec<Part>> {
        let Some(State::ToDrop(ddl)) = state(portal).await? else { return Ok(Vec::new()) };
        question(&ddl).check(answers)?;
        let title = |ddl: &Ddl| format!("Drop {}", ddl.name());
        Ok(ddl.into_iter().map(|ddl| part(SUBJECT, title(&ddl), ddl)).collect())
    }
}

fn question(ddl: &[Ddl]) -> Decision {
    ask(SUBJECT, "main_portal_id is still unique, and 0004 is recorded as applied".to_owned(), DROP, ddl)
}

async fn state(portal: &Portal) -> Result<Option<State>> {
    let constraints = Constraints::read(portal).await?;
    if !constraints.has(&LEGACY_PORTAL_ID) {
        return Ok(None);
    }
    let knows_migrations =
        portal.schema.has("django_migrations", "app") && portal.schema.has("django_migrations", "name");
    if !knows_migrations || !Migrations::read(&portal.db).await?.has_0004() {
        return Ok(Some(State::ToMigrate));
    }
    if portal.dialect() == Dialect::Sqlite {
        return Ok(Some(State::Sqlite));
    }
    let table = LEGACY_PORTAL_ID.table;
    let mut ddl = Vec::new();
    for index in constraints.unique(&LEGACY_PORTAL_ID) {
        let dropped =
            Index { constraint: index.of_constraint, ..Index::unique(&index.name, LEGACY_PORTAL_ID.columns) };
        ddl.push(Ddl::new(portal.dialect(), table, Alter::DropIndex(dropped))?);
    }
    // Django makes a second index beside a unique text on PostgreSQL, and takes it away with it.
    let is_like = |name: &str| portal.dialect() == Dialect::Postgres && name.ends_with("_like");
    for index in &constraints.indexes {
        if index.table == table
            && index.columns == LEGACY_PORTAL_ID.columns
            && !index.unique
            && is_like(&index.name)
        {
            let like = Index {
                unique: false,
                constraint: false,
                like: true,
                ..Index::unique(&index.name, LEGACY_PORTAL_ID.columns)
            };
            ddl.push(Ddl::new(portal.dialect(), table, Alter::DropIndex(like))?);
        }
    }
    Ok(Some(State::ToDrop(ddl)))
}

fn row(state: &State) -> FindingRow {
    let text = match state {
        State::ToMigrate => {
            "main_portal_id is unique and core 0004 is not applied: `python manage.py migrate core` drops the index"
                .to_owned()
        }
        State::Sqlite => "main_portal_id is unique although core 0004 is recorded. SQLite has to make the table again: \
                          `python manage.py migrate --fake core 0003`, then `python manage.py migrate core`; make a backup \
                          of the file first"
            .to_owned(),
        State::ToDrop(ddl) => {
            let names: Vec<&str> = ddl.iter().map(Ddl::name).collect();
            format!("main_portal_id is unique although core 0004 is recorded: {}", crate::text::safe(&names.join(", ")))
        }
    };
    FindingRow {
        subject: SUBJECT,
        table: LEGACY_PORTAL_ID.table.into(),
        key: Image::default(),
        user_id: None,
        username: None,
        text,
    }
}
