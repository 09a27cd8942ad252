use std::sync::atomic::{AtomicUsize, Ordering};

/// Makes the threads that work on the parts of a task wait for each other at the end, by spinning.
///
/// An idle rayon thread falls asleep within a few microseconds, and waking it takes about as long as computing a part
/// of a batch. A training step runs two such tasks, one right after the other, so it is faster for a thread that
/// finishes early to wait for the others than to fall asleep.
pub(super) struct Rendezvous {
    parts: usize,
    begun: AtomicUsize,
    done: AtomicUsize,
}

impl Rendezvous {
    /// For a task with this many parts, each of which must be run once.
    pub(super) fn new(parts: usize) -> Self {
        Self { parts, begun: AtomicUsize::new(0), done: AtomicUsize::new(0) }
    }

    /// Runs a part, then waits for the others if all of them have started. If one has not, this thread returns, as it
    /// may be needed to run that part.
    pub(super) fn run(&self, part: impl FnOnce()) {
        self.begun.fetch_add(1, Ordering::Relaxed);
        {
            let _count = CountAtEnd(&self.done);
            part();
        }
        let mut turns = 0;
        while self.begun.load(Ordering::Relaxed) == self.parts && self.done.load(Ordering::Relaxed) < self.parts {
            // Yield now and then: there may be more threads than processors.
            turns += 1;
            if turns % 64 == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
    }
}

/// Counts when dropped, so that a part that panics counts as done and no thread waits for it.
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
