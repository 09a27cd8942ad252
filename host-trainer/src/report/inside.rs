//! Inside the network: conv1's kernels and feature maps, the distributions of quantized weights and activations, and
//! the quantization error.

use std::iter::Sum;

use lenet_core::Model;
use lenet_core::workstation::Classifier;
use maud::{Markup, html};

use super::charts::{Axis, Series, histogram};
use super::{Findings, misread, pictures};
use crate::comparison::Stage;
use crate::evaluation::{for_each_group, for_each_image};
use crate::inspection::{BINS, Int8Summary};
use crate::network::lanes::Lanes;
use crate::numbers::decibels;

/// Number of evaluated images whose activations are counted.
const SAMPLE: usize = 500;

impl Findings<'_> {
    pub(super) fn inside(&self) -> Markup {
        let model = self.run.model.model().expect("it was read before");
        let summary = Int8Summary::new(&self.run.model).expect("it was read before");
        html! {
            h3 { "conv1" }
            p .note { "The six 5×5 kernels (orange is positive, blue is negative) and the feature map that each gives in the float network, after the ReLU (white is the largest value)." }
            (self.conv1())
            h3 { "Quantized weights" }
            p .note { "Each layer's int8 weights, from −127 to 127. Every output channel has a scale of its own, set by its largest weight." }
            div .charts { @for layer in &summary.layers { (weights(layer)) } }
            h3 { "Quantized activations" }
            p .note {
                "Activations on the first " (SAMPLE.min(self.judged.len())) " evaluated images, in int8 steps above the lowest value: the bars are the int8 network, the line the "
                "float network. Zeros after a ReLU are left out; values beyond the last step are counted in it."
            }
            div .charts { @for chart in self.activations(&model) { (chart) } }
            h3 { "Quantization error" }
            p .note {
                "Signal-to-quantization-noise ratio (SQNR) of each tensor over all evaluated images, including the error of the layers before it: at 20 dB the error is a tenth "
                "of the signal, at 40 dB a hundredth. " code { "lenet compare" } " gives details."
            }
            div .scroll { table {
                thead { tr { th { "tensor" } th .num { "SQNR (dB)" } th .num { "step size" } th .num { "mean error (steps)" } th .num { "saturated" } th .num { "zeros" } } }
                tbody { @for tensor in &self.comparison.tensors {
                    @let statistics = &tensor.statistics;
                    tr {
                        th scope="row" { (tensor.tensor) }
                        td .num { (decibels(statistics.sqnr_db)) }
                        td .num { (format!("{:.4}", tensor.scale)) }
                        td .num { (format!("{:.2}", statistics.mean_error_steps)) }
                        td .num { (format!("{:.3} %", 100.0 * statistics.saturated)) }
                        td .num { (format!("{:.1} %", 100.0 * statistics.zeros)) }
                    }
                } }
            } }
            h3 { "Stroke measurements" }
            (misread::glossary())
        }
    }

    /// The kernels, and the feature maps of an image that was read right and of the surest of those misread.
    fn conv1(&self) -> Markup {
        let weights = self.run.network.parameters.conv1_weight();
        let largest = weights.iter().fold(0.0, |largest, weight| weight.abs().max(largest));
        let labels = self.judged.labels();
        let right = self.float.iter().zip(labels).position(|(outputs, label)| outputs.class() == usize::from(*label));
        let mut samples: Vec<(usize, &str)> = right.map(|index| (index, "correct")).into_iter().collect();
        if let Some(misread) = self.misreads.misread.first() {
            samples.push((misread.index, "misread"));
        }
        let images: Vec<_> = samples.iter().map(|(index, _)| *self.judged.pixels(*index)).collect();
        let network = &self.run.network;
        let maps: Vec<Vec<Vec<Vec<f32>>>> = for_each_group(network, &images, |group, images| {
            let map =
                |lane: usize| group.conv1().map(|map| map.map(|row| row.map(|value| value.0[lane]).to_vec()).to_vec());
            images.enumerate().map(|(lane, _)| map(lane).to_vec()).collect::<Vec<_>>()
        })
        .into_iter()
        .flatten()
        .collect();
        html! {
            div .scroll { table .maps {
                tr {
                    th scope="row" { "kernels" }
                    @for kernel in weights.outer_iter() {
                        @let rows: Vec<Vec<f32>> = kernel.outer_iter().next().expect("one input channel").outer_iter().map(|row| row.to_vec()).collect();
                        @let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
                        td { (pictures::signed(&rows, largest, 14, "conv1 kernel")) }
                    }
                }
                @for ((index, what), maps) in samples.iter().zip(&maps) {
                    tr {
                        th scope="row" { (pictures::digit(self.judged.pixels(*index), 2, &format!("image {index}"))) br; (what) }
                        @for map in maps {
                            @let largest = map.iter().flatten().fold(0.0f32, |largest, value| largest.max(*value));
                            td { (pictures::positive(map, largest, 3, "conv1 feature map")) }
                        }
                    }
                }
            } }
        }
    }

    /// A histogram of each tensor but the input.
    fn activations(&self, model: &Model<'_>) -> Vec<Markup> {
        let sample = &self.judged.all_pixels()[..SAMPLE.min(self.judged.len())];
        let quantization = Stage::ALL.map(|stage| model.quantization(stage.tensor()));
        let float = for_each_group(&self.run.network, sample, |group, images| {
            let tensors: [&[Lanes]; 5] = [
                group.pool1().as_flattened().as_flattened(),
                group.pool2().as_flattened().as_flattened(),
                group.fc1(),
                group.fc2(),
                group.logits(),
            ];
            let mut counts = Counts::NONE;
            for ((stage, lanes), quantization) in Stage::ALL.into_iter().zip(tensors).zip(quantization) {
                for value in lanes.iter().flat_map(|lanes| &lanes.0[..images.len()]) {
                    let steps = (value / quantization.scale).round() + f32::from(quantization.zero_point) + 128.0;
                    counts.add(stage, steps);
                }
            }
            counts
        });
        let int8 = for_each_image(&Classifier::new(model), sample, |workspace, logits| {
            let mut counts = Counts::NONE;
            let mut add = |stage, u: u8| counts.add(stage, f32::from(u));
            workspace.pool1().for_each(|u| add(Stage::Pool1, u));
            workspace.pool2().iter().for_each(|u| add(Stage::Pool2, *u));
            workspace.fc1().iter().for_each(|u| add(Stage::Fc1, *u));
            workspace.fc2().iter().for_each(|u| add(Stage::Fc2, *u));
            logits.values().iter().for_each(|q| add(Stage::Logits, (i16::from(*q) + 128) as u8));
            counts
        });
        let [Counts(float), Counts(int8)] = [float, int8].map(|parts| parts.into_iter().sum());
        (0..5)
            .map(|stage| {
                let scale = quantization[stage].scale;
                let title = format!("{}, step {scale:.4}", Stage::ALL[stage]);
                grid_histogram(
                    &title,
                    [1.0, 256.0],
                    vec![1.0, 64.0, 128.0, 192.0, 255.0],
                    &int8[stage],
                    Some(&float[stage]),
                )
            })
            .collect()
    }
}

/// Histograms of the tensors, in bins of five steps.
struct Counts([[usize; BINS]; 5]);

impl Counts {
    const NONE: Self = Self([[0; BINS]; 5]);

    /// Counts a value, given in steps above the lowest.
    fn add(&mut self, stage: Stage, steps: f32) {
        // After a ReLU, 0 means that the unit is not active.
        if stage == Stage::Logits || steps > 0.0 {
            self.0[stage as usize][((steps.max(1.0) as usize - 1) / 5).min(BINS - 1)] += 1;
        }
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::NONE, |mut sum, part| {
            for (sum, part) in sum.0.as_flattened_mut().iter_mut().zip(part.0.as_flattened()) {
                *sum += part;
            }
            sum
        })
    }
}

fn weights(layer: &crate::inspection::LayerSummary) -> Markup {
    let title = format!("{}, {:.1} % zeros", layer.name, 100.0 * layer.zero_weights);
    grid_histogram(&title, [-127.5, 127.5], vec![-127.0, -64.0, 0.0, 64.0, 127.0], &layer.histogram.counts, None)
}

/// Shares of all counts, by bin.
fn grid_histogram(title: &str, range: [f64; 2], ticks: Vec<f64>, counts: &[usize], line: Option<&[usize]>) -> Markup {
    let shares = |counts: &[usize]| -> Vec<[f64; 2]> {
        let all = counts.iter().sum::<usize>().max(1) as f64;
        counts.iter().map(|count| [0.0, 100.0 * *count as f64 / all]).collect()
    };
    let bars = Series { name: "int8", class: "train", points: shares(counts), dots: false };
    let line = line.map(|counts| Series { name: "float", class: "valid", points: shares(counts), dots: false });
    let highest = bars
        .points
        .iter()
        .chain(line.iter().flat_map(|line| &line.points))
        .fold(0.0, |high, [_, y]| f64::max(high, *y));
    let x = Axis::exact("int8 steps", range, ticks, |value| format!("{value}").replace('-', "−"));
    let y = Axis::linear("", [0.0, highest], |value| format!("{value} %"));
    histogram(title, &x, &y, &bars, line.as_ref())
}
