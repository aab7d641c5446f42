//! Dovecot's auth client protocol 1.2, as imap-login speaks it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use super::support::command::must_with;

/// Requests under way at a time: enough to keep two cores busy.
pub const AT_ONCE: u32 = 4;

pub struct AuthClient {
    requests: UnixStream,
    replies: BufReader<UnixStream>,
    next: u32,
}

impl AuthClient {
    pub fn connect() -> Self {
        let mut requests = UnixStream::connect("/run/dovecot/auth-client").unwrap();
        let mut replies = BufReader::new(requests.try_clone().unwrap());
        requests.write_all(b"VERSION\t1\t2\nCPID\t4711\n").unwrap();
        let mut line = String::new();
        while line != "DONE\n" {
            line.clear();
            assert_ne!(replies.read_line(&mut line).unwrap(), 0, "auth closed the connection");
        }
        Self { requests, replies, next: 1 }
    }

    /// Logs in so often, always with as many under way; every one must pass.
    pub fn log_in(&mut self, account: &str, secret: &str, times: u32) {
        let plain = must_with("base64 -w0", &format!("\0{account}\0{secret}"));
        let mut under_way = 0;
        let mut to_send = times;
        while to_send > 0 || under_way > 0 {
            while to_send > 0 && under_way < AT_ONCE {
                self.send(plain.trim());
                (to_send, under_way) = (to_send - 1, under_way + 1);
            }
            self.receive();
            under_way -= 1;
        }
    }

    fn send(&mut self, plain: &str) {
        let id = self.next;
        self.next += 1;
        let request = format!("AUTH\t{id}\tPLAIN\tservice=imap\tsecured\trip=127.0.0.1\tresp={plain}\n");
        self.requests.write_all(request.as_bytes()).unwrap();
    }

    fn receive(&mut self) {
        let mut line = String::new();
        self.replies.read_line(&mut line).unwrap();
        assert!(line.starts_with("OK\t"), "{line}");
    }
}
