//! Looks for damage below the rows: pages and indexes that an engine can't read or that contradict each other. It reads the
//! whole database.

use std::io::Read as _;
use std::path::Path;

use super::{Address, Db, DbError, DbErrorKind, Dialect, Ident, Sql};

/// Something damaged: the table, where the engine names one, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The table.
    pub table: Option<String>,
    /// The engine's own words, unsafe to print.
    pub what: String,
}

/// Lines that are kept of what SQLite says; more of them tell nothing new.
const MOST: i64 = 100;

/// Looks through these tables, on SQLite through the whole file.
///
/// # Errors
/// Denied, when the engine needs an extension or a right for it; what else the engine says.
pub async fn look(db: &Db, tables: &[Ident]) -> Result<Vec<Damage>, DbError> {
    match db.dialect() {
        Dialect::Sqlite => sqlite(db).await,
        Dialect::MySql => mysql(db, tables).await,
        Dialect::Postgres => postgres(db, tables).await,
    }
}

async fn sqlite(db: &Db) -> Result<Vec<Damage>, DbError> {
    let mut found: Vec<Damage> = Vec::new();
    let mut add = |what: String| found.push(Damage { table: None, what });
    if let Address::File(path) = &db.target().address {
        let path = path.clone();
        let header = tokio::task::spawn_blocking(move || header_fault(&path)).await;
        header.ok().flatten().into_iter().for_each(&mut add);
    }
    match db.all(Sql::new("PRAGMA integrity_check(").number(MOST).push(")")).await {
        Ok(rows) => {
            for row in rows {
                row.text(0)?.lines().filter(|line| is_damage(line)).map(str::to_owned).for_each(&mut add);
            }
        }
        Err(error) if error.kind == DbErrorKind::NotADatabase => add(error.message),
        Err(error) => return Err(error),
    }
    Ok(found)
}

/// Whether a line of SQLite's speaks of pages and indexes, and not of a value that a constraint forbids: a row can be
/// edited, and other checks tell it.
fn is_damage(line: &str) -> bool {
    let is_value = line.starts_with("NULL value in ") || line.starts_with("CHECK constraint failed in ");
    line != "ok" && !line.starts_with("*** in database") && !is_value
}

/// What is wrong with the first page of a file, and with its length.
fn header_fault(path: &Path) -> Option<String> {
    let mut file = std::fs::File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let mut header = [0_u8; 100];
    if file.read_exact(&mut header).is_err() {
        return (length > 0).then(|| format!("the file has only {length} bytes"));
    }
    judge_header(&header, length)
}

/// By the file format: <https://www.sqlite.org/fileformat.html#the_database_header>.
fn judge_header(header: &[u8; 100], length: u64) -> Option<String> {
    if !header.starts_with(b"SQLite format 3\0") {
        return Some("the file does not begin as an SQLite database does".to_owned());
    }
    let number = |at: usize| {
        u64::from(u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]))
    };
    let page = match u64::from(u16::from_be_bytes([header[16], header[17]])) {
        1 => 65_536,
        size => size,
    };
    if !page.is_power_of_two() || page < 512 {
        return Some(format!("its header names an impossible size of pages: {page}"));
    }
    // The number of pages counts only if the program that changed the file last knew of it.
    let pages = if number(24) == number(92) { number(28) } else { 0 };
    (length < pages * page).then(|| format!("the file was cut short: {length} bytes of {}", pages * page))
}

async fn mysql(db: &Db, tables: &[Ident]) -> Result<Vec<Damage>, DbError> {
    let mut found = Vec::new();
    for table in tables {
        for row in db.all(Sql::new("CHECK TABLE ").ident(table).unprepared()).await? {
            // Table, Op, Msg_type, Msg_text; a table without fault ends with a status of OK.
            let (kind, what) = (row.text(2)?, row.text(3)?);
            let is_fine = what == "OK" || what == "Table is already up to date";
            if !(kind == "note" || kind == "info" || (kind == "status" && is_fine)) {
                found.push(Damage { table: Some(table.as_str().to_owned()), what });
            }
        }
    }
    Ok(found)
}

async fn postgres(db: &Db, tables: &[Ident]) -> Result<Vec<Damage>, DbError> {
    let home = "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'amcheck'";
    let Some(home) = db.optional(Sql::new(home)).await? else {
        let why = "the extension amcheck is not installed here (CREATE EXTENSION amcheck, by a superuser)";
        return Err(DbError::new(DbErrorKind::Denied, why));
    };
    let home = Ident::new(&home.text(0)?)?;
    let indexes = "SELECT CAST(x.oid AS bigint), c.relname, x.relname FROM pg_index i \
                   JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid \
                   JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am a ON a.oid = x.relam \
                   WHERE n.nspname = current_schema() AND a.amname = 'btree' AND x.relkind = 'i' AND i.indisvalid \
                   AND c.relname IN (";
    let indexes =
        Sql::new(indexes).list(tables.iter().map(Ident::as_str)).push(") ORDER BY c.relname, x.relname");
    let mut found = Vec::new();
    for row in db.all(indexes).await? {
        // Every row of the table has to be in the index too.
        let sql = Sql::new("SELECT CAST(").ident(&home).push(".bt_index_check(");
        let sql = sql.push_bind("CAST(CAST(? AS bigint) AS oid), true) AS text)", row.int(0)?);
        match db.all(sql).await {
            Ok(_) => {}
            Err(error) if error.kind == DbErrorKind::Other => {
                found.push(Damage { table: Some(row.text(1)?), what: error.message });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(page: u16, pages: u32) -> [u8; 100] {
        let mut header = [0; 100];
        header[..16].copy_from_slice(b"SQLite format 3\0");
        header[16..18].copy_from_slice(&page.to_be_bytes());
        header[28..32].copy_from_slice(&pages.to_be_bytes());
        header
    }

    #[test]
    fn a_file_is_judged_by_its_first_bytes() {
        assert_eq!(judge_header(&header(4096, 10), 40_960), None);
        assert_eq!(judge_header(&header(1, 2), 131_072), None);
        assert!(judge_header(&header(4096, 10), 40_000).unwrap().contains("cut short"));
        assert!(judge_header(&header(1000, 10), 40_960).unwrap().contains("impossible"));
        assert!(judge_header(&[7; 100], 40_960).unwrap().contains("does not begin"));
        let mut stale = header(4096, 10);
        stale[27] = 1;
        assert_eq!(judge_header(&stale, 8_192), None, "an old program left the number of pages as it was");
    }

    #[test]
    fn forbidden_values_are_no_damage() {
        for line in ["ok", "NULL value in auth_user.email", "*** in database main ***"] {
            assert!(!is_damage(line), "{line}");
        }
        assert!(is_damage("Tree 3 page 3 cell 0: Rowid 5 out of order"));
        assert!(is_damage("row 4 missing from index auth_user_groups_group_id_97559544"));
    }
}
