//! `tls://`: clients of ours and of CPython, and what is said where it cannot be.

use std::process::Command;

/// What the program says when it ends at once because of a setting.
fn refused(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_log-receiver")).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[cfg(not(feature = "tls"))]
#[test]
fn without_the_feature_a_place_with_tls_is_refused_by_its_name() {
    let said = refused(&["tls://127.0.0.1:0", "--cert", "a", "--key", "b"]);
    assert!(said.contains("tls://127.0.0.1:0") && said.contains("feature `tls`"), "{said}");
}

#[cfg(feature = "tls")]
mod with_tls {
    use std::fs;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use tracing_handlers_core::Handler;
    use tracing_handlers_socket::{SocketHandler, Tls};
    use tracing_handlers_testing::gate::PATIENCE;
    use tracing_handlers_testing::{FailureLog, certificates, comes, python, record};

    use super::refused;
    use crate::{Program, send};

    #[test]
    fn records_of_rust_and_of_cpython_arrive_over_tls_and_what_comes_in_clear_does_not() {
        let folder = tempfile::tempdir().unwrap();
        certificates::make(folder.path());
        let arguments = ["tls://127.0.0.1:0", "--cert", "server.pem", "--key=server.key", "--file", "app.log"];
        let program = Program::start(folder.path(), &arguments);
        let [port] = program.ports[..] else { panic!("one port") };

        let authority = folder.path().join("ca.pem");
        let tls = Tls::new().ca_pem(&fs::read(&authority).unwrap()).unwrap();
        send(&SocketHandler::builder().tcp("localhost", port).tls(tls).build().unwrap(), 100);
        python::log_over_tls(port, 30, Some(&authority));
        let mut clear = TcpStream::connect(("127.0.0.1", port)).unwrap();
        clear.set_read_timeout(Some(PATIENCE)).unwrap();
        clear.write_all(b"{\"message\":\"in clear, for all to read\"}\n").unwrap();
        // Whatever is answered, the connection is closed.
        clear.read_to_end(&mut Vec::new()).ok();

        let (_, said) = program.end("-TERM");
        assert!(said.contains("130 records (messagepack 100, json 0, pickle 30), 0 refused"), "{said}");
        let file = fs::read_to_string(folder.path().join("app.log")).unwrap();
        assert_eq!((file.matches("ours ").count(), file.matches("python ").count(), file.lines().count()), (100, 30, 130));
    }

    #[test]
    fn a_client_that_does_not_trust_the_certificate_sends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        certificates::make(folder.path());
        let program = Program::start(folder.path(), &["tls://127.0.0.1:0", "--cert", "server.pem", "--key", "server.key"]);
        let port = program.ports[0];
        let ours =
            SocketHandler::builder().tcp("localhost", port).tls(Tls::new()).on_failure(FailureLog::new()).build().unwrap();
        ours.handle(&record("secret").as_record()).unwrap();
        let told = comes(|| ours.status().last_error).unwrap();
        assert!(told.contains("certificate"), "{told}");
        python::log_over_tls(port, 30, None);
        let (shown, said) = program.end("-TERM");
        assert!(shown.is_empty() && said.contains(" 0 records"), "{shown}{said}");
    }

    #[test]
    fn a_place_with_tls_wants_a_certificate_and_its_key() {
        let folder = tempfile::tempdir().unwrap();
        certificates::make(folder.path());
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (cert, key, nothing) = (at("server.pem"), at("server.key"), at("nothing.pem"));
        let place = "tls://127.0.0.1:0";
        assert!(refused(&[place]).contains("wants --cert and --key"));
        assert!(refused(&[place, "--cert", &cert]).contains("wants --cert and --key"));
        assert!(refused(&[place, "--cert", &nothing, "--key", &key]).contains("nothing.pem"));
        let swapped = refused(&[place, "--cert", &key, "--key", &cert]);
        assert!(swapped.contains("identity") && !swapped.contains("PRIVATE KEY"), "{swapped}");
    }
}
