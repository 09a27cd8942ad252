//! How much flash and RAM the network needs, layer by layer, and which boards it fits.

use lenet_core::architecture::{CONV1_CHANNELS, CONV2_CHANNELS, FC1_OUTPUTS, FC2_OUTPUTS, POOL1_SIDE, POOL2_SIDE};
use lenet_core::format::{SMLAL_BYTES, layer_bytes};
use lenet_core::{IMAGE_BYTES, Layer, Model, Workspace};
use maud::{Markup, html};

use crate::numbers::thousands;

/// Upper bound for the flash taken by the inference code on any core; `lenet-mcu/emulate BOARD bench` prints it.
const CODE_BYTES: usize = 10_000;
/// Upper bound for the RAM taken by the stack and the model's handle on any core.
const STACK_BYTES: usize = 1_500;

/// A board, with the sizes from its vendor's data sheet.
struct Board {
    name: &'static str,
    core: &'static str,
    flash: usize,
    ram: usize,
    /// Whether its core is ARMv6-M, whose kernels need less RAM than those of ARMv7-M and later.
    armv6m: bool,
}

const fn board(name: &'static str, core: &'static str, [flash, ram]: [usize; 2], armv6m: bool) -> Board {
    Board { name, core, flash: 1024 * flash, ram: 1024 * ram, armv6m }
}

/// The boards that the firmware is built for, with their sizes.
const FIRMWARE_BOARDS: &str = include_str!("../../../lenet-mcu/boards.txt");
/// Those of them that people own: the name there, and the one that people know.
const OWNED: [(&str, &str); 2] =
    [("stm32vldiscovery", "STM32VLDISCOVERY"), ("microbit", "BBC micro:bit v1 (nRF51822)")];
/// Boards that the firmware is not built for.
const OTHERS: [Board; 9] = [
    board("STM32F030F4", "M0", [16, 4], true),
    board("LPC1114 (302)", "M0", [32, 8], true),
    board("STM32G031K8 Nucleo", "M0+", [64, 8], true),
    board("Blue Pill (STM32F103C8)", "M3", [64, 20], false),
    board("Arduino Zero (SAMD21G18)", "M0+", [256, 32], true),
    board("BBC micro:bit v2 (nRF52833)", "M4F", [512, 128], false),
    board("STM32F446RE Nucleo", "M4F", [512, 128], false),
    board("STM32F746 Discovery", "M7", [1024, 320], false),
    board("Raspberry Pi Pico (RP2040)", "M0+", [2048, 264], true),
];

/// A line of [`FIRMWARE_BOARDS`]; nothing when the columns are not those its comment names.
fn parse(line: &'static str, name: &'static str) -> Option<Board> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let [_, target, _, _, flash_kib, _, ram_kib, _, core] = columns[..] else { return None };
    let sizes = [flash_kib.parse().ok()?, ram_kib.parse().ok()?];
    Some(board(name, core.strip_prefix("Cortex-")?, sizes, target.starts_with("thumbv6m")))
}

/// All boards, from the smallest flash to the largest, of equal ones by RAM.
fn boards() -> Vec<Board> {
    let line = |name: &str| FIRMWARE_BOARDS.lines().find(|line| line.split_whitespace().next() == Some(name));
    let owned = OWNED.iter().filter_map(|(name, known_as)| parse(line(name)?, known_as));
    let mut boards: Vec<Board> = owned.chain(OTHERS).collect();
    boards.sort_by_key(|board| (board.flash, board.ram));
    boards
}

/// A layer: flash bytes of its parameters, and RAM bytes of its output on `[ARMv6-M, ARMv7-M and later]`.
struct Row {
    name: &'static str,
    flash: usize,
    ram: [usize; 2],
}

/// The input and each layer. The ARMv7-M kernels use two bytes for each pixel and each output of pool1, and these
/// 16-bit pixels are kept in addition to the image itself.
fn rows(classes: usize) -> [Row; 6] {
    let pool1 = CONV1_CHANNELS * POOL1_SIDE * POOL1_SIDE;
    let pool2 = CONV2_CHANNELS * POOL2_SIDE * POOL2_SIDE;
    let row = |name, layer: Option<Layer>, ram: [usize; 2]| Row {
        name,
        flash: layer.map_or(0, |layer| layer_bytes(layer, classes)),
        ram,
    };
    [
        row("input", None, [IMAGE_BYTES, 3 * IMAGE_BYTES]),
        row("conv1, pool1", Some(Layer::Conv1), [pool1, 2 * pool1]),
        row("conv2, pool2", Some(Layer::Conv2), [pool2; 2]),
        row("fc1", Some(Layer::Fc1), [FC1_OUTPUTS; 2]),
        row("fc2", Some(Layer::Fc2), [FC2_OUTPUTS; 2]),
        row("fc3", Some(Layer::Fc3), [0; 2]),
    ]
}

/// The tables, for a model whose file has `model_bytes` bytes.
pub(super) fn section(model_bytes: usize, model: &Model<'_>) -> Markup {
    let rows = rows(model.classes());
    let packed = if model.conv1().packed().is_some() { SMLAL_BYTES } else { 0 };
    let listed: usize = packed + rows.iter().map(|row| row.flash).sum::<usize>();
    let [armv6m, armv7m] = [Workspace::BYTES_ARMV6M, Workspace::BYTES_ARMV7M].map(|workspace| workspace + IMAGE_BYTES);
    let widest = rows.iter().map(|row| row.flash).max().unwrap_or(1) as f64;
    html! {
        p {
            "The model takes " strong { (thousands(model_bytes)) " bytes" } " of flash. Inference needs "
            strong { (thousands(armv6m)) } " bytes of RAM, including the image, on ARMv6-M (M0, M0+) and "
            strong { (thousands(armv7m)) } " on ARMv7-M and later (M3, M4, M7, M33, M55)."
        }
        div .scroll { table {
            thead { tr { th { "layer" } th .num { "flash" } th {} th .num { "RAM, ARMv6-M" } th .num { "RAM, ARMv7-M" } } }
            tbody {
                @for row in &rows {
                    tr {
                        th scope="row" { (row.name) }
                        td .num { @if row.flash > 0 { (thousands(row.flash)) } @else { "–" } }
                        td { div .meter style={ "width:" (format!("{:.1}", 8.0 * row.flash as f64 / widest)) "em" } {} }
                        td .num { @if row.ram[0] > 0 { (thousands(row.ram[0])) } @else { "–" } }
                        td .num { @if row.ram[1] > 0 { (thousands(row.ram[1])) } @else { "–" } }
                    }
                }
                @if packed > 0 {
                    tr { th scope="row" { "convolutions again, packed for Cortex-M" } td .num { (thousands(packed)) } td {} td .num { "–" } td .num { "–" } }
                }
                tr { th scope="row" { "scales, labels, description, checksum" } td .num { (thousands(model_bytes - listed)) } td {} td .num { "–" } td .num { "–" } }
            }
            tfoot { tr { th scope="row" { "total" } td .num { (thousands(model_bytes)) } td {} td .num { (thousands(armv6m)) } td .num { (thousands(armv7m)) } } }
        } }
        h3 { "Boards" }
        p {
            "Besides the model and its RAM, " (thousands(CODE_BYTES)) " bytes of flash for the inference code and "
            (thousands(STACK_BYTES)) " bytes of RAM for the stack are counted, which is enough for every core. The rest is free for your program. "
            "Flash and RAM sizes are the vendors' figures."
        }
        div .scroll { table {
            thead { tr { th { "board" } th { "core" } th .num { "flash" } th .num { "RAM" } th { "fits" } th .num { "flash left" } th .num { "RAM left" } } }
            tbody {
                @for board in &boards() {
                    @let ram = if board.armv6m { armv6m } else { armv7m };
                    @let flash_left = board.flash as i64 - (model_bytes + CODE_BYTES) as i64;
                    @let ram_left = board.ram as i64 - (ram + STACK_BYTES) as i64;
                    @let fits = flash_left >= 0 && ram_left >= 0;
                    tr {
                        th scope="row" { (board.name) }
                        td { (board.core) }
                        td .num { (board.flash / 1024) " KB" }
                        td .num { (board.ram / 1024) " KB" }
                        td { @if fits { span .yes { "✓ yes" } } @else { span .no { "✗ no" } } }
                        td .num { (left(flash_left)) }
                        td .num { (left(ram_left)) }
                    }
                }
            }
        } }
    }
}

fn left(bytes: i64) -> String {
    let sign = if bytes < 0 { "−" } else { "" };
    format!("{sign}{}", thousands(bytes.unsigned_abs() as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boards_of_the_firmware_are_among_them_with_their_sizes() {
        let boards = boards();
        assert_eq!(boards.len(), OWNED.len() + OTHERS.len());
        let found =
            |name: &str| boards.iter().find(|board| board.name == name).map(|b| (b.core, b.flash, b.ram, b.armv6m));
        assert_eq!(found("STM32VLDISCOVERY"), Some(("M3", 131_072, 8_192, false)));
        assert_eq!(found("BBC micro:bit v1 (nRF51822)"), Some(("M0", 262_144, 16_384, true)));
    }

    #[test]
    fn rows_add_up_to_what_the_network_takes() {
        let sum = |core: usize| rows(10).iter().map(|row| row.ram[core]).sum::<usize>();
        assert_eq!(sum(0), Workspace::BYTES_ARMV6M + IMAGE_BYTES);
        assert_eq!(sum(1), Workspace::BYTES_ARMV7M + IMAGE_BYTES);
        let flash = |classes| rows(classes).iter().map(|row| row.flash).sum::<usize>();
        assert_eq!([2, 10, 47].map(flash), [2, 10, 47].map(lenet_core::format::parameter_bytes));
    }
}
