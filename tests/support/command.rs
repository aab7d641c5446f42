//! Runs one program to its end. Secrets go in by stdin, never by argument.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

/// What a program left behind.
#[derive(Debug)]
pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// The result on stdout, without the end of the line; anything but success stops the test.
    #[track_caller]
    pub fn result(self) -> String {
        assert_eq!(self.status, 0, "it should have succeeded: {self:#?}");
        self.stdout.trim_end().to_owned()
    }
}

/// Far longer than anything here takes, so that a hanging program fails its own test and no other.
const DEADLINE: &str = "30";

#[track_caller]
pub fn run(program: &str, arguments: &[&str], stdin: &str) -> Run {
    run_within(DEADLINE, program, arguments, stdin)
}

/// The same for one that takes long; the deadline is in seconds.
#[track_caller]
pub fn run_within(deadline: &str, program: &str, arguments: &[&str], stdin: &str) -> Run {
    let mut child = Command::new("timeout")
        .args([deadline, program])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("timeout(1) starts");
    let mut pipe = child.stdin.take().expect("stdin is a pipe");
    let text = stdin.to_owned();
    // A program may end without reading; that is its right, and shows in its status.
    let writer = thread::spawn(move || drop(pipe.write_all(text.as_bytes())));
    let output = child.wait_with_output().expect("the program ends");
    writer.join().expect("the writer does not panic");
    Run {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// For the rig's own steps, which may not fail.
#[track_caller]
pub fn must(line: &str) -> String {
    must_with(line, "")
}

#[track_caller]
pub fn must_with(line: &str, stdin: &str) -> String {
    let done = run("sh", &["-euc", line], stdin);
    assert_eq!(done.status, 0, "{line}\n{}{}", done.stdout, done.stderr);
    done.stdout
}
