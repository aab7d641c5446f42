//! Floor 2: frames <-> meaning.
//!
//! Knows: what travels between a door, or a local user, and posternd, one frame in each direction, and the bound of every field.
//! Never: which socket carries it, who may ask, or whether a secret is right.

mod frame;
mod attempt;
mod reply;
mod saslauthd;
pub mod manage;

pub use attempt::{Asked, Question, decode, encode};
pub use frame::{BadFrame, MAX_FRAME};
pub use reply::{decode_reply, decode_standing, encode_reply, encode_standing};
pub use saslauthd::{Progress, SaslauthdQuestion, SaslauthdRequest, saslauthd_reply};
