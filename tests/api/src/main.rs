//! Prints the public API of a crate, an item a line, from the JSON that rustdoc made of it: `tests/release api` compares that with `docs/api`.

use std::process::ExitCode;

use public_api::Builder;

fn main() -> ExitCode {
    let Some(json) = std::env::args_os().nth(1) else {
        eprintln!("the path of the JSON that rustdoc made is missing");
        return ExitCode::FAILURE;
    };
    // What every type has is not told.
    let api = Builder::from_rustdoc_json(json).omit_blanket_impls(true).omit_auto_trait_impls(true).build();
    match api {
        Ok(api) => {
            print!("{api}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
