//! `postern try`: a login without a mail program.

mod seen;
mod explain;
mod denial;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path as FilePath;

use serde::Serialize;

use crate::audit::Path;
use crate::backend::{Door, Level, Source};
use crate::cli::arguments::TryCommand;
use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{Exit, World, secrets, text};
use crate::config::Owner;
use crate::domain::attempt::{self, Malformed, RawAttempt, Shown};
use crate::domain::policy::CodeWaiver;
use crate::domain::verdict::{Denial, Verdict};
use crate::verifier::{Decision, Spending};
use explain::Rule;
use seen::Seen;

pub(super) fn run(world: &World<'_>, config: &FilePath, command: &TryCommand) -> Result<Exit, Failure> {
    command.rhost.as_deref().map_or(Ok(()), must_be_address)?;
    // Before anybody types a secret for nothing.
    let site = Site::open(world, config)?;
    drop(site.vault()?);
    let name = text::bounded(&command.name.to_string_lossy());
    let secret = secrets::known(world, command.source.secret_fd, &format!("Secret of {name}: "))?;
    let log = |level: Level, line: &str| {
        if level != Level::Debug {
            (world.log)(level, line);
        }
    };
    let door = Door {
        config: Source::Read(&site.config),
        owner: Owner(world.effective_uid),
        system: world.system,
        log: &log,
    };
    let raw = RawAttempt {
        account: command.name.as_bytes(),
        shown: Shown::Field(&secret),
        service: command.service.as_bytes(),
        remote: command.rhost.as_deref().map(OsStrExt::as_bytes),
        door: attempt::Door::Try,
    };
    let spending = if command.spend { Spending::Real } else { Spending::Rehearsal };
    let decision = door.decide(&raw, spending, world.clock)?;
    let seen = Seen::look(&site, &site.vault()?, &raw, decision.label.as_deref())?;
    let told = Told::new(&decision, &seen);
    if command.output.json {
        text::json(&told)?;
    } else {
        text::result(&told.line())?;
        explain::tell(&told.rules);
    }
    Ok(conclude(&decision, &seen, spending))
}

/// Hosts may say a name or nothing where they have no address; whoever types one means an address.
fn must_be_address(typed: &OsStr) -> Result<(), Failure> {
    if attempt::remote_host(typed.as_bytes()) == Ok(None) {
        let what = format!("--rhost {:?} is not an address", text::bounded(&typed.to_string_lossy()));
        return Err(Failure::Usage(what, "name one such as 192.0.2.7 or 2001:db8::7, or leave --rhost out"));
    }
    Ok(())
}

fn conclude(decision: &Decision, seen: &Seen<'_>, spending: Spending) -> Exit {
    match decision.verdict {
        Verdict::Grant(_) => {
            let coded = matches!(decision.path, Path::PrimaryWithCode | Path::PrimaryWithRecovery);
            if spending == Spending::Rehearsal && coded {
                text::note("This was a rehearsal: the code is still good for one login.");
            }
            Exit::Ok
        }
        Verdict::Deny(why) => {
            text::note(denial::meaning(why, seen));
            text::note(&format!("  hint: {}", denial::next_step(why, decision, seen)));
            Exit::Denied
        }
    }
}

/// The verdict as `try --json` prints it.
#[derive(Serialize)]
struct Told<'a> {
    verdict: &'static str,
    path: String,
    label: Option<&'a str>,
    why: Option<&'static str>,
    field: Option<&'static str>,
    alone: Option<&'static str>,
    hint: Option<String>,
    rules: Vec<Rule>,
}

impl<'a> Told<'a> {
    fn new(decision: &'a Decision, seen: &Seen<'_>) -> Self {
        let (verdict, why) = match decision.verdict {
            Verdict::Grant(_) => ("granted", None),
            Verdict::Deny(why) => ("denied", Some(why)),
        };
        Self {
            verdict,
            path: decision.path.to_string(),
            label: decision.label.as_deref(),
            why: why.map(Denial::word),
            field: decision.malformed.map(Malformed::field),
            alone: decision.waiver.map(CodeWaiver::word),
            hint: why.map(|why| denial::next_step(why, decision, seen)),
            rules: explain::rules(decision, seen),
        }
    }

    /// One line in the manner of the audit log.
    fn line(&self) -> String {
        let mut line = format!("{} path={}", self.verdict, self.path);
        if let Some(label) = self.label {
            line.push_str(&format!(" label=\"{}\"", quoted(label)));
        }
        for (name, word) in [("why", self.why), ("field", self.field), ("alone", self.alone)] {
            if let Some(word) = word {
                line.push_str(&format!(" {name}={word}"));
            }
        }
        line.push('\n');
        line
    }
}

fn quoted(label: &str) -> String {
    text::escaped(&label.replace('\\', "\\\\").replace('"', "\\\""))
}
