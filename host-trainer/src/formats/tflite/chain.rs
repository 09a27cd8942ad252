//! Follows the operators of a `.tflite` file from the image to the logits, and reads the layers.

use std::iter::Peekable;
use std::vec::IntoIter;

use lenet_core::architecture::{IMAGE_SIDE, KERNEL_SIDE, Layer};
use lenet_core::quantization::{ACTIVATION_ZERO_POINT, Quantization};

use super::bias_scale;
use super::graph::{Found, Graph, Step, operator_name};
use super::schema_generated::{
    ActivationFunctionType, BuiltinOperator, FullyConnectedOptionsWeightsFormat, Padding, TensorType,
};
use crate::int8::{QuantizedLayer, is_bias_scale, multiplier_from_real};

/// The message for what a `.lenet` file cannot hold.
pub(super) fn cannot_hold(problem: &str) -> String {
    format!("{problem}; a .lenet file cannot represent that exactly. Quantize the float network with `lenet quantize`")
}

/// The operators from the image to the logits. Each reads the output of the one before it.
pub(super) struct Chain<'g, 'a> {
    graph: &'g Graph<'a>,
    steps: Peekable<IntoIter<Step<'a>>>,
    /// The tensor index of the last consumed operator's output.
    current: i32,
    /// The scale and zero point of that tensor.
    pub(super) quantization: Quantization,
    classes: usize,
}

impl<'g, 'a> Chain<'g, 'a> {
    pub(super) fn new(graph: &'g Graph<'a>, steps: Vec<Step<'a>>, classes: usize) -> Result<Self, String> {
        let mut steps = steps.into_iter().peekable();
        let mut current = graph.input()?;
        let mut image = graph.tensor(current, "the input")?;
        if let Some(quantize) = steps.next_if(|step| step.code == BuiltinOperator::QUANTIZE) {
            image.expect_values_of(&[TensorType::FLOAT32, TensorType::UINT8], IMAGE_SIDE * IMAGE_SIDE)?;
            check_reads(&quantize, current)?;
            current = quantize.output()?;
            let quantized = graph.tensor(current, "the quantized input")?;
            check_same_values(&image, &quantized)?;
            image = quantized;
        }
        image.expect_values(TensorType::INT8, IMAGE_SIDE * IMAGE_SIDE)?;
        let quantization = image.quantization()?;
        check_zero_point(&image, quantization)?;
        Ok(Self { graph, steps, current, quantization, classes })
    }

    /// The next operator, which must read the current tensor, and its output, which becomes the current tensor.
    fn next(&mut self, what: &str) -> Result<(Step<'a>, Found<'a>), String> {
        let step = self.steps.next().ok_or_else(|| format!("{what} is missing"))?;
        check_reads(&step, self.current)?;
        self.current = step.output()?;
        let output = self.graph.tensor(self.current, &format!("the output of {what}"))?;
        Ok((step, output))
    }

    /// The next operator that is not a RESHAPE.
    fn next_layer(&mut self, what: &str) -> Result<(Step<'a>, Found<'a>), String> {
        self.skip_reshapes()?;
        self.next(what)
    }

    fn skip_reshapes(&mut self) -> Result<(), String> {
        while self.steps.peek().is_some_and(|step| step.code == BuiltinOperator::RESHAPE) {
            let values = self.graph.tensor(self.current, "the input of RESHAPE")?.values();
            let (_, output) = self.next("RESHAPE")?;
            output.expect_values(TensorType::INT8, values.unwrap_or_default())?;
            self.check_unchanged(&output)?;
        }
        Ok(())
    }

    /// Pools and RESHAPE work on the stored integers, so output and input must have the same quantization.
    fn check_unchanged(&self, output: &Found<'_>) -> Result<(), String> {
        let found = output.quantization()?;
        if found == self.quantization {
            return Ok(());
        }
        Err(format!(
            "{} has the scale {} and the zero point {}; it needs those of its input, {} and {}",
            output.what(),
            found.scale,
            found.zero_point,
            self.quantization.scale,
            self.quantization.zero_point
        ))
    }

    pub(super) fn convolution(&mut self, layer: Layer, side: usize) -> Result<(QuantizedLayer, Quantization), String> {
        let inputs = layer.weights_per_output() / (KERNEL_SIDE * KERNEL_SIDE);
        self.skip_reshapes()?;
        let input = self.graph.tensor(self.current, &format!("the input of {layer}"))?;
        input.expect(TensorType::INT8, &[1, side, side, inputs])?;
        let (step, output) = self.next(&layer.to_string())?;
        let options = step.operator.builtin_options_as_conv_2_doptions();
        let options = options.ok_or_else(|| format!("{} has no options", step.name()))?;
        let found = (options.padding(), options.stride_h(), options.stride_w());
        if found != (Padding::VALID, 1, 1) {
            let (padding, height, width) = found;
            return Err(format!(
                "{} has padding {padding:?} and strides {height} and {width}; LeNet-5 needs VALID, 1 and 1",
                step.name()
            ));
        }
        let dilation = (options.dilation_h_factor(), options.dilation_w_factor());
        if dilation != (1, 1) {
            return Err(format!("{} has dilation {dilation:?}; LeNet-5 needs (1, 1)", step.name()));
        }
        let side = side - KERNEL_SIDE + 1;
        output.expect(TensorType::INT8, &[1, side, side, layer.outputs(self.classes)])?;
        let shape = [layer.outputs(self.classes), KERNEL_SIDE, KERNEL_SIDE, inputs];
        self.layer(&step, &output, layer, &shape, options.fused_activation_function())
    }

    pub(super) fn pool(&mut self, name: &str, shape: [usize; 4]) -> Result<(), String> {
        let (step, output) = self.next_layer(name)?;
        let options = step.operator.builtin_options_as_pool_2_doptions();
        let options = options.ok_or_else(|| format!("{} has no options", step.name()))?;
        let filter = [options.filter_height(), options.filter_width(), options.stride_h(), options.stride_w()];
        // The sides are even, so the padding does not matter.
        if filter != [2; 4] {
            return Err(format!("{} has a filter and strides of {filter:?}; LeNet-5 needs 2x2 and 2x2", step.name()));
        }
        output.expect(TensorType::INT8, &shape)?;
        check_activation(&step, options.fused_activation_function(), self.quantization)?;
        self.check_unchanged(&output)
    }

    pub(super) fn fully_connected(&mut self, layer: Layer) -> Result<(QuantizedLayer, Quantization), String> {
        let input = self.graph.tensor(self.current, &format!("the input of {layer}"))?;
        input.expect_values(TensorType::INT8, layer.weights_per_output())?;
        let (step, output) = self.next_layer(&layer.to_string())?;
        let options = step.operator.builtin_options_as_fully_connected_options();
        let options = options.ok_or_else(|| format!("{} has no options", step.name()))?;
        if options.weights_format() != FullyConnectedOptionsWeightsFormat::DEFAULT {
            return Err(format!(
                "{} has weights in the format {:?}; only DEFAULT is supported",
                step.name(),
                options.weights_format()
            ));
        }
        output.expect_values(TensorType::INT8, layer.outputs(self.classes))?;
        let shape = [layer.outputs(self.classes), layer.weights_per_output()];
        self.layer(&step, &output, layer, &shape, options.fused_activation_function())
    }

    /// What convolutions and fully connected layers share: weights, biases and the quantization of the output.
    fn layer(
        &mut self,
        step: &Step<'a>,
        output: &Found<'a>,
        layer: Layer,
        shape: &[usize],
        activation: ActivationFunctionType,
    ) -> Result<(QuantizedLayer, Quantization), String> {
        let quantization = output.quantization()?;
        if layer != Layer::Fc3 {
            check_zero_point(output, quantization)?;
        }
        check_activation(step, activation, quantization)?;
        let index = step.input(1).ok_or_else(|| format!("{} has no weights", step.name()))?;
        let weights = self.graph.tensor(index, &format!("the weights of {layer}"))?;
        weights.expect(TensorType::INT8, shape)?;
        let mut values = QuantizedLayer {
            weight_scale: weights.channel_scales(layer.outputs(self.classes))?,
            weights: self.graph.data(&weights, shape.iter().product())?.iter().map(|byte| *byte as i8).collect(),
            ..QuantizedLayer::default()
        };
        values.bias = self.biases(step, layer, &values.weight_scale)?;
        for (channel, scale) in values.weight_scale.iter().enumerate() {
            let real = f64::from(self.quantization.scale) * f64::from(*scale) / f64::from(quantization.scale);
            let Some(multiplier) = multiplier_from_real(real) else {
                return Err(cannot_hold(&format!(
                    "the multiplier of {layer} channel {channel}, s_in * s_w / s_out, is {real:e}; it must be at least \
                     2^-32 and below 1"
                )));
            };
            values.multiplier.push(multiplier);
        }
        self.quantization = quantization;
        Ok((values, quantization))
    }

    fn biases(&self, step: &Step<'a>, layer: Layer, weight_scales: &[f32]) -> Result<Vec<i32>, String> {
        let Some(index) = step.input(2) else {
            return Ok(vec![0; layer.outputs(self.classes)]);
        };
        let biases = self.graph.tensor(index, &format!("the biases of {layer}"))?;
        biases.expect(TensorType::INT32, &[layer.outputs(self.classes)])?;
        let scales = biases.channel_scales(layer.outputs(self.classes))?;
        for (channel, (found, weight_scale)) in scales.iter().zip(weight_scales).enumerate() {
            let needed = f64::from(bias_scale(self.quantization.scale, *weight_scale));
            if !is_bias_scale(*found, needed) {
                return Err(format!(
                    "{} has the scale {found:e} in channel {channel}; it must be the product of the scales of input \
                     and weights, {needed:e}",
                    biases.what()
                ));
            }
        }
        let data = self.graph.data(&biases, size_of::<i32>() * layer.outputs(self.classes))?;
        Ok(data.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect())
    }

    pub(super) fn end(&mut self) -> Result<(), String> {
        self.skip_reshapes()?;
        if self.steps.peek().is_some_and(|step| step.code == BuiltinOperator::SOFTMAX) {
            let (_, output) = self.next("SOFTMAX")?;
            output.expect_values(TensorType::INT8, self.classes)?;
        }
        if let Some(code) = self.steps.peek().map(|step| step.code) {
            let before = self.graph.tensor(self.current, "the logits")?;
            let (_, output) = self.next(&operator_name(code))?;
            if code == BuiltinOperator::QUANTIZE {
                output.expect_values(TensorType::UINT8, self.classes)?;
                check_same_values(&output, &before)?;
            } else {
                output.expect_values(TensorType::FLOAT32, self.classes)?;
            }
        }
        if self.graph.output()? == self.current {
            return Ok(());
        }
        Err("the output of its graph is not the output of its last operator".into())
    }
}

fn check_reads(step: &Step<'_>, tensor: i32) -> Result<(), String> {
    if step.input(0) == Some(tensor) {
        return Ok(());
    }
    Err(format!("{} does not read the output of the operator before it", step.name()))
}

/// A uint8 tensor holds the same values as an int8 one if it has the same scale, and its zero point is 128 higher.
fn check_same_values(other: &Found<'_>, int8: &Found<'_>) -> Result<(), String> {
    if other.element() != TensorType::UINT8 {
        return Ok(());
    }
    let (found, needed) = (other.scale_and_zero_point()?, int8.scale_and_zero_point()?);
    if found == (needed.0, needed.1 + 128) {
        return Ok(());
    }
    Err(cannot_hold(&format!(
        "{} has the scale {} and the zero point {}; as the uint8 form of an int8 tensor it must have {} and {}",
        other.what(),
        found.0,
        found.1,
        needed.0,
        needed.1 + 128
    )))
}

fn check_zero_point(found: &Found<'_>, quantization: Quantization) -> Result<(), String> {
    if quantization.zero_point == ACTIVATION_ZERO_POINT {
        return Ok(());
    }
    Err(cannot_hold(&format!(
        "{} has the zero point {}; it must be {ACTIVATION_ZERO_POINT}, as pixels and ReLU outputs start at 0",
        found.what(),
        quantization.zero_point
    )))
}

/// Without a fused activation the output is clamped to int8, which has the effect of a ReLU when -128 stands for zero.
fn check_activation(
    step: &Step<'_>,
    activation: ActivationFunctionType,
    quantization: Quantization,
) -> Result<(), String> {
    match activation {
        ActivationFunctionType::NONE => Ok(()),
        ActivationFunctionType::RELU if quantization.zero_point == ACTIVATION_ZERO_POINT => Ok(()),
        ActivationFunctionType::RELU6 if quantization.zero_point == ACTIVATION_ZERO_POINT => {
            // TFLite clamps at the integer nearest to 6. At 127 or above, int8 clamps there anyway.
            let six = f64::from(quantization.zero_point) + (6.0 / f64::from(quantization.scale)).round();
            if six >= f64::from(i8::MAX) {
                return Ok(());
            }
            let largest = f64::from(quantization.scale) * 255.0;
            Err(cannot_hold(&format!(
                "{} ends in RELU6, and its output has a range up to {largest:.2}, beyond 6; LeNet-5 has RELU there",
                step.name()
            )))
        }
        ActivationFunctionType::RELU | ActivationFunctionType::RELU6 => {
            Err(format!("{} ends in a ReLU; the logits of LeNet-5 have none", step.name()))
        }
        other => Err(format!("{} ends in {other:?}; LeNet-5 has RELU or nothing there", step.name())),
    }
}
