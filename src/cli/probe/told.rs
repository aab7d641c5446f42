//! What a probe has found: a table, sentences, JSON.

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::probe::{ProbeCommand, exit};
use crate::cli::{Exit, table, text};
use crate::probe::{Due, Finding, Kind, Mark, Remark, State, Target, Try, judge};

pub(super) fn tell(targets: &[Target], command: &ProbeCommand) -> Result<Exit, Failure> {
    let mut found: Vec<(&Target, Finding)> = targets.iter().map(|target| (target, judge(target))).collect();
    // The worst first; within that, in the order of the configuration.
    found.sort_by_key(|(_, finding)| finding.state);
    let states: Vec<State> = found.iter().map(|(_, finding)| finding.state).collect();
    if command.output.json {
        let doors = found.iter().map(|(target, finding)| told(target, finding)).collect();
        text::json(&Told { summary: summary(&states), doors })?;
    } else {
        let rows: Vec<[String; 11]> = found.iter().map(|(target, finding)| row(target, finding)).collect();
        table::print(HEADINGS, &rows)?;
        text::result(&format!("{}\n", summary(&states)))?;
    }
    for (target, finding) in &found {
        explain(target, finding);
    }
    if command.user.is_none() && states.contains(&State::Sound) {
        text::note(
            "Tried with an account that Postern alone knows. With a user of the servers and the password that",
        );
        text::note(
            "they know, it shows too whether another check behind Postern takes that: postern probe --user NAME",
        );
    }
    if states.is_empty() {
        text::note("  hint: name the doors of your servers, such as --imap mail.example.org:993");
    }
    Ok(exit(&states))
}

const HEADINGS: [&str; 11] =
    ["DOOR", "AT", "RESULT", "APP PW", "+CODE", "ALONE", "SCOPE", "REVOKED", "REPLAY", "UNKNOWN", "EMPTY"];

fn row(target: &Target, finding: &Finding) -> [String; 11] {
    let door = &target.door;
    let [app_password, code, alone, scope, revoked, replayed, unknown, empty] =
        Kind::ALL.map(|kind| target.mark(kind).map_or(table::NOTHING, Mark::word).to_owned());
    let what = format!("{} {}", door.protocol.word(), door.encryption.word());
    let state = finding.state.word().to_owned();
    [what, door.place(), state, app_password, code, alone, scope, revoked, replayed, unknown, empty]
}

fn explain(target: &Target, finding: &Finding) {
    for Remark { what, fix } in &finding.remarks {
        text::note(&text::bounded(&format!("{}: {what}.", target.door)));
        if let Some(fix) = fix {
            text::note(&text::bounded(&format!("  hint: {fix}")));
        }
    }
}

/// Such as `7 doors: 1 open, 6 sound.`
fn summary(states: &[State]) -> String {
    let counted = |state: &State| {
        let count = states.iter().filter(|each| each == &state).count();
        (0 < count).then(|| format!("{count} {}", state.word().to_lowercase()))
    };
    let parts: Vec<String> = State::ALL.iter().filter_map(counted).collect();
    match states.len() {
        0 => "No door was found.".to_owned(),
        1 => format!("1 door: {}.", parts.join(", ")),
        doors => format!("{doors} doors: {}.", parts.join(", ")),
    }
}

/// As `--json` prints it.
#[derive(Serialize)]
struct Told<'a> {
    summary: String,
    doors: Vec<ToldDoor<'a>>,
}

#[derive(Serialize)]
struct ToldDoor<'a> {
    protocol: &'static str,
    host: &'a str,
    port: u16,
    encryption: &'static str,
    found: &'static str,
    state: String,
    postern_was_asked: Option<bool>,
    attempts: Vec<ToldTry<'a>>,
    remarks: Vec<ToldRemark<'a>>,
}

#[derive(Serialize)]
struct ToldTry<'a> {
    attempt: &'static str,
    must: &'static str,
    answer: &'static str,
    said: Option<&'a str>,
    granted_for: Option<&'a str>,
    right: bool,
}

#[derive(Serialize)]
struct ToldRemark<'a> {
    what: &'a str,
    fix: Option<&'a str>,
}

fn told<'a>(target: &'a Target, finding: &'a Finding) -> ToldDoor<'a> {
    let door = &target.door;
    let remark = |remark: &'a Remark| ToldRemark { what: &remark.what, fix: remark.fix.as_deref() };
    ToldDoor {
        protocol: door.protocol.word(),
        host: &door.host,
        port: door.port,
        encryption: door.encryption.word(),
        found: door.found.word(),
        state: finding.state.word().to_lowercase().replace(' ', "-"),
        postern_was_asked: target.asked,
        attempts: target.tries.iter().map(|tried| told_try(target, tried)).collect(),
        remarks: finding.remarks.iter().map(remark).collect(),
    }
}

fn told_try<'a>(target: &Target, tried: &'a Try) -> ToldTry<'a> {
    ToldTry {
        attempt: tried.kind.word(),
        must: match tried.due {
            Due::Pass => "pass",
            Due::Fail => "fail",
            Due::Allowed => "either",
        },
        answer: tried.answer.word(),
        said: tried.answer.said(),
        granted_for: tried.granted_for.as_deref(),
        right: matches!(target.mark_of(tried), Mark::Right | Mark::Allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_counts_the_worst_first() {
        assert_eq!(summary(&[State::Sound, State::Open, State::Sound]), "3 doors: 1 open, 2 sound.");
        assert_eq!(summary(&[State::Unprobed]), "1 door: 1 not probed.");
        assert_eq!(summary(&[]), "No door was found.");
    }

    #[test]
    fn one_door_that_is_not_sound_is_enough() {
        let code = |states: &[State]| exit(states).code();
        assert_eq!(code(&[State::Sound]), 0);
        for worse in [State::Open, State::Unguarded, State::Shut] {
            assert_eq!(code(&[State::Sound, State::Unprobed, worse]), 1);
        }
        assert_eq!(code(&[State::Sound, State::Unprobed]), 5);
        assert_eq!(code(&[]), 5);
    }
}
