//! A real rsyslog that writes what it parsed as JSON. `tests/run` installs it.

use std::fs;
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tracing_handlers_testing::peers::Port;

use crate::daemon::{Daemon, make_certificates, wait_until};

/// The daemon, in a folder of its own, until it is dropped.
pub(crate) struct Rsyslog {
    folder: TempDir,
    daemon: Child,
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
    /// Ports that it listens on once it is up.
    streams: Vec<u16>,
    /// Kept for it, also while it is dead.
    _ports: [Port; 5],
}

impl Rsyslog {
    pub(crate) fn start() -> Self {
        Self::start_with(false, false)
    }

    /// With a certificate of a test's own for `localhost`, whose authority is [`authority`](Self::authority).
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
        // Free a moment ago; nobody else asks for just this one.
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if has_tls {
            make_certificates(folder.path());
        }
        let relp_ports = has_relp.then_some((relp, has_tls.then_some(relp_tls)));
        // It makes numbers for the handshakes whenever it starts, which takes half a second.
        let has_tls = has_tls && !has_relp;
        let tls_ports = has_tls.then_some((tls, known));
        let of_relp = relp_ports.into_iter().flat_map(|(relp, over_tls)| [Some(relp), over_tls]).flatten();
        let streams = [tcp].into_iter().chain(has_tls.then_some(tls)).chain(of_relp).collect();
        fs::write(folder.path().join("rsyslog.conf"), configuration(folder.path(), udp, tcp, tls_ports, relp_ports)).unwrap();
        let daemon = spawn(folder.path());
        let mut started = Self {
            folder,
            daemon,
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
            streams,
            _ports: ports,
        };
        started.wait_until_ready();
        started
    }

    fn wait_until_ready(&mut self) {
        let local = self.local();
        let answers = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
        let is_ready = |streams: &[u16]| {
            streams.iter().all(|port| answers(*port))
                && std::os::unix::net::UnixDatagram::unbound().unwrap().connect(&local).is_ok()
        };
        wait_until("rsyslog listens", || {
            if let Some(status) = self.daemon.try_wait().unwrap() {
                let said = fs::read_to_string(self.folder.path().join("stderr")).unwrap();
                panic!("rsyslogd ended with {status}: {said}");
            }
            is_ready(&self.streams)
        });
    }

    /// As `/dev/log` is read.
    pub(crate) fn local(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// A local socket whose messages are parsed as those of the network.
    pub(crate) fn local_of_networks(&self) -> PathBuf {
        self.folder.path().join("log5424")
    }

    #[cfg(feature = "tls")]
    pub(crate) fn authority(&self) -> Vec<u8> {
        self.file("ca.pem")
    }

    /// Certificate and key of a client that it knows.
    #[cfg(feature = "tls")]
    pub(crate) fn client(&self) -> [Vec<u8>; 2] {
        ["client.pem", "client.key"].map(|name| self.file(name))
    }

    #[cfg(feature = "tls")]
    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(name)).unwrap()
    }

    /// What it wrote, once there are messages that satisfy `is_enough`.
    pub(crate) fn until(&self, is_enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let mut messages = Vec::new();
        wait_until("the messages arrive", || {
            let text = self.text();
            // The last line may be half there.
            let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            messages = lines.map(parsed).collect();
            is_enough(&messages)
        });
        messages
    }

    /// The one message that it got.
    pub(crate) fn message(&self) -> Value {
        let messages = self.until(|messages| !messages.is_empty());
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages[0].clone()
    }
}

impl Daemon for Rsyslog {
    fn output(&self) -> PathBuf {
        self.folder.path().join("out.json")
    }

    fn kill(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
    }

    fn restart(&mut self) {
        self.daemon = spawn(self.folder.path());
        self.wait_until_ready();
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        // Its folder goes with it.
        self.daemon.kill().ok();
        self.daemon.wait().ok();
    }
}

/// A daemon that was killed in the middle of a line leaves its half in front of the next daemon's first.
fn parsed(line: &str) -> Value {
    let whole = || line.rfind("{\"pri\":").and_then(|start| serde_json::from_str(&line[start..]).ok());
    serde_json::from_str(line).ok().or_else(whole).unwrap_or_else(|| panic!("no JSON: {line}"))
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
