//! New migrations are embedded when their folder changes, not only when a source file does.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
