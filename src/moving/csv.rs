//! Comma-separated values with a header (RFC 4180); a field ends on the line on which it begins.

use zeroize::Zeroizing;

use crate::crypto::foreign::{Written, read as read_hash};
use crate::domain::account::{AccountName, AccountState, Naming};
use crate::domain::app_password::Label;
use crate::domain::network::Networks;
use crate::domain::service::Scope;
use crate::moving::import::{Item, Primary};
use crate::moving::lines::{Ends, lines};
use crate::moving::{Reason, reason};

/// Longest check of one app password: a login may have to try eight, and is to end within five seconds.
const MAX_MILLIS: u32 = 500;

/// What may stand in the header.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Account,
    Hash,
    Primary,
    State,
    Label,
    Scope,
    Networks,
}

impl Column {
    const ALL: [(&'static str, Self); 7] = [
        ("account", Self::Account),
        ("hash", Self::Hash),
        ("primary", Self::Primary),
        ("state", Self::State),
        ("label", Self::Label),
        ("scope", Self::Scope),
        ("networks", Self::Networks),
    ];

    fn named(name: &str) -> Result<Self, Reason> {
        let name = name.trim();
        let found = Self::ALL.iter().find(|(each, _)| name.eq_ignore_ascii_case(each));
        found.map(|(_, column)| *column).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|(each, _)| *each).collect();
            Reason(format!("it is the header, and its columns are to be of {}", known.join(", ")))
        })
    }
}

/// Reads every line; where the header makes no sense, that alone.
pub(super) fn read(content: &[u8], naming: &Naming) -> Vec<(usize, Result<Item, Reason>)> {
    let mut lines = lines(content, Ends::Office);
    let Some(first) = lines.next() else {
        return Vec::new();
    };
    let header = match first.text.and_then(header) {
        Ok(header) => header,
        Err(why) => return vec![(first.number, Err(why))],
    };
    let item = |text: &str| Row { header: &header, fields: &fields(text)? }.item(naming);
    lines.map(|line| (line.number, line.text.and_then(item))).collect()
}

fn header(line: &str) -> Result<Vec<Column>, Reason> {
    let columns = fields(line)?.iter().map(|name| Column::named(name)).collect::<Result<Vec<_>, _>>()?;
    let count = |column| columns.iter().filter(|each| **each == column).count();
    if count(Column::Account) == 0 {
        return reason("it is the header, and has no column account");
    }
    if Column::ALL.iter().any(|(_, column)| 1 < count(*column)) {
        return reason("it is the header, and names a column twice");
    }
    Ok(columns)
}

struct Row<'r> {
    header: &'r [Column],
    fields: &'r [Zeroizing<String>],
}

impl Row<'_> {
    fn item(&self, naming: &Naming) -> Result<Item, Reason> {
        if self.fields.len() != self.header.len() {
            return Err(Reason(format!(
                "it has not as many fields as the header: {} instead of {}",
                self.fields.len(),
                self.header.len()
            )));
        }
        let name = AccountName::parse(self.field(Column::Account).as_bytes(), naming)?;
        if self.field(Column::Label).is_empty() { self.account(name) } else { self.app_password(name) }
    }

    fn account(&self, name: AccountName) -> Result<Item, Reason> {
        if !self.field(Column::Scope).is_empty() || !self.field(Column::Networks).is_empty() {
            return reason("scope and networks belong to an app password, which has a label");
        }
        let primary = match (self.field(Column::Primary), self.field(Column::Hash)) {
            ("pam", "") => Primary::Pam,
            ("" | "store", "") => return reason("it has neither a hash nor primary=pam"),
            ("" | "store", hash) => Primary::read(hash)?,
            ("pam", _) => return reason("it has a hash and primary=pam: one of the two"),
            _ => return reason("primary is pam or store"),
        };
        let state = match self.field(Column::State) {
            "" | "active" => AccountState::Active,
            "disabled" => AccountState::Disabled,
            _ => return reason("state is active or disabled"),
        };
        Ok(Item::Account { name, primary, state })
    }

    fn app_password(&self, account: AccountName) -> Result<Item, Reason> {
        if !self.field(Column::Primary).is_empty() || !self.field(Column::State).is_empty() {
            return reason("primary and state belong to an account, which has no label");
        }
        let scope = match self.field(Column::Scope) {
            "" => Scope::mail(),
            list => Scope::parse(list)?,
        };
        let networks = match self.field(Column::Networks) {
            "" => Networks::default(),
            list => Networks::parse(list)?,
        };
        let Written::Hash(hash) = read_hash(self.field(Column::Hash))? else {
            return reason("the app password is in the clear: make a new one with `postern app add`");
        };
        if MAX_MILLIS < hash.millis() {
            return reason("its hash is too dear: a login may have to try eight of them; make a new one");
        }
        Ok(Item::AppPassword {
            account,
            label: Label::parse(self.field(Column::Label))?,
            scope,
            networks,
            hash,
        })
    }

    /// Empty where the header has no such column.
    fn field(&self, column: Column) -> &str {
        let place = self.header.iter().position(|each| *each == column);
        place.and_then(|place| self.fields.get(place)).map_or("", |field| field.trim())
    }
}

/// Parts a line at its commas; quotes hold a field together, and two of them within are one.
fn fields(line: &str) -> Result<Vec<Zeroizing<String>>, Reason> {
    let (mut fields, mut rest) = (Vec::new(), line);
    loop {
        let (field, behind) = match rest.strip_prefix('"') {
            Some(quoted) => in_quotes(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (field, behind) = rest.split_at(end);
                (field.to_owned(), behind)
            }
        };
        fields.push(Zeroizing::new(field));
        match behind.strip_prefix(',') {
            Some(next) => rest = next,
            None if behind.is_empty() => return Ok(fields),
            None => return reason("something stands behind a closing quote"),
        }
    }
}

/// What stands before the closing quote, and behind it.
fn in_quotes(text: &str) -> Result<(String, &str), Reason> {
    // With room for all of it from the start: it may be a password, and a string that grows leaves copies behind.
    let (mut field, mut rest) = (String::with_capacity(text.len()), text);
    loop {
        let Some((part, behind)) = rest.split_once('"') else {
            return reason("a quote is not closed");
        };
        field.push_str(part);
        match behind.strip_prefix('"') {
            Some(next) => {
                field.push('"');
                rest = next;
            }
            None => return Ok((field, behind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{Case, DomainRule};

    #[test]
    fn a_line_is_parted_at_commas_outside_quotes() {
        let parted = |line: &str| {
            let whole = |fields: Vec<Zeroizing<String>>| fields.iter().map(|each| each.to_string()).collect();
            fields(line).map(whole).map_err(|reason| reason.0)
        };
        assert_eq!(parted("a,b,"), Ok(vec!["a".to_owned(), "b".into(), String::new()]));
        assert_eq!(parted(r#""a,b","c ""d""",e"#), Ok(vec!["a,b".into(), "c \"d\"".into(), "e".into()]));
        assert_eq!(parted(""), Ok(vec![String::new()]));
        assert!(parted(r#""a"#).is_err());
        assert!(parted(r#""a"b,c"#).is_err());
    }

    fn first(content: &str) -> Result<Item, String> {
        let naming = Naming { case: Case::Fold, domain: DomainRule::Keep };
        let mut rows = read(content.as_bytes(), &naming);
        rows.remove(0).1.map_err(|reason| reason.0)
    }

    #[track_caller]
    fn refused(content: &str, word: &str) {
        let why = first(content).err().unwrap_or_else(|| panic!("{content}"));
        assert!(why.contains(word), "{content}: {why}");
    }

    const SHA: &str = "{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=";

    #[test]
    fn a_row_with_a_label_is_an_app_password_and_one_without_an_account() {
        let content =
            format!("Account,Hash,label,scope,networks\nAlice,{SHA},Phone,\"imap,smtp\",192.0.2.0/24\n");
        let Ok(Item::AppPassword { account, label, scope, networks, hash }) = first(&content) else {
            panic!("{content}")
        };
        assert_eq!((account.as_str(), label.as_str(), hash.scheme()), ("alice", "Phone", "SHA"));
        assert_eq!(
            (scope.to_string().as_str(), networks.to_string().as_str()),
            ("imap,smtp", "192.0.2.0/24")
        );
        let Ok(Item::Account { primary, state, .. }) = first("account,primary,state\nbob,pam,disabled")
        else {
            panic!()
        };
        assert!(matches!(primary, Primary::Pam));
        assert_eq!(state, AccountState::Disabled);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        refused("name,hash\nalice,x", "columns are to be of account, hash");
        refused("hash\nx", "no column account");
        refused("account,account\na,b", "twice");
        refused("account,hash\nalice", "not as many fields as the header: 1 instead of 2");
        refused("account,hash\nalice,", "neither a hash");
        refused("account,hash\nalice,secret", "has no {SCHEME}");
        refused(
            "account,hash\nalice,{MD5}900150983cd24fb0d6963f7d28e17f72",
            "a bare MD4 or MD5 is not taken",
        );
        refused("account,hash\nalice,{CRYPT}secret", "not of the form");
        refused("account,primary\nalice,ldap", "pam or store");
        refused(&format!("account,primary,hash\nalice,pam,{SHA}"), "one of the two");
        refused("account,primary,state\nalice,pam,gone", "active or disabled");
        refused(&format!("account,hash,scope\nalice,{SHA},imap"), "belong to an app password");
        refused(&format!("account,hash,label,primary\nalice,{SHA},phone,pam"), "belong to an account");
        refused("account,hash,label\nalice,{PLAIN}secret,phone", "in the clear");
        refused(&format!("account,hash,label,scope\nalice,{SHA},phone,../x"), "a scope is");
        let dear = "$2b$14$p0BN2SZcrKvvddsZxQW3iuSE4PDlB9SSJL3qW06TRJ7qa1zDYf7j6";
        refused(&format!("account,hash,label\nalice,{dear},phone"), "too dear");
        assert!(first(&format!("account,hash\nalice,{dear}")).is_ok());
        refused(&format!("account,hash,label,networks\nalice,{SHA},phone,here"), "networks are");
    }
}
