//! Recovery codes: made ten at a time, each good once.

use crate::crypto::entropy;
use crate::crypto::password_hash::{Cost, PasswordHash};
use crate::domain::account::AccountName;
use crate::domain::recovery_code::{HOW_MANY, RecoveryCode};
use crate::enrollment::{Enrollment, EnrollmentError};
use crate::store::{Made, NewRecoveryCode, RecoveryCodes};

impl Enrollment<'_> {
    /// Makes new recovery codes, which replace those that the account had. What is returned is shown once and kept
    /// nowhere.
    ///
    /// # Errors
    /// Where there is no such account.
    pub fn renew_recovery_codes(
        &self,
        name: &AccountName,
        made: Made,
    ) -> Result<Vec<RecoveryCode>, EnrollmentError> {
        let account = self.account(name)?;
        let (codes, rows) = self.generate_recovery_codes()?;
        self.vault.store.replace_recovery_codes(account.id, &rows, made)?;
        Ok(codes)
    }

    /// Takes the recovery codes of an account out of use.
    ///
    /// # Errors
    /// Where there is no such account.
    pub fn retire_recovery_codes(&self, name: &AccountName, made: Made) -> Result<(), EnrollmentError> {
        let account = self.account(name)?;
        Ok(self.vault.store.replace_recovery_codes(account.id, &[], made)?)
    }

    /// How many recovery codes an account has left.
    ///
    /// # Errors
    /// Where there is no such account.
    pub fn recovery_codes(&self, name: &AccountName) -> Result<RecoveryCodes, EnrollmentError> {
        Ok(self.vault.store.recovery_codes(self.account(name)?.id)?)
    }

    /// The codes as they are shown, and as they are stored.
    pub(super) fn generate_recovery_codes(
        &self,
    ) -> Result<(Vec<RecoveryCode>, Vec<NewRecoveryCode>), EnrollmentError> {
        let codes = (0..HOW_MANY).map(|_| RecoveryCode::generate()).collect::<Result<Vec<_>, _>>()?;
        let rows = codes.iter().map(|code| self.stored(code)).collect::<Result<Vec<_>, _>>()?;
        Ok((codes, rows))
    }

    fn stored(&self, code: &RecoveryCode) -> Result<NewRecoveryCode, EnrollmentError> {
        let symbols = code.symbols();
        let (pepper, salt) = (self.vault.keyring.pepper(), entropy::bytes()?);
        let hash = PasswordHash::make(&symbols, &pepper, Cost::GENERATED, salt)?;
        let tag = self.vault.keyring.tag(symbols.expose());
        Ok(NewRecoveryCode { tag, hash: hash.as_str().to_owned() })
    }
}
