//! Programs of others that use libsasl, or speak for those that do: with the plug-in in the folder they behave as without.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use data_encoding::BASE64;

use crate::host::{Host, Plugins};
use crate::site::PRIMARY;

const WITH: [Plugins; 2] = [Plugins::OursFirst, Plugins::StockFirst];

/// Whether the application's configuration enables ours.
const SETTINGS: [&str; 2] = ["", "postern_enable: yes\n"];

#[test]
fn clients_behave_as_without_it() {
    let host = Host::with_alice();
    for program in [mbsync, ldapsearch, sample_client, viewer_of_clients] {
        let expected = program(&host, Plugins::StockAlone);
        for (plugins, setting) in WITH.iter().flat_map(|plugins| SETTINGS.map(|setting| (*plugins, setting)))
        {
            host.configure(setting);
            assert_eq!(program(&host, plugins), expected, "{plugins:?} {setting}");
        }
    }
}

#[test]
fn servers_that_do_not_enable_it_behave_as_without_it() {
    let host = Host::with_alice();
    host.configure(&host.lines_of_stock(PRIMARY));
    let programs = |plugins| (viewer_of_servers(&host, plugins), sample_server(&host, plugins, PRIMARY));
    let expected = programs(Plugins::StockAlone);
    assert!(expected.1.contains("Negotiation complete"), "{}", expected.1);
    for plugins in WITH {
        assert_eq!(programs(plugins), expected, "{plugins:?}");
    }
}

#[test]
fn servers_that_enable_it_have_it_and_nothing_else_changes() {
    let host = Host::with_alice();
    let phone = host.site.app_password("alice", "phone", "smtp");
    host.configure(&format!("{}postern_enable: yes\n", host.lines_of_stock(PRIMARY)));
    for plugins in WITH {
        let shown = viewer_of_servers(&host, plugins);
        let stock = viewer_of_servers(&host, Plugins::StockAlone);
        let plugins_of = |shown: &str| -> BTreeSet<String> {
            shown.lines().filter(|line| line.starts_with("Plugin ")).map(str::to_owned).collect()
        };
        let (with, without) = (plugins_of(&shown), plugins_of(&stock));
        let ours: Vec<&String> = with.difference(&without).collect();
        assert!(matches!(&ours[..], [one] if one.starts_with("Plugin \"postern\" [loaded]")), "{ours:?}");
        assert!(without.is_subset(&with));
        let said = sample_server(&host, plugins, &phone);
        assert!(said.contains("Negotiation complete"), "{said}");
        assert!(!sample_server(&host, plugins, PRIMARY).contains("Negotiation complete"));
    }
}

#[test]
fn testsaslauthd_asks_what_it_asked_before() {
    let host = Host::with_alice();
    let socket = host.path("mux");
    let ask = |plugins| {
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let server = thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            let mut asked = [0; 2 + 5 + 2 + 6 + 2 + 4 + 2];
            peer.read_exact(&mut asked).unwrap();
            peer.write_all(b"\0\x02OK").unwrap();
            asked
        });
        let mut command = Command::new("testsaslauthd");
        command.args(["-u", "alice", "-p", "secret", "-s", "smtp", "-f"]).arg(&socket);
        let said = transcript(command, &host, plugins, "");
        fs::remove_file(&socket).unwrap();
        (said, server.join().unwrap())
    };
    let expected = ask(Plugins::StockAlone);
    assert!(expected.0.contains("OK"), "{}", expected.0);
    for plugins in WITH {
        assert_eq!(ask(plugins), expected, "{plugins:?}");
    }
}

fn viewer_of_clients(host: &Host, plugins: Plugins) -> String {
    let mut command = Command::new("saslpluginviewer");
    command.arg("-c");
    transcript(command, host, plugins, "")
}

fn viewer_of_servers(host: &Host, plugins: Plugins) -> String {
    let mut command = Command::new("saslpluginviewer");
    command.arg("-s");
    transcript(command, host, plugins, "")
}

/// Without a terminal the password is asked for on stdin.
fn sample_client(host: &Host, plugins: Plugins) -> String {
    let mut command = Command::new("setsid");
    command.args(["--wait", "sasl-sample-client", "-s", "smtp", "-n", "mail.example.org"]);
    command.args(["-m", "PLAIN", "-u", "alice", "-a", "alice", "-p", &search(host, plugins)]);
    let said = transcript(command, host, plugins, &format!("S: {}\nsecret\n", BASE64.encode(b"PLAIN LOGIN")));
    assert!(said.contains("Negotiation complete"), "{said}");
    said
}

fn sample_server(host: &Host, plugins: Plugins, secret: &str) -> String {
    let mut command = Command::new("sasl-sample-server");
    command.args(["-s", "smtp", "-d", "mail.example.org", "-m", "PLAIN", "-p", &search(host, plugins)]);
    let message = BASE64.encode(format!("PLAIN\0\0alice\0{secret}").as_bytes());
    transcript(command, host, plugins, &format!("C: {message}\n"))
}

/// The sample programs have a word of their own for SASL_PATH.
fn search(host: &Host, plugins: Plugins) -> String {
    host.environment(plugins)[0].1.clone()
}

fn mbsync(host: &Host, plugins: Plugins) -> String {
    let server = Server::start(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello\r\n", b"1 NO no\r\n");
    let config = host.path("mbsyncrc");
    let lines = format!(
        "IMAPAccount far\nHost 127.0.0.1\nPort {}\nUser alice\nPass secret\nSSLType None\nAuthMechs PLAIN\n\n\
         IMAPStore far\nAccount far\n\nMaildirStore near\nInbox {}\n\nChannel all\nFar :far:\nNear :near:\n",
        server.port,
        host.path("inbox").display()
    );
    fs::write(&config, lines).unwrap();
    let mut command = Command::new("mbsync");
    command.arg("-c").arg(config).arg("all");
    let said = transcript(command, host, plugins, "") + &server.heard();
    assert!(said.contains("AUTHENTICATE PLAIN"), "{said}");
    said
}

fn ldapsearch(host: &Host, plugins: Plugins) -> String {
    let server = Server::start(b"", b"");
    let mut command = Command::new("ldapsearch");
    command.args(["-H", &format!("ldap://127.0.0.1:{}", server.port), "-O", "none", "-Y", "PLAIN"]);
    command.args(["-U", "alice", "-w", "secret", "-b", ""]);
    let said = transcript(command, host, plugins, "") + &server.heard();
    assert!(said.contains("PLAIN"), "{said}");
    said
}

/// A mail or directory server that greets, hears one thing, and says no.
struct Server {
    port: u16,
    thread: thread::JoinHandle<Vec<u8>>,
}

impl Server {
    fn start(greeting: &'static [u8], no: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            peer.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            peer.write_all(greeting).unwrap();
            let mut heard = vec![0; 4096];
            let length = peer.read(&mut heard).unwrap();
            heard.truncate(length);
            let _ = peer.write_all(no);
            heard
        });
        Self { port, thread }
    }

    fn heard(self) -> String {
        self.thread.join().unwrap().escape_ascii().to_string()
    }
}

/// Everything that a program says.
fn transcript(mut command: Command, host: &Host, plugins: Plugins, input: &str) -> String {
    command.envs(host.environment(plugins)).env("HOME", host.path(""));
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    // Whoever has nothing to ask may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let mut said = String::new();
    for part in [&output.stdout, &output.stderr] {
        writeln!(said, "{}", String::from_utf8_lossy(part)).unwrap();
    }
    writeln!(said, "{:?}", output.status.code()).unwrap();
    said
}
