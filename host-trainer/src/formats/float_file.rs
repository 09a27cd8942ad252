use std::collections::HashMap;

use lenet_core::{Pool, Pools};

use crate::network::{Network, Parameters};

/// A float network read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatFile {
    /// The network.
    pub network: Network,
    /// All of the file's metadata, the pools included. Empty for a PyTorch file.
    pub metadata: HashMap<String, String>,
}

impl FloatFile {
    /// Combines parameters and metadata. Pools that the metadata does not record are the default ones.
    ///
    /// # Errors
    /// When the metadata names an unknown kind of pool.
    pub(super) fn new(parameters: Parameters<f32>, metadata: HashMap<String, String>) -> Result<Self, String> {
        let default = Pools::default();
        let pool = |key, default| stated(&metadata, key).map(|pool| pool.unwrap_or(default));
        let pools = Pools { pool1: pool("pool1", default.pool1)?, pool2: pool("pool2", default.pool2)? };
        Ok(Self { network: Network { parameters, pools }, metadata })
    }

    /// The seed the network was trained with, if the file records it.
    pub fn seed(&self) -> Option<u64> {
        self.metadata.get("seed")?.parse().ok()
    }

    /// The metadata in the form that [`encode_safetensors`](super::encode_safetensors) and
    /// [`encode_npz`](super::encode_npz) take.
    pub fn entries(&self) -> Vec<(&str, String)> {
        self.metadata.iter().map(|(key, value)| (key.as_str(), value.clone())).collect()
    }

    /// The same network with pools given by the user, for files that do not record them.
    ///
    /// # Errors
    /// When the file records a different pool.
    pub fn with_pools(mut self, pool1: Option<Pool>, pool2: Option<Pool>) -> Result<Self, String> {
        let pools = &mut self.network.pools;
        for (key, given, pool) in [("pool1", pool1, &mut pools.pool1), ("pool2", pool2, &mut pools.pool2)] {
            let Some(given) = given else { continue };
            if stated(&self.metadata, key)?.is_some_and(|stated| stated != given) {
                return Err(format!("--{key} {given} contradicts the file, which says {key} is {pool}; omit it"));
            }
            *pool = given;
        }
        Ok(self)
    }
}

/// The pool that the metadata records, if any.
fn stated(metadata: &HashMap<String, String>, key: &str) -> Result<Option<Pool>, String> {
    match metadata.get(key).map(String::as_str) {
        None => Ok(None),
        Some("average") => Ok(Some(Pool::Average)),
        Some("maximum") => Ok(Some(Pool::Maximum)),
        Some(other) => Err(format!("metadata {key} is \"{other}\"; it must be average or maximum")),
    }
}

/// The metadata to write to a file, with the network's pools added.
pub(super) fn with_stated_pools(metadata: &[(&str, String)], pools: Pools) -> HashMap<String, String> {
    let mut all: HashMap<String, String> =
        metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    all.insert("pool1".into(), pools.pool1.to_string());
    all.insert("pool2".into(), pools.pool2.to_string());
    all
}

/// An untrained network whose pools are not the default ones.
#[cfg(test)]
pub(super) fn untrained() -> Network {
    use crate::training::{Options, Recipe, RecipeName, initial_network};

    let pools = Pools { pool1: Pool::Maximum, pool2: Pool::Average };
    initial_network(&Options { recipe: Recipe::named(RecipeName::Default), pools, seed: 5 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_come_from_the_file_or_else_from_the_user() {
        let file = |pools: &[(&str, &str)]| {
            let metadata = pools.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            FloatFile::new(Parameters::zeros(), metadata)
        };
        let (average, maximum) = (Pool::Average, Pool::Maximum);
        let pools = |file: Result<FloatFile, String>| {
            let pools = file.unwrap().network.pools;
            (pools.pool1, pools.pool2)
        };
        assert_eq!(pools(file(&[])), (average, maximum));
        assert_eq!(pools(file(&[("pool1", "maximum")])), (maximum, maximum));
        assert_eq!(pools(file(&[]).unwrap().with_pools(Some(maximum), None)), (maximum, maximum));
        assert_eq!(pools(file(&[]).unwrap().with_pools(None, Some(average))), (average, average));
        let stated = file(&[("pool1", "maximum")]).unwrap();
        assert_eq!(pools(stated.clone().with_pools(Some(maximum), Some(average))), (maximum, average));
        let message = stated.with_pools(Some(average), None).unwrap_err();
        assert!(message.contains("--pool1 average contradicts the file, which says pool1 is maximum"), "{message}");
        assert!(file(&[("pool2", "median")]).unwrap_err().contains("metadata pool2 is \"median\""));
    }
}
