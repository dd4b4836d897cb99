//! The map of the house: see `ARCHITECTURE.md`.

pub mod change;
pub mod db;
pub mod directory;
pub mod error;
pub mod integrity;
pub mod portal;
pub mod text;
