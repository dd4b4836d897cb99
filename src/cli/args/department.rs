//! The commands about departments.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::Write;

/// The commands about departments.
#[derive(Debug, Subcommand)]
pub enum Department {
    /// List departments with their members.
    List(DepartmentList),
    /// Show a department.
    Show {
        /// The department's name, or #ID.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Create a department.
    Add(DepartmentAdd),
    /// Change a department; an empty description clears it.
    Edit(DepartmentEdit),
    /// Delete a department. Where its members go has to be said.
    Delete(DepartmentDelete),
    /// Make two departments one: the members of FROM, and whatever else refers to it, follow to the other.
    Merge(DepartmentMerge),
    /// Move the members of a department to another: all of them, or those named.
    MoveMembers(MoveMembers),
}

/// `portaldesk department list`
#[derive(Debug, Default, Args)]
pub struct DepartmentList {
    /// Only departments that hold every one of these words in their name or description.
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// The order.
    #[arg(long, value_name = "COLUMN", value_enum, default_value_t = DepartmentOrder::Name)]
    pub sort: DepartmentOrder,
    /// The other way round.
    #[arg(long)]
    pub descending: bool,
}

/// What a list of departments can be sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum DepartmentOrder {
    /// Name.
    #[default]
    Name,
    /// Active ones first.
    Active,
    /// How many members; the fewest first.
    Members,
    /// How many findings; the fewest first.
    Findings,
}

/// `portaldesk department add`
#[derive(Debug, Args)]
pub struct DepartmentAdd {
    /// Its name.
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// What it does; may have several lines.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// The portal doesn't offer it.
    #[arg(long)]
    pub inactive: bool,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}

/// `portaldesk department edit`
#[derive(Debug, Args)]
pub struct DepartmentEdit {
    /// The department's name now, or #ID.
    #[arg(value_name = "DEPARTMENT")]
    pub department: String,
    /// Its new name.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// What it does; may have several lines.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// The portal offers it.
    #[arg(long, conflicts_with = "inactive")]
    pub active: bool,
    /// The portal doesn't offer it.
    #[arg(long)]
    pub inactive: bool,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}

/// `portaldesk department delete`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("members").multiple(false))]
pub struct DepartmentDelete {
    /// The department's name, or #ID.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The department that its members go to.
    #[arg(long, value_name = "NAME", group = "members")]
    pub move_members_to: Option<String>,
    /// Its members are in no department afterwards.
    #[arg(long, group = "members")]
    pub leave_members_without: bool,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}

/// `portaldesk department merge`
#[derive(Debug, Args)]
pub struct DepartmentMerge {
    /// The department that goes, by name or #ID.
    #[arg(value_name = "FROM")]
    pub from: String,
    /// The department that stays.
    #[arg(long, value_name = "TO")]
    pub into: String,
    /// Whose name stays.
    #[arg(long, value_name = "SIDE", value_enum, default_value_t = MergeSide::Into)]
    pub name_of: MergeSide,
    /// Whose description stays; where only one has a description, that one unless said otherwise.
    #[arg(long, value_name = "SIDE", value_enum)]
    pub description_of: Option<MergeSide>,
    /// Whose state stays, active or not.
    #[arg(long, value_name = "SIDE", value_enum, default_value_t = MergeSide::Into)]
    pub active_of: MergeSide,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}

/// One of two departments that become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum MergeSide {
    /// The department that goes.
    From,
    /// The department that stays.
    #[default]
    Into,
}

/// `portaldesk department move-members`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("target").required(true).multiple(false))]
pub struct MoveMembers {
    /// The department that they leave, by name or #ID.
    #[arg(value_name = "FROM")]
    pub from: String,
    /// Only these accounts.
    #[arg(value_name = "USERNAME")]
    pub names: Vec<String>,
    /// The department that they go to.
    #[arg(long, value_name = "TO", group = "target")]
    pub to: Option<String>,
    /// They are in no department afterwards.
    #[arg(long, group = "target")]
    pub to_none: bool,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}
