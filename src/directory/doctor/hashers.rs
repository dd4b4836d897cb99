//! Which algorithms the portal's passwords have, and how new ones would be hashed.

use super::super::{Hasher, Portal, passwords};
use super::{Item, Status};
use crate::db::Sql;
use crate::error::Result;
use crate::portal::password::Algorithm;

const AREA: &str = "hashers";

/// Hashers that Django has or had and that are not verified here, by how their values begin.
const UNSUPPORTED: [&str; 6] = ["md5$", "sha1$", "unsalted_md5$", "crypt$", "bcrypt$", "unsalted_sha1$"];

pub(super) async fn answers(portal: &Portal) -> Vec<Item> {
    let mut items = rows(portal).await.unwrap_or_else(|error| vec![Item::failed(AREA, "passwords", &error)]);
    items.push(match passwords::recipe(portal).await {
        Ok(recipe) => {
            let why = match portal.settings.hasher {
                Hasher::Auto => "as the portal's newest passwords, or the default where there is none",
                _ => "by configuration",
            };
            Item::new(AREA, "new passwords", Status::Ok, format!("{} ({why})", recipe.cost()))
        }
        Err(error) => Item::failed(AREA, "new passwords", &error),
    });
    items
}

/// Counts the values by how they begin, in the database: no value leaves it, because one may be a password in the clear.
async fn rows(portal: &Portal) -> Result<Vec<Item>> {
    let mut sql = Sql::new("SELECT kind, COUNT(*) FROM (SELECT CASE WHEN password LIKE '!%' THEN 'unusable'");
    for algorithm in Algorithm::ALL {
        sql = begins(sql, &format!("{}$", algorithm.name()), algorithm.name());
    }
    for prefix in UNSUPPORTED {
        sql = begins(sql, prefix, prefix.trim_end_matches('$'));
    }
    let sql = sql.push(" ELSE 'other' END AS kind FROM auth_user) kinds GROUP BY kind ORDER BY 2 DESC");
    let mut items = Vec::new();
    for row in portal.db.all(sql).await? {
        items.push(kind(&row.text(0)?, row.int(1)?));
    }
    Ok(items)
}

fn begins(sql: Sql, prefix: &str, name: &str) -> Sql {
    let pattern = format!("{}%", crate::db::like_text(prefix));
    sql.push_bind(" WHEN password LIKE ?", pattern).push(" ESCAPE '!'").push_bind(" THEN ?", name)
}

fn kind(name: &str, count: i64) -> Item {
    let accounts = if count == 1 { "1 account".to_owned() } else { format!("{count} accounts") };
    match name {
        "unusable" => Item::new(AREA, name, Status::Ok, format!("{accounts} without a password")),
        "other" => {
            Item::new(AREA, "malformed", Status::Warning, format!("{accounts} with a value that is no hash"))
                .mend("portaldesk user why NAME tells which; set a new password, or make it unusable.")
        }
        _ if Algorithm::from_name(name).is_none() => {
            Item::new(AREA, name, Status::Warning, format!("{accounts} that can't be verified here")).mend(
                "They can't sign in to portaldesk. Set new passwords, also because these hashes are weak.",
            )
        }
        "argon2" | "bcrypt_sha256" => {
            let library = if name == "argon2" { "argon2-cffi" } else { "bcrypt" };
            Item::new(AREA, name, Status::Ok, format!("{accounts}; the portal needs {library} to read them"))
        }
        _ => Item::new(AREA, name, Status::Ok, accounts),
    }
}
