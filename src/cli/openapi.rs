//! `doorbook openapi …`

use std::fs;

use doorbook_projections::fault::Fault;

use super::{args::OpenapiCommand, exit::Failure, output::Output};

/// Carries one out. None needs the configuration.
pub(crate) fn run(command: &OpenapiCommand, output: &Output) -> Result<(), Failure> {
    let document = doorbook_openapi::document();
    match command {
        OpenapiCommand::Print => Ok(output.text(&document)?),
        OpenapiCommand::Check { file } => {
            let text = fs::read_to_string(file).map_err(Fault::because("the file cannot be read"))?;
            if text != document {
                return Err(Failure::Difference(format!(
                    "{} is not the document of this program: write it anew with `doorbook openapi print`",
                    file.display()
                )));
            }
            Ok(output.value(&serde_json::json!({"ok": true}), || {
                "The file is the document of this program.".to_owned()
            })?)
        }
    }
}
