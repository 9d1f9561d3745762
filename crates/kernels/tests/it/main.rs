//! The kernels against plain references written here, on every instruction set of this machine.
mod products;
