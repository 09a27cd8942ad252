//! The table of boards, and the linker scripts that follow from it.

/// One line of `boards.txt`.
pub(crate) struct Board<'a> {
    pub(crate) name: &'a str,
    target: &'a str,
    flash: Region,
    ram: Region,
    /// Size of the model slot, at the end of the flash.
    model_kib: u32,
    pub(crate) core: &'a str,
}

/// Puts the code of an inference together, so that its size can be told: the section of a function has its mangled
/// name. Not in it is what the compiler's own library does (long multiplication, copying memory) and, behind it,
/// the rest of lenet-core, most of which checks the model.
pub(crate) const CODE_X: &str = "SECTIONS
{
  .inference :
  {
    __inference_start = .;
    *(.text.*lenet_core*4arch*);
    *(.text.*lenet_core*7kernels*);
    *(.text.*lenet_core*7network*);
    *(.text.*lenet_core*12quantization*);
    *(.text.*lenet_mcu*9inference*);
    . = ALIGN(4);
    __inference_end = .;
  } > FLASH
} INSERT BEFORE .text;

/* cortex-m-rt's section follows. */
_stext = ADDR(.inference) + SIZEOF(.inference);
";

struct Region {
    origin: u32,
    kib: u32,
}

impl<'a> Board<'a> {
    /// The board to build for: the one called `name`, without a name the first of the target.
    pub(crate) fn choose(table: &'a str, target: &str, name: Option<&str>) -> Result<Self, String> {
        let boards = table
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
            .map(|(index, line)| Self::parse(line).ok_or_else(|| format!("boards.txt line {} is malformed", index + 1)))
            .collect::<Result<Vec<_>, _>>()?;
        if !boards.iter().any(|board| board.target == target) {
            let targets = list(boards.iter().map(|board| board.target));
            return Err(format!(
                "lenet-mcu is firmware and cannot be built for {target}. Build it inside the folder lenet-mcu, \
                 or with --target and one of: {targets}"
            ));
        }
        let names = list(boards.iter().filter(|board| board.target == target).map(|board| board.name));
        boards
            .into_iter()
            .find(|board| board.target == target && name.is_none_or(|name| name == board.name))
            .ok_or_else(|| {
                let name = name.unwrap_or_default();
                format!("LENET_BOARD={name} is not a board of target {target}; boards.txt has: {names}")
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

    pub(crate) fn model_bytes(&self) -> usize {
        self.model_kib as usize * 1024
    }

    /// Flash for code, and RAM; cortex-m-rt's linker script includes it.
    pub(crate) fn memory_x(&self) -> String {
        format!(
            "/* {} */
MEMORY
{{
  FLASH : ORIGIN = {:#010x}, LENGTH = {}K
  RAM : ORIGIN = {:#010x}, LENGTH = {}K
}}

/* For the fault handler: where instructions are, and the stack pointer below which it takes the stack
   for exhausted. */
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

    /// The model slot: a memory region and a section that fills it.
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

ASSERT(SIZEOF(.model) == LENGTH(MODEL), \"ERROR(lenet-mcu): the model does not fill its slot exactly\");
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

/// The names, each once.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<_> = names.collect();
    names.dedup();
    names.join(", ")
}
