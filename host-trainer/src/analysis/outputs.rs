use std::cmp::Ordering;

use lenet_core::architecture::FC2_OUTPUTS;
use lenet_core::workstation::Classifier;
use lenet_core::{Model, Pixels, Tensor, argmax};

use crate::classes::Classes;
use crate::error::{Error, Result};
use crate::evaluation::{for_each_group, for_each_image};
use crate::formats::NetworkFile;
use crate::network::Network;

/// Features of an image: the outputs of fc2 after its ReLU.
pub const FEATURES: usize = FC2_OUTPUTS;

/// The network to analyse: float or int8.
pub enum Subject {
    /// A float network, run by [`lanes`](crate::network::lanes).
    Float(Box<Network>),
    /// An int8 network, run by `lenet-core`.
    Int8(Box<Int8Subject>),
}

/// An int8 network and the scale of its features.
pub struct Int8Subject {
    classifier: Classifier,
    classes: Classes,
    none_of_these: Option<usize>,
    feature_scale: f32,
}

/// A network's outputs for one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// fc2 after its ReLU, in real units.
    pub features: [f32; FEATURES],
    /// fc3, in real units, one for each class.
    pub logits: Vec<f32>,
}

impl Subject {
    /// The network in a file.
    ///
    /// # Errors
    /// An int8 model is invalid; the message names `path`.
    pub fn of_file(file: &NetworkFile, path: &std::path::Path) -> Result<Self> {
        Ok(match file {
            NetworkFile::Float(file) => Self::from(&file.network),
            NetworkFile::Int8(file) => Self::from(&file.model().map_err(Error::model(path))?),
        })
    }

    /// The network's classes.
    pub fn classes(&self) -> &Classes {
        match self {
            Self::Float(network) => &network.classes,
            Self::Int8(int8) => &int8.classes,
        }
    }

    /// The class that stands for anything else, if there is one.
    pub fn none_of_these(&self) -> Option<usize> {
        match self {
            Self::Float(network) => network.none_of_these,
            Self::Int8(int8) => int8.none_of_these,
        }
    }

    /// The outputs for each image, in order, computed on the threads of the current rayon pool.
    pub fn outputs(&self, pixels: &[Pixels]) -> Vec<Outputs> {
        match self {
            Self::Float(network) => {
                let groups = for_each_group(network, pixels, |group, images| {
                    let outputs = |lane: usize| Outputs {
                        features: group.fc2().map(|value| value.0[lane]),
                        logits: group.logits().iter().map(|value| value.0[lane]).collect(),
                    };
                    (0..images.len()).map(outputs).collect::<Vec<_>>()
                });
                groups.into_iter().flatten().collect()
            }
            Self::Int8(int8) => for_each_image(&int8.classifier, pixels, |workspace, logits| Outputs {
                features: workspace.fc2().map(|u| int8.feature_scale * f32::from(u)),
                logits: logits.real().collect(),
            }),
        }
    }
}

impl From<&Network> for Subject {
    fn from(network: &Network) -> Self {
        Self::Float(Box::new(network.clone()))
    }
}

impl From<&Model<'_>> for Subject {
    fn from(model: &Model<'_>) -> Self {
        let feature_scale = model.quantization(Tensor::Fc2).scale;
        Self::Int8(Box::new(Int8Subject {
            classifier: Classifier::new(model),
            classes: model.labels().into(),
            none_of_these: model.none_of_these(),
            feature_scale,
        }))
    }
}

impl Outputs {
    /// The predicted class, the first of [`ranking`](Self::ranking).
    pub fn class(&self) -> usize {
        argmax(self.logits.iter().copied())
    }

    /// The classes by descending logit; equal logits, as for [`argmax`], by ascending class.
    pub fn ranking(&self) -> Vec<usize> {
        let mut classes: Vec<usize> = (0..self.logits.len()).collect();
        // Not `total_cmp`, for which 0 and -0 differ.
        classes.sort_by(|a, b| self.logits[*b].partial_cmp(&self.logits[*a]).unwrap_or(Ordering::Equal));
        classes
    }

    /// Softmax of the logits.
    pub fn probabilities(&self) -> Vec<f64> {
        let largest = self.logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers = self.logits.iter().map(|logit| f64::from(logit - largest).exp());
        let sum: f64 = powers.clone().sum();
        powers.map(|power| power / sum).collect()
    }

    /// Entropy of the probabilities in bits, at most the binary logarithm of the number of classes: 3.32 for ten.
    pub fn entropy(&self) -> f64 {
        // The least possible probability is 0, whose term is 0.
        let probabilities = self.probabilities();
        let terms = probabilities.iter().map(|&p| if p > 0.0 { -p * p.log2() } else { 0.0 });
        terms.sum::<f64>().max(0.0)
    }

    /// The largest logit minus the second.
    pub fn margin(&self) -> f32 {
        let ranking = self.ranking();
        self.logits[ranking[0]] - self.logits[ranking[1]]
    }
}

#[cfg(test)]
mod tests {
    use lenet_core::LeNet5;

    use super::*;
    use crate::analysis::trained;
    use crate::data::digits_10k;
    use crate::formats::ModelFile;
    use crate::network::plain;

    #[test]
    fn outputs_of_float_are_those_of_the_definition() {
        let network = trained();
        let split = digits_10k().test.first(20);
        let outputs = Subject::from(&network).outputs(split.all_pixels());
        let plain = plain::forward(&network.parameters, network.pools, split.images());
        assert_eq!(outputs.len(), 20);
        for (index, outputs) in outputs.iter().enumerate() {
            let near = |a: &[f32], b: ndarray::ArrayView1<'_, f32>| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
            assert!(near(&outputs.features, plain.fc2.row(index)), "{index}");
            assert!(near(&outputs.logits, plain.logits.row(index)), "{index}");
        }
    }

    #[test]
    fn outputs_of_int8_are_those_of_the_board() {
        let file = ModelFile::new(include_bytes!("../../../data/digits-10k/digits-10k.lenet"));
        let mut board = LeNet5::new(file.model().unwrap());
        let split = digits_10k().test.first(20);
        let subject = Subject::from(&file.model().unwrap());
        for (index, outputs) in subject.outputs(split.all_pixels()).iter().enumerate() {
            let logits = board.classify(split.pixels(index));
            assert_eq!(outputs.class(), logits.class());
            assert_eq!(outputs.logits, logits.real().collect::<Vec<_>>(), "{index}");
            let scale = board.model().quantization(Tensor::Fc2).scale;
            let fc2 = board.workspace().fc2().map(|u| scale * f32::from(u));
            assert_eq!(outputs.features, fc2, "{index}");
        }
    }

    #[test]
    fn figures_of_logits_follow_their_formulas() {
        let outputs = |logits: &[f32]| Outputs { features: [0.0; FEATURES], logits: logits.to_vec() };
        let even = outputs(&[0.5; 10]);
        assert_eq!((even.class(), even.margin()), (0, 0.0));
        let zeros = outputs(&[-1.0, -0.0, 0.0, -1.0, 0.0, -1.0, -1.0, -1.0, -1.0, -1.0]);
        assert_eq!((zeros.class(), &zeros.ranking()[..3]), (1, &[1, 2, 4][..]));
        assert!((even.entropy() - 10f64.log2()).abs() < 1e-12);
        let mut logits = [-1e4; 10];
        (logits[3], logits[7]) = (2.0, 2.0 - f32::ln(3.0));
        let two = outputs(&logits);
        assert_eq!(two.ranking()[..2], [3, 7]);
        assert!((two.probabilities()[3] - 0.75).abs() < 1e-6 && (two.probabilities()[7] - 0.25).abs() < 1e-6);
        assert!((two.entropy() - 0.8113).abs() < 1e-4 && (two.margin() - f32::ln(3.0)).abs() < 1e-6);
    }
}
