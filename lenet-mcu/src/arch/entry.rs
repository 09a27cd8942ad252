/// Makes a program, a function from [`Console`](crate::console::Console) to
/// `Result<(), `[`Failure`](crate::exit::Failure)`>`, the one that starts at reset.
#[macro_export]
macro_rules! entry {
    ($program:path) => {
        // cortex-m-rt calls an exported symbol, `main`. Exporting a symbol counts as unsafe code because
        // another definition of the same name could be linked in its place; link.x has one reset handler
        // that looks for `main`, and a second definition does not link.
        #[allow(unsafe_code)]
        mod start {
            #[$crate::arch::cortex_m_rt::entry]
            fn start() -> ! {
                $crate::exit::run($program)
            }
        }
    };
}
