//! The benchmark: what an inference costs in instructions or cycles, RAM and code.
//!
//! Every image is classified four times: dense (blank input is computed like any other) and with blank input skipped,
//! and both once with a reading of the counter after each layer and once without, so that these readings do not count
//! towards the total. The last line of the output is a JSON object for other programs.

use core::fmt::{self, Write};
use core::hint::black_box;

use heapless::String;
use lenet_core::architecture::{POOL1_SIDE, POOL2_SIDE};
use lenet_core::checksum::Crc32;
use lenet_core::{Blank, IMAGE_BYTES, Layer, LeNet5, Logits, Pixels, Workspace};

use crate::arch::{self, Check, Counter, stack};
use crate::arguments::Arguments;
use crate::console::Console;
use crate::failure::Failure;
use crate::images::Images;
use crate::text::{About, Hundredths};
use crate::{board, inference, slot};

const LAYERS: usize = Layer::ALL.len();

/// The size of a network without its workspace: the references to the parameters in flash.
const MODEL_HANDLE_BYTES: usize = size_of::<LeNet5<'_>>() - Workspace::BYTES;

/// The multiply-accumulate operations of a layer: each weight is used once at every position of the output.
const fn macs(layer: Layer, classes: usize) -> u32 {
    let side = match layer {
        Layer::Conv1 => 2 * POOL1_SIDE,
        Layer::Conv2 => 2 * POOL2_SIDE,
        Layer::Fc1 | Layer::Fc2 | Layer::Fc3 => 1,
    };
    (side * side * layer.outputs(classes) * layer.weights_per_output()) as u32
}

/// Runs the benchmark.
///
/// # Errors
/// When the model, the image file or the command line is invalid, when there is no exact counter or an inference takes
/// longer than it can count, when the output cannot be printed, and when skipping changes a logit.
pub fn run(console: &mut Console) -> Result<(), Failure> {
    let model = slot::model()?;
    let mut images = Images::open(Arguments::read()?)?;
    let (mut counter, check) = Counter::calibrate()?;
    writeln!(console, "LeNet-5 on {} ({}), {} images", board::NAME, board::CORE, images.count())?;
    writeln!(console, "{}", About(&model))?;
    introduce(console, &counter, check)?;

    let mut network = LeNet5::new(model);
    let mut pixels = [0; IMAGE_BYTES];
    let mut figures = Figures::default();
    let mut crc = Crc32::new();
    while let Some(image) = images.read_next(&mut pixels)? {
        if image == 0 {
            figures.stack = stack_of_inference(&mut network, &pixels);
        }
        let dense = measure(&mut network, &pixels, Blank::Compute, &mut counter, &mut figures.dense);
        let skipping = measure(&mut network, &pixels, Blank::Skip, &mut counter, &mut figures.skipping);
        if dense.values() != skipping.values() {
            return Err(Failure::SkippingDiffers { image, layer: "logits" });
        }
        crc.update_logits(&dense);
    }
    counter.check_range()?;
    print_counts(console, &counter, &figures, model.classes())?;
    print_memory(console, &figures)?;
    Json { counter: &counter, figures: &figures, images: images.count(), crc32: crc.finish() }.print(console)
}

/// The measurements.
#[derive(Default)]
struct Figures {
    dense: Counts,
    skipping: Counts,
    stack: usize,
}

impl Figures {
    /// Bytes of RAM that an inference needs in total.
    fn ram(&self) -> usize {
        size_of::<LeNet5<'_>>() + IMAGE_BYTES + self.stack
    }
}

#[derive(Default)]
struct Counts {
    layers: [Range; LAYERS],
    total: Range,
}

/// The first, lowest, highest and mean count over all images.
#[derive(Clone, Copy, Default)]
struct Range {
    first: u32,
    least: u32,
    most: u32,
    sum: u64,
    count: u32,
}

impl Range {
    fn add(&mut self, value: u32) {
        if self.count == 0 {
            (self.first, self.least) = (value, value);
        }
        self.least = self.least.min(value);
        self.most = self.most.max(value);
        self.sum += u64::from(value);
        self.count += 1;
    }

    /// The mean, rounded.
    fn mean(&self) -> u32 {
        let count = u64::from(self.count.max(1));
        ((self.sum + count / 2) / count) as u32
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9}{:>9}{:>9}", self.least, self.mean(), self.most)
    }
}

/// Counts the inference of one image, first layer by layer and then as a whole.
fn measure(
    network: &mut LeNet5<'_>,
    pixels: &Pixels,
    blank: Blank,
    counter: &mut Counter,
    counts: &mut Counts,
) -> Logits {
    counter.start();
    let mut ranges = counts.layers.iter_mut();
    let logits = network.classify_with(pixels, blank, |_layer| {
        let count = counter.stop();
        if let Some(range) = ranges.next() {
            range.add(count);
        }
        counter.start();
    });
    // Otherwise the compiler could remove the computation, because nothing else uses these logits.
    black_box(logits);

    counter.start();
    let logits = inference::classify(network, pixels, blank);
    counts.total.add(counter.stop());
    logits
}

/// Bytes of stack that an inference needs, dense or with skipping, whichever is more.
fn stack_of_inference(network: &mut LeNet5<'_>, pixels: &Pixels) -> usize {
    let call = |blank| {
        let mut call = Call { network: &mut *network, pixels, blank };
        stack::used_by(Call::run, &mut call)
    };
    [Blank::Compute, Blank::Skip].map(call).into_iter().max().unwrap_or_default()
}

struct Call<'a, 'm> {
    network: &'a mut LeNet5<'m>,
    pixels: &'a Pixels,
    blank: Blank,
}

impl Call<'_, '_> {
    fn run(&mut self) {
        inference::classify(self.network, self.pixels, self.blank);
    }
}

fn introduce(console: &mut Console, counter: &Counter, check: Check) -> Result<(), Failure> {
    let Check { length, expected, counted, tolerance } = check;
    writeln!(console, "counter: {}, exact to within {}", counter.unit(), counter.uncertainty())?;
    if let Some(instructions) = counter.instructions_of_1000_ticks() {
        writeln!(console, "one SysTick tick: {}.{:03} instructions", instructions / 1000, instructions % 1000)?;
    }
    writeln!(console, "check: a loop of {length} instructions; expected {expected} +- {tolerance}, counted {counted}")?;
    Ok(())
}

fn print_counts(console: &mut Console, counter: &Counter, figures: &Figures, classes: usize) -> Result<(), Failure> {
    let Figures { dense, skipping, .. } = figures;
    writeln!(console, "\n      {:^27}{:^27}{:>9}{:>8}", "dense", "skipping", "", "dense")?;
    writeln!(
        console,
        "layer {0:>9}{1:>9}{2:>9}{0:>9}{1:>9}{2:>9}{3:>9}{4:>8}",
        "minimum", "mean", "maximum", "MACs", "per MAC"
    )?;
    let mut row = |name: &str, dense: &Range, skipping: &Range, macs: u32| {
        let per_mac = Hundredths::of(dense.mean(), macs);
        writeln!(console, "{name:<5} {dense}{skipping}{macs:>9}{per_mac:>8}")
    };
    for ((layer, dense), skipping) in Layer::ALL.into_iter().zip(&dense.layers).zip(&skipping.layers) {
        let mut name = String::<5>::new();
        write!(name, "{layer}")?;
        row(&name, dense, skipping, macs(layer, classes))?;
    }
    row("total", &dense.total, &skipping.total, Layer::ALL.into_iter().map(|layer| macs(layer, classes)).sum())?;
    writeln!(console, "first image, dense: {} {}", dense.total.first, counter.unit().name())?;
    if let Some(estimates) = estimates(board::CORE) {
        writeln!(console, "\nestimated cycles (instructions) per MAC in the inner loops; see KERNELS.md")?;
        writeln!(console, "{estimates}")?;
    }
    Ok(())
}

/// Estimates of cycles, because instructions are not cycles: for the inner loops in use and for the alternatives, on
/// the cores that have a table of instruction timings in their manual. `lenet-core/KERNELS.md` shows the calculation.
fn estimates(core: &str) -> Option<&'static str> {
    match core {
        "Cortex-M0" => Some(
            "  convolutions 3.7 (2.5); with weights as bytes 4.5 (3.3)\n\
             \x20 dense        5.0 (4.0)",
        ),
        "Cortex-M3" => Some(
            "  convolutions 1.6 to 2.5 (0.45); by MLA 4 (2.0)\n\
             \x20 dense        4.0 (2.25); by LDRSB, LDRSH 4.6 (2.1), so not used",
        ),
        "Cortex-M4F" => Some(
            "  convolutions 0.69 (0.45); by SMLAD 1.06 (0.75)\n\
             \x20 dense        1.4 (0.88); one output at a time 1.9 (1.2)",
        ),
        _ => None,
    }
}

fn print_memory(console: &mut Console, figures: &Figures) -> Result<(), Failure> {
    writeln!(console, "\nRAM of an inference in bytes")?;
    writeln!(console, "  workspace    {:>6}", Workspace::BYTES)?;
    writeln!(console, "  model handle {MODEL_HANDLE_BYTES:>6}  references to the parameters in flash")?;
    writeln!(console, "  image        {IMAGE_BYTES:>6}")?;
    writeln!(console, "  stack        {:>6}  to the deepest word written", figures.stack)?;
    writeln!(console, "  sum          {:>6}", figures.ram())?;
    writeln!(console, "code of an inference, without the model check: {} bytes\n", arch::inference_bytes())?;
    Ok(())
}

/// The figures as one line of JSON, for other programs.
struct Json<'a> {
    counter: &'a Counter,
    figures: &'a Figures,
    images: usize,
    crc32: u32,
}

impl Json<'_> {
    fn print(&self, console: &mut Console) -> Result<(), Failure> {
        let Self { counter, figures: Figures { dense, skipping, stack }, images, crc32 } = self;
        write!(console, r#"{{"board":"{}","core":"{}","#, board::NAME, board::CORE)?;
        write!(console, r#""counter":"{}","images":{images},"#, counter.unit().name())?;
        write!(console, r#""dense":{},"skip_min":{},"#, dense.total.first, skipping.total.least)?;
        write!(console, r#""skip_mean":{},"skip_max":{},"#, skipping.total.mean(), skipping.total.most)?;
        let mut before = r#""layers":{"#;
        for (layer, range) in Layer::ALL.iter().zip(&dense.layers) {
            write!(console, r#"{before}"{layer}":{}"#, range.first)?;
            before = ",";
        }
        write!(console, r#"}},"workspace":{},"model":{},"#, Workspace::BYTES, MODEL_HANDLE_BYTES)?;
        write!(console, r#""image":{IMAGE_BYTES},"stack":{stack},"ram":{},"#, self.figures.ram())?;
        writeln!(console, r#""code":{},"crc32":"{crc32:08x}"}}"#, arch::inference_bytes())?;
        Ok(())
    }
}
