//! A plug-in that cannot be loaded, and a daemon that is none: libsasl goes on, and lets nobody in.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::host::{ASKS, BADAUTH, Host, NOMECH, OK, Plugins, SHIPPED, Said, UNAVAIL};
use crate::impostor;
use crate::site::{PRIMARY, module};

/// Spoils the file of the plug-in.
type Spoil = fn(&Path);

const SPOILT: [(&str, Spoil); 7] = [
    ("missing", |file| fs::remove_file(file).unwrap()),
    ("empty", |file| rewrite(file, |_| Vec::new())),
    ("cut behind its header", |file| rewrite(file, |content| content[..100].to_vec())),
    ("cut in half", |file| rewrite(file, |content| content[..content.len() / 2].to_vec())),
    ("no library", |file| rewrite(file, |_| b"#!/bin/sh\n".to_vec())),
    ("linked against what is missing", |file| rewrite(file, link_elsewhere)),
    ("mode 000", |file| {
        rewrite(file, <[u8]>::to_vec);
        fs::set_permissions(file, Permissions::from_mode(0o0)).unwrap();
    }),
];

#[test]
fn where_the_plug_in_cannot_be_loaded_nobody_gets_in() {
    for (what, spoil) in SPOILT {
        let host = Host::with_alice();
        spoil(&host.path("ours/libpostern.so"));
        // Root reads what nobody may, and then Postern itself refuses.
        let refused = if what == "mode 000" && host.site.owner().0 == 0 { BADAUTH } else { NOMECH };
        for plugins in [Plugins::OursFirst, Plugins::StockFirst] {
            for (words, messages) in [
                (&["PLAIN", "initial"][..], &[&b"\0alice\0correct horse"[..]][..]),
                (&["LOGIN"], &[b"alice", PRIMARY.as_bytes()]),
            ] {
                match host.try_run(plugins, words, messages) {
                    Ok((line, log)) => assert_eq!(Said::read(&line, log).code, refused, "{what}"),
                    // The loader maps what is not there, and the kernel ends the host.
                    Err(_) => assert_eq!(what, "cut in half"),
                }
            }
        }
    }
}

#[test]
fn who_listens_in_the_place_of_posternd_grants_nothing() {
    let host = Host::with_alice();
    let socket = host.path("verify");
    host.configure_bare(&SHIPPED.replace(ASKS, &format!("postern_socket: {}\n", socket.display())));
    impostor::answer_all(&socket, impostor::NO_ANSWERS);
    for _ in impostor::NO_ANSWERS {
        assert_eq!(host.plain("alice", PRIMARY).code, UNAVAIL);
    }
    fs::remove_file(&socket).unwrap();
    fs::set_permissions(host.path(""), Permissions::from_mode(0o777)).unwrap();
    let stranger = impostor::Stranger::listens(&socket);
    assert_eq!(host.plain("alice", PRIMARY).code, UNAVAIL);
    let heard = stranger.heard();
    assert!(heard.iter().all(|octets| *octets == 0), "{heard:?}");
    // What root says is believed, so that the rest says something.
    fs::remove_file(&socket).unwrap();
    impostor::answer_all(&socket, &[&[impostor::GRANT]]);
    assert_eq!(host.plain("alice", PRIMARY).code, OK);
}

#[test]
fn one_line_of_the_shipped_configuration_keeps_the_door_shut_and_says_why() {
    let host = Host::with_alice();
    let stock = host.lines_of_stock(PRIMARY);
    host.configure(SHIPPED);
    fs::remove_file(host.path("ours/libpostern.so")).unwrap();
    let said = host.plain("alice", PRIMARY);
    assert_eq!(said.code, NOMECH);
    assert!(said.log.contains("postern_is_not_loaded"), "{}", said.log);
    let open = SHIPPED.replace("pwcheck_method: ", "#");
    host.configure(&format!("{open}\n{stock}"));
    assert_eq!(host.plain("alice", PRIMARY).code, OK);
}

fn rewrite(file: &Path, change: impl FnOnce(&[u8]) -> Vec<u8>) {
    let content = change(&fs::read(module()).unwrap());
    fs::remove_file(file).unwrap();
    fs::write(file, content).unwrap();
}

/// Another name of the same length for a library that the module needs.
fn link_elsewhere(content: &[u8]) -> Vec<u8> {
    let (name, other) = (b"libsqlite3.so", b"libmissing.so");
    let place = content.windows(name.len()).position(|part| part == name).unwrap();
    [&content[..place], other, &content[place + name.len()..]].concat()
}
