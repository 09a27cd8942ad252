//! Counts what an inference takes; see [`lenet_mcu::bench`].

#![no_std]
#![no_main]

lenet_mcu::entry!(lenet_mcu::bench::run);
