//! Development tasks of this repository: `cargo xtask tidy` checks the house rules.
//!
//! The rules are in `tidy`, one file each; nothing here is part of the product.

mod markdown;
mod packages;
mod tidy;
mod tokens;
mod tree;

use std::io::stdout;
use std::path::Path;
use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tidy"] => {
            let tidy = tidy::run(root(), &mut stdout().lock())?;
            Ok(if tidy {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        _ => {
            eprintln!("usage: cargo xtask tidy    check the house rules of CONTRIBUTING.md");
            Ok(ExitCode::from(2))
        }
    }
}

/// The top folder of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the top folder")
}
