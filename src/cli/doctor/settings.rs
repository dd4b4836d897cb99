//! The configuration: which file, where each setting comes from, and whether the state folder can be used.

use std::os::unix::fs::MetadataExt;

use crate::cli::actor;
use crate::config::{Config, Origin, paths};
use crate::directory::doctor::{Item, Status};
use crate::tui::start;

const AREA: &str = "configuration";

/// What there is to say, and whether something is so wrong that the screens would not open.
pub(super) fn answers(config: &Config, origins: &[Origin]) -> (Vec<Item>, bool) {
    let mut items = vec![file(config)];
    for origin in origins {
        let message = format!("{} ({})", origin.value, origin.from);
        items.push(Item::new(AREA, origin.setting, Status::Ok, message));
    }
    let keys = start::check_keys(config);
    if let Err(error) = &keys {
        items.push(
            Item::new(AREA, "keys", Status::Problem, error.message.clone()).mend("Mend [keys] in the file."),
        );
    }
    items.push(match paths::state_dir() {
        Ok(folder) => Item::new(AREA, "state folder", Status::Ok, folder.display().to_string()),
        Err(error) => Item::new(AREA, "state folder", Status::Warning, error.message)
            .mend("Without it no log is kept, and a portal that is only read takes no sign-in."),
    });
    (items, keys.is_err())
}

/// The file that was read; one with a secret that others could read would have been refused.
fn file(config: &Config) -> Item {
    let Some(path) = &config.file else {
        let places = paths::user_config().into_iter().chain([paths::machine_config()]);
        let places: Vec<String> = places.map(|path| path.display().to_string()).collect();
        return Item::new(AREA, "file", Status::Ok, format!("none, looked for {}", places.join(" and ")));
    };
    let shown = path.display();
    match path.metadata() {
        Ok(about) => {
            let mode = about.mode() & 0o7777;
            let message =
                format!("{shown}, uid {}, mode {mode:04o}; secrets in it are closed to others", about.uid());
            Item::new(AREA, "file", Status::Ok, message)
        }
        Err(why) => Item::new(AREA, "file", Status::Warning, format!("{shown}: {why}")),
    }
}

/// Whether roles bind whoever runs this: they bind only where somebody else may read the database's password.
pub(super) fn whose() -> Item {
    let user = actor::Origin::of_process().unix_user;
    if user.contains(" as ") {
        let message = format!("{user}: who may not read the configuration is bound by the roles");
        return Item::new(AREA, "account", Status::Ok, message);
    }
    let message = format!("{user}, for oneself: who can read the database's password is bound by no role");
    Item::new(AREA, "account", Status::Note, message)
        .mend("docs/safety.md tells how to run it as a service account.")
}
