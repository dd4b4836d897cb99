//! What the screens that edit an account share: the facts they start from, a new password, and the way from what was
//! typed through a plan and its review to the rows, also where somebody else was faster.

pub(super) mod editor;
pub(super) mod facts;
pub(super) mod groups;
pub(super) mod left;
pub(super) mod merge;
pub(super) mod new_password;
pub(super) mod saving;
pub(super) mod shown;
pub(super) mod values;
