//! Computes the gradient of a batch on all threads.

use lenet_core::{Layer, Pools};
use rayon::prelude::*;

use super::augment::Augmenter;
use super::draws;
use super::rendezvous::Rendezvous;
use crate::data::Split;
use crate::network::Parameters;
use crate::network::lanes::{Group, InstructionSet, LANES, Lanes, Pass, cross_entropy};

/// A batch is divided into at most this many parts. Each part runs on one thread and has its own gradient.
const MAX_PARTS: usize = 8;

/// The result of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BatchResult {
    /// Mean loss.
    pub loss: f64,
    /// Images classified correctly, before the step.
    pub correct: usize,
}

/// The training images and how they are prepared.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The images and labels.
    pub split: &'a Split,
    /// Distorts each image, if set.
    pub augmenter: Option<&'a Augmenter>,
    /// Fraction of each target that is spread evenly over all classes.
    pub label_smoothing: f32,
}

impl Source<'_> {
    /// The class of a draw's image.
    fn label(&self, draw: usize) -> usize {
        usize::from(self.split.labels()[draws::image(self.split, draw)])
    }

    /// Puts the images of these draws into the lanes, distorted if there is an augmenter.
    fn set_images(&self, set: InstructionSet, group: &mut Group, draws: &[usize]) {
        let pixels = draws.iter().map(|draw| self.split.pixels(draws::image(self.split, *draw)));
        match self.augmenter {
            None => group.set_images(&pixels.collect::<Vec<_>>()),
            Some(augmenter) => {
                let distort = |(draw, pixels): (&usize, _)| augmenter.distort(set, *draw, pixels);
                let distorted: Vec<_> = draws.iter().zip(pixels).map(distort).collect();
                group.set_images(&distorted.iter().collect::<Vec<_>>());
            }
        }
    }
}

/// Buffers for computing a batch's gradients.
///
/// How a batch is divided depends only on its size, and the parts' gradients are always added in the same order. So the
/// result is the same with any number of threads.
pub struct BatchGradient {
    set: InstructionSet,
    parts: Vec<Part>,
}

struct Part {
    group: Box<Group>,
    gradient: Parameters<f32>,
    loss: f64,
    correct: usize,
    extremes: [(f32, f32); 5],
}

impl BatchGradient {
    /// Buffers for batches of any size, to be computed with this instruction set. All must be of networks with the same
    /// number of classes.
    pub fn new(set: InstructionSet) -> Self {
        Self { set, parts: Vec::new() }
    }

    /// Computes the mean loss of the draws in `batch`, and the gradient of each part; these add up to
    /// the gradient of the mean loss.
    pub fn compute(&mut self, pass: Pass<'_>, source: Source<'_>, batch: &[usize]) -> BatchResult {
        let groups = batch.len().div_ceil(LANES);
        let images = groups.div_ceil(MAX_PARTS) * LANES;
        let classes = pass.classes();
        self.parts.resize_with(batch.len().div_ceil(images), || Part {
            group: Group::new(),
            gradient: Parameters::zeros(classes),
            loss: 0.0,
            correct: 0,
            extremes: [(0.0, 0.0); 5],
        });
        let (set, weight) = (self.set, 1.0 / batch.len() as f32);
        let together = Rendezvous::new(self.parts.len());
        self.parts
            .par_iter_mut()
            .with_max_len(1)
            .zip(batch.par_chunks(images))
            .for_each(|(part, draws)| together.run(|| part.compute(set, pass, source, draws, weight)));
        let loss: f64 = self.parts.iter().map(|part| part.loss).sum();
        BatchResult { loss: loss / batch.len() as f64, correct: self.parts.iter().map(|part| part.correct).sum() }
    }

    /// Names the first layer, in network order, that has a non-finite weight or a non-finite output on these images, or
    /// the loss if there is none.
    pub fn not_finite(
        &mut self,
        parameters: &Parameters<f32>,
        pools: Pools,
        source: Source<'_>,
        batch: &[usize],
    ) -> &'static str {
        const LAYERS: usize = Layer::ALL.len();
        let finite = |lanes: &[Lanes]| lanes.iter().all(|lanes| lanes.0.iter().all(|value| value.is_finite()));
        let weights = parameters.arrays().map(|array| array.iter().all(|value| value.is_finite()));
        let mut first = LAYERS;
        let group = &mut self.parts[0].group;
        for draws in batch.chunks(LANES) {
            source.set_images(self.set, group, draws);
            group.forward(self.set, parameters, pools);
            let outputs = [
                finite(group.conv1().as_flattened().as_flattened()),
                finite(group.conv2().as_flattened().as_flattened()),
                finite(group.fc1()),
                finite(group.fc2()),
                finite(group.logits()),
            ];
            let bad = (0..LAYERS).find(|layer| !(outputs[*layer] && weights[2 * layer] && weights[2 * layer + 1]));
            first = first.min(bad.unwrap_or(LAYERS));
        }
        Layer::ALL.get(first).map_or("the loss", |layer| layer.name())
    }

    /// The range of each layer's output in real units on the last batch, if it was an int8 pass. It always includes
    /// zero.
    pub fn extremes(&self) -> [(f32, f32); 5] {
        let mut extremes = [(0.0, 0.0); 5];
        self.parts.iter().for_each(|part| widen(&mut extremes, part.extremes));
        extremes
    }

    /// The gradients of the last batch's parts, to be added in this order.
    pub fn gradients(&self) -> Vec<&Parameters<f32>> {
        self.parts.iter().map(|part| &part.gradient).collect()
    }
}

impl Part {
    fn compute(&mut self, set: InstructionSet, pass: Pass<'_>, source: Source<'_>, draws: &[usize], weight: f32) {
        (self.loss, self.correct, self.extremes) = (0.0, 0, [(0.0, 0.0); 5]);
        self.gradient.values_mut().fill(0.0);
        for draws in draws.chunks(LANES) {
            source.set_images(set, &mut self.group, draws);
            pass.forward(set, &mut self.group);
            let mut targets = vec![Lanes::ZERO; pass.classes()];
            for (lane, draw) in draws.iter().enumerate() {
                set_target(&mut targets, lane, source.label(*draw), source.label_smoothing);
            }
            let classes = self.group.classes();
            self.correct += draws.iter().zip(classes).filter(|(draw, class)| source.label(**draw) == *class).count();
            let (loss, d_logits) = cross_entropy::loss_and_gradient(self.group.logits(), &targets, weight);
            self.loss += loss;
            pass.backward(set, &mut self.group, &d_logits, &mut self.gradient);
            if let Pass::SimulatedInt8(_) = pass {
                widen(&mut self.extremes, self.group.extremes(draws.len()));
            }
        }
    }
}

/// Widens each range to include the other one.
fn widen(ranges: &mut [(f32, f32); 5], others: [(f32, f32); 5]) {
    for ((low, high), (lowest, highest)) in ranges.iter_mut().zip(others) {
        (*low, *high) = (low.min(lowest), high.max(highest));
    }
}

/// PyTorch's label smoothing: the fraction `smoothing` of the target is spread evenly over all classes.
fn set_target(targets: &mut [Lanes], lane: usize, label: usize, smoothing: f32) {
    let share = smoothing / targets.len() as f32;
    for (class, target) in targets.iter_mut().enumerate() {
        let own = if class == label { 1.0 - smoothing } else { 0.0 };
        target.0[lane] = own + share;
    }
}
