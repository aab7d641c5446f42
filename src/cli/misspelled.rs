//! Accounts that are one slip of the hand away from what was typed.

use std::path::Path;

use crate::cli::World;
use crate::cli::failure::Failure;
use crate::cli::hint::operands;
use crate::cli::site::Site;
use crate::enrollment::EnrollmentError;

/// Names the account that was meant, if there is one that near.
pub(super) fn hint(world: &World<'_>, config: &Path, failure: &Failure) -> Option<String> {
    let Failure::Enrollment(EnrollmentError::NoAccount(typed)) = failure else {
        return None;
    };
    let site = Site::open(world, config).ok()?;
    let accounts = site.vault().ok()?.store.accounts(site.limits(), site.now()).ok()?;
    let mut names = accounts.into_iter().map(|row| row.account.name);
    let near = names.find(|name| is_one_edit(name, typed.as_str()))?;
    let near = operands(&[&near]);
    Some(format!("did you mean {near}? `postern account list` shows all"))
}

/// Whether one letter more, less or other, or two in turn, makes one of the other.
pub(super) fn is_one_edit(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let same = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let (one, other) = (one.get(same..).unwrap_or_default(), other.get(same..).unwrap_or_default());
    match (one, other) {
        ([], []) => false,
        ([a, b, rest @ ..], [c, d, others @ ..]) if (a, b) == (d, c) && rest == others => true,
        ([_, rest @ ..], [_, others @ ..]) if rest == others => true,
        ([_, rest @ ..], others) | (others, [_, rest @ ..]) if rest == others => true,
        _ => matches!(other, [_, others @ ..] if one == others),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_near_and_two_are_not() {
        for typed in ["alic", "alicee", "alise", "laice", "lice", "aalice", "alcie"] {
            assert!(is_one_edit("alice", typed) && is_one_edit(typed, "alice"), "{typed}");
        }
        for typed in ["alice", "al", "bob", "ecila", "alixx", "", "alice@example.org"] {
            assert!(!is_one_edit("alice", typed) && !is_one_edit(typed, "alice"), "{typed}");
        }
    }
}
