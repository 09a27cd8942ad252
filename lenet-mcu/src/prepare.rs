//! Prepares frames and strokes, and measures what that costs: prints a CRC-32 over the prepared pixels, which is that of
//! the workstation, and the figures as one line of JSON.

use core::fmt::Write;
use core::hint::black_box;

use lenet_core::checksum::Crc32;
use lenet_core::preparation::{Frame, Point, from_strokes, prepare, scratch_bytes};
use lenet_core::{IMAGE_BYTES, Pixels};

use crate::arch::{Counter, preparation_bytes, stack};
use crate::console::Console;
use crate::failure::Failure;
use crate::{board, digits, frames};

/// Side of the frames, pixels: as large as the RAM allows.
const SIDE: u8 = if board::RAM_KIB >= 64 { 96 } else { 32 };
const FRAME_BYTES: usize = SIDE as usize * SIDE as usize;
const SCRATCH_BYTES: usize = scratch_bytes(SIDE, SIDE);

/// A frame and what its preparation needs.
struct Job {
    frame: [u8; FRAME_BYTES],
    scratch: [u8; SCRATCH_BYTES],
    pixels: Pixels,
}

impl Job {
    fn frame(&mut self) {
        let frame = Frame::new(&self.frame, SIDE, SIDE, SIDE.into());
        let prepared = frame.and_then(|frame| prepare(&frame, &mut self.scratch).ok());
        self.pixels = prepared.unwrap_or([0; IMAGE_BYTES]);
    }
}

fn strokes(pixels: &mut Pixels) {
    let points: [Point<u8>; frames::THREE.len()] = core::array::from_fn(|index| {
        let (x, y) = frames::THREE.get(index).copied().unwrap_or_default();
        Point { x, y, down: index > 0 }
    });
    *pixels = from_strokes(&points).unwrap_or([0; IMAGE_BYTES]);
}

/// Runs the program.
///
/// # Errors
/// When there is no exact counter, or when the output cannot be printed.
pub fn run(console: &mut Console) -> Result<(), Failure> {
    let (mut counter, _) = Counter::calibrate()?;
    let mut job = Job { frame: [0; FRAME_BYTES], scratch: [0; SCRATCH_BYTES], pixels: [0; IMAGE_BYTES] };
    let mut crc = Crc32::new();
    let (mut most, mut deepest) = (0, 0);
    for (index, digit) in digits::all().enumerate() {
        frames::draw(digit.pixels, index, SIDE.into(), &mut job.frame);
        if index == 0 {
            deepest = stack::used_by(Job::frame, &mut job);
        }
        counter.start();
        black_box(Job::frame)(&mut job);
        most = most.max(counter.stop());
        crc.update(&job.pixels);
    }
    let mut pixels = [0; IMAGE_BYTES];
    let strokes_stack = stack::used_by(strokes, &mut pixels);
    counter.start();
    black_box(strokes)(&mut pixels);
    let of_strokes = counter.stop();
    crc.update(&pixels);
    counter.check_range()?;
    let code = preparation_bytes();
    let (name, core, unit, crc) = (board::NAME, board::CORE, counter.unit().name(), crc.finish());
    writeln!(console, "preparation on {name} ({core}): frames of {SIDE} x {SIDE} pixels, and strokes")?;
    writeln!(console, "a frame takes at most {most} {unit}, strokes take {of_strokes}")?;
    writeln!(console, "CRC-32 over the prepared pixels: {crc:08x}")?;
    write!(console, r#"{{"board":"{name}","core":"{core}","counter":"{unit}","side":{SIDE},"prepare":{most},"#)?;
    write!(console, r#""prepare_scratch":{SCRATCH_BYTES},"prepare_stack":{deepest},"strokes":{of_strokes},"#)?;
    write!(console, r#""prepare_code":{code},"#)?;
    writeln!(console, r#""strokes_stack":{strokes_stack},"crc32":"{crc:08x}"}}"#)?;
    Ok(())
}
