//! What `build` refuses, and what it does on a system without an event log.

use tracing_handlers_event_log::{EventLogHandler, LogType};

use crate::log::Log;

fn complaint(app_name: &str, message_file: Option<&str>) -> String {
    let builder = EventLogHandler::builder(app_name).api(Log::default());
    let builder = match message_file {
        Some(file) => builder.message_file(file),
        None => builder,
    };
    let error = builder.build().unwrap_err();
    assert!(error.is_config(), "{error:?}");
    error.to_string()
}

#[test]
fn a_name_that_no_source_can_have_is_refused() {
    for (name, why) in [
        ("", "is empty"),
        (r"a\b", "no key in the registry has"),
        ("a\0b", "no key in the registry has"),
        ("system", "the name of a log"),
        (&"x".repeat(256), "longer than 255"),
    ] {
        let complaint = complaint(name, None);
        assert!(complaint.contains("`app_name`") && complaint.contains(why), "{complaint}");
    }
    EventLogHandler::builder("x".repeat(255)).api(Log::default()).build().unwrap();
}

#[test]
fn a_message_file_that_event_viewer_would_not_find_is_refused() {
    for file in ["", "messages.dll", r"..\messages.dll", "C:messages.dll", "/messages.dll", "1:\\x.dll"] {
        let complaint = complaint("app", Some(file));
        assert!(complaint.contains("`message_file`") && complaint.contains("relative"), "{complaint}");
    }
    assert!(complaint("app", Some("C:\\a\0.dll")).contains("has a NUL"));
    for file in [r"C:\messages.dll", "c:/messages.dll", r"\\host\share\messages.dll", r"%ProgramFiles%\app\messages.dll"] {
        EventLogHandler::builder("app").api(Log::default()).message_file(file).build().unwrap();
    }
}

#[cfg(not(windows))]
#[test]
fn without_windows_a_handler_is_refused_after_its_settings_were_checked() {
    let error = EventLogHandler::builder("app").build().unwrap_err();
    assert!(error.is_config());
    let text = error.to_string();
    assert!(text.contains("EventLogHandler") && text.contains(std::env::consts::OS), "{text}");

    let error = EventLogHandler::builder("").build().unwrap_err();
    assert!(error.to_string().contains("`app_name`"), "{error}");
}

#[test]
fn logs_have_the_names_of_windows_and_python() {
    for log in LogType::ALL {
        assert_eq!(log.to_string().to_uppercase().parse::<LogType>().unwrap(), *log);
    }
    let error = "Setup".parse::<LogType>().unwrap_err();
    assert!(error.is_config() && error.to_string().contains("\"Setup\""), "{error}");
}
