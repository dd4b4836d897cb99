//! What Django makes of the portal's models: columns, unique constraints and references, with the names that Django itself
//! gives them, so that a later migration of the portal finds what we put back. `tests/story_schema.rs` holds the names against
//! Django's own tables, `tests/clean.rs` the rest.

use super::Dialect;
use super::schema::ColumnKind;

/// A column as the model has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether it takes NULL.
    pub null: bool,
    /// The most characters that it takes; none where it is no text, or one of any length.
    pub length: Option<u32>,
}

/// Columns that are unique together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unique {
    /// The table.
    pub table: &'static str,
    /// Its columns.
    pub columns: &'static [&'static str],
    /// The name that Django gives to a constraint that it adds later: with a digest of the table and the columns.
    name: &'static str,
}

/// A column that refers to the `id` of another table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The table.
    pub table: &'static str,
    /// Its column.
    pub column: &'static str,
    /// The table referred to.
    pub to_table: &'static str,
    /// Django's name of the foreign key, on MySQL and PostgreSQL. SQLite's have none.
    pub name: &'static str,
}

/// The columns of every table of the portal's, in the order of [`super::schema::PORTAL_TABLES`].
pub const TABLES: [(&str, &[Field]); 12] = [
    (
        "auth_user",
        &[
            ID,
            text("password", 128),
            time("last_login").or_null(),
            bool("is_superuser"),
            text("username", 150),
            text("first_name", 150),
            text("last_name", 150),
            text("email", 254),
            bool("is_staff"),
            bool("is_active"),
            time("date_joined"),
        ],
    ),
    ("auth_group", &[ID, text("name", 150)]),
    ("auth_permission", &[ID, text("name", 255), int("content_type_id"), text("codename", 100)]),
    ("auth_user_groups", &[ID, int("user_id"), int("group_id")]),
    ("auth_user_user_permissions", &[ID, int("user_id"), int("permission_id")]),
    ("auth_group_permissions", &[ID, int("group_id"), int("permission_id")]),
    ("django_content_type", &[ID, text("app_label", 100), text("model", 100)]),
    (
        "django_admin_log",
        &[
            ID,
            time("action_time"),
            long_text("object_id").or_null(),
            text("object_repr", 200),
            int("action_flag"),
            long_text("change_message"),
            int("content_type_id").or_null(),
            int("user_id"),
        ],
    ),
    ("django_session", &[text("session_key", 40), long_text("session_data"), time("expire_date")]),
    ("django_migrations", &[ID, text("app", 255), text("name", 255), time("applied")]),
    (
        "core_userprofile",
        &[
            ID,
            text("phone_number", 15).or_null(),
            text("main_portal_id", 100).or_null(),
            time("created_at"),
            time("updated_at"),
            int("user_id"),
            int("department_id").or_null(),
            bool("email_notifications"),
        ],
    ),
    (
        "core_department",
        &[ID, text("name", 100), long_text("description"), bool("is_active"), time("created_at")],
    ),
];

/// One user, one profile.
pub const PROFILE_USER: Unique = Unique {
    table: "core_userprofile",
    columns: &["user_id"],
    name: "core_userprofile_user_id_5141ad90_uniq",
};

/// What was unique before the portal's migration 0004.
pub const LEGACY_PORTAL_ID: Unique = Unique {
    table: "core_userprofile",
    columns: &["main_portal_id"],
    name: "core_userprofile_main_portal_id_12e58eea_uniq",
};

/// What else the portal relies on to be unique: names, links, content types.
pub const UNIQUES: [Unique; 7] = [
    Unique { table: "auth_user", columns: &["username"], name: "auth_user_username_6821ab7c_uniq" },
    Unique { table: "auth_group", columns: &["name"], name: "auth_group_name_a6ea08ec_uniq" },
    Unique { table: "core_department", columns: &["name"], name: "core_department_name_44a68fd4_uniq" },
    Unique {
        table: "auth_user_groups",
        columns: &["user_id", "group_id"],
        name: "auth_user_groups_user_id_group_id_94350c0c_uniq",
    },
    Unique {
        table: "auth_user_user_permissions",
        columns: &["user_id", "permission_id"],
        name: "auth_user_user_permissions_user_id_permission_id_14a6b632_uniq",
    },
    Unique {
        table: "auth_group_permissions",
        columns: &["group_id", "permission_id"],
        name: "auth_group_permissions_group_id_permission_id_0cd325b0_uniq",
    },
    Unique {
        table: "django_content_type",
        columns: &["app_label", "model"],
        name: "django_content_type_app_label_model_76bd3d3b_uniq",
    },
];

/// All references between the portal's own tables.
pub const REFERENCES: [Reference; 11] = [
    Reference {
        table: "auth_permission",
        column: "content_type_id",
        to_table: "django_content_type",
        name: "auth_permission_content_type_id_2f476e4b_fk_django_co",
    },
    Reference {
        table: "auth_user_groups",
        column: "user_id",
        to_table: "auth_user",
        name: "auth_user_groups_user_id_6a12ed8b_fk_auth_user_id",
    },
    Reference {
        table: "auth_user_groups",
        column: "group_id",
        to_table: "auth_group",
        name: "auth_user_groups_group_id_97559544_fk_auth_group_id",
    },
    Reference {
        table: "auth_user_user_permissions",
        column: "user_id",
        to_table: "auth_user",
        name: "auth_user_user_permissions_user_id_a95ead1b_fk_auth_user_id",
    },
    Reference {
        table: "auth_user_user_permissions",
        column: "permission_id",
        to_table: "auth_permission",
        name: "auth_user_user_permi_permission_id_1fbb5f2c_fk_auth_perm",
    },
    Reference {
        table: "auth_group_permissions",
        column: "group_id",
        to_table: "auth_group",
        name: "auth_group_permissions_group_id_b120cbf9_fk_auth_group_id",
    },
    Reference {
        table: "auth_group_permissions",
        column: "permission_id",
        to_table: "auth_permission",
        name: "auth_group_permissio_permission_id_84c5c92e_fk_auth_perm",
    },
    Reference {
        table: "django_admin_log",
        column: "content_type_id",
        to_table: "django_content_type",
        name: "django_admin_log_content_type_id_c4bce8eb_fk_django_co",
    },
    Reference {
        table: "django_admin_log",
        column: "user_id",
        to_table: "auth_user",
        name: "django_admin_log_user_id_c564eba6_fk_auth_user_id",
    },
    Reference {
        table: "core_userprofile",
        column: "user_id",
        to_table: "auth_user",
        name: "core_userprofile_user_id_5141ad90_fk_auth_user_id",
    },
    Reference {
        table: "core_userprofile",
        column: "department_id",
        to_table: "core_department",
        name: "core_userprofile_department_id_3c5d8762_fk_core_department_id",
    },
];

const ID: Field = int("id");

const fn field(name: &'static str, kind: ColumnKind, length: Option<u32>) -> Field {
    Field { name, kind, null: false, length }
}

const fn int(name: &'static str) -> Field {
    field(name, ColumnKind::Int, None)
}

const fn bool(name: &'static str) -> Field {
    field(name, ColumnKind::Bool, None)
}

const fn time(name: &'static str) -> Field {
    field(name, ColumnKind::Time, None)
}

const fn text(name: &'static str, length: u32) -> Field {
    field(name, ColumnKind::Text, Some(length))
}

const fn long_text(name: &'static str) -> Field {
    field(name, ColumnKind::Text, None)
}

impl Field {
    const fn or_null(self) -> Self {
        Self { null: true, ..self }
    }

    /// The column as Django makes it on this engine: `varchar(150) NOT NULL`.
    #[must_use]
    pub fn declared(&self, dialect: Dialect) -> String {
        let kind = match (self.kind, dialect) {
            (ColumnKind::Int, _) => "integer".to_owned(),
            (ColumnKind::Bool, Dialect::Sqlite) => "bool".to_owned(),
            (ColumnKind::Bool, Dialect::MySql) => "tinyint(1)".to_owned(),
            (ColumnKind::Bool, Dialect::Postgres) => "boolean".to_owned(),
            (ColumnKind::Time, Dialect::Sqlite) => "datetime".to_owned(),
            (ColumnKind::Time, Dialect::MySql) => "datetime(6)".to_owned(),
            (ColumnKind::Time, Dialect::Postgres) => "timestamp with time zone".to_owned(),
            (_, dialect) => match (self.length, dialect) {
                (Some(length), _) => format!("varchar({length})"),
                (None, Dialect::MySql) => "longtext".to_owned(),
                (None, _) => "text".to_owned(),
            },
        };
        format!("{kind} {}", if self.null { "NULL" } else { "NOT NULL" })
    }
}

impl Unique {
    /// The names that Django would give it, the one of a new table first. A column that is unique by itself is named by
    /// the engine there.
    #[must_use]
    pub fn names(&self, dialect: Dialect) -> Vec<String> {
        let with_digest = self.name.to_owned();
        match (self.columns, dialect) {
            ([column], Dialect::MySql) => vec![(*column).to_owned(), with_digest],
            ([column], Dialect::Postgres) => vec![format!("{}_{column}_key", self.table), with_digest],
            _ => vec![with_digest],
        }
    }

    /// For people: `auth_user_groups (user_id, group_id)`.
    #[must_use]
    pub fn show(&self) -> String {
        format!("{} ({})", self.table, self.columns.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::schema::PORTAL_TABLES;

    #[test]
    fn every_table_and_column_is_described_once() {
        for ((table, fields), (name, columns)) in TABLES.iter().zip(&PORTAL_TABLES) {
            let fields: Vec<&str> = fields.iter().map(|field| field.name).collect();
            assert_eq!((table, fields.as_slice()), (name, *columns));
        }
    }
}
