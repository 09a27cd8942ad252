//! Classifies the ten built-in digits with the model in the slot; see [`lenet_mcu::demo`].

#![no_std]
#![no_main]

lenet_mcu::entry!(lenet_mcu::demo::run);
