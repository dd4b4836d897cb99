//! The map of the house: see `ARCHITECTURE.md`.

pub mod change;
pub mod cli;
pub mod config;
pub mod db;
pub mod directory;
pub mod error;
pub mod integrity;
pub mod logging;
pub mod portal;
pub mod text;
pub mod tui;
