//! Floor 5: words on a terminal.
//!
//! Knows: arguments, prompts, tables, JSON, exit codes, and what an administrator does next.
//! Never: decides a login, makes a secret, or reads the clock, a uid or the environment's secrets itself.
//!
//! stdout carries the result and nothing else; prose goes to stderr. A secret never comes from the command line
//! or the environment, since other processes can read both.

mod arguments;
mod typist;
mod failure;
mod text;
mod hint;
mod own_user;
mod misspelled;
mod table;
mod progress;
mod secrets;
mod site;
mod init;
mod account;
mod import;
mod totp_import;
mod export;
mod backup;
mod restore;
mod rekey;
mod key;
mod app;
mod own;
mod expiry;
mod sessions;
mod confirm;
mod otpauth;
mod qr;
mod totp;
mod recovery;
mod attempt;
mod probe;
mod check;
mod log;
mod doctor;
mod setup;
mod client_settings;
mod completions;

pub use failure::Exit;
pub use typist::typed_by;

use std::ffi::OsString;
use std::io;

use clap::{CommandFactory, FromArgMatches};

use crate::backend::{Level, Trusted};
use crate::crypto::secret::Secret;
use crate::doctor::Clock;
use crate::domain::time::UnixTime;
use crate::verifier::System;
use arguments::{Arguments, Command, ConfigCommand};
use failure::Failure;
use hint::Subject;
use site::Site;

/// What the command learns from outside; the composition root has it.
pub struct World<'a> {
    /// Reads the clock.
    pub clock: &'a dyn Fn() -> UnixTime,
    /// Whether something keeps the clock of the machine.
    pub kept_clock: fn() -> Clock,
    /// On whose behalf files are opened.
    pub effective_uid: u32,
    /// Who typed the command; rows keep it.
    pub typed_by: u32,
    /// Answers for accounts whose primary is PAM's.
    pub system: System<'a>,
    /// Asks at the terminal for what must not be seen; whatever happens, the terminal is given back.
    pub ask_hidden: &'a dyn Fn(&str) -> io::Result<Secret>,
    /// The uid of a user of the system.
    pub uid_of: fn(&str) -> Option<u32>,
    /// The name of a uid.
    pub name_of: fn(u32) -> Option<String>,
    /// Whose manage socket is believed.
    pub trusted: Trusted,
    /// Waits for a second, or until nobody reads stdout.
    pub pause: fn() -> Reader,
    /// Whether somebody has asked this process to end; from the first call on, that ends nothing by itself.
    pub is_told_to_stop: fn() -> bool,
    /// Takes audit lines.
    pub log: fn(Level, &str),
}

/// Whether somebody reads what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// It seems so.
    There,
    /// No more.
    Gone,
}

/// Everything that may be typed, with its help.
#[must_use]
pub fn command_line() -> clap::Command {
    Arguments::command()
}

/// Does what the arguments say, the program's name first among them.
pub fn run(world: &World<'_>, arguments: impl Iterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.collect();
    if let Some(exit) = completions::answer(world, &arguments) {
        return exit;
    }
    let parsed = command_line().try_get_matches_from(&arguments).and_then(|matches| {
        let subject = Subject::typed(&matches);
        Ok((Arguments::from_arg_matches(&matches)?, subject))
    });
    match parsed {
        Ok((parsed, subject)) => obey(world, &parsed).unwrap_or_else(|failure| {
            let hint = own_user::hint(world, &failure, &arguments);
            let hint = hint.or_else(|| misspelled::hint(world, &parsed.config, &failure));
            failure.say(&subject, hint)
        }),
        Err(answer) => arguments::say(&answer),
    }
}

fn obey(world: &World<'_>, arguments: &Arguments) -> Result<Exit, Failure> {
    let config = arguments.config.as_path();
    match &arguments.command {
        Command::Init => init::run(world, config),
        Command::Account(command) => account::run(&Site::open(world, config)?, command),
        Command::App(command) => app::run(&Site::open(world, config)?, command),
        Command::Totp(command) => totp::run(&Site::open(world, config)?, command),
        Command::Recovery(command) => recovery::run(&Site::open(world, config)?, command),
        Command::Export(output) => export::run(&Site::open(world, config)?, *output),
        Command::Backup(command) => backup::run(&Site::open(world, config)?, command),
        Command::Restore(command) => restore::run(&Site::open(world, config)?, command),
        Command::Key(command) => key::run(&Site::open(world, config)?, command),
        Command::Rekey(command) => rekey::run(&Site::open(world, config)?, command),
        Command::Try(command) => attempt::run(world, config, command),
        Command::Probe(command) => probe::run(&Site::open(world, config)?, command),
        Command::Log(command) => log::run(&Site::open(world, config)?, command),
        Command::Doctor(command) => doctor::run(world, config, command),
        Command::Setup(command) => setup::run(command),
        Command::ClientSettings(command) => client_settings::run(world, config, command),
        Command::Completions(command) => completions::run(command),
        Command::Config(ConfigCommand::Check(output)) => check::run(&Site::open(world, config)?, *output),
    }
}
