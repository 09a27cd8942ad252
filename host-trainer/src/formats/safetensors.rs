use std::collections::HashMap;

use lenet_core::Pool;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::network::{NAMES, Network, Parameters, Pools};

/// The correct spelling of the PyTorch model's `classfier`, accepted too.
const CORRECT_PREFIX: (&str, &str) = ("classfier.", "classifier.");

/// The bytes of a `.safetensors` file with the PyTorch model's names, and the pool kinds and
/// `metadata` as its metadata.
///
/// # Panics
/// Never: names and shapes are those of the network.
pub fn encode_safetensors(network: &Network, metadata: &[(&str, String)]) -> Vec<u8> {
    let arrays = network.parameters.arrays();
    let bytes: Vec<Vec<u8>> = arrays.iter().map(|array| array.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let tensors = NAMES.iter().zip(&arrays).zip(&bytes).map(|((name, array), bytes)| {
        (*name, TensorView::new(Dtype::F32, array.shape().to_vec(), bytes).expect("length fits the shape"))
    });
    let mut all: HashMap<String, String> =
        metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    all.insert("pool1".into(), network.pools.pool1.to_string());
    all.insert("pool2".into(), network.pools.pool2.to_string());
    sort_header(&safetensors::serialize(tensors, Some(all)).expect("the names are different"))
}

/// The same file with its header's keys in order. The crate keeps metadata in a hash map, whose order
/// differs from run to run, and the same seed must give the same bytes.
fn sort_header(file: &[u8]) -> Vec<u8> {
    let (length, rest) = file.split_first_chunk::<8>().expect("a file starts with its header's length");
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    // serde_json's objects are sorted maps.
    let header: serde_json::Value = serde_json::from_slice(header).expect("the header is JSON");
    let mut header = header.to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes(), header.as_slice(), data].concat()
}

/// A float network as a `.safetensors` file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatFile {
    /// The network.
    pub network: Network,
    /// The file's metadata, with the entries that became part of the network.
    pub metadata: HashMap<String, String>,
}

impl FloatFile {
    /// The seed the network was trained with, if the file tells.
    pub fn seed(&self) -> Option<u64> {
        self.metadata.get("seed")?.parse().ok()
    }
}

/// Reads a network from the bytes of a `.safetensors` file. Without the metadata this program
/// writes, the pools are the default ones.
///
/// # Errors
/// A text that says which tensor is missing, superfluous, misshapen or not f32.
pub fn decode_safetensors(bytes: &[u8]) -> Result<FloatFile, String> {
    let damaged = |error| format!("it is no safetensors file, or a damaged one ({error}); save it again");
    let tensors = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged)?;

    let mut parameters = Parameters::zeros();
    let shapes: Vec<Vec<usize>> = parameters.arrays().iter().map(|array| array.shape().to_vec()).collect();
    for ((target, shape), name) in parameters.slices_mut().into_iter().zip(shapes).zip(NAMES) {
        let tensor = find(&tensors, name)?;
        if tensor.shape() != shape {
            return Err(format!("tensor {name} has shape {:?}, LeNet-5 needs {shape:?}", tensor.shape()));
        }
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("tensor {name} is {:?}, F32 is needed: save it with `.float()`", tensor.dtype()));
        }
        for (value, bytes) in target.iter_mut().zip(tensor.data().as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*bytes);
        }
    }
    if let Some(name) =
        tensors.names().into_iter().find(|name| !NAMES.iter().any(|n| *n == *name || correct(n) == **name))
    {
        return Err(format!("tensor {name} is no part of LeNet-5; its tensors are {}", NAMES.join(", ")));
    }
    let metadata = metadata.metadata().clone().unwrap_or_default();
    let pools = Pools::default();
    let pools =
        Pools { pool1: pool_of(&metadata, "pool1", pools.pool1)?, pool2: pool_of(&metadata, "pool2", pools.pool2)? };
    Ok(FloatFile { network: Network { parameters, pools }, metadata })
}

fn find<'a>(tensors: &SafeTensors<'a>, name: &str) -> Result<TensorView<'a>, String> {
    tensors.tensor(name).or_else(|_| tensors.tensor(&correct(name))).map_err(|_| {
        let mut found = tensors.names();
        found.sort_unstable();
        format!("tensor {name} is missing; the file holds {}", found.join(", "))
    })
}

fn correct(name: &str) -> String {
    name.replacen(CORRECT_PREFIX.0, CORRECT_PREFIX.1, 1)
}

fn pool_of(metadata: &HashMap<String, String>, key: &str, default: Pool) -> Result<Pool, String> {
    match metadata.get(key).map(String::as_str) {
        None => Ok(default),
        Some("average") => Ok(Pool::Average),
        Some("maximum") => Ok(Pool::Maximum),
        Some(other) => Err(format!("metadata {key} is \"{other}\", it must be average or maximum")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::{Options, Recipe, RecipeName, initial_network};

    fn network() -> Network {
        let pools = Pools { pool1: Pool::Maximum, pool2: Pool::Average };
        initial_network(&Options { recipe: Recipe::named(RecipeName::Default), pools, seed: 5 })
    }

    /// The file with tensors renamed, dropped (`None`) or changed.
    fn rewrite(edit: impl Fn(&str, &TensorView<'_>) -> Option<(String, Dtype, Vec<usize>)>) -> Vec<u8> {
        let bytes = encode_safetensors(&network(), &[]);
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors = file.iter().filter_map(|(name, tensor)| {
            let (name, dtype, shape) = edit(name, &tensor)?;
            let length = shape.iter().product::<usize>() * dtype.bitsize() / 8;
            Some((name, TensorView::new(dtype, shape, &tensor.data()[..length]).unwrap()))
        });
        safetensors::serialize(tensors, None).unwrap()
    }

    fn keep(name: &str, tensor: &TensorView<'_>) -> Option<(String, Dtype, Vec<usize>)> {
        Some((name.to_owned(), tensor.dtype(), tensor.shape().to_vec()))
    }

    #[test]
    fn round_trips_with_pools() {
        let network = network();
        let read = decode_safetensors(&encode_safetensors(&network, &[("seed", "5".into())])).unwrap();
        assert_eq!((read.seed(), read.network), (Some(5), network));
    }

    #[test]
    fn the_same_network_gives_the_same_bytes() {
        let metadata = ["a", "b", "c", "d", "e"].map(|key| (key, key.repeat(3)));
        let first = encode_safetensors(&network(), &metadata);
        for _ in 0..20 {
            assert_eq!(encode_safetensors(&network(), &metadata), first);
        }
    }

    #[test]
    fn correct_spelling_is_accepted_and_pools_default() {
        let bytes = rewrite(|name, tensor| keep(&correct(name), tensor));
        let read = decode_safetensors(&bytes).unwrap().network;
        assert_eq!(read.parameters, network().parameters);
        assert_eq!(read.pools, Pools::default());
    }

    #[test]
    fn problems_are_named() {
        let missing = rewrite(|name, tensor| (name != "features.3.bias").then(|| keep(name, tensor))?);
        assert!(decode_safetensors(&missing).unwrap_err().contains("features.3.bias is missing"));
        let misshapen = rewrite(|name, tensor| match name {
            "classfier.2.weight" => Some((name.into(), tensor.dtype(), vec![84, 60])),
            _ => keep(name, tensor),
        });
        let message = decode_safetensors(&misshapen).unwrap_err();
        assert!(message.contains("classfier.2.weight has shape [84, 60], LeNet-5 needs [84, 120]"), "{message}");
        let half = rewrite(|name, tensor| match name {
            "features.0.bias" => Some((name.into(), Dtype::F16, vec![6])),
            _ => keep(name, tensor),
        });
        assert!(decode_safetensors(&half).unwrap_err().contains("features.0.bias is F16"));
        let extra =
            rewrite(|name, tensor| keep(if name == "features.0.bias" { "features.9.bias" } else { name }, tensor));
        assert!(decode_safetensors(&extra).unwrap_err().contains("features.0.bias is missing"));
        assert!(decode_safetensors(b"not safetensors").unwrap_err().contains("no safetensors file"));
    }
}
