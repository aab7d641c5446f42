//! The C interface (include/postern.h), for hosts that are neither PAM nor SASL.
//!
//! Knows: four functions and an opaque handle; no callbacks.
//! Never: keeps a secret, or tells why an attempt was denied.

mod session;
mod entry;
