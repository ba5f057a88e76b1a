//! The clients: several at once, each with a few requests.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const CLIENTS: u32 = 4;

/// A request and the status that came back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Answer {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
}

/// Runs all clients to their end.
pub(crate) async fn many_at_once(address: SocketAddr) -> io::Result<Vec<Answer>> {
    let clients: JoinSet<_> = (1..=CLIENTS).map(|number| client(address, number)).collect();
    let answers = clients.join_all().await.into_iter().collect::<io::Result<Vec<_>>>()?;
    Ok(answers.into_iter().flatten().collect())
}

async fn client(address: SocketAddr, number: u32) -> io::Result<Vec<Answer>> {
    let mut requests = vec![("GET", "/".to_owned()), ("GET", format!("/orders/{number}"))];
    requests.push(match number {
        1 => ("POST", "/orders/1".to_owned()),
        2 => ("GET", "/orders/13".to_owned()),
        3 => ("GET", "/robots.txt".to_owned()),
        // Would paint a terminal red if it came through.
        _ => ("GET", "/\x1b[31m".to_owned()),
    });
    let mut answers = Vec::new();
    for (method, path) in requests {
        let status = ask(address, method, &path).await?;
        answers.push(Answer { method: method.to_owned(), path, status });
    }
    Ok(answers)
}

/// Sends one request, returns the status of the response.
async fn ask(address: SocketAddr, method: &str, path: &str) -> io::Result<u16> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    let status = response.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("not a response: {response:?}")))
}
