use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::float_file::{FloatFile, with_facts};
use super::named::{Declared, parameters};
use super::strided::{ByteOrder, Element, Layout, Strided};
use crate::network::{NAMES, Network};

/// The bytes of a `.safetensors` file: tensors with the PyTorch model's names, and `metadata` with the pool kinds and
/// labels added as the file's metadata.
///
/// # Panics
/// Never: the names are unique, and the lengths fit the shapes.
pub fn encode_safetensors(network: &Network, metadata: &[(&str, String)]) -> Vec<u8> {
    let arrays = network.parameters.arrays();
    let bytes: Vec<Vec<u8>> = arrays.iter().map(|array| array.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let tensors = NAMES.iter().zip(&arrays).zip(&bytes).map(|((name, array), bytes)| {
        (*name, TensorView::new(Dtype::F32, array.shape().to_vec(), bytes).expect("length fits the shape"))
    });
    let all = with_facts(metadata, network).into_iter().collect();
    sort_header(&safetensors::serialize(tensors, Some(all)).expect("names are unique"))
}

/// The same file with the keys of its header sorted. The same seed must give the same bytes, but the crate keeps
/// metadata in a hash map, and its order varies from run to run.
fn sort_header(file: &[u8]) -> Vec<u8> {
    let (length, rest) = file.split_first_chunk::<8>().expect("a file starts with its header's length");
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    // serde_json sorts the keys of an object.
    let header: serde_json::Value = serde_json::from_slice(header).expect("the header is JSON");
    let mut header = header.to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes(), header.as_slice(), data].concat()
}

/// Reads a network from the bytes of a `.safetensors` file with float16, bfloat16, float32 or float64 tensors. Pools
/// are the default ones unless the metadata says otherwise.
///
/// # Errors
/// A message that lists the tensors that are missing, unexpected or of the wrong shape or type.
pub fn decode_safetensors(bytes: &[u8]) -> Result<FloatFile, String> {
    let unreadable = |error| {
        format!(
            "not a .safetensors file, PyTorch state dict or .npz archive, or damaged ({error}); save the file again"
        )
    };
    let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(unreadable)?;
    let mut tensors: Vec<Declared<'_, &[u8]>> = file
        .iter()
        .map(|(name, tensor)| Declared {
            name,
            shape: tensor.shape().to_vec(),
            element: element(tensor.dtype()),
            place: tensor.data(),
        })
        .collect();
    tensors.sort_unstable_by_key(|tensor| tensor.name);
    let (parameters, note) = parameters(&tensors, |data, element| {
        Ok(Strided { bytes: (*data).into(), element, order: ByteOrder::Little, layout: Layout::Rows })
    })?;
    FloatFile::new(parameters, metadata.metadata().clone().unwrap_or_default(), note)
}

fn element(dtype: Dtype) -> Result<Element, String> {
    match dtype {
        Dtype::F16 => Ok(Element::F16),
        Dtype::BF16 => Ok(Element::Bf16),
        Dtype::F32 => Ok(Element::F32),
        Dtype::F64 => Ok(Element::F64),
        other => Err(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::float_file::untrained;

    #[test]
    fn round_trips_with_pools() {
        let network = untrained();
        let read = decode_safetensors(&encode_safetensors(&network, &[("seed", "5".into())])).unwrap();
        assert_eq!((read.seed(), read.network), (Some(5), network));
    }

    #[test]
    fn the_same_network_gives_the_same_bytes() {
        let metadata = ["a", "b", "c", "d", "e"].map(|key| (key, key.repeat(3)));
        let first = encode_safetensors(&untrained(), &metadata);
        for _ in 0..20 {
            assert_eq!(encode_safetensors(&untrained(), &metadata), first);
        }
    }

    #[test]
    fn all_problems_are_listed() {
        let tensors = [("features.0.bias", Dtype::U8, vec![6]), ("classfier.4.bias", Dtype::F16, vec![1, 3])];
        let tensors = tensors.map(|(name, dtype, shape)| (name, TensorView::new(dtype, shape, &[0; 6]).unwrap()));
        let message = decode_safetensors(&safetensors::serialize(tensors, None).unwrap()).unwrap_err();
        for (name, problem) in [
            ("features.0.bias", "found [6] of U8"),
            ("classfier.4.bias", "found [1, 3]"),
            ("features.0.weight", "missing"),
        ] {
            let line = message.lines().find(|line| line.contains(name)).unwrap();
            assert!(line.ends_with(problem), "{message}");
        }
        assert!(decode_safetensors(b"not safetensors").unwrap_err().contains("not a .safetensors file"));
    }
}
