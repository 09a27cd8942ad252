//! The part of Python's pickle format that a state dict of tensors needs, and nothing else.
//!
//! A pickle is a program for a machine with a stack and a memo. Python's machine calls any function that the program
//! names, which is how pickles run other people's code. This machine calls nothing: it knows three functions and what
//! they would return. All objects are in one list and refer to each other by index, so that nothing is recursive and
//! memory stays proportional to the pickle. The format is documented in the source of Python's `pickletools` module.

use std::collections::{BTreeSet, HashMap};

use super::super::named::short;
use super::super::strided::Element;

const REMEDY: &str = "save only the weights: torch.save(model.state_dict(), path)";

/// More axes than any tensor of weights has.
const MAX_AXES: usize = 8;

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

/// Named tensors, in the order of the pickle.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StateDict<'a> {
    /// Names and tensors.
    pub tensors: Vec<(&'a str, Tensor<'a>)>,
}

impl<'a> StateDict<'a> {
    /// Reads a pickled state dict: either the whole pickle, or the only dict of tensors inside another dict, as in a
    /// checkpoint.
    ///
    /// # Errors
    /// Names what a state dict does not need, and says how to save one.
    pub(super) fn decode(pickle: &'a [u8]) -> Result<Self, String> {
        let mut machine = Machine { rest: pickle, ..Machine::default() };
        let root = machine.run().map_err(|problem| {
            let place = pickle.len() - machine.rest.len();
            format!("{problem} (before byte {place} of data.pkl); {REMEDY}")
        })?;
        machine.state_dict(root).map_err(|problem| format!("{problem}; {REMEDY}"))
    }
}

/// Where an object is in [`Machine::objects`].
type Id = usize;

#[derive(Clone, Debug)]
enum Object<'a> {
    /// Something that may accompany weights and is not used: None, a bool, a float, a list.
    Opaque,
    Integer(i64),
    Text(&'a str),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(Storage<'a>),
    Tensor(Tensor<'a>),
}

/// The functions and types that a pickle may name.
#[derive(Clone, Copy, Debug)]
enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Storage(Result<Element, &'static str>),
}

impl Global {
    fn named(module: &str, name: &str) -> Result<Self, String> {
        Ok(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Self::RebuildParameter,
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
            _ => {
                return Err(format!(
                    "it refers to {}.{}, which a state dict of tensors does not need; no code from the file was run",
                    short(module, 60),
                    short(name, 60)
                ));
            }
        })
    }
}

#[derive(Default)]
struct Machine<'a> {
    rest: &'a [u8],
    objects: Vec<Object<'a>>,
    stack: Vec<Id>,
    /// The length of the stack at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    /// Runs the program to its end and returns the object that it leaves on the stack.
    fn run(&mut self) -> Result<Id, String> {
        loop {
            let [opcode] = self.array()?;
            match opcode {
                b'.' => break,
                0x80 => self.protocol()?,
                // The length of a frame, which only a streaming reader needs.
                0x95 => self.array::<8>().map(|_| ())?,
                b'(' => self.marks.push(self.stack.len()),
                b'N' | 0x88 | 0x89 | b']' => self.push(Object::Opaque),
                b'G' => self.array::<8>().map(|_| self.push(Object::Opaque))?,
                b'a' => self.append()?,
                b'e' => self.appends()?,
                b'}' => self.push(Object::Dict(Vec::new())),
                b's' => self.set_item()?,
                b'u' => self.set_items()?,
                b')' => self.push(Object::Tuple(Vec::new())),
                0x85..=0x87 => self.tuple(usize::from(opcode - 0x84))?,
                b't' => {
                    let items = self.pop_to_mark()?;
                    self.push(Object::Tuple(items));
                }
                b'K' => self.array().map(|[byte]| self.push(Object::Integer(byte.into())))?,
                b'M' => self.array().map(|bytes| self.push(Object::Integer(u16::from_le_bytes(bytes).into())))?,
                b'J' => self.array().map(|bytes| self.push(Object::Integer(i32::from_le_bytes(bytes).into())))?,
                0x8a => self.long()?,
                b'X' => {
                    let length = u32::from_le_bytes(self.array()?);
                    self.text(length as usize)?;
                }
                0x8c => {
                    let [length] = self.array()?;
                    self.text(length.into())?;
                }
                b'q' => self.array().and_then(|[index]| self.put(index.into()))?,
                b'r' => self.array().and_then(|index| self.put(u32::from_le_bytes(index)))?,
                0x94 => self.put(self.memo.len() as u32)?,
                b'h' => self.array().and_then(|[index]| self.get(index.into()))?,
                b'j' => self.array().and_then(|index| self.get(u32::from_le_bytes(index)))?,
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(Object::Global(Global::named(module, name)?));
                }
                0x93 => {
                    let (name, module) = (self.pop_text()?, self.pop_text()?);
                    self.push(Object::Global(Global::named(module, name)?));
                }
                b'Q' => self.persistent()?,
                b'R' => self.reduce()?,
                b'b' => self.build()?,
                other => {
                    return Err(format!("it uses the pickle opcode {other:#04x}, which a state dict does not need"));
                }
            }
        }
        match self.stack[..] {
            [root] if self.rest.is_empty() => Ok(root),
            _ => Err("its pickle does not end with exactly one object".into()),
        }
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or("its pickle is cut short")?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.bytes(N).map(|bytes| bytes.try_into().expect("it is N bytes long"))
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let length = self.rest.iter().position(|byte| *byte == b'\n').ok_or("its pickle is cut short")?;
        let line = self.bytes(length + 1)?;
        std::str::from_utf8(&line[..length]).map_err(|_| "its pickle has a name that is not UTF-8".into())
    }

    fn protocol(&mut self) -> Result<(), String> {
        match self.array()? {
            [2..=5] => Ok(()),
            [other] => Err(format!("its pickle protocol is {other}; 2 to 5 are supported")),
        }
    }

    fn push(&mut self, object: Object<'a>) {
        self.stack.push(self.objects.len());
        self.objects.push(object);
    }

    /// The top of the stack above the last mark.
    fn top(&self) -> Result<Id, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack[floor..].last().copied().ok_or_else(|| "its pickle pops from an empty stack".into())
    }

    fn pop(&mut self) -> Result<Id, String> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or("its pickle pops to a mark that is not on the stack")?;
        Ok(self.stack.split_off(mark))
    }

    fn pop_text(&mut self) -> Result<&'a str, String> {
        let id = self.pop()?;
        self.as_text(id).ok_or_else(|| "its pickle has something else where a name should be".into())
    }

    fn as_text(&self, id: Id) -> Option<&'a str> {
        match self.objects[id] {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    fn as_size(&self, id: Id) -> Option<usize> {
        match self.objects[id] {
            Object::Integer(value) => value.try_into().ok(),
            _ => None,
        }
    }

    fn as_sizes(&self, id: Id) -> Option<Vec<usize>> {
        match &self.objects[id] {
            Object::Tuple(items) if items.len() <= MAX_AXES => items.iter().map(|item| self.as_size(*item)).collect(),
            _ => None,
        }
    }

    fn tuple(&mut self, length: usize) -> Result<(), String> {
        let mut items = (0..length).map(|_| self.pop()).collect::<Result<Vec<Id>, String>>()?;
        items.reverse();
        self.push(Object::Tuple(items));
        Ok(())
    }

    /// An integer of any length. One beyond 64 bits is opaque, because it cannot be a size.
    fn long(&mut self) -> Result<(), String> {
        let [length] = self.array()?;
        let bytes = self.bytes(length.into())?;
        let negative = bytes.last().is_some_and(|byte| *byte >= 0x80);
        let mut value = if negative { [0xff; 8] } else { [0; 8] };
        let object = value.get_mut(..bytes.len()).map(|start| start.copy_from_slice(bytes));
        self.push(object.map_or(Object::Opaque, |()| Object::Integer(i64::from_le_bytes(value))));
        Ok(())
    }

    fn text(&mut self, length: usize) -> Result<(), String> {
        let text = std::str::from_utf8(self.bytes(length)?).map_err(|_| "its pickle has a string that is not UTF-8")?;
        self.push(Object::Text(text));
        Ok(())
    }

    fn put(&mut self, index: u32) -> Result<(), String> {
        let top = self.top()?;
        self.memo.insert(index, top);
        Ok(())
    }

    fn get(&mut self, index: u32) -> Result<(), String> {
        let id = self.memo.get(&index).ok_or("its pickle reads a memo entry that was never stored")?;
        self.stack.push(*id);
        Ok(())
    }

    fn append(&mut self) -> Result<(), String> {
        self.pop()?;
        self.expect_list()
    }

    fn appends(&mut self) -> Result<(), String> {
        self.pop_to_mark()?;
        self.expect_list()
    }

    fn expect_list(&self) -> Result<(), String> {
        match self.objects[self.top()?] {
            Object::Opaque => Ok(()),
            _ => Err("its pickle appends to something that is not a list".into()),
        }
    }

    fn set_item(&mut self) -> Result<(), String> {
        let (value, key) = (self.pop()?, self.pop()?);
        self.extend_dict(&[key, value])
    }

    fn set_items(&mut self) -> Result<(), String> {
        let items = self.pop_to_mark()?;
        self.extend_dict(&items)
    }

    fn extend_dict(&mut self, items: &[Id]) -> Result<(), String> {
        let id = self.top()?;
        match (&mut self.objects[id], items.as_chunks()) {
            (Object::Dict(entries), (pairs, [])) => {
                entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
                Ok(())
            }
            _ => Err("its pickle sets items of something that is not a dict, or a key without a value".into()),
        }
    }

    /// `('storage', type, key, device, length)`, the only kind of object that a state dict keeps outside of its pickle.
    fn persistent(&mut self) -> Result<(), String> {
        let id = self.pop()?;
        let storage = match &self.objects[id] {
            Object::Tuple(items) => match items[..] {
                [kind, class, key, _, length] if self.as_text(kind) == Some("storage") => {
                    match (&self.objects[class], self.as_text(key), self.as_size(length)) {
                        (Object::Global(Global::Storage(element)), Some(key), Some(length)) => {
                            Some(Storage { key, element: *element, length })
                        }
                        _ => None,
                    }
                }
                _ => None,
            },
            _ => None,
        };
        self.push(Object::Storage(storage.ok_or("its pickle refers to something other than a storage of numbers")?));
        Ok(())
    }

    /// Pushes what a function call would return.
    fn reduce(&mut self) -> Result<(), String> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let result = match (&self.objects[function], &self.objects[arguments]) {
            (Object::Global(Global::OrderedDict), Object::Tuple(items)) if items.is_empty() => {
                Some(Object::Dict(Vec::new()))
            }
            (Object::Global(Global::RebuildTensor), Object::Tuple(items)) => self.tensor(items).map(Object::Tensor),
            (Object::Global(Global::RebuildParameter), Object::Tuple(items)) => match items[..] {
                [tensor, _, _] => match &self.objects[tensor] {
                    Object::Tensor(tensor) => Some(Object::Tensor(tensor.clone())),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        };
        self.push(result.ok_or("its pickle makes an unsupported call")?);
        Ok(())
    }

    /// A tensor from the arguments `(storage, offset, shape, strides, requires_grad, hooks)`, possibly followed by
    /// metadata.
    fn tensor(&self, arguments: &[Id]) -> Option<Tensor<'a>> {
        let [storage, offset, shape, strides, _, _] = *arguments.first_chunk()?;
        let Object::Storage(storage) = self.objects[storage] else { return None };
        let (shape, strides) = (self.as_sizes(shape)?, self.as_sizes(strides)?);
        let offset = self.as_size(offset)?;
        (shape.len() == strides.len() && arguments.len() <= 7).then_some(Tensor { storage, offset, shape, strides })
    }

    /// Sets attributes of an object. Only the `_metadata` of a state dict is allowed, and it is ignored.
    fn build(&mut self) -> Result<(), String> {
        let (state, target) = (self.pop()?, self.top()?);
        match (&self.objects[target], &self.objects[state]) {
            (Object::Dict(_), Object::Dict(entries))
                if entries.iter().all(|(key, _)| self.as_text(*key) == Some("_metadata")) =>
            {
                Ok(())
            }
            _ => Err("its pickle sets attributes of an object; only a state dict's _metadata is allowed".into()),
        }
    }

    fn state_dict(&self, root: Id) -> Result<StateDict<'a>, String> {
        let entries = self.entries(root).ok_or("it contains no dict")?;
        if self.holds_tensors(entries) {
            return self.tensors(entries);
        }
        let inner: BTreeSet<Id> = entries.iter().map(|(_, value)| *value).collect();
        let mut dicts = inner.into_iter().filter_map(|id| self.entries(id).filter(|e| self.holds_tensors(e)));
        match (dicts.next(), dicts.next()) {
            (Some(entries), None) => self.tensors(entries),
            (None, _) => Err("it contains no dict of tensors".into()),
            (Some(_), Some(_)) => {
                Err("it contains several dicts of tensors, and it is not clear which one to use".into())
            }
        }
    }

    fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match &self.objects[id] {
            Object::Dict(entries) => Some(entries),
            _ => None,
        }
    }

    fn holds_tensors(&self, entries: &[(Id, Id)]) -> bool {
        entries.iter().any(|(_, value)| matches!(self.objects[*value], Object::Tensor(_)))
    }

    fn tensors(&self, entries: &[(Id, Id)]) -> Result<StateDict<'a>, String> {
        let tensors = entries.iter().map(|(key, value)| match (self.as_text(*key), &self.objects[*value]) {
            (Some(name), Object::Tensor(tensor)) => Ok((name, tensor.clone())),
            (Some(name), _) => {
                Err(format!("its dict of tensors also contains {}, which is not a tensor", short(name, 60)))
            }
            (None, _) => Err("its dict of tensors has a key that is not a string".into()),
        });
        Ok(StateDict { tensors: tensors.collect::<Result<_, String>>()? })
    }
}
