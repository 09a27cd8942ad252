//! The nonzero inputs of a fully connected layer. After a ReLU, about half of the inputs are zero.

/// One input. Lower half: the offset of its weights in a row of words, in bytes. Upper half: its activation.
pub(super) type Input = u32;

/// Inputs that the kernels take at a time. A list is padded with zero inputs to a multiple of it.
pub(super) const UNROLLED: usize = 4;

/// Lists the nonzero inputs, unless they are more than two thirds of all: a listed input costs about 1.5 times as much.
///
/// The number of activations is a multiple of 4, as in all layers.
pub(super) fn list<'a>(activations: &[u8], room: &'a mut [Input]) -> Option<&'a [Input]> {
    let available = room.len();
    let mut places = room.iter_mut();
    let mut offset = 0;
    let (fours, _) = activations.as_chunks::<4>();
    for four in fours {
        for u in four {
            if *u != 0 {
                *places.next()? = offset | u32::from(*u) << 16;
            }
            offset += size_of::<u16>() as u32;
        }
    }
    let count = available - places.len();
    if 3 * count > 2 * activations.len() {
        return None;
    }
    let filled = count.next_multiple_of(UNROLLED).max(UNROLLED);
    for place in places.take(filled - count) {
        *place = 0;
    }
    room.get(..filled)
}
