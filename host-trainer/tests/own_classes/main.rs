//! The user's own classes, from images to models, with the command `lenet`.

#[path = "../common/command.rs"]
mod command;
#[path = "../common/mod.rs"]
mod common;
mod fine_tuning;
mod folders;
mod symbols;
