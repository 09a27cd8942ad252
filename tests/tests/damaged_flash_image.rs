//! Damaged Intel HEX and UF2 files are refused or give the undamaged model. They never cause a panic.

use host_trainer::formats::flash::{FlashImage, encode_hex, encode_uf2};
use proptest::prelude::*;
use tests::committed_model;

fn files() -> [Vec<u8>; 2] {
    let model = committed_model();
    [encode_hex(&model, 0x0801_fff4).unwrap().into_bytes(), encode_uf2(&model, 0x1010_0000, 7).unwrap()]
}

#[test]
fn intact_files_give_the_model() {
    for file in files() {
        let image = FlashImage::decode(&file).unwrap().unwrap();
        assert!(image.model().unwrap().bytes() == committed_model().bytes());
    }
}

proptest! {
    #[test]
    fn a_damaged_file_gives_the_same_model_or_none(
        uf2: bool,
        place: prop::sample::Index,
        value: u8,
        cut: Option<prop::sample::Index>,
    ) {
        let mut file = files()[usize::from(uf2)].clone();
        let place = place.index(file.len());
        file[place] = value;
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        if let Some(Ok(image)) = FlashImage::decode(&file)
            && let Ok(model) = image.model()
        {
            prop_assert!(model.bytes() == committed_model().bytes());
        }
    }

    #[test]
    fn arbitrary_lines_and_blocks_do_not_panic(mut bytes: Vec<u8>, text in ":[:0-9A-F\r\n]{0,200}") {
        let _ = FlashImage::decode(text.as_bytes());
        bytes.splice(0..0, *b"UF2\n\x57\x51\x5d\x9e");
        bytes.resize(512, 0);
        bytes[508..].copy_from_slice(b"\x30\x6f\xb1\x0a");
        let _ = FlashImage::decode(&bytes);
    }
}
