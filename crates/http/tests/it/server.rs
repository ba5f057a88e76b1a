//! A web server on loopback that does what the test says, and keeps what it was sent.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use tracing_handlers_core::record::RecordBuf;
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Handler, Level, Record};
use tracing_handlers_http::HttpHandler;
use tracing_handlers_testing::Gate;
use tracing_handlers_testing::gate::PATIENCE;

use crate::statuses::flush;

/// A request, as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    /// Decompressed, where it says that it was compressed.
    pub(crate) body: String,
    /// Which connection it came over, from 0.
    pub(crate) connection: usize,
    /// Whether the answer was one of success.
    pub(crate) is_taken: bool,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found: Vec<_> = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).collect();
        assert!(found.len() <= 1, "{name} stands twice: {found:?}");
        found.first().map(|(_, value)| value.as_str())
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.body.split_terminator('\n').map(str::to_owned).collect()
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Answers with these bytes, as they stand.
    Raw(Vec<u8>),
    /// The same, a byte at a time.
    Slowly(Vec<u8>),
    /// The same, and closes without a word about it.
    RawAndClose(Vec<u8>),
    /// Closes the connection without an answer.
    Close,
    /// Closes it before it has read anything, which resets it.
    Reset,
    /// Answers with success as Elasticsearch knows it, once the gate is open.
    Held(Gate),
    /// Neither answers nor closes, until the client goes.
    Hang,
}

/// An answer of this status.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Act {
    Act::Raw(format!("HTTP/1.1 {status} Word\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

/// What is done with a request, by what it is.
type Decide = dyn Fn(&Request) -> Option<Act> + Send + Sync;

#[derive(Default)]
struct State {
    script: VecDeque<Act>,
    decide: Option<Arc<Decide>>,
    otherwise: Option<Act>,
    requests: Vec<Request>,
}

/// What Elasticsearch says when all is well.
pub(crate) const NO_ERRORS: &str = r#"{"errors":false}"#;

/// The server. Clones are the same; it answers 204 unless it has acts to perform first.
#[derive(Clone)]
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = Self { address, shared: Arc::default() };
        let accepting = server.clone();
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (server, stream) = (accepting.clone(), stream.unwrap());
                thread::spawn(move || server.serve(stream, connection));
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn will(&self, acts: impl IntoIterator<Item = Act>) -> &Self {
        lock(&self.shared.0).script.extend(acts);
        self
    }

    /// What it does from now on when it has no acts to perform; `None` is 204.
    pub(crate) fn otherwise(&self, act: Option<Act>) {
        lock(&self.shared.0).otherwise = act;
    }

    /// What it does when it has no acts to perform, by what the request is.
    pub(crate) fn decides(&self, decide: impl Fn(&Request) -> Option<Act> + Send + Sync + 'static) {
        lock(&self.shared.0).decide = Some(Arc::new(decide));
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.shared.0).requests.clone()
    }

    /// Has the handler send these in one request: they come while it is busy with another, which is delivered and forgotten here.
    pub(crate) fn send_together(&self, handler: &HttpHandler, records: &[RecordBuf]) {
        let gate = Gate::new();
        gate.close();
        lock(&self.shared.0).script.push_front(Act::Held(gate.clone()));
        // Of a level that waits for no company.
        handler.handle(&Record::builder().level(Level::ERROR).build().as_record()).unwrap();
        gate.wait_until_held();
        lock(&self.shared.0).requests.pop();
        records.iter().for_each(|record| handler.handle(&record.as_record()).unwrap());
        gate.open();
        flush(handler);
    }

    /// Those that were answered with success.
    pub(crate) fn taken(&self) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.is_taken).collect()
    }

    /// Waits until so many requests came.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Request> {
        let (state, came) = &*self.shared;
        let (state, late) = came.wait_timeout_while(lock(state), PATIENCE, |state| state.requests.len() < count).unwrap();
        assert!(!late.timed_out(), "{} of {count} requests", state.requests.len());
        state.requests.clone()
    }

    fn next_act(&self, request: &Request) -> Act {
        let mut state = lock(&self.shared.0);
        let decided = |state: &State| state.decide.as_ref().and_then(|decide| decide(request));
        let scripted = state.script.pop_front().or_else(|| decided(&state)).or_else(|| state.otherwise.clone());
        scripted.unwrap_or_else(|| Act::Raw(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()))
    }

    fn serve(&self, stream: TcpStream, connection: usize) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        if matches!(lock(&self.shared.0).script.front(), Some(Act::Reset)) {
            // Waits for bytes, which are then lost: the system answers the client with a reset.
            stream.peek(&mut [0]).ok();
            lock(&self.shared.0).script.pop_front();
            return;
        }
        while let Some(request) = read_request(&mut reader, connection) {
            let act = self.next_act(&request);
            let is_taken = matches!(&act, Act::Raw(bytes) | Act::Slowly(bytes) | Act::RawAndClose(bytes) if bytes.starts_with(b"HTTP/1.1 2"));
            let request = Request { is_taken, ..request };
            lock(&self.shared.0).requests.push(request);
            self.shared.1.notify_all();
            match act {
                Act::Raw(bytes) => stream.write_all(&bytes).unwrap_or_default(),
                Act::Slowly(bytes) => bytes.chunks(1).for_each(|byte| stream.write_all(byte).unwrap_or_default()),
                Act::RawAndClose(bytes) => {
                    stream.write_all(&bytes).unwrap_or_default();
                    return;
                }
                Act::Close | Act::Reset => return,
                Act::Held(gate) => {
                    gate.pass().unwrap();
                    let Act::Raw(bytes) = answer(200, "", NO_ERRORS) else { unreachable!() };
                    stream.write_all(&bytes).unwrap_or_default();
                }
                Act::Hang => drop(stream.read(&mut [0])),
            }
        }
    }
}

/// The next request, its head read by a parser that is not ours; nothing at the end of the connection.
pub(crate) fn read_request(reader: &mut impl BufRead, connection: usize) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        reader.read_until(b'\n', &mut head).ok().filter(|count| *count > 0)?;
    }
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut fields);
    let length = parsed.parse(&head).expect("a request");
    assert_eq!((length, parsed.version), (httparse::Status::Complete(head.len()), Some(1)), "{parsed:?}");
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).expect("a header in UTF-8");
    let headers = parsed.headers.iter().map(|header| (header.name.to_owned(), text(header.value))).collect();
    let (method, path) = (parsed.method.unwrap().to_owned(), parsed.path.unwrap().to_owned());
    let mut request = Request { method, path, headers, body: String::new(), connection, is_taken: false };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if request.header("content-encoding") == Some("gzip") {
        let compressed = std::mem::take(&mut body);
        flate2::read::GzDecoder::new(compressed.as_slice()).read_to_end(&mut body).unwrap();
    }
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}
