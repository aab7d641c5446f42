//! The rules about an app password.

use super::{Rule, account, no, not_asked, ok, shape};
use crate::cli::attempt::seen::Seen;
use crate::cli::table;
use crate::domain::network::Networks;
use crate::domain::verdict::{AppPasswordEvidence, Coverage, Denial, Known, Life, Match, Owner};
use crate::verifier::{Decision, Terms};

/// What a field of this shape is read as.
pub(super) const SHAPE: &str = "20 symbols that begin with x: an app password";

/// And one that another program has made.
const BROUGHT_ALONG: &str = "an app password that was brought along";

pub(super) fn rules(found: &AppPasswordEvidence, decision: &Decision, seen: &Seen<'_>) -> Vec<Rule> {
    let terms = decision.terms.as_ref();
    let service = seen.service();
    let mut rules = vec![shape(if seen.generated { SHAPE } else { BROUGHT_ALONG })];
    if seen.generated {
        rules.push(ok("check symbols", "they fit"));
    }
    rules.extend([
        match found.secret {
            Match::Right => ok("hash", "it matches"),
            Match::Wrong => no("hash", "it does not match", Denial::UnknownAppPassword),
        },
        match found.owner {
            Owner::Same => ok("owner", format!("it is {}'s", seen.account())),
            Owner::Other => {
                let owner = terms.map_or("another account", |terms| terms.owner.as_str());
                no("owner", format!("it is {owner}'s, not {}'s", seen.account()), Denial::OtherAccount)
            }
        },
        life(found.life, terms),
        typed_account(found, seen),
        match found.policy {
            Coverage::Inside => ok("policy", format!("{service} takes app passwords")),
            Coverage::Outside => {
                let taken = seen.accepts();
                no("policy", format!("{service} takes no app passwords; {taken}"), Denial::NotAcceptedHere)
            }
        },
        scope(found.scope, terms, service),
        networks(found.networks, terms, seen),
    ]);
    rules
}

/// What was found is the state of the owner, who may not be the one whose name was typed.
fn typed_account(found: &AppPasswordEvidence, seen: &Seen<'_>) -> Rule {
    match (found.owner, seen.primary.is_some()) {
        (Owner::Same, _) => account(found.account, seen),
        (Owner::Other, true) => not_asked("account"),
        (Owner::Other, false) => account(Known::Nothing, seen),
    }
}

fn life(life: Life, terms: Option<&Terms>) -> Rule {
    let end = terms.and_then(|terms| terms.end);
    let dated = |word: &str, moment: Option<String>| match moment {
        Some(moment) => format!("{word} {moment}"),
        None => word.to_owned(),
    };
    match life {
        Life::Live if end.is_none() => ok("life", "it is live, without an end"),
        Life::Live => ok("life", dated("it is live, until", end.map(table::until))),
        Life::Revoked => {
            no("life", dated("it was revoked on", end.map(table::to_the_second)), Denial::Revoked)
        }
        Life::Expired => no("life", dated("it was good until", end.map(table::until)), Denial::Expired),
    }
}

fn scope(coverage: Coverage, terms: Option<&Terms>, service: &str) -> Rule {
    let scope = terms.map_or_else(String::new, |terms| terms.scope.to_string());
    match coverage {
        Coverage::Inside => ok("scope", format!("it is good for {scope}; {service} is asked")),
        Coverage::Outside => {
            no("scope", format!("it is good for {scope}, and not for {service}"), Denial::OutOfScope)
        }
    }
}

fn networks(coverage: Coverage, terms: Option<&Terms>, seen: &Seen<'_>) -> Rule {
    let any = "any address".to_owned();
    let networks = terms
        .map(|terms| &terms.networks)
        .map_or_else(String::new, |list| if Networks::are_any(list) { any } else { list.to_string() });
    let from = seen.remote.map_or_else(|| "no address".to_owned(), |address| address.to_string());
    match coverage {
        Coverage::Inside => ok("networks", format!("it is good from {networks}; it comes from {from}")),
        Coverage::Outside => no(
            "networks",
            format!("it is good from {networks}, and comes from {from}"),
            Denial::OutsideNetworks,
        ),
    }
}
