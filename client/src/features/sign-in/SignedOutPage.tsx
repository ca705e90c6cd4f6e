import { Button, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link } from "react-router";
import { strings } from "@/strings/signIn";
import { clientConfigQuery } from "./clientConfig";
import { Plain } from "./Plain";

/** After signing out. */
export default function SignedOutPage() {
  const queryClient = useQueryClient();
  // Here, because the pages that show those answers are gone only now.
  useEffect(() => {
    queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== clientConfigQuery.queryKey[0] });
    queryClient.getMutationCache().clear();
  }, [queryClient]);
  // Until the server has said so, and if it does not, nothing is offered that may not be there.
  const { data: config } = useQuery(clientConfigQuery);
  return (
    <Plain title={strings.signedOut}>
      <Text>{strings.signedOutHint}</Text>
      <Button component={Link} to="/sign-in" variant="default">
        {strings.signInAgain}
      </Button>
      {config?.sign_in === "entra" && (
        <>
          <Text>{strings.signedOutEntra}</Text>
          {/* A page of the server, no route of this client. */}
          <Button component="a" href="/api/auth/entra/sign-out" variant="subtle">
            {strings.signOutOfMicrosoft}
          </Button>
        </>
      )}
    </Plain>
  );
}
