//! Renders a finished run as an HTML page: how training went, how good the networks are, and every misread image with
//! the likely reasons.
//!
//! The page is a single file with its pictures and styles embedded; it loads nothing and runs no scripts. It follows
//! the reader's light or dark setting, fits a phone screen, and prints well.

mod budget;
mod charts;
mod inside;
mod misread;
mod outcome;
mod pictures;

use lenet_core::Model;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::analysis::{Analyst, Misreads, Outputs, Subject};
use crate::checkpoint::data_crc32;
use crate::comparison::{Comparison, compare};
use crate::data::{DataSet, Split};
use crate::error::{Error, Result};
use crate::evaluation::evaluate_int8;
use crate::numbers::{count, percent, thousands};
use crate::run::{self, FinishedRun};

/// Everything the page shows.
struct Findings<'a> {
    run: &'a FinishedRun,
    model: Model<'a>,
    training: &'a Split,
    judged: &'a Split,
    /// The float network's outputs for the judged images.
    float: Vec<Outputs>,
    /// The images that the int8 network misreads.
    misreads: Misreads,
    comparison: Comparison,
}

/// The images a run was trained on and those it was evaluated on, `(training, judged)`.
///
/// # Errors
/// When the data set is not the one the run used.
pub fn splits(run: &FinishedRun, data: &DataSet) -> Result<(Split, Split)> {
    let summary = &run.summary;
    let held_out = summary.validation_images;
    if data.train.len() != summary.train_images + held_out {
        return Err(Error::Usage(format!(
            "{} has {} training images, but the run used {}; pass the run's data set, {}, with --data",
            data.name,
            data.train.len(),
            summary.train_images + held_out,
            summary.data
        )));
    }
    let other = |what: &str| {
        Err(Error::Usage(format!(
            "{what} of {} do not match {}; pass the run's own data set, {}, unchanged, with --data",
            data.name,
            run::SUMMARY,
            summary.data
        )))
    };
    let crc32 = format!("{:08x}", data_crc32(&data.train));
    if summary.data_crc32.as_ref().is_some_and(|expected| *expected != crc32) {
        return other("the training images");
    }
    let (training, validation) = data.train.hold_out(held_out)?;
    let judged = if summary.measured_on == "test" { data.test.clone() } else { validation };
    let model = run.model.model().map_err(|error| Error::Quantize(error.to_string()))?;
    let evaluation = evaluate_int8(model, &judged);
    let right = (summary.int8_accuracy * summary.measured_images as f64).round() as usize;
    if format!("{:08x}", evaluation.crc32) != summary.int8_crc32 || evaluation.correct != right {
        return other(&format!("the int8 logits or the labels of the {} images", summary.measured_on));
    }
    Ok((training, judged))
}

/// Renders the HTML page of a run, on the threads of the current rayon pool.
///
/// # Errors
/// When the run's int8 model is invalid.
pub fn report(run: &FinishedRun, training: &Split, judged: &Split) -> Result<String> {
    let model = run.model.model().map_err(|error| Error::Quantize(error.to_string()))?;
    let subject = Subject::from(&model);
    let findings = Findings {
        run,
        model,
        training,
        judged,
        float: Subject::from(&run.network).outputs(judged.all_pixels()),
        misreads: Analyst::new(&subject, training).misreads(judged),
        comparison: compare(&run.network, model, judged),
    };
    Ok(with_units(&findings.page().into_string()))
}

/// Keeps each number and its % sign on one line, except in `<pre>` blocks, which people copy.
fn with_units(html: &str) -> String {
    let bound = |text: &str| text.replace(" %", "\u{a0}%");
    let mut pieces = html.split("<pre>");
    let mut page = bound(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (copied, rest) = piece.split_once("</pre>").unwrap_or((piece, ""));
        page += &["<pre>", copied, "</pre>", &bound(rest)].concat();
    }
    page
}

impl Findings<'_> {
    fn page(&self) -> Markup {
        let summary = &self.run.summary;
        let title = format!("LeNet-5 on {}: {} accuracy", summary.data, percent(summary.int8_accuracy));
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) }
                    link rel="icon" href="data:,";
                    style { (PreEscaped(include_str!("style.css"))) }
                }
                body {
                    header {
                        p .eyebrow { "LeNet-5, quantized to int8" }
                        h1 { (summary.data) ": " (percent(summary.int8_accuracy)) " of the " (summary.measured_on) " images classified correctly" }
                        (self.tiles())
                    }
                    nav aria-label="Sections" {
                        @for (anchor, name) in SECTIONS { a href={ "#" (anchor) } { (name) } }
                    }
                    main {
                        section #run { h2 { "The run" } (self.facts()) }
                        section #why { h2 { "What the misread images have in common" } (self.in_common()) }
                        section #misread { h2 { "Every misread image" } (self.every_misread()) }
                        section #changed { h2 { "Where float and int8 disagree" } (self.disagreements()) }
                        section #training { h2 { "Training" } (self.curves()) }
                        section #classes { h2 { "Classes and confidence" } (self.classes()) }
                        section #inside { h2 { "Inside the network" } (self.inside()) }
                        section #budget { h2 { "Does it fit your board?" } (budget::section(self.run.model.bytes().len(), &self.model)) }
                    }
                    footer { p { "Written by " (summary.tool) ". This page is one self-contained file without scripts." } }
                }
            }
        }
    }

    /// The label of a class.
    fn label(&self, class: usize) -> &str {
        self.model.labels().get(class).unwrap_or_default()
    }

    /// The headline figures.
    fn tiles(&self) -> Markup {
        let summary = &self.run.summary;
        let tile = |name: &str, value: String, more: String| html! { div .tile { dt { (name) } dd { strong { (value) } span { (more) } } } };
        let change = 100.0 * (summary.int8_accuracy - summary.float_accuracy);
        html! {
            dl .tiles {
                (tile("int8 accuracy", percent(summary.int8_accuracy), format!("{change:+.2} points vs. float")))
                (tile("float accuracy", percent(summary.float_accuracy), format!("on {} {} images", thousands(summary.measured_images), summary.measured_on)))
                (tile("misread", thousands(self.misreads.misread.len()), "by the int8 network".into()))
                (tile("flash", format!("{} bytes", thousands(summary.model_bytes)), "the model file".into()))
                (tile("RAM", format!("{} bytes", thousands(summary.workspace_bytes + lenet_core::IMAGE_BYTES)), "including the image; less on M0".into()))
                (tile("trained in", seconds(summary.train_seconds), format!("{}, {}", count(summary.epochs, "epoch"), count(summary.threads, "thread"))))
            }
        }
    }

    fn facts(&self) -> Markup {
        let summary = &self.run.summary;
        let recipe = &summary.hyper_parameters;
        let held_out = match summary.validation_images {
            0 => String::new(),
            images => format!(", {} more held out for validation", thousands(images)),
        };
        let fact = |name: &str, value: String| html! { tr { th scope="row" { (name) } td { (value) } } };
        html! {
            @if !summary.command.is_empty() {
                p { "To reproduce this run bit for bit, run this command in the same directory:" }
                pre { code { (summary.command) } }
            }
            div .scroll { table .facts { tbody {
                (fact("data set", format!("{}: {} training images{held_out}, evaluated on {} {} images",
                    summary.data, thousands(summary.train_images), thousands(summary.measured_images), summary.measured_on)))
                (fact("recipe", format!("{}: {}, {}", summary.recipe, count(recipe.epochs, "epoch"), recipe.describe())))
                (fact("seed", summary.seed.to_string()))
                (fact("classes", match self.model.none_of_these() {
                    None => self.model.classes().to_string(),
                    Some(class) => format!("{}, of which {} stands for anything else", self.model.classes(), self.label(class)),
                }))
                (fact("model identity", format!("{:08x}; the firmware prints it too", self.model.identity())))
                (fact("pools", format!("{} after conv1, {} after conv2", summary.pool1, summary.pool2)))
                (fact("int8 logits", format!("CRC-32 {}; a board that runs this model on the same images must get the same value", summary.int8_crc32)))
            } } }
        }
    }
}

const SECTIONS: [(&str, &str); 8] = [
    ("run", "Run"),
    ("why", "Why"),
    ("misread", "Misread"),
    ("changed", "Float vs. int8"),
    ("training", "Training"),
    ("classes", "Classes"),
    ("inside", "Inside"),
    ("budget", "Boards"),
];

fn seconds(seconds: f64) -> String {
    if seconds < 100.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{}:{:02} min", seconds as u64 / 60, seconds as u64 % 60)
    }
}
