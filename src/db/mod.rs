//! The database: the only folder that names sqlx.

pub mod target;
