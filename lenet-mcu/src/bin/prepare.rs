//! Prepares frames and strokes and measures the cost; see [`lenet_mcu::prepare`].

#![no_std]
#![no_main]

lenet_mcu::entry!(lenet_mcu::prepare::run);
