import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import type { ProxyOptions } from "vite";
import { defineConfig } from "vitest/config";
import { compress } from "./build/compress.ts";

/** Where `npm start` finds a running server. */
const server = process.env.MSP_URL ?? "http://127.0.0.1:7071";

/** Forwards to the server what is its own; a page of ours under the same path (`/admin/users`) stays here. */
const toServer: ProxyOptions = {
  target: server,
  // The server checks both against the address people open it at.
  changeOrigin: true,
  headers: { origin: new URL(server).origin },
  bypass: ({ headers, url }) => (headers.accept?.includes("text/html") && !url?.startsWith("/api/") ? url : undefined),
};

export default defineConfig({
  plugins: [react(), compress()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: {
    host: "127.0.0.1",
    proxy: Object.fromEntries(
      ["/api", "/workflows", "/options", "/admin", "/config.json", "/readyz"].map((path) => [path, toServer]),
    ),
  },
  build: {
    target: "es2023",
    // The first that know `light-dark()`, in which our colours are written.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // Inlined files would need `data:` where the content security policy of the server has none.
    assetsInlineLimit: 0,
    // Which files a route needs: `npm run budgets` adds them up.
    manifest: true,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: "react", test: /node_modules[\\/](react|react-dom|scheduler|react-router)[\\/]/ },
            {
              name: "mantine",
              test: /node_modules[\\/](@mantine[\\/](core|hooks|notifications|modals)|@floating-ui)[\\/]/,
            },
          ],
        },
      },
    },
  },
  test: {
    environment: "happy-dom",
    environmentOptions: { happyDOM: { url: "http://localhost:3000" } },
    setupFiles: ["src/shared/testing/setup.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
    // Dates in expectations are the same on every machine.
    env: { TZ: "UTC" },
    restoreMocks: true,
    // The first test of a file pays for loading the component library.
    testTimeout: 20_000,
  },
});
