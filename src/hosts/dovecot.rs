//! Dovecot, as doveconf(1) tells it.

use crate::hosts::{Block, NotRun, Program};

/// Dovecot's configuration, defaults included.
#[derive(Debug)]
pub struct Dovecot(Block);

/// A port on which people log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// As `protocols` names it: `imap`, `pop3`, `sieve`, `submission`.
    pub protocol: String,
    /// The addresses it is bound to; none means all.
    pub addresses: Vec<String>,
    /// The port.
    pub port: u16,
    /// Whether TLS comes first, without STARTTLS.
    pub tls: bool,
}

impl Dovecot {
    /// Asks doveconf(1); `None` where it is not there, or says nothing that it can stand for.
    ///
    /// # Errors
    /// Where we are told to stop.
    pub fn ask(stop: &(dyn Fn() -> bool + Sync)) -> Result<Option<Self>, NotRun> {
        let doveconf = Program { name: "doveconf", arguments: &["-a"], stdin: None, longest: 20 };
        match doveconf.run(stop) {
            Ok(ended) => Ok(ended.result().ok().map(|text| Self::read(&text))),
            Err(NotRun::Stopped) => Err(NotRun::Stopped),
            Err(_) => Ok(None),
        }
    }

    /// Reads what doveconf(1) says.
    #[must_use]
    pub fn read(text: &str) -> Self {
        Self(Block::parse(text))
    }

    /// The whole of it.
    #[must_use]
    pub const fn settings(&self) -> &Block {
        &self.0
    }

    /// The protocols that are served.
    #[must_use]
    pub fn protocols(&self) -> Vec<&str> {
        // A list of words in 2.3, in quotes where it begins with a blank; in 2.4 a block of yes and no.
        let words = self.0.setting("protocols").into_iter();
        let words = words.flat_map(|list| list.trim_matches('"').split_whitespace());
        let listed = self.0.of_kind("protocols").flat_map(|block| &block.settings);
        words.chain(listed.filter(|(_, on)| on == "yes").map(|(name, _)| name.as_str())).collect()
    }

    /// The ports on which people log in, in the order of the configuration.
    #[must_use]
    pub fn listeners(&self) -> Vec<Listener> {
        let served = self.protocols();
        let services = self.0.of_kind("service").filter_map(|service| {
            let protocol = protocol_of(&service.name)?;
            served.contains(&protocol).then_some((protocol, service))
        });
        services
            .flat_map(|(protocol, service)| {
                service.of_kind("inet_listener").filter_map(|listener| self.listener(protocol, listener))
            })
            .collect()
    }

    fn listener(&self, protocol: &str, listener: &Block) -> Option<Listener> {
        let (usual, tls) = usual(&listener.name);
        let port = match listener.setting("port") {
            Some(port) => port.parse().ok(),
            None => usual,
        };
        let port = port.filter(|port| 0 < *port)?;
        let own = ["address", "listen"].iter().find_map(|name| listener.setting(name));
        let bound = own.filter(|own| !own.is_empty()).or(self.0.setting("listen")).unwrap_or("*");
        let words = bound.split([',', ' ']).filter(|word| !word.is_empty());
        let everywhere = bound.split([',', ' ']).any(|word| word == "*" || word == "::");
        Some(Listener {
            protocol: protocol.to_owned(),
            addresses: if everywhere { Vec::new() } else { words.map(str::to_owned).collect() },
            port,
            tls: listener.setting("ssl").unwrap_or(tls) == "yes",
        })
    }
}

/// The port of a listener by its name, and whether TLS comes first: 2.4 does not say what is as usual, even if asked for
/// everything.
fn usual(listener: &str) -> (Option<u16>, &'static str) {
    match listener {
        "imap" => (Some(143), "no"),
        "imaps" => (Some(993), "yes"),
        "pop3" => (Some(110), "no"),
        "pop3s" => (Some(995), "yes"),
        "sieve" => (Some(4190), "no"),
        "submission" => (Some(587), "no"),
        "submissions" => (Some(465), "yes"),
        _ => (None, "no"),
    }
}

/// The service that asks for passwords before it hands a connection on.
fn protocol_of(service: &str) -> Option<&str> {
    match service.strip_suffix("-login")? {
        "managesieve" => Some("sieve"),
        protocol => Some(protocol),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(listener: &Listener) -> String {
        let Listener { protocol, addresses, port, tls } = listener;
        format!("{protocol} {} {port} {tls}", addresses.join(","))
    }

    #[test]
    fn a_2_3_listens_where_its_services_say() {
        let text = "listen = *, ::\nprotocols = \" imap sieve\"\n\
            service imap-login {\n inet_listener imap {\n address = \n port = 143\n ssl = no\n }\n inet_listener imaps {\n \
            address = 192.0.2.1\n port = 993\n ssl = yes\n }\n}\nservice managesieve-login {\n inet_listener sieve {\n \
            port = 4190\n ssl = no\n }\n}\nservice pop3-login {\n inet_listener pop3 {\n port = 110\n }\n}\n\
            service imap {\n inet_listener x {\n port = 1\n }\n}\n";
        let listeners: Vec<String> = Dovecot::read(text).listeners().iter().map(told).collect();
        assert_eq!(listeners, ["imap  143 false", "imap 192.0.2.1 993 true", "sieve  4190 false"]);
    }

    #[test]
    fn a_2_4_does_not_say_what_is_as_usual() {
        let text = "protocols {\n  imap = yes\n  pop3 = yes\n}\nservice imap-login {\n  inet_listener imap {\n  }\n  inet_listener imaps \
            {\n  }\n}\nservice pop3-login {\n  inet_listener pop3 {\n    port = 0\n  }\n  inet_listener of_ours {\n  }\n}\n";
        let listeners: Vec<String> = Dovecot::read(text).listeners().iter().map(told).collect();
        assert_eq!(listeners, ["imap  143 false", "imap  993 true"]);
    }

    #[test]
    fn a_2_4_writes_protocols_and_addresses_in_its_own_way() {
        let text = "listen = 127.0.0.1\nprotocols {\n  imap = yes\n  pop3 = no\n}\nservice imap-login {\n  inet_listener imap {\n    \
            port = 143\n  }\n  inet_listener imaps {\n    listen = 192.0.2.7 192.0.2.8\n    port = 993\n    ssl = yes\n  \
            }\n  inet_listener off {\n    port = 0\n  }\n}\nservice pop3-login {\n  inet_listener pop3 {\n    port = 110\n  }\n}\n";
        let listeners: Vec<String> = Dovecot::read(text).listeners().iter().map(told).collect();
        assert_eq!(listeners, ["imap 127.0.0.1 143 false", "imap 192.0.2.7,192.0.2.8 993 true"]);
    }
}
