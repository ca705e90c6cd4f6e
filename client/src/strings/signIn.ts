/** Copy of signing in and out. */
export const strings = {
  title: "Sign in",
  working: "Signing you in",
  ended: "Your session has ended. Sign in again to go on where you were; what you entered is kept.",
  how: "You sign in with a one-time link. It works once, for 15 minutes.",
  askForOne: "No link at hand? Ask an administrator, or make one on the machine the server runs on:",
  command: "msp user link EMAIL",
  thenOpen: "Then open it in this browser. This page goes on by itself.",
  linkInvalid: "This link does not work any more",
  linkInvalidHint: "It was used already, is older than 15 minutes, or is not complete. Ask for a new one.",
  unreachable: "The server does not answer. Check that it runs, then open the link again.",
  failed: "Signing in did not work",
  signedOut: "You are signed out",
  signedOutHint: "Close the browser if others use this computer too.",
  signInAgain: "Sign in again",
} as const;
