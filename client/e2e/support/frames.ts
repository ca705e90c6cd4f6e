import { type Page, test } from "@playwright/test";

/** Notes how long frames take from now on. */
export async function watchFrames(page: Page): Promise<void> {
  await page.evaluate(() => {
    const frames: number[] = [];
    let last = performance.now();
    const next = (now: number) => {
      frames.push(now - last);
      last = now;
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
    Object.assign(window, { frames });
  });
}

/** Reports the longest frame since then; how long it may be depends on the machine, so nothing is demanded. */
export async function reportFrames(page: Page, what: string): Promise<void> {
  const frames = await page.evaluate(() => {
    const noted: unknown = Reflect.get(window, "frames");
    return Array.isArray(noted) ? noted.map(Number) : [];
  });
  const longest = Math.max(0, ...frames);
  const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
  const text = `${what}: longest of ${frames.length} frames ${longest.toFixed(0)} ms, ${nodes} elements`;
  test.info().annotations.push({ type: "frames", description: text });
  process.stdout.write(`     ${text}\n`);
}
