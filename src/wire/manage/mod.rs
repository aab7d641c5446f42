//! The manage socket: what local users ask about their own accounts, and what they are answered.

mod request;
mod answer;
mod page;
mod refusal;

pub use answer::{Answer, OwnAccount, RevokedAppPassword, decode_answer, encode_answer};
pub use page::{ListedAppPassword, Page};
pub use request::{Credentials, NewKey, Request, Terms, asked_by, decode_request, encode_request, of_uid};
