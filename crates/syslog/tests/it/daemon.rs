//! What is the same of every real daemon: it is waited for, killed and started again, and it has certificates.

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) use crate::waiting::wait_until;

/// A real daemon that can be killed.
pub(crate) trait Daemon {
    /// The file of what it parsed, a line of JSON for each message.
    fn output(&self) -> PathBuf;

    /// Kills it, with all that it had read and not written.
    fn kill(&mut self);

    /// Starts it again, at the same ports and paths.
    fn restart(&mut self);

    /// How many bytes it wrote.
    fn written(&self) -> u64 {
        fs::metadata(self.output()).map_or(0, |file| file.len())
    }

    #[cfg(feature = "relp")]
    fn wait_for_more_than(&self, bytes: u64) {
        wait_until("more is written", || self.written() > bytes);
    }

    /// The newest of what it wrote.
    fn tail(&self) -> String {
        let Ok(mut file) = fs::File::open(self.output()) else { return String::new() };
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(self.written().saturating_sub(16 << 10))).unwrap();
        file.read_to_end(&mut tail).unwrap();
        String::from_utf8_lossy(&tail).into_owned()
    }

    /// What it wrote.
    fn text(&self) -> String {
        fs::read_to_string(self.output()).unwrap_or_default()
    }
}

pub(crate) fn make_certificates(folder: &Path) {
    let script = r#"
        key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        sign="openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
        openssl req -x509 $key -days 2 -subj "/CN=test CA" -addext basicConstraints=critical,CA:TRUE \
            -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem &&
        openssl req $key -subj "/CN=server" -keyout server.key -out server.csr &&
        printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost\n' > server.ext &&
        $sign -in server.csr -extfile server.ext -out server.pem &&
        openssl req $key -subj "/CN=client" -keyout client.key -out client.csr &&
        printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n' > client.ext &&
        $sign -in client.csr -extfile client.ext -out client.pem
    "#;
    let made = Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
