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

const HEADS: [&str; 6] = ["imap", "pop3", "sieve", "Dovecot", "plug-in", "saslauthd"];

const LEGEND: &str = "\
in, out    The client was let in, or refused (Postfix: 235, 535). The last column has the log's words for it.
later      Postfix told the client to come back (454): nobody could be asked, and nobody is let in unasked.
Dovecot    imap, pop3 and sieve by pam_postern.so, and Postfix on port 587 with smtpd_sasl_type = dovecot.
plug-in    Postfix on port 588 with smtpd_sasl_type = cyrus, chrooted as Debian ships it: libpostern.so asks
           posternd through a socket in the jail.
saslauthd  Postfix on port 589, the same with pwcheck_method: saslauthd in place of the plug-in. posternd answers,
           and is told no client address: what is good from some networks only is refused.
";

const NARROW: usize = 2;
/// Between two servers.
const WIDE: usize = 4;

/// One row for each attempt, which has one end at each door.
pub fn print(rows: &[Vec<Told>]) {
    let names = rows.iter().filter_map(|row| row.first()).map(|told| told.with.chars().count());
    let indent = 2 + names.max().unwrap_or(0);
    let paint = Paint { colour: stdout().is_terminal() && env::var_os("NO_COLOR").is_none() };
    println!("{}", paint.bold(&format!("{:indent$}{}", "", servers())));
    println!("{}", paint.bold(&format!("{:indent$}{}    WORD IN THE LOG", "", heads())));
    let mut before = "";
    for row in rows {
        let Some(Told { who, with, .. }) = row.first() else { continue };
        if *who != before {
            println!("\n{}", paint.bold(who));
            before = who;
        }
        let cells: String = row.iter().enumerate().map(|(door, told)| cell(&paint, door, told)).collect();
        println!("  {with:width$}{cells}    {}", words(row), width = indent - 2);
    }
    print!("\n{LEGEND}");
    complain(rows);
}

fn gap(door: usize) -> usize {
    if matches!(door, 0 | 3) { WIDE } else { NARROW }
}

fn servers() -> String {
    let dovecot: usize = HEADS.iter().take(3).enumerate().map(|(door, head)| gap(door) + head.len()).sum();
    format!("{:width$}    POSTFIX, BY WAY OF", "    DOVECOT", width = dovecot)
}

fn heads() -> String {
    HEADS.iter().enumerate().fold(String::new(), |mut line, (door, head)| {
        let _ = write!(line, "{:gap$}{head}", "", gap = gap(door));
        line
    })
}

fn cell(paint: &Paint, door: usize, told: &Told) -> String {
    let (word, colour) = match &told.got {
        Login::Ok => ("in", "32"),
        Login::Refused(_) => ("out", "2"),
        Login::Temporary(_) => ("later", "33"),
    };
    let width = HEADS.get(door).map_or(0, |head| head.len());
    let gap = gap(door);
    if told.as_expected() {
        return format!("{:gap$}{}", "", paint.in_colour(colour, &format!("{word:width$}")));
    }
    format!("{:gap$}{}", "", paint.in_colour("1;31", &format!("{:width$}", format!("{word}!"))))
}

/// The word for each way in which it has ended, once.
fn words(row: &[Told]) -> String {
    let mut seen = BTreeSet::new();
    let words =
        row.iter().map(|told| word(&told.audit)).filter(|word| !word.is_empty() && seen.insert(*word));
    words.collect::<Vec<_>>().join(", ")
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
