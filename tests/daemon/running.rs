//! A posternd of its own for a test.

use std::fs;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv, send,
    socket_with,
};

use super::site::Site;

/// A daemon that ends with the test.
pub struct Running {
    pub child: Child,
    verify: PathBuf,
    saslauthd: PathBuf,
}

impl Running {
    /// With its sockets in the site's directory of what is lost at a reboot.
    pub fn start(site: &Site) -> Self {
        Self::with(site, "")
    }

    /// The same with more lines in the table `[daemon]`.
    pub fn with(site: &Site, lines: &str) -> Self {
        let (verify, saslauthd) = (site.path("run/verify"), site.path("run/mux"));
        let path = site.path("etc/postern.toml");
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("[daemon]").next().unwrap();
        let sockets = format!("[daemon]\nverify = [{verify:?}]\nsaslauthd = [{saslauthd:?}]\n{lines}\n");
        fs::write(&path, format!("{text}{sockets}")).unwrap();
        let child = command(site).spawn().unwrap();
        let running = Self { child, verify, saslauthd };
        running.await_socket();
        running
    }

    fn await_socket(&self) {
        for _ in 0..500 {
            if UnixStream::connect(&self.saslauthd).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("posternd does not listen");
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// As a service manager starts it: with a listening socket of the manager's.
    pub fn activated(site: &Site, socket: &std::os::fd::OwnedFd) -> Child {
        let mut command = Command::new("sh");
        let script = r#"exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=verify exec "$@""#;
        command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_posternd"), "--config"]);
        command.arg(site.path("etc/postern.toml")).stdin(Stdio::from(socket.try_clone().unwrap()));
        command.spawn().unwrap()
    }

    /// Octets of memory that it and its workers have in use.
    pub fn memory(&self) -> u64 {
        let of_one = |pid: u32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or("0");
            line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
        };
        self.workers().into_iter().chain([self.child.id()]).map(of_one).sum()
    }

    /// The pids of its workers.
    pub fn workers(&self) -> Vec<u32> {
        let found = Command::new("pgrep").args(["-P", &self.child.id().to_string()]).output().unwrap();
        String::from_utf8(found.stdout).unwrap().lines().map(|pid| pid.parse().unwrap()).collect()
    }

    /// Writes to the verify socket whatever it may be; what comes back.
    pub fn say(&self, packet: &[u8]) -> Vec<u8> {
        let socket = self.connection();
        send(&socket, packet, SendFlags::NOSIGNAL).unwrap();
        let mut answer = vec![0; 64];
        match recv(&socket, answer.as_mut_slice(), RecvFlags::empty()) {
            Ok((_, length)) => answer.truncate(length),
            Err(_) => answer.clear(),
        }
        answer
    }

    pub fn connection(&self) -> std::os::fd::OwnedFd {
        let socket =
            socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        connect(&socket, &SocketAddrUnix::new(&self.verify).unwrap()).unwrap();
        socket
    }

    /// One question in saslauthd's language, in pieces of this length.
    pub fn saslauthd(&self, strings: [&str; 4], piece: usize) -> String {
        use std::io::Read;
        let mut stream = UnixStream::connect(&self.saslauthd).unwrap();
        let counted =
            |text: &str| [&u16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat();
        let request: Vec<u8> = strings.iter().flat_map(|text| counted(text)).collect();
        for octets in request.chunks(piece) {
            stream.write_all(octets).unwrap();
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(usize::from(u16::from_be_bytes([answer[0], answer[1]])), answer.len() - 2);
        String::from_utf8(answer[2..].to_vec()).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The daemon for a site, not started yet.
pub fn command(site: &Site) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_posternd"));
    command.arg("--config").arg(site.path("etc/postern.toml"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Makes a PAM service whose module asks the daemon.
pub fn service(site: &Site, name: &str) {
    let socket = site.path("run/verify");
    let line = format!("required {} socket={}", super::site::module().display(), socket.display());
    site.write(&format!("services/{name}"), &format!("auth {line}\naccount {line}\n"));
}
