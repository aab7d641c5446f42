//! `postern client-settings`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::Args;
use serde::Serialize;

use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{Exit, World};
use crate::cli::{table, text};
use crate::hosts::{Dovecot, Entry, Listener, NotRun, Postfix};

#[derive(Args)]
pub(super) struct ClientSettingsCommand {
    /// For whom; the user name.
    account: Option<OsString>,
    /// The name by which the outside knows this server.
    #[arg(long, value_name = "NAME")]
    host: Option<OsString>,
    #[command(flatten)]
    output: Output,
}

/// One server that a mail program is told of.
#[derive(Serialize, PartialEq, Eq, Debug)]
struct Server {
    protocol: &'static str,
    host: String,
    port: u16,
    encryption: Encryption,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Encryption {
    #[serde(rename = "SSL/TLS")]
    First,
    #[serde(rename = "STARTTLS")]
    Asked,
    #[serde(rename = "none")]
    None,
}

/// What `client-settings --json` prints.
#[derive(Serialize)]
struct Settings {
    username: Option<String>,
    authentication: &'static str,
    password: &'static str,
    servers: Vec<Server>,
}

pub(super) fn run(
    world: &World<'_>,
    config: &Path,
    command: &ClientSettingsCommand,
) -> Result<Exit, Failure> {
    let (dovecot, postfix) =
        (Dovecot::ask(&|| false).map_err(stopped)?, Postfix::ask(&|| false).map_err(stopped)?);
    let host = match &command.host {
        Some(host) => host.to_string_lossy().into_owned(),
        None => own_name(dovecot.as_ref(), postfix.as_ref())?,
    };
    let servers = servers(&host, dovecot.as_ref(), postfix.as_ref());
    if servers.is_empty() {
        let what = "neither Dovecot nor Postfix takes logins on this machine".to_owned();
        return Err(Failure::Denied(
            what,
            "run it where they are; `doveconf -n` and `postconf -M` say what there is",
        ));
    }
    let settings = Settings {
        username: command.account.as_deref().map(|account| user_name(world, config, account)),
        authentication: "normal password",
        password: "an app password of its own for each device",
        servers,
    };
    if command.output.json {
        text::json(&settings)?
    } else {
        tell(&settings)?
    }
    if settings.servers.iter().any(|server| server.encryption == Encryption::None) {
        text::note("Warning: where the encryption is none, whoever listens can read the password.");
    }
    Ok(Exit::Ok)
}

/// What logs in, as far as whoever asks may see it: users have no look at the store.
fn user_name(world: &World<'_>, config: &Path, typed: &OsStr) -> String {
    let as_typed = typed.to_string_lossy().into_owned();
    let found = Site::open(world, config).and_then(|site| known(&site, typed));
    match found {
        Err(_) | Ok(Known::AsTyped) => as_typed,
        Ok(Known::By(name)) => {
            text::note(&text::bounded(&format!("Note: the store has no account {as_typed}, but {name}.")));
            name
        }
        Ok(Known::Nobody) => {
            text::note(&text::bounded(&format!(
                "Warning: the store has no account {as_typed}: nobody logs in by that name."
            )));
            as_typed
        }
    }
}

/// Whom a name that was typed logs in.
enum Known {
    AsTyped,
    /// By this name alone.
    By(String),
    Nobody,
}

fn known(site: &Site<'_>, typed: &OsStr) -> Result<Known, Failure> {
    let store = site.vault()?.store;
    if store.account(&site.account(typed)?)?.is_some() {
        return Ok(Known::AsTyped);
    }
    let text = typed.to_string_lossy();
    let Some((local, _)) = text.rsplit_once('@') else {
        return Ok(Known::Nobody);
    };
    let found = store.account(&site.account(OsStr::new(local))?)?;
    Ok(found.map_or(Known::Nobody, |account| Known::By(account.name)))
}

fn stopped(error: NotRun) -> Failure {
    Failure::Usage(error.to_string(), "run it again")
}

fn tell(settings: &Settings) -> Result<(), Failure> {
    let encryption = |server: &Server| match server.encryption {
        Encryption::First => "SSL/TLS",
        Encryption::Asked => "STARTTLS",
        Encryption::None => "none",
    };
    let row = |server: &Server| {
        [server.protocol, &server.host, &server.port.to_string(), encryption(server)].map(str::to_owned)
    };
    let rows: Vec<_> = settings.servers.iter().map(row).collect();
    table::print(["PROTOCOL", "SERVER", "PORT", "ENCRYPTION"], &rows)?;
    text::result("\n")?;
    let username = settings.username.as_deref().unwrap_or("the account's name, as it was given out");
    table::facts(&[
        ("User name", username.to_owned()),
        ("Authentication", settings.authentication.to_owned()),
        ("Password", settings.password.to_owned()),
    ])
}

/// The name that the servers go by.
fn own_name(dovecot: Option<&Dovecot>, postfix: Option<&Postfix>) -> Result<String, Failure> {
    let of_postfix = postfix.and_then(|postfix| postfix.main("myhostname"));
    let of_dovecot = dovecot.and_then(|dovecot| dovecot.settings().setting("hostname"));
    let whole =
        |name: &&str| name.contains('.') && !name.starts_with("localhost") && !name.ends_with(".localdomain");
    of_postfix.into_iter().chain(of_dovecot).find(whole).map(str::to_owned).ok_or_else(|| {
        let what = "the servers do not know by which name the outside reaches them".to_owned();
        Failure::Denied(what, "name it: --host mail.example.org")
    })
}

/// Those that are reached from outside; with TLS from the start first (RFC 8314 §3).
fn servers(host: &str, dovecot: Option<&Dovecot>, postfix: Option<&Postfix>) -> Vec<Server> {
    let of_dovecot = dovecot.into_iter().flat_map(|dovecot| {
        let starttls = dovecot.settings().setting("ssl") != Some("no");
        let encryption = move |listener: &Listener| match (listener.tls, starttls) {
            (true, _) => Encryption::First,
            (false, true) => Encryption::Asked,
            (false, false) => Encryption::None,
        };
        let wanted = |listener: &Listener| is_reached(&listener.addresses) && listener.port != OLD_SIEVE;
        let reached = dovecot.listeners().into_iter().filter(wanted);
        reached.filter_map(move |listener| {
            server(&listener.protocol, host, listener.port, encryption(&listener))
        })
    });
    let of_postfix = postfix.into_iter().flat_map(|postfix| {
        postfix.entries.iter().filter_map(|entry| {
            let (port, encryption) = submission(postfix, entry)?;
            server("submission", host, port, encryption)
        })
    });
    let mut servers: Vec<Server> = of_dovecot.chain(of_postfix).collect();
    let order = |server: &Server| PROTOCOLS.iter().position(|(_, protocol)| *protocol == server.protocol);
    servers.sort_by_key(|server| (order(server), server.encryption, server.port));
    servers.dedup();
    servers
}

/// ManageSieve's port before it got one (RFC 5804 §1.8); Dovecot may still listen there.
const OLD_SIEVE: u16 = 2000;

/// As Dovecot and as mail programs call them, in the order in which they are wanted.
const PROTOCOLS: [(&str, &str); 4] =
    [("imap", "IMAP"), ("submission", "SMTP"), ("pop3", "POP3"), ("sieve", "ManageSieve")];

fn server(protocol: &str, host: &str, port: u16, encryption: Encryption) -> Option<Server> {
    let (_, protocol) = PROTOCOLS.iter().find(|(name, _)| *name == protocol)?;
    Some(Server { protocol, host: host.to_owned(), port, encryption })
}

fn is_reached<S: AsRef<str>>(addresses: &[S]) -> bool {
    let is_local = |address: &str| address.starts_with("127.") || address == "::1" || address == "localhost";
    addresses.is_empty() || !addresses.iter().all(|address| is_local(address.as_ref()))
}

/// Where Postfix takes mail of people who log in. Port 25 is for other servers.
fn submission(postfix: &Postfix, entry: &Entry) -> Option<(u16, Encryption)> {
    let is = |key: &str, word: &str| postfix.of(entry, key) == Some(word);
    let (address, port) = entry.place()?;
    let takes_logins = entry.command == "smtpd" && is("smtpd_sasl_auth_enable", "yes") && port != 25;
    if !takes_logins || !is_reached(address.as_slice()) {
        return None;
    }
    let encryption = if is("smtpd_tls_wrappermode", "yes") {
        Encryption::First
    } else if is("smtpd_tls_security_level", "encrypt") || is("smtpd_tls_security_level", "may") {
        Encryption::Asked
    } else {
        Encryption::None
    };
    Some((port, encryption))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(dovecot: &str, master: &str, own: &str) -> Vec<String> {
        let (dovecot, postfix) = (Dovecot::read(dovecot), Postfix::read(master, own, ""));
        let servers = servers("mail.example.org", Some(&dovecot), Some(&postfix));
        servers.iter().map(|each| format!("{} {} {:?}", each.protocol, each.port, each.encryption)).collect()
    }

    const DOVECOT: &str = "listen = *\nprotocols = pop3 imap sieve\nssl = yes\nservice imap-login {\ninet_listener imap {\nport = 143\n}\n\
        inet_listener imaps {\nport = 993\nssl = yes\n}\n}\nservice pop3-login {\ninet_listener pop3 {\naddress = 127.0.0.1\n\
        port = 110\n}\n}\nservice managesieve-login {\ninet_listener old {\nport = 2000\n}\n}\n";
    const MASTER: &str =
        "smtp inet n - y - - smtpd\nsubmission inet n - y - - smtpd\n465 inet n - y - - smtpd\n";
    const OWN: &str = "smtp/inet/smtpd_sasl_auth_enable = yes\nsubmission/inet/smtpd_sasl_auth_enable = yes\n\
        465/inet/smtpd_sasl_auth_enable = yes\n465/inet/smtpd_tls_wrappermode = yes\n\
        submission/inet/smtpd_tls_security_level = encrypt\n";

    #[test]
    fn what_a_program_can_reach_is_told_tls_first() {
        let expected = ["IMAP 993 First", "IMAP 143 Asked", "SMTP 465 First", "SMTP 587 Asked"];
        assert_eq!(told(DOVECOT, MASTER, OWN), expected);
    }

    #[test]
    fn what_is_not_encrypted_says_so() {
        let open = told(&DOVECOT.replace("ssl = yes\nservice", "ssl = no\nservice"), MASTER, "");
        assert_eq!(open, ["IMAP 993 First", "IMAP 143 None"]);
    }
}
