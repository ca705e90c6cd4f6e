import { defineConfig } from "@playwright/test";

const CHROMIUM = process.env.MSP_CHROMIUM ?? "/usr/bin/chromium";

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  // One browser and one server at a time: they share the processors, and what they show shall not depend on that.
  workers: 1,
  fullyParallel: false,
  // A journey that passes only sometimes has found something.
  retries: 0,
  forbidOnly: true,
  reporter: "list",
  // Reached by failures only; loaded machines are slow.
  timeout: 300_000,
  expect: { timeout: 60_000 },
  use: {
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    colorScheme: "light",
    // Colours in the middle of a transition are nobody's choice.
    contextOptions: { reducedMotion: "reduce" },
    actionTimeout: 60_000,
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: CHROMIUM,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
