//! Commands about the HTTP contract.

use std::path::PathBuf;

use clap::Subcommand;

/// `doorbook openapi …`
#[derive(Debug, Subcommand)]
pub enum OpenapiCommand {
    /// Print the document
    #[command(after_long_help = "\
Examples:
  doorbook openapi print > openapi.json
  doorbook openapi print | npx openapi-typescript /dev/stdin -o api.ts")]
    Print,
    /// Compare a file with the document of this program; ends with 3 where they differ
    #[command(after_long_help = "\
Examples:
  doorbook openapi check openapi/openapi.json")]
    Check {
        /// The file
        file: PathBuf,
    },
}
