import { createTheme, type MantineColorsTuple, rem } from "@mantine/core";

/** Indigo, dark enough from shade 6 on for white text (4.5:1). */
const indigo: MantineColorsTuple = [
  "#eef1fd",
  "#dbe1f9",
  "#b7c2f3",
  "#92a3ee",
  "#7186ea",
  "#566fe3",
  "#4059d6",
  "#344abb",
  "#2b3d9b",
  "#22307a",
];

/** Red, dark enough at shade 6 for white text, light enough at shade 4 for text on dark. */
const red: MantineColorsTuple = [
  "#fff0f0",
  "#ffdede",
  "#ffc2c2",
  "#ffa3a3",
  "#ff8a8a",
  "#f26464",
  "#cf2f2f",
  "#b82626",
  "#9c1f1f",
  "#7f1a1a",
];

/** The greys of the dark theme, a little blue. */
const dark: MantineColorsTuple = [
  "#e4e6ea",
  "#c3c8d0",
  "#a4abb5",
  "#7c8593",
  "#4a515d",
  "#383e48",
  "#272b33",
  "#1d2026",
  "#17191e",
  "#101216",
];

/** Dense but calm: 13-14 px text, 34 px controls, one accent. */
export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: { light: 6, dark: 6 },
  colors: { indigo, red, dark },
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'Cascadia Mono', 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace",
  fontSizes: { xs: rem(12), sm: rem(13), md: rem(14), lg: rem(16), xl: rem(19) },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  headings: {
    fontWeight: "650",
    sizes: {
      h1: { fontSize: rem(22), lineHeight: "1.35" },
      h2: { fontSize: rem(16), lineHeight: "1.4" },
      h3: { fontSize: rem(14), lineHeight: "1.4" },
    },
  },
  components: {
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true } },
    Modal: { defaultProps: { centered: true, closeButtonProps: { "aria-label": "Close" } } },
    // A `header` would be a second banner beside the one of the page.
    ModalHeader: { defaultProps: { component: "div" } },
    DrawerHeader: { defaultProps: { component: "div" } },
    Drawer: { defaultProps: { closeButtonProps: { "aria-label": "Close" } } },
  },
});
