//! Somebody who listens where posternd should.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept, bind, listen, recv,
    send, socket_with,
};

/// What posternd says to grant.
pub const GRANT: &[u8] = b"\x01G";

/// What is no answer, though it may look like one: packets, one after the other.
pub const NO_ANSWERS: &[&[&[u8]]] = &[
    &[],
    &[b""],
    &[b"G"],
    &[b"\x01"],
    &[b"\x01g"],
    &[b"\x02G"],
    &[b"\x01GG"],
    &[b"G\x01"],
    &[b"\x00\x02OK"],
    &[b"\x01G\n"],
    &[b"\x01Gggggggggggggggg"],
    &[&[0xff; 4096]],
    // The first one counts.
    &[b"\x01", GRANT],
    &[b"\x01X", GRANT],
];

/// Answers one question after another with these packets, with root's own socket.
pub fn answer_all(socket: &Path, answers: &'static [&'static [&'static [u8]]]) {
    let listener = listener(socket);
    thread::spawn(move || {
        for packets in answers {
            let peer = accept(&listener).unwrap();
            recv(&peer, [0; 4096].as_mut_slice(), RecvFlags::empty()).unwrap();
            for packet in *packets {
                // Whoever has heard enough may be gone.
                let _ = send(&peer, packet, SendFlags::NOSIGNAL);
            }
        }
    });
}

fn listener(path: &Path) -> OwnedFd {
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    bind(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
    listen(&socket, 16).unwrap();
    socket
}

/// Grants whatever it is asked, and says how long the question was; a user of no account listens.
const GRANTS_ALL: &str = r#"
    use Socket;
    $| = 1;
    my $socket;
    socket($socket, AF_UNIX, SOCK_SEQPACKET, 0) and bind($socket, pack_sockaddr_un($ARGV[0]))
        and listen($socket, 16) or die "$!";
    print "listens\n";
    while (accept(my $peer, $socket)) {
        recv($peer, my $question, 4096, 0);
        print length($question), "\n";
        send($peer, "\1G", MSG_NOSIGNAL);
    }
"#;

/// One who is neither root nor `_postern`.
pub struct Stranger(Child);

impl Stranger {
    /// In a directory in which anybody may make a socket.
    pub fn listens(socket: &Path) -> Self {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--clear-groups", "perl", "-e", GRANTS_ALL]).arg(socket);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = [0; 8];
        child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
        assert_eq!(&line, b"listens\n");
        Self(child)
    }

    /// How many octets it was told, by each of those who came.
    pub fn heard(mut self) -> Vec<usize> {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        let told = BufReader::new(self.0.stdout.take().unwrap());
        told.lines().map(|line| line.unwrap().parse().unwrap()).collect()
    }
}
