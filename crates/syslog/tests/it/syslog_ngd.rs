//! A real syslog-ng that writes what it parsed as JSON. `tests/run` installs it, beside rsyslog.

use std::fs;
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tracing_handlers_testing::peers::Port;

use crate::daemon::{Daemon, make_certificates, wait_until};

/// The daemon, in a folder of its own, until it is dropped.
pub(crate) struct SyslogNg {
    folder: TempDir,
    daemon: Child,
    ports: Ports,
    has_tls: bool,
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

impl SyslogNg {
    pub(crate) fn start() -> Self {
        Self::start_with(false)
    }

    /// With a certificate of a test's own for `localhost`; it wants one from its clients.
    #[cfg(feature = "tls")]
    pub(crate) fn start_with_tls() -> Self {
        Self::start_with(true)
    }

    fn start_with(has_tls: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kept = [(); 5].map(|()| Port::reserve());
        let [tcp, lines, lines_3164, tls, tls_3164] = kept.each_ref().map(Port::number);
        // Free a moment ago; nobody else asks for just these.
        let datagrams = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        let [udp, udp_3164] = datagrams.each_ref().map(|socket| socket.local_addr().unwrap().port());
        drop(datagrams);
        let ports = Ports { udp, udp_3164, tcp, lines, lines_3164, tls, tls_3164 };
        if has_tls {
            make_certificates(folder.path());
        }
        let program = Program::find();
        fs::write(folder.path().join("syslog-ng.conf"), configuration(folder.path(), &program.version(), ports, has_tls))
            .unwrap();
        let daemon = program.spawn(folder.path());
        let mut started = Self { folder, daemon, ports, has_tls, _kept: kept };
        started.wait_until_ready();
        started
    }

    fn wait_until_ready(&mut self) {
        let streams = [self.ports.tcp, self.ports.lines, self.ports.lines_3164];
        let (tls, sockets) = (self.has_tls.then_some(self.ports.tls), [self.local(), self.local_stream(), self.local_5424()]);
        wait_until("syslog-ng listens", || {
            if let Some(status) = self.daemon.try_wait().unwrap() {
                panic!("syslog-ng ended with {status}: {}", self.said());
            }
            streams.iter().chain(&tls).all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
                && sockets.iter().all(|socket| socket.exists())
        });
    }

    /// What it told of itself.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap()
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

    /// As `/dev/log` is read.
    pub(crate) fn local(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub(crate) fn local_stream(&self) -> PathBuf {
        self.folder.path().join("stream")
    }

    pub(crate) fn local_5424(&self) -> PathBuf {
        self.folder.path().join("log5424")
    }

    /// One of the files that certificates were made in.
    #[cfg(feature = "tls")]
    pub(crate) fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(name)).unwrap()
    }

    /// The one message that it got.
    pub(crate) fn message(&self) -> Value {
        let mut text = String::new();
        wait_until("the message arrives", || {
            text = self.text();
            text.ends_with('\n')
        });
        let messages: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages[0].clone()
    }
}

impl Daemon for SyslogNg {
    fn output(&self) -> PathBuf {
        self.folder.path().join("out.json")
    }

    fn kill(&mut self) {
        self.daemon.kill().unwrap();
        self.daemon.wait().unwrap();
    }

    fn restart(&mut self) {
        self.daemon = Program::find().spawn(self.folder.path());
        self.wait_until_ready();
    }
}

impl Drop for SyslogNg {
    fn drop(&mut self) {
        // Its folder goes with it.
        self.daemon.kill().ok();
        self.daemon.wait().ok();
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

fn configuration(folder: &Path, version: &str, ports: Ports, has_tls: bool) -> String {
    let d = folder.display();
    let Ports { udp, udp_3164, tcp, lines, lines_3164, tls, tls_3164 } = ports;
    let tls = match has_tls {
        false => String::new(),
        true => {
            let certificates = format!(
                r#"tls(key-file("{d}/server.key") cert-file("{d}/server.pem") ca-file("{d}/ca.pem") peer-verify(required-trusted))"#
            );
            format!(
                r#"syslog(ip(127.0.0.1) port({tls}) transport("tls") {certificates});
  network(ip(127.0.0.1) port({tls_3164}) transport("tls") {certificates});"#
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
  syslog(ip(127.0.0.1) port({tcp}) transport("tcp"));
  network(ip(127.0.0.1) port({lines}) transport("tcp") flags(syslog-protocol));
  network(ip(127.0.0.1) port({udp_3164}) transport("udp"));
  network(ip(127.0.0.1) port({lines_3164}) transport("tcp"));
  unix-dgram("{d}/log");
  unix-stream("{d}/stream");
  unix-dgram("{d}/log5424" flags(syslog-protocol));
  {tls}
}};
destination parsed {{ file("{d}/out.json" template("$(format-json --key .SDATA.*{properties})\n")); }};
log {{ source(sources); destination(parsed); flags(flow-control); }};
"#
    )
}
