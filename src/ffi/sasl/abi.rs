//! The contract: what libsasl hands to a server plug-in and takes from it (sasl/sasl.h, sasl/saslplug.h).
//!
//! Only layouts: libsasl is not linked, every call goes through the table that it hands over.

use libc::{c_char, c_int, c_uint, c_void, size_t};

/// libsasl's return codes that we give or tell apart.
pub mod code {
    use libc::c_int;

    pub const CONTINUE: c_int = 1;
    pub const OK: c_int = 0;
    pub const FAIL: c_int = -1;
    pub const NOMEM: c_int = -2;
    pub const BUFOVER: c_int = -3;
    pub const BADPROT: c_int = -5;
    pub const NOTDONE: c_int = -6;
    pub const BADPARAM: c_int = -7;
    pub const TRYAGAIN: c_int = -8;
    pub const BADAUTH: c_int = -13;
    pub const NOAUTHZ: c_int = -14;
    pub const NOUSER: c_int = -20;
    pub const BADVERS: c_int = -23;
    pub const UNAVAIL: c_int = -24;
}

/// The version of [`ServerPlug`].
pub const SERVER_PLUG_VERSION: c_int = 4;

/// Security properties of a mechanism.
pub const SEC_NOANONYMOUS: c_uint = 0x10;
pub const SEC_PASS_CREDENTIALS: c_uint = 0x20;

/// Features of a mechanism.
pub const FEAT_WANT_CLIENT_FIRST: c_uint = 0x02;
pub const FEAT_ALLOWS_PROXY: c_uint = 0x20;

/// Which identity a name is for, and that no property of it is needed to verify it.
pub const CU_AUTHID: c_uint = 1;
pub const CU_AUTHZID: c_uint = 2;
pub const CU_EXTERNALLY_VERIFIED: c_uint = 4;

/// A level of the host's log, and the flag of `seterror` that keeps a text out of it.
pub const LOG_ERR: c_int = 1;
pub const NOLOG: c_uint = 1;

/// What we neither call nor read.
pub type Unused = *const c_void;

/// sasl_conn_t, libsasl's own.
#[repr(C)]
pub struct Connection {
    _opaque: [u8; 0],
}

pub type GetOption = unsafe extern "C" fn(
    context: *mut c_void,
    plugin: *const c_char,
    option: *const c_char,
    value: *mut *const c_char,
    length: *mut c_uint,
) -> c_int;

pub type CanonicalUser = unsafe extern "C" fn(
    connection: *mut Connection,
    user: *const c_char,
    length: c_uint,
    flags: c_uint,
    out: *mut OutParams,
) -> c_int;

/// sasl_utils_t: libsasl's calls.
#[repr(C)]
pub struct Utils {
    pub version: c_int,
    pub conn: *mut Connection,
    pub rpool: Unused,
    pub getopt_context: *mut c_void,
    pub getopt: Option<GetOption>,
    pub malloc: Option<unsafe extern "C" fn(size: size_t) -> *mut c_void>,
    pub calloc: Unused,
    pub realloc: Unused,
    pub free: Option<unsafe extern "C" fn(memory: *mut c_void)>,
    pub mutexes: [Unused; 4],
    pub digests: [Unused; 8],
    pub mkchal: Unused,
    pub utf8verify: Unused,
    pub rand: Unused,
    pub churn: Unused,
    pub checkpass: Unused,
    pub decode64: Unused,
    pub encode64: Unused,
    pub erasebuffer: Unused,
    pub getprop: Unused,
    pub setprop: Unused,
    pub getcallback: Unused,
    pub log: Option<unsafe extern "C" fn(*mut Connection, level: c_int, format: *const c_char, ...)>,
    pub seterror: Option<unsafe extern "C" fn(*mut Connection, flags: c_uint, format: *const c_char, ...)>,
    pub spare_fptr: Unused,
    pub properties: [Unused; 11],
    pub auxprop_store: Unused,
    pub spares: [Unused; 2],
}

/// sasl_security_properties_t: what the application asks for.
#[repr(C)]
pub struct SecurityProperties {
    pub min_ssf: c_uint,
    pub max_ssf: c_uint,
    pub maxbufsize: c_uint,
    pub security_flags: c_uint,
    pub property_names: Unused,
    pub property_values: Unused,
}

/// sasl_server_params_t: one connection.
#[repr(C)]
pub struct ServerParams {
    pub service: *const c_char,
    pub appname: *const c_char,
    pub server_fqdn: *const c_char,
    pub user_realm: *const c_char,
    pub iplocalport: *const c_char,
    pub ipremoteport: *const c_char,
    pub servicelen: c_uint,
    pub applen: c_uint,
    pub slen: c_uint,
    pub urlen: c_uint,
    pub iploclen: c_uint,
    pub ipremlen: c_uint,
    pub log_level: c_int,
    pub utils: *const Utils,
    pub callbacks: Unused,
    pub props: SecurityProperties,
    pub external_ssf: c_uint,
    pub transition: Unused,
    pub canon_user: Option<CanonicalUser>,
    pub propctx: Unused,
    pub pointers: [Unused; 4],
    pub spare_fptrs: [Unused; 2],
    pub spare_ints: [c_int; 3],
    pub flags: c_uint,
    pub param_version: c_int,
}

/// sasl_out_params_t: what a mechanism found out.
#[repr(C)]
pub struct OutParams {
    pub doneflag: c_uint,
    pub user: *const c_char,
    pub authid: *const c_char,
    pub ulen: c_uint,
    pub alen: c_uint,
    pub maxoutbuf: c_uint,
    pub mech_ssf: c_uint,
    pub encode_context: *mut c_void,
    pub encode: Unused,
    pub decode_context: *mut c_void,
    pub decode: Unused,
    pub client_creds: *mut c_void,
    pub pointers: [Unused; 3],
    pub spare_fptrs: [Unused; 2],
    pub cbindingdisp: c_uint,
    pub spare_ints: [c_int; 3],
    pub param_version: c_int,
}

pub type MechNew = unsafe extern "C" fn(
    global: *mut c_void,
    params: *mut ServerParams,
    challenge: *const c_char,
    challenge_length: c_uint,
    context: *mut *mut c_void,
) -> c_int;

pub type MechStep = unsafe extern "C" fn(
    context: *mut c_void,
    params: *mut ServerParams,
    response: *const c_char,
    response_length: c_uint,
    challenge: *mut *const c_char,
    challenge_length: *mut c_uint,
    out: *mut OutParams,
) -> c_int;

pub type MechDispose = unsafe extern "C" fn(context: *mut c_void, utils: *const Utils);

pub type MechAvail =
    unsafe extern "C" fn(global: *mut c_void, params: *mut ServerParams, context: *mut *mut c_void) -> c_int;

/// sasl_server_plug_t: one mechanism.
#[repr(C)]
pub struct ServerPlug {
    pub mech_name: *const c_char,
    pub max_ssf: c_uint,
    pub security_flags: c_uint,
    pub features: c_uint,
    pub glob_context: *mut c_void,
    pub mech_new: Option<MechNew>,
    pub mech_step: Option<MechStep>,
    pub mech_dispose: Option<MechDispose>,
    pub mech_free: Unused,
    pub setpass: Unused,
    pub user_query: Unused,
    pub idle: Unused,
    pub mech_avail: Option<MechAvail>,
    pub spare_fptr2: Unused,
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::mem::{offset_of, size_of};
    use std::process::Command;

    use super::*;

    /// A C type, our name for it, and each of our fields with the first of the C fields that it stands for.
    macro_rules! layouts {
        ($($c:literal $ours:ident { $($field:ident $c_field:literal),* $(,)? })*) => {
            [$(
                ($c, None, size_of::<$ours>()),
                $(($c, Some($c_field), offset_of!($ours, $field)),)*
            )*]
        };
    }

    #[test]
    fn the_headers_say_the_same_layouts() {
        let ours = layouts! {
            "sasl_utils_t" Utils {
                version "version", conn "conn", rpool "rpool", getopt_context "getopt_context",
                getopt "getopt", malloc "malloc", calloc "calloc", realloc "realloc", free "free",
                mutexes "mutex_alloc", digests "MD5Init", mkchal "mkchal", utf8verify "utf8verify",
                rand "rand", churn "churn", checkpass "checkpass", decode64 "decode64",
                encode64 "encode64", erasebuffer "erasebuffer", getprop "getprop", setprop "setprop",
                getcallback "getcallback", log "log", seterror "seterror", spare_fptr "spare_fptr",
                properties "prop_new", auxprop_store "auxprop_store", spares "spare_fptr1",
            }
            "sasl_security_properties_t" SecurityProperties {
                min_ssf "min_ssf", max_ssf "max_ssf", maxbufsize "maxbufsize",
                security_flags "security_flags", property_names "property_names",
                property_values "property_values",
            }
            "sasl_server_params_t" ServerParams {
                service "service", appname "appname", server_fqdn "serverFQDN", user_realm "user_realm",
                iplocalport "iplocalport", ipremoteport "ipremoteport", servicelen "servicelen",
                applen "applen", slen "slen", urlen "urlen", iploclen "iploclen", ipremlen "ipremlen",
                log_level "log_level", utils "utils", callbacks "callbacks", props "props",
                external_ssf "external_ssf", transition "transition", canon_user "canon_user",
                propctx "propctx", pointers "gss_creds", spare_fptrs "spare_fptr1",
                spare_ints "spare_int1", flags "flags", param_version "param_version",
            }
            "sasl_out_params_t" OutParams {
                doneflag "doneflag", user "user", authid "authid", ulen "ulen", alen "alen",
                maxoutbuf "maxoutbuf", mech_ssf "mech_ssf", encode_context "encode_context",
                encode "encode", decode_context "decode_context", decode "decode",
                client_creds "client_creds", pointers "gss_peer_name", spare_fptrs "spare_fptr1",
                cbindingdisp "cbindingdisp", spare_ints "spare_int2", param_version "param_version",
            }
            "sasl_server_plug_t" ServerPlug {
                mech_name "mech_name", max_ssf "max_ssf", security_flags "security_flags",
                features "features", glob_context "glob_context", mech_new "mech_new",
                mech_step "mech_step", mech_dispose "mech_dispose", mech_free "mech_free",
                setpass "setpass", user_query "user_query", idle "idle", mech_avail "mech_avail",
                spare_fptr2 "spare_fptr2",
            }
        };
        let asked: Vec<String> = ours
            .iter()
            .map(|(name, field, _)| match field {
                Some(field) => format!("(long)offsetof({name}, {field})"),
                None => format!("(long)sizeof({name})"),
            })
            .collect();
        let expected: Vec<i64> = ours.iter().map(|(.., size)| i64::try_from(*size).unwrap()).collect();
        assert_eq!(in_c(&asked), expected, "{ours:#?}");
    }

    #[test]
    fn the_headers_say_the_same_numbers() {
        let ours = [
            ("SASL_CONTINUE", i64::from(code::CONTINUE)),
            ("SASL_OK", code::OK.into()),
            ("SASL_FAIL", code::FAIL.into()),
            ("SASL_NOMEM", code::NOMEM.into()),
            ("SASL_BUFOVER", code::BUFOVER.into()),
            ("SASL_BADPROT", code::BADPROT.into()),
            ("SASL_NOTDONE", code::NOTDONE.into()),
            ("SASL_BADPARAM", code::BADPARAM.into()),
            ("SASL_TRYAGAIN", code::TRYAGAIN.into()),
            ("SASL_BADAUTH", code::BADAUTH.into()),
            ("SASL_NOAUTHZ", code::NOAUTHZ.into()),
            ("SASL_NOUSER", code::NOUSER.into()),
            ("SASL_BADVERS", code::BADVERS.into()),
            ("SASL_UNAVAIL", code::UNAVAIL.into()),
            ("SASL_SERVER_PLUG_VERSION", SERVER_PLUG_VERSION.into()),
            ("SASL_SEC_NOANONYMOUS", SEC_NOANONYMOUS.into()),
            ("SASL_SEC_PASS_CREDENTIALS", SEC_PASS_CREDENTIALS.into()),
            ("SASL_FEAT_WANT_CLIENT_FIRST", FEAT_WANT_CLIENT_FIRST.into()),
            ("SASL_FEAT_ALLOWS_PROXY", FEAT_ALLOWS_PROXY.into()),
            ("SASL_CU_AUTHID", CU_AUTHID.into()),
            ("SASL_CU_AUTHZID", CU_AUTHZID.into()),
            ("SASL_CU_EXTERNALLY_VERIFIED", CU_EXTERNALLY_VERIFIED.into()),
            ("SASL_LOG_ERR", LOG_ERR.into()),
            ("SASL_NOLOG", NOLOG.into()),
        ];
        let (asked, expected): (Vec<String>, Vec<i64>) =
            ours.iter().map(|(name, number)| (format!("(long)({name})"), *number)).unzip();
        assert_eq!(in_c(&asked), expected, "{ours:#?}");
    }

    /// What a C compiler makes of these expressions with libsasl's headers.
    fn in_c(expressions: &[String]) -> Vec<i64> {
        let directory = tempfile::tempdir().unwrap();
        let (source, program) = (directory.path().join("ask.c"), directory.path().join("ask"));
        let print = |expression: &String| format!("    printf(\"%ld\\n\", {expression});\n");
        let text = format!(
            "#include <stddef.h>\n#include <stdio.h>\n#include <sasl/sasl.h>\n#include <sasl/saslutil.h>\n\
             #include <sasl/saslplug.h>\nint main(void)\n{{\n{}    return 0;\n}}\n",
            expressions.iter().map(print).collect::<String>()
        );
        fs::write(&source, text).unwrap();
        assert!(Command::new("cc").arg("-o").args([&program, &source]).status().unwrap().success());
        let said = Command::new(&program).output().unwrap().stdout;
        String::from_utf8(said).unwrap().lines().map(|line| line.parse().unwrap()).collect()
    }
}
