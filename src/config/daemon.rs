//! The table `[daemon]` of the configuration file.

use std::path::PathBuf;

use serde::Deserialize;

use crate::config::file::AbsolutePath;
use crate::domain::permit::{Belief, Permit, User};
use crate::domain::service::Service;

/// What posternd is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    /// Sockets for modules and plug-ins.
    pub verify: Vec<PathBuf>,
    /// Sockets in saslauthd's language.
    pub saslauthd: Vec<PathBuf>,
    /// Sockets for local users, about their own accounts.
    pub manage: Vec<PathBuf>,
    /// Who but root may ask.
    pub permits: Vec<(User, Permit)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DaemonTable {
    verify: Vec<AbsolutePath>,
    saslauthd: Vec<AbsolutePath>,
    manage: Vec<AbsolutePath>,
    permit: Vec<PermitTable>,
}

impl Default for DaemonTable {
    fn default() -> Self {
        Self {
            verify: vec![AbsolutePath("/run/postern/verify".into())],
            saslauthd: Vec::new(),
            manage: Vec::new(),
            permit: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PermitTable {
    user: WrittenUser,
    services: Option<Vec<WrittenService>>,
    #[serde(default)]
    believe_address: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenUser {
    Uid(u32),
    Name(String),
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct WrittenService(Service);

impl TryFrom<String> for WrittenService {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Service::parse(name.as_bytes()).map(Self).map_err(|error| error.to_string())
    }
}

impl From<DaemonTable> for Daemon {
    fn from(written: DaemonTable) -> Self {
        let paths = |paths: Vec<AbsolutePath>| paths.into_iter().map(|path| path.0).collect();
        Self {
            verify: paths(written.verify),
            saslauthd: paths(written.saslauthd),
            manage: paths(written.manage),
            permits: written.permit.into_iter().map(permit).collect(),
        }
    }
}

fn permit(written: PermitTable) -> (User, Permit) {
    let user = match written.user {
        WrittenUser::Uid(uid) => User::Uid(uid),
        WrittenUser::Name(name) => User::Name(name),
    };
    let services = written.services.map(|services| services.into_iter().map(|service| service.0).collect());
    let address = if written.believe_address { Belief::Believed } else { Belief::Ignored };
    (user, Permit { services, address })
}
