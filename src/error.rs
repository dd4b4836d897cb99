//! What goes wrong, in words for the person it happens to: what happened, what was and was not written, what to do.

use std::collections::BTreeMap;
use std::fmt;

/// The kinds of failure that scripts tell apart; each has a name in JSON and an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The command line or the configuration is wrong.
    Usage,
    /// The database cannot be reached or opened.
    Unreachable,
    /// A value breaks a rule; `fields` says which.
    Invalid,
    /// The person signed in, or the account of the database, may not do this.
    Denied,
    /// A unique value is taken.
    Duplicate,
    /// The rows changed since they were read, or other rows stand in the way.
    Conflict,
    /// Others hold the rows; nothing was changed.
    Busy,
    /// The connection was lost at COMMIT and whether it happened is not known yet.
    Unknown,
    /// Stopped midway; what was done stands and the rest can be resumed.
    Interrupted,
    /// Our own mistake.
    Bug,
}

impl Kind {
    /// The stable name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Unreachable => "unreachable",
            Self::Invalid => "invalid",
            Self::Denied => "denied",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::Busy => "busy",
            Self::Unknown => "unknown",
            Self::Interrupted => "interrupted",
            Self::Bug => "bug",
        }
    }

    /// The process's exit code.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Invalid | Self::Denied | Self::Duplicate | Self::Conflict | Self::Busy => 4,
            Self::Interrupted => 5,
            Self::Unknown => 6,
            Self::Bug => 70,
        }
    }
}

/// An error that can be shown as it is: its message is a whole sentence and holds no secret.
///
/// The message may quote text from the database; whoever shows it passes it through [`crate::text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Which of the kinds it is.
    pub kind: Kind,
    /// What happened, what was and was not written, what to do.
    pub message: String,
    /// Per form field (its name, such as `username`), what is wrong with its value.
    pub fields: BTreeMap<String, Vec<String>>,
    /// The operation concerned, where one was under way.
    pub operation: Option<String>,
    /// Of a conflict: the columns that somebody else changed.
    pub differences: Vec<Differs>,
}

/// A column that is not as a plan had read it. The values are as people see them, a secret's are not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differs {
    /// The table.
    pub table: String,
    /// The row's primary key, such as `id 31`.
    pub key: String,
    /// The column.
    pub column: String,
    /// What it held when the plan was made.
    pub base: String,
    /// What it holds now.
    pub theirs: String,
}

/// The result of everything that can fail in front of a person.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of this kind with this message.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            fields: BTreeMap::new(),
            operation: None,
            differences: Vec::new(),
        }
    }

    /// An error that names one field.
    #[must_use]
    pub fn field(kind: Kind, field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::new(kind, message.clone()).and_field(field, message)
    }

    /// The same error, naming one field more.
    #[must_use]
    pub fn and_field(mut self, field: &str, message: impl Into<String>) -> Self {
        self.fields.entry(field.to_owned()).or_default().push(message.into());
        self
    }

    /// The same error about an operation.
    #[must_use]
    pub fn about(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// A command line or configuration error.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// The database cannot be reached or opened.
    #[must_use]
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unreachable, message)
    }

    /// A value breaks a rule.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// Not allowed.
    #[must_use]
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(Kind::Denied, message)
    }

    /// The rows are not as they were, or others stand in the way.
    #[must_use]
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, message)
    }

    /// Our own mistake: something that this program promised itself does not hold.
    #[must_use]
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(Kind::Bug, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
