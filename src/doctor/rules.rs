//! The rules: what may be wrong, what that means, what is done about it.

use crate::doctor::finding::{Area, Rule, Severity};

macro_rules! rules {
    ($($name:ident = $id:literal, $area:ident, $severity:ident, $means:literal, $cure:literal;)*) => {
        $(pub(super) static $name: Rule = Rule {
            id: $id,
            area: Area::$area,
            severity: Severity::$severity,
            means: $means,
            cure: $cure,
        };)*

        /// Every rule, area by area.
        pub static RULES: &[&Rule] = &[$(&$name),*];
    };
}

rules! {
    CONFIG_UNUSABLE = "config-unusable", Postern, Error,
        "Postern's configuration is missing, has a mistake, or could have been written by others. Every login is refused \
         until it is in order.",
        "Mend the line that is named, or give the file back to root with mode 0644.";
    KEY_UNUSABLE = "key-unusable", Postern, Error,
        "The key file is missing, damaged, or could have been read by others. Without it no password and no code can be \
         checked, and every login is refused.",
        "Restore the key file from its copy, and give it to root alone. Where Postern was never set up, `postern init` \
         makes one.";
    STORE_UNUSABLE = "store-unusable", Postern, Error,
        "The store is missing, damaged, of another version, or others may read or write it. Every login is refused until \
         it is in order.",
        "Give the store to root alone, or restore it from a backup.";
    PRIMARY_UNUSABLE = "primary-unusable", Postern, Error,
        "Accounts whose primary password PAM keeps have it checked by the service primary of Postern's own directory. \
         As it stands, that service checks no password, and their primary passwords are refused.",
        "Put a module there that checks the password, and nothing that leads back to Postern.";
    PRIMARY_OUT_OF_REACH = "primary-out-of-reach", Postern, Error,
        "posternd has a user of its own, which cannot read /etc/shadow. Of users of this machine whose primary password \
         PAM keeps, it can neither check that password nor see whether the user is locked: all their logins are \
         refused, with app passwords too.",
        "Let Postern keep their passwords, which leaves app passwords and authenticators as they are, or run posternd as root.";
    NO_SECOND_FACTOR = "no-second-factor", Postern, Warning,
        "These accounts have nothing that could go with their primary password. Where policy requires a second factor, \
         that password is refused everywhere, and app passwords alone, if they have any, let them in; where it is \
         `when-enrolled`, the primary password alone may still be enough.",
        "Enroll an authenticator app for each of them.";
    ROLL_OUT = "second-factor-roll-out", Postern, Notice,
        "With second_factor = \"when-enrolled\", whoever has no authenticator of Postern's logs in with the primary \
         password alone. This is meant for the time of a roll-out.",
        "When everybody is enrolled, set it to required.";
    KEY_NOT_COPIED = "key-not-backed-up", Postern, Warning,
        "Nobody has shown Postern a copy of its key. If the key file is lost, the store and all its backups are worth \
         nothing, and every account begins anew.",
        "Copy the key file to a safe place apart from the backups, and let `postern key verify` look at the copy.";
    PAM_FALLS_THROUGH = "pam-falls-through", Pam, Error,
        "The stack can end with yes though pam_postern said no or was never asked: a control such as sufficient or \
         optional lets another module decide. The primary password alone is then enough.",
        "Make the line of pam_postern.so required, and let no line before it end the stack with yes.";
    PAM_POSTERN_TWICE = "pam-postern-twice", Pam, Error,
        "The stack names pam_postern.so twice. A code is good for one login: the first line takes it, and to the second it \
         is spent, so that every login with a code is refused.",
        "Leave one line of pam_postern.so, and make it required.";
    PAM_CODE_ALONE = "pam-code-alone", Pam, Error,
        "With second-factor-only, another module of the stack has to refuse a wrong password. This stack says yes to a \
         code whatever that module said, so a stolen phone is enough.",
        "Let the module that checks the password be requisite, and stand before pam_postern.so.";
    PAM_NULLOK = "pam-nullok", Pam, Warning,
        "With nullok, pam_unix takes an empty password for accounts whose password field is blank. Together with \
         Postern, the code is then all that is left.",
        "Take the word nullok out.";
    PAM_OTHER_ACCEPTS = "pam-other-accepts", Pam, Error,
        "PAM answers a service without a file of its own with /etc/pam.d/other. Dovecot asks for a service of each \
         protocol, and nothing stands in between: one file that is missing lets the primary password in.",
        "Let /etc/pam.d/other deny, or put the passwd-file passdb of the shipped example before the one of PAM.";
    PAM_MODULE_MISSING = "pam-module-missing", Pam, Error,
        "A service names pam_postern.so, and libpam finds no such module. Where the line is required everybody is \
         refused; where it is sufficient it is left out, and others decide.",
        "Install the module, or take the line out.";
    PAM_SIDE_DOOR = "pam-side-door", Pam, Warning,
        "People who have an account in Postern can log in to this service with their primary password alone. Services \
         of the console, and those one reaches after logging in (login, su, sudo), are not named.",
        "Put Postern into the service, or close it to these people.";
    SSHD_ASKS_NOTHING = "sshd-asks-nothing", Pam, Error,
        "With prompt or second-factor-only, Postern asks for the code at a prompt of its own. sshd hands such questions on \
         with KbdInteractiveAuthentication alone; without it the password is its answer to all of them, and nobody can \
         give a code.",
        "Let sshd ask by keyboard-interactive, and restart it; a root shell stays open until a login was seen.";
    DOVECOT_WITHOUT_POSTERN = "dovecot-without-postern", Dovecot, Error,
        "Dovecot checks passwords without Postern: primary passwords are enough for IMAP and POP3, and app passwords \
         are refused.",
        "Let Dovecot ask Postern: `postern setup dovecot` prints how.";
    DOVECOT_SECOND_PASSDB = "dovecot-second-passdb", Dovecot, Error,
        "Beside the one that asks Postern, Dovecot asks another passdb, which says yes to a primary password alone.",
        "Take that passdb out, or let it deny.";
    DOVECOT_AUTH_CACHE = "dovecot-auth-cache", Dovecot, Error,
        "Dovecot remembers passwords that were right, and does not ask Postern again for an hour: a revoked app password \
         and a spent code still work, and on protocols for which they are not meant.",
        "Switch the cache off for the passdb that asks Postern.";
    DOVECOT_SERVICE_MISSING = "dovecot-service-missing", Dovecot, Error,
        "A protocol that Dovecot serves has no service file in /etc/pam.d. Either nobody logs in by it, or PAM takes \
         /etc/pam.d/other, which on Debian takes the primary password alone.",
        "Install the service file of that name as it is shipped.";
    DOVECOT_SERVICE_WITHOUT_POSTERN = "dovecot-service-without-postern", Dovecot, Error,
        "The service file of a protocol that Dovecot serves does not name pam_postern.so, so that somebody else decides \
         there.",
        "Install the service file of that name as it is shipped.";
    DOVECOT_SERVICE_UNRECOGNISED = "dovecot-service-unrecognised", Dovecot, Error,
        "The first passdb of the shipped example looks for one line in the service file, tabs included. Without that \
         very line it refuses everybody.",
        "Install the service file of that name as it is shipped.";
    DOVECOT_GUARD_MANGLED = "dovecot-guard-mangled", Dovecot, Error,
        "The first passdb of the shipped example looks for one line in the service file, tabs included. It looks for \
         another one here, as it does where the tabs of the example have become blanks, and refuses everybody.",
        "Put the tabs back, or install the shipped example anew, and restart Dovecot.";
    DOVECOT_NOT_RESTARTED = "dovecot-not-restarted", Dovecot, Warning,
        "Dovecot goes by what it read when it was started or reloaded. What has been changed since, and what is found or \
         not found about it here, is not in effect yet.",
        "Restart Dovecot.";
    DOVECOT_DENIAL_NOT_FINAL = "dovecot-denial-not-final", Dovecot, Warning,
        "When Postern says no, Dovecot goes on to the next passdb. As soon as there is one, it may say yes to what \
         Postern has refused.",
        "Let the passdb return its failure.";
    DOVECOT_ONE_SERVICE = "dovecot-one-service", Dovecot, Warning,
        "Postern is not told by which protocol somebody logs in. App passwords that are good for some protocols only are \
         refused everywhere, and rules of [services] do not apply.",
        "Put the protocol into the name of the service.";
    DOVECOT_MASTER = "dovecot-master-passdb", Dovecot, Warning,
        "A master user logs in as anybody, with one password and without Postern.",
        "Take the master passdb out, unless you mean it.";
    DOVECOT_CLEARTEXT = "dovecot-cleartext", Dovecot, Warning,
        "Whoever listens on the network can read passwords, app passwords among them.",
        "Let Dovecot take passwords over TLS alone.";
    POSTFIX_WITHOUT_POSTERN = "postfix-without-postern", Postfix, Error,
        "Postfix lets people authenticate who are checked by somebody else than Postern. Primary passwords are enough to \
         send mail.",
        "Let Postfix ask Dovecot, or Postern's plug-in: `postern setup postfix` prints how.";
    POSTFIX_SOCKET = "postfix-socket-missing", Postfix, Error,
        "smtpd asks posternd by a socket, which it looks for from inside its jail. Nobody answers there, so every login \
         at Postfix gets a temporary error.",
        "Let posternd listen in the jail, and start it.";
    POSTFIX_NO_PERMIT = "postfix-no-permit", Postfix, Error,
        "posternd answers root, and users who have a permit. Without one, every login at Postfix gets a temporary error.",
        "Give the user of smtpd a permit for smtp.";
    POSTFIX_CLEARTEXT = "postfix-cleartext", Postfix, Warning,
        "Whoever listens on the network can read passwords, app passwords among them.",
        "Let Postfix take passwords over TLS alone.";
    SASL_STOCK_PLAIN = "sasl-stock-plain", Sasl, Error,
        "If Postern's plug-in cannot be loaded, libsasl offers its own PLAIN and LOGIN instead, and they have somebody \
         to ask: the primary password alone is then enough.",
        "Name a method that there is not, or posternd's own socket in saslauthd's language.";
    SASL_OTHER_MECHANISMS = "sasl-other-mechanisms", Sasl, Error,
        "libsasl offers mechanisms beside Postern's PLAIN and LOGIN, which check passwords that Postern does not see, such \
         as those in sasldb.",
        "Offer PLAIN and LOGIN alone.";
    SASL_PLUGIN_MISSING = "sasl-plugin-missing", Sasl, Error,
        "A configuration of Cyrus SASL enables Postern, and its plug-in is not among libsasl's. Nobody logs in there, or \
         libsasl's own mechanisms answer.",
        "Install the plug-in.";
    SASL_SIDE_DOOR = "sasl-side-door", Sasl, Warning,
        "An application that uses Cyrus SASL checks passwords without Postern.",
        "Let it ask Postern, or close it to people who have an account here.";
    SASLAUTHD_CACHE = "saslauthd-cache", Sasl, Error,
        "saslauthd remembers passwords that were right for eight hours, and does not ask PAM again: a revoked app \
         password and a spent code still work.",
        "Start saslauthd without -c.";
    CLOCK_UNSYNCHRONISED = "clock-unsynchronised", System, Warning,
        "One-time codes are good for half a minute and its neighbours. A clock that runs away refuses every code, and \
         shifts the end of app passwords.",
        "Let a time service keep the clock.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_an_id_of_its_own_and_says_what_it_means() {
        let ids: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), RULES.len());
        for rule in RULES {
            assert!(rule.id.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'-'), "{}", rule.id);
            assert!(rule.means.ends_with('.') && rule.cure.ends_with('.'), "{}", rule.id);
        }
        assert!(RULES.is_sorted_by_key(|rule| rule.area));
    }
}
