import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

// Pages are loaded when they are first needed, which takes a while on a busy machine.
configure({ asyncUtilTimeout: 10_000 });

afterEach(() => {
  cleanup();
  localStorage.clear();
  sessionStorage.clear();
});

// happy-dom has no fonts to wait for; text areas that grow listen to them.
Object.defineProperty(document, "fonts", { value: new EventTarget(), configurable: true });

// Expectations wait for what happens, however busy the machine is.
configure({ asyncUtilTimeout: 10_000 });
