//! Asks posternd, as a local user, about one's own account.
//!
//! Knows: where the manage socket is.
//! Never: who asks; the kernel tells posternd.

use std::path::Path;

use crate::backend::line::{DaemonError, Line, Trusted};
use crate::wire::MAX_FRAME;
use crate::wire::manage::{Answer, Request, decode_answer, encode_request};

/// Where posternd hears local users, unless it is told otherwise.
pub const MANAGE_SOCKET: &str = "/run/postern/manage";

/// posternd, as local users see it.
pub struct SelfService<'a> {
    /// Where it listens to them.
    pub socket: &'a Path,
    /// Whose socket is believed.
    pub trusted: Trusted,
}

impl SelfService<'_> {
    /// Has a request answered.
    ///
    /// # Errors
    /// Where there is no answer. Whether the request was obeyed is not known then.
    pub fn ask(&self, request: &Request) -> Result<Answer, DaemonError> {
        let line = Line { socket: self.socket, trusted: self.trusted };
        let frame = encode_request(request).map_err(DaemonError::NoAnswer)?;
        let answer = line.exchange(&frame, MAX_FRAME)?;
        decode_answer(&answer).map_err(DaemonError::NoAnswer)
    }
}
