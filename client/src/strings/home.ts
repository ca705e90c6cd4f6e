/** Copy of the start page of an organization. */
export const strings = {
  title: "Home",
} as const;
