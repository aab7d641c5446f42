//! A file as numbered lines of bounded text.

use crate::moving::{Reason, reason};

/// Longest line in octets: far more than a name, a hash and a home directory.
pub(super) const MAX_LINE: usize = 8 * 1024;

/// Largest file in octets: a hundred thousand accounts, with room for what stands beside the hashes.
pub const MAX_FILE: usize = 32 << 20;

/// One line without its end, or why it is none.
pub(super) struct Line<'a> {
    pub number: usize,
    pub text: Result<&'a str, Reason>,
}

/// What may end a line, and what may stand in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// A line feed alone: to Dovecot anything before it belongs to the line.
    Strict,
    /// A carriage return before it too, and a byte order mark at the start: RFC 4180, and what offices write.
    Office,
    /// A line feed alone, and tabs within.
    Tabbed,
}

/// All lines but empty ones.
pub(super) fn lines(content: &[u8], ends: Ends) -> impl Iterator<Item = Line<'_>> {
    let content = match ends {
        Ends::Strict | Ends::Tabbed => content,
        Ends::Office => content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content),
    };
    let octets = content.split(|octet| *octet == b'\n').map(move |line| match ends {
        Ends::Strict | Ends::Tabbed => line,
        Ends::Office => line.strip_suffix(b"\r").unwrap_or(line),
    });
    let numbered = octets.enumerate().filter(|(_, line)| !line.is_empty());
    numbered.map(move |(place, line)| Line { number: place + 1, text: text(line, ends) })
}

fn text(line: &[u8], ends: Ends) -> Result<&str, Reason> {
    if MAX_LINE < line.len() {
        return Err(Reason(format!("it has more than {MAX_LINE} octets")));
    }
    let Ok(text) = std::str::from_utf8(line) else {
        return reason("it is not UTF-8");
    };
    if text.ends_with('\r') {
        return reason("it ends in a carriage return: convert the file with dos2unix(1)");
    }
    if text.starts_with('\u{feff}') {
        return reason("it begins with a byte order mark: convert the file with dos2unix(1)");
    }
    let forbidden = |letter: char| letter.is_control() && !(letter == '\t' && ends == Ends::Tabbed);
    if text.chars().any(forbidden) {
        return reason("it has a control character");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &[u8], ends: Ends, expected: &[(usize, Result<&str, &str>)]) {
        let found: Vec<_> = lines(content, ends).map(|line| (line.number, line.text)).collect();
        let told: Vec<_> = found
            .iter()
            .map(|(number, text)| (*number, text.as_ref().copied().map_err(|reason| reason.0.as_str())))
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn lines_are_counted_from_one_and_empty_ones_too() {
        check(b"a\n\nb\n", Ends::Strict, &[(1, Ok("a")), (3, Ok("b"))]);
        check(b"a\r\n\r\nb", Ends::Office, &[(1, Ok("a")), (3, Ok("b"))]);
        check("\u{feff}a".as_bytes(), Ends::Office, &[(1, Ok("a"))]);
        check(b"", Ends::Strict, &[]);
    }

    #[test]
    fn what_is_no_text_is_named_by_its_line() {
        check(b"a\n\xff", Ends::Strict, &[(1, Ok("a")), (2, Err("it is not UTF-8"))]);
        check(b"a\0b", Ends::Strict, &[(1, Err("it has a control character"))]);
        check(b"a\tb", Ends::Office, &[(1, Err("it has a control character"))]);
        check(b"a\tb", Ends::Tabbed, &[(1, Ok("a\tb"))]);
        for (content, ends) in [(&b"a\r\n"[..], Ends::Strict), ("\u{feff}a".as_bytes(), Ends::Strict)] {
            assert!(lines(content, ends).all(|line| line.text.is_err()));
        }
        let long = vec![b'a'; MAX_LINE + 1];
        check(&long[1..], Ends::Strict, &[(1, Ok(std::str::from_utf8(&long[1..]).unwrap()))]);
        check(&long, Ends::Strict, &[(1, Err("it has more than 8192 octets"))]);
    }
}
