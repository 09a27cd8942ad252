//! Figures of a list of values.

use serde::Serialize;

/// The lowest and the highest of some values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Span<T> {
    /// The lowest value.
    pub minimum: T,
    /// The highest value.
    pub maximum: T,
}

impl<T: Copy + PartialOrd> Span<T> {
    /// The span of all values; `None` when there are none.
    pub fn of(values: impl IntoIterator<Item = T>) -> Option<Self> {
        values.into_iter().fold(None, |span, value| match span {
            None => Some(Self { minimum: value, maximum: value }),
            Some(Self { minimum, maximum }) => Some(Self {
                minimum: if value < minimum { value } else { minimum },
                maximum: if value > maximum { value } else { maximum },
            }),
        })
    }
}

/// The fraction of values for which `is` holds, in [0, 1]; 0 when there are no values.
pub(super) fn share<T: Copy>(values: &[T], is: impl Fn(T) -> bool) -> f64 {
    values.iter().filter(|value| is(**value)).count() as f64 / values.len().max(1) as f64
}
