//! What a portal is: the types of its rows, the rules of their fields, Django's password encodings, and who may do
//! what. Pure: no runtime, database or terminal in here.
//!
//! Rules and messages are those of Django 4.2 (the portal's version), checked against it in `tests/golden.rs`.

pub mod access;
pub mod department;
pub mod email;
pub mod form;
pub mod forms;
pub mod group;
pub mod password;
pub mod profile;
pub mod rules;
pub mod user;
