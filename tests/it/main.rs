//! The end-to-end tests: the real binary, real clients, real servers.
//!
//! `harness` starts routers and receivers; each other module is one promise to users.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod asks;
mod aws;
mod cloudevents;
mod commands;
mod damage;
mod dashboard;
mod dedup;
mod delivery;
mod disk;
mod durability;
mod eventbridge;
mod examples;
mod failure;
mod flow;
mod gather;
mod guard;
mod harness;
mod kill;
mod loops;
mod misbehaving;
mod operations;
mod order;
mod replay;
mod trace;
mod tree;
mod trial;
