//! The tables, version by version.

/// `PSTN`, by which `file` and we know a store (sqlite.org/pragma.html#pragma_application_id).
pub(super) const APPLICATION_ID: i64 = 0x5053_544e;

/// The first version there is. Those before it were never released and had no audit chain: nothing leads from them to
/// here, or whoever can write the file would set its version back to have a new chain begun.
pub(super) const FIRST_VERSION: i64 = 3;

/// What makes the tables of the first version, and then brings each to the next; what was released is never changed.
pub(super) const MIGRATIONS: &[&str] = &[TABLES];

/// The version that this build reads and writes.
pub(super) const VERSION: i64 = FIRST_VERSION - 1 + MIGRATIONS.len() as i64;

const TABLES: &str = "
CREATE TABLE key_check (
    key_id INTEGER PRIMARY KEY CHECK (0 < key_id),
    value BLOB NOT NULL CHECK (length(value) = 16),
    retired_at INTEGER CHECK (0 <= retired_at),
    sealed_audit_key BLOB,
    copied_at INTEGER CHECK (0 <= copied_at)
) STRICT;

CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 320),
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
    primary_check TEXT NOT NULL CHECK (primary_check IN ('pam', 'store')),
    primary_hash TEXT CHECK (0 < length(primary_hash)),
    key_id INTEGER NOT NULL REFERENCES key_check,
    enrolled_at INTEGER CHECK (0 <= enrolled_at),
    codes_spent_until INTEGER NOT NULL DEFAULT 0 CHECK (0 <= codes_spent_until),
    created_at INTEGER NOT NULL CHECK (0 <= created_at),
    created_by INTEGER NOT NULL CHECK (0 <= created_by),
    unix_uid INTEGER CHECK (0 <= unix_uid),
    primary_version INTEGER NOT NULL DEFAULT 1 CHECK (0 < primary_version),
    throw_away INTEGER NOT NULL DEFAULT 0 CHECK (throw_away IN (0, 1)),
    CHECK ((primary_check = 'store') = (primary_hash IS NOT NULL))
) STRICT;

CREATE TABLE app_password (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES account,
    label TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 64),
    tag BLOB UNIQUE CHECK (length(tag) = 16),
    hash TEXT NOT NULL CHECK (0 < length(hash)),
    key_id INTEGER NOT NULL REFERENCES key_check,
    scope TEXT NOT NULL CHECK (0 < length(scope)),
    created_at INTEGER NOT NULL CHECK (0 <= created_at),
    created_by INTEGER NOT NULL CHECK (0 <= created_by),
    revoked_at INTEGER CHECK (0 <= revoked_at),
    last_used_at INTEGER CHECK (0 <= last_used_at),
    last_used_service TEXT,
    last_used_from TEXT,
    expires_at INTEGER CHECK (0 <= expires_at),
    networks TEXT CHECK (0 < length(networks)),
    replaces INTEGER REFERENCES app_password,
    revocation INTEGER REFERENCES revocation,
    imported INTEGER NOT NULL DEFAULT 0 CHECK (imported IN (0, 1)),
    CHECK (tag IS NOT NULL OR imported = 1)
) STRICT;

CREATE INDEX app_password_account ON app_password (account_id);

CREATE UNIQUE INDEX app_password_live_label ON app_password (account_id, label) WHERE revoked_at IS NULL;

CREATE INDEX app_password_imported ON app_password (account_id) WHERE imported = 1;

CREATE INDEX app_password_replaces ON app_password (replaces) WHERE replaces IS NOT NULL;

CREATE TABLE totp_key (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES account,
    label TEXT NOT NULL CHECK (length(label) BETWEEN 1 AND 64),
    sealed BLOB NOT NULL,
    key_id INTEGER NOT NULL REFERENCES key_check,
    algorithm TEXT NOT NULL CHECK (algorithm IN ('SHA1', 'SHA256', 'SHA512')),
    digits INTEGER NOT NULL CHECK (digits BETWEEN 6 AND 8),
    period INTEGER NOT NULL CHECK (period BETWEEN 15 AND 300),
    last_step INTEGER NOT NULL CHECK (0 <= last_step),
    created_at INTEGER NOT NULL CHECK (0 <= created_at),
    created_by INTEGER NOT NULL CHECK (0 <= created_by),
    UNIQUE (account_id, label)
) STRICT;

CREATE TABLE revocation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL CHECK (0 <= at),
    by INTEGER NOT NULL CHECK (0 <= by),
    restorable_until INTEGER NOT NULL CHECK (0 <= restorable_until),
    restored_at INTEGER CHECK (0 <= restored_at)
) STRICT;

CREATE TABLE recovery_code (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id INTEGER NOT NULL REFERENCES account,
    tag BLOB NOT NULL UNIQUE CHECK (length(tag) = 16),
    hash TEXT NOT NULL CHECK (0 < length(hash)),
    key_id INTEGER NOT NULL REFERENCES key_check,
    created_at INTEGER NOT NULL CHECK (0 <= created_at),
    created_by INTEGER NOT NULL CHECK (0 <= created_by),
    spent_at INTEGER CHECK (0 <= spent_at),
    retired_at INTEGER CHECK (0 <= retired_at)
) STRICT;

CREATE INDEX recovery_code_account ON recovery_code (account_id);

CREATE TABLE code_failure (
    account_id INTEGER NOT NULL REFERENCES account,
    source TEXT NOT NULL,
    count INTEGER NOT NULL CHECK (0 < count),
    last_at INTEGER NOT NULL CHECK (0 <= last_at),
    PRIMARY KEY (account_id, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_row (
    id INTEGER PRIMARY KEY CHECK (0 < id),
    at INTEGER NOT NULL,
    by INTEGER NOT NULL,
    event TEXT NOT NULL,
    account TEXT,
    label TEXT,
    detail TEXT,
    key_id INTEGER NOT NULL,
    mac BLOB NOT NULL CHECK (length(mac) = 32)
) STRICT;

CREATE TABLE audit_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    last_row INTEGER NOT NULL,
    key_id INTEGER NOT NULL,
    mac BLOB NOT NULL CHECK (length(mac) = 32)
) STRICT;
";
