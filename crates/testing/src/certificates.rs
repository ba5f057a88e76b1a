//! Certificates for tests of TLS. They are made by `openssl` each time: none expires in the repository, and no key lies there.

use std::fs;
use std::path::Path;
use std::process::Command;

/// An authority that nobody trusts; a server and a client that it knows.
const SCRIPT: &str = r#"
    key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    sign="openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
    openssl req -x509 $key -days 2 -subj "/CN=test CA" -addext basicConstraints=critical,CA:TRUE \
        -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem &&
    openssl req $key -subj "/CN=server" -keyout server.key -out server.csr &&
    printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=%s\n' "$1" > server.ext &&
    $sign -in server.csr -extfile server.ext -out server.pem &&
    openssl req $key -subj "/CN=client" -keyout client.key -out client.csr &&
    printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n' > client.ext &&
    $sign -in client.csr -extfile client.ext -out client.pem
"#;

/// Makes `ca.pem`, `server.pem`, `server.key`, `client.pem` and `client.key` in this folder, the server's for `localhost`.
pub fn make(folder: &Path) {
    make_for("DNS:localhost", folder);
}

/// The same, the server's for these names, as in `DNS:localhost,IP:127.0.0.1`.
///
/// # Panics
///
/// If there is no `openssl`, or it fails.
pub fn make_for(names: &str, folder: &Path) {
    let made = Command::new("sh").args(["-c", SCRIPT, "sh", names]).current_dir(folder).output();
    let made = made.expect("openssl is needed; ./tests/run installs it");
    assert!(made.status.success(), "openssl is needed; ./tests/run installs it: {}", String::from_utf8_lossy(&made.stderr));
}

/// One of the files that were made.
///
/// # Panics
///
/// If it is not there.
pub fn read(folder: &Path, name: &str) -> Vec<u8> {
    fs::read(folder.join(name)).unwrap()
}
