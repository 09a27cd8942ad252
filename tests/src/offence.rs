//! What an inference on a board must not contain, and which functions amount to that by their names.

/// What an inference must not contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Offence {
    /// A panic, or what the firmware does after one.
    Panic,
    /// A division.
    Division,
    /// Floating-point arithmetic, in hardware or software.
    Float,
    /// A copy of memory.
    Copy,
    /// Any other function of the compiler's runtime library that is not known to be harmless.
    Runtime,
    /// An instruction that stops the program.
    Stop,
    /// A jump whose target is not known, so that anything might be reachable.
    Unknown,
}

/// A name without angle brackets: the compiler's two mangling schemes place them differently.
pub(crate) fn plain(name: &str) -> String {
    name.replace("<'_>", "").replace(['<', '>'], "")
}

/// Whether a function is an offence as a whole, by its name.
pub fn forbidden(name: &str) -> Option<Offence> {
    let name = &plain(name);
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["core::panicking::", "rust_begin_unwind", "lenet_mcu::exit::fail", "lenet_mcu::exit::stop"]) {
        return Some(Offence::Panic);
    }
    let eabi = name.strip_prefix("__aeabi_");
    let starts = |prefixes: &[&str]| eabi.is_some_and(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)));
    let c = ["memcpy", "memmove", "memset", "memcmp", "bcmp", "strlen"].contains(&name.as_str());
    if !c && eabi.is_none() && !name.starts_with("__") && !has(&["compiler_builtins::"]) {
        return None;
    }
    // Harmless: 64-bit products and shifts, for which the Cortex-M0 has no instructions, and filling memory.
    if has(&["memset", "memclr", "set_bytes", "__muldi3", "__ashldi3", "__ashrdi3", "__lshrdi3"])
        || has(&["compiler_builtins::int::mul::", "compiler_builtins::int::shift::"])
        || starts(&["lmul", "llsl", "llsr", "lasr"])
    {
        return None;
    }
    Some(if has(&["memcpy", "memmove", "copy"]) {
        Offence::Copy
    } else if starts(&["f", "d", "h", "cf", "cd", "i2", "ui2", "l2", "ul2"]) || has(&["::float::", "sf", "df"]) {
        Offence::Float
    } else if has(&["div", "mod", "rem"]) {
        Offence::Division
    } else {
        Offence::Runtime
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_offences_from_harmless_functions() {
        let offences = [
            ("core::panicking::panic_bounds_check", Offence::Panic),
            ("__rustc::rust_begin_unwind", Offence::Panic),
            ("__aeabi_idivmod", Offence::Division),
            ("__aeabi_uldivmod", Offence::Division),
            ("__udivsi3", Offence::Division),
            ("compiler_builtins::int::specialized_div_rem::u32_div_rem", Offence::Division),
            ("__aeabi_fadd", Offence::Float),
            ("__aeabi_ddiv", Offence::Float),
            ("__aeabi_i2f", Offence::Float),
            ("__aeabi_f2uiz", Offence::Float),
            ("__aeabi_cfcmple", Offence::Float),
            ("__mulsf3", Offence::Float),
            ("compiler_builtins::float::add::__addsf3", Offence::Float),
            ("memcpy", Offence::Copy),
            ("memmove", Offence::Copy),
            ("__aeabi_memcpy4", Offence::Copy),
            ("__aeabi_memmove8", Offence::Copy),
            ("compiler_builtins::mem::memcpy", Offence::Copy),
            ("compiler_builtins::mem::impls::copy_forward_bytes", Offence::Copy),
            ("__aeabi_unwind_cpp_pr0", Offence::Runtime),
            ("memcmp", Offence::Runtime),
        ];
        for (name, offence) in offences {
            assert_eq!(forbidden(name), Some(offence), "{name}");
        }
        let harmless = [
            "lenet_core::network::LeNet5::classify",
            "lenet_core::pooling::divide_and_modify",
            "__aeabi_lmul",
            "__aeabi_llsl",
            "__aeabi_memset4",
            "__aeabi_memclr8",
            "memset",
            "compiler_builtins::mem::memset",
        ];
        for name in harmless {
            assert_eq!(forbidden(name), None, "{name}");
        }
    }
}
