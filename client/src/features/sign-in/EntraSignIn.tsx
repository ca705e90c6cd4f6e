import { Alert, Anchor, Button, Stack, Text } from "@mantine/core";
import { useLocation, useSearchParams } from "react-router";
import { placeToReturnTo } from "@/shared/me/returnTo";
import { leaveToSignIn } from "@/shared/me/signedIn";
import { strings } from "@/strings/signIn";

/** Where the issuer may know the person, but as the wrong one: it is to ask which account. */
const OTHER_ACCOUNT = new Set(["not-assigned", "inactive", "unproven", "issuer-refused"]);

/**
 * Signing in with Entra ID: the server leads there and back, and names what went wrong in the address. It comes back to
 * `url`, where a cookie of another address would be missing.
 */
export function EntraSignIn({ url }: { url: string }) {
  const { state } = useLocation();
  const [search] = useSearchParams();
  const reason = search.get("failed");
  const failure = reason === null ? undefined : explained(reason);
  const another = reason !== null && OTHER_ACCOUNT.has(reason);
  const elsewhere = new URL("/sign-in", url);
  if (elsewhere.origin !== window.location.origin) {
    return (
      <Text>
        {strings.signInAt} <Anchor href={elsewhere.href}>{elsewhere.host}</Anchor>
      </Text>
    );
  }
  return (
    <>
      {failure && (
        <Alert role="alert" color="red" title={failure.title}>
          {failure.remedy}
        </Alert>
      )}
      {state?.ended && !failure && <Alert color="indigo">{strings.ended}</Alert>}
      <Stack gap="xs">
        {!failure && <Text>{strings.howEntra}</Text>}
        {/* A page of the server, no route of this client. */}
        <Button component="a" href={start(another)} onClick={leaveToSignIn}>
          {another ? strings.withAnotherAccount : strings.withMicrosoft}
        </Button>
      </Stack>
    </>
  );
}

/** A reason is what anybody may write into the address: only those of the server are looked up. */
function explained(reason: string) {
  return Object.hasOwn(strings.failures, reason) ? strings.failures[reason] : strings.failures.other;
}

function start(chooseAccount: boolean): string {
  const query = new URLSearchParams({ return_to: placeToReturnTo() });
  if (chooseAccount) {
    query.set("choose_account", "true");
  }
  return `/api/auth/entra/start?${query}`;
}
