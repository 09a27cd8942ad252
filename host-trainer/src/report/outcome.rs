//! The sections on training, on accuracy per class, and on calibration.

use maud::{Markup, html};

use super::charts::{Axis, Series, chart, range};
use super::misread::anchor;
use super::{Findings, seconds};
use crate::analysis::Outputs;
use crate::data::Split;
use crate::numbers::{percent, thousands};
use crate::run::MetricLine;

/// Bins of the calibration curve, of equal width in confidence.
const BINS: usize = 10;

/// A matrix with more classes scrolls on a phone, with its labels in view, instead of shrinking.
const SMALL_MATRIX: usize = 12;

/// One epoch's line of `metrics.jsonl`.
struct Epoch {
    epoch: f64,
    loss: f64,
    accuracy: f64,
    validation_loss: Option<f64>,
    validation_accuracy: Option<f64>,
    lr: f64,
    seconds: f64,
}

impl Findings<'_> {
    fn epochs(&self) -> Vec<Epoch> {
        let epoch = |line: &MetricLine| match *line {
            MetricLine::Loss { .. } => None,
            MetricLine::Epoch { epoch, loss, accuracy, validation_loss, validation_accuracy, lr, seconds } => {
                Some(Epoch {
                    epoch: epoch as f64,
                    loss,
                    accuracy,
                    validation_loss,
                    validation_accuracy,
                    lr: f64::from(lr),
                    seconds,
                })
            }
        };
        self.run.metrics.iter().filter_map(epoch).collect()
    }

    pub(super) fn curves(&self) -> Markup {
        let epochs = self.epochs();
        let Some(last) = epochs.last() else {
            return html! { p { "This is the initial network: no epoch was trained." } };
        };
        let x = Axis::whole("epoch", last.epoch);
        let points = |of: &dyn Fn(&Epoch) -> Option<f64>| -> Vec<[f64; 2]> {
            epochs.iter().filter_map(|epoch| of(epoch).map(|value| [epoch.epoch, value])).collect()
        };
        let both = |training: Vec<[f64; 2]>, validation: Vec<[f64; 2]>| {
            let mut series = vec![Series { name: "training", class: "train", points: training, dots: false }];
            if !validation.is_empty() {
                series.push(Series { name: "validation", class: "valid", points: validation, dots: false });
            }
            series
        };
        let spread = |series: &[Series<'_>]| {
            range(series.iter().flat_map(|series| series.points.iter().map(|[_, y]| *y))).unwrap_or([0.0, 1.0])
        };
        let loss = both(points(&|epoch| Some(epoch.loss)), points(&|epoch| epoch.validation_loss));
        let [low, high] = spread(&loss);
        let loss_axis = Axis::logarithmic("", [0.9 * low.max(1e-9), 1.1 * high.max(1e-9)], |value| format!("{value}"));
        let accuracy = both(
            points(&|epoch| Some(100.0 * epoch.accuracy)),
            points(&|epoch| epoch.validation_accuracy.map(|accuracy| 100.0 * accuracy)),
        );
        let accuracy_axis = Axis::linear("", [spread(&accuracy)[0].min(99.0), 100.0], |value| format!("{value} %"));
        let one = |of: &dyn Fn(&Epoch) -> f64| {
            vec![Series { name: "", class: "train", points: points(&|epoch| Some(of(epoch))), dots: false }]
        };
        let (lr, time) = (one(&|epoch| epoch.lr), one(&|epoch| epoch.seconds));
        let from_zero = |series: &[Series<'_>], write| Axis::linear("", [0.0, spread(series)[1]], write);
        let mean = epochs.iter().map(|epoch| epoch.seconds).sum::<f64>() / epochs.len() as f64;
        let validated = last.validation_accuracy.is_some();
        let augmented = self.run.summary.hyper_parameters.augmentation != crate::training::Augmentation::NONE;
        html! {
            p {
                "Trained for " (seconds(self.run.summary.train_seconds)) ", " (format!("{mean:.2}")) " s per epoch. "
                @if augmented { "Training loss and accuracy are measured during the epoch on augmented images, which are harder than the originals. " }
                @if let (Some(loss), Some(accuracy)) = (last.validation_loss, last.validation_accuracy) {
                    "After the last epoch the validation loss is " (format!("{loss:.4}")) " and the validation accuracy " (percent(accuracy)) ". "
                }
                @if !validated { "No images were held out for validation; train with " code { "--validation" } " to see validation curves too." }
            }
            div .charts {
                (chart("Loss", &x, &loss_axis, &loss))
                (chart("Accuracy", &x, &accuracy_axis, &accuracy))
                (chart("Learning rate", &x, &from_zero(&lr, |value| format!("{value}")), &lr))
                (chart("Seconds per epoch", &x, &from_zero(&time, |value| format!("{value}")), &time))
            }
        }
    }

    pub(super) fn classes(&self) -> Markup {
        let matrix = confusion_matrix(&self.misreads.outputs, self.judged, self.model.classes());
        let row_sum = |label: usize| matrix[label].iter().sum::<usize>();
        let column_sum = |class: usize| matrix.iter().map(|row| row[class]).sum::<usize>();
        let classes = self.model.classes();
        let worst = (0..classes).flat_map(|label| (0..classes).map(move |class| (label, class)));
        let worst = worst.filter(|(label, class)| label != class).map(|(label, class)| matrix[label][class]).max();
        let ratio =
            |part: usize, whole: usize| if whole == 0 { "–".to_owned() } else { percent(part as f64 / whole as f64) };
        html! {
            h3 { "Confusion matrix of the int8 network" }
            p .note { "Rows are labels, columns are predictions. Numbers off the diagonal link to the images." }
            div .scroll { table class=(if classes > SMALL_MATRIX { "matrix large" } else { "matrix" }) {
                thead { tr { th { span .visually-hidden { "label" } } @for class in 0..classes { th scope="col" { span { (self.label(class)) } } } } }
                tbody { @for (label, row) in matrix.iter().enumerate() { tr {
                    th scope="row" { (self.label(label)) }
                    @for (class, number) in row.iter().enumerate() {
                        @if label == class {
                            td .right { (number) }
                        } @else if *number > 0 {
                            @let share = *number as f64 / worst.unwrap_or(1) as f64;
                            td .wrong style={ "--share:" (format!("{share:.2}")) } {
                                a href={ "#" (anchor(label, class)) } aria-label={ (number) ", " (self.label(label)) " read as " (self.label(class)) } { (number) }
                            }
                        } @else { td .none { "·" } }
                    }
                } } }
            } }
            h3 { "Precision and recall" }
            div .scroll { table {
                thead { tr { th { "class" } th .num { "images" } th .num { "misread" } th .num { "recall" } th .num { "precision" } th .num { "F1" } } }
                tbody { @for class in 0..classes {
                    @let right = matrix[class][class];
                    tr {
                        th scope="row" { (self.label(class)) }
                        td .num { (thousands(row_sum(class))) }
                        td .num { (row_sum(class) - right) }
                        td .num { (ratio(right, row_sum(class))) }
                        td .num { (ratio(right, column_sum(class))) }
                        td .num { (ratio(2 * right, row_sum(class) + column_sum(class))) }
                    }
                } }
            } }
            h3 { "Calibration" }
            (self.calibration())
        }
    }

    fn calibration(&self) -> Markup {
        let networks = [("float", "valid", &self.float), ("int8", "train", &self.misreads.outputs)];
        let bins = networks.map(|(_, _, outputs)| calibration(outputs, self.judged));
        let errors = bins.each_ref().map(calibration_error);
        let mut series: Vec<Series<'_>> =
            vec![Series { name: "ideal", class: "ideal", points: vec![[0.0, 0.0], [100.0, 100.0]], dots: false }];
        for ((name, class, _), bins) in networks.iter().zip(&bins) {
            let points = bins.iter().filter(|bin| bin.images > 0);
            let points = points.map(|bin| [100.0 * bin.mean_probability(), 100.0 * bin.accuracy()]).collect();
            series.push(Series { name, class, points, dots: true });
        }
        let axis =
            |name| Axis::exact(name, [0.0, 100.0], vec![0.0, 25.0, 50.0, 75.0, 100.0], |value| format!("{value} %"));
        let [float, int8] = &bins;
        html! {
            p {
                "Accuracy at each confidence level: in a well-calibrated network the two are equal. The mean gap (expected calibration error) is "
                (percent(errors[1])) " for int8 and " (percent(errors[0])) " for float. "
                @let smoothing = self.run.summary.hyper_parameters.label_smoothing;
                @if smoothing > 0.0 { "The recipe's label smoothing, " (smoothing) ", keeps the confidence below 100 %." }
            }
            div .charts {
                (chart("Accuracy by confidence", &axis("confidence (probability of the predicted class)"), &axis(""), &series))
                div .scroll { table {
                    thead { tr { th { "confidence" } th .num { "int8 images" } th .num { "accuracy" } th .num { "float images" } th .num { "accuracy" } } }
                    tbody { @for bin in (0..BINS).rev().filter(|bin| float[*bin].images + int8[*bin].images > 0) { tr {
                        th scope="row" { (10 * bin) "–" (10 * bin + 10) " %" }
                        @for bin in [&int8[bin], &float[bin]] {
                            td .num { (thousands(bin.images)) }
                            td .num { @if bin.images > 0 { (percent(bin.accuracy())) } @else { "–" } }
                        }
                    } } }
                } }
            }
        }
    }
}

/// Number of images with each label (rows) that are predicted as each class (columns).
fn confusion_matrix(outputs: &[Outputs], split: &Split, classes: usize) -> Vec<Vec<usize>> {
    let mut matrix = vec![vec![0; classes]; classes];
    for (outputs, label) in outputs.iter().zip(split.labels()) {
        matrix[usize::from(*label)][outputs.class()] += 1;
    }
    matrix
}

/// The images whose confidence, the probability of the predicted class, lies in one tenth of [0, 1].
#[derive(Clone, Copy, Default)]
struct Bin {
    images: usize,
    right: usize,
    probability: f64,
}

impl Bin {
    fn accuracy(&self) -> f64 {
        self.right as f64 / self.images as f64
    }

    fn mean_probability(&self) -> f64 {
        self.probability / self.images as f64
    }
}

fn calibration(outputs: &[Outputs], split: &Split) -> [Bin; BINS] {
    let mut bins = [Bin::default(); BINS];
    for (outputs, label) in outputs.iter().zip(split.labels()) {
        let class = outputs.class();
        let probability = outputs.probabilities()[class];
        let bin = &mut bins[((BINS as f64 * probability) as usize).min(BINS - 1)];
        bin.images += 1;
        bin.right += usize::from(class == usize::from(*label));
        bin.probability += probability;
    }
    bins
}

/// The expected calibration error of Guo, Pleiss, Sun and Weinberger, *On Calibration of Modern Neural Networks*, ICML
/// 2017: the mean of `|accuracy - probability|` over the bins, weighted by their images.
fn calibration_error(bins: &[Bin; BINS]) -> f64 {
    let images: usize = bins.iter().map(|bin| bin.images).sum();
    let gaps = bins.iter().map(|bin| (bin.right as f64 - bin.probability).abs());
    gaps.sum::<f64>() / images.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::FEATURES;

    fn sure(class: usize, probability: f64) -> Outputs {
        let mut logits = [0.0; 10];
        logits[class] = (9.0 * probability / (1.0 - probability)).ln() as f32;
        Outputs { features: [0.0; FEATURES], logits: logits.to_vec() }
    }

    fn split(labels: &[u8]) -> Split {
        Split::new(ndarray::Array2::zeros((labels.len(), 784)), labels.to_vec().into(), 10).unwrap()
    }

    #[test]
    fn calibration_error_is_the_weighted_gap() {
        // Three of four right at 85 %, and one of one at 55 %.
        let outputs = [sure(1, 0.85), sure(1, 0.85), sure(1, 0.85), sure(1, 0.85), sure(2, 0.55)];
        let bins = calibration(&outputs, &split(&[1, 1, 1, 7, 2]));
        assert_eq!((bins[8].images, bins[8].right, bins[5].images, bins[5].right), (4, 3, 1, 1));
        let expected = (4.0 * 0.10 + 0.45) / 5.0;
        assert!((calibration_error(&bins) - expected).abs() < 1e-6);
    }

    #[test]
    fn the_matrix_has_labels_in_rows() {
        let matrix = confusion_matrix(&[sure(1, 0.9), sure(4, 0.9), sure(4, 0.9)], &split(&[1, 9, 9]), 10);
        assert_eq!((matrix[1][1], matrix[9][4], matrix[4][9]), (1, 2, 0));
    }
}
