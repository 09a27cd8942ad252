#![allow(unsafe_code)] // Loops of exactly known length, and reads of a timer at exactly known instructions.

use core::arch::asm;
use core::fmt;

use cortex_m::Peripherals;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{DCB, DWT, SYST};

/// Repetitions of [`spend`] that show which counter advances.
const PROBE: u32 = 500_000;
/// Repetitions that show how many instructions a tick is. They take longer than an inference, so that the
/// error of a few instructions here is a smaller one there.
const CALIBRATION: u32 = 12_000_000;
/// Repetitions that check the counter; it was not calibrated with so many.
const CHECK: u32 = 50_001;

/// What a [`Counter`] counts. Neither is time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Instructions: SysTick in an emulator where each takes the same time (QEMU with `-icount`).
    Instructions,
    /// Processor cycles: CYCCNT of the DWT.
    Cycles,
    /// Processor cycles: SysTick, on a core without CYCCNT.
    CyclesOfSysTick,
}

impl Unit {
    /// One word for it.
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

/// Why nothing can be counted.
#[derive(Clone, Copy, Debug)]
pub enum CounterError {
    /// Something else has the peripherals.
    Taken,
    /// Neither CYCCNT nor SysTick advances.
    NoneAdvances,
    /// A loop of known length was counted otherwise.
    Inexact(Check),
    /// A span lasted longer than the counter reaches.
    TooLong,
}

impl fmt::Display for CounterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => f.write_str("the processor's timers are in use"),
            Self::NoneAdvances => f.write_str("this processor has no counter: neither CYCCNT nor SysTick advances"),
            Self::Inexact(Check { expected, counted, .. }) => {
                writeln!(f, "the counter is not exact: {counted} counted for {expected}.")?;
                f.write_str("In an emulator instructions must take the same time: QEMU needs -icount shift=0.")
            }
            Self::TooLong => f.write_str("a span lasted longer than the counter reaches"),
        }
    }
}

/// A loop of known length, counted.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Instructions of the loop.
    pub length: u32,
    /// What the counter has to say, in its unit.
    pub expected: u32,
    /// What it said.
    pub counted: u32,
    /// By how much that may differ.
    pub tolerance: u32,
}

/// Counts instructions or cycles between [`start`](Self::start) and [`stop`](Self::stop).
///
/// A span may last 2^24 ticks of SysTick, in QEMU 524 million instructions on the board with the fastest tick,
/// or 2^32 cycles of CYCCNT; a longer one is found by
/// [`check_reach`](Self::check_reach), except with CYCCNT.
pub struct Counter {
    syst: SYST,
    unit: Unit,
    /// Instructions in so many ticks, when instructions are counted.
    rate: (u32, u32),
    /// What an empty span counts; it is subtracted.
    overhead: u32,
    /// Of SysTick, just after it changed, or of CYCCNT.
    started: u32,
    too_long: bool,
}

impl Counter {
    /// Finds a counter, calibrates it and checks it. Can be called once.
    ///
    /// # Errors
    /// When there is none, or it does not count loops of known length exactly.
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
            // No core that lacks CYCCNT executes more than an instruction a cycle. The emulator's tick is of
            // tens of instructions.
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
            // What the loop took besides its own instructions, exactly enough with this rate.
            counter.rate.0 += counter.empty_span();
        }
        counter.overhead = counter.empty_span();
        let check = counter.count_known_loop(probed)?;
        Ok((counter, check))
    }

    /// What it counts.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The largest error of a span. When ticks of SysTick are many instructions, it is what passes from one look
    /// at it to the next, once for the span and once for the empty span that is subtracted.
    pub fn uncertainty(&self) -> u32 {
        match self.unit {
            Unit::Instructions => 2 * POLL,
            Unit::Cycles | Unit::CyclesOfSysTick => 1,
        }
    }

    /// Instructions of a thousand ticks, when it counts instructions.
    pub fn instructions_of_1000_ticks(&self) -> Option<u32> {
        (self.unit == Unit::Instructions).then(|| self.convert(1000))
    }

    /// Begins a span.
    // Out of line, as `end` is: so the way out of one and into the other is the same for every span.
    #[inline(never)]
    pub fn start(&mut self) {
        if self.unit == Unit::Cycles {
            self.started = cycle_count();
            return;
        }
        // From the beginning, so that a span does not go round; it takes a tick to get there.
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

    /// The ticks or cycles since the start, and how many instructions of them were spent on waiting for a tick.
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

    /// Whether every span since the beginning was short enough.
    ///
    /// # Errors
    /// When one was not.
    pub fn check_reach(&self) -> Result<(), CounterError> {
        match self.too_long {
            false => Ok(()),
            true => Err(CounterError::TooLong),
        }
    }

    /// The count of some ticks, rounded.
    fn convert(&self, ticks: u32) -> u32 {
        let (instructions, of_ticks) = self.rate;
        let (instructions, of_ticks) = (u64::from(instructions), u64::from(of_ticks));
        ((u64::from(ticks) * instructions + of_ticks / 2) / of_ticks) as u32
    }

    /// The mean of a few spans with nothing in them.
    fn empty_span(&mut self) -> u32 {
        const SPANS: u32 = 16;
        let mut sum = 0;
        for _ in 0..SPANS {
            self.start();
            sum += self.stop();
        }
        (sum + SPANS / 2) / SPANS
    }

    /// Counts a loop. `probed` is the count of [`PROBE`], from which follows the cycles of one repetition.
    fn count_known_loop(&mut self, probed: u32) -> Result<Check, CounterError> {
        self.start();
        spend(CHECK);
        let counted = self.stop();
        let length = length(CHECK);
        let (expected, tolerance) = match self.unit {
            // A tick's worth.
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

/// Instructions from one look at SysTick to the next in [`next_tick`].
const POLL: u32 = 4;

struct Tick {
    /// SysTick's value, which has just changed.
    value: u32,
    /// How often it was looked at after the first time.
    polls: u32,
}

impl Tick {
    /// Instructions from the first look to the last: two, and four for every look in between.
    fn instructions(&self) -> u32 {
        POLL * self.polls - 2
    }
}

/// Waits until SysTick changes. So a span is counted more finely than in ticks: from just after one to just
/// after another, without the known number of instructions that were spent on waiting for that.
#[inline(always)]
fn next_tick() -> Tick {
    let (value, polls);
    // SAFETY: it only reads SysTick's current value, which has no side effect.
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

/// Instructions of [`spend`].
const fn length(repetitions: u32) -> u32 {
    2 * repetitions + 1
}

/// Spends [`length`] instructions. `repetitions` must not be zero.
#[inline(always)]
fn spend(repetitions: u32) {
    // SAFETY: it changes a register that it says it changes, and the flags. It is not declared free of effects
    // on memory, so that it stays between the reads of a counter.
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

/// The architecture has no CYCCNT.
#[cfg(armv6m)]
fn cycle_count() -> u32 {
    0
}
