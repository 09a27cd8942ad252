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

/// The tensors of a file that are the network's.
#[derive(Debug)]
pub(super) struct Choice<'t, 'a, Place> {
    /// In the order of [`NAMES`].
    tensors: Vec<(&'t Declared<'a, Place>, Element)>,
    /// What a person should know about how they were found.
    pub note: Option<String>,
}

impl<'t, Place> Choice<'t, '_, Place> {
    /// Reads their numbers.
    ///
    /// # Errors
    /// The error of `numbers`, with the name of the tensor.
    pub(super) fn read<'n>(
        &self,
        mut numbers: impl FnMut(&Place, Element) -> Result<Strided<'n>, String>,
    ) -> Result<Parameters<f32>, String> {
        let mut parameters = Parameters::zeros(self.tensors[9].0.shape[0]);
        let shapes = Parameters::<f32>::shapes(parameters.classes());
        for (((target, shape), name), (tensor, element)) in
            parameters.slices_mut().into_iter().zip(&shapes).zip(NAMES).zip(&self.tensors)
        {
            numbers(&tensor.place, *element)
                .and_then(|numbers| numbers.read(shape, target))
                .map_err(|problem| format!("tensor {name}: {problem}"))?;
        }
        Ok(parameters)
    }

    /// Where the numbers of each tensor are.
    pub(super) fn places(&self) -> impl Iterator<Item = &'t Place> {
        self.tensors.iter().map(|(tensor, _)| &tensor.place)
    }
}

/// Finds the network's parameters among the tensors of a file, and reads them; also returns what a person should know
/// about how they were found. `numbers` is called only for these tensors, and only when all of them fit.
///
/// # Errors
/// Those of [`choose`] and of `numbers`.
pub(super) fn parameters<'a, Place>(
    tensors: &[Declared<'_, Place>],
    numbers: impl FnMut(&Place, Element) -> Result<Strided<'a>, String>,
) -> Result<(Parameters<f32>, Option<String>), String> {
    let choice = choose(tensors)?;
    Ok((choice.read(numbers)?, choice.note))
}

/// Finds the network's parameters among the tensors of a file: by their names, in either spelling and with any prefix
/// that all names share; or else by their shapes, if these identify all ten.
///
/// # Errors
/// A table of everything that does not fit, with what was expected and found.
pub(super) fn choose<'t, 'a, Place>(tensors: &'t [Declared<'a, Place>]) -> Result<Choice<'t, 'a, Place>, String> {
    by_name(tensors).map(|tensors| Choice { tensors, note: None }).or_else(|table| by_shape(tensors).ok_or(table))
}

/// The tensor for each name, in the order of [`NAMES`].
fn by_name<'t, 'a, Place>(
    tensors: &'t [Declared<'a, Place>],
) -> Result<Vec<(&'t Declared<'a, Place>, Element)>, String> {
    let prefix = shared_prefix(tensors);
    let mut candidates: [Vec<&Declared<'a, Place>>; NAMES.len()] = Default::default();
    let mut unexpected = Vec::new();
    for tensor in tensors {
        match index_of(tensor.name.strip_prefix(prefix).unwrap_or(tensor.name)) {
            Some(index) => candidates[index].push(tensor),
            None if is_counter(tensor) => (),
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

/// The ten tensors by their shapes, which are all different among weights and among biases. A bias whose shape two have,
/// as with 6 or 16 classes, belongs to the weight whose name starts like its own.
fn by_shape<'t, 'a, Place>(tensors: &'t [Declared<'a, Place>]) -> Option<Choice<'t, 'a, Place>> {
    let tensors: Vec<&Declared<'a, Place>> = tensors.iter().filter(|tensor| !is_counter(tensor)).collect();
    let of_shape = |shape: &[usize]| tensors.iter().copied().filter(|t| t.shape == shape).collect::<Vec<_>>();
    let classes = tensors.iter().find_map(|tensor| match tensor.shape[..] {
        // fc2's weight has 120 columns.
        [classes, columns] if columns == Parameters::<f32>::shapes(MIN_CLASSES)[8][1] => Some(classes),
        _ => None,
    })?;
    if !(MIN_CLASSES..=MAX_CLASSES).contains(&classes) || tensors.len() != NAMES.len() {
        return None;
    }
    let shapes = Parameters::<f32>::shapes(classes);
    let stem = |tensor: &Declared<'a, Place>| tensor.name.rsplit_once(['.', '/', '_']).map(|(stem, _)| stem.to_owned());
    let mut chosen: Vec<(&Declared<'a, Place>, Element)> = Vec::new();
    for (weight, bias) in [0, 2, 4, 6, 8].map(|index| (&shapes[index], &shapes[index + 1])) {
        let [weight] = of_shape(weight)[..] else { return None };
        let biases = of_shape(bias);
        let of_same_stem: Vec<_> = biases.iter().copied().filter(|bias| stem(bias) == stem(weight)).collect();
        let bias = match (&biases[..], &of_same_stem[..]) {
            ([bias], _) | (_, [bias]) => *bias,
            _ => return None,
        };
        chosen.push((weight, *weight.element.as_ref().ok()?));
        chosen.push((bias, *bias.element.as_ref().ok()?));
    }
    let different = chosen
        .iter()
        .enumerate()
        .all(|(index, (tensor, _))| chosen[..index].iter().all(|(other, _)| !std::ptr::eq(*other, *tensor)));
    if !different {
        return None;
    }
    let layers = ["conv1", "conv2", "fc1", "fc2", "fc3"].into_iter().zip(chosen.iter().step_by(2));
    let list: Vec<String> =
        layers.map(|(layer, (tensor, _))| format!("{} as {layer}", short(tensor.name, NAME_WIDTH))).collect();
    let note = format!(
        "the tensors have other names than the PyTorch model's and were recognized by their shapes: {}; ReLU is assumed \
         after each layer but the last",
        list.join(", ")
    );
    Some(Choice { tensors: chosen, note: Some(note) })
}

/// A single number that wrappers keep beside the weights, such as the `n_averaged` of averaged models.
fn is_counter<Place>(tensor: &Declared<'_, Place>) -> bool {
    tensor.shape.is_empty()
}

/// The prefix that all names share, up to a dot, if names of the network follow it: that of a wrapper, such as
/// `module.` or `_orig_mod.`, or of the attribute that holds the network in a larger model.
fn shared_prefix<'a, Place>(tensors: &[Declared<'a, Place>]) -> &'a str {
    let mut names = tensors.iter().filter(|tensor| !is_counter(tensor)).map(|tensor| tensor.name);
    let Some(first) = names.next() else { return "" };
    let shared = names.fold(first.len(), |length, name| {
        let same = first.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        length.min(same)
    });
    // Names of the network share parts of their own, so the longest prefix that one of them follows is taken.
    let ends = first.as_bytes()[..shared].iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(dot, _)| dot + 1);
    ends.rev().map(|end| &first[..end]).find(|prefix| index_of(&first[prefix.len()..]).is_some()).unwrap_or_default()
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
        let (parameters, note) = parameters(&tensors, numbers).unwrap();
        assert_eq!(note, None);
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
            assert_eq!(with(&[classes, 84], &[classes]).unwrap().0.classes(), classes);
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
    fn any_prefix_that_all_names_share_is_left_out() {
        for prefix in ["module.", "_orig_mod.", "model.", "net.", "module._orig_mod.backbone.", "features.classfier."] {
            let names: Vec<String> = NAMES.iter().map(|name| format!("{prefix}{name}")).collect();
            let mut tensors = expected();
            tensors.iter_mut().zip(&names).for_each(|(tensor, name)| tensor.name = name);
            // Averaged models have a counter beside the prefixed names.
            let counter = Declared { name: "n_averaged", shape: vec![], element: Err("int64".into()), place: 99 };
            tensors.push(counter);
            assert_eq!(choose(&tensors).unwrap().places().copied().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
            let other = Declared { name: "other.weight", shape: vec![3], element: Ok(Element::F32), place: 99 };
            tensors.push(other);
            assert!(choose(&tensors).unwrap_err().contains("other.weight"), "{prefix}");
        }
    }

    #[test]
    fn other_names_are_recognized_by_their_shapes() {
        const OTHER: [&str; 10] = [
            "conv1.weight",
            "conv1.bias",
            "conv2.weight",
            "conv2.bias",
            "fc1.weight",
            "fc1.bias",
            "fc2.weight",
            "fc2.bias",
            "out.weight",
            "out.bias",
        ];
        let renamed = |classes: usize| {
            let shapes = Parameters::<f32>::shapes(classes);
            let mut tensors = expected();
            for ((tensor, name), shape) in tensors.iter_mut().zip(OTHER).zip(shapes) {
                (tensor.name, tensor.shape) = (name, shape);
            }
            tensors.reverse();
            tensors
        };
        // With 6 and 16 classes, two biases have the same shape.
        for classes in [2, 6, 10, 16, 64] {
            let tensors = renamed(classes);
            let choice = choose(&tensors).unwrap();
            assert_eq!(choice.places().copied().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>(), "{classes}");
            let note = choice.note.unwrap();
            assert!(note.contains("conv1.weight as conv1") && note.contains("out.weight as fc3"), "{note}");
        }
        let mut tensors = renamed(6);
        (tensors[0].name, tensors[8].name) = ("a", "b");
        assert!(choose(&tensors).is_err(), "it is not clear which bias is which");
        let mut tensors = renamed(10);
        tensors.push(Declared { name: "bn.weight", shape: vec![6], element: Ok(Element::F32), place: 10 });
        assert!(choose(&tensors).unwrap_err().contains("bn.weight"));
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
