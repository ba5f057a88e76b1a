//! The contract suite, in digests.

use std::sync::Arc;
use std::time::Duration;

use tracing_handlers_core::Handler;
use tracing_handlers_testing::{FailureLog, MessageOnly, Subject, contract};

use crate::server::Server;

struct Digests(Server);

impl Subject for Digests {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        let builder = self.0.builder(&failures).digest(Duration::from_millis(1)).unlimited_mails();
        Arc::new(builder.capacity(10_000).capacity_bytes(64 << 20).format(MessageOnly).build().unwrap())
    }
    fn lines(&self) -> Vec<String> {
        self.0.mails().iter().flat_map(|mail| mail.text().split('\n').map(str::to_owned).collect::<Vec<_>>()).collect()
    }
    fn break_destination(&self) -> bool {
        self.0.set_away(true);
        true
    }
    fn mend(&self) {
        self.0.set_away(false);
    }
}

contract!(digests, || Digests(Server::start()));
