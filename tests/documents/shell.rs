//! Lines of shell, taken apart but not run: enough for what a document tells its reader to type.

/// The simple commands of a line, each as its words: without `sudo`, redirections and comments.
pub fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    for token in tokens(line) {
        match token {
            Token::End => commands.push(Vec::new()),
            Token::Word(word) => commands.last_mut().unwrap().push(word),
        }
    }
    commands.into_iter().map(bare).filter(|words| !words.is_empty()).collect()
}

enum Token {
    Word(String),
    /// `|`, `;`, `&&`
    End,
}

fn tokens(line: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let (mut word, mut quote) = (None::<String>, None);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), letter) if open == letter => quote = None,
            (Some(_), letter) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, ' ' | '\t') => tokens.extend(word.take().map(Token::Word)),
            (None, '|' | ';' | '&') => {
                tokens.extend(word.take().map(Token::Word));
                tokens.push(Token::End);
            }
            (None, letter) => word.get_or_insert_default().push(letter),
        }
    }
    tokens.extend(word.map(Token::Word));
    tokens
}

fn bare(words: Vec<String>) -> Vec<String> {
    let redirects = |word: &String| {
        word.trim_start_matches(|letter: char| letter.is_ascii_digit()).starts_with(['<', '>'])
    };
    let mut bare = Vec::new();
    let mut words = words.into_iter().skip_while(|word| word == "sudo").peekable();
    while let Some(word) = words.next() {
        if redirects(&word) {
            // `> file` is two words.
            if word.ends_with(['<', '>']) {
                words.next();
            }
        } else {
            bare.push(word);
        }
    }
    bare
}

#[test]
fn a_line_is_taken_apart_as_a_shell_does() {
    let words = |line: &str| commands(line).iter().map(|words| words.join("+")).collect::<Vec<_>>();
    assert_eq!(words("sudo postern app add 'my phone'  # once"), ["postern+app+add+my phone"]);
    assert_eq!(words("postern export --json >x 3<key | jq . && ls"), ["postern+export+--json", "jq+.", "ls"]);
    assert_eq!(words("sudo sed -i 's/^#a|b;//' > f"), ["sed+-i+s/^#a|b;//"]);
    assert_eq!(words("# nothing"), Vec::<String>::new());
}
