//! What PostgreSQL says an account may do, by whatever way it came to it.

use super::{Grants, Need, Privilege, Remark, WORK, listed};
use crate::db::{Db, DbError, Row, Sql};

/// The tables of the current schema: name, the four rights, whether it is the account's own, and the rights that nobody
/// here needs.
const TABLES: &str = "SELECT CAST(c.relname AS text), has_table_privilege(c.oid, 'SELECT'), \
     has_table_privilege(c.oid, 'INSERT'), has_table_privilege(c.oid, 'UPDATE'), has_table_privilege(c.oid, 'DELETE'), \
     pg_has_role(c.relowner, 'USAGE'), has_table_privilege(c.oid, 'TRUNCATE'), has_table_privilege(c.oid, 'TRIGGER'), \
     has_table_privilege(c.oid, 'REFERENCES') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') ORDER BY c.relname";

/// The sequences that fill ids, with their table. An identity column needs no right of its own.
const SEQUENCES: &str = "SELECT CAST(s.relname AS text), CAST(t.relname AS text), has_sequence_privilege(s.oid, 'USAGE') \
     FROM pg_class s JOIN pg_depend d ON d.objid = s.oid AND d.deptype = 'a' JOIN pg_class t ON t.oid = d.refobjid \
     JOIN pg_namespace n ON n.oid = s.relnamespace WHERE s.relkind = 'S' AND n.nspname = current_schema() \
     ORDER BY s.relname";

/// The account, the schema, the account's attributes, and who may make tables.
const ACCOUNT: &str = "SELECT CAST(current_user AS text), CAST(current_schema() AS text), r.rolsuper, r.rolcreaterole, \
     r.rolcreatedb, r.rolbypassrls, has_schema_privilege(current_schema(), 'CREATE'), \
     has_schema_privilege('public', current_schema(), 'CREATE'), \
     (SELECT pg_has_role(n.nspowner, 'USAGE') FROM pg_namespace n WHERE n.nspname = current_schema()) \
     FROM pg_roles r WHERE r.rolname = current_user";

pub(super) async fn compare(db: &Db, needs: &[Need]) -> Result<Grants, DbError> {
    let about = db.one(Sql::new(ACCOUNT)).await?;
    let (account, schema) = (quoted(&about.text(0)?), quoted(&about.text(1)?));
    let mut grants = Grants { account: account.clone(), ..Grants::default() };
    let tables = db.all(Sql::new(TABLES)).await?;
    let sequences = db.all(Sql::new(SEQUENCES)).await?;
    for (table, needed) in needs {
        let Some(row) = named(&tables, table)? else { continue };
        let mut lacks = Vec::new();
        for privilege in needed {
            let place = 1 + Privilege::ALL.iter().position(|known| known == privilege).unwrap_or(0);
            if !row.bool(place)? {
                lacks.push(*privilege);
            }
        }
        if !lacks.is_empty() {
            let lacks = listed(&lacks);
            grants.missing.push(Remark {
                what: format!("{lacks} on {table}"),
                statements: vec![format!("GRANT {lacks} ON {schema}.{} TO {account}", quoted(table))],
            });
        }
        if needed.contains(&Privilege::Insert) {
            add_sequences(&mut grants, &sequences, table, &schema)?;
        }
    }
    if about.bool(2)? {
        grants.excess.push(Remark {
            what: "the account is a superuser of the server; give portaldesk one of its own".to_owned(),
            statements: vec![
                "CREATE ROLE portaldesk LOGIN PASSWORD '…'".to_owned(),
                format!("GRANT {WORK} ON ALL TABLES IN SCHEMA {schema} TO portaldesk"),
                format!("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO portaldesk"),
            ],
        });
        return Ok(grants);
    }
    for (place, word) in [(3, "CREATEROLE"), (4, "CREATEDB"), (5, "BYPASSRLS")] {
        if about.bool(place)? {
            grants.excess.push(Remark {
                what: format!("the account has {word}"),
                statements: vec![format!("ALTER ROLE {account} NO{word}")],
            });
        }
    }
    add_create(&mut grants, &about, &schema)?;
    add_excess(&mut grants, &tables, &schema)?;
    Ok(grants)
}

fn named<'a>(rows: &'a [Row], name: &str) -> Result<Option<&'a Row>, DbError> {
    for row in rows {
        if row.text(0)? == name {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

fn add_sequences(grants: &mut Grants, sequences: &[Row], table: &str, schema: &str) -> Result<(), DbError> {
    for row in sequences {
        if row.text(1)? == table && !row.bool(2)? {
            let name = row.text(0)?;
            grants.missing.push(Remark {
                what: format!("USAGE on the sequence {name}"),
                statements: vec![format!(
                    "GRANT USAGE, SELECT ON SEQUENCE {schema}.{} TO {}",
                    quoted(&name),
                    grants.account
                )],
            });
        }
    }
    Ok(())
}

/// Making tables is needed only while ours are made.
fn add_create(grants: &mut Grants, about: &Row, schema: &str) -> Result<(), DbError> {
    let (may, everyone, owns) = (about.bool(6)?, about.bool(7)?, about.bool(8)?);
    if !may {
        return Ok(());
    }
    if owns {
        grants
            .notes
            .push(format!("The account owns the schema {schema}, so it may make and drop tables there."));
        return Ok(());
    }
    let whom = if everyone { "PUBLIC" } else { grants.account.as_str() };
    let statement = format!("REVOKE CREATE ON SCHEMA {schema} FROM {whom}");
    grants
        .excess
        .push(Remark { what: format!("CREATE on the schema {schema}"), statements: vec![statement] });
    Ok(())
}

fn add_excess(grants: &mut Grants, tables: &[Row], schema: &str) -> Result<(), DbError> {
    let mut owned = Vec::new();
    for row in tables {
        let name = row.text(0)?;
        if row.bool(5)? {
            owned.push(name);
            continue;
        }
        let mut names = Vec::new();
        for (place, word) in [(6, "TRUNCATE"), (7, "TRIGGER"), (8, "REFERENCES")] {
            if row.bool(place)? {
                names.push(word);
            }
        }
        if !names.is_empty() {
            let names = names.join(", ");
            let statement = format!("REVOKE {names} ON {schema}.{} FROM {}", quoted(&name), grants.account);
            grants.excess.push(Remark { what: format!("{names} on {name}"), statements: vec![statement] });
        }
    }
    if !owned.is_empty() {
        grants.notes.push(format!(
            "The account owns {} of the tables, so it may alter and drop them. portaldesk needs no ownership; an account \
             of its own with the grants of `portaldesk init --dry-run` is safer.",
            owned.len()
        ));
    }
    Ok(())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
