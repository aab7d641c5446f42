//! What is found: by which rule, where, and what to do about it.

use std::collections::BTreeSet;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Notice,
    /// Weaker than it should be, or about to break.
    Warning,
    /// A door is open, or one is shut that should not be.
    Error,
}

impl Severity {
    /// As it is written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Postern's own files and accounts.
    Postern,
    /// Service files and their stacks.
    Pam,
    /// Dovecot.
    Dovecot,
    /// Postfix.
    Postfix,
    /// Cyrus SASL and saslauthd.
    Sasl,
    /// The machine.
    System,
}

impl Area {
    /// As it is written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Postern => "Postern",
            Self::Pam => "PAM",
            Self::Dovecot => "Dovecot",
            Self::Postfix => "Postfix",
            Self::Sasl => "Cyrus SASL",
            Self::System => "System",
        }
    }
}

/// Something that may be wrong. Its id never changes.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// By which scripts and people know it.
    pub id: &'static str,
    /// What it is about.
    pub area: Area,
    /// How bad it is.
    pub severity: Severity,
    /// What it means, in sentences.
    pub means: &'static str,
    /// What is done about it, in sentences.
    pub cure: &'static str,
}

/// Lines to paste, and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// The place, as the beginning of a sentence.
    pub place: String,
    /// The lines, each whole.
    pub lines: Vec<String>,
    /// Commands for a shell of root's without which the lines stay unread.
    pub then: Vec<String>,
}

impl Remedy {
    /// Lines for a file or a block of one.
    pub(super) fn lines<S: Into<String>>(place: &str, lines: impl IntoIterator<Item = S>) -> Self {
        Self { place: place.to_owned(), lines: lines.into_iter().map(Into::into).collect(), then: Vec::new() }
    }

    /// Commands for a shell of root's.
    pub(super) fn commands<S: Into<String>>(lines: impl IntoIterator<Item = S>) -> Self {
        Self::lines("As root", lines)
    }

    /// The same, and afterwards this.
    pub(super) fn then(mut self, command: &str) -> Self {
        self.then.push(command.to_owned());
        self
    }
}

/// One case of a rule.
#[derive(Debug)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// What was seen, and where.
    pub what: String,
    /// What to paste.
    pub remedy: Remedy,
}

/// All that was found, and what was not looked at.
#[derive(Debug, Default)]
pub struct Report {
    /// The worst first, each area together.
    pub findings: Vec<Finding>,
    /// What was looked at.
    pub seen: Vec<String>,
    /// What was not, and why.
    pub unseen: Vec<(String, String)>,
    /// Whether some of it needs another user.
    pub needs_root: bool,
}

impl Report {
    pub(super) fn found(&mut self, rule: &'static Rule, what: impl Into<String>, remedy: Remedy) {
        let what = what.into();
        // Several doors may share one configuration.
        if !self.findings.iter().any(|each| each.rule == rule && each.what == what) {
            self.findings.push(Finding { rule, what, remedy });
        }
    }

    pub(super) fn saw(&mut self, what: impl Into<String>) {
        self.seen.push(what.into());
    }

    pub(super) fn could_not_see(&mut self, what: impl Into<String>, why: impl Into<String>) {
        let missed = (what.into(), why.into());
        if !self.unseen.contains(&missed) {
            self.unseen.push(missed);
        }
    }

    /// The same where another user could.
    pub(super) fn may_not_see(&mut self, what: impl Into<String>) {
        self.needs_root = true;
        self.could_not_see(what, "only root may read it");
    }

    /// Prints commands of Postern as they are typed by root where another user has the store.
    pub(super) fn act_as(&mut self, user: &str) {
        for line in self.findings.iter_mut().flat_map(|finding| finding.remedy.lines.iter_mut()) {
            if line.starts_with("postern ") {
                *line = format!("runuser -u {user} -- {line}");
            }
        }
    }

    /// The area of the worst finding first, and in it the worst finding.
    pub(super) fn sort(&mut self) {
        let worst = |area: Area, of: &[Finding]| {
            of.iter().filter(|each| each.rule.area == area).map(|each| each.rule.severity).max()
        };
        let areas: BTreeSet<Area> = self.findings.iter().map(|each| each.rule.area).collect();
        let ranks: Vec<_> = areas.into_iter().map(|area| (area, worst(area, &self.findings))).collect();
        let rank = |area: Area| ranks.iter().find(|(each, _)| *each == area).and_then(|(_, worst)| *worst);
        self.findings.sort_by(|one, other| {
            let (one, other) = (one.rule, other.rule);
            (rank(other.area).cmp(&rank(one.area)))
                .then(one.area.cmp(&other.area))
                .then(other.severity.cmp(&one.severity))
        });
    }

    /// How many findings are this bad.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.rule.severity == severity).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::RULES;

    #[test]
    fn the_worst_comes_first_and_an_area_stays_together() {
        let rule = |area, severity| RULES.iter().find(|rule| rule.area == area && rule.severity == severity);
        let mut report = Report::default();
        for (area, severity) in [
            (Area::Postern, Severity::Warning),
            (Area::Dovecot, Severity::Warning),
            (Area::Dovecot, Severity::Error),
        ] {
            report.found(rule(area, severity).unwrap(), "", Remedy::commands([""]));
        }
        report.sort();
        let order: Vec<_> =
            report.findings.iter().map(|found| (found.rule.area, found.rule.severity)).collect();
        assert_eq!(
            order,
            [
                (Area::Dovecot, Severity::Error),
                (Area::Dovecot, Severity::Warning),
                (Area::Postern, Severity::Warning)
            ]
        );
    }
}
