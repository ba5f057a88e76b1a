//! Where messages go, and what text means which host and port (pure).

use std::fmt;
#[cfg(unix)]
use std::path::PathBuf;

use tracing_handlers_core::Error;
#[cfg(feature = "tls")]
use tracing_handlers_delivery::Tls;
use tracing_handlers_delivery::datagram::Place;
use tracing_handlers_delivery::dial::Peer;

/// Syslog over UDP (RFC 5426); of TCP it is the custom.
const PORT: u16 = 514;
/// Syslog over TLS (RFC 5425).
#[cfg(feature = "tls")]
const TLS_PORT: u16 = 6514;
/// That of librelp.
#[cfg(feature = "relp")]
const RELP_PORT: u16 = 20_514;

/// The sockets of Linux, macOS and the BSDs.
#[cfg(unix)]
const LOCAL: [&str; 3] = ["/dev/log", "/var/run/syslog", "/var/run/log"];

/// As the builder was told.
pub(crate) enum Destination {
    #[cfg(unix)]
    Local(Vec<PathBuf>),
    Udp(String),
    Tcp(String),
    #[cfg(feature = "tls")]
    Tls(String, Tls),
    #[cfg(feature = "relp")]
    Relp(String),
    #[cfg(all(feature = "relp", feature = "tls"))]
    RelpTls(String, Tls),
}

/// Checked.
pub(crate) enum Target {
    #[cfg(unix)]
    Local(Vec<PathBuf>),
    Datagrams(Place),
    Stream(Peer),
    #[cfg(feature = "relp")]
    Relp(Peer),
}

impl Destination {
    #[cfg(unix)]
    pub(crate) fn local() -> Self {
        Self::Local(LOCAL.map(PathBuf::from).to_vec())
    }

    pub(crate) fn is_local(&self) -> bool {
        #[cfg(unix)]
        return matches!(self, Self::Local(_));
        #[cfg(not(unix))]
        return false;
    }

    pub(crate) fn is_udp(&self) -> bool {
        matches!(self, Self::Udp(_))
    }

    pub(crate) fn is_relp(&self) -> bool {
        #[cfg(all(feature = "relp", feature = "tls"))]
        return matches!(self, Self::Relp(_) | Self::RelpTls(..));
        #[cfg(all(feature = "relp", not(feature = "tls")))]
        return matches!(self, Self::Relp(_));
        #[cfg(not(feature = "relp"))]
        return false;
    }

    pub(crate) fn target(self) -> Result<Target, Error> {
        Ok(match self {
            #[cfg(unix)]
            Self::Local(paths) => Target::Local(paths),
            Self::Udp(address) => {
                let (host, port) = host_and_port("udp", &address, PORT)?;
                Target::Datagrams(Place::Udp { host, port })
            }
            Self::Tcp(address) => {
                let (host, port) = host_and_port("tcp", &address, PORT)?;
                Target::Stream(Peer::Tcp { host, port })
            }
            #[cfg(feature = "tls")]
            Self::Tls(address, tls) => {
                let (host, port) = host_and_port("tls", &address, TLS_PORT)?;
                Target::Stream(Peer::Tls { host, port, tls })
            }
            #[cfg(feature = "relp")]
            Self::Relp(address) => {
                let (host, port) = host_and_port("relp", &address, RELP_PORT)?;
                Target::Relp(Peer::Tcp { host, port })
            }
            #[cfg(all(feature = "relp", feature = "tls"))]
            Self::RelpTls(address, tls) => {
                let (host, port) = host_and_port("relp_tls", &address, RELP_PORT)?;
                Target::Relp(Peer::Tls { host, port, tls })
            }
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(unix)]
            Self::Local(paths) => {
                let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
                write!(f, "unix:{}", paths.join(", "))
            }
            Self::Datagrams(place) => place.fmt(f),
            Self::Stream(peer) => peer.fmt(f),
            #[cfg(feature = "relp")]
            // `relp://logs:20514`, `relp+tls://logs:20514`.
            Self::Relp(peer) => write!(f, "relp{}", peer.to_string().trim_start_matches("tcp").replacen("tls:", "+tls:", 1)),
        }
    }
}

/// `host`, `host:514`, `127.0.0.1:514`, `::1`, `[::1]`, `[::1]:514`.
fn host_and_port(setting: &str, address: &str, default: u16) -> Result<(String, u16), Error> {
    let refused = |why: &str| Error::config(setting, format_args!("{address:?}"), why);
    let (host, port) = match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or_else(|| refused("is no host and port"))?)),
        None => match address.rsplit_once(':') {
            // More than one colon is an address of IPv6 without a port.
            Some((host, port)) if !host.contains(':') => (host, Some(port)),
            _ => (address, None),
        },
    };
    let port = port.map_or(Ok(default), str::parse).map_err(|_| refused("the port is no number up to 65535"))?;
    if host.is_empty() || host.contains(|char: char| char.is_whitespace() || char.is_control() || "[]/@".contains(char)) {
        return Err(refused("names no host"));
    }
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_with_and_without_a_port() {
        let cases = [
            ("logs", "logs", 514),
            ("logs.example.org:1514", "logs.example.org", 1514),
            ("127.0.0.1:9", "127.0.0.1", 9),
            ("::1", "::1", 514),
            ("[::1]", "::1", 514),
            ("[fe80::1]:99", "fe80::1", 99),
        ];
        for (address, host, port) in cases {
            assert_eq!(host_and_port("udp", address, PORT).unwrap(), (host.to_owned(), port), "{address}");
        }
    }

    #[test]
    fn each_way_has_its_own_port() {
        let place = |destination: Destination| destination.target().unwrap().to_string();
        assert!(place(Destination::Udp("logs".to_owned())).ends_with("logs:514"));
        assert_eq!(place(Destination::Tcp("logs".to_owned())), "tcp://logs:514");
        #[cfg(feature = "tls")]
        assert_eq!(place(Destination::Tls("logs".to_owned(), Tls::new())), "tls://logs:6514");
        #[cfg(feature = "relp")]
        assert_eq!(place(Destination::Relp("logs".to_owned())), "relp://logs:20514");
        #[cfg(all(feature = "relp", feature = "tls"))]
        assert_eq!(place(Destination::RelpTls("logs".to_owned(), Tls::new())), "relp+tls://logs:20514");
    }

    #[test]
    fn what_is_no_address_is_refused_by_name() {
        for address in ["", ":514", "host:", "host:x", "host:65536", "[::1", "[::1]514", "a b", "host/path", "udp://host"] {
            let error = host_and_port("udp", address, PORT).unwrap_err();
            assert!(error.is_config() && error.to_string().contains("udp"), "{address}: {error}");
        }
    }
}
