//! The doors of this machine: as its servers are configured, else where such doors mostly are.

use crate::hosts::{Dovecot, Entry, Listener, NotRun, Postfix};
use crate::probe::door::{Door, Encryption, Found, Protocol};

/// Finds the doors of this machine.
///
/// # Errors
/// Where we are told to stop.
pub fn configured(stop: &(dyn Fn() -> bool + Sync)) -> Result<Vec<Door>, NotRun> {
    let dovecot = Dovecot::ask(stop)?;
    let postfix = Postfix::ask(stop)?;
    Ok(of(dovecot.as_ref(), postfix.as_ref()))
}

/// Postfix first: Dovecot's own doors pass last, so that a cache of Dovecot's holds the last of them.
fn of(dovecot: Option<&Dovecot>, postfix: Option<&Postfix>) -> Vec<Door> {
    let mut doors = Vec::new();
    match postfix {
        Some(postfix) => {
            let entries = postfix.entries.iter().filter(|entry| entry.command == "smtpd");
            entries.for_each(|entry| add(&mut doors, of_postfix(postfix, entry)));
        }
        None => guessed(Protocol::Submission).for_each(|door| add(&mut doors, Some(door))),
    }
    match dovecot {
        Some(dovecot) => {
            dovecot.listeners().iter().for_each(|listener| add(&mut doors, of_dovecot(listener)))
        }
        None => {
            let spoken = Protocol::ALL.into_iter().filter(|protocol| *protocol != Protocol::Submission);
            spoken.flat_map(guessed).for_each(|door| add(&mut doors, Some(door)));
        }
    }
    doors
}

fn add(doors: &mut Vec<Door>, door: Option<Door>) {
    let is_new = |door: &Door| !doors.iter().any(|known| known.port == door.port && known.host == door.host);
    if let Some(door) = door.filter(is_new) {
        doors.push(door);
    }
}

/// The ports that are root's to open: at another one any user of this machine may listen, and would be shown passwords.
fn guessed(protocol: Protocol) -> impl Iterator<Item = Door> {
    let roots = protocol.usual().iter().filter(|(port, _)| *port < FIRST_OF_ALL_USERS);
    roots.map(move |(port, encryption)| Door {
        protocol,
        host: HERE.to_owned(),
        port: *port,
        encryption: *encryption,
        found: Found::Guessed,
    })
}

/// ip_unprivileged_port_start of ip(7), as kernels have it.
const FIRST_OF_ALL_USERS: u16 = 1024;

/// Where nothing else is said, a server listens here too.
const HERE: &str = "localhost";

fn of_dovecot(listener: &Listener) -> Option<Door> {
    let protocol = Protocol::ALL.into_iter().find(|protocol| protocol.word() == listener.protocol)?;
    let host = listener.addresses.first().map_or(HERE, String::as_str).to_owned();
    let encryption = if listener.tls { Encryption::Tls } else { Encryption::StartTls };
    Some(Door { protocol, host, port: listener.port, encryption, found: Found::Configured })
}

fn of_postfix(postfix: &Postfix, entry: &Entry) -> Option<Door> {
    let (address, port) = entry.place()?;
    let is_on = |name| postfix.of(entry, name) == Some("yes");
    if !is_on("smtpd_sasl_auth_enable") {
        return None;
    }
    let encryption = if is_on("smtpd_tls_wrappermode") { Encryption::Tls } else { Encryption::StartTls };
    let bound = postfix.main("inet_interfaces").into_iter().flat_map(|list| list.split([',', ' ']));
    let everywhere = |word: &str| ["all", "loopback-only", "localhost", "$myhostname"].contains(&word);
    let first = bound.clone().find(|word| !word.is_empty());
    let host = address.or_else(|| first.filter(|_| !bound.clone().any(everywhere))).unwrap_or(HERE);
    let protocol = Protocol::Submission;
    Some(Door { protocol, host: host.to_owned(), port, encryption, found: Found::Configured })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(doors: &[Door]) -> Vec<String> {
        doors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn doors_are_where_the_configuration_has_them() {
        let dovecot = Dovecot::read(
            "protocols = imap sieve\nservice imap-login {\ninet_listener imap {\nport = 1143\n}\ninet_listener imaps {\naddress = \
             192.0.2.1\nport = 993\nssl = yes\n}\n}\nservice managesieve-login {\ninet_listener sieve {\nport = 4190\n}\n}\n",
        );
        let master = "smtp inet n - y - - smtpd\nsubmission inet n - y - - smtpd\nsmtps inet n - y - - smtpd\n10025 inet n - y - - proxy\n";
        let own = "submission/inet/smtpd_sasl_auth_enable = yes\nsmtps/inet/smtpd_sasl_auth_enable = yes\n\
                   smtps/inet/smtpd_tls_wrappermode = yes\n";
        let postfix = Postfix::read(master, own, "smtpd_sasl_auth_enable = no\ninet_interfaces = all\n");
        assert_eq!(
            told(&of(Some(&dovecot), Some(&postfix))),
            [
                "submission at localhost:587 (starttls)",
                "submission at localhost:465 (tls)",
                "imap at localhost:1143 (starttls)",
                "imap at 192.0.2.1:993 (tls)",
                "sieve at localhost:4190 (starttls)",
            ]
        );
    }

    #[test]
    fn a_server_that_tells_nothing_is_looked_for_where_it_mostly_is() {
        let ports: Vec<u16> = of(None, None).iter().map(|door| door.port).collect();
        assert_eq!(ports, [587, 465, 143, 993, 110, 995], "4190 may be any user's");
        assert!(of(None, None).iter().all(|door| door.found == Found::Guessed));
    }

    #[test]
    fn a_postfix_that_is_bound_to_an_address_is_asked_there() {
        let master = "587 inet n - y - - smtpd\n";
        let postfix = Postfix::read(
            master,
            "",
            "smtpd_sasl_auth_enable = yes\ninet_interfaces = 192.0.2.1, 192.0.2.2\n",
        );
        let dovecot = Dovecot::read("protocols = \n");
        assert_eq!(told(&of(Some(&dovecot), Some(&postfix))), ["submission at 192.0.2.1:587 (starttls)"]);
    }
}
