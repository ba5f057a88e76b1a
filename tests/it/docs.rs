//! The documents: links lead somewhere, tables name what is there.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::workspace::{Package, crates, facade, files, read, root};

#[test]
fn every_link_in_a_document_leads_somewhere() {
    let documents = files(".", ".md");
    assert!(documents.len() > 5, "the documents were not found");
    let broken: Vec<_> = documents.iter().flat_map(|document| broken_links(document)).collect();
    assert!(broken.is_empty(), "links that lead nowhere:\n{broken:#?}");
}

#[test]
fn the_readme_names_every_feature_and_no_other() {
    let readme = read("README.md");
    assert!(readme.contains("`full`"), "the README does not name `full`");
    // It has no row, since the rows are handlers.
    let with_full: BTreeSet<_> = features_in_table(&readme).into_iter().chain(["full".to_owned()]).collect();
    assert_eq!(with_full, facade_features(), "README.md and crates/facade/Cargo.toml");
}

#[test]
fn the_facade_names_every_feature_and_no_other() {
    assert_eq!(features_in_table(&essay("crates/facade")), facade_features(), "crates/facade: src/lib.rs and Cargo.toml");
}

#[test]
fn every_published_crate_begins_with_an_example_that_runs() {
    for package in crates().into_iter().filter(|package| package.is_published) {
        let essay = essay(&package.folder);
        assert!(has_example(&essay), "no example that runs in {}/src/lib.rs", package.folder);
    }
}

#[test]
fn every_crate_begins_with_an_essay() {
    for package in crates() {
        let lines = essay(&package.folder).lines().count();
        assert!(lines > 5, "{}/src/lib.rs says in {lines} lines what it is for", package.folder);
    }
}

#[test]
fn the_front_pages_of_the_published_crates_have_the_same_sections() {
    let published = crates().into_iter().filter(|package| package.is_published);
    let wrong: Vec<_> = published.filter_map(|package| wrong_sections(&package)).collect();
    assert!(wrong.is_empty(), "sections that are missing, not in order or there twice:\n{wrong:#?}");
}

/// What it does, Example, Guarantees, Differs from …, Features, in this order; others may stand in between. Features names them all.
fn wrong_sections(package: &Package) -> Option<String> {
    let essay = essay(&package.folder);
    let found: Vec<_> = prose(&essay).into_iter().filter_map(|(_, line)| line.strip_prefix("# ")).collect();
    let wanted = ["What it does", "Example", "Guarantees", "Differs from", "Features"];
    let wanted = &wanted[..if package.features.is_empty() { 4 } else { 5 }];
    let mut left = found.iter();
    let missing = wanted.iter().find(|wanted| !left.any(|heading| heading.starts_with(**wanted)));
    let (_, features) = essay.split_once("\n# Features\n").unwrap_or_default();
    let unnamed = package.features.iter().find(|feature| !features.contains(&format!("`{feature}`")));
    let twice = wanted.iter().find(|wanted| found.iter().filter(|heading| heading.starts_with(**wanted)).count() > 1);
    match (missing.or(twice), unnamed) {
        (Some(missing), _) => Some(format!("{}/src/lib.rs: {missing}, of {found:?}", package.folder)),
        (None, Some(feature)) => Some(format!("{}/src/lib.rs: feature `{feature}`", package.folder)),
        (None, None) => None,
    }
}

/// Cargo packs what lies in the folder of a crate, and the README that its manifest names.
#[test]
fn every_published_crate_is_packed_with_the_licences_and_what_a_registry_shows() {
    for package in crates().into_iter().filter(|package| package.is_published) {
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            assert_eq!(read(&format!("{}/{licence}", package.folder)), read(licence), "{} in {}", licence, package.folder);
        }
        let fields = package.manifest.get("package").and_then(toml::Value::as_table).expect("[package]");
        for field in ["description", "license", "repository", "readme", "rust-version", "keywords", "categories", "metadata"] {
            assert!(fields.contains_key(field), "{}/Cargo.toml does not name its {field}", package.folder);
        }
    }
}

#[test]
fn the_book_has_every_page_once() {
    let summary = read("docs/SUMMARY.md");
    let mut listed: Vec<_> = links(&summary).into_iter().map(|(_, target)| format!("docs/{target}")).collect();
    listed.sort();
    let pages: Vec<_> = files("docs", ".md").into_iter().filter(|path| path != "docs/SUMMARY.md").collect();
    assert_eq!(listed, pages);
}

#[test]
fn every_picture_is_shown_on_a_page() {
    let pages: Vec<_> = files("docs", ".md").iter().map(|page| read(page)).collect();
    let pictures = files("docs/plots", ".svg");
    assert!(!pictures.is_empty(), "the pictures were not found");
    let unseen: Vec<_> =
        pictures.iter().filter(|picture| !pages.iter().any(|page| page.contains(&picture["docs/".len()..]))).collect();
    assert!(unseen.is_empty(), "on no page: {unseen:?}");
}

/// What lies elsewhere in the repository is not there in the built book.
#[test]
fn no_link_in_the_book_leads_out_of_it() {
    let depth = |document: &str| document.split('/').count() - 2;
    let leads_out = |document: &str, target: &str| target.split('/').filter(|part| *part == "..").count() > depth(document);
    assert!(leads_out("docs/guide/a.md", "../../README.md") && !leads_out("docs/guide/a.md", "../b.md"));
    let pages = files("docs", ".md");
    let all = pages.iter().flat_map(|page| links(&read(page)).into_iter().map(move |(line, target)| (page, line, target)));
    let out: Vec<_> = all.filter(|(page, _, target)| leads_out(page, target)).collect();
    assert!(out.is_empty(), "name the file instead: {out:?}");
}

#[test]
fn every_file_that_the_map_names_is_there() {
    let map = read("docs/architecture.md");
    let names = map.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let files: Vec<_> = names.filter(|name| name.contains('/') && name.ends_with(".rs")).collect();
    assert!(files.len() > 20, "the files were not found");
    let missing: Vec<_> =
        files.iter().filter(|file| !root().join(file).exists() && !root().join("crates").join(file).exists()).collect();
    assert!(missing.is_empty(), "docs/architecture.md names {missing:?}");
}

#[test]
fn a_broken_link_is_found() {
    let text =
        "[a](missing.md) `[b](x.md)` [c](#one--two)\n```\n[d](y.md)\n```\n# One & two\n[e](https://example.org)\n[f]: z.md\n";
    let found: Vec<_> = links(text).into_iter().map(|(line, target)| format!("{line} {target}")).collect();
    assert_eq!(found, ["1 missing.md", "1 #one--two", "6 https://example.org", "7 z.md"]);
    assert_eq!(anchors(text).into_iter().collect::<Vec<_>>(), ["one--two"]);
}

fn facade_features() -> BTreeSet<String> {
    facade().features.into_iter().collect()
}

/// The `//!` lines that a crate begins with.
fn essay(folder: &str) -> String {
    let text = read(&format!("{folder}/src/lib.rs"));
    let lines = text.lines().map_while(|line| line.strip_prefix("//!")).map(|line| line.strip_prefix(' ').unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether one of the fenced blocks is Rust, as those without another name are.
fn has_example(essay: &str) -> bool {
    let fences = essay.lines().filter_map(|line| line.strip_prefix("```"));
    fences.step_by(2).any(|name| ["", "no_run", "rust"].contains(&name))
}

/// The names in code in the column *feature* of the first table that has one.
fn features_in_table(text: &str) -> BTreeSet<String> {
    let cells =
        |line: &str| line.strip_prefix('|').map(|row| row.split('|').map(str::trim).map(str::to_owned).collect::<Vec<_>>());
    let mut rows = text.lines().map(cells);
    let Some(column) = rows.find_map(|row| row?.iter().position(|cell| cell == "feature")) else { return BTreeSet::new() };
    let named = rows.map_while(|row| row).filter_map(|row| row.get(column).cloned());
    // Every second piece between back quotes is code.
    named.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn features_are_found_in_any_column() {
    let text = "| a | feature |\n|---|---|\n| `x` | `one`, `two` |\n| `y` | `three` |\n\n| `z` | `four` |";
    assert_eq!(features_in_table(text).into_iter().collect::<Vec<_>>(), ["one", "three", "two"]);
}

fn broken_links(document: &str) -> Vec<String> {
    let text = read(document);
    let relative = links(&text).into_iter().filter(|(_, target)| !target.contains("://") && !target.starts_with("mailto:"));
    relative
        .filter(|(_, target)| !leads_somewhere(document, target))
        .map(|(line, target)| format!("{document}:{line}: {target}"))
        .collect()
}

fn leads_somewhere(document: &str, target: &str) -> bool {
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let beside = Path::new(document).parent().unwrap_or(Path::new(""));
    let Some(path) = (if path.is_empty() { Some(PathBuf::from(document)) } else { normal(&beside.join(path)) }) else {
        return false;
    };
    if !root().join(&path).exists() {
        return false;
    }
    let is_document = path.extension().is_some_and(|ending| ending == "md");
    anchor.filter(|_| is_document).is_none_or(|anchor| anchors(&read(&path.to_string_lossy())).contains(anchor))
}

/// The path without `.` and `..`; nothing where it leaves the repository.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir if normal.pop() => {}
            _ => return None,
        }
    }
    Some(normal)
}

/// Lines outside of fenced blocks, with their numbers.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    });
    lines.collect()
}

/// Targets of `[…](target)` and `[…]: target`, with their lines; what stands in code is no link.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        let plain: String = line.split('`').step_by(2).collect();
        let inline = plain.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
        let reference = plain.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
        let targets = inline.chain(reference).filter_map(|target| target.split_whitespace().next());
        found.extend(targets.map(|target| (number, target.to_owned())));
    }
    found
}

/// The names that headings get: lower case, spaces become hyphens, punctuation vanishes.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).into_iter().filter_map(|(_, line)| {
        let heading = line.trim_start_matches('#');
        line.starts_with('#').then(|| heading.strip_prefix(' ')).flatten()
    });
    headings.map(anchor).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|char| char.is_alphanumeric() || [' ', '-', '_'].contains(char));
    kept.flat_map(char::to_lowercase).map(|char| if char == ' ' { '-' } else { char }).collect()
}
