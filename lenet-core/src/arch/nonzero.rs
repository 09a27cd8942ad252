//! The inputs of a fully connected layer that are not zero. After a ReLU about half of them are.

/// One input: where its weights lie in a row of words, in bytes, and its activation.
pub(super) type Input = [u16; 2];

/// How many inputs the kernels take at a time. A list is filled up with inputs that are zero.
pub(super) const UNROLLED: usize = 4;

/// Lists the inputs that are not zero, if that is worth while: a kernel spends on one of a list about half as much
/// again as on one of all.
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
