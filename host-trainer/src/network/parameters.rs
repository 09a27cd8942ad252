use std::ops::Range;

use lenet_core::Layer;
use lenet_core::architecture::{CONV1_CHANNELS, CONV2_CHANNELS, FC1_INPUTS, FC1_OUTPUTS, FC2_OUTPUTS, KERNEL_SIDE};
use lenet_core::labels::{MAX_CLASSES, MIN_CLASSES};
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

/// The shapes of the arrays before fc3, whose shapes depend on the number of classes.
const SHAPES: [&[usize]; 8] = [
    &[CONV1_CHANNELS, 1, KERNEL_SIDE, KERNEL_SIDE],
    &[CONV1_CHANNELS],
    &[CONV2_CHANNELS, CONV1_CHANNELS, KERNEL_SIDE, KERNEL_SIDE],
    &[CONV2_CHANNELS],
    &[FC1_OUTPUTS, FC1_INPUTS],
    &[FC1_OUTPUTS],
    &[FC2_OUTPUTS, FC1_OUTPUTS],
    &[FC2_OUTPUTS],
];

/// Where each of these arrays starts in [`Parameters::values`], and where fc3 starts.
const STARTS: [usize; 9] = {
    let mut starts = [0; 9];
    let mut array = 0;
    while array < 8 {
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

/// Where fc3 starts in [`Parameters::values`].
const FC3_START: usize = STARTS[8];

/// Parameters of each class in fc3.
const PER_CLASS: usize = FC2_OUTPUTS + 1;

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
/// All are stored in a single array, so that code that treats them all alike, such as an optimizer, does not need to
/// know the layers. There are 43,576 and 85 for each class, so their number tells the number of classes.
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
        let classes = (MIN_CLASSES..=MAX_CLASSES).find(|classes| Self::count(*classes) == values.len());
        match classes {
            Some(_) => Ok(Self { values: values.into() }),
            None => Err(format!(
                "there are {} parameters, but the network has {FC3_START} and {PER_CLASS} for each of its \
                 {MIN_CLASSES} to {MAX_CLASSES} classes",
                values.len()
            )),
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
                .expect(WHOLE)
        }

        #[doc = $doc]
        pub fn $get_mut(&mut self) -> $view_mut<'_, T> {
            let range = STARTS[$index]..STARTS[$index + 1];
            $view_mut::from_shape(($(SHAPES[$index][$axis]),+), &mut self.values.as_slice_mut().expect(LAYOUT)[range])
                .expect(WHOLE)
        }
    };
}

const LAYOUT: &str = "parameters are in standard layout";
const WHOLE: &str = "the range is as long as the shape asks";

impl<T: Real> Parameters<T> {
    /// Number of parameters of a network with this many classes.
    pub const fn count(classes: usize) -> usize {
        FC3_START + classes * PER_CLASS
    }

    /// Number of parameters in the layers before this one, which come first in [`values`](Self::values).
    pub const fn before(layer: Layer) -> usize {
        STARTS[2 * layer as usize]
    }

    /// Number of classes, in [2, 64].
    pub fn classes(&self) -> usize {
        (self.values.len() - FC3_START) / PER_CLASS
    }

    array!(0, "`[6, 1, 5, 5]`.", conv1_weight, conv1_weight_mut, ArrayView4, ArrayViewMut4, [0, 1, 2, 3]);
    array!(1, "`[6]`.", conv1_bias, conv1_bias_mut, ArrayView1, ArrayViewMut1, [0]);
    array!(2, "`[16, 6, 5, 5]`.", conv2_weight, conv2_weight_mut, ArrayView4, ArrayViewMut4, [0, 1, 2, 3]);
    array!(3, "`[16]`.", conv2_bias, conv2_bias_mut, ArrayView1, ArrayViewMut1, [0]);
    array!(4, "`[120, 256]`, columns in CHW order.", fc1_weight, fc1_weight_mut, ArrayView2, ArrayViewMut2, [0, 1]);
    array!(5, "`[120]`.", fc1_bias, fc1_bias_mut, ArrayView1, ArrayViewMut1, [0]);
    array!(6, "`[84, 120]`.", fc2_weight, fc2_weight_mut, ArrayView2, ArrayViewMut2, [0, 1]);
    array!(7, "`[84]`.", fc2_bias, fc2_bias_mut, ArrayView1, ArrayViewMut1, [0]);

    /// `[classes, 84]`.
    pub fn fc3_weight(&self) -> ArrayView2<'_, T> {
        let weight = &self.values()[FC3_START..self.fc3_bias_start()];
        ArrayView2::from_shape((self.classes(), FC2_OUTPUTS), weight).expect(WHOLE)
    }

    /// `[classes, 84]`.
    pub fn fc3_weight_mut(&mut self) -> ArrayViewMut2<'_, T> {
        let (classes, end) = (self.classes(), self.fc3_bias_start());
        ArrayViewMut2::from_shape((classes, FC2_OUTPUTS), &mut self.values_mut()[FC3_START..end]).expect(WHOLE)
    }

    /// `[classes]`.
    pub fn fc3_bias(&self) -> ArrayView1<'_, T> {
        ArrayView1::from(&self.values()[self.fc3_bias_start()..])
    }

    /// `[classes]`.
    pub fn fc3_bias_mut(&mut self) -> ArrayViewMut1<'_, T> {
        let start = self.fc3_bias_start();
        ArrayViewMut1::from(&mut self.values_mut()[start..])
    }

    fn fc3_bias_start(&self) -> usize {
        FC3_START + self.classes() * FC2_OUTPUTS
    }

    /// The place of an array, counted in the order of [`NAMES`], among all values.
    fn place(&self, array: usize) -> Range<usize> {
        match array {
            8 => FC3_START..self.fc3_bias_start(),
            9 => self.fc3_bias_start()..self.values.len(),
            _ => STARTS[array]..STARTS[array + 1],
        }
    }

    /// The shape of every array of a network with this many classes, in the order of [`NAMES`].
    pub fn shapes(classes: usize) -> [Vec<usize>; 10] {
        std::array::from_fn(|array| match array {
            8 => vec![classes, FC2_OUTPUTS],
            9 => vec![classes],
            _ => SHAPES[array].to_vec(),
        })
    }

    /// All zero.
    ///
    /// # Panics
    /// When `classes` is not in [2, 64].
    pub fn zeros(classes: usize) -> Self {
        assert!((MIN_CLASSES..=MAX_CLASSES).contains(&classes), "a network cannot have {classes} classes");
        Self { values: Array1::zeros(Self::count(classes)) }
    }

    /// Random initial values for training.
    ///
    /// # Panics
    /// When `classes` is not in [2, 64].
    pub fn init(initialization: Initialization, classes: usize, rng: &mut impl Rng) -> Self {
        let mut parameters = Self::zeros(classes);
        let shapes = Self::shapes(classes);
        for (index, values) in parameters.slices_mut().into_iter().enumerate() {
            let bias = index % 2 == 1;
            // A bias has the fan-in of its layer's weight, the array before it.
            let fan_in: usize = shapes[index - index % 2][1..].iter().product();
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
        let shapes = Self::shapes(self.classes());
        std::array::from_fn(|array| {
            ArrayViewD::from_shape(&shapes[array][..], &self.values()[self.place(array)]).expect(WHOLE)
        })
    }

    /// A layer's weights in row-major order: OIHW for convolutions, columns in CHW order for fc1.
    pub fn weights(&self, layer: Layer) -> &[T] {
        // The biases of each layer follow its weights.
        &self.values()[self.place(2 * layer as usize)]
    }

    /// The values of every array in row-major order, in the order of [`NAMES`].
    pub fn slices_mut(&mut self) -> [&mut [T]; 10] {
        let lengths: [usize; 10] = std::array::from_fn(|array| self.place(array).len());
        let mut rest = self.values_mut();
        lengths.map(|length| {
            let (slice, others) = std::mem::take(&mut rest).split_at_mut(length);
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
    fn the_44_426_of_ten_classes_are_within_their_bounds() {
        assert_eq!(Parameters::<f32>::count(10), 44_426);
        for (initialization, square) in [(Initialization::PyTorch, 1.0), (Initialization::He, 6.0f32)] {
            let parameters = Parameters::<f32>::init(initialization, 10, &mut ChaCha8Rng::seed_from_u64(1));
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
        let mut parameters = Parameters::<f32>::zeros(10);
        parameters.fc2_weight_mut()[(83, 119)] = 1.0;
        parameters.conv2_bias_mut()[0] = 2.0;
        assert_eq!(parameters.arrays()[6][[83, 119]], 1.0);
        assert_eq!(parameters.slices_mut()[3][0], 2.0);
        assert_eq!(parameters.values().iter().sum::<f32>(), 3.0);
        assert_eq!((parameters.fc2_weight()[(83, 119)], parameters.conv2_bias()[0]), (1.0, 2.0));
    }

    #[test]
    fn only_fc3_depends_on_the_number_of_classes() {
        for classes in [2, 3, 10, 26, 47, 64] {
            let init =
                |classes| Parameters::<f32>::init(Initialization::PyTorch, classes, &mut ChaCha8Rng::seed_from_u64(1));
            let (mut parameters, ten) = (init(classes), init(10));
            assert_eq!(parameters.classes(), classes);
            assert_eq!((parameters.fc3_weight().dim(), parameters.fc3_bias().len()), ((classes, 84), classes));
            assert!(parameters.arrays()[..8] == ten.arrays()[..8]);
            parameters.fc3_weight_mut()[(classes - 1, 83)] = 3.0;
            parameters.fc3_bias_mut()[0] = 4.0;
            assert_eq!(parameters.arrays()[8][[classes - 1, 83]], 3.0);
            assert_eq!((parameters.slices_mut()[9].len(), parameters.slices_mut()[9][0]), (classes, 4.0));
            let values = Vec::from(parameters.clone());
            assert_eq!(Parameters::try_from(values.clone()), Ok(parameters));
            assert!(Parameters::try_from(values[1..].to_vec()).unwrap_err().contains("85 for each"));
        }
        assert!(Parameters::try_from(vec![0f32; Parameters::<f32>::count(65)]).is_err());
    }
}
