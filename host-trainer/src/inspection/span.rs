//! Figures of any list of values.

use serde::Serialize;

/// The least and the greatest of some values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Span<T> {
    /// The least.
    pub minimum: T,
    /// The greatest.
    pub maximum: T,
}

impl<T: Copy + PartialOrd> Span<T> {
    /// Of all values; nothing when there are none.
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

/// The fraction of values that are as asked, in [0, 1]; 0 of no values.
pub(super) fn share<T: Copy>(values: &[T], is: impl Fn(T) -> bool) -> f64 {
    values.iter().filter(|value| is(**value)).count() as f64 / values.len().max(1) as f64
}
