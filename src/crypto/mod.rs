//! Floor 0: bytes.
//!
//! Knows: how secrets are held, hashed, sealed, compared and drawn.
//! Never: what a secret is for, whose it is, a clock, a file, a socket.

pub mod secret;
pub mod entropy;
pub mod mac;
pub mod keyring;
pub mod password_hash;
pub mod foreign;
pub mod otp;
pub mod seal;
