//! `postern completions`, and what a shell asks at each TAB.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Arg, Args, Command, ValueEnum};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};

use crate::cli::failure::Failure;
use crate::cli::{Exit, World, command_line, text};
use crate::config::{Config, DEFAULT_PATH, Owner};
use crate::domain::account::AccountName;
use crate::store::{Store, StoreError};

/// Where a script of ours names the shell that asks.
const ASKING: &str = "COMPLETE";
/// The most names for one TAB: whoever sees more types another letter.
const MOST: u32 = 100;

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
        Known::Bash => "bash",
        Known::Zsh => "zsh",
        Known::Fish => "fish",
    };
    let mut script = Vec::new();
    let builtin = Shells::builtins();
    let shell = builtin.completer(shell).ok_or_else(|| Failure::Output(io::ErrorKind::Unsupported.into()))?;
    shell
        .write_registration(ASKING, "postern", "postern", "postern", &mut script)
        .map_err(Failure::Output)?;
    let script = String::from_utf8_lossy(&script);
    text::result(&match command.shell {
        Known::Bash => without_globs(&script),
        Known::Zsh => at_first_too(&script),
        Known::Fish => script.into(),
    })?;
    Ok(Exit::Ok)
}

/// Bash takes what is offered apart, and would put names of files in the place of a `*`. Labels are their owners' to
/// choose, and such a file is named as whoever made it likes: not quoted, for the line of whoever pressed TAB.
fn without_globs(script: &str) -> String {
    script.replacen("() {\n", "() {\n    local - 2> /dev/null && set -o noglob\n", 1)
}

/// Zsh takes a file of completions for the body of a function, and runs it when TAB is first pressed behind our name: that
/// TAB has to be answered too, and not only those after it.
fn at_first_too(script: &str) -> String {
    format!(
        "{}\n\nif [[ $funcstack[1] == _postern ]]; then\n    _clap_dynamic_completer_postern \"$@\"\nfi\n",
        script.trim_end()
    )
}

/// Answers a shell that asks what may come next; `None` where a person has typed.
pub(super) fn answer(world: &World<'_>, arguments: &[OsString]) -> Option<Exit> {
    let names = Arc::new(Names::new(world, arguments));
    let offer = CompleteEnv::with_factory(|| with_names(command_line(), &[], &names)).var(ASKING);
    match offer.try_complete(arguments.iter().cloned(), None) {
        Ok(false) => None,
        Ok(true) => Some(Exit::Ok),
        Err(_) => Some(Exit::Usage),
    }
}

/// What of the store an argument names.
#[derive(Clone, Copy)]
enum Named {
    Account,
    AppPassword,
    TotpKey,
}

impl Named {
    fn by(path: &[&str], argument: &Arg) -> Option<Self> {
        match (path, argument.get_id().as_str()) {
            (["account", "add"], _) | (["app", "add"] | ["totp", "enroll" | "import"], "label") => None,
            (_, "account" | "name") => Some(Self::Account),
            (["totp", ..], "label") => Some(Self::TotpKey),
            (_, "label") => Some(Self::AppPassword),
            _ => None,
        }
    }
}

fn with_names(command: Command, path: &[&str], names: &Arc<Names>) -> Command {
    let command = command.mut_args(|argument| match Named::by(path, &argument) {
        Some(what) => {
            let names = Arc::clone(names);
            argument.add(ArgValueCompleter::new(move |begun: &OsStr| names.offered(what, begun)))
        }
        None => argument,
    });
    command.mut_subcommands(|below| {
        let word = below.get_name().to_owned();
        with_names(below, &[path, &[&word]].concat(), names)
    })
}

/// The names in the store. Whoever may not read it is offered none, and hears nothing of it.
struct Names {
    config: PathBuf,
    owner: Owner,
    typed: Vec<OsString>,
    quote: fn(&str) -> String,
}

impl Names {
    fn new(world: &World<'_>, arguments: &[OsString]) -> Self {
        let typed: Vec<OsString> = arguments.iter().skip_while(|word| *word != "--").cloned().collect();
        // Zsh and fish quote what they insert.
        let bash = env::var_os(ASKING).is_some_and(|shell| shell == "bash");
        let quote = if bash { text::shell_word } else { str::to_owned };
        Self { config: config_among(&typed), owner: Owner(world.effective_uid), typed, quote }
    }

    fn offered(&self, what: Named, begun: &OsStr) -> Vec<CompletionCandidate> {
        let Some(begun) = begun.to_str().map(meant) else {
            return Vec::new();
        };
        let found = self.found(what, &begun).unwrap_or_default();
        found.into_iter().map(|name| CompletionCandidate::new((self.quote)(&name))).collect()
    }

    fn found(&self, what: Named, begun: &str) -> Option<Vec<String>> {
        let config = Config::read(&self.config, self.owner).ok()?;
        let names = Store::open(&config.store, self.owner.0, |store| match what {
            Named::Account => store.account_names(begun, MOST),
            Named::AppPassword | Named::TotpKey => self.labels(store, &config, what),
        });
        let mut names = names.ok()?.1;
        names.retain(|name| name.starts_with(begun));
        names.sort_unstable();
        names.dedup();
        Some(names)
    }

    /// The labels of the accounts that stand in the line.
    fn labels(&self, store: &Store, config: &Config, what: Named) -> Result<Vec<String>, StoreError> {
        let mut labels = Vec::new();
        for word in &self.typed {
            let Ok(name) = AccountName::parse(word.as_encoded_bytes(), &config.naming) else { continue };
            let Some(account) = store.account(&name)? else { continue };
            match what {
                Named::TotpKey => {
                    labels.extend(store.totp_keys(account.id)?.into_iter().map(|key| key.label));
                }
                Named::AppPassword | Named::Account => {
                    let live =
                        store.app_passwords(account.id)?.into_iter().filter(|row| row.revoked_at.is_none());
                    labels.extend(live.map(|row| row.label));
                }
            }
        }
        Ok(labels)
    }
}

/// What the shell will make of a word whose end is not typed yet.
fn meant(begun: &str) -> String {
    if let Some(quoted) = begun.strip_prefix(['\'', '"']) {
        return quoted.to_owned();
    }
    let (mut meant, mut letters) = (String::new(), begun.chars());
    while let Some(letter) = letters.next() {
        meant.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    meant
}

fn config_among(typed: &[OsString]) -> PathBuf {
    let behind = typed.windows(2).find_map(|pair| match pair {
        [option, path] if option == "--config" => Some(path.clone()),
        _ => None,
    });
    let joined = || typed.iter().find_map(|word| Some(word.to_str()?.strip_prefix("--config=")?.into()));
    behind.or_else(joined).unwrap_or_else(|| DEFAULT_PATH.into()).into()
}
