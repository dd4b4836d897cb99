//! What benches share: a large portal that is kept between runs, and a way to measure.
#![allow(dead_code, reason = "every bench uses the part that it needs")]

pub(crate) mod files;
pub(crate) mod measure;
pub(crate) mod seed;
