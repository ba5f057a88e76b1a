#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tracing_handlers_receiver::exercise::round_trip(bytes));
