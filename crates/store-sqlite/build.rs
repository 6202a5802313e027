//! Rebuilds the crate when a migration or the recorded shape of a query changes: the macros that read them cannot say so.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=.sqlx");
    println!("cargo::rerun-if-changed=sqlx.toml");
}
