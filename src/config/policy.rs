//! The tables `[policy]` and `[services]` of the configuration file.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::network::Networks;
use crate::domain::policy::{Accepted, AppPasswordPolicy, Policy, SecondFactor, Services};
use crate::domain::service::Service;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PolicyTable {
    second_factor: Option<WrittenSecondFactor>,
    primary_alone_from: Option<TrustedNetworks>,
    max_app_passwords: Option<Bounded<1000>>,
    longest_lifetime_days: Option<Bounded<36_500>>,
    restore_hours: Option<Bounded<720>>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum WrittenSecondFactor {
    Required,
    WhenEnrolled,
}

/// A number from 1 to `MOST`.
#[derive(Deserialize, Clone, Copy)]
#[serde(try_from = "i64")]
struct Bounded<const MOST: u16>(u16);

impl<const MOST: u16> TryFrom<i64> for Bounded<MOST> {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        u16::try_from(number)
            .ok()
            .filter(|number| (1..=MOST).contains(number))
            .map(Self)
            .ok_or_else(|| format!("a number from 1 to {MOST} is wanted"))
    }
}

#[derive(Deserialize)]
#[serde(try_from = "Vec<String>")]
struct TrustedNetworks(Networks);

impl TryFrom<Vec<String>> for TrustedNetworks {
    type Error = String;

    fn try_from(written: Vec<String>) -> Result<Self, Self::Error> {
        if written.is_empty() {
            return Err("leave the key out to trust no network".to_owned());
        }
        if written.iter().any(|network| network.contains([',', ' '])) {
            return Err("each string holds one network, such as \"192.0.2.0/24\"".to_owned());
        }
        let networks = Networks::parse(&written.join(",")).map_err(|error| error.to_string())?;
        if networks.are_vast() {
            let why = "a network of nearly every address would switch the second factor off";
            return Err(format!("{why}: the prefix is at least /8, or /16 for IPv6"));
        }
        Ok(Self(networks))
    }
}

#[derive(Deserialize, Default)]
#[serde(try_from = "BTreeMap<String, AcceptedList>")]
pub(super) struct ServicesTable {
    default: Option<Accepted>,
    named: BTreeMap<Service, Accepted>,
}

impl TryFrom<BTreeMap<String, AcceptedList>> for ServicesTable {
    type Error = String;

    fn try_from(written: BTreeMap<String, AcceptedList>) -> Result<Self, Self::Error> {
        let mut table = Self::default();
        for (name, accepted) in written {
            if name == "default" {
                table.default = Some(accepted.0);
                continue;
            }
            let service = Service::parse(name.as_bytes()).map_err(|error| error.to_string())?;
            if table.named.insert(service.clone(), accepted.0).is_some() {
                return Err(format!("{service} is there under two of its names"));
            }
        }
        Ok(table)
    }
}

#[derive(Deserialize)]
#[serde(from = "Vec<Kind>")]
struct AcceptedList(Accepted);

#[derive(Deserialize, Clone, Copy)]
enum Kind {
    #[serde(rename = "app-password")]
    AppPassword,
    #[serde(rename = "primary+code")]
    PrimaryWithCode,
    #[serde(rename = "primary")]
    PrimaryAlone,
}

impl From<Vec<Kind>> for AcceptedList {
    fn from(written: Vec<Kind>) -> Self {
        let mut accepted = Accepted::default();
        for kind in written {
            match kind {
                Kind::AppPassword => accepted.app_password = true,
                Kind::PrimaryWithCode => accepted.primary_with_code = true,
                Kind::PrimaryAlone => accepted.primary_alone = true,
            }
        }
        Self(accepted)
    }
}

/// What was written, and the default where nothing was.
pub(super) fn meaning(written: PolicyTable, services: ServicesTable) -> Policy {
    let default = Policy::default();
    let limits = default.app_passwords;
    Policy {
        second_factor: match written.second_factor {
            None => default.second_factor,
            Some(WrittenSecondFactor::Required) => SecondFactor::Required,
            Some(WrittenSecondFactor::WhenEnrolled) => SecondFactor::WhenEnrolled,
        },
        primary_alone_from: written.primary_alone_from.map(|trusted| trusted.0),
        services: Services {
            default: services.default.unwrap_or(default.services.default),
            named: services.named,
        },
        app_passwords: AppPasswordPolicy {
            most: written.max_app_passwords.map_or(limits.most, |number| number.0),
            longest_life: written.longest_lifetime_days.map_or(limits.longest_life, |days| Some(days.0)),
            restorable_for: written.restore_hours.map_or(limits.restorable_for, |hours| hours.0),
        },
    }
}
