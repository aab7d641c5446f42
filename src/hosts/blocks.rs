//! Settings in nested blocks, as doveconf(1) prints them, 2.3 and 2.4 alike.

/// One block; the outermost has neither kind nor name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// What it is, such as `service` or `passdb`.
    pub kind: String,
    /// Which of them, if it has a name.
    pub name: String,
    /// Its own settings, in order.
    pub settings: Vec<(String, String)>,
    /// What is inside it, in order.
    pub blocks: Vec<Block>,
}

impl Block {
    /// Reads a configuration. What is neither a setting nor a block is passed over.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (mut open, mut around) = (Self::default(), Vec::new());
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            if line == "}" {
                let Some(outer) = around.pop() else { continue };
                let closed = std::mem::replace(&mut open, outer);
                open.blocks.push(closed);
            } else if let Some((name, value)) = line.split_once('=') {
                open.settings.push((name.trim().to_owned(), unquoted(value.trim()).to_owned()));
            } else if let Some(title) = line.strip_suffix('{') {
                let (kind, name) = title.trim().split_once(' ').unwrap_or((title.trim(), ""));
                let new = Self { kind: kind.to_owned(), name: name.trim().to_owned(), ..Self::default() };
                around.push(std::mem::replace(&mut open, new));
            }
        }
        // Cut short, it is read as far as it goes.
        while let Some(outer) = around.pop() {
            let closed = std::mem::replace(&mut open, outer);
            open.blocks.push(closed);
        }
        open
    }

    /// The value of a setting; of several, the last one counts.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        let found = self.settings.iter().rfind(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The blocks of one kind directly inside.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Self> {
        self.blocks.iter().filter(move |block| block.kind == kind)
    }
}

/// Blanks at its ends put a value into quotes.
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lie_in_blocks() {
        let text = "# 2.3.19\nprotocols = \" imap pop3\"\nservice imap-login {\n  inet_listener imaps {\n    address = \n    \
                    port = 993\n    ssl = yes\n  }\n  user = $default_login_user\n}\npassdb {\n  args = a=b {\n}\n";
        let read = Block::parse(text);
        assert_eq!(read.setting("protocols"), Some(" imap pop3"));
        let service = read.of_kind("service").next().unwrap();
        assert_eq!(
            (service.name.as_str(), service.setting("user")),
            ("imap-login", Some("$default_login_user"))
        );
        let listener = service.of_kind("inet_listener").next().unwrap();
        assert_eq!((listener.setting("port"), listener.setting("address")), (Some("993"), Some("")));
        assert_eq!(read.of_kind("passdb").next().unwrap().setting("args"), Some("a=b {"));
    }

    #[test]
    fn what_makes_no_sense_is_passed_over() {
        assert_eq!(Block::parse("}\n}\nnonsense\n"), Block::default());
        let cut = Block::parse("service a {\ninet_listener b {\nport = 1");
        assert_eq!(cut.blocks[0].blocks[0].setting("port"), Some("1"));
    }
}
