//! Ours beside libsasl's own plug-ins: it answers first, weakens nothing, and is not there unless it is enabled.

use crate::host::{BADAUTH, Host, OK, Plugins, SHIPPED};
use crate::site::PRIMARY;

const ORDERS: [Plugins; 2] = [Plugins::OursFirst, Plugins::StockFirst];

/// What the host asks of its mechanisms, and what is below the connection before and after STARTTLS.
const DEMANDS: [&[&str]; 10] = [
    &[],
    &["later_ssf=56"],
    &["noplaintext"],
    &["noplaintext", "later_ssf=256"],
    &["min_ssf=1"],
    &["min_ssf=1", "later_ssf=1"],
    &["min_ssf=1", "later_ssf=256"],
    &["min_ssf=2", "ssf=1", "later_ssf=2"],
    &["min_ssf=128", "ssf=127", "later_ssf=128"],
    &["min_ssf=1", "noplaintext", "later_ssf=256"],
];

#[test]
fn ours_answers_before_stock_in_either_order() {
    let host = Host::with_alice();
    let phone = host.site.app_password("alice", "phone", "smtp");
    let stock = host.lines_of_stock(PRIMARY);
    let message = |secret: &str| format!("\0alice\0{secret}").into_bytes();
    for plugins in ORDERS {
        for mechanisms in ["", "mech_list: PLAIN LOGIN\n", "mech_list: LOGIN CRAM-MD5 PLAIN\n"] {
            let login = |mechanism: &str, secret: &str| match mechanism {
                "PLAIN" => host.converse(plugins, &["PLAIN", "initial"], &[&message(secret)]).code,
                _ => host.converse(plugins, &["LOGIN"], &[b"alice", secret.as_bytes()]).code,
            };
            for mechanism in ["PLAIN", "LOGIN"] {
                host.configure(&format!("{stock}{mechanisms}"));
                assert_eq!(login(mechanism, PRIMARY), OK, "stock grants it: {plugins:?} {mechanism}");
                assert_ne!(login(mechanism, &phone), OK);
                host.configure(&format!("{stock}{mechanisms}postern_enable: yes\n"));
                assert_eq!(login(mechanism, PRIMARY), BADAUTH, "{plugins:?} {mechanisms}{mechanism}");
                assert_eq!(login(mechanism, &phone), OK, "{plugins:?} {mechanisms}{mechanism}");
            }
        }
    }
}

#[test]
fn each_mechanism_is_offered_once() {
    let host = Host::with_alice();
    for plugins in ORDERS {
        assert!(host.list(plugins, &[]).starts_with("[PLAIN LOGIN][PLAIN LOGIN] "), "{plugins:?}");
    }
}

#[test]
fn it_is_offered_where_stock_would_be_and_nowhere_else() {
    let host = Host::with_alice();
    host.site.app_password("alice", "phone", "smtp");
    for demand in DEMANDS {
        let [stock, first, last] = [Plugins::StockAlone, Plugins::OursFirst, Plugins::StockFirst]
            .map(|plugins| host.list(plugins, demand));
        assert_eq!((&first, &last), (&stock, &stock), "{demand:?}");
    }
    assert!(host.list(Plugins::OursFirst, &["min_ssf=1", "later_ssf=2"]).starts_with("[][PLAIN LOGIN] "));
    assert!(host.list(Plugins::OursFirst, &["noplaintext", "later_ssf=2"]).starts_with("[][PLAIN LOGIN] "));
}

#[test]
fn who_asks_for_it_without_the_layer_that_is_wanted_is_refused() {
    let host = Host::with_alice();
    let phone = host.site.app_password("alice", "phone", "smtp");
    for demand in [&["min_ssf=1"][..], &["min_ssf=128", "ssf=127"], &["noplaintext"]] {
        let said = host.plain_with(demand, "alice", &phone);
        assert!(said.code < 0 && said.code != BADAUTH, "{demand:?} {said:?}");
    }
    for enough in [&["min_ssf=1", "ssf=1"][..], &["min_ssf=128", "ssf=256"], &["noplaintext", "ssf=128"]] {
        assert_eq!(host.plain_with(enough, "alice", &phone).code, OK, "{enough:?}");
    }
}

#[test]
fn it_is_off_unless_the_application_says_yes() {
    let host = Host::with_alice();
    let stock = host.lines_of_stock(PRIMARY);
    for lines in ["", "postern_enable: no\n", "postern_enable: off\n"] {
        host.configure(&format!("{stock}{lines}"));
        assert_eq!(host.plain("alice", PRIMARY).code, OK, "{lines}");
        let [alone, with] = [Plugins::StockAlone, Plugins::OursFirst].map(|plugins| host.list(plugins, &[]));
        assert_eq!(alone, with, "{lines}");
    }
    // A slip must not open stock's door.
    for lines in ["postern_enable: yes\n", "postern_enable: Yes\n", "postern_enable: ys\n"] {
        host.configure(&format!("{stock}{lines}"));
        assert_eq!(host.plain("alice", PRIMARY).code, BADAUTH, "{lines}");
    }
}

#[test]
fn loading_and_listing_opens_starts_and_says_nothing() {
    let host = Host::with_alice();
    let (alone, _) = host.run(Plugins::StockAlone, &["PLAIN", "list"], &[]);
    // Whatever is broken shows at a login.
    for lines in [SHIPPED.to_owned(), format!("{SHIPPED}\npostern_store: no\n")] {
        host.configure_bare(&lines);
        let (said, log) = host.run(Plugins::StockFirst, &["PLAIN", "list"], &[]);
        assert_eq!(said, alone);
        assert!(!log.contains("postern"), "{log}");
    }
}
