//! What JSON and pickles can hold in common (pure).

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use tracing_handlers_core::format::hex;
use tracing_handlers_core::record::ValueBuf;

/// One value, with those inside of it. Keys keep their order, and one that stands twice stands twice.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree<'a> {
    Nil,
    Bool(bool),
    Int(i128),
    /// Above `i128::MAX`.
    Big(u128),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    List(Vec<Tree<'a>>),
    Dict(Entries<'a>),
}

/// Keys and their values.
pub(crate) type Entries<'a> = Vec<(Cow<'a, str>, Tree<'a>)>;

impl<'a> Tree<'a> {
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text.into_owned(),
            other => other.to_string(),
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number of the type that is wanted, where it fits.
    pub(crate) fn as_int<T: TryFrom<i128>>(&self) -> Option<T> {
        match *self {
            Self::Int(value) => T::try_from(value).ok(),
            _ => None,
        }
    }

    pub(crate) fn into_value(self) -> ValueBuf {
        match self {
            Self::Nil => ValueBuf::Nil,
            Self::Bool(value) => ValueBuf::Bool(value),
            Self::Int(value) => match (i64::try_from(value), u64::try_from(value)) {
                (Ok(value), _) => ValueBuf::I64(value),
                (_, Ok(value)) => ValueBuf::U64(value),
                _ => ValueBuf::I128(value),
            },
            Self::Big(value) => ValueBuf::U128(value),
            Self::Float(value) => ValueBuf::F64(value),
            Self::Text(text) => ValueBuf::Str(text.into_owned()),
            Self::Bytes(bytes) => ValueBuf::Bytes(bytes.to_vec()),
            nested @ (Self::List(_) | Self::Dict(_)) => ValueBuf::Debug(nested.to_string()),
        }
    }

    /// The texts of a list that holds nothing else.
    fn texts(&self) -> Option<Vec<String>> {
        let Self::List(items) = self else { return None };
        items.iter().map(|item| item.as_text().map(str::to_owned)).collect()
    }
}

/// Entries as fields. The list `<name>.sources` after a text `<name>` makes that an error with its sources again.
pub(crate) fn fields(entries: Entries<'_>, name_of: impl Fn(&str) -> &str) -> Vec<(String, ValueBuf)> {
    let mut fields: Vec<(String, ValueBuf)> = Vec::with_capacity(entries.len());
    for (key, tree) in entries {
        if let Some(stem) = key.strip_suffix(".sources")
            && let Some((name, value)) = fields.last_mut()
            && name == name_of(stem)
            && let ValueBuf::Str(text) = value
            && let Some(sources) = tree.texts()
        {
            *value = ValueBuf::Error([vec![std::mem::take(text)], sources].concat());
            continue;
        }
        fields.push((name_of(&key).to_owned(), tree.into_value()));
    }
    fields
}

/// Takes the value of a key out.
pub(crate) fn take<'a>(entries: &mut Entries<'a>, key: &str) -> Option<Tree<'a>> {
    let at = entries.iter().position(|(name, _)| name == key)?;
    Some(entries.remove(at).1)
}

impl fmt::Display for Tree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Big(value) => write!(f, "{value}"),
            // `1e308`, and not its 309 digits: a text stays about as long as what came.
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Bytes(bytes) => {
                let mut shown = Vec::new();
                hex::spaced(bytes, &mut shown);
                f.write_str(&String::from_utf8_lossy(&shown))
            }
            Self::List(items) => f.debug_list().entries(items.iter().map(Shown)).finish(),
            Self::Dict(entries) => f.debug_map().entries(entries.iter().map(|(key, tree)| (key, Shown(tree)))).finish(),
        }
    }
}

/// Shows by `Display` where `Debug` is asked.
struct Shown<'t, 'a>(&'t Tree<'a>);

impl fmt::Debug for Shown<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)
    }
}

impl<'de> Deserialize<'de> for Tree<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Tree::Nil)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Tree::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Tree::Int(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Tree::Float(value))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Tree::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Tree::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, tree)) = map.next_entry::<String, Tree<'de>>()? {
            entries.push((Cow::Owned(key), tree));
        }
        Ok(Tree::Dict(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_is_a_text_for_people() {
        let list = Tree::List(vec![Tree::Bytes(&[0xde, 0xad]), Tree::Text("x".into()), Tree::Nil]);
        assert_eq!(list.into_value(), ValueBuf::Debug(r#"[[de ad], "x", null]"#.into()));
    }
}
