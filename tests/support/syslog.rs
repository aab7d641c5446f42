//! The system log of the rig: every line that a server, or Postern, has sent.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const SOCKET: &str = "/dev/log";
/// Lines arrive within milliseconds; whoever waits this long waits in vain.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct Syslog(Arc<Shared>);

struct Shared {
    lines: Mutex<Vec<String>>,
    arrival: Condvar,
}

/// A place in the log: what comes after it is new.
#[derive(Clone, Copy)]
pub struct Mark(usize);

impl Syslog {
    pub fn open() -> Self {
        let socket = UnixDatagram::bind(SOCKET).expect("no other syslog in here");
        fs::set_permissions(SOCKET, fs::Permissions::from_mode(0o666)).expect("our own socket");
        let shared = Arc::new(Shared { lines: Mutex::default(), arrival: Condvar::new() });
        let collector = Arc::clone(&shared);
        thread::spawn(move || collect(&socket, &collector));
        Self(shared)
    }

    pub fn mark(&self) -> Mark {
        Mark(self.0.lines.lock().unwrap().len())
    }

    pub fn mark_of_start(&self) -> Mark {
        Mark(0)
    }

    pub fn since(&self, mark: Mark) -> Vec<String> {
        self.0.lines.lock().unwrap()[mark.0..].to_vec()
    }

    /// The first line after the mark that will do; waits for it.
    pub fn find(&self, mark: Mark, will_do: impl Fn(&str) -> bool) -> Option<String> {
        let end = Instant::now() + PATIENCE;
        let mut lines = self.0.lines.lock().unwrap();
        loop {
            if let Some(line) = lines[mark.0..].iter().find(|line| will_do(line)) {
                return Some(line.clone());
            }
            let left = end.checked_duration_since(Instant::now())?;
            lines = self.0.arrival.wait_timeout(lines, left).unwrap().0;
        }
    }
}

fn collect(socket: &UnixDatagram, shared: &Shared) {
    let mut datagram = vec![0; 64 * 1024];
    while let Ok(length) = socket.recv(&mut datagram) {
        let line = String::from_utf8_lossy(&datagram[..length]);
        let line = line.trim_end_matches(['\n', '\0']).to_owned();
        shared.lines.lock().unwrap().push(line);
        shared.arrival.notify_all();
    }
}

/// What Postern itself says in a line, without who logged it: `granted account="alice" …`.
pub fn audit(line: &str) -> Option<&str> {
    // The module's host, posternd, the command, or any program with the C interface: the first colon ends its name.
    let (_, said) = line.split_once("): ").or_else(|| line.split_once(": "))?;
    ["granted ", "denied ", "throttled ", "unavailable "]
        .iter()
        .any(|word| said.starts_with(word))
        .then_some(said)
}
