//! How `make_letters` turns a font into varied images of letters.

pub(crate) mod outline;
pub(crate) mod raster;
pub(crate) mod table;
pub(crate) mod variation;
