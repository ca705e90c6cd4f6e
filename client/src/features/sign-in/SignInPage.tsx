import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import { useNavigate } from "react-router";
import { takePlace } from "@/shared/me/returnTo";
import { useSignedInElsewhere } from "@/shared/me/signedIn";
import { ErrorState } from "@/shared/states/ErrorState";
import { PageSkeleton } from "@/shared/states/Skeletons";
import { strings } from "@/strings/signIn";
import { clientConfigQuery } from "./clientConfig";
import { EntraSignIn } from "./EntraSignIn";
import { LinkSignIn } from "./LinkSignIn";
import { Plain } from "./Plain";

/** Signing in, the way this server wants it. */
export default function SignInPage() {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const enter = useCallback(() => {
    // Whoever was signed in before may have been somebody else.
    queryClient.clear();
    void navigate(takePlace(), { replace: true });
  }, [navigate, queryClient]);
  useSignedInElsewhere(enter);

  // A token leaves the address bar before anything is asked.
  const [withLink] = useState(() => window.location.hash.length > 1);
  const config = useQuery(clientConfigQuery);
  const signIn = config.data?.sign_in ?? (withLink ? "local" : undefined);
  return (
    <Plain title={strings.title}>
      {signIn === "local" ? (
        <LinkSignIn onSignedIn={enter} />
      ) : config.data ? (
        <EntraSignIn url={config.data.url} />
      ) : config.isError ? (
        <ErrorState title={strings.configFailed} error={config.error} onRetry={() => void config.refetch()} />
      ) : (
        <PageSkeleton />
      )}
    </Plain>
  );
}
