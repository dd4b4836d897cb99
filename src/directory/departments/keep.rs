//! Which values stay when two departments become one, and how they are said.

use serde::{Deserialize, Serialize};

use crate::portal::department::Department;

/// Whose value of a field stays when two departments become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// That of the department that stays.
    #[default]
    Stays,
    /// That of the department that goes.
    Goes,
}

/// Which values stay when two departments become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Keep {
    /// Whose name.
    pub name: Side,
    /// Whose description; where nobody says, the one that there is.
    pub description: Option<Side>,
    /// Whose state.
    pub is_active: Side,
}

impl Keep {
    /// Whose value of this field stays, of these two departments.
    #[must_use]
    pub fn side(&self, field: &str, goes: &Department, stays: &Department) -> Side {
        match field {
            "name" => self.name,
            "is_active" => self.is_active,
            _ if stays.description.trim().is_empty() && !goes.description.trim().is_empty() => {
                self.description.unwrap_or(Side::Goes)
            }
            _ => self.description.unwrap_or_default(),
        }
    }
}

/// A field's value in words.
#[must_use]
pub fn value_in_words(department: &Department, field: &str) -> String {
    match field {
        "name" => department.name.clone(),
        "is_active" if department.is_active => "active".to_owned(),
        "is_active" => "inactive".to_owned(),
        _ if department.description.trim().is_empty() => "none".to_owned(),
        _ => department.description.clone(),
    }
}

/// What is left behind with a field's value; nothing where there is none.
#[must_use]
pub fn left_in_words(department: &Department, field: &str) -> Option<String> {
    match field {
        "name" => Some(format!("the name '{}'", department.name)),
        "is_active" => Some(format!("that it was {}", value_in_words(department, field))),
        _ if department.description.trim().is_empty() => None,
        _ => Some(format!("the description '{}'", department.description.trim())),
    }
}
