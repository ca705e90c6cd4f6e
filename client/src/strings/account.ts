/** Copy of the account page. */
export const strings = {
  title: "Account",
} as const;
