//! Softmax cross-entropy.

use ndarray::{Array2, ArrayView1};

use crate::network::Real;

/// The loss summed over the images, `sum_n -log softmax(logits[n])[label[n]]`, and its gradient with respect to the
/// logits, `softmax - onehot`, times `weight`. Logits and gradient are `[N, classes]`.
///
/// With a `weight` of 1 / batch size, this is the gradient of the batch's mean loss.
pub fn loss_and_gradient<T: Real>(logits: &Array2<T>, labels: ArrayView1<'_, u8>, weight: T) -> (T, Array2<T>) {
    let mut gradient = logits.clone();
    let mut loss = T::zero();
    for (mut row, label) in gradient.rows_mut().into_iter().zip(labels) {
        let label = usize::from(*label);
        // Subtracting the largest logit does not change the result but keeps exp in range.
        let largest = row.iter().copied().fold(T::neg_infinity(), T::max);
        let sum: T = row.iter().map(|x| (*x - largest).exp()).sum();
        loss += sum.ln() + largest - row[label];
        row.mapv_inplace(|x| (x - largest).exp() / sum * weight);
        row[label] -= weight;
    }
    (loss, gradient)
}
