//! From settings to a plan: defaults that depend on each other, and what cannot be.

use std::path::Path;

use tracing_handlers_core::format::{Text, Zone};
use tracing_handlers_core::{Error, Format, Record};
use tracing_handlers_delivery::Settings;

use crate::builder::SyslogHandlerBuilder;
use crate::destination::Target;
use crate::priority::Severity;
use crate::wire::rfc3164::Time;
use crate::wire::standard::{SOFTWARE_CHARS, VERSION_CHARS};
use crate::wire::{Encoder, Forbidden, Framing, Layout, Newlines, Protocol};

/// What every receiver takes (RFC 5424 section 6.1).
const LEAST_BYTES: usize = 480;
/// What a datagram over IPv4 takes.
const MOST_UDP_BYTES: usize = 65_507;

/// Everything that a handler is made of.
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) target: Target,
    pub(crate) encoder: Encoder,
    /// A local stream needs it; others have it in their frames.
    pub(crate) local_framing: Option<Framing>,
    /// A frame is a run of messages.
    pub(crate) is_split: bool,
    pub(crate) resend_window: usize,
}

/// Fills in the defaults and checks everything.
pub(crate) fn plan(builder: SyslogHandlerBuilder) -> Result<Plan, Error> {
    let (is_local, is_udp) = (builder.destination.is_local(), builder.destination.is_udp());
    let protocol = builder.protocol.unwrap_or(if is_local { Protocol::Rfc3164 } else { Protocol::Rfc5424 });
    let is_python = protocol == Protocol::Python;
    // They keep messages apart themselves.
    let is_framed = is_udp || builder.destination.is_relp();
    check(&builder, protocol, is_udp)?;

    // Python's NUL is the framing of its streams, and part of its datagrams.
    let own_framing = match (is_python, is_local) {
        (true, _) => None,
        (false, true) => Some(Framing::Nul),
        (false, false) => Some(Framing::OctetCounting),
    };
    let stream_framing = if is_framed { None } else { builder.framing.or(own_framing) };
    let ends_with_nul = is_python && builder.framing.is_none() && builder.append_nul.unwrap_or(true);
    // A NUL in the middle of what ends with one would begin another message.
    let separator = stream_framing.or((ends_with_nul && !is_framed).then_some(Framing::Nul));
    let newlines = builder.newlines.unwrap_or(if is_python { Newlines::Keep } else { Newlines::Escape });
    let is_split = newlines == Newlines::Split;
    let framing = match is_framed || is_local {
        true => is_split.then_some(Framing::OctetCounting),
        false => stream_framing,
    };

    let default_zone = if protocol == Protocol::Rfc5424 { Zone::Utc } else { Zone::Local };
    let layout = Layout {
        protocol,
        facility: builder.facility,
        level_map: builder.level_map.unwrap_or_else(|| Box::new(Severity::from)),
        time: if builder.rfc3339_time { Time::Rfc3339 } else { Time::Bsd },
        zone: builder.zone.unwrap_or(default_zone),
        hostname: hostname(builder.hostname, protocol, is_local)?,
        ident: builder.ident.unwrap_or_else(|| if is_python { String::new() } else { program_name() }),
        message_id: builder.msgid.unwrap_or_default(),
        enterprise: builder.enterprise_number,
        standard: builder.standard,
        bom: builder.bom,
        newlines,
        forbidden: Forbidden::of(newlines, separator),
        ends_with_nul,
        max_bytes: builder.max_message_bytes.unwrap_or(if is_udp { 2_048 } else { 8_192 }),
        framing,
    };
    let format = builder.format.unwrap_or_else(|| default_format(is_python || builder.enterprise_number.is_some()));
    Ok(Plan {
        settings: builder.settings.check()?,
        target: builder.destination.target()?,
        encoder: Encoder::new(layout, format),
        local_framing: stream_framing,
        is_split,
        resend_window: builder.resend_window,
    })
}

fn check(builder: &SyslogHandlerBuilder, protocol: Protocol, is_udp: bool) -> Result<(), Error> {
    let has_effect = |setting: &str, is_set: bool, has_effect: bool, what: &str| match is_set && !has_effect {
        true => Err(Error::config(setting, "(set)", format_args!("is without effect on {what}"))),
        false => Ok(()),
    };
    let (is_5424, is_relp) = (protocol == Protocol::Rfc5424, builder.destination.is_relp());
    has_effect("framing", builder.framing.is_some(), !is_udp && !is_relp, "datagrams and RELP")?;
    has_effect("append_nul", builder.append_nul.is_some(), protocol == Protocol::Python, "RFC 3164 and RFC 5424")?;
    has_effect("append_nul", builder.append_nul.is_some(), builder.framing.is_none(), "messages that are framed")?;
    let is_stream = !is_udp && !is_relp && !builder.destination.is_local();
    has_effect("resend_window", builder.resend_window > 0, is_stream, "datagrams, local sockets and RELP")?;
    has_effect("bom", builder.bom, is_5424, "any protocol but RFC 5424")?;
    has_effect("msgid", builder.msgid.is_some(), is_5424, "any protocol but RFC 5424")?;
    has_effect("enterprise_number", builder.enterprise_number.is_some(), is_5424, "any protocol but RFC 5424")?;
    let standard = &builder.standard;
    for (setting, is_set) in [
        ("time_quality", standard.is_synced.is_some()),
        ("origin", standard.software.is_some()),
        ("sequence_id", standard.numbers_messages),
    ] {
        has_effect(setting, is_set, is_5424, "any protocol but RFC 5424")?;
    }
    if let Some((name, version)) = &standard.software {
        origin("software", name, SOFTWARE_CHARS)?;
        origin("version", version, VERSION_CHARS)?;
    }
    has_effect("rfc3339_time", builder.rfc3339_time, protocol == Protocol::Rfc3164, "any protocol but RFC 3164")?;
    has_effect("hostname", builder.hostname.is_some(), protocol != Protocol::Python, "Python's protocol")?;
    if builder.enterprise_number == Some(0) {
        return Err(Error::config("enterprise_number", 0, "is nobody's; 32473 is the one of examples"));
    }
    name("hostname", builder.hostname.as_deref(), 255)?;
    name("msgid", builder.msgid.as_deref(), 32)?;
    match (protocol, builder.ident.as_deref()) {
        (Protocol::Python, Some(ident)) if ident.contains(['\0', '\r', '\n']) => {
            return Err(Error::config("ident", format_args!("{ident:?}"), "must not end a message"));
        }
        (Protocol::Python, _) => {}
        (_, ident) => name("ident", ident, 48)?,
    }
    let most = if is_udp { MOST_UDP_BYTES } else { usize::MAX };
    match builder.max_message_bytes {
        Some(bytes) if !(LEAST_BYTES..=most).contains(&bytes) => {
            let why = format!("must be at least {LEAST_BYTES}, and at most {MOST_UDP_BYTES} over UDP");
            Err(Error::config("max_message_bytes", bytes, why))
        }
        _ => Ok(()),
    }
}

/// Whether the text is short enough to say where messages come from.
fn origin(what: &str, text: &str, longest: usize) -> Result<(), Error> {
    match text.chars().count() {
        0 if what == "software" => Err(Error::config("origin", format_args!("{text:?}"), "has no software")),
        count if count > longest => Err(Error::config(
            "origin",
            format_args!("{text:?}"),
            format_args!("has a {what} of more than {longest} characters"),
        )),
        _ => Ok(()),
    }
}

/// Whether the text can be sent as it is.
fn name(setting: &str, text: Option<&str>, longest: usize) -> Result<(), Error> {
    match text {
        Some(text) if text.is_empty() || text.len() > longest || !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            let why = format!("must be 1 to {longest} characters of printable ASCII");
            Err(Error::config(setting, format_args!("{text:?}"), why))
        }
        _ => Ok(()),
    }
}

fn hostname(set: Option<String>, protocol: Protocol, is_local: bool) -> Result<String, Error> {
    match set {
        Some(name) => Ok(name),
        None if protocol == Protocol::Python || (protocol == Protocol::Rfc3164 && is_local) => Ok(String::new()),
        None => {
            let refused = |error| Error::config("hostname", "(the system's)", "is not known").with_source(error);
            hostname::get().map(|name| name.to_string_lossy().into_owned()).map_err(refused)
        }
    }
}

/// As the program was called.
fn program_name() -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    Path::new(&called).file_name().map_or_else(|| "rust".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn default_format(is_message_alone: bool) -> Box<dyn Format> {
    match is_message_alone {
        true => Box::new(|record: &Record<'_>, out: &mut Vec<u8>| out.extend_from_slice(record.message().as_bytes())),
        false => Box::new(Text::new().time(false).level(false)),
    }
}
