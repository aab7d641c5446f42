//! Sites with something to be found, each by its id and no other.

use crate::good::{DOVECOT_2_4, DOVECOT_RUNS, PLUGIN_IN_JAIL, SASLAUTHD};
use crate::ground::{Remedy, doctor, ids, on, remedies};

/// One site.
pub struct Site {
    pub name: &'static str,
    change: &'static str,
    found: &'static [&'static str],
}

impl Site {
    pub fn found(&self) -> impl Iterator<Item = &'static str> {
        self.found.iter().copied()
    }

    #[track_caller]
    pub fn is_found(&self) {
        let change = self
            .change
            .replace("DOVECOT_2_4", DOVECOT_2_4)
            .replace("DOVECOT_RUNS", DOVECOT_RUNS)
            .replace("PLUGIN_IN_JAIL", PLUGIN_IN_JAIL)
            .replace("SASLAUTHD", SASLAUTHD);
        on(&change, || {
            let done = doctor(&["--json"]);
            assert_eq!(ids(&done), self.found, "{}", done.stdout);
            remedies(&done).for_each(|(id, remedy)| is_read(&id, &remedy));
        });
    }
}

/// A server that runs goes by what it has read: the last command is its restart, unless PAM reads the file at each login.
#[track_caller]
fn is_read(id: &str, remedy: &Remedy) {
    let server = match id {
        "dovecot-without-postern" | "postfix-without-postern" | "sasl-plugin-missing" => return,
        _ if id.starts_with("dovecot-service-") => return,
        _ if id.starts_with("dovecot-") => "restart dovecot",
        "postfix-cleartext" | "sasl-stock-plain" | "sasl-other-mechanisms" => "restart postfix",
        "postfix-no-permit" => "reload postern",
        "saslauthd-cache" => "restart saslauthd",
        "sshd-asks-nothing" => "restart ssh",
        _ => return,
    };
    let last = remedy.lines.iter().chain(&remedy.then).next_back().unwrap();
    assert_eq!(*last, format!("systemctl {server}"), "{id}");
}

macro_rules! sites {
    ($($name:ident: $change:literal => [$($id:literal),*];)*) => {
        /// All of them.
        pub const SITES: &[Site] =
            &[$(Site { name: stringify!($name), change: $change, found: &[$($id),*] }),*];
    };
}

sites! {
    a_configuration_with_a_mistake: "echo 'stroe = 1' >>/etc/postern/postern.toml" => ["config-unusable"];
    a_configuration_that_all_may_write: "chmod 666 /etc/postern/postern.toml" => ["config-unusable"];
    no_configuration: "rm /etc/postern/postern.toml" => ["config-unusable"];
    a_key_that_others_may_read: "chmod 644 /etc/postern/key" => ["key-unusable"];
    a_key_of_somebody_else: "chown postfix: /etc/postern/key" => ["key-unusable"];
    no_key: "rm /etc/postern/key" => ["key-unusable"];
    another_key: "head -c 32 /dev/urandom >/etc/postern/key" => ["store-unusable"];
    a_store_that_others_may_read: "chmod 644 /var/lib/postern/store.db" => ["store-unusable"];
    a_store_in_a_directory_of_all: "chmod 755 /var/lib/postern" => ["store-unusable"];
    a_store_of_somebody_else: "chown postfix: /var/lib/postern/store.db" => ["store-unusable"];
    a_primary_that_is_missing: "rm /etc/postern/pam.d/primary" => ["primary-unusable"];
    a_primary_that_leads_back:
        "echo 'auth required pam_postern.so' >/etc/postern/pam.d/primary" => ["primary-unusable"];
    a_primary_that_checks_nothing:
        "echo 'auth required pam_permit.so' >/etc/postern/pam.d/primary" => ["primary-unusable"];
    a_primary_that_takes_blanks:
        "sed -i 's/pam_unix.so/& nullok/' /etc/postern/pam.d/primary" => ["pam-nullok"];
    somebody_without_a_second_factor: "useradd --no-log-init carl
        postern account add carl --primary pam 2>/dev/null" => ["no-second-factor"];
    a_new_key_without_a_copy: "postern rekey >/dev/null 2>&1" => ["key-not-backed-up"];
    a_roll_out: "sed -i 's/^second_factor = .*/second_factor = \"when-enrolled\"/' /etc/postern/postern.toml"
        => ["second-factor-roll-out"];

    a_sufficient_line_before_another_module:
        "printf 'auth sufficient pam_postern.so\\n@include common-auth\\n' >/etc/pam.d/webmail"
        => ["pam-falls-through", "pam-nullok"];
    a_module_before_ours_that_suffices:
        "printf 'auth sufficient pam_unix.so\\nauth required pam_postern.so\\n' >/etc/pam.d/webmail"
        => ["pam-falls-through"];
    an_outage_that_is_ignored: "printf 'auth [success=done authinfo_unavail=ignore default=die] pam_postern.so\\nauth \
        required pam_unix.so\\n' >/etc/pam.d/webmail" => ["pam-falls-through"];
    a_code_without_a_password:
        "printf 'auth optional pam_unix.so\\nauth required pam_postern.so second-factor-only\\n' >/etc/pam.d/webmail"
        => ["pam-code-alone"];
    a_blank_password_behind_a_code:
        "printf '@include common-auth\\nauth required pam_postern.so second-factor-only\\n' >/etc/pam.d/webmail"
        => ["pam-nullok"];
    postern_twice: "printf 'auth required pam_postern.so\\nauth sufficient pam_postern.so\\nauth required pam_deny.so\\n' >/etc/pam.d/webmail"
        => ["pam-postern-twice"];
    no_module: "rm /usr/lib/x86_64-linux-gnu/security/pam_postern.so" => ["pam-module-missing"];
    a_service_that_does_not_ask: "echo 'auth required pam_unix.so' >/etc/pam.d/webmail" => ["pam-side-door"];
    sshd_that_takes_passwords:
        "printf '%s\\n' 'UsePAM yes' 'PasswordAuthentication yes' >/etc/ssh/sshd_config" => ["pam-side-door"];

    sshd_that_asks_no_pam: "printf '%s\\n' 'UsePAM no' 'PasswordAuthentication yes' >/etc/ssh/sshd_config"
        => ["pam-side-door"];
    sshd_that_cannot_ask_for_a_code:
        "printf '%s\\n' 'UsePAM yes' 'KbdInteractiveAuthentication no' 'PasswordAuthentication yes' >/etc/ssh/sshd_config
        sed -i 's/^@include common-auth/auth required pam_postern.so prompt/' /etc/pam.d/sshd"
        => ["sshd-asks-nothing"];

    dovecot_as_it_was: "sed -i s/auth-postern/auth-system/ /etc/dovecot/conf.d/10-auth.conf"
        => ["dovecot-without-postern"];
    a_cache_over_postern: "sed -i 's/args = postern-%s/args = cache_key=%u postern-%s/' /etc/dovecot/conf.d/auth-postern.conf.ext
        echo 'auth_cache_size = 10M' >>/etc/dovecot/conf.d/99-rig.conf" => ["dovecot-auth-cache"];
    a_cache_that_2_4_has_by_itself: "DOVECOT_2_4
        sed -i /use_cache/d /usr/local/bin/doveconf" => ["dovecot-auth-cache"];
    a_passdb_of_2_4_before_ours: "DOVECOT_2_4
        sed -i 's/^passdb pam {/passdb sql {\\n}\\n&/' /usr/local/bin/doveconf" => ["dovecot-second-passdb"];
    a_passdb_of_2_4_without_a_guard: "DOVECOT_2_4
        sed -i /noauthenticate/d /usr/local/bin/doveconf" => ["pam-other-accepts", "dovecot-second-passdb"];
    a_passdb_of_one_protocol_of_2_4: "DOVECOT_2_4
        sed -i 's/^passdb pam {/protocol sieve {\\n  passdb system {\\n    driver = pam\\n  }\\n}\\n&/' /usr/local/bin/doveconf"
        => ["dovecot-second-passdb"];
    a_passdb_of_one_protocol:
        "printf 'protocol sieve {\\n passdb {\\n driver = pam\\n args = dovecot\\n }\\n}\\n' >/etc/dovecot/conf.d/99-own.conf"
        => ["dovecot-second-passdb"];
    a_passdb_before_ours:
        "printf 'passdb {\\n driver = pam\\n args = dovecot\\n}\\n' >/etc/dovecot/conf.d/00-first.conf"
        => ["dovecot-second-passdb"];
    a_passdb_with_a_password_behind_ours: "sed -i /return-fail/d /etc/dovecot/conf.d/auth-postern.conf.ext
        printf 'auth required pam_deny.so\\n' >/etc/pam.d/other
        printf 'passdb {\\n driver = static\\n args = password=TopSecret\\n}\\n' >/etc/dovecot/conf.d/99-second.conf"
        => ["dovecot-second-passdb", "dovecot-denial-not-final"];
    a_denial_that_is_not_final: "sed -i /return-fail/d /etc/dovecot/conf.d/auth-postern.conf.ext
        printf 'auth required pam_deny.so\\n' >/etc/pam.d/other" => ["dovecot-denial-not-final"];
    an_other_that_accepts:
        "sed -i '/^  args = username_format/,/^passdb/d; s/passwd-file/pam/' /etc/dovecot/conf.d/auth-postern.conf.ext"
        => ["pam-other-accepts"];
    a_missing_service_file: "rm /etc/pam.d/postern-pop3" => ["dovecot-service-missing"];
    a_missing_service_file_for_postfix: "rm /etc/pam.d/postern-smtp" => ["dovecot-service-missing"];
    a_service_file_without_postern: "printf '@include common-auth\\n' >/etc/pam.d/postern-pop3"
        => ["dovecot-service-without-postern"];
    a_service_file_that_the_guard_does_not_know: "sed -i 's/\\t/ /g' /etc/pam.d/postern-pop3"
        => ["dovecot-service-unrecognised"];
    a_guard_whose_tabs_are_blanks: "sed -i 's/\\t/ /g' /etc/dovecot/conf.d/auth-postern.conf.ext" => ["dovecot-guard-mangled"];
    a_guard_of_2_4_whose_tabs_are_blanks: "DOVECOT_2_4
        sed -i 's/\\t/ /g' /usr/local/bin/doveconf" => ["dovecot-guard-mangled"];
    a_guard_that_looks_for_nothing: "sed -i 's/username_format=[^ ]* //' /etc/dovecot/conf.d/auth-postern.conf.ext"
        => ["dovecot-guard-mangled"];
    a_dovecot_that_has_not_read_it: "DOVECOT_RUNS
        touch /etc/dovecot/conf.d/99-rig.conf" => ["dovecot-not-restarted"];
    one_service_for_all: "sed -i 's/args = postern-%s/args = postern-imap/' /etc/dovecot/conf.d/auth-postern.conf.ext"
        => ["dovecot-one-service"];
    a_master_user: "printf 'passdb {\\n driver = static\\n master = yes\\n args = password=TopSecret\\n}\\n' \
        >/etc/dovecot/conf.d/99-master.conf" => ["dovecot-master-passdb"];
    dovecot_without_tls: "echo 'disable_plaintext_auth = no' >>/etc/dovecot/conf.d/99-rig.conf" => ["dovecot-cleartext"];

    postfix_with_its_own_passwords: "cd $CHECKOUT && sh packaging/examples/postfix/submission-cyrus >/dev/null"
        => ["postfix-without-postern"];
    postfix_without_tls: "postconf -P submission/inet/smtpd_tls_auth_only=no submission/inet/smtpd_tls_security_level=may"
        => ["postfix-cleartext"];
    a_socket_outside_the_jail: "PLUGIN_IN_JAIL
        sed -i 's|^postern_socket: .*|postern_socket: /run/postern/verify|' /etc/postfix/sasl/smtpd.conf"
        => ["postfix-socket-missing"];
    no_permit: "PLUGIN_IN_JAIL
        sed -i 's/^user = \"postfix\"/user = \"www-data\"/' /etc/postern/postern.toml" => ["postfix-no-permit"];
    a_permit_for_other_services: "PLUGIN_IN_JAIL
        sed -i 's/^services = \\[\"smtp\"\\]/services = [\"imap\"]/' /etc/postern/postern.toml" => ["postfix-no-permit"];
    stock_plain_that_could_answer: "PLUGIN_IN_JAIL
        sed -i 's/^pwcheck_method: .*/pwcheck_method: saslauthd/' /etc/postfix/sasl/smtpd.conf" => ["sasl-stock-plain"];
    stock_plain_by_default: "PLUGIN_IN_JAIL
        sed -i '/^pwcheck_method/d' /etc/postfix/sasl/smtpd.conf" => ["sasl-stock-plain"];
    mechanisms_beside_ours: "PLUGIN_IN_JAIL
        sed -i 's/^mech_list: .*/mech_list: PLAIN LOGIN CRAM-MD5/' /etc/postfix/sasl/smtpd.conf"
        => ["sasl-other-mechanisms"];
    no_plugin: "PLUGIN_IN_JAIL
        rm /usr/lib/x86_64-linux-gnu/sasl2/libpostern.so" => ["sasl-plugin-missing"];
    saslauthd_with_a_cache: "SASLAUTHD
        sed -i 's/OPTIONS=\"/OPTIONS=\"-c /' /etc/default/saslauthd" => ["saslauthd-cache"];
    saslauthd_over_pam_unix: "SASLAUTHD
        printf '@include common-auth\\n' >/etc/pam.d/smtp" => ["postfix-without-postern"];
    another_application: "printf '%s\\n' 'pwcheck_method: saslauthd' >/etc/sasl2/Cyrus.conf" => ["sasl-side-door"];
}
