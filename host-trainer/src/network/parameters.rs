use lenet_core::architecture::{
    CLASSES, CONV1_CHANNELS, CONV2_CHANNELS, FC1_INPUTS, FC1_OUTPUTS, FC2_OUTPUTS, KERNEL_SIDE,
};
use ndarray::{Array1, Array2, Array4, ArrayViewD};
use rand::{Rng, RngExt};

use super::Real;

/// Weights and biases of the network, or one number for each of them: a gradient, a momentum.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters<T> {
    /// `[6, 1, 5, 5]`.
    pub conv1_weight: Array4<T>,
    /// `[6]`.
    pub conv1_bias: Array1<T>,
    /// `[16, 6, 5, 5]`.
    pub conv2_weight: Array4<T>,
    /// `[16]`.
    pub conv2_bias: Array1<T>,
    /// `[120, 256]`, columns in CHW order.
    pub fc1_weight: Array2<T>,
    /// `[120]`.
    pub fc1_bias: Array1<T>,
    /// `[84, 120]`.
    pub fc2_weight: Array2<T>,
    /// `[84]`.
    pub fc2_bias: Array1<T>,
    /// `[10, 84]`.
    pub fc3_weight: Array2<T>,
    /// `[10]`.
    pub fc3_bias: Array1<T>,
}

/// The PyTorch model's names, in the order of [`Parameters::arrays`]. `classfier` is how that model
/// spells it.
pub const NAMES: [&str; 10] = [
    "features.0.weight",
    "features.0.bias",
    "features.3.weight",
    "features.3.bias",
    "classfier.0.weight",
    "classfier.0.bias",
    "classfier.2.weight",
    "classfier.2.bias",
    "classfier.4.weight",
    "classfier.4.bias",
];

impl<T: Real> Parameters<T> {
    /// All zero.
    pub fn zeros() -> Self {
        Self {
            conv1_weight: Array4::zeros((CONV1_CHANNELS, 1, KERNEL_SIDE, KERNEL_SIDE)),
            conv1_bias: Array1::zeros(CONV1_CHANNELS),
            conv2_weight: Array4::zeros((CONV2_CHANNELS, CONV1_CHANNELS, KERNEL_SIDE, KERNEL_SIDE)),
            conv2_bias: Array1::zeros(CONV2_CHANNELS),
            fc1_weight: Array2::zeros((FC1_OUTPUTS, FC1_INPUTS)),
            fc1_bias: Array1::zeros(FC1_OUTPUTS),
            fc2_weight: Array2::zeros((FC2_OUTPUTS, FC1_OUTPUTS)),
            fc2_bias: Array1::zeros(FC2_OUTPUTS),
            fc3_weight: Array2::zeros((CLASSES, FC2_OUTPUTS)),
            fc3_bias: Array1::zeros(CLASSES),
        }
    }

    /// PyTorch's default for `Conv2d` and `Linear`: weights and biases uniform in
    /// `[-1/sqrt(fan_in), 1/sqrt(fan_in))`.
    pub fn init(rng: &mut impl Rng) -> Self {
        let mut parameters = Self::zeros();
        let fan_in: Vec<usize> = parameters
            .arrays()
            .chunks(2)
            .flat_map(|layer| {
                let fan_in = layer[0].len() / layer[1].len();
                [fan_in, fan_in]
            })
            .collect();
        for (values, fan_in) in parameters.slices_mut().into_iter().zip(fan_in) {
            let bound = 1.0 / (fan_in as f32).sqrt();
            for value in values {
                *value = T::from_f32(rng.random_range(-bound..bound)).expect("f32 and f64 hold every f32");
            }
        }
        parameters
    }

    /// Every array, in the order of [`NAMES`].
    pub fn arrays(&self) -> [ArrayViewD<'_, T>; 10] {
        [
            self.conv1_weight.view().into_dyn(),
            self.conv1_bias.view().into_dyn(),
            self.conv2_weight.view().into_dyn(),
            self.conv2_bias.view().into_dyn(),
            self.fc1_weight.view().into_dyn(),
            self.fc1_bias.view().into_dyn(),
            self.fc2_weight.view().into_dyn(),
            self.fc2_bias.view().into_dyn(),
            self.fc3_weight.view().into_dyn(),
            self.fc3_bias.view().into_dyn(),
        ]
    }

    /// Every array's values in row order, in the order of [`NAMES`].
    pub fn slices_mut(&mut self) -> [&mut [T]; 10] {
        const LAYOUT: &str = "parameters are in standard layout";
        [
            self.conv1_weight.as_slice_mut().expect(LAYOUT),
            self.conv1_bias.as_slice_mut().expect(LAYOUT),
            self.conv2_weight.as_slice_mut().expect(LAYOUT),
            self.conv2_bias.as_slice_mut().expect(LAYOUT),
            self.fc1_weight.as_slice_mut().expect(LAYOUT),
            self.fc1_bias.as_slice_mut().expect(LAYOUT),
            self.fc2_weight.as_slice_mut().expect(LAYOUT),
            self.fc2_bias.as_slice_mut().expect(LAYOUT),
            self.fc3_weight.as_slice_mut().expect(LAYOUT),
            self.fc3_bias.as_slice_mut().expect(LAYOUT),
        ]
    }

    /// Adds another set, parameter by parameter.
    pub fn add(&mut self, other: &Self) {
        for (sum, values) in self.slices_mut().into_iter().zip(other.arrays()) {
            for (sum, value) in sum.iter_mut().zip(values) {
                *sum += *value;
            }
        }
    }

    /// The same in another precision.
    pub fn cast<U: Real>(&self) -> Parameters<U> {
        let mut cast = Parameters::zeros();
        for (target, source) in cast.slices_mut().into_iter().zip(self.arrays()) {
            for (target, source) in target.iter_mut().zip(source) {
                *target = U::from(*source).expect("f32 and f64 convert into each other");
            }
        }
        cast
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn there_are_44_426_within_their_bounds() {
        let parameters = Parameters::<f32>::init(&mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(parameters.arrays().iter().map(ArrayViewD::len).sum::<usize>(), 44_426);
        for (array, fan_in) in parameters.arrays().into_iter().zip([25, 25, 150, 150, 256, 256, 120, 120, 84, 84]) {
            let bound = 1.0 / (fan_in as f32).sqrt();
            let largest = array.iter().fold(0f32, |largest, x| largest.max(x.abs()));
            assert!(largest <= bound && largest > 0.5 * bound);
        }
    }
}
