#![allow(unsafe_code)] // Assembly functions, and their calls.
//! Armv6-M (and Armv8-M baseline): 32-bit multiplications without accumulation, eight registers they can use.
//!
//! A convolution's word serves as the plain 32-bit weight that `LDM` loads several of at a time: only the
//! lowest 21 bits of a sum are used, and those are right whatever lies above. Accumulators are in the upper
//! registers, which an addition can reach.

use core::arch::naked_asm;

use super::nonzero;
use crate::architecture::{CONV1_CHANNELS, CONV2_CHANNELS, IMAGE_SIDE, POOL1_SIDE, POOL2_SIDE, Pixels, Pool};
use crate::kernels::pool_window;
use crate::model::{Channel, Conv1Parameters, Conv2Parameters, DenseParameters, FIELD_BITS};
use crate::network::Blank;

/// These kernels need none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scratch;

impl Scratch {
    pub(crate) const fn new() -> Self {
        Self
    }
}

/// Pool1's output in HWC order, activations `u` in [0, 255].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Map([[[u8; CONV1_CHANNELS]; POOL1_SIDE]; POOL1_SIDE]);

impl Map {
    pub(crate) const fn new() -> Self {
        Self([[[0; CONV1_CHANNELS]; POOL1_SIDE]; POOL1_SIDE])
    }

    /// In HWC order.
    pub(crate) fn hwc(&self) -> impl Iterator<Item = u8> {
        self.0.as_flattened().as_flattened().iter().copied()
    }
}

/// Requantization without 64-bit multiplication, which this architecture lacks, wherever 12 bits of the
/// mantissa decide the result.
///
/// With `m = high * 2^19 + low` and `0 <= low < 2^19` the exact quotient of an accumulator `a > 0` lies between
/// those of `a * high` and `a * (high + 1)`. Where both round to the same integer, it is the result.
#[derive(Clone, Copy)]
struct Finish {
    channel: Channel,
    /// The bias less the offset that the sums start from.
    bias: i32,
    high: u32,
    half: u32,
    shift: u32,
    /// Accumulators from here on take the exact way.
    limit: u32,
}

/// Bits of the mantissa that are left away.
const LOW_BITS: u32 = 19;

impl Finish {
    fn new(channel: Channel, offset: i32) -> Self {
        let shift = (31 - i32::from(channel.multiplier.exponent)) as u32 - LOW_BITS;
        // Below the limit a product takes 31 bits and half of the divisor at most 30, so sums fit.
        let (limit, shift) = if shift < 32 { (1 << 19, shift) } else { (0, 1) };
        Self {
            channel,
            bias: channel.bias.wrapping_sub(offset),
            high: channel.multiplier.mantissa as u32 >> LOW_BITS,
            half: 1 << ((shift - 1) & 31),
            shift,
            limit,
        }
    }

    /// The activation of an accumulator.
    #[inline(always)]
    fn requantize(&self, accumulator: i32) -> u8 {
        if accumulator <= 0 {
            // At most one half, and that tie goes up to zero.
            return 0;
        }
        let positive = accumulator as u32;
        if positive < self.limit {
            let least = positive * self.high + self.half;
            let quotient = least >> (self.shift & 31);
            if quotient >= 255 {
                return 255;
            }
            if quotient == (least + positive) >> (self.shift & 31) {
                return quotient as u8;
            }
        }
        self.exact(accumulator)
    }

    #[inline(never)]
    fn exact(&self, accumulator: i32) -> u8 {
        self.channel.multiplier.apply_relu(accumulator)
    }

    /// The pooled activation of a window's four sums, of which the lowest 21 bits count.
    #[inline(always)]
    fn window(&self, pool: Pool, sums: [u32; 4]) -> u8 {
        const FIELD: u32 = (1 << FIELD_BITS) - 1;
        let accumulators = sums.map(|sum| ((sum & FIELD) as i32).wrapping_add(self.bias));
        pool_window(pool, accumulators, |accumulator| self.requantize(accumulator))
    }
}

/// The channels from `first` on.
fn finishes<const N: usize>(mut channels: impl Iterator<Item = Channel>, offsets: &[i32]) -> Option<[Finish; N]> {
    let mut finishes = [None; N];
    for (place, offset) in finishes.iter_mut().zip(offsets) {
        *place = Some(Finish::new(channels.next()?, *offset));
    }
    let mut all = [finishes.first().copied()??; N];
    for (place, finish) in all.iter_mut().zip(finishes) {
        *place = finish?;
    }
    Some(all)
}

#[inline(never)]
pub(crate) fn conv1_pool(
    pixels: &Pixels,
    parameters: &Conv1Parameters<'_>,
    pool: Pool,
    blank: Blank,
    _scratch: &mut Scratch,
    output: &mut Map,
) {
    let offsets = parameters.offsets();
    let Some(finish) = finishes::<CONV1_CHANNELS>(parameters.channels().iter(), offsets) else { return };
    let ink = match blank {
        Blank::Compute => [u32::MAX; POOL1_SIDE],
        Blank::Skip => ink(pixels),
    };
    for (y, (row, mut ink)) in output.0.iter_mut().zip(ink).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let mut sums = [[0; CONV1_CHANNELS]; 4];
            if ink & 7 == 0 {
                // Nothing but what the sums start from.
                sums = [offsets.map(|offset| offset as u32); 4];
            } else {
                let window = pixels.as_ptr().wrapping_add(2 * y * IMAGE_SIDE + 2 * x);
                let words = parameters.words().as_ptr().cast();
                // SAFETY: the pooled position is less than 12 both ways, so that the window of 6 x 6 pixels lies
                // within the image. There are 25 times 6 words, 6 offsets and room for 4 times 6 sums.
                unsafe {
                    match blank {
                        Blank::Compute => conv1_assembly(window, words, offsets, &mut sums),
                        Blank::Skip => conv1_sparse_assembly(window, words, offsets, &mut sums),
                    }
                }
            }
            finish_pixel(pool, &finish, &sums, pixel);
            ink >>= 1;
        }
    }
}

/// For each pooled row which pairs of columns have ink in its windows: the pair `p` at bit `p`.
fn ink(pixels: &Pixels) -> [u32; POOL1_SIDE] {
    let mut ink = [0; POOL1_SIDE];
    let (rows, _) = pixels.as_chunks::<IMAGE_SIDE>();
    for (y, row) in rows.iter().enumerate() {
        let (pairs, _) = row.as_chunks::<2>();
        let bits = pairs.iter().rev().fold(0, |bits, pair| bits << 1 | u32::from(*pair != [0, 0]));
        // The windows of pooled row p are the rows 2 p to 2 p + 5.
        for all in ink.iter_mut().skip((y / 2).saturating_sub(2)).take(3 - 2usize.saturating_sub(y / 2)) {
            *all |= bits;
        }
    }
    ink
}

/// Pools the sums of a window of positions, channel by channel.
#[inline(always)]
fn finish_pixel<const N: usize>(pool: Pool, finish: &[Finish; N], sums: &[[u32; N]; 4], pixel: &mut [u8]) {
    for (channel, (finish, place)) in finish.iter().zip(pixel).enumerate() {
        *place = finish.window(pool, [0, 1, 2, 3].map(|position: usize| sums[position][channel]));
    }
}

#[inline(never)]
pub(crate) fn conv2_pool(
    input: &Map,
    parameters: &Conv2Parameters<'_>,
    pool: Pool,
    output: &mut [[[u8; CONV2_CHANNELS]; POOL2_SIDE]; POOL2_SIDE],
) {
    let mut channels = parameters.channels().iter();
    let (offsets, _) = parameters.offsets().as_chunks::<4>();
    for (group, (words, offsets)) in parameters.words().iter().zip(offsets).enumerate() {
        let Some(finish) = finishes::<4>(&mut channels, offsets) else { return };
        for (y, row) in output.iter_mut().enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                let mut sums = [[0; 4]; 4];
                let map = input.0.as_flattened().as_flattened().as_ptr();
                let window = map.wrapping_add((2 * y * POOL1_SIDE + 2 * x) * CONV1_CHANNELS);
                // SAFETY: the pooled position is less than 4 both ways, so that the window of 6 x 6 positions lies
                // within the map. There are 150 times 4 words, 4 offsets and room for 4 times 4 sums.
                unsafe { conv2_assembly(window, words.as_ptr().cast(), offsets, &mut sums) };
                if let Some(pixel) = pixel.get_mut(4 * group..) {
                    finish_pixel(pool, &finish, &sums, pixel);
                }
            }
        }
    }
}

/// One weight of three outputs: 7 instructions with the load.
macro_rules! three_outputs {
    ($a:literal, $b:literal, $c:literal) => {
        concat!(
            "ldm r7!, {{r1-r3}}\n",
            "muls r1, r0, r1\n",
            "add ",
            $a,
            ", r1\n",
            "muls r2, r0, r2\n",
            "add ",
            $b,
            ", r2\n",
            "muls r3, r0, r3\n",
            "add ",
            $c,
            ", r3\n",
        )
    };
}

/// One tap of conv1's six outputs: 15 instructions, 2.5 a multiply-accumulate.
macro_rules! conv1_tap {
    ($column:literal) => {
        concat!(
            "ldrb r0, [r6, #",
            $column,
            "]\n",
            three_outputs!("r8", "r9", "r10"),
            three_outputs!("r11", "r12", "lr"),
        )
    };
}

/// The same, but a blank pixel takes 5 instructions and any other 18.
macro_rules! conv1_sparse_tap {
    ($column:literal) => {
        concat!(
            "ldrb r0, [r6, #",
            $column,
            "]\n",
            "cmp r0, #0\n",
            "beq 8f\n",
            three_outputs!("r8", "r9", "r10"),
            three_outputs!("r11", "r12", "lr"),
            "b 9f\n",
            "8: adds r7, #24\n",
            "9:\n",
        )
    };
}

macro_rules! conv1_row {
    ($tap:ident) => {
        concat!($tap!("0"), $tap!("1"), $tap!("2"), $tap!("3"), $tap!("4"))
    };
}

/// The body of a function that computes the four positions of a window of conv1.
///
/// Registers: r0 a pixel, r1 to r3 words and products, r6 the pixels, r7 the words, r8 to r12 and lr the
/// accumulators of six outputs, r4 and r5 whatever is needed between positions. On the stack: the words, what the
/// sums start from, where the next sums go and how many positions are to come.
macro_rules! conv1_body {
    ($tap:ident) => {
        concat!(
            save_registers!(),
            "movs r4, #4\n",
            "push {{r1-r4}}\n",
            "movs r6, r0\n",
            "2:\n",
            "ldr r7, [sp, #0]\n",
            "ldr r0, [sp, #4]\n",
            "ldm r0!, {{r1-r5}}\n",
            "mov r8, r1\n",
            "mov r9, r2\n",
            "mov r10, r3\n",
            "mov r11, r4\n",
            "mov r12, r5\n",
            "ldr r1, [r0]\n",
            "mov lr, r1\n",
            conv1_row!($tap),
            "adds r6, #28\n",
            conv1_row!($tap),
            "adds r6, #28\n",
            conv1_row!($tap),
            "adds r6, #28\n",
            conv1_row!($tap),
            "adds r6, #28\n",
            conv1_row!($tap),
            "ldr r0, [sp, #8]\n",
            "mov r1, r8\n",
            "mov r2, r9\n",
            "mov r3, r10\n",
            "mov r4, r11\n",
            "mov r5, r12\n",
            "stm r0!, {{r1-r5}}\n",
            "mov r1, lr\n",
            "stm r0!, {{r1}}\n",
            "str r0, [sp, #8]\n",
            // From four rows down back up and one to the right, then to the second row, then to the right.
            "subs r6, #111\n",
            "ldr r4, [sp, #12]\n",
            "cmp r4, #3\n",
            "bne 3f\n",
            "adds r6, #26\n",
            "3:\n",
            "subs r4, #1\n",
            "str r4, [sp, #12]\n",
            "beq 4f\n",
            "b 2b\n",
            "4:\n",
            "add sp, #16\n",
            restore_registers!(),
        )
    };
}

macro_rules! save_registers {
    () => {
        concat!(
            "push {{r4-r7, lr}}\n",
            "mov r4, r8\n",
            "mov r5, r9\n",
            "mov r6, r10\n",
            "mov r7, r11\n",
            "push {{r4-r7}}\n",
        )
    };
}

/// Also returns.
macro_rules! restore_registers {
    () => {
        concat!(
            "pop {{r4-r7}}\n",
            "mov r8, r4\n",
            "mov r9, r5\n",
            "mov r10, r6\n",
            "mov r11, r7\n",
            "pop {{r4-r7, pc}}\n",
        )
    };
}

/// # Safety
/// `window` is the first pixel of 6 x 6 in an image 28 wide, `words` the first of 25 times 6 words.
#[unsafe(naked)]
unsafe extern "C" fn conv1_assembly(
    window: *const u8,
    words: *const i32,
    offsets: &[i32; CONV1_CHANNELS],
    sums: &mut [[u32; CONV1_CHANNELS]; 4],
) {
    naked_asm!(conv1_body!(conv1_tap))
}

/// # Safety
/// As [`conv1_assembly`].
#[unsafe(naked)]
unsafe extern "C" fn conv1_sparse_assembly(
    window: *const u8,
    words: *const i32,
    offsets: &[i32; CONV1_CHANNELS],
    sums: &mut [[u32; CONV1_CHANNELS]; 4],
) {
    naked_asm!(conv1_body!(conv1_sparse_tap))
}

/// One tap of four of conv2's outputs: 10 instructions, 2.5 a multiply-accumulate.
macro_rules! conv2_tap {
    ($offset:literal $(, $more:literal)?) => {
        concat!(
            "ldrb r0, [r6, #(", $offset $(, $more)?, ")]\n",
            "ldm r7!, {{r1-r4}}\n",
            "muls r1, r0, r1\n",
            "add r8, r1\n",
            "muls r2, r0, r2\n",
            "add r9, r2\n",
            "muls r3, r0, r3\n",
            "add r10, r3\n",
            "muls r4, r0, r4\n",
            "add r11, r4\n",
        )
    };
}

/// The five columns of one input channel.
macro_rules! conv2_channel {
    ($channel:literal) => {
        concat!(
            conv2_tap!($channel),
            conv2_tap!($channel, "+ 6"),
            conv2_tap!($channel, "+ 12"),
            conv2_tap!($channel, "+ 18"),
            conv2_tap!($channel, "+ 24"),
        )
    };
}

/// Registers: r0 an input, r1 to r4 words and products, r5 rows to come, r6 the inputs, r7 the words, r8 to r11 the
/// accumulators of four outputs. On the stack as in `conv1_body`.
///
/// # Safety
/// `window` is the first input of 6 x 6 positions with 6 channels in a map 12 wide, `words` the first of 150
/// times 4 words.
#[unsafe(naked)]
unsafe extern "C" fn conv2_assembly(
    window: *const u8,
    words: *const i32,
    offsets: &[i32; 4],
    sums: &mut [[u32; 4]; 4],
) {
    naked_asm!(
        save_registers!(),
        "movs r4, #4",
        "push {{r1-r4}}",
        "movs r6, r0",
        "2:",
        "ldr r7, [sp, #0]",
        "ldr r0, [sp, #4]",
        "ldm r0!, {{r1-r4}}",
        "mov r8, r1",
        "mov r9, r2",
        "mov r10, r3",
        "mov r11, r4",
        "movs r5, #5",
        "3:",
        conv2_channel!("0"),
        conv2_channel!("1"),
        conv2_channel!("2"),
        conv2_channel!("3"),
        conv2_channel!("4"),
        conv2_channel!("5"),
        "adds r6, #72",
        "subs r5, #1",
        "beq 4f",
        "b 3b",
        "4:",
        "ldr r0, [sp, #8]",
        "mov r1, r8",
        "mov r2, r9",
        "mov r3, r10",
        "mov r4, r11",
        "stm r0!, {{r1-r4}}",
        "str r0, [sp, #8]",
        // From five rows down, 360, back up and one to the right, then to the second row, then to the right.
        "subs r6, #180",
        "subs r6, #174",
        "ldr r4, [sp, #12]",
        "cmp r4, #3",
        "bne 5f",
        "adds r6, #60",
        "5:",
        "subs r4, #1",
        "str r4, [sp, #12]",
        "beq 6f",
        "b 2b",
        "6:",
        "add sp, #16",
        restore_registers!(),
    )
}

/// Calls `each` with the sums of the products of every two outputs, in order.
///
/// `input` are activations in [0, 255], as many as the layer has, a multiple of 4; what it lacks counts as zero.
pub(crate) fn sums_of_products<const IP: usize, const OP: usize, const O: usize>(
    input: &[u8],
    parameters: &DenseParameters<'_, IP, OP, O>,
    blank: Blank,
    _scratch: &mut Scratch,
    mut each: impl FnMut([i32; 2]),
) {
    let mut room = [[0; 2]; INPUTS_MAX];
    if blank == Blank::Skip
        && let Some(inputs) = nonzero::list(input, &mut room)
    {
        let inputs = inputs.as_ptr_range();
        for words in parameters.words() {
            // SAFETY: the inputs are some times 4, and their offsets those of halfwords among the words.
            let sums = unsafe { sparse_assembly(inputs.start, words.as_ptr(), inputs.end) };
            each(separate(sums));
        }
        return;
    }
    let (fours, _) = input.as_chunks::<4>();
    let fours = fours.get(..IP / 2).unwrap_or(fours);
    let inputs = fours.as_ptr_range();
    for words in parameters.words() {
        // SAFETY: there are at least two words to every four inputs, of which there is one at least.
        let sums = unsafe { dense_assembly(inputs.start.cast(), words.as_ptr(), inputs.end.cast()) };
        each(separate(sums));
    }
}

/// Inputs of the largest fully connected layer.
const INPUTS_MAX: usize = 256;

/// The two sums in `256 * odd + even`, the lower word, given `even`, the upper one. With up to 256 products of
/// magnitude 255 * 127 neither the one nor the other leaves 32 bits: 255 * 127 * 256 * 257 is less than 2^31.
#[inline]
fn separate(sums: u64) -> [i32; 2] {
    let (sum, even) = (sums as i32, (sums >> 32) as i32);
    [even, (sum - even) >> 8]
}

/// Two inputs of two outputs: 14 instructions for 4 multiply-accumulates, 3.5 each.
macro_rules! two_inputs {
    ($word:literal, $first:literal, $second:literal) => {
        concat!(
            "ldrb r6, [r0, #",
            $first,
            "]\n",
            "sxth r5, ",
            $word,
            "\n",
            "muls r5, r6, r5\n",
            "adds r2, r2, r5\n",
            "sxtb r5, ",
            $word,
            "\n",
            "muls r5, r6, r5\n",
            "adds r3, r3, r5\n",
            "ldrb r6, [r0, #",
            $second,
            "]\n",
            "asrs ",
            $word,
            ", ",
            $word,
            ", #16\n",
            "sxtb r5, ",
            $word,
            "\n",
            "muls r5, r6, r5\n",
            "adds r3, r3, r5\n",
            "muls ",
            $word,
            ", r6, ",
            $word,
            "\n",
            "adds r2, r2, ",
            $word,
            "\n",
        )
    };
}

/// Registers: r0 the inputs, r1 the words, r2 the sum with whole halfwords (`256 * odd + even`), r3 the sum with
/// lower bytes (`even`), r4 and r7 words, r5 a weight or a product, r6 an input, r12 where the inputs end.
///
/// # Safety
/// From `inputs` to `end` are some times four inputs, at least once, and at `words` half as many words.
#[unsafe(naked)]
unsafe extern "C" fn dense_assembly(inputs: *const u8, words: *const u32, end: *const u8) -> u64 {
    naked_asm!(
        "push {{r4-r7, lr}}",
        "mov r12, r2",
        "movs r2, #0",
        "movs r3, #0",
        "2:",
        "ldm r1!, {{r4, r7}}",
        two_inputs!("r4", "0", "1"),
        two_inputs!("r7", "2", "3"),
        "adds r0, #4",
        "cmp r0, r12",
        "bne 2b",
        "movs r0, r2",
        "movs r1, r3",
        "pop {{r4-r7, pc}}",
    )
}

/// One input that is not zero, of two outputs: 8 instructions for 2 multiply-accumulates.
macro_rules! nonzero_input {
    ($place:literal) => {
        concat!(
            "ldrh r5, [r0, #(",
            $place,
            " * 4)]\n",
            "ldrh r6, [r0, #(",
            $place,
            " * 4 + 2)]\n",
            "ldrsh r4, [r1, r5]\n",
            "ldrsb r7, [r1, r5]\n",
            "muls r4, r6, r4\n",
            "adds r2, r2, r4\n",
            "muls r7, r6, r7\n",
            "adds r3, r3, r7\n",
        )
    };
}

/// Registers: r0 the inputs, r1 the words, r2 and r3 the sums as in [`dense_assembly`], r4 a halfword, r5 its offset,
/// r6 an activation, r7 the halfword's lower byte, r12 where the inputs end.
///
/// # Safety
/// From `inputs` to `end` are some times 4 inputs, with offsets of halfwords at `words`.
#[unsafe(naked)]
unsafe extern "C" fn sparse_assembly(
    inputs: *const nonzero::Input,
    words: *const u32,
    end: *const nonzero::Input,
) -> u64 {
    naked_asm!(
        "push {{r4-r7, lr}}",
        "mov r12, r2",
        "movs r2, #0",
        "movs r3, #0",
        "2:",
        nonzero_input!("0"),
        nonzero_input!("1"),
        nonzero_input!("2"),
        nonzero_input!("3"),
        "adds r0, #16",
        "cmp r0, r12",
        "bne 2b",
        "movs r0, r2",
        "movs r1, r3",
        "pop {{r4-r7, pc}}",
    )
}
