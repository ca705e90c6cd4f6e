import { defineConfig } from "@playwright/test";
import journeys from "./playwright.config.ts";

/** `npm run screenshots` takes the pictures of the README anew. */
export default defineConfig({
  ...journeys,
  testMatch: "screenshots.ts",
  use: { ...journeys.use, viewport: { width: 1180, height: 720 }, trace: "off" },
});
