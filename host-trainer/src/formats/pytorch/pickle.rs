//! Python's pickle format, read without running anything.
//!
//! A pickle is a program for a machine with a stack and a memo. Python's machine calls any function that the program
//! names, which is how pickles run other people's code. This machine calls nothing: it knows a few functions that make
//! tensors and what they would return, and takes the result of any other call for an object that it knows nothing
//! about. So a checkpoint may hold anything besides the weights. The format is documented in the source of Python's
//! `pickletools` module.

use std::collections::HashMap;

use super::objects::{Function, Id, Instance, Object, Pickled, Storage, Tensor};

/// More axes than any tensor of weights has.
const MAX_AXES: usize = 8;

/// Reads a pickle.
///
/// # Errors
/// Says what is wrong, and where: damage, or an opcode that does not exist.
pub(super) fn unpickle(pickle: &[u8]) -> Result<Pickled<'_>, String> {
    let mut machine = Machine { rest: pickle, ..Machine::default() };
    match machine.run() {
        Ok(root) => Ok(Pickled { root, ..machine.pickled }),
        Err(problem) => {
            let place = pickle.len() - machine.rest.len();
            Err(format!("{problem} (before byte {place} of data.pkl)"))
        }
    }
}

#[derive(Default)]
struct Machine<'a> {
    rest: &'a [u8],
    pickled: Pickled<'a>,
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
                b'0' => self.pop().map(|_| ())?,
                b'1' => self.pop_to_mark().map(|_| ())?,
                b'2' => self.top().map(|top| self.stack.push(top))?,
                b'N' | 0x88 | 0x89 => self.push(Object::Opaque),
                b'G' => self.array::<8>().map(|_| self.push(Object::Opaque))?,
                b'F' | b'I' | b'L' | b'S' | b'V' => self.line().map(|_| self.push(Object::Opaque))?,
                b']' | 0x8f => self.push(Object::List(Vec::new())),
                b'l' | 0x91 => {
                    let items = self.pop_to_mark()?;
                    self.push(Object::List(items));
                }
                b'a' => {
                    let item = self.pop()?;
                    self.append(vec![item])?;
                }
                b'e' | 0x90 => {
                    let items = self.pop_to_mark()?;
                    self.append(items)?;
                }
                b'}' => self.push(Object::Dict(Vec::new())),
                b'd' => {
                    let items = self.pop_to_mark()?;
                    self.push(Object::Dict(Vec::new()));
                    self.extend_dict(&items)?;
                }
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
                0x8a => {
                    let [length] = self.array()?;
                    self.long(length.into())?;
                }
                0x8b => {
                    let length = u32::from_le_bytes(self.array()?);
                    self.long(length as usize)?;
                }
                b'X' | b'T' => {
                    let length = u32::from_le_bytes(self.array()?);
                    self.text(length as usize)?;
                }
                0x8c | b'U' => {
                    let [length] = self.array()?;
                    self.text(length.into())?;
                }
                0x8d => {
                    let length = self.length8()?;
                    self.text(length)?;
                }
                b'B' => {
                    let length = u32::from_le_bytes(self.array()?);
                    self.bytes(length as usize).map(|_| self.push(Object::Opaque))?;
                }
                b'C' => {
                    let [length] = self.array()?;
                    self.bytes(length.into()).map(|_| self.push(Object::Opaque))?;
                }
                0x8e | 0x96 => {
                    let length = self.length8()?;
                    self.bytes(length).map(|_| self.push(Object::Opaque))?;
                }
                b'q' => self.array().and_then(|[index]| self.put(index.into()))?,
                b'r' => self.array().and_then(|index| self.put(u32::from_le_bytes(index)))?,
                0x94 => self.put(self.memo.len() as u32)?,
                b'h' => self.array().and_then(|[index]| self.get(index.into()))?,
                b'j' => self.array().and_then(|index| self.get(u32::from_le_bytes(index)))?,
                b'p' => self.line().and_then(|index| self.put(number(index)?))?,
                b'g' => self.line().and_then(|index| self.get(number(index)?))?,
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(Object::Function(Function::named(module, name)));
                }
                0x93 => {
                    let (name, module) = (self.pop_text()?, self.pop_text()?);
                    self.push(Object::Function(Function::named(module, name)));
                }
                b'Q' => self.persistent()?,
                b'R' | 0x81 => self.call()?,
                0x92 => {
                    // The keyword arguments of a call.
                    let keywords = self.pop()?;
                    self.call()?;
                    self.add_part(keywords)?;
                }
                b'b' => {
                    let state = self.pop()?;
                    self.add_part(state)?;
                }
                other => return Err(format!("it uses the pickle opcode {other:#04x}, which no checkpoint needs")),
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
        self.stack.push(self.pickled.objects.len());
        self.pickled.objects.push(object);
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
        self.pickled.text(id).ok_or_else(|| "its pickle has something else where a name should be".into())
    }

    fn as_size(&self, id: Id) -> Option<usize> {
        match self.pickled.objects[id] {
            Object::Integer(value) => value.try_into().ok(),
            _ => None,
        }
    }

    fn as_sizes(&self, id: Id) -> Option<Vec<usize>> {
        match &self.pickled.objects[id] {
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
    fn long(&mut self, length: usize) -> Result<(), String> {
        let bytes = self.bytes(length)?;
        let negative = bytes.last().is_some_and(|byte| *byte >= 0x80);
        let mut value = if negative { [0xff; 8] } else { [0; 8] };
        let object = value.get_mut(..bytes.len()).map(|start| start.copy_from_slice(bytes));
        self.push(object.map_or(Object::Opaque, |()| Object::Integer(i64::from_le_bytes(value))));
        Ok(())
    }

    fn length8(&mut self) -> Result<usize, String> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| "its pickle is cut short".into())
    }

    /// Bytes that are not UTF-8 are those of a text in an old encoding, or no text; neither is a name of weights.
    fn text(&mut self, length: usize) -> Result<(), String> {
        let text = std::str::from_utf8(self.bytes(length)?);
        self.push(text.map_or(Object::Opaque, Object::Text));
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

    fn append(&mut self, mut items: Vec<Id>) -> Result<(), String> {
        let id = self.top()?;
        match &mut self.pickled.objects[id] {
            Object::List(list) => list.append(&mut items),
            Object::Instance(instance) => instance.parts.append(&mut items),
            _ => return Err("its pickle appends to something that is not a list".into()),
        }
        Ok(())
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
        let entries = match &mut self.pickled.objects[id] {
            Object::Dict(entries) => Some(entries),
            Object::Instance(instance) => Some(&mut instance.items),
            _ => None,
        };
        match (entries, items.as_chunks()) {
            (Some(entries), (pairs, [])) => {
                entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
                Ok(())
            }
            _ => Err("its pickle sets items of something that is not a dict, or a key without a value".into()),
        }
    }

    /// `('storage', type, key, device, length)`, the only kind of object that weights keep outside of their pickle.
    fn persistent(&mut self) -> Result<(), String> {
        let id = self.pop()?;
        let storage = match &self.pickled.objects[id] {
            Object::Tuple(items) => match items[..] {
                [kind, class, key, _, length] if self.pickled.text(kind) == Some("storage") => {
                    match (&self.pickled.objects[class], self.pickled.text(key), self.as_size(length)) {
                        (Object::Function(Function::Storage(element)), Some(key), Some(length)) => {
                            Some(Storage { key, element: *element, length })
                        }
                        _ => None,
                    }
                }
                _ => None,
            },
            _ => None,
        };
        self.push(storage.map_or(Object::Opaque, Object::Storage));
        Ok(())
    }

    /// Pushes what a function call would return.
    fn call(&mut self) -> Result<(), String> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let result = self.result(function, arguments).unwrap_or_else(|| {
            let class = match self.pickled.objects[function] {
                Object::Function(Function::Other(module, name)) => Some((module, name)),
                _ => None,
            };
            Object::Instance(Instance { class, items: Vec::new(), parts: vec![arguments] })
        });
        self.push(result);
        Ok(())
    }

    /// What a known function would return.
    fn result(&self, function: Id, arguments: Id) -> Option<Object<'a>> {
        let (Object::Function(function), Object::Tuple(items)) =
            (&self.pickled.objects[function], &self.pickled.objects[arguments])
        else {
            return None;
        };
        match (function, items.as_slice()) {
            (Function::OrderedDict, []) => Some(Object::Dict(Vec::new())),
            (Function::Tensor, items) => self.tensor(items).map(Object::Tensor),
            (Function::Parameter, [tensor, ..]) => match &self.pickled.objects[*tensor] {
                Object::Tensor(tensor) => Some(Object::Tensor(tensor.clone())),
                _ => None,
            },
            // The inner function makes a tensor; it is not one that makes another, so this ends.
            (Function::FromType, [inner, _, arguments, ..]) => match self.pickled.objects[*inner] {
                Object::Function(Function::FromType) => None,
                _ => self.result(*inner, *arguments),
            },
            _ => None,
        }
    }

    /// A tensor from the arguments `(storage, offset, shape, strides)`, possibly followed by others.
    fn tensor(&self, arguments: &[Id]) -> Option<Tensor<'a>> {
        let [storage, offset, shape, strides] = *arguments.first_chunk()?;
        let Object::Storage(storage) = self.pickled.objects[storage] else { return None };
        let (shape, strides) = (self.as_sizes(shape)?, self.as_sizes(strides)?);
        let offset = self.as_size(offset)?;
        (shape.len() == strides.len()).then_some(Tensor { storage, offset, shape, strides })
    }

    /// Adds to the top object what its state is, or what it was made with. Only objects of unknown classes keep it; that
    /// of a dict is the `_metadata` of a state dict.
    fn add_part(&mut self, part: Id) -> Result<(), String> {
        let id = self.top()?;
        if let Object::Instance(instance) = &mut self.pickled.objects[id] {
            instance.parts.push(part);
        }
        Ok(())
    }
}

fn number(line: &str) -> Result<u32, String> {
    line.parse().map_err(|_| "its pickle has a memo entry that is not a number".into())
}
