import { test as base, expect, type Page } from "@playwright/test";
import { Platform } from "./platform";

export { expect } from "@playwright/test";

/** Faults a journey expects: a request that was refused or not answered is written to the console by the browser itself. */
const OF_THE_BROWSER = /^Failed to load resource/;

type PerJourney = {
  /** Signs the page in: as the administrator unless another address is given. */
  signIn: (email?: string) => Promise<void>;
};

/** A journey with the platform behind it. It fails when the page reports an error or asks anybody else for anything. */
export const test = base.extend<PerJourney & { watched: undefined }, { platform: Platform }>({
  platform: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads from the pattern what is needed
    async ({}, use) => {
      const platform = await Platform.start();
      await use(platform);
      await platform.end();
    },
    { scope: "worker", timeout: 120_000 },
  ],
  baseURL: async ({ platform }, use) => use(platform.url),
  signIn: async ({ page, platform }, use) => {
    await use(async (email) => {
      await page.goto(await platform.link(email));
      await expect(page.getByRole("button", { name: /^Account of/ })).toBeVisible();
    });
  },
  watched: [
    async ({ page }, use) => {
      const faults: string[] = [];
      watch(page, faults);
      await use(undefined);
      expect(faults, "errors in the console, and requests to others").toEqual([]);
    },
    { auto: true },
  ],
});

function watch(page: Page, faults: string[]): void {
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !OF_THE_BROWSER.test(message.text())) {
      faults.push(message.text());
    }
  });
  page.on("request", (request) => {
    if (!/^(http:\/\/(127\.0\.0\.1|localhost):|data:|blob:)/.test(request.url())) {
      faults.push(`asked ${request.url()}`);
    }
  });
}
