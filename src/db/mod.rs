//! The database.

mod cancel;

pub use cancel::Cancel;
