use lenet_core::Layer;
use lenet_core::architecture::{
    CLASSES, CONV1_CHANNELS, CONV2_CHANNELS, FC1_INPUTS, FC1_OUTPUTS, FC2_OUTPUTS, KERNEL_SIDE,
};
use ndarray::{Array1, ArrayView1, ArrayView2, ArrayView4, ArrayViewD, ArrayViewMut1, ArrayViewMut2, ArrayViewMut4};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::Real;

/// Names of the arrays in the PyTorch model, in the order of [`Parameters::arrays`]. The spelling `classfier` is that
/// model's own.
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

const SHAPES: [&[usize]; 10] = [
    &[CONV1_CHANNELS, 1, KERNEL_SIDE, KERNEL_SIDE],
    &[CONV1_CHANNELS],
    &[CONV2_CHANNELS, CONV1_CHANNELS, KERNEL_SIDE, KERNEL_SIDE],
    &[CONV2_CHANNELS],
    &[FC1_OUTPUTS, FC1_INPUTS],
    &[FC1_OUTPUTS],
    &[FC2_OUTPUTS, FC1_OUTPUTS],
    &[FC2_OUTPUTS],
    &[CLASSES, FC2_OUTPUTS],
    &[CLASSES],
];

/// Where each array starts in [`Parameters::values`], and where the last one ends.
const STARTS: [usize; 11] = {
    let mut starts = [0; 11];
    let mut array = 0;
    while array < 10 {
        let mut length = 1;
        let mut axis = 0;
        while axis < SHAPES[array].len() {
            length *= SHAPES[array][axis];
            axis += 1;
        }
        starts[array + 1] = starts[array] + length;
        array += 1;
    }
    starts
};

const COUNT: usize = STARTS[10];

/// The distribution that weights and biases are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Initialization {
    /// PyTorch's default for `Conv2d` and `Linear`: weights and biases uniform in
    /// `[-1/sqrt(fan_in), 1/sqrt(fan_in))`.
    PyTorch,
    /// He et al. (2015): weights uniform in `[-sqrt(6/fan_in), sqrt(6/fan_in))`, which preserves the variance through
    /// ReLUs; biases are zero.
    He,
}

/// The weights and biases of the network, or one number for each of them, such as a gradient or a momentum.
///
/// All are stored in a single array of [`Parameters::COUNT`] values, so that code that treats them all alike, such as
/// an optimizer, does not need to know the layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Vec<T>", try_from = "Vec<T>", bound = "T: Real + Serialize + for<'a> Deserialize<'a>")]
pub struct Parameters<T> {
    values: Array1<T>,
}

impl<T: Real> From<Parameters<T>> for Vec<T> {
    fn from(parameters: Parameters<T>) -> Self {
        parameters.values.into_raw_vec_and_offset().0
    }
}

impl<T: Real> TryFrom<Vec<T>> for Parameters<T> {
    type Error = String;

    fn try_from(values: Vec<T>) -> Result<Self, String> {
        match values.len() {
            COUNT => Ok(Self { values: values.into() }),
            other => Err(format!("there are {other} parameters, but the network has {COUNT}")),
        }
    }
}

/// The shared and the mutable view of one array.
macro_rules! array {
    ($index:literal, $doc:literal, $get:ident, $get_mut:ident, $view:ident, $view_mut:ident, [$($axis:literal),+]) => {
        #[doc = $doc]
        pub fn $get(&self) -> $view<'_, T> {
            let range = STARTS[$index]..STARTS[$index + 1];
            $view::from_shape(($(SHAPES[$index][$axis]),+), &self.values.as_slice().expect(LAYOUT)[range])
                .expect("the range is as long as the shape asks")
        }

        #[doc = $doc]
        pub fn $get_mut(&mut self) -> $view_mut<'_, T> {
            let range = STARTS[$index]..STARTS[$index + 1];
            $view_mut::from_shape(($(SHAPES[$index][$axis]),+), &mut self.values.as_slice_mut().expect(LAYOUT)[range])
                .expect("the range is as long as the shape asks")
        }
    };
}

const LAYOUT: &str = "parameters are in standard layout";

impl<T: Real> Parameters<T> {
    /// Number of parameters.
    pub const COUNT: usize = COUNT;

    array!(0, "`[6, 1, 5, 5]`.", conv1_weight, conv1_weight_mut, ArrayView4, ArrayViewMut4, [0, 1, 2, 3]);
    array!(1, "`[6]`.", conv1_bias, conv1_bias_mut, ArrayView1, ArrayViewMut1, [0]);
    array!(2, "`[16, 6, 5, 5]`.", conv2_weight, conv2_weight_mut, ArrayView4, ArrayViewMut4, [0, 1, 2, 3]);
    array!(3, "`[16]`.", conv2_bias, conv2_bias_mut, ArrayView1, ArrayViewMut1, [0]);
    array!(4, "`[120, 256]`, columns in CHW order.", fc1_weight, fc1_weight_mut, ArrayView2, ArrayViewMut2, [0, 1]);
    array!(5, "`[120]`.", fc1_bias, fc1_bias_mut, ArrayView1, ArrayViewMut1, [0]);
    array!(6, "`[84, 120]`.", fc2_weight, fc2_weight_mut, ArrayView2, ArrayViewMut2, [0, 1]);
    array!(7, "`[84]`.", fc2_bias, fc2_bias_mut, ArrayView1, ArrayViewMut1, [0]);
    array!(8, "`[10, 84]`.", fc3_weight, fc3_weight_mut, ArrayView2, ArrayViewMut2, [0, 1]);
    array!(9, "`[10]`.", fc3_bias, fc3_bias_mut, ArrayView1, ArrayViewMut1, [0]);

    /// All zero.
    pub fn zeros() -> Self {
        Self { values: Array1::zeros(Self::COUNT) }
    }

    /// Random initial values for training.
    pub fn init(initialization: Initialization, rng: &mut impl Rng) -> Self {
        let mut parameters = Self::zeros();
        for (index, values) in parameters.slices_mut().into_iter().enumerate() {
            let bias = index % 2 == 1;
            // A bias has the fan-in of its layer's weight, the array before it.
            let fan_in: usize = SHAPES[index - index % 2][1..].iter().product();
            let bound = match initialization {
                Initialization::PyTorch => (1.0 / fan_in as f32).sqrt(),
                Initialization::He if bias => continue,
                Initialization::He => (6.0 / fan_in as f32).sqrt(),
            };
            for value in values {
                *value = T::from_f32(rng.random_range(-bound..bound)).expect("f32 and f64 hold every f32");
            }
        }
        parameters
    }

    /// All values: the arrays in the order of [`NAMES`], each in row-major order.
    pub fn values(&self) -> &[T] {
        self.values.as_slice().expect(LAYOUT)
    }

    /// All values, mutable.
    pub fn values_mut(&mut self) -> &mut [T] {
        self.values.as_slice_mut().expect(LAYOUT)
    }

    /// Every array, in the order of [`NAMES`].
    pub fn arrays(&self) -> [ArrayViewD<'_, T>; 10] {
        std::array::from_fn(|index| {
            ArrayViewD::from_shape(SHAPES[index], &self.values()[STARTS[index]..STARTS[index + 1]])
                .expect("the range is as long as the shape asks")
        })
    }

    /// A layer's weights in row-major order: OIHW for convolutions, columns in CHW order for fc1.
    pub fn weights(&self, layer: Layer) -> &[T] {
        // The biases of each layer follow its weights.
        let index = 2 * layer as usize;
        &self.values()[STARTS[index]..STARTS[index + 1]]
    }

    /// The values of every array in row-major order, in the order of [`NAMES`].
    pub fn slices_mut(&mut self) -> [&mut [T]; 10] {
        let mut rest = self.values_mut();
        std::array::from_fn(|index| {
            let (slice, others) = std::mem::take(&mut rest).split_at_mut(STARTS[index + 1] - STARTS[index]);
            rest = others;
            slice
        })
    }

    /// Converts to another precision.
    pub fn cast<U: Real>(&self) -> Parameters<U> {
        Parameters { values: self.values.mapv(|value| U::from(value).expect("f32 and f64 convert into each other")) }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn there_are_44_426_within_their_bounds() {
        assert_eq!(Parameters::<f32>::COUNT, 44_426);
        for (initialization, square) in [(Initialization::PyTorch, 1.0), (Initialization::He, 6.0f32)] {
            let parameters = Parameters::<f32>::init(initialization, &mut ChaCha8Rng::seed_from_u64(1));
            for (index, fan_in) in [25, 25, 150, 150, 256, 256, 120, 120, 84, 84].into_iter().enumerate() {
                let bound = (square / fan_in as f32).sqrt();
                let largest = parameters.arrays()[index].iter().fold(0f32, |largest, x| largest.max(x.abs()));
                if initialization == Initialization::He && index % 2 == 1 {
                    assert_eq!(largest, 0.0);
                } else {
                    assert!(largest <= bound && largest > 0.5 * bound);
                }
            }
        }
    }

    #[test]
    fn views_and_slices_are_the_same_values() {
        let mut parameters = Parameters::<f32>::zeros();
        parameters.fc2_weight_mut()[(83, 119)] = 1.0;
        parameters.conv2_bias_mut()[0] = 2.0;
        assert_eq!(parameters.arrays()[6][[83, 119]], 1.0);
        assert_eq!(parameters.slices_mut()[3][0], 2.0);
        assert_eq!(parameters.values().iter().sum::<f32>(), 3.0);
        assert_eq!((parameters.fc2_weight()[(83, 119)], parameters.conv2_bias()[0]), (1.0, 2.0));
    }
}
