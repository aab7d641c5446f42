//! The attempts in columns; in colour only where somebody looks.

use std::env;
use std::io::{IsTerminal, stdout};

use crate::story::{Expected, Row};
use crate::support::clients::Login;

const HEAD: [&str; 6] = ["WHO", "WITH", "OVER", "EXPECTED", "GOT", "POSTERN SAID"];

pub fn print(rows: &[Row]) {
    let texts: Vec<[String; 6]> = rows.iter().map(columns).collect();
    let width = |column: usize| {
        let cells = texts.iter().filter_map(|text| text.get(column));
        cells
            .map(|cell| cell.chars().count())
            .chain(HEAD.get(column).map(|head| head.len()))
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    println!("{}", line(&HEAD.map(str::to_owned), &widths));
    let coloured = stdout().is_terminal() && env::var_os("NO_COLOR").is_none();
    for (row, text) in rows.iter().zip(&texts) {
        let line = line(text, &widths);
        let colour = if row.as_expected() { "32" } else { "31" };
        if coloured { println!("\x1b[{colour}m{line}\x1b[0m") } else { println!("{line}") }
    }
}

fn columns(row: &Row) -> [String; 6] {
    let expected = match row.expected {
        Expected::In(_) => "in",
        Expected::Out(_) => "out",
    };
    let got = match &row.got {
        Login::Ok => "in",
        Login::Refused(_) => "out",
        Login::Temporary(_) => "try later",
    };
    let mark = if row.as_expected() { "" } else { "  <- not as expected" };
    [
        row.who.clone(),
        row.with.clone(),
        row.over.service().to_owned(),
        expected.to_owned(),
        got.to_owned(),
        format!("{}{mark}", reason(&row.audit)),
    ]
}

/// The verdict, the path and the reason; the rest of the audit line stands in the other columns.
fn reason(audit: &str) -> String {
    let telling = |part: &&str| part.starts_with("path=") || part.starts_with("why=");
    let verdict = audit.split(' ').next().unwrap_or_default();
    audit.split(' ').filter(telling).fold(verdict.to_owned(), |line, part| format!("{line} {part}"))
}

fn line(cells: &[String; 6], widths: &[usize; 6]) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}  "));
    padded.collect::<String>().trim_end().to_owned()
}
