//! The gathering core held against short models on random streams, with crashes in between, and against tables.
//!
//! * [`rig`]: a core that is committed and restored as a pipeline does it
//! * [`model`], [`models`]: plain gathering with every condition, and with orders, in the fewest words
//! * [`windows`], [`sessions`], [`sequences`], [`limits`]: a model each of one thing
//! * [`cases`], [`told`], [`explained`]: what properties do not show
//! * [`codec`]: what is saved, and what becomes of it when it is damaged

mod cases;
mod codec;
mod events;
mod explained;
mod limits;
mod model;
mod models;
mod rig;
mod sequences;
mod sessions;
mod told;
mod windows;
