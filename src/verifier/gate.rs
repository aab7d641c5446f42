//! What stands before the check of a primary password: the memory of refused ones, and the slots.

use crate::crypto::secret::Secret;
use crate::domain::attempt::{Attempt, Shown};
use crate::domain::presented::{Factor, Presented};
use crate::domain::throttle::{Source, Throttled};
use crate::domain::time::UnixTime;
use crate::run::{Refusals, Refused, Slot, take_slot};
use crate::verifier::Unavailable;
use crate::verifier::primary::Case;

/// The gate as one attempt sees it.
pub(super) struct Gate<'g> {
    case: &'g Case<'g>,
    refusals: Refusals<'g>,
    source: Source,
    /// What counts once, however often and with whatever code it comes.
    primary: Secret,
    /// The same with its code.
    whole: Secret,
    /// Whether what was taken for a code may be the end of an app password that was brought along.
    ambiguous: bool,
}

/// Whether a primary password may be checked.
pub(super) enum Passage {
    /// It may, as long as this is kept.
    Open(#[allow(dead_code, reason = "a slot is held, not read")] Slot),
    /// It was refused moments ago.
    Repeated,
    /// Not now.
    Throttled(Throttled),
}

impl<'g> Gate<'g> {
    pub(super) fn new(case: &'g Case<'g>, presented: &Presented) -> Self {
        let verifier = case.verifier;
        let (run_dir, owner) = (verifier.config.run_dir.as_path(), verifier.owner.0);
        Self {
            case,
            refusals: Refusals::new(run_dir, owner, case.vault.keyring.seen_key()),
            source: case.attempt.source,
            primary: Secret::new([b"primary".as_slice(), presented.primary.expose()].concat()),
            whole: whole(case.attempt),
            ambiguous: !case.imported.is_empty()
                && matches!(case.attempt.shown, Shown::Field(_))
                && !matches!(presented.factor, Factor::Absent),
        }
    }

    pub(super) fn enter(&self, now: UnixTime) -> Result<Passage, Unavailable> {
        let account = &self.case.attempt.account;
        // What was refused as a primary may yet begin an app password.
        let secrets: &[&Secret] = if self.ambiguous { &[&self.whole] } else { &[&self.whole, &self.primary] };
        let found = self.refusals.recall(account, self.source, secrets, now)?;
        if found.repeated {
            return Ok(Passage::Repeated);
        }
        if now < found.open_again {
            return Ok(Passage::Throttled(Throttled::Source));
        }
        let verifier = self.case.verifier;
        let slot = take_slot(&verifier.config.run_dir, verifier.owner.0)?;
        Ok(slot.map_or(Passage::Throttled(Throttled::Load), Passage::Open))
    }

    /// Whether a field may be an app password as a whole and a primary without its end.
    pub(super) const fn is_ambiguous(&self) -> bool {
        self.ambiguous
    }

    /// Whether the primary was refused moments ago, where only the whole field was asked for on entry.
    pub(super) fn repeats_primary(&self, now: UnixTime) -> Result<bool, Unavailable> {
        let account = &self.case.attempt.account;
        Ok(self.ambiguous && self.refusals.recall(account, self.source, &[&self.primary], now)?.repeated)
    }

    pub(super) fn remember(&self, refused: Refused, now: UnixTime) -> Result<(), Unavailable> {
        let secrets: &[&Secret] = match refused {
            Refused::Primary if self.ambiguous => &[&self.primary, &self.whole],
            Refused::Primary => &[&self.primary],
            Refused::Here | Refused::Code => &[&self.whole],
        };
        Ok(self.refusals.remember(&self.case.attempt.account, self.source, secrets, refused, now)?)
    }

    pub(super) fn forgive(&self) -> Result<(), Unavailable> {
        Ok(self.refusals.forgive(&self.case.attempt.account, self.source)?)
    }
}

/// All that was typed, each part with its end.
fn whole(attempt: &Attempt<'_>) -> Secret {
    let nothing: &[u8] = b"";
    let parts: [&[u8]; 3] = match &attempt.shown {
        Shown::Field(field) => [b"field", field.expose(), nothing],
        Shown::Apart { field, code } => [b"apart", field.expose(), code.expose()],
        Shown::CodeAlone(code) => [b"code", nothing, code.expose()],
    };
    Secret::new([attempt.service.as_str().as_bytes(), &parts.join(&0)].join(&0))
}
