//! What the scripts of the Debian packages know, held against what is packaged.

use std::collections::BTreeSet;
use std::fs;

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
