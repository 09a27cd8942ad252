//! Finds the network's parameters among the named tensors of a file.

use lenet_core::labels::{MAX_CLASSES, MIN_CLASSES};

use crate::network::{NAMES, Parameters};

use super::strided::{Element, Strided};

/// The prefix of the fully connected layers' names, as PyTorch's tutorial model misspells it and spelled correctly.
const SPELLINGS: (&str, &str) = ("classfier.", "classifier.");

/// The prefix that `torch.nn.DataParallel` adds to the names of the model it wraps.
const DATA_PARALLEL: &str = "module.";

/// Unexpected tensors that are listed; more would hide the other lines.
const MAX_UNEXPECTED: usize = 12;

/// Width of the name column, which fits the longest accepted name. A line has 80 columns.
const NAME_WIDTH: usize = 26;

/// A tensor as a file declares it.
#[derive(Debug)]
pub(super) struct Declared<'a, Place> {
    /// Its name.
    pub name: &'a str,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// The type of its numbers; if weights cannot have it, the file's name for it.
    pub element: Result<Element, String>,
    /// Where the reader of this file format finds the numbers.
    pub place: Place,
}

/// Finds the network's parameters among the tensors of a file, in either spelling and with or without the prefix of a
/// `DataParallel` model. `numbers` is called only for these tensors, and only when all of them fit.
///
/// # Errors
/// A table of everything that does not fit, with what was expected and found; or the error of `numbers`.
pub(super) fn parameters<'a, Place>(
    tensors: &[Declared<'_, Place>],
    mut numbers: impl FnMut(&Place, Element) -> Result<Strided<'a>, String>,
) -> Result<Parameters<f32>, String> {
    let chosen = choose(tensors)?;
    let mut parameters = Parameters::zeros(chosen[9].0.shape[0]);
    let shapes = Parameters::<f32>::shapes(parameters.classes());
    for (((target, shape), name), (tensor, element)) in
        parameters.slices_mut().into_iter().zip(&shapes).zip(NAMES).zip(chosen)
    {
        numbers(&tensor.place, element)
            .and_then(|numbers| numbers.read(shape, target))
            .map_err(|problem| format!("tensor {name}: {problem}"))?;
    }
    Ok(parameters)
}

type Chosen<'t, 'a, Place> = (&'t Declared<'a, Place>, Element);

/// The tensor for each name, in the order of [`NAMES`].
fn choose<'t, 'a, Place>(tensors: &'t [Declared<'a, Place>]) -> Result<Vec<Chosen<'t, 'a, Place>>, String> {
    let mut candidates: [Vec<&Declared<'a, Place>>; NAMES.len()] = Default::default();
    let mut unexpected = Vec::new();
    for tensor in tensors {
        match index_of(tensor.name) {
            Some(index) => candidates[index].push(tensor),
            None => unexpected.push(line(tensor.name, "not expected", &found(tensor))),
        }
    }
    let classes = classes(&candidates[8], &candidates[9]);
    let shapes = Parameters::<f32>::shapes(classes.unwrap_or(MAX_CLASSES));
    let (mut chosen, mut problems) = (Vec::new(), Vec::new());
    for ((index, name), candidates) in NAMES.iter().enumerate().zip(&candidates) {
        let shape = &shapes[index];
        let expected = match (index, classes) {
            (8, None) => format!("expected [{MIN_CLASSES} to {MAX_CLASSES}, {}]", shape[1]),
            (9, None) => format!("expected [{MIN_CLASSES} to {MAX_CLASSES}]"),
            _ => format!("expected {shape:?}"),
        };
        match candidates[..] {
            [] => problems.push(line(name, &expected, "missing")),
            [tensor] if tensor.shape != *shape => problems.push(line(tensor.name, &expected, &found(tensor))),
            [tensor] => match tensor.element {
                Ok(element) => chosen.push((tensor, element)),
                Err(_) => problems.push(line(tensor.name, &expected, &found(tensor))),
            },
            [first, second, ..] => problems.extend(
                [first, second].map(|tensor| line(tensor.name, &expected, &format!("{}, duplicate", found(tensor)))),
            ),
        }
    }
    let others = unexpected.len().saturating_sub(MAX_UNEXPECTED);
    problems.extend(unexpected.into_iter().take(MAX_UNEXPECTED));
    if others > 0 {
        problems.push(format!("\n  and {others} more that are not expected"));
    }
    if problems.is_empty() {
        return Ok(chosen);
    }
    Err(format!(
        "the tensors are not those of LeNet-5:{}\n\
         Save them with the expected names and shapes, as float16, bfloat16, float32\nor float64.",
        problems.concat()
    ))
}

/// The number of classes: the first axis of fc3's weight, or else of its bias. None if neither has a usable shape.
fn classes<Place>(weight: &[&Declared<'_, Place>], bias: &[&Declared<'_, Place>]) -> Option<usize> {
    let fits = |tensor: &&Declared<'_, Place>, array: usize| {
        let classes = *tensor.shape.first()?;
        let allowed = (MIN_CLASSES..=MAX_CLASSES).contains(&classes);
        (allowed && tensor.shape == Parameters::<f32>::shapes(classes)[array]).then_some(classes)
    };
    weight.iter().find_map(|tensor| fits(tensor, 8)).or_else(|| bias.iter().find_map(|tensor| fits(tensor, 9)))
}

fn index_of(name: &str) -> Option<usize> {
    let name = name.strip_prefix(DATA_PARALLEL).unwrap_or(name);
    NAMES.iter().position(|expected| {
        *expected == name
            || expected.strip_prefix(SPELLINGS.0).is_some_and(|end| name.strip_prefix(SPELLINGS.1) == Some(end))
    })
}

fn line(name: &str, expected: &str, found: &str) -> String {
    format!("\n  {:NAME_WIDTH$} {expected:22} {found}", short(name, NAME_WIDTH))
}

fn found<Place>(tensor: &Declared<'_, Place>) -> String {
    let shape = short(&format!("{:?}", tensor.shape), 16);
    match &tensor.element {
        Ok(_) => format!("found {shape}"),
        Err(element) => format!("found {shape} of {}", short(element, 8)),
    }
}

/// Text from a file made safe for one line of a message: at most `length` characters, no control characters.
pub(super) fn short(text: &str, length: usize) -> String {
    const CUT: &str = "...";
    let mut result: String = text.chars().take(length + 1).map(|c| if c.is_control() { '?' } else { c }).collect();
    if result.chars().count() > length {
        result = result.chars().take(length - CUT.len()).collect();
        result.push_str(CUT);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::strided::{ByteOrder, Layout};

    /// The expected tensors, each with its index as its place.
    fn expected() -> Vec<Declared<'static, usize>> {
        let tensors = NAMES.into_iter().zip(Parameters::<f32>::shapes(10)).enumerate();
        tensors.map(|(place, (name, shape))| Declared { name, shape, element: Ok(Element::F32), place }).collect()
    }

    /// One more than the place, in every element.
    fn numbers(place: &usize, element: Element) -> Result<Strided<'static>, String> {
        let bytes = (*place as f32 + 1.0).to_le_bytes().to_vec().into();
        // All elements share one number: the stride along every axis is 0.
        let rank = [4, 1, 4, 1, 2, 1, 2, 1, 2, 1][*place];
        let layout = Layout::Strides { offset: 0, strides: vec![0; rank] };
        Ok(Strided { bytes, element, order: ByteOrder::Little, layout })
    }

    #[test]
    fn order_spelling_and_prefix_do_not_matter() {
        let mut tensors = expected();
        tensors.reverse();
        tensors[0].name = "classifier.4.bias";
        tensors[1].name = "module.classifier.4.weight";
        tensors[9].name = "module.features.0.weight";
        let parameters = parameters(&tensors, numbers).unwrap();
        for (index, array) in parameters.arrays().iter().enumerate() {
            assert!(array.iter().all(|value| *value == index as f32 + 1.0));
        }
    }

    #[test]
    fn everything_that_does_not_fit_is_listed_at_once() {
        let mut tensors = expected();
        tensors[0].shape = vec![6, 5, 5];
        tensors[2].element = Err("I64".into());
        tensors[4].name = "fc1.weight\n";
        tensors[9].name = "module.features.0.bias";
        let never =
            |_: &usize, _| -> Result<Strided<'static>, String> { panic!("numbers of a rejected file are read") };
        let message = parameters(&tensors, never).unwrap_err();
        let expected = "the tensors are not those of LeNet-5:
  features.0.weight          expected [6, 1, 5, 5]  found [6, 5, 5]
  features.0.bias            expected [6]           found [6], duplicate
  module.features.0.bias     expected [6]           found [10], duplicate
  features.3.weight          expected [16, 6, 5, 5] found [16, 6, 5, 5] of I64
  classfier.0.weight         expected [120, 256]    missing
  classfier.4.bias           expected [10]          missing
  fc1.weight?                not expected           found [120, 256]
Save them with the expected names and shapes, as float16, bfloat16, float32
or float64.";
        assert_eq!(message, expected);
    }

    #[test]
    fn the_rows_of_fc3_are_the_classes() {
        let with = |weight: &[usize], bias: &[usize]| {
            let mut tensors = expected();
            (tensors[8].shape, tensors[9].shape) = (weight.to_vec(), bias.to_vec());
            parameters(&tensors, numbers)
        };
        for classes in [2, 26, 64] {
            assert_eq!(with(&[classes, 84], &[classes]).unwrap().classes(), classes);
        }
        for (weight, bias, lines) in [
            (&[65, 84][..], &[65][..], ["expected [2 to 64, 84] found [65, 84]", "expected [2 to 64]     found [65]"]),
            (&[26, 84], &[10], ["", "expected [26]          found [10]"]),
            (&[1, 84], &[10], ["expected [10, 84]      found [1, 84]", ""]),
        ] {
            let message = with(weight, bias).unwrap_err();
            assert!(lines.iter().all(|line| message.contains(line)), "{message}");
        }
    }

    #[test]
    fn long_lists_and_names_are_cut() {
        let name = "x".repeat(1000);
        let tensor = |name| Declared { name, shape: vec![1; 99], element: Ok(Element::F32), place: 0 };
        let tensors: Vec<_> = (0..100).map(|_| tensor(&name)).collect();
        let message = parameters(&tensors, numbers).unwrap_err();
        assert!(message.contains("and 88 more that are not expected"), "{message}");
        assert!(message.lines().all(|line| line.len() <= 80), "{message}");
    }
}
