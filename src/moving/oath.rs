//! The users file of the OATH Toolkit's PAM module: `HOTP/T30/6 user pin key`, and three fields of state behind.

use crate::crypto::otp::{Digits, key_of_hex};
use crate::domain::account::{AccountName, Naming};
use crate::domain::totp::{Period, Totp};
use crate::moving::lines::{Ends, lines};
use crate::moving::{FoundKey, NoKey, Reason, no_key};

const PIN: &str = "the PIN: the primary password stands in its place";

/// Reads the key of one account; the lines of others are passed over.
///
/// # Errors
/// Says which line cannot be meant.
pub fn read(content: &[u8], account: &AccountName, naming: &Naming) -> Result<FoundKey, NoKey> {
    let mut found: Option<FoundKey> = None;
    for line in lines(content, Ends::Tabbed) {
        let number = line.number;
        let text = line.text.map_err(|reason| NoKey { line: number, reason })?;
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        if fields.is_empty() || text.starts_with('#') {
            continue;
        }
        let [kind, user, pin, key, ..] = fields.as_slice() else {
            return no_key(number, "it has fewer than four fields");
        };
        if AccountName::parse(user.as_bytes(), naming).as_ref() != Ok(account) {
            continue;
        }
        if found.is_some() {
            return no_key(number, "the account has a second line");
        }
        let totp = totp(kind, key).map_err(|reason| NoKey { line: number, reason })?;
        let left = if ["-", "+"].contains(pin) { Vec::new() } else { vec![PIN] };
        found = Some(FoundKey { totp, left });
    }
    found.map_or_else(|| no_key(1, "no line names the account"), Ok)
}

fn totp(kind: &str, key: &str) -> Result<Totp, Reason> {
    let mut parts = kind.split('/');
    let (name, step, digits) = (parts.next(), parts.next(), parts.next());
    if name != Some("HOTP") || parts.next().is_some() {
        return super::reason("it begins with none of the kinds of the OATH Toolkit");
    }
    let period = match step {
        Some("T30") => 30,
        Some("T60") => 60,
        _ => return super::reason("its codes are counted, and not time-based: enroll a new key"),
    };
    let digits = digits.map_or(Some(Digits::SIX), |digits| digits.parse().ok().and_then(Digits::new));
    let mut totp = Totp::with_key(key_of_hex(key.as_bytes())?);
    totp.digits = digits.ok_or_else(|| Reason("a code has 6 to 8 digits".to_owned()))?;
    totp.period = Period::new(period).unwrap_or(Period::DEFAULT);
    Ok(totp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{Case, DomainRule};

    // As pam_oath(8) of the OATH Toolkit 2.6.7 draws it; the key is RFC 4226's, `oathtool --totp -v 3132...` knows it.
    const USERS: &str = "\
# type\tuser\tpin\tkey
HOTP/T30/6\tAlice\t-\t3132333435363738393031323334353637383930\t0\t755224\t2026-11-22T06:46:00L
HOTP/T60/8 bob 1234 3132333435363738393031323334353637383930
HOTP carl - 3132333435363738393031323334353637383930
HOTP/E/6 dora - 3132333435363738393031323334353637383930
HOTP/T30 emil + 3132333435363738393031323334353637383930
";

    fn found(content: &str, account: &str) -> Result<FoundKey, NoKey> {
        let naming = Naming { case: Case::Fold, domain: DomainRule::Keep };
        read(content.as_bytes(), &AccountName::parse(account.as_bytes(), &naming).unwrap(), &naming)
    }

    #[track_caller]
    fn refused(content: &str, account: &str, line: usize, word: &str) {
        let why = found(content, account).err().unwrap();
        assert!(why.line == line && why.reason.as_str().contains(word), "{why:?}");
    }

    #[test]
    fn the_line_of_the_account_is_taken() {
        for (account, secs, digits, left) in [("alice", 30, 6, 0), ("bob", 60, 8, 1), ("emil", 30, 6, 0)] {
            let found = found(USERS, account).unwrap();
            let totp = &found.totp;
            assert_eq!((totp.period.secs(), totp.digits.count(), found.left.len()), (secs, digits, left));
            assert_eq!(totp.key.expose(), b"12345678901234567890");
        }
    }

    #[test]
    fn what_cannot_be_taken_is_named_by_its_line() {
        refused(USERS, "carl", 4, "counted");
        refused(USERS, "dora", 5, "counted");
        refused(USERS, "nobody", 1, "no line names");
        refused(&format!("{USERS}{USERS}"), "alice", 8, "second line");
        refused("HOTP/T30/6 alice", "alice", 1, "fewer than four");
        refused("HOTP/T30/6 alice - 3132", "alice", 1, "80");
        refused("HOTP/T30/6 alice - zz32333435363738393031323334353637383930", "alice", 1, "letter");
        refused("HOTP/T30/9 alice - 3132333435363738393031323334353637383930", "alice", 1, "6 to 8");
        refused("TOTP/T30 alice - 3132333435363738393031323334353637383930", "alice", 1, "none of the kinds");
        refused("HOTP/T30/6 ali\0ce - 00", "alice", 1, "control");
    }
}
