//! PyTorch state dicts: what `torch.save(model.state_dict(), path)` writes since PyTorch 1.6.
//!
//! It is a zip archive with a folder of any name that holds `data.pkl`, a [pickle] of the names and
//! shapes; `data/0`, `data/1` and so on, the numbers, in storages that several tensors may share; and
//! since PyTorch 2.1 `byteorder`.

mod pickle;

use std::collections::HashMap;

use super::archive::Archive;
use super::float_file::FloatFile;
use super::named::{Announced, parameters, short};
use super::strided::{ByteOrder, Layout, Strided};
use pickle::{StateDict, Tensor};

/// What PyTorch's format before 1.6 begins with: a pickle of a number of 10 bytes.
pub(super) const LEGACY_MAGIC: [u8; 4] = [0x80, 2, 0x8a, 10];

/// What is wrong with a file of that format.
pub(super) const LEGACY: &str = "it is in PyTorch's format before 1.6, which is not read; load it with a newer PyTorch \
                                 and save it again: torch.save(model.state_dict(), path)";

const PICKLE: &str = "data.pkl";

/// The folder of the archive that holds a pickle, with a slash behind it, if there is one.
pub(super) fn folder(archive: &Archive<'_>) -> Option<String> {
    let folders = archive.names().filter_map(|name| name.strip_suffix(PICKLE));
    folders.filter(|folder| folder.is_empty() || folder.ends_with('/')).min().map(str::to_owned)
}

/// Reads a network from what `torch.save` wrote.
///
/// # Errors
/// A text that lists the tensors that are missing, superfluous, misshapen or of another type, or says
/// what else than a state dict the file is.
pub(super) fn decode(archive: &mut Archive<'_>, folder: &str) -> Result<FloatFile, String> {
    if archive.holds(&format!("{folder}constants.pkl")) {
        return Err("it is a TorchScript program, not a state dict; save the weights of the model it was made from: \
                    torch.save(model.state_dict(), path)"
            .into());
    }
    let order = byte_order(archive, folder)?;
    let pickle = archive.read(&format!("{folder}{PICKLE}"))?;
    let state = StateDict::decode(&pickle)?;
    let tensors: Vec<Announced<'_, &Tensor<'_>>> = state
        .tensors
        .iter()
        .map(|(name, tensor)| Announced {
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
                "its storage {} is announced to hold {} numbers and holds {} bytes; save the file again",
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
        _ => Err("its byteorder is neither little nor big; save it again".into()),
    }
}
