//! What benches share: a large portal that is kept between runs, and a way to measure.

pub(crate) mod measure;
pub(crate) mod seed;
