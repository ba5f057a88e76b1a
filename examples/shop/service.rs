//! The service. What is of interest here are the spans: one a request, opened before anything is known of its end.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::yield_now;
use tracing::{Instrument as _, Span, field};

/// Serves until the other end of `stopped` is gone, then finishes the requests that are in flight.
pub(crate) async fn serve(listener: TcpListener, report: Report, stopped: oneshot::Receiver<()>) -> io::Result<()> {
    tracing::info!(address = %listener.local_addr()?, "listening");
    let router = Router::new()
        .route("/", get(async || "hello\n"))
        .route("/orders/{id}", get(order))
        .route("/report", get(Report::write).with_state(report))
        .layer(middleware::from_fn(in_a_span));
    axum::serve(listener, router)
        .with_graceful_shutdown(async {
            // The other end never sends, it goes.
            stopped.await.ok();
            tracing::info!("stopping");
        })
        .await?;
    tracing::info!("stopped");
    Ok(())
}

/// Every event of a request is in its span `request`; after `record`, the status is in there, too.
async fn in_a_span(request: Request, next: Next) -> Response {
    let span = tracing::info_span!("request", method = %request.method(), path = request.uri().path(), status = field::Empty);
    async move {
        let begun = Instant::now();
        let response = next.run(request).await;
        let status = response.status();
        Span::current().record("status", status.as_u16());
        let micros = begun.elapsed().as_micros() as u64;
        match status.is_server_error() {
            true => tracing::error!(micros, "answered"),
            false => tracing::info!(micros, "answered"),
        }
        response
    }
    .instrument(span)
    .await
}

async fn order(Path(id): Path<String>) -> Result<String, (StatusCode, &'static str)> {
    let Ok(id) = id.parse() else {
        tracing::info!(id, "no number");
        return Err((StatusCode::BAD_REQUEST, "an order has a number\n"));
    };
    match query(id).await {
        Ok(items) => Ok(format!("{items} items\n")),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the order could not be read");
            Err((StatusCode::INTERNAL_SERVER_ERROR, "sorry\n"))
        }
    }
}

/// Something that waits for somebody else, so that other requests come in between.
#[tracing::instrument]
async fn query(order: u32) -> io::Result<u32> {
    tracing::debug!("asking the database");
    for _ in 0..3 {
        yield_now().await;
    }
    if order == 13 {
        return Err(io::Error::new(io::ErrorKind::ConnectionReset, "the database went away"));
    }
    let items = order % 5 + 1;
    tracing::debug!(items, "read");
    Ok(items)
}

/// A request that takes as long as somebody wants.
#[derive(Clone, Default)]
pub(crate) struct Report {
    begun: Arc<Notify>,
    finish: Arc<Notify>,
}

impl Report {
    async fn write(State(report): State<Self>) -> &'static str {
        tracing::debug!("adding up");
        report.begun.notify_one();
        report.finish.notified().await;
        "a report\n"
    }

    pub(crate) async fn has_begun(&self) {
        self.begun.notified().await;
    }

    pub(crate) fn go_on(&self) {
        self.finish.notify_one();
    }
}
