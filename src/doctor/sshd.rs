//! sshd: whether it asks PAM, and whether it can ask for a code.

use crate::doctor::finding::{Remedy, Report};
use crate::doctor::machine::{self, Missed};
use crate::doctor::pam::Services;
use crate::doctor::pam_file::DIRECTORY;
use crate::doctor::pam_stack::modules;
use crate::doctor::rules;

/// What sshd_config(5) comes to.
pub(super) struct Sshd {
    pam: Switch,
    passwords: Switch,
    questions: Switch,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Switch {
    On,
    Off,
}

impl Sshd {
    /// Asks it, where it matters: somebody could log in there, or Postern is asked.
    pub(super) fn ask(services: &Services, people: &[String], report: &mut Report) -> Option<Self> {
        let stack = services.auth("sshd")?;
        if people.is_empty() && !modules(stack).iter().any(|module| module.is_postern()) {
            return None;
        }
        match machine::ask("sshd", &["-T"]) {
            Ok(said) => return Some(Self::read(&said)),
            Err(Missed::Absent) => {}
            Err(Missed::Forbidden) => report.may_not_see("sshd"),
            Err(Missed::Failed(why)) => report.could_not_see("sshd", why),
        }
        None
    }

    fn read(said: &str) -> Self {
        let switch = |key: &str| {
            let is_on = said.lines().any(|line| line == format!("{key} yes"));
            if is_on { Switch::On } else { Switch::Off }
        };
        Self {
            pam: switch("usepam"),
            passwords: switch("passwordauthentication"),
            questions: switch("kbdinteractiveauthentication"),
        }
    }

    /// Where it takes keys alone, its service is no door for passwords.
    pub(super) fn shows_passwords_to_pam(&self) -> bool {
        self.pam == Switch::On && (self.passwords == Switch::On || self.questions == Switch::On)
    }

    /// Says what is wrong about it.
    pub(super) fn examine(&self, services: &Services, people: &[String], report: &mut Report) {
        self.passwords_without_pam(people, report);
        let stack = services.auth("sshd").map(modules).unwrap_or_default();
        let ours = stack.iter().find(|module| module.is_postern());
        let word =
            ["prompt", "second-factor-only"].into_iter().find(|word| ours.is_some_and(|it| it.has(word)));
        if let Some(word) = word.filter(|_| self.pam == Switch::On && self.questions == Switch::Off) {
            self.no_questions(word, report);
        }
    }

    fn passwords_without_pam(&self, people: &[String], report: &mut Report) {
        if let (Some(first), Switch::Off, Switch::On) = (people.first(), self.pam, self.passwords) {
            report.found(
                &rules::PAM_SIDE_DOOR,
                format!(
                    "sshd takes the password of {first} without asking PAM, and so without asking Postern."
                ),
                remedy(),
            );
        }
    }

    fn no_questions(&self, word: &str, report: &mut Report) {
        let so = match self.passwords {
            Switch::On => "whoever types a password is refused",
            Switch::Off => "nobody is asked for one",
        };
        report.found(
            &rules::SSHD_ASKS_NOTHING,
            format!("{DIRECTORY}/sshd has {word}, and sshd cannot ask for a code: {so}."),
            remedy(),
        );
    }
}

/// Whether there is one to be set up.
#[must_use]
pub fn sshd_is_installed() -> bool {
    // Older ones do not know this option, and say so.
    !matches!(machine::ask("sshd", &["-V"]), Err(Missed::Absent))
}

fn remedy() -> Remedy {
    Remedy::lines("In /etc/ssh/sshd_config.d/postern.conf", CONFIGURATION).then("systemctl restart ssh")
}

/// As in packaging/examples/sshd/postern.conf.
const CONFIGURATION: [&str; 3] =
    ["UsePAM yes", "KbdInteractiveAuthentication yes", "PasswordAuthentication no"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advised_is_what_is_shipped() {
        let shipped = include_str!("../../packaging/examples/sshd/postern.conf");
        let lines = shipped.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert!(lines.eq(CONFIGURATION));
    }
}
