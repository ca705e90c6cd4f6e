"use strict";

const status = document.getElementById("status");

document.getElementById("sign-out").addEventListener("click", async () => {
  try {
    const response = await fetch("/api/auth/sign-out", { method: "POST" });
    if (response.ok) {
      location.replace("/sign-in");
      return;
    }
    status.textContent = (await response.json()).title;
  } catch {
    status.textContent = "The server does not answer; you are still signed in.";
  }
});

async function read(path) {
  const response = await fetch(path);
  if (response.status === 401) {
    location.replace("/sign-in");
  }
  if (!response.ok) {
    const problem = await response.json();
    throw new Error(problem.detail ?? problem.title);
  }
  return response.json();
}

// Text only ever becomes text: names and messages come from people and programs.
function cell(text) {
  const element = document.createElement("td");
  element.append(text ?? "");
  return element;
}

function fill(id, rows) {
  const table = document.getElementById(id);
  for (const cells of rows) {
    const row = document.createElement("tr");
    row.append(...cells.map(cell));
    table.tBodies[0].append(row);
  }
  table.hidden = rows.length === 0;
  document.getElementById(`${id}-empty`).hidden = rows.length > 0;
}

function rightsIn(permissions) {
  const names = {
    execute_workflows: "run workflows",
    manage_config: "manage config",
    manage_forms: "manage forms",
    view_history: "view history",
  };
  return Object.keys(names).filter((right) => permissions[right]).map((right) => names[right]).join(", ");
}

function link(href, text) {
  const anchor = document.createElement("a");
  anchor.href = href;
  anchor.textContent = text;
  return anchor;
}

async function show(what, task) {
  try {
    await task();
  } catch (error) {
    status.textContent = `${what} cannot be shown: ${error.message}`;
  }
}

async function load() {
  const names = new Map();
  await show("Your organizations", async () => {
    const me = await read("/api/me");
    document.getElementById("who").textContent =
      me.user.display_name + (me.is_administrator ? " (administrator)" : "");
    for (const { id, name } of me.organizations) {
      names.set(id, name);
    }
    fill("organizations", me.organizations.map((organization) => [
      organization.is_active ? organization.name : `${organization.name} (inactive)`,
      organization.id,
      rightsIn(organization.permissions),
    ]));
    status.textContent = "";
  });
  await show("Workflows", async () => {
    const metadata = await read("/admin/metadata");
    fill("workflows", metadata.workflows.map(({ name, category, description }) => [name, category, description]));
    const errors = document.getElementById("workflow-errors");
    for (const { file, line, message } of metadata.errors) {
      const item = document.createElement("li");
      item.textContent = `${line === null ? file : `${file}:${line}`}: ${message}`;
      errors.append(item);
    }
    errors.hidden = metadata.errors.length === 0;
  });
  await show("Executions", async () => {
    const page = await read("/api/executions?limit=20");
    fill("executions", page.items.map((execution) => [
      link(`/api/executions/${execution.id}`, execution.workflow_name),
      execution.org_id === null ? "none" : (names.get(execution.org_id) ?? execution.org_id),
      execution.status,
      execution.executed_by_name,
      new Date(execution.started_at).toLocaleString(),
    ]));
  });
}

load();
