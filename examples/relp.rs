//! Two syslog daemons that go away: the one of this machine, at its local socket, and a central one, over RELP. Both are this program's own.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example relp
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

#[cfg(not(unix))]
fn main() {
    println!("there are no local sockets here");
}

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    on_unix::main()
}

#[cfg(unix)]
mod on_unix {
    use std::error::Error;
    use std::os::unix::net::UnixDatagram;
    use std::sync::Arc;
    use std::time::Duration;
    use std::{fs, io};

    use servers::RelpDaemon;
    use tracing_handlers::{Facility, SyslogHandler};
    use tracing_subscriber::prelude::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    pub(super) fn main() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("log");
        let daemon = UnixDatagram::bind(&path)?;
        // Its session breaks off at the fourth message, which it has taken and not answered for.
        let central = RelpDaemon::that_breaks_off_at(4)?;

        // On a real machine `.local()`, which finds the socket of its daemon.
        let local = SyslogHandler::builder().unix(&path).facility(Facility::Daemon).ident("shop").layer()?;
        // Delivered means here: the daemon answered for it. Over TLS: `.relp_tls("logs.example.org", Tls::new())`.
        let relp = SyslogHandler::builder().relp(central.address()).facility(Facility::Daemon).ident("shop").layer()?;
        let (over_relp, handles) = (Arc::clone(relp.handler()), [local.handle(), relp.handle()]);
        tracing_subscriber::registry().with(local).with(relp).init();

        for order in 1..=2 {
            tracing::info!(order, "paid");
        }
        let flush = || handles.iter().try_for_each(|handle| handle.flush(PATIENCE));
        flush()?;
        println!("the daemon of this machine:");
        show(&daemon, &["paid order=1", "paid order=2"])?;

        // It goes, with its socket, and what is logged meanwhile waits.
        drop(daemon);
        fs::remove_file(&path)?;
        tracing::warn!(order = 3, "while nobody is there");
        tracing::warn!(order = 4, "while nobody is there");
        let daemon = UnixDatagram::bind(&path)?;
        flush()?;
        println!("its successor, at a new socket:");
        show(&daemon, &["while nobody is there order=3", "while nobody is there order=4"])?;

        println!("the central daemon, over RELP:");
        let messages = central.messages();
        messages.iter().for_each(|message| println!("   {message}"));
        println!(
            "{} sent again; {}",
            over_relp.resent_messages(),
            handles.each_ref().map(|handle| handle.stats().to_string()).join("; ")
        );

        // The message that nobody answered for came twice, rather than never.
        let orders: Vec<_> =
            messages.iter().filter_map(|message| message.rsplit_once("order=")).map(|(_, order)| order).collect();
        assert_eq!(orders, ["1", "2", "3", "4", "4"]);
        assert_eq!(over_relp.resent_messages(), 1);
        assert!(handles.iter().all(|handle| handle.stats().delivered == 4));
        Ok(())
    }

    /// What the daemon was sent, which is flushed and so is there.
    fn show(daemon: &UnixDatagram, expected: &[&str]) -> io::Result<()> {
        daemon.set_read_timeout(Some(PATIENCE))?;
        for text in expected {
            let mut datagram = [0; 2_048];
            let count = daemon.recv(&mut datagram)?;
            let message = String::from_utf8_lossy(datagram.get(..count).unwrap_or_default()).into_owned();
            println!("   {message}");
            assert!(message.ends_with(text), "{message}");
        }
        Ok(())
    }
}
