//! Preparation computes the same pixels on every board and on the workstation, and reaches no panic. `budgets` checks what
//! it costs.
//!
//! The firmware `prepare` draws frames and strokes, as this file does with the same code, and prints a CRC-32 over what
//! they become. See `tests::firmware` for what happens where the emulator is missing.

use std::fs;

use host_trainer::data::digits_10k;
use lenet_core::checksum::Crc32;
use lenet_core::preparation::{Frame, Point, from_strokes, prepare, scratch_bytes};
use libtest_mimic::{Arguments, Failed};
use serde_json::Value;
use tests::call_graph::{MachineCode, Program};
use tests::firmware::{self, Board, succeed};
use tests::offence::Offence;

#[allow(dead_code, unreachable_pub, reason = "it is a module of the firmware")]
#[path = "../../lenet-mcu/src/frames.rs"]
mod frames;

fn main() {
    let arguments = Arguments::from_args();
    let trials = firmware::boards().into_iter().filter(Board::holds_a_frame);
    let trials = trials
        .flat_map(|board| {
            [
                board.trial("prepares_the_same_pixels", prepares_the_same_pixels),
                board.trial("preparation_reaches_no_panic", reaches_no_panic),
            ]
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn prepares_the_same_pixels(board: &Board) -> Result<(), Failed> {
    let printed = succeed(board.run("prepare", &[])?)?;
    let line = printed.lines().last().unwrap_or_default();
    let figures: Value = serde_json::from_str(line).map_err(|error| format!("{error} in {printed:?}"))?;
    let side = figures["side"].as_u64().ok_or_else(|| format!("no side in {line:?}"))?;
    let side = u8::try_from(side)?;
    let expected = format!("{:08x}", expected(side));
    if figures["crc32"] != expected.as_str() {
        return Err(format!("the board has {}, the workstation {expected}", figures["crc32"]).into());
    }
    Ok(())
}

/// Read from the machine code, so that it holds whatever the source looks like.
fn reaches_no_panic(board: &Board) -> Result<(), Failed> {
    let program = Program::new(&MachineCode::read(&fs::read(board.elf("prepare")?)?)?);
    let mut all = 0;
    for name in ["prepare::Job::frame", "prepare::strokes"] {
        let roots: Vec<u32> = program.named(name).into_iter().collect();
        let (functions, findings) = program.findings(&roots);
        all += functions;
        let serious = findings.iter().filter(|finding| matches!(finding.offence, Offence::Panic | Offence::Float));
        let serious: String = serious.map(|finding| format!("{finding}\n")).collect();
        if roots.is_empty() || !serious.is_empty() {
            return Err(format!("{name}: {} roots; {serious}", roots.len()).into());
        }
    }
    // The check looked at the preparation itself, not only at its caller.
    let components = program.named("preparation::components::Components::find");
    match components.is_empty() || all < 8 {
        false => Ok(()),
        true => Err(format!("only {all} functions were looked at").into()),
    }
}

/// The CRC-32 over the pixels that the workstation prepares.
fn expected(side: u8) -> u32 {
    let test = digits_10k().test;
    let mut crc = Crc32::new();
    let mut scratch = vec![0; scratch_bytes(side, side)];
    for index in 0..10 {
        let mut frame = vec![0; usize::from(side) * usize::from(side)];
        frames::draw(test.pixels(index), index, side.into(), &mut frame);
        let frame = Frame::new(&frame, side, side, side.into()).expect("it has its size");
        let pixels = prepare(&frame, &mut scratch).unwrap_or_else(|reason| panic!("frame {index}: {reason}"));
        crc.update(&pixels);
    }
    let points = frames::THREE.iter().enumerate().map(|(index, (x, y))| Point { x: *x, y: *y, down: index > 0 });
    crc.update(&from_strokes(&points.collect::<Vec<_>>()).expect("there are points"));
    crc.finish()
}
