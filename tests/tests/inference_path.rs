//! What is linked into the firmware for an inference: no panic, no division, no floating point, no copy
//! of a layer. The machine code of the ELF says so, whatever the source looks like.
//!
//! This has a harness of its own because the toolchain may be missing: the tests then count as ignored,
//! and a line says what to install. `LENET_REQUIRE_EMULATOR=1` makes them fail instead.

use libtest_mimic::{Arguments, Failed, Trial};
use tests::call_graph::{Image, Offence, Program};
use tests::committed_model;
use tests::firmware::{self, Board};

/// The firmware that has the inference in functions of their own.
const BIN: &str = "bench";

/// The inference begins in the functions with the first of these in their names that there are any of.
const ROOTS: [&[&str]; 2] = [&["lenet_mcu::inference::classify"], &["LeNet5::classify"]];

/// A firmware that prints percentages, so that its whole program has what its inference must not have.
const COUNTER_EXAMPLE: &str = "demo";

/// The largest model a board has to have room for.
const MODEL_BYTES: usize = 56 * 1024;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("the_model_fits_its_slot", the_model_fits_its_slot)];
    for board in firmware::boards() {
        trials.push(board.trial("the_inference_has_nothing_forbidden", nothing_forbidden));
        trials.push(board.trial("the_whole_demonstration_has", the_whole_demonstration_has));
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
    Ok(Program::new(&Image::read(&board.build(binary)?)?))
}

fn nothing_forbidden(board: &Board) -> Result<(), Failed> {
    let program = program(board, BIN)?;
    let roots = |names: &[&str]| -> Vec<u32> { names.iter().flat_map(|name| program.named(name)).collect() };
    let Some(roots) = ROOTS.into_iter().map(roots).find(|roots| !roots.is_empty()) else {
        return Err(format!("{BIN} has no function named as one of {ROOTS:?}").into());
    };
    let (_, findings) = program.findings(&roots);
    match findings.is_empty() {
        true => Ok(()),
        false => Err(findings.iter().map(|finding| format!("{finding}\n")).collect::<String>().into()),
    }
}

/// That the test above can fail.
fn the_whole_demonstration_has(board: &Board) -> Result<(), Failed> {
    let program = program(board, COUNTER_EXAMPLE)?;
    let (reachable, findings) = program.findings(&program.named("Reset"));
    for offence in [Offence::Float, Offence::Copy, Offence::Panic] {
        if !findings.iter().any(|finding| finding.offence == offence) {
            return Err(format!("{offence:?} is not found in the {reachable} functions of {COUNTER_EXAMPLE}").into());
        }
    }
    Ok(())
}
