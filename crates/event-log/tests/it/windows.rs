//! On Windows, or under Wine: the registry as another program reads it, and the text that comes out of the message file.

#![allow(unsafe_code, reason = "message files are read by functions of C")]

use std::path::Path;
use std::process::Command;
use std::ptr;

use tracing_handlers_event_log::{DEFAULT_MESSAGE_FILE, EventLogHandler, MESSAGE_FILE, WideText};
use tracing_handlers_testing::FailureLog;
use windows_sys::Win32::Foundation::FreeLibrary;
use windows_sys::Win32::System::Diagnostics::Debug::{
    FORMAT_MESSAGE_ARGUMENT_ARRAY, FORMAT_MESSAGE_FROM_HMODULE, FormatMessageW,
};
use windows_sys::Win32::System::LibraryLoader::{LOAD_LIBRARY_AS_DATAFILE, LoadLibraryExW};

/// What `reg.exe` says of a source; `None` where there is none.
fn registered(log: &str, source: &str) -> Option<String> {
    let key = format!(r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\{log}\{source}");
    let output = Command::new("reg").args(["query", &key]).output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Needs the rights of an administrator, which Wine gives to everybody.
#[test]
fn another_program_finds_what_was_registered_and_nothing_after_it_was_removed() {
    let source = format!("tracing-handlers test {}", std::process::id());
    for (log, log_type, types) in [("Application", "application", "0x7"), ("Security", "security", "0x1f")] {
        let failures = FailureLog::new();
        let builder = EventLogHandler::builder(&source).log_type(log_type.parse().unwrap()).on_failure(failures.clone());
        let handler = builder.build().unwrap();
        assert!(failures.is_empty(), "{failures:?}");
        let entry = registered(log, &source).expect("the key is there");
        let values: Vec<Vec<&str>> = entry.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(values.contains(&vec!["EventMessageFile", "REG_EXPAND_SZ", DEFAULT_MESSAGE_FILE]), "{entry}");
        assert!(values.contains(&vec!["TypesSupported", "REG_DWORD", types]), "{entry}");
        handler.unregister().unwrap();
        assert_eq!(registered(log, &source), None);
    }
}

/// What Event Viewer does with an event of this id that has one string.
fn render(file: &Path, id: u32, string: &str) -> Option<String> {
    let (file, string) = (WideText::new(file.to_str().unwrap()), WideText::new(string));
    let arguments = [string.units_with_nul().as_ptr()];
    let mut text = vec![0_u16; 40_000];
    let how = FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_ARGUMENT_ARRAY;
    // SAFETY: the strings end with a NUL and outlive the calls; the buffer is as long as it says; there is one argument, as the sentence wants.
    let length = unsafe {
        let module = LoadLibraryExW(file.units_with_nul().as_ptr(), ptr::null_mut(), LOAD_LIBRARY_AS_DATAFILE);
        assert!(!module.is_null(), "{}", std::io::Error::last_os_error());
        let buffer = (text.as_mut_ptr(), text.len() as u32);
        let length = FormatMessageW(how, module.cast_const(), id, 0, buffer.0, buffer.1, arguments.as_ptr().cast());
        FreeLibrary(module);
        length
    };
    (length > 0).then(|| String::from_utf16(&text[..length as usize]).unwrap())
}

#[test]
fn our_message_file_renders_the_text_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("messages.dll");
    std::fs::write(&file, MESSAGE_FILE).unwrap();
    for text in ["hello ü 🦀", "two\nlines", "100 % 1 {x}", ""] {
        for id in [1, 500, 1_000] {
            assert_eq!(render(&file, id, text), Some(format!("{text}\r\n")), "{id}");
        }
    }
    assert_eq!([0, 1_001].map(|id| render(&file, id, "nothing")), [None, None]);
}
