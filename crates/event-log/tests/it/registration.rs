//! The source in the registry.

use std::io::ErrorKind;

use tracing_handlers_core::{Deadline, Handler};
use tracing_handlers_event_log::{DEFAULT_MESSAGE_FILE, LogType};
use tracing_handlers_testing::{FailureLog, record};

use crate::log::Log;

const OWN: &str = r"C:\app\messages.dll";

#[test]
fn building_registers_the_source_with_a_message_file() {
    let (log, failures) = (Log::default(), FailureLog::new());
    log.builder(&failures).build().unwrap();
    assert_eq!(log.registered("Application", "app"), Some((DEFAULT_MESSAGE_FILE.into(), 7)));

    log.builder(&failures).log_type(LogType::System).message_file(OWN).build().unwrap();
    assert_eq!(log.registered("System", "app"), Some((OWN.into(), 7)));

    log.builder(&failures).log_type("Security".parse().unwrap()).build().unwrap();
    assert_eq!(log.registered("Security", "app"), Some((DEFAULT_MESSAGE_FILE.into(), 31)));
    assert!(failures.is_empty());
}

#[test]
fn a_registration_is_overwritten_only_for_another_message_file() {
    let (log, failures) = (Log::default(), FailureLog::new());
    log.put("Application", "app", OWN);
    log.builder(&failures).build().unwrap();
    log.builder(&failures).message_file(OWN).build().unwrap();
    assert_eq!(log.take_calls(), [""; 0]);

    log.builder(&failures).message_file(DEFAULT_MESSAGE_FILE).build().unwrap();
    assert_eq!(log.take_calls(), ["register"]);
    assert_eq!(log.registered("Application", "app"), Some((DEFAULT_MESSAGE_FILE.into(), 7)));
}

#[test]
fn access_that_is_denied_is_reported_and_the_handler_works() {
    let (log, failures) = (Log::default(), FailureLog::new());
    log.fail_registering(ErrorKind::PermissionDenied);
    let handler = log.builder(&failures).build().unwrap();
    assert_eq!((failures.len(), failures.lost()), (1, 0));
    assert!(failures.texts()[0].contains("register the event source app in Application"), "{:?}", failures.texts());
    handler.handle(&record("all the same").as_record()).unwrap();
    assert_eq!(log.texts(), ["all the same"]);
}

#[test]
fn any_other_failure_to_register_is_one_of_build() {
    let (log, failures) = (Log::default(), FailureLog::new());
    log.fail_registering(ErrorKind::InvalidData);
    let error = log.builder(&failures).build().unwrap_err();
    assert!(error.is_io() && !error.is_reported(), "{error:?}");
    assert!(failures.is_empty());
}

#[test]
fn without_registration_build_touches_nothing() {
    let (log, failures) = (Log::default(), FailureLog::new());
    log.builder(&failures).register(false).build().unwrap();
    assert_eq!(log.take_calls(), [""; 0]);
}

#[test]
fn an_installer_registers_and_unregisters() {
    let (log, failures) = (Log::default(), FailureLog::new());
    let handler = log.builder(&failures).message_file(OWN).register(false).build().unwrap();
    handler.register().unwrap();
    assert_eq!(log.registered("Application", "app"), Some((OWN.into(), 7)));
    handler.unregister().unwrap();
    assert_eq!(log.registered("Application", "app"), None);

    log.fail_registering(ErrorKind::PermissionDenied);
    for error in [handler.register().unwrap_err(), handler.unregister().unwrap_err()] {
        assert!(error.is_reported() && error.io_error().is_some(), "{error:?}");
    }
    assert_eq!(failures.len(), 2);
}

/// As in Python: events that are in the log go on being readable.
#[test]
fn closing_does_not_unregister() {
    let (log, failures) = (Log::default(), FailureLog::new());
    let handler = log.builder(&failures).build().unwrap();
    handler.close(Deadline::never()).unwrap();
    assert!(log.registered("Application", "app").is_some());
}
