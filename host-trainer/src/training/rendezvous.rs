use std::sync::atomic::{AtomicUsize, Ordering};

/// Lets the threads that share a piece of work leave it together.
///
/// An idle thread of rayon falls asleep within some microseconds, and to wake it takes about as long
/// as a part of a batch does. A training step has two such pieces of work, one right after the
/// other, so whoever is done first had better wait for the rest.
pub(super) struct Rendezvous {
    parts: usize,
    begun: AtomicUsize,
    done: AtomicUsize,
}

impl Rendezvous {
    /// For work in so many parts, each of which is to be run once.
    pub(super) fn new(parts: usize) -> Self {
        Self { parts, begun: AtomicUsize::new(0), done: AtomicUsize::new(0) }
    }

    /// Runs a part, then waits for the others if each of them has a thread. If one has not, this
    /// thread may be the one it needs.
    pub(super) fn run(&self, part: impl FnOnce()) {
        self.begun.fetch_add(1, Ordering::Relaxed);
        part();
        self.done.fetch_add(1, Ordering::Relaxed);
        let mut turns = 0;
        while self.begun.load(Ordering::Relaxed) == self.parts && self.done.load(Ordering::Relaxed) < self.parts {
            // There may be more threads than processors.
            turns += 1;
            if turns % 64 == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
    }
}
