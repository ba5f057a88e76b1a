//! Who may import whom: the table of `docs/architecture.md`.

use std::collections::BTreeSet;

use crate::workspace::{Package, crates, read};

/// A crate, those of ours that it may use, and those of others.
const IMPORTS: &[(&str, &[&str], &[&str])] = &[
    (
        "core",
        &[],
        &["loom", "metrics", "rmp", "rustix", "serde", "serde_json", "spin", "time", "tracing-core", "tracing-subscriber"],
    ),
    ("delivery", &["core"], &["fastrand", "native-tls", "tokio", "tokio-native-tls"]),
    ("event-log", &["core"], &["windows-sys"]),
    ("http", &["core", "delivery"], &["flate2", "http-body-util", "hyper", "hyper-util", "serde_json", "time", "tokio"]),
    ("queue", &["core"], &["crossbeam-channel", "tokio"]),
    ("file", &["core"], &["flate2", "hostname", "libc", "tracing-subscriber", "winapi-util", "zstd"]),
    ("log-receiver", &["core", "receiver", "rotating-file", "stream", "timed-rotating-file"], &["tokio"]),
    ("memory", &["core"], &[]),
    ("receiver", &["core", "socket"], &["native-tls", "serde", "serde_json", "socket2", "time", "tokio", "tokio-native-tls"]),
    ("rotating-file", &["core", "file"], &[]),
    ("timed-rotating-file", &["core", "file"], &["time"]),
    ("smtp", &["core", "delivery"], &["lettre", "tokio"]),
    ("socket", &["core", "delivery"], &[]),
    ("stream", &["core"], &["tracing-subscriber"]),
    ("syslog", &["core", "delivery"], &["hostname", "tokio"]),
    (
        "facade",
        &[
            "core",
            "delivery",
            "event-log",
            "file",
            "http",
            "memory",
            "queue",
            "receiver",
            "rotating-file",
            "smtp",
            "socket",
            "stream",
            "syslog",
            "timed-rotating-file",
        ],
        &[],
    ),
];

#[test]
fn a_crate_imports_only_what_it_may() {
    let published = crates().into_iter().filter(|package| package.is_published);
    let broken: Vec<_> = published.flat_map(|package| forbidden_imports(&package)).collect();
    assert!(broken.is_empty(), "the table of imports in docs/architecture.md does not allow:\n{broken:#?}");
}

/// The table is for people, [`IMPORTS`] for the tests: they say the same of all crates that are not ours.
#[test]
fn the_map_names_the_imports_that_are_allowed() {
    let map = read("docs/architecture.md");
    let known: BTreeSet<_> = IMPORTS.iter().flat_map(|(.., others)| others.iter().copied()).collect();
    for (name, _, others) in IMPORTS {
        let row = map.lines().find(|line| line.starts_with(&format!("| {name} |")) && line.split('|').count() == 7);
        let row = row.unwrap_or_else(|| panic!("docs/architecture.md: no row of imports for {name}"));
        let outside = row.split('|').nth(5).unwrap_or_default();
        let words = outside.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
        let named: BTreeSet<_> = words.filter(|word| known.contains(word)).collect();
        let allowed: BTreeSet<_> = others.iter().copied().collect();
        assert_eq!(named, allowed, "docs/architecture.md and tests/it/imports.rs: what {name} may import");
    }
}

fn forbidden_imports(package: &Package) -> Vec<String> {
    let folder = package.folder.trim_start_matches("crates/");
    let Some((_, ours, others)) = IMPORTS.iter().find(|(name, ..)| *name == folder) else {
        return vec![format!("{folder} is not in the table of tests/it/imports.rs")];
    };
    let ours: Vec<_> = ours.iter().map(|name| format!("tracing-handlers-{name}")).collect();
    let is_allowed = |name: &String| ours.contains(name) || others.contains(&name.as_str());
    imports(&package.manifest).into_iter().filter(|name| !is_allowed(name)).map(|name| format!("{folder} → {name}")).collect()
}

/// The names of all dependencies that are not for tests, those of single platforms included.
fn imports(manifest: &toml::Table) -> Vec<String> {
    let of_platforms = manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    let of_platforms = of_platforms.filter_map(|(_, target)| target.as_table());
    let tables = of_platforms.chain([manifest]).flat_map(|table| [table.get("dependencies"), table.get("build-dependencies")]);
    tables.flatten().filter_map(toml::Value::as_table).flat_map(toml::Table::keys).cloned().collect()
}

#[test]
fn a_forbidden_import_is_found_also_where_it_is_for_one_platform() {
    let manifest =
        "[dependencies]\nserde = \"1\"\n[target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n[dev-dependencies]\ntracing = \"1\"";
    let mut found = imports(&manifest.parse().expect("TOML"));
    found.sort();
    assert_eq!(found, ["libc", "serde"]);
}
