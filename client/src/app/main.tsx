import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "@mantine/spotlight/styles.css";
import "./theme/global.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider } from "react-router";
import { makeQueryClient } from "@/shared/api/queryClient";
import { Providers } from "./Providers";
import { makeRouter } from "./routes";
import { sendToSignIn } from "./session";

const router = makeRouter();
const queryClient = makeQueryClient(() => sendToSignIn(router));

const root = document.getElementById("root");
if (!root) {
  throw new Error("index.html has no #root.");
}
createRoot(root).render(
  <StrictMode>
    <Providers queryClient={queryClient}>
      <RouterProvider router={router} />
    </Providers>
  </StrictMode>,
);
