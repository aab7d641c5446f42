//! What a revocation does not do: it ends no session that is open.

use std::collections::BTreeSet;

use crate::cli::text;

/// Most commands that are written out.
const MOST: usize = 100;

/// Says how to end what these accounts have open.
pub(super) fn say_how_to_end<'a>(accounts: impl IntoIterator<Item = &'a str>) {
    let accounts: BTreeSet<&str> = accounts.into_iter().collect();
    let kick = |name: &&str| format!("doveadm kick {}", text::shell_word(name));
    if let [name] = accounts.iter().collect::<Vec<_>>()[..] {
        text::note(&format!("Connections that are open stay so; with Dovecot end them by: {}", kick(name)));
        return;
    }
    text::note("Connections that are open stay so; with Dovecot end them by:");
    for name in accounts.iter().take(MOST) {
        text::note(&format!("  {}", kick(name)));
    }
    if MOST < accounts.len() {
        text::note(&format!("  and so on for {} more accounts", accounts.len() - MOST));
    }
}
