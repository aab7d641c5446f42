//! Service files (pam.conf(5)), with what they include.
//!
//! Knows: lines, controls, `@include`, `include` and `substack`.
//! Never: how a stack ends.

use std::collections::BTreeMap;
use std::path::Path;

use crate::doctor::machine::{self, Missed};

/// Where libpam looks for services.
pub(super) const DIRECTORY: &str = "/etc/pam.d";

/// Deeper than any stack; a file that includes itself ends here.
const DEEPEST: u8 = 16;

/// One entry of a stack.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A module.
    Module(Module),
    /// A stack of its own, which `done` and `die` leave and no more.
    Sub(Vec<Step>),
}

/// A module, and what becomes of its answer.
#[derive(Clone, Debug)]
pub(super) struct Module {
    /// Its file, as it is written.
    pub file: String,
    pub arguments: Vec<String>,
    pub control: Control,
}

impl Module {
    /// Its file without the way to it: `pam_unix.so`.
    pub(super) fn name(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or(&self.file)
    }

    pub(super) fn is_postern(&self) -> bool {
        self.name() == "pam_postern.so"
    }

    /// Its file and its arguments.
    pub(super) fn as_written(&self) -> String {
        [std::slice::from_ref(&self.file), &self.arguments].concat().join(" ")
    }

    pub(super) fn has(&self, argument: &str) -> bool {
        self.arguments.iter().any(|each| each == argument)
    }
}

/// What follows from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Ignore,
    Ok,
    Done,
    Bad,
    Die,
    Reset,
    Jump(usize),
}

/// Which action follows which answer, by libpam's word for it.
#[derive(Clone, Debug)]
pub(super) struct Control {
    named: BTreeMap<String, Action>,
    default: Action,
}

impl Control {
    pub(super) fn after(&self, answer: &str) -> Action {
        self.named.get(answer).copied().unwrap_or(self.default)
    }

    fn parse(word: &str) -> Self {
        let inside = match word {
            "required" => "success=ok new_authtok_reqd=ok ignore=ignore default=bad",
            "requisite" => "success=ok new_authtok_reqd=ok ignore=ignore default=die",
            "sufficient" => "success=done new_authtok_reqd=done default=ignore",
            "optional" => "success=ok new_authtok_reqd=ok default=ignore",
            _ => word.trim_start_matches('[').trim_end_matches(']'),
        };
        let mut control = Self { named: BTreeMap::new(), default: Action::Bad };
        for (answer, action) in inside.split_whitespace().filter_map(|pair| pair.split_once('=')) {
            let action = Self::action(action);
            if answer == "default" {
                control.default = action;
            } else {
                control.named.insert(answer.to_owned(), action);
            }
        }
        control
    }

    /// libpam takes what it cannot read for a failure.
    fn action(word: &str) -> Action {
        match word {
            "ignore" => Action::Ignore,
            "ok" => Action::Ok,
            "done" => Action::Done,
            "die" => Action::Die,
            "reset" => Action::Reset,
            _ => word.parse().map_or(Action::Bad, Action::Jump),
        }
    }
}

/// The entries of a kind (`auth`) in a service's file.
pub(super) fn stack(service: &str, kind: &str) -> Result<Vec<Step>, Missed> {
    steps(&mut |name| machine::read(Path::new(DIRECTORY).join(name)), service, kind, DEEPEST)
}

/// The same in another directory, which has no part in what is included from elsewhere.
pub(super) fn stack_at(path: &Path, kind: &str) -> Result<Vec<Step>, Missed> {
    let directory = path.parent().unwrap_or(path).to_owned();
    let own = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    steps(&mut |name| machine::read(directory.join(name)), own, kind, DEEPEST)
}

type Reader<'a> = dyn FnMut(&str) -> Result<String, Missed> + 'a;

fn steps(read: &mut Reader<'_>, name: &str, kind: &str, deeper: u8) -> Result<Vec<Step>, Missed> {
    let text = read(name)?;
    let mut steps = Vec::new();
    let Some(deeper) = deeper.checked_sub(1) else {
        return Ok(steps);
    };
    for line in lines(&text) {
        if let Some(file) = line.strip_prefix("@include") {
            steps.extend(self::steps(read, file.trim(), kind, deeper)?);
        } else if let Some((control, rest)) = entry(&line, kind) {
            let mut words = rest.split_whitespace();
            let file = words.next().unwrap_or_default();
            match control.as_str() {
                "include" => steps.extend(self::steps(read, file, kind, deeper)?),
                "substack" => steps.push(Step::Sub(self::steps(read, file, kind, deeper)?)),
                _ => steps.push(Step::Module(Module {
                    file: file.to_owned(),
                    arguments: words.map(str::to_owned).collect(),
                    control: Control::parse(&control),
                })),
            }
        }
    }
    Ok(steps)
}

/// Without comments, and with what a backslash has parted joined again.
fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for raw in text.lines() {
        let said = raw.split('#').next().unwrap_or_default().trim();
        let (said, goes_on) = match said.strip_suffix('\\') {
            Some(begun) => (begun, true),
            None => (said, false),
        };
        if let Some(last) = lines.last_mut() {
            last.push(' ');
            last.push_str(said);
        }
        if !goes_on {
            lines.push(String::new());
        }
    }
    lines.into_iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// The control of a line of this kind, and what stands behind it.
fn entry(line: &str, kind: &str) -> Option<(String, String)> {
    let line = line.strip_prefix('-').unwrap_or(line);
    let (found, rest) = line.split_once(char::is_whitespace)?;
    if !found.eq_ignore_ascii_case(kind) {
        return None;
    }
    let rest = rest.trim_start();
    let end = if rest.starts_with('[') {
        rest.find(']').map(|end| end + 1)
    } else {
        rest.find(char::is_whitespace)
    };
    let (control, file) = rest.split_at_checked(end?)?;
    Some((control.to_ascii_lowercase(), file.to_owned()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The auth stack of `main`, among files that are given as text.
    pub(in crate::doctor) fn auth(files: &[(&str, &str)]) -> Vec<Step> {
        let mut read = |name: &str| {
            files
                .iter()
                .find(|(each, _)| *each == name)
                .map(|(_, text)| (*text).to_owned())
                .ok_or(Missed::Absent)
        };
        steps(&mut read, "main", "auth", DEEPEST).unwrap()
    }

    fn names(steps: &[Step]) -> Vec<String> {
        steps
            .iter()
            .map(|step| match step {
                Step::Module(module) => module.name().to_owned(),
                Step::Sub(steps) => format!("({})", names(steps).join(" ")),
            })
            .collect()
    }

    #[test]
    fn a_stack_is_what_its_file_and_the_included_ones_say() {
        let main = "#%PAM-1.0\nauth [success=1 \\\n default=ignore] /lib/security/pam_unix.so nullok # old\n\
                    account required pam_unix.so\n@include common\n-auth optional pam_cap.so\n\
                    auth substack sub\nauth include common\n";
        let files = [
            ("main", main),
            ("common", "auth required pam_permit.so\n"),
            ("sub", "AUTH requisite pam_deny.so\n"),
        ];
        let steps = auth(&files);
        assert_eq!(
            names(&steps),
            ["pam_unix.so", "pam_permit.so", "pam_cap.so", "(pam_deny.so)", "pam_permit.so"]
        );
        let Step::Module(unix) = &steps[0] else { panic!() };
        assert!(unix.has("nullok") && !unix.has("old"));
        assert_eq!(unix.control.after("success"), Action::Jump(1));
        assert_eq!(unix.control.after("auth_err"), Action::Ignore);
    }

    #[test]
    fn a_file_that_includes_itself_ends() {
        assert!(auth(&[("main", "@include main\nauth required pam_deny.so\n")]).len() < 20);
    }
}
