//! Real mail clients, one login each: curl for IMAP and POP3, swaks for submission, openssl for ManageSieve.

use super::command::{Run, must_with, run};
use super::servers::{CERTIFICATE, PLUGIN_PORT, SASLAUTHD_PORT};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Imap,
    Pop3,
    Submission,
    Sieve,
    /// Submission through Postfix's own SASL, with Postern's plug-in.
    Plugin,
    /// The same without the plug-in, in saslauthd's language.
    Saslauthd,
}

impl Protocol {
    /// Those that Dovecot answers for.
    pub const ALL: [Self; 4] = [Self::Imap, Self::Pop3, Self::Submission, Self::Sieve];

    /// The word for it in scopes and audit lines.
    pub fn service(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Submission | Self::Plugin | Self::Saslauthd => "smtp",
            Self::Sieve => "sieve",
        }
    }
}

/// What the client was told, in the server's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    Ok,
    Refused(String),
    Temporary(String),
}

impl Login {
    fn from_reply(accepted: bool, reply: &str) -> Self {
        let passing = ["UNAVAILABLE", "SYS/TEMP", "TRYLATER", "Temporary", "454 "];
        match accepted {
            true => Self::Ok,
            false if passing.iter().any(|word| reply.contains(word)) => Self::Temporary(reply.to_owned()),
            false => Self::Refused(reply.to_owned()),
        }
    }
}

/// Logs in over TLS from a loopback address, and out again.
#[track_caller]
pub fn login(protocol: Protocol, from: &str, user: &str, password: &str) -> Login {
    match protocol {
        Protocol::Imap => curl("imaps://localhost/", from, user, password),
        Protocol::Pop3 => curl("pop3s://localhost/", from, user, password),
        Protocol::Submission => swaks("587", "PLAIN", from, user, password),
        Protocol::Plugin => swaks(PLUGIN_PORT, "PLAIN", from, user, password),
        Protocol::Saslauthd => swaks(SASLAUTHD_PORT, "PLAIN", from, user, password),
        Protocol::Sieve => sieve(from, user, password),
    }
}

/// Programs that submit mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mailer {
    /// Sends the initial response with AUTH PLAIN, and waits for both questions of AUTH LOGIN.
    Swaks,
    /// Sends no initial response.
    Curl,
}

/// Logs in for submission through the plug-in, by a mechanism, and out again.
#[track_caller]
pub fn submit(mailer: Mailer, mechanism: &str, from: &str, user: &str, password: &str) -> Login {
    match mailer {
        Mailer::Swaks => swaks(PLUGIN_PORT, mechanism, from, user, password),
        Mailer::Curl => {
            let url = format!("smtp://localhost:{PLUGIN_PORT}/client.example");
            curl_with("ssl-reqd\nrequest = \"NOOP\"", mechanism, &url, from, user, password)
        }
    }
}

#[track_caller]
fn curl(url: &str, from: &str, user: &str, password: &str) -> Login {
    curl_with("", "PLAIN", url, from, user, password)
}

#[track_caller]
fn curl_with(lines: &str, mechanism: &str, url: &str, from: &str, user: &str, password: &str) -> Login {
    let credentials = format!("{user}:{password}").replace('\\', r"\\").replace('"', "\\\"");
    let config = format!(
        "url = \"{url}\"\nuser = \"{credentials}\"\nlogin-options = \"AUTH={mechanism}\"
        cacert = \"{CERTIFICATE}\"\ninterface = \"{from}\"\nipv4\nverbose\nsilent\n{lines}\n"
    );
    let done = run("curl", &["--disable", "--config", "-"], &config);
    // 67: the server did not take the login. Everything else is the rig's fault.
    assert!(
        matches!(done.status, 0 | 67),
        "curl could not ask ({}): {}",
        done.status,
        replies(&done, "< ").join("\n")
    );
    // POP3 says no in `-ERR`, IMAP in `A002 NO`, SMTP in `535`; each may be followed by a farewell.
    let is_no = |line: &String| {
        line.contains(" NO ") || ["-ERR", "535 ", "454 "].iter().any(|no| line.starts_with(no))
    };
    let mut said = replies(&done, "< ").into_iter().filter(is_no);
    Login::from_reply(done.status == 0, &said.next_back().unwrap_or_default())
}

#[track_caller]
fn swaks(port: &str, mechanism: &str, from: &str, user: &str, password: &str) -> Login {
    // The password is last and has no argument: swaks reads it from stdin. HOME could bring a ~/.swaksrc.
    let done = run(
        "env",
        &[
            "HOME=/nonexistent",
            "swaks",
            "--server",
            "127.0.0.1",
            "--port",
            port,
            "--local-interface",
            from,
            "--ehlo",
            "client.example",
            "--tls",
            "--tls-verify",
            "--tls-ca-path",
            CERTIFICATE,
            "--quit-after",
            "AUTH",
            "--auth-hide-password",
            "--auth",
            mechanism,
            "--auth-user",
            user,
            "--auth-password",
        ],
        &format!("{password}\n"),
    );
    let lines: Vec<&str> = done.stdout.lines().collect();
    // `<~` is an answer inside TLS, `<~*` one that swaks did not like.
    let asked = lines.iter().position(|line| line.contains(&format!("> AUTH {mechanism}")));
    let asked = asked.unwrap_or_else(|| panic!("swaks could not ask: {}", done.stdout));
    let said = lines[asked..].iter().filter_map(|line| line.strip_prefix("<~"));
    // 334 asks for more.
    let said = said.map(|line| line.trim_start_matches(['*', ' '])).find(|line| !line.starts_with("334"));
    let said = said.unwrap_or_default();
    Login::from_reply(said.starts_with("235 "), said)
}

#[track_caller]
fn sieve(from: &str, user: &str, password: &str) -> Login {
    let initial = must_with("base64 --wrap=0", &format!("\0{user}\0{password}"));
    let bind = format!("{from}:0");
    let done = run(
        "openssl",
        &[
            "s_client",
            "-quiet",
            "-connect",
            "127.0.0.1:4190",
            "-bind",
            &bind,
            "-starttls",
            "sieve",
            "-CAfile",
            CERTIFICATE,
            "-verify_return_error",
            "-servername",
            "localhost",
        ],
        &format!("AUTHENTICATE \"PLAIN\" \"{initial}\"\r\nLOGOUT\r\n"),
    );
    // First come the capabilities, twice with their own OK; the answer is the last but one, before that of LOGOUT.
    let said: Vec<&str> =
        done.stdout.lines().filter(|line| line.starts_with("OK") || line.starts_with("NO")).collect();
    let [.., said, _bye] = said.as_slice() else { panic!("sieve could not ask: {done:#?}") };
    Login::from_reply(said.starts_with("OK"), said)
}

/// The server's side of a verbose transcript. The client's side shows the secret, and stays here.
fn replies(done: &Run, prefix: &str) -> Vec<String> {
    done.stderr.lines().filter_map(|line| Some(line.strip_prefix(prefix)?.trim_end().to_owned())).collect()
}
