//! Lists of app passwords, in pages of a frame each.

use crate::domain::app_password::Label;
use crate::domain::network::Networks;
use crate::domain::service::{Scope, Service};
use crate::domain::time::UnixTime;
use crate::wire::frame::{BadFrame, MAX_FRAME, MAX_LIST, Reader, Writer};
use crate::wire::manage::request::{read_networks, read_scope};

/// Some app passwords, by row.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// As many as have room.
    pub rows: Vec<ListedAppPassword>,
    /// Whether there are others behind them.
    pub is_last: bool,
}

/// An app password as its owner may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedAppPassword {
    /// The row.
    pub id: u64,
    /// What its owner calls it.
    pub label: String,
    /// What it is good for.
    pub scope: Scope,
    /// From where it is good.
    pub networks: Networks,
    /// When it was made.
    pub created_at: UnixTime,
    /// By which uid.
    pub created_by: u32,
    /// When it was revoked.
    pub revoked_at: Option<UnixTime>,
    /// When its time is over, if the policy does not end it earlier.
    pub expires_at: Option<UnixTime>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<UnixTime>,
    /// On which service; empty where it never was.
    pub last_used_service: String,
    /// From which address; empty where none was known.
    pub last_used_from: String,
}

/// Longest address of IPv6, with a zone.
const MAX_ADDRESS: usize = 64;

// The largest row fits into a page.
const _: () = {
    let (label, scope) = (2 + Label::MAX_LEN, 2 + Scope::MAX_SERVICES * (Service::MAX_LEN + 1));
    let last_use = 9 + 2 + Service::MAX_LEN + 2 + MAX_ADDRESS;
    let row = 1 + 8 + label + scope + 2 + MAX_LIST + 8 + 8 + 9 + 9 + last_use;
    assert!(3 + row < MAX_FRAME);
};

const ANOTHER: u8 = 1;
const MORE: u8 = 2;
const LAST: u8 = 3;

impl Page {
    /// As many of these rows as have room.
    ///
    /// # Errors
    /// Where not even the first one has.
    pub fn of(mut rows: Vec<ListedAppPassword>) -> Result<Self, BadFrame> {
        let (mut frame, mut fitting, all) = (Writer::new(), 0, rows.len());
        for row in &rows {
            // The head before it, and the end behind it.
            if write_row(&mut frame, row).is_err() || MAX_FRAME < frame.len() + 3 {
                break;
            }
            fitting += 1;
        }
        if fitting == 0 && all > 0 {
            return Err(BadFrame);
        }
        rows.truncate(fitting);
        Ok(Self { rows, is_last: fitting == all })
    }

    pub(super) fn write(&self, frame: &mut Writer) -> Result<(), BadFrame> {
        self.rows.iter().try_for_each(|row| write_row(frame, row))?;
        frame.octet(if self.is_last { LAST } else { MORE });
        Ok(())
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, BadFrame> {
        let mut rows = Vec::new();
        loop {
            match reader.octet()? {
                ANOTHER => rows.push(read_row(reader)?),
                // One that holds nothing and is not the last would be asked for again and again.
                MORE if !rows.is_empty() => return Ok(Self { rows, is_last: false }),
                LAST => return Ok(Self { rows, is_last: true }),
                _ => return Err(BadFrame),
            }
        }
    }
}

fn write_row(frame: &mut Writer, row: &ListedAppPassword) -> Result<(), BadFrame> {
    frame.octet(ANOTHER);
    frame.number(row.id);
    frame.field(row.label.as_bytes())?;
    frame.list(&row.scope.to_string())?;
    frame.list(&row.networks.to_string())?;
    frame.number(row.created_at.0);
    frame.number(row.created_by.into());
    frame.moment(row.revoked_at);
    frame.moment(row.expires_at);
    frame.moment(row.last_used_at);
    frame.field(row.last_used_service.as_bytes())?;
    frame.field(row.last_used_from.as_bytes())
}

fn read_row(reader: &mut Reader<'_>) -> Result<ListedAppPassword, BadFrame> {
    Ok(ListedAppPassword {
        id: reader.number()?,
        label: reader.text()?.to_owned(),
        scope: read_scope(reader)?,
        networks: read_networks(reader)?,
        created_at: UnixTime(reader.number()?),
        created_by: reader.short_number()?,
        revoked_at: reader.moment()?,
        expires_at: reader.moment()?,
        last_used_at: reader.moment()?,
        last_used_service: reader.text()?.to_owned(),
        last_used_from: reader.text()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u64, label: &str) -> ListedAppPassword {
        ListedAppPassword {
            id,
            label: label.to_owned(),
            scope: Scope::mail(),
            networks: Networks::default(),
            created_at: UnixTime(5),
            created_by: 1000,
            revoked_at: None,
            expires_at: Some(UnixTime(9)),
            last_used_at: Some(UnixTime(7)),
            last_used_service: "imap".to_owned(),
            last_used_from: String::new(),
        }
    }

    fn through_a_frame(page: &Page) -> Page {
        let mut frame = Writer::new();
        page.write(&mut frame).unwrap();
        assert!(2 + frame.len() <= MAX_FRAME);
        let (frame, read) = (frame.finish(), |frame: &[u8]| Page::read(&mut Reader::new(frame)));
        for end in (0..frame.len()).step_by(61) {
            assert!(read(&frame[..end]).is_err(), "cut at {end}");
        }
        read(&frame).unwrap()
    }

    #[test]
    fn a_page_that_holds_nothing_is_the_last() {
        assert!(Page::read(&mut Reader::new(&[MORE])).is_err());
        assert!(Page::read(&mut Reader::new(&[LAST])).unwrap().is_last);
    }

    #[test]
    fn a_long_list_goes_in_pages_that_hold_every_row_once() {
        let all: Vec<_> = (1..=300).map(|id| row(id, &"\u{1f511}".repeat(Label::MAX_CHARS))).collect();
        let (mut rest, mut seen) = (all.clone(), Vec::new());
        loop {
            let page = Page::of(rest.clone()).unwrap();
            let page = through_a_frame(&page);
            rest = rest.split_off(page.rows.len());
            seen.extend(page.rows);
            if page.is_last {
                break;
            }
        }
        assert_eq!(seen, all);
        assert!(Page::of(vec![row(1, &"a".repeat(800))]).is_err());
    }

    #[test]
    fn the_largest_row_fits() {
        let names: Vec<String> = (0..Scope::MAX_SERVICES).map(|number| format!("{number:s>64}")).collect();
        let address = |number| format!("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff{number:02x}/128");
        let networks: Vec<String> = (0..Networks::MAX).map(address).collect();
        let largest = ListedAppPassword {
            scope: Scope::parse(&names.join(",")).unwrap(),
            networks: Networks::parse(&networks.join(",")).unwrap(),
            last_used_service: "s".repeat(Service::MAX_LEN),
            last_used_from: "f".repeat(MAX_ADDRESS),
            revoked_at: Some(UnixTime(1)),
            ..row(u64::MAX, &"\u{1f511}".repeat(Label::MAX_CHARS))
        };
        assert_eq!(Page::of(vec![largest]).unwrap().rows.len(), 1);
    }
}
