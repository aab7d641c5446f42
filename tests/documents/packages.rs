//! What the scripts of the Debian packages know, held against what is packaged.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

#[test]
fn a_purge_takes_away_the_service_files_of_the_package_and_no_others() {
    let script = fs::read_to_string("packaging/debian/postern.postrm").unwrap();
    let listed = script.split("for service in ").nth(1).unwrap().split(';').next().unwrap();
    let listed: BTreeSet<String> = listed.split_whitespace().map(|name| format!("postern-{name}")).collect();
    let files = fs::read_dir("packaging/etc/pam.d").unwrap();
    let packaged: BTreeSet<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(listed, packaged);
    assert!(!script.contains("postern-*\n"), "no pattern is deleted");
}

#[test]
fn names_that_processes_give_themselves_reach_no_terminal_raw() {
    for package in ["libpam-postern", "libsasl2-modules-postern"] {
        let script = fs::read_to_string(format!("packaging/debian/{package}.postinst")).unwrap();
        let filter = script.lines().find(|line| line.trim_start().starts_with("done | ")).unwrap();
        let filter = filter.trim_start().trim_start_matches("done | ");
        let named = format!("printf 'dovecot.service\\nx\\033]0;y\\007\\302\\233z\\n' | {filter}");
        let shown = Command::new("sh").args(["-c", &named]).output().unwrap();
        assert_eq!(String::from_utf8(shown.stdout).unwrap(), "dovecot.service\nx]0;yz\n", "{package}");
    }
}
