//! What the account of the database may do: grants on a server, owner and mode of a file.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Item, Status};
use crate::db::grants::{self, Remark};
use crate::db::schema::{OWN_TABLES, Schema};
use crate::db::{Address, Db};

const AREA: &str = "grants";

pub(super) async fn rights(db: &Db, schema: &Schema) -> Vec<Item> {
    if let Address::File(path) = &db.target().address {
        return file(path);
    }
    // Without a table of ours nothing is written, so less is needed.
    let writes = !db.target().read_only && OWN_TABLES.iter().any(|name| schema.table(name).is_some());
    let found = match grants::compare(db, schema, writes).await {
        Ok(found) => found.unwrap_or_default(),
        Err(error) => return vec![Item::failed(AREA, "grants", &error.into())],
    };
    let item = |status, words: &str, remark: &Remark| {
        let statements = remark.statements.iter().map(|statement| format!("{statement};"));
        let item = Item::new(AREA, words, status, remark.what.clone());
        item.mend(statements.collect::<Vec<_>>().join("\n"))
    };
    let missing = if writes { Status::Problem } else { Status::Warning };
    let mut items: Vec<Item> = found.missing.iter().map(|remark| item(missing, "missing", remark)).collect();
    items.extend(found.excess.iter().map(|remark| item(Status::Warning, "not needed", remark)));
    if items.is_empty() {
        let what = if writes { "reading and writing" } else { "reading" };
        let message = format!("{} may do what {what} takes, and no more", found.account);
        items.push(Item::new(AREA, "account", Status::Ok, message));
    }
    items.extend(found.notes.iter().map(|note| Item::new(AREA, "account", Status::Note, note.clone())));
    items
}

/// Owner and mode of a database's file, and of the folder that its journal is made in.
fn file(path: &Path) -> Vec<Item> {
    let shown = path.display();
    let Ok(about) = path.metadata() else {
        return vec![Item::new(AREA, "file", Status::Problem, format!("{shown} can't be looked at"))];
    };
    let (own, mode) = (rustix::process::geteuid().as_raw(), about.mode() & 0o7777);
    let message = format!("{shown} belongs to uid {} and has mode {mode:04o}", about.uid());
    let mut items = Vec::new();
    let open = if mode & 0o002 != 0 {
        Some(Status::Problem)
    } else {
        (mode & 0o004 != 0).then_some(Status::Warning)
    };
    items.push(match open {
        Some(status) => {
            Item::new(AREA, "file", status, format!("{message}: open to everyone on this machine"))
                .mend(format!("chmod o-rw {shown}"))
        }
        None => Item::new(AREA, "file", Status::Ok, message),
    });
    if about.uid() != own && own != 0 {
        let message =
            format!("you are uid {own}; what is made beside the file will be yours and not its owner's");
        items.push(Item::new(AREA, "owner", Status::Note, message));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let may = |path: &Path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok();
    for (name, place) in [("file", path), ("folder", folder)] {
        if !may(place) {
            let message =
                format!("the {name} {} can't be written, so this portal is only read", place.display());
            items.push(
                Item::new(AREA, name, Status::Warning, message)
                    .mend("Let the account that runs portaldesk write it."),
            );
        }
    }
    if let Some(kind) = network(folder) {
        let message =
            format!("the file lies on a network file system ({kind}), whose locks SQLite can't rely on");
        items.push(
            Item::new(AREA, "file system", Status::Warning, message)
                .mend("Keep it on a disk of this machine, or use a database server."),
        );
    }
    items
}

/// The network file system that a folder is on.
#[cfg(target_os = "linux")]
fn network(folder: &Path) -> Option<&'static str> {
    // The magic numbers of linux/magic.h.
    const KINDS: [(u64, &str); 5] =
        [(0x6969, "NFS"), (0x517b, "SMB"), (0xff53_4d42, "CIFS"), (0xfe53_4d42, "SMB2"), (0x0102_1997, "9P")];
    let kind = u64::try_from(rustix::fs::statfs(folder).ok()?.f_type).ok()?;
    KINDS.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
}

#[cfg(not(target_os = "linux"))]
fn network(_: &Path) -> Option<&'static str> {
    None
}
