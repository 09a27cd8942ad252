//! The model file as Rust source, for `include!`.

use super::ModelFile;
use super::c::c_prefix;
use super::source::{provenance, rows, write_text};
use crate::TOOL;

/// Writes one item for `include!`: a static named after `name`, the name of the file without its ending, with the
/// bytes of the model file at a multiple of 4, as [`Model::from_bytes`](lenet_core::Model::from_bytes) needs them.
///
/// # Errors
/// [`lenet_core::Error`] when the file is no valid model.
pub fn encode_rust(file: &ModelFile, name: &str) -> Result<String, lenet_core::Error> {
    let model = file.model()?;
    let constant = c_prefix(name).to_ascii_uppercase();
    let bytes = file.bytes();
    let mut text = String::new();
    write_text(&mut text, format_args!("// Written by {TOOL}, for `include!` in a module:\n"));
    write_text(&mut text, format_args!("//     let model = lenet_core::Model::from_bytes({constant})?;\n\n"));
    write_text(&mut text, format_args!("/// LeNet-5 in int8: a `.lenet` file of CRC-32 {:08x}.\n///\n", file.crc32()));
    for line in provenance(&model) {
        write_text(&mut text, format_args!("/// - {line}\n"));
    }
    let length = bytes.len();
    write_text(&mut text, format_args!("#[rustfmt::skip]\npub static {constant}: &[u8; {length}] = {{\n"));
    write_text(&mut text, format_args!("    #[repr(C, align(4))]\n    struct Aligned([u8; {length}]);\n"));
    write_text(&mut text, format_args!("    static FILE: Aligned = Aligned([\n{}    ]);\n", rows(bytes)));
    write_text(&mut text, format_args!("    &FILE.0\n}};\n"));
    Ok(text)
}
