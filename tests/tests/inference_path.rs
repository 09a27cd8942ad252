//! An inference on a board cannot reach a panic, a division, floating point or a copy of a layer. This is read from
//! the machine code of the ELF, so it holds whatever the source looks like.
//!
//! See `tests::firmware` for what happens where the toolchain is missing.

use std::fs;

use libtest_mimic::{Arguments, Failed, Trial};
use tests::call_graph::{MachineCode, Program};
use tests::committed_model;
use tests::firmware::{self, Board};
use tests::offence::Offence;

/// The firmware whose inference is in functions of its own.
const BIN: &str = "bench";

/// Where an inference begins: the functions whose names contain the first entry or, if there are none, the second.
const ROOTS: [&[&str]; 2] = [&["lenet_mcu::inference::classify"], &["LeNet5::classify"]];

/// A firmware that prints percentages, so that the program as a whole has everything an inference must not have.
const COUNTER_EXAMPLE: &str = "demo";

/// The largest model that every board must have room for.
const MODEL_BYTES: usize = 66 * 1024;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("the_model_fits_its_slot", the_model_fits_its_slot)];
    for board in firmware::boards() {
        trials.push(board.trial("the_inference_reaches_nothing_forbidden", nothing_forbidden));
        trials.push(board.trial("the_check_finds_what_the_whole_demo_reaches", check_finds_offences));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn the_model_fits_its_slot() -> Result<(), Failed> {
    match committed_model().bytes().len() {
        ..=MODEL_BYTES => Ok(()),
        bytes => Err(format!("the model has {bytes} bytes, more than {MODEL_BYTES}").into()),
    }
}

fn program(board: &Board, binary: &str) -> Result<Program, Failed> {
    Ok(Program::new(&MachineCode::read(&fs::read(board.elf(binary)?)?)?))
}

fn nothing_forbidden(board: &Board) -> Result<(), Failed> {
    let program = program(board, BIN)?;
    let roots = |names: &[&str]| -> Vec<u32> { names.iter().flat_map(|name| program.named(name)).collect() };
    let Some(roots) = ROOTS.into_iter().map(roots).find(|roots| !roots.is_empty()) else {
        return Err(format!("no function of {BIN} has any of {ROOTS:?} in its name").into());
    };
    let (_, findings) = program.findings(&roots);
    match findings.is_empty() {
        true => Ok(()),
        false => Err(findings.iter().map(|finding| format!("{finding}\n")).collect::<String>().into()),
    }
}

/// Shows that the test above can fail.
fn check_finds_offences(board: &Board) -> Result<(), Failed> {
    let program = program(board, COUNTER_EXAMPLE)?;
    let (reachable, findings) = program.findings(&program.named("Reset"));
    for offence in [Offence::Float, Offence::Copy, Offence::Panic] {
        if !findings.iter().any(|finding| finding.offence == offence) {
            return Err(format!("{offence:?} is not found in the {reachable} functions of {COUNTER_EXAMPLE}").into());
        }
    }
    Ok(())
}
