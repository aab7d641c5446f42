//! Asking before what cannot be undone, or takes much at once.

use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::{secrets, text};

/// Whether somebody has agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Go on.
    Yes,
    /// Nothing is to be done.
    No,
}

/// Asks a question whose answer is `y` or `yes`.
pub(super) fn yes_or_no(question: &str) -> Result<Answer, Failure> {
    let agreed = |typed: &[u8]| ["y", "yes"].iter().any(|word| word.as_bytes().eq_ignore_ascii_case(typed));
    answered(&format!("{question} [y/N] "), agreed)
}

/// Asks for a name to be typed again, which nobody does by habit.
pub(super) fn name_again(question: &str, name: &str) -> Result<Answer, Failure> {
    answered(&format!("{question} "), |typed| typed == name.as_bytes())
}

/// Says so where the result goes to a program, or nobody can be asked.
pub(super) fn can_be_asked(output: Output) -> Result<(), Failure> {
    if output.json {
        let what = "--json goes to a program, which answers no question".to_owned();
        return Err(Failure::Usage(what, "add --yes, or --dry-run to look; nothing was changed"));
    }
    somebody_types()
}

/// Says so where nobody can be asked.
pub(super) fn somebody_types() -> Result<(), Failure> {
    if secrets::somebody_types() {
        return Ok(());
    }
    let what = "nobody can be asked, since stdin is no terminal".to_owned();
    Err(Failure::Usage(what, "add --yes to do it without asking, or --dry-run to look; nothing was changed"))
}

fn answered(question: &str, agreed: impl FnOnce(&[u8]) -> bool) -> Result<Answer, Failure> {
    somebody_types()?;
    let typed = secrets::visible(question)?;
    if typed.is_some_and(|typed| agreed(typed.expose().trim_ascii())) {
        return Ok(Answer::Yes);
    }
    text::note("Nothing was changed.");
    Ok(Answer::No)
}
