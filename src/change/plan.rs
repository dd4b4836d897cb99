//! A plan: what will be written, row by row, before anything is. Everything that writes a portal table is one.

use serde_json::{Map, Value as Json, json};

use crate::db::{Cell, Dialect, hex};

use super::ddl::{self, Ddl};

/// The ordered columns of a row, or some of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Image(pub Vec<(String, Cell)>);

impl Image {
    /// One column, such as a key.
    #[must_use]
    pub fn of(column: &str, cell: Cell) -> Self {
        Self(vec![(column.to_owned(), cell)])
    }

    /// The key of a table whose primary key is `id`.
    #[must_use]
    pub fn id(id: i64) -> Self {
        Self::of("id", Cell::Int(id))
    }

    /// The column's cell, where the image has it.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<&Cell> {
        self.0.iter().find(|(name, _)| name == column).map(|(_, cell)| cell)
    }

    /// The column's integer.
    #[must_use]
    pub fn int(&self, column: &str) -> Option<i64> {
        self.get(column).and_then(Cell::as_int)
    }

    /// The column's text.
    #[must_use]
    pub fn text(&self, column: &str) -> Option<&str> {
        self.get(column).and_then(Cell::as_text)
    }

    /// The column's truth value.
    #[must_use]
    pub fn bool(&self, column: &str) -> Option<bool> {
        self.get(column).and_then(Cell::as_bool)
    }

    /// Sets a column that the image has, or appends it.
    pub fn set(&mut self, column: &str, cell: Cell) {
        match self.0.iter_mut().find(|(name, _)| name == column) {
            Some((_, old)) => *old = cell,
            None => self.0.push((column.to_owned(), cell)),
        }
    }

    /// As a JSON object, true to the byte: for the journal.
    ///
    /// # Errors
    /// Never in practice; serialisation of these types can't fail.
    pub fn to_json(&self) -> serde_json::Result<Json> {
        let mut map = Map::new();
        for (column, cell) in &self.0 {
            map.insert(column.clone(), serde_json::to_value(cell)?);
        }
        Ok(Json::Object(map))
    }

    /// Reads [`Image::to_json`] back.
    ///
    /// # Errors
    /// When it is no such object.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        let map: Map<String, Json> = serde_json::from_str(text)?;
        map.into_iter()
            .map(|(column, json)| Ok((column, serde_json::from_value(json)?)))
            .collect::<serde_json::Result<_>>()
            .map(Self)
    }

    /// As a JSON object for people and scripts: secrets masked.
    #[must_use]
    pub fn shown(&self) -> Json {
        Json::Object(self.0.iter().map(|(column, cell)| (column.clone(), shown(column, cell))).collect())
    }
}

/// Whether a column holds a secret that is never shown or exported.
#[must_use]
pub fn is_secret(column: &str) -> bool {
    column == "password" || column == "session_data"
}

fn shown(column: &str, cell: &Cell) -> Json {
    match cell {
        Cell::Null => Json::Null,
        _ if is_secret(column) => json!("********"),
        Cell::Bool(value) => json!(value),
        Cell::Int(value) => json!(value),
        Cell::Real(value) => json!(value),
        Cell::Text(value) => json!(value),
        Cell::Bytes(value) | Cell::RawText(value) => json!({ "bytes": hex(value) }),
    }
}

/// A value that a step writes.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// This one.
    Cell(Cell),
    /// The id that an earlier step of the plan creates (its index in [`Plan::steps`]).
    NewId(usize),
    /// The database's clock when the plan is applied.
    Now,
}

impl From<Cell> for Value {
    fn from(cell: Cell) -> Self {
        Self::Cell(cell)
    }
}

impl Value {
    fn shown(&self, column: &str) -> Json {
        match self {
            Self::Cell(cell) => shown(column, cell),
            Self::NewId(step) => json!({ "new_id": step + 1 }),
            Self::Now => json!("now"),
        }
    }

    /// For people.
    #[must_use]
    pub fn show(&self, column: &str) -> String {
        match self {
            Self::Cell(Cell::Null) => Cell::Null.show(),
            Self::Cell(_) if is_secret(column) => "********".to_owned(),
            Self::Cell(cell) => cell.show(),
            Self::NewId(_) => "(new)".to_owned(),
            Self::Now => "now".to_owned(),
        }
    }
}

/// What happens when the portal has made the row meanwhile: it is taken over instead of doubled.
#[derive(Debug, Clone, PartialEq)]
pub struct Adopt {
    /// The column by which the other row is found; its value is that of the insert.
    pub by: String,
    /// The columns that are then still to be written; the rest stays as the portal made it.
    pub columns: Vec<String>,
}

/// One row to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A new row. Columns that are not named take the engine's default.
    Insert {
        /// The table.
        table: String,
        /// The columns given.
        values: Vec<(String, Value)>,
        /// What to do when the row is there already.
        adopt: Option<Adopt>,
    },
    /// New values for some columns.
    Update {
        /// The table.
        table: String,
        /// The primary key.
        key: Image,
        /// The whole row as it was read.
        before: Image,
        /// The columns that change.
        set: Vec<(String, Value)>,
    },
    /// A row that goes; its image stays in the journal.
    Delete {
        /// The table.
        table: String,
        /// The primary key.
        key: Image,
        /// The whole row as it was read.
        before: Image,
    },
    /// A counter that goes up: the id that a new row of the table gets next. It never goes down, and is not taken back.
    /// On MySQL it is alone in its plan, as [`Step::Ddl`] is.
    Counter {
        /// The table.
        table: String,
        /// The column that it fills.
        column: String,
        /// The id that it was to hand out next; nothing where it had none left, or it couldn't be read.
        from: Option<i64>,
        /// The id that it hands out next.
        to: i64,
    },
    /// A statement that alters a table; alone in its plan. The engine's own catalogue tells whether it was done: a
    /// [`Schema`](crate::db::schema::Schema) read before doesn't.
    Ddl(Ddl),
}

impl Step {
    /// The table it writes.
    #[must_use]
    pub fn table(&self) -> &str {
        match self {
            Self::Insert { table, .. }
            | Self::Update { table, .. }
            | Self::Delete { table, .. }
            | Self::Counter { table, .. } => table,
            Self::Ddl(ddl) => ddl.table(),
        }
    }

    /// The name of its kind in JSON and in the journal.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Insert { .. } => "insert",
            Self::Update { .. } => "update",
            Self::Delete { .. } => "delete",
            Self::Counter { .. } => "counter",
            Self::Ddl(_) => "ddl",
        }
    }

    /// Whether it writes a row, and not what stands beside the rows.
    #[must_use]
    pub const fn writes_a_row(&self) -> bool {
        !matches!(self, Self::Counter { .. } | Self::Ddl(_))
    }

    /// Whether it must be alone in its plan: what alters a table, and a counter where raising it does.
    #[must_use]
    pub fn stands_alone(&self, dialect: Dialect) -> bool {
        match self {
            Self::Ddl(_) => true,
            Self::Counter { .. } => ddl::commits_by_itself(dialect),
            _ => false,
        }
    }

    /// The key of the row that it changes or takes away.
    #[must_use]
    pub const fn key(&self) -> Option<&Image> {
        match self {
            Self::Update { key, .. } | Self::Delete { key, .. } => Some(key),
            Self::Insert { .. } | Self::Counter { .. } | Self::Ddl(_) => None,
        }
    }

    /// The columns that it gives values.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        let pairs = match self {
            Self::Insert { values, .. } => values,
            Self::Update { set, .. } => set,
            Self::Delete { .. } | Self::Counter { .. } | Self::Ddl(_) => return Vec::new(),
        };
        pairs.iter().map(|(column, _)| column.as_str()).collect()
    }

    /// The value that it gives a column, where it does.
    #[must_use]
    pub fn value(&self, column: &str) -> Option<&Value> {
        let pairs = match self {
            Self::Insert { values, .. } => values,
            Self::Update { set, .. } => set,
            Self::Delete { .. } | Self::Counter { .. } | Self::Ddl(_) => return None,
        };
        pairs.iter().find(|(name, _)| name == column).map(|(_, value)| value)
    }

    /// The cell that it gives a column, where it is known beforehand.
    #[must_use]
    pub fn cell(&self, column: &str) -> Option<&Cell> {
        match self.value(column) {
            Some(Value::Cell(cell)) => Some(cell),
            _ => None,
        }
    }

    /// The row before, unless it is new.
    #[must_use]
    pub const fn before(&self) -> Option<&Image> {
        match self {
            Self::Update { before, .. } | Self::Delete { before, .. } => Some(before),
            Self::Insert { .. } | Self::Counter { .. } | Self::Ddl(_) => None,
        }
    }

    fn shown(&self, number: usize) -> Json {
        let after = match self {
            Self::Insert { values, .. } => Json::Object(
                values.iter().map(|(column, value)| (column.clone(), value.shown(column))).collect(),
            ),
            Self::Update { before, set, .. } => {
                let mut after = before.shown();
                for (column, value) in set {
                    after[column.as_str()] = value.shown(column);
                }
                after
            }
            Self::Delete { .. } => Json::Null,
            Self::Counter { to, .. } => json!({ "next": to }),
            Self::Ddl(ddl) => {
                json!({ "statement": ddl.statement(), "alter": ddl.alter(), "needs": ddl.needs() })
            }
        };
        let key = match self {
            Self::Insert { .. } | Self::Ddl(_) => json!({}),
            Self::Update { key, .. } | Self::Delete { key, .. } => key.shown(),
            Self::Counter { column, .. } => json!({ "column": column }),
        };
        let before = match self {
            Self::Counter { from, .. } => from.map_or(Json::Null, |from| json!({ "next": from })),
            Self::Ddl(ddl) => {
                ddl.inverse().map_or(Json::Null, |inverse| json!({ "statement": inverse.statement() }))
            }
            _ => self.before().map_or(Json::Null, Image::shown),
        };
        json!({ "step": number, "kind": self.kind(), "table": self.table(), "key": key, "before": before, "after": after })
    }
}

/// What must still hold, under lock, when a plan is applied.
#[derive(Debug, Clone, PartialEq)]
pub enum Require {
    /// The row is there.
    Row {
        /// The table.
        table: String,
        /// Its primary key.
        key: Image,
    },
    /// The row is there and its column holds this value.
    Holds {
        /// The table.
        table: String,
        /// Its primary key.
        key: Image,
        /// The column.
        column: String,
        /// The value.
        value: Cell,
    },
    /// No row of the table has this value: the parent that an orphan lacks has not come back.
    NoRow {
        /// The table.
        table: String,
        /// The column and its value.
        column: String,
        /// The value.
        value: Cell,
    },
    /// Of the accounts that came after this one none has one of these usernames, or one that differs in case only: what
    /// the portal's own form refuses, and no index.
    NoTwin {
        /// The usernames.
        usernames: Vec<String>,
        /// The id of the newest account that is known to have none of them.
        after: i64,
    },
}

/// Why a plan is made; rights depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// Someone edits accounts.
    #[default]
    Edit,
    /// A finding is repaired.
    Repair,
    /// An operation is taken back.
    Undo,
    /// Many accounts are changed alike: a run; its plans are edits.
    Bulk,
    /// Accounts come from a file: a run; its plans are edits.
    Import,
    /// Members leave a department or a group: a run; its plans are edits.
    Leaving,
}

impl Purpose {
    /// The name under which runs are kept.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Repair => "repair",
            Self::Undo => "undo",
            Self::Bulk => "bulk",
            Self::Import => "import",
            Self::Leaving => "leaving",
        }
    }

    /// The purpose of this name; an unknown one is an edit.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let all = [Self::Repair, Self::Undo, Self::Bulk, Self::Import, Self::Leaving];
        all.into_iter().find(|purpose| purpose.name() == name).unwrap_or_default()
    }
}

/// The most rows that one plan may write: its transaction stays short.
pub const MOST_ROWS: usize = 500;

/// One transaction's worth of rows to be written, in this order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// What it does, in words: "Deactivate bela".
    pub title: String,
    /// Why.
    pub purpose: Purpose,
    /// The rows.
    pub steps: Vec<Step>,
    /// What must still hold.
    pub require: Vec<Require>,
    /// The operation that it takes back.
    pub undo_of: Option<String>,
    /// It brings back a row whose parent is gone, so references can't be enforced meanwhile.
    pub without_foreign_keys: bool,
}

impl Plan {
    /// An empty plan.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Appends an insert; its index, for [`Value::NewId`].
    pub fn insert(&mut self, table: &str, values: Vec<(&str, Value)>) -> usize {
        let values = values.into_iter().map(|(column, value)| (column.to_owned(), value)).collect();
        self.push(Step::Insert { table: table.to_owned(), values, adopt: None })
    }

    /// Appends an update, unless it would change nothing.
    pub fn update(&mut self, table: &str, key: Image, before: Image, set: Vec<(&str, Value)>) {
        let changes = set.iter().any(|(column, value)| match value {
            Value::Cell(cell) => before.get(column) != Some(cell),
            Value::NewId(_) => true,
            Value::Now => false,
        });
        if changes {
            let set = set.into_iter().map(|(column, value)| (column.to_owned(), value)).collect();
            self.push(Step::Update { table: table.to_owned(), key, before, set });
        }
    }

    /// Appends a delete.
    pub fn delete(&mut self, table: &str, key: Image, before: Image) {
        self.push(Step::Delete { table: table.to_owned(), key, before });
    }

    /// Appends a counter that goes up.
    pub fn count_up(&mut self, table: &str, column: &str, from: Option<i64>, to: i64) {
        let (table, column) = (table.to_owned(), column.to_owned());
        self.push(Step::Counter { table, column, from, to });
    }

    /// Appends a step; its index.
    pub fn push(&mut self, step: Step) -> usize {
        self.steps.push(step);
        self.steps.len() - 1
    }

    /// The steps of both, as one plan to be shown: what the later one refers to is numbered anew.
    #[must_use]
    pub fn followed_by(mut self, later: Self) -> Self {
        let first = self.steps.len();
        for mut step in later.steps {
            if let Step::Insert { values: pairs, .. } | Step::Update { set: pairs, .. } = &mut step {
                for (_, value) in pairs {
                    if let Value::NewId(step) = value {
                        *step += first;
                    }
                }
            }
            self.steps.push(step);
        }
        self.require.extend(later.require);
        Self { title: later.title, ..self }
    }

    /// The same steps in as many plans as a transaction's size asks for, in the same order, the last one full. For steps
    /// that refer to no new id.
    #[must_use]
    pub fn in_pieces(self) -> Vec<Self> {
        let pieces = self.steps.len().div_ceil(MOST_ROWS);
        if pieces < 2 {
            return vec![self];
        }
        let mut steps = self.steps.into_iter();
        let first = steps.len() - (pieces - 1) * MOST_ROWS;
        (0..pieces)
            .map(|at| Self {
                title: format!("{} ({} of {pieces})", self.title, at + 1),
                steps: steps.by_ref().take(if at == 0 { first } else { MOST_ROWS }).collect(),
                purpose: self.purpose,
                require: self.require.clone(),
                undo_of: self.undo_of.clone(),
                without_foreign_keys: self.without_foreign_keys,
            })
            .collect()
    }

    /// What all of the pieces that [`Plan::in_pieces`] made are called together.
    #[must_use]
    pub fn title_of_pieces(pieces: &[Self]) -> String {
        let Some(last) = pieces.last() else { return String::new() };
        let number = format!(" ({0} of {0})", pieces.len());
        last.title.strip_suffix(&number).unwrap_or(&last.title).to_owned()
    }

    /// The steps as JSON, secrets masked: `{"step", "kind", "table", "key", "before", "after"}`, numbered from 1.
    #[must_use]
    pub fn to_json(&self) -> Vec<Json> {
        self.steps.iter().enumerate().map(|(index, step)| step.shown(index + 1)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked() {
        let mut plan = Plan::new("Set the password of bela");
        let before =
            Image(vec![("id".into(), Cell::Int(3)), ("password".into(), Cell::Text("canary-old".into()))]);
        plan.update(
            "auth_user",
            Image::id(3),
            before,
            vec![("password", Value::Cell(Cell::Text("canary-new".into())))],
        );
        let json = serde_json::to_string(&plan.to_json()).unwrap();
        assert!(!json.contains("canary"), "{json}");
        assert!(json.contains("\"step\":1,\"kind\":\"update\",\"table\":\"auth_user\""), "{json}");
    }

    #[test]
    fn an_update_that_changes_nothing_is_left_out() {
        let mut plan = Plan::new("Edit");
        let before = Image(vec![("id".into(), Cell::Int(3)), ("phone_number".into(), Cell::Null)]);
        let set = vec![("phone_number", Value::Cell(Cell::Null)), ("updated_at", Value::Now)];
        plan.update("core_userprofile", Image::id(3), before, set);
        assert!(plan.steps.is_empty());
    }

    #[test]
    fn pieces_keep_the_order_and_the_last_one_is_full() {
        let mut plan = Plan::new("Delete bela");
        let steps = i64::try_from(2 * MOST_ROWS + 3).unwrap();
        for id in 0..steps {
            plan.delete("django_admin_log", Image::id(id), Image::default());
        }
        let pieces = plan.clone().in_pieces();
        let sizes: Vec<usize> = pieces.iter().map(|piece| piece.steps.len()).collect();
        assert_eq!(sizes, [3, MOST_ROWS, MOST_ROWS]);
        assert_eq!(pieces[2].title, "Delete bela (3 of 3)");
        assert_eq!(Plan::title_of_pieces(&pieces), "Delete bela");
        let all: Vec<Step> = pieces.into_iter().flat_map(|piece| piece.steps).collect();
        assert_eq!(all, plan.steps);
        assert_eq!(Plan::title_of_pieces(&Plan::new("Nothing").in_pieces()), "Nothing");
    }

    #[test]
    fn an_image_survives_its_json() {
        let image = Image(vec![("b".into(), Cell::RawText(vec![0xff])), ("a".into(), Cell::Bool(true))]);
        let json = image.to_json().unwrap().to_string();
        assert_eq!(Image::from_json(&json).unwrap(), image);
    }
}
