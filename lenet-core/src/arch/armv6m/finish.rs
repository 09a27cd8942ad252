//! After the multiplications: requantization and pools.

use crate::architecture::Pool;
use crate::format::FIELD_BITS;
use crate::model::Channel;
use crate::pooling::pool_window;

/// Requantization that avoids 64-bit multiplication, which this architecture lacks, whenever the upper 12 bits of the
/// mantissa are enough.
///
/// With `m = high * 2^19 + low` and `0 <= low < 2^19`, the exact quotient of an accumulator `a > 0` is between those of
/// `a * high` and `a * (high + 1)`. If both round to the same integer, that is the result.
#[derive(Clone, Copy)]
pub(super) struct Finish {
    channel: Channel,
    /// The bias minus the offset that the sums start from.
    bias: i32,
    high: u32,
    half: u32,
    shift: u32,
    /// Accumulators from here on are computed exactly, with 64 bits.
    limit: u32,
}

/// Lower bits of the mantissa that the short way ignores.
const LOW_BITS: u32 = 19;

impl Finish {
    fn new(channel: Channel, offset: i32) -> Self {
        let shift = (31 - channel.multiplier.exponent) as u32 - LOW_BITS;
        // Below the limit a product has 31 bits and half of the divisor at most 30, so their sum fits.
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
            // Zero after the ReLU.
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

    /// The pooled activation of a window, from its four sums. Only their lowest 21 bits are used.
    #[inline(always)]
    fn window(&self, pool: Pool, sums: [u32; 4]) -> u8 {
        const FIELD: u32 = (1 << FIELD_BITS) - 1;
        let accumulators = sums.map(|sum| ((sum & FIELD) as i32).wrapping_add(self.bias));
        pool_window(pool, accumulators, |accumulator| self.requantize(accumulator))
    }
}

/// The requantization of the next `N` channels, or `None` if there are fewer.
pub(super) fn finishes<const N: usize>(
    mut channels: impl Iterator<Item = Channel>,
    offsets: &[i32],
) -> Option<[Finish; N]> {
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

/// Pools the sums of a window of positions, channel by channel.
#[inline(always)]
pub(super) fn finish_pixel<const N: usize>(pool: Pool, finish: &[Finish; N], sums: &[[u32; N]; 4], pixel: &mut [u8]) {
    for (channel, (finish, place)) in finish.iter().zip(pixel).enumerate() {
        *place = finish.window(pool, [0, 1, 2, 3].map(|position: usize| sums[position][channel]));
    }
}
