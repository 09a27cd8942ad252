//! Reads from the machine code of a linked firmware which functions can be reached from which, and what they contain
//! that an inference must not contain.
//!
//! In doubt a function counts as reachable: if its address is taken, it may be called. A jump to an address that is
//! computed or read from a table cannot be followed, so it is an offence in itself.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind};

use crate::offence::{Offence, forbidden, plain};
use crate::thumb::{self, Instruction};

/// The machine code of an ELF, and its symbols.
#[derive(Clone, Debug, Default)]
pub struct MachineCode {
    /// The sections with code: address and content.
    pub sections: Vec<(u32, Vec<u8>)>,
    /// The functions: address, size in bytes (0 if it is not known) and name.
    pub functions: Vec<(u32, u32, String)>,
    /// Where code (true) and data within the code (false) begin, by address.
    pub is_code: BTreeMap<u32, bool>,
}

impl MachineCode {
    /// Reads an ELF.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(elf: &[u8]) -> Result<Self, object::Error> {
        let mut code = Self::default();
        let file = object::File::parse(elf)?;
        for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
            code.sections.push((section.address() as u32, section.data()?.to_vec()));
        }
        for symbol in file.symbols().filter(|symbol| !symbol.is_undefined()) {
            let (name, address) = (symbol.name()?, symbol.address() as u32);
            match name.split('.').next() {
                Some("$t") => _ = code.is_code.insert(address, true),
                Some("$d") => _ = code.is_code.insert(address, false),
                // The lowest bit of the address marks Thumb code.
                _ if symbol.kind() == SymbolKind::Text && address & 1 == 1 => {
                    let name = format!("{:#}", rustc_demangle::demangle(name));
                    code.functions.push((address - 1, symbol.size() as u32, name));
                }
                _ => {}
            }
        }
        Ok(code)
    }

    fn is_code(&self, address: u32) -> bool {
        self.is_code.range(..=address).next_back().is_some_and(|(_, is_code)| *is_code)
    }

    fn bytes<const N: usize>(&self, address: u32) -> Option<[u8; N]> {
        self.sections.iter().find_map(|(start, content)| {
            let offset = address.checked_sub(*start)? as usize;
            content.get(offset..offset + N)?.try_into().ok()
        })
    }

    fn halfword(&self, address: u32) -> Option<u16> {
        self.bytes(address).map(u16::from_le_bytes)
    }

    fn word(&self, address: u32) -> Option<u32> {
        self.bytes(address).map(u32::from_le_bytes)
    }
}

/// An offence, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub offence: Offence,
    /// The instruction's address, or `None` if the last function of the path is an offence as a whole.
    pub address: Option<u32>,
    /// The functions from a root to the one with the offence.
    pub path: Vec<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.offence, self.path.join("\n      -> "))?;
        match self.address {
            Some(address) => write!(f, ", at {address:#x}"),
            None => Ok(()),
        }
    }
}

/// The functions of a linked firmware and what they call.
#[derive(Clone, Debug)]
pub struct Program(BTreeMap<u32, Function>);

#[derive(Clone, Debug, Default)]
struct Function {
    names: Vec<String>,
    end: u32,
    /// The functions it calls or may call.
    callees: Vec<u32>,
    /// Its offending instructions, with their addresses.
    offences: Vec<(Offence, u32)>,
}

impl Program {
    /// Finds the calls and offences in machine code.
    pub fn new(code: &MachineCode) -> Self {
        let mut functions: BTreeMap<u32, Function> = BTreeMap::new();
        for (address, size, name) in &code.functions {
            let function = functions.entry(*address).or_default();
            function.names.push(name.clone());
            function.end = function.end.max(address + size);
        }
        let starts: Vec<u32> = functions.keys().copied().collect();
        for (index, start) in starts.iter().enumerate() {
            let function = functions.get_mut(start).expect("it is one of the keys");
            if function.end == *start {
                // A label of assembly code has no size. It extends to the next one or to the end of the section.
                function.end = starts.get(index + 1).copied().unwrap_or(u32::MAX);
            }
        }
        let mut program = Self(functions);
        for start in starts {
            let (callees, offences) = program.walk(code, start);
            let function = program.0.get_mut(&start).expect("it is one of the keys");
            (function.callees, function.offences) = (callees, offences);
        }
        program
    }

    /// The functions whose names contain `part`, whichever way the compiler mangles names.
    pub fn named(&self, part: &str) -> Vec<u32> {
        let has_name = |function: &Function| function.names.iter().any(|name| plain(name).contains(part));
        self.0.iter().filter(|(_, function)| has_name(function)).map(|(address, _)| *address).collect()
    }

    /// The number of functions that can be reached from `roots`, including these, and the offences found in them, each
    /// with a shortest path. A function that is an offence as a whole is not searched further.
    pub fn findings(&self, roots: &[u32]) -> (usize, Vec<Finding>) {
        let mut findings = Vec::new();
        let mut callers: BTreeMap<u32, Option<u32>> = roots.iter().map(|root| (*root, None)).collect();
        let mut queue: VecDeque<u32> = roots.iter().copied().collect();
        while let Some(start) = queue.pop_front() {
            let function = &self.0[&start];
            if let Some(offence) = function.names.iter().find_map(|name| forbidden(name)) {
                findings.push(Finding { offence, address: None, path: self.path(&callers, start) });
                continue;
            }
            for (offence, address) in &function.offences {
                let path = self.path(&callers, start);
                findings.push(Finding { offence: *offence, address: Some(*address), path });
            }
            for callee in &function.callees {
                callers.entry(*callee).or_insert_with(|| {
                    queue.push_back(*callee);
                    Some(start)
                });
            }
        }
        (callers.len(), findings)
    }

    fn path(&self, callers: &BTreeMap<u32, Option<u32>>, start: u32) -> Vec<String> {
        let chain = std::iter::successors(Some(start), |callee| callers[callee]);
        let mut path: Vec<String> = chain.map(|start| self.0[&start].names.join(" = ")).collect();
        path.reverse();
        path
    }

    /// The start of the function that contains this address.
    fn function_at(&self, address: u32) -> Option<u32> {
        let (start, function) = self.0.range(..=address).next_back()?;
        (address < function.end).then_some(*start)
    }

    /// What one function calls, and its own offences.
    fn walk(&self, code: &MachineCode, start: u32) -> (Vec<u32>, Vec<(Offence, u32)>) {
        let end = self.0[&start].end;
        let (mut callees, mut offences) = (Vec::new(), Vec::new());
        // The lower half of each register, as last set in the order of the addresses.
        let mut low = [0; 16];
        // The register that the previous instruction set to the address of a function.
        let mut known = None;
        let mut address = start;
        while address < end {
            let Some(first) = code.halfword(address) else { break };
            let taken = |value: u32| (value & 1 == 1 && self.0.contains_key(&(value - 1))).then(|| value - 1);
            if !code.is_code(address) {
                let word = if address.is_multiple_of(4) { code.word(address) } else { None };
                callees.extend(word.and_then(taken));
                address += 2;
                continue;
            }
            let mut sets = None;
            match thumb::decode(address, first, code.halfword(address + 2).unwrap_or(0)) {
                Instruction::Branch(target) if (start..end).contains(&target) => {}
                Instruction::Branch(target) => match self.function_at(target) {
                    Some(callee) => callees.push(callee),
                    None => offences.push((Offence::Unknown, address)),
                },
                Instruction::Indirect(register) if known == Some(register) => {}
                Instruction::Indirect(_) => offences.push((Offence::Unknown, address)),
                Instruction::LoadLiteral(register, from) => sets = code.word(from).map(|word| (register, word)),
                Instruction::SetLow(register, value) => low[usize::from(register)] = u32::from(value),
                Instruction::SetHigh(register, value) => {
                    sets = Some((register, u32::from(value) << 16 | low[usize::from(register)]));
                }
                Instruction::Divide => offences.push((Offence::Division, address)),
                Instruction::Float => offences.push((Offence::Float, address)),
                Instruction::Stop => offences.push((Offence::Stop, address)),
                Instruction::JumpTable | Instruction::Return | Instruction::Other => {}
            }
            let set = sets.and_then(|(register, value)| Some((register, taken(value)?)));
            callees.extend(set.map(|(_, callee)| callee));
            known = set.map(|(register, _)| register);
            address += if thumb::is_wide(first) { 4 } else { 2 };
        }
        (callees, offences)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Functions one after the other from 0x1000 on, each a multiple of four bytes long.
    fn machine_code(functions: &[(&str, &[u16])]) -> MachineCode {
        let mut code = MachineCode::default();
        let mut content = Vec::new();
        for (name, halfwords) in functions {
            let (address, size) = (0x1000 + content.len() as u32, 2 * halfwords.len() as u32);
            assert_eq!(size % 4, 0);
            code.functions.push((address, size, (*name).to_owned()));
            code.is_code.insert(address, true);
            content.extend(halfwords.iter().flat_map(|halfword| halfword.to_le_bytes()));
        }
        code.sections.push((0x1000, content));
        code
    }

    /// The offences reachable from the function `root` and the last function of the path to each.
    fn found(code: &MachineCode) -> Vec<(Offence, String)> {
        let program = Program::new(code);
        let roots = program.named("root");
        assert_eq!(roots.len(), 1);
        let (_, findings) = program.findings(&roots);
        findings.into_iter().map(|finding| (finding.offence, finding.path.last().unwrap().clone())).collect()
    }

    const RETURN: [u16; 2] = [0x4770, 0xbf00]; // bx lr; nop
    const PANIC: (&str, &[u16]) = ("core::panicking::panic", &RETURN);

    #[test]
    fn a_path_to_a_panic_is_found_and_shown() {
        let code = machine_code(&[
            ("root", &[0xf000, 0xf804, 0xbd10, 0xbf00]), // 0x1000: bl 0x100c; pop {r4, pc}
            ("not called", &[0xe002, 0xbf00]),           // 0x1008: b 0x1010
            ("a", &[0xd500, 0x4770]),                    // 0x100c: bpl 0x1010; bx lr
            PANIC,                                       // 0x1010
        ]);
        let program = Program::new(&code);
        let (reachable, findings) = program.findings(&program.named("root"));
        assert_eq!(reachable, 3);
        let path = ["root", "a", PANIC.0].map(str::to_owned).to_vec();
        assert_eq!(findings, [Finding { offence: Offence::Panic, address: None, path }]);
        assert_eq!(findings[0].to_string(), "Panic: root\n      -> a\n      -> core::panicking::panic");
    }

    #[test]
    fn branches_within_a_function_reach_no_other() {
        let code = machine_code(&[("root", &[0xd0fe, 0xe7fd]), PANIC]); // beq 0x1000; b 0x1000
        assert_eq!(found(&code), []);
        // With a larger offset the branch leaves the function.
        let code = machine_code(&[("root", &[0xd000, 0x4770]), PANIC]);
        assert_eq!(found(&code), [(Offence::Panic, PANIC.0.to_owned())]);
    }

    #[test]
    fn a_branch_into_the_middle_of_a_function_reaches_it() {
        let code = machine_code(&[("root", &[0xe001, 0xbf00]), PANIC]); // b 0x1006
        assert_eq!(found(&code), [(Offence::Panic, PANIC.0.to_owned())]);
    }

    #[test]
    fn a_branch_to_nowhere_is_an_offence() {
        let code = machine_code(&[("root", &[0xe7fc, 0xbf00]), PANIC]); // b 0x0ffc
        assert_eq!(found(&code), [(Offence::Unknown, "root".to_owned())]);
    }

    #[test]
    fn a_taken_address_counts_as_a_call() {
        let panics = [(Offence::Panic, PANIC.0.to_owned())];
        // In a literal pool
        let mut pool = machine_code(&[("root", &[0x4770, 0xbf00, 0x1009, 0x0000]), PANIC]);
        pool.is_code.insert(0x1004, false);
        assert_eq!(found(&pool), panics);
        // The same bytes are not an address if they are code, and not a function's without the lowest bit.
        pool.is_code.remove(&0x1004);
        assert_eq!(found(&pool), []);
        pool.is_code.insert(0x1004, false);
        pool.sections[0].1[4] = 8;
        assert_eq!(found(&pool), []);
        // movw r0, #0x100d; movs r1, #1; movt r0, #0
        let halves = machine_code(&[("root", &[0xf241, 0x000d, 0x2101, 0xf2c0, 0x0000, 0x4770]), PANIC]);
        assert_eq!(found(&halves), panics);
        // ldr r0, [pc, #4] from the pool of another function
        let mut other =
            machine_code(&[("root", &[0x4801, 0x4770]), ("pool", &[0xbf00, 0xbf00, 0x100d, 0x0000]), PANIC]);
        other.is_code.insert(0x1008, false);
        assert_eq!(found(&other), panics);
    }

    #[test]
    fn an_indirect_call_needs_a_known_target() {
        // ldr r3, [pc, #4]; blx r3; bx lr; nop; the word 0x100d
        let mut known = machine_code(&[("root", &[0x4b01, 0x4798, 0x4770, 0xbf00, 0x100d, 0x0000]), ("a", &RETURN)]);
        known.is_code.insert(0x1008, false);
        assert_eq!(found(&known), []);
        // blx r2 instead
        known.sections[0].1[2..4].copy_from_slice(&[0x90, 0x47]);
        assert_eq!(found(&known), [(Offence::Unknown, "root".to_owned())]);
        // An address at which no function starts
        known.sections[0].1[2..4].copy_from_slice(&[0x98, 0x47]);
        known.sections[0].1[8] = 0x33;
        assert_eq!(found(&known), [(Offence::Unknown, "root".to_owned())]);
    }

    #[test]
    fn instructions_are_offences() {
        // sdiv r0, r0, r1; vadd.f32 s0, s0, s1; udf #0; bx lr
        let code = machine_code(&[("root", &[0xfb90, 0xf0f1, 0xee30, 0x0a20, 0xde00, 0x4770])]);
        let (_, findings) = Program::new(&code).findings(&[0x1000]);
        let offences: Vec<_> = findings.iter().map(|finding| (finding.offence, finding.address)).collect();
        let expected = [(Offence::Division, 0x1000), (Offence::Float, 0x1004), (Offence::Stop, 0x1008)];
        assert_eq!(offences, expected.map(|(offence, address)| (offence, Some(address))));
    }

    #[test]
    fn a_label_without_a_size_extends_to_the_next() {
        let mut code = machine_code(&[("root", &[0xbf00, 0xbf00, 0xf000, 0xf800]), PANIC]); // at 0x1004: bl 0x1008
        code.functions[0].1 = 0;
        assert_eq!(found(&code), [(Offence::Panic, PANIC.0.to_owned())]);
    }

    #[test]
    fn both_manglings_give_the_same_names() {
        let mut code =
            machine_code(&[("a::LeNet5::root", &RETURN), ("<a::LeNet5<'_>>::root", &RETURN), ("b", &RETURN)]);
        code.functions.push((0x1008, 4, "<a::LeNet5>::root".to_owned()));
        assert_eq!(Program::new(&code).named("LeNet5::root"), [0x1000, 0x1004, 0x1008]);
    }
}
