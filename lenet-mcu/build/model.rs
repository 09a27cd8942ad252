//! The contents of the model slot.

use std::path::Path;

use lenet_core::Model;

/// The value of a byte of erased flash.
const ERASED: u8 = 0xFF;

/// Checks a model file as the firmware does, and pads it to the size of the slot.
pub(crate) fn fill_slot(path: &Path, mut file: Vec<u8>, slot_bytes: usize) -> Result<Vec<u8>, String> {
    if file.len() > slot_bytes {
        return Err(format!("{} has {} bytes, the model slot {slot_bytes}", path.display(), file.len()));
    }
    // The slot in flash is aligned; a vector of bytes may not be.
    let mut words = vec![0u32; file.len().div_ceil(size_of::<u32>())];
    let aligned = &mut bytemuck::cast_slice_mut::<u32, u8>(&mut words)[..file.len()];
    aligned.copy_from_slice(&file);
    Model::from_bytes(aligned).map_err(|error| format!("{} is not a valid model: {error}", path.display()))?;
    file.resize(slot_bytes, ERASED);
    Ok(file)
}
