//! Shows that skipping changes nothing, layer by layer; see [`lenet_mcu::verify`].

#![no_std]
#![no_main]

lenet_mcu::entry!(lenet_mcu::verify::run);
