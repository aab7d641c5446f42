//! Floor 5: C on one side, meaning on the other. The only unsafe code of the house.
//!
//! Knows: what hosts promise about pointers, and how to answer them.
//! Never: decides; it reaches the store only through `backend`.
//!
//! Each half has the same rooms: the contract (`abi`), the host (`handle`), the entry (fence, borrow, call),
//! the logic (`module`, without unsafe code) and the outcome (one total table).
#![allow(unsafe_code, reason = "this folder is where C is met")]

pub mod fence;
pub mod system;
pub mod shadow;
pub mod users;
pub mod crypt;
pub mod choice;
pub mod pam;
pub mod sasl;
pub mod capi;
