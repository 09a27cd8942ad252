//! The file formats that networks are read from and written to.

mod archive;
mod c;
pub mod flash;
mod float_file;
mod foreign;
mod lenet;
mod named;
mod npy;
mod npz;
mod onnx;
mod pytorch;
mod rust;
mod safetensors;
mod source;
mod strided;
mod tflite;

use std::path::Path;

use crate::classes::Classes;
use crate::error::{Error, Result};
use crate::input::{self, Limit};
use flash::FlashImage;
use lenet_core::preparation::Preparation;

pub use c::{CSource, c_prefix, encode_c};
pub use float_file::{FloatFile, PREPARATION};
pub use lenet::ModelFile;
pub use npz::encode_npz;
pub use onnx::{OnnxNetwork, decode_onnx, encode_onnx_float, encode_onnx_int8};
pub use rust::encode_rust;
pub use safetensors::{decode_safetensors, encode_safetensors};
pub use tflite::{decode_tflite, encode_tflite};

/// A network of either kind, read from a file.
#[derive(Clone, Debug)]
pub enum NetworkFile {
    /// From a file in any of the formats of [`decode_float`].
    Float(Box<FloatFile>),
    /// From a `.lenet` file, an Intel HEX or UF2 file that contains one, or a `.tflite` file.
    Int8(ModelFile),
}

impl NetworkFile {
    /// Reads a file and detects its format from its content.
    ///
    /// # Errors
    /// When the file cannot be read, or is not a valid network in the format it appears to have.
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_with_facts(path).map(|(network, _)| network)
    }

    /// The network's classes.
    ///
    /// # Errors
    /// An int8 model is invalid; the message names `path`.
    pub fn classes(&self, path: &Path) -> Result<Classes> {
        match self {
            Self::Float(file) => Ok(file.network.classes.clone()),
            Self::Int8(file) => Ok(file.model().map_err(Error::model(path))?.labels().into()),
        }
    }

    /// How the network's inputs are prepared.
    ///
    /// # Errors
    /// An int8 model is invalid; the message names `path`.
    pub fn preparation(&self, path: &Path) -> Result<Preparation> {
        match self {
            Self::Float(file) => Ok(file.network.preparation),
            Self::Int8(file) => Ok(file.model().map_err(Error::model(path))?.preparation()),
        }
    }

    /// The name of the data set that the file says the network was trained on.
    pub fn trained_on(&self) -> Option<String> {
        let name = match self {
            Self::Float(file) => file.metadata.get("data").cloned()?,
            Self::Int8(file) => file.model().ok()?.description().data_set.to_owned(),
        };
        Some(name).filter(|name| !name.is_empty())
    }

    /// The identity of an int8 model as eight hex digits; none for a float network.
    ///
    /// # Errors
    /// An int8 model is invalid; the message names `path`.
    pub fn identity(&self, path: &Path) -> Result<Option<String>> {
        match self {
            Self::Float(_) => Ok(None),
            Self::Int8(file) => file.identity().map(Some).map_err(Error::model(path)),
        }
    }

    /// Like [`read`](Self::read), and also returns what the file says besides the network.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn read_with_facts(path: &Path) -> Result<(Self, FileFacts)> {
        let bytes = input::read(path, Limit::NETWORK)?;
        let mut facts = FileFacts { bytes: bytes.len(), flash: None };
        let network = if bytes.starts_with(&lenet_core::format::MAGIC) {
            let file = ModelFile::new(&bytes);
            file.model().map_err(Error::model(path))?;
            Self::Int8(file)
        } else if let Some(image) = FlashImage::decode(&bytes) {
            let image = image.map_err(Error::file(path))?;
            let file = image.model().map_err(Error::model(path))?;
            facts.flash = Some(image);
            Self::Int8(file)
        } else if tflite::is_tflite(&bytes) {
            Self::Int8(decode_tflite(&bytes).map_err(Error::file(path))?)
        } else if onnx::is_onnx(&bytes) {
            match decode_onnx(&bytes, &beside(path)).map_err(Error::file(path))? {
                OnnxNetwork::Float(file) => Self::Float(file),
                OnnxNetwork::Int8(file) => Self::Int8(file),
            }
        } else {
            Self::Float(Box::new(decode_float(&bytes).map_err(Error::file(path))?))
        };
        Ok((network, facts))
    }
}

/// What a network's file says besides the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Length of the file, bytes.
    pub bytes: usize,
    /// For an Intel HEX or UF2 file: the bytes in it and their flash address.
    pub flash: Option<FlashImage>,
}

/// Reads a float network from a file in any of the formats of [`decode_float`], or in ONNX.
///
/// # Errors
/// When the file cannot be read, or a tensor is missing or has the wrong shape or type; the message says which.
pub fn read_float(path: &Path) -> Result<FloatFile> {
    match NetworkFile::read(path)? {
        NetworkFile::Float(file) => Ok(*file),
        NetworkFile::Int8(_) => {
            let kind = match path.extension() {
                Some(ending) if ending != "lenet" => "an int8 model",
                _ => "an int8 .lenet model",
            };
            let problem = format!("this is {kind}; give the float network it was quantized from");
            Err(Error::File { path: path.to_owned(), problem })
        }
    }
}

/// Reads files that lie beside a network's: PyTorch writes the weights of an ONNX file into one of their own.
fn beside(path: &Path) -> impl Fn(&str) -> std::result::Result<Vec<u8>, String> {
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    move |name| {
        if name.contains(['/', '\\']) || name == ".." {
            return Err(format!("its weights are in {name}, but only a file beside it is read; move that file there"));
        }
        input::read(&folder.join(name), Limit::NETWORK)
            .map_err(|error| format!("its weights are in a file of their own: {error}"))
    }
}

/// Reads a float network from the bytes of a `.safetensors` file, a PyTorch state dict (`.pt`, `.pth`) or a NumPy
/// archive (`.npz`). The format is detected from the content.
///
/// Tensors have the PyTorch model's names: `classfier` or `classifier`, with any prefix that all of them share; or any
/// names, if their shapes identify them. They can be float16, float32 or float64, or bfloat16 where the format has it. Pools are the
/// default ones unless the file's metadata says otherwise.
///
/// # Errors
/// A message that lists the tensors that are missing, unexpected or of the wrong shape or type, or says what else is
/// wrong with the file.
pub fn decode_float(bytes: &[u8]) -> std::result::Result<FloatFile, String> {
    if bytes.starts_with(&pytorch::LEGACY_MAGIC) {
        return Err(pytorch::LEGACY.into());
    }
    // A safetensors file starts with the length of its header, which can look like anything, and then a JSON object.
    if bytes.get(8) != Some(&b'{')
        && let Some(refusal) = foreign::refusal(bytes)
    {
        return Err(refusal);
    }
    if !bytes.starts_with(&archive::MAGIC) {
        return decode_safetensors(bytes);
    }
    let mut archive = archive::Archive::open(bytes)?;
    if let Some(refusal) = foreign::refusal_of_archive(&archive) {
        return Err(refusal);
    }
    if let Some(folder) = pytorch::folder(&archive) {
        return pytorch::decode(&mut archive, &folder);
    }
    if archive.names().any(|name| name.ends_with(npz::EXTENSION)) {
        return npz::decode(&mut archive);
    }
    Err("this zip archive is neither a PyTorch state dict nor a NumPy archive: it has no data.pkl and no .npy entries; \
         save the weights as .safetensors, .pt or .npz"
        .into())
}
