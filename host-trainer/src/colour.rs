//! Whether to print in colours.

use std::io::{self, IsTerminal};

/// Whether the standard output is to have colours: it is a terminal that shows them, and neither `NO_COLOR`
/// (<https://no-color.org>) nor `CLICOLOR=0` is set; or `CLICOLOR_FORCE` is.
pub(crate) fn wanted() -> bool {
    choose(Environment {
        no_color: anstyle_query::no_color(),
        force: anstyle_query::clicolor_force(),
        clicolor: anstyle_query::clicolor(),
        // A console of Windows takes colours once it is asked to.
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
    /// A terminal, and one that shows colours.
    terminal: bool,
}

fn choose(Environment { no_color, force, clicolor, terminal }: Environment) -> bool {
    !no_color && (force || terminal && clicolor != Some(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_and_for_those_who_ask() {
        let terminal = Environment { no_color: false, force: false, clicolor: None, terminal: true };
        let file = Environment { terminal: false, ..terminal };
        assert!(choose(terminal) && !choose(file));
        assert!(!choose(Environment { clicolor: Some(false), ..terminal }));
        assert!(!choose(Environment { clicolor: Some(true), ..file }));
        assert!(choose(Environment { force: true, ..file }));
        assert!(!choose(Environment { no_color: true, force: true, ..terminal }));
    }
}
