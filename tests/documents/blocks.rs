//! The documents, and what stands apart from their prose: blocks of code, and code within a line.

use std::fs;
use std::path::{Path, PathBuf};

/// What is shown apart from the prose.
#[derive(Debug)]
pub struct Block {
    /// Where it begins, for messages: file and line.
    pub place: String,
    /// What it is: `sh`, `text`, `toml` and so on.
    pub language: String,
    /// The file of the project that it shows, or a part of.
    pub file: Option<String>,
    pub lines: Vec<String>,
}

/// Every document in Markdown, README.Debian and manual page.
pub fn documents() -> Vec<PathBuf> {
    let top = ["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(PathBuf::from);
    let mut found: Vec<PathBuf> = top.into_iter().filter(|path| path.exists()).collect();
    for folder in ["packaging/guides", "packaging/man", "packaging/debian"] {
        let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        found.extend(entries.filter(|path| is_document(path)));
    }
    found.sort();
    found
}

fn is_document(path: &Path) -> bool {
    is_page(path) || is_markdown(path) || path.to_string_lossy().ends_with("README.Debian")
}

pub fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

pub fn is_page(path: &Path) -> bool {
    path.starts_with("packaging/man")
}

pub fn blocks() -> Vec<Block> {
    let of = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        match path {
            path if is_page(path) => of_page(path, &text),
            path if is_markdown(path) => of_markdown(path, &text),
            path => of_plain_text(path, &text),
        }
    };
    documents().iter().flat_map(of).collect()
}

/// Between fences; behind the first stand the language and, where there is one, the file.
fn of_markdown(path: &Path, text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        match line.trim_start().strip_prefix("```") {
            Some(_) if open => open = false,
            Some(info) => {
                let mut words = info.split_whitespace().map(str::to_owned);
                let (language, file) = (words.next().unwrap_or_default(), words.next());
                blocks.push(Block { place: place(path, number), language, file, lines: Vec::new() });
                open = true;
            }
            None if open => blocks.last_mut().unwrap().lines.push(line.to_owned()),
            None => {}
        }
    }
    assert!(!open, "{}: a fence is left open", path.display());
    blocks
}

/// Displays without filling; the comment before names the file or, if it is no shell, the language.
fn of_page(path: &Path, text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut open, mut comment) = (false, "");
    for (number, line) in text.lines().enumerate() {
        if line.starts_with(".Bd") || line == ".nf" {
            let file = comment.split_whitespace().find(|word| word.contains('/')).map(str::to_owned);
            let language = if file.is_none() && comment.is_empty() { "sh" } else { comment };
            blocks.push(Block {
                place: place(path, number),
                language: language.to_owned(),
                file,
                lines: Vec::new(),
            });
            open = true;
        } else if line.starts_with(".Ed") || line == ".fi" {
            (open, comment) = (false, "");
        } else if open {
            blocks.last_mut().unwrap().lines.push(plain(line));
        } else if let Some(said) = line.strip_prefix(".\\\" ") {
            comment = said;
        } else if ![".Pp", ".PP", ".RS 4"].contains(&line) {
            comment = "";
        }
    }
    blocks
}

/// Lines that are indented by four, until one is not.
fn of_plain_text(path: &Path, text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        let indented = line.starts_with("    ");
        if indented && !open {
            let (place, language) = (place(path, number), "sh".to_owned());
            blocks.push(Block { place, language, file: None, lines: Vec::new() });
        }
        if indented {
            blocks.last_mut().unwrap().lines.push(line.trim_start().to_owned());
        }
        open = indented;
    }
    blocks
}

/// Code within a line: between backquotes, or what mdoc quotes.
pub fn inline() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in documents() {
        let mut fenced = false;
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            fenced ^= line.trim_start().starts_with("```");
            let codes: Vec<String> = match line.strip_prefix(".Ql ") {
                Some(code) if is_page(&path) => vec![plain(code.trim_end_matches([' ', '.', ',']))],
                _ if is_markdown(&path) && !fenced => {
                    line.split('`').skip(1).step_by(2).map(str::to_owned).collect()
                }
                _ => Vec::new(),
            };
            found.extend(codes.into_iter().map(|code| (place(&path, number), code)));
        }
    }
    found
}

fn place(path: &Path, number: usize) -> String {
    format!("{}:{}", path.display(), number + 1)
}

/// As the reader of a page sees it.
fn plain(line: &str) -> String {
    let escapes = [
        ("\\-", "-"),
        ("\\(aq", "'"),
        ("\\(ga", "`"),
        ("\\(ti", "~"),
        ("\\(ha", "^"),
        ("\\&", ""),
        ("\\e", "\\"),
    ];
    escapes.iter().fold(line.to_owned(), |line, (escape, letter)| line.replace(escape, letter))
}
