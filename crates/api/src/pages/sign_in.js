"use strict";

// The token stands in the fragment, which browsers send to nobody. It leaves the address bar and the history before
// anything else happens.
function useLink() {
  const token = location.hash.slice(1);
  if (token) {
    history.replaceState(null, "", location.pathname);
    signIn(token);
  }
}

useLink();
// A link pasted into the address bar while this page is open changes only the fragment: nothing is loaded anew.
addEventListener("hashchange", useLink);

async function signIn(token) {
  const status = document.getElementById("status");
  const explanation = document.getElementById("explanation");
  explanation.hidden = true;
  status.textContent = "Signing in…";
  try {
    const response = await fetch("/api/auth/link", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    if (response.ok) {
      location.replace("/");
      return;
    }
    const problem = await response.json();
    status.textContent = problem.detail ?? problem.title;
  } catch {
    status.textContent = "The server does not answer. Check that it runs, then open the link again.";
  }
  explanation.hidden = false;
}
