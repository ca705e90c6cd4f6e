//! `msp openapi`.

use anyhow::{Context, Result};

/// Prints the description of the HTTP API.
pub fn openapi() -> Result<()> {
    let text = serde_json::to_string_pretty(&msp_api::openapi()).context("the description cannot be written")?;
    println!("{text}");
    Ok(())
}
