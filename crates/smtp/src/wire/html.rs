//! What a mail with colours and tables says (pure).
//!
//! Every text of a record is escaped, in attributes none of it stands, and nothing is loaded from elsewhere: there is no link, no
//! image, no script and no style sheet. Line ends of a text stay, since a record has a frame of its own; what cannot be seen, or
//! would turn the direction of the text, is shown as `\u{202e}`.

use tracing_handlers_core::format::{Zone, escape, hex};
use tracing_handlers_core::record::Fields;
use tracing_handlers_core::{Level, Record, Value};

const OPEN: &str = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head>\n\
    <body style=\"margin:0;padding:8px;font:14px/1.4 sans-serif;color:#202124;background:#ffffff\">\n";
const CLOSE: &str = "</body></html>\n";
const CELL: &str = "<td style=\"padding:1px 12px 1px 0;vertical-align:top;white-space:pre-wrap;font-family:monospace";

/// A record as a part of a mail.
pub(crate) fn record(record: &Record<'_>, out: &mut Vec<u8>) {
    let (name, colour) = level(record.level());
    push(out, "<div style=\"margin:0 0 12px;padding:2px 0 2px 10px;border-left:4px solid ");
    push(out, colour);
    push(out, "\">\n<div><b style=\"color:");
    push(out, colour);
    push(out, "\">");
    push(out, name);
    push(out, "</b> <span style=\"color:#5f6368\">");
    Zone::Utc.write_rfc3339(record.timestamp(), out);
    push(out, " ");
    text(record.target(), out);
    push(out, "</span></div>\n<div style=\"white-space:pre-wrap\">");
    text(record.message(), out);
    push(out, "</div>\n");
    table(record, out);
    push(out, "</div>\n");
}

/// A whole page of such parts; `note` stands below them.
pub(crate) fn page(parts: &str, note: Option<&str>) -> String {
    let mut page = Vec::with_capacity(OPEN.len() + parts.len() + CLOSE.len());
    push(&mut page, OPEN);
    push(&mut page, parts);
    if let Some(note) = note {
        push(&mut page, "<div><i>");
        text(note, &mut page);
        push(&mut page, "</i></div>\n");
    }
    push(&mut page, CLOSE);
    String::from_utf8_lossy(&page).into_owned()
}

/// Colours that can be read on white.
fn level(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::ERROR => ("ERROR", "#b3261e"),
        Level::WARN => ("WARN", "#9a5b00"),
        Level::INFO => ("INFO", "#146c2e"),
        Level::DEBUG => ("DEBUG", "#0b57d0"),
        Level::TRACE => ("TRACE", "#5f6368"),
    }
}

/// The fields of the record, then those of its spans, from the innermost out.
fn table(record: &Record<'_>, out: &mut Vec<u8>) {
    let mut spans: Vec<_> = record.spans().collect();
    spans.reverse();
    if record.fields().is_empty() && spans.is_empty() && record.omitted_fields() == 0 {
        return;
    }
    push(out, "<table style=\"border-collapse:collapse\">\n");
    rows(record.fields(), out);
    for span in spans {
        push(out, "<tr><td colspan=\"2\" style=\"padding:1px 0;color:#5f6368\">in <b>");
        text(span.name(), out);
        push(out, "</b></td></tr>\n");
        rows(span.fields(), out);
    }
    if record.omitted_fields() > 0 {
        push(out, "<tr><td colspan=\"2\" style=\"padding:1px 0;color:#5f6368\">");
        push(out, &format!("{} fields were left out</td></tr>\n", record.omitted_fields()));
    }
    push(out, "</table>\n");
}

fn rows(fields: Fields<'_>, out: &mut Vec<u8>) {
    for (name, field) in fields {
        push(out, "<tr>");
        push(out, CELL);
        push(out, ";color:#5f6368\">");
        text(name, out);
        push(out, "</td>");
        push(out, CELL);
        push(out, "\">");
        value(field, out);
        push(out, "</td></tr>\n");
    }
}

fn value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Bool(value) => push(out, if value { "true" } else { "false" }),
        Value::I64(value) => push(out, &value.to_string()),
        Value::U64(value) => push(out, &value.to_string()),
        Value::I128(value) => push(out, &value.to_string()),
        Value::U128(value) => push(out, &value.to_string()),
        Value::F64(value) => push(out, &value.to_string()),
        Value::Str(value) | Value::Debug(value) => text(value, out),
        Value::Bytes(bytes) => hex::spaced(bytes, out),
        Value::Error(chain) => {
            text(chain.message(), out);
            for source in chain.sources() {
                push(out, "\nfrom: ");
                text(source, out);
            }
        }
        // `Nil`, and what may be added to the values.
        _ => push(out, "null"),
    }
}

/// A text of somebody else. What means something in HTML means nothing any more.
fn text(text: &str, out: &mut Vec<u8>) {
    let mut shown = Vec::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            shown.push(b'\n');
        }
        escape::text(line.strip_suffix('\r').unwrap_or(line), &mut shown);
    }
    for byte in shown {
        match byte {
            b'&' => push(out, "&amp;"),
            b'<' => push(out, "&lt;"),
            b'>' => push(out, "&gt;"),
            b'"' => push(out, "&quot;"),
            b'\'' => push(out, "&#39;"),
            byte => out.push(byte),
        }
    }
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_handlers_core::Timestamp;

    fn of(record: &Record<'_>) -> String {
        let mut out = Vec::new();
        super::record(record, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_record_has_a_coloured_level_and_its_fields_as_a_table() {
        let record = Record::builder()
            .level(Level::ERROR)
            .timestamp(Timestamp::from_unix_seconds(1_700_000_000))
            .target("app::db")
            .message("connection lost")
            .field("code", 402)
            .field("key", vec![0xde_u8, 0xad])
            .span("request", "app", [("id", "7f3a".into())])
            .build();
        let html = of(&record.as_record());
        let row = |name, value| format!("<tr>{CELL};color:#5f6368\">{name}</td>{CELL}\">{value}</td></tr>\n");
        let in_request = "<tr><td colspan=\"2\" style=\"padding:1px 0;color:#5f6368\">in <b>request</b></td></tr>\n";
        assert!(html.contains("<b style=\"color:#b3261e\">ERROR</b>"), "{html}");
        assert!(html.contains("2023-11-14T22:13:20.000000Z app::db</span>"), "{html}");
        assert!(
            html.contains(&[&row("code", "402"), &row("key", "[de ad]"), in_request, &row("id", "7f3a")].concat()),
            "{html}"
        );
    }

    #[test]
    fn no_text_is_markup_and_line_ends_stay() {
        let record = Record::builder()
            .message("<a href='http://evil.example'>click</a>\r\n\u{202e}&\x1b[31m\0")
            .field("<script>", "\"onload=\"")
            .span("</table>", "app", [("<img>", "]]>".into())])
            .build();
        let html = of(&record.as_record());
        let message = "&lt;a href=&#39;http://evil.example&#39;&gt;click&lt;/a&gt;\n\\u{202e}&amp;\\x1b[31m\\0";
        assert!(html.contains(message), "{html}");
        assert!(html.contains("&lt;script&gt;") && html.contains("&quot;onload=&quot;"), "{html}");
        assert!(html.contains("<b>&lt;/table&gt;</b>") && html.contains("&lt;img&gt;") && html.contains("]]&gt;"), "{html}");
    }

    #[test]
    fn every_level_has_its_colour() {
        let mut colours: Vec<_> =
            [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE].map(|of| level(of).1).to_vec();
        colours.sort_unstable();
        colours.dedup();
        assert_eq!(colours.len(), 5);
    }

    #[test]
    fn a_page_is_whole_and_a_note_stands_below() {
        let page = page("<div>one</div>", Some("7 < 8"));
        assert!(
            page.starts_with(OPEN) && page.ends_with("<div>one</div><div><i>7 &lt; 8</i></div>\n</body></html>\n"),
            "{page}"
        );
    }
}
