//! The user's own classes, from images to models, with the command `lenet`.

#[path = "../common/command.rs"]
mod command;
mod fine_tuning;
mod folders;
#[path = "../common/idx_files.rs"]
mod idx_files;
mod symbols;
