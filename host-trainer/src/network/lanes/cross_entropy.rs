//! Softmax cross-entropy.

use lenet_core::CLASSES;

use super::vector::{LANES, Lanes};

/// Target distributions over the classes for sixteen images: their labels, smoothed or not.
pub type Targets = [Lanes; CLASSES];

/// The loss `-sum_c target[c] log softmax(logits)[c]` summed over the images, and its gradient with respect to the
/// logits, `softmax - target`, times `weight`.
///
/// With a `weight` of 1 / batch size, the gradients of a batch's groups add up to the gradient of its mean loss. A lane
/// whose target is zero for every class holds no image and adds nothing.
pub fn loss_and_gradient(logits: &[Lanes; CLASSES], targets: &Targets, weight: f32) -> (f64, [Lanes; CLASSES]) {
    let mut gradient = [Lanes::ZERO; CLASSES];
    let mut loss = 0.0;
    for lane in 0..LANES {
        let row = logits.map(|lanes| lanes.0[lane]);
        let target = targets.map(|lanes| lanes.0[lane]);
        let mass: f32 = target.iter().sum();
        if mass == 0.0 {
            continue;
        }
        // Subtracting the largest logit does not change the result but keeps exp in range.
        let largest = row.into_iter().fold(f32::NEG_INFINITY, f32::max);
        let exponentials = row.map(|x| (x - largest).exp());
        let sum: f32 = exponentials.iter().sum();
        let log_sum = sum.ln() + largest;
        for class in 0..CLASSES {
            loss += f64::from(target[class] * (log_sum - row[class]));
            gradient[class].0[lane] = (exponentials[class] / sum * mass - target[class]) * weight;
        }
    }
    (loss, gradient)
}
