//! Floor 2: meaning -> one log line.
//!
//! Knows: how a decision and a change are told in `key=value`, and that foreign text cannot forge a field or a line.
//! Never: a secret, or where lines go.

use std::fmt;

use crate::domain::anchor::Anchor;
use crate::domain::attempt::Door;

/// What is told about one attempt.
pub enum Event<'a> {
    /// It passed.
    Granted {
        /// Whose attempt it was.
        subject: Subject<'a>,
        /// Which kind of authenticator it was.
        path: Path,
        /// What its owner calls the authenticator.
        label: Option<&'a str>,
        /// Why the primary password alone was enough, if it was.
        alone: Option<&'a str>,
    },
    /// It did not.
    Denied {
        /// Whose attempt it was.
        subject: Subject<'a>,
        /// Which kind of authenticator it seemed to be.
        path: Path,
        /// What its owner calls the authenticator, if it is one.
        label: Option<&'a str>,
        /// The reason, in one word.
        why: &'a str,
        /// The field that was out of bounds.
        field: Option<&'a str>,
        /// Earlier tries that this line tells of too.
        folded: Folded,
    },
    /// Nothing could be said about it.
    Unavailable {
        /// Whose attempt it was.
        subject: Subject<'a>,
        /// What is not usable.
        what: &'a str,
        /// What to do about it.
        fix: &'a str,
    },
}

/// What is told about one change of the store.
pub struct Change<'a> {
    /// Thing and act, such as `app.revoke`.
    pub event: &'a str,
    /// Whose, if it is anybody's.
    pub account: Option<&'a str>,
    /// What its owner calls it.
    pub label: Option<&'a str>,
    /// Whatever else matters.
    pub detail: Option<&'a str>,
    /// The uid that did it.
    pub by: u32,
    /// The row that tells of it too.
    pub anchor: &'a Anchor,
}

/// Whose attempt it was, as far as it could be read.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The account, as the store spells it or as it came.
    pub account: &'a [u8],
    /// The service, likewise.
    pub service: &'a [u8],
    /// The remote host, if one was named.
    pub remote: Option<&'a [u8]>,
    /// The door.
    pub door: Door,
}

/// How many tries left no line of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// Of the same app password from the same address.
    pub same: u64,
    /// Of others, which have not tried again since.
    pub others: u64,
}

/// Which way through the decision an attempt took; its shape decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// None: it could not be read.
    None,
    /// An app password.
    AppPassword,
    /// A primary password without a code.
    Primary,
    /// A primary password and a code.
    PrimaryWithCode,
    /// A primary password and a recovery code.
    PrimaryWithRecovery,
    /// A second factor alone: another module checks the primary password.
    SecondFactor,
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::AppPassword => "app-password",
            Self::Primary => "primary",
            Self::PrimaryWithCode => "primary+code",
            Self::PrimaryWithRecovery => "primary+recovery",
            Self::SecondFactor => "second-factor",
        })
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted { subject, path, label, alone } => {
                let (label, alone) =
                    (Field("label", label.map(str::as_bytes)), Field("alone", alone.map(str::as_bytes)));
                write!(f, "granted {subject} path={path}{label}{alone}")
            }
            Self::Denied { subject, path, label, why, field, folded } => {
                let label = Field("label", label.map(str::as_bytes));
                let field = Field("field", field.map(str::as_bytes));
                write!(f, "denied {subject} path={path}{label} why={why}{field}{folded}")
            }
            Self::Unavailable { subject, what, fix } => {
                let (what, fix) = (Field("what", Some(what.as_bytes())), Field("fix", Some(fix.as_bytes())));
                write!(f, "unavailable {subject}{what}{fix}")
            }
        }
    }
}

impl fmt::Display for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "changed event={}", Plain(self.event.as_bytes()))?;
        for (name, value) in [("account", self.account), ("label", self.label)] {
            write!(f, "{}", Field(name, value.map(str::as_bytes)))?;
        }
        write!(f, " by={} anchor={}", self.by, self.anchor)?;
        let Some(detail) = self.detail else {
            return Ok(());
        };
        // Last, and what of it does not fit is in the row.
        write!(f, " detail={}", Quoted(detail.as_bytes(), Quoted::DETAIL))
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "account={}", Quoted(self.account, Quoted::MAX))?;
        write!(f, " service={}", Plain(self.service))?;
        write!(f, " rhost={} door={}", Plain(self.remote.unwrap_or(b"-")), self.door)
    }
}

impl fmt::Display for Folded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in [("folded", self.same), ("folded_others", self.others)] {
            if 0 < count {
                write!(f, " {name}={count}")?;
            }
        }
        Ok(())
    }
}

/// ` name="value"`, or nothing.
struct Field<'a>(&'a str, Option<&'a [u8]>);

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.map_or(Ok(()), |value| write!(f, " {}={}", self.0, Quoted(value, Quoted::MAX)))
    }
}

/// Bare if nothing in it could part fields, else quoted.
struct Plain<'a>(&'a [u8]);

impl Plain<'_> {
    /// Octets of a service name or an address; any more is hostile, and its beginning enough.
    const MAX: usize = 64;
}

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |octet: &u8| octet.is_ascii_alphanumeric() || b".:-_".contains(octet);
        match std::str::from_utf8(self.0) {
            Ok(text) if !text.is_empty() && text.len() <= Self::MAX && self.0.iter().all(plain) => {
                f.write_str(text)
            }
            _ => Quoted(self.0, Self::MAX).fmt(f),
        }
    }
}

/// In quotes, every octet but printable ASCII as `\xNN`.
struct Quoted<'a>(&'a [u8], usize);

impl Quoted<'_> {
    /// Octets of one field; a whole line stays within 1 KiB, which every syslog takes (RFC 3164 §4.1).
    const MAX: usize = 330;

    /// What is left of it beside two such fields and the rest of a change.
    const DETAIL: usize = 180;
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = 0;
        f.write_str("\"")?;
        for octet in self.0 {
            written += escaped_len(*octet);
            if self.1 < written {
                // A lone backslash is never written otherwise.
                f.write_str("\\...")?;
                break;
            }
            match octet {
                b'"' | b'\\' => write!(f, "\\{}", char::from(*octet))?,
                b' '..=b'~' => write!(f, "{}", char::from(*octet))?,
                _ => write!(f, "\\x{octet:02x}")?,
            }
        }
        f.write_str("\"")
    }
}

const fn escaped_len(octet: u8) -> usize {
    match octet {
        b'"' | b'\\' => 2,
        b' '..=b'~' => 1,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(account: &[u8], service: &[u8], remote: Option<&[u8]>, label: Option<&str>) -> String {
        let subject = Subject { account, service, remote, door: Door::Pam };
        Event::Denied {
            subject,
            path: Path::AppPassword,
            label,
            why: "revoked",
            field: None,
            folded: Folded::default(),
        }
        .to_string()
    }

    #[test]
    fn a_decision_is_one_line_of_fields() {
        assert_eq!(
            denied(b"alice", b"imap", Some(b"192.0.2.1"), Some("old phone")),
            r#"denied account="alice" service=imap rhost=192.0.2.1 door=pam path=app-password label="old phone" why=revoked"#
        );
        assert_eq!(
            denied(b"alice", b"imap", None, None),
            r#"denied account="alice" service=imap rhost=- door=pam path=app-password why=revoked"#
        );
    }

    #[test]
    fn a_line_counts_the_tries_that_left_none() {
        let subject = Subject { account: b"alice", service: b"imap", remote: None, door: Door::Pam };
        let line = |folded| {
            let (path, label, why) = (Path::AppPassword, None, "revoked");
            Event::Denied { subject, path, label, why, field: None, folded }.to_string()
        };
        let plain = line(Folded::default());
        assert_eq!(line(Folded { same: 17, others: 0 }), format!("{plain} folded=17"));
        assert_eq!(line(Folded { same: 1, others: 2 }), format!("{plain} folded=1 folded_others=2"));
    }

    #[test]
    fn foreign_text_forges_neither_a_field_nor_a_line() {
        let line = denied(
            b"x\" why=none\ngranted \x1b[2J\xff\\",
            b"im ap",
            Some(b"1.2.3.4 rhost=5"),
            Some("a\nb\"c"),
        );
        assert_eq!(
            line,
            r#"denied account="x\" why=none\x0agranted \x1b[2J\xff\\" service="im ap" rhost="1.2.3.4 rhost=5" door=pam path=app-password label="a\x0ab\"c" why=revoked"#
        );
    }

    #[test]
    fn a_change_is_one_line_that_names_its_row() {
        let anchor = Anchor::new(17, &[0x9f; 32]);
        let change = Change {
            event: "app.revoke",
            account: Some("alice"),
            label: Some("a\" anchor=1:00000000\n"),
            detail: None,
            by: 0,
            anchor: &anchor,
        };
        assert_eq!(
            change.to_string(),
            r#"changed event=app.revoke account="alice" label="a\" anchor=1:00000000\x0a" by=0 anchor=17:9f9f9f9f9f9f9f9f"#
        );
        let long = "\u{e9}".repeat(400);
        let (anchor, text) = (Anchor::new(i64::MAX, &[0; 32]), Some(long.as_str()));
        let line =
            Change { account: text, label: text, detail: text, by: u32::MAX, anchor: &anchor, ..change }
                .to_string();
        assert!(line.len() <= 1024 && line.contains(" anchor=9223372036854775807:00"), "{}", line.len());
    }

    #[test]
    fn a_line_stays_within_its_bound() {
        let long = "\u{e9}".repeat(40_000);
        for line in [
            denied(long.as_bytes(), b"imap", None, None),
            denied(&[b'a'; 400], b"imap", None, Some(&"\u{1f511}".repeat(64))),
        ] {
            assert!(line.len() <= 1024 && line.contains("\\...\""), "{}", line.len());
        }
        let (account, service, remote) = (long.as_bytes(), long.as_bytes(), Some(long.as_bytes()));
        let subject = Subject { account, service, remote, door: Door::Pam };
        let fix = "make the store a file with mode 0600 in a directory with mode 0700, of root or of posternd's own user";
        let line = Event::Unavailable { subject, what: &long, fix }.to_string();
        assert!(line.len() <= 1024 && line.ends_with(&format!("fix=\"{fix}\"")), "{}", line.len());
    }
}
