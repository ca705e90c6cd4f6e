import { Button, Text } from "@mantine/core";
import { Link } from "react-router";
import { strings } from "@/strings/signIn";
import { Plain } from "./Plain";

/** After signing out. */
export default function SignedOutPage() {
  return (
    <Plain title={strings.signedOut}>
      <Text>{strings.signedOutHint}</Text>
      <Button component={Link} to="/sign-in" variant="default">
        {strings.signInAgain}
      </Button>
    </Plain>
  );
}
