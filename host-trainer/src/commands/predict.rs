//! `lenet predict`: classifies images.

use std::path::{Path, PathBuf};

use clap::Args;
use lenet_core::preparation::{Preparation, Reason};
use serde::Serialize;

use super::arguments::{When, load};
use super::{PoolArguments, ThreadArguments};
use crate::analysis::Subject;
use crate::classes::Classes;
use crate::data::image::Place;
use crate::error::{Error, Result};
use crate::numbers::thousands;
use crate::picture::digit;
use crate::picture::terminal::{self, Shades};
use crate::prediction::{
    Familiarity, Input, Prediction, Recognition, Resemblance, Source, find_images, inputs, predict,
};

/// Classes listed for each image.
const TOP: usize = 3;
/// Length of the bar for a probability of 1, in characters.
const BAR: usize = 20;

/// Arguments of `lenet predict`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lenet predict runs/tutorial/model.lenet photo.jpg --show
  lenet predict data/digits-10k/digits-10k.lenet data/digits-10k/png
  lenet predict model.lenet 'scans/*.png' --data mnist --json
  lenet predict model.lenet house-number.jpg --several
  convert drawing.svg png:- | lenet predict model.lenet -

Images that cannot be read are reported at the end, after the results for the
others; the exit code is then 1.")]
pub struct Arguments {
    /// Float network (.safetensors, .pt, .npz) or int8 model (.lenet, .tflite).
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Images of any size and colour (PNG, JPEG, BMP, GIF, TIFF, WebP, PGM), folders of them, patterns such as
    /// '*.png', or - for one image from standard input. The drawing in each is found, scaled and centred
    /// to 28x28 pixels like MNIST's digits.
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<PathBuf>,
    #[command(flatten)]
    pools: PoolArguments,
    /// Folder with the data set the network was trained on, as for other commands: an image unlike all
    /// of its training images gets no class. Can be repeated [default: the 10,000 built-in digits].
    #[arg(long, value_name = "DIR")]
    data: Vec<PathBuf>,
    /// Whether to look for the drawing in images of 28x28 pixels too, as in all others. With never, images
    /// of other sizes are refused [default: as the model's file says].
    #[arg(long, value_enum, value_name = "WHEN")]
    prepare: Option<When>,
    /// Read several digits in an image one by one, from left to right.
    #[arg(long, conflicts_with = "prepare")]
    several: bool,
    #[command(flatten)]
    threads: ThreadArguments,
    /// Draw each image as the network sees it.
    #[arg(long)]
    show: bool,
    /// Print one JSON object, with an entry for each image.
    #[arg(long, conflicts_with = "show")]
    json: bool,
}

/// An input and the image that it is from.
struct Case {
    source: Source,
    input: Input,
    /// Which of the image's drawings it is, from 1, and how many there are, if they are read one by one.
    part: Option<[usize; 2]>,
}

#[derive(Serialize)]
struct PredictJson<'a> {
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    data: &'a str,
    trained_on: Option<&'a str>,
    limits: Limits,
    images: Vec<ImageJson>,
    errors: Vec<String>,
}

#[derive(Serialize)]
struct Limits {
    references: usize,
    #[serde(flatten)]
    image: Resemblance,
}

#[derive(Serialize)]
struct ImageJson {
    image: String,
    class: Option<usize>,
    label: Option<String>,
    recognition: Recognition,
    /// How many drawings there are.
    drawings: usize,
    /// Where the drawing is, in pixels of the image; `null` if it was not looked for.
    #[serde(rename = "box")]
    place: Option<Place>,
    top: Vec<ClassJson>,
    entropy: f64,
    #[serde(flatten)]
    resemblance: Resemblance,
}

#[derive(Serialize)]
struct ClassJson {
    class: usize,
    label: String,
    probability: f64,
}

/// Runs the subcommand.
///
/// # Errors
/// An unreadable or invalid network, unreadable data; after the results for the others, images that cannot be read.
pub fn run(arguments: &Arguments) -> Result<()> {
    if arguments.images.iter().filter(|image| *image == Path::new("-")).count() > 1 {
        return Err(Error::Usage("standard input can hold only one image; give - once".into()));
    }
    let file = arguments.pools.read(&arguments.model)?;
    let subject = Subject::of_file(&file, &arguments.model)?;
    let pool = arguments.threads.pool()?;
    let preparation = file.preparation(&arguments.model)?;
    let (mut cases, mut errors) = (Vec::new(), Vec::new());
    let found = arguments.images.iter().flat_map(|argument| match find_images(argument) {
        Ok(found) => found.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    });
    for source in found {
        match source.and_then(|source| arguments.cases(&source, preparation)) {
            Ok(found) => cases.extend(found),
            Err(error) => errors.push(error),
        }
    }
    if !cases.is_empty() || arguments.json {
        let classes = subject.classes();
        let data = pool.install(|| load(&arguments.data, false))?;
        let familiarity = pool.install(|| Familiarity::new(&data.train));
        let inputs: Vec<Input> = cases.iter().map(|case| case.input).collect();
        let predictions = pool.install(|| predict(&subject, &familiarity, &inputs));
        let trained_on = file.trained_on();
        let identity = file.identity(&arguments.model)?;
        if arguments.json {
            let answer = PredictJson {
                model: arguments.model.display().to_string(),
                identity,
                data: &data.name,
                trained_on: trained_on.as_deref(),
                limits: Limits { references: familiarity.references(), image: familiarity.limits },
                images: cases
                    .iter()
                    .zip(&predictions)
                    .map(|(case, prediction)| entry(case, prediction, classes))
                    .collect(),
                errors: errors.iter().map(Error::to_string).collect(),
            };
            println!("{}", serde_json::to_string(&answer).expect("an answer has only numbers and texts"));
        } else {
            if arguments.show {
                for (case, prediction) in cases.iter().zip(&predictions) {
                    print_picture(case, prediction, &familiarity, classes);
                }
            } else {
                print_table(&cases, &predictions, classes);
                println!();
            }
            print_limits(&familiarity, &data.name, trained_on.as_deref());
            if let Some(identity) = identity {
                println!("model identity {identity}");
            }
        }
    }
    // The caller prints the last one.
    let last = errors.pop();
    for error in errors {
        eprintln!("error: {error}");
    }
    last.map_or(Ok(()), Err)
}

impl Arguments {
    /// The inputs that an image stands for.
    fn cases(&self, source: &Source, preparation: Preparation) -> Result<Vec<Case>> {
        let picture = source.read()?;
        let preparation = match self.prepare {
            None if self.several => Preparation::Drawing,
            None => preparation,
            Some(When::Always) => Preparation::Drawing,
            Some(When::Never) => Preparation::AsTheyAre,
        };
        if self.prepare == Some(When::Never) && picture.as_it_is().is_none() {
            let (width, height) = picture.dimensions();
            let problem = format!("it has {width} x {height} pixels; with --prepare never an image must have 28 x 28");
            return Err(Error::File { path: source.to_string().into(), problem });
        }
        let found = inputs(&picture, preparation, self.several);
        let count = found.len();
        let part = |index: usize| (count > 1).then_some([index + 1, count]);
        let cases = found.into_iter().enumerate();
        Ok(cases.map(|(index, input)| Case { source: source.clone(), input, part: part(index) }).collect())
    }
}

fn entry(case: &Case, prediction: &Prediction, classes: &Classes) -> ImageJson {
    let label = |class: usize| classes.label(class).to_owned();
    let top = prediction.top(TOP).into_iter();
    ImageJson {
        image: case.source.to_string(),
        class: prediction.class(),
        label: prediction.class().map(label),
        recognition: prediction.recognition,
        drawings: case.drawings(prediction.recognition),
        place: case.input.place,
        top: top.map(|(class, probability)| ClassJson { class, label: label(class), probability }).collect(),
        entropy: prediction.outputs.entropy(),
        resemblance: prediction.resemblance,
    }
}

fn print_table(cases: &[Case], predictions: &[Prediction], classes: &Classes) {
    let width = classes.labels().iter().map(|label| label.chars().count()).max().unwrap_or_default();
    let (answer, ranked) = (width.max("class".len()), width + 9);
    println!("{:<answer$}  {:<ranked$}  {:<ranked$}  {:<ranked$}  entropy  image", "class", "first", "second", "third");
    for (case, prediction) in cases.iter().zip(predictions) {
        let source = clean(case);
        let Some(class) = prediction.class() else {
            let wide = 3 * ranked + 2 + 2 + 2 + 7;
            println!("{:<answer$}  {:<wide$}  {source}", "none", reason(case, prediction.recognition));
            continue;
        };
        let top: Vec<String> =
            prediction.top(TOP).iter().map(|(class, p)| ranked_class(classes, *class, *p, width)).collect();
        println!(
            "{:<answer$}  {:<wide$}  {:>7.2}  {source}",
            classes.label(class),
            top.join("  "),
            prediction.outputs.entropy(),
            wide = 3 * ranked + 4
        );
    }
}

fn ranked_class(classes: &Classes, class: usize, probability: f64, width: usize) -> String {
    format!("{:<width$} {:>6.2} %", classes.label(class), 100.0 * probability)
}

fn reason(case: &Case, recognition: Recognition) -> String {
    match recognition {
        Recognition::Class => String::new(),
        Recognition::Blank => Reason::Blank.to_string(),
        Recognition::Several => format!("{} drawings; --several reads them one by one", case.drawings(recognition)),
        Recognition::Unfamiliar => "unlike every training image".into(),
        Recognition::NoneOfThese => "none of these".into(),
    }
}

/// Prints an image as the network sees it, with the answer beside it.
fn print_picture(case: &Case, prediction: &Prediction, familiarity: &Familiarity, classes: &Classes) {
    let shades = Shades::of_stdout();
    let mut beside =
        ["", ""].map(String::from).into_iter().chain(beside(case, prediction, familiarity, classes, shades));
    println!("{}", clean(case));
    for line in terminal::lines(&digit(&case.input.pixels), shades) {
        println!("{}", format!("{line}  {}", beside.next().unwrap_or_default()).trim_end_matches(' '));
    }
    println!();
}

/// The lines beside a picture.
fn beside(
    case: &Case,
    prediction: &Prediction,
    familiarity: &Familiarity,
    classes: &Classes,
    shades: Shades,
) -> Vec<String> {
    let block = if shades == Shades::Plain { "#" } else { "█" };
    let mut lines = Vec::new();
    match prediction.class() {
        Some(class) => lines.push(format!("class {}", classes.label(class))),
        None => lines.push(format!("no class; {}", reason(case, prediction.recognition))),
    }
    lines.push(String::new());
    if prediction.class().is_none() {
        lines.push("The network would say:".into());
    }
    let top = prediction.top(TOP);
    let width = top.iter().map(|(class, _)| classes.label(*class).chars().count()).max().unwrap_or_default();
    for (class, probability) in top {
        let bar = block.repeat((probability * BAR as f64).round() as usize);
        lines.push(format!("{}  {bar}", ranked_class(classes, class, probability, width)));
    }
    lines.push(format!("entropy {:.2} of {:.2} bits", prediction.outputs.entropy(), (classes.count() as f64).log2()));
    lines.push(String::new());
    if prediction.recognition == Recognition::Blank {
        return lines;
    }
    let (image, limits) = (prediction.resemblance, familiarity.limits);
    lines.push("The nearest training images:".into());
    lines.push(format!("distance    {:>5.2}, at most  {:.2}", image.distance, limits.distance));
    lines.push(format!("correlation {:>5.2}, at least {:.2}", image.correlation, limits.correlation));
    lines
}

fn print_limits(familiarity: &Familiarity, data: &str, trained_on: Option<&str>) {
    let (references, limits) = (thousands(familiarity.references()), familiarity.limits);
    println!("An image must resemble one of {references} training images of {data}:");
    println!(
        "distance at most {:.2}, correlation at least {:.2}. Each limit alone would reject",
        limits.distance, limits.correlation
    );
    println!("at most one in a thousand of these training images.");
    if let Some(trained_on) = trained_on.filter(|name| *name != data) {
        println!("note: the network was trained on {trained_on}; give that data set with --data");
    }
}

impl Case {
    /// How many drawings the input stands for.
    fn drawings(&self, recognition: Recognition) -> usize {
        match self.input.refused {
            Some(Reason::Several(count)) => count,
            _ => usize::from(recognition != Recognition::Blank),
        }
    }
}

/// A name for the terminal, with control characters replaced; of several drawings, which one it is and where.
fn clean(case: &Case) -> String {
    let name: String = case.source.to_string().chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    match (case.part, case.input.place) {
        (Some([index, count]), Some(Place { left, top, width, height })) => {
            format!("{name}, {index} of {count}: {width} x {height} at {left}, {top}")
        }
        _ => name,
    }
}
