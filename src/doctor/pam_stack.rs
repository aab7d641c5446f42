//! How a stack may end, whatever its modules answer.
//!
//! Knows: what libpam makes of the answers (pam.conf(5), and its own dispatcher).
//! Never: what a module is for, but for the few whose answer is certain.

use std::collections::BTreeSet;

use crate::doctor::pam_file::{Action, Module, Step};

/// What Postern may answer that is no yes, and what libpam says of a module that is not there.
const REFUSALS: &[&str] =
    &["auth_err", "maxtries", "authinfo_unavail", "conv_err", "buf_err", "system_err", "module_unknown"];

/// Whether the stack may say yes though Postern says no.
pub(super) fn may_pass_without_postern(stack: &[Step]) -> bool {
    may_pass(stack, &|module| if module.is_postern() { REFUSALS } else { anything(module) })
}

/// Whether the stack says yes to a code alone, or to nothing: every other module refuses.
pub(super) fn may_pass_by_postern_alone(stack: &[Step]) -> bool {
    may_pass(stack, &|module| if module.is_postern() { &["success"] } else { nothing(module) })
}

/// Whether the stack says yes though no module has accepted anything.
pub(super) fn passes_by_itself(stack: &[Step]) -> bool {
    may_pass(stack, &nothing)
}

/// Every module, in order.
pub(super) fn modules(stack: &[Step]) -> Vec<&Module> {
    stack.iter().flat_map(inside).collect()
}

fn inside(step: &Step) -> Vec<&Module> {
    match step {
        Step::Module(module) => vec![module],
        Step::Sub(steps) => modules(steps),
    }
}

pub(super) fn names_postern(stack: &[Step]) -> bool {
    modules(stack).into_iter().any(Module::is_postern)
}

/// Whether a login that Postern lets in is brought before Postern once more, with the same password and code.
pub(super) fn asks_postern_twice(stack: &[Step]) -> bool {
    let modules = modules(stack);
    let mut ours = modules.iter().filter(|module| module.is_postern());
    // Where it has an end or a branch there, the two are for different logins.
    let goes_on =
        |module: &Module| !matches!(module.control.after("success"), Action::Done | Action::Jump(_));
    // With these words one of them asks for what the other has not seen.
    let asks_for_more = |module: &Module| module.has("prompt") || module.has("second-factor-only");
    let first = ours.next().is_some_and(|module| goes_on(module) && !asks_for_more(module));
    first && ours.next().is_some_and(|module| !asks_for_more(module))
}

fn anything(module: &Module) -> &'static [&'static str] {
    match module.name() {
        "pam_deny.so" => &["auth_err"],
        "pam_permit.so" => &["success"],
        // Says yes to root alone, who needs no door.
        "pam_rootok.so" => &["auth_err"],
        _ => &["success", "auth_err", "user_unknown", "authinfo_unavail", "ignore"],
    }
}

fn nothing(module: &Module) -> &'static [&'static str] {
    match module.name() {
        "pam_permit.so" => &["success"],
        "pam_deny.so" => &["auth_err"],
        _ => &["auth_err", "user_unknown", "authinfo_unavail"],
    }
}

/// What libpam thinks of the stack so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Impression {
    None,
    Good,
    Bad,
}

fn may_pass(stack: &[Step], answers: &dyn Fn(&Module) -> &'static [&'static str]) -> bool {
    ends(stack, Impression::None, answers).contains(&Impression::Good)
}

/// All impressions with which a list may be left.
fn ends(
    stack: &[Step],
    begun: Impression,
    answers: &dyn Fn(&Module) -> &'static [&'static str],
) -> BTreeSet<Impression> {
    let (mut left, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut open = vec![(0, begun)];
    while let Some((at, impression)) = open.pop() {
        if !seen.insert((at, impression)) {
            continue;
        }
        match stack.get(at) {
            None => {
                left.insert(impression);
            }
            Some(Step::Sub(steps)) => {
                open.extend(ends(steps, impression, answers).into_iter().map(|end| (at + 1, end)));
            }
            Some(Step::Module(module)) => {
                for answer in answers(module) {
                    match after(impression, answer, module.control.after(answer)) {
                        Next::Left(impression) => {
                            left.insert(impression);
                        }
                        Next::Goes(by, impression) => open.push((at + by, impression)),
                    }
                }
            }
        }
    }
    left
}

/// What one answer leads to.
enum Next {
    Goes(usize, Impression),
    Left(Impression),
}

fn after(impression: Impression, answer: &str, action: Action) -> Next {
    match action {
        Action::Ignore => Next::Goes(1, impression),
        Action::Jump(by) => Next::Goes(1 + by, impression),
        Action::Reset => Next::Goes(1, Impression::None),
        Action::Ok => Next::Goes(1, swayed(impression, answer)),
        Action::Done => match swayed(impression, answer) {
            Impression::Bad => Next::Goes(1, Impression::Bad),
            good @ (Impression::Good | Impression::None) => Next::Left(good),
        },
        Action::Bad => Next::Goes(1, Impression::Bad),
        Action::Die => Next::Left(Impression::Bad),
    }
}

/// The first bad impression stays; a refusal that counts as `ok` still ends as a refusal.
fn swayed(before: Impression, answer: &str) -> Impression {
    match before {
        Impression::None | Impression::Good if answer == "success" => Impression::Good,
        Impression::None | Impression::Good | Impression::Bad => Impression::Bad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::pam_file::tests::auth;

    const DEBIAN: (&str, &str) = (
        "common-auth",
        "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\nauth required pam_permit.so\n\
         auth optional pam_cap.so\n",
    );

    #[track_caller]
    fn falls_through(lines: &str, does: bool) {
        assert_eq!(may_pass_without_postern(&auth(&[("main", lines), DEBIAN])), does, "{lines}");
    }

    #[test]
    fn a_stack_that_needs_postern_does_not_fall_through() {
        for lines in [
            "auth required pam_postern.so",
            "auth requisite pam_postern.so\nauth sufficient pam_unix.so",
            "auth required pam_postern.so\n@include common-auth",
            "auth [success=done default=die] pam_postern.so\n@include common-auth",
            "@include common-auth\nauth required pam_postern.so second-factor-only",
            "auth sufficient pam_postern.so\nauth requisite pam_deny.so",
            "auth sufficient pam_rootok.so\nauth required pam_postern.so",
            "auth [success=1 default=ignore] pam_postern.so\nauth requisite pam_deny.so\nauth required pam_permit.so",
            "auth required pam_env.so\nauth required pam_postern.so",
        ] {
            falls_through(lines, false);
        }
    }

    #[test]
    fn a_stack_that_does_without_postern_falls_through() {
        for lines in [
            "auth sufficient pam_postern.so\n@include common-auth",
            "auth [success=done default=ignore] pam_postern.so\nauth required pam_unix.so",
            "auth [success=done authinfo_unavail=ignore default=die] pam_postern.so\n@include common-auth",
            "auth optional pam_postern.so\nauth required pam_unix.so",
            "auth sufficient pam_unix.so\nauth required pam_postern.so",
            "auth [success=2 default=ignore] pam_unix.so\nauth required pam_postern.so\nauth required pam_deny.so\nauth \
             required pam_permit.so",
            "auth substack common-auth\nauth optional pam_postern.so",
            "auth sufficient pam_postern.so\nauth required pam_env.so",
        ] {
            falls_through(lines, true);
        }
    }

    #[track_caller]
    fn takes_a_code_alone(lines: &str, does: bool) {
        assert_eq!(may_pass_by_postern_alone(&auth(&[("main", lines), DEBIAN])), does, "{lines}");
    }

    #[test]
    fn a_code_behind_a_password_needs_the_password() {
        takes_a_code_alone("@include common-auth\nauth required pam_postern.so second-factor-only", false);
        takes_a_code_alone(
            "auth required pam_unix.so\nauth required pam_postern.so second-factor-only",
            false,
        );
        takes_a_code_alone(
            "auth optional pam_unix.so\nauth required pam_postern.so second-factor-only",
            true,
        );
        takes_a_code_alone("auth required pam_postern.so second-factor-only", true);
    }

    #[test]
    fn whom_postern_lets_in_it_is_not_asked_again() {
        let twice = |lines: &str| asks_postern_twice(&auth(&[("main", lines), DEBIAN]));
        let once = "auth required pam_postern.so\n";
        assert!(twice(&once.repeat(2)));
        assert!(twice(&format!("{once}@include common-auth\nauth sufficient pam_postern.so\n")));
        for other in [
            once,
            "auth required pam_postern.so\nauth required pam_postern.so second-factor-only",
            "auth required pam_postern.so prompt\nauth required pam_postern.so",
            "auth sufficient pam_postern.so\nauth required pam_postern.so",
            "auth [success=1 default=ignore] pam_postern.so\nauth required pam_postern.so\nauth required pam_permit.so",
        ] {
            assert!(!twice(other), "{other}");
        }
    }

    #[test]
    fn a_stack_that_asks_nobody_passes_by_itself() {
        assert!(passes_by_itself(&auth(&[("main", "auth required pam_permit.so")])));
        assert!(!passes_by_itself(&auth(&[("main", "@include common-auth"), DEBIAN])));
    }
}
