//! The calls of Windows, and the only place of this crate that may use `unsafe`: functions of `advapi32.dll` take pointers.
//!
//! What makes each call sound: every string is a [`WideText`], which ends with a NUL and outlives the call; every other pointer comes with the
//! length of the slice that it was made of, or is a local variable's; a handle is closed once, by the `Drop` of its owner.

#![allow(unsafe_code, reason = "the event log and the registry are functions of C")]

use std::io;
use std::iter;
use std::mem::ManuallyDrop;
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_MORE_DATA, ERROR_SUCCESS, HANDLE, WIN32_ERROR};
use windows_sys::Win32::System::EventLog::{DeregisterEventSource, RegisterEventSourceW, ReportEventW};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_LOCAL_MACHINE, KEY_SET_VALUE, REG_DWORD, REG_EXPAND_SZ, REG_OPTION_NON_VOLATILE, REG_VALUE_TYPE, RRF_NOEXPAND,
    RRF_RT_REG_EXPAND_SZ, RRF_RT_REG_SZ, RegCloseKey, RegCreateKeyExW, RegDeleteKeyW, RegGetValueW, RegSetValueExW,
};

use crate::api::{Api, Event, Registration, Source};
use crate::event::LogType;
use crate::text::WideText;

/// Windows itself.
pub(crate) struct Windows;

impl Api for Windows {
    fn open(&self, source: &str) -> io::Result<Box<dyn Source>> {
        let source = WideText::new(source);
        // SAFETY: no server is this machine; the name ends with a NUL.
        let handle = unsafe { RegisterEventSourceW(ptr::null(), source.as_ptr()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        Ok(Box::new(OpenSource(handle)))
    }

    fn message_file(&self, log: LogType, source: &str) -> io::Result<Option<String>> {
        let key = key_of(log, source);
        // A file that is registered meanwhile may be longer than the size says, but not for ever.
        for _ in 0..5 {
            let size = match read_message_file(&key, &mut []) {
                Ok(size) => size,
                Err(ERROR_FILE_NOT_FOUND) => return Ok(None),
                Err(error) => return Err(error_of(error)),
            };
            let mut units = vec![0; size.div_ceil(2)];
            match read_message_file(&key, &mut units) {
                Ok(_) => {
                    let text = units.split(|unit| *unit == 0).next().unwrap_or_default();
                    return Ok(Some(String::from_utf16_lossy(text)));
                }
                Err(ERROR_MORE_DATA) => {}
                Err(ERROR_FILE_NOT_FOUND) => return Ok(None),
                Err(error) => return Err(error_of(error)),
            }
        }
        Err(error_of(ERROR_MORE_DATA))
    }

    fn register(&self, registration: &Registration<'_>) -> io::Result<()> {
        let key = Key::create(&key_of(registration.log, registration.source))?;
        let file = WideText::new(registration.message_file);
        let file: Vec<u8> = file.units_with_nul().iter().flat_map(|unit| unit.to_le_bytes()).collect();
        key.set("EventMessageFile", REG_EXPAND_SZ, &file)?;
        key.set("TypesSupported", REG_DWORD, &registration.types.to_le_bytes())
    }

    fn unregister(&self, log: LogType, source: &str) -> io::Result<()> {
        let key = key_of(log, source);
        // SAFETY: the key is one of the system's; the name ends with a NUL.
        match unsafe { RegDeleteKeyW(HKEY_LOCAL_MACHINE, key.as_ptr()) } {
            ERROR_SUCCESS | ERROR_FILE_NOT_FOUND => Ok(()),
            error => Err(error_of(error)),
        }
    }
}

/// The names of logs have no separator, and the builder refuses sources that have.
fn key_of(log: LogType, source: &str) -> WideText {
    WideText::new(&format!(r"SYSTEM\CurrentControlSet\Services\EventLog\{log}\{source}"))
}

fn error_of(error: WIN32_ERROR) -> io::Error {
    io::Error::from_raw_os_error(error.cast_signed())
}

/// Reads `EventMessageFile` into `units` and says how many bytes it has; with no room for any it says that alone.
fn read_message_file(key: &WideText, units: &mut [u16]) -> Result<usize, WIN32_ERROR> {
    let name = WideText::new("EventMessageFile");
    let kinds = RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND;
    let mut size = u32::try_from(size_of_val(units)).unwrap_or(u32::MAX);
    let data = if units.is_empty() { ptr::null_mut() } else { units.as_mut_ptr().cast() };
    // SAFETY: the names end with a NUL; the data is null or has as many bytes as the size says.
    let error =
        unsafe { RegGetValueW(HKEY_LOCAL_MACHINE, key.as_ptr(), name.as_ptr(), kinds, ptr::null_mut(), data, &raw mut size) };
    match error {
        ERROR_SUCCESS => Ok(usize::try_from(size).unwrap_or(usize::MAX)),
        error => Err(error),
    }
}

/// A key that is open for writing.
struct Key(HKEY);

impl Key {
    fn create(name: &WideText) -> io::Result<Self> {
        let mut key = ptr::null_mut();
        // SAFETY: the name ends with a NUL; the result is a local variable; null is allowed for class, security and disposition.
        let error = unsafe {
            RegCreateKeyExW(
                HKEY_LOCAL_MACHINE,
                name.as_ptr(),
                0,
                ptr::null(),
                REG_OPTION_NON_VOLATILE,
                KEY_SET_VALUE,
                ptr::null(),
                &raw mut key,
                ptr::null_mut(),
            )
        };
        if error == ERROR_SUCCESS { Ok(Self(key)) } else { Err(error_of(error)) }
    }

    fn set(&self, name: &str, kind: REG_VALUE_TYPE, value: &[u8]) -> io::Result<()> {
        let name = WideText::new(name);
        let size = u32::try_from(value.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        // SAFETY: the key is open; the name ends with a NUL; the size is that of the value.
        let error = unsafe { RegSetValueExW(self.0, name.as_ptr(), 0, kind, value.as_ptr(), size) };
        if error == ERROR_SUCCESS { Ok(()) } else { Err(error_of(error)) }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: the key was opened by `create`, and is closed here alone. Values are written already; nothing is lost by a failure.
        unsafe { RegCloseKey(self.0) };
    }
}

/// The handle of a source.
struct OpenSource(HANDLE);

// SAFETY: handles of the event log belong to the process and to no thread.
unsafe impl Send for OpenSource {}

impl Source for OpenSource {
    fn report(&self, event: &Event<'_>) -> io::Result<()> {
        let too_long = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let size = u32::try_from(event.data.len()).map_err(too_long)?;
        let strings: Vec<*const u16> = iter::once(event.text).chain(event.strings).map(WideText::as_ptr).collect();
        let count = u16::try_from(strings.len()).map_err(too_long)?;
        let data = if event.data.is_empty() { ptr::null() } else { event.data.as_ptr().cast() };
        // SAFETY: the handle is open; the count is that of the strings, each of which ends with a NUL; the size is that of the data; no user is
        // allowed.
        let is_reported = unsafe {
            ReportEventW(
                self.0,
                event.event_type.number(),
                event.category,
                event.id,
                ptr::null_mut(),
                count,
                size,
                strings.as_ptr(),
                data,
            )
        };
        if is_reported == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn close(self: Box<Self>) -> io::Result<()> {
        let source = ManuallyDrop::new(*self);
        // SAFETY: the handle was opened by `open`; its `Drop` does not run any more.
        let is_closed = unsafe { DeregisterEventSource(source.0) };
        if is_closed == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl Drop for OpenSource {
    fn drop(&mut self) {
        // SAFETY: the handle was opened by `open`, and is closed here unless `close` did. It is dropped where it is of no more use, so a
        // failure says nothing new.
        unsafe { DeregisterEventSource(self.0) };
    }
}

impl WideText {
    /// A pointer to the first unit; the NUL ends the string.
    fn as_ptr(&self) -> *const u16 {
        self.units_with_nul().as_ptr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventType;

    /// A name of this process alone, so that tests at the same time do not meet.
    fn own_name(test: &str) -> String {
        format!("tracing-handlers {test} {}", std::process::id())
    }

    #[test]
    fn a_source_is_registered_read_back_and_removed() {
        let source = own_name("registration");
        let message_file = r"%SystemRoot%\a file with ü.dll";
        let registration = Registration { log: LogType::Application, source: &source, message_file, types: 7 };
        match Windows.register(&registration) {
            // Not an administrator.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return,
            registered => registered.unwrap(),
        }
        assert_eq!(Windows.message_file(LogType::Application, &source).unwrap().as_deref(), Some(message_file));
        Windows.unregister(LogType::Application, &source).unwrap();
        assert_eq!(Windows.message_file(LogType::Application, &source).unwrap(), None);
        Windows.unregister(LogType::Application, &source).unwrap();
    }

    #[test]
    fn an_event_is_reported_and_its_source_is_closed() {
        let source = Windows.open(&own_name("event")).unwrap();
        let text = WideText::new("an event of a test: ü 🦀");
        let event = Event { event_type: EventType::Warning, category: 7, id: 1, text: &text, strings: &[], data: b"raw" };
        source.report(&event).unwrap();
        source.report(&Event { strings: &[text.clone(), WideText::new("")], ..event }).unwrap();
        source.report(&Event { data: &[], ..event }).unwrap();
        source.close().unwrap();
    }
}
