//! The services of PAM: which of them ask Postern, and how well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::doctor::finding::{Remedy, Report};
use crate::doctor::machine::{self, Missed};
use crate::doctor::pam_file::{self, DIRECTORY, Module, Step};
use crate::doctor::pam_stack::{self, modules, names_postern};
use crate::doctor::rules;
use crate::doctor::shipped;
use crate::doctor::sshd::Sshd;

/// What asks at a place where somebody has logged in already, or stands before the machine; what others include.
const LOCAL: &[&str] = &[
    "atd",
    "chfn",
    "chpasswd",
    "chsh",
    "cron",
    "crond",
    "gdm-autologin",
    "gdm-fingerprint",
    "gdm-launch-environment",
    "gdm-password",
    "groupmems",
    "i3lock",
    "kscreensaver",
    "lightdm",
    "lightdm-autologin",
    "lightdm-greeter",
    "login",
    "newusers",
    "other",
    "passwd",
    "polkit-1",
    "ppp",
    "runuser",
    "runuser-l",
    "screen",
    "sddm",
    "sddm-autologin",
    "sddm-greeter",
    "sssd-shadowutils",
    "su",
    "su-l",
    "sudo",
    "sudo-i",
    "swaylock",
    "systemd-user",
    "vlock",
    "xdm",
    "xscreensaver",
];

/// The auth stacks of all services.
pub(super) struct Services(BTreeMap<String, Vec<Step>>);

impl Services {
    pub(super) fn read(report: &mut Report) -> Self {
        let mut stacks = BTreeMap::new();
        for name in machine::names_in(DIRECTORY).into_iter().filter(|name| is_service(name)) {
            match pam_file::stack(&name, "auth") {
                Ok(stack) => {
                    stacks.insert(name, stack);
                }
                Err(Missed::Forbidden) => report.may_not_see(format!("{DIRECTORY}/{name}")),
                // Includes a file that is not there: libpam refuses then, as it does without the whole directory.
                Err(Missed::Absent | Missed::Failed(_)) => {}
            }
        }
        match stacks.len() {
            0 => report.could_not_see("PAM", format!("there is no service in {DIRECTORY}")),
            count => report.saw(format!("{count} PAM services")),
        }
        Self(stacks)
    }

    pub(super) fn auth(&self, service: &str) -> Option<&[Step]> {
        self.0.get(service).map(Vec::as_slice)
    }

    /// Whether a service without a file of its own, which libpam gives to this one, lets anybody in.
    pub(super) fn other_accepts(&self) -> bool {
        self.auth("other").is_some_and(pam_stack::may_pass_without_postern)
    }

    pub(super) fn ask_postern(&self) -> impl Iterator<Item = (&str, &[Step])> {
        self.0
            .iter()
            .map(|(name, stack)| (name.as_str(), stack.as_slice()))
            .filter(|(_, stack)| names_postern(stack))
    }

    /// Services that check a password without Postern and can be reached from elsewhere, but for those that are judged
    /// where their host is.
    fn side_doors(&self, judged: &BTreeSet<String>) -> Vec<&str> {
        let is_open = |stack: &[Step]| {
            pam_stack::may_pass_without_postern(stack) && !pam_stack::passes_by_itself(stack)
        };
        self.0
            .iter()
            .filter(|(name, _)| !LOCAL.contains(&name.as_str()) && !name.starts_with("common-"))
            .filter(|(name, stack)| !judged.contains(*name) && !names_postern(stack) && is_open(stack))
            .map(|(name, _)| name.as_str())
            .collect()
    }
}

/// What an editor or a package manager leaves behind is no service.
fn is_service(name: &str) -> bool {
    !name.starts_with('.') && !name.ends_with('~') && !name.contains(".dpkg-") && !name.contains(".rpm")
}

pub(super) fn examine(services: &Services, report: &mut Report) {
    for (name, stack) in services.ask_postern() {
        let file = format!("{DIRECTORY}/{name}");
        if pam_stack::may_pass_without_postern(stack) {
            report.found(
                &rules::PAM_FALLS_THROUGH,
                format!("{file} can say yes though Postern says no, or is never asked."),
                mended(name, stack),
            );
        }
        if pam_stack::asks_postern_twice(stack) {
            report.found(
                &rules::PAM_POSTERN_TWICE,
                format!("{file} asks Postern, and after a yes it asks Postern again."),
                mended(name, stack),
            );
        }
        let asks_a_code = modules(stack).iter().any(|each| each.is_postern() && each.has(CODE_ALONE));
        if asks_a_code && pam_stack::may_pass_by_postern_alone(stack) {
            report.found(
                &rules::PAM_CODE_ALONE,
                format!("{file} says yes to a code, whatever becomes of the password."),
                mended(name, stack),
            );
        }
        nullok(&file, stack, report);
    }
    module_is_there(services, report);
}

/// With it, another module checks the password.
const CODE_ALONE: &str = "second-factor-only";

/// The service as it was shipped; or one that asks Postern once, as it is asked now, and nobody whom it does without.
fn mended(name: &str, stack: &[Step]) -> Remedy {
    shipped::service_again(name).unwrap_or_else(|| {
        let ours = modules(stack).into_iter().find(|module| module.is_postern());
        let ours = ours.map_or("pam_postern.so".to_owned(), Module::as_written);
        let password = ours.contains(CODE_ALONE).then(|| "auth requisite pam_unix.so".to_owned());
        Remedy::lines(&in_place_of_auth(name), password.into_iter().chain([format!("auth required {ours}")]))
    })
}

fn in_place_of_auth(name: &str) -> String {
    format!("In {DIRECTORY}/{name}, in the place of its lines that begin with auth or include common-auth")
}

/// Finds `nullok` in a stack whose password counts for Postern.
pub(super) fn nullok(file: &str, stack: &[Step], report: &mut Report) {
    if let Some(module) = modules(stack).into_iter().find(|module| module.has("nullok")) {
        report.found(
            &rules::PAM_NULLOK,
            format!("{file}, or a file that it includes, has {} with nullok.", module.name()),
            Remedy::lines(
                &format!("In {file}, or where the file that it includes says nullok"),
                [format!("auth required {}", module.name())],
            ),
        );
    }
}

fn module_is_there(services: &Services, report: &mut Report) {
    for (name, stack) in services.ask_postern() {
        let Some(module) = modules(stack).into_iter().find(|module| module.is_postern()) else {
            continue;
        };
        if !is_installed(&module.file) {
            report.found(
                &rules::PAM_MODULE_MISSING,
                format!("{DIRECTORY}/{name} names {}, which is not installed.", module.file),
                Remedy::commands(["apt install libpam-postern"]),
            );
            return;
        }
    }
}

fn is_installed(module: &str) -> bool {
    if Path::new(module).is_absolute() {
        return Path::new(module).is_file();
    }
    let homes = ["/lib", "/usr/lib", "/lib64", "/usr/lib64"];
    homes.iter().any(|home| {
        let direct = Path::new(home).join("security").join(module);
        let below = |name: &String| Path::new(home).join(name).join("security").join(module).is_file();
        direct.is_file() || machine::names_in(home).iter().any(below)
    })
}

/// Services that let in who has an account here, without Postern.
pub(super) fn side_doors(
    services: &Services,
    judged: &BTreeSet<String>,
    sshd: Option<&Sshd>,
    people: &[String],
    report: &mut Report,
) {
    let Some(first) = people.first() else {
        return;
    };
    for name in services.side_doors(judged) {
        if name == "sshd" && !sshd.is_some_and(Sshd::shows_passwords_to_pam) {
            continue;
        }
        let others = match people.len() - 1 {
            0 => String::new(),
            1 => " and 1 other".to_owned(),
            number => format!(" and {number} others"),
        };
        report.found(
            &rules::PAM_SIDE_DOOR,
            format!("{DIRECTORY}/{name} takes the password of {first}{others} without asking Postern."),
            Remedy::lines(
                &in_place_of_auth(name),
                [if name == "sshd" {
                    "auth required pam_postern.so prompt"
                } else {
                    "auth required pam_postern.so"
                }],
            ),
        );
    }
}
