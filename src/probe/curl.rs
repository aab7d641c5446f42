//! curl(1) for IMAP, POP3 and submission. Its configuration, the secret in it, goes in by stdin.

use data_encoding::BASE64;
use zeroize::Zeroizing;

use crate::crypto::secret::Secret;
use crate::hosts::{Ended, NotRun, Program};
use crate::probe::client::{Answer, LONGEST, Login};
use crate::probe::door::{Encryption, Protocol};
use crate::probe::way::Source;

/// curl's number for a login that the server did not take (curl(1), EXIT CODES).
const LOGIN_DENIED: i32 = 67;

/// It took longer than `max-time`.
const TOO_LONG: i32 = 28;

/// This curl was built without the protocol.
const NO_SUCH_PROTOCOL: i32 = 1;

pub(super) fn log_in(login: &Login<'_>, stop: &(dyn Fn() -> bool + Sync)) -> Result<Answer, NotRun> {
    let config = config(login);
    // First of all: no file of whoever runs it.
    let arguments = ["--disable", "--config", "-"];
    let curl = Program { name: "curl", arguments: &arguments, stdin: Some(&config), longest: LONGEST + 5 };
    Ok(answer(login, &curl.run(stop)?))
}

fn config(login: &Login<'_>) -> Secret {
    let door = login.door;
    let address = login.way.address;
    let mut lines = vec![
        format!("url = \"{}\"", url(login)),
        // The name is for the certificate; the address is the one that has answered.
        format!("connect-to = \"::{address}\""),
        "login-options = \"AUTH=PLAIN\"".to_owned(),
        // The least that ends well only behind a login.
        "request = \"NOOP\"".to_owned(),
        format!("max-time = {LONGEST}"),
        "verbose\nsilent\nshow-error".to_owned(),
        if address.is_ipv4() { "ipv4" } else { "ipv6" }.to_owned(),
    ];
    if door.encryption == Encryption::StartTls {
        lines.push("ssl-reqd".to_owned());
    }
    if door.protocol == Protocol::Pop3 {
        // Else it waits for lines that do not follow.
        lines.push("head".to_owned());
    }
    if !login.checks_certificate() {
        lines.push("insecure".to_owned());
    }
    if let Source::Own(address) = login.source {
        lines.push(format!("interface = \"{address}\""));
    }
    with_user(&lines.join("\n"), login)
}

/// Behind the other lines, in one piece of memory that is large enough from the start.
fn with_user(lines: &str, login: &Login<'_>) -> Secret {
    let (account, secret) = (login.account.as_bytes(), login.secret.expose());
    let mut config = Vec::with_capacity(lines.len() + 2 * (account.len() + secret.len()) + 32);
    config.extend_from_slice(lines.as_bytes());
    config.extend_from_slice(b"\nuser = \"");
    for octet in account.iter().chain(b":").chain(secret) {
        if b"\\\"".contains(octet) {
            config.push(b'\\');
        }
        config.push(*octet);
    }
    config.extend_from_slice(b"\"\n");
    Secret::new(config)
}

fn url(login: &Login<'_>) -> String {
    let door = login.door;
    let (clear, tls, path) = match door.protocol {
        Protocol::Imap | Protocol::Sieve => ("imap", "imaps", ""),
        Protocol::Pop3 => ("pop3", "pop3s", ""),
        // The name with which it greets (RFC 6761 §6.4: nobody's).
        Protocol::Submission => ("smtp", "smtps", "probe.invalid"),
    };
    let scheme = if door.encryption == Encryption::Tls { tls } else { clear };
    format!("{scheme}://{}/{path}", door.place())
}

fn answer(login: &Login<'_>, ended: &Ended) -> Answer {
    // Its verbose side repeats the secret, encoded: only the server's lines leave here.
    let stderr = Zeroizing::new(String::from_utf8_lossy(ended.stderr.expose()).into_owned());
    let no = stderr.lines().filter_map(|line| line.strip_prefix("< ")).rfind(|line| is_no(line));
    let own = stderr.lines().rfind(|line| line.starts_with("curl: ")).unwrap_or("curl: ended without a word");
    let asked = stderr.lines().rfind(|line| line.starts_with(['<', '>']));
    let unanswered = asked.is_some_and(|line| line.ends_with(plain(login).as_str()));
    match (ended.status, no.map(Answer::no)) {
        (Some(0), _) => Answer::Passed,
        (_, Some(behind @ Answer::Behind(_))) => behind,
        (Some(LOGIN_DENIED), Some(answer)) => answer,
        (Some(LOGIN_DENIED), None) => Answer::Untried("the server offers no PLAIN over TLS".to_owned()),
        (Some(NO_SUCH_PROTOCOL), _) => {
            Answer::Untried(format!("this curl does not speak {}", login.door.protocol.word()))
        }
        (_, Some(answer)) => Answer::Untried(answer.said().unwrap_or_default().to_owned()),
        (Some(TOO_LONG), None) => Answer::Untried(own.to_owned()),
        (_, None) if unanswered => Answer::HungUp,
        (_, None) => Answer::Untried(own.to_owned()),
    }
}

/// Account and secret as they are sent (RFC 4616).
fn plain(login: &Login<'_>) -> Zeroizing<String> {
    let parts = [b"\0".as_slice(), login.account.as_bytes(), b"\0", login.secret.expose()];
    Zeroizing::new(BASE64.encode(&Zeroizing::new(parts.concat())))
}

/// POP3 says no in `-ERR`, IMAP in `A002 NO`, SMTP in `535`; IMAP may say good-bye at once.
fn is_no(line: &str) -> bool {
    line.contains(" NO ")
        || line.starts_with("-ERR")
        || line.starts_with("* BYE Internal")
        || is_smtp_no(line)
}

fn is_smtp_no(line: &str) -> bool {
    let code = line.get(..4).unwrap_or_default();
    code.starts_with(['4', '5'])
        && code.ends_with([' ', '-'])
        && code.bytes().take(3).all(|octet| octet.is_ascii_digit())
}
