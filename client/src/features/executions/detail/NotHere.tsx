import { Button, Group } from "@mantine/core";
import { IconSearchOff } from "@tabler/icons-react";
import { Link } from "react-router";
import { orgPath, useOrg } from "@/shared/org/org";
import { Empty } from "@/shared/states/Empty";
import { strings } from "@/strings/execution";

/** In place of a run that is not where the address says: says where it may be. */
export function NotHere({ id }: { id: string }) {
  const org = useOrg();
  return (
    <Empty icon={IconSearchOff} title={strings.notFoundTitle(org.isAll ? strings.anywhere : org.name)}>
      {org.isAll ? strings.notFoundAnywhereHint : strings.notFoundHint}
      <Group justify="center" mt="sm" gap="xs">
        {!org.isAll && (
          <Button component={Link} to={orgPath("all", `executions/${id}`)} size="sm">
            {strings.lookEverywhere}
          </Button>
        )}
        <Button component={Link} to={orgPath(org.id, "executions")} size="sm" variant="default">
          {strings.toList}
        </Button>
      </Group>
    </Empty>
  );
}
