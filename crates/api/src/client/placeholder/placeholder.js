"use strict";

const status = document.getElementById("status");

// The token stands in the fragment, which browsers send to nobody. It leaves the address bar and the history before
// anything else happens.
async function useLink() {
  const token = location.hash.slice(1);
  if (location.pathname !== "/sign-in" || !token) {
    return show();
  }
  history.replaceState(null, "", "/");
  await ask(async () => {
    const response = await fetch("/api/auth/link", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    await show();
    status.textContent = response.ok ? "" : await explanation(response);
  });
}

async function show() {
  await ask(async () => {
    const response = await fetch("/api/me");
    if (response.ok) {
      document.getElementById("who").textContent = (await response.json()).user.display_name;
    } else if (response.status !== 401) {
      status.textContent = await explanation(response);
    }
    document.getElementById("signed-in").hidden = !response.ok;
    document.getElementById("signed-out").hidden = response.ok;
  });
}

async function explanation(response) {
  const problem = await response.json();
  return problem.detail ?? problem.title;
}

async function ask(question) {
  try {
    await question();
  } catch {
    status.textContent = "The server does not answer. Check that it runs, then load this page again.";
  }
}

document.getElementById("sign-out").addEventListener("click", () =>
  ask(async () => {
    await fetch("/api/auth/sign-out", { method: "POST" });
    await show();
  }),
);
// A link pasted into the address bar while this page is open changes only the fragment: nothing is loaded anew.
addEventListener("hashchange", useLink);
useLink();
