//! The identity that logs in.
//!
//! Knows: which names may be an account, and how a host's spelling becomes the store's.
//! Never: whether an account exists.

use std::borrow::Borrow;
use std::fmt;

/// A name that may be an account: bounded text without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountName(Box<str>);

impl AccountName {
    /// RFC 5321 §4.5.3.1: 64 octets of local part, "@", 255 octets of domain.
    pub const MAX_LEN: usize = 64 + 1 + 255;

    /// Reads what a host or a person wrote, and spells it as the store does.
    ///
    /// # Errors
    /// Says which rule the name breaks.
    pub fn parse(raw: &[u8], naming: &Naming) -> Result<Self, AccountNameError> {
        let text = bounded_text(raw)?;
        let mut name = match &naming.domain {
            DomainRule::Keep => text.to_owned(),
            DomainRule::Add(domain) if !text.contains('@') => format!("{text}@{domain}"),
            DomainRule::Add(_) => text.to_owned(),
            DomainRule::Strip(domain) => without_domain(text, domain).to_owned(),
        };
        if naming.case == Case::Fold {
            name.make_ascii_lowercase();
        }
        // Adding a domain may pass the bound, stripping one may leave nothing.
        bounded_text(name.as_bytes())?;
        Ok(Self(name.into_boxed_str()))
    }

    /// As the store writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for AccountName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which rule a name breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountNameError {
    /// Nothing is left.
    Empty,
    /// More than [`AccountName::MAX_LEN`] octets.
    TooLong,
    /// Invalid UTF-8 or a control character.
    NotText,
}

impl fmt::Display for AccountNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an account name is empty"),
            Self::TooLong => write!(f, "an account name has more than {} octets", AccountName::MAX_LEN),
            Self::NotText => f.write_str("an account name has invalid UTF-8 or a control character"),
        }
    }
}

impl std::error::Error for AccountNameError {}

/// How a host's spelling becomes the store's; nothing else is guessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// What happens to A–Z.
    pub case: Case,
    /// What happens to the domain.
    pub domain: DomainRule,
}

/// What happens to A–Z; letters beyond ASCII are never folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `Alice` and `alice` are one account.
    Fold,
    /// They are two.
    Keep,
}

/// What happens to the domain of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DomainRule {
    /// The name is taken as it is.
    Keep,
    /// A name without `@` gets this domain.
    Add(String),
    /// This domain, and no other, is cut off.
    Strip(String),
}

fn bounded_text(raw: &[u8]) -> Result<&str, AccountNameError> {
    if raw.is_empty() {
        return Err(AccountNameError::Empty);
    }
    if AccountName::MAX_LEN < raw.len() {
        return Err(AccountNameError::TooLong);
    }
    let text = std::str::from_utf8(raw).map_err(|_| AccountNameError::NotText)?;
    if text.chars().any(char::is_control) {
        return Err(AccountNameError::NotText);
    }
    Ok(text)
}

fn without_domain<'a>(name: &'a str, domain: &str) -> &'a str {
    match name.rsplit_once('@') {
        Some((local, found)) if found.eq_ignore_ascii_case(domain) => local,
        _ => name,
    }
}

/// Whether an account may log in at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// It may.
    Active,
    /// Root has closed it.
    Disabled,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(domain: DomainRule, case: Case, raw: &str, expected: Result<&str, AccountNameError>) {
        let got = AccountName::parse(raw.as_bytes(), &Naming { case, domain });
        assert_eq!(got.as_ref().map(AccountName::as_str), expected.as_ref().copied(), "{raw}");
    }

    #[test]
    fn one_spelling_for_one_account() {
        let add = || DomainRule::Add("example.org".into());
        let strip = || DomainRule::Strip("example.org".into());
        check(DomainRule::Keep, Case::Fold, "Alice@Example.ORG", Ok("alice@example.org"));
        check(DomainRule::Keep, Case::Keep, "Alice", Ok("Alice"));
        check(add(), Case::Fold, "Alice", Ok("alice@example.org"));
        check(add(), Case::Fold, "alice@example.com", Ok("alice@example.com"));
        check(strip(), Case::Fold, "alice@EXAMPLE.org", Ok("alice"));
        check(strip(), Case::Fold, "alice@example.com", Ok("alice@example.com"));
        check(strip(), Case::Fold, "a@b@example.org", Ok("a@b"));
    }

    #[test]
    fn nothing_else_is_guessed() {
        for name in [" alice", "alice ", "alice+tag", "ALICE\u{ad}", "\u{ff41}lice", "%u", "../x", "';--"] {
            check(DomainRule::Keep, Case::Keep, name, Ok(name));
        }
    }

    #[test]
    fn names_out_of_bounds_are_refused() {
        let long = "a".repeat(AccountName::MAX_LEN + 1);
        check(DomainRule::Keep, Case::Fold, "", Err(AccountNameError::Empty));
        check(DomainRule::Keep, Case::Fold, &long, Err(AccountNameError::TooLong));
        check(
            DomainRule::Add("example.org".into()),
            Case::Fold,
            &long[..312],
            Err(AccountNameError::TooLong),
        );
        check(
            DomainRule::Strip("example.org".into()),
            Case::Fold,
            "@example.org",
            Err(AccountNameError::Empty),
        );
        for name in ["a\0b", "a\nb", "a\tb", "a\u{7f}", "a\u{85}"] {
            check(DomainRule::Keep, Case::Fold, name, Err(AccountNameError::NotText));
        }
        let naming = Naming { case: Case::Fold, domain: DomainRule::Keep };
        assert_eq!(AccountName::parse(b"\xff\xfe", &naming), Err(AccountNameError::NotText));
    }
}
