//! How long files and functions are.

use crate::workspace::{Source, sources};

/// How long a file may be, without blank lines and comments, and a function, with them.
const MOST_LINES: (usize, usize) = (400, 60);

#[test]
fn no_file_and_no_function_is_too_long_to_be_read() {
    let lines = |count: usize| "    let x = 1;\n".repeat(count);
    let (file, function) = (Source::new("a.rs", &lines(401)), Source::new("b.rs", &format!("fn f() {{\n{}}}\n", lines(59))));
    let generic = Source::new("c.rs", &format!("fn f<T>()\nwhere\n    T: X,\n{{\n{}}}\n", lines(59)));
    let found = [&file, &function, &generic].map(|source| too_long(source).len());
    assert_eq!(found, [1, 1, 1], "the rule finds nothing");
    let several = format!("fn f();\nfn g(\n    a: A,\n);\nfn h() {{}}\n{}", lines(61));
    assert_eq!(too_long(&Source::new("d.rs", &several)), [""; 0], "the rule finds what is not");
    let broken: Vec<_> = sources(".").iter().flat_map(too_long).collect();
    assert!(broken.is_empty(), "too long:\n{broken:#?}");
}

fn too_long(source: &Source) -> Vec<String> {
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    let lines = source.text.lines().filter(is_code).count();
    let file = (lines > MOST_LINES.0).then(|| format!("{}: {lines} lines of code", source.path));
    file.into_iter().chain(long_functions(source)).collect()
}

/// A function ends at the first line that is indented as its head is and begins with a brace; one without a body at a semicolon.
fn long_functions(source: &Source) -> Vec<String> {
    let lines: Vec<_> = source.text.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_head = |line: &str| {
        let mut words = line.split_whitespace().take_while(|word| !word.contains('"'));
        !line.ends_with([';', '}']) && words.any(|word| word == "fn")
    };
    let heads = lines.iter().enumerate().filter(|(_, line)| is_head(line) && !line.trim_start().starts_with("//"));
    let length = |at: usize, head: &str| {
        let is_end = |line: &&str| {
            let ends = line.trim_start().starts_with('}') || line.ends_with(';');
            indent(line) == indent(head) && ends
        };
        lines[at + 1..].iter().position(is_end).map_or(0, |len| len + 2)
    };
    let long = heads.map(|(at, head)| (at, head, length(at, head))).filter(|(.., length)| *length > MOST_LINES.1);
    long.map(|(at, head, length)| format!("{}:{}: {length} lines: {}", source.path, at + 1, head.trim())).collect()
}
