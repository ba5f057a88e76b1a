//! A real syslog-ng that writes what it parsed as JSON. `tests/run` installs it, beside rsyslog.

use std::fs;
use std::net::Ipv4Addr;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tracing_handlers_testing::certificates;
use tracing_handlers_testing::peers::{Port, udp_socket_to_come_back_to};

use crate::daemon::{Daemon, Place};

/// The daemon and where it listens.
pub(crate) struct SyslogNg {
    daemon: Daemon,
    ports: Ports,
    /// Its ports, also while it is dead.
    _kept: [Port; 5],
}

/// Where it listens.
#[derive(Clone, Copy)]
struct Ports {
    udp: u16,
    udp_3164: u16,
    tcp: u16,
    lines: u16,
    lines_3164: u16,
    tls: u16,
    tls_3164: u16,
}

/// More connections than any test makes; by default it has room for ten, and ends the next one as soon as it has come.
const ROOM: usize = 1_000;

impl SyslogNg {
    pub(crate) fn start() -> Self {
        Self::start_with(ROOM, false)
    }

    /// It has so many places for connections at each of its ports.
    pub(crate) fn start_with_room(room: usize) -> Self {
        Self::start_with(room, false)
    }

    /// With a certificate of a test's own for `localhost`; it wants one from its clients.
    #[cfg(feature = "tls")]
    pub(crate) fn start_with_tls() -> Self {
        Self::start_with(ROOM, true)
    }

    fn start_with(room: usize, has_tls: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kept = [(); 5].map(|()| Port::reserve());
        let [tcp, lines, lines_3164, tls, tls_3164] = kept.each_ref().map(Port::number);
        let udp_port = || udp_socket_to_come_back_to(Ipv4Addr::LOCALHOST.into()).local_addr().unwrap().port();
        let [udp, udp_3164] = [udp_port(), udp_port()];
        let ports = Ports { udp, udp_3164, tcp, lines, lines_3164, tls, tls_3164 };
        if has_tls {
            certificates::make(folder.path());
        }
        let configuration = configuration(folder.path(), &Program::find().version(), ports, room, has_tls);
        fs::write(folder.path().join("syslog-ng.conf"), configuration).unwrap();
        let streams = [tcp, lines, lines_3164].into_iter().chain(has_tls.then_some(tls)).map(Place::Port);
        let sockets = ["log", "stream", "log5424"].map(|name| Place::Socket(folder.path().join(name)));
        let places = streams.chain(sockets).collect();
        Self { daemon: Daemon::start(folder, |folder| Program::find().spawn(folder), places), ports, _kept: kept }
    }

    /// RFC 5424.
    pub(crate) fn udp(&self) -> String {
        at(self.ports.udp)
    }

    pub(crate) fn udp_3164(&self) -> String {
        at(self.ports.udp_3164)
    }

    /// RFC 5424, octet counting.
    pub(crate) fn tcp(&self) -> String {
        at(self.ports.tcp)
    }

    /// RFC 5424, line feeds.
    pub(crate) fn lines(&self) -> String {
        at(self.ports.lines)
    }

    pub(crate) fn lines_3164(&self) -> String {
        at(self.ports.lines_3164)
    }

    #[cfg(feature = "tls")]
    pub(crate) fn tls(&self) -> String {
        format!("localhost:{}", self.ports.tls)
    }

    /// RFC 3164, line feeds.
    #[cfg(feature = "tls")]
    pub(crate) fn tls_3164(&self) -> String {
        format!("localhost:{}", self.ports.tls_3164)
    }

    pub(crate) fn local_stream(&self) -> PathBuf {
        self.path("stream")
    }

    pub(crate) fn local_5424(&self) -> PathBuf {
        self.path("log5424")
    }
}

impl Deref for SyslogNg {
    type Target = Daemon;

    fn deref(&self) -> &Daemon {
        &self.daemon
    }
}

impl DerefMut for SyslogNg {
    fn deref_mut(&mut self) -> &mut Daemon {
        &mut self.daemon
    }
}

fn at(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// The system's, or the one that was only unpacked because the system has rsyslog and will not have both.
struct Program {
    path: PathBuf,
    /// Of the one that was unpacked.
    libraries: Option<PathBuf>,
}

impl Program {
    fn find() -> Self {
        let unpacked = Path::new(env!("CARGO_TARGET_TMPDIR")).join("syslog-ng");
        let path = unpacked.join("usr/sbin/syslog-ng");
        if path.exists() {
            return Self { path, libraries: Some(unpacked.join("usr/lib/syslog-ng")) };
        }
        // Not in everybody's path.
        let program = ["/usr/sbin/syslog-ng", "/sbin/syslog-ng"].into_iter().find(|path| Path::new(path).exists());
        Self { path: program.unwrap_or("syslog-ng").into(), libraries: None }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        if let Some(libraries) = &self.libraries {
            // Beside the libraries is one folder, of modules, which is called as the version is.
            let folders = fs::read_dir(libraries).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
            let modules = folders.map(|path| path.display().to_string()).collect::<Vec<_>>().join(":");
            command.env("LD_LIBRARY_PATH", libraries).arg(format!("--module-path={modules}"));
        }
        command
    }

    /// Of the language of its configuration.
    fn version(&self) -> String {
        let output = self.command().arg("--version").output().expect("syslog-ng, which tests/run installs");
        let text = String::from_utf8(output.stdout).unwrap();
        let version = text.lines().find_map(|line| line.strip_prefix("Config version: "));
        version.unwrap_or_else(|| panic!("no version: {text}{}", String::from_utf8_lossy(&output.stderr))).to_owned()
    }

    fn spawn(&self, folder: &Path) -> Child {
        let stderr = fs::File::create(folder.join("stderr")).unwrap();
        let option = |name: &str, file: &str| format!("--{name}={}", folder.join(file).display());
        self.command()
            .args(["-F", "-e", "--no-caps"])
            .args([option("cfgfile", "syslog-ng.conf"), option("persist-file", "persist")])
            .args([option("control", "control"), option("pidfile", "pid")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap()
    }
}

fn configuration(folder: &Path, version: &str, ports: Ports, room: usize, has_tls: bool) -> String {
    let d = folder.display();
    let Ports { udp, udp_3164, tcp, lines, lines_3164, tls, tls_3164 } = ports;
    let room = format!("max-connections({room})");
    let tls = match has_tls {
        false => String::new(),
        true => {
            let certificates = format!(
                r#"tls(key-file("{d}/server.key") cert-file("{d}/server.pem") ca-file("{d}/ca.pem") peer-verify(required-trusted))"#
            );
            format!(
                r#"syslog(ip(127.0.0.1) port({tls}) transport("tls") {room} {certificates});
  network(ip(127.0.0.1) port({tls_3164}) transport("tls") {room} {certificates});"#
            )
        }
    };
    let properties = [
        ("facility", "FACILITY"),
        ("severity", "LEVEL"),
        ("timestamp", "S_ISODATE"),
        ("hostname", "HOST"),
        ("app", "PROGRAM"),
        ("procid", "PID"),
        ("msgid", "MSGID"),
        ("msg", "MESSAGE"),
    ];
    let properties: String = properties.iter().map(|(name, of)| format!(r#" --pair {name}=\"${of}\""#)).collect();
    format!(
        r#"@version: {version}
options {{ keep-hostname(yes); use-dns(no); log-msg-size(262144); frac-digits(6); time-zone("UTC"); flush-lines(1); }};
source sources {{
  syslog(ip(127.0.0.1) port({udp}) transport("udp"));
  syslog(ip(127.0.0.1) port({tcp}) transport("tcp") {room});
  network(ip(127.0.0.1) port({lines}) transport("tcp") {room} flags(syslog-protocol));
  network(ip(127.0.0.1) port({udp_3164}) transport("udp"));
  network(ip(127.0.0.1) port({lines_3164}) transport("tcp") {room});
  unix-dgram("{d}/log");
  unix-stream("{d}/stream" {room});
  unix-dgram("{d}/log5424" flags(syslog-protocol));
  {tls}
}};
destination parsed {{ file("{d}/out.json" template("$(format-json --key .SDATA.*{properties})\n")); }};
log {{ source(sources); destination(parsed); flags(flow-control); }};
"#
    )
}
