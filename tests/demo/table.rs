//! The attempts in rows, the doors in columns; in colour only where somebody looks.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write;
use std::io::{IsTerminal, stdout};

use crate::story::{Expected, Told};
use crate::support::clients::{Login, Protocol};

/// The doors in the order of their columns, each under its server.
pub const DOORS: [Protocol; 6] = [
    Protocol::Imap,
    Protocol::Pop3,
    Protocol::Sieve,
    Protocol::Submission,
    Protocol::Plugin,
    Protocol::Saslauthd,
];

const HEADS: [&str; 6] = ["imap", "pop3", "sieve", "587", "588", "589"];

const LEGEND: &str = "\
in, out  The client was let in, or refused (Postfix: 235, 535). Beside it, the words of the log.
later    Postfix told the client to come back (454): nobody could be asked, and nobody is let
         in unasked.
DOVECOT  imap, pop3 and sieve, by pam_postern.so.
587      Postfix with smtpd_sasl_type = dovecot: it asks Dovecot, and that the same module.
588      Postfix with smtpd_sasl_type = cyrus, chrooted as Debian ships it: libpostern.so asks
         posternd through a socket in the jail.
589      The same with pwcheck_method: saslauthd in place of the plug-in. posternd answers, and
         is told no client address: what is good from some networks only is refused.
";

const NARROW: usize = 1;
/// Between two servers.
const WIDE: usize = 2;
/// Of the longest word in a cell.
const CELL: usize = "later".len();
/// Of the last column: the table is for terminals of less than a hundred columns.
const WORDS: usize = 26;

/// One row for each attempt, which has one end at each door.
pub fn print(rows: &[Vec<Told>]) {
    let names = rows.iter().filter_map(|row| row.first()).map(|told| told.with.chars().count());
    let indent = 2 + names.max().unwrap_or(0);
    let paint = Paint { colour: stdout().is_terminal() && env::var_os("NO_COLOR").is_none() };
    println!("{}", paint.bold(&format!("{:indent$}{}", "", servers())));
    println!("{}", paint.bold(&format!("{:indent$}{}  WORD IN THE LOG", "", heads())));
    let mut before = "";
    for row in rows {
        let Some(Told { who, with, .. }) = row.first() else { continue };
        if *who != before {
            println!("\n{}", paint.bold(who));
            before = who;
        }
        let cells: String = row.iter().enumerate().map(|(door, told)| cell(&paint, door, told)).collect();
        let mut words = words(row).into_iter();
        println!("  {with:width$}{cells}  {}", words.next().unwrap_or_default(), width = indent - 2);
        words.for_each(|more| println!("{:width$}  {more}", "", width = indent + heads().len()));
    }
    print!("\n{LEGEND}");
    complain(rows);
}

fn gap(door: usize) -> usize {
    if matches!(door, 0 | 3) { WIDE } else { NARROW }
}

/// The words of a cell are left of it; a head that is shorter is too.
fn width(door: usize) -> usize {
    HEADS.get(door).map_or(CELL, |head| head.len().max(if door < 3 { 0 } else { CELL }))
}

fn servers() -> String {
    let dovecot: usize = (0..3).map(|door| gap(door) + width(door)).sum();
    format!("{:dovecot$}{:gap$}POSTFIX ON PORT", "  DOVECOT", "", gap = gap(3))
}

fn heads() -> String {
    HEADS.iter().enumerate().fold(String::new(), |mut line, (door, head)| {
        let _ = write!(line, "{:gap$}{head:width$}", "", gap = gap(door), width = width(door));
        line
    })
}

fn cell(paint: &Paint, door: usize, told: &Told) -> String {
    let (word, colour) = match &told.got {
        Login::Ok => ("in", "32"),
        Login::Refused(_) => ("out", "2"),
        Login::Temporary(_) => ("later", "33"),
    };
    let (width, gap) = (width(door), gap(door));
    if told.as_expected() {
        return format!("{:gap$}{}", "", paint.in_colour(colour, &format!("{word:width$}")));
    }
    format!("{:gap$}{}", "", paint.in_colour("1;31", &format!("{:width$}", format!("{word}!"))))
}

/// The word for each way in which it has ended, once, in lines that fit.
fn words(row: &[Told]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let words =
        row.iter().map(|told| word(&told.audit)).filter(|word| !word.is_empty() && seen.insert(*word));
    words.fold(Vec::new(), |mut lines: Vec<String>, word| {
        match lines.last_mut() {
            Some(line) if line.len() + ", ".len() + word.len() <= WORDS => *line = format!("{line}, {word}"),
            Some(line) => {
                line.push(',');
                lines.push(word.to_owned());
            }
            None => lines.push(word.to_owned()),
        }
        lines
    })
}

fn word(audit: &str) -> &str {
    let field = |name: &str| audit.split(' ').find_map(|field| field.strip_prefix(name));
    let verdict = audit.split(' ').next().unwrap_or_default();
    match verdict {
        "granted" => field("path=").unwrap_or(verdict),
        "denied" => field("why=").unwrap_or(verdict),
        other => other,
    }
}

/// What should have been otherwise, with all that is known of it.
fn complain(rows: &[Vec<Told>]) {
    for row in rows {
        for (told, head) in row.iter().zip(HEADS).filter(|(told, _)| !told.as_expected()) {
            let expected = match told.expected {
                Expected::In(path) => format!("in, {path}"),
                Expected::Out(why) => format!("out, {why}"),
                Expected::Later => "later".to_owned(),
            };
            println!("\n{}, at {head}: expected {expected}; got {:?}\n  {}", told.with, told.got, told.audit);
        }
    }
}

struct Paint {
    colour: bool,
}

impl Paint {
    fn bold(&self, text: &str) -> String {
        self.in_colour("1", text)
    }

    fn in_colour(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
