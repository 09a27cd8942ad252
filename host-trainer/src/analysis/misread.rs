use lenet_core::Pixels;
use serde::Serialize;

use super::neighbours::{Neighbour, features, nearest, nearest_by_pixels};
use super::occlusion::{Occlusion, occlusion};
use super::outputs::{Outputs, Subject};
use super::strokes::{ClassStatistics, OUTLYING_MAX, Standing, Strokes};
use super::verdict::{Evidence, NEIGHBOURS, Verdict};
use crate::data::{Split, spaced};

/// Size of the samples of correctly classified images and of training images on which rates are measured.
const SAMPLE: usize = 1000;

/// A misclassified image, with the evidence for the likely reason.
#[derive(Clone, Debug, Serialize)]
pub struct Misread {
    /// Its number in the split, from 0.
    pub index: usize,
    /// Its label.
    pub label: usize,
    /// The class predicted.
    pub predicted: usize,
    /// Probability of that class, in [0, 1].
    pub probability: f64,
    /// Probability of the label's class, in [0, 1].
    pub label_probability: f64,
    /// How many classes rank above the label's: 1 if it is the second choice.
    pub label_rank: usize,
    /// The largest logit minus the second largest.
    pub margin: f32,
    /// Entropy of the probabilities in bits.
    pub entropy: f64,
    /// The likely reason.
    pub verdict: Verdict,
    /// Every verdict whose rule holds; the first is `verdict`.
    pub rules: Vec<Verdict>,
    /// The nearest training images by fc2, nearest first.
    pub neighbours: Vec<Neighbour>,
    /// The nearest training images by pixels, nearest first.
    pub pixel_neighbours: Vec<Neighbour>,
    /// Whether it is farther from its nearest neighbour by fc2 than nearly all training images are from theirs.
    pub isolated: bool,
    /// How its stroke measurements compare with those of the training images with its label.
    pub standings: [Standing; 9],
    /// Where the network looked: the evidence for the predicted class against the label's.
    #[serde(skip)]
    pub occlusion: Occlusion,
}

impl Misread {
    /// Its outlying stroke measurements, most extreme first.
    pub fn outliers(&self) -> Vec<&Standing> {
        let mut outliers: Vec<&Standing> = self.standings.iter().filter(|standing| standing.is_outlying()).collect();
        outliers.sort_by(|a, b| a.tail().total_cmp(&b.tail()));
        outliers
    }

    /// The evidence for a verdict whose rule holds, in a few words.
    pub fn reason(&self, verdict: Verdict) -> String {
        match verdict {
            Verdict::LabelError | Verdict::Ambiguous | Verdict::Mistake => {
                let labelled = |class| self.neighbours.iter().filter(|near| usize::from(near.label) == class).count();
                let (predicted, label, all) = (labelled(self.predicted), labelled(self.label), self.neighbours.len());
                let are = |number| if number == 1 { "is" } else { "are" };
                let most = format!("{predicted} of {all} neighbours {} {}", are(predicted), self.predicted);
                let by_pixels = self.pixel_neighbours.iter().filter(|near| usize::from(near.label) == self.predicted);
                if all == 0 {
                    "there are no training images to compare with".into()
                } else if verdict == Verdict::LabelError {
                    format!("{most}, {} of {} by pixels", by_pixels.count(), self.pixel_neighbours.len())
                } else if label == 0 {
                    most
                } else {
                    format!("{most}, {label} {} {}", are(label), self.label)
                }
            }
            Verdict::Cropped | Verdict::FaintOrBroken | Verdict::UnusualStyle => {
                let outliers = self.outliers().into_iter().filter(|outlier| Verdict::of_outlier(outlier) == verdict);
                let mut words: Vec<&str> = outliers.map(Standing::words).collect();
                if verdict == Verdict::UnusualStyle && self.isolated {
                    words.push("far from all training images");
                }
                words.join(", ")
            }
        }
    }
}

/// All images of a split that a network misclassified.
#[derive(Clone, Debug)]
pub struct Misreads {
    /// Images classified.
    pub images: usize,
    /// The network's outputs for each of them.
    pub outputs: Vec<Outputs>,
    /// The misread ones, most confident first.
    pub misread: Vec<Misread>,
    /// How often each rule holds for correctly classified images, in [0, 1], in the order of [`Verdict::ALL`]. Measured
    /// on up to 1,000 evenly spaced ones, with the network's second choice as the class they are mistaken for.
    rates_of_others: [f64; 6],
    /// Number of correctly classified images in that sample.
    pub others: usize,
}

/// The images of one label that were mistaken for the same class.
#[derive(Clone, Debug)]
pub struct Confusion<'a> {
    /// Their label.
    pub label: usize,
    /// The class predicted.
    pub predicted: usize,
    /// The images, most confident first.
    pub misread: Vec<&'a Misread>,
}

impl Misreads {
    /// The misread images, grouped by label and predicted class, most frequent first.
    pub fn confusions(&self) -> Vec<Confusion<'_>> {
        let mut confusions: Vec<Confusion<'_>> = Vec::new();
        for misread in &self.misread {
            let (label, predicted) = (misread.label, misread.predicted);
            match confusions.iter_mut().find(|confusion| (confusion.label, confusion.predicted) == (label, predicted)) {
                Some(confusion) => confusion.misread.push(misread),
                None => confusions.push(Confusion { label, predicted, misread: vec![misread] }),
            }
        }
        confusions
            .sort_by_key(|confusion| (usize::MAX - confusion.misread.len(), confusion.label, confusion.predicted));
        confusions
    }

    /// How often a verdict's rule holds for correctly classified images, in [0, 1].
    ///
    /// `None` if there is no such image. Also `None` for [`Verdict::Mistake`], which has no meaning for them, and for
    /// [`Verdict::LabelError`], since an image whose neighbours all have the second choice is hardly ever classified
    /// correctly.
    pub fn rate_of_others(&self, verdict: Verdict) -> Option<f64> {
        let telling = self.others > 0 && ![Verdict::Mistake, Verdict::LabelError].contains(&verdict);
        telling.then(|| self.rates_of_others[verdict as usize])
    }

    /// Number of misread images with this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.misread.iter().filter(|misread| misread.verdict == verdict).count()
    }
}

/// Explains misread images by comparing them with the training images.
pub struct Analyst<'a> {
    subject: &'a Subject,
    training: &'a Split,
    features: ndarray::Array2<f32>,
    statistics: ClassStatistics,
    /// Hardly any training image is farther than this from its nearest neighbour.
    far: f32,
}

/// An image with its label and the class that it is, or might be, mistaken for.
#[derive(Clone, Copy)]
struct Case {
    index: usize,
    label: usize,
    class: usize,
}

impl<'a> Analyst<'a> {
    /// Runs the network on the training images and measures their strokes, on the threads of the current rayon pool.
    pub fn new(subject: &'a Subject, training: &'a Split) -> Self {
        let features = features(&subject.outputs(training.all_pixels()));
        let sample: Vec<usize> = spaced(training.len(), SAMPLE).collect();
        let queries = features.select(ndarray::Axis(0), &sample);
        // The nearest one is the image itself, so take two.
        let labels = training.labels().to_vec();
        let pairs = nearest(features.view(), &labels, queries.view(), 2);
        let mut distances: Vec<f32> = pairs.iter().filter_map(|pair| pair.get(1)).map(|near| near.distance).collect();
        distances.sort_by(f32::total_cmp);
        let rank = (distances.len() as f64 * (1.0 - OUTLYING_MAX)) as usize;
        let far = distances.get(rank).copied().unwrap_or(f32::INFINITY);
        Self { subject, training, features, statistics: ClassStatistics::of(training), far }
    }

    /// Finds the images of a split that the network misclassifies, with the likely reasons.
    pub fn misreads(&self, split: &Split) -> Misreads {
        let outputs = self.subject.outputs(split.all_pixels());
        let labels = split.labels();
        let (mut wrong, mut right) = (Vec::new(), Vec::new());
        for (index, outputs) in outputs.iter().enumerate() {
            let ranking = outputs.ranking();
            let (first, second) = (ranking[0], ranking[1]);
            let label = usize::from(labels[index]);
            if first == label {
                right.push(Case { index, label, class: second });
            } else {
                wrong.push(Case { index, label, class: first });
            }
        }
        let others: Vec<Case> = spaced(right.len(), SAMPLE).map(|at| right[at]).collect();
        let mut rates_of_others = [0.0; 6];
        for rules in self.judge(split, &outputs, &others, false).into_iter().map(|judged| judged.rules) {
            for rule in rules {
                rates_of_others[rule as usize] += 1.0 / others.len() as f64;
            }
        }
        let maps = occlusion(
            self.subject,
            &wrong.iter().map(|case| (*split.pixels(case.index), case.class, case.label)).collect::<Vec<_>>(),
        );
        let judged = self.judge(split, &outputs, &wrong, true).into_iter().zip(maps);
        let mut misread: Vec<Misread> = wrong
            .iter()
            .zip(judged)
            .map(|(case, (judged, occlusion))| {
                let outputs = &outputs[case.index];
                let probabilities = outputs.probabilities();
                let rank = outputs.ranking().iter().position(|class| *class == case.label);
                Misread {
                    index: case.index,
                    label: case.label,
                    predicted: case.class,
                    probability: probabilities[case.class],
                    label_probability: probabilities[case.label],
                    label_rank: rank.expect("every class has a rank"),
                    margin: outputs.margin(),
                    entropy: outputs.entropy(),
                    verdict: judged.rules[0],
                    rules: judged.rules,
                    neighbours: judged.neighbours,
                    pixel_neighbours: judged.pixel_neighbours,
                    isolated: judged.isolated,
                    standings: judged.standings,
                    occlusion,
                }
            })
            .collect();
        misread.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.index.cmp(&b.index)));
        Misreads { images: split.len(), outputs, misread, rates_of_others, others: others.len() }
    }

    /// Finding neighbours by pixels is slow: unless `complete`, they are searched only for cases where a rule needs
    /// them.
    fn judge(&self, split: &Split, outputs: &[Outputs], cases: &[Case], complete: bool) -> Vec<Judged> {
        let queries = features(cases.iter().map(|case| &outputs[case.index]));
        let labels = self.training.labels().to_vec();
        let neighbours = nearest(self.features.view(), &labels, queries.view(), NEIGHBOURS);
        let asked = |case: &Case, neighbours: &[Neighbour]| {
            complete || neighbours.iter().all(|near| usize::from(near.label) == case.class)
        };
        let pixels: Vec<Pixels> = cases
            .iter()
            .zip(&neighbours)
            .filter(|(case, neighbours)| asked(case, neighbours))
            .map(|(case, _)| *split.pixels(case.index))
            .collect();
        let mut found = nearest_by_pixels(self.training, &pixels, NEIGHBOURS).into_iter();
        let judged = cases.iter().zip(neighbours).map(|(case, neighbours)| {
            let pixel_neighbours =
                if asked(case, &neighbours) { found.next().expect("as many as were asked for") } else { Vec::new() };
            let standings = self.statistics.standings(case.label, &Strokes::of(split.pixels(case.index)));
            let isolated = neighbours.first().is_some_and(|nearest| nearest.distance > self.far);
            let evidence = Evidence {
                label: case.label,
                class: case.class,
                neighbours: &neighbours,
                pixel_neighbours: &pixel_neighbours,
                standings: &standings,
                isolated,
            };
            let rules = Verdict::ALL.into_iter().filter(|verdict| verdict.holds(&evidence)).collect();
            Judged { rules, neighbours, pixel_neighbours, isolated, standings }
        });
        judged.collect()
    }
}

struct Judged {
    rules: Vec<Verdict>,
    neighbours: Vec<Neighbour>,
    pixel_neighbours: Vec<Neighbour>,
    isolated: bool,
    standings: [Standing; 9],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::trained;
    use crate::data::digits_10k;

    #[test]
    fn every_misread_image_is_there_with_its_evidence() {
        let network = trained();
        let data = digits_10k();
        let subject = Subject::from(&network);
        let training = data.train.first(2000);
        let found = Analyst::new(&subject, &training).misreads(&data.test);
        let predictions = crate::evaluation::evaluate_float(&network, &data.test).predictions;
        let labels = data.test.labels();
        let wrong: Vec<usize> =
            (0..data.test.len()).filter(|index| predictions[*index] != usize::from(labels[*index])).collect();
        let mut indices: Vec<usize> = found.misread.iter().map(|misread| misread.index).collect();
        indices.sort_unstable();
        assert!(!wrong.is_empty());
        assert_eq!(indices, wrong);
        assert!(found.misread.is_sorted_by(|a, b| a.probability >= b.probability));
        for misread in &found.misread {
            assert_eq!(misread.predicted, predictions[misread.index]);
            assert_eq!(misread.label, usize::from(labels[misread.index]));
            assert!(misread.label_probability <= misread.probability && misread.label_rank > 0);
            assert_eq!(misread.rules.contains(&Verdict::Mistake), misread.verdict == Verdict::Mistake);
            let pixels = data.test.pixels(misread.index);
            assert_eq!(misread.pixel_neighbours, nearest_by_pixels(&training, &[*pixels], NEIGHBOURS)[0]);
        }
        let confusions = found.confusions();
        assert_eq!(confusions.iter().map(|confusion| confusion.misread.len()).sum::<usize>(), wrong.len());
    }

    /// Noise is far from all digits, whatever class it gets.
    #[test]
    fn an_image_unlike_all_training_images_is_isolated() {
        let network = trained();
        let training = digits_10k().train;
        let subject = Subject::from(&network);
        let noise: Pixels = std::array::from_fn(|at| (at * at * 7919 % 256) as u8);
        let label = (subject.outputs(&[noise])[0].class() + 1) % 10;
        let images = ndarray::Array2::from_shape_vec((1, noise.len()), noise.to_vec()).unwrap();
        let split = Split::new(images, vec![label as u8].into(), 10).unwrap();
        let found = Analyst::new(&subject, &training).misreads(&split);
        assert!(found.misread[0].isolated && found.misread[0].rules.contains(&Verdict::UnusualStyle));
        assert_eq!(found.rate_of_others(Verdict::Cropped), None);

        let known = Analyst::new(&subject, &training).misreads(&training.first(200));
        let rate = known.rate_of_others(Verdict::UnusualStyle).unwrap();
        assert!(rate < 0.2 && known.rate_of_others(Verdict::LabelError).is_none(), "{rate}");
    }

    #[test]
    fn three_training_images_are_enough_to_run_and_so_are_none() {
        let network = trained();
        let data = digits_10k();
        let subject = Subject::from(&network);
        for count in [3, 0] {
            let training = data.train.first(count);
            let found = Analyst::new(&subject, &training).misreads(&data.test);
            assert!(!found.misread.is_empty());
            let judged = |misread: &Misread| misread.neighbours.len() == count && misread.outliers().is_empty();
            assert!(found.misread.iter().all(judged));
        }
    }
}
