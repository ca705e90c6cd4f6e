import { Text } from "@mantine/core";
import { useMe } from "@/shared/me/me";
import { Page } from "@/shared/page/Page";
import { strings } from "@/strings/account";

/** Who is signed in. */
export default function AccountPage() {
  const { user } = useMe();
  return (
    <Page title={strings.title}>
      <Text>
        {user.display_name} ({user.email})
      </Text>
    </Page>
  );
}
