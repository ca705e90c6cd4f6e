//! `msp serve`.

use crate::{
    cli::{Places, Serve},
    failure::UsageError,
    platform::{Missing, Platform, workspace},
    serving::{Listen, Serving, sign_in_link, stop_signal},
    settings::Settings,
};
use anyhow::Result;
use msp_auth::entra::ADMINISTRATOR_ROLE;
use msp_engine::workers::look_for_python;
use msp_storage_local::lock_engine;

/// Serves until it is told to stop.
pub async fn serve(places: &Places, settings: Settings, arguments: &Serve) -> Result<()> {
    let is_local = arguments.listen.ip().is_loopback();
    if !is_local && !arguments.allow_remote {
        return Err(UsageError(format!(
            "listening on {} lets other machines connect; add --allow-remote if that is meant",
            arguments.listen
        ))
        .into());
    }
    if !is_local && settings.entra.is_some() && settings.public_url.is_none() {
        return Err(UsageError(format!(
            "MSP_PUBLIC_URL is missing: listening on {} with Entra ID, the server must know where people come back to",
            arguments.listen
        ))
        .into());
    }
    // The engine starts in the background; a mistyped folder should be said at once.
    workspace(&places.workspace)?;
    // Beside the store that is being opened.
    look_for_python(settings.python.clone());
    let platform = Platform::open(places, settings, Missing::Create).await?;
    let lock = lock_engine(&platform.data)?;
    platform.ensure_administrator().await?;
    let stop = stop_signal()?;
    let listen = Listen { address: arguments.listen, announce: true };
    let mut serving = Serving::start(platform, lock, listen).await?;
    tracing::info!(url = serving.url(), data = %serving.platform().data.display(), "The server listens");
    println!("The server listens on {}", serving.url());
    if let Some(entra) = &serving.platform().settings.entra {
        tracing::info!(
            tenant.id = %entra.tenant_id,
            client.id = %entra.client_id,
            "People sign in with Entra ID; administrators are those with its app role {ADMINISTRATOR_ROLE}"
        );
    } else if is_local && !arguments.no_sign_in_link {
        print_first_link(&serving).await?;
    }
    tokio::select! {
        outcome = watch_over(&mut serving, arguments.watch) => {
            serving.stop(std::future::ready(())).await?;
            return outcome;
        }
        () = stop => {}
    }
    tracing::info!("The server is stopping; running executions may end first");
    let again = stop_signal()?;
    serving.stop(again).await?;
    tracing::info!("The server has stopped");
    Ok(())
}

/// Says how the engine started, then watches over HTTP. Resolves only when the server cannot go on.
async fn watch_over(serving: &mut Serving, watch: bool) -> Result<()> {
    let engine = serving.engine().await?;
    if watch {
        engine.watch();
    }
    for layer in engine.layers() {
        tracing::info!("Around workers: {layer}");
    }
    let bundle = engine.metadata();
    for error in &bundle.errors {
        tracing::warn!(file = error.file, line = error.line, reason = error.message, "A file cannot be used");
    }
    for warning in &bundle.warnings {
        tracing::warn!(file = warning.file, line = warning.line, reason = warning.message, "Probably not meant");
    }
    tracing::info!(
        bundle = bundle.bundle,
        workflows = bundle.workflows.len(),
        option_generators = bundle.option_generators.len(),
        errors = bundle.errors.len(),
        "The engine is ready"
    );
    serving.failed().await
}

/// While no administrator has ever signed in, every start on loopback prints a link: losing the first one must not
/// lock everybody out. It goes to standard output and never into the log.
async fn print_first_link(serving: &Serving) -> Result<()> {
    let platform = serving.platform();
    let administrators = platform.repositories.users.administrators().await?;
    if administrators.iter().any(|administrator| administrator.last_login_at.is_some()) {
        return Ok(());
    }
    let Some(first) = administrators.first() else { return Ok(()) };
    let base = platform.settings.public_url.as_ref().map_or(serving.url(), url::Url::as_str);
    let link = sign_in_link(platform, first.id, base).await?;
    println!("Sign in once, within 15 minutes: {link}");
    Ok(())
}
