//! What may be typed, and the help about it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cli::account::{CompromisedCommand, RemoveCommand, ShowCommand};
use crate::cli::app::AppCommand;
use crate::cli::backup::BackupCommand;
use crate::cli::client_settings::ClientSettingsCommand;
use crate::cli::completions::CompletionsCommand;
use crate::cli::doctor::DoctorCommand;
use crate::cli::import::ImportCommand;
use crate::cli::key::KeyCommand;
use crate::cli::log::LogCommand;
use crate::cli::probe::ProbeCommand;
use crate::cli::recovery::RecoveryCommand;
use crate::cli::rekey::RekeyCommand;
use crate::cli::restore::RestoreCommand;
use crate::cli::setup::SetupCommand;
use crate::cli::totp_import::TotpImportCommand;
use crate::cli::{Exit, text};
use crate::config::DEFAULT_PATH;

/// App passwords and second factors for self-hosted mail.
#[derive(Parser)]
#[command(name = "postern", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", default_value = DEFAULT_PATH)]
    pub config: PathBuf,
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  sudo postern init
  sudo postern account add alice --primary pam
  sudo postern app add alice --label phone
  sudo postern totp enroll alice

Exit codes: 0 ok, 1 denied or no, 2 usage, 3 not found, 4 exists already, 5 unavailable, 6 not permitted.";

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make what is missing: configuration, key, PAM service and store.
    ///
    /// What is there already is kept. A store of an older Postern is brought up to date.
    #[command(after_help = "Example:\n  sudo postern init")]
    Init,
    /// Add, list, disable and enable accounts.
    #[command(subcommand, after_help = "Example:\n  sudo postern account add alice --primary pam")]
    Account(AccountCommand),
    /// Make, list and revoke app passwords.
    #[command(subcommand, after_help = "Example:\n  sudo postern app add alice --label phone")]
    App(AppCommand),
    /// Enroll, list and remove second factors.
    #[command(subcommand, after_help = "Example:\n  sudo postern totp enroll alice")]
    Totp(TotpCommand),
    /// Show how many recovery codes are left, and make new ones.
    #[command(subcommand, after_help = "Example:\n  sudo postern recovery new alice")]
    Recovery(RecoveryCommand),
    /// Print accounts, app passwords and second factors, without a secret and without a hash.
    #[command(after_help = "Example:\n  sudo postern export --json")]
    Export(Output),
    /// Copy the store, while logins go on. The key is not in the copy.
    ///
    /// The copy is consistent, checked, on the disk when the command ends, and replaces no file. Prints its name.
    #[command(after_help = "Examples:
  sudo postern backup /var/backups
  sudo postern backup /var/backups/postern.db --json")]
    Backup(BackupCommand),
    /// Put a copy in the place of the store, while logins go on.
    ///
    /// The copy must belong to the key file; an older version is brought up to date. Where the store has changed since
    /// the copy was made, the command names what was revoked since, and stops unless --force-older is given.
    #[command(after_help = "Examples:
  sudo postern restore /var/backups/postern-20261122T073000Z.db
  sudo postern restore /var/backups/postern.db --force-older")]
    Restore(RestoreCommand),
    /// Look after copies of the key.
    #[command(subcommand, after_help = "Example:\n  sudo postern key verify /media/stick/postern-key")]
    Key(KeyCommand),
    /// Put a new master key in the place of the old one, while logins go on.
    ///
    /// The new key stands before the old one in the key file, and all that is new is under it. What is sealed is sealed
    /// anew at once; what is hashed, when it is used next. Once nothing needs the old key, --finish drops it. Stopped
    /// at whatever point, the command goes on when it is run again.
    #[command(after_help = "Examples:
  sudo postern rekey
  sudo postern rekey --status
  sudo postern rekey --finish --revoke-rest --dry-run")]
    Rekey(RekeyCommand),
    /// Say how a login would end, and why.
    ///
    /// Asks for the secret: an app password, or a primary password with its code behind it. The answer comes from
    /// the same rules as at every door. Unless --spend is given, nothing is spent, counted or written to the store;
    /// the audit log gets a line with door=try.
    #[command(after_help = "Examples:
  sudo postern try alice --service imap
  sudo postern try alice --service smtp --rhost 192.0.2.7 --json")]
    Try(TryCommand),
    /// Log in at the real doors with a throw-away account, and say which of them is open.
    ///
    /// Makes an account whose name and secrets nobody can guess, tries over IMAP, POP3, submission and ManageSieve what
    /// must pass and what must fail, and removes the account whatever happens. The doors are those of this machine's
    /// Dovecot and Postfix, unless some are named; a place is HOST, HOST:PORT or [ADDRESS]:PORT, with /tls or
    /// /starttls behind it where the port does not say so. Needs curl, and openssl for ManageSieve.
    ///
    /// Postern alone knows that account. A server that has no mailbox for it refuses it after Postern has let it in:
    /// that is told apart by what Postern remembers, and counts as passed. A password check of another kind behind
    /// Postern cannot know it either. To have that tried too, name with --user a user whom the servers know, such as a
    /// Unix user made for this alone, and type the password that they know: it must not be enough. For half a minute
    /// Postern has an account of that name; a user who has one already is refused.
    ///
    /// The columns are what was tried: APP an app password, CODE the primary password with a code, ALONE without one; and
    /// what nobody may get in with: SCOPE an app password for other services, GONE one that is revoked, SPENT a code that
    /// was used, NOBODY an account that there is not, EMPTY no password.
    ///
    /// Nobody is slowed down: on this machine each attempt comes from a loopback address of its own. To other machines
    /// it comes from this machine's address, on which Dovecot may be slow for some minutes.
    ///
    /// Ends with 0 if all is as it must be, 1 if a door is open, unguarded or shut to who may pass, 5 if one could not
    /// be probed.
    #[command(after_help = "Examples:
  sudo postern probe
  sudo postern probe --user tester
  sudo postern probe --imap mail.example.org:993 --submission mail.example.org:587 --json")]
    Probe(ProbeCommand),
    /// Show who changed what, and when.
    ///
    /// Every change, and every code that was used, is a row of the store. The newest is shown last.
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Examples:
  sudo postern log --account alice --since 7d
  sudo postern log --event app.revoke --json
  sudo postern log --follow
  sudo postern log verify"
    )]
    Log(LogCommand),
    /// Say what is wrong with PAM, Dovecot, Postfix and Cyrus SASL around Postern, and what to paste.
    ///
    /// Changes nothing. Ends with 1 if anything is found that is as bad as --fail-on says, with 6 if nothing is and some
    /// of it only root may look at.
    #[command(after_help = "Examples:
  sudo postern doctor
  sudo postern doctor --json --fail-on error
  postern doctor --explain dovecot-auth-cache")]
    Doctor(DoctorCommand),
    /// Print what goes into the configuration of a mail server or sshd, and where; change nothing.
    #[command(
        subcommand,
        after_help = "Examples:\n  postern setup dovecot\n  postern setup postfix --by plug-in"
    )]
    Setup(SetupCommand),
    /// Print what a mail program wants to know: server, port and encryption, as Dovecot and Postfix have them.
    #[command(after_help = "Examples:
  postern client-settings alice@example.org
  postern client-settings --host mail.example.org --json")]
    ClientSettings(ClientSettingsCommand),
    /// Look at the configuration.
    #[command(subcommand, after_help = "Example:\n  sudo postern config check")]
    Config(ConfigCommand),
    /// Print what makes a shell complete commands, options, and, for who may read the store, accounts and labels.
    #[command(after_help = "Examples:
  postern completions bash >~/.local/share/bash-completion/completions/postern
  postern completions fish >~/.config/fish/completions/postern.fish")]
    Completions(CompletionsCommand),
}

#[derive(Subcommand)]
pub(super) enum AccountCommand {
    /// Add an account.
    ///
    /// With --primary store the command asks for the primary password. With --primary pam the name must be a user's whom
    /// this system knows.
    #[command(after_help = "Examples:
  sudo postern account add alice --primary pam
  sudo postern account add bob@example.org --primary store")]
    Add {
        /// The name that logs in.
        name: OsString,
        /// Who checks the primary password.
        #[arg(long)]
        primary: Primary,
        /// Add it though this system knows no user of that name: one that is to come, or that PAM alone knows.
        #[arg(long)]
        allow_unknown_user: bool,
        #[command(flatten)]
        source: SecretSource,
    },
    Import(ImportCommand),
    /// List all accounts.
    #[command(after_help = "Example:\n  sudo postern account list --json")]
    List(Output),
    /// Show one account: what it has, and what stands against it.
    #[command(after_help = "Examples:\n  sudo postern account show alice\n  postern account show")]
    Show(ShowCommand),
    /// Disable an account: none of its passwords is good any more.
    #[command(after_help = "Example:\n  sudo postern account disable alice")]
    Disable {
        /// The account.
        name: OsString,
    },
    /// Enable an account again.
    #[command(after_help = "Example:\n  sudo postern account enable alice")]
    Enable {
        /// The account.
        name: OsString,
    },
    /// Forget the wrong codes and wrong passwords of an account, which close it to further ones.
    #[command(after_help = "Example:\n  sudo postern account unlock alice")]
    Unlock {
        /// The account.
        name: OsString,
    },
    /// Do what is to be done when somebody else has the primary password, or a device.
    ///
    /// Disables the account, and takes from it for ever: all app passwords, recovery codes, and second factors.
    /// Says what is left to do, in order.
    #[command(after_help = "Examples:
  sudo postern account compromised alice --dry-run
  sudo postern account compromised alice --keep-totp")]
    Compromised(CompromisedCommand),
    /// Remove an account with all its passwords, keys and codes; its history stays in the log.
    #[command(after_help = "Examples:
  sudo postern account remove alice --dry-run
  sudo postern account remove alice")]
    Remove(RemoveCommand),
    /// Set a new primary password, where Postern checks it, or let another check it.
    ///
    /// App passwords, second factors and recovery codes stay as they are. An account that leaves PAM is closed by
    /// `account disable` alone from then on, and no more by what locks or ends it in the system.
    #[command(after_help = "Examples:
  sudo postern account passwd bob@example.org
  sudo postern account passwd alice --primary store")]
    Passwd {
        /// The account.
        name: OsString,
        /// Who checks it from now on: with `store` the command asks for it, with `pam` it is the system's.
        #[arg(long)]
        primary: Option<Primary>,
        #[command(flatten)]
        source: SecretSource,
    },
}

#[derive(Subcommand)]
pub(super) enum TotpCommand {
    /// Enroll an authenticator app.
    ///
    /// Prints the key as an otpauth URI, as a QR code too if stderr is a terminal, and asks for one code of the app
    /// (one line of stdin, where that is no terminal). The key is stored only if the code is right; that code is
    /// spent.
    ///
    /// Users enroll themselves with their primary password; their first app comes with recovery codes and the first app
    /// password, any other takes a code of one that they have.
    #[command(after_help = "Examples:
  sudo postern totp enroll alice
  postern totp enroll
  postern totp enroll alice --label yubikey --secret-fd 3 3<key.txt    # in a root shell: sudo closes descriptors")]
    Enroll {
        /// The account; users leave it out for their own.
        name: Option<OsString>,
        /// What its owner calls the app or device.
        #[arg(long, default_value = "totp")]
        label: OsString,
        /// Read a key in base32 from this open file descriptor, instead of making a new one.
        #[arg(long, value_name = "N")]
        secret_fd: Option<u16>,
    },
    /// List the keys of an account; the keys themselves stay sealed.
    #[command(after_help = "Example:\n  sudo postern totp list alice")]
    List {
        /// The account.
        name: Option<OsString>,
        #[command(flatten)]
        output: Output,
    },
    /// Take over a key that the device has already, from the file of another PAM module.
    ///
    /// No code confirms it, so the code that the device shows now counts as spent. Scratch codes and PINs are not taken
    /// over.
    #[command(after_help = "Examples:
  sudo postern totp import .google_authenticator --account alice --format google-authenticator
  sudo postern totp import /etc/users.oath --account alice --format oath --label yubikey")]
    Import(TotpImportCommand),
    /// Remove a key. The primary password alone is still refused.
    #[command(after_help = "Example:\n  sudo postern totp remove alice totp")]
    Remove {
        /// The account.
        name: OsString,
        /// The label of the key.
        label: OsString,
    },
}

#[derive(Args)]
pub(super) struct TryCommand {
    /// The account, as a mail program would send it.
    pub name: OsString,
    /// What is logged in to: imap, pop3, smtp, sieve …
    #[arg(long)]
    pub service: OsString,
    /// The address from which the login seems to come.
    #[arg(long, value_name = "ADDRESS")]
    pub rhost: Option<OsString>,
    /// Make it a real login: spend the code, write down the last use.
    #[arg(long)]
    pub spend: bool,
    #[command(flatten)]
    pub source: SecretSource,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Check the configuration, the key and the store, and say what is configured.
    #[command(after_help = "Example:\n  sudo postern config check")]
    Check(Output),
}

#[derive(Args)]
pub(super) struct SecretSource {
    /// Read the secret from this open file descriptor, instead of asking or reading a line of stdin.
    #[arg(long, value_name = "N")]
    pub secret_fd: Option<u16>,
}

/// How what takes something away is begun.
#[derive(Args, Clone, Copy)]
pub(super) struct Care {
    /// Show what would be lost, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
}

#[derive(Args, Clone, Copy)]
pub(super) struct Output {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Primary {
    /// PAM, by the service `primary` of Postern's own directory.
    Pam,
    /// Postern, against a hash in its store.
    Store,
}

/// Prints what clap has to say: help and version as a result, a mistake as prose.
pub(super) fn say(answer: &clap::Error) -> Exit {
    if answer.use_stderr() {
        // It repeats what was typed, which may be long and may hold control characters.
        let lines: Vec<String> = answer.to_string().lines().map(text::bounded).collect();
        text::note(lines.join("\n").replacen("error: ", "postern: ", 1).trim_end());
        return Exit::Usage;
    }
    match answer.print() {
        Ok(()) => Exit::Ok,
        Err(_) => Exit::Unavailable,
    }
}
