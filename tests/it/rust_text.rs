//! Rust source as text: enough of the grammar to tell code from comments, literals and tests (pure).

use std::iter;

/// What of a source file is code: comments, literals and `#[cfg(test)]` items are blanks, and every line is where it was.
pub(crate) fn code_of(source: &str) -> String {
    without_tests(&without_literals(source))
}

fn without_literals(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let len = literal_len(rest, code.ends_with(is_name));
        let (piece, tail) = rest.split_at(len.max(first.len_utf8()));
        if len == 0 {
            code.push(first)
        } else {
            blank(piece, &mut code)
        }
        rest = tail;
    }
    code
}

/// The length of the comment or literal that `rest` begins with, 0 where it begins with code.
fn literal_len(rest: &str, after_name: bool) -> usize {
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        block_comment_len(rest)
    } else if rest.starts_with('"') {
        quoted_len(rest)
    } else if rest.starts_with('\'') {
        char_len(rest)
    } else if after_name {
        0
    } else {
        raw_len(rest)
    }
}

fn block_comment_len(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let tail = &rest.as_bytes()[at..];
        match tail {
            [b'/', b'*', ..] => depth += 1,
            [b'*', b'/', ..] => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted_len(rest: &str) -> usize {
    let mut escaped = false;
    for (at, char) in rest.char_indices().skip(1) {
        match char {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    rest.len()
}

/// A character literal; a lifetime is code.
fn char_len(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    let Some((_, first)) = chars.next() else { return 0 };
    let Some((at, second)) = chars.next() else { return 0 };
    match (first, second) {
        ('\\', _) => rest[at + second.len_utf8()..].find('\'').map_or(rest.len(), |end| at + second.len_utf8() + end + 1),
        (_, '\'') => at + 1,
        _ => 0,
    }
}

/// `r"…"`, `r#"…"#`, also with `b` or `c` before it; a raw identifier is code.
fn raw_len(rest: &str) -> usize {
    let after_prefix = rest.strip_prefix(['b', 'c']).unwrap_or(rest);
    let Some(after_r) = after_prefix.strip_prefix('r') else { return 0 };
    let body = after_r.trim_start_matches('#');
    if !body.starts_with('"') {
        return 0;
    }
    let end: String = iter::once('"').chain(iter::repeat_n('#', after_r.len() - body.len())).collect();
    let opening = rest.len() - body.len() + 1;
    rest[opening..].find(&end).map_or(rest.len(), |at| opening + at + end.len())
}

fn without_tests(code: &str) -> String {
    const TEST: &str = "#[cfg(test)]";
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(TEST) {
        let (before, item) = rest.split_at(at);
        let (item, after) = item.split_at(item_len(item));
        kept.push_str(before);
        blank(item, &mut kept);
        rest = after;
    }
    kept + rest
}

/// The length of the item that `code` begins with: up to its `;`, or to the brace that closes its first one.
fn item_len(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, char) in code.char_indices() {
        match char {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

fn blank(piece: &str, out: &mut String) {
    out.extend(piece.chars().map(|char| if char == '\n' { '\n' } else { ' ' }));
}

pub(crate) fn is_name(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// Where `word` stands in the code, not as a part of a longer name.
pub(crate) fn find_word<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let (before, after) = (&code[..at], &code[at + word.len()..]);
        let is_tail = word.starts_with(is_name) && before.ends_with(is_name);
        let is_head = word.ends_with(is_name) && after.starts_with(is_name);
        !is_tail && !is_head
    })
}

/// Where a trait of this name is implemented.
pub(crate) fn find_impl<'a>(code: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    find_word(code, "impl").filter(move |&at| {
        let starts_item = code[..at].trim_end().ends_with([';', '}', '{', ']']) || code[..at].trim().is_empty();
        let header = code[at..].split_once('{').map_or("", |(header, _)| header);
        starts_item && trait_of(header).is_some_and(|of| of == name)
    })
}

/// The last name of the trait's path in `impl<…> path::Trait<…> for Type`.
fn trait_of(header: &str) -> Option<String> {
    // The arrow of a function type closes no generics.
    let header = header.replace("->", "").split_whitespace().collect::<Vec<_>>().join(" ");
    let (path, _) = without_generics(header.strip_prefix("impl")?.trim_start()).split_once(" for ")?;
    path.split('<').next()?.rsplit("::").next().map(|name| name.trim().to_owned())
}

/// Steps over the generics that a header begins with.
fn without_generics(header: &str) -> &str {
    let mut depth = 0_usize;
    for (at, char) in header.char_indices() {
        match char {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ if depth == 0 => return &header[at..],
            _ => {}
        }
    }
    ""
}

/// The number of the line, counted from 1.
pub(crate) fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

#[test]
fn comments_and_literals_are_blanks() {
    let source = "a(\"fs \\\" x\", 'f', '\\'', r#\"fs \" fs\"#, b\"fs\"); // fs\n/* fs /* fs */ fs */ let x: &'a fs;";
    let code = code_of(source);
    assert_eq!(find_word(&code, "fs").count(), 1);
    assert!(code.ends_with("let x: &'a fs;"));
}

#[test]
fn tests_are_blanks_and_what_follows_is_not() {
    let code = code_of("fs();\n#[cfg(test)]\nmod tests {\n    fn f() { fs() }\n}\nfs();\n");
    let lines: Vec<_> = find_word(&code, "fs").map(|at| line_of(&code, at)).collect();
    assert_eq!(lines, [1, 6]);
}

#[test]
fn a_word_is_not_found_inside_a_longer_one() {
    let code = "debug_assert!(a); error!(b); offset; fs::write";
    assert_eq!(find_word(code, "assert!").count(), 0);
    assert_eq!(find_word(code, "error!").count(), 1);
    assert_eq!(find_word(code, "fs").count(), 1);
}

#[test]
fn an_impl_is_found_by_the_name_of_its_trait() {
    let code = "impl<S, H: Fn() -> Layer<S>> tracing::Layer<S> for X<H>\nwhere\n    for<'a> H: A {}\nimpl Layer {}\nfn f(a: impl Layer<S>) {}";
    let lines: Vec<_> = find_impl(code, "Layer").map(|at| line_of(code, at)).collect();
    assert_eq!(lines, [1]);
    assert_eq!(find_impl("impl Display for Layer {}", "Layer").count(), 0);
    assert_eq!(find_impl("#[x]\nimpl Visit for V<'_> {}", "Visit").count(), 1);
}
