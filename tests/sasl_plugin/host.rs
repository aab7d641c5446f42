//! A SASL application with a folder of plug-ins and a configuration of its own.

#![allow(dead_code, reason = "each crate that includes it uses another part of it")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use tempfile::TempDir;

use crate::site::{Site, compiled, module};

pub const OK: i32 = 0;
pub const NOMECH: i32 = -4;
pub const BADPROT: i32 = -5;
pub const TRYAGAIN: i32 = -8;
pub const BADAUTH: i32 = -13;
pub const UNAVAIL: i32 = -24;

/// What Postfix's administrators are told to write.
pub const SHIPPED: &str = include_str!("../../packaging/examples/postfix/smtpd.conf");

/// Whom it asks.
pub const ASKS: &str = "postern_socket: /postern/verify\n";

/// Which folders are searched, one after the other: libsasl keeps no other order.
#[derive(Clone, Copy, Debug)]
pub enum Plugins {
    OursFirst,
    StockFirst,
    StockAlone,
}

pub struct Host {
    pub site: Site,
    directory: TempDir,
}

/// How one conversation went.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    /// What the client was asked, in brackets.
    pub asked: String,
    pub code: i32,
    pub user: String,
    pub authid: String,
    /// What sasl_errdetail(3) says.
    pub detail: String,
    /// What libsasl logged.
    pub log: String,
}

impl Host {
    /// With the shipped configuration, and a site of Postern's in the same process.
    pub fn new(site: Site) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["conf", "ours", "stock"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        symlink(module(), directory.path().join("ours/libpostern.so")).unwrap();
        for (name, path) in stock() {
            symlink(path, directory.path().join("stock").join(name)).unwrap();
        }
        let host = Self { site, directory };
        host.configure(SHIPPED);
        host
    }

    pub fn with_alice() -> Self {
        Self::new(Site::with_alice())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Lets these lines be the application's configuration, but for whom they ask: this process, with the store of the site.
    pub fn configure(&self, lines: &str) {
        let config = self.site.path("etc/postern.toml");
        self.configure_bare(&format!("{}\npostern_store: {}\n", lines.replace(ASKS, ""), config.display()));
    }

    /// Lets exactly these lines be the application's configuration.
    pub fn configure_bare(&self, lines: &str) {
        for application in ["host", "sample", "pluginviewer"] {
            fs::write(self.path(&format!("conf/{application}.conf")), lines).unwrap();
        }
    }

    /// Lines by which stock PLAIN itself would grant `alice` her bare primary password.
    pub fn lines_of_stock(&self, primary: &str) -> String {
        let sasldb = self.path("sasldb");
        let mut command = Command::new("saslpasswd2");
        command.args(["-p", "-c", "-u", "mail.example.org", "-f"]).arg(&sasldb).arg("alice");
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(primary.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        format!("pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {}\n", sasldb.display())
    }

    pub fn environment(&self, plugins: Plugins) -> [(&'static str, String); 2] {
        let [ours, stock] = ["ours", "stock"].map(|name| self.path(name).display().to_string());
        let search = match plugins {
            Plugins::OursFirst => format!("{ours}:{stock}"),
            Plugins::StockFirst => format!("{stock}:{ours}"),
            Plugins::StockAlone => stock,
        };
        [("SASL_PATH", search), ("SASL_CONF_PATH", self.path("conf").display().to_string())]
    }

    /// Runs the application on these messages of a client; its lines, and what libsasl logged.
    pub fn run(&self, plugins: Plugins, words: &[&str], messages: &[&[u8]]) -> (String, String) {
        self.try_run(plugins, words, messages).unwrap_or_else(|status| panic!("{words:?}: {status:?}"))
    }

    /// The same; an error where the application was killed.
    pub fn try_run(
        &self,
        plugins: Plugins,
        words: &[&str],
        messages: &[&[u8]],
    ) -> Result<(String, String), ExitStatus> {
        let mut command = Command::new(sasl_host());
        command.args(words).envs(self.environment(plugins));
        fed(command, messages)
    }

    /// One conversation.
    pub fn converse(&self, plugins: Plugins, words: &[&str], messages: &[&[u8]]) -> Said {
        let (line, log) = self.run(plugins, words, messages);
        Said::read(&line, log)
    }

    /// PLAIN with an initial response.
    pub fn plain(&self, account: &str, secret: &str) -> Said {
        self.plain_with(&[], account, secret)
    }

    pub fn plain_with(&self, words: &[&str], account: &str, secret: &str) -> Said {
        let message = format!("\0{account}\0{secret}");
        let words = [&["PLAIN", "initial"], words].concat();
        self.converse(Plugins::StockFirst, &words, &[message.as_bytes()])
    }

    /// What is offered before and after the layer below changes, and what the process holds.
    pub fn list(&self, plugins: Plugins, words: &[&str]) -> String {
        self.run(plugins, &[&["PLAIN", "list"], words].concat(), &[]).0
    }
}

impl Said {
    pub fn read(line: &str, log: String) -> Self {
        let field = |name: &str, next: &str| {
            let (_, rest) = line.split_once(name).unwrap_or_else(|| panic!("{line}\n{log}"));
            rest.split_once(next).map_or(rest, |(value, _)| value).to_owned()
        };
        Self {
            asked: field("asked=", " code="),
            code: field(" code=", " detail=").parse().unwrap(),
            detail: field(" detail=", " user="),
            user: field(" user=", " authid="),
            authid: field(" authid=", "\n"),
            log,
        }
    }
}

/// Runs a command on lines in hexadecimal; what it said on stdout and on stderr.
pub fn fed(mut command: Command, messages: &[&[u8]]) -> Result<(String, String), ExitStatus> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines: String = messages.iter().map(|message| hex(message) + "\n").collect();
    // Whoever is gone already reads nothing.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    let output = child.wait_with_output().unwrap();
    let [said, log] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    match output.status.code() {
        Some(0) => Ok((said, log)),
        Some(_) => panic!("{said}\n{log}"),
        None => Err(output.status),
    }
}

pub fn sasl_host() -> PathBuf {
    compiled("tests/support/sasl_host.c", &["-lsasl2"])
}

fn hex(message: &[u8]) -> String {
    message.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The plug-ins of Debian's own libsasl; a Postern that is installed among them is none.
fn stock() -> Vec<(String, PathBuf)> {
    let triplet = Command::new("gcc").arg("-print-multiarch").output().unwrap().stdout;
    let folder = format!("/usr/lib/{}/sasl2", String::from_utf8(triplet).unwrap().trim());
    let entries = fs::read_dir(Path::new(&folder)).unwrap().map(|entry| entry.unwrap());
    let plugins: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| name.ends_with(".so") && name != "libpostern.so")
        .collect();
    assert!(plugins.iter().any(|(name, _)| name == "libplain.so"), "{plugins:?}");
    plugins
}
