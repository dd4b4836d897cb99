//! `doctor`: everything that stands in the way, and what to do about it. It changes nothing; with `--against` it makes an
//! account, and removes it.

mod against;
mod settings;
mod terminal;

use std::time::Duration;

use serde_json::json;

use super::args;
use super::json;
use super::open;
use super::output::{Output, Paint};
use crate::config::{Config, Environment, Flags, origins};
use crate::db::{Cancel, Db};
use crate::directory::doctor::{Item, Status, examine};
use crate::error::{Error, Kind, Result};
use crate::text;

/// Asks everything that can be asked, whatever else fails, and prints it.
///
/// Exit: 0 without warnings and problems, else 1; 2 where the configuration is broken; 3 where the database can't be
/// reached.
///
/// # Errors
/// When the result can't be printed.
pub(super) async fn run(
    flags: &Flags,
    wanted: &args::Doctor,
    ticket: Option<String>,
    cancel: &Cancel,
    output: &mut Output,
) -> Result<u8> {
    let mut items = vec![settings::whose()];
    let mut code;
    let environment = Environment::of_process();
    let loaded = Config::load(flags, &environment)
        .and_then(|config| Ok((origins(flags, &environment, &config)?, config)));
    match loaded {
        Ok((origins, config)) => {
            let (about, is_broken) = settings::answers(&config, &origins);
            items.extend(about);
            code = is_broken.then(|| Kind::Usage.exit_code());
            match database(&config, cancel).await {
                Ok(about) => {
                    items.extend(about);
                    items.extend(against(&config, wanted, ticket, cancel, output).await?);
                }
                Err(error) => {
                    items.push(unreachable(&config, &error));
                    code = code.or(Some(Kind::Unreachable.exit_code()));
                }
            }
        }
        Err(error) => {
            items.push(
                Item::new("configuration", "settings", Status::Problem, error.message)
                    .mend("Mend it and ask again; the database could not be looked at so far."),
            );
            code = Some(Kind::Usage.exit_code());
        }
    }
    items.extend(terminal::answers(|name| std::env::var(name).ok()));
    print(&items, output)?;
    let worst = items.iter().map(|item| item.status).max().unwrap_or(Status::Ok);
    Ok(code.unwrap_or(u8::from(worst >= Status::Warning)))
}

fn print(items: &[Item], output: &mut Output) -> Result<()> {
    let listed: Vec<_> = items
        .iter()
        .map(|item| {
            json!({
                "area": item.area,
                "name": item.name,
                "status": item.status.name(),
                "message": item.message,
                "remedy": item.remedy,
            })
        })
        .collect();
    let paint = output.paint();
    output.result(&json::list("doctor", &listed, listed.len() as u64), || in_words(items, paint))
}

/// What the portal's own program says, where it is to be asked.
///
/// # Errors
/// Interrupted, when it was stopped meanwhile.
async fn against(
    config: &Config,
    wanted: &args::Doctor,
    ticket: Option<String>,
    cancel: &Cancel,
    output: &mut Output,
) -> Result<Vec<Item>> {
    let Some([python, file]) = wanted.against.as_deref() else { return Ok(Vec::new()) };
    let limit = Duration::from_secs(wanted.against_seconds);
    let manage = match against::Manage::new(python, file, limit, cancel) {
        Ok(manage) => manage,
        Err(error) => return Ok(vec![against::not_asked(&error.message)]),
    };
    let portal = match open::portal(config, ticket, cancel, output).await {
        Ok(portal) => portal,
        Err(error) => return Ok(vec![against::not_asked(&error.message)]),
    };
    let items = against::answers(&portal, &manage, output).await;
    if cancel.is_requested() {
        return Err(Error::new(Kind::Interrupted, "Stopped before the portal had answered everything."));
    }
    Ok(items)
}

async fn database(config: &Config, cancel: &Cancel) -> Result<Vec<Item>> {
    if let Some(path) = open::missing_file(&config.portal.target) {
        return Err(Error::unreachable(format!("the database file {} does not exist", path.display())));
    }
    let db = Db::open(&config.portal.target).await?.cancellable(cancel);
    Ok(examine(&db, open::settings(config)).await)
}

fn unreachable(config: &Config, error: &Error) -> Item {
    let message = format!("{}: {}", config.portal.target, error.message);
    let item = Item::new("connection", "database", Status::Problem, message);
    if open::missing_file(&config.portal.target).is_some() {
        return item.mend("portaldesk init makes one; or name the portal's database in the configuration.");
    }
    item
}

/// A heading an area, a line an answer, what to do below it.
fn in_words(items: &[Item], paint: Paint) -> String {
    let mut out = Vec::new();
    let mut area = "";
    for item in items {
        if item.area != area {
            area = item.area;
            out.push(area.to_owned());
        }
        let sign = match item.status {
            Status::Ok => "ok      ".to_owned(),
            Status::Note => "note    ".to_owned(),
            Status::Warning => paint.yellow("warning "),
            Status::Problem => paint.red("problem "),
        };
        let mut lines = item.message.lines().map(text::safe);
        out.push(format!("  {sign} {}: {}", text::safe(&item.name), lines.next().unwrap_or_default()));
        out.extend(lines.map(|line| format!("           {line}")));
        let remedy = item.remedy.iter().flat_map(|remedy| remedy.lines());
        out.extend(remedy.map(|line| format!("           → {}", text::safe(line))));
    }
    let count = |status, word: &str| match items.iter().filter(|item| item.status == status).count() {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    };
    out.push(format!("{}, {}", count(Status::Problem, "problem"), count(Status::Warning, "warning")));
    out.join("\n") + "\n"
}
