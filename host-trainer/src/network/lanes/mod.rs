//! The fast implementation: computes sixteen images at once, one in each SIMD lane.
//!
//! The innermost dimension of every array is the image: a [`Lanes`] holds one pixel, one activation or one gradient of
//! sixteen images. So every layer, however odd its size, is arithmetic on whole vectors, and each weight is broadcast
//! to all lanes. Values are combined across lanes only where a gradient is summed over images.
//!
//! Functions are generic over the instruction set, `S: Simd`. One of its vectors holds all sixteen lanes or a part of
//! them (see `parts`). All instruction sets with fused multiply-add give the same bits. The shapes in the docs leave
//! out the lane dimension.

#![allow(clippy::needless_range_loop, reason = "the layers are written with the indices of their formulas")]

pub mod conv2d;
pub mod cross_entropy;
pub mod linear;
mod pass;
pub mod pool2d;
mod simulated_int8;
mod vector;

use bytemuck::{Pod, Zeroable};
use lenet_core::architecture::{
    CONV1_CHANNELS, CONV2_CHANNELS, FC1_INPUTS, FC1_OUTPUTS, FC2_OUTPUTS, IMAGE_SIDE, POOL1_SIDE, POOL2_SIDE,
};
use lenet_core::labels::MAX_CLASSES;
use lenet_core::{IMAGE_BYTES, Pixels, Pools, argmax};
use pulp::{Simd, WithSimd};

use super::Parameters;
pub use lenet_core::workstation::InstructionSet;
pub use pass::Pass;
pub use simulated_int8::SimulatedInt8;
pub use vector::{LANES, Lanes, Map};

const CONV1_SIDE: usize = 2 * POOL1_SIDE;
const CONV2_SIDE: usize = 2 * POOL2_SIDE;

/// The real value of each pixel value, `p / 255`.
const REAL_PIXELS: [f32; 256] = {
    let mut values = [0.0; 256];
    let mut pixel = 0;
    while pixel < 256 {
        values[pixel] = pixel as f32 / 255.0;
        pixel += 1;
    }
    values
};

/// The parameters of the layers before fc3 as the fixed-size arrays that these layers take, in the order of
/// [`super::NAMES`].
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct BeforeFc3 {
    /// `[6, 1, 5, 5]`.
    pub conv1_weight: conv2d::Weight<1, CONV1_CHANNELS>,
    /// `[6]`.
    pub conv1_bias: [f32; CONV1_CHANNELS],
    /// `[16, 6, 5, 5]`.
    pub conv2_weight: conv2d::Weight<CONV1_CHANNELS, CONV2_CHANNELS>,
    /// `[16]`.
    pub conv2_bias: [f32; CONV2_CHANNELS],
    /// `[120, 256]`, columns in CHW order.
    pub fc1_weight: [[f32; FC1_INPUTS]; FC1_OUTPUTS],
    /// `[120]`.
    pub fc1_bias: [f32; FC1_OUTPUTS],
    /// `[84, 120]`.
    pub fc2_weight: [[f32; FC1_OUTPUTS]; FC2_OUTPUTS],
    /// `[84]`.
    pub fc2_bias: [f32; FC2_OUTPUTS],
}

/// Views of the network's parameters as the arrays that the layers take.
#[derive(Clone, Copy)]
pub struct Arrays<'a> {
    /// All layers but the last.
    pub before: &'a BeforeFc3,
    /// `[classes, 84]`.
    pub fc3_weight: &'a [[f32; FC2_OUTPUTS]],
    /// `[classes]`.
    pub fc3_bias: &'a [f32],
}

impl<'a> Arrays<'a> {
    /// Views parameters as arrays.
    pub fn of(parameters: &'a Parameters<f32>) -> Self {
        let (before, fc3) = parameters.values().split_at(BEFORE_FC3);
        let (fc3_weight, fc3_bias) = fc3.split_at(parameters.classes() * FC2_OUTPUTS);
        Self {
            before: bytemuck::from_bytes(bytemuck::cast_slice(before)),
            fc3_weight: fc3_weight.as_chunks().0,
            fc3_bias,
        }
    }
}

/// As [`Arrays`], mutable.
pub struct ArraysMut<'a> {
    /// All layers but the last.
    pub before: &'a mut BeforeFc3,
    /// `[classes, 84]`.
    pub fc3_weight: &'a mut [[f32; FC2_OUTPUTS]],
    /// `[classes]`.
    pub fc3_bias: &'a mut [f32],
}

impl<'a> ArraysMut<'a> {
    /// Views parameters as mutable arrays.
    pub fn of(parameters: &'a mut Parameters<f32>) -> Self {
        let weights = parameters.classes() * FC2_OUTPUTS;
        let (before, fc3) = parameters.values_mut().split_at_mut(BEFORE_FC3);
        let (fc3_weight, fc3_bias) = fc3.split_at_mut(weights);
        Self {
            before: bytemuck::from_bytes_mut(bytemuck::cast_slice_mut(before)),
            fc3_weight: fc3_weight.as_chunks_mut().0,
            fc3_bias,
        }
    }
}

/// Number of parameters before fc3.
const BEFORE_FC3: usize = size_of::<BeforeFc3>() / size_of::<f32>();

/// What a forward pass in int8 leaves besides the activations.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Trace {
    /// 1 where an output of fc1 was not clamped, else 0.
    fc1: [Lanes; FC1_OUTPUTS],
    /// The same for fc2.
    fc2: [Lanes; FC2_OUTPUTS],
    /// The same for the logits.
    logits: [Lanes; MAX_CLASSES],
    /// Highest real output of each layer before it was rounded and clamped.
    highest: [Lanes; 5],
    lowest_logit: Lanes,
}

/// All activations and gradients of sixteen images. [`Group::backward`] overwrites the convolutions' outputs with their
/// gradients once it no longer needs them.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Group {
    input: Map<1, IMAGE_SIDE>,
    conv1: Map<CONV1_CHANNELS, CONV1_SIDE>,
    pool1: Map<CONV1_CHANNELS, POOL1_SIDE>,
    conv2: Map<CONV2_CHANNELS, CONV2_SIDE>,
    pool2: Map<CONV2_CHANNELS, POOL2_SIDE>,
    fc1: [Lanes; FC1_OUTPUTS],
    fc2: [Lanes; FC2_OUTPUTS],
    logits: [Lanes; MAX_CLASSES],
    d_fc2: [Lanes; FC2_OUTPUTS],
    d_fc1: [Lanes; FC1_OUTPUTS],
    d_pool2: Map<CONV2_CHANNELS, POOL2_SIDE>,
    d_pool1: Map<CONV1_CHANNELS, POOL1_SIDE>,
    trace: Trace,
    /// For each input row and each of conv1's tiles: 1 if the tile's inputs are zero in all lanes, as they are at the
    /// border of a digit, else 0.
    blank: [[u8; CONV1_SIDE / conv2d::TILE]; IMAGE_SIDE],
    /// Number of classes of the network that was run last; the other logits are unused.
    classes: u32,
    padding: [u8; 40],
}

impl Group {
    /// An empty group, on the heap because it is large.
    pub fn new() -> Box<Self> {
        bytemuck::zeroed_box()
    }

    /// Puts images into the lanes; unused lanes become blank. The real input is `p / 255`.
    ///
    /// # Panics
    /// When there are more than sixteen images.
    pub fn set_images(&mut self, images: &[&Pixels]) {
        assert!(images.len() <= LANES, "{} images do not fit into {LANES} lanes", images.len());
        let mut lanes = [&[0; IMAGE_BYTES]; LANES];
        lanes[..images.len()].copy_from_slice(images);
        let mut zero = [[false; IMAGE_SIDE]; IMAGE_SIDE];
        let places = self.input.as_flattened_mut().as_flattened_mut().iter_mut().zip(zero.as_flattened_mut());
        for (place, (values, zero)) in places.enumerate().take(IMAGE_BYTES) {
            let pixels = lanes.map(|image| image[place]);
            values.0 = pixels.map(|pixel| REAL_PIXELS[usize::from(pixel)]);
            *zero = u128::from_ne_bytes(pixels) == 0;
        }
        for (blank, zero) in self.blank.iter_mut().zip(&zero) {
            for (tile, blank) in blank.iter_mut().enumerate() {
                *blank = u8::from(zero[tile * conv2d::TILE..][..conv2d::TAPS].iter().all(|zero| *zero));
            }
        }
    }

    /// Output of conv1 after its ReLU, `[6, 24, 24]`.
    pub fn conv1(&self) -> &Map<CONV1_CHANNELS, CONV1_SIDE> {
        &self.conv1
    }

    /// Output of pool1, `[6, 12, 12]`.
    pub fn pool1(&self) -> &Map<CONV1_CHANNELS, POOL1_SIDE> {
        &self.pool1
    }

    /// Output of conv2 after its ReLU, `[16, 8, 8]`.
    pub fn conv2(&self) -> &Map<CONV2_CHANNELS, CONV2_SIDE> {
        &self.conv2
    }

    /// Output of pool2, `[16, 4, 4]`.
    pub fn pool2(&self) -> &Map<CONV2_CHANNELS, POOL2_SIDE> {
        &self.pool2
    }

    /// Output of fc1 after its ReLU, `[120]`.
    pub fn fc1(&self) -> &[Lanes; FC1_OUTPUTS] {
        &self.fc1
    }

    /// Output of fc2 after its ReLU, `[84]`.
    pub fn fc2(&self) -> &[Lanes; FC2_OUTPUTS] {
        &self.fc2
    }

    /// Output of fc3, `[classes]`. Empty before the first forward pass.
    pub fn logits(&self) -> &[Lanes] {
        &self.logits[..self.classes as usize]
    }

    /// The predicted class of each lane.
    pub fn classes(&self) -> [usize; LANES] {
        std::array::from_fn(|lane| argmax(self.logits().iter().map(|logit| logit.0[lane])))
    }

    /// Computes every activation of the images.
    pub fn forward(&mut self, set: InstructionSet, parameters: &Parameters<f32>, pools: Pools) {
        set.run(Forward { group: self, parameters: Arrays::of(parameters), pools });
    }

    /// Adds the gradient with respect to every parameter to `gradient`, from the gradient with respect to the logits,
    /// `[classes]`. Overwrites the convolutions' outputs.
    pub fn backward(
        &mut self,
        set: InstructionSet,
        parameters: &Parameters<f32>,
        pools: Pools,
        d_logits: &[Lanes],
        gradient: &mut Parameters<f32>,
    ) {
        let (parameters, gradient) = (Arrays::of(parameters), ArraysMut::of(gradient));
        set.run(Backward { group: self, parameters, pools, int8: false, d_logits, gradient });
    }
}

struct Forward<'a> {
    group: &'a mut Group,
    parameters: Arrays<'a>,
    pools: Pools,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (g, p) = (self.group, self.parameters.before);
        let Arrays { fc3_weight, fc3_bias, .. } = self.parameters;
        g.classes = fc3_bias.len() as u32;
        let blank = |y: usize, x: usize| g.blank[y][x / conv2d::TILE] != 0;
        conv2d::forward::<_, _, _, _, _, true>(simd, &g.input, &p.conv1_weight, &p.conv1_bias, &mut g.conv1, blank);
        pool2d::forward(simd, self.pools.pool1, &g.conv1, &mut g.pool1);
        let none = |_, _| false;
        conv2d::forward::<_, _, _, _, _, true>(simd, &g.pool1, &p.conv2_weight, &p.conv2_bias, &mut g.conv2, none);
        pool2d::forward(simd, self.pools.pool2, &g.conv2, &mut g.pool2);
        let features: &[Lanes; FC1_INPUTS] = bytemuck::cast_ref(&g.pool2);
        linear::forward::<_, _, 12, true>(simd, features, &p.fc1_weight, &p.fc1_bias, &mut g.fc1);
        linear::forward::<_, _, 12, true>(simd, &g.fc1, &p.fc2_weight, &p.fc2_bias, &mut g.fc2);
        let logits = &mut g.logits[..fc3_bias.len()];
        linear::forward::<_, _, 10, false>(simd, &g.fc2, fc3_weight, fc3_bias, logits);
    }
}

struct Backward<'a> {
    group: &'a mut Group,
    parameters: Arrays<'a>,
    pools: Pools,
    /// Whether the forward pass was in int8.
    int8: bool,
    d_logits: &'a [Lanes],
    gradient: ArraysMut<'a>,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (g, p, d) = (self.group, self.parameters.before, self.gradient.before);
        let (fc3_weight, d_logits) = (self.parameters.fc3_weight, self.d_logits);
        let (active1, active2) = if self.int8 { (&g.trace.fc1, &g.trace.fc2) } else { (&g.fc1, &g.fc2) };
        let rows = linear::rows::<_, 6>(&g.fc2);
        let (d_weight, d_bias) = (self.gradient.fc3_weight, self.gradient.fc3_bias);
        linear::backward_parameters::<_, _, _, 10>(simd, &rows, d_logits, d_weight, d_bias);
        linear::backward_input::<_, _, 12, true>(simd, active2, fc3_weight, d_logits, &mut g.d_fc2);

        let rows = linear::rows::<_, 8>(&g.fc1);
        linear::backward_parameters::<_, _, _, 12>(simd, &rows, &g.d_fc2, &mut d.fc2_weight, &mut d.fc2_bias);
        linear::backward_input::<_, _, 12, true>(simd, active1, &p.fc2_weight, &g.d_fc2, &mut g.d_fc1);

        let features: &[Lanes; FC1_INPUTS] = bytemuck::cast_ref(&g.pool2);
        let rows = linear::rows::<_, 16>(features);
        linear::backward_parameters::<_, _, _, 12>(simd, &rows, &g.d_fc1, &mut d.fc1_weight, &mut d.fc1_bias);
        let d_features = bytemuck::cast_mut(&mut g.d_pool2);
        linear::backward_input::<_, _, 16, false>(simd, features, &p.fc1_weight, &g.d_fc1, d_features);

        pool2d::backward(simd, self.pools.pool2, &mut g.conv2, &g.d_pool2);
        conv2d::backward_parameters(simd, &g.pool1, &g.conv2, &mut d.conv2_weight, &mut d.conv2_bias, |_, _| false);
        conv2d::backward_input(simd, &p.conv2_weight, &g.conv2, &mut g.d_pool1);

        pool2d::backward(simd, self.pools.pool1, &mut g.conv1, &g.d_pool1);
        let blank = |y: usize, x: usize| g.blank[y][x / conv2d::TILE] != 0;
        conv2d::backward_parameters(simd, &g.input, &g.conv1, &mut d.conv1_weight, &mut d.conv1_bias, blank);
    }
}
