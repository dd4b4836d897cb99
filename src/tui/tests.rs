//! The real loop, driven by streams of keys, with a toy screen.

mod frames;
mod locks;
mod loops;
mod toy;
