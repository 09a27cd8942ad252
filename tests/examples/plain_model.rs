//! Changes one channel of an int8 model so that only plain kernels can run it, for comparing it with LiteRT
//! (`tests/interop/run`).
//!
//! usage: plain_model heavy|half MODEL.lenet OUT.lenet
//!
//! - `heavy`: the magnitudes of the first channel's weights in conv2 add up to 15,000, more than the packed form allows.
//! - `half`: the multiplier of that channel is a little more than 1/2. At 1/2 itself every odd accumulator is a tie or
//!   next to one, which programs round differently; see `tests/interop/README.md`.

use std::error::Error;
use std::fs;

use host_trainer::int8::{QuantizedNetwork, multiplier_from_real};
use lenet_core::{Layer, Model};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, input, output] = &arguments[..] else {
        return Err("usage: plain_model heavy|half MODEL.lenet OUT.lenet".into());
    };
    let bytes = fs::read(input)?;
    let model = Model::from_bytes(&bytes)?;
    let mut network = QuantizedNetwork::from(&model);
    let layer = Layer::Conv2 as usize;
    let ratio = f64::from(network.activations[layer].scale) / f64::from(network.activations[layer + 1].scale);
    let conv2 = &mut network.layers[layer];
    let channel = &mut conv2.weights[..Layer::Conv2.weights_per_output()];
    let old = conv2.weight_scale[0];
    // The real weights and the bias stay about the same: integers times scale.
    let scale = match kind.as_str() {
        "heavy" => {
            let mean = channel.iter().map(|w| f32::from(w.unsigned_abs())).sum::<f32>() / channel.len() as f32;
            channel.iter_mut().for_each(|w| *w = if *w < 0 { -100 } else { 100 });
            old * mean / 100.0
        }
        "half" => {
            let scale = (0.5003 / ratio) as f32;
            channel.iter_mut().for_each(|w| *w = (f32::from(*w) * old / scale).round() as i8);
            scale
        }
        other => return Err(format!("{other} is not a kind of model; it must be heavy or half").into()),
    };
    conv2.bias[0] = (conv2.bias[0] as f32 * old / scale).round() as i32;
    conv2.weight_scale[0] = scale;
    conv2.multiplier[0] = multiplier_from_real(ratio * f64::from(scale)).ok_or("the multiplier is out of range")?;

    let file = network.encode(&model.description())?;
    if file.model()?.conv1().packed().is_some() {
        return Err("the model still has packed words".into());
    }
    fs::write(output, file.bytes())?;
    Ok(())
}
