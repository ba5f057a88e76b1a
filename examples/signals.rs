//! Rolls a log over on `SIGUSR1` and opens another again on `SIGHUP`, in a task of the application: the handlers take no signals
//! themselves. It sends itself both, as logrotate or an operator would.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example signals
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

#[cfg(not(unix))]
fn main() {
    println!("there are no signals here");
}

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    on_unix::main()
}

#[cfg(unix)]
mod on_unix {
    use std::error::Error;
    use std::path::Path;
    use std::process::Command;
    use std::sync::Arc;
    use std::{fs, io, process};

    use tokio::signal::unix::{Signal, SignalKind, signal};
    use tokio::sync::mpsc;
    use tokio::task::spawn_blocking;
    use tracing_handlers::{FileHandler, RotatingFileHandler};
    use tracing_subscriber::prelude::*;

    #[tokio::main(flavor = "current_thread")]
    pub(super) async fn main() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let (app, access) = (folder.path().join("app.log"), folder.path().join("access.log"));
        let app_layer = RotatingFileHandler::builder(&app).backup_count(5).layer()?;
        let access_layer = FileHandler::builder(&access).layer()?;
        // A layer gives its handler away, so that the task has it after the layer is gone into the registry.
        let logs = Logs { app: Arc::clone(app_layer.handler()), access: Arc::clone(access_layer.handler()) };
        tracing_subscriber::registry().with(app_layer).with(access_layer).init();

        // Before the first signal can come: without somebody who listens, it would end the process.
        let (usr1, hup) = (signal(SignalKind::user_defined1())?, signal(SignalKind::hangup())?);
        let (done, mut is_done) = mpsc::channel(1);
        tokio::spawn(logs.follow(usr1, hup, done));

        tracing::info!("before");
        send("USR1")?;
        assert_eq!(is_done.recv().await, Some("rolled over"));
        assert!(line(&folder.path().join("app.log.1"))?.ends_with("before"));

        // What logrotate does: it moves the file, then sends the signal.
        let moved = folder.path().join("access.log-yesterday");
        fs::rename(&access, &moved)?;
        send("HUP")?;
        assert_eq!(is_done.recv().await, Some("opened again"));
        tracing::info!("after");
        for (path, expected) in [(&app, "after"), (&access, "after"), (&moved, "before")] {
            let line = line(path)?;
            println!("{:<22} {line}", path.file_name().unwrap_or_default().display());
            assert!(line.ends_with(expected));
        }
        Ok(())
    }

    struct Logs {
        app: Arc<RotatingFileHandler>,
        access: Arc<FileHandler>,
    }

    impl Logs {
        async fn follow(self, mut usr1: Signal, mut hup: Signal, done: mpsc::Sender<&'static str>) {
            loop {
                // Both may wait for the disk, so they are not for the thread that runs the tasks. Where one fails, it says so, and
                // records go on into the old file.
                let rolled = tokio::select! {
                    Some(()) = usr1.recv() => {
                        let app = Arc::clone(&self.app);
                        spawn_blocking(move || app.roll_over().map(|()| "rolled over")).await
                    }
                    Some(()) = hup.recv() => {
                        let access = Arc::clone(&self.access);
                        spawn_blocking(move || access.reopen().map(|()| "opened again")).await
                    }
                    else => return,
                };
                match rolled {
                    Ok(Ok(what)) => done.send(what).await.unwrap_or_default(),
                    Ok(Err(error)) => tracing::error!(error = &error as &dyn Error, "the log stays as it is"),
                    Err(panicked) => tracing::error!(error = &panicked as &dyn Error, "the log stays as it is"),
                }
            }
        }
    }

    fn send(signal: &str) -> io::Result<()> {
        let status = Command::new("sh").args(["-c", &format!("kill -s {signal} {}", process::id())]).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("kill: {status}"))) }
    }

    fn line(path: &Path) -> io::Result<String> {
        Ok(fs::read_to_string(path)?.trim_end().to_owned())
    }
}
