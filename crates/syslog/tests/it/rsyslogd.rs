//! A real rsyslog that writes what it parsed as JSON. `tests/run` installs it.

use std::fs;
use std::net::Ipv4Addr;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tracing_handlers_testing::certificates;
use tracing_handlers_testing::peers::{Port, udp_socket_to_come_back_to};

use crate::daemon::{Daemon, Place};

/// The daemon and where it listens.
pub(crate) struct Rsyslog {
    daemon: Daemon,
    pub(crate) udp: u16,
    pub(crate) tcp: u16,
    #[cfg(feature = "tls")]
    pub(crate) tls: u16,
    /// Over TLS, from those who have a certificate of its authority.
    #[cfg(feature = "tls")]
    pub(crate) known: u16,
    #[cfg(feature = "relp")]
    pub(crate) relp: u16,
    /// RELP over TLS, from those who have a certificate of its authority.
    #[cfg(all(feature = "relp", feature = "tls"))]
    pub(crate) relp_tls: u16,
    /// Kept for it, also while it is dead.
    _ports: [Port; 5],
}

impl Rsyslog {
    pub(crate) fn start() -> Self {
        Self::start_with(false, false)
    }

    /// With a certificate of a test's own for `localhost`, whose authority is [`authority`](Daemon::authority).
    #[cfg(feature = "tls")]
    pub(crate) fn start_with_tls() -> Self {
        Self::start_with(true, false)
    }

    /// With RELP, and without a queue: what it answers for is written.
    #[cfg(feature = "relp")]
    pub(crate) fn start_with_relp() -> Self {
        Self::start_with(false, true)
    }

    #[cfg(all(feature = "relp", feature = "tls"))]
    pub(crate) fn start_with_relp_and_tls() -> Self {
        Self::start_with(true, true)
    }

    fn start_with(has_tls: bool, has_relp: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports = [(); 5].map(|()| Port::reserve());
        let [tcp, tls, relp, known, relp_tls] = ports.each_ref().map(Port::number);
        let udp = udp_socket_to_come_back_to(Ipv4Addr::LOCALHOST.into()).local_addr().unwrap().port();
        if has_tls {
            certificates::make(folder.path());
        }
        let relp_ports = has_relp.then_some((relp, has_tls.then_some(relp_tls)));
        // It makes numbers for the handshakes whenever it starts, which takes half a second.
        let has_tls = has_tls && !has_relp;
        let tls_ports = has_tls.then_some((tls, known));
        let of_relp = relp_ports.into_iter().flat_map(|(relp, over_tls)| [Some(relp), over_tls]).flatten();
        let streams = [tcp].into_iter().chain(has_tls.then_some(tls)).chain(of_relp);
        fs::write(folder.path().join("rsyslog.conf"), configuration(folder.path(), udp, tcp, tls_ports, relp_ports)).unwrap();
        let local = Place::Socket(folder.path().join("log"));
        let places = streams.map(Place::Port).chain([local]).collect();
        Self {
            daemon: Daemon::start(folder, spawn, places),
            udp,
            tcp,
            #[cfg(feature = "tls")]
            tls,
            #[cfg(feature = "tls")]
            known,
            #[cfg(feature = "relp")]
            relp,
            #[cfg(all(feature = "relp", feature = "tls"))]
            relp_tls,
            _ports: ports,
        }
    }

    /// A local socket whose messages are parsed as those of the network.
    pub(crate) fn local_of_networks(&self) -> PathBuf {
        self.path("log5424")
    }
}

impl Deref for Rsyslog {
    type Target = Daemon;

    fn deref(&self) -> &Daemon {
        &self.daemon
    }
}

impl DerefMut for Rsyslog {
    fn deref_mut(&mut self) -> &mut Daemon {
        &mut self.daemon
    }
}

fn spawn(folder: &Path) -> Child {
    let stderr = fs::File::create(folder.join("stderr")).unwrap();
    // Not in everybody's path.
    let program = ["/usr/sbin/rsyslogd", "/sbin/rsyslogd"].into_iter().find(|path| Path::new(path).exists());
    Command::new(program.unwrap_or("rsyslogd"))
        .args(["-n", "-i", "NONE", "-f"])
        .arg(folder.join("rsyslog.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .expect("rsyslogd, which tests/run installs")
}

fn configuration(folder: &Path, udp: u16, tcp: u16, tls: Option<(u16, u16)>, relp: Option<(u16, Option<u16>)>) -> String {
    let d = folder.display();
    let certificates = format!(
        r#" defaultNetstreamDriverCAFile="{d}/ca.pem" defaultNetstreamDriverCertFile="{d}/server.pem" defaultNetstreamDriverKeyFile="{d}/server.key""#
    );
    let (certificates, tls) = match tls {
        None => (String::new(), String::new()),
        Some((anybody, known)) => {
            let input = |port: u16, mode: &str| {
                format!(
                    r#"input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="out" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="{mode}")"#
                )
            };
            (certificates, [input(anybody, "anon"), input(known, "x509/certvalid")].join("\n"))
        }
    };
    let relp = relp.map_or_else(String::new, |(anybody, known)| {
        let input = |port: u16, tls: &str| format!(r#"input(type="imrelp" address="127.0.0.1" port="{port}" ruleset="out"{tls})"#);
        let certificates = format!(
            r#" tls="on" tls.authMode="certvalid" tls.caCert="{d}/ca.pem" tls.myCert="{d}/server.pem" tls.myPrivKey="{d}/server.key""#
        );
        let over_tls = known.map_or_else(String::new, |port| input(port, &certificates));
        format!("main_queue(queue.type=\"Direct\") module(load=\"imrelp\") {}\n{over_tls}", input(anybody, ""))
    });
    let properties = [
        ("pri", "pri"),
        ("facility", "syslogfacility-text"),
        ("severity", "syslogseverity-text"),
        ("version", "protocol-version"),
        ("hostname", "hostname"),
        ("app", "app-name"),
        ("procid", "procid"),
        ("msgid", "msgid"),
        ("sd", "$!rfc5424-sd"),
        ("msg", "msg"),
    ];
    let properties: String = properties
        .iter()
        .map(|(name, of)| format!("  property(outname=\"{name}\" name=\"{of}\" format=\"jsonf\")\n"))
        .collect();
    format!(
        r#"global(workDirectory="{d}" maxMessageSize="512k" parser.escapeControlCharactersOnReceive="off" net.enableDNS="off"{certificates})
module(load="imudp") module(load="imtcp") module(load="imuxsock" sysSock.use="off") module(load="mmpstrucdata")
template(name="json" type="list" option.jsonf="on") {{
{properties}  property(outname="timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
}}
ruleset(name="out") {{
  action(type="mmpstrucdata" sd_name.lowercase="off")
  action(type="omfile" file="{d}/out.json" template="json")
}}
input(type="imudp" address="127.0.0.1" port="{udp}" ruleset="out")
input(type="imtcp" address="127.0.0.1" port="{tcp}" ruleset="out")
{tls}
{relp}
input(type="imuxsock" socket="{d}/log5424" ruleset="out" useSpecialParser="off" parseHostname="on" useSysTimeStamp="off" ignoreTimestamp="off" rateLimit.interval="0")
input(type="imuxsock" socket="{d}/log" ruleset="out" useSysTimeStamp="off" ignoreTimestamp="off" rateLimit.interval="0")
action(type="omfile" file="{d}/internal.log")
"#
    )
}
