//! postern.toml: what it does not say, it does not open.

use postern::config::Config;
use postern::domain::policy::{Accepted, SecondFactor};

use super::KIB;
use super::allocation::within;

pub fn text(octets: &[u8]) {
    // Two octets may open a table, and each has room for eleven keys; where there is a mistake, all is read again.
    match within(64 * KIB + 2 * KIB * octets.len(), || Config::parse(octets)) {
        Ok(config) => {
            // Inside a string of TOML any letter may be written as a number.
            let text = String::from_utf8(octets.to_vec()).unwrap();
            if !text.contains('\\') {
                opens_nothing_unsaid(&text, &config);
            }
            is_within_bounds(&config);
        }
        Err(mistake) => {
            let lines = 1 + octets.iter().filter(|octet| **octet == b'\n').count();
            assert!((1..=lines).contains(&mistake.line), "line {} of {lines}", mistake.line);
            assert!(!mistake.message.contains('\n'));
        }
    }
}

fn opens_nothing_unsaid(text: &str, config: &Config) {
    let (policy, says) = (&config.policy, |word: &str| text.contains(word));
    assert!(policy.second_factor == SecondFactor::Required || says("when-enrolled"));
    assert!(policy.primary_alone_from.is_none() || says("primary_alone_from"));
    let default = Accepted { app_password: true, primary_with_code: true, primary_alone: false };
    assert!(policy.services.default == default || says("default"));
    let all = policy.services.named.values().chain([&policy.services.default]);
    assert!(all.into_iter().all(|accepted| !accepted.primary_alone || says("primary")));
    assert!(config.daemon.permits.is_empty() || says("permit"));
    assert!(config.daemon.manage.is_empty() || says("manage"));
    assert!(config.daemon.saslauthd.is_empty() || says("saslauthd"));
}

fn is_within_bounds(config: &Config) {
    let limits = config.policy.app_passwords;
    assert!((1..=1000).contains(&limits.most) && (1..=720).contains(&limits.restorable_for));
    assert!(limits.longest_life.is_none_or(|days| (1..=36_500).contains(&days)));
    assert!(config.policy.primary_alone_from.as_ref().is_none_or(|networks| !networks.are_vast()));
    for path in [&config.store, &config.key, &config.run_dir, &config.pam_dir] {
        assert!(path.is_absolute());
    }
}
