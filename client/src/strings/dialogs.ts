/** Copy of every dialog that asks. */
export const strings = {
  cancel: "Cancel",
} as const;
