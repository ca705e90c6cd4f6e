import { Select, Stack, Text } from "@mantine/core";
import { useNavigate } from "react-router";
import { useMe } from "@/shared/me/me";
import { strings } from "@/strings/shared";
import { orgPath } from "./org";

interface ChooseOrganizationProps {
  /** What needs one organization, as the start of a sentence: "Config". */
  what: string;
  /** The page under the chosen organization: `config`. */
  rest: string;
}

/** In place of a page that acts on one organization while the address says `all`: asks which one. */
export function ChooseOrganization({ what, rest }: ChooseOrganizationProps) {
  const { organizations } = useMe();
  const navigate = useNavigate();
  return (
    <Stack gap="sm" maw="26rem" py="md">
      <Text fw={600}>{strings.chooseTitle}</Text>
      <Text size="sm" c="dimmed">
        {strings.chooseHint(what)}
      </Text>
      <Select
        label={strings.chooseLabel}
        placeholder={strings.choosePlaceholder}
        searchable
        limit={50}
        nothingFoundMessage={strings.noMatch}
        data={organizations.map(({ id, name }) => ({ value: id, label: name }))}
        value={null}
        onChange={(id) => id && navigate(orgPath(id, rest))}
      />
    </Stack>
  );
}
