//! Measures the instructions or cycles, RAM and code of an inference; see [`lenet_mcu::bench`].

#![no_std]
#![no_main]

lenet_mcu::entry!(lenet_mcu::bench::run);
