//! `msp import`.

use super::{
    forms::{self, Offer},
    layout,
    organizations::{self, same},
    plan::{ScopePlan, Verdict},
    variables,
};
use crate::{
    cli::{Import, Places},
    commands::{
        token,
        workflows::{client::Client, load::load},
    },
    failure::{Reported, UsageError},
    platform::Platform,
    running::RunningServer,
};
use anyhow::{Result, bail};
use msp_domain::{BundleMetadata, Scope, workflow::nearest};
use msp_storage::{
    StoreError,
    repositories::{
        Actor,
        import::MAX_CHANGES,
        organizations::{Organization, OrganizationError},
    },
};
use std::{path::Path, sync::Arc};

/// Shows what a folder would change, and changes it.
pub async fn import(platform: &Platform, arguments: &Import) -> Result<()> {
    let folder = &arguments.folder;
    if !folder.is_dir() {
        return Err(UsageError(format!("{} is not a folder", folder.display())).into());
    }
    layout::only(&layout::entries(folder)?, &[layout::ORGANIZATIONS_CSV, layout::ORGANIZATIONS, layout::GLOBAL])?;
    let offer = offer(platform, folder, arguments.unchecked).await?;
    let mut plans = plans(platform, folder, &offer).await?;
    choose(&mut plans, &arguments.org)?;
    plans.iter().for_each(ScopePlan::print);
    let blocked = plans.iter().filter(|plan| plan.blocked).count();
    let unchanged: usize = plans.iter().map(|plan| plan.unchanged).sum();
    let mut failed = blocked;
    let (mut written, mut wanted) = (0, 0);
    for plan in plans.iter().filter(|plan| !plan.blocked && !plan.changes.is_empty()) {
        wanted += 1;
        if arguments.dry_run {
            continue;
        }
        match platform.repositories.apply(plan.scope, &plan.changes, &Actor::PLATFORM).await {
            Ok(()) => written += 1,
            Err(error) => {
                failed += 1;
                eprintln!("error: {}: {}", plan.title, reason(&error));
            }
        }
    }
    if arguments.dry_run {
        println!("{wanted} to write, {unchanged} things unchanged; nothing was written.");
    } else {
        println!("{written} written, {unchanged} things unchanged.");
    }
    if blocked > 0 {
        eprintln!("error: {blocked} cannot be written because of what is said above; nothing of them is");
    }
    if failed > 0 { Err(Reported.into()) } else { Ok(()) }
}

fn reason(error: &OrganizationError) -> String {
    match error {
        OrganizationError::NotFound
        | OrganizationError::Store(StoreError::PreconditionFailed | StoreError::AlreadyExists) => {
            "somebody changed it meanwhile, and nothing of it was written; import again".to_owned()
        }
        error => error.to_string(),
    }
}

/// What the forms of a folder are checked against, if it has any: what the running server offers, or else the workspace.
async fn offer(platform: &Platform, folder: &Path, unchecked: bool) -> Result<Offer> {
    let mut owners = layout::entries(&folder.join(layout::ORGANIZATIONS))?;
    owners.push((layout::GLOBAL.to_owned(), folder.join(layout::GLOBAL)));
    if unchecked || !owners.iter().any(|(_, owner)| owner.join(layout::FORMS).exists()) {
        return Ok(Offer::Unchecked);
    }
    if let Some(bundle) = offered(platform).await {
        return Ok(Offer::Known(Arc::new(bundle)));
    }
    let (data, workspace) = (platform.data.clone(), platform.workspace.clone());
    let loaded = load(&Places { data, workspace, settings: None }, &platform.settings).await;
    Ok(loaded.map_or_else(|error| Offer::Unknown(format!("no server answers; {error:#}")), Offer::Known))
}

/// What the running server offers; `None`: none runs, or it does not answer.
async fn offered(platform: &Platform) -> Option<BundleMetadata> {
    let server = RunningServer::find(&platform.data)?;
    let administrator = platform.user_or_administrator(None).await.ok()?;
    let token = token::mint(platform, &administrator).await.ok()?;
    Client::new(&server.url, token, None).ok()?.metadata().await.ok()
}

/// Everything the folder is about: the organizations of the list, those that only have a folder, and what everybody shares.
async fn plans(platform: &Platform, folder: &Path, offer: &Offer) -> Result<Vec<ScopePlan>> {
    let repositories = &platform.repositories;
    let stored = repositories.organizations.all().await?;
    let mut plans = organizations::plans(folder, &stored, &repositories.organizations)?;
    for (name, path) in layout::entries(&folder.join(layout::ORGANIZATIONS))? {
        let plan = plan_of(&mut plans, &stored, &name)?;
        let shown = format!("{}/{name}", layout::ORGANIZATIONS);
        fill(platform, offer, &path, &shown, plan).await?;
    }
    let shared = folder.join(layout::GLOBAL);
    if shared.exists() {
        let mut plan = ScopePlan::new(layout::GLOBAL, Scope::Global);
        fill(platform, offer, &shared, layout::GLOBAL, &mut plan).await?;
        plans.push(plan);
    }
    Ok(plans)
}

/// The plan of the organization a folder belongs to.
fn plan_of<'a>(plans: &'a mut Vec<ScopePlan>, stored: &[Organization], folder: &str) -> Result<&'a mut ScopePlan> {
    let is_its = |name: &str| same(name, folder) || same(&layout::file_name(name), folder);
    if let Some(index) = plans.iter().position(|plan| is_its(&plan.title)) {
        return Ok(&mut plans[index]);
    }
    let Some(known) = stored.iter().find(|known| is_its(&known.name)) else {
        let names: Vec<&str> = plans
            .iter()
            .map(|plan| plan.title.as_str())
            .chain(stored.iter().map(|known| known.name.as_str()))
            .collect();
        let advice = nearest(folder, names)
            .map_or_else(|| "name it in organizations.csv".to_owned(), |meant| format!("did you mean `{meant}`?"));
        bail!("{}/{folder} belongs to no organization; {advice}", layout::ORGANIZATIONS);
    };
    let mut plan = ScopePlan::new(&known.name, Scope::Org(known.id));
    if known.deletion.is_some() {
        plan.note(Verdict::Conflict, "it is being deleted", layout::ORGANIZATIONS);
    }
    plans.push(plan);
    Ok(plans.last_mut().expect("one was added"))
}

async fn fill(platform: &Platform, offer: &Offer, folder: &Path, shown: &str, plan: &mut ScopePlan) -> Result<()> {
    layout::only(&layout::entries(folder)?, &[layout::VARIABLES_CSV, layout::FORMS])?;
    variables::plan(&platform.repositories, folder, shown, plan).await?;
    forms::plan(&platform.repositories, offer, folder, shown, plan).await?;
    let things = plan.changes.len();
    if things > MAX_CHANGES {
        let fault =
            format!("{things} things would change, and at most {MAX_CHANGES} are written at once; import in parts");
        plan.note(Verdict::Error, &fault, shown);
    }
    Ok(())
}

/// Leaves only the organizations that were asked for; all when none was.
fn choose(plans: &mut Vec<ScopePlan>, wanted: &[String]) -> Result<()> {
    let is = |plan: &ScopePlan, wanted: &str| {
        same(&plan.title, wanted) || plan.scope.org().is_some_and(|org| org.key() == wanted)
    };
    if let Some(unknown) = wanted.iter().find(|wanted| !plans.iter().any(|plan| is(plan, wanted))) {
        let advice = nearest(unknown, plans.iter().map(|plan| plan.title.as_str()))
            .map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
        return Err(UsageError(format!("the folder has no organization `{unknown}`{advice}")).into());
    }
    plans.retain(|plan| wanted.is_empty() || wanted.iter().any(|wanted| is(plan, wanted)));
    Ok(())
}
