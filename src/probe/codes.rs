//! Fresh codes, as many as there are doors: each is good once, and a key has two at a time.

use crate::crypto::entropy::EntropyError;
use crate::crypto::otp::{Code, hotp};
use crate::crypto::secret::Secret;
use crate::domain::time::UnixTime;
use crate::domain::totp::{MAX_KEYS, Period, TimeStep, Totp};

/// The keys of the account, and what of them is used.
pub(super) struct Codes(Vec<(Totp, TimeStep)>);

/// A code that was never used.
pub(super) struct Fresh {
    /// The place of its key.
    pub key: usize,
    /// Its step.
    pub step: TimeStep,
    /// Its digits.
    pub digits: Secret,
}

/// The shortest that there is, so that nobody waits long for the next code.
const PERIOD: u64 = 15;

impl Codes {
    /// How many there are at once: of now and next, for each key.
    pub(super) const AT_ONCE: usize = 2 * MAX_KEYS;

    /// Draws keys.
    pub(super) fn generate() -> Result<Self, EntropyError> {
        let key = |_| Ok((totp()?, TimeStep(0)));
        (0..MAX_KEYS).map(key).collect::<Result<_, _>>().map(Self)
    }

    /// The keys, each with the code that confirms it: one of the step before, so that those of now and next are left.
    pub(super) fn confirming(&mut self, now: UnixTime) -> Vec<(&Totp, Code)> {
        let confirm = |(totp, used): &mut (Totp, TimeStep)| *used = step_at(totp, now, 0).unwrap_or(*used);
        self.0.iter_mut().for_each(confirm);
        self.0.iter().map(|(totp, used)| (totp, code(totp, *used))).collect()
    }

    /// A code that is good now and was never used; `None` where the next one is not open yet.
    pub(super) fn next(&mut self, now: UnixTime) -> Option<Fresh> {
        let open = |(key, (totp, used)): (usize, &(Totp, TimeStep))| {
            let step = step_at(totp, now, 1)?.max(TimeStep(used.0.saturating_add(1)));
            (step <= step_at(totp, now, 2)?).then_some((step, key))
        };
        let (step, key) = self.0.iter().enumerate().filter_map(open).min()?;
        let (totp, used) = self.0.get_mut(key)?;
        *used = step;
        Some(Fresh { key, step, digits: code(totp, step).typed(totp.digits) })
    }
}

fn totp() -> Result<Totp, EntropyError> {
    let drawn = Totp::generate()?;
    Ok(Totp { period: Period::new(PERIOD).unwrap_or(drawn.period), ..drawn })
}

/// The step before the one of now, and those behind it.
fn step_at(totp: &Totp, now: UnixTime, beyond: u64) -> Option<TimeStep> {
    now.0.checked_div(totp.period.secs())?.checked_sub(1)?.checked_add(beyond).map(TimeStep)
}

fn code(totp: &Totp, step: TimeStep) -> Code {
    hotp(&totp.key, totp.algorithm, totp.digits, step.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_good_once_and_now() {
        let mut codes = Codes::generate().unwrap();
        let start = UnixTime(1_700_000_000);
        for (totp, code) in codes.confirming(start) {
            assert!(matches!(totp.find(code, start, TimeStep(0)), crate::domain::totp::CodeMatch::Open(_)));
        }
        let mut seen = Vec::new();
        for second in 0..60 {
            let now = UnixTime(start.0 + second);
            while let Some(fresh) = codes.next(now) {
                let (totp, _) = &codes.0[fresh.key];
                let code = Code::parse(fresh.digits.expose(), totp.digits).unwrap();
                let last = seen.iter().filter(|(key, _)| *key == fresh.key).map(|(_, step)| *step).max();
                let found = totp.find(code, now, last.unwrap_or(TimeStep(0)));
                assert_eq!(found, crate::domain::totp::CodeMatch::Open(fresh.step));
                seen.push((fresh.key, fresh.step));
            }
        }
        // Two of each key at once, and one more of each whenever a step is over.
        assert_eq!(seen.len(), 3 * (2 + 4));
    }
}
