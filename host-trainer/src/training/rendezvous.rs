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
        {
            let _count = CountAtEnd(&self.done);
            part();
        }
        let mut turns = 0;
        while self.begun.load(Ordering::Relaxed) == self.parts && self.done.load(Ordering::Relaxed) < self.parts {
            // There may be more threads than processors.
            turns += 1;
            if turns % 64 == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
    }
}

/// Counts at the end of its life, so that nobody waits for a part that panicked.
struct CountAtEnd<'a>(&'a AtomicUsize);

impl Drop for CountAtEnd<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use rayon::ThreadPoolBuilder;
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn parts_all_run_once_with_fewer_and_with_more_threads() {
        for threads in [1, 2, 3, 8] {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for parts in [1, 2, 5] {
                let (rendezvous, runs) = (Rendezvous::new(parts), AtomicUsize::new(0));
                let count = || {
                    runs.fetch_add(1, Ordering::Relaxed);
                };
                pool.install(|| (0..parts).into_par_iter().with_max_len(1).for_each(|_| rendezvous.run(count)));
                assert_eq!(runs.into_inner(), parts);
            }
        }
    }

    #[test]
    fn nobody_waits_for_a_part_that_panicked() {
        let rendezvous = Rendezvous::new(2);
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| rendezvous.run(|| panic!("on purpose"))));
        assert!(broken.is_err());
        rendezvous.run(|| ());
    }
}
