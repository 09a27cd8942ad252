//! Chooses the kernels for the target. The compiler's own `cfg`s do not tell the M profile's
//! architectures apart in stable Rust; the target's name does.

use std::env;

/// Beginnings of target names, and the module of `arch` that is for them. An Armv8-M core may lack the
/// DSP extension, so it gets the kernels that need none.
const MODULES: [(&str, &str); 5] = [
    ("thumbv6m-", "armv6m"),
    ("thumbv8m.base-", "armv6m"),
    ("thumbv7m-", "armv7m"),
    ("thumbv8m.main-", "armv7m"),
    ("thumbv7em-", "armv7em"),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(kernels, values(\"portable\", \"armv6m\", \"armv7m\", \"armv7em\"))");
    let target = env::var("TARGET").unwrap_or_default();
    let module = MODULES.iter().find(|(start, _)| target.starts_with(start)).map_or("portable", |(_, module)| module);
    println!("cargo::rustc-cfg=kernels=\"{module}\"");
}
