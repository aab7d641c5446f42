//! Answers to local users. Some hold secrets, which are shown once.

use zeroize::Zeroizing;

use crate::crypto::secret::Secret;
use crate::domain::account::AccountName;
use crate::domain::app_password::Label;
use crate::domain::recovery_code::HOW_MANY;
use crate::domain::self_service::Refusal;
use crate::domain::time::UnixTime;
use crate::domain::totp::MAX_KEYS;
use crate::wire::frame::{BadFrame, MAX_FRAME, Reader, VERSION, Writer};
use crate::wire::manage::page::Page;
use crate::wire::manage::refusal::{read_refusal, write_refusal};

/// What a local user is answered.
#[derive(Debug)]
pub enum Answer {
    /// What the account has.
    Account(OwnAccount),
    /// Some of its app passwords.
    AppPasswords(Page),
    /// An app password is worthless now.
    Revoked(RevokedAppPassword),
    /// A new app password.
    AppPassword {
        /// As it is shown.
        password: Secret,
        /// When its time is over, if ever.
        expires_at: Option<UnixTime>,
    },
    /// A key for an authenticator app, which is stored nowhere yet.
    Key(Secret),
    /// The account is enrolled.
    Enrolled {
        /// Its recovery codes, as they are shown.
        codes: Vec<Secret>,
        /// Its first app password, as it is shown.
        password: Secret,
        /// When that one's time is over, if ever.
        expires_at: Option<UnixTime>,
    },
    /// The account has another authenticator app.
    TotpAdded,
    /// New recovery codes, as they are shown.
    RecoveryCodes(Vec<Secret>),
    /// Nothing was done.
    Refused(Refusal),
}

/// What an account has, as its owner may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnAccount {
    /// As the store spells it.
    pub name: String,
    /// When it first got an app password or a second factor.
    pub enrolled_at: Option<UnixTime>,
    /// The labels of its keys for one-time codes.
    pub keys: Vec<String>,
    /// How many recovery codes are left.
    pub codes_left: u32,
    /// How many of the newest ones are spent.
    pub codes_spent: u32,
    /// When those were made.
    pub codes_made_at: Option<UnixTime>,
}

/// An app password that is worthless now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokedAppPassword {
    /// The number by which an administrator can take it back.
    pub revocation: Option<u64>,
    /// Until when.
    pub restorable_until: UnixTime,
    /// What it was to replace and is good still, if anything.
    pub lives_on: Option<String>,
}

/// Longest app password or recovery code, as it is shown.
const MAX_SHOWN: usize = 64;

const ACCOUNT: u8 = b's';
const PAGE: u8 = b'l';
const REVOKED: u8 = b'r';
const APP_PASSWORD: u8 = b'a';
const KEY: u8 = b'b';
const ENROLLED: u8 = b'f';
const TOTP_ADDED: u8 = b't';
const CODES: u8 = b'c';
const REFUSED: u8 = b'x';

// The largest of them fits into a frame; pages see to themselves.
const _: () = {
    assert!(2 + (1 + HOW_MANY) * (2 + MAX_SHOWN) + 9 < MAX_FRAME);
    let keys = 1 + MAX_KEYS * (2 + Label::MAX_LEN);
    assert!(2 + 2 + AccountName::MAX_LEN + 9 + keys + 8 + 8 + 9 < MAX_FRAME);
};

/// Writes an answer.
///
/// # Errors
/// Where a field is beyond any bound.
pub fn encode_answer(answer: &Answer) -> Result<Zeroizing<Vec<u8>>, BadFrame> {
    let mut frame = Writer::new();
    frame.octet(VERSION);
    match answer {
        Answer::Account(account) => write_account(&mut frame, account)?,
        Answer::AppPasswords(page) => {
            frame.octet(PAGE);
            page.write(&mut frame)?;
        }
        Answer::Revoked(revoked) => write_revoked(&mut frame, revoked)?,
        Answer::AppPassword { password, expires_at } => {
            frame.octet(APP_PASSWORD);
            frame.field(password.expose())?;
            frame.moment(*expires_at);
        }
        Answer::Key(key) => {
            frame.octet(KEY);
            frame.field(key.expose())?;
        }
        Answer::Enrolled { codes, password, expires_at } => {
            frame.octet(ENROLLED);
            frame.field(password.expose())?;
            frame.moment(*expires_at);
            write_codes(&mut frame, codes)?;
        }
        Answer::TotpAdded => frame.octet(TOTP_ADDED),
        Answer::RecoveryCodes(codes) => {
            frame.octet(CODES);
            write_codes(&mut frame, codes)?;
        }
        Answer::Refused(refusal) => {
            frame.octet(REFUSED);
            write_refusal(&mut frame, refusal)?;
        }
    }
    Ok(frame.finish())
}

/// Reads an answer.
///
/// # Errors
/// Where it is none of this version.
pub fn decode_answer(frame: &[u8]) -> Result<Answer, BadFrame> {
    let mut reader = Reader::new(frame);
    if reader.octet()? != VERSION {
        return Err(BadFrame);
    }
    let answer = match reader.octet()? {
        ACCOUNT => Answer::Account(read_account(&mut reader)?),
        PAGE => Answer::AppPasswords(Page::read(&mut reader)?),
        REVOKED => Answer::Revoked(read_revoked(&mut reader)?),
        APP_PASSWORD => Answer::AppPassword { password: reader.secret()?, expires_at: reader.moment()? },
        KEY => Answer::Key(reader.secret()?),
        ENROLLED => {
            let (password, expires_at) = (reader.secret()?, reader.moment()?);
            Answer::Enrolled { codes: read_codes(&mut reader)?, password, expires_at }
        }
        TOTP_ADDED => Answer::TotpAdded,
        CODES => Answer::RecoveryCodes(read_codes(&mut reader)?),
        REFUSED => Answer::Refused(read_refusal(&mut reader)?),
        _ => return Err(BadFrame),
    };
    reader.end()?;
    Ok(answer)
}

fn write_account(frame: &mut Writer, account: &OwnAccount) -> Result<(), BadFrame> {
    frame.octet(ACCOUNT);
    frame.field(account.name.as_bytes())?;
    frame.moment(account.enrolled_at);
    frame.octet(u8::try_from(account.keys.len()).map_err(|_| BadFrame)?);
    account.keys.iter().try_for_each(|key| frame.field(key.as_bytes()))?;
    frame.number(account.codes_left.into());
    frame.number(account.codes_spent.into());
    frame.moment(account.codes_made_at);
    Ok(())
}

fn read_account(reader: &mut Reader<'_>) -> Result<OwnAccount, BadFrame> {
    let (name, enrolled_at) = (reader.text()?.to_owned(), reader.moment()?);
    let keys = (0..reader.octet()?).map(|_| reader.text().map(str::to_owned)).collect::<Result<_, _>>()?;
    let (codes_left, codes_spent) = (reader.short_number()?, reader.short_number()?);
    Ok(OwnAccount { name, enrolled_at, keys, codes_left, codes_spent, codes_made_at: reader.moment()? })
}

fn write_revoked(frame: &mut Writer, revoked: &RevokedAppPassword) -> Result<(), BadFrame> {
    frame.octet(REVOKED);
    frame.number(revoked.revocation.unwrap_or(0));
    frame.number(revoked.restorable_until.0);
    frame.field(revoked.lives_on.as_deref().unwrap_or_default().as_bytes())
}

/// No row has the number 0, and no label is empty.
fn read_revoked(reader: &mut Reader<'_>) -> Result<RevokedAppPassword, BadFrame> {
    let revocation = Some(reader.number()?).filter(|number| *number > 0);
    let restorable_until = UnixTime(reader.number()?);
    let lives_on = Some(reader.text()?.to_owned()).filter(|label| !label.is_empty());
    Ok(RevokedAppPassword { revocation, restorable_until, lives_on })
}

fn write_codes(frame: &mut Writer, codes: &[Secret]) -> Result<(), BadFrame> {
    frame.octet(u8::try_from(codes.len()).map_err(|_| BadFrame)?);
    codes.iter().try_for_each(|code| frame.field(code.expose()))
}

fn read_codes(reader: &mut Reader<'_>) -> Result<Vec<Secret>, BadFrame> {
    (0..reader.octet()?).map(|_| reader.secret()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::copy_of(text.as_bytes())
    }

    fn account() -> OwnAccount {
        OwnAccount {
            name: "alice".to_owned(),
            enrolled_at: Some(UnixTime(1)),
            keys: vec!["totp".to_owned(), "yubikey".to_owned()],
            codes_left: 9,
            codes_spent: 1,
            codes_made_at: Some(UnixTime(2)),
        }
    }

    fn answers() -> Vec<Answer> {
        let codes = || (0..HOW_MANY).map(|number| secret(&format!("r7qm-2x9d-r4fw-8hz{number}"))).collect();
        let password = || secret("x7qm-2x9d-r4fw-8hzn-pt3c");
        let revoked = |revocation, lives_on: Option<&str>| {
            let (restorable_until, lives_on) = (UnixTime(8), lives_on.map(str::to_owned));
            Answer::Revoked(RevokedAppPassword { revocation, restorable_until, lives_on })
        };
        vec![
            Answer::Account(account()),
            Answer::Account(OwnAccount { keys: vec![], enrolled_at: None, codes_made_at: None, ..account() }),
            Answer::AppPasswords(Page { rows: vec![], is_last: true }),
            revoked(Some(7), None),
            revoked(None, Some("phone (old)")),
            Answer::AppPassword { password: password(), expires_at: None },
            Answer::Key(Secret::copy_of(&[0xff; 20])),
            Answer::Enrolled { codes: codes(), password: password(), expires_at: Some(UnixTime(9)) },
            Answer::TotpAdded,
            Answer::RecoveryCodes(codes()),
            Answer::Refused(Refusal::NoAccount("alice".to_owned())),
        ]
    }

    #[test]
    fn every_answer_is_read_as_it_was_written() {
        for answer in answers() {
            let frame = encode_answer(&answer).unwrap();
            let read = decode_answer(&frame).unwrap();
            assert_eq!(*encode_answer(&read).unwrap(), *frame, "{answer:?}");
            match (&answer, &read) {
                (Answer::Refused(written), Answer::Refused(read)) => assert_eq!(written, read),
                (Answer::Account(written), Answer::Account(read)) => assert_eq!(written, read),
                (Answer::AppPasswords(written), Answer::AppPasswords(read)) => assert_eq!(written, read),
                (Answer::Revoked(written), Answer::Revoked(read)) => assert_eq!(written, read),
                _ => assert_eq!(format!("{answer:?}"), format!("{read:?}")),
            }
        }
    }

    #[test]
    fn an_answer_cut_short_or_with_more_behind_it_is_none() {
        for answer in answers() {
            let frame = encode_answer(&answer).unwrap();
            for end in 0..frame.len() {
                assert!(decode_answer(&frame[..end]).is_err(), "{answer:?} cut at {end}");
            }
            assert!(decode_answer(&[frame.as_slice(), b"\0"].concat()).is_err());
            assert!(decode_answer(&[&[2], &frame[1..]].concat()).is_err());
        }
    }

    #[test]
    fn no_secret_is_in_what_an_answer_prints() {
        for answer in answers() {
            let printed = format!("{answer:?}");
            assert!(!printed.contains("7qm") && !printed.contains("255"), "{printed}");
        }
    }
}
