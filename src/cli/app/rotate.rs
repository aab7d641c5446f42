//! `postern app rotate`.

use std::ffi::OsString;

use clap::Args;

use crate::cli::app::show::named;
use crate::cli::app::terms;
use crate::cli::failure::Failure;
use crate::cli::hint::operands;
use crate::cli::own::Whose;
use crate::cli::site::{Site, label};
use crate::cli::{expiry, table, text};
use crate::enrollment::{Enrollment, Overlap, Rotation};
use crate::store::Restorable;

#[derive(Args)]
pub struct RotateCommand {
    /// The account.
    name: OsString,
    /// The label of the app password.
    label: Option<OsString>,
    /// When the old one dies, if the new one has not been used by then: a span from now or a last day.
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    keep_until: OsString,
    /// When the new one ends. Without this it keeps an end that was chosen for the old one.
    #[arg(long, value_name = "WHEN")]
    expires: Option<OsString>,
}

pub(super) fn run(site: &Site<'_>, command: &RotateCommand) -> Result<(), Failure> {
    let (whose, label) = named(site, &command.name, command.label.as_deref())?;
    let Whose::Named(name) = whose else {
        let what = "an app password is rotated by your administrator".to_owned();
        return Err(Failure::NotPermitted(what, BY_HAND));
    };
    let keep_until = expiry::read(&command.keep_until, site.now())?;
    let expires_at = command.expires.as_ref().map(|when| expiry::read(when, site.now())).transpose()?;
    text::somebody_reads_stdout().map_err(Failure::NotShown)?;
    let vault = site.vault()?;
    let enrollment = Enrollment::new(&vault);
    let overlap = Overlap { keep_until, expires_at };
    let rotation = enrollment.rotate(&name, &label, overlap, site.limits(), site.made())?;
    let shown = text::secret(&rotation.issued.password.reveal());
    let account = name.as_str();
    if let Err(error) = shown {
        // What nobody has seen must not stay good.
        let successor = self::label(rotation.rotated.label.as_ref())?;
        enrollment.revoke(&name, &successor, Restorable::Never, site.made())?;
        say_what_stays(account, &rotation);
        return Err(Failure::NotShown(error));
    }
    say(account, &rotation);
    Ok(())
}

const BY_HAND: &str = "make another of a new label, put it into the program, then revoke this one: `postern app add --help`, \
                       `postern app revoke --help`";

fn say(account: &str, rotation: &Rotation) {
    let label = text::escaped(&rotation.rotated.label);
    let terms = terms(&rotation.networks, rotation.issued.expires_at);
    text::note(&format!(
        "This new app password \"{label}\" logs {} in to {}{terms}.",
        text::escaped(account),
        rotation.scope
    ));
    text::note("It is shown this once. Put it in the program or device that has the old one.");
    let old = text::escaped(&rotation.rotated.old_label);
    text::note(&format!(
        "The old one is called \"{old}\" from now on. It dies when the new one is first used, {} at the latest.",
        end(rotation)
    ));
    let old = operands(&[account, &rotation.rotated.old_label]);
    text::note(&format!("To revoke it at once: postern app revoke {old}"));
}

fn say_what_stays(account: &str, rotation: &Rotation) {
    let label = rotation.rotated.old_label.as_str();
    text::note(&format!(
        "The old one is called \"{}\" and dies {}. To try again: postern app rotate {}",
        text::escaped(label),
        end(rotation),
        operands(&[account, label])
    ));
}

fn end(rotation: &Rotation) -> String {
    rotation.rotated.old_expires_at.map_or_else(|| table::NOTHING.to_owned(), table::until)
}
