//! The clients: several at once, each with a few requests.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::Answer;

const CLIENTS: u32 = 4;

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
        // Would paint a terminal red, and a mail as well, if it came through.
        _ => ("GET", "/orders/%1b%5B31m%3Cimg%20src=x%3E".to_owned()),
    });
    let mut answers = Vec::new();
    for (method, path) in requests {
        answers.push(ask(address, method, path).await?);
    }
    Ok(answers)
}

/// Sends one request; what became of it.
pub(crate) async fn ask(address: SocketAddr, method: &'static str, path: String) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    let status = response.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("not a response: {response:?}")))?;
    Ok(Answer { method: method.to_owned(), path, status })
}
