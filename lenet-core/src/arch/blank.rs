//! The choice about blank input.

/// What to do with input that is known to be blank. The logits are the same either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blank {
    /// Compute it like any other input, so that every image takes the same time.
    Compute,
    /// Skip the computation and fill in the result, which depends on the bias alone.
    Skip,
}
