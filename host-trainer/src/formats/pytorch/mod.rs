//! PyTorch state dicts, as `torch.save(model.state_dict(), path)` has written them since PyTorch 1.6.
//!
//! The file is a zip archive with one folder of any name. In it are `data.pkl`, a [pickle] of the names and shapes;
//! `data/0`, `data/1` and so on, the storages with the numbers, which several tensors may share; and, since PyTorch
//! 2.1, `byteorder`.

mod pickle;

use std::collections::HashMap;

use super::archive::Archive;
use super::float_file::FloatFile;
use super::named::{Declared, parameters, short};
use super::strided::{ByteOrder, Layout, Strided};
use pickle::{StateDict, Tensor};

/// The first bytes of the format before PyTorch 1.6: the pickle of a 10-byte number.
pub(super) const LEGACY_MAGIC: [u8; 4] = [0x80, 2, 0x8a, 10];

/// The message for a file in that format.
pub(super) const LEGACY: &str = "PyTorch's format from before 1.6 is not supported; load the file with a newer PyTorch \
                                 and save it again: torch.save(model.state_dict(), path)";

const PICKLE: &str = "data.pkl";

/// The folder in the archive that contains a pickle, with its trailing slash, if there is one.
pub(super) fn folder(archive: &Archive<'_>) -> Option<String> {
    let folders = archive.names().filter_map(|name| name.strip_suffix(PICKLE));
    folders.filter(|folder| folder.is_empty() || folder.ends_with('/')).min().map(str::to_owned)
}

/// Reads a network from an archive that `torch.save` wrote.
///
/// # Errors
/// A message that lists the tensors that are missing, unexpected or of the wrong shape or type, or says why the file is
/// not a state dict.
pub(super) fn decode(archive: &mut Archive<'_>, folder: &str) -> Result<FloatFile, String> {
    if archive.holds(&format!("{folder}constants.pkl")) {
        return Err("this is a TorchScript program, not a state dict; save the weights of the original model: \
                    torch.save(model.state_dict(), path)"
            .into());
    }
    let order = byte_order(archive, folder)?;
    let pickle = archive.read(&format!("{folder}{PICKLE}"))?;
    let state = StateDict::decode(&pickle)?;
    let tensors: Vec<Declared<'_, &Tensor<'_>>> = state
        .tensors
        .iter()
        .map(|(name, tensor)| Declared {
            name,
            shape: tensor.shape.clone(),
            element: tensor.storage.element.map_err(str::to_owned),
            place: tensor,
        })
        .collect();
    let parameters = parameters(&tensors, |tensor, element| {
        let storage = &tensor.storage;
        let bytes = archive.read(&format!("{folder}data/{}", storage.key))?;
        if bytes.len() / element.size() != storage.length {
            return Err(format!(
                "its storage {} should hold {} numbers but has {} bytes; save the file again",
                short(storage.key, 20),
                storage.length,
                bytes.len()
            ));
        }
        let layout = Layout::Strides { offset: tensor.offset, strides: tensor.strides.clone() };
        Ok(Strided { bytes: bytes.into(), element, order, layout })
    })?;
    FloatFile::new(parameters, HashMap::new())
}

fn byte_order(archive: &mut Archive<'_>, folder: &str) -> Result<ByteOrder, String> {
    let name = format!("{folder}byteorder");
    if !archive.holds(&name) {
        return Ok(ByteOrder::Little);
    }
    match archive.read(&name)?.as_slice() {
        b"little" => Ok(ByteOrder::Little),
        b"big" => Ok(ByteOrder::Big),
        _ => Err("its byteorder is neither little nor big; save the file again".into()),
    }
}
