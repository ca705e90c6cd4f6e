/** What went wrong, and what to do about it. */
interface Failure {
  title: string;
  remedy: string;
}

/** By the reason that the server gives in the address of the sign-in page. */
const failures: Record<string, Failure> & { other: Failure } = {
  cancelled: {
    title: "You did not sign in",
    remedy: "You turned back at Microsoft, or declined what this application asks for. Sign in again to go on.",
  },
  "not-assigned": {
    title: "This account may not use the platform",
    remedy:
      "Your organization lets only some people in. Sign in with another account, or ask an administrator to assign yours to the application in Entra ID.",
  },
  "consent-missing": {
    title: "Nobody has agreed to this application yet",
    remedy:
      "An administrator of your organization in Microsoft Entra has to grant it admin consent once. Then sign in again.",
  },
  "issuer-refused": {
    title: "Microsoft did not sign you in",
    remedy: "Try again, with another account if you have several. If it stays like this, ask an administrator.",
  },
  expired: {
    title: "That took too long, or was used already",
    remedy: "Sign in again, within ten minutes and in one tab. The link of an earlier sign-in does not work twice.",
  },
  unproven: {
    title: "Microsoft's answer could not be accepted",
    remedy:
      "Sign in again with an account of your own organization. If it stays like this, an administrator finds the reason in the server's log.",
  },
  inactive: {
    title: "Your account is inactive",
    remedy:
      "It was deactivated on this platform. Ask an administrator to activate it, or sign in with another account.",
  },
  "too-many": {
    title: "Too many attempts",
    remedy: "Signing in failed too often from your network. Wait a minute, then try again.",
  },
  "issuer-unreachable": {
    title: "Microsoft does not answer",
    remedy: "The server could not reach Microsoft's sign-in. Try again in a minute; what you entered is kept.",
  },
  misconfigured: {
    title: "Signing in is not set up correctly",
    remedy:
      "Microsoft refuses this application: its secret may have expired, or its redirect address is another one. An administrator finds the reason in the server's log.",
  },
  unavailable: {
    title: "The server could not record your sign-in",
    remedy:
      "Its store does not answer or is full. Try again in a minute; if it stays like this, tell an administrator.",
  },
  other: {
    title: "Signing in did not work",
    remedy: "Try again. If it stays like this, ask an administrator.",
  },
};

/** Copy of signing in and out. */
export const strings = {
  failures,
  configFailed: "The server did not say how to sign in",
  howEntra: "You sign in with your Microsoft work account.",
  signInAt: "You can sign in with your Microsoft work account at the address of this server only:",
  withMicrosoft: "Sign in with Microsoft",
  withAnotherAccount: "Sign in with another account",
  signedOutEntra:
    "You are still signed in at Microsoft: the next sign-in from this browser may not ask for a password.",
  signOutOfMicrosoft: "Sign out of Microsoft too",
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
