//! What is in the workspace: its packages as cargo sees them, its files as they are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

use serde_json::Value;

use crate::rust_text;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder above this package")
}

/// A file's text; the path is relative to the root.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("read {path}: {error}"))
}

/// The relative paths of all files below `folder` whose names end so, in order, without what git does not keep.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    collect(&root().join(folder), ending, &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, ending: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("list {}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if path.is_dir() {
            if name != "target" && name != ".git" {
                collect(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            let relative = path.strip_prefix(root()).expect("below the root");
            found.push(relative.to_string_lossy().replace('\\', "/"));
        }
    }
}

/// A Rust file.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    /// What of the text is code.
    pub(crate) code: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: rust_text::code_of(text) }
    }
}

pub(crate) fn sources(folder: &str) -> Vec<Source> {
    files(folder, ".rs").iter().map(|path| Source::new(path, &read(path))).collect()
}

/// A package of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    /// Relative to the root.
    pub(crate) folder: String,
    pub(crate) is_published: bool,
    pub(crate) manifest: toml::Table,
    /// Without `default`, in order.
    pub(crate) features: Vec<String>,
}

/// All packages of the workspace.
pub(crate) fn packages() -> Vec<Package> {
    let members: Vec<_> = metadata()["workspace_members"].as_array().expect("members").iter().collect();
    let all = metadata()["packages"].as_array().expect("packages").iter();
    all.filter(|package| members.contains(&&package["id"])).map(package).collect()
}

/// The packages in `crates/`.
pub(crate) fn crates() -> Vec<Package> {
    packages().into_iter().filter(|package| package.folder.starts_with("crates/")).collect()
}

pub(crate) fn facade() -> Package {
    packages().into_iter().find(|package| package.name == "tracing-handlers").expect("the facade")
}

fn package(package: &Value) -> Package {
    let path = PathBuf::from(package["manifest_path"].as_str().expect("a path"));
    let folder = path.parent().and_then(|folder| folder.strip_prefix(root()).ok()).expect("below the root");
    let folder = folder.to_string_lossy().replace('\\', "/");
    let manifest = read(&format!("{folder}/Cargo.toml")).parse().expect("a manifest");
    let features = package["features"].as_object().expect("features").keys();
    Package {
        name: package["name"].as_str().expect("a name").to_owned(),
        folder,
        is_published: package["publish"].is_null(),
        manifest,
        features: features.filter(|feature| *feature != "default").cloned().collect(),
    }
}

/// What `cargo metadata` says of all packages and all that they need, with every feature on.
pub(crate) fn metadata() -> &'static Value {
    static METADATA: OnceLock<Value> = OnceLock::new();
    METADATA.get_or_init(|| {
        // A build fetches only the crates of its own platform; those of the others are asked of the network once.
        let output = cargo_metadata(&["--offline"]).or_else(|_| cargo_metadata(&[])).unwrap_or_else(|error| panic!("{error}"));
        serde_json::from_slice(&output).expect("JSON")
    })
}

fn cargo_metadata(more: &[&str]) -> Result<Vec<u8>, String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["metadata", "--format-version", "1", "--all-features"])
        .args(more)
        .output()
        .map_err(|error| format!("run cargo metadata: {error}"))?;
    if output.status.success() { Ok(output.stdout) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}
