//! Who typed the command.

/// Behind sudo(8), the user whom it names: believed of root, and of the service user, who could both write any name into
/// the log. Nothing but the log goes by it.
#[must_use]
pub fn typed_by(real_uid: u32, sudo_uid: Option<&str>, service_user: impl FnOnce() -> Option<u32>) -> u32 {
    let Some(named) = sudo_uid.and_then(uid) else {
        return real_uid;
    };
    if real_uid == 0 || service_user() == Some(real_uid) { named } else { real_uid }
}

/// Digits alone; the highest number is nobody's (setuid(2)).
fn uid(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|uid| digits && *uid != u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sudo_is_believed_of_root_and_of_the_service_user() {
        let who = |real_uid, sudo_uid| typed_by(real_uid, sudo_uid, || Some(120));
        assert_eq!([0, 120, 1000].map(|real_uid| who(real_uid, Some("1001"))), [1001, 1001, 1000]);
        assert_eq!([0, 120, 1000].map(|real_uid| who(real_uid, None)), [0, 120, 1000]);
        for no_uid in ["4294967295", "-1", "+7", "x", ""] {
            assert_eq!(who(0, Some(no_uid)), 0, "{no_uid}");
        }
        assert_eq!(typed_by(1000, Some("1001"), || None), 1000, "without a service user");
    }
}
