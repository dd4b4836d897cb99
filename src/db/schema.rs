//! What a database holds: its tables, columns, indexes and foreign keys, as its own catalogue tells. Nothing is taken for
//! granted about an adopted database: id widths, column order, indexes and extra columns are looked up here, and what the
//! portal's work needs and does not find is named.

use std::collections::BTreeMap;

use super::{Db, Ident, catalogue};
use crate::error::{Error, Kind, Result};

/// The tables of one database (PostgreSQL: of the current schema).
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// By name. A table with a name or column that SQL of ours can't carry (see [`Ident`]) is left out.
    pub tables: BTreeMap<String, Table>,
    /// All foreign keys; one of several columns appears once for each.
    pub foreign_keys: Vec<ForeignKey>,
}

/// One table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name.
    pub name: Ident,
    /// Its columns, in the table's own order.
    pub columns: Vec<Column>,
    /// The columns of the primary key, in its order; empty where there is none.
    pub primary_key: Vec<String>,
    /// Every set of columns that the engine keeps unique, the primary key too. Partial indexes and those on an
    /// expression or on the beginning of a text are none.
    pub uniques: Vec<Vec<String>>,
    /// Every index, unique ones and the primary key too, up to its first expression. What it starts with matters.
    pub indexes: Vec<Vec<String>>,
}

/// One column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: Ident,
    /// How its values are read and written.
    pub kind: ColumnKind,
    /// The type in the engine's words. On PostgreSQL without a length: an explicit cast to `varchar(15)` would cut what
    /// is longer without a word. On MySQL the full type (`int(11) unsigned`); on SQLite as declared.
    pub sql_type: String,
    /// The most characters of a text that the engine takes; none where any number, as always on SQLite.
    pub length: Option<u32>,
    /// Whether it takes NULL.
    pub nullable: bool,
    /// Whether the engine fills it when an INSERT leaves it out: a default, an identity, `AUTO_INCREMENT`.
    pub has_default: bool,
    /// Whether it is computed and can't be written.
    pub generated: bool,
}

/// The kinds of column that are handled differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Whole numbers of any width.
    Int,
    /// Booleans: MySQL's `tinyint(1)` and SQLite's `bool` too.
    Bool,
    /// Text of any length.
    Text,
    /// A moment: `datetime`, `timestamp`, `timestamptz`.
    Time,
    /// Bytes.
    Bytes,
    /// Floating point.
    Real,
    /// Everything else: dates, decimals, JSON, UUIDs.
    Other,
}

/// One column that refers to another table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The table that refers.
    pub table: String,
    /// Its column.
    pub column: String,
    /// The table referred to.
    pub to_table: String,
    /// Its column.
    pub to_column: String,
    /// What happens on deletion, in SQL's words: `NO ACTION`, `RESTRICT`, `CASCADE`, `SET NULL`, `SET DEFAULT`.
    pub on_delete: String,
}

impl ForeignKey {
    /// Whether deleting the row referred to deletes or changes the one that refers, without being told to.
    #[must_use]
    pub fn acts_on_delete(&self) -> bool {
        !matches!(self.on_delete.as_str(), "NO ACTION" | "RESTRICT")
    }
}

/// Something that the portal's work needs and this database does not give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// A table of the portal's is missing: what is done with it can't be done.
    Table(&'static str),
    /// A column of the portal's is missing: it is neither shown nor written.
    Column(&'static str, &'static str),
    /// A column that nobody here knows must be given a value in every new row: none can be made.
    Demand(&'static str, String),
    /// A table without primary key: its rows can't be told apart, so none is changed.
    Key(&'static str),
}

impl Lack {
    /// The table concerned.
    #[must_use]
    pub fn table(&self) -> &'static str {
        match self {
            Self::Table(table) | Self::Column(table, _) | Self::Demand(table, _) | Self::Key(table) => table,
        }
    }
}

impl std::fmt::Display for Lack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Table(table) => write!(f, "table {table} is missing; what needs it is switched off"),
            Self::Column(table, column) => {
                write!(f, "column {table}.{column} is missing; it is neither shown nor written")
            }
            Self::Demand(table, column) => write!(
                f,
                "column {table}.{column} is unknown to portaldesk, has no default and takes no NULL; \
                 no row can be created in {table}"
            ),
            Self::Key(table) => write!(f, "table {table} has no primary key; its rows can't be changed"),
        }
    }
}

/// Our own tables, in the order in which they are created.
pub const OWN_TABLES: [&str; 9] = [
    "portaldesk_migration",
    "portaldesk_run",
    "portaldesk_change",
    "portaldesk_change_row",
    "portaldesk_fence",
    "portaldesk_lock",
    "portaldesk_sign_in",
    "portaldesk_baseline",
    "portaldesk_setting",
];

/// The portal's tables and the columns that Django's and its own models give them (Django 4.2, unchanged to 6.0).
pub const PORTAL_TABLES: [(&str, &[&str]); 12] = [
    (
        "auth_user",
        &[
            "id",
            "password",
            "last_login",
            "is_superuser",
            "username",
            "first_name",
            "last_name",
            "email",
            "is_staff",
            "is_active",
            "date_joined",
        ],
    ),
    ("auth_group", &["id", "name"]),
    ("auth_permission", &["id", "name", "content_type_id", "codename"]),
    ("auth_user_groups", &["id", "user_id", "group_id"]),
    ("auth_user_user_permissions", &["id", "user_id", "permission_id"]),
    ("auth_group_permissions", &["id", "group_id", "permission_id"]),
    ("django_content_type", &["id", "app_label", "model"]),
    (
        "django_admin_log",
        &[
            "id",
            "action_time",
            "object_id",
            "object_repr",
            "action_flag",
            "change_message",
            "content_type_id",
            "user_id",
        ],
    ),
    ("django_session", &["session_key", "session_data", "expire_date"]),
    ("django_migrations", &["id", "app", "name", "applied"]),
    (
        "core_userprofile",
        &[
            "id",
            "phone_number",
            "main_portal_id",
            "created_at",
            "updated_at",
            "user_id",
            "department_id",
            "email_notifications",
        ],
    ),
    ("core_department", &["id", "name", "description", "is_active", "created_at"]),
];

/// The columns of `auth_user` without which nothing can be done: all, and every Django since 1.8 has them.
const ESSENTIAL: &[&str] = PORTAL_TABLES[0].1;

impl Schema {
    /// Reads the catalogue, in three queries on any engine.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn read(db: &Db) -> Result<Self> {
        Ok(catalogue::read(db).await?)
    }

    /// The table of this name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    /// Whether this table has this column.
    #[must_use]
    pub fn has(&self, table: &str, column: &str) -> bool {
        self.table(table).is_some_and(|table| table.column(column).is_some())
    }

    /// The foreign keys that point at this table, in the order of the referring tables' names.
    pub fn references_to<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a ForeignKey> {
        self.foreign_keys.iter().filter(move |key| key.to_table == table)
    }

    /// Whether there is no table, our own aside.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.keys().all(|name| OWN_TABLES.contains(&name.as_str()))
    }

    /// Whether all of our own tables are there.
    #[must_use]
    pub fn has_own_tables(&self) -> bool {
        OWN_TABLES.iter().all(|name| self.tables.contains_key(*name))
    }

    /// What is missing for the portal's work, table by table.
    #[must_use]
    pub fn lacks(&self) -> Vec<Lack> {
        PORTAL_TABLES.iter().flat_map(|(name, columns)| self.lacks_of(name, columns)).collect()
    }

    fn lacks_of(&self, name: &'static str, columns: &'static [&'static str]) -> Vec<Lack> {
        let Some(table) = self.table(name) else { return vec![Lack::Table(name)] };
        let missing = columns.iter().filter(|column| table.column(column).is_none());
        let demands = table.columns.iter().filter(|column| {
            !columns.contains(&column.name.as_str())
                && !column.nullable
                && !column.has_default
                && !column.generated
        });
        let key = table.primary_key.is_empty().then_some(Lack::Key(name));
        missing
            .map(|column| Lack::Column(name, column))
            .chain(demands.map(|column| Lack::Demand(name, column.name.as_str().to_owned())))
            .chain(key)
            .collect()
    }

    /// What is missing for values of this column, if so.
    #[must_use]
    pub fn lacks_column(&self, table: &str, column: &str) -> Option<Lack> {
        self.lacks().into_iter().find(|lack| match lack {
            Lack::Table(name) => *name == table,
            Lack::Column(name, missing) => *name == table && *missing == column,
            Lack::Demand(..) | Lack::Key(_) => false,
        })
    }

    /// Why no row can be created in this table, if so.
    #[must_use]
    pub fn refuses_create(&self, table: &str) -> Option<Lack> {
        self.lacks().into_iter().find(|lack| {
            lack.table() == table && matches!(lack, Lack::Table(_) | Lack::Demand(..) | Lack::Key(_))
        })
    }

    /// Whether this is a portal's database at all.
    ///
    /// # Errors
    /// Says which table or columns are missing.
    pub fn is_portal(&self) -> Result<()> {
        if self.is_empty() {
            return Err(Error::new(
                Kind::Usage,
                "The database is empty: table auth_user is missing. 'portaldesk init' makes a new portal in it.",
            ));
        }
        let Some(users) = self.table("auth_user") else {
            return Err(Error::new(
                Kind::Usage,
                "This is not a portal's database: table auth_user is missing. Check the database's name.",
            ));
        };
        let missing: Vec<_> =
            ESSENTIAL.iter().copied().filter(|column| users.column(column).is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            Kind::Usage,
            format!(
                "This is not a portal that portaldesk can run: auth_user has no column {}.",
                missing.join(", ")
            ),
        ))
    }
}

impl Table {
    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.as_str() == name)
    }

    /// Whether exactly these columns, in any order, are kept unique.
    #[must_use]
    pub fn is_unique(&self, columns: &[&str]) -> bool {
        self.uniques.iter().any(|unique| {
            unique.len() == columns.len() && columns.iter().all(|c| unique.iter().any(|u| u == c))
        })
    }

    /// Whether some index starts with this column.
    #[must_use]
    pub fn is_indexed(&self, column: &str) -> bool {
        self.indexes.iter().any(|index| index.first().is_some_and(|first| first == column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, nullable: bool, has_default: bool) -> Column {
        let name = Ident::new(name).unwrap();
        Column {
            name,
            kind: ColumnKind::Text,
            sql_type: "text".into(),
            length: None,
            nullable,
            has_default,
            generated: false,
        }
    }

    fn portal() -> Schema {
        let tables = PORTAL_TABLES.iter().map(|(name, columns)| {
            let table = Table {
                name: Ident::new(name).unwrap(),
                columns: columns.iter().map(|name| column(name, false, false)).collect(),
                primary_key: vec![columns[0].to_owned()],
                uniques: vec![vec![columns[0].to_owned()]],
                indexes: vec![vec![columns[0].to_owned()]],
            };
            ((*name).to_owned(), table)
        });
        Schema { tables: tables.collect(), foreign_keys: Vec::new() }
    }

    #[test]
    fn a_whole_portal_lacks_nothing() {
        assert_eq!(portal().lacks(), []);
        assert!(portal().is_portal().is_ok());
        assert!(!portal().is_empty());
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut schema = portal();
        schema.tables.remove("core_department");
        let users = schema.tables.get_mut("auth_user").unwrap();
        users.columns.retain(|column| column.name.as_str() != "email");
        users.columns.push(column("badge", false, false));
        users.columns.push(column("nickname", true, false));
        users.columns.push(column("level", false, true));
        assert_eq!(
            schema.lacks(),
            [
                Lack::Column("auth_user", "email"),
                Lack::Demand("auth_user", "badge".into()),
                Lack::Table("core_department")
            ]
        );
        assert_eq!(schema.refuses_create("auth_user"), Some(Lack::Demand("auth_user", "badge".into())));
        assert_eq!(schema.refuses_create("auth_group"), None);
        schema.tables.remove("auth_user");
        assert!(schema.is_portal().unwrap_err().message.contains("auth_user"));
    }

    #[test]
    fn our_own_tables_do_not_make_a_portal() {
        let mut schema = Schema::default();
        let table = portal().tables["auth_group"].clone();
        for name in OWN_TABLES {
            schema.tables.insert(name.to_owned(), table.clone());
        }
        assert!(schema.is_empty() && schema.has_own_tables());
        assert!(schema.is_portal().unwrap_err().message.contains("init"));
    }
}
