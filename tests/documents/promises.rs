//! SECURITY.md: each test that it names is there.

use std::fs;
use std::path::Path;

use super::blocks;

#[test]
fn every_test_that_shows_a_promise_is_there() {
    let mut count = 0;
    for (place, code) in blocks::inline() {
        let Some((target, fact)) = code.split_once("::").filter(|_| place.starts_with("SECURITY.md")) else {
            continue;
        };
        if (target, fact) == ("target", "fact") {
            continue;
        }
        let sources = match target {
            "lib" => texts(Path::new("src")),
            folder if Path::new("tests").join(folder).is_dir() => texts(&Path::new("tests").join(folder)),
            file => {
                fs::read_to_string(format!("tests/{file}.rs")).unwrap_or_else(|_| panic!("{place}: {target}"))
            }
        };
        let there = [
            format!("fn {fact}("),
            format!("(\"{fact}\", "),
            format!("\n{fact}() {{"),
            format!("\n    {fact}:"),
        ]
        .iter()
        .any(|way| sources.contains(way));
        assert!(there, "{place}: there is no {code}");
        count += 1;
    }
    assert!(80 < count, "{count}");
}

#[test]
fn every_promise_is_kept_by_a_test_or_said_not_to_be_promised_yet() {
    let text = fs::read_to_string("SECURITY.md").unwrap();
    let (kept, not_yet) = text.split_once("Not promised yet:").unwrap_or((&text, ""));
    for number in 1..=25 {
        let name = format!("P-{number:02}");
        let part = kept.split(&format!("**{name} ")).nth(1);
        let shown = part.is_some_and(|part| part.split("**P-").next().unwrap().contains("\n- `"));
        assert!(shown != not_yet.contains(&name), "{name}");
    }
}

fn texts(folder: &Path) -> String {
    let mut text = String::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        text += &if path.is_dir() { texts(&path) } else { fs::read_to_string(&path).unwrap_or_default() };
    }
    text
}
