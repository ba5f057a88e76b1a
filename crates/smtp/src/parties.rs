//! Addresses, as lettre reads them (pure).

use lettre::Address;
use lettre::message::Mailbox;
use tracing_handlers_core::Error;

/// From whom and to whom.
#[derive(Debug)]
pub(crate) struct Parties {
    pub(crate) from: Mailbox,
    pub(crate) to: Vec<Mailbox>,
    pub(crate) cc: Vec<Mailbox>,
    pub(crate) reply_to: Option<Mailbox>,
}

impl Parties {
    /// Reads addresses: `alerts@example.org`, or `Alerts <alerts@example.org>`.
    pub(crate) fn parse(from: &str, to: &[String], cc: &[String], reply_to: Option<&str>) -> Result<Self, Error> {
        let all = |setting, list: &[String]| list.iter().map(|text| mailbox(setting, text)).collect::<Result<Vec<_>, _>>();
        let parties = Self {
            from: mailbox("from", from)?,
            to: all("to", to)?,
            cc: all("cc", cc)?,
            reply_to: reply_to.map(|text| mailbox("reply_to", text)).transpose()?,
        };
        if parties.to.is_empty() {
            return Err(Error::config("to", "(none)", "a mail needs a recipient"));
        }
        Ok(parties)
    }

    /// Everybody who gets it, once.
    pub(crate) fn recipients(&self) -> Vec<Address> {
        let mut recipients: Vec<Address> = Vec::new();
        for mailbox in self.to.iter().chain(&self.cc) {
            if !recipients.contains(&mailbox.email) {
                recipients.push(mailbox.email.clone());
            }
        }
        recipients
    }
}

fn mailbox(setting: &str, text: &str) -> Result<Mailbox, Error> {
    if text.chars().any(char::is_control) {
        return Err(Error::config(setting, format!("{text:?}"), "an address has no control characters"));
    }
    let mailbox: Mailbox = text
        .trim()
        .parse()
        .map_err(|error: lettre::address::AddressError| Error::config(setting, format!("{text:?}"), error))?;
    if !AsRef::<str>::as_ref(&mailbox.email).is_ascii() {
        return Err(Error::config(setting, format!("{text:?}"), "an address is ASCII; write the domain as xn--…"));
    }
    Ok(mailbox)
}
