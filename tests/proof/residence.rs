//! What a thousand logins leave behind in the process of their host: nothing.

use std::io::Write;

use crate::site::{PRIMARY, Site, authenticate_code, code_at, now};
use crate::world::{IMAP, MAIL, SUCCESS};
use crate::{Fact, Size};

pub const FACTS: &[Fact] =
    facts![a_host_is_after_a_thousand_logins_as_it_was_before, a_host_whose_primaries_pam_checks_is_too,];

/// After this many the memory that a module keeps is all there.
const WARM: usize = 100;

/// Without its caches, which fill up little by little, malloc(3) can say to the octet what is in use.
const EXACT: &str = "export GLIBC_TUNABLES=glibc.malloc.tcache_count=0";

/// Kilobytes by which the kernel's count of resident pages may be behind: it keeps a share for each processor.
const ROUNDING: u64 = 256;

fn a_host_is_after_a_thousand_logins_as_it_was_before(size: Size) -> String {
    let site = Site::with_alice();
    site.service(IMAP, "");
    let phone = site.app_password("alice", "phone", MAIL);
    let gone = site.app_password("alice", "gone", MAIL);
    site.revoke("alice", "gone");
    let coded = format!("{PRIMARY}{}", code_at(now()));
    let secrets = [phone.as_str(), &gone, "x7qm-2x9d-r4fw-8hzn-pt3c", &coded, PRIMARY, "wrong"];
    unchanged(&site, &secrets, size)
}

fn a_host_whose_primaries_pam_checks_is_too(size: Size) -> String {
    let site = Site::new();
    site.pam_account("alice");
    site.totp("alice", "totp");
    site.service(IMAP, "");
    site.script("check", &format!("read -r given\n[ \"$given\" = '{PRIMARY}' ]"));
    let asks = format!("auth required pam_exec.so quiet expose_authtok {}\n", site.path("check").display());
    site.write("etc/pam.d/primary", &format!("{asks}account required pam_permit.so\n"));
    let phone = site.app_password("alice", "phone", MAIL);
    let coded = format!("{PRIMARY}{}", code_at(now()));
    unchanged(&site, &[phone.as_str(), &coded, PRIMARY, "wrong"], size)
}

fn unchanged(site: &Site, secrets: &[&str], size: Size) -> String {
    let (warm, logins) = (size.of(WARM / 10, WARM), size.of(50, 1000));
    let words = [format!("times={logins}"), format!("census={warm}"), "lines".into(), "setcred".into()];
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut host = site.pam_host_in(EXACT, IMAP, "alice", &words);
    let lines: String = secrets.iter().cycle().take(logins).map(|secret| format!("{secret}\n")).collect();
    host.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let said = String::from_utf8(host.wait_with_output().unwrap().stdout).unwrap();
    let beginning = |word: &str| said.lines().filter(|line| line.starts_with(word)).collect::<Vec<_>>();
    let (answers, censuses, memory) =
        (beginning("authenticate="), beginning("census "), beginning("memory "));
    let granted = answers.iter().filter(|line| authenticate_code(line) == SUCCESS).count();
    assert_eq!((answers.len(), censuses.len(), memory.len()), (logins, 3, 3), "{said}");
    assert!(logins / secrets.len() <= granted, "{granted} of {logins}");
    let [before, early, after] = censuses[..] else { unreachable!() };
    assert_eq!((before, before), (early, after));
    let [early, after] = [memory[1], memory[2]].map(Memory::read);
    assert_eq!((early.data, early.used), (after.data, after.used), "it grows: {memory:#?}");
    assert!(after.resident <= early.resident + ROUNDING, "it grows: {memory:#?}");
    format!(
        "{logins} logins, {granted} granted; after {warm} of them {} kB resident, {} kB data, {} octets in use; \
         after all {}, {}, {}",
        early.resident, early.data, early.used, after.resident, after.data, after.used
    )
}

/// `memory VmRSS: 1234 kB VmData: 567 kB used: 89`
struct Memory {
    resident: u64,
    data: u64,
    used: u64,
}

impl Memory {
    fn read(line: &str) -> Self {
        let mut numbers = line.split_whitespace().filter_map(|word| word.parse().ok());
        let mut next = || numbers.next().unwrap();
        Self { resident: next(), data: next(), used: next() }
    }
}
