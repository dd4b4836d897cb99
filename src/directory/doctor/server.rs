//! The connection, how it is protected, and the server's settings.

use super::{Item, Status};
use crate::db::{Db, Dialect, Tls, server};
use crate::error::{Error, Result};

pub(super) async fn connection(db: &Db) -> Vec<Item> {
    let mut items = Vec::new();
    let target = db.target();
    items.push(Item::new("connection", "database", Status::Ok, target.to_string()));
    let version = server::version(db).await;
    items.push(match &version {
        Ok(version) => Item::new("connection", "version", Status::Ok, version.clone()),
        Err(error) => Item::failed("connection", "version", &error.clone().into()),
    });
    items.push(round_trip(db).await.unwrap_or_else(|error| Item::failed("connection", "round trip", &error)));
    if db.dialect() != Dialect::Sqlite {
        let encrypted = server::encryption(db).await;
        match encrypted {
            Ok(encrypted) => {
                let is_mysql = version.is_ok_and(|version| version.starts_with("MySQL "));
                items.extend(tls(&target.tls, encrypted.as_deref(), is_mysql));
            }
            Err(error) => items.push(Item::failed("tls", "encryption", &error.into())),
        }
    }
    items
}

async fn round_trip(db: &Db) -> Result<Item> {
    /// A key that takes longer than this is felt.
    const SLOW: u128 = 100;
    let took = server::round_trip(db).await?;
    let millis = took.as_millis();
    let message = if millis == 0 { format!("{} µs", took.as_micros()) } else { format!("{millis} ms") };
    Ok(if millis < SLOW {
        Item::new("connection", "round trip", Status::Ok, message)
    } else {
        Item::new("connection", "round trip", Status::Note, message)
            .mend("Run portaldesk nearer to the database.")
    })
}

fn tls(tls: &Tls, encrypted: Option<&str>, is_mysql: bool) -> Vec<Item> {
    let how = encrypted.map_or_else(|| "not encrypted".to_owned(), |version| format!("encrypted, {version}"));
    let mut items = vec![match tls {
        Tls::NotNeeded => {
            Item::new("tls", "encryption", Status::Ok, format!("{how}: the bytes stay on this machine"))
        }
        Tls::Verified { ca_file: None } => {
            Item::new("tls", "encryption", Status::Ok, format!("{how}; the server's name was verified"))
        }
        Tls::Verified { ca_file: Some(file) } => {
            let message = format!("{how}; the server's name was verified, {} is trusted too", file.display());
            Item::new("tls", "encryption", Status::Ok, message)
        }
        Tls::Pinned(_) => Item::new(
            "tls",
            "encryption",
            Status::Ok,
            format!("{how}; the server showed the pinned certificate"),
        ),
        Tls::Unverified => Item::new(
            "tls",
            "encryption",
            Status::Warning,
            format!("{how}, but anyone may have answered"),
        )
        .mend("Verify the server: ca_file or pinned_certificate in the configuration, or an ssh -L tunnel."),
    }];
    if is_mysql && encrypted.is_none() {
        items.push(Item::new(
            "tls",
            "caching_sha2_password",
            Status::Note,
            "without TLS or a socket, accounts of MySQL 8 with caching_sha2_password can't sign in from here",
        ));
    }
    items
}

pub(super) async fn settings(db: &Db) -> Vec<Item> {
    match server::settings(db).await {
        Ok(settings) => about(&settings),
        Err(error) => vec![Item::failed("server", "settings", &Error::from(error))],
    }
}

fn about(settings: &server::Settings) -> Vec<Item> {
    let mut items = Vec::new();
    if settings.read_only {
        let words = "the server takes no writes: a replica, a standby, or set so";
        items.push(
            item("read only", Status::Warning, words).mend("Name the primary server in the configuration."),
        );
    }
    items.extend(settings.sql_mode.as_deref().map(sql_mode));
    if let Some(set) = settings.character_set.as_deref().filter(|set| *set != "utf8mb4") {
        let words = format!("the database's is {set}, which can't hold every name");
        let remedy = "ALTER DATABASE … CHARACTER SET utf8mb4, and CONVERT its tables, after a backup";
        items.push(item("character set", Status::Warning, words).mend(remedy));
    }
    if let Some(isolation) = &settings.isolation {
        let words = format!("{isolation} for other programs; portaldesk writes in READ COMMITTED");
        items.push(item("isolation", Status::Ok, words));
    }
    items.extend(settings.binlog_format.as_deref().map(binlog_format));
    if !settings.galera.is_empty() {
        items.push(galera(&settings.galera));
    }
    if !settings.without_transactions.is_empty() {
        let tables = settings.without_transactions.iter();
        let tables: Vec<String> = tables.map(|(table, engine)| format!("{table} ({engine})")).collect();
        let words = format!("without transactions, so nothing there is rolled back: {}", tables.join(", "));
        let remedy = "ALTER TABLE … ENGINE=InnoDB, after a backup";
        items.push(item("engines", Status::Problem, words).mend(remedy));
    }
    items.extend(settings.journal_mode.as_ref().map(|mode| item("journal mode", Status::Ok, mode.as_str())));
    items
}

fn item(name: &str, status: Status, words: impl Into<String>) -> Item {
    Item::new("server", name, status, words.into())
}

fn sql_mode(mode: &str) -> Item {
    if mode.contains("STRICT_TRANS_TABLES") || mode.contains("STRICT_ALL_TABLES") {
        return item("sql_mode", Status::Ok, "strict");
    }
    let words =
        "not strict: other programs may cut values without a word. portaldesk's own connections are strict";
    item("sql_mode", Status::Warning, words)
        .mend("SET GLOBAL sql_mode = CONCAT(@@GLOBAL.sql_mode, ',STRICT_TRANS_TABLES'); also in my.cnf")
}

fn binlog_format(format: &str) -> Item {
    if format != "STATEMENT" {
        return item("binlog_format", Status::Ok, format);
    }
    item("binlog_format", Status::Problem, "STATEMENT: the server refuses writes in READ COMMITTED")
        .mend("SET GLOBAL binlog_format = 'ROW'; also in my.cnf")
}

/// What a node of a cluster says of itself.
fn galera(said: &[(String, String)]) -> Item {
    let state: Vec<String> = said.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let is = |name: &str, wanted: &str| said.iter().any(|(known, value)| known == name && value == wanted);
    if is("wsrep_ready", "ON") && is("wsrep_cluster_status", "Primary") {
        return item("galera", Status::Ok, state.join(", "));
    }
    item("galera", Status::Problem, state.join(", "))
        .mend("This node can't commit: use another one, or bring the cluster back to a majority.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worst(settings: &server::Settings) -> Status {
        about(settings).iter().map(|item| item.status).max().unwrap_or(Status::Ok)
    }

    #[test]
    fn what_stops_writing_is_a_problem_and_what_hurts_others_a_warning() {
        let text = |text: &str| Some(text.to_owned());
        let quiet = server::Settings {
            sql_mode: text("STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"),
            isolation: text("REPEATABLE-READ"),
            binlog_format: text("ROW"),
            ..server::Settings::default()
        };
        assert_eq!(worst(&quiet), Status::Ok);
        assert_eq!(worst(&server::Settings { sql_mode: text(""), ..quiet.clone() }), Status::Warning);
        assert_eq!(worst(&server::Settings { read_only: true, ..quiet.clone() }), Status::Warning);
        assert_eq!(
            worst(&server::Settings { binlog_format: text("STATEMENT"), ..quiet.clone() }),
            Status::Problem
        );
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let galera = |status: &str| vec![pair("wsrep_ready", "ON"), pair("wsrep_cluster_status", status)];
        assert_eq!(worst(&server::Settings { galera: galera("Primary"), ..quiet.clone() }), Status::Ok);
        assert_eq!(
            worst(&server::Settings { galera: galera("non-Primary"), ..quiet.clone() }),
            Status::Problem
        );
        let without_transactions = vec![pair("auth_user", "MyISAM")];
        assert_eq!(worst(&server::Settings { without_transactions, ..quiet }), Status::Problem);
    }

    #[test]
    fn an_unverified_server_is_a_warning_whatever_it_encrypts() {
        let of = |how: &Tls, encrypted| tls(how, encrypted, false)[0].status;
        assert_eq!(of(&Tls::NotNeeded, None), Status::Ok);
        assert_eq!(of(&Tls::Verified { ca_file: None }, Some("TLSv1.3")), Status::Ok);
        assert_eq!(of(&Tls::Unverified, Some("TLSv1.3")), Status::Warning);
        assert_eq!(tls(&Tls::NotNeeded, None, true).len(), 2, "MySQL 8 without TLS");
    }
}
