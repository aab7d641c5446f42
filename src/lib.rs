//! Postern: app passwords and second factors for self-hosted mail.
//!
//! # Bird's-eye view
//!
//! A host (Dovecot, any PAM application, the shell) hands over an account name, a secret, a service and
//! perhaps an address. Postern says yes, no, or "cannot say". An *app password* is found in the store by a
//! keyed tag and passes alone, within its scope; a *primary password* passes only with a one-time code behind
//! it. "No" is a result; "cannot say" is an error that grants nothing and says nothing about the person.
//!
//! ```text
//!   Dovecot, Postfix, ...         shell
//!        |                          |
//!   pam_postern.so               postern            ffi, cli        floor 5
//!   libpostern.so                   |
//!        |                          |
//!        +----------> backend <-----+               one audit line  floor 4
//!                        |
//!                    verifier                       the decision    floor 3
//!                  /     |     \
//!            config    store    audit               the outside     floor 2
//!                  \     |     /
//!                     domain                        meaning         floor 1
//!                        |
//!                     crypto                        bytes           floor 0
//! ```
//!
//! # Entry points
//!
//! - A login: `pam_sm_authenticate` in `ffi/pam/entry.rs` or `step` in `ffi/sasl/entry.rs`, then `module.rs` beside it,
//!   [`backend::Door::verify`], [`verifier::Verifier::verify`], [`domain::verdict::judge`].
//! - A command: `src/bin/postern.rs`, then `cli`, then [`enrollment::Enrollment`].
//! - A local user: [`backend::SelfService`], then `daemon/manage`, and there the verifier and enrollment.
//! - A row: `store/schema.rs`.
//!
//! # Code map
//!
//! Knowledge points down: a room uses lower floors only, and the rooms of floor 2 do not know each other.
//! `tests/architecture.rs` holds the `use` lines against this.
//!
//! - [`crypto`]: secrets, hashes, one-time codes, seals, sub-keys, randomness.
//! - [`domain`]: what an attempt is, what its field holds, which evidence passes. No clock, no file.
//! - [`config`]: `postern.toml` and the key file, read only if nobody else could have written them.
//! - [`store`]: the SQLite tables, opened for each call.
//! - [`wire`]: frames between a door, or a local user, and posternd.
//! - [`run`]: files under `/run/postern`: refused primary passwords, slots for their checks; lost at a reboot.
//! - `hosts`: what doveconf(1) and postconf(1) say; not in the module that hosts load.
//! - [`audit`]: one line for each decision and each change, in which foreign text forges nothing.
//! - [`verifier`]: the order of a decision; asks store, key and PAM; spends codes.
//! - [`enrollment`]: makes and revokes accounts, app passwords, TOTP keys. Floor 3 with the verifier, whose
//!   vault (store and key together) it works in.
//! - `moving`: files of other software, copies, new keys. Floor 3 likewise; not in the module that hosts load.
//! - `probe`: logs in at the site's real doors with an account of its own; not in the module that hosts load.
//! - [`backend`]: what a door asks.
//! - `doctor`: what is wrong with the servers around us, and how to mend it; not in the module that hosts load.
//! - `daemon`: posternd, which answers for hosts that may not read the store; its threat model is there.
//! - [`ffi`]: the PAM module, the SASL plug-in, the nested PAM transaction, the shadow entry.
//! - `cli`: the command; not in the module that hosts load.
//!
//! # Invariants
//!
//! - `judge` is the only maker of a [`domain::verdict::Grant`], and [`verifier::Verifier::verify`] the only
//!   one who calls it.
//! - What looks like an app password, good or mistyped, never reaches a primary path or another module.
//! - A code is looked at only if the primary was right, and is spent by the write that records it, before the
//!   answer.
//! - What is missing, damaged, foreign or unreadable is *unavailable*: never a grant, never "unknown user".
//! - Every change of the store appends a row to the audit chain in its own transaction, and leaves a line after it.
//! - `ffi` reaches the store only through `backend`. Unsafe code is in `ffi` alone.
//! - A local user reaches no account but their own, and makes nothing that opens a door without the proof that
//!   [`domain::self_service`] names.
//! - No secret is in a type that can be printed.
//!
//! # Cross-cutting concerns
//!
//! - *Time and chance* are arguments: the clock is read in `bin/` and in `ffi/pam/entry.rs`, randomness comes
//!   from [`crypto::entropy`].
//! - *Panics* end at `ffi/fence.rs` and become a refusal.
//! - *Errors* are enums of their floor; what an administrator does about one is in `verifier/unavailable.rs`.
//! - *Memory*: Argon2's is allocated fallibly and wiped.

pub mod crypto;
pub mod domain;
pub mod config;
pub mod store;
pub mod run;
pub mod wire;
pub mod audit;
#[cfg(feature = "cli")]
pub mod hosts;
pub mod verifier;
pub mod enrollment;
#[cfg(feature = "daemon")]
pub mod daemon;
#[cfg(feature = "cli")]
pub mod moving;
#[cfg(feature = "cli")]
pub mod probe;
pub mod backend;
#[cfg(feature = "cli")]
pub mod doctor;
pub mod ffi;
#[cfg(feature = "cli")]
pub mod cli;
