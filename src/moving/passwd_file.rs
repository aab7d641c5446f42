//! Dovecot's passwd-file: `user:{SCHEME}hash:uid:gid:gecos:home:shell:extra` (doc.dovecot.org, "Passwd-file").

use crate::domain::account::{AccountName, AccountState, Naming};
use crate::moving::import::{Item, Primary};
use crate::moving::lines::{Ends, Line, lines};
use crate::moving::{Reason, reason};

/// Fields before those of Dovecot's own.
const FIELDS_OF_PASSWD: usize = 7;

/// Reads every line.
pub(super) fn read<'a>(
    content: &'a [u8],
    naming: &'a Naming,
) -> impl Iterator<Item = (usize, Result<Item, Reason>)> + 'a {
    let comment = |line: &Line<'_>| line.text.as_ref().is_ok_and(|text| text.starts_with('#'));
    lines(content, Ends::Strict)
        .filter(move |line| !comment(line))
        .map(move |line| (line.number, line.text.and_then(|text| account(text, naming))))
}

fn account(line: &str, naming: &Naming) -> Result<Item, Reason> {
    let mut fields = line.split(':');
    let name = AccountName::parse(fields.next().unwrap_or_default().as_bytes(), naming)?;
    let Some(password) = fields.next() else {
        return reason("it has no colon behind the name");
    };
    // Dovecot's own fields may hold colons again, such as an address.
    let extra: Vec<&str> = fields.skip(FIELDS_OF_PASSWD - 2).flat_map(|field| field.split(' ')).collect();
    let (primary, locked) = primary(password)?;
    let closed = locked || extra.iter().any(|word| is(word, "nologin"));
    limits_nothing(&extra)?;
    let state = if closed { AccountState::Disabled } else { AccountState::Active };
    Ok(Item::Account { name, primary, state })
}

/// What is compared with, and whether it is locked as passwd(5) locks: with a sign before the hash, or without a hash.
fn primary(password: &str) -> Result<(Primary, bool), Reason> {
    let (scheme, rest) = match password.find('}') {
        Some(end) if password.starts_with('{') => password.split_at(end + 1),
        _ => ("", password),
    };
    let hash = rest.trim_start_matches(['!', '*']);
    let in_the_clear = ["PLAIN", "CLEAR"].iter().any(|word| scheme.to_ascii_uppercase().contains(word));
    if hash.is_empty() {
        return Ok((Primary::Missing, true));
    }
    if in_the_clear {
        return Ok((Primary::read(password)?, false));
    }
    Ok((Primary::read(&format!("{scheme}{hash}"))?, hash.len() < rest.len()))
}

/// To leave out a limit would open what was closed.
fn limits_nothing(extra: &[&str]) -> Result<(), Reason> {
    for word in ["allow_nets", "allow_real_nets"] {
        if extra.iter().any(|field| is(field, word)) {
            return Err(Reason(format!(
                "{word} limits the primary password, which Postern does by policy: take the field out"
            )));
        }
    }
    Ok(())
}

fn is(field: &str, word: &str) -> bool {
    field.split_once('=').map_or(field, |(name, _)| name) == word
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{Case, DomainRule};

    #[track_caller]
    fn check(line: &str, expected: Result<(&str, &str, AccountState), &str>) {
        let naming = Naming { case: Case::Fold, domain: DomainRule::Keep };
        let rows: Vec<_> = read(line.as_bytes(), &naming).collect();
        let [(1, item)] = rows.as_slice() else { panic!("{line}") };
        let found = match item {
            Ok(Item::Account { name, primary, state }) => Ok((name.as_str(), primary.scheme(), *state)),
            Ok(Item::AppPassword { .. }) => panic!("{line}"),
            Err(why) => Err(why.0.as_str()),
        };
        match (&found, &expected) {
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{line}: {found}"),
            _ => assert_eq!(found, expected, "{line}"),
        }
    }

    const SHA: &str = "{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=";
    const MD5: &str = "$1$6JeCGzZQ$tn6dWSkglHjXfsBpIwlvZ/";

    #[test]
    fn a_line_is_an_account() {
        use AccountState::{Active, Disabled};
        check(&format!("Alice:{SHA}"), Ok(("alice", "SHA", Active)));
        check(&format!("alice:{SHA}:1000:1000::/home/alice:/bin/sh:"), Ok(("alice", "SHA", Active)));
        check(&format!("alice@example.org:{MD5}::::::"), Ok(("alice@example.org", "MD5-CRYPT", Active)));
        check("alice:{PLAIN}!secret*:::::::", Ok(("alice", "PLAIN", Active)));
        check(
            &format!("alice:{SHA}:::::::userdb_quota_rule=*:storage=1G nologin"),
            Ok(("alice", "SHA", Disabled)),
        );
    }

    #[test]
    fn a_locked_password_is_a_closed_account() {
        use AccountState::Disabled;
        check(&format!("alice:!{MD5}"), Ok(("alice", "MD5-CRYPT", Disabled)));
        check(&format!("alice:*{MD5}"), Ok(("alice", "MD5-CRYPT", Disabled)));
        check(&format!("alice:{{CRYPT}}!{MD5}"), Ok(("alice", "MD5-CRYPT", Disabled)));
        for none in ["", "!", "*", "!!", "{CRYPT}", "{CRYPT}*", "{PLAIN}"] {
            check(&format!("alice:{none}"), Ok(("alice", "none", Disabled)));
        }
        // Whatever Dovecot lets in without a password stays out.
        check("alice::::::::nopassword", Ok(("alice", "none", Disabled)));
    }

    #[test]
    fn what_is_no_account_says_why() {
        check("alice", Err("no colon"));
        check(":{SHA}x", Err("an account name is empty"));
        check("alice:x:1000:1000::/:", Err("has no {SCHEME}"));
        check("alice:secret", Err("has no {SCHEME}"));
        check("alice:{SHA}secret", Err("not of the form"));
        check("alice:{CRAM-MD5}38b57fd1", Err("for challenges"));
        check(&format!("alice:{SHA}:::::::allow_nets=192.0.2.0/24"), Err("allow_nets limits"));
    }

    #[test]
    fn comments_and_empty_lines_are_passed_over() {
        let naming = Naming { case: Case::Fold, domain: DomainRule::Keep };
        let numbers: Vec<usize> =
            read(b"# users\n\nalice:\n#\nbob:\n", &naming).map(|(number, _)| number).collect();
        assert_eq!(numbers, [3, 5]);
    }
}
