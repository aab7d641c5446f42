//! A panic never reaches the host.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Once;

/// Runs `body` for a host; if it panics, answers `refusal` instead of unwinding into C.
pub fn guard<T>(refusal: T, body: impl FnOnce() -> T) -> T {
    static QUIET: Once = Once::new();
    // A panic's message may quote what it choked on, and the host's stderr is somebody's log. The hook is
    // that of our own copy of std: the host's stays as it is.
    QUIET.call_once(|| set_hook(Box::new(|_| {})));
    contain(refusal, body)
}

/// The same inside a call of ours, where the hook is the caller's affair.
pub fn contain<T>(refusal: T, body: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(answer) => answer,
        Err(payload) => {
            // Dropping a payload may panic too, outside any fence.
            std::mem::forget(payload);
            refusal
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_refusal() {
        assert_eq!(contain(7, || panic!("secret")), 7);
        assert_eq!(contain(7, || 3), 3);
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_a_refusal_too() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        assert_eq!(contain(7, || std::panic::panic_any(Bomb)), 7);
    }
}
