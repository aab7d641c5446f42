//! A private configuration, key and store, and the command on top of them.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::BASE32_NOPAD;
use postern::crypto::otp::{Algorithm, Code, Digits, hotp};
use postern::crypto::secret::Secret;
use tempfile::TempDir;

pub const PRIMARY: &str = "correct horse battery";

pub struct Home(TempDir);

/// How a command ended.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Home {
    /// Nothing but a configuration.
    pub fn bare() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        let path = |name| home.path(name).display().to_string();
        let text = format!(
            "store = {:?}\nkey = {:?}\nrun = {:?}\n[primary]\npam_dir = {:?}\n",
            path("var/store.db"),
            path("etc/key"),
            path("run"),
            path("etc/pam.d"),
        );
        fs::write(home.path("postern.toml"), text).unwrap();
        home
    }

    /// Key and store too.
    pub fn ready() -> Self {
        let home = Self::bare();
        home.run(["init"], "").is(0);
        home
    }

    /// And an account `alice`, whose primary is `PRIMARY`.
    pub fn with_alice() -> Self {
        let home = Self::ready();
        home.run(["account", "add", "alice", "--primary", "store"], PRIMARY).is(0);
        home
    }

    /// Adds lines to the configuration.
    pub fn configure(&self, lines: &str) {
        let path = self.path("postern.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("{text}{lines}\n")).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A copy of the command that everybody can reach; the build directory may be root's alone.
    pub fn binary_for_all(&self) -> PathBuf {
        let copy = self.path("postern");
        // By another process: a child that some other test forks meanwhile would inherit our open file, and the
        // kernel runs no file that is open for writing.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_postern")).arg(&copy).status();
        assert!(copied.unwrap().success());
        fs::set_permissions(self.path("."), Permissions::from_mode(0o755)).unwrap();
        copy
    }

    /// Does to the store what no command would.
    pub fn database(&self, sql: &str) {
        let database = rusqlite::Connection::open(self.path("var/store.db")).unwrap();
        database.execute_batch(sql).unwrap();
    }

    pub fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().mode() & 0o7777
    }

    /// Everything that a command may have changed.
    pub fn content(&self) -> [Vec<u8>; 3] {
        ["postern.toml", "etc/key", "var/store.db"].map(|name| fs::read(self.path(name)).unwrap_or_default())
    }

    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = command(Path::new(env!("CARGO_BIN_EXE_postern")));
        command.arg("--config").arg(self.path("postern.toml")).args(arguments);
        command
    }

    /// Runs the command; a line of stdin carries the secret.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, line: &str) -> Done {
        finish(self.command(arguments).spawn().unwrap(), line)
    }

    pub fn app_password(&self, label: &str) -> String {
        let made = self.run(["app", "add", "alice", "--label", label], "");
        made.is(0);
        made.out.trim_end().to_owned()
    }

    /// Enrolls a new key for alice; returns it with the code that confirmed it.
    pub fn enroll(&self) -> (Secret, String) {
        let mut child = self.command(["totp", "enroll", "alice"]).spawn().unwrap();
        let (mut uri, mut stdout) = (String::new(), BufReader::new(child.stdout.take().unwrap()));
        stdout.read_line(&mut uri).unwrap();
        let (_, rest) = uri.split_once("secret=").unwrap();
        let (base32, _) = rest.split_once('&').unwrap();
        let key = Secret::new(BASE32_NOPAD.decode(base32.as_bytes()).unwrap());
        let code = code(&key, now());
        finish(child, &code).is(0);
        (key, code)
    }
}

impl Done {
    #[track_caller]
    pub fn is(&self, code: i32) {
        assert_eq!(self.code, code, "{self:?}");
    }

    /// Failed with this code, in two lines: what, and what to do about it; nothing on stdout.
    #[track_caller]
    pub fn refused(&self, code: i32, word: &str) {
        self.is(code);
        assert_eq!(self.out, "", "{self:?}");
        let lines: Vec<&str> = self.err.lines().collect();
        assert_eq!(lines.len(), 2, "{self:?}");
        assert!(lines[0].starts_with("postern: ") && lines[0].contains(word), "{self:?}");
        assert!(lines[1].starts_with("  hint: "), "{self:?}");
        self.can_be_pasted();
    }

    /// Each command of a hint, between backticks, is understood as it stands.
    #[track_caller]
    pub fn can_be_pasted(&self) {
        let hints = self.err.lines().filter(|line| line.starts_with("  hint: "));
        for command in hints.flat_map(|hint| hint.split('`').skip(1).step_by(2)) {
            let print = format!("printf '%s\\0' {command}");
            let words = Command::new("bash").args(["-c", &print]).output().unwrap().stdout;
            let words = String::from_utf8(words).unwrap();
            let Some(("postern", _)) = words.split_once('\0') else { continue };
            let parsed =
                postern::cli::command_line().try_get_matches_from(words.trim_end_matches('\0').split('\0'));
            let understood =
                parsed.err().is_none_or(|error| error.kind() == clap::error::ErrorKind::DisplayHelp);
            assert!(understood && !words.contains("\0NAME"), "{command}: {self:?}");
        }
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        self.is(0);
        serde_json::from_str(&self.out).unwrap()
    }
}

pub fn command(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    command.env_clear().env("TZ", "UTC").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub fn finish(mut child: Child, line: &str) -> Done {
    let mut stdin = child.stdin.take().unwrap();
    if !line.is_empty() {
        // A command that does not ask may be gone already.
        let _ = stdin.write_all(format!("{line}\n").as_bytes());
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    Done {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[allow(clippy::disallowed_methods, reason = "a test beside the command's composition root")]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The code of a key at a moment. The library never shows one, so all are tried.
pub fn code(key: &Secret, at: u64) -> String {
    let wanted = hotp(key, Algorithm::Sha1, Digits::SIX, at / 30);
    (0..1_000_000)
        .map(|number| format!("{number:06}"))
        .find(|text| Code::parse(text.as_bytes(), Digits::SIX).unwrap().matches(wanted))
        .unwrap()
}
