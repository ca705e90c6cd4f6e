import type { Page } from "@playwright/test";
import { expectAccessible } from "./support/accessible";
import { expect, test as journey } from "./support/test";

/** Ids of executions to look at. */
type Examples = { ended: string; failed: string };

const test = journey.extend<object, { examples: Examples }>({
  examples: [
    async ({ platform }, use) => {
      const ended = await platform.run("slow_report", "Contoso", { seconds: 0.5, step: 0.1 });
      const nobody = { user: "nobody@contoso.example", department: "Sales", team: "Inside Sales" };
      const failed = await platform.run("move_user_department", "Contoso", nobody);
      await expect.poll(() => platform.status(ended)).toBe("Success");
      await expect.poll(() => platform.status(failed)).toBe("Failed");
      await use({ ended, failed });
    },
    { scope: "worker" },
  ],
});

/** The page has its heading, and nothing on it is still on its way. */
async function settled(page: Page): Promise<void> {
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
  await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
}

for (const path of [
  "/o/{Contoso}/home",
  "/o/all/home",
  "/o/{Contoso}/workflows",
  "/o/all/workflows",
  "/o/{Contoso}/workflows/user_onboarding",
  "/o/{Contoso}/workflows/user_onboarding/run",
  "/o/all/workflows/user_onboarding/run",
  "/o/{Contoso}/workflows/nowhere",
  "/o/{Contoso}/executions",
  "/o/all/executions",
  "/o/{Contoso}/executions?status=TimedOut",
  "/o/{Contoso}/executions/{ended}",
  "/o/{Contoso}/executions/{ended}?tab=result",
  "/o/{Contoso}/executions/{ended}?tab=input",
  "/o/{Contoso}/executions/{ended}?tab=details",
  "/o/{Contoso}/executions/{failed}",
  "/o/{Fabrikam}/executions/{ended}",
  "/o/{Contoso}/config",
  "/o/all/config",
  "/o/{Contoso}/integrations",
  "/o/all/integrations",
  "/o/{Contoso}/integrations/msgraph",
  "/o/{Contoso}/config?tab=secrets",
  "/o/00000000-0000-4000-8000-000000000000/home",
  "/account",
  "/nowhere",
]) {
  test(`${path} passes every rule of axe in both themes`, async ({ page, platform, examples, signIn }) => {
    await signIn();
    const names: Record<string, string> = {
      Contoso: platform.org("Contoso"),
      Fabrikam: platform.org("Fabrikam"),
      ...examples,
    };
    await page.goto(path.replace(/\{(\w+)\}/g, (_, name: string) => names[name] ?? name));
    await settled(page);
    await expectAccessible(page, path);
  });
}

test("a running run passes every rule of axe in both themes", async ({ page, platform, signIn }) => {
  const id = await platform.run("slow_report", "Contoso", { seconds: 600 });
  await signIn();
  await page.goto(`/o/${platform.org("Contoso")}/executions/${id}`);
  await expect(page.getByRole("region", { name: "Log" }).getByText(/^step/).first()).toBeVisible();
  await expectAccessible(page, "a running run");
  await page.getByRole("button", { name: "Cancel run" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await expectAccessible(page, "the question before cancelling");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel run" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Cancelled");
  await expectAccessible(page, "a cancelled run");
});

test("what opens over the pages passes every rule of axe in both themes", async ({ page, platform, signIn }) => {
  await signIn();
  await page.goto(`/o/${platform.org("Contoso")}/executions`);
  await settled(page);

  await page.getByRole("button", { name: "Organization: Contoso" }).click();
  await expect(page.getByRole("combobox", { name: "Search organizations" })).toBeFocused();
  await expectAccessible(page, "the switcher");
  await page.keyboard.press("Escape");

  await page.keyboard.press("Control+k");
  await expect(page.getByPlaceholder(/^Search pages/)).toBeFocused();
  await expectAccessible(page, "the palette");
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: /^Account of/ }).click();
  await expect(page.getByRole("menu")).toBeVisible();
  await expectAccessible(page, "the account menu");
  await page.getByRole("menuitem", { name: "Keyboard shortcuts" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await expectAccessible(page, "the list of shortcuts");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);

  await page.getByRole("button", { name: /^Account of/ }).click();
  await page.getByRole("menuitem", { name: "Emergency stop" }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /^Pause/ })
    .click();
  await expect(page.getByText("Say why, for those who are held up")).toBeVisible();
  await expectAccessible(page, "the emergency stop with its fault");
});

test("the pages outside of a session pass every rule of axe in both themes", async ({ page }) => {
  for (const path of ["/sign-in", "/signed-out"]) {
    await page.goto(path);
    await settled(page);
    await expectAccessible(page, path);
  }
  await page.goto("/sign-in#not-a-link");
  await expect(page.getByRole("alert")).toBeVisible();
  await expectAccessible(page, "a link that does not work");
});
