//! One service, another composition of handlers in each environment: an HTTP server whose requests are in flight at the same
//! time, each in a span of its own.
//!
//! | `APP_ENV` | stderr | file |
//! |---|---|---|
//! | `development` | everything from DEBUG on, for people: colours, local time | none |
//! | `production` | WARN and above | everything from INFO on, as JSON, rotating, buffered |
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example environments # both, one after the other
//! APP_ENV=production cargo run -p tracing-handlers-examples --example environments
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod client;
mod logging;
mod service;

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::logging::{Environment, Logging};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    match env::var("APP_ENV") {
        Ok(name) => run_in(name.parse()?),
        Err(_) => show_all(),
    }
}

/// Runs this program once in each environment.
fn show_all() -> Result<()> {
    for name in ["development", "production"] {
        println!("━━━ APP_ENV={name} ━━━");
        let status = Command::new(env::current_exe()?).env("APP_ENV", name).status()?;
        if !status.success() {
            return Err(format!("the service failed in {name}: {status}").into());
        }
        println!();
    }
    Ok(())
}

fn run_in(environment: Environment) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let logging = logging::init(environment, folder.path())?;

    let answers = run()?;

    // The graceful end: everything pending is written, and the report says so. Without this line it would be written all the
    // same, when `main` returns, but nobody would know.
    let report = tracing_handlers::shutdown(Duration::from_secs(2));
    println!("{} requests answered; shutdown: {report}", answers.len());
    assert!(report.is_complete(), "something was left behind: {report}");
    check(&logging, folder.path(), &answers)
}

/// The service and its clients, to the end of the last request.
#[tokio::main(flavor = "current_thread")]
async fn run() -> Result<Vec<client::Answer>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel();
    let service = tokio::spawn(service::serve(listener, stopped));

    let answers = client::many_at_once(address).await?;

    // A real service stops when it gets a signal.
    drop(stop);
    service.await??;
    Ok(answers)
}

fn check(logging: &Logging, folder: &Path, answers: &[client::Answer]) -> Result<()> {
    println!("stderr: {}", logging.stderr.stats());
    assert!(logging.stderr.stats().is_balanced());
    if let Some(file) = &logging.file {
        println!("file:   {}", file.stats());
        assert!(file.stats().is_balanced());
        logging::show_and_check(folder, answers)?;
    }
    Ok(())
}
