//! A disk that is full or read-only: app passwords pass, what must be written down is refused, nothing is lost.

use crate::Fact;
use crate::support::change::and_then;
use crate::support::clients::Protocol;
use crate::support::command::{Run, must, must_with};
use crate::support::people::{PRIMARY, Person, postern};
use crate::support::rig::{Rig, all_at_once};

pub const FACTS: &[Fact] = facts![
    on_a_full_disk_app_passwords_pass_and_no_change_is_half_made,
    on_a_read_only_disk_app_passwords_pass_and_nothing_changes,
    on_a_full_disk_for_run_files_no_primary_passes,
    on_a_read_only_disk_for_run_files_no_primary_passes,
    on_a_disk_that_has_run_full_wrong_primaries_are_counted_on,
    on_a_read_only_disk_with_a_journal_nothing_is_believed,
];

const STORE_DIR: &str = "/var/lib/postern";
const STORE: &str = "/var/lib/postern/store.db";
const RUN_DIR: &str = "/run/postern";

fn on_a_full_disk_app_passwords_pass_and_no_change_is_half_made(rig: &mut Rig) {
    on_its_own_disk(STORE_DIR, || {
        let alice = Alice::new(rig);
        fill(STORE_DIR);
        let before = dump();
        alice.only_app_passwords_pass(rig);
        alice.nothing_can_be_changed();
        assert_eq!(dump(), before);
        must(&format!("rm {STORE_DIR}/filler"));
        alice.all_works_again(rig);
    });
}

fn on_a_read_only_disk_app_passwords_pass_and_nothing_changes(rig: &mut Rig) {
    on_its_own_disk(STORE_DIR, || {
        let alice = Alice::new(rig);
        let before = must(&format!("sha256sum {STORE_DIR}/*"));
        must(&format!("mount -o remount,ro {STORE_DIR}"));
        alice.only_app_passwords_pass(rig);
        alice.nothing_can_be_changed();
        assert_eq!(must(&format!("sha256sum {STORE_DIR}/*")), before);
        must(&format!("mount -o remount,rw {STORE_DIR}"));
        alice.all_works_again(rig);
    });
}

fn on_a_full_disk_for_run_files_no_primary_passes(rig: &mut Rig) {
    on_its_own_disk(RUN_DIR, || {
        let alice = Alice::new(rig);
        must(&format!("rm -f {RUN_DIR}/*"));
        fill(RUN_DIR);
        alice.only_app_passwords_pass(rig);
        must(&format!("rm {RUN_DIR}/filler"));
        alice.all_works_again(rig);
    });
}

fn on_a_read_only_disk_for_run_files_no_primary_passes(rig: &mut Rig) {
    on_its_own_disk(RUN_DIR, || {
        let alice = Alice::new(rig);
        must(&format!("mount -o remount,ro {RUN_DIR}"));
        alice.only_app_passwords_pass(rig);
        must(&format!("mount -o remount,rw {RUN_DIR}"));
        alice.all_works_again(rig);
    });
}

/// What is needed for counting has its place on the disk from the start: else a full disk would let strangers guess.
fn on_a_disk_that_has_run_full_wrong_primaries_are_counted_on(rig: &mut Rig) {
    on_its_own_disk(RUN_DIR, || {
        let alice = Alice::new(rig);
        rig.login(Protocol::Imap, &alice.person.name, "before it is full").denied("wrong-primary");
        fill(RUN_DIR);
        rig.login(Protocol::Imap, &alice.person.name, "afterwards").denied("wrong-primary");
        alice.all_works_again(rig);
    });
}

/// A disk that fails in the middle of a change becomes read-only, and the store cannot be brought back to what it was.
fn on_a_read_only_disk_with_a_journal_nothing_is_believed(rig: &mut Rig) {
    on_its_own_disk(STORE_DIR, || {
        let (alice, bob) = (Alice::new(rig), Alice::new(rig));
        postern(&["app", "revoke", &alice.person.name, "phone"], "").result();
        interrupt("UPDATE app_password SET revoked_at = NULL");
        must(&format!("mount -o remount,ro {STORE_DIR}"));
        for person in [&alice, &bob] {
            rig.login(Protocol::Imap, &person.person.name, &person.phone).unavailable();
        }
        must(&format!("mount -o remount,rw {STORE_DIR}"));
        rig.login(Protocol::Imap, &alice.person.name, &alice.phone).denied("revoked");
        bob.all_works_again(rig);
    });
}

/// Leaves store and journal as they lie on the disk in the middle of a transaction whose pages were written out already.
fn interrupt(change: &str) {
    let script = [
        "CREATE TABLE filler (octets); INSERT INTO filler SELECT zeroblob(3000) FROM generate_series(1, 100);",
        "PRAGMA cache_size = 1; BEGIN IMMEDIATE;",
        &format!("{change};"),
        // There is no room in memory for all of this, so that the pages of the change are written out.
        "UPDATE filler SET octets = randomblob(3000);",
        &format!(".system cp {STORE} /run/rig/torn.db && cp {STORE}-journal /run/rig/torn.db-journal"),
        "ROLLBACK;",
    ];
    let put_in_place = format!("cp /run/rig/torn.db {STORE} && cp /run/rig/torn.db-journal {STORE}-journal");
    must_with(&format!("sqlite3 {STORE} && {put_in_place}"), &script.join("\n"));
    let alone = "cp /run/rig/torn.db /run/rig/alone.db && sqlite3 /run/rig/alone.db";
    let revoked = must(&format!("{alone} 'SELECT count(*) FROM app_password WHERE revoked_at IS NOT NULL'"));
    assert_eq!(revoked.trim(), "0", "without its journal the store would believe the change");
}

/// An account with one of everything.
struct Alice {
    person: Person,
    phone: String,
    with_code: String,
    with_recovery_code: String,
}

impl Alice {
    fn new(rig: &Rig) -> Self {
        let person = rig.virtual_person();
        let phone = person.app_password("phone");
        let with_code = format!("{PRIMARY}{}", person.enroll_totp().fresh_code());
        let codes = postern(&["recovery", "new", &person.name], "").result();
        let with_recovery_code = format!("{PRIMARY} {}", codes.lines().next().unwrap());
        Self { person, phone, with_code, with_recovery_code }
    }

    fn only_app_passwords_pass(&self, rig: &Rig) {
        let name = &self.person.name;
        rig.login(Protocol::Imap, name, &self.phone).granted("app-password");
        all_at_once(&[&self.with_code, &self.with_recovery_code], |secret| {
            rig.login(Protocol::Imap, name, secret).unavailable();
        });
    }

    fn nothing_can_be_changed(&self) {
        let name = self.person.name.as_str();
        for words in [
            &["app", "add", name, "--label", "laptop"][..],
            &["app", "revoke", name, "phone"],
            &["app", "rename", name, "phone", "tablet"],
            &["app", "rotate", name, "phone"],
            &["account", "disable", name],
            &["account", "unlock", name],
            &["totp", "remove", name, "totp"],
            &["recovery", "new", name],
        ] {
            let Run { status, stdout, stderr } = postern(words, "");
            assert_eq!((status, stdout.as_str()), (5, ""), "{words:?}: {stderr}");
            assert!(stderr.contains("  hint: "), "{words:?}: {stderr}");
        }
        assert_eq!(must(&format!("sqlite3 -readonly {STORE} 'PRAGMA integrity_check'")).trim(), "ok");
        postern(&["log", "verify"], "").result();
    }

    fn all_works_again(&self, rig: &Rig) {
        let name = &self.person.name;
        rig.login(Protocol::Imap, name, &self.with_code).granted("primary+code");
        rig.login(Protocol::Imap, name, &self.with_recovery_code).granted("primary+recovery");
        rig.login(Protocol::Imap, name, &self.phone).granted("app-password");
        postern(&["app", "revoke", name, "phone"], "").result();
        rig.login(Protocol::Imap, name, &self.phone).denied("revoked");
    }
}

/// Lays a small disk over a directory, with a copy of what is in it.
fn on_its_own_disk(directory: &str, trial: impl FnOnce()) {
    must(&format!(
        "mkdir -p {directory} && rm -rf /run/rig/copy && cp -a {directory} /run/rig/copy &&
        mount -t tmpfs -o size=8m,mode=$(stat -c %a {directory}) disk {directory} &&
        cp -a /run/rig/copy/. {directory}/"
    ));
    and_then(trial, || drop(must(&format!("umount {directory}"))));
}

/// To the last octet.
fn fill(directory: &str) {
    must(&format!(
        "cat /dev/zero >{directory}/filler 2>/dev/null || :
        ! echo more 2>/dev/null >>{directory}/filler"
    ));
}

/// All that is in the store.
fn dump() -> String {
    must(&format!("sqlite3 -readonly {STORE} .dump"))
}
