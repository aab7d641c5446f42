//! What a probe has found: a table, sentences, JSON.

use serde::Serialize;

use crate::cli::failure::Failure;
use crate::cli::probe::{ProbeCommand, exit};
use crate::cli::{Exit, table, text};
use crate::probe::{Door, Due, Finding, Kind, Mark, Remark, State, Target, Try, judge};

pub(super) fn tell(targets: &[Target], command: &ProbeCommand) -> Result<Exit, Failure> {
    let mut found: Vec<(&Target, Finding)> = targets.iter().map(|target| (target, judge(target))).collect();
    // The worst first; within that, in the order of the configuration.
    found.sort_by_key(|(_, finding)| finding.state);
    let states: Vec<State> = found.iter().map(|(_, finding)| finding.state).collect();
    let whose = if command.user.is_some() { Whose::Users } else { Whose::Posterns };
    let summary = summary(&states, whose);
    if command.output.json {
        let doors = found.iter().map(|(target, finding)| told(target, finding)).collect();
        text::json(&Told { summary, users_of_the_system_tried: whose == Whose::Users, doors })?;
    } else {
        let rows: Vec<[String; 11]> = found.iter().map(|(target, finding)| row(target, finding)).collect();
        table::print(HEADINGS, &rows)?;
        text::result(&format!("{summary}\n"))?;
    }
    explain(&found);
    if states.is_empty() {
        text::note("  hint: name the doors of your servers, such as --imap mail.example.org:993");
    }
    Ok(exit(&states))
}

const HEADINGS: [&str; 11] =
    ["DOOR", "AT", "RESULT", "APP", "CODE", "ALONE", "SCOPE", "GONE", "SPENT", "NOBODY", "EMPTY"];

fn row(target: &Target, finding: &Finding) -> [String; 11] {
    let door = &target.door;
    let [app_password, code, alone, scope, revoked, replayed, unknown, empty] =
        Kind::ALL.map(|kind| target.mark(kind).map_or(table::NOTHING, Mark::word).to_owned());
    let what = format!("{} {}", door.protocol.word(), door.encryption.word());
    let state = finding.state.word().to_owned();
    [what, door.place(), state, app_password, code, alone, scope, revoked, replayed, unknown, empty]
}

/// Says once what holds of several doors, and once what is to be done about several things.
fn explain(found: &[(&Target, Finding)]) {
    let all =
        || found.iter().flat_map(|(target, finding)| finding.remarks.iter().map(|one| (&target.door, one)));
    let mut fixes: Vec<Option<&str>> = Vec::new();
    for (_, remark) in all().filter(|(_, remark)| remark.fix.is_some()) {
        fixes.extend(is_new(&fixes, remark.fix.as_deref()));
    }
    for fix in fixes.into_iter().chain([None]) {
        let of_fix: Vec<(&Door, &Remark)> =
            all().filter(|(_, remark)| remark.fix.as_deref() == fix).collect();
        let mut told: Vec<&str> = Vec::new();
        for what in of_fix.iter().map(|(_, remark)| remark.what.as_str()) {
            if let Some(what) = is_new(&told, what) {
                told.push(what);
                let doors = of_fix.iter().filter(|(_, remark)| remark.what == what).map(|(door, _)| *door);
                text::note(&text::bounded(&format!("{}: {what}.", spoken(&doors.collect::<Vec<_>>()))));
            }
        }
        if let Some(fix) = fix {
            text::note(&text::bounded(&format!("  hint: {fix}")));
        }
    }
}

fn is_new<T: PartialEq>(known: &[T], one: T) -> Option<T> {
    (!known.contains(&one)).then_some(one)
}

/// Such as `imap at localhost:993 (tls), and 3 other doors`; the table has them all.
fn spoken(doors: &[&Door]) -> String {
    match doors {
        [] => String::new(),
        [one] => one.to_string(),
        [one, _] => format!("{one}, and 1 other door"),
        [one, others @ ..] => format!("{one}, and {} other doors", others.len()),
    }
}

/// Whose passwords were tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Those of an account that Postern alone knows.
    Posterns,
    /// That of a user whom the servers know without Postern, too.
    Users,
}

/// Such as `7 doors: 1 open, 6 sound.`; no more than was tried.
fn summary(states: &[State], whose: Whose) -> String {
    let counted = |state: &State| {
        let count = states.iter().filter(|each| each == &state).count();
        (0 < count).then(|| format!("{count} {}", state.word().to_lowercase()))
    };
    let parts: Vec<String> = State::ALL.iter().filter_map(counted).collect();
    let bounds = match whose {
        Whose::Posterns if states.contains(&State::Sound) => {
            " for accounts of Postern; users of the system were not tried (--user NAME)"
        }
        Whose::Posterns | Whose::Users => "",
    };
    let said = format!("{}{bounds}.", parts.join(", "));
    match states.len() {
        0 => "No door was found.".to_owned(),
        1 => format!("1 door: {said}"),
        doors => format!("{doors} doors: {said}"),
    }
}

/// As `--json` prints it.
#[derive(Serialize)]
struct Told<'a> {
    summary: String,
    users_of_the_system_tried: bool,
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
    use crate::probe::Protocol;

    #[test]
    fn a_summary_counts_the_worst_first() {
        let counted = summary(&[State::Sound, State::Open, State::Sound], Whose::Users);
        assert_eq!(counted, "3 doors: 1 open, 2 sound.");
        assert_eq!(summary(&[State::Unprobed], Whose::Posterns), "1 door: 1 not probed.");
        assert_eq!(summary(&[], Whose::Posterns), "No door was found.");
    }

    #[test]
    fn a_summary_claims_no_more_than_was_tried() {
        assert_eq!(
            summary(&[State::Sound, State::Sound], Whose::Posterns),
            "2 doors: 2 sound for accounts of Postern; users of the system were not tried (--user NAME)."
        );
    }

    #[test]
    fn doors_of_which_the_same_holds_are_told_together() {
        let door = |place| Door::parse(Protocol::Imap, place).unwrap();
        let (one, other) = (door("a:1"), door("b:2"));
        assert_eq!(spoken(&[&one]), one.to_string());
        assert_eq!(spoken(&[&one, &other]), format!("{one}, and 1 other door"));
        assert_eq!(spoken(&[&one, &other, &one]), format!("{one}, and 2 other doors"));
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
