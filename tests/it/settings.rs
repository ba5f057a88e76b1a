//! `docs/settings.md` says what the documentation of the builders says, and that names every setting there is.
//!
//! After a change of a setting, `SETTINGS=write cargo test -p tracing-handlers-tests settings` writes the tables anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::workspace::{Source, crates, read, root, sources};

/// What stands before the tables is written by hand.
const MARK: &str = "<!-- what follows is made from the documentation of the builders -->\n";

/// What only tests set, and what makes the handler; no settings.
const NO_SETTINGS: [&str; 4] = ["clock", "fs", "build", "layer"];

/// Something that is built, and what its documentation says of its settings.
struct Built {
    name: String,
    folder: String,
    /// The lines of the table, without the marks of a comment.
    table: Vec<String>,
    /// The names of the setters.
    setters: BTreeSet<String>,
}

#[test]
fn the_page_of_settings_says_what_the_builders_say() {
    let page = read("docs/settings.md");
    let (by_hand, tables) = page.split_once(MARK).expect("the mark before the tables");
    let wanted = all().iter().map(section).collect::<String>();
    if std::env::var_os("SETTINGS").is_some_and(|value| value == "write") {
        std::fs::write(root().join("docs/settings.md"), format!("{by_hand}{MARK}{wanted}")).expect("docs/settings.md");
        return;
    }
    let differs = wanted.lines().zip(tables.lines()).find(|(wanted, found)| wanted != found);
    assert_eq!(differs, None, "the first line that differs: builder, page");
    assert_eq!(wanted, tables);
}

#[test]
fn the_documentation_of_a_builder_names_every_setter_and_nothing_else() {
    let all = all();
    assert!(all.len() > 10, "the builders were not found");
    let mut wrong = String::new();
    for built in all {
        let named = built.table.iter().flat_map(|line| settings_of(line)).collect::<BTreeSet<_>>();
        let (unnamed, unknown): (Vec<_>, Vec<_>) =
            (built.setters.difference(&named).collect(), named.difference(&built.setters).collect());
        if !unnamed.is_empty() || !unknown.is_empty() {
            writeln!(wrong, "{}: not in the table {unnamed:?}, no setters {unknown:?}", built.name).expect("a string");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Settings that stand in one row stand in the same order everywhere; defaults are on or off, and times have one unit of each kind.
#[test]
fn the_tables_of_the_builders_use_the_same_words() {
    let mut wrong = Vec::new();
    let mut orders = BTreeSet::new();
    for built in all() {
        for row in &built.table {
            let named = settings_of(row);
            let pairs =
                named.iter().enumerate().flat_map(|(at, first)| named[at + 1..].iter().map(move |second| (first, second)));
            for (first, second) in pairs {
                if orders.contains(&(second.clone(), first.clone())) {
                    wrong.push(format!("{}: `{second}` before `{first}`, as elsewhere: {row}", built.name));
                }
                orders.insert((first.clone(), second.clone()));
            }
            let default = row.split('|').nth(2).unwrap_or_default();
            let words = default.split(|char: char| !char.is_alphanumeric());
            let other =
                words.filter(|word| ["yes", "half", "hours", "min", "mins", "sec", "secs", "true", "false"].contains(word));
            wrong.extend(other.map(|word| format!("{}: {word:?} is said otherwise elsewhere: {row}", built.name)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_setter_that_the_table_does_not_name_would_be_found() {
    let text = "/// | setting | default |\n/// |---|---|\n/// | [`one`](Self::one), `two` | 1 |\npub struct BBuilder {\n}\n\nimpl BBuilder {\n    \
                pub fn one(mut self) -> Self {}\n    more!();\n}\n\nmacro_rules! more {\n    () => {\n        pub fn three(mut self) {}\n        $crate::and!(\"1\");\n    };\n}\n\n\
                macro_rules! and {\n    ($a:literal) => {\n        pub fn four(mut self) {}\n    };\n}\n";
    let source = Source::new("b.rs", text);
    let [built] = &built_in("b", &source, std::slice::from_ref(&source))[..] else { panic!("one builder") };
    assert_eq!(built.setters, ["four", "one", "three"].map(str::to_owned).into());
    assert_eq!(settings_of(&built.table[2]), ["one", "two"]);
}

/// Every documented builder of the crates that are published.
fn all() -> Vec<Built> {
    let published: Vec<_> = crates().into_iter().filter(|package| package.is_published).collect();
    let everything: Vec<_> = published.iter().flat_map(|package| sources(&format!("{}/src", package.folder))).collect();
    let of = |folder: &String| {
        let within = format!("{folder}/src/");
        let own = everything.iter().filter(move |source| source.path.starts_with(&within));
        own.flat_map(|source| built_in(folder, source, &everything)).collect::<Vec<_>>()
    };
    published.iter().flat_map(|package| of(&package.folder)).collect()
}

fn built_in(folder: &str, source: &Source, everything: &[Source]) -> Vec<Built> {
    let text = source.text.as_str();
    let tables = text.match_indices("/// | setting | default |").map(|(at, _)| &text[at..]);
    let built = |rest: &str| {
        let table = rest.lines().map_while(|line| line.strip_prefix("/// |")).map(|line| without_links(&format!("|{line}")));
        let name = rest.split_once("pub struct ").expect("a table of a struct").1;
        let name: String = name.chars().take_while(|c| c.is_alphanumeric()).collect();
        let setters = setters(&name, text, everything);
        Built { folder: folder.to_owned(), table: table.collect(), setters, name }
    };
    // Formats have tables of their own, in their documentation.
    tables.map(built).filter(|built| built.name.ends_with("Builder")).collect()
}

/// The setters in the blocks of that type, and in the macros that are called there.
fn setters(name: &str, text: &str, everything: &[Source]) -> BTreeSet<String> {
    let heads = text.lines().filter(|line| {
        let head = line.strip_prefix("impl").unwrap_or_default();
        let head = head.strip_prefix('<').and_then(|rest| rest.split_once('>')).map_or(head, |(_, rest)| rest).trim_start();
        head.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '<']))
    });
    heads.flat_map(|head| setters_in(block(text, &format!("{head}\n")), everything)).collect()
}

/// The names of the public setters in a block, and in the macros that it calls.
fn setters_in(block: &str, everything: &[Source]) -> Vec<String> {
    let called = block.lines().filter_map(|line| line.trim().strip_suffix(");")?.split_once("!("));
    let of_macro = |(path, _): (&str, &str)| {
        let head = format!("macro_rules! {} {{\n", path.rsplit("::").next().unwrap_or(path));
        let home = everything.iter().find(|source| source.text.contains(&head));
        home.map(|source| setters_in(self::block(&source.text, &head), everything)).unwrap_or_default()
    };
    let mut found = own_setters(block);
    found.extend(called.flat_map(of_macro));
    found
}

/// What stands between `head` and the brace that closes it at the beginning of a line.
fn block<'t>(text: &'t str, head: &str) -> &'t str {
    let (_, rest) = text.split_once(head).expect("the head of the block");
    rest.split_once("\n}\n").map_or(rest, |(block, _)| block)
}

/// The names of the public setters that stand there.
fn own_setters(block: &str) -> Vec<String> {
    let functions = block.split("    pub fn ").skip(1).filter_map(|rest| rest.split_once('('));
    let setters = functions.filter(|(_, arguments)| arguments.trim_start().starts_with("mut self"));
    let names = setters.map(|(name, _)| name.split('<').next().unwrap_or(name));
    names.filter(|name| !NO_SETTINGS.contains(name)).map(str::to_owned).collect()
}

/// The settings that a row is about: the code words of its first cell, up to what they are for.
fn settings_of(row: &str) -> Vec<String> {
    let cell = row.trim_start_matches('|').split('|').next().unwrap_or_default();
    let Some(cell) = cell.contains('`').then(|| cell.split(", for ").next().unwrap_or(cell)) else { return Vec::new() };
    let cell = cell.split([':']).next().unwrap_or(cell);
    let cell =
        [", with feature", ", beside ", " of ", ", on "].iter().fold(cell, |cell, end| cell.split(end).next().unwrap_or(cell));
    cell.split('`').skip(1).step_by(2).map(|word| word.trim_end_matches("()").to_owned()).collect()
}

/// Links within the documentation become plain text: on this page they would lead nowhere.
fn without_links(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, link)) = rest.split_once("[`") {
        let (name, after) = link.split_once("`]").expect("the end of the link");
        write!(out, "{before}`{name}`").expect("a string");
        rest = match after.strip_prefix('(') {
            Some(target) => target.split_once(')').expect("the end of the target").1,
            None => after,
        };
    }
    out + rest
}

fn section(built: &Built) -> String {
    let package = built.folder.trim_start_matches("crates/");
    format!("\n## {}\n\nCrate `{package}`.\n\n{}\n", built.name, built.table.join("\n"))
}
