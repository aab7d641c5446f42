//! `postern completions`.

use clap::{Args, ValueEnum};
use clap_complete::Shell;

use crate::cli::failure::Failure;
use crate::cli::{Exit, command_line, text};

#[derive(Args)]
pub struct CompletionsCommand {
    /// For which shell.
    shell: Known,
}

/// The shells whose scripts are tried.
#[derive(Clone, Copy, ValueEnum)]
enum Known {
    Bash,
    Zsh,
    Fish,
}

pub(super) fn run(command: &CompletionsCommand) -> Result<Exit, Failure> {
    let shell = match command.shell {
        Known::Bash => Shell::Bash,
        Known::Zsh => Shell::Zsh,
        Known::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command_line(), "postern", &mut script);
    text::result(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}
