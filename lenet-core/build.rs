//! Selects the kernels for the target: sets `kernels` to the name of a module of `arch`, and `workstation` if the
//! workstation's kernels are built as well.
//!
//! Stable Rust has no `cfg` that tells the architectures of the M profile apart, so the target's name decides.

use std::env;

/// Prefixes of target names and their module of `arch`. An Armv8-M core may lack the DSP extension, so Armv8-M uses
/// kernels that do not need it.
const MODULES: [(&str, &str); 5] = [
    ("thumbv6m-", "armv6m"),
    ("thumbv8m.base-", "armv6m"),
    ("thumbv7m-", "armv7m"),
    ("thumbv8m.main-", "armv7m"),
    ("thumbv7em-", "armv7em"),
];

const PORTABLE: &str = "portable";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(kernels, values(\"portable\", \"armv6m\", \"armv7m\", \"armv7em\"))");
    println!("cargo::rustc-check-cfg=cfg(workstation)");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let target = variable("TARGET");
    let module = MODULES.iter().find(|(start, _)| target.starts_with(start)).map_or(PORTABLE, |(_, module)| module);
    println!("cargo::rustc-cfg=kernels=\"{module}\"");
    // Cargo.toml has the vector library for the same targets.
    let workstation = env::var_os("CARGO_FEATURE_WORKSTATION").is_some();
    if workstation && module == PORTABLE && variable("CARGO_CFG_TARGET_OS") != "none" {
        println!("cargo::rustc-cfg=workstation");
    }
}
