import type { Page } from "@playwright/test";
import { expect, test } from "./support/test";

function status(page: Page) {
  return page.getByRole("heading", { level: 1 });
}

test("a run is watched live, found in the history, and opened again", async ({ page, platform, signIn }) => {
  await signIn();
  const id = await platform.run("slow_report", "Contoso", { seconds: 2, step: 0.2 });
  await page.goto(`/o/${platform.org("Contoso")}/executions/${id}`);
  const log = page.getByRole("region", { name: "Log" });
  await expect(log.getByText("step 1 of 10", { exact: true })).toBeVisible();
  await expect(status(page)).toContainText("Success");
  await expect(log.getByText("step 10 of 10", { exact: true })).toBeVisible();
  await page.getByRole("tab", { name: "Result" }).click();
  await expect(page.getByRole("tabpanel")).toContainText("steps");

  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Executions" }).click();
  await page.getByRole("table").getByRole("link", { name: "slow_report" }).first().click();
  await expect(page).toHaveURL(new RegExp(id));
});

test("a slow run is cancelled after a question that says what stays done", async ({ page, platform, signIn }) => {
  await signIn();
  const id = await platform.run("slow_report", "Contoso", { seconds: 600, step: 0.2 });
  await page.goto(`/o/${platform.org("Contoso")}/executions/${id}`);
  await expect(
    page
      .getByRole("region", { name: "Log" })
      .getByText(/^step \d+ of 3000$/)
      .first(),
  ).toBeVisible();
  await page.getByRole("button", { name: "Cancel run" }).click();
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("It is running for Contoso");
  await dialog.getByRole("button", { name: "Cancel run" }).click();
  await expect(status(page)).toContainText("Cancelled");
  await expect(page.getByText("The run was cancelled")).toBeVisible();
  expect(await platform.status(id)).toBe("Cancelled");
});

test("a server that restarts in the middle of a live log is waited for, and how the run ended is shown", async ({
  page,
  platform,
  signIn,
}) => {
  await signIn();
  const id = await platform.run("slow_report", "Contoso", { seconds: 600, step: 0.1 });
  await page.goto(`/o/${platform.org("Contoso")}/executions/${id}`);
  const log = page.getByRole("region", { name: "Log" });
  await expect(log.getByText(/^step \d+ of 6000$/).first()).toBeVisible();

  await platform.killServer();
  await expect(page.getByText("Reconnecting...")).toBeVisible();
  await expect(page.getByText(/The server does not answer|The server is restarting/)).toBeVisible();
  await platform.startServer();
  await expect(status(page)).toContainText("Interrupted");
  await expect(page.getByText("The run was interrupted")).toBeVisible();
  await expect(page.getByText("Reconnecting...")).toHaveCount(0);
  await expect(page.getByText(/The server does not answer|The server is restarting/)).toHaveCount(0);
  // Nothing is missing and nothing is twice.
  const { logs_through } = await platform.execution(id);
  await expect(page.getByText(`${logs_through} lines`, { exact: true })).toBeVisible();
});

test("a failed run shows first why, and its text for a ticket", async ({ page, platform, signIn, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await signIn();
  const id = await platform.run("move_user_department", "Contoso", {
    user: "nobody@contoso.example",
    department: "Sales",
    team: "Inside Sales",
  });
  await page.goto(`/o/${platform.org("Contoso")}/executions/${id}`);
  await expect(status(page)).toContainText("Failed");
  await expect(page.getByText("Contoso has no user nobody@contoso.example.").first()).toBeVisible();
  await page.getByRole("button", { name: "Copy for ticket" }).first().click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain("Contoso has no user nobody@contoso.example.");
  expect(copied).toContain(id);
});

test("an emergency stop is named on every page until it is lifted", async ({ page, platform, signIn }) => {
  await platform.msp("pause", "--org", "Contoso", "--reason", "A wrong licence is being given out");
  await signIn();
  await page.goto(`/o/${platform.org("Contoso")}/executions`);
  const banner = page.getByText("A wrong licence is being given out");
  await expect(banner).toBeVisible();
  await page.goto(`/o/${platform.org("Fabrikam")}/executions`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Executions");
  await expect(banner).toHaveCount(0);

  await expect(platform.run("slow_report", "Contoso", { seconds: 0 })).rejects.toThrow("problems/paused");
  await page.goto(`/o/${platform.org("Contoso")}/executions`);
  await page.getByRole("button", { name: "Resume: Contoso" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await expect(banner).toHaveCount(0);
  await platform.run("slow_report", "Contoso", { seconds: 0 });
});
