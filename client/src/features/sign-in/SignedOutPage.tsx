import { Button, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link } from "react-router";
import { strings } from "@/strings/signIn";
import { Plain } from "./Plain";

/** After signing out. */
export default function SignedOutPage() {
  const queryClient = useQueryClient();
  // Here, because the pages that show those answers are gone only now.
  useEffect(() => queryClient.clear(), [queryClient]);
  return (
    <Plain title={strings.signedOut}>
      <Text>{strings.signedOutHint}</Text>
      <Button component={Link} to="/sign-in" variant="default">
        {strings.signInAgain}
      </Button>
    </Plain>
  );
}
