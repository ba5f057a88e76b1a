//! Our own handlers at one end, the receiver at the other.

use std::io::Write as _;
use std::net::{TcpStream, UdpSocket};

use tokio::runtime::Builder;
use tracing_handlers_core::record::ValueBuf;
use tracing_handlers_core::{Handler, Level, Record, RecordBuf, Timestamp};
use tracing_handlers_receiver::{Encoding, Receiver};
use tracing_handlers_socket::{DatagramHandler, SocketHandler};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::{CollectingHandler, OnRecord, record};

use crate::common::Running;

const ENCODINGS: [Encoding; 4] = [Encoding::MessagePack, Encoding::Json, Encoding::JsonLines, Encoding::Pickle];
const LEVELS: [Level; 5] = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];

/// A record that every encoding keeps whole, apart from what [`as_kept_by`] says. It is of the future: none is too old to be sent.
fn sent(number: usize) -> RecordBuf {
    let level = LEVELS[number % LEVELS.len()];
    let record = Record::builder().timestamp(Timestamp::from_nanos(4_000_000_000_250_000_000)).level(level).target("app::db");
    let record = record.name("query").file("src/db.rs").line(7).thread_id(3).thread_name("main").process_id(4242);
    let record = record.message(format!("slow ☃ {number}\nsecond line")).field("number", number as u64).field("big", u64::MAX);
    let record = record.field("ratio", -1.5).field("on", true).field("name", "taken").field("message", "taken too");
    let record = record.field("error", ValueBuf::Error(vec!["outer".into(), "inner".into()]));
    let record =
        record.span("request", "", [("id", ValueBuf::I64(5))]).span("query", "", [("name", ValueBuf::Str("x".into()))]);
    record.omitted_fields(2).build()
}

/// Our JSON has no process and no name of the call site; a pickle has them, and the program in `processName`.
fn as_kept_by(encoding: Encoding, record: &RecordBuf) -> RecordBuf {
    let record = record.as_record();
    let all = Record::builder().timestamp(record.timestamp()).level(record.level()).target(record.target());
    let all = all.file(record.file().unwrap()).line(record.line().unwrap()).message(record.message());
    let mut all = all.thread_id(record.thread_id().unwrap()).thread_name(record.thread_name().unwrap());
    if !matches!(encoding, Encoding::Json | Encoding::JsonLines) {
        all = all.name(record.name()).process_id(record.process_id());
    }
    for (name, value) in record.fields().filter(|(name, _)| *name != "processName") {
        all = all.field(name, value.to_owned());
    }
    for span in record.spans() {
        let fields: Vec<_> = span.fields().map(|(name, value)| (name, value.to_owned())).collect();
        all = all.span(span.name(), span.target(), fields);
    }
    all.omitted_fields(record.omitted_fields()).build()
}

/// What arrives is what was sent, in order.
fn arrives(running: Running, encoding: Encoding, handler: &impl Handler) {
    let records: Vec<_> = (0..10).map(sent).collect();
    records.iter().for_each(|record| handler.handle(&record.as_record()).unwrap());
    handler.flush(PATIENCE.into()).unwrap();
    let arrived = running.records(10);
    for (arrived, sent) in arrived.iter().zip(&records) {
        assert_eq!(as_kept_by(encoding, arrived), as_kept_by(encoding, sent), "{encoding:?}");
    }
    let stats = running.handle.stats();
    assert_eq!((stats.frames, stats.records, stats.refused()), (10, 10, 0));
    assert!(running.failures.is_empty(), "{:?}", running.failures);
    running.stop();
}

#[test]
fn records_over_tcp_arrive_as_they_were_in_each_encoding() {
    for encoding in ENCODINGS {
        let running = Running::start(|builder| builder.tcp("127.0.0.1:0"));
        let handler = SocketHandler::builder().tcp("127.0.0.1", running.port()).encoding(encoding).build().unwrap();
        arrives(running, encoding, &handler);
    }
}

#[test]
fn records_over_udp_arrive_as_they_were_in_each_encoding() {
    for encoding in ENCODINGS {
        let running = Running::start(|builder| builder.udp("127.0.0.1:0"));
        let handler = DatagramHandler::builder().udp("127.0.0.1", running.port()).encoding(encoding).build().unwrap();
        arrives(running, encoding, &handler);
    }
}

#[cfg(unix)]
#[test]
fn records_over_local_streams_arrive_as_they_were_in_each_encoding() {
    for encoding in ENCODINGS {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let running = Running::start(|builder| builder.unix(&path));
        let handler = SocketHandler::builder().unix(&path).encoding(encoding).build().unwrap();
        arrives(running, encoding, &handler);
    }
}

#[cfg(unix)]
#[test]
fn records_over_local_datagrams_arrive_as_they_were_in_each_encoding() {
    for encoding in ENCODINGS {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let running = Running::start(|builder| builder.unix_datagram(&path));
        let handler = DatagramHandler::builder().unix(&path).encoding(encoding).build().unwrap();
        arrives(running, encoding, &handler);
    }
}

/// What is handed on from receiver to receiver, as a chain of log servers does.
#[test]
fn a_record_that_is_handed_on_says_of_whom_it_is_at_every_end() {
    for encoding in ENCODINGS {
        let mut records = (0..10).map(sent).collect::<Vec<_>>();
        for hop in 0..3 {
            let running = Running::start(|builder| builder.tcp("127.0.0.1:0"));
            let handler = SocketHandler::builder().tcp("127.0.0.1", running.port()).encoding(encoding).build().unwrap();
            records.iter().for_each(|record| handler.handle(&record.as_record()).unwrap());
            handler.close(PATIENCE.into()).unwrap();
            let arrived = running.records(10);
            running.stop();
            if hop > 0 {
                assert_eq!(arrived, records, "{encoding:?}");
            }
            records = arrived;
        }
    }
}

#[test]
fn an_encoding_that_was_asked_for_is_the_only_one() {
    let running = Running::start(|builder| builder.tcp("127.0.0.1:0").encoding(Encoding::MessagePack));
    let handler = SocketHandler::builder().tcp("127.0.0.1", running.port()).encoding(Encoding::Pickle).build().unwrap();
    handler.handle(&sent(0).as_record()).unwrap();
    running.wait_until("a refusal", |stats| stats.refused() == 1);
    assert_eq!(running.stop().records, 0);
}

#[test]
fn what_has_come_is_handed_over_when_the_receiver_stops_even_if_the_handler_was_held() {
    let running = Running::start(|builder| builder.tcp("127.0.0.1:0"));
    let gate = running.collected.gate().clone();
    gate.close();
    let handler = SocketHandler::builder().tcp("127.0.0.1", running.port()).build().unwrap();
    let records = 20_000;
    let sender = std::thread::spawn(move || {
        (0..records).for_each(|n| {
            while handler.stats().pending > 4_000 {
                std::thread::yield_now();
            }
            handler.handle(&record(n.to_string()).as_record()).unwrap();
        });
        handler.close(PATIENCE.into()).unwrap();
    });
    gate.wait_until_held();
    running.handle.shutdown();
    gate.open();
    let collected = running.collected.clone();
    let stats = running.stop();
    assert_eq!(stats.records, collected.records().len() as u64, "what was read was handed over");
    assert!(collected.lines().iter().enumerate().all(|(n, line)| *line == n.to_string()), "the order was kept");
    drop(sender);
}

#[test]
fn a_handler_that_panics_loses_one_record_and_gets_the_others() {
    let collected = CollectingHandler::new();
    let kept = collected.clone();
    let panics = OnRecord::new(move |record| {
        assert_ne!(record.message(), "3", "deliberate mistake");
        kept.handle(record)
    });
    let running = Running::start(|builder| builder.tcp("127.0.0.1:0").handler(panics));
    let handler = SocketHandler::builder().tcp("127.0.0.1", running.port()).build().unwrap();
    (0..6).for_each(|n| handler.handle(&record(n.to_string()).as_record()).unwrap());
    handler.flush(PATIENCE.into()).unwrap();
    running.wait_until("six records", |stats| stats.records == 6);
    let failures = running.failures.clone();
    running.stop();
    assert_eq!(collected.lines(), ["0", "1", "2", "4", "5"]);
    assert_eq!(failures.lost_for(tracing_handlers_core::DropReason::Panicked), 1);
}

/// Nobody has looked at the sockets when it begins, and it ends at once: what came by then is there all the same.
#[test]
fn what_came_before_it_is_to_stop_is_handed_over() {
    let collected = CollectingHandler::new();
    let receiver = Receiver::builder().handler(collected.clone()).tcp("127.0.0.1:0").udp("127.0.0.1:0").build().unwrap();
    let [tcp, udp] = receiver.local_addrs() else { panic!("{:?}", receiver.local_addrs()) };
    for number in 0..3 {
        let line = format!("{{\"message\":\"{number}\"}}\n");
        TcpStream::connect(tcp).unwrap().write_all(line.as_bytes()).unwrap();
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(line.as_bytes(), udp).unwrap();
    }
    receiver.handle().shutdown();
    let stats = Builder::new_current_thread().enable_all().build().unwrap().block_on(receiver.run()).unwrap();
    assert_eq!((stats.connections, stats.records, collected.records().len()), (3, 6, 6));
}

/// Where a hundred could wait, the others would come a second later, or three.
#[cfg(target_os = "linux")]
#[test]
fn clients_that_come_all_at_once_find_room_to_wait() {
    let most: usize = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap().trim().parse().unwrap();
    let count = most.min(300);
    let collected = CollectingHandler::new();
    let receiver = Receiver::builder().handler(collected.clone()).tcp("127.0.0.1:0").build().unwrap();
    let address = receiver.local_addrs()[0];
    let before_it_runs: Vec<_> = (0..count).map(|_| TcpStream::connect_timeout(&address, PATIENCE).unwrap()).collect();
    receiver.handle().shutdown();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (stats, ()) = runtime.block_on(async { tokio::join!(receiver.run(), async { drop(before_it_runs) }) });
    assert_eq!(stats.unwrap().connections, count as u64);
}
