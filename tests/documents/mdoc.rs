//! mdoc(7): text that says itself and nothing to the formatter, and a sentence on each line.

/// Longest line of text; mandoc's lint wants less than 81 octets.
const WIDTH: usize = 78;

/// Paragraphs of help as paragraphs of a page.
pub fn paragraphs(help: &str) -> String {
    help.split("\n\n").map(sentences).collect::<Vec<_>>().join(".Pp\n")
}

/// Lines of text: each sentence begins a line, as mdoc wants it.
fn sentences(paragraph: &str) -> String {
    let words: Vec<String> = paragraph.split_whitespace().map(escaped).collect();
    let mut text = String::new();
    let mut column = 0;
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        let begins = before.is_some_and(|before| before.ends_with(['.', '?', '!']));
        if begins || WIDTH < column + 1 + word.len() {
            text.push('\n');
            column = 0;
        } else if 0 < column {
            text.push(' ');
            column += 1;
        }
        if column == 0 && word.starts_with(['.', '\'']) {
            text.push_str("\\&");
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
    if text.ends_with(".\n") { text } else { text.trim_end().to_owned() + ".\n" }
}

/// A word in which nothing is an escape, and no dash or quote is set as another.
pub fn escaped(word: &str) -> String {
    let mut escaped = String::new();
    let mut quoted = false;
    for letter in word.chars() {
        match letter {
            '\\' => escaped.push_str("\\e"),
            '-' if word.starts_with('-') || word.contains("--") => escaped.push_str("\\-"),
            '`' => {
                quoted = !quoted;
                escaped.push_str(if quoted { "\\(oq" } else { "\\(cq" });
            }
            '~' => escaped.push_str("\\(ti"),
            '^' => escaped.push_str("\\(ha"),
            '…' => escaped.push_str("..."),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Lines as they stand.
pub fn literal(lines: &[&str]) -> String {
    let shown = |line: &&str| {
        let line = line.replace('\\', "\\e").replace('-', "\\-").replace('`', "\\(ga");
        let line = line.replace('\'', "\\(aq").replace('~', "\\(ti").replace('^', "\\(ha");
        if line.starts_with('.') { format!("\\&{line}\n") } else { format!("{line}\n") }
    };
    let lines: String = lines.iter().map(shown).collect();
    format!(".Bd -literal -offset indent\n{lines}.Ed\n")
}
