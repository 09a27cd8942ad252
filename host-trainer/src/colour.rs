//! Decides whether to print in colour.

use std::io::{self, IsTerminal};

/// Whether to print in colour on standard output: if it is a terminal that supports colour and `CLICOLOR` is not 0, or
/// if `CLICOLOR_FORCE` is set; but never if `NO_COLOR` (<https://no-color.org>) is set.
pub(crate) fn wanted() -> bool {
    choose(Environment {
        no_color: anstyle_query::no_color(),
        force: anstyle_query::clicolor_force(),
        clicolor: anstyle_query::clicolor(),
        // A Windows console supports colour once it is switched on.
        terminal: io::stdout().is_terminal()
            && anstyle_query::term_supports_color()
            && anstyle_query::windows::enable_ansi_colors() != Some(false),
    })
}

#[derive(Clone, Copy)]
struct Environment {
    no_color: bool,
    force: bool,
    clicolor: Option<bool>,
    /// Whether standard output is a terminal that supports colour.
    terminal: bool,
}

fn choose(Environment { no_color, force, clicolor, terminal }: Environment) -> bool {
    !no_color && (force || terminal && clicolor != Some(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_get_colour_and_files_only_if_forced() {
        let terminal = Environment { no_color: false, force: false, clicolor: None, terminal: true };
        let file = Environment { terminal: false, ..terminal };
        assert!(choose(terminal) && !choose(file));
        assert!(!choose(Environment { clicolor: Some(false), ..terminal }));
        assert!(!choose(Environment { clicolor: Some(true), ..file }));
        assert!(choose(Environment { force: true, ..file }));
        assert!(!choose(Environment { no_color: true, force: true, ..terminal }));
    }
}
