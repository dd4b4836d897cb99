//! The commands about groups.

use clap::{Args, Subcommand};

use super::{Chosen, Write};

/// The commands about groups.
#[derive(Debug, Subcommand)]
pub enum Group {
    /// List groups with their role, members and permissions.
    List,
    /// Show a group with its permissions.
    Show {
        /// The group's name.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Create a group.
    Add {
        /// Its name.
        #[arg(value_name = "NAME")]
        name: String,
        /// A permission that it carries; can be given several times.
        #[arg(long, value_name = "APP.CODENAME")]
        permission: Vec<String>,
        /// Shared by all writes.
        #[command(flatten)]
        write: Write,
    },
    /// Give a group another name. A role of the portal is one by the name of its group.
    Rename {
        /// The group's name.
        #[arg(value_name = "NAME")]
        name: String,
        /// Its new name.
        #[arg(value_name = "NEW NAME")]
        new: String,
        /// Shared by all writes.
        #[command(flatten)]
        write: Write,
    },
    /// Delete a group, who is in it and what it carries; the accounts stay.
    Delete {
        /// The group's name.
        #[arg(value_name = "NAME")]
        name: String,
        /// Shared by all writes.
        #[command(flatten)]
        write: Write,
    },
    /// Put accounts into a group.
    AddMember(Membership),
    /// Take accounts out of a group.
    RemoveMember(Membership),
    /// Show the permissions of a group, or change them.
    Permissions(GroupPermissions),
}

/// A group, and who goes into it or leaves it.
#[derive(Debug, Args)]
pub struct Membership {
    /// The group's name.
    #[arg(value_name = "GROUP")]
    pub group: String,
    /// The accounts' names: all of them are changed, or none.
    #[arg(value_name = "USER", required_unless_present = "filter", conflicts_with = "filter")]
    pub users: Vec<String>,
    /// Instead of names; one that can't be changed is named and left.
    #[command(flatten)]
    pub chosen: Chosen,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}

/// `portaldesk group permissions`
#[derive(Debug, Args)]
pub struct GroupPermissions {
    /// The group's name.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// A permission to give; can be given several times.
    #[arg(long, value_name = "APP.CODENAME")]
    pub add: Vec<String>,
    /// A permission to take; can be given several times.
    #[arg(long, value_name = "APP.CODENAME")]
    pub remove: Vec<String>,
    /// These permissions and no other; empty for none.
    #[arg(long, value_name = "A,B", value_delimiter = ',', conflicts_with_all = ["add", "remove"])]
    pub set: Option<Vec<String>>,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}
