//! `Serialize` and `Deserialize`: with `rmp-serde` the very bytes of the record, with other formats the same map.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::encode::{key, level_name, tag};
use super::{ErrorChain, Fields, Record, RecordBuf, RecordBuilder, SpanRecord, Spans, Value, ValueBuf, level_from};
use crate::Timestamp;

impl Serialize for Record<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (head, site) = (&self.head, self.head.site.told());
        let mut entries = 8;
        entries +=
            usize::from(site.module_path.is_some()) + usize::from(site.file.is_some()) + usize::from(site.line.is_some());
        entries += usize::from(head.thread_id.is_some()) + usize::from(head.thread_name.is_some());
        entries += usize::from(self.omitted > 0);
        let mut map = serializer.serialize_map(Some(entries))?;
        map.serialize_entry(key::TIMESTAMP, &self.timestamp().as_nanos())?;
        map.serialize_entry(key::LEVEL, level_name(site.level))?;
        map.serialize_entry(key::TARGET, site.target)?;
        map.serialize_entry(key::NAME, site.name)?;
        optional(&mut map, key::MODULE, site.module_path)?;
        optional(&mut map, key::FILE, site.file)?;
        optional(&mut map, key::LINE, site.line)?;
        optional(&mut map, key::THREAD_ID, head.thread_id)?;
        optional(&mut map, key::THREAD_NAME, head.thread_name)?;
        map.serialize_entry(key::PROCESS_ID, &head.process_id)?;
        map.serialize_entry(key::MESSAGE, self.message())?;
        map.serialize_entry(key::FIELDS, &self.fields())?;
        map.serialize_entry(key::SPANS, &self.spans)?;
        optional(&mut map, key::OMITTED, (self.omitted > 0).then_some(self.omitted))?;
        map.end()
    }
}

fn optional<M: SerializeMap>(map: &mut M, key: &str, value: Option<impl Serialize>) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, &value))
}

impl Serialize for RecordBuf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_record().serialize(serializer)
    }
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.count as usize))?;
        for (name, value) in *self {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}

impl Serialize for Spans<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.count as usize))?;
        for span in *self {
            seq.serialize_element(&span)?;
        }
        seq.end()
    }
}

impl Serialize for SpanRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry(key::NAME, self.name())?;
        map.serialize_entry(key::TARGET, self.target())?;
        map.serialize_entry(key::FIELDS, &self.fields())?;
        map.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Value::Bool(value) => serializer.serialize_bool(value),
            Value::I64(value) => serializer.serialize_i64(value),
            Value::U64(value) => serializer.serialize_u64(value),
            Value::I128(value) => tagged(serializer, tag::I128, &value.to_string()),
            Value::U128(value) => tagged(serializer, tag::U128, &value.to_string()),
            Value::F64(value) => serializer.serialize_f64(value),
            Value::Str(value) => serializer.serialize_str(value),
            Value::Bytes(value) => serializer.serialize_bytes(value),
            Value::Debug(value) => tagged(serializer, tag::DEBUG, value),
            Value::Error(chain) => tagged(serializer, tag::ERROR, &chain),
            Value::Nil => serializer.serialize_unit(),
        }
    }
}

impl Serialize for ErrorChain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(*self)
    }
}

fn tagged<S: Serializer>(serializer: S, tag: &str, value: &(impl Serialize + ?Sized)) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(tag, value)?;
    map.end()
}

impl<'de> Deserialize<'de> for RecordBuf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

/// A text, borrowed where the format allows.
struct Text<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = RecordBuf;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map that is a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RecordBuf, A::Error> {
        let mut record = RecordBuilder::default();
        while let Some(Text(name)) = map.next_key()? {
            record = match &*name {
                key::TIMESTAMP => record.timestamp(Timestamp::from_nanos(map.next_value()?)),
                key::LEVEL => {
                    let Text(name) = map.next_value()?;
                    record.level(level_from(&name).ok_or_else(|| de::Error::custom(format_args!("unknown level {name:?}")))?)
                }
                key::TARGET => record.target(map.next_value::<Text<'_>>()?.0),
                key::NAME => record.name(map.next_value::<Text<'_>>()?.0),
                key::MODULE => record.module_path(map.next_value::<Text<'_>>()?.0),
                key::FILE => record.file(map.next_value::<Text<'_>>()?.0),
                key::LINE => record.line(map.next_value()?),
                key::THREAD_ID => record.thread_id(map.next_value()?),
                key::THREAD_NAME => record.thread_name(map.next_value::<Text<'_>>()?.0),
                key::PROCESS_ID => record.process_id(map.next_value()?),
                key::MESSAGE => record.message(map.next_value::<Text<'_>>()?.0),
                key::FIELDS => map
                    .next_value::<FieldList>()?
                    .0
                    .into_iter()
                    .fold(record, |record, (name, value)| record.field(&name, value)),
                key::SPANS => map.next_value::<Vec<SpanBuf>>()?.into_iter().fold(record, |record, span| {
                    let fields = span.fields.0.iter().map(|(name, value)| (name.as_str(), value.clone()));
                    record.span(&span.name, &span.target, fields)
                }),
                key::OMITTED => record.omitted_fields(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    record
                }
            };
        }
        Ok(record.build())
    }
}

#[derive(Default)]
struct FieldList(Vec<(String, ValueBuf)>);

impl<'de> Deserialize<'de> for FieldList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = FieldList;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of fields")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FieldList, A::Error> {
                let mut list = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    list.push(entry);
                }
                Ok(FieldList(list))
            }
        }
        deserializer.deserialize_map(ListVisitor)
    }
}

#[derive(Default)]
struct SpanBuf {
    name: String,
    target: String,
    fields: FieldList,
}

impl<'de> Deserialize<'de> for SpanBuf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SpanVisitor;
        impl<'de> Visitor<'de> for SpanVisitor {
            type Value = SpanBuf;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map that is a span")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SpanBuf, A::Error> {
                let mut span = SpanBuf::default();
                while let Some(Text(name)) = map.next_key()? {
                    match &*name {
                        key::NAME => span.name = map.next_value()?,
                        key::TARGET => span.target = map.next_value()?,
                        key::FIELDS => span.fields = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(span)
            }
        }
        deserializer.deserialize_map(SpanVisitor)
    }
}

impl Serialize for ValueBuf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self, self.as_value()) {
            (_, Some(value)) => value.serialize(serializer),
            (ValueBuf::Error(chain), None) => tagged(serializer, tag::ERROR, chain),
            (_, None) => serializer.serialize_unit(),
        }
    }
}

impl<'de> Deserialize<'de> for ValueBuf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = ValueBuf;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<ValueBuf, E> {
        Ok(ValueBuf::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<ValueBuf, E> {
        Ok(ValueBuf::I64(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<ValueBuf, E> {
        Ok(ValueBuf::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<ValueBuf, E> {
        Ok(ValueBuf::F64(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<ValueBuf, E> {
        Ok(ValueBuf::from(value))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<ValueBuf, E> {
        Ok(ValueBuf::from(value))
    }

    fn visit_unit<E>(self) -> Result<ValueBuf, E> {
        Ok(ValueBuf::Nil)
    }

    /// Formats without bytes (JSON) write them as numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ValueBuf, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        Ok(ValueBuf::Bytes(bytes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ValueBuf, A::Error> {
        let Some(Text(name)) = map.next_key()? else { return Err(de::Error::custom("an empty map is not a value")) };
        let value = match &*name {
            tag::DEBUG => ValueBuf::Debug(map.next_value()?),
            tag::ERROR => ValueBuf::Error(map.next_value()?),
            tag::I128 => ValueBuf::I128(map.next_value::<Number<i128>>()?.0),
            tag::U128 => ValueBuf::U128(map.next_value::<Number<u128>>()?.0),
            other => return Err(de::Error::custom(format_args!("unknown kind of value {other:?}"))),
        };
        match map.next_key::<IgnoredAny>()? {
            None => Ok(value),
            Some(_) => Err(de::Error::custom("a value has one entry")),
        }
    }
}

/// A number written as text.
struct Number<T>(T);

impl<'de, T: FromStr> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        text.parse().map(Number).map_err(|_| de::Error::custom(format_args!("not a number: {text:?}")))
    }
}
