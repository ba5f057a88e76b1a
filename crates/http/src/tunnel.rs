//! A TLS connection through a proxy that hands on bytes: CONNECT, RFC 9110 §9.3.6.

use std::io;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tracing_handlers_delivery::Tls;
use tracing_handlers_delivery::dial::{self, Authority, Stream};

use crate::connection::Work;
use crate::proxy::Proxy;
use crate::reply::Reply;

/// A connection with the peer, in the time that all connections have; or the answer of a proxy that refuses who we are.
pub(crate) async fn open(proxy: &Proxy, host: &str, port: u16, tls: &Tls) -> io::Result<Result<Box<dyn Stream>, Reply>> {
    dial::within(dial::CONNECT_TIMEOUT, async {
        let stream = dial::tcp(&proxy.host, proxy.port).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let work = tokio::spawn(connection.without_shutdown());
        let _ends_with_us = Work(work.abort_handle());
        let answer = sender.send_request(request(proxy, host, port)?).await.map_err(io::Error::other)?;
        match answer.status() {
            status if status.is_success() => {}
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => return Ok(Err(Reply::new(answer.status().as_u16(), ""))),
            status => return Err(io::Error::other(format!("the proxy answered {}", status.as_u16()))),
        }
        drop((answer, sender));
        let rest = work.await.map_err(io::Error::other)?.map_err(io::Error::other)?;
        if !rest.read_buf.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the proxy has more to say than that there is a connection",
            ));
        }
        Ok(Ok(Box::new(tls.connect(host, rest.io.into_inner()).await?) as Box<dyn Stream>))
    })
    .await
}

fn request(proxy: &Proxy, host: &str, port: u16) -> io::Result<Request<Full<Bytes>>> {
    let authority = Authority(host, port).to_string();
    let value = HeaderValue::from_str(&authority).map_err(io::Error::other)?;
    let mut request = Request::connect(authority).body(Full::default()).map_err(io::Error::other)?;
    request.headers_mut().insert(header::HOST, value);
    if let Some(authorization) = &proxy.authorization {
        request.headers_mut().insert(header::PROXY_AUTHORIZATION, authorization.clone());
    }
    Ok(request)
}
