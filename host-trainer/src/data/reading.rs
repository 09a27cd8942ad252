//! What is needed of a data set, and how it is to be read.

use super::polarity::Inverted;
use crate::numbers::thousands;

/// What is needed of a data set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Need {
    /// Images to train on and images to test with.
    #[default]
    TrainAndTest,
    /// Images to test with; there may be none to train on. The field is the name of the data set that the network was
    /// trained on, if it is known. Class folders without `train` and `test` are held out in part if they are that data
    /// set, because the rest was trained on, and are tested on as a whole otherwise.
    Test(Option<String>),
}

/// Which images of 28x28 pixels are prepared. Image files of other sizes always are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prepare {
    /// None: they are taken as they are.
    #[default]
    Never,
    /// Those in image files. IDX files, arrays and tables hold images that are ready for the network.
    ImageFiles,
    /// All.
    Always,
}

/// How a data set is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What is needed of it.
    pub need: Need,
    /// Exchange rows and columns of every image.
    pub transposed: bool,
    /// Whether images are dark on light paper. It does not concern image files, of which each is looked at.
    pub inverted: Inverted,
    /// Which images of 28x28 pixels are prepared.
    pub prepare: Prepare,
}

/// The note about a data set that is only judged on.
pub(super) fn only_test_images(name: &str, count: usize) -> String {
    format!("{name} has no training images; all {} images are used for testing", thousands(count))
}
