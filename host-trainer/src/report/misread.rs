//! The sections on misread images: what they have in common, a card for each, and where float and int8 disagree.

use maud::{Markup, html};

use super::{Findings, pictures};
use crate::analysis::{BOTH_MIN, Misread, NEIGHBOURS, OUTLYING_MAX, PATCH, Standing, Statistic, Verdict};
use crate::comparison::Changed;
use crate::numbers::{count, percent, thousands};

/// All groups start out expanded if there are at most this many misread images.
const OPEN_MAX: usize = 150;
/// The most cards on a page; an untrained network misreads thousands of images.
const CARDS: usize = 1_000;
/// With at least this many misread images, each card shows fewer neighbours and only the outliers among the stroke
/// measurements, to keep the page down to a few megabytes.
const MANY: usize = 300;
/// Neighbours shown on a card: normally, and with [`MANY`] misread images.
const PICTURED: [usize; 2] = [NEIGHBOURS, 3];

impl Findings<'_> {
    /// The paragraphs and the table that sum up the misread images.
    pub(super) fn in_common(&self) -> Markup {
        let found = &self.misreads;
        let all = found.misread.len();
        if all == 0 {
            return html! { p { "No image was misread." } };
        }
        let share = |part: usize| format!("{:.0} %", 100.0 * part as f64 / all as f64);
        let second = found.misread.iter().filter(|misread| misread.label_rank == 1).count();
        let unsure = found.misread.iter().filter(|misread| misread.probability < 0.9).count();
        let unsure_others = self.unsure_among_right(0.9);
        let confusions = found.confusions();
        let commonest: Vec<String> = confusions
            .iter()
            .take(3)
            .map(|confusion| {
                format!(
                    "{} as {} ({})",
                    self.label(confusion.label),
                    self.label(confusion.predicted),
                    confusion.misread.len()
                )
            })
            .collect();
        let both = found.misread.iter().filter(|misread| self.float[misread.index].class() != misread.label).count();
        let outlying = found.misread.iter().filter(|misread| !misread.outliers().is_empty()).count();
        let mut words: Vec<(&str, usize)> = Vec::new();
        for word in found.misread.iter().flat_map(Misread::outliers).map(Standing::words) {
            match words.iter_mut().find(|(other, _)| *other == word) {
                Some((_, count)) => *count += 1,
                None => words.push((word, 1)),
            }
        }
        words.sort_by_key(|(word, count)| (usize::MAX - count, *word));
        let words: Vec<String> = words.iter().take(3).map(|(word, count)| format!("{word} ({count})")).collect();
        let unanimous = found
            .misread
            .iter()
            .filter(|misread| misread.neighbours.iter().all(|near| usize::from(near.label) == misread.predicted))
            .count();
        html! {
            p {
                strong { (thousands(all)) " of " (count(found.images, "image")) } " are misread, "
                (thousands(both)) " of them by the float network too. "
                "The correct class comes second in " (thousands(second)) " (" (share(second)) "). "
                "The network's confidence is below 90 % in " (thousands(unsure)) " (" (share(unsure)) "), compared with "
                (percent(unsure_others)) " of the correctly classified images. "
                "Most frequent confusions: " (commonest.join(", ")) "."
            }
            p {
                "For " (thousands(unanimous)) ", the " (NEIGHBOURS) " training images nearest in the network's features "
                "are all labelled with the predicted class. "
                "At least one stroke measurement is an outlier in " (thousands(outlying)) " (" (share(outlying)) ")"
                @if words.is_empty() { "." } @else { ", most often: " (words.join(", ")) "." }
            }
            div .scroll { table {
                thead { tr { th { "verdict: the first rule that holds" } th .num { "images" } th .num { "share" } th .num { "among correct*" } } }
                tbody {
                    @for verdict in Verdict::ALL {
                        @let number = found.count(verdict);
                        tr {
                            th .verdict scope="row" {
                                span class={ "tag " (class(verdict)) } { (verdict) }
                                span .rule { (verdict.rule()) }
                            }
                            td .num { (thousands(number)) }
                            td .num { (share(number)) }
                            td .num { @if let Some(rate) = found.rate_of_others(verdict) { (percent(rate)) } @else { "–" } }
                        }
                    }
                }
            } }
            p .note {
                "* How often the rule holds for " (count(found.others, "correctly classified image")) ", evenly spaced, with the network's "
                "second choice in place of the wrong class. A rule that holds just as often for them explains nothing. "
                "Two of the rules make sense for misread images only. "
                "An image needs at least " (BOTH_MIN) " neighbours with its label to count as ambiguous, because some training labels are wrong too."
            }
            h3 { "How to read a card" }
            p {
                "The first picture is the image. The second shows what the network looked at, found by blanking a patch of " (PATCH) "×" (PATCH)
                " pixels at one position after another: "
                span .pred { "orange" } " ink supports the predicted class, " span .truth { "blue" } " ink supports the label. "
                "Below are the training images nearest in the network's features (the outputs of fc2) with their labels, coloured if they equal "
                span .pred { "the predicted class" } " or " span .truth { "the image's label" } ". "
                "Each stroke measurement is compared with all training images that have the image's label: the last two columns give "
                "the share of them with a lower and with a higher value. A value is an outlier if at most "
                (100.0 * OUTLYING_MAX) " % of them are as extreme on the same side."
            }
        }
    }

    /// Share of the correctly classified images with a confidence below `sure`.
    fn unsure_among_right(&self, sure: f64) -> f64 {
        let labels = self.judged.labels();
        let (mut right, mut unsure) = (0usize, 0usize);
        for (index, outputs) in self.misreads.outputs.iter().enumerate() {
            let class = outputs.class();
            if class == usize::from(labels[index]) {
                right += 1;
                unsure += usize::from(outputs.probabilities()[class] < sure);
            }
        }
        unsure as f64 / right.max(1) as f64
    }

    pub(super) fn every_misread(&self) -> Markup {
        let all = self.misreads.misread.len();
        let least = self.misreads.misread.get(CARDS).map_or(0.0, |misread| misread.probability);
        let mut confusions = self.misreads.confusions();
        for confusion in &mut confusions {
            confusion.misread.retain(|misread| misread.probability > least);
        }
        confusions.retain(|confusion| !confusion.misread.is_empty());
        let many = all >= MANY;
        html! {
            @if confusions.is_empty() { p { "No image was misread." } }
            @if all > CARDS { p { "Only the " (thousands(CARDS)) " most confident misread images are shown; " code { "lenet errors -o" } " writes all of them." } }
            p .note { "Grouped by label and predicted class, most frequent first; within a group, most confident first. Confusions that happened only once come last. Images are numbered from 0 in their split." }
            @for confusion in confusions.iter().filter(|confusion| confusion.misread.len() > 1) {
                details .pair id=(anchor(confusion.label, confusion.predicted)) open[all <= OPEN_MAX] {
                    summary { h3 {
                        span .truth { (self.label(confusion.label)) } " read as " span .pred { (self.label(confusion.predicted)) }
                        span .count { (count(confusion.misread.len(), "image")) }
                    } }
                    div .cards { @for misread in &confusion.misread { (self.card(misread, None, many)) } }
                }
            }
            @let single: Vec<_> = confusions.iter().filter(|confusion| confusion.misread.len() == 1).collect();
            @if !single.is_empty() {
                details .pair open[all <= OPEN_MAX] {
                    summary { h3 { "Confusions that happened once" span .count { (count(single.len(), "image")) } } }
                    div .cards { @for confusion in single {
                        @let id = anchor(confusion.label, confusion.predicted);
                        (self.card(confusion.misread[0], Some(&id), many))
                    } }
                }
            }
        }
    }

    fn card(&self, misread: &Misread, id: Option<&str>, many: bool) -> Markup {
        let Misread { index, label, predicted, .. } = *misread;
        let pixels = self.judged.pixels(index);
        let near: Vec<_> = misread.neighbours.iter().take(PICTURED[usize::from(many)]).collect();
        let labels: Vec<&str> = near.iter().map(|near| self.label(near.label.into())).collect();
        let (name, other) = (self.label(label), self.label(predicted));
        let strip: Vec<_> = near.iter().map(|near| self.training.pixels(near.index)).collect();
        html! {
            article .card id=[id] {
                div .look {
                    (pictures::digit(pixels, 3, &format!("image {index}, label {name}")))
                    (pictures::occlusion(pixels, &misread.occlusion, 3, &format!("ink that supports {other} or {name}")))
                }
                div .says {
                    p .headline {
                        span .truth { (name) } " read as " span .pred { (other) } " "
                        span class={ "tag " (class(misread.verdict)) } { (misread.verdict) }
                    }
                    p { (percent(misread.probability)) " confident, margin " (format!("{:.2}", misread.margin)) "; "
                        (name) " gets " (percent(misread.label_probability)) @if misread.label_rank > 1 { ", rank " (misread.label_rank + 1) } }
                    p { (capital(&misread.reason(misread.verdict))) "." @for rule in misread.rules.iter().skip(1) { " Also " (rule) ": " (misread.reason(*rule)) "." } }
                }
                div .near {
                    (pictures::strip(&strip, &format!("nearest training images, labelled {}", labels.join(", "))))
                    div .labels { @for near in &near {
                        @let near = usize::from(near.label);
                        span class=(if near == predicted { "pred" } else if near == label { "truth" } else { "other" }) { (self.label(near)) }
                    } }
                }
                @if many && misread.outliers().is_empty() {
                    p .note { "Image " (index) ": no unusual stroke measurements" }
                } @else { details .strokes {
                    summary { "Image " (index) ": stroke measurements" @for outlier in misread.outliers() { " · " strong { (outlier.words()) } } }
                    (strokes(misread.standings.iter().filter(|standing| !many || standing.is_outlying())))
                } }
            }
        }
    }

    /// Median logit margin of the float network.
    fn median_margin(&self) -> f32 {
        let mut margins: Vec<f32> = self.float.iter().map(crate::analysis::Outputs::margin).collect();
        margins.sort_by(f32::total_cmp);
        margins.get(margins.len() / 2).copied().unwrap_or(0.0)
    }

    pub(super) fn disagreements(&self) -> Markup {
        let changed = &self.comparison.changed;
        let labels = self.judged.labels();
        let widest = changed.iter().map(|changed| changed.float.margin).fold(0.0, f32::max);
        let group = |float: bool, int8: bool| -> Vec<&Changed> {
            let belongs = |changed: &&Changed| {
                let label = usize::from(labels[changed.index]);
                (changed.float.class == label, changed.int8.class == label) == (float, int8)
            };
            changed.iter().filter(belongs).collect()
        };
        let groups = [
            ("Correct in float only", group(true, false)),
            ("Correct in int8 only", group(false, true)),
            ("Misread by both, as different classes", group(false, false)),
        ];
        html! {
            @if changed.is_empty() {
                p { "Nowhere: both networks predict the same class for every image." }
            } @else {
                p {
                    "Quantization changes the prediction for " (count(changed.len(), "image")) ": " (groups[0].1.len()) " from right to wrong, " (groups[1].1.len())
                    " from wrong to right. The float network's margin is at most " (format!("{:.2}", widest)) " on these images; "
                    "its median over all images is " (format!("{:.2}", self.median_margin())) "."
                }
                @for (title, group) in &groups {
                    @if !group.is_empty() {
                        h3 { (title) }
                        div .cards .small { @for changed in group {
                            article .card {
                                div .look { (pictures::digit(self.judged.pixels(changed.index), 2, &format!("image {}, label {}", changed.index, self.label(changed.label.into())))) }
                                div .says {
                                    p .headline { "label " span .truth { (self.label(changed.label.into())) } }
                                    p { "float " (self.label(changed.float.class)) ", margin " (format!("{:.2}", changed.float.margin)) }
                                    p { "int8 " (self.label(changed.int8.class)) ", margin " (format!("{:.2}", changed.int8.margin)) }
                                    p .note { "image " (changed.index) }
                                }
                            }
                        } }
                    }
                }
            }
        }
    }
}

fn strokes<'a>(standings: impl Iterator<Item = &'a Standing>) -> Markup {
    html! {
        table {
            thead { tr { th { "measure" } th .num { "here" } th .num { "median" } th .num { "lower" } th .num { "higher" } } }
            tbody { @for standing in standings {
                tr class=[standing.is_outlying().then_some("outlying")] {
                    th scope="row" { (standing.statistic) }
                    td .num { (standing.statistic.describe(standing.value)) }
                    td .num { (standing.statistic.describe(standing.median)) }
                    td .num { (format!("{:.1} %", 100.0 * (1.0 - standing.at_least))) }
                    td .num { (format!("{:.1} %", 100.0 * (1.0 - standing.at_most))) }
                }
            } }
        }
    }
}

/// The `id` of a confusion's group in the page.
pub(super) fn anchor(label: usize, predicted: usize) -> String {
    format!("as-{label}-{predicted}")
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::LabelError => "label-error",
        Verdict::Cropped => "cropped",
        Verdict::FaintOrBroken => "faint",
        Verdict::Ambiguous => "ambiguous",
        Verdict::UnusualStyle => "unusual",
        Verdict::Mistake => "mistake",
    }
}

fn capital(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Definitions of the stroke measurements, for the end of the page.
pub(super) fn glossary() -> Markup {
    let means = |statistic: Statistic| match statistic {
        Statistic::Ink => "sum of all pixels, in pixels of full ink",
        Statistic::Slant => "how far upright strokes lean to the right, in degrees, from the moments of the ink",
        Statistic::Aspect => "width of the bounding box divided by its height",
        Statistic::Loops => "holes enclosed by the stroke",
        Statistic::Pieces => "parts of the stroke that do not touch each other",
        Statistic::Width => "mean width of the stroke, in pixels",
        Statistic::Strength => "mean level of the ink, weighted by itself; 1 is full ink",
        Statistic::Edge => "ink in the two outermost rows and columns on each side, in pixels of full ink",
        Statistic::Cut => "longest unbroken run of stroke along a side of the bounding box, as a share of that side",
    };
    html! {
        dl .glossary { @for statistic in Statistic::ALL { div { dt { (statistic) } dd { (means(statistic)) } } } }
    }
}
