//! Times each layer in lanes, forward and backward, for one group of sixteen images on every instruction set of this
//! processor.
//!
//! The elements of the throughput are multiply-accumulates in convolutions and fully connected layers, values read in
//! pools, pixels in the preparation of input, and images in the cross-entropy. Multiply-accumulates that conv1 skips
//! because their input is blank count as done, so the throughput shows what skipping gains.

use std::hint::black_box;
use std::time::Duration;

use bytemuck::Zeroable;
use criterion::{Criterion, Throughput};
use host_trainer::data::{Split, digits_10k};
use host_trainer::network::lanes::{
    Arrays, ArraysMut, Group, InstructionSet, LANES, Lanes, Map, conv2d, cross_entropy, linear, pool2d,
};
use host_trainer::network::{Initialization, Parameters};
use host_trainer::training::{Augmentation, Augmenter};
use lenet_core::{IMAGE_BYTES, Pixels, Pools};
use pulp::{Simd, WithSimd};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// One pass over a layer, in the order of a training step.
#[derive(Clone, Copy)]
enum LayerPass {
    Conv1Forward,
    Pool1Forward,
    Conv2Forward,
    Pool2Forward,
    Fc1Forward,
    Fc2Forward,
    Fc3Forward,
    Fc3Parameters,
    Fc3Input,
    Fc2Parameters,
    Fc2Input,
    Fc1Parameters,
    Fc1Input,
    Pool2Backward,
    Conv2Parameters,
    Conv2Input,
    Pool1Backward,
    Conv1Parameters,
}

/// Each pass, its name, and its number of elements per image.
const PASSES: [(LayerPass, &str, u64); 18] = [
    (LayerPass::Conv1Forward, "conv1 forward", 86_400),
    (LayerPass::Pool1Forward, "pool1 forward", 3_456),
    (LayerPass::Conv2Forward, "conv2 forward", 153_600),
    (LayerPass::Pool2Forward, "pool2 forward", 1_024),
    (LayerPass::Fc1Forward, "fc1 forward", 30_720),
    (LayerPass::Fc2Forward, "fc2 forward", 10_080),
    (LayerPass::Fc3Forward, "fc3 forward", 840),
    (LayerPass::Fc3Parameters, "fc3 backward, parameters", 840),
    (LayerPass::Fc3Input, "fc3 backward, input", 840),
    (LayerPass::Fc2Parameters, "fc2 backward, parameters", 10_080),
    (LayerPass::Fc2Input, "fc2 backward, input", 10_080),
    (LayerPass::Fc1Parameters, "fc1 backward, parameters", 30_720),
    (LayerPass::Fc1Input, "fc1 backward, input", 30_720),
    (LayerPass::Pool2Backward, "pool2 backward", 1_024),
    (LayerPass::Conv2Parameters, "conv2 backward, parameters", 153_600),
    (LayerPass::Conv2Input, "conv2 backward, input", 153_600),
    (LayerPass::Pool1Backward, "pool1 backward", 3_456),
    (LayerPass::Conv1Parameters, "conv1 backward, parameters", 86_400),
];

/// What the layers read and write for sixteen images.
struct Data {
    parameters: Parameters<f32>,
    gradient: Parameters<f32>,
    tensors: Box<Tensors>,
}

/// The tensors.
#[derive(Zeroable)]
struct Tensors {
    input: Map<1, 28>,
    /// Which tiles of conv1's input are blank, as the group stores it.
    blank: [[u8; 24 / conv2d::TILE]; 28],
    targets: [Lanes; 10],
    conv1: Map<6, 24>,
    pool1: Map<6, 12>,
    conv2: Map<16, 8>,
    pool2: Map<16, 4>,
    fc1: [Lanes; 120],
    fc2: [Lanes; 84],
    logits: [Lanes; 10],
    d_logits: [Lanes; 10],
    d_fc2: [Lanes; 84],
    d_fc1: [Lanes; 120],
    d_pool2: Map<16, 4>,
    d_conv2: Map<16, 8>,
    d_pool1: Map<6, 12>,
    d_conv1: Map<6, 24>,
}

impl Data {
    /// Filled by a pass of an untrained network over real digits.
    fn new(images: &Split) -> Self {
        let parameters = Parameters::init(Initialization::PyTorch, 10, &mut ChaCha8Rng::seed_from_u64(1));
        let mut all = Self { parameters, gradient: Parameters::zeros(10), tensors: bytemuck::zeroed_box() };
        let data = &mut all.tensors;
        for lane in 0..LANES {
            data.targets[usize::from(images.labels()[lane])].0[lane] = 1.0;
            for (place, pixel) in images.pixels(lane).iter().enumerate() {
                data.input[0][place / 28][place % 28].0[lane] = f32::from(*pixel) / 255.0;
            }
        }
        for (blank, row) in data.blank.iter_mut().zip(&data.input[0]) {
            for (tile, blank) in blank.iter_mut().enumerate() {
                let taps = &row[tile * conv2d::TILE..][..conv2d::TAPS];
                *blank = u8::from(taps.iter().all(|lanes| *lanes == Lanes::ZERO));
            }
        }
        for (pass, ..) in PASSES {
            let data = &mut all.tensors;
            match pass {
                LayerPass::Fc3Parameters => {
                    let (_, gradient) = data.cross_entropy();
                    data.d_logits.copy_from_slice(&gradient);
                }
                // The backward passes of pools work in place, on the input of the forward pass.
                LayerPass::Pool2Backward => data.d_conv2 = data.conv2,
                LayerPass::Pool1Backward => data.d_conv1 = data.conv1,
                _ => (),
            }
            InstructionSet::detect().run(Run { pass, data: &mut all });
        }
        all
    }
}

impl Tensors {
    fn cross_entropy(&self) -> (f64, Vec<Lanes>) {
        cross_entropy::loss_and_gradient(&self.logits, &self.targets, 1.0 / LANES as f32)
    }
}

struct Run<'a> {
    pass: LayerPass,
    data: &'a mut Data,
}

impl WithSimd for Run<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { pass, data } = self;
        let Arrays { before: p, fc3_weight, fc3_bias } = Arrays::of(&data.parameters);
        let ArraysMut { before: g, fc3_weight: d_weight, fc3_bias: d_bias } = ArraysMut::of(&mut data.gradient);
        let data = &mut *data.tensors;
        let features: &[Lanes; 256] = bytemuck::cast_ref(&data.pool2);
        let blank = |y: usize, x: usize| data.blank[y][x / conv2d::TILE] != 0;
        let Pools { pool1, pool2 } = Pools::default();
        match pass {
            LayerPass::Conv1Forward => {
                conv2d::forward::<_, _, _, _, _, true>(
                    simd,
                    &data.input,
                    &p.conv1_weight,
                    &p.conv1_bias,
                    &mut data.conv1,
                    blank,
                );
            }
            LayerPass::Pool1Forward => pool2d::forward(simd, pool1, &data.conv1, &mut data.pool1),
            LayerPass::Conv2Forward => {
                conv2d::forward::<_, _, _, _, _, true>(
                    simd,
                    &data.pool1,
                    &p.conv2_weight,
                    &p.conv2_bias,
                    &mut data.conv2,
                    |_, _| false,
                );
            }
            LayerPass::Pool2Forward => pool2d::forward(simd, pool2, &data.conv2, &mut data.pool2),
            LayerPass::Fc1Forward => {
                linear::forward::<_, _, 12, true>(simd, features, &p.fc1_weight, &p.fc1_bias, &mut data.fc1);
            }
            LayerPass::Fc2Forward => {
                linear::forward::<_, _, 12, true>(simd, &data.fc1, &p.fc2_weight, &p.fc2_bias, &mut data.fc2);
            }
            LayerPass::Fc3Forward => {
                linear::forward::<_, _, 10, false>(simd, &data.fc2, fc3_weight, fc3_bias, &mut data.logits);
            }
            LayerPass::Fc3Parameters => {
                let (rows, d) = (linear::rows::<_, 6>(&data.fc2), &data.d_logits);
                linear::backward_parameters::<_, _, _, 10>(simd, &rows, d, d_weight, d_bias);
            }
            LayerPass::Fc3Input => {
                let (input, d) = (&data.fc2, &data.d_logits);
                linear::backward_input::<_, _, 12, true>(simd, input, fc3_weight, d, &mut data.d_fc2);
            }
            LayerPass::Fc2Parameters => {
                let (rows, d) = (linear::rows::<_, 8>(&data.fc1), &data.d_fc2);
                linear::backward_parameters::<_, _, _, 12>(simd, &rows, d, &mut g.fc2_weight, &mut g.fc2_bias);
            }
            LayerPass::Fc2Input => {
                let (input, d) = (&data.fc1, &data.d_fc2);
                linear::backward_input::<_, _, 12, true>(simd, input, &p.fc2_weight, d, &mut data.d_fc1);
            }
            LayerPass::Fc1Parameters => {
                let (rows, d) = (linear::rows::<_, 16>(features), &data.d_fc1);
                linear::backward_parameters::<_, _, _, 12>(simd, &rows, d, &mut g.fc1_weight, &mut g.fc1_bias);
            }
            LayerPass::Fc1Input => {
                let (d, d_features) = (&data.d_fc1, bytemuck::cast_mut(&mut data.d_pool2));
                linear::backward_input::<_, _, 16, false>(simd, features, &p.fc1_weight, d, d_features);
            }
            LayerPass::Pool2Backward => pool2d::backward(simd, pool2, &mut data.d_conv2, &data.d_pool2),
            LayerPass::Conv2Parameters => {
                let (input, d) = (&data.pool1, &data.d_conv2);
                conv2d::backward_parameters(simd, input, d, &mut g.conv2_weight, &mut g.conv2_bias, |_, _| false);
            }
            LayerPass::Conv2Input => conv2d::backward_input(simd, &p.conv2_weight, &data.d_conv2, &mut data.d_pool1),
            LayerPass::Pool1Backward => pool2d::backward(simd, pool1, &mut data.d_conv1, &data.d_pool1),
            LayerPass::Conv1Parameters => {
                let (input, d) = (&data.input, &data.d_conv1);
                conv2d::backward_parameters(simd, input, d, &mut g.conv1_weight, &mut g.conv1_bias, blank);
            }
        }
    }
}

fn layers(criterion: &mut Criterion, images: &Split) {
    let mut data = Data::new(images);
    for (pass, name, elements) in PASSES {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(LANES as u64 * elements));
        for set in InstructionSet::available() {
            group.bench_function(set.to_string(), |bencher| {
                bencher.iter(|| set.run(Run { pass, data: black_box(&mut data) }));
            });
        }
        group.finish();
    }

    // The same code for every instruction set.
    let mut group = criterion.benchmark_group("cross entropy");
    group.throughput(Throughput::Elements(LANES as u64));
    group.bench_function("portable", |bencher| bencher.iter(|| black_box(&data.tensors).cross_entropy()));
    group.finish();
}

fn input(criterion: &mut Criterion, images: &Split) {
    let pixels: Vec<&Pixels> = (0..LANES).map(|image| images.pixels(image)).collect();
    let mut lanes = Group::new();
    let mut group = criterion.benchmark_group("set images");
    group.throughput(Throughput::Elements((LANES * IMAGE_BYTES) as u64));
    group.bench_function("portable", |bencher| {
        bencher.iter(|| black_box(&mut lanes).set_images(black_box(&pixels)));
    });
    group.finish();

    let augmenter = Augmenter::new(Augmentation::DIGITS, ChaCha8Rng::seed_from_u64(1));
    let mut group = criterion.benchmark_group("distort one image");
    group.throughput(Throughput::Elements(IMAGE_BYTES as u64));
    for set in InstructionSet::available() {
        let mut indices = (0..images.len()).cycle();
        group.bench_function(set.to_string(), |bencher| {
            bencher.iter(|| {
                let index = indices.next().expect("a cycle has no end");
                augmenter.distort(set, index, images.pixels(index))
            });
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(400))
        .sample_size(20)
        .nresamples(5_000)
        .configure_from_args();
    let images = digits_10k().train;
    layers(&mut criterion, &images);
    input(&mut criterion, &images);
    criterion.final_summary();
}
