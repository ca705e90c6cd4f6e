import { Alert, Code, Loader, Stack, Text } from "@mantine/core";
import { useEffect } from "react";
import { useLocation } from "react-router";
import { Problem, Unreachable } from "@/shared/api/problem";
import { tellOtherTabs } from "@/shared/me/signedIn";
import { ProblemAlert } from "@/shared/states/ProblemAlert";
import { strings } from "@/strings/signIn";
import { takeToken, useRedeemLink } from "./useSignIn";

/** Signing in with a one-time link, whose token stands in the fragment that browsers send to nobody. */
export function LinkSignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const { state } = useLocation();
  const { mutate, isPending, error } = useRedeemLink();

  useEffect(() => {
    const use = () => {
      const token = takeToken();
      if (token !== null) {
        mutate(token, {
          onSuccess: () => {
            tellOtherTabs();
            onSignedIn();
          },
        });
      }
    };
    use();
    // A link pasted into the address bar while this page is open changes only the fragment: nothing is loaded anew.
    window.addEventListener("hashchange", use);
    return () => window.removeEventListener("hashchange", use);
  }, [mutate, onSignedIn]);

  return (
    <>
      <div role="status">{isPending && <Working />}</div>
      {error && <Failed error={error} />}
      {state?.ended && !error && !isPending && <Alert color="indigo">{strings.ended}</Alert>}
      {!isPending && (
        <Stack gap="xs">
          <Text>{strings.how}</Text>
          <Text>{strings.askForOne}</Text>
          <Code block>{strings.command}</Code>
          <Text>{strings.thenOpen}</Text>
        </Stack>
      )}
    </>
  );
}

function Working() {
  return (
    <Stack align="center" gap="xs">
      <Loader size="sm" aria-hidden />
      <Text>{strings.working}</Text>
    </Stack>
  );
}

function Failed({ error }: { error: Error }) {
  if (error instanceof Problem && error.slug === "link-invalid") {
    return (
      <Alert role="alert" color="red" title={strings.linkInvalid}>
        {strings.linkInvalidHint}
      </Alert>
    );
  }
  if (error instanceof Unreachable) {
    return (
      <Alert role="alert" color="red" title={strings.failed}>
        {strings.unreachable}
      </Alert>
    );
  }
  return <ProblemAlert problem={error} title={strings.failed} />;
}
