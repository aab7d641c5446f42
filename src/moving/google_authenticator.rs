//! `~/.google_authenticator`, the file of Google's PAM module (its FILEFORMAT): the key on the first line, then options
//! that begin with a double quote, then scratch codes.

use crate::crypto::otp::key_of_base32;
use crate::domain::totp::{Period, Totp};
use crate::moving::lines::{Ends, lines};
use crate::moving::{FoundKey, NoKey, no_key};

const SCRATCH_CODES: &str = "scratch codes: `postern recovery new` makes recovery codes";
const SKEW: &str = "the time skew: set the clock of the device";

/// Reads the key of a file.
///
/// # Errors
/// Says which line cannot be meant.
pub fn read(content: &[u8]) -> Result<FoundKey, NoKey> {
    let mut found: Option<FoundKey> = None;
    let mut time_based = false;
    for line in lines(content, Ends::Strict) {
        let number = line.number;
        let text = line.text.map_err(|reason| NoKey { line: number, reason })?;
        match (&mut found, text.strip_prefix("\" ")) {
            (None, _) => {
                let key = key_of_base32(text.as_bytes())
                    .map_err(|error| NoKey { line: number, reason: error.into() })?;
                found = Some(FoundKey { totp: Totp::with_key(key), left: Vec::new() });
            }
            (Some(found), Some(option)) => {
                time_based |= option.trim_end() == "TOTP_AUTH";
                take(found, option)
                    .map_err(|why| NoKey { line: number, reason: super::Reason(why.to_owned()) })?;
            }
            (Some(found), None) => {
                if text.len() != 8 || !text.bytes().all(|octet| octet.is_ascii_digit()) {
                    return no_key(number, "it is neither an option nor a scratch code");
                }
                leave(found, SCRATCH_CODES);
            }
        }
    }
    match found {
        None => no_key(1, "the file has no key"),
        Some(_) if !time_based => no_key(1, "the file does not say TOTP_AUTH: its codes are not time-based"),
        Some(found) => Ok(found),
    }
}

fn take(found: &mut FoundKey, option: &str) -> Result<(), &'static str> {
    let mut words = option.split(' ');
    let (name, value) = (words.next().unwrap_or_default(), words.next());
    match name {
        // How it counts and limits; Postern has rules of its own.
        "TOTP_AUTH" | "WINDOW_SIZE" | "RATE_LIMIT" | "DISALLOW_REUSE" | "RESETTING_TIME_SKEW" => {}
        "STEP_SIZE" => {
            let secs = value.and_then(|value| value.parse().ok()).and_then(Period::new);
            found.totp.period = secs.ok_or("a step has 15 to 300 seconds")?;
        }
        "TIME_SKEW" => leave(found, SKEW),
        "HOTP_COUNTER" => return Err("its codes are counted, and not time-based: enroll a new key"),
        "OTP_DISABLED" => return Err("the key is switched off"),
        last if last.strip_prefix("LAST").is_some_and(|n| n.parse::<u8>().is_ok()) => {}
        _ => return Err("the option is unknown"),
    }
    Ok(())
}

fn leave(found: &mut FoundKey, what: &'static str) {
    if !found.left.contains(&what) {
        found.left.push(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // google-authenticator -t -d -f -r 3 -R 30 -w 3 -q -C, of libpam-google-authenticator 20191231.
    const TOTP: &str = "\
YYRIOQO54DQKU46XCXUJQ4XC5Y
\" RATE_LIMIT 3 30
\" WINDOW_SIZE 3
\" DISALLOW_REUSE
\" TOTP_AUTH
69904582
69504387
";

    // The same with -D -S 60 -u -W instead of the limits, and with -c instead of -t.
    const SIXTY: &str =
        "NX4WHR3CBS6QOTPNWOJDBFR7DU\n\" WINDOW_SIZE 3\n\" STEP_SIZE 60\n\" TOTP_AUTH\n88524547\n";
    const HOTP: &str =
        "JGR2BVALTGBN76LQ5YOHM4D6YY\n\" RATE_LIMIT 3 30\n\" WINDOW_SIZE 3\n\" HOTP_COUNTER 1\n25044647\n";

    #[track_caller]
    fn refused(content: &str, line: usize, word: &str) {
        let why = read(content.as_bytes()).err().unwrap();
        assert!(why.line == line && why.reason.as_str().contains(word), "{why:?}");
    }

    #[test]
    fn the_key_is_taken_and_the_scratch_codes_are_not() {
        let found = read(TOTP.as_bytes()).unwrap();
        assert_eq!((found.totp.key.len(), found.totp.period.secs()), (16, 30));
        assert_eq!(found.left, [SCRATCH_CODES]);
        assert_eq!(read(SIXTY.as_bytes()).unwrap().totp.period.secs(), 60);
    }

    #[test]
    fn what_is_not_time_based_is_refused() {
        refused(HOTP, 4, "counted");
        refused("YYRIOQO54DQKU46XCXUJQ4XC5Y\n69904582\n", 1, "TOTP_AUTH");
    }

    #[test]
    fn what_makes_no_sense_is_named_by_its_line() {
        refused("", 1, "no key");
        refused("no base32!", 1, "letter");
        refused("JBSWY3DP\n\" TOTP_AUTH\n", 1, "80");
        refused(&TOTP.replace("WINDOW_SIZE", "NONSENSE"), 3, "unknown");
        refused(&SIXTY.replace("60", "4"), 3, "15 to 300");
        refused(&TOTP.replace("69904582", "6990458"), 6, "neither");
        refused(&TOTP.replace("69904582", "\" OTP_DISABLED"), 6, "switched off");
        refused(&TOTP.replace("69904582", "a\u{0}b"), 6, "control");
    }
}
