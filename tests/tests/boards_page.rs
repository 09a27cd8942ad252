//! The table of boards in `lenet-mcu/README.md` has the figures of `lenet-mcu/boards.txt`.

use std::fs;

use tests::root;

/// The cells that the page must have for a line of `boards.txt`. A cell may have more text after that.
fn cells(line: &str) -> Vec<String> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let [name, target, _, flash, flash_kib, _, ram_kib, model_kib, core] = columns[..] else {
        panic!("not the columns of boards.txt: {line}");
    };
    let origin = u32::from_str_radix(flash.trim_start_matches("0x"), 16).unwrap();
    let [flash_kib, ram_kib, model_kib] = [flash_kib, ram_kib, model_kib].map(|kib| kib.parse::<u32>().unwrap());
    let code_kib = flash_kib - model_kib;
    let kib = |kib: u32| match kib {
        0..1000 => format!("{kib} KiB"),
        _ => format!("{},{:03} KiB", kib / 1000, kib % 1000),
    };
    vec![
        name.into(),
        core.into(),
        target.into(),
        format!("{} at {origin:#010x}", kib(code_kib)),
        format!("{:#010x}", origin + 1024 * code_kib),
        if ram_kib.is_multiple_of(1024) { format!("{} MiB", ram_kib / 1024) } else { kib(ram_kib) },
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
