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
    let mut say = |name: &str, status, message: String, remedy: Option<&str>| {
        let item = Item::new("server", name, status, message);
        items.push(match remedy {
            Some(remedy) => item.mend(remedy),
            None => item,
        });
    };
    if settings.read_only {
        let words = "the server takes no writes: a replica, a standby, or set so";
        say(
            "read only",
            Status::Warning,
            words.to_owned(),
            Some("Name the primary server in the configuration."),
        );
    }
    if let Some(mode) = &settings.sql_mode {
        if mode.contains("STRICT_TRANS_TABLES") || mode.contains("STRICT_ALL_TABLES") {
            say("sql_mode", Status::Ok, "strict".to_owned(), None);
        } else {
            let words = "not strict: other programs may cut values without a word. portaldesk's own connections are strict";
            let remedy =
                "SET GLOBAL sql_mode = CONCAT(@@GLOBAL.sql_mode, ',STRICT_TRANS_TABLES'); also in my.cnf";
            say("sql_mode", Status::Warning, words.to_owned(), Some(remedy));
        }
    }
    if let Some(set) = settings.character_set.as_deref().filter(|set| *set != "utf8mb4") {
        let words = format!("the database's is {set}, which can't hold every name");
        let remedy = "ALTER DATABASE … CHARACTER SET utf8mb4, and CONVERT its tables, after a backup";
        say("character set", Status::Warning, words, Some(remedy));
    }
    if let Some(isolation) = &settings.isolation {
        let words = format!("{isolation} for other programs; portaldesk writes in READ COMMITTED");
        say("isolation", Status::Ok, words, None);
    }
    match settings.binlog_format.as_deref() {
        Some("STATEMENT") => say(
            "binlog_format",
            Status::Problem,
            "STATEMENT: the server refuses writes in READ COMMITTED".to_owned(),
            Some("SET GLOBAL binlog_format = 'ROW'; also in my.cnf"),
        ),
        Some(format) => say("binlog_format", Status::Ok, format.to_owned(), None),
        None => {}
    }
    if !settings.galera.is_empty() {
        let state: Vec<String> =
            settings.galera.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let is = |name: &str, wanted: &str| {
            settings.galera.iter().any(|(known, value)| known == name && value == wanted)
        };
        if is("wsrep_ready", "ON") && is("wsrep_cluster_status", "Primary") {
            say("galera", Status::Ok, state.join(", "), None);
        } else {
            let remedy = "This node can't commit: use another one, or bring the cluster back to a majority.";
            say("galera", Status::Problem, state.join(", "), Some(remedy));
        }
    }
    if !settings.without_transactions.is_empty() {
        let tables: Vec<String> = settings
            .without_transactions
            .iter()
            .map(|(table, engine)| format!("{table} ({engine})"))
            .collect();
        let words = format!("without transactions, so nothing there is rolled back: {}", tables.join(", "));
        say("engines", Status::Problem, words, Some("ALTER TABLE … ENGINE=InnoDB, after a backup"));
    }
    if let Some(mode) = &settings.journal_mode {
        say("journal mode", Status::Ok, mode.clone(), None);
    }
    items
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
