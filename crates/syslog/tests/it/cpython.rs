//! The cases of CPython's `SysLogHandlerTest`, `IPv6SysLogHandlerTest` and `UnixSysLogHandlerTest`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tracing_handlers_core::{Deadline, Handler, Level, Record};
use tracing_handlers_syslog::{Protocol, Retry, SyslogHandler, SyslogHandlerBuilder};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::peers::{Arrived, UdpPeer, udp_socket_to_come_back_to};
#[cfg(unix)]
use tracing_handlers_testing::peers::{Peer as _, UnixDatagramPeer};

fn python() -> SyslogHandlerBuilder {
    let soon = Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20));
    SyslogHandler::builder().protocol(Protocol::Python).retry(soon)
}

fn log(handler: &SyslogHandler) {
    let record = Record::builder().level(Level::ERROR).target("slh").message("sp\u{e4}m").field("not", "shown").build();
    handler.handle(&record.as_record()).unwrap();
    handler.flush(Deadline::after(PATIENCE)).unwrap();
}

fn output(to: impl Fn() -> SyslogHandlerBuilder, arrived: &Arrived) {
    log(&to().build().unwrap());
    log(&to().append_nul(false).build().unwrap());
    log(&to().append_nul(false).ident("h\u{e4}m-").build().unwrap());
    let expected: [&[u8]; 3] = [b"<11>sp\xc3\xa4m\x00", b"<11>sp\xc3\xa4m", b"<11>h\xc3\xa4m-sp\xc3\xa4m"];
    assert_eq!(arrived.at_least(3), expected);
}

#[test]
fn sys_log_handler_test_output() {
    let peer = UdpPeer::new(<[u8]>::to_vec);
    output(|| python().udp(peer.address), &peer.arrived);
}

#[test]
fn ipv6_sys_log_handler_test_output() {
    let peer = UdpPeer::at(SocketAddr::from((Ipv6Addr::LOCALHOST, 0)), <[u8]>::to_vec);
    output(|| python().udp(peer.address), &peer.arrived);
}

#[cfg(unix)]
#[test]
fn unix_sys_log_handler_test_output() {
    let peer = UnixDatagramPeer::new(<[u8]>::to_vec);
    output(|| python().unix(peer.path()), &peer.arrived);
}

/// CPython's test closes the handler and logs on. With us a closed handler refuses; what goes and comes back here is the daemon.
fn reconnection(ip: IpAddr) {
    let mut peer = UdpPeer::with(udp_socket_to_come_back_to(ip), <[u8]>::to_vec);
    let handler = python().udp(peer.address).build().unwrap();
    for _ in 0..3 {
        log(&handler);
        assert_eq!(peer.arrived.at_least(1), [b"<11>sp\xc3\xa4m\x00"]);
        let address = peer.address;
        drop(peer);
        peer = UdpPeer::at(address, <[u8]>::to_vec);
    }
}

#[test]
fn sys_log_handler_test_udp_reconnection() {
    reconnection(Ipv4Addr::LOCALHOST.into());
}

#[test]
fn ipv6_sys_log_handler_test_udp_reconnection() {
    reconnection(Ipv6Addr::LOCALHOST.into());
}

#[cfg(unix)]
#[test]
fn unix_sys_log_handler_test_udp_reconnection() {
    let peer = UnixDatagramPeer::new(<[u8]>::to_vec);
    let handler = python().unix(peer.path()).build().unwrap();
    for round in 1..4 {
        log(&handler);
        assert_eq!(peer.arrived.at_least(round), vec![b"<11>sp\xc3\xa4m\x00"; round]);
        peer.leave();
        peer.come();
    }
}

/// CPython's constructor raises after its time. Ours connects on the delivery thread, so `build` returns, the attempt ends after its time, and
/// that is reported.
#[cfg(feature = "tls")]
#[test]
fn sys_log_handler_test_tcp_timeout() {
    use tracing_handlers_core::DropReason;
    use tracing_handlers_syslog::Tls;
    use tracing_handlers_testing::FailureLog;

    // It takes connections, and never says a word.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let failures = FailureLog::new();
    let builder = python().tls(mute.local_addr().unwrap(), Tls::new()).timeout(Duration::from_millis(20));
    let handler = builder.on_failure(failures.clone()).build().unwrap();
    handler.handle(&Record::builder().message("sp\u{e4}m").build().as_record()).unwrap();
    assert!(handler.close(Deadline::after(Duration::from_millis(200))).unwrap_err().is_timed_out());
    drop(handler.flush(Deadline::after(PATIENCE)));
    let newest = handler.status().last_error.unwrap();
    assert!(newest.contains("no answer"), "{newest}");
    assert_eq!((handler.stats().pending, failures.lost_for(DropReason::Closed)), (0, 1));
}
