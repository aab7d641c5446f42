//! Who listens at a port of this machine.
//!
//! A port that is any user's to open may be another's than the mail server's, while that one is down. Its socket has the
//! uid of whoever opened it; Dovecot's and Postfix's are opened by root.

use std::fs;

use rustix::process::geteuid;

/// Where the kernel lists sockets (proc_net_tcp of its documentation).
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// The first port that any user may open (ip-sysctl of the kernel's documentation).
const FIRST_OF_ALL_USERS: &str = "/proc/sys/net/ipv4/ip_unprivileged_port_start";

/// The state of a socket that listens.
const LISTENS: &str = "0A";

/// Whether nobody but root, or ourselves, can be the one who listens at a port of this machine.
pub(super) fn is_trusted(port: u16) -> bool {
    if port < first_of_all_users() {
        return true;
    }
    let tables: String = TABLES.iter().filter_map(|table| fs::read_to_string(table).ok()).collect();
    is_of(&tables, port, &[0, geteuid().as_raw()])
}

/// Where the kernel does not say, every port may be another's.
fn first_of_all_users() -> u16 {
    let said = fs::read_to_string(FIRST_OF_ALL_USERS).ok();
    said.and_then(|said| said.trim().parse().ok()).unwrap_or(0)
}

/// Whether somebody listens at the port, and nobody but these. On another address it could still be the one we reach.
fn is_of(tables: &str, port: u16, uids: &[u32]) -> bool {
    let mut owners = tables.lines().filter_map(|line| owner(line, port)).peekable();
    owners.peek().is_some() && owners.all(|uid| uids.contains(&uid))
}

/// The uid behind a line of the kernel's, if it is of a socket that listens at the port.
fn owner(line: &str, port: u16) -> Option<u32> {
    let mut words = line.split_whitespace();
    let (_, own) = words.nth(1)?.rsplit_once(':')?;
    let state = words.nth(1)?;
    let uid = words.nth(3)?.parse().ok()?;
    (state == LISTENS && u16::from_str_radix(own, 16) == Ok(port)).then_some(uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn line(port: u16, state: &str, uid: u32) -> String {
        format!(
            "   1: 0100007F:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  {uid}        0 31 1 0 100\n"
        )
    }

    #[test]
    fn a_port_is_trusted_if_nobody_but_root_listens_there() {
        let heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n";
        let (roots, others) = (line(4190, "0A", 0), line(4190, "0A", 1000));
        assert!(is_of(&format!("{heading}{roots}"), 4190, &[0]));
        assert!(!is_of(&others, 4190, &[0]));
        assert!(!is_of(&format!("{roots}{others}"), 4190, &[0]), "on another address");
        assert!(!is_of(&line(4191, "0A", 0), 4190, &[0]), "at another port");
        assert!(!is_of(&line(4190, "01", 0), 4190, &[0]), "a connection is no listener");
        assert!(!is_of("", 4190, &[0]));
    }

    #[test]
    fn the_kernel_says_whose_a_listener_is() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_trusted(port));
        let tables = fs::read_to_string(TABLES[0]).unwrap();
        assert!(is_of(&tables, port, &[geteuid().as_raw()]) && !is_of(&tables, port, &[4_000_000]));
        drop(listener);
        assert!(!is_trusted(port));
    }
}
