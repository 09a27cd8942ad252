#![allow(unsafe_code)] // Assembly, so that the number of instructions of a loop and between timer reads is known.

use core::arch::asm;
use core::fmt;

use cortex_m::Peripherals;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{DCB, DWT, SYST};

/// Repetitions of [`spend`] to find out which counter advances.
const PROBE: u32 = 500_000;
/// Repetitions to find out how many instructions one tick is. This takes longer than an inference, so that the error
/// of a few instructions is smaller for an inference.
const CALIBRATION: u32 = 12_000_000;
/// Repetitions to check the counter: another number than it was calibrated with.
const CHECK: u32 = 50_001;

/// What a [`Counter`] counts. None of these is time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Instructions, with SysTick, in an emulator where each takes the same time (QEMU with `-icount`).
    Instructions,
    /// Processor cycles, with CYCCNT of the DWT.
    Cycles,
    /// Processor cycles, with SysTick, on a core without CYCCNT.
    CyclesOfSysTick,
}

impl Unit {
    /// The unit in one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Cycles | Self::CyclesOfSysTick => "cycles",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Instructions => "instructions (SysTick under icount)",
            Self::Cycles => "cycles (DWT)",
            Self::CyclesOfSysTick => "cycles (SysTick)",
        })
    }
}

/// Why instructions or cycles cannot be counted.
#[derive(Clone, Copy, Debug)]
pub enum CounterError {
    /// The peripherals have already been taken.
    Taken,
    /// Neither CYCCNT nor SysTick advances.
    NoneAdvances,
    /// The count of a loop of known length is wrong.
    Inexact(Check),
    /// A span was longer than the range of the counter.
    TooLong,
}

impl fmt::Display for CounterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => f.write_str("the processor's timers are already in use"),
            Self::NoneAdvances => f.write_str("there is no working counter: neither CYCCNT nor SysTick advances"),
            Self::Inexact(Check { expected, counted, .. }) => {
                writeln!(f, "the counter is not exact: it counted {counted} instead of {expected}.")?;
                f.write_str("In QEMU, use -icount shift=0, so that all instructions take the same time.")
            }
            Self::TooLong => f.write_str("an inference took longer than the counter can count"),
        }
    }
}

/// The count of a loop of known length.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// The number of instructions of the loop.
    pub length: u32,
    /// The correct count, in the unit of the counter.
    pub expected: u32,
    /// The actual count.
    pub counted: u32,
    /// The allowed difference.
    pub tolerance: u32,
}

/// Counts instructions or cycles between [`start`](Self::start) and [`stop`](Self::stop).
///
/// A span can last 2^24 ticks of SysTick, which in QEMU is 524 million instructions on the board with the fastest tick,
/// or 2^32 cycles of CYCCNT. [`check_range`](Self::check_range) detects longer spans, but not with CYCCNT.
pub struct Counter {
    syst: SYST,
    unit: Unit,
    /// A number of instructions and the ticks that they take, when instructions are counted.
    rate: (u32, u32),
    /// The count of an empty span, which is subtracted from every count.
    overhead: u32,
    /// The start of the span: the value of SysTick just after it changed, or of CYCCNT.
    started: u32,
    too_long: bool,
}

impl Counter {
    /// Finds a counter, calibrates it and checks it. It can be called only once.
    ///
    /// # Errors
    /// When there is no counter, or when it does not count a loop of known length exactly.
    pub fn calibrate() -> Result<(Self, Check), CounterError> {
        let Peripherals { SYST: mut syst, DCB: mut dcb, DWT: mut dwt, .. } =
            Peripherals::take().ok_or(CounterError::Taken)?;
        syst.set_clock_source(SystClkSource::Core);
        syst.set_reload(SYSTICK_MASK);
        syst.clear_current();
        syst.enable_counter();
        enable_cycle_counter(&mut dcb, &mut dwt);

        let (systick, cyccnt) = (SYST::get_current(), cycle_count());
        spend(PROBE);
        let ticks = systick.wrapping_sub(SYST::get_current()) & SYSTICK_MASK;
        let cycles = cycle_count().wrapping_sub(cyccnt);
        let (unit, probed) = match (cycles, ticks) {
            (0, 0) => return Err(CounterError::NoneAdvances),
            // Cores without CYCCNT execute at most one instruction per cycle. In the emulator, a tick is tens of
            // instructions.
            (0, ticks) if ticks < length(PROBE) / 2 => (Unit::Instructions, ticks),
            (0, ticks) => (Unit::CyclesOfSysTick, ticks),
            (cycles, _) => (Unit::Cycles, cycles),
        };
        let mut counter = Self { syst, unit, rate: (1, 1), overhead: 0, started: 0, too_long: false };
        if unit == Unit::Instructions {
            counter.start();
            spend(CALIBRATION);
            let (ticks, waiting) = counter.end();
            counter.rate = (length(CALIBRATION) + waiting, ticks);
            // The instructions outside the loop. The rate so far is exact enough for this few.
            counter.rate.0 += counter.empty_span();
        }
        counter.overhead = counter.empty_span();
        let check = counter.count_known_loop(probed)?;
        Ok((counter, check))
    }

    /// The unit of the counts.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The maximum error of a count. When a tick is many instructions, it is the distance between two reads of SysTick,
    /// once for the span and once for the empty span that is subtracted.
    pub fn uncertainty(&self) -> u32 {
        match self.unit {
            Unit::Instructions => 2 * POLL,
            Unit::Cycles | Unit::CyclesOfSysTick => 1,
        }
    }

    /// The instructions in 1,000 ticks, when instructions are counted.
    pub fn instructions_of_1000_ticks(&self) -> Option<u32> {
        (self.unit == Unit::Instructions).then(|| self.convert(1000))
    }

    /// Starts a span.
    // Neither this function nor `end` is inlined, so that leaving one and entering the other takes the same number of
    // instructions for every span.
    #[inline(never)]
    pub fn start(&mut self) {
        if self.unit == Unit::Cycles {
            self.started = cycle_count();
            return;
        }
        // Restart SysTick, so that it does not wrap around during the span. That takes effect with the next tick.
        self.syst.clear_current();
        next_tick();
        next_tick();
        self.syst.has_wrapped();
        self.started = match self.unit {
            Unit::Instructions => next_tick().value,
            Unit::Cycles | Unit::CyclesOfSysTick => SYST::get_current(),
        };
    }

    /// Ends a span and returns its count.
    pub fn stop(&mut self) -> u32 {
        let (ticks, waiting) = self.end();
        self.too_long |= self.unit != Unit::Cycles && self.syst.has_wrapped();
        self.convert(ticks).saturating_sub(waiting + self.overhead)
    }

    /// The ticks or cycles since the start, and the instructions among them that were spent waiting for a tick.
    #[inline(never)]
    fn end(&self) -> (u32, u32) {
        match self.unit {
            Unit::Cycles => (cycle_count().wrapping_sub(self.started), 0),
            Unit::CyclesOfSysTick => (self.started.wrapping_sub(SYST::get_current()) & SYSTICK_MASK, 0),
            Unit::Instructions => {
                let end = next_tick();
                (self.started.wrapping_sub(end.value) & SYSTICK_MASK, end.instructions())
            }
        }
    }

    /// Checks that every span so far was within the range of the counter.
    ///
    /// # Errors
    /// When one was not.
    pub fn check_range(&self) -> Result<(), CounterError> {
        match self.too_long {
            false => Ok(()),
            true => Err(CounterError::TooLong),
        }
    }

    /// Converts ticks to the unit of the counter, rounded.
    fn convert(&self, ticks: u32) -> u32 {
        let (instructions, of_ticks) = self.rate;
        let (instructions, of_ticks) = (u64::from(instructions), u64::from(of_ticks));
        ((u64::from(ticks) * instructions + of_ticks / 2) / of_ticks) as u32
    }

    /// The mean count of some empty spans.
    fn empty_span(&mut self) -> u32 {
        const SPANS: u32 = 16;
        let mut sum = 0;
        for _ in 0..SPANS {
            self.start();
            sum += self.stop();
        }
        (sum + SPANS / 2) / SPANS
    }

    /// Counts a loop of known length. `probed` is the count of [`PROBE`] repetitions, which gives the cycles of one.
    fn count_known_loop(&mut self, probed: u32) -> Result<Check, CounterError> {
        self.start();
        spend(CHECK);
        let counted = self.stop();
        let length = length(CHECK);
        let (expected, tolerance) = match self.unit {
            // One tick.
            Unit::Instructions => (length, self.convert(1)),
            Unit::Cycles | Unit::CyclesOfSysTick => {
                let expected = (u64::from(probed) * u64::from(CHECK) / u64::from(PROBE)) as u32;
                (expected, expected / 100)
            }
        };
        let check = Check { length, expected, counted, tolerance };
        match counted.abs_diff(expected) <= tolerance {
            true => Ok(check),
            false => Err(CounterError::Inexact(check)),
        }
    }
}

/// SysTick has 24 bits.
const SYSTICK_MASK: u32 = 0x00FF_FFFF;

/// Instructions between two reads of SysTick in [`next_tick`].
const POLL: u32 = 4;

struct Tick {
    /// The value of SysTick just after it changed.
    value: u32,
    /// The number of reads after the first one.
    polls: u32,
}

impl Tick {
    /// Instructions from the first read to the last: 2, and 4 for every read in between.
    fn instructions(&self) -> u32 {
        POLL * self.polls - 2
    }
}

/// Waits until SysTick changes. This makes counts finer than a tick: a span runs from just after one tick to just after
/// another, and the number of instructions spent waiting is known and subtracted.
#[inline(always)]
fn next_tick() -> Tick {
    let (value, polls);
    // SAFETY: the assembly only reads the current value of SysTick, which has no side effects.
    unsafe {
        asm!(
            "ldr {before}, [{current}]",
            "2:",
            "adds {polls}, #1",
            "ldr {value}, [{current}]",
            "cmp {value}, {before}",
            "beq 2b",
            current = in(reg) &raw const (*SYST::PTR).cvr,
            before = out(reg) _,
            value = out(reg) value,
            polls = inout(reg) 0u32 => polls,
            options(nostack, readonly),
        );
    }
    Tick { value, polls }
}

/// The number of instructions that [`spend`] executes.
const fn length(repetitions: u32) -> u32 {
    2 * repetitions + 1
}

/// Executes [`length`] instructions. `repetitions` must not be zero.
#[inline(always)]
fn spend(repetitions: u32) {
    // SAFETY: the assembly changes only its operand and the flags. It is deliberately not declared `nomem`, so that the
    // compiler does not move it across the reads of a counter.
    unsafe {
        asm!(
            "nop",
            "2:",
            "subs {n}, #1",
            "bne 2b",
            n = inout(reg) repetitions => _,
            options(nostack),
        );
    }
}

#[cfg(not(armv6m))]
fn enable_cycle_counter(dcb: &mut DCB, dwt: &mut DWT) {
    dcb.enable_trace();
    DWT::unlock();
    dwt.enable_cycle_counter();
}

#[cfg(not(armv6m))]
fn cycle_count() -> u32 {
    DWT::cycle_count()
}

#[cfg(armv6m)]
fn enable_cycle_counter(_dcb: &mut DCB, _dwt: &mut DWT) {}

/// Armv6-M has no CYCCNT.
#[cfg(armv6m)]
fn cycle_count() -> u32 {
    0
}
