//! The commands about accounts.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::{PasswordSource, UserExport, UserImport, Write};

/// The commands about accounts.
#[derive(Debug, Subcommand)]
pub enum User {
    /// List accounts.
    List(UserList),
    /// Show an account.
    Show {
        /// The account's name.
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Tell whether an account can sign in to the portal, and why not; exit 1 when it can't.
    Why(UserWhy),
    /// Create an account with its profile and groups.
    Add(UserAdd),
    /// Change an account, an empty value clears a field; or many accounts in one way.
    Edit(Box<UserEdit>),
    /// Set the password of an account, or generate those of many.
    Password(UserPassword),
    /// Let an account sign in again.
    Activate(Names),
    /// Keep an account from signing in.
    Deactivate(Names),
    /// Show who tried to sign in here with wrong passwords, and until when they must wait.
    Lockouts,
    /// Forget the wrong tries to sign in to an account: the next one is taken at once.
    Unlock {
        /// The account's name.
        #[arg(value_name = "NAME")]
        name: String,
        /// Shared by all writes.
        #[command(flatten)]
        write: Write,
    },
    /// End an account and keep its history: inactive, without password, flags, groups and permissions.
    Offboard(Names),
    /// Delete an account with everything that Django deletes along, the log of what the person did included.
    Delete(Names),
    /// Create and change accounts from a CSV file: looked through whole first, one undo takes all of it back.
    Import(Box<UserImport>),
    /// Write accounts into a CSV or JSON file.
    Export(UserExport),
}

/// `portaldesk user why`
#[derive(Debug, Args)]
pub struct UserWhy {
    /// The account's name.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Try the password on standard input too; nothing is stored, and exit 1 means that it doesn't open the portal.
    #[arg(long, group = "password_source")]
    pub password_stdin: bool,
    /// Try the password in a file of one line too.
    #[arg(long, value_name = "FILE", group = "password_source", value_hint = ValueHint::FilePath)]
    pub password_file: Option<PathBuf>,
}

/// Many accounts at once.
#[derive(Debug, Clone, Default, Args)]
pub struct Chosen {
    /// All accounts that this lets through, written as in the filter line of the Users tab: "dept:IT -group:Admin login>90d".
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// All accounts that a saved filter lets through, or a report: unused, never-signed-in, privileged, without-group …
    #[arg(long, value_name = "NAME", conflicts_with = "filter")]
    pub saved: Option<String>,
}

impl Chosen {
    /// Whether many are chosen.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        self.filter.is_some() || self.saved.is_some()
    }
}

/// One or more accounts to change.
#[derive(Debug, Args)]
pub struct Names {
    /// The accounts' names: all of them are changed, or none.
    #[arg(value_name = "NAME", required_unless_present_any = ["filter", "saved"], conflicts_with_all = ["filter", "saved"])]
    pub names: Vec<String>,
    /// Instead of names; one that can't be changed is named and left.
    #[command(flatten)]
    pub chosen: Chosen,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}

/// `portaldesk user list`
#[derive(Debug, Default, Args)]
pub struct UserList {
    /// Only accounts that hold every one of these words in their username, names, e-mail, phone or portal id; a word may be a
    /// part of a filter too, such as dept:IT.
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Which accounts.
    #[command(flatten)]
    pub chosen: Chosen,
    /// The order.
    #[arg(long, value_name = "COLUMN", value_enum, default_value_t = Order::Username)]
    pub sort: Order,
    /// The other way round.
    #[arg(long)]
    pub descending: bool,
    /// At most so many.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
}

/// What a list of accounts can be sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// Username.
    #[default]
    Username,
    /// First and last name.
    Name,
    /// E-mail address.
    Email,
    /// Department; those without one last.
    Department,
    /// The highest portal group.
    Access,
    /// The last login to the portal; those who never did last.
    LastLogin,
    /// When the account was made.
    Joined,
    /// Active or not.
    State,
}

/// Fields that creating and editing have in common, in the order of the form.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, Default, Args)]
pub struct Fields {
    /// First name.
    #[arg(long, value_name = "TEXT")]
    pub first_name: Option<String>,
    /// Last name.
    #[arg(long, value_name = "TEXT")]
    pub last_name: Option<String>,
    /// E-mail address.
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// Phone number.
    #[arg(long, value_name = "TEXT")]
    pub phone_number: Option<String>,
    /// Main portal id.
    #[arg(long, value_name = "ID")]
    pub main_portal_id: Option<String>,
    /// Take the main portal id away from the account that has it.
    #[arg(long, requires = "main_portal_id")]
    pub take_over_portal_id: bool,
    /// Department, by name.
    #[arg(long, value_name = "NAME")]
    pub department: Option<String>,
    /// A group to be a member of; can be given several times.
    #[arg(long, value_name = "NAME")]
    pub group: Vec<String>,
    /// May open the portal's own admin site.
    #[arg(long)]
    pub staff: bool,
    /// May do everything.
    #[arg(long)]
    pub superuser: bool,
    /// May not sign in.
    #[arg(long)]
    pub inactive: bool,
    /// Gets no e-mail from the portal.
    #[arg(long)]
    pub no_email_notifications: bool,
}

/// `portaldesk user add`
#[derive(Debug, Args)]
pub struct UserAdd {
    /// The new account's name.
    #[arg(long, value_name = "NAME")]
    pub username: String,
    /// An account to take department, groups and notifications from, where nothing else is given.
    #[arg(long, value_name = "NAME")]
    pub like: Option<String>,
    /// Gets e-mail from the portal, whatever the account of --like gets.
    #[arg(long, conflicts_with = "no_email_notifications")]
    pub email_notifications: bool,
    /// Its fields.
    #[command(flatten)]
    pub fields: Fields,
    /// Where its password comes from; without any and without a terminal it can't sign in until one is set.
    #[command(flatten)]
    pub password: PasswordSource,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}

/// `portaldesk user password`
#[derive(Debug, Args)]
pub struct UserPassword {
    /// The account's name.
    #[arg(value_name = "NAME", required_unless_present_any = ["filter", "saved"], conflicts_with_all = ["filter", "saved"])]
    pub name: Option<String>,
    /// Instead of a name.
    #[command(flatten)]
    pub chosen: Chosen,
    /// Where the password comes from.
    #[command(flatten)]
    pub password: PasswordSource,
    /// Where generated passwords of many accounts are written: a new file that only you can read.
    #[arg(long, value_name = "FILE", conflicts_with = "name", value_hint = ValueHint::FilePath)]
    pub passwords_to: Option<PathBuf>,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}

/// `portaldesk user edit`
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Debug, Args)]
pub struct UserEdit {
    /// The account's name.
    #[arg(value_name = "NAME", required_unless_present_any = ["filter", "saved"], conflicts_with_all = ["filter", "saved"])]
    pub name: Option<String>,
    /// Instead of a name; then any of groups, department, staff, active and notifications.
    #[command(flatten)]
    pub chosen: Chosen,
    /// A new name for it.
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Its fields.
    #[command(flatten)]
    pub fields: Fields,
    /// No department.
    #[arg(long, conflicts_with = "department")]
    pub no_department: bool,
    /// A group to leave; can be given several times.
    #[arg(long, value_name = "NAME")]
    pub remove_group: Vec<String>,
    /// These groups and no other; empty for none.
    #[arg(long, value_name = "A,B", value_delimiter = ',', conflicts_with_all = ["group", "remove_group"])]
    pub set_groups: Option<Vec<String>>,
    /// A permission to give to the account itself; can be given several times.
    #[arg(long, value_name = "APP.CODENAME")]
    pub permission: Vec<String>,
    /// A permission to take from the account itself; can be given several times.
    #[arg(long, value_name = "APP.CODENAME")]
    pub remove_permission: Vec<String>,
    /// These permissions for the account itself and no other; empty for none.
    #[arg(long, value_name = "A,B", value_delimiter = ',', conflicts_with_all = ["permission", "remove_permission"])]
    pub set_permissions: Option<Vec<String>>,
    /// May not open the portal's own admin site.
    #[arg(long, conflicts_with = "staff")]
    pub no_staff: bool,
    /// Only what groups and permissions allow.
    #[arg(long, conflicts_with = "superuser")]
    pub no_superuser: bool,
    /// May sign in.
    #[arg(long, conflicts_with = "inactive")]
    pub active: bool,
    /// Gets e-mail from the portal.
    #[arg(long, conflicts_with = "no_email_notifications")]
    pub email_notifications: bool,
    /// Shared by all writes.
    #[command(flatten)]
    pub write: Write,
}
