//! Linker flags of the cdylib.

fn main() {
    println!("cargo::rerun-if-changed=packaging/build.rs");
    // Linux-PAM unloads a module after every login; without this its statics start anew and leak.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    // A symbol that nobody provides is an error of the build, not of the first login. Where coverage is counted for a
    // fuzzer (tests/fuzz), the counters belong to its program.
    if std::env::var_os("CARGO_CFG_FUZZING").is_none() {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,defs");
    }
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,relro,-z,now");
}
