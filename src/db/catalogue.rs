//! Reads an engine's catalogue into a [`Schema`]: one query each for columns, indexes and foreign keys.

use super::schema::{Column, ColumnKind, ForeignKey, Schema, Table};
use super::{Db, DbError, Dialect, Ident, Row, Sql};

/// Table, column, type as declared or to cast to, short type name, nullable, default, generated, place in the primary key
/// (SQLite only), the most characters (not on SQLite), ordered by table and place.
const SQLITE_COLUMNS: &str = "\
    SELECT m.name, c.name, c.type, c.type, c.\"notnull\" = 0, c.dflt_value IS NOT NULL, c.hidden IN (2, 3), c.pk, \
    NULL \
    FROM sqlite_master m JOIN pragma_table_xinfo(m.name, 'main') c \
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' AND m.sql NOT LIKE 'CREATE VIRTUAL%' \
    ORDER BY m.name, c.cid";
const MYSQL_COLUMNS: &str = "\
    SELECT c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE, c.DATA_TYPE, c.IS_NULLABLE = 'YES', \
    COALESCE(c.COLUMN_DEFAULT, 'NULL') <> 'NULL' OR c.EXTRA LIKE '%auto!_increment%' ESCAPE '!', \
    c.EXTRA LIKE '%VIRTUAL%' OR c.EXTRA LIKE '%STORED%' OR c.EXTRA LIKE '%PERSISTENT%', 0, \
    CAST(c.CHARACTER_MAXIMUM_LENGTH AS SIGNED) \
    FROM information_schema.COLUMNS c JOIN information_schema.TABLES t \
    ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME \
    WHERE c.TABLE_SCHEMA = DATABASE() AND t.TABLE_SCHEMA = DATABASE() AND t.TABLE_TYPE = 'BASE TABLE' \
    ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION";
// With -1 for the length, format_type names `bpchar` and `"bit"`, whose plain names mean a length of one.
const POSTGRES_COLUMNS: &str = "\
    SELECT c.relname, a.attname, format_type(a.atttypid, -1), y.typname, NOT a.attnotnull, \
    a.atthasdef OR a.attidentity <> '', a.attgenerated <> '', 0, \
    CASE WHEN y.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4 END \
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
    JOIN pg_type y ON y.oid = a.atttypid \
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped \
    ORDER BY c.relname, a.attnum";

/// Table, index, whether unique on whole columns and whole rows, whether primary key, column (NULL: an expression), ordered
/// by table, index and place.
const SQLITE_INDEXES: &str = "\
    SELECT m.name, l.name, l.\"unique\" = 1 AND l.partial = 0, l.origin = 'pk', i.name \
    FROM sqlite_master m JOIN pragma_index_list(m.name, 'main') l JOIN pragma_index_info(l.name, 'main') i \
    WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' AND l.partial = 0 \
    ORDER BY m.name, l.seq, i.seqno";
const MYSQL_INDEXES: &str = "\
    SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE = 0 AND SUB_PART IS NULL, INDEX_NAME = 'PRIMARY', COLUMN_NAME \
    FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() \
    ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX";
const POSTGRES_INDEXES: &str = "\
    SELECT c.relname, x.relname, i.indisunique, i.indisprimary, a.attname \
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid \
    JOIN pg_namespace n ON n.oid = c.relnamespace \
    CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY k(attnum, place) \
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND i.indisvalid AND i.indpred IS NULL \
    AND k.place <= i.indnkeyatts \
    ORDER BY c.relname, x.relname, k.place";

/// Table, column, table referred to, its column (NULL on SQLite: the primary key), what happens on deletion.
const SQLITE_FOREIGN_KEYS: &str = "\
    SELECT m.name, f.\"from\", f.\"table\", f.\"to\", f.on_delete \
    FROM sqlite_master m JOIN pragma_foreign_key_list(m.name, 'main') f \
    WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' \
    ORDER BY m.name, f.id, f.seq";
// What happens on deletion is hidden from an account that may only read; it deletes nothing.
const MYSQL_FOREIGN_KEYS: &str = "\
    SELECT k.TABLE_NAME, k.COLUMN_NAME, k.REFERENCED_TABLE_NAME, k.REFERENCED_COLUMN_NAME, \
    COALESCE(r.DELETE_RULE, 'NO ACTION') \
    FROM information_schema.KEY_COLUMN_USAGE k LEFT JOIN information_schema.REFERENTIAL_CONSTRAINTS r \
    ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME \
    AND r.TABLE_NAME = k.TABLE_NAME AND r.CONSTRAINT_SCHEMA = DATABASE() \
    WHERE k.TABLE_SCHEMA = DATABASE() AND k.REFERENCED_TABLE_SCHEMA = DATABASE() \
    ORDER BY k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION";
const POSTGRES_FOREIGN_KEYS: &str = "\
    SELECT c.relname, a.attname, d.relname, b.attname, \
    CASE k.confdeltype WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' \
    WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION' END \
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class d ON d.oid = k.confrelid \
    JOIN pg_namespace n ON n.oid = c.relnamespace \
    CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY u(here, there, place) \
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.here \
    JOIN pg_attribute b ON b.attrelid = d.oid AND b.attnum = u.there \
    WHERE k.contype = 'f' AND n.nspname = current_schema() AND d.relnamespace = c.relnamespace \
    ORDER BY c.relname, k.conname, u.place";

/// Reads everything.
pub(super) async fn read(db: &Db) -> Result<Schema, DbError> {
    let dialect = db.dialect();
    let [columns, indexes, keys] = match dialect {
        Dialect::Sqlite => [SQLITE_COLUMNS, SQLITE_INDEXES, SQLITE_FOREIGN_KEYS],
        Dialect::MySql => [MYSQL_COLUMNS, MYSQL_INDEXES, MYSQL_FOREIGN_KEYS],
        Dialect::Postgres => [POSTGRES_COLUMNS, POSTGRES_INDEXES, POSTGRES_FOREIGN_KEYS],
    };
    let mut schema = Schema::default();
    let columns = db.all(Sql::new(columns)).await?;
    for rows in columns.chunk_by(same_table) {
        let name = rows[0].text(0)?;
        match table(&name, rows, dialect) {
            Ok(table) => drop(schema.tables.insert(name, table)),
            Err(error) => tracing::warn!(%error, "a table is left alone"),
        }
    }
    let indexes = db.all(Sql::new(indexes)).await?;
    for rows in indexes.chunk_by(|a, b| same_table(a, b) && a.text(1) == b.text(1)) {
        if let Some(table) = schema.tables.get_mut(&rows[0].text(0)?) {
            add_index(table, rows)?;
        }
    }
    for row in db.all(Sql::new(keys)).await? {
        schema.foreign_keys.push(foreign_key(&row, &schema)?);
    }
    Ok(schema)
}

fn same_table(a: &Row, b: &Row) -> bool {
    a.text(0) == b.text(0)
}

fn table(name: &str, rows: &[Row], dialect: Dialect) -> Result<Table, DbError> {
    let mut columns = Vec::with_capacity(rows.len());
    let mut key = Vec::new();
    for row in rows {
        let column = column(row, dialect)?;
        if row.int(7)? > 0 {
            key.push((row.int(7)?, column.name.as_str().to_owned()));
        }
        columns.push(column);
    }
    key.sort();
    let primary_key: Vec<String> = key.into_iter().map(|(_, name)| name).collect();
    let mut table =
        Table { name: Ident::new(name)?, columns, primary_key, uniques: Vec::new(), indexes: Vec::new() };
    if let [only] = table.primary_key.as_slice() {
        // SQLite's INTEGER PRIMARY KEY is the row's own id: unique, found directly, and filled by the engine.
        let only = only.clone();
        let own_id = table
            .columns
            .iter_mut()
            .find(|column| column.name.as_str() == only && column.sql_type.eq_ignore_ascii_case("integer"));
        if let Some(own_id) = own_id {
            own_id.has_default = true;
            table.uniques.push(vec![only.clone()]);
            table.indexes.push(vec![only]);
        }
    }
    Ok(table)
}

fn column(row: &Row, dialect: Dialect) -> Result<Column, DbError> {
    let sql_type = row.text(2)?;
    let kind = match dialect {
        Dialect::Sqlite => sqlite_kind(&sql_type.to_ascii_lowercase()),
        Dialect::MySql => mysql_kind(&sql_type, &row.text(3)?),
        Dialect::Postgres => postgres_kind(&row.text(3)?),
    };
    Ok(Column {
        name: Ident::new(&row.text(1)?)?,
        kind,
        sql_type,
        length: row.int_opt(8)?.and_then(|length| u32::try_from(length).ok()),
        nullable: row.bool(4)?,
        has_default: row.bool(5)?,
        generated: row.bool(6)?,
    })
}

/// By the declared type, which SQLite itself hardly minds.
fn sqlite_kind(declared: &str) -> ColumnKind {
    let word = declared.split('(').next().unwrap_or_default().trim();
    match word {
        "bool" | "boolean" => ColumnKind::Bool,
        "datetime" | "timestamp" => ColumnKind::Time,
        "" | "blob" => ColumnKind::Bytes,
        "real" | "double" | "double precision" | "float" => ColumnKind::Real,
        _ if word.contains("int") => ColumnKind::Int,
        _ if word.contains("char") || word.contains("text") || word.contains("clob") => ColumnKind::Text,
        _ => ColumnKind::Other,
    }
}

fn mysql_kind(full: &str, short: &str) -> ColumnKind {
    match short {
        "tinyint" if full.starts_with("tinyint(1)") => ColumnKind::Bool,
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => ColumnKind::Int,
        "char" | "varchar" | "tinytext" | "text" | "mediumtext" | "longtext" => ColumnKind::Text,
        "datetime" | "timestamp" => ColumnKind::Time,
        // Geometries have no text that a cast would give.
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "bit" | "geometry"
        | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring" | "multipolygon"
        | "geometrycollection" | "geomcollection" => ColumnKind::Bytes,
        "float" | "double" => ColumnKind::Real,
        _ => ColumnKind::Other,
    }
}

fn postgres_kind(name: &str) -> ColumnKind {
    match name {
        "int2" | "int4" | "int8" => ColumnKind::Int,
        "bool" => ColumnKind::Bool,
        "text" | "varchar" | "bpchar" | "name" | "citext" => ColumnKind::Text,
        "timestamptz" | "timestamp" => ColumnKind::Time,
        "bytea" => ColumnKind::Bytes,
        "float4" | "float8" => ColumnKind::Real,
        _ => ColumnKind::Other,
    }
}

fn add_index(table: &mut Table, rows: &[Row]) -> Result<(), DbError> {
    let (mut columns, mut whole, mut primary) = (Vec::with_capacity(rows.len()), true, false);
    for row in rows {
        whole &= row.bool(2)?;
        primary |= row.bool(3)?;
        let Some(column) = row.text_opt(4)? else {
            whole = false;
            break;
        };
        columns.push(column);
    }
    if primary {
        table.primary_key.clone_from(&columns);
    }
    if whole && !table.uniques.contains(&columns) {
        table.uniques.push(columns.clone());
    }
    if !columns.is_empty() {
        table.indexes.push(columns);
    }
    Ok(())
}

fn foreign_key(row: &Row, schema: &Schema) -> Result<ForeignKey, DbError> {
    let to_table = row.text(2)?;
    let to_column = match row.text_opt(3)? {
        Some(column) => column,
        None => schema
            .table(&to_table)
            .and_then(|table| table.primary_key.first().cloned())
            .unwrap_or_else(|| "id".to_owned()),
    };
    Ok(ForeignKey { table: row.text(0)?, column: row.text(1)?, to_table, to_column, on_delete: row.text(4)? })
}
