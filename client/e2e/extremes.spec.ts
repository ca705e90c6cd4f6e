import { reportFrames, watchFrames } from "./support/frames";
import { Platform } from "./support/platform";
import { expect, test } from "./support/test";

const LINES = 100_000;
const ORGANIZATIONS = 500;
/** However long the page is, only what is in view may be drawn. */
const MOST_ELEMENTS = 3_000;

test("a log of 100,000 lines is scrolled and searched", async ({ page, platform, signIn }) => {
  test.setTimeout(300_000);
  const id = await platform.run("many_lines", "Contoso", { lines: LINES });
  await expect.poll(() => platform.status(id), { timeout: 180_000 }).toBe("Success");
  await signIn();
  await page.goto(`/o/${platform.org("Contoso")}/executions/${id}`);
  const log = page.getByRole("region", { name: "Log" });
  // The platform may add a line of its own, such as that the run held its process up.
  await expect(page.getByText(/^100,00\d lines$/)).toBeVisible({ timeout: 120_000 });
  await watchFrames(page);
  await log.focus();
  for (const [key, line] of [
    ["End", LINES],
    ["Home", 1],
    ["PageDown", 40],
    ["End", LINES],
  ] as const) {
    await page.keyboard.press(key);
    await expect(log.getByText(`line ${line} of ${LINES}`, { exact: true })).toBeInViewport();
  }
  await page.getByLabel("Search the log").fill("line 54321 of");
  await expect(log.getByText(`line 54321 of ${LINES}`)).toBeVisible();
  await expect(page.getByText("1 of 1", { exact: true })).toBeVisible();
  await reportFrames(page, "100,000 lines");
  expect(await page.locator("*").count()).toBeLessThan(MOST_ELEMENTS);
});

test("a result of five megabytes is looked into and loaded whole", async ({ page, platform, signIn }) => {
  const id = await platform.run("big_result", "Contoso");
  await expect.poll(() => platform.status(id), { timeout: 60_000 }).toBe("Success");
  await signIn();
  await page.goto(`/o/${platform.org("Contoso")}/executions/${id}?tab=result`);
  await expect(page.getByText("This result is larger than 256 KB.")).toBeVisible();
  await watchFrames(page);
  await page.getByRole("button", { name: "Load all of it" }).click();
  await expect(page.getByRole("treeitem", { name: /^rows/ })).toBeVisible({ timeout: 60_000 });
  await reportFrames(page, "a result of 5 MB");
  expect(await page.locator("*").count()).toBeLessThan(MOST_ELEMENTS);
});

test("a form of 200 fields is filled in and sent", async ({ page, platform, signIn }) => {
  await signIn();
  await page.goto(`/o/${platform.org("Contoso")}/workflows/wide_form/run`);
  await expect(page.getByLabel("Field 200", { exact: true })).toBeVisible();
  await watchFrames(page);
  for (const number of [1, 100, 200]) {
    await page.getByLabel(`Field ${number}`, { exact: true }).pressSequentially("some text");
  }
  await reportFrames(page, "typing into a form of 200 fields");
  await page.getByRole("button", { name: "Run for Contoso" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Success");
  await page.getByRole("tab", { name: "Result" }).click();
  await expect(page.getByRole("tabpanel")).toContainText("3");
});

test("among 500 organizations the right one is found", async ({ page }) => {
  test.setTimeout(300_000);
  // Its own, so that the others keep the three they know.
  const platform = await Platform.start();
  try {
    for (let number = 1; number <= ORGANIZATIONS; number += 1) {
      await platform.api("POST", "/api/organizations", { body: { name: `Client ${String(number).padStart(3, "0")}` } });
    }
    await page.goto(await platform.link());
    await expect(page.getByRole("button", { name: /^Organization:/ })).toBeVisible();
    await watchFrames(page);
    await page.getByRole("button", { name: /^Organization:/ }).click();
    await expect(page.getByRole("combobox", { name: "Search organizations" })).toBeFocused();
    await reportFrames(page, "opening the switcher of 503 organizations");
    await page.keyboard.type("client 377");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("button", { name: "Organization: Client 377" })).toBeVisible();
    await reportFrames(page, "searching it");
  } finally {
    await platform.end();
  }
});
