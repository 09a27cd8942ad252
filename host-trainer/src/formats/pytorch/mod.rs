//! PyTorch state dicts, as `torch.save(model.state_dict(), path)` has written them since PyTorch 1.6, also inside
//! checkpoints.
//!
//! The file is a zip archive with one folder of any name. In it are `data.pkl`, a [pickle] of the names and shapes;
//! `data/0`, `data/1` and so on, the storages with the numbers, which several tensors may share; and, since PyTorch
//! 2.1, `byteorder`.

mod objects;
mod pickle;

use std::collections::HashMap;

use super::archive::Archive;
use super::float_file::FloatFile;
use super::named::{Choice, Declared, choose, short};
use super::strided::{ByteOrder, Layout, Strided};
use objects::{Object, Pickled, Tensor};
use pickle::unpickle;

/// The first bytes of the format before PyTorch 1.6: the pickle of a 10-byte number.
pub(super) const LEGACY_MAGIC: [u8; 4] = [0x80, 2, 0x8a, 10];

/// The message for a file in that format.
pub(super) const LEGACY: &str = "PyTorch's format from before 1.6 is not supported; load the file with a newer PyTorch \
                                 and save it again: torch.save(model.state_dict(), path)";

const PICKLE: &str = "data.pkl";

/// The most bytes of the pickle: of a checkpoint, with histories of losses and whatever else its program kept.
const MAX_PICKLE_BYTES: u64 = 16 << 20;

const REMEDY: &str = "save only the weights: torch.save(model.state_dict(), path)";

/// The folder in the archive that contains a pickle, with its trailing slash, if there is one.
pub(super) fn folder(archive: &Archive<'_>) -> Option<String> {
    let folders = archive.names().filter_map(|name| name.strip_suffix(PICKLE));
    folders.filter(|folder| folder.is_empty() || folder.ends_with('/')).min().map(str::to_owned)
}

/// Reads a network from an archive that `torch.save` wrote: from the only dict in it that holds the weights, whatever
/// else the file holds.
///
/// # Errors
/// A message that lists the tensors that are missing, unexpected or of the wrong shape or type, or says why the file
/// holds no weights.
pub(super) fn decode(archive: &mut Archive<'_>, folder: &str) -> Result<FloatFile, String> {
    if archive.holds(&format!("{folder}constants.pkl")) {
        return Err("this is a TorchScript program, not a state dict; save its weights with \
                    torch.save(torch.jit.load(\"FILE\").state_dict(), \"weights.pt\")"
            .into());
    }
    let order = byte_order(archive, folder)?;
    let pickle = archive.read_at_most(&format!("{folder}{PICKLE}"), MAX_PICKLE_BYTES + 1)?;
    if pickle.len() as u64 > MAX_PICKLE_BYTES {
        return Err(format!("its {PICKLE} is larger than {} MB; {REMEDY}", MAX_PICKLE_BYTES >> 20));
    }
    let pickled = unpickle(&pickle).map_err(|problem| format!("{problem}; {REMEDY}"))?;
    let dicts = dicts_of_tensors(&pickled);
    let choice = the_network(&pickled, &dicts)?;
    let note = choice.note.clone();
    let parameters = choice.read(|tensor, element| {
        let storage = &tensor.storage;
        let bytes = archive.read(&format!("{folder}data/{}", storage.key))?;
        if bytes.len() / element.size() != storage.length {
            return Err(format!(
                "its storage {} should hold {} numbers but has {} bytes; save the file again",
                short(storage.key, 20),
                storage.length,
                bytes.len()
            ));
        }
        let layout = Layout::Strides { offset: tensor.offset, strides: tensor.strides.clone() };
        Ok(Strided { bytes: bytes.into(), element, order, layout })
    })?;
    FloatFile::new(parameters, HashMap::new(), note)
}

/// A dict with tensors, and where it is in the file: the keys that lead to it.
struct Dict<'p> {
    path: String,
    tensors: Vec<Declared<'p, &'p Tensor<'p>>>,
}

/// Every dict that the pickle leads to and that has tensors with names. Its other entries do not matter.
fn dicts_of_tensors<'p>(pickled: &'p Pickled<'p>) -> Vec<Dict<'p>> {
    let mut dicts = Vec::new();
    for (id, path) in pickled.reachable() {
        let Some(entries) = pickled.entries(id) else { continue };
        let tensors = entries.iter().filter_map(|(key, value)| match (pickled.text(*key), &pickled.objects[*value]) {
            (Some(name), Object::Tensor(tensor)) => Some(Declared {
                name,
                shape: tensor.shape.clone(),
                element: tensor.storage.element.map_err(str::to_owned),
                place: tensor,
            }),
            _ => None,
        });
        let tensors: Vec<_> = tensors.collect();
        if !tensors.is_empty() {
            dicts.push(Dict { path, tensors });
        }
    }
    dicts
}

/// The tensors of the only dict that holds the network.
fn the_network<'t, 'p>(
    pickled: &'p Pickled<'p>,
    dicts: &'t [Dict<'p>],
) -> Result<Choice<'t, 'p, &'p Tensor<'p>>, String> {
    let mut found: Vec<(&str, Choice<'t, 'p, &'p Tensor<'p>>)> = Vec::new();
    for dict in dicts {
        if let Ok(choice) = choose(&dict.tensors) {
            // The same tensors may be there twice, for example in a model and in its list of parameters.
            if !found.iter().any(|(_, other)| other.places().eq(choice.places())) {
                found.push((&dict.path, choice));
            }
        }
    }
    if found.len() > 1 {
        let paths: Vec<&str> = found.iter().map(|(path, _)| if path.is_empty() { "." } else { *path }).collect();
        return Err(format!(
            "it holds several networks, in {}; save the one to use, for example: \
             torch.save(torch.load(\"FILE\"){}, \"weights.pt\")",
            paths.join(" and "),
            short(paths[0], 60).split('/').map(|key| format!("[\"{key}\"]")).collect::<String>()
        ));
    }
    if let Some((_, choice)) = found.pop() {
        return Ok(choice);
    }
    if let Some(class) = whole_model(pickled) {
        return Err(format!(
            "this is a whole model, an object of the class {}, not a state dict; save its weights in a program that has \
             the class: torch.save(torch.load(\"FILE\", weights_only=False).state_dict(), \"weights.pt\")",
            short(&class, 60)
        ));
    }
    // The one with the most tensors is meant to be the network.
    let largest = dicts.iter().max_by_key(|dict| dict.tensors.len());
    match largest {
        Some(dict) if dict.tensors.len() >= 2 => choose(&dict.tensors),
        _ => Err(no_weights(pickled)),
    }
}

/// The class of the first module of PyTorch, which is an object whose state has the parts of `torch.nn.Module`.
fn whole_model(pickled: &Pickled<'_>) -> Option<String> {
    pickled.reachable().iter().find_map(|(id, _)| {
        let Object::Instance(instance) = &pickled.objects[*id] else { return None };
        let is_module = |part: &usize| {
            let keys = pickled.entries(*part).unwrap_or_default();
            keys.iter().any(|(key, _)| pickled.text(*key) == Some("_modules"))
        };
        let (module, name) = instance.class.unwrap_or(("?", "?"));
        // A model of protocol 2 is made by a function that gets its class.
        let class = instance.parts.iter().find_map(|part| match &pickled.objects[*part] {
            Object::Tuple(items) => items.iter().find_map(|item| match pickled.objects[*item] {
                Object::Function(objects::Function::Other(module, name)) => Some(format!("{module}.{name}")),
                _ => None,
            }),
            _ => None,
        });
        instance.parts.iter().any(is_module).then(|| class.unwrap_or_else(|| format!("{module}.{name}")))
    })
}

fn no_weights(pickled: &Pickled<'_>) -> String {
    let foreign = pickled.objects.iter().find_map(|object| match object {
        Object::Function(objects::Function::Other(module, name)) => Some((*module, *name)),
        _ => None,
    });
    if let Some((module, name)) = foreign {
        return format!(
            "it contains no dict of tensors, but refers to {}.{}; no code from the file was run; {REMEDY}",
            short(module, 60),
            short(name, 60)
        );
    }
    let has_dict = pickled.objects.iter().any(|object| matches!(object, Object::Dict(_)));
    format!("it contains no dict{}; {REMEDY}", if has_dict { " of tensors" } else { "" })
}

fn byte_order(archive: &mut Archive<'_>, folder: &str) -> Result<ByteOrder, String> {
    let name = format!("{folder}byteorder");
    if !archive.holds(&name) {
        return Ok(ByteOrder::Little);
    }
    match archive.read(&name)?.as_slice() {
        b"little" => Ok(ByteOrder::Little),
        b"big" => Ok(ByteOrder::Big),
        _ => Err("its byteorder is neither little nor big; save the file again".into()),
    }
}
