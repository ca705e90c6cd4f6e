import { notifications } from "@mantine/notifications";
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from "vitest";
import { copyText } from "./copyText";

let show: MockInstance<typeof notifications.show>;
beforeEach(() => {
  show = vi.spyOn(notifications, "show").mockReturnValue("");
});
afterEach(() => vi.unstubAllGlobals());

function browserThat(writeText: (text: string) => Promise<void>) {
  vi.stubGlobal("navigator", { clipboard: { writeText } });
}

test("what was copied is said to be", async () => {
  const writeText = vi.fn(async () => {});
  browserThat(writeText);
  await copyText("a run");
  expect(writeText).toHaveBeenCalledWith("a run");
  expect(show.mock.calls[0]?.[0]).toMatchObject({ title: "Copied" });
});

test("a refusal of the browser is no success", async () => {
  browserThat(() => Promise.reject(new DOMException("", "NotAllowedError")));
  await copyText("a run");
  expect(show.mock.calls.map(([{ title }]) => title)).toEqual(["The browser does not allow copying here"]);
});

test("without a secure connection there is nothing to copy with, which is said too", async () => {
  vi.stubGlobal("navigator", {});
  await copyText("a run");
  expect(show.mock.calls.map(([{ title }]) => title)).toEqual(["The browser does not allow copying here"]);
});
