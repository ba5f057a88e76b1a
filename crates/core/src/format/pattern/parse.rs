//! From the text of a pattern to its pieces (pure).

use std::str::Chars;

use super::attribute::{Attribute, Kind};
use super::spec::{Align, Convert, Spec};

/// A part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Literal(String),
    Field(Attribute, Spec),
}

/// The largest width and precision: enough for every line, too little to exhaust memory by a slip of the pen.
const MAX_WIDTH: u16 = 9_999;

/// `%(name)[flags][width][.precision]conversion`, and `%%`.
pub(super) fn percent(pattern: &str) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut rest) = (Pieces::default(), pattern);
    while let Some((literal, after)) = rest.split_once('%') {
        pieces.literal(literal);
        if let Some(after) = after.strip_prefix('%') {
            pieces.literal("%");
            rest = after;
            continue;
        }
        let named = after.strip_prefix('(').ok_or("`%` begins `%(name)s` or is doubled: `%%`")?;
        let (name, after) = named.split_once(')').ok_or_else(|| format!("`%({named}` has no `)`"))?;
        let mut cursor = Cursor(after.chars());
        let attribute = attribute(name)?;
        let spec = percent_spec(&mut cursor, attribute.kind());
        let field = || format!("%({name}){}", after.get(..after.len() - cursor.rest().len()).unwrap_or(after));
        pieces.field(attribute, spec.map_err(|why| format!("`{}`: {why}", field()))?);
        rest = cursor.rest();
    }
    pieces.literal(rest);
    pieces.finish()
}

fn percent_spec(cursor: &mut Cursor<'_>, kind: Kind) -> Result<Spec, String> {
    let (mut left, mut zero, mut sign) = (false, false, None);
    while let Some(flag) = cursor.one_of("-0+ #") {
        match flag {
            '-' => left = true,
            '0' => zero = true,
            '+' => sign = Some(b'+'),
            ' ' => sign = sign.or(Some(b' ')),
            _ => return Err("the flag `#` is not supported".to_owned()),
        }
    }
    let width = cursor.number()?.unwrap_or(0);
    // Python takes a point without digits for a zero; it is more likely a slip.
    let precision = cursor.precision()?;
    // C's size of an integer, which Python accepts and ignores.
    cursor.one_of("hlL");
    let convert = match cursor.next() {
        Some('s' | 'r') => Convert::Text,
        Some('d' | 'i') => Convert::Integer,
        Some('f') => Convert::Float,
        Some('*') => return Err("`*` needs arguments, which a record does not have".to_owned()),
        Some(other) => return Err(format!("the conversion `{other}` is not supported; s, r, d, i and f are")),
        None => return Err("a conversion is missing, `s` perhaps".to_owned()),
    };
    if convert != Convert::Text && kind == Kind::Text {
        return Err("this attribute is a text, not a number".to_owned());
    }
    let align = match () {
        () if left => Align::Left,
        () if zero => Align::AfterSign,
        () => Align::Right,
    };
    let fill = if align == Align::AfterSign { '0' } else { ' ' };
    Ok(Spec { convert, align: Some(align), fill, sign: sign.filter(|_| convert != Convert::Text), width, precision })
}

/// `{name[!conversion][:[[fill]align][sign][0][width][.precision][type]]}`, `{{` and `}}`.
pub(super) fn brace(pattern: &str) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut rest) = (Pieces::default(), pattern);
    while let Some(at) = rest.find(['{', '}']) {
        let (literal, after) = rest.split_at(at);
        pieces.literal(literal);
        if let Some((brace, after)) = doubled(after) {
            pieces.literal(brace);
            rest = after;
            continue;
        }
        let inside = after.strip_prefix('{').ok_or("`}` ends nothing; a brace of the text is doubled: `}}`")?;
        let (field, after) = inside.split_once('}').ok_or_else(|| format!("`{{{inside}` has no `}}`"))?;
        let (attribute, spec) = brace_field(field).map_err(|why| format!("`{{{field}}}`: {why}"))?;
        pieces.field(attribute, spec);
        rest = after;
    }
    pieces.literal(rest);
    pieces.finish()
}

/// A doubled brace at the beginning: the brace that it stands for, and what follows.
fn doubled(text: &str) -> Option<(&'static str, &str)> {
    [("{{", "{"), ("}}", "}")].into_iter().find_map(|(two, one)| text.strip_prefix(two).map(|after| (one, after)))
}

fn brace_field(field: &str) -> Result<(Attribute, Spec), String> {
    if field.contains('{') {
        return Err("a field within a field is not supported".to_owned());
    }
    let (name, spec) = field.split_once(':').unwrap_or((field, ""));
    let (name, conversion) = name.split_once('!').map_or((name, None), |(name, conversion)| (name, Some(conversion)));
    let attribute = attribute(name)?;
    let kind = match conversion {
        None => attribute.kind(),
        Some("s" | "r") => Kind::Text,
        Some(other) => return Err(format!("the conversion `!{other}` is not supported; !s and !r are")),
    };
    let mut spec = brace_spec(&mut Cursor(spec.chars()), kind)?;
    if conversion.is_some() {
        spec.convert = Convert::Text;
    }
    Ok((attribute, spec))
}

fn brace_spec(cursor: &mut Cursor<'_>, kind: Kind) -> Result<Spec, String> {
    let (fill, align) = cursor.fill_and_align();
    let sign = match cursor.one_of("+- ") {
        Some('-') | None => None,
        Some(sign) => Some(sign as u8),
    };
    let zero = cursor.one_of("0").is_some();
    let width = cursor.number()?.unwrap_or(0);
    let precision = cursor.precision()?;
    let convert = match cursor.next() {
        None => Convert::Natural,
        Some('s') => Convert::Text,
        Some('d') => Convert::Integer,
        Some('f') => Convert::Float,
        Some(other) => return Err(format!("`{other}` is not supported; the types s, d and f are")),
    };
    if !cursor.rest().is_empty() {
        return Err(format!("`{}` is too much", cursor.rest()));
    }
    let fill = fill.unwrap_or(if zero { '0' } else { ' ' });
    let spec = Spec { convert, align, fill, sign, width, precision };
    check_brace(&spec, kind).map(|()| spec).map_err(str::to_owned)
}

/// What Python refuses, once the kind of the attribute is known.
fn check_brace(spec: &Spec, kind: Kind) -> Result<(), &'static str> {
    match (spec.convert, kind) {
        (Convert::Text, Kind::Integer | Kind::Float) => return Err("this attribute is a number; `!s` makes it a text"),
        (Convert::Integer, Kind::Float) => return Err("this number has a point; the type `.0f` shows none"),
        (Convert::Integer | Convert::Float, Kind::Text) => return Err("this attribute is a text, not a number"),
        _ => {}
    }
    let is_text = kind == Kind::Text || spec.convert == Convert::Text;
    if is_text && (spec.sign.is_some() || spec.align == Some(Align::AfterSign)) {
        return Err("a text has no sign");
    }
    let is_whole = spec.convert == Convert::Integer || kind == Kind::Integer && spec.convert == Convert::Natural;
    match (spec.precision, kind, spec.convert) {
        (Some(_), _, _) if is_whole => Err("a whole number has no precision"),
        (Some(_), Kind::Float, Convert::Natural) => Err("a precision needs the type `f`"),
        _ => Ok(()),
    }
}

fn attribute(name: &str) -> Result<Attribute, String> {
    if name.is_empty() {
        return Err("a field needs a name".to_owned());
    }
    if name.bytes().all(|byte| byte.is_ascii_digit()) || name.contains(['(', '[', ']', ' ']) {
        return Err(format!("`{name}` is not a name"));
    }
    Ok(Attribute::named(name))
}

/// Whether a date format holds `%w`. The `time` crate counts its days from 1, C and Python from 0.
pub(super) fn has_weekday_number(datefmt: &str) -> bool {
    let mut chars = datefmt.chars();
    while let Some(char) = chars.next() {
        if char == '%' {
            let specifier = chars.find(|char| !matches!(char, '-' | '_' | '0'));
            if specifier == Some('w') {
                return true;
            }
        }
    }
    false
}

/// Pieces under way; neighbouring literals become one.
#[derive(Default)]
struct Pieces {
    done: Vec<Piece>,
    fields: usize,
}

impl Pieces {
    fn literal(&mut self, text: &str) {
        match self.done.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Literal(before)) => before.push_str(text),
            _ => self.done.push(Piece::Literal(text.to_owned())),
        }
    }

    fn field(&mut self, attribute: Attribute, spec: Spec) {
        self.done.push(Piece::Field(attribute, spec));
        self.fields += 1;
    }

    /// A pattern without a field would write the same line for every record.
    fn finish(self) -> Result<Vec<Piece>, String> {
        if self.fields == 0 { Err("has no field".to_owned()) } else { Ok(self.done) }
    }
}

struct Cursor<'a>(Chars<'a>);

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.0.as_str()
    }

    fn next(&mut self) -> Option<char> {
        self.0.next()
    }

    /// The next character, if it is one of these.
    fn one_of(&mut self, set: &str) -> Option<char> {
        let next = self.rest().chars().next().filter(|next| set.contains(*next));
        if next.is_some() {
            self.next();
        }
        next
    }

    fn number(&mut self) -> Result<Option<u16>, String> {
        let rest = self.rest();
        let digits = rest.len() - rest.trim_start_matches(|char: char| char.is_ascii_digit()).len();
        let (digits, after) = rest.split_at(digits);
        self.0 = after.chars();
        if digits.is_empty() {
            return Ok(None);
        }
        let number = digits.parse().ok().filter(|number| *number <= MAX_WIDTH);
        number.map(Some).ok_or_else(|| format!("{digits} is more than {MAX_WIDTH}"))
    }

    fn precision(&mut self) -> Result<Option<u16>, String> {
        if self.one_of(".").is_none() {
            return Ok(None);
        }
        if self.rest().starts_with('*') {
            return Err("`*` needs arguments, which a record does not have".to_owned());
        }
        self.number()?.map(Some).ok_or_else(|| "a point needs a number behind it".to_owned())
    }

    /// An alignment, with any character before it as the fill.
    fn fill_and_align(&mut self) -> (Option<char>, Option<Align>) {
        let align = |char: Option<char>| match char? {
            '<' => Some(Align::Left),
            '>' => Some(Align::Right),
            '^' => Some(Align::Center),
            '=' => Some(Align::AfterSign),
            _ => None,
        };
        let mut ahead = self.0.clone();
        let (first, second) = (ahead.next(), ahead.next());
        if let Some(found) = align(second) {
            self.0 = ahead;
            return (first, Some(found));
        }
        if let Some(found) = align(first) {
            self.next();
            return (None, Some(found));
        }
        (None, None)
    }
}
