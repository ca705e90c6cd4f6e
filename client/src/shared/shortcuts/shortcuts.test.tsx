import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { useShortcut, useShortcutListener } from "./shortcuts";

function Keys({ onKey, enabled = true }: { onKey: (keys: string) => void; enabled?: boolean }) {
  useShortcutListener(enabled);
  useShortcut("g h", () => onKey("g h"));
  useShortcut("h", () => onKey("h"));
  useShortcut("?", () => onKey("?"));
  return <input aria-label="name" />;
}

test("keys and sequences do something, and the second key of a sequence is not a key of its own", async () => {
  const onKey = vi.fn();
  render(<Keys onKey={onKey} />);
  await userEvent.keyboard("h");
  await userEvent.keyboard("gh");
  await userEvent.keyboard("?");
  expect(onKey.mock.calls.flat()).toEqual(["h", "g h", "?"]);
});

test("nothing happens while somebody types, or when shortcuts are off", async () => {
  const onKey = vi.fn();
  const { getByLabelText, rerender } = render(<Keys onKey={onKey} />);
  await userEvent.type(getByLabelText("name"), "gh?");
  rerender(<Keys onKey={onKey} enabled={false} />);
  getByLabelText("name").blur();
  await userEvent.keyboard("gh?");
  expect(onKey).not.toHaveBeenCalled();
});

test("the part of the page that came last has the key", async () => {
  const onKey = vi.fn();
  function Inner() {
    useShortcut("h", () => onKey("inner"));
    return null;
  }
  const { rerender } = render(<Keys onKey={onKey} />);
  rerender(
    <>
      <Keys onKey={onKey} />
      <Inner />
    </>,
  );
  await userEvent.keyboard("h");
  expect(onKey.mock.calls.flat()).toEqual(["inner"]);
});
