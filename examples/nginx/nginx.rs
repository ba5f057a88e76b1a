//! An nginx of this program's own: with TLS and a password, before a collector.

use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs, io, thread};

/// Who may send.
pub(super) const USER: &str = "shop";
/// What they know; a program of yours has it from its environment, or from a file.
pub(super) const PASSWORD: &str = "secret";

/// Runs until it is stopped; its files are in a folder of its own, which goes with it.
#[derive(Debug)]
pub(super) struct Nginx {
    program: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    process: Child,
}

impl Nginx {
    /// Starts one before the collector at `host:port`. `Err` of a text says what is not installed.
    pub(super) fn before(collector: &str) -> Result<Result<Self, String>, Box<dyn Error>> {
        let Some(program) = find("nginx") else { return Ok(Err("nginx".to_owned())) };
        let Some(openssl) = find("openssl") else { return Ok(Err("openssl, which makes a certificate for nginx".to_owned())) };
        let folder = tempfile::tempdir()?;
        certify(&openssl, folder.path())?;
        fs::write(folder.path().join("users"), format!("{USER}:{{PLAIN}}{PASSWORD}\n"))?;
        // Somebody may take the port before nginx does: then another.
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let text = include_str!("nginx.conf").replace("$COLLECTOR", collector).replace("$PORT", &port.to_string());
            fs::write(configuration(folder.path()), text.replace("$FOLDER", &folder.path().to_string_lossy()))?;
            if let Some(process) = start(&program, folder.path(), port)? {
                return Ok(Ok(Self { program, folder, port, process }));
            }
        }
        let told = fs::read_to_string(folder.path().join("error.log")).unwrap_or_default();
        Err(format!("nginx does not start: {told}").into())
    }

    /// Where it listens.
    pub(super) fn url(&self) -> String {
        format!("https://127.0.0.1:{}/logs", self.port)
    }

    /// Its certificate, which is its own authority.
    pub(super) fn certificate(&self) -> io::Result<Vec<u8>> {
        fs::read(self.folder.path().join("certificate.pem"))
    }

    /// As after a change of its configuration. Returns when new workers have taken over, and the old ones close what they have no request on.
    pub(super) fn reload(&self) -> Result<(), Box<dyn Error>> {
        let log = self.folder.path().join("error.log");
        let count_ends = || io::Result::Ok(fs::read_to_string(&log)?.matches("gracefully shutting down").count());
        let before = count_ends()?;
        signal(&self.program, self.folder.path(), "reload")?;
        while count_ends()? == before {
            thread::yield_now();
        }
        Ok(())
    }

    /// As when its machine is started again: what is under way is broken off, and nobody listens.
    pub(super) fn stop(&mut self) -> Result<(), Box<dyn Error>> {
        signal(&self.program, self.folder.path(), "stop")?;
        self.process.wait()?;
        Ok(())
    }

    /// It is there again, at the same place.
    pub(super) fn start_again(&mut self) -> Result<(), Box<dyn Error>> {
        self.process = start(&self.program, self.folder.path(), self.port)?.ok_or("nginx does not start again")?;
        Ok(())
    }

    /// A line a request: worker, user, TLS and status.
    pub(super) fn requests(&self) -> io::Result<Vec<String>> {
        let log = fs::read_to_string(self.folder.path().join("access.log"))?;
        Ok(log.lines().map(str::to_owned).collect())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it only if it is told to end.
        if self.process.try_wait().is_ok_and(|ended| ended.is_none()) && self.stop().is_err() {
            self.process.kill().ok();
        }
    }
}

fn find(name: &str) -> Option<PathBuf> {
    // Wine shows Windows programs what is installed, and starts it with names of files that it does not know.
    if !cfg!(unix) {
        return None;
    }
    // Distributions put nginx where only root looks.
    let places = env::var_os("PATH").unwrap_or_default();
    let places: Vec<_> = env::split_paths(&places).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from)).collect();
    places.into_iter().map(|place| place.join(name)).find(|program| program.is_file())
}

fn certify(openssl: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let wanted = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1";
    let files = ["-keyout", "key.pem", "-out", "certificate.pem"];
    let made = Command::new(openssl).args(wanted.split(' ')).args(files).current_dir(folder).output()?;
    match made.status.success() {
        true => Ok(()),
        false => Err(format!("openssl: {}", String::from_utf8_lossy(&made.stderr)).into()),
    }
}

fn configuration(folder: &Path) -> PathBuf {
    folder.join("nginx.conf")
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("-p").arg(folder).arg("-c").arg(configuration(folder)).arg("-e").arg(folder.join("error.log"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// `None` if it ends at once.
fn start(program: &Path, folder: &Path, port: u16) -> io::Result<Option<Child>> {
    let mut process = command(program, folder).spawn()?;
    loop {
        if process.try_wait()?.is_some() {
            return Ok(None);
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(Some(process));
        }
        thread::yield_now();
    }
}

fn signal(program: &Path, folder: &Path, what: &str) -> Result<(), Box<dyn Error>> {
    match command(program, folder).args(["-s", what]).status()?.success() {
        true => Ok(()),
        false => Err(format!("nginx -s {what} failed").into()),
    }
}
