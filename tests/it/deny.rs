//! The rules of `deny.toml`, checked without cargo-deny and without a network.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::workspace::{metadata, packages, read};

#[test]
fn every_licence_is_allowed() {
    let rules = rules();
    let allowed: Vec<_> = texts(&rules["licenses"]["allow"]).collect();
    let refused: Vec<_> = everything()
        .into_iter()
        .filter(is_someones)
        .filter(|package| !package["license"].as_str().is_some_and(|licence| is_allowed(licence, &allowed)))
        .map(|package| format!("{}: {}", label(package), package["license"]))
        .collect();
    assert!(refused.is_empty(), "licences that deny.toml does not allow: {refused:#?}");
}

#[test]
fn no_crate_that_is_banned_is_shipped() {
    let rules = rules();
    let banned: Vec<_> = rules["bans"]["deny"].as_array().expect("a list").iter().map(|ban| text(&ban["name"])).collect();
    assert!(!banned.is_empty());
    let found: Vec<_> = shipped().into_iter().filter(|package| banned.contains(&name(package))).map(label).collect();
    assert!(found.is_empty(), "banned in deny.toml: {found:?}");
}

#[test]
fn a_crate_that_we_name_is_shipped_in_one_version() {
    let mut versions = BTreeMap::<&str, BTreeSet<&str>>::new();
    for package in shipped() {
        versions.entry(name(package)).or_default().insert(text_of(&package["version"]));
    }
    let ours = packages();
    let named = ours.iter().filter(|package| package.is_published).filter_map(|package| package.manifest.get("dependencies"));
    let named: BTreeSet<_> = named.filter_map(toml::Value::as_table).flat_map(toml::Table::keys).map(String::as_str).collect();
    assert!(named.contains("tracing-core"), "the dependencies were not found: {named:?}");
    let several: Vec<_> = versions.iter().filter(|(name, found)| named.contains(*name) && found.len() > 1).collect();
    assert!(several.is_empty(), "in several versions: {several:?}");
}

/// One toolchain cannot show more: that the code itself needs no newer one is a lint of clippy, `incompatible_msrv`.
#[test]
fn nothing_that_is_shipped_needs_a_newer_rust_than_we_say() {
    let manifest: toml::Table = read("Cargo.toml").parse().expect("a manifest");
    let ours = release(text(&manifest["workspace"]["package"]["rust-version"]));
    let declared: Vec<_> =
        shipped().into_iter().filter_map(|package| Some((package, package["rust_version"].as_str()?))).collect();
    assert!(declared.len() > 50, "the versions were not found");
    let newer = declared.iter().filter(|(_, version)| release(version) > ours);
    let newer: Vec<_> = newer.map(|(package, version)| format!("{} needs {version}", label(package))).collect();
    assert!(newer.is_empty(), "{newer:#?}");
}

#[test]
fn a_release_is_compared_by_its_numbers() {
    assert!(
        release("1.100") > release("1.89.1") && release("1.89.1") > release("1.89") && release("1.89.0") == release("1.89")
    );
}

#[test]
fn every_crate_comes_from_here_or_from_crates_io() {
    let strangers: Vec<_> = metadata_list("packages")
        .filter(|package| package["source"].as_str().is_some_and(|source| !source.ends_with("/crates.io-index")))
        .map(|package| format!("{}: {}", label(package), package["source"]))
        .collect();
    assert!(strangers.is_empty(), "from elsewhere: {strangers:#?}");
}

#[test]
fn every_dependency_outside_the_workspace_says_which_version() {
    let open: Vec<_> = metadata_list("packages")
        .filter(|package| package["source"].is_null())
        .flat_map(|package| package["dependencies"].as_array().expect("a list"))
        .filter(|dependency| dependency["path"].is_null() && dependency["req"] == "*")
        .map(name)
        .collect();
    assert!(open.is_empty(), "any version will do for: {open:?}");
}

#[test]
fn a_licence_expression_is_read_as_spdx_does() {
    let allowed = ["MIT", "Apache-2.0", "Unicode-3.0"];
    for licence in ["MIT", "MIT OR GPL-3.0", "GPL-3.0/MIT", "(MIT OR GPL-3.0) AND Unicode-3.0", "GPL-3.0 OR MIT AND Apache-2.0"]
    {
        assert!(is_allowed(licence, &allowed), "{licence}");
    }
    for licence in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND GPL-3.0", "Apache-2.0 WITH LLVM-exception", ""] {
        assert!(!is_allowed(licence, &allowed), "{licence}");
    }
}

fn rules() -> toml::Table {
    read("deny.toml").parse().expect("deny.toml is TOML")
}

fn text(value: &toml::Value) -> &str {
    value.as_str().expect("a text")
}

fn texts(value: &toml::Value) -> impl Iterator<Item = &str> {
    value.as_array().expect("a list").iter().map(text)
}

fn text_of(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The numbers of a version of Rust, of which the last may be left out.
fn release(version: &str) -> [u64; 3] {
    let mut numbers = version.split('.').map(|number| number.parse().expect("a number"));
    std::array::from_fn(|_| numbers.next().unwrap_or(0))
}

fn name(package: &Value) -> &str {
    text_of(&package["name"])
}

fn label(package: &Value) -> String {
    format!("{} {}", name(package), text_of(&package["version"]))
}

fn metadata_list(key: &str) -> impl Iterator<Item = &'static Value> {
    metadata()[key].as_array().expect("a list").iter()
}

/// Every package that is needed to work on the project, those for tests included; only what `[graph] exclude` names is left out.
fn everything() -> Vec<&'static Value> {
    let rules = rules();
    let excluded: Vec<_> = texts(&rules["graph"]["exclude"]).collect();
    reachable(|package| !excluded.contains(&name(package)), |_| true)
}

/// The packages that users of the published crates build.
fn shipped() -> Vec<&'static Value> {
    reachable(is_published, is_needed)
}

/// The packages of the workspace that `is_start` picks, and all that they depend on in a way that `counts`.
fn reachable(is_start: impl Fn(&Value) -> bool, counts: impl Fn(&Value) -> bool) -> Vec<&'static Value> {
    let nodes = metadata()["resolve"]["nodes"].as_array().expect("a list");
    let nodes: BTreeMap<&str, &Value> = nodes.iter().map(|node| (text_of(&node["id"]), node)).collect();
    let ours = metadata_list("packages").filter(|package| package["source"].is_null());
    let mut open: Vec<&str> = ours.filter(|package| is_start(package)).map(|package| text_of(&package["id"])).collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            let dependencies = nodes[id]["deps"].as_array().expect("a list").iter();
            open.extend(dependencies.filter(|dependency| counts(dependency)).map(|dependency| text_of(&dependency["pkg"])));
        }
    }
    metadata_list("packages").filter(|package| reached.contains(text_of(&package["id"]))).collect()
}

/// Not one of the packages that never leave this workspace.
fn is_someones(package: &&Value) -> bool {
    !package["source"].is_null() || is_published(package)
}

fn is_published(package: &Value) -> bool {
    package["publish"].is_null()
}

/// More than a development dependency.
fn is_needed(dependency: &Value) -> bool {
    dependency["dep_kinds"].as_array().expect("a list").iter().any(|kind| kind["kind"] != "dev")
}

/// Whether an SPDX expression can be met with the allowed licences; `/` is how old crates write `OR`.
fn is_allowed(licence: &str, allowed: &[&str]) -> bool {
    let spaced = licence.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut expression = Expression { words: &words, allowed };
    !words.is_empty() && expression.any() && expression.words.is_empty()
}

struct Expression<'a> {
    words: &'a [&'a str],
    allowed: &'a [&'a str],
}

impl Expression<'_> {
    fn takes(&mut self, word: &str) -> bool {
        let Some((_, rest)) = self.words.split_first().filter(|(first, _)| **first == word) else { return false };
        self.words = rest;
        true
    }

    fn any(&mut self) -> bool {
        let mut met = self.all();
        while self.takes("OR") {
            met |= self.all();
        }
        met
    }

    fn all(&mut self) -> bool {
        let mut met = self.one();
        while self.takes("AND") {
            met &= self.one();
        }
        met
    }

    /// One licence, perhaps with an exception (which makes another licence of it), or an expression in parentheses.
    fn one(&mut self) -> bool {
        if self.takes("(") {
            let met = self.any();
            return self.takes(")") && met;
        }
        let Some((licence, rest)) = self.words.split_first() else { return false };
        self.words = rest;
        if self.takes("WITH") {
            let Some((exception, rest)) = self.words.split_first() else { return false };
            self.words = rest;
            return self.allowed.contains(&format!("{licence} WITH {exception}").as_str());
        }
        self.allowed.contains(licence)
    }
}
