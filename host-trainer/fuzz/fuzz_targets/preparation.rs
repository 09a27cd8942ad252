#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lenet_fuzz::preparation(bytes));
