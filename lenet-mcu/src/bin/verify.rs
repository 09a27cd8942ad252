//! Checks layer by layer that skipping blank input does not change the result; see [`lenet_mcu::verify`].

#![no_std]
#![no_main]

lenet_mcu::entry!(lenet_mcu::verify::run);
