//! Passes the linker script to the linker.

fn main() {
    println!("cargo::rerun-if-changed=link.x");
    println!("cargo::rustc-link-arg-bins=-T{}/link.x", env!("CARGO_MANIFEST_DIR"));
    // Otherwise a linker may align segments to pages of 64 KiB, which wastes flash.
    println!("cargo::rustc-link-arg-bins=--nmagic");
}
