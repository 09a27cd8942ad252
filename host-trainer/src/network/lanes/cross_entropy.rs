//! Softmax cross-entropy.

use lenet_core::labels::MAX_CLASSES;

use super::vector::{LANES, Lanes};

/// The loss `-sum_c target[c] log softmax(logits)[c]` summed over the images, and its gradient with respect to the
/// logits, `softmax - target`, times `weight`. Logits, targets and gradient are `[classes]`.
///
/// `targets` are distributions over the classes: the images' labels, smoothed or not. With a `weight` of 1 / batch size,
/// the gradients of a batch's groups add up to the gradient of its mean loss. A lane whose target is zero for every
/// class holds no image and adds nothing.
///
/// # Panics
/// When there are more than 64 classes.
pub fn loss_and_gradient(logits: &[Lanes], targets: &[Lanes], weight: f32) -> (f64, Vec<Lanes>) {
    let mut gradient = vec![Lanes::ZERO; logits.len()];
    let mut exponentials = [0.0; MAX_CLASSES];
    let exponentials = &mut exponentials[..logits.len()];
    let mut loss = 0.0;
    for lane in 0..LANES {
        let mass: f32 = targets.iter().map(|target| target.0[lane]).sum();
        if mass == 0.0 {
            continue;
        }
        // Subtracting the largest logit does not change the result but keeps exp in range.
        let largest = logits.iter().map(|logit| logit.0[lane]).fold(f32::NEG_INFINITY, f32::max);
        for (exponential, logit) in exponentials.iter_mut().zip(logits) {
            *exponential = (logit.0[lane] - largest).exp();
        }
        let sum: f32 = exponentials.iter().sum();
        let log_sum = sum.ln() + largest;
        for (((gradient, exponential), logit), target) in
            gradient.iter_mut().zip(&*exponentials).zip(logits).zip(targets)
        {
            loss += f64::from(target.0[lane] * (log_sum - logit.0[lane]));
            gradient.0[lane] = (exponential / sum * mass - target.0[lane]) * weight;
        }
    }
    (loss, gradient)
}
