//! The end-to-end tests: the real binary, real clients, real servers.
//!
//! `harness` starts routers and receivers; each other module is one promise to users.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod aws;
mod cloudevents;
mod commands;
mod dashboard;
mod delivery;
mod durability;
mod eventbridge;
mod failure;
mod gather;
mod harness;
mod trace;
mod tree;
