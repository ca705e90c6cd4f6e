import { expect, test } from "./support/test";

test("switching the organization keeps the page, shows nothing of the old one, and is always named", async ({
  page,
  platform,
  signIn,
}) => {
  const id = await platform.run("slow_report", "Contoso", { seconds: 0 });
  await expect.poll(() => platform.status(id)).toBe("Success");
  await signIn();
  await page.goto(`/o/${platform.org("Contoso")}/executions?status=Success`);
  const run = page.getByRole("table").getByRole("link", { name: "slow_report" });
  await expect(run.first()).toBeVisible();
  await expect(page).toHaveTitle("Executions - Contoso - MSP Automation");

  await page.getByRole("button", { name: "Organization: Contoso" }).click();
  await page.getByRole("combobox", { name: "Search organizations" }).fill("fabri");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/o/${platform.org("Fabrikam")}/executions`));
  await expect(page).toHaveTitle("Executions - Fabrikam - MSP Automation");
  await expect(page.getByRole("button", { name: "Organization: Fabrikam" })).toBeVisible();
  await expect(run).toHaveCount(0);

  await page.goBack();
  await expect(page.getByRole("button", { name: "Organization: Contoso" })).toBeVisible();
  await expect(run.first()).toBeVisible();
});

test("a run opened under the wrong organization is not shown, and the way to it is", async ({
  page,
  platform,
  signIn,
}) => {
  const id = await platform.run("slow_report", "Contoso", { seconds: 0 });
  await signIn();
  await page.goto(`/o/${platform.org("Fabrikam")}/executions/${id}`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText(/run/i);
  await expect(page.getByText("There is no such run in Fabrikam")).toBeVisible();
  await expect(page.getByText("slow_report")).toHaveCount(0);
  await page.getByRole("link", { name: "Look in all organizations" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("slow_report");
  await expect(page.getByText("Contoso").first()).toBeVisible();
});

test("somebody of one organization sees neither another one nor what they may not do", async ({
  page,
  platform,
  signIn,
}) => {
  await platform.addUser("tess@msp.example", "Tess Tech", "Contoso=execute_workflows");
  const others = await platform.run("slow_report", "Contoso", { seconds: 0 });
  await signIn("tess@msp.example");
  await page.goto(`/o/${platform.org("Contoso")}/home`);
  const navigation = page.getByRole("navigation", { name: "Main" });
  await expect(navigation.getByRole("link", { name: "Workflows" })).toBeVisible();
  await expect(navigation.getByRole("link", { name: "Config" })).toHaveCount(0);

  // What is hidden is also refused, by the page and by the API behind it.
  for (const path of ["config", "integrations"]) {
    await page.goto(`/o/${platform.org("Contoso")}/${path}`);
    await expect(page.getByText("You need the right to manage config")).toBeVisible();
  }
  const refused = await page.request.get(`/api/organizations/${platform.org("Contoso")}/config`);
  expect(refused.status()).toBe(403);

  await page.goto(`/o/${platform.org("Contoso")}/executions/${others}`);
  await expect(page.getByText("You need the right to view everybody's runs")).toBeVisible();
  await expect(page.getByText("slow_report")).toHaveCount(0);
  await page.goto(`/o/${platform.org("Fabrikam")}/executions`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This organization is not available to you");
  await expect(page.getByText("Fabrikam")).toHaveCount(0);
});
