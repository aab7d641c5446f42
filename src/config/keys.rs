//! The keys of the configuration file, with a line to write for each.
//!
//! Knows: what each key takes, for whoever has to be told.
//! Never: what it means; the tables that are read say that, and a test holds both together.

/// A key of a table.
pub(super) struct Key {
    pub name: &'static str,
    pub takes: Takes,
    /// A value that is right.
    pub such_as: &'static str,
}

/// What a key takes.
pub(super) enum Takes {
    /// Text in quotes.
    Text,
    /// True or false.
    Flag,
    /// A whole number from 1 up to this.
    Number(i64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Texts.
    List,
    /// A name or a uid.
    User,
    /// A table of its own.
    Table(&'static [Key]),
    /// Any number of tables.
    Tables(&'static [Key]),
    /// A table of services, each with what is accepted there.
    Services,
}

/// What a service may accept.
pub(super) const KINDS: &[&str] = &["app-password", "primary+code", "primary"];

/// The only key that must be there, in the tables that have it.
pub(super) const REQUIRED: &str = "user";

/// Two keys of which a table has one at most.
pub(super) const EXCLUSIVE: [&str; 2] = ["add_domain", "strip_domain"];

pub(super) const KEYS: &[Key] = &[
    Key { name: "store", takes: Takes::Text, such_as: "\"/var/lib/postern/store.db\"" },
    Key { name: "key", takes: Takes::Text, such_as: "\"/etc/postern/key\"" },
    Key { name: "run", takes: Takes::Text, such_as: "\"/run/postern\"" },
    table("accounts", Takes::Table(ACCOUNTS)),
    table("primary", Takes::Table(PRIMARY)),
    table("totp", Takes::Table(TOTP)),
    table("policy", Takes::Table(POLICY)),
    table("services", Takes::Services),
    table("daemon", Takes::Table(DAEMON)),
];

const ACCOUNTS: &[Key] = &[
    Key { name: "fold_case", takes: Takes::Flag, such_as: "true" },
    Key { name: "add_domain", takes: Takes::Text, such_as: "\"example.org\"" },
    Key { name: "strip_domain", takes: Takes::Text, such_as: "\"example.org\"" },
];

const PRIMARY: &[Key] = &[Key { name: "pam_dir", takes: Takes::Text, such_as: "\"/etc/postern/pam.d\"" }];

const TOTP: &[Key] = &[Key { name: "issuer", takes: Takes::Text, such_as: "\"Postern\"" }];

const POLICY: &[Key] = &[
    Key {
        name: "second_factor",
        takes: Takes::Word(&["required", "when-enrolled"]),
        such_as: "\"required\"",
    },
    Key { name: "primary_alone_from", takes: Takes::List, such_as: "[\"192.0.2.0/24\"]" },
    Key { name: "max_app_passwords", takes: Takes::Number(1000), such_as: "50" },
    Key { name: "longest_lifetime_days", takes: Takes::Number(36_500), such_as: "365" },
    Key { name: "restore_hours", takes: Takes::Number(720), such_as: "24" },
];

const DAEMON: &[Key] = &[
    Key { name: "verify", takes: Takes::List, such_as: "[\"/run/postern/verify\"]" },
    Key { name: "saslauthd", takes: Takes::List, such_as: "[\"/run/postern/saslauthd/mux\"]" },
    Key { name: "manage", takes: Takes::List, such_as: "[\"/run/postern/manage\"]" },
    table("permit", Takes::Tables(PERMIT)),
];

const PERMIT: &[Key] = &[
    Key { name: REQUIRED, takes: Takes::User, such_as: "\"postfix\"" },
    Key { name: "services", takes: Takes::List, such_as: "[\"smtp\"]" },
    Key { name: "believe_address", takes: Takes::Flag, such_as: "true" },
];

const fn table(name: &'static str, takes: Takes) -> Key {
    Key { name, takes, such_as: "" }
}
