//! What a pickle can hold, as far as weights need it.

use std::collections::HashMap;

use super::super::strided::Element;

/// An array of numbers in the archive, which tensors are views of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Storage<'a> {
    /// Name of its entry in the archive.
    pub key: &'a str,
    /// The type of its numbers; if weights cannot have it, PyTorch's name for it.
    pub element: Result<Element, &'static str>,
    /// Count of numbers.
    pub length: usize,
}

/// A view into a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tensor<'a> {
    /// The storage.
    pub storage: Storage<'a>,
    /// Index of the first number in the storage.
    pub offset: usize,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// For each axis, the distance from one number to the next, in numbers.
    pub strides: Vec<usize>,
}

/// Where an object is in [`Pickled::objects`].
pub(super) type Id = usize;

/// An object. All are in one list and refer to each other by index, so that nothing is recursive and memory stays
/// proportional to the pickle.
#[derive(Clone, Debug)]
pub(super) enum Object<'a> {
    /// Something that may accompany weights and is not used: None, a bool, a float, a text that is not UTF-8.
    Opaque,
    Integer(i64),
    Text(&'a str),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Function(Function<'a>),
    Storage(Storage<'a>),
    Tensor(Tensor<'a>),
    /// What a function that is not known here would return. It is not called.
    Instance(Instance<'a>),
}

/// An object of a class that is not known here.
#[derive(Clone, Debug, Default)]
pub(super) struct Instance<'a> {
    /// Module and name of its class, or of the function that makes it.
    pub class: Option<(&'a str, &'a str)>,
    /// Keys and values set like those of a dict.
    pub items: Vec<(Id, Id)>,
    /// Arguments of the function, and the state that is set.
    pub parts: Vec<Id>,
}

/// A function or type that a pickle names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Function<'a> {
    OrderedDict,
    /// `torch._utils._rebuild_tensor` and `_v2`.
    Tensor,
    /// `torch._utils._rebuild_parameter` and `_with_state`.
    Parameter,
    /// `torch._tensor._rebuild_from_type_v2`: calls another function.
    FromType,
    Storage(Result<Element, &'static str>),
    /// Any other: module and name.
    Other(&'a str, &'a str),
}

impl<'a> Function<'a> {
    pub(super) fn named(module: &'a str, name: &'a str) -> Self {
        match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Self::Tensor,
            ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Self::Parameter,
            ("torch._tensor", "_rebuild_from_type_v2") => Self::FromType,
            ("torch", "HalfStorage") => Self::Storage(Ok(Element::F16)),
            ("torch", "BFloat16Storage") => Self::Storage(Ok(Element::Bf16)),
            ("torch", "FloatStorage") => Self::Storage(Ok(Element::F32)),
            ("torch", "DoubleStorage") => Self::Storage(Ok(Element::F64)),
            ("torch", "LongStorage") => Self::Storage(Err("int64")),
            ("torch", "IntStorage") => Self::Storage(Err("int32")),
            ("torch", "ShortStorage") => Self::Storage(Err("int16")),
            ("torch", "CharStorage") => Self::Storage(Err("int8")),
            ("torch", "ByteStorage") => Self::Storage(Err("uint8")),
            ("torch", "BoolStorage") => Self::Storage(Err("bool")),
            ("torch.storage", "UntypedStorage") => Self::Storage(Err("untyped")),
            ("torch", name) if name.ends_with("Storage") => Self::Storage(Err("other")),
            _ => Self::Other(module, name),
        }
    }
}

/// The objects of a pickle.
#[derive(Debug, Default)]
pub(super) struct Pickled<'a> {
    pub objects: Vec<Object<'a>>,
    /// The object that the pickle stands for.
    pub root: Id,
}

impl<'a> Pickled<'a> {
    pub(super) fn text(&self, id: Id) -> Option<&'a str> {
        match self.objects[id] {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The keys and values of a dict, or of an object that is used like one.
    pub(super) fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match &self.objects[id] {
            Object::Dict(entries) => Some(entries),
            Object::Instance(instance) if !instance.items.is_empty() => Some(&instance.items),
            _ => None,
        }
    }

    /// All objects that the root leads to, each with the keys on the shortest way there.
    pub(super) fn reachable(&self) -> Vec<(Id, String)> {
        let mut paths = HashMap::from([(self.root, String::new())]);
        let mut queue = vec![self.root];
        let mut next = 0;
        while let Some(id) = queue.get(next).copied() {
            next += 1;
            let path = paths[&id].clone();
            let mut visit = |child: Id, key: Option<&str>| {
                paths.entry(child).or_insert_with(|| {
                    queue.push(child);
                    match key {
                        // A long way there would make the work quadratic.
                        Some(key) if path.len() < MAX_PATH => [path.as_str(), key].join("/").trim_matches('/').into(),
                        _ => path.clone(),
                    }
                });
            };
            match &self.objects[id] {
                Object::Tuple(items) | Object::List(items) => items.iter().for_each(|item| visit(*item, None)),
                Object::Dict(entries) => entries.iter().for_each(|(key, value)| visit(*value, self.text(*key))),
                Object::Instance(instance) => {
                    instance.items.iter().for_each(|(key, value)| visit(*value, self.text(*key)));
                    instance.parts.iter().for_each(|part| visit(*part, None));
                }
                _ => (),
            }
        }
        queue.into_iter().map(|id| (id, paths.remove(&id).unwrap_or_default())).collect()
    }
}

/// Length of a path at which no more keys are added to it.
const MAX_PATH: usize = 60;
