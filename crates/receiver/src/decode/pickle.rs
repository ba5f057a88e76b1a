//! Pickles that are data: the opcodes that make values, and none that finds, calls or makes anything else (pure).
//!
//! Read against CPython 3.14, `pickletools.py`. Whatever is not in the list is refused by name, before anything is done with it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::tree::{Entries, Tree};
use super::{Reason, Refused};

/// How deep lists and dictionaries may stand in each other.
const MAX_DEPTH: usize = 16;
/// How many values a pickle may have.
const MAX_ITEMS: usize = 10_000;
/// How many values it may remember.
const MAX_MEMO: usize = 4_096;
/// How many bytes of remembered texts it may repeat.
const MAX_REPEATED: usize = 1 << 20;
/// `i128::MIN`, and a minus before it.
const MAX_DIGITS: usize = 40;

/// The value of a pickle.
pub(crate) fn load(bytes: &[u8]) -> Result<Tree<'_>, Refused> {
    let mut machine = Machine {
        input: Input { rest: bytes },
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        items: 0,
        repeated: 0,
    };
    loop {
        if let Some(tree) = machine.step()? {
            return Ok(tree);
        }
    }
}

struct Machine<'a> {
    input: Input<'a>,
    stack: Vec<Entry<'a>>,
    /// The height of the stack at each mark.
    marks: Vec<usize>,
    /// Only what holds nothing else can be recalled: a list inside of itself has no end.
    memo: HashMap<u32, Option<Tree<'a>>>,
    items: usize,
    repeated: usize,
}

struct Entry<'a> {
    tree: Tree<'a>,
    depth: usize,
}

impl<'a> Machine<'a> {
    /// One opcode; the value where it was the last.
    fn step(&mut self) -> Result<Option<Tree<'a>>, Refused> {
        let opcode = self.input.byte()?;
        match opcode {
            b'.' => return self.stop().map(Some),
            // PROTO and FRAME say what one sees anyway.
            0x80 => drop(self.input.take(1)?),
            0x95 => drop(self.input.take(8)?),
            b'(' => {
                if self.marks.len() >= MAX_DEPTH {
                    return Err(too_complex("marks"));
                }
                self.marks.push(self.stack.len());
            }
            b'q' | b'r' | 0x94 => self.put(opcode)?,
            b'h' | b'j' => self.get(opcode)?,
            b'a' | b'e' | b's' | b'u' => self.fill(opcode)?,
            b'}' => self.push(Tree::Dict(Vec::new()), 1)?,
            b']' | b')' => self.push(Tree::List(Vec::new()), 1)?,
            b't' | b'l' | b'd' | 0x85 | 0x86 | 0x87 => self.gather(opcode)?,
            _ => {
                let tree = self.scalar(opcode)?;
                self.push(tree, 0)?;
            }
        }
        Ok(None)
    }

    fn scalar(&mut self, opcode: u8) -> Result<Tree<'a>, Refused> {
        let input = &mut self.input;
        Ok(match opcode {
            b'N' => Tree::Nil,
            0x88 => Tree::Bool(true),
            0x89 => Tree::Bool(false),
            b'I' => integer(input.line()?)?,
            b'L' => long(input.line()?)?,
            b'K' => Tree::Int(input.byte()?.into()),
            b'M' => Tree::Int(u16::from_le_bytes(input.array()?).into()),
            b'J' => Tree::Int(i32::from_le_bytes(input.array()?).into()),
            0x8a => little_endian(input)?,
            b'G' => Tree::Float(f64::from_be_bytes(input.array()?)),
            b'X' => Tree::Text(input.text(u32::from_le_bytes)?),
            0x8c => Tree::Text(input.text(u8::from_le_bytes)?),
            0x8d => Tree::Text(input.text(u64::from_le_bytes)?),
            b'B' => Tree::Bytes(input.counted(u32::from_le_bytes)?),
            b'C' => Tree::Bytes(input.counted(u8::from_le_bytes)?),
            other => return Err(Refused::new(Reason::Forbidden, format!("a pickle with the opcode {}", shown(other)))),
        })
    }

    fn stop(&mut self) -> Result<Tree<'a>, Refused> {
        let last = self.stack.pop().ok_or_else(malformed)?.tree;
        match self.stack.is_empty() && self.marks.is_empty() && self.input.rest.is_empty() {
            true => Ok(last),
            false => Err(malformed()),
        }
    }

    fn push(&mut self, tree: Tree<'a>, depth: usize) -> Result<(), Refused> {
        if depth > MAX_DEPTH {
            return Err(too_complex("levels"));
        }
        self.items += 1;
        if self.items > MAX_ITEMS {
            return Err(too_complex("values"));
        }
        self.stack.push(Entry { tree, depth });
        Ok(())
    }

    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    /// What stands above the last mark, which goes.
    fn pop_mark(&mut self) -> Result<Vec<Entry<'a>>, Refused> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len()).ok_or_else(malformed)?;
        Ok(self.stack.split_off(mark))
    }

    /// The topmost values. If there was a mark among them, [`add`](Self::add) refuses them.
    fn pop_last(&mut self, count: usize) -> Result<Vec<Entry<'a>>, Refused> {
        match self.stack.len().checked_sub(count) {
            Some(at) => Ok(self.stack.split_off(at)),
            None => Err(malformed()),
        }
    }

    /// A tuple, a list or a dictionary of what is there.
    fn gather(&mut self, opcode: u8) -> Result<(), Refused> {
        let parts = match opcode {
            0x85 => self.pop_last(1)?,
            0x86 => self.pop_last(2)?,
            0x87 => self.pop_last(3)?,
            _ => self.pop_mark()?,
        };
        let empty = if opcode == b'd' { Tree::Dict(Vec::new()) } else { Tree::List(Vec::new()) };
        self.push(empty, 1)?;
        self.add(parts)
    }

    /// Puts what is there into the list or dictionary below it.
    fn fill(&mut self, opcode: u8) -> Result<(), Refused> {
        let parts = match opcode {
            b'a' => self.pop_last(1)?,
            b's' => self.pop_last(2)?,
            _ => self.pop_mark()?,
        };
        let is_list = matches!(self.stack.last(), Some(Entry { tree: Tree::List(_), .. }));
        match is_list == matches!(opcode, b'a' | b'e') {
            true => self.add(parts),
            false => Err(malformed()),
        }
    }

    fn add(&mut self, parts: Vec<Entry<'a>>) -> Result<(), Refused> {
        if self.stack.len() <= self.floor() {
            return Err(malformed());
        }
        let container = self.stack.last_mut().ok_or_else(malformed)?;
        let deepest = parts.iter().map(|part| part.depth + 1).max().unwrap_or(1);
        container.depth = container.depth.max(deepest);
        if container.depth > MAX_DEPTH {
            return Err(too_complex("levels"));
        }
        match &mut container.tree {
            Tree::List(items) => items.extend(parts.into_iter().map(|part| part.tree)),
            Tree::Dict(entries) => add_entries(parts, entries)?,
            _ => return Err(malformed()),
        }
        Ok(())
    }

    fn put(&mut self, opcode: u8) -> Result<(), Refused> {
        let place = match opcode {
            0x94 => u32::try_from(self.memo.len()).map_err(|_| malformed())?,
            _ => self.place(opcode == b'q')?,
        };
        if self.stack.len() <= self.floor() {
            return Err(malformed());
        }
        let tree = &self.stack.last().ok_or_else(malformed)?.tree;
        let kept = (!matches!(tree, Tree::List(_) | Tree::Dict(_))).then(|| tree.clone());
        self.memo.insert(place, kept);
        if self.memo.len() > MAX_MEMO {
            return Err(too_complex("remembered values"));
        }
        Ok(())
    }

    fn get(&mut self, opcode: u8) -> Result<(), Refused> {
        let place = self.place(opcode == b'h')?;
        let Some(kept) = self.memo.get(&place) else { return Err(malformed()) };
        let Some(tree) = kept else {
            return Err(Refused::new(Reason::Forbidden, "a pickle in which a list or a dictionary stands twice"));
        };
        self.repeated += match tree {
            Tree::Text(text) => text.len(),
            Tree::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        if self.repeated > MAX_REPEATED {
            return Err(too_complex("repeated bytes"));
        }
        self.push(tree.clone(), 0)
    }

    fn place(&mut self, is_short: bool) -> Result<u32, Refused> {
        match is_short {
            true => Ok(self.input.byte()?.into()),
            false => Ok(u32::from_le_bytes(self.input.array()?)),
        }
    }
}

/// Keys are texts; numbers as keys become texts.
fn add_entries<'a>(parts: Vec<Entry<'a>>, entries: &mut Entries<'a>) -> Result<(), Refused> {
    let mut parts = parts.into_iter();
    while let Some(key) = parts.next() {
        let value = parts.next().ok_or_else(malformed)?.tree;
        let key = match key.tree {
            Tree::Text(text) => text,
            number @ (Tree::Int(_) | Tree::Big(_) | Tree::Bool(_) | Tree::Float(_) | Tree::Nil) => {
                Cow::Owned(number.to_string())
            }
            _ => return Err(malformed()),
        };
        entries.push((key, value));
    }
    Ok(())
}

/// `I01` and `I00` are truth values.
fn integer<'a>(line: &str) -> Result<Tree<'a>, Refused> {
    match line {
        "01" => Ok(Tree::Bool(true)),
        "00" => Ok(Tree::Bool(false)),
        digits => digits.parse::<i64>().map(|value| Tree::Int(value.into())).map_err(|_| malformed()),
    }
}

fn long<'a>(line: &str) -> Result<Tree<'a>, Refused> {
    let digits = line.strip_suffix('L').unwrap_or(line);
    if digits.len() > MAX_DIGITS {
        return Err(too_complex("digits"));
    }
    match (digits.parse(), digits.parse()) {
        (Ok(value), _) => Ok(Tree::Int(value)),
        (_, Ok(value)) => Ok(Tree::Big(value)),
        _ => Err(malformed()),
    }
}

/// `LONG1`: up to 16 bytes, the sign in the last one.
fn little_endian<'a>(input: &mut Input<'a>) -> Result<Tree<'a>, Refused> {
    let bytes = input.counted(u8::from_le_bytes)?;
    if bytes.len() > 16 {
        return Err(too_complex("digits"));
    }
    let sign = if bytes.last().is_some_and(|byte| *byte >= 0x80) { -1 } else { 0 };
    Ok(Tree::Int(bytes.iter().rev().fold(sign, |value: i128, byte| (value << 8) | i128::from(*byte))))
}

fn shown(opcode: u8) -> String {
    match opcode.is_ascii_graphic() {
        true => format!("`{}`", char::from(opcode)),
        false => format!("{opcode:#04x}"),
    }
}

fn malformed() -> Refused {
    Refused::new(Reason::Malformed, "no pickle")
}

fn too_complex(what: &str) -> Refused {
    Refused::new(Reason::TooComplex, format!("a pickle with too many {what}"))
}

struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Refused> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(malformed)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, Refused> {
        self.array().map(|[byte]| byte)
    }

    /// Up to a line feed, which goes with it.
    fn line(&mut self) -> Result<&'a str, Refused> {
        let end = self.rest.iter().position(|byte| *byte == b'\n').ok_or_else(malformed)?;
        let line = self.take(end)?;
        self.take(1)?;
        std::str::from_utf8(line).map_err(|_| malformed())
    }

    /// Bytes, with their number before them.
    fn counted<const N: usize, T: TryInto<usize>>(&mut self, count: fn([u8; N]) -> T) -> Result<&'a [u8], Refused> {
        let count = count(self.array()?).try_into().map_err(|_| malformed())?;
        self.take(count)
    }

    /// What is half of a pair in Python's texts has no place in ours.
    fn text<const N: usize, T: TryInto<usize>>(&mut self, count: fn([u8; N]) -> T) -> Result<Cow<'a, str>, Refused> {
        Ok(String::from_utf8_lossy(self.counted(count)?))
    }
}
