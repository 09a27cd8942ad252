//! The table of boards and the linker scripts generated from it.

/// One line of `boards.txt`.
pub(crate) struct Board<'a> {
    pub(crate) name: &'a str,
    target: &'a str,
    flash: Region,
    ram: Region,
    /// Size of the model slot at the end of the flash.
    model_kib: u32,
    pub(crate) core: &'a str,
}

/// Collects the code of an inference, and that of preparation, in one section, so that their sizes can be measured. The
/// compiler puts each function in an input section named after its mangled name. Not included are the compiler's runtime
/// library (64-bit multiplication, memory copies) and the rest of lenet-core, most of which checks the model.
pub(crate) const CODE_X: &str = "SECTIONS
{
  .inference :
  {
    __inference_start = .;
    *(.text.*lenet_core*4arch*);
    *(.text.*lenet_core*7network*);
    *(.text.*lenet_core*7pooling*);
    *(.text.*lenet_core*12quantization*);
    *(.text.*lenet_mcu*9inference*);
    . = ALIGN(4);
    __inference_end = .;
    __preparation_start = .;
    *(.text.*lenet_core*11preparation*);
    . = ALIGN(4);
    __preparation_end = .;
  } > FLASH
} INSERT BEFORE .text;

/* Where cortex-m-rt's .text starts. */
_stext = ADDR(.inference) + SIZEOF(.inference);
";

struct Region {
    origin: u32,
    kib: u32,
}

impl<'a> Board<'a> {
    /// The board to build for: the one called `name` or, without a name, the first with this target.
    pub(crate) fn choose(table: &'a str, target: &str, name: Option<&str>) -> Result<Self, String> {
        let boards = table
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
            .map(|(index, line)| {
                Self::parse(line).ok_or_else(|| {
                    format!("boards.txt line {} is malformed: the comment above the table names the columns", index + 1)
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if !boards.iter().any(|board| board.target == target) {
            let targets = list(boards.iter().map(|board| board.target));
            return Err(format!(
                "lenet-mcu is firmware and cannot be built for {target}. Build it in the folder lenet-mcu, \
                 or use --target with one of: {targets}"
            ));
        }
        let names = list(boards.iter().filter(|board| board.target == target).map(|board| board.name));
        boards
            .into_iter()
            .find(|board| board.target == target && name.is_none_or(|name| name == board.name))
            .ok_or_else(|| {
                let name = name.unwrap_or_default();
                format!("LENET_BOARD={name} is not a board with target {target}; choose one of: {names}")
            })
    }

    fn parse(line: &'a str) -> Option<Self> {
        let columns: Vec<_> = line.split_whitespace().collect();
        let [name, target, _machine, flash_origin, flash_kib, ram_origin, ram_kib, model_kib, core] = columns[..]
        else {
            return None;
        };
        let flash = Region { origin: address(flash_origin)?, kib: flash_kib.parse().ok()? };
        let ram = Region { origin: address(ram_origin)?, kib: ram_kib.parse().ok()? };
        let model_kib = model_kib.parse().ok().filter(|model_kib| *model_kib < flash.kib)?;
        Some(Self { name, target, flash, ram, model_kib, core })
    }

    pub(crate) fn ram_kib(&self) -> u32 {
        self.ram.kib
    }

    pub(crate) fn model_bytes(&self) -> usize {
        self.model_kib as usize * 1024
    }

    /// The flash for code, and the RAM. The linker script of cortex-m-rt includes this file.
    pub(crate) fn memory_x(&self) -> String {
        format!(
            "/* {} */
MEMORY
{{
  FLASH : ORIGIN = {:#010x}, LENGTH = {}K
  RAM : ORIGIN = {:#010x}, LENGTH = {}K
}}

/* For the fault handler: the range of the code, the start of the RAM, and the stack pointer below which
   it assumes that the stack is used up. */
__code_start = ORIGIN(FLASH);
__code_end = ORIGIN(FLASH) + LENGTH(FLASH);
__ram_start = ORIGIN(RAM);
__report_stack = ORIGIN(RAM) + 1K;
",
            self.name,
            self.flash.origin,
            self.code_kib(),
            self.ram.origin,
            self.ram.kib,
        )
    }

    /// The model slot: a memory region, and a section that fills it exactly.
    pub(crate) fn model_x(&self) -> String {
        format!(
            "/* {} */
MEMORY
{{
  MODEL : ORIGIN = {:#010x}, LENGTH = {}K
}}

SECTIONS
{{
  .model ORIGIN(MODEL) :
  {{
    __model_slot = .;
    KEEP(*(.model));
  }} > MODEL
}} INSERT AFTER .rodata;

ASSERT(SIZEOF(.model) == LENGTH(MODEL), \"ERROR(lenet-mcu): the size of .model differs from that of the model slot\");
",
            self.name,
            self.flash.origin + self.code_kib() * 1024,
            self.model_kib,
        )
    }

    fn code_kib(&self) -> u32 {
        self.flash.kib - self.model_kib
    }
}

fn address(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// The names, separated by commas. Adjacent duplicates are removed.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<_> = names.collect();
    names.dedup();
    names.join(", ")
}
