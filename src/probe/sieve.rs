//! openssl(1) for ManageSieve (RFC 5804), which curl does not speak. The dialogue goes in by stdin.

use data_encoding::BASE64;
use zeroize::Zeroizing;

use crate::crypto::secret::Secret;
use crate::hosts::{Ended, NotRun, Program};
use crate::probe::client::{Answer, LONGEST, Login};
use crate::probe::door::Encryption;
use crate::probe::way::Source;

/// What the server repeats, so that its answers before are told from those behind.
const MARK: &str = "postern-probe";

pub(super) fn log_in(login: &Login<'_>, stop: &(dyn Fn() -> bool + Sync)) -> Result<Answer, NotRun> {
    let dialogue = dialogue(login);
    let address = login.way.address.to_string();
    let source = login.source.address();
    let bind = format!("{source}:0");
    // -quiet lets it wait for the end of the server.
    let mut arguments = vec!["s_client", "-quiet", "-connect", address.as_str()];
    if login.door.encryption == Encryption::StartTls {
        arguments.extend(["-starttls", "sieve"]);
    }
    if matches!(login.source, Source::Own(_)) {
        arguments.extend(["-bind", bind.as_str()]);
    }
    let host = login.door.host.as_str();
    let is_name = host.parse::<std::net::IpAddr>().is_err();
    if is_name {
        arguments.extend(["-servername", host]);
    }
    if login.checks_certificate() {
        arguments.push("-verify_return_error");
        arguments.extend([if is_name { "-verify_hostname" } else { "-verify_ip" }, host]);
    }
    let openssl =
        Program { name: "openssl", arguments: &arguments, stdin: Some(&dialogue), longest: LONGEST };
    Ok(answer(&openssl.run(stop)?))
}

fn dialogue(login: &Login<'_>) -> Secret {
    let mut plain = Zeroizing::new(Vec::with_capacity(login.account.len() + login.secret.len() + 2));
    for part in [b"\0".as_slice(), login.account.as_bytes(), b"\0", login.secret.expose()] {
        plain.extend_from_slice(part);
    }
    let encoded = Zeroizing::new(BASE64.encode(&plain));
    Secret::new(
        format!("NOOP \"{MARK}\"\r\nAUTHENTICATE \"PLAIN\" \"{}\"\r\nLOGOUT\r\n", encoded.as_str())
            .into_bytes(),
    )
}

fn answer(ended: &Ended) -> Answer {
    let stdout = String::from_utf8_lossy(ended.stdout.expose());
    let marked = stdout.contains(MARK);
    let mut behind = stdout.lines().skip_while(|line| !line.contains(MARK)).skip(1);
    match behind.find(|line| ["OK", "NO", "BYE"].iter().any(|word| line.starts_with(word))) {
        Some(line) if line.starts_with("OK") => Answer::Passed,
        Some(line) => Answer::no(line),
        None if marked => Answer::HungUp,
        None => {
            let stderr = String::from_utf8_lossy(ended.stderr.expose());
            let said =
                stderr.lines().rfind(|line| line.contains("error")).unwrap_or("no answer in ManageSieve");
            Answer::Untried(format!("openssl: {}", said.trim()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stdout: &str, expected: &str) {
        let bytes = |text: &str| Secret::copy_of(text.as_bytes());
        let ended = Ended { status: Some(0), stdout: bytes(stdout), stderr: bytes("connect:errno=111\n") };
        assert_eq!(answer(&ended).word(), expected, "{stdout}");
    }

    #[test]
    fn the_answer_stands_behind_the_mark() {
        let before = "\"SASL\" \"PLAIN\"\r\nOK \"TLS negotiation successful.\"\r\nOK (TAG \"postern-probe\") \"Done.\"\r\n";
        check(&format!("{before}OK \"Logged in.\"\r\nOK \"Logout completed.\"\r\n"), "passed");
        check(&format!("{before}NO \"Authentication failed.\"\r\nOK \"Logout completed.\"\r\n"), "refused");
        check(&format!("{before}NO (TRYLATER) \"Temporary.\"\r\n"), "not-now");
        check(before, "hung-up");
        check("", "untried");
    }
}
