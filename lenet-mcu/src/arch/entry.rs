/// Declares the program that starts at reset: a function that takes a `&mut` [`Console`](crate::console::Console) and
/// returns a `Result` whose error [`exit::run`](crate::exit::run) can print.
#[macro_export]
macro_rules! entry {
    ($program:path) => {
        // cortex-m-rt calls the exported symbol `main`. Exporting a symbol counts as unsafe code because it could
        // replace another definition of the same name. Here it cannot: only the reset handler uses `main`, and a second
        // definition is an error of the linker.
        #[allow(unsafe_code)]
        mod start {
            #[$crate::arch::cortex_m_rt::entry]
            fn start() -> ! {
                $crate::exit::run($program)
            }
        }
    };
}
