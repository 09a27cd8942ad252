//! What an inference may cost on each board: the figures of the firmware `bench` are compared with the last recorded
//! ones, and with limits that were promised. See `tests/budgets.toml`.

use std::collections::BTreeMap;

/// The figures that have a budget. The benchmark prints more.
pub const KEYS: [&str; 6] = ["dense", "skip_mean", "workspace", "stack", "ram", "code"];

/// The figures of the firmware `prepare` that have a budget.
pub const PREPARATION_KEYS: [&str; 6] =
    ["prepare_code", "prepare", "prepare_scratch", "prepare_stack", "strokes", "strokes_stack"];

/// How to accept new figures.
pub const ACCEPT: &str = "LENET_ACCEPT_BUDGETS=1 cargo test --release -p tests --test budgets";

/// The figures of one board, by key.
pub type Figures = BTreeMap<String, u64>;

/// The file `budgets.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// The comment at the top of the file.
    header: String,
    /// The tables `limits` and `recorded`: each has a table of figures for each board.
    tables: BTreeMap<String, BTreeMap<String, Figures>>,
}

/// The result of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Reasons for the test to fail, one line each.
    pub problems: Vec<String>,
    /// Changes that are worth a look but do not fail the test.
    pub notes: Vec<String>,
}

impl Budgets {
    /// Reads the file's text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let header = text.lines().take_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
        let tables: BTreeMap<String, _> = toml::from_str(text).map_err(|error| error.to_string())?;
        match tables.keys().find(|key| !["limits", "recorded"].contains(&key.as_str())) {
            Some(other) => Err(format!("there is a table {other:?}, neither \"limits\" nor \"recorded\"")),
            None => Ok(Self { header, tables }),
        }
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        let tables = toml::to_string(&self.tables).expect("tables of numbers are valid");
        format!("{}\n{tables}", self.header)
    }

    /// Replaces the record of a board.
    pub fn accept(&mut self, board: &str, figures: Figures) {
        self.tables.entry("recorded".to_owned()).or_default().insert(board.to_owned(), figures);
    }

    /// Compares a board's figures with the record and the limits.
    pub fn compare(&self, board: &str, figures: &Figures) -> Comparison {
        let table = |name| self.tables.get(name).and_then(|boards: &BTreeMap<_, _>| boards.get(board));
        let mut comparison = Comparison::default();
        match table("recorded") {
            None => comparison.problems.push(format!("{board} has no record. To make one: {ACCEPT}")),
            Some(recorded) => comparison.compare(board, recorded, figures),
        }
        match table("limits") {
            None => comparison.problems.push(format!("{board} has no limits: write a table [limits.{board}]")),
            Some(limits) => comparison.limit(board, limits, figures),
        }
        comparison
    }
}

impl Comparison {
    fn compare(&mut self, board: &str, recorded: &Figures, figures: &Figures) {
        for (key, now) in figures {
            let Some(then) = recorded.get(key) else {
                self.problems.push(format!("{board}: there is no record of {key}. To make one: {ACCEPT}"));
                continue;
            };
            let percent = 100.0 * (*now as f64 / *then as f64 - 1.0);
            let change = format!("from {then} to {now} ({percent:+.2} %)");
            if 100 * now > 101 * then {
                self.problems.push(format!("{board}: {key} grew {change}. If it must: {ACCEPT}"));
            } else if 100 * now < 99 * then {
                self.notes.push(format!("{board}: {key} fell {change}, so the record is stale: {ACCEPT}"));
            }
        }
    }

    fn limit(&mut self, board: &str, limits: &Figures, figures: &Figures) {
        for (key, limit) in limits {
            match figures.get(key) {
                Some(now) if now <= limit => {}
                Some(now) => self.problems.push(format!("{board}: {key} is {now}, over the limit of {limit}")),
                None => self.problems.push(format!("{board}: there is a limit for {key}, which is not measured")),
            }
        }
    }
}

/// Reads the figures with these keys from the last line of a program's output, which is a JSON object.
///
/// # Errors
/// What is wrong with the line.
pub fn figures(printed: &str, keys: &[&str]) -> Result<Figures, String> {
    let line = printed.lines().last().unwrap_or_default();
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line)
        .map_err(|error| format!("the last line is not a JSON object ({error}): {line:?}"))?;
    let figure = |key: &str| match object.get(key).and_then(serde_json::Value::as_u64) {
        Some(value) => Ok((key.to_owned(), value)),
        None => Err(format!("the last line has no whole number {key:?}: {line:?}")),
    };
    keys.iter().copied().map(figure).collect()
}

/// Whether skipping blank input saves at least a tenth of the instructions.
///
/// # Errors
/// The share that is left, if it saves less.
pub fn skipping_pays(figures: &Figures) -> Result<(), String> {
    let (skip_mean, dense) = (figures["skip_mean"], figures["dense"]);
    match 10 * skip_mean <= 9 * dense {
        true => Ok(()),
        false => Err(format!(
            "skip_mean is {skip_mean}, {:.1} % of dense, {dense}; at most 90 % is allowed",
            100.0 * skip_mean as f64 / dense as f64
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# What this is.
# Second line.

[limits.a]
code = 3000

[limits.b]
dense = 1000

[recorded.a]
code = 2000
ram = 1000
";

    fn of(pairs: &[(&str, u64)]) -> Figures {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect()
    }

    fn compare(board: &str, pairs: &[(&str, u64)]) -> Comparison {
        Budgets::parse(FILE).unwrap().compare(board, &of(pairs))
    }

    #[test]
    fn a_change_within_one_percent_is_not_reported() {
        for (code, ram) in [(2000, 1000), (2020, 1010), (1980, 990)] {
            assert_eq!(compare("a", &[("code", code), ("ram", ram)]), Comparison::default());
        }
    }

    #[test]
    fn growth_fails_and_the_message_says_how_to_accept_it() {
        let comparison = compare("a", &[("code", 2021), ("ram", 1000)]);
        assert_eq!(comparison.problems, [format!("a: code grew from 2000 to 2021 (+1.05 %). If it must: {ACCEPT}")]);
        assert_eq!(comparison.notes, [""; 0]);
    }

    #[test]
    fn a_smaller_figure_is_a_note() {
        let comparison = compare("a", &[("code", 1979), ("ram", 1000)]);
        assert_eq!(comparison.problems, [""; 0]);
        let note = format!("a: code fell from 2000 to 1979 (-1.05 %), so the record is stale: {ACCEPT}");
        assert_eq!(comparison.notes, [note]);
    }

    #[test]
    fn a_board_or_a_figure_without_a_record_fails() {
        let comparison = compare("b", &[("dense", 1000)]);
        assert_eq!(comparison.problems, [format!("b has no record. To make one: {ACCEPT}")]);
        let comparison = compare("a", &[("code", 2000), ("stack", 1)]);
        assert_eq!(comparison.problems, [format!("a: there is no record of stack. To make one: {ACCEPT}")]);
    }

    #[test]
    fn limits_apply_whatever_is_recorded() {
        let mut budgets = Budgets::parse(FILE).unwrap();
        let figures = of(&[("code", 3001)]);
        budgets.accept("a", figures.clone());
        assert_eq!(budgets.compare("a", &figures).problems, ["a: code is 3001, over the limit of 3000"]);
        let figures = of(&[("code", 3000)]);
        budgets.accept("a", figures.clone());
        assert_eq!(budgets.compare("a", &figures), Comparison::default());
    }

    #[test]
    fn a_board_without_limits_and_a_limit_without_a_figure_fail() {
        let mut budgets = Budgets::parse(FILE).unwrap();
        budgets.accept("c", of(&[("ram", 1)]));
        let problems = budgets.compare("c", &of(&[("ram", 1)])).problems;
        assert_eq!(problems, ["c has no limits: write a table [limits.c]"]);
        let problems = budgets.compare("a", &of(&[("ram", 1000)])).problems;
        assert_eq!(problems, ["a: there is a limit for code, which is not measured"]);
    }

    #[test]
    fn accepting_changes_only_the_record_of_that_board() {
        let mut budgets = Budgets::parse(FILE).unwrap();
        assert_eq!(budgets.to_text(), FILE);
        budgets.accept("b", of(&[("dense", 7)]));
        budgets.accept("a", of(&[("code", 1)]));
        let expected = FILE.replace("code = 2000\nram = 1000", "code = 1\n\n[recorded.b]\ndense = 7");
        assert_eq!(budgets.to_text(), expected);
        assert_eq!(Budgets::parse(&expected), Ok(budgets));
    }

    #[test]
    fn a_file_with_other_tables_is_refused() {
        assert!(Budgets::parse("[limit.a]\ncode = 1").unwrap_err().contains("\"limit\""));
        assert!(Budgets::parse("[limits.a]\ncode = \"1\"").is_err());
    }

    #[test]
    fn the_committed_file_is_what_this_module_writes() {
        let text = std::fs::read_to_string(crate::root().join("tests/budgets.toml")).unwrap();
        assert_eq!(Budgets::parse(&text).unwrap().to_text(), text);
    }

    #[test]
    fn figures_are_read_from_the_last_line() {
        let line = r#"{"board":"a","dense":9,"skip_mean":8,"workspace":7,"stack":6,"ram":5,"code":4,"layers":[1,2]}"#;
        let expected = of(&[("dense", 9), ("skip_mean", 8), ("workspace", 7), ("stack", 6), ("ram", 5), ("code", 4)]);
        assert_eq!(figures(&format!("a table\n{line}\n"), &KEYS), Ok(expected));
        assert!(figures("a table", &KEYS).unwrap_err().contains("not a JSON object"));
        assert!(figures("", &KEYS).unwrap_err().contains("not a JSON object"));
        assert!(figures(&line.replace("ram", "rom"), &KEYS).unwrap_err().contains("no whole number \"ram\""));
        assert!(figures(&line.replace("4", "-4"), &KEYS).unwrap_err().contains("no whole number \"code\""));
    }

    #[test]
    fn skipping_has_to_save_a_tenth() {
        assert_eq!(skipping_pays(&of(&[("skip_mean", 90), ("dense", 100)])), Ok(()));
        let problem = skipping_pays(&of(&[("skip_mean", 91), ("dense", 100)])).unwrap_err();
        assert_eq!(problem, "skip_mean is 91, 91.0 % of dense, 100; at most 90 % is allowed");
    }
}
