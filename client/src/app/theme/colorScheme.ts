import { localStorageColorSchemeManager } from "@mantine/core";

/** Where the chosen theme is kept: in the browser, because `public/theme.js` needs it before the first paint. */
export const colorSchemeManager = localStorageColorSchemeManager({ key: "msp.color-scheme" });
