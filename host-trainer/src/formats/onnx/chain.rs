//! The layers of a graph in order, from its input to its output.

use std::collections::HashMap;

use lenet_core::Pool;
use lenet_core::quantization::Quantization;

use super::constants::{Constants, attribute, operator, short};
use super::messages::{GraphProto, NodeProto};

/// A step from the image to the logits. Weights and biases are names of constants.
#[derive(Debug, PartialEq)]
pub(super) enum Step<'a> {
    Conv {
        weight: &'a str,
        bias: Option<&'a str>,
    },
    Relu,
    Pool(Pool),
    Dense {
        weight: &'a str,
        bias: Option<&'a str>,
        transposed: bool,
    },
    /// Quantized and dequantized again.
    Quantized(Quantization),
}

/// Operators that change no value, or, after the last layer, no order of the logits.
const PASSED: [&str; 7] = ["Identity", "Dropout", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "Cast"];
const AT_THE_END: [&str; 2] = ["Softmax", "LogSoftmax"];

/// The steps of a graph in order.
///
/// # Errors
/// Names the first node that LeNet-5 does not have, or says that the nodes are not a chain.
pub(super) fn steps<'a>(graph: &'a GraphProto, constants: &Constants<'a>) -> Result<Vec<Step<'a>>, String> {
    let mut consumers: HashMap<&str, Vec<&NodeProto>> = HashMap::new();
    for node in &graph.node {
        // A reshape may compute its shape from that of the image.
        for input in node.input.iter().filter(|_| operator(node) != "Shape") {
            consumers.entry(input).or_default().push(node);
        }
    }
    let inputs: Vec<&str> =
        graph.input.iter().filter_map(|input| input.name.as_deref()).filter(|name| !constants.has(name)).collect();
    let [mut current] = inputs[..] else {
        return Err(format!("its graph has {} inputs; LeNet-5 has one, the image", inputs.len()));
    };
    let outputs: Vec<&str> = graph.output.iter().filter_map(|output| output.name.as_deref()).collect();
    let [output] = outputs[..] else {
        return Err(format!("its graph has {} outputs; LeNet-5 has one, the logits", outputs.len()));
    };
    let mut steps = Vec::new();
    // Each node is passed once: in a circle, the steps would become more than there are nodes.
    for _ in 0..=graph.node.len() {
        if current == output {
            return Ok(steps);
        }
        let node = match consumers.get(current).map(Vec::as_slice) {
            Some([node]) => *node,
            found => {
                return Err(format!(
                    "{} nodes use {}; in LeNet-5 each value is used by one",
                    found.map_or(0, <[_]>::len),
                    short(current)
                ));
            }
        };
        let [next, ..] = node.output.as_slice() else { return Err(refused(node, "has no output")) };
        step(node, current, constants, &mut steps)?;
        current = next;
    }
    Err("its nodes form a circle".into())
}

fn step<'a>(
    node: &'a NodeProto,
    current: &str,
    constants: &Constants<'a>,
    steps: &mut Vec<Step<'a>>,
) -> Result<(), String> {
    let input = |index: usize| node.input.get(index).map(String::as_str).filter(|name| !name.is_empty());
    let other = || node.input.iter().map(String::as_str).find(|name| *name != current);
    match operator(node) {
        "Relu" => steps.push(Step::Relu),
        "Conv" => {
            let weight = input(1).ok_or_else(|| refused(node, "has no weights"))?;
            expect(node, "pads", &[0; 4], &[0; 4])?;
            expect(node, "strides", &[1, 1], &[1, 1])?;
            expect(node, "dilations", &[1, 1], &[1, 1])?;
            expect_one(node, "group", 1, 1)?;
            expect_no_padding(node)?;
            steps.push(Step::Conv { weight, bias: input(2) });
        }
        kind @ ("MaxPool" | "AveragePool") => {
            expect(node, "kernel_shape", &[2, 2], &[0, 0])?;
            expect(node, "strides", &[2, 2], &[1, 1])?;
            expect(node, "pads", &[0; 4], &[0; 4])?;
            expect(node, "dilations", &[1, 1], &[1, 1])?;
            expect_no_padding(node)?;
            steps.push(Step::Pool(if kind == "MaxPool" { Pool::Maximum } else { Pool::Average }));
        }
        "Gemm" => {
            let weight = input(1).ok_or_else(|| refused(node, "has no weights"))?;
            expect_one(node, "transA", 0, 0)?;
            let scaled = ["alpha", "beta"].iter().any(|name| {
                attribute(node, name).and_then(|attribute| attribute.f).is_some_and(|factor| factor != 1.0)
            });
            if scaled {
                return Err(refused(node, "scales its product; LeNet-5 needs alpha and beta of 1"));
            }
            let transposed = attribute(node, "transB").and_then(|attribute| attribute.i).unwrap_or(0) != 0;
            steps.push(Step::Dense { weight, bias: input(2), transposed });
        }
        "MatMul" if input(0) == Some(current) => {
            let weight = input(1).ok_or_else(|| refused(node, "has no weights"))?;
            steps.push(Step::Dense { weight, bias: None, transposed: false });
        }
        "Add" => match (steps.last_mut(), other()) {
            (Some(Step::Dense { bias: bias @ None, .. }), Some(added)) => *bias = Some(added),
            _ => return Err(refused(node, "adds to something else than a fully connected layer")),
        },
        "QuantizeLinear" => {
            let scale = constants.floats(input(1).unwrap_or_default())?;
            let zero_point = constants.int8(input(2).unwrap_or_default())?;
            match (&scale.values[..], &zero_point.values[..]) {
                ([scale], [zero_point]) => {
                    steps.push(Step::Quantized(Quantization { scale: *scale, zero_point: *zero_point }));
                }
                _ => return Err(refused(node, "has more than one scale")),
            }
        }
        // The other half of a QuantizeLinear, with the same scale.
        "DequantizeLinear" => {
            let scale = constants.floats(input(1).unwrap_or_default())?;
            match steps.last() {
                Some(Step::Quantized(quantization)) if scale.values == [quantization.scale] => (),
                _ => return Err(refused(node, "does not undo the QuantizeLinear before it")),
            }
        }
        passed if PASSED.contains(&passed) => (),
        end if AT_THE_END.contains(&end) => (),
        _ => return Err(refused(node, "is no part of LeNet-5")),
    }
    Ok(())
}

/// Checks a list of integers; `default` is what ONNX takes if the node does not have it.
fn expect(node: &NodeProto, name: &str, needed: &[i64], default: &[i64]) -> Result<(), String> {
    let found = attribute(node, name).map_or(default, |attribute| &attribute.ints);
    if found == needed {
        return Ok(());
    }
    Err(refused(node, &format!("has {name} {found:?}; LeNet-5 needs {needed:?}")))
}

fn expect_one(node: &NodeProto, name: &str, needed: i64, default: i64) -> Result<(), String> {
    let found = attribute(node, name).and_then(|attribute| attribute.i).unwrap_or(default);
    if found == needed { Ok(()) } else { Err(refused(node, &format!("has {name} {found}; LeNet-5 needs {needed}"))) }
}

fn expect_no_padding(node: &NodeProto) -> Result<(), String> {
    match attribute(node, "auto_pad").and_then(|attribute| attribute.s.as_deref()) {
        None | Some(b"NOTSET" | b"VALID" | b"") => Ok(()),
        Some(_) => Err(refused(node, "pads its input; LeNet-5 does not")),
    }
}

fn refused(node: &NodeProto, problem: &str) -> String {
    format!("its node {} ({}) {problem}", short(node.name.as_deref().unwrap_or_default()), short(operator(node)))
}
