//! A service that several examples log from: an HTTP server (axum) whose requests are in flight at the same time, each in a span of
//! its own, and its clients.

mod client;
mod service;

use std::error::Error;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A request and the status that came back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Answer {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
}

/// The service and its clients, to the end of the last request.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run() -> Result<Vec<Answer>, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel();
    let report = service::Report::default();
    let service = tokio::spawn(service::serve(listener, report.clone(), stopped));

    let mut answers = client::many_at_once(address).await?;

    // A real service stops when it gets a signal. A request is in flight then, which takes its time: it is answered all the same.
    let last = tokio::spawn(client::ask(address, "GET", "/report".to_owned()));
    report.has_begun().await;
    drop(stop);
    report.go_on();
    answers.push(last.await??);
    service.await??;
    Ok(answers)
}

/// What the client saw, from the record that the service wrote when it answered. The status was recorded late: it is in the span.
pub(crate) fn answer_in(record: &Value) -> Option<Answer> {
    let is_answer = record.get("fields")?.get("message")? == "answered";
    let request = record.get("span").filter(|_| is_answer)?;
    let text = |name: &str| request.get(name)?.as_str().map(str::to_owned);
    let status = u16::try_from(request.get("status")?.as_u64()?).ok()?;
    Some(Answer { method: text("method")?, path: text("path")?, status })
}

/// Sees to it that each answer that a client got is in these lines of JSON exactly once, with its status.
pub(crate) fn check<'l>(lines: impl IntoIterator<Item = &'l str>, answers: &[Answer]) -> Result<(), Box<dyn Error>> {
    let records: Vec<Value> = lines.into_iter().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let (mut logged, mut expected): (Vec<_>, _) = (records.iter().filter_map(answer_in).collect(), answers.to_vec());
    expected.sort();
    logged.sort();
    assert_eq!(logged, expected, "each answer is in the log once");
    Ok(())
}
