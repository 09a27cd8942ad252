//! The nonzero inputs of a fully connected layer. After a ReLU, about half of the inputs are zero.

/// One input: the offset of its weights in a row of words, in bytes, and its activation.
pub(super) type Input = [u16; 2];

/// Inputs that the kernels take at a time. A list is padded with zero inputs to a multiple of it.
pub(super) const UNROLLED: usize = 4;

/// Lists the nonzero inputs, unless they are more than two thirds of all: a listed input costs about 1.5 times as much.
pub(super) fn list<'a>(activations: &[u8], room: &'a mut [Input]) -> Option<&'a [Input]> {
    let mut count = 0;
    let mut places = room.iter_mut();
    for (offset, u) in (0..).step_by(size_of::<u16>()).zip(activations) {
        if *u != 0 {
            *places.next()? = [offset, u16::from(*u)];
            count += 1;
        }
    }
    if 3 * count > 2 * activations.len() {
        return None;
    }
    let filled = count.next_multiple_of(UNROLLED).max(UNROLLED);
    for place in places.take(filled - count) {
        *place = [0, 0];
    }
    room.get(..filled)
}
