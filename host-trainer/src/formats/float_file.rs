use std::collections::{BTreeMap, HashMap};

use lenet_core::preparation::Preparation;
use lenet_core::{Pool, Pools};

use crate::classes::Classes;
use crate::network::{NAMES, Network, Parameters};

/// The metadata keys of the pools.
const POOL1: &str = "pool1";
const POOL2: &str = "pool2";
/// The metadata key of the normalization of pixels that was folded into conv1.
const FOLDED: &str = "folded";
/// The metadata key of the labels: a JSON list of texts, in the order of the classes.
const LABELS: &str = "labels";
/// The metadata key of the label of the class that stands for anything else.
const NONE_OF_THESE: &str = "none_of_these";
/// The metadata key of the preparation of inputs.
pub const PREPARATION: &str = "preparation";

/// A float network read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatFile {
    /// The network.
    pub network: Network,
    /// All of the file's metadata, the pools included. Empty for a PyTorch file.
    pub metadata: HashMap<String, String>,
    /// How the tensors were recognized, if not by their names.
    recognized: Option<String>,
    /// Whether each pool is known: recorded in the file, or given by the user.
    known_pools: [bool; 2],
}

impl FloatFile {
    /// Combines parameters and metadata. Pools that the metadata does not record are the default ones, and classes
    /// whose labels it does not record are numbered. `recognized` says how the tensors were recognized, if not by their
    /// names.
    ///
    /// # Errors
    /// When the metadata names an unknown kind of pool, or its labels are not those of the parameters' classes.
    pub(super) fn new(
        parameters: Parameters<f32>,
        metadata: HashMap<String, String>,
        recognized: Option<String>,
    ) -> Result<Self, String> {
        let default = Pools::default();
        let pool = |key, default| stated(&metadata, key).map(|pool| pool.unwrap_or(default));
        let pools = Pools { pool1: pool(POOL1, default.pool1)?, pool2: pool(POOL2, default.pool2)? };
        let (classes, none_of_these) = classes_in(&metadata, parameters.classes())?;
        let known_pools = [POOL1, POOL2].map(|key| metadata.contains_key(key));
        let preparation = preparation_in(&metadata)?;
        let network = Network { parameters, pools, classes, none_of_these, preparation };
        Ok(Self { network, metadata, recognized, known_pools })
    }

    /// A network that is in memory, with nothing assumed about it.
    pub fn of(network: Network, metadata: HashMap<String, String>) -> Self {
        Self { network, metadata, recognized: None, known_pools: [true; 2] }
    }

    /// What a person should know about how the file was read, one sentence each: what its tensors were recognized by, and
    /// which pools were assumed.
    pub fn notes(&self) -> Vec<String> {
        let Pools { pool1, pool2 } = self.network.pools;
        let assumed: Vec<String> = [(POOL1, pool1), (POOL2, pool2)]
            .into_iter()
            .zip(self.known_pools)
            .filter(|(_, known)| !known)
            .map(|((key, pool), _)| format!("{key} {pool}"))
            .collect();
        let pools = (!assumed.is_empty()).then(|| {
            format!(
                "the file does not record its pools; {} {} assumed (the options --pool1 and --pool2 say otherwise)",
                assumed.join(" and "),
                if assumed.len() == 1 { "is" } else { "are" }
            )
        });
        self.recognized.clone().into_iter().chain(pools).collect()
    }

    /// Whether the pixels' mean and deviation were folded into the network.
    pub fn is_normalized(&self) -> bool {
        self.metadata.contains_key(FOLDED)
    }

    /// The same network for pixels that are not normalized, if it was trained on `(p/255 - mean) / deviation`; see
    /// [`Network::with_normalization`]. The metadata records it.
    ///
    /// # Errors
    /// When that was done before.
    pub fn with_normalization(mut self, mean: f64, deviation: f64) -> Result<Self, String> {
        if let Some(folded) = self.metadata.get(FOLDED) {
            return Err(format!("its first layer already accounts for {folded}; leave out --mean and --std"));
        }
        self.network = self.network.with_normalization(mean, deviation);
        self.metadata.insert(FOLDED.into(), format!("mean {mean}, std {deviation}"));
        Ok(self)
    }

    /// The seed the network was trained with, if the file records it.
    pub fn seed(&self) -> Option<u64> {
        self.metadata.get("seed")?.parse().ok()
    }

    /// Whether the file records how the network's inputs are prepared.
    pub fn knows_preparation(&self) -> bool {
        self.metadata.contains_key(PREPARATION)
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
        let given = [pool1.is_some(), pool2.is_some()];
        self.known_pools.iter_mut().zip(given).for_each(|(known, given)| *known |= given);
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

/// What [`class_entries`] wrote: the classes, and the one that stands for anything else. `count` is the number of fc3's
/// outputs.
///
/// # Errors
/// When labels are damaged, or are not as many as there are outputs.
pub(super) fn classes_in(metadata: &HashMap<String, String>, count: usize) -> Result<(Classes, Option<usize>), String> {
    let classes = classes(metadata, count)?;
    let none_of_these = none_of_these(metadata, &classes)?;
    Ok((classes, none_of_these))
}

/// The classes whose labels the metadata records, or else numbered ones. `count` is the number of fc3's outputs.
fn classes(metadata: &HashMap<String, String>, count: usize) -> Result<Classes, String> {
    let Some(labels) = metadata.get(LABELS) else { return Classes::numbered(count) };
    let classes: Classes = serde_json::from_str(labels)
        .map_err(|error| format!("metadata {LABELS} is not a JSON list of labels ({error}); save the file again"))?;
    match classes.count() {
        labels if labels == count => Ok(classes),
        labels => Err(format!(
            "metadata {LABELS} has {labels} labels, but {} has {count} rows, one for each class; correct the metadata",
            NAMES[8]
        )),
    }
}

/// The class that the metadata says stands for anything else, if any.
fn none_of_these(metadata: &HashMap<String, String>, classes: &Classes) -> Result<Option<usize>, String> {
    let Some(label) = metadata.get(NONE_OF_THESE) else { return Ok(None) };
    let class = classes.find(label).ok_or_else(|| {
        format!("metadata {NONE_OF_THESE} is \"{label}\", which is not the label of a class; correct the metadata")
    })?;
    Ok(Some(class))
}

/// The metadata to write to a file, with the network's pools and classes added. Labels that are just the numbers of the
/// classes are left out, because a file without labels means the same.
pub(super) fn with_facts(metadata: &[(&str, String)], network: &Network) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> =
        metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    all.insert("pool1".into(), network.pools.pool1.to_string());
    all.insert("pool2".into(), network.pools.pool2.to_string());
    all.remove(LABELS);
    all.remove(NONE_OF_THESE);
    all.extend(class_entries(&network.classes, network.none_of_these));
    all.extend(preparation_entry(network.preparation));
    all
}

/// The metadata entry about the preparation of inputs. There is none for images that are taken as they are: that may just
/// not be known.
pub(super) fn preparation_entry(preparation: Preparation) -> Option<(String, String)> {
    (preparation != Preparation::default()).then(|| (PREPARATION.to_owned(), preparation.to_string()))
}

/// Reads what [`preparation_entry`] wrote. Without an entry, images are taken as they are.
///
/// # Errors
/// When it names no known preparation.
pub(super) fn preparation_in(metadata: &HashMap<String, String>) -> Result<Preparation, String> {
    let Some(stated) = metadata.get(PREPARATION) else { return Ok(Preparation::default()) };
    [Preparation::AsTheyAre, Preparation::Drawing].into_iter().find(|one| one.to_string() == *stated).ok_or_else(|| {
        format!("metadata {PREPARATION} is {stated:?}, which is not known here; update lenet or correct the metadata")
    })
}

/// The metadata entries about classes: their labels, unless these are just numbers, and the label of the one that stands
/// for anything else.
pub(super) fn class_entries(classes: &Classes, none_of_these: Option<usize>) -> impl Iterator<Item = (String, String)> {
    let labels = (!classes.are_numbered()).then(|| serde_json::to_string(classes).expect("a list of texts is JSON"));
    let none_of_these = none_of_these.map(|class| classes.label(class).to_owned());
    [(LABELS, labels), (NONE_OF_THESE, none_of_these)]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
}

/// An untrained network whose pools are not the default ones, and whose classes are the letters.
#[cfg(test)]
pub(super) fn untrained() -> Network {
    use crate::training::{Options, Recipe, RecipeName, initial_network};

    let pools = Pools { pool1: Pool::Maximum, pool2: Pool::Average };
    let classes = Classes::new(('A'..='Z').map(String::from)).unwrap();
    initial_network(&Options { recipe: Recipe::named(RecipeName::Default), pools, classes, seed: 5 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_must_be_those_of_the_classes_and_are_numbers_if_there_are_none() {
        let file = |classes: usize, labels: Option<&str>| {
            let metadata = labels.map(|labels| (LABELS.to_owned(), labels.to_owned())).into_iter().collect();
            FloatFile::new(Parameters::zeros(classes), metadata, None)
        };
        assert_eq!(file(3, None).unwrap().network.classes, Classes::numbered(3).unwrap());
        let labelled = file(3, Some(r#"["a","b","plus, or \"and\""]"#)).unwrap();
        assert_eq!(labelled.network.classes.label(2), "plus, or \"and\"");
        assert_eq!(with_facts(&[], &labelled.network)[LABELS], labelled.metadata[LABELS]);
        for (labels, problem) in [
            (r#"["a","b"]"#, "has 2 labels, but classfier.4.weight has 3 rows"),
            ("a\nb\nc", "not a JSON list of labels"),
            (r#"["a","b","a"]"#, "not a JSON list of labels"),
        ] {
            let message = file(3, Some(labels)).unwrap_err();
            assert!(message.contains(problem), "{message}");
        }
    }

    #[test]
    fn none_of_these_is_the_label_of_a_class() {
        let network = Network { none_of_these: Some(25), ..untrained() };
        let metadata: HashMap<_, _> = with_facts(&[], &network).into_iter().collect();
        assert_eq!(metadata[NONE_OF_THESE], "Z");
        assert_eq!(FloatFile::new(network.parameters.clone(), metadata, None).unwrap().network, network);
        let stale = with_facts(&[(NONE_OF_THESE, "A".into())], &untrained());
        assert!(!stale.contains_key(NONE_OF_THESE));
        let metadata = [(NONE_OF_THESE.to_owned(), "other".to_owned())].into_iter().collect();
        let message = FloatFile::new(Parameters::zeros(3), metadata, None).unwrap_err();
        assert!(message.contains("\"other\", which is not the label of a class"), "{message}");
    }

    #[test]
    fn labels_of_numbered_classes_are_not_written_nor_those_of_another_network() {
        let numbered = Classes::numbered(26).unwrap();
        let network = Network { classes: numbered, ..untrained() };
        assert!(!with_facts(&[(LABELS, "[]".into())], &network).contains_key(LABELS));
    }

    #[test]
    fn pools_come_from_the_file_or_else_from_the_user() {
        let file = |pools: &[(&str, &str)]| {
            let metadata = pools.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            FloatFile::new(Parameters::zeros(10), metadata, None)
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
        assert_eq!(
            file(&[("pool1", "maximum")]).unwrap().notes(),
            [
                "the file does not record its pools; pool2 maximum is assumed (the options --pool1 and --pool2 say otherwise)"
            ]
        );
        assert!(file(&[]).unwrap().notes()[0].contains("pool1 average and pool2 maximum are assumed"));
        assert!(file(&[]).unwrap().with_pools(Some(maximum), Some(average)).unwrap().notes().is_empty());
        assert!(file(&[("pool2", "median")]).unwrap_err().contains("metadata pool2 is \"median\""));
    }

    #[test]
    fn a_normalization_is_folded_once_and_recorded() {
        let file = FloatFile::new(Parameters::zeros(10), HashMap::new(), None).unwrap();
        let folded = file.with_normalization(0.1307, 0.3081).unwrap();
        assert_eq!(folded.metadata["folded"], "mean 0.1307, std 0.3081");
        assert!(folded.is_normalized());
        let message = folded.with_normalization(0.5, 0.5).unwrap_err();
        assert!(message.contains("already accounts for mean 0.1307, std 0.3081"), "{message}");
    }
}
