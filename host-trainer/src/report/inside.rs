//! Inside the network: its kernels, what they make of an image, its weights and activations on the grid of int8, and
//! what that grid costs.

use lenet_core::Tensor;
use maud::{Markup, html};

use super::charts::{Axis, Series, histogram};
use super::{Findings, misread, pictures};
use crate::comparison::Stage;
use crate::evaluation::for_each_group;
use crate::inspection::{BINS, Int8Summary};
use crate::int8::QuantizedNetwork;
use crate::network::lanes::{Int8, Lanes, Pass};
use crate::numbers::decibels;

/// Judged images whose activations are counted.
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
            div .charts { @for chart in self.activations(&QuantizedNetwork::from(&model)) { (chart) } }
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
        let maps: Vec<Vec<Vec<Vec<f32>>>> =
            for_each_group(Pass::Float(&network.parameters, network.pools), &images, |group, images| {
                let map = |lane: usize| {
                    group.conv1().map(|map| map.map(|row| row.map(|value| value.0[lane]).to_vec()).to_vec())
                };
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
    fn activations(&self, quantized: &QuantizedNetwork) -> Vec<Markup> {
        let network = &self.run.network;
        let sample = &self.judged.all_pixels()[..SAMPLE.min(self.judged.len())];
        let count = |pass: Pass<'_>| {
            let parts = for_each_group(pass, sample, |group, images| {
                let tensors: [&[Lanes]; 5] = [
                    group.pool1().as_flattened().as_flattened(),
                    group.pool2().as_flattened().as_flattened(),
                    group.fc1(),
                    group.fc2(),
                    group.logits(),
                ];
                std::array::from_fn::<_, 5, _>(|stage| {
                    let quantization = quantized.activations[Stage::ALL[stage].tensor() as usize];
                    let mut counts = [0usize; BINS];
                    for value in tensors[stage].iter().flat_map(|lanes| &lanes.0[..images.len()]) {
                        let steps = (value / quantization.scale).round() + f32::from(quantization.zero_point) + 128.0;
                        // Of the tensors after a ReLU, 0 is the one value that is no activation.
                        if stage == 4 || steps > 0.0 {
                            counts[((steps.max(1.0) as usize - 1) / 5).min(BINS - 1)] += 1;
                        }
                    }
                    counts
                })
            });
            parts.into_iter().fold([[0; BINS]; 5], |mut sum, part| {
                for (sum, part) in sum.as_flattened_mut().iter_mut().zip(part.as_flattened()) {
                    *sum += part;
                }
                sum
            })
        };
        let int8 = count(Pass::Int8(&Int8::from(quantized)));
        let float = count(Pass::Float(&network.parameters, network.pools));
        (0..5)
            .map(|stage| {
                let tensor: Tensor = Stage::ALL[stage].tensor();
                let scale = quantized.activations[tensor as usize].scale;
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
