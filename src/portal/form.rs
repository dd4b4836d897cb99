//! A field, described once: forms on the screen, options of the command line, columns of a CSV file and the labels
//! in the portal's own log all come from the same description.

/// Where the choices of a field come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Options {
    /// The departments.
    Departments,
    /// The groups.
    Groups,
    /// A list that never changes and comes with the form.
    Fixed,
}

/// What kind of value a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// One line of text.
    Text {
        /// Most characters (code points) of it.
        max: usize,
    },
    /// Text of several lines, of any length.
    Lines,
    /// Yes or no.
    Bool,
    /// One of these, or none.
    Choice(Options),
    /// Any number of these.
    Choices(Options),
    /// A password, never shown.
    Password,
}

/// Turns what was typed into what is stored (none for NULL), or says in Django's words what is wrong with it.
pub type Check = fn(&str) -> Result<Option<String>, Vec<String>>;

/// A field of a form.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in JSON, CSV and errors: Django's own, such as `first_name`.
    pub name: &'static str,
    /// Django's label, which its log of changes quotes: "Email address".
    pub label: &'static str,
    /// The label on our narrower screens: "E-mail".
    pub short: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// The heading that it stands under; empty for the first part of a form, which has none.
    pub section: &'static str,
    /// A sentence of help.
    pub help: &'static str,
    /// The rule for what is typed.
    pub check: Check,
}

impl Field {
    /// Its option on the command line, without dashes: `first-name`, `superuser`, and `group`, which is repeated.
    #[must_use]
    pub fn option(&self) -> String {
        let name = self.name.strip_prefix("is_").unwrap_or(self.name);
        let name = match self.kind {
            FieldKind::Choices(_) => name.strip_suffix('s').unwrap_or(name),
            _ => name,
        };
        name.replace('_', "-")
    }

    /// Most characters it takes, where it is a line of text.
    #[must_use]
    pub const fn max(&self) -> Option<usize> {
        match self.kind {
            FieldKind::Text { max } => Some(max),
            _ => None,
        }
    }
}
