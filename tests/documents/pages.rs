//! The manual pages of the command, one for each word after `postern`, from the arguments themselves.

use std::path::{Path, PathBuf};
use std::{env, fs};

use clap::builder::PossibleValue;
use clap::{Arg, Command};
use postern::doctor::{RULES, Rule};

use super::mdoc::{escaped, literal, paragraphs};

/// The day of the last release or of a larger change, for every page.
const DATE: &str = "November 22, 2026";

const BEGIN: &str = ".\\\" Written by `make man`, up to the end of the list.\n";
const END: &str = ".\\\" End of the list.\n";

/// Each page with its place: one for each command, and postern(1), whose list of commands is written anew.
pub fn written() -> Vec<(PathBuf, String)> {
    let directory = directory();
    let whole = postern::cli::command_line();
    let overview = directory.join("postern.1");
    let text = with_list(&fs::read_to_string(&overview).unwrap_or_default(), &whole);
    let pages = commands(&whole)
        .map(|command| (directory.join(format!("postern-{}.1", command.get_name())), page(command)));
    pages.chain([(overview, text)]).collect()
}

/// Where the pages lie.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/man")
}

/// What may come after a word, but for `help`.
fn commands(above: &Command) -> impl Iterator<Item = &Command> {
    above.get_subcommands().filter(|command| command.get_name() != "help" && !command.is_hide_set())
}

fn with_list(page: &str, whole: &Command) -> String {
    let (before, rest) = page.split_once(BEGIN).unwrap_or((page, ""));
    let (_, after) = rest.split_once(END).unwrap_or_default();
    let list: String = leaves(&[], whole).iter().map(|(path, command)| listed(path, command)).collect();
    format!("{before}{BEGIN}.Bl -tag -width Ds\n{list}.El\n{END}{after}")
}

fn listed(path: &[&str], command: &Command) -> String {
    let page = path.first().copied().unwrap_or_default();
    format!(".It Ic {}\n{}See\n.Xr postern-{page} 1 .\n", path.join(" "), paragraphs(&about(command)))
}

fn page(command: &Command) -> String {
    let name = command.get_name();
    let leaves = leaves(&[name], command);
    let synopsis: String = leaves.iter().map(|(path, leaf)| synopsis(path, leaf)).collect();
    let alone = leaves.len() == 1;
    let described: String = leaves
        .iter()
        .map(|(path, leaf)| {
            let head = if alone { String::new() } else { format!(".Ss {}\n", path.join(" ")) };
            head + &described(leaf)
        })
        .collect();
    format!(
        ".\\\" Written by `make man` from the arguments of the command.\n.Dd {DATE}\n.Dt POSTERN-{} 1\n.Os\n\
         .Sh NAME\n.Nm postern-{name}\n.Nd {}\n.Sh SYNOPSIS\n{synopsis}.Sh DESCRIPTION\n{described}{}{TAIL}",
        name.to_uppercase(),
        brief(&about(command)),
        if name == "doctor" { findings() } else { String::new() },
    )
}

/// What `postern doctor` may find, area by area.
fn findings() -> String {
    let mut section = ".Sh FINDINGS\nIn parentheses stands how bad it is.\n".to_owned();
    for rules in RULES.chunk_by(|one, next| one.area == next.area) {
        let area = rules.first().map_or("", |rule| rule.area.word());
        section += &format!(".Ss {area}\n.Bl -tag -width Ds\n");
        for Rule { id, severity, means, cure, .. } in rules.iter().copied() {
            section +=
                &format!(".It Cm {id} Pq {}\n{}{}", severity.word(), paragraphs(means), paragraphs(cure));
        }
        section += ".El\n";
    }
    section
}

const TAIL: &str = "\
.Sh EXIT STATUS
As all of
.Xr postern 1 :
0 done, 1 denied or no, 2 usage, 3 not found, 4 exists already, 5 unavailable,
6 not permitted.
.Sh SEE ALSO
.Xr postern 1 ,
.Xr postern.toml 5 ,
.Xr posternd 8
";

/// What can be run: a command without others below it, or one that does something by itself too.
fn leaves<'a>(path: &[&'a str], command: &'a Command) -> Vec<(Vec<&'a str>, &'a Command)> {
    let itself =
        (!command.is_subcommand_required_set() && !path.is_empty()).then(|| (path.to_vec(), command));
    let below = commands(command).flat_map(|below| leaves(&[path, &[below.get_name()]].concat(), below));
    itself.into_iter().chain(below).collect()
}

fn synopsis(path: &[&str], command: &Command) -> String {
    let mut lines = format!(".Nm postern {}\n", path.join(" "));
    for argument in arguments(command) {
        let words = spelled(argument);
        let more = if argument.get_action().takes_values() && is_repeated(argument) { " ..." } else { "" };
        let line = if argument.is_required_set() {
            format!(".{words}{more}\n")
        } else {
            format!(".Op {words}{more}\n")
        };
        lines += &line;
    }
    lines
}

fn described(command: &Command) -> String {
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let entries: String = arguments(command).map(entry).collect();
    let entries = if entries.is_empty() { entries } else { format!(".Bl -tag -width Ds\n{entries}.El\n") };
    let more = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let examples: Vec<&str> = more.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let examples = if examples.is_empty() {
        String::new()
    } else {
        format!(".Pp\nFor example:\n{}", literal(&examples))
    };
    format!("{}{entries}{examples}", paragraphs(&about))
}

/// What is the command's own; `--config` is on the page of postern(1).
fn arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    let own = |argument: &&Arg| !argument.is_hide_set() && !argument.is_global_set();
    let named = command.get_arguments().filter(own).filter(|argument| !argument.is_positional());
    named.chain(command.get_arguments().filter(own).filter(|argument| argument.is_positional()))
}

fn entry(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let values = argument.get_possible_values();
    let choices = if argument.get_action().takes_values() { choices(&values) } else { String::new() };
    format!(".It {}\n{}{choices}{}", spelled(argument), paragraphs(&help), default(argument))
}

fn spelled(argument: &Arg) -> String {
    let value = value(argument);
    let long = argument.get_long().map(|long| format!("Fl -{}", long.replace('-', "\\-")));
    let short = argument.get_short().map(|short| format!("Fl {short}"));
    let flags: Vec<String> = short.into_iter().chain(long).collect();
    let value = value.map(|value| format!("Ar {value}"));
    match (flags.is_empty(), value) {
        (true, value) => value.unwrap_or_default(),
        (false, None) => flags.join(" | "),
        (false, Some(value)) => format!("{} {value}", flags.join(" | ")),
    }
}

fn value(argument: &Arg) -> Option<String> {
    if !argument.is_positional() && !argument.get_action().takes_values() {
        return None;
    }
    let named = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    Some(named.unwrap_or_else(|| argument.get_id().to_string()).to_lowercase().replace('_', "-"))
}

fn is_repeated(argument: &Arg) -> bool {
    matches!(argument.get_action(), clap::ArgAction::Append) && !argument.is_positional()
        || argument.get_num_args().is_some_and(|count| 1 < count.max_values())
}

fn choices(values: &[PossibleValue]) -> String {
    let choice = |value: &PossibleValue| {
        let help = value.get_help().map(|help| paragraphs(&help.to_string())).unwrap_or_default();
        format!(".It Cm {}\n{help}", value.get_name())
    };
    let list: String = values.iter().map(choice).collect();
    if list.is_empty() { list } else { format!(".Bl -tag -width Ds -compact\n{list}.El\n") }
}

fn default(argument: &Arg) -> String {
    let values = argument.get_default_values();
    if values.is_empty() || !argument.get_action().takes_values() {
        return String::new();
    }
    let words: Vec<String> = values.iter().map(|value| escaped(&value.to_string_lossy())).collect();
    format!("By default\n.Cm {} .\n", words.join(" "))
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// For the line of the name: without the stop, and only as long as a line of whatis(1) is read.
fn brief(about: &str) -> String {
    let first = about.split(". ").next().unwrap_or_default().trim_end_matches('.');
    let mut letters = first.chars();
    letters.next().map(|letter| letter.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
