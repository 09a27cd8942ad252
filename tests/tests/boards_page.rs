//! The table of boards in `lenet-mcu/README.md` has the figures of `lenet-mcu/boards.txt`.

use std::fs;

use tests::root;

/// The cells that the page must have for a line of `boards.txt`. A cell may have more text after that.
fn cells(line: &str) -> Vec<String> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let [name, target, _, flash, flash_kib, ram, ram_kib, model_kib, core] = columns[..] else {
        panic!("not the columns of boards.txt: {line}");
    };
    let [flash, ram] = [flash, ram].map(|hex| u32::from_str_radix(hex.trim_start_matches("0x"), 16).unwrap());
    let [flash_kib, ram_kib, model_kib] = [flash_kib, ram_kib, model_kib].map(|kib| kib.parse::<u32>().unwrap());
    let kib = |kib: u32, origin: u32| format!("{kib} KiB at {origin:#010x}");
    vec![
        name.into(),
        core.into(),
        target.into(),
        kib(flash_kib, flash),
        kib(ram_kib, ram),
        // The model slot is the end of the flash.
        kib(model_kib, flash + 1024 * (flash_kib - model_kib)),
    ]
}

#[test]
fn the_page_has_the_figures_of_the_file() {
    let read = |name: &str| fs::read_to_string(root().join("lenet-mcu").join(name)).unwrap();
    let (table, page) = (read("boards.txt"), read("README.md"));
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    for line in table.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let expected = cells(line);
        let row = rows.iter().find(|row| row[0].split(' ').next() == Some(&expected[0]) && row.len() == expected.len());
        let row = row.unwrap_or_else(|| panic!("{} has no row in lenet-mcu/README.md", expected[0]));
        for (cell, expected) in row.iter().zip(&expected) {
            assert!(cell.starts_with(expected.as_str()), "{row:?} has \"{cell}\", but boards.txt has \"{expected}\"");
        }
    }
}
