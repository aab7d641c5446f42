//! stdout for the result, stderr for prose; foreign text that cannot steer the terminal.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::failure::Failure;
use crate::cli::qr::Paint;
use crate::crypto::secret::Secret;

/// Longest line that repeats what was typed.
const MAX_LINE: usize = 600;

/// Writes one line of prose. Where stderr leads nowhere there is nobody to tell.
pub(super) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes a result, which ends its last line itself.
pub(super) fn result(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(Failure::Output)
}

/// Writes a result as JSON.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Output(error.into()))?;
    result(&format!("{text}\n"))
}

/// The same on one line, for results that go on.
pub(super) fn json_line<T: Serialize + ?Sized>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::Output(error.into()))?;
    result(&format!("{text}\n"))
}

/// Writes a secret on a line of its own. Not through `Stdout`, whose buffer would keep a copy.
pub(super) fn secret(secret: &Secret) -> io::Result<()> {
    let mut line = Zeroizing::new(Vec::with_capacity(secret.len() + 1));
    line.extend_from_slice(secret.expose());
    line.push(b'\n');
    let mut stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    stdout.write_all(&line)
}

/// Says whether what is written to stdout can be seen by anybody. Where a program is started without one, its
/// runtime opens /dev/null instead.
pub(super) fn somebody_reads_stdout() -> io::Result<()> {
    let stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?).metadata()?;
    let nowhere = fs::metadata("/dev/null")?;
    if stdout.file_type().is_char_device() && stdout.rdev() == nowhere.rdev() {
        return Err(io::Error::other("stdout is closed, or is /dev/null"));
    }
    Ok(())
}

/// Writes a secret to stderr, which the caller knows to be a terminal.
pub(super) fn secret_note(secret: &Secret) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(secret.expose()).and_then(|()| stderr.write_all(b"\n"));
}

/// How a picture is drawn on stderr; `None` where that is no terminal.
pub(super) fn paint() -> Option<Paint> {
    if !io::stderr().is_terminal() {
        return None;
    }
    Some(if colours_are_refused() { Paint::Blocks } else { Paint::Colours })
}

/// What a word on stderr is.
#[derive(Clone, Copy)]
pub(super) enum Ink {
    /// As it should be.
    Good,
    /// As it should not.
    Bad,
    /// Neither.
    Doubtful,
    /// Of weight.
    Strong,
    /// Of no weight.
    Faint,
}

/// A word of ours for stderr, in colour where that is a terminal that takes it.
pub(super) fn painted(word: &str, ink: Ink) -> String {
    painted_on(&io::stderr(), word, ink)
}

/// The same for stdout.
pub(super) fn painted_result(word: &str, ink: Ink) -> String {
    painted_on(&io::stdout(), word, ink)
}

fn painted_on(stream: &impl IsTerminal, word: &str, ink: Ink) -> String {
    if !stream.is_terminal() || colours_are_refused() {
        return word.to_owned();
    }
    let number = match ink {
        Ink::Good => 32,
        Ink::Bad => 31,
        Ink::Doubtful => 33,
        Ink::Strong => 1,
        Ink::Faint => 2,
    };
    format!("\x1b[{number}m{word}\x1b[0m")
}

fn colours_are_refused() -> bool {
    // no-color.org: any value but an empty one refuses colours.
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    refused || env::var_os("TERM").is_some_and(|value| value == "dumb")
}

/// Text of somebody else, without what moves the cursor or turns the direction of writing.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() || is_invisible(letter) {
            let _ = write!(safe, "{}", letter.escape_unicode());
        } else {
            safe.push(letter);
        }
    }
    safe
}

/// The same, cut where it gets too long.
pub(super) fn bounded(text: &str) -> String {
    let safe = escaped(text);
    match safe.char_indices().nth(MAX_LINE).and_then(|(end, _)| safe.get(..end)) {
        Some(start) => format!("{start} …"),
        None => safe,
    }
}

/// Somebody else's text as one word of a shell, for commands that are there to be copied.
pub(super) fn shell_word(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "@._+-/,".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    if escaped(text) == text {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    // What cannot be shown as it is can be typed in the manner of bash, zsh and ksh.
    let letter = |letter: char| match letter {
        '\'' | '\\' => format!("\\{letter}"),
        letter if letter.is_control() || is_invisible(letter) => format!("\\U{:08x}", u32::from(letter)),
        letter => letter.to_string(),
    };
    format!("$'{}'", text.chars().map(letter).collect::<String>())
}

/// A number and what it counts; `thing` makes its plural with an s.
pub(super) fn counted(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// Marks of direction and joining, which change how the text around them looks (Unicode TR 36 §2.6).
const fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_steer_a_terminal() {
        assert_eq!(escaped("Jörg 📱"), "Jörg 📱");
        assert_eq!(escaped("a\x1b[2Jb\n"), "a\\u{1b}[2Jb\\u{a}");
        assert_eq!(escaped("\u{202e}enohp"), "\\u{202e}enohp");
    }

    #[test]
    fn a_command_to_be_copied_does_only_what_it_says() {
        assert_eq!(shell_word("alice@example.org"), "alice@example.org");
        assert_eq!(shell_word("old phone"), "'old phone'");
        assert_eq!(shell_word("'; rm -rf /"), r"''\''; rm -rf /'");
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_word("\u{202e}it's \\"), r"$'\U0000202eit\'s \\'");
    }

    #[test]
    fn what_was_typed_is_repeated_up_to_a_bound() {
        let said = bounded(&"é".repeat(65_536));
        assert_eq!(said.chars().count(), MAX_LINE + 2);
    }
}
