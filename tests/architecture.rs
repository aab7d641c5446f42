//! The house as design and `lib.rs` draw it, held against the code.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Folder or file, floor, and whether equals on that floor may know each other.
const HOUSE: [(&str, u8); 18] = [
    ("crypto", 0),
    ("domain", 1),
    ("config", 2),
    ("store", 2),
    ("run", 2),
    ("wire", 2),
    ("audit", 2),
    ("hosts", 2),
    ("verifier", 3),
    ("enrollment", 3),
    ("moving", 3),
    ("probe", 4),
    ("backend", 4),
    ("daemon", 4),
    ("doctor", 4),
    ("ffi", 5),
    ("cli", 5),
    ("bin", 6),
];

#[test]
fn knowledge_points_down() {
    let mut wrong = Vec::new();
    for file in sources() {
        let room = room_of(&file);
        for used in rooms_used(&code_of(&file)) {
            let below = floor(&used) < floor(&room);
            // Authenticators are made in a vault, which is the verifier's.
            let vault = ["enrollment", "moving"].contains(&room.as_str()) && used == "verifier";
            // The daemon's workers are doors like any other.
            let neighbour = vault || (room.as_str(), used.as_str()) == ("daemon", "backend");
            // The command is its own composition root for what C knows.
            if used != room && !below && !neighbour {
                wrong.push(format!("{} uses {used}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_room_is_on_the_plan_and_every_room_on_the_plan_stands() {
    let found: Vec<String> = sources().iter().map(|file| room_of(file)).collect();
    for room in &found {
        floor(room);
    }
    for (room, _) in HOUSE {
        assert!(found.iter().any(|each| each == room), "{room} is drawn and not built");
    }
}

#[test]
fn the_lower_floors_know_no_clock_no_file_no_socket_and_no_c() {
    for file in sources().iter().filter(|file| floor(&room_of(file)) <= 1) {
        let code = code_of(file);
        for word in [
            "SystemTime",
            "Instant",
            "std::fs",
            "std::os",
            "UnixStream",
            "std::env",
            "libc",
            "rusqlite",
            "extern ",
        ] {
            assert!(!code.contains(word), "{} knows {word}", file.display());
        }
    }
}

#[test]
fn unsafe_code_lives_in_ffi_alone() {
    for file in sources().iter().filter(|file| room_of(file) != "ffi") {
        let code = code_of(file);
        assert!(!code.contains("unsafe"), "{}", file.display());
        assert!(!code.contains("allow(unsafe_code"), "{}", file.display());
    }
    for logic in [
        "src/ffi/choice.rs",
        "src/ffi/capi/session.rs",
        "src/ffi/pam/module.rs",
        "src/ffi/pam/outcome.rs",
        "src/ffi/pam/arguments.rs",
        "src/ffi/pam/grant.rs",
        "src/ffi/sasl/module.rs",
        "src/ffi/sasl/outcome.rs",
        "src/ffi/sasl/options.rs",
        "src/ffi/sasl/conversation.rs",
    ] {
        assert!(fs::read_to_string(logic).unwrap().contains("#![forbid(unsafe_code)]"), "{logic}");
    }
}

#[test]
fn one_function_makes_a_grant() {
    let makers: Vec<PathBuf> =
        sources().into_iter().filter(|file| code_of(file).contains("Grant(())")).collect();
    assert_eq!(makers, [PathBuf::from("src/domain/verdict/mod.rs")]);
    assert_eq!(code_of(&makers[0]).matches("Verdict::Grant(Grant(()))").count(), 1);
}

#[test]
fn no_statement_is_put_together_from_foreign_text() {
    for file in sources().iter().filter(|file| room_of(file) == "store") {
        let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE "];
        let formatted =
            |line: &&str| line.contains("format!(") && verbs.iter().any(|verb| line.contains(verb));
        for line in code_of(file).lines().filter(formatted) {
            let ours = line.matches("{COLUMNS}").count() + line.matches("{FIND}").count();
            assert_eq!(line.matches('{').count(), ours, "{}: {line}", file.display());
        }
        assert!(!code_of(file).contains("LIKE"), "{}", file.display());
        assert!(!code_of(file).contains("GLOB"), "{}", file.display());
    }
}

#[test]
fn the_permit_table_is_the_one_of_the_readme() {
    use postern::domain::self_service::{ACTOR, PERMISSIONS, SUBJECT};
    let readme = fs::read_to_string("README.md").unwrap();
    let section = readme.split("## Users help themselves").nth(1).unwrap().split("\n## ").next().unwrap();
    let told: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let rows =
        PERMISSIONS.map(|row| format!("| `{}` | {ACTOR} | {SUBJECT} | {} |", row.name, row.proof.words()));
    assert_eq!(told, rows);
    let rig = fs::read_to_string("tests/support/servers.rs").unwrap();
    let installs: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("sudo sed ")).collect();
    assert_eq!(installs.len(), 1);
    assert!(rig.contains(installs[0]), "{installs:?}");
}

#[test]
fn the_rig_is_installed_by_the_commands_of_the_readme() {
    let readme = fs::read_to_string("README.md").unwrap();
    let rig = fs::read_to_string("tests/support/servers.rs").unwrap().replace("\\\"", "\"");
    // The rig has all submission services at once, on ports of their own.
    let rig = rig.replace("{SASLAUTHD_PORT}", "submission");
    let installs =
        |line: &&str| ["sudo install ", "sudo sed ", "sudo sh "].iter().any(|verb| line.starts_with(verb));
    let steps = readme.split("To go back").next().unwrap();
    let commands: Vec<&str> =
        steps.lines().filter(installs).filter_map(|line| line.strip_prefix("sudo ")).collect();
    assert_eq!(commands.len(), 4);
    let of_sasl = readme.split("## Postfix by itself").nth(1).unwrap().split("\n## ").next().unwrap();
    let of_sasl: Vec<&str> =
        of_sasl.lines().filter(installs).filter_map(|line| line.strip_prefix("sudo ")).collect();
    assert_eq!(of_sasl.len(), 6);
    for command in commands.iter().chain(&of_sasl) {
        assert!(rig.contains(command), "{command}");
    }
    let shell = fs::read_to_string("tests/compliance/shell.rs").unwrap();
    // The way back is tried by tests/documents/uninstall.rs.
    let asks = |line: &&str| line.contains("pam_postern.so") && !line.contains("/@include common-auth/");
    let hosts: Vec<&str> = readme.lines().filter(|line| asks(line) && installs(line)).collect();
    assert_eq!(hosts.len(), 3);
    for command in hosts.iter().filter_map(|line| line.strip_prefix("sudo ")) {
        assert!(shell.contains(command), "{command}");
    }
}

#[test]
fn the_unit_lets_posternd_make_every_socket_that_the_configuration_or_the_readme_names() {
    let unit = fs::read_to_string("packaging/systemd/postern.service").unwrap();
    let writable = unit.lines().find_map(|line| line.strip_prefix("ReadWritePaths=")).unwrap();
    let shipped = fs::read_to_string("packaging/etc/postern.toml").unwrap();
    let readme = fs::read_to_string("README.md").unwrap();
    let sockets: Vec<&str> = [shipped.as_str(), &readme]
        .iter()
        .flat_map(|text| text.lines())
        .filter(|line| ["verify = [", "saslauthd = [", "manage = ["].iter().any(|key| line.contains(key)))
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .collect();
    assert!(4 <= sockets.len(), "{sockets:?}");
    for socket in sockets {
        let is_below = |place: &str| socket.starts_with(&format!("{}/", place.trim_start_matches('-')));
        assert!(writable.split(' ').any(is_below), "{socket} in {writable}");
    }
}

fn floor(room: &str) -> u8 {
    HOUSE.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("{room} is not on the plan")).1
}

/// `src/store/mod.rs` is in `store`, `src/audit.rs` in `audit`.
fn room_of(file: &Path) -> String {
    let inside = file.strip_prefix("src").unwrap();
    inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

fn rooms_used(code: &str) -> Vec<String> {
    ["crate::", "postern::"]
        .iter()
        .flat_map(|prefix| code.split(prefix).skip(1))
        .map(|rest| rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect())
        .collect()
}

/// Without comments and without the tests at the end.
fn code_of(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path != Path::new("src/lib.rs") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 20);
    found
}
