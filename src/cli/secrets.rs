//! How a secret comes in: at a prompt, on a line of stdin, or through a descriptor.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;

use zeroize::Zeroizing;

use crate::cli::World;
use crate::cli::failure::Failure;
use crate::crypto::secret::Secret;
use crate::domain::attempt::MAX_SECRET;

/// Asks for a secret that is known already.
pub(super) fn known(world: &World<'_>, descriptor: Option<u16>, prompt: &str) -> Result<Secret, Failure> {
    if at_prompt(descriptor) { typed(world, prompt) } else { given(descriptor) }
}

/// Asks for a new secret: twice at a prompt, since nobody sees what is typed.
pub(super) fn new(world: &World<'_>, descriptor: Option<u16>, prompt: &str) -> Result<Secret, Failure> {
    if !at_prompt(descriptor) {
        return given(descriptor);
    }
    let (first, second) = (typed(world, prompt)?, typed(world, "The same again: ")?);
    if first.matches(&second) {
        Ok(first)
    } else {
        let what = "the two passwords differ".to_owned();
        Err(Failure::Usage(what, "type it again; nothing was changed"))
    }
}

/// Asks for what may be seen, such as a code; `None` where nothing follows.
pub(super) fn visible(prompt: &str) -> Result<Option<Secret>, Failure> {
    if io::stdin().is_terminal() {
        let _ = write!(io::stderr(), "{prompt}");
    }
    first_line(&mut stdin()?).map_err(Failure::Input)
}

/// Asks for a code that proves something, and may prove more to whoever looks on; `None` where nothing follows.
pub(super) fn code(world: &World<'_>, prompt: &str) -> Result<Option<Secret>, Failure> {
    if somebody_types() { typed(world, prompt).map(Some) } else { visible(prompt) }
}

/// Says so where a descriptor was named for a secret that nobody wants.
pub(super) fn nothing_asked() -> Failure {
    Failure::Usage(
        "no password is asked for".to_owned(),
        "leave --secret-fd out: users give theirs there, for their own account",
    )
}

/// Whether somebody can answer another question.
pub(super) fn somebody_types() -> bool {
    io::stdin().is_terminal()
}

fn at_prompt(descriptor: Option<u16>) -> bool {
    matches!(descriptor, None | Some(0)) && io::stdin().is_terminal()
}

fn typed(world: &World<'_>, prompt: &str) -> Result<Secret, Failure> {
    (world.ask_hidden)(prompt).map_err(Failure::Input)
}

fn given(descriptor: Option<u16>) -> Result<Secret, Failure> {
    let mut file = match descriptor {
        None | Some(0) => stdin()?,
        // Opened anew by name: to take over a number that somebody else owns would be unsafe.
        Some(number) => File::open(format!("/dev/fd/{number}"))
            .map_err(|error| no_secret(format!("file descriptor {number} cannot be read: {error}")))?,
    };
    let line = first_line(&mut file).map_err(Failure::Input)?;
    line.ok_or_else(|| no_secret("no secret was given".to_owned()))
}

fn no_secret(what: String) -> Failure {
    Failure::Usage(
        what,
        "type it at the prompt, or give one line on stdin or on a descriptor: --secret-fd 3 3<FILE",
    )
}

/// Not `io::stdin`, whose buffer would keep a copy and swallow the next line.
fn stdin() -> Result<File, Failure> {
    io::stdin().as_fd().try_clone_to_owned().map(File::from).map_err(Failure::Input)
}

/// One line without its end, or the first octets of it: one more than any secret may have, so that a longer
/// one is refused and not cut. `None` where there is nothing at all.
fn first_line(file: &mut impl Read) -> io::Result<Option<Secret>> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_SECRET + 2));
    let mut octet = Zeroizing::new([0]);
    while line.len() < MAX_SECRET + 2 {
        match file.read(octet.as_mut_slice()) {
            Ok(0) if line.is_empty() => return Ok(None),
            Ok(0) => break,
            Ok(_) if *octet == *b"\n" => break,
            Ok(_) => line.extend_from_slice(octet.as_slice()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let end = line.strip_suffix(b"\r").unwrap_or(&line);
    Ok(Some(Secret::copy_of(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &[u8], expected: Option<&[u8]>) {
        let line = first_line(&mut &*input).unwrap();
        assert_eq!(line.as_ref().map(Secret::expose), expected);
    }

    #[test]
    fn a_secret_is_the_first_line() {
        check(b"hunter2\nnext", Some(b"hunter2"));
        check(b"hunter2", Some(b"hunter2"));
        check(b"hunter2\r\n", Some(b"hunter2"));
        check(b" hunter2 \n", Some(b" hunter2 "));
        check(b"\n", Some(b""));
        check(b"", None);
    }

    #[test]
    fn a_longer_secret_is_never_cut_to_one_that_passes() {
        let endless = first_line(&mut io::repeat(b'a')).unwrap().unwrap();
        assert!(MAX_SECRET < endless.len());
        let longest = [vec![b'a'; MAX_SECRET], b"\r\n".to_vec()].concat();
        check(&longest, Some(&longest[..MAX_SECRET]));
    }

    #[test]
    fn the_next_line_is_left_for_the_next_question() {
        let mut input: &[u8] = b"first\nsecond\n";
        first_line(&mut input).unwrap();
        assert_eq!(first_line(&mut input).unwrap().unwrap().expose(), b"second");
    }
}
