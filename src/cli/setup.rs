//! `postern setup`.

use std::borrow::Cow;
use std::fs;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::text::{self, Ink, painted_result as painted};
use crate::doctor::{Release, installed_example, installed_release, sshd_is_installed};

#[derive(Subcommand)]
pub(super) enum SetupCommand {
    /// For Dovecot, instead of its passdb over the system.
    #[command(after_help = "Examples:\n  postern setup dovecot\n  postern setup dovecot --release 2.4")]
    Dovecot(DovecotCommand),
    /// For Postfix: submission that asks Dovecot, or posternd without Dovecot.
    #[command(after_help = "Examples:\n  postern setup postfix\n  postern setup postfix --by plug-in")]
    Postfix(PostfixCommand),
    /// For sshd: the password, then the code, at prompts of their own.
    #[command(after_help = "Example:\n  postern setup sshd")]
    Sshd(Output),
}

#[derive(Args)]
pub(super) struct DovecotCommand {
    /// For this release, instead of the one that is installed.
    #[arg(long)]
    release: Option<Language>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
pub(super) struct PostfixCommand {
    /// Whom Postfix asks; Dovecot, where it is installed.
    #[arg(long)]
    by: Option<By>,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Language {
    #[value(name = "2.3")]
    Old,
    #[value(name = "2.4")]
    New,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    /// Dovecot, and through it Postern.
    Dovecot,
    /// posternd, through Postern's plug-in for Cyrus SASL.
    PlugIn,
    /// posternd, in saslauthd's language: without the plug-in, and without the client's address.
    Saslauthd,
}

/// One thing to be done.
#[derive(Serialize)]
struct Step {
    /// Why.
    what: &'static str,
    #[serde(flatten)]
    how: How,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum How {
    /// A file with this text.
    File { path: &'static str, text: &'static str },
    /// Lines for a file that is there.
    Lines { into: &'static str, text: &'static str },
    /// A script to be run as root.
    Run { script: Cow<'static, str> },
}

macro_rules! example {
    ($name:literal) => {
        include_str!(concat!("../../packaging/examples/", $name))
    };
}

/// The same with its name.
macro_rules! named {
    ($name:literal) => {
        ($name, example!($name))
    };
}

pub(super) fn run(command: &SetupCommand) -> Result<Exit, Failure> {
    let (steps, output) = match command {
        SetupCommand::Dovecot(command) => {
            let asked = command.release.map(|release| match release {
                Language::Old => Release::Old,
                Language::New => Release::New,
            });
            (dovecot(asked.or_else(installed_release).ok_or_else(no_dovecot)?), command.output)
        }
        SetupCommand::Postfix(command) => {
            (postfix(command.by.unwrap_or_else(by_what_is_there)), command.output)
        }
        SetupCommand::Sshd(output) => (sshd(), *output),
    };
    if output.json {
        text::json(&steps)?;
        return Ok(Exit::Ok);
    }
    if let SetupCommand::Sshd(_) = command {
        say_if_without_sshd();
    }
    let shown: Vec<String> = (1..).zip(&steps).map(|(number, step)| shown(number, step)).collect();
    text::result(&shown.join("\n"))?;
    text::note("Nothing was changed. Afterwards: sudo postern doctor");
    Ok(Exit::Ok)
}

fn say_if_without_sshd() {
    if !sshd_is_installed() {
        text::note(
            "There is no sshd on this machine: these steps are for one that has it (apt install openssh-server).",
        );
    }
}

fn no_dovecot() -> Failure {
    let what = "Dovecot is not installed here, so its release is not known".to_owned();
    Failure::Usage(what, "say for which: --release 2.3 or --release 2.4")
}

fn by_what_is_there() -> By {
    if installed_release().is_some() { By::Dovecot } else { By::PlugIn }
}

fn dovecot(release: Release) -> Vec<Step> {
    let (passdb, socket) = match release {
        Release::Old => {
            (named!("dovecot-2.3/auth-postern.conf.ext"), named!("dovecot-2.3/20-postfix-auth.conf"))
        }
        Release::New => {
            (named!("dovecot-2.4/auth-postern.conf.ext"), named!("dovecot-2.4/20-postfix-auth.conf"))
        }
    };
    vec![
        file(
            "Who checks passwords, and last where the mail lies",
            "/etc/dovecot/conf.d/auth-postern.conf.ext",
            passdb,
        ),
        script(
            "In the place of what was there",
            "sed -i 's/^!include auth-system.conf.ext/!include auth-postern.conf.ext/' /etc/dovecot/conf.d/10-auth.conf\n",
        ),
        file(
            "Where Postfix asks, if it shall ask Dovecot",
            "/etc/dovecot/conf.d/20-postfix-auth.conf",
            socket,
        ),
        script("From now on, an account's own password alone is refused", "systemctl restart dovecot\n"),
    ]
}

fn postfix(by: By) -> Vec<Step> {
    let restart = script("So that Postfix reads it", "systemctl restart postfix\n");
    match by {
        By::Dovecot => vec![
            script(
                "Submission on port 587; `postern setup dovecot` has Dovecot's part",
                example!("postfix/submission"),
            ),
            restart,
        ],
        By::PlugIn => vec![
            lines(PERMITTED, TOML, PERMIT),
            script("Start posternd, in Postfix's jail too", "systemctl enable --now postern.socket\n"),
            file(CHECKS, "/etc/postfix/sasl/smtpd.conf", named!("postfix/smtpd.conf")),
            script(SUBMISSION, example!("postfix/submission-cyrus")),
            restart,
        ],
        By::Saslauthd => vec![
            lines(PERMITTED, TOML, PERMIT),
            script("Where posternd answers in saslauthd's language, in Postfix's jail", MUX),
            script("That socket is posternd's own, from the start of the machine on", START),
            file(CHECKS, "/etc/postfix/sasl/smtpd-saslauthd.conf", named!("postfix/smtpd-saslauthd.conf")),
            script(SUBMISSION, BY_SASLAUTHD),
            restart,
        ],
    }
}

const PERMITTED: &str = "Let smtpd ask, about smtp";
const TOML: &str = "/etc/postern/postern.toml, at its end";
const CHECKS: &str = "Who checks passwords";
const SUBMISSION: &str = "Submission on port 587";
const START: &str = "systemctl enable postern\nsystemctl restart postern\n";

const MUX: &str = "sed -i 's|^#saslauthd = .*|saslauthd = [\"/var/spool/postfix/postern/mux\"]|' \
                   /etc/postern/postern.toml\n";

/// The script for the plug-in, with another configuration of libsasl's.
const BY_SASLAUTHD: &str = concat!(
    "set -- submission smtpd-saslauthd\n",
    include_str!("../../packaging/examples/postfix/submission-cyrus")
);

/// The shipped configuration has the same, behind a `#`.
const PERMIT: &str = "[[daemon.permit]]\nuser = \"postfix\"\nservices = [\"smtp\"]\nbelieve_address = true\n";

fn sshd() -> Vec<Step> {
    vec![
        file("Let sshd ask questions", "/etc/ssh/sshd_config.d/postern.conf", named!("sshd/postern.conf")),
        script(
            "In the place of the password alone",
            "sed -i 's/^@include common-auth/auth required pam_postern.so prompt/' /etc/pam.d/sshd\n",
        ),
        script("Keep a root shell open until you have seen a login", "systemctl restart ssh\n"),
    ]
}

/// A file with the text of an example; where that lies on this machine, the command that copies it, tabs included.
fn file(what: &'static str, path: &'static str, (name, text): (&str, &'static str)) -> Step {
    let is_the_same = |example: &PathBuf| fs::read_to_string(example).is_ok_and(|there| there == text);
    let how = match installed_example(name).filter(is_the_same) {
        Some(example) => {
            let script = format!("install -D -m 644 {} {path}\n", example.display());
            How::Run { script: script.into() }
        }
        None => How::File { path, text },
    };
    Step { what, how }
}

const fn lines(what: &'static str, into: &'static str, text: &'static str) -> Step {
    Step { what, how: How::Lines { into, text } }
}

const fn script(what: &'static str, script: &'static str) -> Step {
    Step { what, how: How::Run { script: Cow::Borrowed(script) } }
}

fn shown(number: usize, step: &Step) -> String {
    let (place, text) = match &step.how {
        How::File { path, text } => (format!("the file {path}"), (*text).to_owned()),
        How::Lines { into, text } => (format!("into {into}"), (*text).to_owned()),
        How::Run { script } => ("as root, in a shell".to_owned(), apart(script)),
    };
    let head = painted(&format!("## {number}. {}: {place}", step.what), Ink::Strong);
    format!("{head}\n\n{text}")
}

/// A shell that a script is pasted into keeps its own options, and does not end with the script.
fn apart(script: &str) -> String {
    if script.contains("set -") { format!("(\n{script})\n") } else { script.to_owned() }
}
