//! `postern doctor`.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::backend::DAEMON_USER;
use crate::cli::failure::Failure;
use crate::cli::text::{self, Ink, painted_result as painted};
use crate::cli::{Exit, World};
use crate::config::Owner;
use crate::doctor::{Area, Finding, Ground, RULES, Remedy, Report, Rule, Severity, examine};

#[derive(Args)]
pub(super) struct DoctorCommand {
    /// Say what a finding means and what is done about it; without an ID, of all.
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "all")]
    explain: Option<String>,
    /// How bad a finding must be for exit code 1.
    #[arg(long, value_name = "SEVERITY", default_value = "warning")]
    fail_on: Least,
    /// Leave out findings with this ID; may be given again.
    #[arg(long, value_name = "ID")]
    ignore: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Least {
    Notice,
    Warning,
    Error,
}

impl From<Least> for Severity {
    fn from(least: Least) -> Self {
        match least {
            Least::Notice => Self::Notice,
            Least::Warning => Self::Warning,
            Least::Error => Self::Error,
        }
    }
}

pub(super) fn run(world: &World<'_>, config: &Path, command: &DoctorCommand) -> Result<Exit, Failure> {
    for id in &command.ignore {
        named(id)?;
    }
    if let Some(id) = &command.explain {
        return explain(id, command);
    }
    let mut report = examine(&Ground {
        config,
        owner: Owner(world.effective_uid),
        now: (world.clock)(),
        clock: (world.kept_clock)(),
        daemon_user: DAEMON_USER,
        uid_of: world.uid_of,
        shell_word: text::shell_word,
    });
    report.findings.retain(|finding| !command.ignore.iter().any(|id| id == finding.rule.id));
    if command.json {
        text::json(&Shown::new(&report))?;
    } else {
        text::result(&in_words(&report))?;
    }
    text::note(&summary(&report));
    Ok(exit(&report, command.fail_on.into()))
}

fn exit(report: &Report, least: Severity) -> Exit {
    if report.findings.iter().any(|finding| least <= finding.rule.severity) {
        return Exit::Denied;
    }
    if report.needs_root {
        text::note("postern: this user may not look at all of it");
        text::note("  hint: run it with sudo");
        return Exit::NotPermitted;
    }
    Exit::Ok
}

fn named(id: &str) -> Result<&'static Rule, Failure> {
    let unknown =
        || Failure::Usage(format!("there is no finding {id:?}"), "`postern doctor --explain` lists all");
    RULES.iter().find(|rule| rule.id == id).copied().ok_or_else(unknown)
}

fn explain(id: &str, command: &DoctorCommand) -> Result<Exit, Failure> {
    let rules = if id == "all" { RULES.to_vec() } else { vec![named(id)?] };
    if command.json {
        text::json(&rules.iter().map(|rule| Explained::from(*rule)).collect::<Vec<_>>())?;
        return Ok(Exit::Ok);
    }
    let told: Vec<String> = rules.iter().map(|rule| told(rule)).collect();
    text::result(&told.join("\n"))?;
    Ok(Exit::Ok)
}

fn told(rule: &Rule) -> String {
    let mut said =
        format!("{} ({}, {})\n", painted(rule.id, Ink::Strong), rule.severity.word(), rule.area.word());
    said.push_str(&wrapped(rule.means, "  "));
    said.push_str(&wrapped(rule.cure, "  "));
    said
}

/// Columns of a line that is easy to read.
const WIDTH: usize = 96;

fn wrapped(sentence: &str, margin: &str) -> String {
    let (mut lines, mut line) = (String::new(), String::new());
    for word in sentence.split_whitespace() {
        if !line.is_empty() && WIDTH < margin.len() + line.chars().count() + 1 + word.chars().count() {
            let _ = writeln!(lines, "{margin}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(lines, "{margin}{line}");
    lines
}

fn in_words(report: &Report) -> String {
    let mut said = String::new();
    let mut last: Option<Area> = None;
    for finding in &report.findings {
        if last != Some(finding.rule.area) {
            let _ = writeln!(said, "{}", painted(finding.rule.area.word(), Ink::Strong));
            last = Some(finding.rule.area);
        }
        said.push_str(&one(finding));
        said.push('\n');
    }
    if !report.unseen.is_empty() {
        let _ = writeln!(said, "{}", painted("Not looked at", Ink::Strong));
        for (what, why) in &report.unseen {
            let _ = writeln!(said, "  {}: {}", text::escaped(what), text::escaped(why));
        }
        said.push('\n');
    }
    said
}

fn one(finding: &Finding) -> String {
    let (rule, ink) = (finding.rule, ink(finding.rule.severity));
    let mut said = format!("  {}  {}\n", painted(rule.severity.word(), ink), painted(rule.id, Ink::Strong));
    said.push_str(&wrapped(&text::bounded(&finding.what), "    "));
    said.push_str(&wrapped(rule.means, "    "));
    let _ = writeln!(said, "    {}:", painted(&text::bounded(&finding.remedy.place), Ink::Good));
    said.push_str(&pasteable(&finding.remedy.lines));
    if !finding.remedy.then.is_empty() {
        let _ = writeln!(said, "    {}:", painted("Then, as root", Ink::Good));
        said.push_str(&pasteable(&finding.remedy.then));
    }
    said
}

/// Octets of the longest line that somebody would paste; a name in it has ten for each letter that cannot be seen.
const MOST_OF_A_LINE: usize = 4096;

/// Whole or not at all: a line that is cut may end inside its quotes.
fn pasteable(lines: &[String]) -> String {
    let shown = |line: &String| match line.len() {
        0..=MOST_OF_A_LINE => format!("      {}\n", text::escaped(line)),
        long => format!("      (a line of {long} octets, too long to be pasted)\n"),
    };
    lines.iter().map(shown).collect()
}

const fn ink(severity: Severity) -> Ink {
    match severity {
        Severity::Notice => Ink::Faint,
        Severity::Warning => Ink::Doubtful,
        Severity::Error => Ink::Bad,
    }
}

/// For stderr: the result is what is to be mended.
fn summary(report: &Report) -> String {
    let counted = |severity: Severity| match report.count(severity) {
        0 => None,
        1 => Some(text::painted(&format!("1 {}", severity.word()), ink(severity))),
        many => Some(text::painted(&format!("{many} {}s", severity.word()), ink(severity))),
    };
    let counts: Vec<String> =
        [Severity::Error, Severity::Warning, Severity::Notice].into_iter().filter_map(counted).collect();
    let counts = match counts.is_empty() {
        true => text::painted("Nothing to mend", Ink::Good),
        false => counts.join(", "),
    };
    format!("{counts}. Looked at: {}.", text::escaped(&report.seen.join(", ")))
}

/// What `doctor --json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    errors: usize,
    warnings: usize,
    notices: usize,
    findings: Vec<Found<'a>>,
    looked_at: &'a [String],
    not_looked_at: Vec<Missed<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    id: &'static str,
    area: &'static str,
    severity: &'static str,
    what: &'a str,
    means: &'static str,
    remedy: Paste<'a>,
}

#[derive(Serialize)]
struct Paste<'a> {
    place: &'a str,
    lines: &'a [String],
    then: &'a [String],
}

#[derive(Serialize)]
struct Missed<'a> {
    what: &'a str,
    why: &'a str,
}

/// One rule of `doctor --explain --json`.
#[derive(Serialize)]
struct Explained {
    id: &'static str,
    area: &'static str,
    severity: &'static str,
    means: &'static str,
    cure: &'static str,
}

impl<'a> Shown<'a> {
    fn new(report: &'a Report) -> Self {
        Self {
            errors: report.count(Severity::Error),
            warnings: report.count(Severity::Warning),
            notices: report.count(Severity::Notice),
            findings: report.findings.iter().map(Found::from).collect(),
            looked_at: &report.seen,
            not_looked_at: report.unseen.iter().map(|(what, why)| Missed { what, why }).collect(),
        }
    }
}

impl<'a> From<&'a Finding> for Found<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            id: finding.rule.id,
            area: finding.rule.area.word(),
            severity: finding.rule.severity.word(),
            what: &finding.what,
            means: finding.rule.means,
            remedy: Paste::from(&finding.remedy),
        }
    }
}

impl<'a> From<&'a Remedy> for Paste<'a> {
    fn from(remedy: &'a Remedy) -> Self {
        Self { place: &remedy.place, lines: &remedy.lines, then: &remedy.then }
    }
}

impl From<&'static Rule> for Explained {
    fn from(rule: &'static Rule) -> Self {
        Self {
            id: rule.id,
            area: rule.area.word(),
            severity: rule.severity.word(),
            means: rule.means,
            cure: rule.cure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_to_paste_is_whole_or_not_there() {
        let long = format!("postern totp enroll '{}'", "a".repeat(2000));
        assert_eq!(pasteable(std::slice::from_ref(&long)), format!("      {long}\n"));
        let longer = format!("postern totp enroll '{}'", "a".repeat(MOST_OF_A_LINE));
        assert!(!pasteable(&[longer]).contains('\''));
    }
}
