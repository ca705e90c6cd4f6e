import type { Page } from "@playwright/test";

/** Chooses from a list by what is read there; what the list offers may still be on its way. */
export async function choose(page: Page, label: string, option: string | RegExp): Promise<void> {
  await page.getByRole("combobox", { name: label }).click();
  await page.getByRole("option", { name: option, exact: true }).click();
}
