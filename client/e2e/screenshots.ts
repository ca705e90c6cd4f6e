import type { Page } from "@playwright/test";
import { choose } from "./support/form";
import { Platform } from "./support/platform";
import { expect, test as journey } from "./support/test";

const test = journey.extend<object, { platform: Platform }>({
  platform: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads from the pattern what is needed
    async ({}, use) => {
      const platform = await Platform.start({ extremes: false });
      await use(platform);
      await platform.end();
    },
    { scope: "worker", timeout: 120_000 },
  ],
});

const FOLDER = new URL("../../docs/screenshots/", import.meta.url).pathname;

/** Light and dark, as `docs/screenshots/<name>-<theme>.png`. */
async function shoot(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    await expect(page.locator("html")).toHaveAttribute("data-mantine-color-scheme", colorScheme);
    await page.mouse.move(0, 0);
    await page.screenshot({ path: `${FOLDER}${name}-${colorScheme}.png`, animations: "disabled", caret: "hide" });
  }
  await page.emulateMedia({ colorScheme: "light" });
}

async function onboard(page: Page, platform: Platform, first: string, last: string): Promise<void> {
  await page.goto(`/o/${platform.org("Contoso")}/workflows/user_onboarding/run`);
  await page.getByLabel("First name").fill(first);
  await page.getByLabel("Last name").fill(last);
  await page.getByLabel("E-mail address").fill(`${first}.${last}@contoso.example`.toLowerCase());
  await choose(page, "License", /^SPB/);
}

/** Some history, so that lists have something to say. */
async function history(platform: Platform): Promise<void> {
  const ended = [
    await platform.run("slow_report", "Contoso", { seconds: 1, step: 0.2 }),
    await platform.run("move_user_department", "Contoso", {
      user: "nobody@contoso.example",
      department: "Sales",
      team: "Inside Sales",
    }),
    await platform.run("move_user_department", "Contoso", {
      user: "ada.larsen@contoso.example",
      department: "Sales",
      team: "Field Sales",
    }),
  ];
  for (const id of ended) {
    await expect.poll(() => platform.status(id)).toMatch(/Success|Failed/);
  }
  await platform.run("slow_report", "Contoso", { seconds: 600 });
}

test("the main pages", async ({ page, platform, signIn }) => {
  test.setTimeout(300_000);
  await history(platform);
  await signIn();
  await onboard(page, platform, "Mia", "Brandt");
  await shoot(page, "run-form");
  await page.getByRole("button", { name: "Run for Contoso" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Success");
  await expect(page.getByText("Complete", { exact: true })).toBeVisible();
  await shoot(page, "run");

  for (const [name, path] of [
    ["home", "home"],
    ["executions", "executions"],
    ["config", "config"],
  ]) {
    await page.goto(`/o/${platform.org("Contoso")}/${path}`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await page.waitForLoadState("networkidle");
    await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
    await shoot(page, String(name));
  }
});
